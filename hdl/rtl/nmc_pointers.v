// nmc_pointers: the adder of the sequencer: a register (or a row of the engine's own in the register memory) plus
// one operand. Addresses and counts live in those rows; a state names the row it reads, the operand, and where the sum
// goes.
//
// The selects of the operand are one-hot, none is 0. With shift_i the register counts elements and the sum words of vectors.
`default_nettype none
`include "nmc_isa.vh"

module nmc_pointers #(
    parameter WeightBits = 14,
    parameter VectorBits = 9,
    parameter LaneBits = 3,
    parameter WordBits = 11
) (
    input  wire [          31:0] value_i,
    input  wire                  shift_i,
    input  wire                  wbase_i,    // or vector operand c
    input  wire                  sbase_i,    // or vector operand a
    input  wire                  dbase_i,    // or the destination of a vector instruction
    input  wire                  b_i,
    input  wire                  imm_i,
    input  wire                  rows_i,
    input  wire                  word_i,
    input  wire                  dptr_i,
    input  wire                  first_i,
    input  wire                  signed_i,   // first_i: as a signed number
    input  wire                  label_i,
    input  wire                  input_i,
    input  wire                  limit_i,
    input  wire                  host_i,
    input  wire                  one_i,      // +1
    input  wire                  minus_i,    // -1
    input  wire                  upper_i,    // -1 in the upper half
    input  wire                  high_i,     // sbase_i: the address has an upper half, in dbase or, for a digest, in b
    input  wire                  is_dig_i,

    input  wire [         127:0] ir_i,
    input  wire [  WordBits-1:0] word_value_i,
    input  wire [VectorBits-1:0] dptr_value_i,
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
  wire [31:0] shifted = value_i >> LL;
  wire [31:0] a = {value_i[31:VectorBits], shift_i ? shifted[VectorBits-1:0] : value_i[VectorBits-1:0]};

  wire [21:0] wbase = ir_i[`NMC_MATRIX_WBASE];
  wire [15:0] dbase = ir_i[`NMC_MATRIX_DBASE];
  wire [15:0] vector_b = ir_i[`NMC_VECTOR_B];
  wire [31:0] imm = ir_i[`NMC_SCALAR_IMM];
  wire [31:0] host = host_value_i >> LL;
  wire [31:0] mask = {32{1'b1}} >> (32 - WeightBits) | 32'hffff;
  wire [31:0] host_mask = {32{1'b1}} >> (32 - (WeightBits > VectorBits ? WeightBits : VectorBits));
  wire [31:0] upper = high_i ? {(is_dig_i ? vector_b : dbase) & mask[31:16], 16'd0} : 32'd0;
  // What comes from outside stands apart: simulators form it again whenever an input of the device might have changed.
  reg [31:0] inner, outer;
  always @(*) begin
    inner = (wbase_i ? {10'd0, wbase} & mask : 32'd0) | (sbase_i ? {16'd0, ir_i[`NMC_MATRIX_SBASE]} : 32'd0)
          | (dbase_i ? {16'd0, dbase} : 32'd0) | (b_i ? {16'd0, vector_b} : 32'd0)
          | (imm_i ? {{32 - VectorBits{1'b0}}, imm[VectorBits-1:0]} : 32'd0)
          | (rows_i ? {19'd0, ir_i[`NMC_MATRIX_ROWS]} : 32'd0);
    inner = inner | (word_i ? {{32 - WordBits{1'b0}}, word_value_i} : 32'd0)
          | (dptr_i ? {{32 - VectorBits{1'b0}}, dptr_value_i} : 32'd0)
          | (first_i ? {{16{signed_i && first_value_i[15]}}, first_value_i} : 32'd0)
          | {31'd0, one_i} | {32{minus_i}} | {{16{upper_i}}, 16'd0} | upper;
  end
  always @(*) begin
    outer = inner;
    if (label_i) outer = inner | {16'd0, label_value_i};
    if (input_i) outer = inner | input_value_i;
    if (limit_i) outer = inner | limit_value_i;
    if (host_i) outer = inner | host & host_mask;
  end
  assign sum_o = a + outer;
  assign low_end_o = value_i[15:1] == 15'd0;
  assign high_end_o = value_i[31:17] == 15'd0;
endmodule

`default_nettype wire
