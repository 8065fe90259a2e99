// nmc_microcode: the program of the sequencer. It is generated from package firmware/microcode, which says what the words
// mean.
`default_nettype none

module nmc_microcode (
    input  wire        clk_i,
    input  wire [ 7:0] addr_i,
    output reg  [31:0] word_o   // one cycle later
);
  reg [31:0] rom[0:255];
  initial begin
`include "nmc_rom.vh"
  end
  always @(posedge clk_i) word_o <= rom[addr_i];
endmodule

`default_nettype wire
