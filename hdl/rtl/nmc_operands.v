// nmc_operands: what the lanes get in cycle 1: the broadcast operand and the control of operands and tokens.
//
// The broadcast value passes two registers: first (an element, an address or a value of a vector operand), then second
// (or the rate). An instruction's events come in cycle 0, that is one cycle before the lanes see them.
`default_nettype none
`include "nmc_isa.vh"

// Conditions that change nothing: with them a simulator forms what a step needs, without them it takes fewer cells.
`ifdef NMC_FAST
`define NMC_SPARE(condition) (condition)
`else
`define NMC_SPARE(condition) (1'b1 || (condition))
`endif

module nmc_operands #(
    parameter VectorBits = 9,
    parameter WordBits = 11,
    parameter Late = 0,  // 1: draws may be operands of mac
    parameter Pair = 0,  // 1: two lanes look up a table's entry
    parameter Serial = 0  // 1: C of a sum is loaded a cycle later, when no operand comes
) (
    input wire clk_i,
    input wire running_i,
    input wire rst_i,

    // constant during an instruction
    input wire is_mac_i,
    input wire is_mac_b_i,
    input wire is_mac_r_i,
    input wire is_upd_i,
    input wire is_upd_r_i,
    input wire is_blend_i,
    input wire whole_i,      // a high half is not a rate
    input wire is_tab_i,
    input wire is_dot_i,
    input wire slow_rows_i,
    input wire opt_i,
    input wire wdraw_i,
    input wire w_sign_i,     // of a matrix
    input wire fn_mac_i,
    input wire fn_sel_i,
    input wire fn_ge_i,
    input wire compares_i,   // a vector instruction compares P and O
    input wire pull_i,
    input wire middle_i,     // a vector instruction has three operands

    // broadcast values
    input wire        scan_i,    // first = element
    input wire        reg_i,     // first = low half of the register read
    input wire        sat_i,     // ... saturated
    input wire        high_i,    // second = high half of the register read
    input wire [15:0] scan_value_i,
    input wire [31:0] value_i,   // register
    input wire [31:0] table_i,
    input wire [WordBits-1:0] word_i,
    output reg [15:0] first_o,
    output reg [15:0] second_o,
    output reg [VectorBits-1:0] vaddr_o,  // first + word_i of the cycle before

    // events, cycle 0
    input wire       walk_i,       // none but words, drains, blends and preload_bc_i
    input wire       word_i0,      // a word of a walk
    input wire       drain_i,
    input wire       shift_i,
    input wire       acc_i,
    input wire       last_i,
    input wire       blend_i,      // the second read of a blend
    input wire       goal_i,       // upd: P = v or s
    input wire       rate_i,       // ... times the rate
    input wire       product_i,    // ... P = the product
    input wire       preload_i,    // a part of the accumulators is read
    input wire       preload_bc_i, // ... comes by broadcast
    input wire       v_first_i,    // vector: operands
    input wire       v_middle_i,
    input wire       v_last_i,
    input wire [2:0] mode_i,       // of this operand
    input wire       v_start_i,    // dot: the sum starts
    input wire       v_tail_i,
    input wire       slope_i,      // table: three operands, one after another; for two lanes rest_i is all
    input wire       entry_i,
    input wire       rest_i,
    input wire       store_i,

    // to the lanes, cycle 1
    output reg [15:0] bcast_o,
    output reg        tok_valid_o,
    output reg        tok_first_o,
    output reg        tok_shift_o,
    output reg        tok_last_o,
    output reg        p_load_o,
    output reg        p_o_o,
    output reg        p_prod_o,
    output reg        o_bcast_o,
    output reg        w_draw_o,
    output reg        w_sign_o,
    output reg        f_load_o,
    output reg        c_load_o,
    output reg  [1:0] c_sel_o,
    output reg        fire_o,
    output reg        pull_o,
    output reg        tail_o,
    output reg        flag_o,
    output reg        compare_o,
    output reg        x_zero_o,
    output reg        acc_load_o,
    output reg        pair_o,     // operands of lanes 0 and 1 are table_o and bcast_o, those of others are zero
    output reg [31:0] table_o
);
  // The low half of a register, 0x7fff or 0x8000: one multiplexer with the element.
  wire fits = value_i[31:15] == {17{value_i[31]}} || !sat_i;
  wire [1:0] source = !reg_i ? 2'd0 : fits ? 2'd1 : value_i[31] ? 2'd2 : 2'd3;
  reg [15:0] first_next;
  always @(*)
    case (source)
      2'd0: first_next = scan_value_i;
      2'd1: first_next = value_i[15:0];
      2'd2: first_next = 16'h8000;
      default: first_next = 16'h7fff;
    endcase
  wire [15:0] high = {value_i[31:17], value_i[16] || value_i[31:16] == 16'h8000 && !whole_i};
  wire [15:0] second_next = high_i ? high : first_o;
  wire [VectorBits+WordBits-1:0] word_wide = {{VectorBits{1'b0}}, word_i};
  reg [15:0] third;  // waits for the draw
  wire late = Late != 0 && is_mac_b_i && wdraw_i && running_i;  // the host's reads, too, come this way
  always @(posedge clk_i) begin
    third <= second_o;
    if (scan_i || reg_i) first_o <= first_next;
    if (high_i || !is_blend_i) second_o <= is_tab_i ? {8'd0, second_next[7:0]} : second_next;
    vaddr_o <= first_o[VectorBits-1:0] + word_wide[VectorBits-1:0];
    bcast_o <= slope_i ? table_i[31:16] : entry_i ? table_i[15:0] : late ? third : second_o;
  end

  wire v_any = v_first_i || v_middle_i || v_last_i;
  wire mac = word_i0 && is_mac_i;
  wire upd = word_i0 && is_upd_i || blend_i;
  wire sum_ends = mac && (drain_i || is_mac_r_i && last_i && !slow_rows_i);
  reg ended_q;
  wire c_zero = Serial != 0 ? ended_q : sum_ends;
  // Words of walks, then all else: in the steps of a walk nothing else happens.
  always @(posedge clk_i) begin
    ended_q <= sum_ends;
    w_sign_o <= w_sign_i;
    w_draw_o <= wdraw_i && !blend_i;
    p_load_o <= mac || word_i0 && is_blend_i;
    p_o_o <= 1'b0;
    o_bcast_o <= word_i0 ? is_mac_b_i || is_upd_i && !is_upd_r_i : blend_i;
    fire_o <= mac && !drain_i || upd;
    pull_o <= pull_i && word_i0;
    tok_valid_o <= mac || upd;
    tok_first_o <= !mac || acc_i;
    tok_shift_o <= mac && shift_i;
    tok_last_o <= sum_ends || upd;
    c_load_o <= c_zero || upd;
    // 0 zero, 1 W, 2 O, 3 -32768
    c_sel_o <= upd ? (is_blend_i && opt_i ? 2'd0 : 2'd1) : c_zero ? 2'd0 : 2'd2;
    tail_o <= (mac || upd) && last_i;
    {p_prod_o, f_load_o, flag_o, compare_o, x_zero_o, acc_load_o, pair_o} <= 7'd0;
    if (`NMC_SPARE(rest_i)) table_o <= table_i;
    if (`NMC_SPARE(!walk_i || preload_bc_i)) begin
      p_prod_o <= product_i;
      f_load_o <= v_middle_i && fn_sel_i;
      flag_o <= v_last_i && !fn_mac_i;
      compare_o <= v_last_i && compares_i;
      x_zero_o <= v_last_i && fn_ge_i;
      acc_load_o <= preload_i || preload_bc_i;
      p_o_o <= v_any ? !mode_i[2] : goal_i || slope_i;
      if (goal_i || product_i || v_first_i || v_middle_i && fn_sel_i || slope_i) p_load_o <= 1'b1;
      if (goal_i) o_bcast_o <= is_upd_r_i;
      else if (rate_i || preload_bc_i || is_tab_i || store_i) o_bcast_o <= 1'b1;
      if (rate_i || v_last_i || rest_i) {fire_o, tok_valid_o} <= 2'd3;
      if (store_i) tok_valid_o <= 1'b1;
      if (v_last_i && (!is_dot_i || v_tail_i) || rest_i || store_i) tok_last_o <= 1'b1;
      if (v_middle_i && fn_mac_i || v_last_i && !is_dot_i && !(fn_mac_i && middle_i) || entry_i || store_i)
        c_load_o <= 1'b1;
      if (Pair != 0 && rest_i) begin
        {p_load_o, c_load_o, pair_o} <= 3'd7;
        c_sel_o <= 2'd0;
      end
      if (v_any) begin
        w_sign_o <= mode_i[0];
        w_draw_o <= mode_i[2];
        o_bcast_o <= mode_i != `NMC_SRC_VECTOR;
        if (mode_i[2]) c_sel_o <= 2'd1;
      end
      if (v_last_i) begin
        tail_o <= v_tail_i;
        if (is_dot_i) tok_first_o <= v_start_i;
        if (fn_mac_i) c_sel_o <= 2'd0;
        else if (fn_ge_i) c_sel_o <= 2'd3;
      end
    end
    if (rst_i) {tok_valid_o, p_load_o, c_load_o, acc_load_o, f_load_o} <= 5'd0;
  end
endmodule

`undef NMC_SPARE
`default_nettype wire
