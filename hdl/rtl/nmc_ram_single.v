// nmc_ram_single: memory with one port, which writes or reads in a cycle, and a write enable for each lane of the word.
`default_nettype none

// A read comes before the write in any case. Verilator keeps the loop a loop where nothing in it is delayed; Yosys makes a
// memory only of delayed writes.
`ifdef VERILATOR
`define NMC_WRITE =
`else
`define NMC_WRITE <=
`endif

module nmc_ram_single #(
    parameter Lanes = 4,  // write enables
    parameter LaneBits = 16,  // bits of a lane
    parameter Depth = 16384,  // words
    parameter AddrBits = 14
) (
    input  wire                      clk_i,
    input  wire                      we_i,
    input  wire                      re_i,     // ignored while we_i
    input  wire [         Lanes-1:0] lane_i,
    input  wire [      AddrBits-1:0] addr_i,
    input  wire [Lanes*LaneBits-1:0] wdata_i,  // a word, or
    input  wire                      one_i,    // one value to the lanes enabled
    input  wire [      LaneBits-1:0] odata_i,
    output reg  [Lanes*LaneBits-1:0] rdata_o   // one cycle after re_i, held until the next
);
  (* no_rw_check *)
  reg [Lanes*LaneBits-1:0] mem[0:Depth-1];

  reg [31:0] l;
`ifndef SYNTHESIS
  integer a;
  initial for (a = 0; a < Depth; a = a + 1) mem[a] = {Lanes * LaneBits{1'b0}};
`endif

  always @(posedge clk_i)
    if (we_i) begin
      for (l = 0; l < Lanes; l = l + 1)
        if (lane_i[l[(Lanes==1?1:$clog2(Lanes))-1:0]]) mem[addr_i][l*LaneBits+:LaneBits] `NMC_WRITE
            one_i ? odata_i : wdata_i[l*LaneBits+:LaneBits];
    end else if (re_i) rdata_o <= mem[addr_i];
endmodule

`undef NMC_WRITE
`default_nettype wire
