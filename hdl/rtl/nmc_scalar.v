// nmc_scalar: the arithmetic of the scalar instructions: one adder, {hi, lo} as its shift register and a serial adder
// on the way into lo, which holds the result. hi shifts both ways, lo to the right only: what moves from hi to lo by
// left shifts arrives with its bits reversed, which is how a division wants its numerator.
//
// start_i comes with operand a; operand b is there from the next cycle on and stays until done_o, as do the other
// inputs. For a dot product sum_i is shifted and saturated. Results equal those of package isa.
`default_nettype none
`include "nmc_isa.vh"

// A simulator forms the values of this unit only where they matter; in cells they are there anyway.
`ifdef NMC_FAST
`define NMC_AWAKE state != Idle || start_i || rst_i
`else
`define NMC_AWAKE 1'b1
`endif

module nmc_scalar #(
    parameter Bits = 32,           // of an operand, a multiple of four
    parameter SumBits = Bits + Bits / 2,
    parameter [31:0] Omit = 32'd0  // units left out, bits NMC_UNIT_
) (
    input  wire               clk_i,
    input  wire               rst_i,
    input  wire               start_i,
    input  wire [        5:0] op_i,
    input  wire [        5:0] shift_i,
    input  wire [   Bits-1:0] operand_i,  // a with start_i, then b
    input  wire [   Bits-1:0] imm_i,
    input  wire [SumBits-1:0] sum_i,
    output wire               done_o,     // result and taken are valid
    output wire [   Bits-1:0] result_o,
    output wire               taken_o     // the branch is taken
);
  localparam Logic = !Omit[`NMC_UNIT_LOGIC];
  localparam W = Bits + 2;  // a sum of three operands

  localparam [3:0] Idle = 4'd0;
  localparam [3:0] LoadA = 4'd1;  // hi = 2a
  localparam [3:0] LoadB = 4'd2;  // hi = a
  localparam [3:0] Compare = 4'd3;  // min, max: hi = a or 0, to which b is added
  localparam [3:0] Move = 4'd4;  // hi, or hi + operand, through the serial adder into lo
  localparam [3:0] Mul = 4'd5;
  localparam [3:0] Right = 4'd6;
  localparam [3:0] Round = 4'd7;  // lo = lo + carry
  localparam [3:0] Check = 4'd8;  // hi is the sign of lo
  localparam [3:0] Reverse = 4'd9;  // lo = a, reversed
  localparam [3:0] Digits = 4'd10;  // digits of the quotient or root from those of a
  localparam [3:0] Zeros = 4'd11;  // ... and from the zeros behind them
  localparam [3:0] Unreverse = 4'd12;  // hi = lo, reversed
  localparam [3:0] Dot = 4'd13;  // {hi, lo} = 2 sum
  localparam [3:0] Fill = 4'd14;  // lo = the largest or smallest number
  localparam [3:0] Final = 4'd15;

  reg [3:0] state, next;
  reg [5:0] count;
  reg [W-1:0] hi, lo, operand;
  reg first;  // the operand is added in this cycle, whatever the phase
  reg inverted;  // the operand is complemented
  reg sign;  // of a
  reg carry;  // of the serial adder
  reg sticky;  // out of range; branches: not zero

  // Values of the cycle: undefined where the unit sleeps.
  reg is_jump, is_branch, is_loop, is_set, is_add, is_mul, is_div, is_sqrt, is_min_max, is_and, is_shl, is_shr,
      is_dot, at_idle, start, digits, single, go, even, digit, add, rooting, b_sign, invert, left, low_in, too_far,
      other, clear, hold, high_in, negate, x, y, s, lo_in, load, keep, saturate, shifts, below;
  reg [W-1:0] sum, v, above, imm, low;
  reg [63:0] high;
  reg [5:0] length;
  integer k;
  always @(*) begin
    {is_jump, is_branch, is_loop, is_set, is_add, is_mul, is_div, is_sqrt, is_min_max, is_and, is_shl, is_shr,
     is_dot, at_idle, start, digits, single, go, even, digit, add, rooting, b_sign, invert, left, low_in, too_far,
     other, clear, hold, high_in, negate, x, y, s, lo_in, load, keep, saturate, shifts, below} = 41'dx;
    {sum, v, above, imm, low} = {5 * W{1'bx}};
    high = 64'dx;
    length = 6'dx;
    next = Idle;
    k = 0;
    if (`NMC_AWAKE) begin
      is_jump = op_i[5:3] == 3'd0;  // and the branches
      is_branch = !Omit[`NMC_UNIT_BRANCH] && is_jump;
      is_loop = is_branch && op_i[2:0] == 3'd2;
      is_set = op_i[3:0] == 4'd8;
      is_add = op_i[3:0] == 4'd9;
      is_mul = op_i[3:0] == 4'd11;
      is_div = !Omit[`NMC_UNIT_DIVIDE] && op_i[3:0] == 4'd12;
      is_sqrt = !Omit[`NMC_UNIT_ROOT] && op_i[3:0] == 4'd13;
      is_min_max = op_i[3:1] == 3'd7;
      is_and = Logic && op_i[4] && op_i[1:0] == 2'd0;
      is_shl = Logic && op_i[4] && op_i[0];
      is_shr = Logic && op_i[4] && op_i[1];
      is_dot = !Omit[`NMC_UNIT_DOT] && op_i[5];
      at_idle = state == Idle;
      start = at_idle && start_i;
      digits = state == Digits || state == Zeros;
      single = state == Idle || state == LoadA || state == LoadB || state == Compare || state == Final;
      go = single || count == 6'd0;  // the phase ends

      // The adder. A digit is 1 where the operand, which is negative, leaves hi above zero. Roots come of every other bit.
      sum = hi + operand + {{W - 1{1'b0}}, inverted};
      even = state == Zeros ? !count[0] : count[0] ^ shift_i[0];
      digit = !sum[W-1];
      add = first || (state == Mul && lo[0]) || (digits && (is_div || (is_sqrt && even)) && digit);
      v = add ? sum : hi;

      // The operand: a or b, complemented to be subtracted; the root's is -(4 root + 1), two bits below.
      rooting = is_sqrt && !at_idle;
      b_sign = operand_i[Bits-1];
      invert = !is_add && state != Compare;
      if (at_idle) invert = is_loop || ((is_mul || is_div) && b_sign);
      else if (is_mul) invert = sign;
      else if (is_div) invert = !b_sign;
      else if (is_sqrt) invert = 1'b0;

      // hi
      left = state == LoadA || state == Reverse || digits || state == Unreverse;
      low_in = lo[0] && (state == Digits || state == Unreverse);
      too_far = is_shl && (hi[W-1] ^ hi[W-2]) && state == Zeros;
      other = sum[W-1] == op_i[0];  // in Compare: b is the result of min or max
      clear = at_idle || (state == Compare && other) || (state == Zeros && go && is_sqrt);
      hold = state == Compare || state == Round || too_far;

      // Dot: the high bits of the sum enter from the top, the lowest at count Bits + 1.
      high = 64'dx;
      if (state == Dot)
        for (k = 0; k < 64; k = k + 1)
          high[k] = k > Bits + 1 ? (k[0] == 1'b0 ? sum_i[Bits+2] : sum_i[Bits+1])
                  : 2 * Bits + 2 - k > SumBits - 1 ? sum_i[SumBits-1] : sum_i[2*Bits+2-k];
      high_in = state == Dot ? high[count] : v[W-1];

      // lo and the serial adder
      negate = is_loop || is_sqrt || (is_div && (sign ^ b_sign));
      x = state == Round ? 1'b0 : v[0] ^ negate;
      y = (is_add || state == Round) && lo[0];
      s = x ^ y ^ carry;
      case (state)
        Idle: lo_in = 1'b0;
        Reverse: lo_in = v[W-1];
        Digits, Zeros: lo_in = digit;
        Dot: lo_in = 1'b1;
        Fill: lo_in = (hi[W-1] && !is_div) ^ negate ^ (count > 6'd2);
        default: lo_in = is_and ? v[0] && lo[0] : s;
      endcase

      // Loaded where it is 0 with the immediate, where it is 1 with the sum.
      load = at_idle || (state == Dot && go);
      above = {lo_in, lo[W-1:1]};
      imm = {{2{imm_i[Bits-1]}}, imm_i};
      low = {sum_i[Bits:0], 1'b0};
      keep = state == LoadA || state == LoadB || state == Compare || state == Check || (at_idle && !start);

      // The phases, and how long they take: count + 1 cycles.
      saturate = !is_branch && (sticky || (lo[W-1] ^ lo[W-2]) || (lo[W-2] ^ lo[W-3]));
      case (state)
        Idle: begin
          next = LoadA;
          if (is_set) next = Final;
          if (is_and || is_loop || is_mul || is_shr) next = Move;
          if (is_div || is_sqrt) next = Reverse;
          if (is_shl) next = Zeros;
          if (is_dot) next = Dot;
          if (!start_i) next = Idle;
        end
        LoadA: next = LoadB;
        LoadB: next = is_min_max ? Compare : Move;
        Compare: next = Move;
        Move: next = is_mul ? Mul : is_shr ? Right : Final;
        Mul: next = Right;
        Right: next = is_shr ? Final : is_dot ? Check : Round;
        Round: next = Check;
        Reverse: next = Digits;
        Digits: next = Zeros;
        Zeros: next = is_div ? Unreverse : Move;
        Unreverse: next = Move;
        Dot: next = Right;
        Final: next = saturate ? Fill : Idle;
        default: next = Final;
      endcase
      shifts = state == Mul || state == Dot || state == Digits || (state == Move && is_shr) || (at_idle && is_shl);
      length = shifts ? shift_i : Bits[5:0] | {4'd0, state == Zeros && !is_div,
        !(state == Move || (at_idle && is_shr) || (state == Zeros && is_shl))};
      below = lo[W-1];
    end
  end

  always @(posedge clk_i)
    if (`NMC_AWAKE) begin
      inverted <= invert;
      if (!rooting) operand <= {{2{b_sign}}, operand_i} ^ {W{invert}};
      else if (!digits || even) operand <= {operand[W-2:2], !(digits && digit), 2'b11};
      if (clear) hi <= {W{1'b0}};
      else if (!hold) hi <= left ? {v[W-2:0], low_in} : {high_in, v[W-1:1]};
      if (state == Final || rst_i) lo <= {W{1'b0}};
      else if (!keep) lo <= load ? (above & low) | (~above & imm) : above;
      if (!(go && state != Round)) carry <= (x && y) || (x && carry) || (y && carry);
      else carry <= (is_div && negate) || (state == Right && is_mul && lo[0]);
      if (at_idle) sign <= b_sign;
      if (at_idle || state == Fill) sticky <= 1'b0;
      else
        case (state)
          Move: sticky <= sticky || (is_branch && s) || (is_div && hi[W-1]);
          Zeros: sticky <= sticky || (is_div && lo[0]);
          Check: sticky <= sticky || (s ^ lo[W-1]);
          default: ;
        endcase
      count <= go ? length : count - 6'd1;
      first <= (start && !(is_sqrt && b_sign)) || (state == LoadB) || (state == Compare && other)
            || (state == Zeros && go && is_sqrt);
      if (go) state <= next;
      if (rst_i) state <= Idle;
    end

  assign done_o = state == Final && !saturate;
  assign result_o = lo[Bits-1:0];
  assign taken_o = (is_jump && op_i[2:0] == 3'd1) || (is_branch && ((op_i[2:0] == 3'd3 && !sticky)
                || ((op_i[2:0] == 3'd4 || op_i[2:0] == 3'd2) && sticky)
                || (op_i[2:0] == 3'd5 && below) || (op_i[2:0] == 3'd6 && !below)));
`ifdef FORMAL
  // formal: depth=1 cover=34 unroll=1 params="Bits=4"
  // Of sums and differences: the result is the exact one, saturated. Of divisions: it is the quotient that the digits
  // spell, negated or not, saturated; and digits · |b| + remainder = |a| << shift with remainder < |b|, the product
  // being the sum that has |b| added for each digit. At every cycle it is stated what each register holds by then.
  localparam N = 2 * Bits + 4;
  reg past_ok;
  initial past_ok = 1'b0;
  always @(posedge clk_i) past_ok <= 1'b1;
  always @(*) if (!past_ok) assume (rst_i);

  // The inputs hold still: a comes with start_i, b in the cycle after it.
  reg [Bits-1:0] a, held_b, held_imm;
  reg [5:0] held_op, held_shift;
  reg b_known;
  wire [Bits-1:0] b = operand_i;
  always @(posedge clk_i) begin
    b_known <= !at_idle;
    held_b  <= b;
    if (at_idle) begin
      a <= operand_i;
      held_imm <= imm_i;
      held_op <= op_i;
      held_shift <= shift_i;
    end
  end
  always @(*) begin
    if (!at_idle) assume (op_i == held_op && shift_i == held_shift && imm_i == held_imm);
    if (!at_idle && b_known) assume (b == held_b);
    if (is_div) assume (shift_i < Bits && op_i == `NMC_OP_DIV);
  end
  wire is_sub = op_i == `NMC_OP_SUB;
  wire sums = op_i == `NMC_OP_ADD || is_sub;

  // What follows from the operands.
  wire signed [W-1:0] wide_a = {{2{a[Bits-1]}}, a};
  wire signed [W-1:0] wide_b = {{2{b[Bits-1]}}, b};
  wire [W-1:0] abs_a = a[Bits-1] ? -wide_a : wide_a;
  wire [W-1:0] abs_b = b[Bits-1] ? -wide_b : wide_b;
  wire signed [W-1:0] pair = is_sub ? wide_a - wide_b : wide_a + wide_b;
  wire [W-1:0] exact = is_sub ? pair : pair + imm;
  wire [N-1:0] numerator = {{N - W{1'b0}}, abs_a} << shift_i;

  // The division so far.
  reg [N-1:0] quotient, product, prefix;
  reg [W-1:0] rest;
  wire [N-1:0] product_d = {product[N-2:0], 1'b0} + (digit ? {{N - W{1'b0}}, abs_b} : {N{1'b0}});
  always @(posedge clk_i)
    if (state == Reverse) begin
      quotient <= {N{1'b0}};
      product  <= {N{1'b0}};
      prefix   <= {N{1'b0}};
    end else if (digits) begin
      quotient <= {quotient[N-2:0], digit};
      product <= product_d;
      prefix <= {prefix[N-2:0], low_in};
      rest <= v;
    end
  wire lost = |quotient[N-1:W];
  wire minus = a[Bits-1] ^ b[Bits-1];
  wire [W-1:0] ratio = minus ? -quotient[W-1:0] : quotient[W-1:0];
  reg [W-1:0] reversed_a, reversed_q;
  integer i;
  always @(*)
    for (i = 0; i < W; i = i + 1) begin
      reversed_a[i] = abs_a[W-1-i];
      reversed_q[i] = quotient[W-1-i];
    end

  // Results, from the definitions.
  wire [W-1:0] highest = {3'b000, {Bits - 1{1'b1}}};
  wire [W-1:0] lowest = ~highest;
  reg [W-1:0] expected;
  always @(*) begin
    expected = $signed(exact) > $signed(highest) ? highest : $signed(exact) < $signed(lowest) ? lowest : exact;
    if (is_div) begin
      expected = ratio;
      if (b == {Bits{1'b0}}) expected = a[Bits-1] ? lowest : highest;
      else if (minus && quotient > {{N - Bits{1'b0}}, 1'b1, {Bits - 1{1'b0}}}) expected = lowest;
      else if (!minus && quotient >= {{N - Bits{1'b0}}, 1'b1, {Bits - 1{1'b0}}}) expected = highest;
    end
  end

  // Cycles of the phase so far and to go, of a phase of W cycles.
  wire [5:0] left_over = count + 6'd1;
  wire [5:0] n = Bits[5:0] + 6'd2 - left_over;
  wire signed [W-1:0] low_quotient = quotient[W-1:0];
  wire signed [W-1:0] pair_n = pair >>> n;
  wire signed [W-1:0] quotient_n = low_quotient >>> n;
  reg filled;
  always @(posedge clk_i) filled <= state == Fill;

  always @(*)
    if (past_ok) begin
      if (at_idle) assert (lo == {W{1'b0}});
      if (!at_idle) assert (sign == a[Bits-1]);
      if (is_div || sums)
        assert (state != Compare && state != Mul && state != Right && state != Round && state != Check && state != Dot);
      if (state == LoadA || state == LoadB) assert (!is_div && sticky == 1'b0);
      if (sums) assert (!digits && state != Reverse && state != Unreverse);
      if (!single && (is_div || sums) && state != Zeros) assert (count <= Bits + 1);

      if (sums) begin
        if (state == LoadA || state == LoadB) assert (lo == imm);
        if (state == LoadA) assert (hi == {W{1'b0}} && first && !inverted && operand == wide_a);
        if (state == LoadB) assert (!first && v == {wide_a[W-2:0], 1'b0});
        if (state == LoadB || (state == Move && first))
          assert (inverted == is_sub && operand == (wide_b ^ {W{is_sub}}));
        if (state == Move) begin
          assert (first == (n == 6'd0) && v == pair_n && !sticky);
          assert (carry == (is_add && (exact[n] ^ pair[n] ^ imm[n])));
          if (is_add) assert (((lo ^ (imm >> n)) << n) == {W{1'b0}});
          assert (((lo ^ (exact << left_over)) >> left_over) == {W{1'b0}});
        end
        if (state == Fill || (state == Final && filled)) assert (hi[W-1] == exact[W-1]);
        if (state == Fill || state == Final) assert (!first);
        if (state == Final && !filled) assert (hi == {W{pair[W-1]}});
      end

      if (is_div) begin
        if (state == Reverse) begin
          assert (first == (n == 6'd0) && !sticky);
          if (first) assert (hi == {W{1'b0}} && operand == (wide_a ^ {W{sign}}) && inverted == sign);
          assert (v == abs_a << n);
          assert (((lo ^ (reversed_a << left_over)) >> left_over) == {W{1'b0}});
        end
        if ((state == Reverse && !first) || digits)
          assert (inverted == !b_sign && operand == (wide_b ^ {W{!b_sign}}));
        if (digits) begin
          assert (!first);
          if (b != {Bits{1'b0}}) begin
            assert (prefix == {product[N-2:0], 1'b0} + {{N - W{1'b0}}, hi} && hi < {abs_b[W-2:0], 1'b0});
            assert (prefix == product_d + {{N - W{1'b0}}, v} && v < abs_b);
          end
        end
        if (state == Digits) begin
          assert (!sticky && prefix == {{N - W{1'b0}}, abs_a >> left_over});
          assert (((lo ^ (reversed_a >> n)) << n) == {W{1'b0}});
          assert (((lo ^ reversed_q) >> left_over) == {W{1'b0}});
          assert (quotient < {{N - 1{1'b0}}, 1'b1} << n);
          if (b == {Bits{1'b0}}) assert (hi == prefix[W-1:0] && quotient == ({{N - 1{1'b0}}, 1'b1} << n) - 1'b1);
        end
        if (state == Zeros) begin
          assert (count <= shift_i && prefix == {{N - W{1'b0}}, abs_a} << (shift_i - count));
          assert (lo == reversed_q && sticky == lost);
          assert (quotient < {{N - W - 1{1'b0}}, 1'b1, {W{1'b0}}} << (shift_i - count));
          if (b == {Bits{1'b0}}) assert (count == shift_i ? &quotient[W-1:0] : lost);
        end
        if (state == Unreverse || state == Move || state == Fill || state == Final) begin
          assert (!first);
          if (b == {Bits{1'b0}}) assert (lost);
          else assert (product + {{N - W{1'b0}}, rest} == numerator && rest < abs_b);
        end
        if (state == Unreverse) begin
          assert (sticky == lost && ((lo ^ (reversed_q >> n)) << n) == {W{1'b0}});
          assert (((hi ^ (quotient[W-1:0] >> left_over)) << left_over) == {W{1'b0}});
        end
        if (state == Move) begin
          assert (hi == quotient_n);
          assert (carry == (minus && (quotient[W-1:0] << left_over) == {W{1'b0}}));
          assert (sticky == (lost || (n != 6'd0 && quotient[W-1])));
          assert (((lo ^ (ratio << left_over)) >> left_over) == {W{1'b0}});
        end
      end

      // The results.
      if (is_div || sums) begin
        if (state == Fill) begin
          assert (expected == highest || expected == lowest);
          assert (((lo ^ (expected << left_over)) >> left_over) == {W{1'b0}});
          assert ((is_div ? minus : hi[W-1]) == expected[W-1]);
        end
        if (state == Final && filled) assert (lo == expected && !sticky);
        if (state == Final && !filled) assert (lo == (is_div ? ratio : exact) && (sums ? !sticky :
                                               sticky == (lost || quotient[W-1])));
        if (done_o) assert (result_o == expected[Bits-1:0]);
      end
    end

  // What is shown is shown of one of these instructions from a reset, which spares the solver a search.
  (* anyconst *) reg alone;
  (* anyconst *) reg [2:0] which;
  reg [5:0] one_op;
  reg signed [3:0] one_a, one_b;
  always @(*) begin
    one_op = `NMC_OP_DIV;
    case (which)
      3'd0: {one_a, one_b} = {4'd7, 4'd2};
      3'd1: {one_a, one_b} = {-4'd7, 4'd2};
      3'd2: {one_a, one_b} = {4'd8, 4'd1};
      3'd3: {one_a, one_b} = {4'd8, -4'd1};
      3'd4: {one_a, one_b} = {-4'd3, 4'd0};
      default: {one_a, one_b} = {4'd8, 4'd8};
    endcase
    if (which >= 3'd5) one_op = `NMC_OP_ADD;
    if (which == 3'd6) {one_op, one_a} = {`NMC_OP_SUB, 4'd7};
    if (which == 3'd7) one_b = 4'd0;
    if (alone && past_ok) begin
      assume (!rst_i && start_i && op_i == one_op && shift_i == 6'd0 && imm_i == {Bits{1'b0}});
      assume ($signed(operand_i) == (at_idle ? one_a : one_b));
    end
  end
  wire shown = past_ok && alone && state == Final;
  wire divided = shown && is_div && b != {Bits{1'b0}};
  always @(posedge clk_i) begin
    cover (divided && !saturate && rest != {W{1'b0}} && !minus && quotient > 2);
    cover (divided && !saturate && rest != {W{1'b0}} && minus && quotient > 2);
    cover (divided && !saturate && result_o == lowest[Bits-1:0]);
    cover (divided && saturate && expected == highest);
    cover (shown && is_div && saturate && b == {Bits{1'b0}} && expected == lowest);
    cover (shown && is_sub && filled && result_o == highest[Bits-1:0]);
    cover (shown && is_add && filled && result_o == lowest[Bits-1:0]);
    cover (shown && sums && !filled && !saturate && result_o == lowest[Bits-1:0]);
  end
`endif
endmodule

`undef NMC_AWAKE
`default_nettype wire
