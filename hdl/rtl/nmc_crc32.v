// nmc_crc32: CRC-32/ISO-HDLC of bytes, Width bits a cycle, least significant bit first.
//
// crc_o is the CRC as it stands on the wire, low byte first: the complement of the usual register, which starts at 0 so.
// A byte is added to the low end and divided out while ready_o is low. With rotate_i it is added, but nothing is divided:
// the register turns by a byte. So a sender walks the CRC out, a receiver compares its bytes (wrong_o: since clear_i a
// byte and what it was added to differed), and from zero it is a plain shift register. Equal to Go's hash/crc32 (IEEE).
`default_nettype none

module nmc_crc32 #(
    parameter Width = 2  // bits a cycle: 1, 2, 4 or 8
) (
    input  wire        clk_i,
    input  wire        clear_i,   // start over (wins over valid_i)
    // bytes
    input  wire        valid_i,
    output wire        ready_o,
    input  wire        rotate_i,
    input  wire [7:0]  data_i,
    // steady while ready_o
    output wire [31:0] crc_o,
    output wire        wrong_o
);
  localparam Steps = 8 / Width;

  reg [31:0] crc_q, mix;
  reg        busy_q, rotate_q, wrong_q;
  reg [2:0]  step_q;

  // The register moves, and what falls out is divided on its own.
  integer i;
  always @(*) begin
    mix = rotate_q ? 32'd0 : {{(32 - Width) {1'b0}}, ~crc_q[Width-1:0]};
    for (i = 0; i < Width; i = i + 1) mix = {1'b0, mix[31:1]} ^ (mix[0] ? 32'hedb88320 : 32'd0);
  end
  wire [Width-1:0] top = rotate_q ? crc_q[Width-1:0] : {Width{1'b1}};

  initial begin
    crc_q  = 32'd0;
    busy_q = 1'b0;
    step_q = 3'd0;
  end
  always @(posedge clk_i)
    if (clear_i) begin
      crc_q   <= 32'd0;
      busy_q  <= 1'b0;
      step_q  <= 3'd0;
      wrong_q <= 1'b0;
    end else if (busy_q) begin
      crc_q  <= {top, crc_q[31:Width]} ^ mix;
      busy_q <= step_q != Steps[2:0] - 3'd1;
      step_q <= (step_q + 3'd1) & (Steps[2:0] - 3'd1);
      if (rotate_q && crc_q[Width-1:0] != 0) wrong_q <= 1'b1;
    end else if (valid_i) begin
      crc_q[7:0] <= crc_q[7:0] ^ data_i;
      busy_q     <= 1'b1;
      rotate_q   <= rotate_i;
    end

  assign ready_o = !busy_q;
  assign crc_o   = crc_q;
  assign wrong_o = wrong_q;

`ifdef FORMAL
  // formal: depth=7 cover=16
  // What is to come out of a byte: a division by the polynomial, bit after bit, of register and data together.
  reg past_ok;
  initial past_ok = 1'b0;
  always @(posedge clk_i) past_ok <= 1'b1;
  reg [39:0] long_division;
  integer k;
  always @(*) begin
    long_division = {8'd0, ~crc_q} ^ {32'd0, data_i};
    for (k = 0; k < 8; k = k + 1) if (long_division[k]) long_division = long_division ^ ({7'd0, 33'h1db710641} << k);
  end
  reg [31:0] result;
  reg        differ;
  initial result = 32'd0;
  always @(posedge clk_i)
    if (clear_i) begin
      result <= 32'd0;
      differ <= 1'b0;
    end else if (valid_i && ready_o) begin
      result <= rotate_i ? {crc_q[7:0] ^ data_i, crc_q[31:8]} : ~long_division[39:8];
      differ <= differ || (rotate_i && crc_q[7:0] != data_i);
    end
  reg known;  // the flags have been cleared once
  initial known = 1'b0;
  always @(posedge clk_i) if (clear_i) known <= 1'b1;
  always @(*) begin
    if (ready_o) assert (crc_q == result);
    if (ready_o && known) assert (wrong_o == differ);
    if (!busy_q) assert (step_q == 3'd0);
    assert (step_q < Steps);
  end
  // A byte takes as many cycles as it has steps, and one to come in.
  reg [3:0] spent;
  initial spent = 4'd0;
  always @(posedge clk_i) spent <= ready_o || clear_i ? 4'd0 : spent + 4'd1;
  always @(*) if (busy_q) assert (spent == {1'b0, step_q});
  always @(posedge clk_i) begin
    cover (known && ready_o && wrong_o);
    cover (past_ok && known && ready_o && $past(busy_q && rotate_q) && !wrong_o && crc_q != 32'd0);
    cover (past_ok && ready_o && $past(busy_q && !rotate_q) && crc_q[31:8] != 24'd0);
  end
`endif
endmodule

`default_nettype wire
