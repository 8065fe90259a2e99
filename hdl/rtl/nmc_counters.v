// nmc_counters: what a run took: cycles, elements that overflowed, instructions retired.
//
// After the run they are a ring of twelve bytes in this order, low bytes first, which next_i turns by one: so a reader of
// bytes needs no multiplexer. A counter chooses between its sum and its neighbour by the sum's second operand, all ones,
// which an iCE40 does in the cell of the sum.
`default_nettype none

module nmc_counters (
    input  wire        clk_i,
    input  wire        rst_i,
    input  wire        clear_i,      // a run starts
    input  wire        running_i,    // counts a cycle
    input  wire        retire_i,     // counts an instruction
    input  wire [ 6:0] overflows_i,  // elements to count
    input  wire        next_i,       // turn, in the next cycle; not while the others count
    output wire [ 7:0] byte_o,
    output reg  [31:0] cycles_o,
    output reg  [31:0] overflow_o,
    output reg  [31:0] retired_o
);
  reg next;
  always @(posedge clk_i) next <= next_i && !rst_i;
  wire [31:0] ones = {32{next}};
  wire [31:0] cycles = cycles_o + (ones | 32'd1);
  wire [31:0] retired = retired_o + (ones | 32'd1);
  wire [31:0] overflow = overflow_o + (ones | {25'd0, overflows_i});
  wire clear = rst_i || clear_i;
  always @(posedge clk_i) begin
    if (clear) cycles_o <= 32'd0;
    else if (running_i || next) cycles_o <= next ? {overflow_o[7:0], cycles_o[31:8]} : cycles;
    if (clear) overflow_o <= 32'd0;
    else overflow_o <= next ? {retired_o[7:0], overflow_o[31:8]} : overflow;
    if (clear) retired_o <= 32'd0;
    else if (retire_i || next) retired_o <= next ? {cycles_o[7:0], retired_o[31:8]} : retired;
  end
  assign byte_o = cycles_o[7:0];
endmodule

`default_nettype wire
