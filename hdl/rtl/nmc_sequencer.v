// nmc_sequencer: fetches instructions and drives the scalar unit, the scanner, the draws and the lanes through them.
//
// A matrix instruction is passes × runs × elements × words. mac.b, upd.b and blend make one pass for each word of
// columns and take one word for each element; mac.r and upd.r make one pass and take all words of a row for each element.
// An element taken in cycle -3 has its weight word addressed in cycle 0 and its operands in cycle 1 of nmc_lanes.
`default_nettype none
`include "nmc_isa.vh"

module nmc_sequencer #(
    parameter Lanes = 4,
    parameter WeightPorts = 2,
    parameter WeightBits = 14,   // address bits of the memories
    parameter VectorBits = 9,
    parameter ProgramBits = 8,
    parameter TableBits = 9,
    parameter LaneBits = 3,      // $clog2(Lanes) + 1
    parameter ScanBits = 14,     // address bits of the scanner
    parameter QueueBits = 16     // of an entry of the address queue: {one lane, tail, lane and word}
) (
    input wire clk_i,
    input wire rst_i,

    // run
    input  wire        run_i,
    output wire        run_ready_o,
    input  wire [ 2:0] entry_i,
    input  wire [15:0] label_i,
    input  wire [31:0] limit_i,
    input  wire [31:0] input_i,
    input  wire        skip_i,
    output wire        busy_o,
    output reg         done_o,
    output reg         stopped_o,
    output reg  [31:0] cycles_o,
    output reg  [31:0] retired_o,
    output reg  [63:0] digest_o,
    output reg         trace_valid_o,
    output reg  [11:0] trace_pc_o,
    output wire [31:0] trace_cycles_o,
    output wire        clear_o,       // a run starts: clear the counters

    // host access while idle
    input  wire                    host_read_i,  // start a read; the address is stable until host_valid_o
    input  wire [            31:0] host_addr_i,
    input  wire                    host_weights_i,
    output wire                    host_valid_o,
    output wire [            15:0] host_data_o,
    output wire                    idle_o,

    // program
    output wire                   prog_re_o,
    output wire [ProgramBits-1:0] prog_addr_o,
    input  wire [          127:0] ir_i,

    // registers
    output reg         reg_we_o,
    output reg  [ 5:0] reg_waddr_o,
    output reg  [31:0] reg_wdata_o,
    output reg  [ 5:0] reg_raddr_o,
    input  wire [31:0] reg_i,

    // scalar unit
    output wire        alu_start_o,
    output wire [ 5:0] alu_op_o,
    output wire [ 5:0] alu_shift_o,
    output wire [31:0] alu_imm_o,
    input  wire        alu_done_i,
    input  wire [31:0] alu_result_i,
    input  wire        alu_taken_i,

    // permutation
    output wire        permute_x_o,
    output wire        permute_y_o,
    output wire [31:0] permute_xdata_o,
    output wire [31:0] permute_ydata_o,
    input  wire        permute_busy_i,
    input  wire [63:0] permute_i,

    // scanner
    output wire                scan_start_o,
    output reg  [ScanBits-1:0] scan_addr_o,
    output wire [LaneBits-1:0] scan_first_o,
    output wire [        12:0] scan_count_o,
    output wire                scan_weights_o,
    output wire                scan_virtual_o,
    output wire                scan_nonzero_o,
    output wire                scan_shared_o,
    input  wire                scan_valid_i,
    output wire                scan_take_o,
    input  wire [LaneBits-1:0] scan_lane_i,
    input  wire [        15:0] scan_value_i,
    input  wire                scan_next_i,
    input  wire                scan_done_i,
    input  wire [LaneBits-1:0] scan_left_i,
    output wire                scan_grant_o,
    input  wire                scan_re_i,
    input  wire [ScanBits-1:0] scan_raddr_i,

    // memories
    output wire                  weight_re_o,
    output wire [WeightBits-1:0] weight_addr_o,
    output wire                  vector_re_o,
    output wire [VectorBits-1:0] vector_addr_o,
    input  wire [  Lanes*16-1:0] vector_i,
    output wire                  table_re_o,
    output wire [ TableBits-1:0] table_addr_o,
    input  wire [          31:0] table_i,

    // draws
    output wire                key_load_o,
    output wire                draw_rounds_o,
    output wire                draw_across_o,
    output wire                draw_single_o,
    output wire                draw_rows_reset_o,
    output wire                draw_cols_reset_o,
    output wire                draw_row_o,
    output wire                draw_word_o,
    output wire                draw_next_o,
    output wire                draw_add_o,
    output wire                draw_sub_o,
    output wire [LaneBits-1:0] draw_lane_o,
    input  wire                draw_idle_i,

    // lanes
    output wire [          5:0] shift_o,
    output wire                 nearest_o,
    output wire                 stochastic_o,
    output reg  [         15:0] hi_o,
    output reg  [         15:0] lo_o,
    output wire                 inverted_o,
    output wire                 ge_o,
    output wire                 raw_o,
    output wire                 reduce_o,
    output wire                 touched_o,
    output wire                 count_o,
    output wire                 to_weights_o,  // results go to the weight memory
    output wire [    Lanes-1:0] tail_mask_o,
    output reg  [         15:0] bcast_o,
    output wire                 o_bcast_o,
    output wire                 w_draw_o,
    output wire                 w_sign_o,
    output wire                 p_load_o,
    output wire                 p_o_o,
    output wire                 p_prod_o,
    output wire                 f_load_o,
    output wire                 c_load_o,
    output wire [          1:0] c_sel_o,
    output wire                 fire_o,
    output wire                 pull_o,
    output wire                 flag_o,
    output wire                 x_zero_o,
    output wire                 f_stored_o,
    output wire                 f_le_o,
    output wire                 f_inv_o,
    output wire                 tail_o,
    output wire                 acc_load_o,
    output wire                 tok_valid_o,
    output wire                 tok_first_o,
    output wire                 tok_shift_o,
    output wire                 tok_last_o,
    output wire                 push_o,
    output wire [QueueBits-1:0] push_addr_o,
    input  wire                 lanes_idle_i
);
  localparam LL = LaneBits - 1;
  localparam TailBits = LL == 0 ? 1 : LL;
  localparam EB = VectorBits + LL;  // bits of an element address

  localparam [5:0] Idle = 6'd0;
  localparam [5:0] Label = 6'd1;
  localparam [5:0] Input = 6'd2;
  localparam [5:0] Fetch = 6'd3;
  localparam [5:0] Decode = 6'd4;
  localparam [5:0] Retire = 6'd5;
  localparam [5:0] Scalar = 6'd6;   // operand a is there
  localparam [5:0] Wait = 6'd7;     // for the scalar unit
  localparam [5:0] KeySeed = 6'd8;
  localparam [5:0] KeyWait = 6'd9;
  localparam [5:0] Load = 6'd10;
  localparam [5:0] Loaded = 6'd11;
  localparam [5:0] Store = 6'd12;
  localparam [5:0] Flush = 6'd13;
  localparam [5:0] Bounds = 6'd14;
  localparam [5:0] Base = 6'd15;    // matrix: offset of W is there
  localparam [5:0] Side = 6'd16;    // offset of the lane side
  localparam [5:0] Side2 = 6'd17;   // wide: three times
  localparam [5:0] Side3 = 6'd18;
  localparam [5:0] Pass = 6'd19;    // first element is there
  localparam [5:0] Outer = 6'd20;   // outer count is there
  localparam [5:0] Preload = 6'd21;
  localparam [5:0] Run = 6'd22;
  localparam [5:0] Walk = 6'd23;
  localparam [5:0] RunEnd = 6'd25;
  localparam [5:0] Drain = 6'd26;
  localparam [5:0] PassEnd = 6'd27;
  localparam [5:0] OpA = 6'd28;     // vector: operands
  localparam [5:0] OpB = 6'd29;
  localparam [5:0] OpC = 6'd30;
  localparam [5:0] OpD = 6'd31;
  localparam [5:0] Word = 6'd32;
  localparam [5:0] Dot = 6'd33;
  localparam [5:0] Table = 6'd34;
  localparam [5:0] Amax = 6'd35;
  localparam [5:0] AmaxEnd = 6'd36;
  localparam [5:0] AmaxIndex = 6'd37;
  localparam [5:0] DigRow = 6'd38;
  localparam [5:0] DigElement = 6'd39;
  localparam [5:0] DigWait = 6'd40;
  localparam [5:0] DigReg = 6'd41;
  localparam [5:0] HostScan = 6'd42;
  localparam [5:0] HostWait = 6'd43;
  localparam [5:0] WideScan = 6'd44;  // mac.r: one halfword of an accumulator
  localparam [5:0] WideWait = 6'd45;
  localparam [5:0] Stride = 6'd46;
  localparam [5:0] DigRegRead = 6'd47;
  localparam [LaneBits-1:0] LaneMask = Lanes[LaneBits-1:0] - 1'b1;

  reg [5:0] state;
  reg [3:0] step;
  reg [ProgramBits-1:0] pc;
  reg [1:0] slot;

  // Decoding.
  wire [5:0] op = ir_i[`NMC_SCALAR_OP];
  wire is_mac_b = op == `NMC_OP_MAC_B;
  wire is_mac_r = op == `NMC_OP_MAC_R;
  wire is_upd_b = op == `NMC_OP_UPD_B;
  wire is_upd_r = op == `NMC_OP_UPD_R;
  wire is_blend = op == `NMC_OP_BLEND;
  wire is_mac = is_mac_b || is_mac_r;
  wire is_upd = is_upd_b || is_upd_r;
  wire is_matrix = op[5:3] == 3'd4;
  wire is_vec = op == `NMC_OP_VEC;
  wire is_tab = op == `NMC_OP_TAB;
  wire is_dot = op == `NMC_OP_DOT;
  wire is_amax = op == `NMC_OP_AMAX;
  wire is_dig = op == `NMC_OP_DIG;
  wire is_store = op == `NMC_OP_STORE;
  wire is_load = op == `NMC_OP_LOAD;
  wire is_key = op == `NMC_OP_KEY;
  wire is_halt = op == `NMC_OP_HALT;

  wire [12:0] cols = ir_i[`NMC_MATRIX_COLS];
  wire [12:0] rows = ir_i[`NMC_MATRIX_ROWS];
  wire [12:0] rstride = ir_i[`NMC_MATRIX_RSTRIDE];
  wire [15:0] sbase = ir_i[`NMC_MATRIX_SBASE];
  wire [15:0] dbase = ir_i[`NMC_MATRIX_DBASE];
  wire [21:0] wbase = ir_i[`NMC_MATRIX_WBASE];
  wire opt = ir_i[`NMC_MATRIX_OPT];
  wire widein = is_mac && ir_i[`NMC_MATRIX_WIDEIN];
  wire wideout = is_mac && ir_i[`NMC_MATRIX_WIDEOUT];
  wire [1:0] wsrc = ir_i[`NMC_MATRIX_WSRC];
  wire wdraw = wsrc != `NMC_W_MEM && (is_mac || is_blend);
  wire [3:0] mgroup = ir_i[`NMC_MATRIX_GROUP];
  wire [3:0] vgroup = ir_i[`NMC_VECTOR_GROUP];
  wire [12:0] n = ir_i[`NMC_VECTOR_N];
  wire [3:0] fn = ir_i[`NMC_VECTOR_FN];
  wire [2:0] amode = ir_i[`NMC_VECTOR_AMODE];
  wire [2:0] bmode = ir_i[`NMC_VECTOR_BMODE];
  wire [2:0] cmode = ir_i[`NMC_VECTOR_CMODE];
  wire [1:0] space = ir_i[`NMC_VECTOR_SPACE];
  wire masked = is_mac_r && opt;
  wire [31:0] scalar_imm = ir_i[`NMC_SCALAR_IMM];
  wire [31:0] less_rows = {19'd0, rows} - 32'd1;
  wire [31:0] mbase = {dbase, sbase};
  wire [15:0] vector_a = ir_i[`NMC_VECTOR_A];
  wire [15:0] vector_b = ir_i[`NMC_VECTOR_B];
  wire [15:0] vector_c = ir_i[`NMC_VECTOR_C];
  wire [15:0] vector_dst = ir_i[`NMC_VECTOR_DST];
  wire [31:0] digbase = {vector_b, vector_a};
  wire [31:0] digstride = {16'd0, vector_dst};
  wire [5:0] reg_a = vector_a[5:0];
  wire [5:0] reg_b = vector_b[5:0];
  wire [5:0] reg_c = vector_c[5:0];
  wire [5:0] reg_dst = vector_dst[5:0];
  wire slow_rows = is_mac_r && (widein || wideout);  // one row at a time

  // Address and count registers.
  reg [WeightBits-1:0] passbase;  // W[0, column word]; digest: row
  reg [WeightBits-1:0] rowbase;   // W row of lane 0 of the scanner's word
  reg [WeightBits-1:0] moff;      // blend: from W to M
  reg [15:0] aptr;                // lane side; vector: a
  reg [15:0] bptr;
  reg [15:0] cptr;
  reg [VectorBits-1:0] dptr;      // destination words
  reg [EB-1:0] ebase;             // first element of the run
  reg [15:0] outer;               // runs left; digest: rows
  reg [12:0] passes;              // words left
  reg [12:0] inner;               // slow rows left
  reg [31:0] index;               // digest, amax: element

  wire [12:0] side = is_matrix ? cols : n;
  // Addresses are cut to the memory: what lies beyond wraps.
  wire [21:0] rstride22 = {9'd0, rstride};
  wire [WeightBits-1:0] row_words = rstride22[WeightBits-1:0];
  wire [13:0] side_up = {1'b0, side} + Lanes[13:0] - 14'd1;
  wire [13:0] side_words = side_up >> LL;
  wire [12:0] words = side_words[12:0];
  wire b_walk = is_mac_b || is_upd_b || is_blend;
  wire last_pass = passes == 13'd1;

  wire [TailBits-1:0] used = Lanes == 1 ? {TailBits{1'b0}} : side[TailBits-1:0];
  assign tail_mask_o = used == {TailBits{1'b0}} ? {Lanes{1'b1}} : ~({Lanes{1'b1}} << used);

  function signed [15:0] sat16(input signed [31:0] in);
    sat16 = in[31:15] == {17{in[31]}} ? in[15:0] : {in[31], {15{~in[31]}}};
  endfunction
  wire [15:0] reg_sat = sat16(reg_i);
  wire [15:0] rate = reg_i[31:16] == 16'h8000 ? 16'h8001 : reg_i[31:16];
  wire [31:0] group_off = (is_matrix ? mgroup : vgroup) != 4'd0 ? reg_i : 32'd0;
  wire [31:0] group_words = $signed(group_off) >>> LL;

  // ---- the walk: an element is taken and a word started in cycle -3; stages 1, 2 and 3 are cycles -2 to 0 ----
  reg [12:0] wc;  // words left in the row
  reg accfirst;  // mac.b: the next token starts the accumulators
  reg d1, d2, d3;  // a word
  reg drain1, drain2, drain3;  // ... that only ends a sum
  reg e1;  // an element
  reg dead1;  // ... that is masked
  reg first1, first2;  // first word of a row
  reg acc1, acc2, acc3;  // starts the accumulators
  reg last1, last2, last3;  // last word of a row
  reg shift1, shift2, shift3;
  reg next1;
  reg [LaneBits-1:0] lane1;
  reg [15:0] s1, s2, s3;
  reg [WeightBits-1:0] row2, addr3;
  reg [VectorBits-1:0] vaddr3;
  reg b3, b4;  // blend: second read

  wire walking = state == Walk;
  wire host_busy = state == HostScan || state == HostWait;
  wire r_draws = !wideout && !b_walk && draw_rounds_o || is_mac_r && wdraw;
  wire slot_ok = is_blend ? (WeightPorts == 1 ? slot == 2'd0 : !slot[0])
               : is_upd && WeightPorts == 1 || r_draws ? !slot[0] : 1'b1;
  wire row_start = wc == 13'd0;
  wire in_flight = d1 || d2 || d3 || b3 || b4;
  wire take = walking && slot_ok && row_start && scan_valid_i && !(is_upd_r && (step != 4'd0 || in_flight));
  // upd.r takes the element first, forms rate·s, then walks the whole row.
  wire dead = masked && draw_rounds_o && scan_value_i == 16'd0;
  wire drain = state == Drain && !slot[0];
  wire word = is_upd_r ? walking && slot_ok && !row_start && step != 4'd1
                       : walking && slot_ok && (row_start ? scan_valid_i && !dead : 1'b1);
  wire go = word || drain;
  wire first_word = is_upd_r ? wc == words : row_start;
  wire last_word = b_walk ? last_pass : is_upd_r || !row_start ? wc == 13'd1 : words == 13'd1;

  wire run_sub = state == Run;  // row base = row of lane 0 of the first word
  wire run_add = state == RunEnd;  // row base = row after the last
  wire [LaneBits-1:0] elane = ebase[LaneBits-1:0] & LaneMask;
  wire [LaneBits-1:0] mul_lane = run_sub ? elane : run_add ? scan_left_i : lane1;
  reg [WeightBits-1:0] mul;
  integer mb;
  always @(*) begin
    mul = {WeightBits{1'b0}};
    for (mb = 0; mb < LaneBits; mb = mb + 1) if (mul_lane[mb]) mul = mul + (row_words << mb);
  end
  wire [WeightBits-1:0] row_moved = run_sub ? rowbase - mul : rowbase + mul;

  always @(posedge clk_i) begin
    slot <= slot + 2'd1;
    e1 <= take;
    dead1 <= dead;
    if (take || (state == Table && scan_take_o)) begin
      lane1 <= scan_lane_i;
      s1 <= scan_value_i;
    end
    s2 <= s1;
    s3 <= s2;
    next1 <= scan_next_i && (walking || state == Table);
    d1 <= go;
    drain1 <= drain;
    shift1 <= drain && step != 4'd0;
    first1 <= first_word;
    last1 <= last_word;
    acc1 <= is_mac_b ? accfirst : !drain && first_word && !widein;
    {d2, drain2, shift2, first2, last2, acc2} <= {d1, drain1, shift1, first1, last1, acc1};
    {d3, drain3, shift3, last3, acc3} <= {d2, drain2, shift2, last2, acc2};
    if (e1) row2 <= row_moved;
    if (d2) begin
      addr3  <= first2 ? row2 : addr3 + 1'b1;
      vaddr3 <= first2 ? aptr[VectorBits-1:0] : vaddr3 + 1'b1;
    end
    b4 <= d3 && is_blend;
    b3 <= WeightPorts == 1 ? b4 : d3 && is_blend;
    if (state == Pass) rowbase <= passbase;
    else if (run_sub || run_add) rowbase <= row_moved;
    else if (next1) rowbase <= rowbase + (row_words << LL);
    if (state == Pass) wc <= 13'd0;
    else if (take && !dead) wc <= is_upd_r ? words : b_walk ? 13'd0 : words - 13'd1;
    else if (word && !row_start) wc <= wc - 13'd1;
    if (state == Pass) accfirst <= !widein;
    else if (go) accfirst <= 1'b0;
    if (rst_i) {slot, d1, d2, d3, e1, b3, b4, next1} <= 9'd0;
  end

  // ---- vector instructions: up to three operands a word ----
  wire a_draw = amode[2];
  wire b_draw = bmode[2];
  wire c_draw = cmode[2];
  wire fn_mac = is_dot || fn == `NMC_FN_MAC;
  wire fn_sel = fn == `NMC_FN_SEL && !is_dot;
  wire uses_b = fn_mac || fn_sel;
  wire uses_c = !is_dot;
  wire swap = fn_mac ? b_draw : fn_sel ? 1'b0 : c_draw;
  wire middle = fn_sel || (fn_mac && uses_c && cmode != `NMC_SRC_ZERO);
  wire v_rounds = is_vec && fn_mac && ir_i[`NMC_VECTOR_ROUND] == `NMC_ROUND_STOCHASTIC;
  wire v_draws = a_draw || (b_draw && uses_b) || (c_draw && uses_c) || v_rounds;
  // Operands in their order: 0 is a, 1 is b, 2 is c.
  wire [1:0] operand = step == 4'd2 ? (!swap ? 2'd0 : fn_mac ? 2'd1 : 2'd2)
                     : step == 4'd3 ? (fn_sel ? 2'd1 : 2'd2)
                     : fn_mac ? (swap ? 2'd0 : 2'd1) : swap ? 2'd0 : 2'd2;
  wire [2:0] mode = operand == 2'd0 ? amode : operand == 2'd1 ? bmode : cmode;
  wire [15:0] pointer = operand == 2'd0 ? aptr : operand == 2'd1 ? bptr : cptr;
  wire v_read = state == Word && step[3:1] != 3'd0 && mode == `NMC_SRC_VECTOR;
  wire v_fire = state == Word && step == 4'd4;

  // Value of an operand: address, register or immediate.
  wire [2:0] set_mode = state == OpA ? amode : state == OpB ? bmode : state == OpC ? cmode : `NMC_SRC_VECTOR;
  wire [15:0] set_field = state == OpA ? ir_i[`NMC_VECTOR_A] : state == OpB ? ir_i[`NMC_VECTOR_B]
                        : state == OpC ? ir_i[`NMC_VECTOR_C] : ir_i[`NMC_VECTOR_DST];
  wire [15:0] set_value = set_mode == `NMC_SRC_REG ? reg_sat
                        : set_mode == `NMC_SRC_ZERO ? 16'd0
                        : set_field + (set_mode == `NMC_SRC_VECTOR ? group_words[15:0] : 16'd0);

  // ---- operands of the lanes, set in cycle 0 ----
  reg t_valid, t_first, t_shift, t_last, p_load, p_o, p_prod, o_bcast, w_draw, w_sign, f_load, c_load, fire, pull, tail;
  reg flag, x_zero, acc_load;
  reg [1:0] c_sel;
  wire rating = is_upd && (state == Run || walking);
  always @(posedge clk_i) begin
    {t_valid, t_first, t_shift, t_last, p_load, p_o, p_prod, o_bcast, w_draw, w_sign, f_load, c_load, fire, pull, tail} <= 15'd0;
    {flag, x_zero, acc_load} <= 3'd0;
    c_sel <= 2'd0;
    w_sign <= is_matrix ? wsrc == `NMC_W_SIGN : mode[0];
    if (d3 && is_mac) begin
      p_load <= 1'b1;
      w_draw <= wdraw;
      o_bcast <= is_mac_b;
      fire <= !drain3;
      t_valid <= 1'b1;
      t_first <= acc3;
      t_shift <= shift3;
      t_last <= drain3 || (is_mac_r && last3 && !slow_rows);
      c_load <= drain3 || (is_mac_r && last3 && !slow_rows);
      tail <= last3;
    end
    if (d3 && is_blend) begin
      p_load <= 1'b1;
      w_draw <= wdraw;
    end
    if (d3 && is_upd || b3) begin
      o_bcast <= !is_upd_r;
      fire <= 1'b1;
      pull <= is_upd && opt;
      t_valid <= 1'b1;
      t_first <= 1'b1;
      t_last <= 1'b1;
      c_load <= 1'b1;
      c_sel <= is_blend && opt ? 2'd0 : 2'd1;
      tail <= last3;
    end
    // rate·v or rate·s becomes P.
    if (state == Pass && is_upd_b || rating && step == 4'd1) begin
      p_load <= 1'b1;
      p_o <= 1'b1;
      o_bcast <= is_upd_r;
    end
    if (rating && step == 4'd2) begin
      o_bcast <= 1'b1;
      fire <= 1'b1;
      t_valid <= 1'b1;
      t_first <= 1'b1;
    end
    if (rating && step == 4'd5) begin
      p_load <= 1'b1;
      p_prod <= 1'b1;
    end
    if (state == Preload && step != 4'd0) acc_load <= 1'b1;
    if (state == WideWait && scan_valid_i) begin
      acc_load <= 1'b1;
      o_bcast <= 1'b1;
    end
    if (state == Word && step[3:1] != 3'd0) begin
      o_bcast <= mode != `NMC_SRC_VECTOR;
      w_draw <= mode[2];
      p_load <= step == 4'd2 || (step == 4'd3 && fn_sel);
      p_o <= !mode[2];
      f_load <= step == 4'd3 && fn_sel;
      if (step == 4'd3 && fn_mac) begin
        c_load <= 1'b1;
        c_sel <= mode[2] ? 2'd1 : 2'd2;
      end
      if (step == 4'd4) begin
        fire <= 1'b1;
        t_valid <= 1'b1;
        t_first <= is_dot ? accfirst_v : 1'b1;
        t_last <= !is_dot;
        tail <= last_pass;
        flag <= !fn_mac;
        x_zero <= !fn_mac && fn == `NMC_FN_GE;
        c_load <= !is_dot && !(fn_mac && middle);
        c_sel <= fn_mac ? 2'd0 : fn == `NMC_FN_GE ? 2'd3 : mode[2] ? 2'd1 : 2'd2;
      end
    end
    if (state == Table) begin
      o_bcast <= 1'b1;
      p_load <= step == 4'd1;
      p_o <= 1'b1;
      c_load <= step == 4'd2;
      c_sel <= 2'd2;
      if (step == 4'd3) begin
        fire <= 1'b1;
        t_valid <= 1'b1;
        t_first <= 1'b1;
        t_last <= 1'b1;
      end
    end
    if (state == Store) begin
      o_bcast <= 1'b1;
      c_load <= 1'b1;
      c_sel <= 2'd2;
      t_valid <= 1'b1;
      t_first <= 1'b1;
      t_last <= 1'b1;
    end
    if (rst_i) {t_valid, p_load, c_load, acc_load, f_load} <= 5'd0;
  end
  reg accfirst_v;
  always @(posedge clk_i)
    if (state == OpD) accfirst_v <= 1'b1;
    else if (v_fire) accfirst_v <= 1'b0;

  always @(posedge clk_i)
    bcast_o <= state == Store ? reg_sat
             : state == WideWait ? scan_value_i
             : state == Word ? pointer
             : state == Table ? (step == 4'd1 ? table_i[31:16] : step == 4'd2 ? table_i[15:0] : {8'd0, s1[7:0]})
             : is_blend || rating && step == 4'd2 ? rate
             : rating && step == 4'd1 ? s1 : s3;

  assign {tok_valid_o, tok_first_o, tok_shift_o, tok_last_o} = {t_valid, t_first, t_shift, t_last};
  assign {p_load_o, p_o_o, p_prod_o, o_bcast_o, w_draw_o, w_sign_o} = {p_load, p_o, p_prod, o_bcast, w_draw, w_sign};
  assign {f_load_o, c_load_o, c_sel_o, fire_o, pull_o, tail_o} = {f_load, c_load, c_sel, fire, pull, tail};
  assign {flag_o, x_zero_o, acc_load_o} = {flag, x_zero, acc_load};
  assign f_stored_o = fn_sel;
  assign f_le_o = fn == `NMC_FN_GE && swap;
  assign f_inv_o = fn == `NMC_FN_MAX || (fn == `NMC_FN_GE && !swap);

  // ---- constants of the instruction ----
  assign shift_o = is_matrix ? (wideout ? 6'd0 : ir_i[`NMC_MATRIX_SHIFT])
                 : is_tab ? 6'd8 : is_vec && fn_mac ? ir_i[`NMC_VECTOR_SHIFT] : 6'd0;
  wire [1:0] round = is_matrix ? (wideout ? `NMC_ROUND_FLOOR : ir_i[`NMC_MATRIX_ROUND])
                   : is_tab ? `NMC_ROUND_NEAREST : is_vec && fn_mac ? ir_i[`NMC_VECTOR_ROUND] : `NMC_ROUND_FLOOR;
  assign nearest_o = round == `NMC_ROUND_NEAREST;
  assign stochastic_o = round == `NMC_ROUND_STOCHASTIC;
  assign ge_o = is_vec && fn == `NMC_FN_GE;
  assign raw_o = wideout;
  assign reduce_o = is_mac_r || is_dot;
  assign touched_o = is_upd || (is_blend && !opt);
  assign count_o = is_mac || is_vec;
  assign to_weights_o = is_upd || is_blend;
  assign inverted_o = $signed(lo_o) > $signed(hi_o) && !ge_o;

  // ---- draws: events in stage 1 ----
  wire is_v_event = state == Word && step == (v_rounds ? 4'd2 : 4'd0);
  wire row_events = is_upd || (is_matrix && wdraw) || is_blend;
  assign draw_rounds_o = stochastic_o && !wdraw;
  assign draw_across_o = !b_walk;
  assign draw_single_o = Lanes == 1 || (is_mac_r && !wdraw);
  assign draw_rows_reset_o = state == Pass || state == OpD;
  assign draw_cols_reset_o = (state == Base) || state == OpD || (e1 && !b_walk && row_events);
  assign draw_row_o = (e1 && row_events) || (d1 && drain1 && is_mac_b && !wdraw) || (e1 && is_mac_r && !wdraw)
                   || (v_draws && is_v_event);
  assign draw_word_o = (state == Pass && b_walk) || (d1 && !b_walk && row_events) || (e1 && is_mac_r && !wdraw)
                    || (v_draws && is_v_event);
  assign draw_next_o = next1 && row_events;
  assign draw_add_o = run_add && row_events;
  assign draw_sub_o = run_sub && row_events;
  assign draw_lane_o = row_events ? mul_lane : {LaneBits{1'b0}};

  // ---- address queue ----
  wire push_row = e1 && is_mac_r && !slow_rows && !dead1;
  wire push_word = (d3 && is_upd) || b3;
  wire push_lane = push_row || (drain && is_mac_r) || (state == Table && step == 4'd1) || state == Store;
  assign push_o = push_lane || push_word || drain || v_fire && !is_dot;
  wire [LaneBits-1:0] push_index = state == Store || slow_rows ? elane : lane1;
  wire [VectorBits-1:0] push_vector = state == Store ? ebase[EB-1:LL] : is_mac_b ? aptr[VectorBits-1:0] : dptr;
  reg [QueueBits-3:0] push_place;
  always @(*) begin
    push_place = {QueueBits - 2{1'b0}};
    if (push_word) push_place[WeightBits-1:0] = addr3;
    else begin
      push_place[VectorBits-1:0] = push_vector;
      if (push_lane) push_place[VectorBits+:LaneBits] = push_index;
    end
  end
  assign push_addr_o = {push_lane, push_word ? last3 : last_pass, push_place};

  // ---- memories ----
  assign vector_re_o = scan_re_i && !scan_weights_o || d3 && !b_walk && is_matrix && !drain3
                    || state == Pass && is_upd_b || v_read || state == Preload && step != 4'd0;
  assign vector_addr_o = state == Preload ? dptr : state == Word ? pointer[VectorBits-1:0]
                       : state == Pass ? aptr[VectorBits-1:0] : d3 && !b_walk && is_matrix ? vaddr3 : scan_raddr_i[VectorBits-1:0];
  assign scan_grant_o = !(d3 && !b_walk && is_matrix);
  assign weight_re_o = scan_re_i && scan_weights_o || d3 && is_matrix && !(wdraw) && !drain3 || b3;
  assign weight_addr_o = scan_weights_o ? scan_raddr_i[WeightBits-1:0] : d3 && is_blend ? addr3 + moff : addr3;
  wire [15:0] entry_index = ir_i[`NMC_VECTOR_C] + {8'd0, ~scan_value_i[15], scan_value_i[14:8]};
  assign table_re_o = state == Table && step == 4'd0;
  assign table_addr_o = entry_index[TableBits-1:0];

  // ---- scanner ----
  wire [VectorBits-1:0] run_word = ebase[EB-1:LL];
  wire [VectorBits-1:0] run_triple = run_word + (run_word << 1);
  assign scan_start_o = state == Run || state == Load || state == WideScan || state == DigRow || state == HostScan
                     || state == OpD && (is_tab || is_amax);
  assign scan_weights_o = host_busy ? host_weights_i : is_dig && space == `NMC_DIG_WEIGHTS;
  assign scan_virtual_o = (is_mac_r && !masked || is_blend) && state != WideScan && state != WideWait && !host_busy;
  assign scan_nonzero_o = walking && (masked ? !draw_rounds_o : skip_q && (is_mac_b || is_upd_r || is_upd_b && !opt));
  assign scan_shared_o = (is_mac_r || is_upd_r) && !host_busy;
  assign scan_count_o = state == HostScan || is_load || state == WideScan || slow_rows && is_matrix ? 13'd1 : is_matrix ? rows : n;
  assign scan_first_o = host_busy ? host_addr_i[LaneBits-1:0] & LaneMask : is_matrix || is_load ? elane : {LaneBits{1'b0}};
  always @(*) begin
    scan_addr_o = {ScanBits{1'b0}};
    if (state == HostScan) scan_addr_o = host_addr_i[LL+:ScanBits];
    else if (is_load) scan_addr_o[VectorBits-1:0] = run_word;
    else if (state == WideScan) scan_addr_o[VectorBits-1:0] = dbase[VectorBits-1:0] + run_triple + {{VectorBits - 2{1'b0}}, step[1:0]};
    else if (is_matrix) scan_addr_o[VectorBits-1:0] = (is_mac_r ? dbase[VectorBits-1:0] : sbase[VectorBits-1:0]) + run_word;
    else if (is_dig && space == `NMC_DIG_WEIGHTS) scan_addr_o = passbase;
    else scan_addr_o[VectorBits-1:0] = aptr[VectorBits-1:0];
  end
  assign scan_take_o = take || state == Loaded || state == WideWait || state == HostWait || state == Amax
                    || (state == DigElement) || (state == Table && step == 4'd0 && scan_valid_i);

  // ---- control ----
  reg skip_q;
  reg alu_taken_q;
  reg [2:0] entry_q;
  reg [31:0] limit_q;
  reg [15:0] best;
  reg [12:0] best_index;
  wire better = index == 32'd0 || $signed(scan_value_i) > $signed(best);
  assign idle_o = state == Idle;
  assign run_ready_o = state == Idle && !host_read_i;
  assign busy_o = state != Idle && !host_busy;
  assign clear_o = state == Label;
  assign host_valid_o = state == HostWait && scan_valid_i;
  assign host_data_o = scan_value_i;
  assign prog_re_o = state == Fetch;
  assign prog_addr_o = pc;
  assign alu_start_o = state == Scalar && !is_load && !is_store && !is_key && !is_halt || state == Dot && lanes_idle_i;
  assign alu_op_o = op;
  assign alu_shift_o = is_dot ? ir_i[`NMC_VECTOR_SHIFT] : ir_i[`NMC_SCALAR_SHIFT];
  assign alu_imm_o = ir_i[`NMC_SCALAR_IMM];
  assign key_load_o = state == KeyWait && !permute_busy_i;
  assign permute_x_o = state == Scalar || state == DigElement || state == DigReg;
  assign permute_xdata_o = is_dig ? index : reg_i;
  assign permute_y_o = state == KeySeed || state == DigElement && scan_valid_i || state == DigReg;
  assign permute_ydata_o = is_dig ? {8'd0, ir_i[`NMC_VECTOR_TENSOR], state == DigElement ? scan_value_i : step[0] ? reg_i[31:16] : reg_i[15:0]}
                                  : reg_i ^ {ir_i[`NMC_SCALAR_STREAM], 24'd0};

  // The vector word is zero in all lanes that count.
  reg v_zero;
  integer z;
  always @(*) begin
    v_zero = 1'b1;
    if (state == Outer)
      for (z = 0; z < Lanes; z = z + 1)
        if (vector_i[z*16+:16] != 16'd0 && (!last_pass || tail_mask_o[z])) v_zero = 1'b0;
  end

  // Register reads: the value is there in the next state.
  always @(*) begin
    reg_raddr_o = ir_i[`NMC_SCALAR_RB];
    case (state)
      Decode:
      reg_raddr_o = is_matrix ? ir_i[`NMC_MATRIX_BOUNDS] : op[5] ? ir_i[`NMC_VECTOR_BOUNDS]
                  : op == `NMC_OP_LOOP ? ir_i[`NMC_SCALAR_RD] : ir_i[`NMC_SCALAR_RA];
      Scalar: if (is_key) reg_raddr_o = `NMC_REG_SEED;
      Bounds: reg_raddr_o = is_matrix ? {mgroup, 2'd2} : is_dig || amode == `NMC_SRC_REG ? reg_a : {vgroup, 2'd0};
      Base, Side, Side2: reg_raddr_o = {mgroup, 2'd3};
      Side3, PassEnd: reg_raddr_o = {mgroup, 2'd0};
      Pass, RunEnd, Drain: reg_raddr_o = {mgroup, 2'd1};
      Outer, Preload, Run, Walk, Stride, WideScan, WideWait: reg_raddr_o = ir_i[`NMC_MATRIX_RATE];
      OpA: reg_raddr_o = is_dig ? reg_a : bmode == `NMC_SRC_REG ? reg_b : {vgroup, 2'd1};
      OpB: reg_raddr_o = cmode == `NMC_SRC_REG ? reg_c : {vgroup, 2'd2};
      OpC: reg_raddr_o = {vgroup, 2'd3};
      DigWait, DigReg, DigRegRead: reg_raddr_o = aptr[5:0];
      default: ;
    endcase
    // Nothing else reads a register once a blend runs.
    if (is_blend && state != Decode && state != Bounds && state != Base && state != Side) reg_raddr_o = ir_i[`NMC_MATRIX_RATE];
  end

  always @(*) begin
    reg_we_o = 1'b0;
    reg_waddr_o = is_matrix || op[5] ? reg_dst : ir_i[`NMC_SCALAR_RD];
    reg_wdata_o = alu_result_i;
    case (state)
      Label: begin
        reg_we_o = 1'b1;
        reg_waddr_o = `NMC_REG_LABEL;
        reg_wdata_o = {16'd0, label_i};
      end
      Input: begin
        reg_we_o = 1'b1;
        reg_waddr_o = `NMC_REG_INPUT;
        reg_wdata_o = input_i;
      end
      Wait: reg_we_o = alu_done_i && (is_dot || op[4:3] != 2'd0 || op == `NMC_OP_LOOP);
      Loaded: begin
        reg_we_o = scan_valid_i;
        reg_wdata_o = {{16{scan_value_i[15]}}, scan_value_i};
      end
      AmaxEnd: begin
        reg_we_o = 1'b1;
        reg_wdata_o = {{16{best[15]}}, best};
      end
      AmaxIndex: begin
        reg_we_o = 1'b1;
        reg_waddr_o = reg_dst + 6'd1;
        reg_wdata_o = {19'd0, best_index};
      end
      default: ;
    endcase
  end

  wire [15:0] side_base = is_mac_r ? sbase : dbase;
  wire [ProgramBits-1:0] pc_next = pc + 1'b1;

  always @(posedge clk_i) begin
    done_o <= 1'b0;
    trace_valid_o <= 1'b0;
    if (busy_o) cycles_o <= cycles_o + 32'd1;
    case (state)
      Idle: begin
        if (host_read_i) state <= HostScan;
        else if (run_i) begin
          state <= Label;
          skip_q <= skip_i;
          entry_q <= entry_i;
          limit_q <= limit_i;
          cycles_o <= 32'd0;
          retired_o <= 32'd0;
          stopped_o <= 1'b0;
        end
      end
      HostScan: state <= HostWait;
      HostWait: if (scan_valid_i) state <= Idle;
      Label: begin
        state <= Input;
        pc <= {{ProgramBits - 3{1'b0}}, entry_q};
        if ({5'd0, entry_q} == `NMC_ENTRY_DIGEST) digest_o <= 64'd0;
      end
      Input: state <= Fetch;
      Fetch: state <= Decode;
      Decode: begin
        step <= 4'd0;
        state <= op[5] ? Bounds : Scalar;
      end
      Retire: begin
        retired_o <= retired_o + 32'd1;
        trace_valid_o <= 1'b1;
        trace_pc_o <= {{12 - ProgramBits{1'b0}}, pc};
        pc <= alu_taken_q ? scalar_imm[ProgramBits-1:0] : pc_next;
        state <= Fetch;
        if (is_halt || retired_o + 32'd1 == limit_q) begin
          state <= Idle;
          done_o <= 1'b1;
          stopped_o <= !is_halt;
        end
      end

      // Scalar instructions.
      Scalar: begin
        ebase <= (ir_i[64+:EB] << LL) + (ir_i[`NMC_SCALAR_INDEX] ? reg_i[EB-1:0] : {EB{1'b0}});
        alu_taken_q <= 1'b0;
        if (is_store) begin
          hi_o <= 16'h7fff;
          lo_o <= 16'h8000;
        end
        state <= is_halt ? Retire : is_key ? KeySeed : is_load ? Load : is_store ? Store : Wait;
      end
      Wait:
      if (alu_done_i) begin
        alu_taken_q <= alu_taken_i && !is_dot;
        state <= Retire;
      end
      KeySeed: state <= KeyWait;
      KeyWait: if (!permute_busy_i) state <= Retire;
      Load: state <= Loaded;
      Loaded: if (scan_valid_i) state <= Retire;
      Store: state <= Flush;
      Flush: if (lanes_idle_i && !in_flight && draw_idle_i) state <= Retire;

      // Matrix instructions.
      Bounds: begin
        alu_taken_q <= 1'b0;
        {hi_o, lo_o} <= reg_i;
        state <= is_matrix ? Base : OpA;
      end
      Base: begin
        passbase <= wbase[WeightBits-1:0] + group_off[WeightBits-1:0];
        passes <= b_walk ? words : 13'd1;
        state <= Side;
      end
      Side: begin
        aptr <= side_base + group_words[15:0];
        moff <= mbase[WeightBits-1:0] + group_off[WeightBits-1:0] - passbase;
        dptr <= dbase[VectorBits-1:0] + group_words[VectorBits-1:0];
        state <= Side2;
      end
      Side2: begin
        if (wideout && is_mac_b) aptr <= aptr + group_words[15:0];
        dptr  <= dptr + group_words[VectorBits-1:0];
        state <= Side3;
      end
      Side3: begin
        if (wideout && is_mac_b) aptr <= aptr + group_words[15:0];
        dptr  <= dptr + group_words[VectorBits-1:0];
        state <= Pass;
      end
      Pass: begin
        ebase <= is_blend ? {EB{1'b0}} : group_off[EB-1:0];
        inner <= rows;
        step <= 4'd0;
        state <= Outer;
      end
      Outer: begin
        outer <= is_blend || group_off[31:16] == 16'd0 ? 16'd1 : group_off[31:16];
        state <= is_upd_b && v_zero && skip_q ? PassEnd : widein && is_mac_b ? Preload : slow_rows && widein ? WideScan : Run;
        step  <= is_upd_b ? 4'd2 : 4'd0;
      end
      Preload:
      if (step != 4'd0 || lanes_idle_i && !in_flight) begin
        step <= step + 4'd1;
        if (step != 4'd0) dptr <= dptr + 1'b1;
        if (step == 4'd3) begin
          step  <= 4'd0;
          state <= Run;
        end
      end
      WideScan: if (step != 4'd0 || lanes_idle_i && !in_flight) state <= WideWait;
      WideWait:
      if (scan_valid_i) begin
        step  <= step + 4'd1;
        state <= WideScan;
        if (step == 4'd2) begin
          step  <= 4'd0;
          state <= Run;
        end
      end
      Run: begin
        if (is_mac_r) dptr <= dbase[VectorBits-1:0] + (wideout ? run_triple : run_word);
        state <= Walk;
      end
      Walk: begin
        if (next1 && is_mac_r) dptr <= dptr + 1'b1;
        if (scan_done_i && row_start && step == 4'd0) state <= RunEnd;
      end
      RunEnd: begin
        step <= 4'd0;
        if (slow_rows) begin
          inner <= inner - 13'd1;
          state <= Drain;
        end else if (outer == 16'd1) state <= is_mac_b ? Drain : PassEnd;
        else state <= Stride;
      end
      Drain:
      if (drain) begin
        if (is_mac_b) aptr <= aptr + 16'd1;
        else dptr <= dptr + 1'b1;
        step <= step + 4'd1;
        if (!wideout || step == 4'd2) begin
          step <= 4'd0;
          if (!slow_rows) state <= PassEnd;
          else if (inner != 13'd0) begin
            ebase <= ebase + 1'b1;
            state <= widein ? WideScan : Run;
          end else state <= outer == 16'd1 ? PassEnd : Stride;
        end
      end
      Stride: begin
        outer <= outer - 16'd1;
        inner <= rows;
        ebase <= ebase + group_off[EB-1:0] - (slow_rows ? less_rows[EB-1:0] : {EB{1'b0}});
        state <= slow_rows && widein ? WideScan : Run;
      end
      PassEnd: begin
        passbase <= passbase + 1'b1;
        if (is_upd_b) aptr <= aptr + 16'd1;
        passes <= passes - 13'd1;
        state  <= last_pass ? Flush : Pass;
      end

      // Vector instructions.
      OpA: begin
        aptr  <= is_dig ? ir_i[`NMC_VECTOR_A] : set_value;
        state <= is_dig ? (space == 2'd2 ? DigReg : DigRow) : OpB;
        passbase <= digbase[WeightBits-1:0];
        outer <= space == `NMC_DIG_WEIGHTS ? ir_i[`NMC_VECTOR_C] : 16'd1;
        index <= 32'd0;
        passes <= is_dig ? n : words;
      end
      OpB: begin
        bptr  <= set_value;
        state <= OpC;
      end
      OpC: begin
        cptr  <= set_value;
        state <= OpD;
      end
      OpD: begin
        dptr  <= set_value[VectorBits-1:0];
        step  <= v_draws ? 4'd0 : 4'd2;
        if (is_tab) step <= 4'd0;
        state <= is_tab ? Table : is_amax ? Amax : Word;
      end
      Word: begin
        step <= step + 4'd1;
        if (step == 4'd2 && !middle && !v_rounds) step <= 4'd4;
        if (v_fire) begin
          step <= v_draws ? 4'd0 : 4'd2;
          if (amode == `NMC_SRC_VECTOR) aptr <= aptr + 16'd1;
          if (bmode == `NMC_SRC_VECTOR) bptr <= bptr + 16'd1;
          if (cmode == `NMC_SRC_VECTOR) cptr <= cptr + 16'd1;
          dptr   <= dptr + 1'b1;
          passes <= passes - 13'd1;
          if (last_pass) state <= is_dot ? Dot : Flush;
        end
      end
      Dot: if (lanes_idle_i) state <= Wait;
      Table: begin
        if (next1) dptr <= dptr + 1'b1;
        if (step != 4'd0 || scan_valid_i) step <= step == 4'd3 ? 4'd0 : step + 4'd1;
        else if (scan_done_i) state <= Flush;
      end
      Amax: begin
        if (scan_valid_i) begin
          index <= index + 32'd1;
          if (better) begin
            best <= scan_value_i;
            best_index <= index[12:0];
          end
        end else if (scan_done_i) state <= AmaxEnd;
      end
      AmaxEnd: state <= AmaxIndex;
      AmaxIndex: state <= Retire;

      // Digest.
      DigRow: state <= DigElement;
      DigElement:
      if (scan_valid_i) state <= DigWait;
      else if (scan_done_i) begin
        outer <= outer - 16'd1;
        passbase <= passbase + digstride[WeightBits-1:0];
        state <= outer == 16'd1 ? Retire : DigRow;
      end
      DigReg: state <= DigWait;
      DigWait:
      if (!permute_busy_i) begin
        digest_o <= digest_o + permute_i;
        index <= index + 32'd1;
        step[0] <= !step[0];
        if (step[0]) begin
          aptr   <= aptr + 16'd1;
          passes <= passes - 13'd1;
        end
        if (space != 2'd2) state <= DigElement;
        else state <= step[0] ? (last_pass ? Retire : DigRegRead) : DigReg;
      end
      DigRegRead: state <= DigReg;
      default: state <= Idle;
    endcase
    // rate·v, rate·s
    if (rating && step != 4'd0) step <= step == 4'd5 ? 4'd0 : step + 4'd1;
    if (walking && take && is_upd_r) step <= 4'd1;
    if (rst_i) begin
      state <= Idle;
      done_o <= 1'b0;
      trace_valid_o <= 1'b0;
      // The host may read them before a run has set them; the digest stays 0 until a run asks for one.
      cycles_o <= 32'd0;
      retired_o <= 32'd0;
      digest_o <= 64'd0;
    end
  end
  assign trace_cycles_o = cycles_o;

endmodule

`default_nettype wire
