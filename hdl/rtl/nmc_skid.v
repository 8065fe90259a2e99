// nmc_skid: register slice for a valid/ready stream: no combinational path either way, full rate, two items deep.
`default_nettype none

module nmc_skid #(
    parameter Width = 8
) (
    input  wire             clk_i,
    input  wire             rst_i,    // synchronous, active high
    // in
    input  wire             valid_i,
    output wire             ready_o,
    input  wire [Width-1:0] data_i,
    // out
    output wire             valid_o,
    input  wire             ready_i,
    output wire [Width-1:0] data_o
);
  reg valid_q;  // an item is on the output
  reg spare_q;  // another one came while it was stalled
  reg [Width-1:0] data_q, skid_q;

  assign ready_o = !spare_q;
  assign valid_o = valid_q;
  assign data_o  = data_q;

  wire move = !valid_q || ready_i;  // the output register takes an item, if there is one

  initial begin
    valid_q = 1'b0;
    spare_q = 1'b0;
  end
  always @(posedge clk_i)
    if (rst_i) begin
      valid_q <= 1'b0;
      spare_q <= 1'b0;
    end else begin
      if (move) valid_q <= spare_q || valid_i;
      if (move) spare_q <= 1'b0;
      else if (valid_i && ready_o) spare_q <= 1'b1;
    end

  always @(posedge clk_i) begin
    if (move) data_q <= spare_q ? skid_q : data_i;
    if (ready_o) skid_q <= data_i;
  end

`ifdef FORMAL
  // formal: depth=8 cover=10 params="Width=2"
  reg past_ok;
  initial past_ok = 1'b0;
  always @(posedge clk_i) past_ok <= 1'b1;

  // What is inside, in order, as a queue of two beside the registers.
  reg [1:0] count;
  reg [Width-1:0] first, second;
  initial count = 2'd0;
  wire put = valid_i && ready_o;
  wire take = valid_o && ready_i;
  always @(posedge clk_i)
    if (rst_i) count <= 2'd0;
    else begin
      count <= count + {1'b0, put} - {1'b0, take};
      if (take) first <= count == 2'd2 ? second : data_i;
      else if (put && count == 2'd0) first <= data_i;
      if (put && count == 2'd1 && !take) second <= data_i;
      if (put && count == 2'd2 && take) second <= data_i;
    end
  always @(*) begin
    assert (count == {1'b0, valid_q} + {1'b0, spare_q});
    assert (valid_o == (count != 2'd0));
    assert (ready_o == (count != 2'd2));
    if (count != 2'd0) assert (data_o == first);
    if (count == 2'd2) assert (skid_q == second);
  end
  always @(posedge clk_i)
    if (past_ok && !$past(rst_i) && $past(valid_o && !ready_i)) assert (valid_o && $stable(data_o));
  always @(posedge clk_i) begin
    cover (count == 2'd2);
    cover (past_ok && $past(count == 2'd2) && take && count == 2'd1);
    cover (past_ok && $past(put && take) && put && take);
  end
`endif
endmodule

`default_nettype wire
