// nmc_scalar: the arithmetic of the scalar instructions, one adder of 34 bits and the pair {hi, lo} as its shift
// register. Multiply, divide, square root and shifts take a cycle or two a bit.
//
// start_i comes with operand a; operand b is there from the next cycle on and stays until done_o. For a dot product
// start_i comes with the sum, which is shifted and saturated. Results equal those of package isa.
`default_nettype none
`include "nmc_isa.vh"

module nmc_scalar (
    input  wire        clk_i,
    input  wire        rst_i,
    input  wire        start_i,
    input  wire [ 5:0] op_i,
    input  wire [ 5:0] shift_i,
    input  wire [31:0] operand_i,  // a with start_i, then b
    input  wire [31:0] imm_i,
    input  wire [47:0] sum_i,      // dot: with start_i
    output wire        done_o,     // result and taken are valid
    output reg  [31:0] result_o,
    output wire        taken_o     // the branch is taken
);
  localparam [3:0] Idle = 4'd0;
  localparam [3:0] First = 4'd1;  // lo = hi, and what needs b
  localparam [3:0] Second = 4'd2;  // immediate of add
  localparam [3:0] MulAdd = 4'd3;
  localparam [3:0] MulShift = 4'd4;
  localparam [3:0] Right = 4'd5;
  localparam [3:0] Left = 4'd6;
  localparam [3:0] DivShift = 4'd7;
  localparam [3:0] DivSub = 4'd8;
  localparam [3:0] RootShift = 4'd9;
  localparam [3:0] RootSub = 4'd10;
  localparam [3:0] Fit = 4'd11;  // hi = lo + carry, or saturated
  localparam [3:0] Done = 4'd12;

  reg [3:0] state;
  reg signed [33:0] hi;
  reg [31:0] lo;
  reg [5:0] count;
  reg [31:0] root;
  reg carry, sign, sticky, second;

  wire is_mul = op_i == `NMC_OP_MUL;
  wire is_div = op_i == `NMC_OP_DIV;
  wire is_sqrt = op_i == `NMC_OP_SQRT;
  wire is_shl = op_i == `NMC_OP_SHL;
  wire is_shr = op_i == `NMC_OP_SHR;
  wire is_add = op_i == `NMC_OP_ADD;
  wire is_loop = op_i == `NMC_OP_LOOP;
  wire is_dot = op_i == `NMC_OP_DOT;

  // One adder: (clear ? 0 : hi) +- operand.
  reg clear, subtract;
  reg signed [33:0] operand;
  wire signed [33:0] b = {{2{operand_i[31]}}, operand_i};
  always @(*) begin
    clear = 1'b0;
    subtract = 1'b0;
    operand = b;
    case (state)
      Idle: begin
        clear = 1'b1;
        subtract = is_div && operand_i[31];
      end
      First: begin
        subtract = 1'b1;
        if (is_add) subtract = 1'b0;
        if (is_loop) operand = 34'd1;
      end
      Second: operand = {{2{imm_i[31]}}, imm_i};
      MulAdd: subtract = count == 6'd1;
      DivSub: subtract = !operand_i[31];
      RootSub: begin
        subtract = 1'b1;
        operand  = {root, 2'b01};
      end
      default: operand = b;
    endcase
  end
  wire signed [33:0] sum = (clear ? 34'sd0 : hi) + (subtract ? ~operand : operand) + {33'd0, subtract};

  wire fits = hi == {34{lo[31]}};

  always @(posedge clk_i) begin
    case (state)
      Idle: begin
        sign   <= operand_i[31];
        carry  <= 1'b0;
        sticky <= 1'b0;
        root   <= 32'd0;
        count  <= shift_i;
        second <= 1'b0;
        if (is_dot) begin
          hi <= {{18{sum_i[47]}}, sum_i[47:32]};
          lo <= sum_i[31:0];
        end else hi <= sum;
        if (start_i) state <= is_dot ? Right : First;
      end
      First: begin
        if (!is_dot) lo <= hi[31:0];
        hi <= sum;
        state <= Done;
        if (is_add) state <= Second;
        if (is_mul) begin
          hi <= 34'd0;
          count <= 6'd32;
          state <= MulAdd;
        end
        if (is_div || is_sqrt) begin
          hi <= 34'd0;
          sign <= sign ^ (operand_i[31] && is_div);
          count <= 6'd32;
          // An odd number of radicand bits starts with a pair of one.
          second <= is_sqrt && shift_i[0];
          state <= is_div ? DivShift : RootShift;
        end
        if (is_shl || is_shr) begin
          hi <= {34{sign}};
          state <= is_shl ? Left : Right;
        end
      end
      Second: begin
        hi <= sum;
        state <= Done;
      end

      MulAdd: begin
        if (lo[0]) hi <= sum;
        state <= MulShift;
      end
      MulShift: begin
        {hi, lo} <= {hi[33], hi, lo[31:1]};
        count <= count - 6'd1;
        state <= MulAdd;
        if (count == 6'd1) begin
          count <= shift_i;
          state <= Right;
        end
      end
      Right:
      if (count == 6'd0) state <= Fit;
      else begin
        {hi, lo} <= {hi[33], hi, lo[31:1]};
        carry <= lo[0] && is_mul;
        count <= count - 6'd1;
      end
      Left:
      if (count == 6'd0) state <= Fit;
      else begin
        {hi, lo} <= {hi[32:0], lo, 1'b0};
        count <= count - 6'd1;
      end

      // The quotient enters lo complemented where the result is negative; carry then makes it the negative.
      DivShift: begin
        hi <= {hi[32:0], lo[31] && !second};
        lo <= {lo[30:0], sign};
        sticky <= sticky || (second && lo[31] != sign);
        state <= DivSub;
      end
      DivSub: begin
        if (!sum[33]) begin
          hi <= sum;
          lo[0] <= !sign;
        end
        count <= count - 6'd1;
        state <= DivShift;
        if (count == 6'd1) begin
          count  <= shift_i;
          second <= 1'b1;
          if (second || shift_i == 6'd0) begin
            hi <= {34{sign}};
            carry <= sign;
            state <= Fit;
          end
        end
      end

      RootShift: begin
        {hi, lo} <= {hi[32:0], lo, 1'b0};
        second <= !second;
        if (second) state <= RootSub;
      end
      RootSub: begin
        if (!sum[33]) hi <= sum;
        root <= {root[30:0], !sum[33]};
        state <= RootShift;
        count <= count - 6'd1;
        if (count == 6'd1) state <= Done;
      end

      Fit: begin
        // hi = lo + carry where lo is the value; out of range stays out of range.
        hi <= is_div ? {hi[33:32], lo} + {33'd0, carry} : fits ? {{2{lo[31]}}, lo} + {33'd0, carry} : {hi[33], {33{~hi[33]}}};
        if (is_div && sticky) hi <= {sign, {33{~sign}}};
        state <= Done;
      end
      default: state <= Idle;
    endcase
    if (is_sqrt && state == First) count <= 6'd16 + {1'b0, shift_i[5:1]} + {5'd0, shift_i[0]};
    if (rst_i) state <= Idle;
  end

  assign done_o = state == Done;
  wire below = hi[33];  // a < b
  wire in_range = hi[33] == hi[31] && hi[32] == hi[31];
  always @(*) begin
    result_o = in_range ? hi[31:0] : {hi[33], {31{~hi[33]}}};
    case (op_i)
      `NMC_OP_LOOP: result_o = hi[31:0];
      `NMC_OP_SET: result_o = imm_i;
      `NMC_OP_AND: result_o = lo & imm_i;
      `NMC_OP_MIN: result_o = below ? lo : operand_i;
      `NMC_OP_MAX: result_o = below ? operand_i : lo;
      `NMC_OP_SQRT: result_o = sign ? 32'd0 : root;
      default: ;
    endcase
  end
  wire equal = hi == 34'd0;
  assign taken_o = op_i == `NMC_OP_JUMP || (op_i == `NMC_OP_JEQ && equal) || (op_i == `NMC_OP_JNE && !equal)
                || (op_i == `NMC_OP_JLT && below) || (op_i == `NMC_OP_JGE && !below)
                || (is_loop && hi[31:0] != 32'd0);
endmodule

`default_nettype wire
