// nmc_sequencer: fetches instructions and drives the scalar unit, the scanner, the draws and the lanes through them.
//
// Every instruction is a chain of states; the tables below say what a state does: the next state, the register read for
// it (one state ahead), what the adder adds (nmc_pointers), and where the sum is kept. A new instruction gets its
// states there, its elements and words in nmc_walk, its operands in nmc_operands.
//
// A matrix instruction is passes × runs × elements × words. mac.b, upd.b and blend make one pass for each word of
// columns and take one word for each element; mac.r and upd.r make one pass and take all words of a row for each
// element.
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
    parameter QueueBits = 16,    // of an entry of the address queue: {one lane, tail, lane and word}
    parameter Share = 4,         // lanes that share a back end
    parameter [31:0] Omit = 32'd0  // units left out, bits NMC_UNIT_
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
    output reg  [ 6:0] reg_waddr_o,  // 64 and up: the sequencer's own
    output wire [31:0] reg_wdata_o,
    output reg  [ 6:0] reg_raddr_o,
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
    output wire [ScanBits-1:0] scan_addr_o,
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
    output reg  [          5:0] shift_o,
    output reg                  nearest_o,
    output reg                  stochastic_o,
    output reg  [         15:0] hi_o,
    output reg  [         15:0] lo_o,
    output wire                 inverted_o,
    output wire                 ge_o,
    output wire                 raw_o,
    output wire                 reduce_o,
    output wire                 touched_o,
    output wire                 count_o,
    output wire                 to_weights_o,  // results go to the weight memory
    output reg  [    Lanes-1:0] tail_mask_o,
    output wire [         15:0] bcast_o,
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
    output wire                 compare_o,
    output wire                 f_le_o,
    output reg                  f_inv_o,
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
  localparam WordBits = 13 - LL;
  localparam [LaneBits-1:0] LaneMask = Lanes[LaneBits-1:0] - 1'b1;

  localparam [6:0] Boot = 7'd0;
  localparam [6:0] Idle = 7'd1;
  localparam [6:0] Label0 = 7'd2;
  localparam [6:0] Label = 7'd3;
  localparam [6:0] Input = 7'd4;
  localparam [6:0] Limit = 7'd5;
  localparam [6:0] Fetch = 7'd6;
  localparam [6:0] Decode = 7'd7;
  localparam [6:0] Limits = 7'd8;  // the runs' limit is read
  localparam [6:0] Retire = 7'd9;
  localparam [6:0] HostAddress = 7'd10;
  localparam [6:0] HostScan = 7'd11;
  localparam [6:0] HostWait = 7'd12;
  localparam [6:0] Scalar = 7'd13;  // scalar: operand a is there
  localparam [6:0] Wait = 7'd14;  // for the scalar unit
  localparam [6:0] KeySeed = 7'd15;
  localparam [6:0] KeyWait = 7'd16;
  localparam [6:0] Loaded = 7'd17;
  localparam [6:0] LoadWrite = 7'd18;
  localparam [6:0] Store1 = 7'd19;  // the value passes the registers of nmc_operands
  localparam [6:0] Store2 = 7'd20;
  localparam [6:0] Store3 = 7'd21;
  localparam [6:0] Flush = 7'd22;
  localparam [6:0] Bounds = 7'd23;
  localparam [6:0] Base = 7'd24;  // matrix: offset of W is there
  localparam [6:0] Side = 7'd25;  // offset of the lane side
  localparam [6:0] Dest0 = 7'd26;  // the destination's, or the element
  localparam [6:0] Dest1 = 7'd27;  // wide: three times
  localparam [6:0] Dest2 = 7'd28;
  localparam [6:0] Dest3 = 7'd29;
  localparam [6:0] Pass0 = 7'd30;
  localparam [6:0] Pass1 = 7'd31;  // first element is there
  localparam [6:0] Pass2 = 7'd32;  // outer count
  localparam [6:0] Pass3 = 7'd33;  // lane side
  localparam [6:0] Pass4 = 7'd34;  // rate
  localparam [6:0] Pass5 = 7'd35;  // upd.b: v is read
  localparam [6:0] Pass6 = 7'd36;  // ... and there
  localparam [6:0] Preload0 = 7'd37;
  localparam [6:0] Preload1 = 7'd38;
  localparam [6:0] Preload2 = 7'd39;
  localparam [6:0] Preload3 = 7'd40;
  localparam [6:0] Slow0 = 7'd41;  // one row at a time: first element
  localparam [6:0] Slow1 = 7'd42;
  localparam [6:0] Slow2 = 7'd43;
  localparam [6:0] Element = 7'd44;
  localparam [6:0] Wide0 = 7'd45;  // mac.r: one halfword of an accumulator
  localparam [6:0] WideScan = 7'd46;
  localparam [6:0] WideWait = 7'd47;
  localparam [6:0] Run0 = 7'd48;
  localparam [6:0] Run1 = 7'd49;
  localparam [6:0] Run = 7'd50;
  localparam [6:0] Walk = 7'd51;
  localparam [6:0] RunEnd = 7'd52;
  localparam [6:0] Stride = 7'd53;  // outer count is there
  localparam [6:0] Stride1 = 7'd54;
  localparam [6:0] Drain = 7'd55;
  localparam [6:0] SlowNext = 7'd56;
  localparam [6:0] SlowAdd = 7'd57;
  localparam [6:0] PassEnd = 7'd58;
  localparam [6:0] OpA = 7'd59;  // vector: operands
  localparam [6:0] OpB = 7'd60;
  localparam [6:0] OpC = 7'd61;
  localparam [6:0] OpD = 7'd62;
  localparam [6:0] Word = 7'd63;
  localparam [6:0] Dot = 7'd64;
  localparam [6:0] VectorScan = 7'd65;
  localparam [6:0] Table = 7'd66;
  localparam [6:0] Amax = 7'd67;
  localparam [6:0] AmaxTest = 7'd68;
  localparam [6:0] AmaxIndex = 7'd69;
  localparam [6:0] AmaxBest = 7'd70;
  localparam [6:0] AmaxNext = 7'd71;
  localparam [6:0] AmaxEnd = 7'd72;
  localparam [6:0] DigElement = 7'd73;
  localparam [6:0] DigIndex = 7'd74;
  localparam [6:0] DigReg1 = 7'd75;
  localparam [6:0] DigReg2 = 7'd76;
  localparam [6:0] DigValue = 7'd77;
  localparam [6:0] DigWait = 7'd78;
  localparam [6:0] DigRow0 = 7'd79;
  localparam [6:0] DigRow1 = 7'd80;
  localparam [6:0] DigRow2 = 7'd81;
  localparam [6:0] DigRow3 = 7'd82;
  // Rows of the register memory that are the sequencer's own: from 64 on.
  localparam [3:0] RowZero = 4'd0;
  localparam [3:0] RowLimit = 4'd1;  // instructions left
  localparam [3:0] RowA = 4'd4;      // vector: operands; digest: next row or register
  localparam [3:0] RowB = 4'd5;
  localparam [3:0] RowC = 4'd6;      // digest: rows left
  localparam [3:0] RowBase = 4'd4;   // matrix: W[0,0]
  localparam [3:0] RowSide = 4'd5;   // lane side; blend: M[0,0]
  localparam [3:0] RowStart = 4'd6;  // first element of the run
  localparam [3:0] RowOuter = 4'd8;  // {runs left, stride}
  localparam [3:0] RowElement = 4'd9;
  localparam [3:0] RowInner = 4'd10;  // elements left
  localparam [3:0] RowWide = 4'd11;   // where accumulators are loaded from
  localparam [3:0] RowIndex = 4'd12;  // digest, amax: elements so far
  localparam [3:0] RowBest = 4'd13;   // amax: complement of the largest

  (* fsm_encoding = "one-hot" *)
  reg [6:0] state;
  reg [2:0] step;
  reg [ProgramBits-1:0] pc;
  reg skip_q;

  // ---- decoding: Decode sets registers, so that simulators decode an instruction once and not in every clock; those of
  // omitted units are constant, and synthesis drops what hangs on them ----
  localparam Draws = !(Omit[`NMC_UNIT_UNIFORM] && Omit[`NMC_UNIT_SIGN]);
  localparam [2:0] Modes = {Draws[0], 2'b11};
  wire [5:0] op = ir_i[`NMC_SCALAR_OP];
  reg is_mac_b, is_mac_r, is_upd_b, is_upd_r, is_blend;
  reg is_vec, is_tab, is_dot, is_amax, is_dig, is_halt, is_load, is_store, is_key;
  reg wdraw, grouped, fn_sel, fn_mac, fn_ge, swap, middle, v_draws, dig_weights, dig_regs;
  wire is_matrix = op[5] && !op[3];
  wire is_vector = op[5] && op[3];
  wire is_mac = is_mac_b || is_mac_r;
  wire is_upd = is_upd_b || is_upd_r;
  wire opt = ir_i[`NMC_MATRIX_OPT];
  wire pull = !Omit[`NMC_UNIT_PULL] && is_upd && opt;
  wire widein = !Omit[`NMC_UNIT_WIDE] && is_mac && ir_i[`NMC_MATRIX_WIDEIN];
  wire wideout = !Omit[`NMC_UNIT_WIDE] && is_mac && ir_i[`NMC_MATRIX_WIDEOUT];
  wire masked = !Omit[`NMC_UNIT_MASKED] && is_mac_r && opt;
  wire slow_rows = is_mac_r && (widein || wideout);  // one row at a time
  wire in_rows = is_mac_r || is_upd_r;
  wire b_walk = is_mac_b || is_upd_b || is_blend;
  wire row_events = is_upd || is_blend || is_mac_b && wdraw || is_mac_r && wdraw;
  wire v_rounds = is_vec && stochastic_o;
  wire r_draws = is_upd_r && stochastic_o || is_mac_r && (wdraw || stochastic_o);
  wire compares = !Omit[`NMC_UNIT_COMPARE] && !fn_mac && !fn_sel;
  wire w_source_sign = !Omit[`NMC_UNIT_SIGN] && ir_i[`NMC_MATRIX_WSRC] == `NMC_W_SIGN;
  wire [12:0] rows = ir_i[`NMC_MATRIX_ROWS];
  wire [12:0] n = ir_i[`NMC_VECTOR_N];
  wire [12:0] side = ir_i[`NMC_MATRIX_COLS];  // n, too
  wire [TailBits-1:0] used = Lanes == 1 ? {TailBits{1'b0}} : side[TailBits-1:0];

  // Shift, rounding, bounds and group are the same bits of matrix and vector instructions.
  reg d_mac, d_mac_r, d_upd, d_blend, d_vec, d_tab, d_dot, d_wideout, d_sel, d_fn_mac, d_ge, d_max;
  reg d_rounded, d_nearest, d_stochastic, d_draw, d_adraw, d_bdraw;
  reg [1:0] d_source;
  reg [2:0] d_cmode;
  reg [3:0] fn;
  always @(posedge clk_i)
    if (state == Decode) begin
      d_mac = op[5] && !op[3] && op[2:1] == 2'd0;
      d_mac_r = d_mac && op[0];
      d_upd = op[5] && !op[3] && op[1] && !(Omit[`NMC_UNIT_UPDR] && op[0]);
      d_blend = op[5] && !op[3] && op[2];
      d_vec = op[5] && op[3] && op[2:0] == 3'd0;
      d_tab = !Omit[`NMC_UNIT_TABLE] && op[5] && op[3] && op[2:0] == 3'd1;
      d_dot = !Omit[`NMC_UNIT_DOT] && op[5] && op[3] && op[2:0] == 3'd2;
      is_mac_b <= d_mac && !op[0];
      is_mac_r <= d_mac_r;
      is_upd_b <= d_upd && !op[0];
      is_upd_r <= d_upd && op[0];
      is_blend <= d_blend;
      is_vec <= d_vec;
      is_tab <= d_tab;
      is_dot <= d_dot;
      is_amax <= !Omit[`NMC_UNIT_ARGMAX] && op[5] && op[3] && op[2:0] == 3'd3;
      is_dig <= op[5] && op[3] && op[2];
      is_halt <= op == `NMC_OP_HALT;
      is_load <= op == `NMC_OP_LOAD;
      is_store <= op == `NMC_OP_STORE;
      is_key <= op == `NMC_OP_KEY;

      // Matrix instructions.
      d_wideout = !Omit[`NMC_UNIT_WIDE] && d_mac && ir_i[`NMC_MATRIX_WIDEOUT];
      d_source = ir_i[`NMC_MATRIX_WSRC] & {!Omit[`NMC_UNIT_SIGN], !Omit[`NMC_UNIT_UNIFORM]};
      d_draw = d_source != `NMC_W_MEM && (d_mac || d_blend);
      wdraw <= d_draw;
      grouped <= ir_i[`NMC_MATRIX_GROUP] != 4'd0 && !(op[3] && op[2]);

      // Vector instructions.
      fn = ir_i[`NMC_VECTOR_FN];
      // Of the modes of a and b it matters here only whether they draw, their bit 2.
      d_adraw = (ir_i[`NMC_VECTOR_AMODE] & Modes) > 3'd3;
      d_bdraw = (ir_i[`NMC_VECTOR_BMODE] & Modes) > 3'd3;
      d_cmode = ir_i[`NMC_VECTOR_CMODE] & Modes;
      d_sel = !Omit[`NMC_UNIT_SELECT] && fn == `NMC_FN_SEL && !d_dot;
      d_fn_mac = d_dot || (Omit[`NMC_UNIT_COMPARE] ? !d_sel : fn == `NMC_FN_MAC);
      d_ge = !Omit[`NMC_UNIT_COMPARE] && fn == `NMC_FN_GE && !d_dot;
      d_max = !Omit[`NMC_UNIT_COMPARE] && fn == `NMC_FN_MAX;
      fn_sel <= d_sel;
      fn_mac <= d_fn_mac;
      fn_ge <= d_ge;
      swap <= d_fn_mac ? d_bdraw : !d_sel && d_cmode[2];
      middle <= d_sel || (d_fn_mac && !d_dot && d_cmode != `NMC_SRC_ZERO);
      f_inv_o <= d_max || d_ge && !d_cmode[2];
      dig_weights <= op[5] && op[3] && op[2] && ir_i[`NMC_VECTOR_SPACE] == `NMC_DIG_WEIGHTS;
      dig_regs <= op[5] && op[3] && op[2] && ir_i[`NMC_VECTOR_SPACE] == `NMC_DIG_REGISTERS;

      // Results and rounding.
      d_rounded = op[3] ? d_vec && d_fn_mac : op[5] && !d_wideout;
      d_nearest = d_tab || d_rounded && ir_i[`NMC_MATRIX_ROUND] == `NMC_ROUND_NEAREST;
      d_stochastic = !Omit[`NMC_UNIT_STOCHASTIC] && !d_tab && d_rounded
                   && ir_i[`NMC_MATRIX_ROUND] == `NMC_ROUND_STOCHASTIC;
      shift_o <= d_tab ? 6'd8 : d_rounded ? ir_i[`NMC_MATRIX_SHIFT] : 6'd0;
      nearest_o <= d_nearest;
      stochastic_o <= d_stochastic;
      v_draws <= d_adraw || (d_bdraw && (d_fn_mac || d_sel)) || (d_cmode[2] && !d_dot)
               || op[3] && d_stochastic;
      tail_mask_o <= used == {TailBits{1'b0}} ? {Lanes{1'b1}} : ~({Lanes{1'b1}} << used);
    end

  // ---- the walk ----
  wire take, go, drain, row_start, base_first, last_word, first_token, in_flight;
  wire d0, drain0, shift0, acc0, last0, second0;
  wire [LaneBits-1:0] walk_lane;
  wire [WordBits-1:0] word;
  wire [WeightBits-1:0] waddr;
  wire [31:0] sum;
  wire walking = state == Walk;
  wire word_fire = state == Word && step == 3'd5;
  wire pass_start = state == Pass0;
  wire dead = masked && draw_rounds_o && scan_value_i == 16'd0;
  wire last_pass = last_word || in_rows;
  nmc_walk #(
      .Lanes(Lanes), .WeightPorts(WeightPorts), .Share(Share), .WeightBits(WeightBits), .LaneBits(LaneBits),
      .WordBits(WordBits)
  ) u_walk (
      .clk_i(clk_i), .rst_i(rst_i), .idle_i(idle_o),
      .is_mac_b_i(is_mac_b), .is_upd_i(is_upd), .is_upd_r_i(is_upd_r), .is_blend_i(is_blend),
      .in_rows_i(in_rows), .widein_i(widein), .r_draws_i(r_draws), .rstride_i(ir_i[`NMC_MATRIX_RSTRIDE]), .side_i(side),
      .first_word_i(state == Bounds), .next_word_i(state == PassEnd || word_fire), .pass_i(pass_start),
      .first_i(pass_start || state == OpD), .used_i(word_fire || state == AmaxNext), .run_i(state == Run),
      .run_end_i(state == RunEnd), .walking_i(walking), .take_ok_i(!is_upd_r || step == 3'd0),
      .word_ok_i(!is_upd_r || step == 3'd0 || step[2]), .draining_i(state == Drain), .drain_more_i(step != 3'd0),
      .elane_i(reg_i[LaneBits-1:0] & LaneMask), .base_i(sum[WeightBits-1:0]),
      .scan_valid_i(scan_valid_i), .scan_lane_i(scan_lane_i), .scan_left_i(scan_left_i), .scan_next_i(scan_next_i),
      .dead_i(dead),
      .take_o(take), .go_o(go), .drain_o(drain), .row_start_o(row_start), .base_first_o(base_first), .lane_o(walk_lane),
      .word_o(word), .last_o(last_word), .first_o(first_token), .d_o(d0), .drain0_o(drain0), .shift0_o(shift0),
      .acc0_o(acc0), .last0_o(last0), .second_o(second0), .addr_o(waddr), .in_flight_o(in_flight)
  );

  // ---- vector instructions: a word takes six steps; operands are read in steps 0 to 2 and used three steps later ----
  // Operands in their order: 0 is a, 1 is b, 2 is c. The operand is the one that is read here: in a word, or when the
  // instruction starts.
  wire word_use = state == Word && (step[2] || step[1:0] == 2'd3);
  reg v_first, v_middle, v_last;
  reg [1:0] operand;
  reg [2:0] mode;
  reg [5:0] mode_reg;
  wire [15:0] vector_a = ir_i[`NMC_VECTOR_A];
  wire [15:0] vector_b = ir_i[`NMC_VECTOR_B];
  wire [15:0] vector_c = ir_i[`NMC_VECTOR_C];
  always @(*) begin
    operand = 2'd0;
    {v_first, v_middle, v_last} = 3'd0;
    if (state == Word)
      case (step)
        3'd0, 3'd3: begin
          operand = !swap ? 2'd0 : fn_mac ? 2'd1 : 2'd2;
          v_first = step[0];
        end
        3'd1, 3'd4: begin
          operand = fn_sel ? 2'd1 : 2'd2;
          v_middle = step[2] && middle;
        end
        default: begin
          operand = swap ? 2'd0 : fn_mac ? 2'd1 : 2'd2;
          v_last = step[2];
        end
      endcase
    if (state == OpA) operand = 2'd1;
    if (state == OpB) operand = 2'd2;
    case (operand)
      2'd0: {mode, mode_reg} = {ir_i[`NMC_VECTOR_AMODE] & Modes, vector_a[5:0]};
      2'd1: {mode, mode_reg} = {ir_i[`NMC_VECTOR_BMODE] & Modes, vector_b[5:0]};
      default: {mode, mode_reg} = {ir_i[`NMC_VECTOR_CMODE] & Modes, vector_c[5:0]};
    endcase
  end
  wire is_v_event = state == Word && step == (v_rounds ? 3'd3 : 3'd1) && v_draws;
  reg sat_q, wide1, wide2;
  always @(posedge clk_i) begin
    sat_q <= mode == `NMC_SRC_REG && state == Word;
    wide1 <= state == WideWait && scan_valid_i;
    wide2 <= wide1;
  end

  // ---- operands of the lanes ----
  wire w_sign;
  wire [15:0] first, second;
  wire [VectorBits-1:0] vaddr;
  wire table_step = state == Table;
  wire rating = is_upd && (state == Run1 || state == Run || walking) && step != 3'd0;
  nmc_operands #(
      .VectorBits(VectorBits), .WordBits(WordBits)
  ) u_operands (
      .clk_i(clk_i), .rst_i(rst_i),
      .is_mac_i(is_mac), .is_mac_b_i(is_mac_b), .is_mac_r_i(is_mac_r), .is_upd_i(is_upd), .is_upd_r_i(is_upd_r),
      .is_blend_i(is_blend), .is_dig_i(is_dig), .is_tab_i(is_tab), .is_dot_i(is_dot), .slow_rows_i(slow_rows),
      .opt_i(opt), .wdraw_i(wdraw), .w_sign_i(w_source_sign), .fn_mac_i(fn_mac), .fn_sel_i(fn_sel),
      .fn_ge_i(fn_ge), .compares_i(compares), .pull_i(pull), .middle_i(middle),
      .scan_i(scan_take_o && !(walking && is_mac_r)),
      .reg_i(first_reg),
      .sat_i(sat_q || state == Store1),
      .high_i(state == Pass4 || state == Pass5 || walking && is_upd_r && step == 3'd2 || state == DigReg2),
      .scan_value_i(scan_value_i), .value_i(reg_i), .table_i(table_i), .word_i(word), .first_o(first),
      .second_o(second), .vaddr_o(vaddr),
      .word_i0(d0), .drain_i(drain0), .shift_i(wideout && shift0), .acc_i(acc0), .last_i(last0), .blend_i(second0),
      .goal_i(state == Pass5 && is_upd_b || walking && is_upd_r && step == 3'd2),
      .rate_i(state == Pass6 && is_upd_b || walking && is_upd_r && step == 3'd3), .product_i(rating && step == 3'd6),
      .preload_i(!Omit[`NMC_UNIT_WIDE] && state == Preload3), .preload_bc_i(!Omit[`NMC_UNIT_WIDE] && wide2),
      .v_first_i(v_first), .v_middle_i(v_middle), .v_last_i(v_last), .mode_i(mode), .v_start_i(first_token),
      .v_tail_i(last_word), .slope_i(table_step && step == 3'd1), .entry_i(table_step && step == 3'd2),
      .rest_i(table_step && step == 3'd3), .store_i(state == Store3),
      .bcast_o(bcast_o), .tok_valid_o(tok_valid_o), .tok_first_o(tok_first_o), .tok_shift_o(tok_shift_o),
      .tok_last_o(tok_last_o), .p_load_o(p_load_o), .p_o_o(p_o_o), .p_prod_o(p_prod_o), .o_bcast_o(o_bcast_o),
      .w_draw_o(w_draw_o), .w_sign_o(w_sign), .f_load_o(f_load_o), .c_load_o(c_load_o), .c_sel_o(c_sel_o),
      .fire_o(fire_o), .pull_o(pull_o), .tail_o(tail_o), .flag_o(flag_o), .compare_o(compare_o), .x_zero_o(x_zero_o), .acc_load_o(acc_load_o)
  );
  assign w_sign_o = !Omit[`NMC_UNIT_SIGN] && w_sign;

  // ---- results ----
  assign raw_o = wideout;
  assign reduce_o = is_mac_r || is_dot;
  assign touched_o = is_upd || is_blend && !opt;
  assign count_o = is_mac || is_vec;
  assign to_weights_o = is_upd || is_blend;
  assign ge_o = is_vec && fn_ge;
  assign f_le_o = fn_ge && swap;
  assign inverted_o = $signed(lo_o) > $signed(hi_o) && !ge_o;
  always @(posedge clk_i)
    if (state == Store1) {hi_o, lo_o} <= 32'h7fff8000;
    else if (state == Bounds) {hi_o, lo_o} <= reg_i;

  // ---- draws: events in cycle -2 ----
  wire row_take = take && row_events;
  wire sum_take = take && is_mac_r && !wdraw;
  assign draw_rounds_o = stochastic_o && !wdraw;
  assign draw_across_o = !b_walk;
  assign draw_single_o = Lanes == 1 || is_mac_r && !wdraw;
  assign draw_rows_reset_o = pass_start || state == OpD;
  assign draw_cols_reset_o = state == Base || state == OpD || row_take && in_rows;
  assign draw_row_o = row_take || (drain && is_mac_b && !wdraw) || sum_take || is_v_event;
  assign draw_word_o = (pass_start && b_walk) || (go && in_rows && row_events) || sum_take || is_v_event;
  assign draw_next_o = scan_next_i && walking && row_events;
  assign draw_add_o = state == RunEnd && row_events;
  assign draw_sub_o = state == Run && row_events;
  assign draw_lane_o = row_events ? walk_lane : {LaneBits{1'b0}};

  // ---- destinations: a word of vectors, which follows the scanner or the sums, and a lane ----
  reg [VectorBits-1:0] dptr;
  reg [LaneBits-1:0] lane;
  wire [LaneBits-1:0] lane_next = LaneMask & (state == HostScan ? host_addr_i[LaneBits-1:0] : state == WideScan ? lane
                                            : is_vector ? {LaneBits{1'b0}} : reg_i[LaneBits-1:0]);
  wire dptr_next = drain || word_fire || scan_next_i && (table_step || walking && is_mac_r);
  always @(posedge clk_i) begin
    if (dptr_load || dptr_next) dptr <= dptr_load ? sum[VectorBits-1:0] : dptr + 1'b1;
    if (scan_start_o || state == Scalar || state == Dest0) lane <= lane_next;
  end
  wire push_row = take && is_mac_r && !slow_rows && !dead;
  wire push_entry = table_step && scan_take_o;
  wire push_lane = push_row || push_entry || drain && is_mac_r || state == Store3;
  wire push_word = d0 && is_upd || second0;
  assign push_o = push_lane || push_word || drain || word_fire && !is_dot;
  wire from_scan = is_tab || is_mac_r && !slow_rows;
  wire [LaneBits-1:0] push_index = !push_lane ? {LaneBits{1'b0}} : from_scan ? scan_lane_i : lane;
  wire [VectorBits+LaneBits-1:0] push_vector = {push_index, dptr};
  wire [WeightBits+VectorBits+LaneBits-1:0] place_weights = {{VectorBits + LaneBits{1'b0}}, waddr};
  wire [WeightBits+VectorBits+LaneBits-1:0] place_vectors = {{WeightBits{1'b0}}, push_vector};
  wire [WeightBits+VectorBits+LaneBits-1:0] place = to_weights_o ? place_weights : place_vectors;
  assign push_addr_o = {push_lane, to_weights_o ? last0 : last_word, place[QueueBits-3:0]};

  // ---- memories ----
  assign vector_re_o = scan_re_i && !scan_weights_o || d0 && in_rows && !drain0 || state == Pass5 && is_upd_b
                    || word_use && mode == `NMC_SRC_VECTOR || state == Preload3;
  assign vector_addr_o = scan_re_i ? scan_raddr_i[VectorBits-1:0] : vaddr;
  assign scan_grant_o = !(d0 && in_rows);
  assign weight_re_o = scan_re_i && scan_weights_o || d0 && !wdraw && !drain0 || second0;
  assign weight_addr_o = scan_weights_o ? scan_raddr_i[WeightBits-1:0] : waddr;
  wire [15:0] entry_index = ir_i[`NMC_VECTOR_C] + {8'd0, ~scan_value_i[15], scan_value_i[14:8]};
  assign table_re_o = table_step && step == 3'd0;
  assign table_addr_o = entry_index[TableBits-1:0];

  // ---- scanner: its first word is the sum ----
  wire host_busy = state == HostScan || state == HostWait;
  wire wide_busy = state == WideScan || state == WideWait;
  assign scan_start_o = state == Run || state == Scalar && is_load || state == WideScan || state == VectorScan
                     || state == HostScan;
  assign scan_addr_o = sum[ScanBits-1:0];
  assign scan_first_o = scan_start_o ? lane_next : lane;
  assign scan_count_o = host_busy || is_load || slow_rows ? 13'd1 : is_matrix ? rows : n;
  assign scan_weights_o = host_busy ? host_weights_i : dig_weights;
  assign scan_virtual_o = (is_mac_r && !masked || is_blend || dig_regs) && !wide_busy && !host_busy;
  assign scan_nonzero_o = walking && (masked ? !draw_rounds_o : skip_q && (is_mac_b || is_upd_r || is_upd_b && !pull));
  assign scan_shared_o = in_rows && !host_busy;
  assign scan_take_o = take || state == Loaded || state == WideWait || state == HostWait || state == Amax
                    || state == DigElement                    || table_step && step == 3'd0 && scan_valid_i;

  // ---- run and host ----
  assign idle_o = state == Idle;
  assign run_ready_o = state == Limit;
  assign busy_o = state != Idle && state != Boot && state != HostAddress && !host_busy;
  assign clear_o = state == Label;
  assign host_valid_o = state == HostWait && scan_valid_i;
  assign host_data_o = scan_value_i;
  assign prog_re_o = state == Fetch;
  assign prog_addr_o = pc;
  assign alu_start_o = state == Scalar && !is_load && !is_store && !is_key && !is_halt || state == Dot && lanes_idle_i;
  assign alu_op_o = op;
  assign alu_shift_o = ir_i[`NMC_SCALAR_SHIFT];
  assign alu_imm_o = ir_i[`NMC_SCALAR_IMM];
  wire [31:0] scalar_imm = ir_i[`NMC_SCALAR_IMM];

  // ---- key and digest ----
  assign key_load_o = state == KeyWait && !permute_busy_i;
  assign permute_x_o = state == Scalar || state == DigIndex;
  assign permute_xdata_o = reg_i;
  assign permute_y_o = state == KeySeed || state == DigReg2 && !step[0] || state == DigValue;
  assign permute_ydata_o = {
    is_dig ? 8'd0 : reg_i[31:24] ^ ir_i[`NMC_SCALAR_STREAM],
    is_dig ? ir_i[`NMC_VECTOR_TENSOR] : reg_i[23:16],
    state == DigValue ? second : reg_i[15:0]
  };

  // ---- registers ----
  wire low_end, high_end;  // a count, the low or the high half of a register, is 0 or 1
  // What a state does: the register it reads, which is there in the next state; the operand that the adder adds to the
  // register read before; where the sum is kept.
  reg read_ra, read_rb, read_rd, read_seed, read_group, read_mode, read_named;
  reg [1:0] member;  // of a group
  reg [3:0] row;
  reg by_words, add_wbase, add_sbase, add_dbase, add_b, add_dptr, add_first, add_one, add_minus, add_high;
  reg own;
  reg [5:0] target;
  reg first_reg;   // first = the register
  reg dptr_load;
  wire [15:0] vector_dst = ir_i[`NMC_VECTOR_DST];
  wire [5:0] rd = op[5] ? vector_dst[5:0] + {5'd0, state == AmaxIndex} : ir_i[`NMC_SCALAR_RD];
  always @(*) begin
    {read_ra, read_rb, read_rd, read_seed, read_group, read_mode, read_named} = 7'd0;
    member = 2'd3;
    row = RowZero;
    {by_words, add_wbase, add_sbase, add_dbase, add_b, add_dptr, add_first, add_one, add_minus, add_high} = 10'd0;
    reg_we_o = 1'b0;
    own = 1'b1;
    target = {2'd0, RowZero};
    {first_reg, dptr_load} = 2'd0;
    case (state)
      Walk: begin
        if (is_upd_r && step == 3'd1) read_rb = 1'b1;
        else row = is_blend && base_first || is_upd_r && step == 3'd2 ? RowSide : RowBase;
        first_reg = is_upd_r && step == 3'd3;
      end
      Boot: reg_we_o = 1'b1;
      Label: begin
        reg_we_o = 1'b1;
        {own, target} = {1'b0, `NMC_REG_LABEL};
      end
      Input: begin
        reg_we_o = 1'b1;
        {own, target} = {1'b0, `NMC_REG_INPUT};
      end
      Limit: begin
        reg_we_o = 1'b1;
        target[3:0] = RowLimit;
      end
      Decode: begin
        // Or the bounds, which are where scalar instructions have ra.
        read_rd = op == `NMC_OP_LOOP;
        read_ra = !read_rd && !((op == `NMC_OP_LOAD || op == `NMC_OP_STORE) && !ir_i[`NMC_SCALAR_INDEX]);
      end
      Limits: row = RowLimit;
      Retire: begin
        add_minus = 1'b1;
        reg_we_o = 1'b1;
        target[3:0] = RowLimit;
      end
      Scalar: begin
        read_rb = !is_key;
        read_seed = is_key;
        by_words = 1'b1;
        dptr_load = 1'b1;
      end
      Wait: begin
        read_rb = !is_key;
        reg_we_o = alu_done_i && (is_dot || op[4:3] != 2'd0 || op[2:0] == 3'd2);
        {own, target} = {1'b0, rd};
      end
      LoadWrite: begin
        add_first = 1'b1;
        reg_we_o = 1'b1;
        {own, target} = {1'b0, rd};
      end
      Store1: first_reg = 1'b1;
      Bounds: begin
        read_group = grouped && (is_matrix || mode == `NMC_SRC_VECTOR);
        member = is_matrix ? 2'd2 : 2'd0;
      end
      Base: begin
        read_group = grouped;
        add_wbase = 1'b1;
        reg_we_o = 1'b1;
        target[3:0] = RowBase;
      end
      Side: begin
        read_group = grouped && !is_mac_r;
        if (is_mac_r) row = RowElement;
        by_words = !is_blend;
        add_sbase = is_mac_r || is_blend;
        add_dbase = !is_mac_r && !is_blend;
        add_high = is_blend;
        reg_we_o = 1'b1;
        target[3:0] = RowSide;
      end
      Dest0, Dest1, Dest2: begin
        read_group = grouped && !is_mac_r;
        if (is_mac_r) row = RowElement;
        by_words = 1'b1;
        add_dbase = state == Dest0;
        add_dptr = state != Dest0;
        dptr_load = 1'b1;
        reg_we_o = state == Dest2;
        target[3:0] = RowWide;
      end
      Dest3: begin
        by_words = 1'b1;
        add_dbase = 1'b1;
        dptr_load = !wideout;
      end
      Pass0: begin
        read_group = grouped && !is_blend;
        member = 2'd0;
      end
      Pass1: begin
        read_group = grouped && !is_blend;
        member = 2'd1;
        reg_we_o = 1'b1;
        target[3:0] = RowStart;
      end
      Pass2: begin
        row = RowSide;
        reg_we_o = 1'b1;
        target[3:0] = RowOuter;
      end
      Pass3: begin
        read_rb = 1'b1;
        first_reg = 1'b1;
      end
      Pass4: read_rb = 1'b1;
      Preload0, Preload3, Wide0, WideScan: row = RowWide;
      Preload1: begin
        add_one = step != 3'd2;
        first_reg = 1'b1;
        reg_we_o = 1'b1;
        target[3:0] = RowWide;
      end
      WideWait: begin
        row = RowWide;
        add_one = 1'b1;
        reg_we_o = scan_valid_i;
        target[3:0] = RowWide;
      end
      Slow0: row = RowStart;
      Slow1: begin
        reg_we_o = 1'b1;
        target[3:0] = RowElement;
      end
      Slow2: begin
        reg_we_o = 1'b1;
        target[3:0] = RowInner;
      end
      Element: row = RowElement;
      Run0: row = RowSide;
      Run1: begin
        row = slow_rows ? RowElement : RowStart;
        first_reg = 1'b1;
      end
      Run: begin
        row = RowBase;
        by_words = 1'b1;
        add_sbase = !is_mac_r;
        add_dbase = is_mac_r;
        dptr_load = is_mac_r && !slow_rows;
      end
      RunEnd: row = RowOuter;
      Stride: begin
        row = RowStart;
        first_reg = 1'b1;
        reg_we_o = 1'b1;
        target[3:0] = RowOuter;
      end
      Stride1: begin
        add_first = 1'b1;
        reg_we_o = 1'b1;
        target[3:0] = RowStart;
      end
      Drain: row = RowInner;
      SlowNext: begin
        row = low_end ? RowOuter : RowElement;
        add_minus = 1'b1;
        reg_we_o = 1'b1;
        target[3:0] = RowInner;
      end
      SlowAdd: begin
        add_one = 1'b1;
        reg_we_o = 1'b1;
        target[3:0] = RowElement;
      end
      OpA: begin
        read_group = grouped && mode == `NMC_SRC_VECTOR;
        member = 2'd1;
        by_words = 1'b1;
        add_sbase = (ir_i[`NMC_VECTOR_AMODE] & Modes) != `NMC_SRC_ZERO || is_dig;
        add_high = is_dig;
        reg_we_o = 1'b1;
        target[3:0] = RowA;
      end
      OpB: begin
        read_group = grouped && mode == `NMC_SRC_VECTOR;
        member = 2'd2;
        by_words = 1'b1;
        add_b = (ir_i[`NMC_VECTOR_BMODE] & Modes) != `NMC_SRC_ZERO;
        reg_we_o = 1'b1;
        target[3:0] = RowB;
      end
      OpC: begin
        read_group = grouped;
        by_words = 1'b1;
        add_wbase = (ir_i[`NMC_VECTOR_CMODE] & Modes) != `NMC_SRC_ZERO || is_dig;
        reg_we_o = 1'b1;
        target[3:0] = RowC;
      end
      OpD: begin
        row = RowA;
        by_words = 1'b1;
        add_dbase = 1'b1;
        dptr_load = 1'b1;
        reg_we_o = 1'b1;
        target[3:0] = RowIndex;
      end
      Word: begin
        read_mode = mode == `NMC_SRC_REG;
        if (!read_mode) row = {RowA[3:2], operand};
        first_reg = !step[2];
      end
      VectorScan, DigElement, DigWait: row = RowIndex;
      Amax: row = RowBest;
      AmaxTest: begin
        row = RowIndex;
        add_first = 1'b1;
      end
      AmaxIndex, AmaxEnd: begin
        reg_we_o = 1'b1;
        {own, target} = {1'b0, rd};
      end
      AmaxBest: begin
        row = RowIndex;
        add_first = 1'b1;
        reg_we_o = 1'b1;
        target[3:0] = RowBest;
      end
      AmaxNext: begin
        add_one = 1'b1;
        reg_we_o = 1'b1;
        target[3:0] = RowIndex;
      end
      DigIndex: begin
        row = RowA;
        add_one = 1'b1;
        reg_we_o = 1'b1;
        target[3:0] = RowIndex;
      end
      DigReg1: begin
        read_named = 1'b1;
        add_one = step[0];
        reg_we_o = 1'b1;
        target[3:0] = RowA;
      end
      DigRow0: row = RowC;
      DigRow1: begin
        row = RowA;
        add_minus = 1'b1;
        reg_we_o = 1'b1;
        target[3:0] = RowC;
      end
      DigRow2: begin
        add_dbase = 1'b1;
        reg_we_o = 1'b1;
        target[3:0] = RowA;
      end
      DigRow3: row = RowA;
      default: ;
    endcase
    reg_raddr_o[6] = !(read_ra || read_rb || read_rd || read_seed || read_group || read_mode || read_named);
    reg_raddr_o[5:0] = (read_ra ? ir_i[`NMC_SCALAR_RA] : 6'd0) | (read_rb ? ir_i[`NMC_SCALAR_RB] : 6'd0)
                     | (read_rd ? ir_i[`NMC_SCALAR_RD] : 6'd0) | (read_group ? {ir_i[`NMC_MATRIX_GROUP], member} : 6'd0)
                     | (read_mode ? mode_reg : 6'd0) | (read_named ? reg_i[5:0] : 6'd0) | {2'd0, row};
    reg_waddr_o = {own, target};
  end

  // The sum.
  nmc_pointers #(
      .WeightBits(WeightBits), .VectorBits(VectorBits), .LaneBits(LaneBits), .WordBits(WordBits)
  ) u_pointers (
      .value_i(reg_i),
      .shift_i(by_words), .wbase_i(add_wbase), .sbase_i(add_sbase), .dbase_i(add_dbase), .b_i(add_b),
      .imm_i(state == Scalar), .rows_i(state == Slow2), .word_i(walking), .dptr_i(add_dptr), .first_i(add_first),
      .signed_i(!is_matrix), .label_i(state == Label), .input_i(state == Input), .limit_i(state == Limit),
      .host_i(state == HostScan), .one_i(add_one), .minus_i(add_minus), .upper_i(state == Stride), .high_i(add_high),
      .is_dig_i(is_dig),
      .ir_i(ir_i), .word_value_i(word), .dptr_value_i(dptr), .first_value_i(first),
      .label_value_i(label_i), .input_value_i(input_i), .limit_value_i(limit_i), .host_value_i(host_addr_i),
      .sum_o(sum), .low_end_o(low_end), .high_end_o(high_end)
  );

  // Write: the sum, its complement, 0, or the scalar unit's result.
  wire from_alu = state == Wait;
  wire from_inverse = state == AmaxBest || state == AmaxEnd;
  wire from_zero = state == Boot || state == OpD;
  wire [1:0] from = {from_alu || from_zero, from_inverse || from_zero};
  assign reg_wdata_o = from == 2'd0 ? sum : from == 2'd1 ? ~sum : from == 2'd2 ? alu_result_i : 32'd0;

  // ---- states ----
  wire better = first_token || !sum[31];
  wire last_step = !wideout || step[1];
  wire still = lanes_idle_i && !in_flight;
  wire stop = is_halt || high_end && low_end && !reg_i[16] && reg_i[0];
  // Steps within a state: of a word or an entry, of an accumulator's three parts, of rate·v or rate·s.
  wire step_next = state == Word || table_step && (step != 3'd0 || scan_valid_i) || state == Preload3
                || state == WideWait && scan_valid_i || drain || state == DigWait && !permute_busy_i || rating
                || take && is_upd_r;
  wire [2:0] step_last = state == Word ? 3'd5 : table_step ? 3'd3 : is_upd ? 3'd6 : is_dig ? {2'd0, dig_regs}
                       : {1'b0, state != Drain || wideout, 1'b0};
  reg [6:0] next;
  reg zero_word;
  always @(posedge clk_i) begin
    if (state == Decode || state == Pass0) step <= 3'd0;
    else if (step_next) step <= step == step_last ? 3'd0 : step + 3'd1;
    next = state;
    case (state)
      Boot: next = Idle;
      Idle: next = host_read_i ? HostAddress : run_i ? Label0 : Idle;
      HostAddress: next = HostScan;
      HostScan: next = HostWait;
      HostWait: next = scan_valid_i ? Idle : HostWait;
      Label0: next = Label;
      Label: next = Input;
      Input: next = Limit;
      Limit: next = Fetch;
      Fetch: next = Decode;
      Decode: next = op[5] ? Bounds : Scalar;
      Limits: next = Retire;
      Retire: next = stop ? Idle : Fetch;

      // Scalar instructions.
      Scalar: next = is_halt ? Limits : is_key ? KeySeed : is_load ? Loaded : is_store ? Store1 : Wait;
      Wait: next = alu_done_i ? Limits : Wait;
      KeySeed: next = KeyWait;
      KeyWait: next = permute_busy_i ? KeyWait : Limits;
      Loaded: next = scan_valid_i ? LoadWrite : Loaded;
      LoadWrite: next = Limits;
      Store1: next = Store2;
      Store2: next = Store3;
      Store3: next = Flush;
      Flush: next = lanes_idle_i && !in_flight && draw_idle_i ? Limits : Flush;

      // Matrix instructions.
      Bounds: next = is_matrix ? Base : OpA;
      Base: next = Side;
      Side: next = is_mac_b ? Dest0 : Pass0;
      Dest0: next = Dest1;
      Dest1: next = Dest2;
      Dest2: next = Dest3;
      Dest3: next = is_mac_b ? Pass0 : widein ? Wide0 : Run0;
      Pass0: next = Pass1;
      Pass1: next = Pass2;
      Pass2: next = !is_mac ? Pass3 : is_mac_r ? (slow_rows ? Slow0 : Run0) : widein ? Preload0 : Run1;
      Pass3: next = Pass4;
      Pass4: next = Pass5;
      Pass5: next = Pass6;
      Pass6: begin
        // The vector word is zero: the pass is left out. What stands in lanes beyond the last column costs time only.
        zero_word = is_upd_b && skip_q && vector_i == {Lanes * 16{1'b0}};
        next = zero_word ? PassEnd : is_upd_r ? Run0 : Run1;
        step <= {is_upd_b && !zero_word, 2'd0};
      end
      Preload0: next = still ? Preload1 : Preload0;
      Preload1: next = Preload2;
      Preload2: next = Preload3;
      Preload3: next = step[1] ? Run1 : Preload1;
      Slow0: next = Slow1;
      Slow1: next = Slow2;
      Slow2: next = Element;
      Element: next = Dest0;
      Wide0: next = step != 3'd0 || still ? WideScan : Wide0;
      WideScan: next = WideWait;
      WideWait: next = !scan_valid_i ? WideWait : step[1] ? Run0 : Wide0;
      Run0: next = Run1;
      Run1: next = Run;
      Run: next = Walk;
      Walk: next = scan_done_i && row_start && step == 3'd0 && !(is_blend && in_flight) ? RunEnd : Walk;
      RunEnd: next = slow_rows ? Drain : Stride;
      Stride: next = !high_end ? Stride1 : is_mac_b ? Drain : PassEnd;
      Stride1: next = slow_rows ? Slow0 : in_rows ? Run0 : Run1;
      Drain: next = !(drain && last_step) ? Drain : slow_rows ? SlowNext : PassEnd;
      SlowNext: next = low_end ? Stride : SlowAdd;
      SlowAdd: next = Element;
      PassEnd: next = last_pass ? Flush : Pass0;

      // Vector instructions.
      OpA: next = OpB;
      OpB: next = OpC;
      OpC: next = OpD;
      OpD: next = is_vec || is_dot ? Word : VectorScan;
      Word: next = !(word_fire && last_word) ? Word : is_dot ? Dot : Flush;
      Dot: next = lanes_idle_i ? Wait : Dot;
      VectorScan: next = is_tab ? Table : is_amax ? Amax : DigElement;
      Table: next = step == 3'd0 && !scan_valid_i && scan_done_i ? Flush : Table;
      Amax: next = scan_valid_i ? AmaxTest : scan_done_i ? AmaxEnd : Amax;
      AmaxTest: next = better ? AmaxIndex : AmaxNext;
      AmaxIndex: next = AmaxBest;
      AmaxBest: next = AmaxNext;
      AmaxNext: next = Amax;
      AmaxEnd: next = Limits;

      // Digest.
      DigElement: next = scan_valid_i ? DigIndex : !scan_done_i ? DigElement : dig_weights ? DigRow0 : Limits;
      DigIndex: next = dig_regs ? DigReg1 : DigValue;
      DigReg1: next = DigReg2;
      DigReg2: next = step[0] ? DigValue : DigWait;
      DigValue: next = DigWait;
      DigWait: next = permute_busy_i ? DigWait : dig_regs && !step[0] ? DigIndex : DigElement;
      DigRow0: next = DigRow1;
      DigRow1: next = low_end ? Limits : DigRow2;
      DigRow2: next = DigRow3;
      DigRow3: next = VectorScan;
      default: ;
    endcase
    state <= rst_i ? Boot : next;
  end


  always @(posedge clk_i) begin
    if (state == Label) skip_q <= skip_i;
    if (state == Label) pc <= {{ProgramBits - 3{1'b0}}, entry_i};
    else if (state == Fetch) pc <= pc + 1'b1;
    else if (state == Wait && alu_done_i && alu_taken_i && !is_dot) pc <= scalar_imm[ProgramBits-1:0];
    if (state == Fetch) trace_pc_o <= {{12 - ProgramBits{1'b0}}, pc};
    trace_valid_o <= state == Retire && !rst_i;
    done_o <= state == Retire && stop && !rst_i;
    if (state == Label0) stopped_o <= 1'b0;
    else if (state == Retire && stop) stopped_o <= !is_halt;
    // The host may read these before a run has set them; the digest stays 0 until a run asks for one.
    if (rst_i || state == Label0) cycles_o <= 32'd0;
    else if (busy_o) cycles_o <= cycles_o + 32'd1;
    if (rst_i || state == Label0) retired_o <= 32'd0;
    else if (state == Retire) retired_o <= retired_o + 32'd1;
    if (rst_i || state == Label && {5'd0, entry_i} == `NMC_ENTRY_DIGEST) digest_o <= 64'd0;
    else if (state == DigWait && !permute_busy_i) digest_o <= digest_o + permute_i;
  end
  assign trace_cycles_o = cycles_o;
endmodule

`default_nettype wire
