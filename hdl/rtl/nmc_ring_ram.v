// nmc_ring_ram: bytes with an end mark, written by one clock and read by another.
`default_nettype none

module nmc_ring_ram #(
    parameter AddrBits = 12
) (
    // write
    input  wire                wclk_i,
    input  wire                we_i,
    input  wire [AddrBits-1:0] waddr_i,
    input  wire [8:0]          wdata_i,
    // read
    input  wire                rclk_i,
    input  wire [AddrBits-1:0] raddr_i,
    output reg  [8:0]          rdata_o
);
  (* no_rw_check *)
  reg [8:0] mem[0:(1<<AddrBits)-1];
  always @(posedge wclk_i) if (we_i) mem[waddr_i] <= wdata_i;
  always @(posedge rclk_i) rdata_o <= mem[raddr_i];
endmodule

`default_nettype wire
