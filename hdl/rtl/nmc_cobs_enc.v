// nmc_cobs_enc: COBS encoder for frames of 1 to 254 bytes: what is written where in a RAM of 256.
//
// The frame is encoded in place while it is filled: a nonzero byte is stored, a zero byte instead completes the
// length byte before it, so each byte costs one write. A zero after the frame completes the last length, and with end_i
// the delimiter follows it: the encoded frame is then at 0 and ended by the first zero.
`default_nettype none

module nmc_cobs_enc (
    input  wire       clk_i,
    input  wire       start_i,  // a new frame
    // frame
    input  wire       valid_i,
    input  wire       end_i,    // the delimiter; data_i is 0
    input  wire [7:0] data_i,
    input  wire       zero_i,   // data_i is 0
    // a write, whenever valid_i
    output wire [7:0] addr_o,
    output wire [7:0] data_o
);
  // Complemented, the address needs no gates beside its sum: pos = end - size, so ~pos = ~end + size.
  reg [7:0] nend_q;  // ~end: where the next byte goes
  reg [7:0] size_q;  // from the open length byte to the end

  wire seal = valid_i && zero_i;  // write the length byte
  wire [7:0] npos = nend_q + size_q;

  assign addr_o = ~(seal ? npos : nend_q);
  assign data_o = seal && !end_i ? size_q : data_i;

  always @(posedge clk_i)
    if (start_i) nend_q <= 8'd254;
    else if (valid_i) nend_q <= nend_q - 8'd1;
  always @(posedge clk_i)
    if (start_i || seal) size_q <= 8'd1;
    else if (valid_i) size_q <= size_q + 8'd1;

`ifdef FORMAL
  // formal: depth=6 cover=11
  reg past_ok;
  initial past_ok = 1'b0;
  always @(posedge clk_i) past_ok <= 1'b1;

  initial nend_q = 8'd254;
  initial size_q = 8'd1;
  wire [7:0] end_q = ~nend_q;
  wire [7:0] pos_q = ~npos;

  // What the sender keeps to: at most 254 bytes, a zero, the delimiter, a new frame.
  reg closed_q, ended_q;
  initial closed_q = 1'b0;
  initial ended_q = 1'b0;
  wire close = valid_i && data_i == 8'd0 && closing;
  (* anyseq *) reg closing;  // this zero is the one after the frame
  always @(posedge clk_i)
    if (start_i) {closed_q, ended_q} <= 2'b00;
    else begin
      if (close) closed_q <= 1'b1;
      if (valid_i && end_i) ended_q <= 1'b1;
    end
  always @(*) begin
    if (valid_i && end_q == 8'd255) assume (close || closed_q);
    assume (end_i == (valid_i && closed_q));
    if (end_i) assume (data_i == 8'd0);
    assume (zero_i == (data_i == 8'd0));
    if (ended_q) assume (!valid_i);
  end

  reg [7:0] lengths;  // sum of the lengths written
  initial lengths = 8'd0;
  always @(posedge clk_i)
    if (start_i) lengths <= 8'd0;
    else if (seal && !end_i) lengths <= lengths + data_o;

  always @(*) begin
    if (ended_q) assert (closed_q);
    if (!closed_q) assert (pos_q < end_q && end_q != 8'd0);
    if (closed_q && !ended_q) assert (end_q == pos_q + 8'd1 && pos_q != 8'd0);
    // Nothing but the delimiter is zero, and it follows the last byte.
    if (valid_i) assert ((data_o == 8'd0) == end_i);
    if (end_i) assert (addr_o == pos_q);
    // The lengths lead from each length byte to the next, the last to the delimiter.
    if (!ended_q) assert (lengths == pos_q);
    if (seal && !end_i) assert (addr_o == lengths && addr_o + data_o == end_q);
    // A byte of the frame goes behind what is there.
    if (valid_i && !seal) assert (addr_o == end_q && data_o == data_i);
  end
  always @(posedge clk_i) begin
    cover (ended_q && end_q == 8'd5 && pos_q == 8'd4);
    cover (end_i && end_q == 8'd7);
    cover (past_ok && $past(ended_q) && valid_i && !closed_q);
  end
`endif
endmodule

`default_nettype wire
