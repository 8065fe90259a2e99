// nmc_eth_fcs: one byte's step of Ethernet's frame check sequence, in one cycle where nmc_crc32 takes some.
//
// crc_o = CRC-32 register after data_i, least significant bit first. The register starts as ones; its complement is the
// sequence, low byte first; after a frame with its sequence it is 32'hdebb20e3.
`default_nettype none

module nmc_eth_fcs (
    input  wire [31:0] crc_i,
    input  wire [7:0]  data_i,
    output reg  [31:0] crc_o
);
  integer i;
  always @(*) begin
    crc_o = crc_i ^ {24'd0, data_i};
    for (i = 0; i < 8; i = i + 1) crc_o = {1'b0, crc_o[31:1]} ^ (crc_o[0] ? 32'hedb88320 : 32'd0);
  end
endmodule

`default_nettype wire
