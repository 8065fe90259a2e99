// nmc_byte_ram: bytes, one write and one registered read port.
//
// A read of the byte being written in the same cycle is undefined. The last 16 bytes start as Tail (low byte first),
// the others as zero.
`default_nettype none

module nmc_byte_ram #(
    parameter         Depth = 256,  // bytes, at least 16
    parameter [127:0] Tail  = 128'd0
) (
    input  wire                     clk_i,
    // write
    input  wire                     we_i,
    input  wire [$clog2(Depth)-1:0] waddr_i,
    input  wire [7:0]               wdata_i,
    // read
    input  wire [$clog2(Depth)-1:0] raddr_i,
    output reg  [7:0]               rdata_o
);
  (* no_rw_check *)
  reg [7:0] mem[0:Depth-1];

`ifndef FORMAL  // proofs hold for any contents
  integer i;
  initial begin
    for (i = 0; i < Depth - 16; i = i + 1) mem[i] = 8'd0;
    for (i = 0; i < 16; i = i + 1) mem[Depth-16+i] = Tail[8*i+:8];
  end
`endif

  always @(posedge clk_i) begin
    if (we_i) mem[waddr_i] <= wdata_i;
    rdata_o <= mem[raddr_i];
  end
endmodule

`default_nettype wire
