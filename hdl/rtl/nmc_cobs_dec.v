// nmc_cobs_dec: COBS decoder, one byte a cycle, nothing buffered.
//
// An encoded byte gives at most one decoded byte, in the same cycle. A zero byte always ends the frame: end_o for one
// cycle, with error_o when the last block was cut short. Zero bytes between frames are ignored.
`default_nettype none

module nmc_cobs_dec (
    input  wire       clk_i,
    input  wire       rst_i,    // synchronous, active high
    // encoded bytes
    input  wire       valid_i,
    input  wire [7:0] data_i,
    // decoded bytes
    output wire       valid_o,
    output wire [7:0] data_o,
    // end of a frame
    output wire       end_o,
    output wire       error_o,
    // inside a frame
    output wire       open_o
);
  reg       open_q;  // inside a frame
  reg       full_q;  // the current block has 254 bytes: no zero follows it
  reg [7:0] left_q;  // bytes left in the current block, the next length included; 0 between frames

  wire zero = data_i == 8'd0;
  wire code = left_q[7:1] == 7'd0;  // this byte is a block's length

  wire [7:0] less = left_q + {8{!code}};  // less one; the choice below as an operand costs no gate

  assign valid_o = valid_i && !zero && open_q && !(code && full_q);
  assign data_o  = code ? 8'd0 : data_i;
  assign end_o   = valid_i && zero && open_q;
  assign error_o = !code;
  assign open_o  = open_q;

  initial begin
    open_q = 1'b0;
    full_q = 1'b0;
    left_q = 8'd0;
  end
  always @(posedge clk_i)
    if (rst_i) begin
      open_q <= 1'b0;
      left_q <= 8'd0;
    end else if (valid_i) begin
      open_q <= !zero;
      if (zero) left_q <= 8'd0;
      else left_q <= code ? data_i : less;
      if (code) full_q <= data_i == 8'hff;
    end

`ifdef FORMAL
  // formal: depth=12 cover=12
  reg past_ok;
  initial past_ok = 1'b0;
  always @(posedge clk_i) past_ok <= 1'b1;

  // The encoded length of the frame so far, and what came out of it.
  reg [15:0] in_q, out_q;
  initial begin
    in_q  = 16'd0;
    out_q = 16'd0;
  end
  always @(posedge clk_i)
    if (rst_i || (valid_i && zero)) begin
      in_q  <= 16'd0;
      out_q <= 16'd0;
    end else if (valid_i) begin
      in_q  <= in_q + 16'd1;
      out_q <= out_q + {15'd0, valid_o};
    end

  // A frame never grows: at least the first length byte gives nothing.
  always @(*) begin
    assume (in_q != 16'hffff);
    assert (open_q == (in_q != 16'd0));
    assert (out_q < in_q || in_q == 16'd0 && out_q == 16'd0);
    if (!open_q) assert (code && !valid_o && !end_o);
    if (open_q && valid_i && zero) assert (end_o);
  end
  // A delimiter resynchronises, whatever came before: the decoder is as after reset and says so once.
  always @(posedge clk_i)
    if (past_ok && !$past(rst_i) && $past(valid_i && zero)) begin
      assert (!open_q && left_q == 8'd0);
      assert (!valid_o);
      if (valid_i && zero) assert (!end_o);
    end
  // Inside a block a byte passes unchanged.
  always @(*) if (valid_i && !zero && !code && open_q) assert (valid_o && data_o == data_i);
  always @(*) if (valid_o && code) assert (data_o == 8'd0);
  always @(posedge clk_i) begin
    cover (end_o && !error_o && out_q == 16'd3);
    cover (end_o && error_o);
    cover (valid_o && data_o == 8'd0);
  end
`endif
endmodule

`default_nettype wire
