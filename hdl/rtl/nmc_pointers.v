// nmc_pointers: the adder of the sequencer: a register (or a row of the engine's own in the register memory) plus
// one operand. Addresses and counts live in those rows; a state names the row it reads, the operand, and where the sum
// goes.
//
// With ..._WORDS the register counts elements and the sum words of vectors.
`default_nettype none
`include "nmc_isa.vh"
`include "nmc_micro.vh"

// Conditions that change nothing: with them a simulator forms what a step needs, without them it takes fewer cells.
`ifdef NMC_FAST
`define NMC_SPARE(condition) (condition)
`else
`define NMC_SPARE(condition) (1'b1 || (condition))
`endif

module nmc_pointers #(
    parameter WeightBits = 14,
    parameter VectorBits = 9,
    parameter LaneBits = 3,
    parameter Wide = 1  // accumulators are stored
) (
    input  wire [          31:0] value_i,
    input  wire [           3:0] add_i,      // the operand: codes NMC_ADD_
    input  wire [           1:0] outside_i,  // ... NMC_OUT_
    input  wire                  is_matrix_i,
    input  wire                  is_dig_i,
    input  wire [           2:0] zero_i,     // vector operands c, b, a that are zero

    input  wire [         127:0] ir_i,
    input  wire [VectorBits-1:0] dest_value_i,
    input  wire [          15:0] first_value_i,
    input  wire [          15:0] label_value_i,
    input  wire [          31:0] input_value_i,
    input  wire [          31:0] limit_value_i,
    input  wire [          31:0] host_value_i,

    output wire [          31:0] sum_o,
    output wire                  low_end_o,  // the low half of the register is 0 or 1
    output wire                  high_end_o  // the high half
);
  localparam LL = LaneBits - 1;
  reg c_words, a_words, b_words, d_words, imm_words, dest, a_high, wbase_on, sbase_on, dbase_on, b_on, first_on, minus, words;
  wire [31:0] shifted = value_i >> LL;
  wire [21:0] wbase = ir_i[`NMC_MATRIX_WBASE];
  wire [15:0] dbase = ir_i[`NMC_MATRIX_DBASE];
  wire [15:0] vector_b = ir_i[`NMC_VECTOR_B];
  wire [31:0] imm = ir_i[`NMC_SCALAR_IMM];
  wire [31:0] host = host_value_i >> LL;
  wire [31:0] mask = {32{1'b1}} >> (32 - WeightBits) | 32'hffff;
  wire [31:0] host_mask = {32{1'b1}} >> (32 - (WeightBits > VectorBits ? WeightBits : VectorBits));
  reg [15:0] upper;  // half of an address: for a digest in b, for a blend in dbase
  reg [31:0] a, outer;
  always @(*) begin
    {c_words, a_words, b_words, d_words, imm_words, dest, a_high} = 7'd0;
    {wbase_on, sbase_on, dbase_on, b_on, first_on, minus, words} = 7'd0;
    upper = 16'd0;
    a = value_i;
    outer = 32'd0;
    if (`NMC_SPARE(add_i != `NMC_ADD_NONE)) begin
      c_words = add_i == `NMC_ADD_C_WORDS;
      a_words = add_i == `NMC_ADD_A_WORDS;
      b_words = add_i == `NMC_ADD_B_WORDS;
      d_words = add_i == `NMC_ADD_D_WORDS;
      imm_words = add_i == `NMC_ADD_IMM;
      dest = Wide != 0 && add_i == `NMC_ADD_DEST;
      a_high = add_i == `NMC_ADD_A_HIGH;
      wbase_on = add_i == `NMC_ADD_WBASE || c_words && !zero_i[2];
      sbase_on = a_high || a_words && !zero_i[0];
      dbase_on = d_words || add_i == `NMC_ADD_D;
      b_on = b_words && !zero_i[1];
      first_on = add_i == `NMC_ADD_FIRST;
      minus = add_i == `NMC_ADD_MINUS;
      words = c_words || a_words || b_words || d_words || imm_words || dest;
      a = {value_i[31:VectorBits], words ? shifted[VectorBits-1:0] : value_i[VectorBits-1:0]};
      upper = (is_dig_i && a_words ? vector_b : a_high ? dbase : 16'd0) & mask[31:16];
      outer = (wbase_on ? {10'd0, wbase} & mask : 32'd0) | (sbase_on ? {16'd0, ir_i[`NMC_MATRIX_SBASE]} : 32'd0)
            | (dbase_on ? {16'd0, dbase} : 32'd0) | (b_on ? {16'd0, vector_b} : 32'd0)
            | (imm_words ? {{32 - VectorBits{1'b0}}, imm[VectorBits-1:0]} : 32'd0)
            | (Wide != 0 && add_i == `NMC_ADD_ROWS ? {19'd0, ir_i[`NMC_MATRIX_ROWS]} : 32'd0);
      outer = outer | (dest ? {{32 - VectorBits{1'b0}}, dest_value_i} : 32'd0)
            | (first_on ? {{16{!is_matrix_i && first_value_i[15]}}, first_value_i} : 32'd0)
            | {31'd0, add_i == `NMC_ADD_ONE} | {32{minus}} | {{16{add_i == `NMC_ADD_UPPER}}, 16'd0} | {upper, 16'd0};
      if (add_i == `NMC_ADD_OUTSIDE)
        case (outside_i)
          `NMC_OUT_LIMIT: outer = limit_value_i;
          `NMC_OUT_INPUT: outer = input_value_i;
          `NMC_OUT_LABEL: outer = {16'd0, label_value_i};
          default: outer = host & host_mask;
        endcase
    end
  end
  assign sum_o = a + outer;
  assign low_end_o = value_i[15:1] == 15'd0;
  assign high_end_o = value_i[31:17] == 15'd0;
endmodule

`undef NMC_SPARE
`default_nettype wire
