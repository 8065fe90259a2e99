// nmc_crc32: CRC-32/ISO-HDLC register, Width bits a cycle, least significant bit first.
//
// crc_o is the raw register: the CRC on the wire is ~crc_o, low byte first. Over a message with its CRC appended the
// register ends at 0xdebb20e3. Feeding the register's own low bits shifts it right by Width with nothing mixed in,
// which is how a sender walks it out. Equal to Go's hash/crc32 (IEEE).
`default_nettype none

module nmc_crc32 #(
    parameter Width = 8  // data bits a cycle
) (
    input  wire             clk_i,
    input  wire             clear_i,  // start over (wins over valid_i)
    input  wire             valid_i,
    input  wire [Width-1:0] data_i,
    output wire [31:0]      crc_o
);
  reg [31:0] crc_q, crc_d;

  integer i;
  always @(*) begin
    crc_d = crc_q;
    for (i = 0; i < Width; i = i + 1)
      crc_d = {1'b0, crc_d[31:1]} ^ (crc_d[0] ^ data_i[i] ? 32'hedb88320 : 32'd0);
  end

  initial crc_q = 32'hffffffff;
  always @(posedge clk_i)
    if (clear_i) crc_q <= 32'hffffffff;
    else if (valid_i) crc_q <= crc_d;

  assign crc_o = crc_q;

`ifdef FORMAL
  // formal: depth=4 cover=8 params="Width=4"
  // One step is a division by the polynomial, bit after bit, of register and data together; a step with the register's
  // own low bits only shifts.
  reg past_ok;
  initial past_ok = 1'b0;
  always @(posedge clk_i) past_ok <= 1'b1;
  reg [31+Width:0] long_division;
  integer k;
  always @(*) begin
    long_division = {{Width{1'b0}}, crc_q} ^ {32'd0, data_i};
    for (k = 0; k < Width; k = k + 1)
      if (long_division[k]) long_division = long_division ^ ({{(Width - 1) {1'b0}}, 33'h1db710641} << k);
  end
  always @(posedge clk_i)
    if (past_ok) begin
      if ($past(clear_i)) assert (crc_q == 32'hffffffff);
      else if ($past(valid_i)) assert (crc_q == $past(long_division[31+Width:Width]));
      else assert (crc_q == $past(crc_q));
      if ($past(valid_i && !clear_i && data_i == crc_q[Width-1:0])) assert (crc_q == $past(crc_q) >> Width);
    end
  always @(posedge clk_i) begin
    cover (past_ok && crc_q == 32'h0fffffff);
    cover (past_ok && $past(valid_i && !clear_i && data_i == crc_q[Width-1:0]) && crc_q[0]);
  end
`endif
endmodule

`default_nettype wire
