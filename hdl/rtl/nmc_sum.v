// nmc_sum: the Internet checksum of bytes, one a cycle: their sum in ones' complement, two bytes a word, high byte first.
//
// The halves change places with each byte, so one adder of eight bits does; its carry is added with the next byte, where
// it belongs. After an even number of bytes and four zeros sum_o is the sum; after two zeros already, it is all ones
// exactly if a checksum among the bytes is right, whether their number is even or odd (RFC 1071).
`default_nettype none

module nmc_sum (
    input  wire        clk_i,
    input  wire        clear_i,  // to zero; wins over valid_i
    input  wire        valid_i,
    input  wire [7:0]  data_i,
    output wire [15:0] sum_o
);
  reg [7:0] high_q, low_q;
  reg       carry_q;

  initial {high_q, low_q, carry_q} = 17'd0;
  always @(posedge clk_i)
    if (clear_i) {high_q, low_q, carry_q} <= 17'd0;
    else if (valid_i) begin
      {carry_q, low_q} <= {1'b0, high_q} + {1'b0, data_i} + {8'd0, carry_q};
      high_q <= low_q;
    end
  assign sum_o = {high_q, low_q};

`ifdef FORMAL
  // formal: depth=6 cover=14
  // The sum by definition: of words, the carry around the end.
  reg past_ok;
  initial past_ok = 1'b0;
  always @(posedge clk_i) past_ok <= 1'b1;
  reg [15:0] sum, before;
  reg        odd;
  reg [2:0]  zeros;  // in a row
  initial {sum, odd, zeros} = 20'd0;
  function [15:0] add(input [15:0] a, input [15:0] b);
    reg [16:0] s;
    begin
      s   = {1'b0, a} + {1'b0, b};
      add = s[15:0] + {15'd0, s[16]};
    end
  endfunction
  always @(posedge clk_i)
    if (clear_i) {sum, odd, zeros} <= 20'd0;
    else if (valid_i) begin
      sum   <= add(sum, odd ? {8'd0, data_i} : {data_i, 8'd0});
      odd   <= !odd;
      zeros <= data_i != 8'd0 ? 3'd0 : zeros == 3'd7 ? 3'd7 : zeros + 3'd1;
    end
  // What the register stands for: the carry counts in the other half.
  wire [15:0] swapped = odd ? {low_q, high_q} : {high_q, low_q};
  wire [15:0] stands = add(swapped, !carry_q ? 16'd0 : odd ? 16'd1 : 16'd256);
  always @(*) begin
    assert (stands == sum);
    // Zeros end the row of carries.
    if (zeros >= 3'd1 && carry_q) assert (low_q == 8'd0);
    if (zeros >= 3'd2 && carry_q) assert (high_q == 8'd0);
    if (zeros >= 3'd3) assert (!carry_q);
    if (zeros >= 3'd4 && !odd) assert (sum_o == sum);
    // What a receiver asks.
    if (zeros >= 3'd2) assert ((sum_o == 16'hffff) == (sum == 16'hffff));
  end
  always @(posedge clk_i) begin
    cover (zeros == 3'd4 && !odd && sum == 16'h1234);
    cover (zeros == 3'd2 && odd && sum_o == 16'hffff);
    cover (past_ok && carry_q && $past(carry_q));
  end
`endif
endmodule

`default_nettype wire
