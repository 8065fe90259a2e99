// nmc_ram: memory with one write and one read port and a write enable for each lane of the word.
//
// Reading and writing one address in one cycle gives either value; the engine never does it.
`default_nettype none

// A read comes before the write in any case. Verilator keeps the loop a loop where nothing in it is delayed; Yosys makes a
// memory only of delayed writes.
`ifdef VERILATOR
`define NMC_WRITE =
`else
`define NMC_WRITE <=
`endif

module nmc_ram #(
    parameter Lanes = 4,  // write enables
    parameter LaneBits = 16,  // bits of a lane
    parameter Depth = 512,  // words
    parameter AddrBits = 9,
    parameter Zeroed = 0,  // synthesized with zeros in it
    parameter Small = 0  // of look-up tables where the part's can be memory: they say a word sooner than blocks
) (
    input  wire                      clk_i,
    // write a word, or one value to the lanes enabled
    input  wire                      we_i,
    input  wire [         Lanes-1:0] lane_i,
    input  wire [      AddrBits-1:0] waddr_i,
    input  wire [Lanes*LaneBits-1:0] wdata_i,
    input  wire                      one_i,
    input  wire [      LaneBits-1:0] odata_i,
    // read: data one cycle after re_i, held until the next
    input  wire                      re_i,
    input  wire [      AddrBits-1:0] raddr_i,
    output reg  [Lanes*LaneBits-1:0] rdata_o
);
`ifdef NMC_ECP5
  (* no_rw_check, ram_style = Small ? "distributed" : "auto" *)
`else
  (* no_rw_check *)
`endif
  reg [Lanes*LaneBits-1:0] mem[0:Depth-1];

  reg [31:0] l;
`ifdef SYNTHESIS
  localparam Clear = Zeroed;
`else
  localparam Clear = Zeroed | 1;  // the memory that a reset device is taken to have
`endif
  generate
    if (Clear != 0) begin : g_clear
      integer a;
      initial for (a = 0; a < Depth; a = a + 1) mem[a] = {Lanes * LaneBits{1'b0}};
    end
  endgenerate

  always @(posedge clk_i) begin
    if (re_i) rdata_o <= mem[raddr_i];
`ifdef NMC_FAST
    if (we_i && !one_i && lane_i == {Lanes{1'b1}}) mem[waddr_i] = wdata_i;
    else if (lane_i != {Lanes{1'b0}})
`endif
    if (we_i)
      for (l = 0; l < Lanes; l = l + 1)
        if (lane_i[l[(Lanes==1?1:$clog2(Lanes))-1:0]]) mem[waddr_i][l*LaneBits+:LaneBits] `NMC_WRITE
            one_i ? odata_i : wdata_i[l*LaneBits+:LaneBits];
  end
endmodule

`undef NMC_WRITE
`default_nettype wire
