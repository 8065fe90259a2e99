// nmc_sequencer: fetches instructions and drives the scalar unit, the scanner, the draws and the lanes through them.
//
// Its steps are the words of nmc_microcode (package firmware/microcode): each reads a register for the next one, adds
// an operand to the register read before (nmc_pointers), keeps the sum, and gives a command. What a command does stands
// here, with its condition; what the elements and words of a matrix walk are, in nmc_walk; what the lanes get, in nmc_operands.
`default_nettype none
`include "nmc_isa.vh"
`include "nmc_micro.vh"

// Conditions that change nothing: with them a simulator forms what a step needs, without them it takes fewer cells.
`ifdef NMC_FAST
`define NMC_SPARE(condition) (condition)
`else
`define NMC_SPARE(condition) (1'b1 || (condition))
`endif

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
    parameter Serial = 1,        // sums over the lanes are serial
    parameter Swift = 0,         // 1: registers for a fast clock: the instruction comes one cycle after it is read
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
    output reg  [63:0] digest_o,
    output reg         trace_valid_o,
    output reg  [11:0] trace_pc_o,
    output wire        clear_o,       // a run starts: clear the counters
    output wire        retire_o,      // an instruction is done

    // host access while idle
    input  wire                    host_read_i,  // start a read; the address is stable until host_valid_o
    input  wire [            31:0] host_addr_i,  // of an element
    input  wire                    host_weights_i,
    input  wire                    host_reg_i,   // ... of a register, read in the cycle of host_read_i
    input  wire                    host_table_i, // ... of a table, likewise
    input  wire                    host_odd_i,   // ... the upper half
    output wire                    host_valid_o,
    output wire [            15:0] host_data_o,
    output wire                    idle_o,

    // program
    output wire                   prog_re_o,
    output wire                   prog_take_o,
    output wire [ProgramBits-1:0] prog_addr_o,
    input  wire [          127:0] ir_i,
    input  wire [            3:0] next_group_i,  // Swift: with prog_take_o, the upper bits of the operation

    // registers
    output reg         reg_we_o,
    output wire [ 6:0] reg_waddr_o,  // 64 and up: the sequencer's own
    output wire [31:0] reg_wdata_o,
    input  wire [15:0] host_wdata_i,  // while idle it is the host's that is written
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
    output reg         permute_x_o,
    output reg         permute_y_o,
    output wire [31:0] permute_xdata_o,
    output wire [31:0] permute_ydata_o,
    input  wire        permute_busy_i,
    input  wire [63:0] permute_i,

    // scanner
    output reg                 scan_start_o,
    output wire [ScanBits-1:0] scan_addr_o,
    output wire [LaneBits-1:0] scan_first_o,
    output wire [LaneBits-1:0] scan_from_o,
    output wire [        12:0] scan_count_o,
    output wire                scan_weights_o,
    output wire                scan_virtual_o,
    output wire                scan_nonzero_o,
    output wire                scan_shared_o,
    output wire                scan_values_o,
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
    output reg                   vector_re_o,
    output wire [VectorBits-1:0] vector_addr_o,
    input  wire [  Lanes*16-1:0] vector_i,
    output wire                  table_re_o,
    output wire [ TableBits-1:0] table_addr_o,
    input  wire [          31:0] table_i,

    // draws
    output wire                draw_on_o,  // the instruction makes draws
    output wire                draw_rounds_o,
    output wire                draw_across_o,
    output wire                draw_single_o,
    output reg                 draw_rows_reset_o,
    output reg                 draw_cols_reset_o,
    output reg                 draw_row_o,
    output reg                 draw_word_o,
    output reg                 draw_next_o,
    output reg                 draw_add_o,
    output reg                 draw_sub_o,
    output reg  [LaneBits-1:0] draw_lane_o,
    input  wire                draw_idle_i,

    // lanes
    output reg  [          5:0] shift_o,
    output reg                  nearest_o,
    output reg                  stochastic_o,
    output reg  [         15:0] hi_o,
    output reg  [         15:0] lo_o,
    output wire                 ge_o,
    output wire                 write_o,
    output reg                  raw_o,
    output reg                  reduce_o,
    output reg                  touched_o,
    output reg                  count_o,
    output reg                  to_weights_o,  // results go to the weight memory
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
    output wire                 pair_o,
    output wire [         31:0] table_o,
    output wire                 tok_valid_o,
    output wire                 tok_first_o,
    output wire                 tok_shift_o,
    output wire                 tok_last_o,
    output wire                 push_o,
    output wire [QueueBits-1:0] push_addr_o,
    output wire                 lanes_ask_o,  // what lanes_idle_i is
    input  wire                 lanes_idle_i
);
  localparam LL = LaneBits - 1;
  localparam TailBits = LL == 0 ? 1 : LL;
  localparam WordBits = 13 - LL;
  localparam [LaneBits-1:0] LaneMask = Lanes[LaneBits-1:0] - 1'b1;

  reg [ProgramBits-1:0] pc;
  reg skip_q, running;

  // ---- the step ----
  wire [31:8] micro;
  wire [5:0] does = micro[`NMC_MICRO_DO];
  wire [2:0] row = micro[`NMC_MICRO_ROW];
  wire [3:0] adds = micro[`NMC_MICRO_ADD];
  wire walking = does[5:3] == 3'd1;
  reg is_word;  // of vec and dot
  reg is_entry;  // of tab, or of a host that reads a table
  wire [2:0] step = does[2:0];
  wire is_take = does == `NMC_DO_TAKE;
  wire pass_on;  // the next pass begins where one ends: its first element and number of runs are those of that one
  wire is_pass = does == `NMC_DO_PASS || pass_on;
  wire is_run = does == `NMC_DO_RUN;
  wire is_run_end = does == `NMC_DO_RUN_END;
  wire draining = does == `NMC_DO_DRAIN || does == `NMC_DO_DRAIN_MORE;
  wire word_fire = does == `NMC_DO_WORD5;
  wire vector_start = does == `NMC_DO_OPERANDS;
  wire is_host_scan = does == `NMC_DO_HOST_SCAN;
  wire is_wide_scan = does == `NMC_DO_WIDE_SCAN;
  wire is_vector;
  wire is_dig_value = does == `NMC_DO_DIG_VALUE;
  reg [LaneBits-1:0] lane, lane_next;
  always @(*) begin
    {is_word, is_entry, scan_start_o, permute_x_o, permute_y_o} = 5'd0;
    lane_next = {LaneBits{1'b0}};
    if (`NMC_SPARE(!walking)) begin
      is_word = does[5:3] == 3'd2 && does[2:1] != 2'd3;
      is_entry = does[5:3] == 3'd3 && !does[2];
      scan_start_o = is_run || does[5:2] == 4'd14;  // ..._SCAN
      permute_x_o = does == `NMC_DO_PERMUTE_X;
      permute_y_o = does == `NMC_DO_PERMUTE_Y || is_dig_value;
      lane_next = LaneMask & (is_host_scan ? host_addr_i[LaneBits-1:0] : is_wide_scan ? lane
                              : is_vector ? {LaneBits{1'b0}} : reg_i[LaneBits-1:0]);
    end
  end
  assign lanes_ask_o = !walking;

  // ---- decoding: Decode sets registers, so that simulators decode an instruction once and not in every clock; those of
  // omitted units are constant, and synthesis drops what hangs on them ----
  localparam Draws = !(Omit[`NMC_UNIT_UNIFORM] && Omit[`NMC_UNIT_SIGN]);
  localparam Drawn = Draws && !Omit[`NMC_UNIT_DRAWN];  // in vec and dot, by mac
  localparam [2:0] Modes = {Drawn[0], 2'b11};
  localparam Pair = Share == 1 && Lanes > 1 ? 1 : 0;  // two lanes look up a table's entry
  wire [5:0] op = ir_i[`NMC_SCALAR_OP];
  reg is_mac_b, is_mac_r, is_upd_b, is_upd_r, is_blend;
  reg is_vec, is_tab, is_dot, is_dig, is_halt, is_load;
  reg wdraw, grouped, fn_sel, fn_mac, fn_ge, swap, middle, v_draws, dig_weights, dig_regs;
  wire is_matrix = op[5] && !op[3];
  assign is_vector = op[5] && op[3];
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
  wire drawn_r = !Omit[`NMC_UNIT_DRAWN] && is_mac_r && !wdraw;  // each sum may be rounded by a draw
  wire v_rounds = !Omit[`NMC_UNIT_DRAWN] && is_vec && stochastic_o;
  wire r_draws = is_upd_r && stochastic_o || is_mac_r && wdraw || drawn_r && stochastic_o;
  wire compares = !Omit[`NMC_UNIT_COMPARE] && !fn_mac && !fn_sel;
  wire w_source_sign = !Omit[`NMC_UNIT_SIGN] && ir_i[`NMC_MATRIX_WSRC] == `NMC_W_SIGN;
  wire [12:0] rows = ir_i[`NMC_MATRIX_ROWS];
  wire [12:0] n = ir_i[`NMC_VECTOR_N];
  wire [12:0] side = ir_i[`NMC_MATRIX_COLS];  // n, too
  wire [TailBits-1:0] used = Lanes == 1 ? {TailBits{1'b0}} : side[TailBits-1:0];

  // Shift, rounding, bounds and group are the same bits of matrix and vector instructions.
  reg d_mac, d_mac_r, d_upd, d_blend, d_vec, d_tab, d_dot, d_wideout, d_sel, d_fn_mac, d_ge, d_max;
  reg d_rounded, d_nearest, d_stochastic, d_draw, d_adraw, d_bdraw;
  reg [2:0] zeros;  // vector operands c, b, a that are zero
  reg [2:0] vectors;  // ... that are vectors
  reg [1:0] d_source;
  reg [2:0] d_cmode;
  reg [3:0] fn;
  always @(posedge clk_i)
    if (does == `NMC_DO_DECODE) begin
      d_mac = op[5] && !op[3] && op[2:1] == 2'd0;
      d_mac_r = d_mac && op[0];
      d_upd = !Omit[`NMC_UNIT_UPDATE] && op[5] && !op[3] && op[1] && !(Omit[`NMC_UNIT_UPDR] && op[0]);
      d_blend = !Omit[`NMC_UNIT_UPDATE] && op[5] && !op[3] && op[2];
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
      is_dig <= op[5] && op[3] && op[2];
      reduce_o <= d_mac_r || d_dot || Pair != 0 && d_tab;
      count_o <= d_mac || d_vec;
      to_weights_o <= d_upd || d_blend;
      touched_o <= d_upd || d_blend && !opt;
      is_halt <= op == `NMC_OP_HALT;
      is_load <= op == `NMC_OP_LOAD;

      // Matrix instructions.
      d_wideout = !Omit[`NMC_UNIT_WIDE] && d_mac && ir_i[`NMC_MATRIX_WIDEOUT];
      raw_o <= d_wideout;
      d_source = ir_i[`NMC_MATRIX_WSRC] & {!Omit[`NMC_UNIT_SIGN], !Omit[`NMC_UNIT_UNIFORM]};
      d_draw = d_source != `NMC_W_MEM && (!Omit[`NMC_UNIT_DRAWN] && d_mac || d_blend);
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

      zeros <= {d_cmode == `NMC_SRC_ZERO, (ir_i[`NMC_VECTOR_BMODE] & Modes) == `NMC_SRC_ZERO,
                (ir_i[`NMC_VECTOR_AMODE] & Modes) == `NMC_SRC_ZERO} & {3{is_vector && !op[2]}};

      vectors <= {d_cmode == `NMC_SRC_VECTOR, (ir_i[`NMC_VECTOR_BMODE] & Modes) == `NMC_SRC_VECTOR,
                  (ir_i[`NMC_VECTOR_AMODE] & Modes) == `NMC_SRC_VECTOR};

      // Results and rounding.
      d_rounded = op[3] ? d_vec && d_fn_mac : op[5] && !d_wideout;
      d_nearest = d_tab || d_rounded && ir_i[`NMC_MATRIX_ROUND] == `NMC_ROUND_NEAREST;
      d_stochastic = !Omit[`NMC_UNIT_STOCHASTIC] && !d_tab && (Omit[`NMC_UNIT_DRAWN] ? d_upd : d_rounded)
                   && ir_i[`NMC_MATRIX_ROUND] == `NMC_ROUND_STOCHASTIC;
      shift_o <= d_tab ? 6'd8 : d_rounded ? ir_i[`NMC_MATRIX_SHIFT] : 6'd0;
      nearest_o <= d_nearest;
      stochastic_o <= d_stochastic;
      v_draws <= !Omit[`NMC_UNIT_DRAWN] && (d_adraw || (d_bdraw && (d_fn_mac || d_sel)) || (d_cmode[2] && !d_dot)
               || op[3] && d_stochastic);
      tail_mask_o <= used == {TailBits{1'b0}} ? {Lanes{1'b1}} : ~({Lanes{1'b1}} << used);
    end

  // ---- the walk ----
  wire may_take, can_take, take, go, may_drain, drain, row_start, base_first, last_word, first_token, in_flight;
  wire d0, drain0, shift0, acc0, last0, second0;
  wire [LaneBits-1:0] walk_lane;
  wire [WordBits-1:0] word;
  wire [WeightBits-1:0] waddr;
  wire [31:0] sum;
  wire dead = masked && draw_rounds_o && scan_value_i == 16'd0;
  nmc_walk #(
      .WeightPorts(WeightPorts), .Share(Share), .Serial(Serial), .WeightBits(WeightBits), .LaneBits(LaneBits), .WordBits(WordBits)
  ) u_walk (
      .clk_i(clk_i), .rst_i(rst_i), .idle_i(idle_o),
      .is_mac_b_i(is_mac_b), .is_upd_i(is_upd), .is_upd_r_i(is_upd_r), .is_blend_i(is_blend),
      .in_rows_i(in_rows), .wdraw_i(wdraw), .widein_i(widein), .r_draws_i(r_draws), .rstride_i(ir_i[`NMC_MATRIX_RSTRIDE]), .side_i(side),
      .first_word_i(does == `NMC_DO_BOUNDS), .next_word_i(does == `NMC_DO_PASS_END || (Quick != 0 ? does == `NMC_DO_WORD4 : word_fire)), .pass_i(is_pass),
      .first_i(is_pass || vector_start), .used_i(word_fire || does == `NMC_DO_NEXT), .run_i(is_run),
      .run_end_i(is_run_end), .off_walk_i(does[5]), .begins_i(does[0]), .walking_i(walking), .take_ok_i(step[2] == step[1] && !step[0]),
      .word_ok_i(step == 3'd0 || step[2]), .draining_i(draining), .drain_more_i(does == `NMC_DO_DRAIN_MORE),
      .elane_i(reg_i[LaneBits-1:0] & LaneMask), .base_i(reg_i[WeightBits-1:0]),
      .scan_valid_i(scan_valid_i), .scan_lane_i(scan_lane_i), .scan_left_i(scan_left_i), .scan_next_i(scan_next_i),
      .dead_i(dead),
      .may_take_o(may_take), .can_take_o(can_take), .take_o(take), .go_o(go), .may_drain_o(may_drain), .drain_o(drain), .row_start_o(row_start), .base_first_o(base_first), .lane_o(walk_lane),
      .word_o(word), .last_o(last_word), .first_o(first_token), .d_o(d0), .drain0_o(drain0), .shift0_o(shift0),
      .acc0_o(acc0), .last0_o(last0), .second_o(second0), .addr_o(waddr), .in_flight_o(in_flight)
  );

  // ---- vector instructions: a word takes six steps; operands are read in steps 0 to 2 and used three steps later. With two
  // weight ports (a back end for each lane, draws in time for any word), where nothing is drawn, they are those of the next word's steps 0 to 2: then the word counts on in step 4 ----
  localparam Quick = WeightPorts != 1 ? 1 : 0;
  reg last_q;
  always @(posedge clk_i) last_q <= last_word;
  wire last_vector = Quick != 0 ? last_q : last_word;
  // Operands in their order: 0 is a, 1 is b, 2 is c. A word has them in turns: each of them says which it is, its mode, and where its
  // value or address stands. For a fast clock that is read from registers.
  function [9:0] named(input [1:0] operand, input [8:0] a, input [8:0] b, input [8:0] c);
    reg [8:0] it;
    begin
      it = (operand == 2'd0 ? a : operand == 2'd1 ? b : c) & {Modes, 6'h3f};
      named = {it[8:6], !Omit[`NMC_UNIT_OPERAND] && it[8:6] == `NMC_SRC_REG ? {1'b0, it[5:0]} : {5'b10010, operand}};
    end
  endfunction
  wire [15:0] vector_a = ir_i[`NMC_VECTOR_A];
  wire [15:0] vector_b = ir_i[`NMC_VECTOR_B];
  wire [15:0] vector_c = ir_i[`NMC_VECTOR_C];
  wire [8:0] of_a = {ir_i[`NMC_VECTOR_AMODE], vector_a[5:0]};
  wire [8:0] of_b = {ir_i[`NMC_VECTOR_BMODE], vector_b[5:0]};
  wire [8:0] of_c = {ir_i[`NMC_VECTOR_CMODE], vector_c[5:0]};
  wire [1:0] operand0 = !swap ? 2'd0 : fn_mac ? 2'd1 : 2'd2;
  wire [1:0] operand1 = fn_sel ? 2'd1 : 2'd2;
  wire [1:0] operand2 = swap ? 2'd0 : fn_mac ? 2'd1 : 2'd2;
  reg [29:0] named_q;
  always @(posedge clk_i) if (`NMC_SPARE(does == `NMC_DO_BOUNDS)) named_q <= {named(operand2, of_a, of_b, of_c), named(operand1, of_a, of_b, of_c), named(operand0, of_a, of_b, of_c)};
  reg v_first, v_middle, v_last;
  reg [2:0] mode;
  reg [6:0] mode_addr;
  always @(*) begin
    {v_first, v_middle, v_last} = 3'd0;
    {mode, mode_addr} = 10'd0;
    if (`NMC_SPARE(is_word))
      case (step)
        3'd0, 3'd3: begin
          {mode, mode_addr} = Swift != 0 ? named_q[9:0] : named(operand0, of_a, of_b, of_c);
          v_first = is_word && step[0];
        end
        3'd1, 3'd4: begin
          {mode, mode_addr} = Swift != 0 ? named_q[19:10] : named(operand1, of_a, of_b, of_c);
          v_middle = is_word && step[2] && middle;
        end
        default: begin
          {mode, mode_addr} = Swift != 0 ? named_q[29:20] : named(operand2, of_a, of_b, of_c);
          v_last = is_word && step[2];
        end
      endcase
  end
  wire is_reg = !Omit[`NMC_UNIT_OPERAND] && mode == `NMC_SRC_REG;
  wire word_use = is_word && (step[2] || step[1:0] == 2'd3);
  wire is_v_event = is_word && step == (v_rounds ? 3'd3 : 3'd0) && v_draws;
  reg sat_q, wide1, wide2;
  always @(posedge clk_i) begin
    sat_q <= is_reg && is_word;
    wide1 <= !Omit[`NMC_UNIT_WIDE] && is_take && is_matrix && running && scan_valid_i;
    wide2 <= wide1;
  end

  // ---- tables: an element is taken, its entry read from the register that it is in, then y = base + slope·rest: where lanes have
  // back ends of their own, as the sum of two lanes, slope·rest and base·256, of the next element in the next cycle; else in one
  // lane, after three steps in which its operands are broadcast one by one, of the next element four cycles later ----
  reg [4:1] looked;  // an element was taken so many cycles before
  wire looks = does == `NMC_DO_LOOKUP && (Pair != 0 || looked[3:1] == 3'd0);
  always @(posedge clk_i) looked <= rst_i ? 4'd0 : {looked[3:1], looks && scan_valid_i};

  // ---- operands of the lanes ----
  wire w_sign;
  wire [15:0] first, second;
  wire [VectorBits-1:0] vaddr;
  nmc_operands #(
      .VectorBits(VectorBits), .WordBits(WordBits), .Late(Drawn), .Serial(Serial), .Pair(Pair)
  ) u_operands (
      .clk_i(clk_i), .running_i(running), .rst_i(rst_i),
      .is_mac_i(is_mac), .is_mac_b_i(is_mac_b), .is_mac_r_i(is_mac_r), .is_upd_i(is_upd), .is_upd_r_i(is_upd_r),
      .is_blend_i(is_blend && running), .whole_i(is_dig || !running), .is_tab_i(is_tab && running), .is_dot_i(is_dot), .slow_rows_i(slow_rows),
      .opt_i(opt), .wdraw_i(wdraw), .w_sign_i(w_source_sign), .fn_mac_i(fn_mac), .fn_sel_i(fn_sel),
      .fn_ge_i(fn_ge), .compares_i(compares), .pull_i(pull), .middle_i(middle),
      .scan_i(scan_take_o && !(walking && is_mac_r)),
      .reg_i(micro[`NMC_MICRO_FIRST]),
      .sat_i(sat_q || does == `NMC_DO_STORE),
      .high_i(micro[`NMC_MICRO_HIGH]),
      .scan_value_i(scan_value_i), .value_i(reg_i), .table_i(table_i), .word_i(word), .first_o(first),
      .second_o(second), .vaddr_o(vaddr),
      .walk_i(does == `NMC_DO_WALK),
      .word_i0(d0), .drain_i(drain0), .shift_i(wideout && shift0), .acc_i(acc0), .last_i(last0), .blend_i(second0),
      .goal_i(does == `NMC_DO_GOAL || does == `NMC_DO_RATE2), .rate_i(does == `NMC_DO_RATE || does == `NMC_DO_RATE3),
      .product_i(does == `NMC_DO_WALK_PRODUCT || does == `NMC_DO_HOLD_PRODUCT),
      .preload_i(!Omit[`NMC_UNIT_WIDE] && does == `NMC_DO_PRELOAD), .preload_bc_i(wide2),
      .v_first_i(v_first), .v_middle_i(v_middle), .v_last_i(v_last), .mode_i(mode), .v_start_i(first_token),
      .v_tail_i(last_vector), .slope_i(does == `NMC_DO_HOST_UPPER || Pair == 0 && looked[2]),
      .entry_i(does == `NMC_DO_HOST_LOWER || Pair == 0 && looked[3]), .rest_i(looked[Pair != 0 ? 2 : 4]), .store_i(does == `NMC_DO_PUSH),
      .bcast_o(bcast_o), .tok_valid_o(tok_valid_o), .tok_first_o(tok_first_o), .tok_shift_o(tok_shift_o),
      .tok_last_o(tok_last_o), .p_load_o(p_load_o), .p_o_o(p_o_o), .p_prod_o(p_prod_o), .o_bcast_o(o_bcast_o),
      .w_draw_o(w_draw_o), .w_sign_o(w_sign), .f_load_o(f_load_o), .c_load_o(c_load_o), .c_sel_o(c_sel_o),
      .fire_o(fire_o), .pull_o(pull_o), .tail_o(tail_o), .flag_o(flag_o), .compare_o(compare_o), .x_zero_o(x_zero_o), .acc_load_o(acc_load_o),
      .pair_o(pair_o), .table_o(table_o)
  );
  assign w_sign_o = !Omit[`NMC_UNIT_SIGN] && w_sign;

  // ---- results ----
  assign write_o = !is_dot;  // a sum that stays in the lanes
  assign ge_o = is_vec && fn_ge;
  assign f_le_o = fn_ge && swap;
  always @(posedge clk_i)
    if (`NMC_SPARE(!walking)) begin
      if (does == `NMC_DO_STORE) {hi_o, lo_o} <= 32'h7fff8000;
      else if (does == `NMC_DO_BOUNDS) {hi_o, lo_o} <= reg_i;
    end

  // ---- draws: events in cycle -2 ----
  wire row_take = take && row_events;
  wire sum_take = take && drawn_r;
  assign draw_rounds_o = stochastic_o && !wdraw;
  assign draw_across_o = !b_walk;
  assign draw_single_o = Lanes == 1 || drawn_r;
  assign draw_on_o = wdraw || stochastic_o || v_draws;
  always @(*) begin
    {draw_rows_reset_o, draw_cols_reset_o, draw_row_o, draw_word_o, draw_next_o, draw_add_o, draw_sub_o} = 7'd0;
    draw_lane_o = {LaneBits{1'b0}};
    if (`NMC_SPARE(draw_on_o)) begin
      draw_rows_reset_o = is_pass || vector_start;
      draw_cols_reset_o = does == `NMC_DO_BOUNDS || row_take && in_rows;
      draw_row_o = row_take || (drain && is_mac_b && !wdraw && !Omit[`NMC_UNIT_DRAWN]) || sum_take || is_v_event;
      draw_word_o = (is_pass && b_walk) || (go && in_rows && row_events) || sum_take || is_v_event;
      draw_next_o = scan_next_i && walking && row_events;
      draw_add_o = is_run_end && row_events;
      draw_sub_o = is_run && row_events;
      if (row_events) draw_lane_o = walk_lane;
    end
  end

  // ---- destinations: a word of vectors, which follows the scanner or the sums, and a lane ----
  wire is_push = does == `NMC_DO_PUSH;
  reg [VectorBits-1:0] dest;
  wire dest_load = micro[`NMC_MICRO_DEST];
  reg dest_next;
  always @(*) begin
    dest_next = scan_next_i && (is_entry || walking && is_mac_r);
    if (`NMC_SPARE(!walking)) if (drain || word_fire) dest_next = 1'b1;
  end
  always @(posedge clk_i) begin
    if (dest_load || dest_next) dest <= dest_load ? sum[VectorBits-1:0] : dest + 1'b1;
    if (scan_start_o || does == `NMC_DO_LANE) lane <= lane_next;
  end
  wire push_row = take && is_mac_r && !slow_rows && !dead;
  wire push_entry = looks && scan_valid_i;
  wire push_lane = push_row || push_entry || drain && is_mac_r || is_push;
  wire push_word = d0 && is_upd || second0;
  assign push_o = push_lane || push_word || drain || word_fire && (!is_dot || last_vector);
  wire from_scan = is_tab || is_mac_r && !slow_rows;
  wire [LaneBits-1:0] push_index = !push_lane ? {LaneBits{1'b0}} : from_scan ? scan_lane_i : lane;
  wire [VectorBits+LaneBits-1:0] push_vector = {push_index, dest};
  wire [WeightBits+VectorBits+LaneBits-1:0] place_weights = {{VectorBits + LaneBits{1'b0}}, waddr};
  wire [WeightBits+VectorBits+LaneBits-1:0] place_vectors = {{WeightBits{1'b0}}, push_vector};
  wire [WeightBits+VectorBits+LaneBits-1:0] place = to_weights_o ? place_weights : place_vectors;
  assign push_addr_o = {push_lane, to_weights_o ? last0 : Quick != 0 && word_fire ? last_q : last_word, place[QueueBits-3:0]};

  // ---- memories ----
  always @(*) begin
    vector_re_o = scan_re_i && !scan_weights_o || d0 && in_rows && !drain0;
    if (`NMC_SPARE(!walking))
      if (does == `NMC_DO_GOAL || word_use && mode == `NMC_SRC_VECTOR || does == `NMC_DO_PRELOAD) vector_re_o = 1'b1;
  end
  // The scanner reads at other times than these.
  wire by_first = d0 && in_rows || is_word || does == `NMC_DO_GOAL || !Omit[`NMC_UNIT_WIDE] && does == `NMC_DO_PRELOAD;
  assign vector_addr_o = by_first ? vaddr : scan_raddr_i[VectorBits-1:0];
  assign scan_grant_o = !(d0 && in_rows);
  assign weight_re_o = scan_re_i && scan_weights_o || d0 && !wdraw && !drain0 || second0;
  assign weight_addr_o = scan_weights_o ? scan_raddr_i[WeightBits-1:0] : waddr;
  wire [15:0] entry_index = ir_i[`NMC_VECTOR_C] + {8'd0, ~first[15], first[14:8]};
  assign table_re_o = looked[1];
  assign table_addr_o = entry_index[TableBits-1:0];

  // ---- scanner: its first word is the sum ----
  // The scanner looks at its first word a cycle after it has read it, and reads it after the cycle of the start: what an element is
  // may come out of a register.
  reg wide_busy, nonzero;
  always @(posedge clk_i) begin
    wide_busy <= !Omit[`NMC_UNIT_WIDE] && (is_wide_scan || is_take && is_matrix);
    nonzero <= walking && (masked ? !draw_rounds_o : skip_q && (is_mac_b || is_upd_r || is_upd_b && !pull));
  end
  assign scan_addr_o = sum[ScanBits-1:0];
  assign scan_first_o = lane_next;
  assign scan_from_o = lane;
  assign scan_count_o = !running || is_load || slow_rows ? 13'd1 : is_matrix ? rows : n;
  assign scan_weights_o = running ? dig_weights : host_weights_i;
  assign scan_virtual_o = (is_mac_r && !masked || is_blend || dig_regs) && !wide_busy && running;
  assign scan_nonzero_o = nonzero;
  assign scan_shared_o = in_rows && running;
  assign scan_values_o = is_upd_r || masked && draw_rounds_o;
  assign scan_take_o = can_take || is_take || looks;

  // ---- run and host ----
  assign idle_o = does == `NMC_DO_IDLE;
  assign run_ready_o = does == `NMC_DO_ENTER;
  assign busy_o = running;
  assign clear_o = does == `NMC_DO_BEGIN;
  assign retire_o = does == `NMC_DO_RETIRE;
  assign host_data_o = bcast_o;
  assign host_valid_o = host_upper || host_lower;
  reg host_upper, host_low, host_lower;
  always @(posedge clk_i)
    if (`NMC_SPARE(!running || rst_i)) begin
      host_upper <= host_odd_i && !running && (does == `NMC_DO_HOST_UPPER || does == `NMC_DO_HOST_FIRST && host_reg_i);
      host_low <= does == `NMC_DO_HOST_FIRST && !(host_odd_i && host_reg_i);
      host_lower <= host_low || does == `NMC_DO_HOST_LOWER && !running && !host_odd_i;
      if (rst_i) {host_upper, host_low, host_lower} <= 3'd0;
    end
  assign prog_re_o = Swift != 0 ? running && !walking : does == `NMC_DO_FETCH;
  assign prog_take_o = does == `NMC_DO_FETCH;
  assign prog_addr_o = pc;
  wire is_alu_wait = does == `NMC_DO_ALU_WAIT;
  assign alu_start_o = does == `NMC_DO_ALU_START || does == `NMC_DO_DOT && lanes_rest;
  assign alu_op_o = op;
  assign alu_shift_o = ir_i[`NMC_SCALAR_SHIFT];
  assign alu_imm_o = ir_i[`NMC_SCALAR_IMM];
  wire [31:0] scalar_imm = ir_i[`NMC_SCALAR_IMM];

  // ---- key and digest ----
  assign permute_xdata_o = reg_i;
  assign permute_ydata_o = {
    is_dig ? 8'd0 : reg_i[31:24] ^ ir_i[`NMC_SCALAR_STREAM],
    is_dig ? ir_i[`NMC_VECTOR_TENSOR] : reg_i[23:16],
    is_dig_value ? second : reg_i[15:0]
  };

  // ---- registers ----
  localparam [6:0] RowZero = 7'd64;  // is never written; rows from 72 on are the sequencer's own
  wire [15:0] vector_dst = ir_i[`NMC_VECTOR_DST];
  reg [5:0] dst_second;  // of a pair of registers
  always @(posedge clk_i) if (`NMC_SPARE(does == `NMC_DO_DECODE)) dst_second <= vector_dst[5:0] + 6'd1;
  wire [5:0] dst = Swift == 0 ? vector_dst[5:0] + {5'd0, does == `NMC_DO_SECOND} : does == `NMC_DO_SECOND ? dst_second : vector_dst[5:0];
  wire [5:0] rd = op[5] ? dst : ir_i[`NMC_SCALAR_RD];
  wire unindexed = (op == `NMC_OP_LOAD || op == `NMC_OP_STORE) && !ir_i[`NMC_SCALAR_INDEX];
  wire in_group = grouped && (is_matrix || row[1:0] == 2'd3 || vectors[row[1:0]]);
  wire [6:0] row_addr = {4'b1001, row[2:1], row[0] || is_blend && walking && base_first};
  always @(*) begin
    reg_raddr_o = row_addr;
    if (`NMC_SPARE(micro[`NMC_MICRO_READ] != `NMC_READ_ROW)) case (micro[`NMC_MICRO_READ])
      `NMC_READ_ROW: reg_raddr_o = row_addr;
      `NMC_READ_RA: reg_raddr_o = unindexed ? RowZero
                                : {1'b0, !Omit[`NMC_UNIT_BRANCH] && op == `NMC_OP_LOOP ? ir_i[`NMC_SCALAR_RD] : ir_i[`NMC_SCALAR_RA]};
      `NMC_READ_RB: reg_raddr_o = {1'b0, ir_i[`NMC_SCALAR_RB]};
      `NMC_READ_GROUP: reg_raddr_o = in_group ? {1'b0, ir_i[`NMC_MATRIX_GROUP], row[1:0]} : RowZero;
      `NMC_READ_MODE: reg_raddr_o = mode_addr;
      `NMC_READ_NAMED: reg_raddr_o = {1'b0, reg_i[5:0]};
      `NMC_READ_SEED: reg_raddr_o = {1'b0, `NMC_REG_SEED};
      default: reg_raddr_o = RowZero;
    endcase
  end

  wire [1:0] writes = micro[`NMC_MICRO_WRITE];
  wire [2:0] to = micro[`NMC_MICRO_TO];
  wire [5:0] fixed = to[0] ? `NMC_REG_INPUT : `NMC_REG_LABEL;
  wire alu_writes = is_dot || op[4:3] != 2'd0 || op[2:0] == 3'd2;
  always @(*) begin
    reg_we_o = 1'b0;
    if (writes != `NMC_WRITE_NONE) reg_we_o = !(is_take && !scan_valid_i) && !(is_alu_wait && !(alu_done_i && alu_writes));
  end
  assign reg_waddr_o = writes == `NMC_WRITE_ROW ? {4'b1001, to} : {1'b0, writes == `NMC_WRITE_RD ? rd : fixed};

  // The sum, its complement, or the scalar unit's result.
  wire low_end, high_end;  // a count, the low or the high half of a register, is 0 or 1
  nmc_pointers #(
      .WeightBits(WeightBits), .VectorBits(VectorBits), .LaneBits(LaneBits),
      .Wide(!Omit[`NMC_UNIT_WIDE])
  ) u_pointers (
      .value_i(reg_i), .add_i(adds), .outside_i(row[1:0]), .is_matrix_i(is_matrix), .is_dig_i(is_dig),
      .zero_i(zeros),
      .ir_i(ir_i), .dest_value_i(dest), .first_value_i(first),
      .label_value_i(label_i), .input_value_i(input_i), .limit_value_i(limit_i), .host_value_i(host_addr_i),
      .sum_o(sum), .low_end_o(low_end), .high_end_o(high_end)
  );
  // The sum comes last: all else, the host's value too, is one input beside it.
  wire [31:0] others = is_alu_wait ? alu_result_i : {2{host_wdata_i & {16{idle_o}}}};
  assign reg_wdata_o = (sum ^ {32{does == `NMC_DO_INVERSE}}) & {32{!is_alu_wait && !idle_o}} | others;

  // ---- the next step ----
  wire still = lanes_idle_i && !in_flight && looked == 4'd0 && draw_idle_i;
  // For a fast clock it is asked a cycle later, when nothing new has begun in between.
  reg rests;
  always @(posedge clk_i)
    if (`NMC_SPARE(!walking)) rests <= !rests && (does == `NMC_DO_FLUSH && still || does == `NMC_DO_DOT && lanes_idle_i);
  wire lanes_rest = Swift != 0 ? rests : lanes_idle_i;
  wire stop = is_halt || high_end && low_end && !reg_i[16] && reg_i[0];
  // Of passes with one run of elements nothing is left to add at its end;
  // with one weight port draws want more time between them.
  reg only;
  always @(posedge clk_i) if (writes == `NMC_WRITE_ROW && to == 3'd3 && does != `NMC_DO_HIGH) only <= Quick != 0 && high_end;
  wire lone = only && (is_mac_b || is_upd_b);
  wire go_on = lone && !widein && !last_word;
  assign pass_on = does == `NMC_DO_PASS_END && go_on;
  wire walked = scan_done_i && row_start && !(is_blend && in_flight);
  wire [1:0] walk_answer = {is_upd_r ? may_take && scan_valid_i : walked && lone, walked && !lone};
  // The vector word is zero: the pass is left out. What stands in lanes beyond the last column costs time only.
  // For a fast clock four lanes at a time: the memory says its word late.
`ifdef NMC_FAST
  localparam Parts = 1;
`else
  localparam Parts = Swift != 0 && Lanes > 4 ? Lanes / 4 : 1;
`endif
  localparam PartBits = Lanes * 16 / Parts;
  reg [Parts-1:0] zero_parts;
  generate
    genvar z;
    for (z = 0; z < Parts; z = z + 1) begin : g_zero
      always @(posedge clk_i) if (does == `NMC_DO_RATE) zero_parts[z] <= skip_q && vector_i[z*PartBits+:PartBits] == {PartBits{1'b0}};
    end
  endgenerate
  wire zero_word = &zero_parts;
  // amax: the element exceeds the largest so far; the sum of one and the other's complement has 17 bits.
  reg better;
  always @(posedge clk_i) better <= first_token || !sum[16];
  // The answer to each command, its low and its high bit: as a choice by number, which is a few levels of gates where a case has many.
  reg [63:0] low, high;
  always @(*) begin
    low = 64'd0;
    high = 64'd0;
`ifdef NMC_FAST
    // A walk is most of all cycles, and asks for nothing else.
    if (does == `NMC_DO_WALK || does == `NMC_DO_WALK_PRODUCT) begin
      {high[`NMC_DO_WALK], low[`NMC_DO_WALK]} = walk_answer;
      {high[`NMC_DO_WALK_PRODUCT], low[`NMC_DO_WALK_PRODUCT]} = walk_answer;
    end else
`endif
    begin
      {high[`NMC_DO_DECODE], low[`NMC_DO_DECODE]} = op[1:0];
      {high[`NMC_DO_OPERANDS], low[`NMC_DO_OPERANDS]} = {op[2] || op[1] && op[0], op[0]};
      {high[`NMC_DO_IDLE], low[`NMC_DO_IDLE]} = !host_read_i ? {2{run_i}} : host_table_i ? 2'd3 : {host_reg_i, !host_reg_i};
      low[`NMC_DO_ASKED] = running;
      low[`NMC_DO_RETIRE] = stop;
      {high[`NMC_DO_WALK], low[`NMC_DO_WALK]} = walk_answer;
      {high[`NMC_DO_WALK_PRODUCT], low[`NMC_DO_WALK_PRODUCT]} = walk_answer;
      {high[`NMC_DO_WORD5], low[`NMC_DO_WORD5]} = {last_vector ? is_dot : Quick != 0 && !v_draws, last_vector};
      {high[`NMC_DO_PASS_END], low[`NMC_DO_PASS_END]} = {go_on, last_word};
      low[`NMC_DO_TAKE] = scan_valid_i;
      low[`NMC_DO_LOOKUP] = scan_done_i;
      low[`NMC_DO_DIG_VALUE] = scan_done_i;
      low[`NMC_DO_NEXT] = scan_done_i;
      low[`NMC_DO_ALU_WAIT] = alu_done_i;
      low[`NMC_DO_KEY_WAIT] = !permute_busy_i;
      low[`NMC_DO_DIG_WAIT] = !permute_busy_i;
      {high[`NMC_DO_DRAIN], low[`NMC_DO_DRAIN]} = {wideout, may_drain};
      low[`NMC_DO_DRAIN_MORE] = may_drain;
      low[`NMC_DO_DOT] = lanes_rest;
      low[`NMC_DO_FLUSH] = Swift != 0 ? rests : still;
      low[`NMC_DO_IS_ZERO] = zero_word;
      low[`NMC_DO_BETTER] = better;
      low[`NMC_DO_LOW] = low_end;
      low[`NMC_DO_HIGH] = high_end;
      low[`NMC_DO_IS_WIDE] = widein || wideout;
      low[`NMC_DO_IS_WIDE_OUT] = wideout;
      low[`NMC_DO_IS_WIDE_IN] = widein;
      low[`NMC_DO_IS_WEIGHTS] = dig_weights;
      low[`NMC_DO_REG_SCAN] = dig_regs;
    end
  end
  wire [1:0] answer = {high[does], low[does]};
  // Operations are told apart by an answer of six bits. Where the instruction is a register, its upper bits are there a step before.
  nmc_microcode #(
      .Swift(Swift)
  ) u_microcode (
      .clk_i(clk_i), .rst_i(rst_i), .answer_i(answer), .upper_i(Swift != 0 ? next_group_i & {4{does == `NMC_DO_FETCH}} : op[5:2] & {4{does == `NMC_DO_DECODE}}),
      .word_o(micro)
  );

  // A walk changes nothing here.
  always @(posedge clk_i) begin
    trace_valid_o <= does == `NMC_DO_RETIRE && !rst_i;
    done_o <= does == `NMC_DO_RETIRE && stop && !rst_i;
    if (`NMC_SPARE(!walking || rst_i)) begin
      if (idle_o) running <= run_i && !host_read_i;
      else if (does == `NMC_DO_RETIRE && stop) running <= 1'b0;
      if (rst_i) running <= 1'b0;
      if (does == `NMC_DO_ENTER) skip_q <= skip_i;
      if (does == `NMC_DO_ENTER) pc <= {{ProgramBits - 3{1'b0}}, entry_i};
      else if (does == `NMC_DO_FETCH) pc <= pc + 1'b1;
      else if (is_alu_wait && alu_done_i && alu_taken_i && !is_dot) pc <= scalar_imm[ProgramBits-1:0];
      if (does == `NMC_DO_FETCH) trace_pc_o <= {{12 - ProgramBits{1'b0}}, pc};
      if (does == `NMC_DO_BEGIN) stopped_o <= 1'b0;
      else if (does == `NMC_DO_RETIRE && stop) stopped_o <= !is_halt;
      // The host may read it before a run has set it: it stays 0 until a run asks for one.
      if (rst_i || does == `NMC_DO_ENTER && {5'd0, entry_i} == `NMC_ENTRY_DIGEST) digest_o <= 64'd0;
      else if (does == `NMC_DO_DIG_WAIT && !permute_busy_i) digest_o <= digest_o + permute_i;
    end
  end
endmodule

`undef NMC_SPARE
`default_nettype wire
