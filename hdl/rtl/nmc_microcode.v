// nmc_microcode: the program of the sequencer. It is generated from package firmware/microcode, which says what the words
// mean. The next word is the one at next of this word, the answer to its command or-ed into the address.
//
// A block of memory says its word late in a cycle, and a whole chain of decisions stands behind it. For a fast clock the word is a
// register, and the four words that can follow, a row of the memory, are read while the answer is found; the answer chooses among them.
// Both forms give the same words in the same cycles.
`default_nettype none
`include "nmc_micro.vh"

module nmc_microcode #(
    parameter Swift = 0
) (
    input  wire        clk_i,
    input  wire        rst_i,
    input  wire [ 1:0] answer_i,
    input  wire [ 3:0] upper_i,   // the answer's bits above these; with Swift those of the answer to the next word
    output wire [31:8] word_o
);
`ifdef NMC_FAST
  localparam Rows = 0;
`else
  localparam Rows = Swift;
`endif
  generate
    if (Rows != 0) begin : g_rows
      (* ram_style = "block" *) reg [127:0] rows[0:63];
      initial begin
`include "nmc_rom_rows.vh"
      end
      reg [127:0] row;
      reg [31:8] word;
      reg [1:0] base;
      // Where next is, is known before the answer.
      wire [31:0] word2 = base[0] ? row[127:96] : row[95:64];
      wire [31:0] word1 = base[1] ? row[127:96] : row[63:32];
      wire [31:0] word0 = base[1] ? word2 : base[0] ? row[63:32] : row[31:0];
      wire [31:0] chosen = answer_i[1] ? (answer_i[0] ? row[127:96] : word2) : answer_i[0] ? word1 : word0;
      wire [5:0] next = (chosen[7:2] | {2'd0, upper_i}) & {6{!rst_i}};
      always @(posedge clk_i) begin
        row <= rows[next];
        {word, base} <= {chosen[31:8], chosen[1:0]};
        if (rst_i) {word, base} <= 26'd0;  // it does nothing, and goes on at 0
      end
      assign word_o = word;
    end else begin : g_words
      reg [31:0] rom[0:255];
      initial begin
`include "nmc_rom.vh"
      end
      reg [31:0] word;
      reg [3:0] upper_q;
      wire [5:0] answer = {Swift != 0 ? upper_q : upper_i, answer_i};
      always @(posedge clk_i) begin
        upper_q <= upper_i;
        word <= rom[rst_i ? 8'd0 : word[`NMC_MICRO_NEXT] | {2'd0, answer}];
      end
      assign word_o = word[31:8];
    end
  endgenerate
endmodule

`default_nettype wire
