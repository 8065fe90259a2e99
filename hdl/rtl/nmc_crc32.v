// nmc_crc32: CRC-32/ISO-HDLC register, Width bits a cycle, least significant bit first.
//
// crc_o is the raw register: the CRC on the wire is ~crc_o, low byte first. Over a message with its CRC appended the
// register ends at 0xdebb20e3. With shift_i it is a plain register that moves right by Width: a sender walks it out so,
// and the user keeps other things in it meanwhile. Equal to Go's hash/crc32 (IEEE).
`default_nettype none

module nmc_crc32 #(
    parameter Width = 8  // data bits a cycle
) (
    input  wire             clk_i,
    input  wire             clear_i,  // start over (wins over valid_i)
    input  wire             valid_i,
    input  wire             shift_i,  // data go in at the top, nothing is mixed in
    input  wire [Width-1:0] data_i,
    output wire [31:0]      crc_o
);
  reg [31:0] crc_q, mix;

  // The register moves, and what falls out is divided on its own.
  integer i;
  always @(*) begin
    mix = shift_i ? 32'd0 : {{(32 - Width) {1'b0}}, crc_q[Width-1:0] ^ data_i};
    for (i = 0; i < Width; i = i + 1) mix = {1'b0, mix[31:1]} ^ (mix[0] ? 32'hedb88320 : 32'd0);
  end
  wire [Width-1:0] top = shift_i ? data_i : {Width{1'b0}};

  initial crc_q = 32'hffffffff;
  always @(posedge clk_i)
    if (clear_i) crc_q <= 32'hffffffff;
    else if (valid_i) crc_q <= {top, crc_q[31:Width]} ^ mix;

  assign crc_o = crc_q;

`ifdef FORMAL
  // formal: depth=4 cover=8 params="Width=4"
  // One step is a division by the polynomial, bit after bit, of register and data together.
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
      else if ($past(valid_i && shift_i)) assert (crc_q == {$past(data_i), $past(crc_q[31:Width])});
      else if ($past(valid_i)) assert (crc_q == $past(long_division[31+Width:Width]));
      else assert (crc_q == $past(crc_q));
    end
  always @(posedge clk_i) begin
    cover (past_ok && crc_q == 32'h0fffffff);
    cover (past_ok && $past(valid_i && shift_i && !clear_i) && crc_q[0]);
  end
`endif
endmodule

`default_nettype wire
