// nmc_ram: memory with one write and one read port and a write enable for each lane of the word.
//
// Reading and writing one address in one cycle gives either value; the engine never does it.
`default_nettype none

module nmc_ram #(
    parameter Lanes = 4,  // write enables
    parameter LaneBits = 16,  // bits of a lane
    parameter Depth = 512,  // words
    parameter AddrBits = 9
) (
    input  wire                      clk_i,
    // write
    input  wire                      we_i,
    input  wire [         Lanes-1:0] lane_i,
    input  wire [      AddrBits-1:0] waddr_i,
    input  wire [Lanes*LaneBits-1:0] wdata_i,
    // read: data one cycle after re_i, held until the next
    input  wire                      re_i,
    input  wire [      AddrBits-1:0] raddr_i,
    output reg  [Lanes*LaneBits-1:0] rdata_o
);
  (* no_rw_check *)
  reg [Lanes*LaneBits-1:0] mem[0:Depth-1];

  integer l;
`ifndef SYNTHESIS
  // Simulators start from the memory that a reset device is taken to have.
  integer a;
  initial for (a = 0; a < Depth; a = a + 1) mem[a] = {Lanes * LaneBits{1'b0}};
`endif

  always @(posedge clk_i) begin
    if (we_i)
      for (l = 0; l < Lanes; l = l + 1)
        if (lane_i[l]) mem[waddr_i][l*LaneBits+:LaneBits] <= wdata_i[l*LaneBits+:LaneBits];
    if (re_i) rdata_o <= mem[raddr_i];
  end
endmodule

`default_nettype wire
