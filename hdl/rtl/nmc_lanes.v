// nmc_lanes: the row of lanes. One datapath serves every matrix and vector instruction:
//
//   y = clamp(sat16(C + sat16(round(sum of P·X, shift))))     (fixed.Shift, fixed.Sat16, fixed.Clamp)
//
// P has 31 bits (rate·v is exact), X 16; two 16×16 multipliers a lane. Operands enter in cycle 1 from the memories'
// read registers, the word is written in cycle 7 + Share (a reduction's in cycle 8 plus the adder tree). Share lanes pass
// through one back end (shifter, rounding, clamp) one after another: then results that are no reductions come at least
// Share cycles apart, those of serial reductions, too, with no token between.
//
// All state of the lanes changes in one block with blocking assignments, the last stage first: a simulator keeps such
// loops as loops. What leaves the module is registered.
`default_nettype none

// Conditions that change nothing: with them a simulator forms what a cycle needs, without them it takes fewer cells.
// Where simulation is to be fast, sums and products are whole numbers, and no word is put together in pieces: a vector
// instruction that loads what several narrower ones have stored waits until it has reached the cache. What nothing sets is old there,
// and undefined in cells (NMC_UNSET).
`ifdef NMC_FAST
`define NMC_SPARE(condition) (condition)
`define NMC_UNSET 1'b0
`define NMC_WHOLE(element) ($signed({48'd0, (element) ^ 16'h8000}) - 64'sh8000)  // with its sign, in two instructions
`define NMC_P(l) p[l][15:0]  // P where it is an element
`define NMC_K(l, phase) c_q[l+(Share==1?32'd0:phase)]  // with a back end each, lanes are indexed by the loop alone
`define NMC_R(l) r[Share!=1&&reduce_i?0:l]
`define NMC_PROD(l) prod[l][47:0]
`define NMC_TREE node[1][47:0]
`define NMC_PULLED(l) w[l]  // the weight that is pulled, which is never a draw
`else
`define NMC_SPARE(condition) (1'b1 || (condition))
`define NMC_UNSET 1'b1
`define NMC_P(l) {ph[l][15], pl[l]}
`define NMC_K(l, phase) k[l]
`define NMC_R(l) r[reduces[(l)/Near]?0:l]
`define NMC_PROD(l) prod[l]
`define NMC_PULLED(l) (Share == 1 ? w_even[(l)*16+:16] : w[l])
`define NMC_TREE {{16 - Levels{node[1][31+Levels]}}, node[1]}
`endif

module nmc_lanes #(
    parameter Lanes = 4,
    parameter Share = 1,  // lanes of a back end: 1, 2 or 4, at most Lanes
    parameter Serial = 0,  // 1: sums over the lanes pass one adder, a lane a cycle; all lanes share a back end
    parameter Stream = 0,  // 1: draws as operands come for the lower half first, those that round lane after lane in lane 0
    parameter Wide = 1,  // 1: accumulators are stored and loaded
    parameter Wait = 0,  // cycles that a result waits: 1 with one lane and one weight port, so that it meets no read
    parameter AddrBits = 16  // of an entry of the address queue
) (
    input wire clk_i,
    input wire rst_i,

    // constant during an instruction
    input wire [ 5:0] shift_i,
    input wire        nearest_i,
    input wire        stochastic_i,
    input wire [15:0] hi_i,          // bounds
    input wire [15:0] lo_i,
    input wire        ge_i,          // the sign of the sum chooses hi or lo
    input wire        write_i,       // results are written
    input wire        raw_i,         // store accumulators: neither saturate nor clamp
    input wire        reduce_i,      // sum over the lanes into lane 0
    input wire        touched_i,     // write only lanes whose rounded product is not 0
    input wire        count_i,       // count overflows
    input wire [Lanes-1:0] tail_mask_i,  // lanes of the last word

    // operands, cycle 1
    input wire [Lanes*16-1:0] w_i,        // weight word
    input wire [Lanes*16-1:0] v_i,        // vector word
    input wire [Lanes*16-1:0] draw_i,     // draws: as a source in cycle 1, for rounding in cycle 6
    input wire [        15:0] bcast_i,
    input wire                o_bcast_i,  // operand O is bcast_i, else the vector word
    input wire                w_draw_i,   // operand W is a draw, else the weight word
    input wire                w_sign_i,   // ... as a sign
    input wire                p_load_i,   // P = W, O or the product
    input wire                p_o_i,
    input wire                p_prod_i,
    input wire                f_load_i,   // flag = P != 0
    input wire                c_load_i,   // C = 0, W, O or -32768, by c_sel_i 0..3
    input wire [         1:0] c_sel_i,
    input wire                fire_i,     // X = O (- W), else X = 0
    input wire                pull_i,     // X = sat16(O - W)
    input wire                flag_i,     // X = flag; C = 0 where flag
    input wire                x_zero_i,   // X = 0
    input wire                compare_i,  // flag is P < O ^ f_inv_i, or P <= O ^ f_inv_i, else the stored one
    input wire                f_le_i,
    input wire                f_inv_i,
    input wire                tail_i,     // the word is the last one of its row
    input wire                acc_load_i, // acc = {O, acc[47:16]}; no token is on its way
    input wire                pair_i,     // a table's entry in lanes 0 and 1: P is slope and base, X is O and 256; 0 in others
    input wire [        31:0] table_i,    // {slope, base}
    // token, cycle 1
    input wire                tok_valid_i,
    input wire                tok_first_i,  // acc = product, else acc + product
    input wire                tok_shift_i,  // acc >>= 16
    input wire                tok_last_i,   // result goes to memory

    // address queue: one entry for each token with tok_last_i, in order
    input wire                push_i,
    input wire [AddrBits-1:0] push_addr_i,

    // result
    output reg                 we_o,
    output reg  [AddrBits-1:0] waddr_o,
    output reg  [   Lanes-1:0] touched_o,
    output reg  [Lanes*16-1:0] wdata_o,
    output reg  [         6:0] overflows_o,  // elements that left 16 bits, of the word written in the cycle before
    input  wire [   Lanes-1:0] wlanes_i,     // lanes written, for counting
    output reg  [        47:0] acc0_o,
    input  wire                ask_i,        // for idle_o
    output reg                 idle_o
);
  localparam Levels = $clog2(Lanes);
  localparam LaneBits = Levels == 0 ? 1 : Levels;
  localparam Ends = Lanes / Share;
  localparam QueueBits = 5;  // of the addresses: those of sums over the lanes come before the sums' operands
  localparam CBits = 4;  // of C, which comes with the last operands: a reduction over 64 lanes has 12 on their way
  localparam [1:0] PhaseMask = Share[1:0] - 2'd1;

  // Tokens: {valid, first, shift, last} in cycles 2 to 4 and through the adder tree; last[c] in cycle c.
  reg [11:0] toks_q;
  wire tok2_valid = toks_q[3];
  wire [3:1] tok3 = toks_q[7:5];
  wire [3:0] tok4 = toks_q[11:8];
  reg [4*Levels:0] toks;  // a bit more than it needs: one lane has no tree
  wire tree = Serial == 0 && reduce_i;
  wire [4*Levels+4:0] toks_next = {toks, tree && tok4[3] ? tok4 : 4'd0};
  // The one that accumulates: all lanes wait for it, so that it is a register where each has a back end of its own.
  localparam Chosen = Share == 1 && Levels != 0 ? 4 * Levels - 4 : 0;
  reg [3:0] chosen_q;
  always @(posedge clk_i) chosen_q <= rst_i ? 4'd0 : tree ? toks_next[Chosen+:4] : toks_q[7:4];
  wire [3:0] tok_acc = Share == 1 && Levels != 0 ? chosen_q : tree ? toks_next[4*Levels+:4] : tok4;
  reg [10:5] last;
  wire [10:5] last_next = {last[9:5], tok_acc[3] && tok_acc[0]};
  wire leaves = tree ? last[7] : last[6+Share+Wait];

  always @(posedge clk_i) begin
    toks_q <= {toks_q[7:0], tok_valid_i, tok_first_i, tok_shift_i, tok_last_i};
    toks <= toks_next[4*Levels:0];
    last <= last_next;
    we_o <= leaves && write_i;
    if (rst_i) begin
      toks_q <= 12'd0;
      toks <= {4 * Levels + 1{1'b0}};
      last <= 6'd0;
      we_o <= 1'b0;
    end
  end
  // A back end passes lanes in cycles 5 to 7; of a serial reduction, all but the last pass gather.
  reg go5, go6, go7, gather;
  always @(posedge clk_i) begin
    go5 <= !rst_i && (tree ? last_next[5] : |last_next[5+:Share]);
    go6 <= go5;
    go7 <= go6;
    gather <= Serial != 0 && reduce_i && |last_next[5+:(Share==1?1:Share-1)];
  end
  always @(*) begin
    idle_o = 1'b0;
    if (`NMC_SPARE(ask_i)) idle_o = !(tok_valid_i || |(toks_q & 12'h888) || |toks || |last[6+Share+Wait:5] || we_o);
  end

  // Phases: lane e·Share + phase is in back end e. A reduction has one, that of lane 0; a serial one passes lane 0 while it
  // gathers, and the last pass counts.
  function [1:0] phase(input [2:0] at);
    phase = (at[0] ? 2'd0 : at[1] ? 2'd1 : at[2] ? 2'd2 : 2'd3) & PhaseMask;
  endfunction
  reg [1:0] phase6, phase_c;
  always @(posedge clk_i) begin
    phase6 <= phase(last[7:5]) & {2{!reduce_i}};
`ifdef NMC_FAST
    phase_c <= phase(last[8:6]);
`else
    phase_c <= phase(last[7:5]);
`endif
  end

  // C and the addresses wait in queues for the rounded product; an address for the write, when its C has been read: there
  // its place is one further.
  reg [CBits-1:0] c_wr;
  reg [QueueBits-1:0] a_wr, rd;
  (* no_rw_check *)reg [AddrBits-1:0] a_mem[0:(1<<QueueBits)-1];
  always @(posedge clk_i) begin
    if (push_i) a_mem[a_wr] <= push_addr_i;
    if (leaves) waddr_o <= a_mem[rd];
    if (Serial != 0 ? toks_q[3] && toks_q[0] : tok_valid_i && tok_last_i) c_wr <= c_wr + 1'b1;
    if (push_i) a_wr <= a_wr + 1'b1;
    if (last[6]) rd <= rd + 1'b1;
    if (rst_i) begin
      c_wr <= {CBits{1'b0}};
      a_wr <= {{QueueBits - 1{1'b0}}, 1'b1};
      rd <= {QueueBits{1'b0}};
    end
  end

  // Words are packed in the ports and arrays within; two elements at a time is what simulators move fastest.
  localparam Even = Lanes == 1 ? 1 : 0;
  localparam Pairs = (Lanes + Even) / 2;
  wire [(Lanes+Even)*16-1:0] w_even = {{16 * Even{1'b0}}, w_i};
  wire [(Lanes+Even)*16-1:0] v_even = {{16 * Even{1'b0}}, v_i};
  wire [(Lanes+Even)*16-1:0] d_even = {{16 * Even{1'b0}}, draw_i};

`ifndef NMC_FAST
  // What is constant during an instruction and goes to all lanes reaches them in groups, one after the other, each out of registers of
  // its own: else a wire of a large device has its ends all over the part.
  localparam Groups = Share == 1 && Lanes >= 8 ? 4 : 1;
  localparam Near = Lanes / Groups;
  wire [5:0] shifts[0:Groups-1];
  wire [Groups-1:0] reduces;
  generate
    if (Groups != 1) begin : g_spread
      genvar g;
      reg [6:0] spread_q[0:Groups-1];
      for (g = 0; g < Groups; g = g + 1) begin : g_group
        always @(posedge clk_i) spread_q[g] <= g == 0 ? {reduce_i, shift_i} : spread_q[(g+Groups-1)%Groups];
        assign {reduces[g], shifts[g]} = spread_q[g];
      end
    end else begin : g_direct
      assign {reduces[0], shifts[0]} = {reduce_i, shift_i};
    end
  endgenerate
`endif

  // State, in the order of the data.
`ifdef NMC_FAST
  reg signed [63:0] p[0:Lanes-1];  // P with its sign
  reg signed [15:0] x[0:Lanes-1];
  reg flag[0:Lanes-1];
  reg [15:0] c_mem[0:(1<<CBits)-1][0:Lanes+Even-1];
  reg signed [63:0] product[0:Lanes-1];  // P·X, twice registered
  reg signed [63:0] second[0:Lanes-1];
  reg signed [63:0] node[0:Lanes+Even-1];  // the tree; 1 is the sum of all
  reg signed [47:0] acc[0:Lanes-1];
  reg [63:0] shifted[0:Ends-1];
  reg [15:0] c_q[0:Lanes+Even-1];
`else
  reg signed [15:0] ph[0:Lanes-1];  // P = ph·2^15 + pl
  reg [14:0] pl[0:Lanes-1];
  reg signed [15:0] x[0:Lanes-1];
  reg flag[0:Lanes-1];
  (* no_rw_check *)reg [(Lanes+Even)*16-1:0] c_mem[0:(1<<CBits)-1];
  (* no_rw_check *)reg [Lanes-1:0] none_mem[0:(1<<CBits)-1];  // C is 0 by its flag, which comes late: with a back end each it is so when read
  reg signed [31:0] multh[0:Lanes-1];  // products of ph and pl, twice registered
  reg signed [31:0] multl[0:Lanes-1];
  reg signed [31:0] prodh[0:Lanes-1];
  reg signed [31:0] prodl[0:Lanes-1];
  reg signed [31+Levels:0] node[0:Lanes+Even-1];  // the tree; 1 is the sum of all
  reg signed [47:0] acc[0:Lanes-1];
  reg [34:0] u[0:Ends-1];  // {negative, does not fit, shifted}
  reg [(Lanes+Even)*16-1:0] c_q;
  reg [15:0] turn_q[0:Ends-1];
`endif
  reg [16:0] r[0:Ends-1];  // {overflow, rounded}
  reg over[0:Lanes-1];
  reg p_late;  // P is to be loaded in the upper half, too

  // Values of the cycle: undefined where nothing sets them, so that they are no state.
  reg [15:0] w[0:Lanes+Even-1];
  reg [15:0] o[0:Lanes+Even-1];
  reg [15:0] pc[0:Lanes-1];  // what P and C become: O or W
  reg [15:0] on[0:Lanes-1];  // ones where X is not 0
  reg f[0:Lanes-1];
`ifdef NMC_FAST
  reg signed [63:0] prod[0:Lanes-1];
  reg [15:0] d[0:Lanes+Even-1];
  reg [16:0] sum[0:Ends-1];
  reg [15:0] y[0:63];
  reg [7:0] hit[0:63];  // 0 or 1: eight bytes become bits in one multiplication
`else
  reg [15:0] c[0:Lanes+Even-1];
  reg [15:0] d[0:Lanes+Even-1];
  reg [15:0] k[0:Lanes+Even-1];  // C out of the queue; shared, of the lane in turn
  reg [16:0] sum[0:Ends-1];
  reg [15:0] y[0:Lanes+Even-1];
`endif

  // Loop variables are unsigned and bodies without branches where that is possible: such loops become vector instructions.
  // Lanes that share a back end need few cells, others few instructions: where the two differ, Share chooses.
  reg [31:0] l, e, s, q;
  reg [31:0] pair;
  reg signed [15:0] xs;
  reg signed [17:0] diff;
  reg [16:0] hi17, lo17;
  reg [47:0] a, b, mask_a, mask_b;
`ifdef NMC_FAST
  reg [63:0] whole, beyond, gathered, marks;
`endif
  reg [47:0] s16;
  reg [39:0] s8;
  reg [35:0] s4;
  reg [33:0] s2;
  reg [32:0] t;
  reg [15:0] addend, mask_w, mask_o, mask_p, mask_f;
  reg [16:0] least;
  reg far, gt, open_hi, open_lo, move, touch;
  reg [Levels:0] many;
`ifndef NMC_FAST
  reg [Lanes-1:0] marks;
  reg [(Lanes+Even)*16-1:0] word;
`endif
`ifndef NMC_FAST
  // The product; and with a back end each, the sums: what a new one keeps of the old (all, nothing, or a part, what is loaded above it),
  // and the rounded one. Draws round where rounding is stochastic.
  wire keeps = !(tok_acc[3] && tok_acc[2] && !tok_acc[1]);
  wire [47:0] prod[0:Lanes-1];
  wire [47:0] summed[0:Lanes-1];
  wire [32:0] rounded[0:Lanes-1];
  genvar lane;
  generate
    for (lane = 0; lane < Lanes; lane = lane + 1) begin : g_lane
      wire [31:0] upper = prodh[lane] + {{15{prodl[lane][31]}}, prodl[lane][31:15]};
      assign prod[lane] = {upper[31], upper, prodl[lane][14:0]};
      if (Share == 1) begin : g_sums
        wire [47:0] more = lane == 0 && reduce_i && Levels != 0 ? `NMC_TREE : prod[lane];
        if (Wide != 0) begin : g_wide
          wire [15:0] above = o_bcast_i ? bcast_i : v_i[lane*16+:16];
          nmc_adder #(
              .Width(48), .Gated(1)
          ) u_sum (
              .a_i((acc_load_i || tok_acc[1] ? {above, acc[lane][47:16]} : acc[lane]) & {48{keeps}}), .b_i(more), .c_i(48'd0),
              .d_i({48{!acc_load_i}}), .sum_o(summed[lane])
          );
        end else begin : g_narrow
          nmc_adder #(
              .Width(48), .Gated(1)
          ) u_sum (
              .a_i(more), .b_i(acc[lane]), .c_i(48'd0), .d_i({48{keeps}}), .sum_o(summed[lane])
          );
        end
        nmc_adder #(
            .Width(33), .Gated(1)
        ) u_round (
            .a_i(u[lane][32:0]), .b_i({17'd0, stochastic_i ? draw_i[lane*16+15] : nearest_i, draw_i[lane*16+:15]}), .c_i(33'd0),
            .d_i({18'd1, {15{stochastic_i}}}), .sum_o(rounded[lane])
        );
      end else begin : g_shared
        assign summed[lane] = 48'd0;
        assign rounded[lane] = 33'd0;
      end
    end
  endgenerate

  // The lower bound, constant during an instruction, as y = min(max(sum, lo), hi) has it where it is above the upper one.
  reg [15:0] floor_q;
  always @(posedge clk_i) floor_q <= !ge_i && $signed(hi_i) < $signed(lo_i) ? hi_i : lo_i;
`endif
  always @(posedge clk_i) begin
    // No temporary keeps a value over a clock edge.
    {l, e, s, q, pair} = 160'd0;
    {xs, diff, hi17, lo17, a, b, mask_a, mask_b} = 260'd0;
    {s16, s8, s4, s2, t, addend, mask_w, mask_o, mask_p, mask_f} = 271'd0;
    {least, far, gt, open_hi, open_lo, move, touch} = 23'd0;
    many = {Levels + 1{1'b0}};
`ifdef NMC_FAST
    {gathered, marks} = 128'd0;
`else
    marks = {Lanes{1'b0}};
    word = {(Lanes + Even) * 16{1'b0}};
`endif

    if (we_o && count_i) for (l = 0; l < Lanes; l = l + 1) many = many + {{Levels{1'b0}}, over[l] && wlanes_i[l[LaneBits-1:0]]};
    overflows_o <= {{6 - Levels{1'b0}}, many};

    // Cycle 7: add C and clamp. Sums have their sign inverted: so they are compared without sign.
    hi17 = {!hi_i[15], hi_i[15], hi_i[14:0]};
    lo17 = {!lo_i[15], lo_i[15], lo_i[14:0]};
    open_hi = hi_i == 16'h7fff;
    open_lo = lo_i == 16'h8000;
`ifndef NMC_FAST
    for (l = 0; l < Lanes + Even; l = l + 1) k[l] = 16'dx;
`endif
    if (`NMC_UNSET) for (e = 0; e < Ends; e = e + 1) sum[e] = 17'dx;
    if (`NMC_UNSET) for (l = 0; l < Lanes + Even; l = l + 1) y[l] = 16'dx;
    if (go7) begin
`ifndef NMC_FAST
      for (q = 0; q < Pairs; q = q + 1) begin
        pair = c_q[q*32+:32];
        k[2*q] = pair[15:0];
        k[2*q+1] = pair[31:16];
      end
      if (Share != 1) for (e = 0; e < Ends; e = e + 1) k[e*Share] = turn_q[e];
`endif
      for (e = 0; e < Ends; e = e + 1) begin
        pair = {16'd0, `NMC_K(e*Share, {30'd0, phase_c})};
        t = {16'd0, `NMC_R(e)};
        sum[e] = {1'b0, !t[15], t[14:0]} + {1'b0, !pair[15], pair[14:0]};
      end
`ifdef NMC_FAST
      if (raw_i) {hi17, lo17} = {17'h1ffff, 17'd0};  // no bounds
      if (ge_i) for (e = 0; e < Ends; e = e + 1) y[e] = sum[e][16] ? hi_i : lo_i;
      else
        for (e = 0; e < Ends; e = e + 1) begin
          least = sum[e] < lo17 ? lo17 : sum[e];
          least = hi17 < least ? hi17 : least;
          y[e] = least[15:0];
        end
`else
      if (Share == 1)
        // For a fast clock both bounds at once: floor_q is not above the upper one.
        for (e = 0; e < Ends; e = e + 1) begin
          least = {!floor_q[15], floor_q[15], floor_q[14:0]};
          far = (ge_i ? !sum[e][16] : sum[e] < least) & !raw_i;
          gt = (ge_i ? sum[e][16] : hi17 < sum[e]) & !raw_i;
          y[e] = gt ? hi_i : far ? floor_q : sum[e][15:0];
        end
      else
        for (e = 0; e < Ends; e = e + 1) begin
          least = (ge_i | (sum[e] < lo17)) & !raw_i ? lo17 : sum[e];
          gt = (ge_i ? sum[e][16] : hi17 < least) & !raw_i;
          y[e] = gt ? hi_i : least[15:0];
        end
`endif
      if (Share == 1) begin
`ifdef NMC_FAST
        // As many of these as there are lanes.
        wdata_o <= {
          y[63], y[62], y[61], y[60], y[59], y[58], y[57], y[56], y[55], y[54], y[53], y[52], y[51], y[50], y[49], y[48],
          y[47], y[46], y[45], y[44], y[43], y[42], y[41], y[40], y[39], y[38], y[37], y[36], y[35], y[34], y[33], y[32],
          y[31], y[30], y[29], y[28], y[27], y[26], y[25], y[24], y[23], y[22], y[21], y[20], y[19], y[18], y[17], y[16],
          y[15], y[14], y[13], y[12], y[11], y[10], y[9], y[8], y[7], y[6], y[5], y[4], y[3], y[2], y[1], y[0]};
        if (touched_i) for (l = 0; l < Lanes; l = l + 1) hit[l] = {7'd0, r[l][15:0] != 16'd0};
        for (l = Lanes; l < 8; l = l + 1) hit[l] = 8'd0;
        for (q = 0; q < (Lanes + 7) / 8; q = q + 1) begin
          gathered = {hit[8*q+7], hit[8*q+6], hit[8*q+5], hit[8*q+4], hit[8*q+3], hit[8*q+2], hit[8*q+1], hit[8*q]}
                   * 64'h0102_0408_1020_4080;
          marks[q*8+:8] = gathered[63:56] | {8{!touched_i}};
        end
        touched_o <= marks[Lanes-1:0];
`else
        for (q = 0; q < Pairs; q = q + 1) word[q*32+:32] = {y[2*q+1], y[2*q]};
        wdata_o <= word[Lanes*16-1:0];
        marks = {Lanes{1'b1}};
        if (touched_i)
          for (l = 0; l < Lanes; l = l + 1) begin
            marks = marks >> 1;
            marks[Lanes-1] = r[reduce_i?0:l][15:0] != 16'd0;
          end
        touched_o <= marks;
`endif
      end
      // Shared: results enter at the last lane and move on to the first; a sum over the lanes enters everywhere.
      if (`NMC_SPARE(Share != 1 || count_i)) for (e = 0; e < Ends; e = e + 1) begin
        t = {16'd0, `NMC_R(e)};
        far = (open_hi & ((t[16] & !t[15]) | sum[e][16:15] == 2'b11)) | (open_lo & ((t[16] & t[15]) | sum[e][16:15] == 2'b00));
        touch = !touched_i | (t[15:0] != 16'd0);
        for (s = 0; s < Share; s = s + 1) begin
          over[e*Share+s] = reduce_i || s == Share - 1 ? far : over[(e*Share+s+1)%Lanes];
          if (Share != 1) begin
            touched_o[e*Share+s] <= reduce_i || s == Share - 1 ? touch : touched_o[(e*Share+s+1)%Lanes];
            wdata_o[(e*Share+s)*16+:16] <= reduce_i || s == Share - 1 ? y[e] : wdata_o[((e*Share+s+1)%Lanes)*16+:16];
          end
        end
      end
    end

    // Cycle 6: round and saturate.
`ifdef NMC_FAST
    if (last[6]) for (l = 0; l < Lanes; l = l + 1) c_q[l] = c_mem[rd[CBits-1:0]][l];
`else
    // Shared: C of the lane in turn is at hand when its sum comes. Results that come one a cycle are sums over the lanes, whose C is 0.
    if (Share != 1) for (e = 0; e < Ends; e = e + 1) turn_q[e] = c_q[(e*Share+{30'd0, phase_c})*16+:16];
    if (Share == 1 ? last[6] : last[5]) begin
      c_q = c_mem[rd[CBits-1:0]];
      if (Share == 1) begin
        marks = none_mem[rd[CBits-1:0]];
        for (l = 0; l < Lanes; l = l + 1) c_q[l*16+:16] = c_q[l*16+:16] & {16{!marks[l[LaneBits-1:0]]}};
      end
    end
`endif
    if (`NMC_UNSET) for (l = 0; l < Lanes + Even; l = l + 1) d[l] = 16'dx;
    if (go6) begin
      if (stochastic_i)
        for (q = 0; q < Pairs; q = q + 1) begin
          pair = d_even[q*32+:32];
          d[2*q] = pair[15:0];
          d[2*q+1] = pair[31:16];
        end
      for (e = 0; e < Ends; e = e + 1) begin
        addend = stochastic_i ? d[e*Share+(Stream!=0?0:{30'd0, phase6})] : {nearest_i, 15'd0};
`ifdef NMC_FAST
        whole = shifted[e] + {48'd0, addend};
        beyond = whole + 64'h8000_0000;
        far = !raw_i & (beyond[63:32] != 32'd0);
        mask_w = {16{far}};
        r[e] = {far, (whole[31:16] & ~mask_w) | ({whole[63], {15{~whole[63]}}} & mask_w)};
`else
        t = Share == 1 ? rounded[e] : u[e][32:0] + {17'd0, addend};
        far = !raw_i & (u[e][33] | (t[32] != t[31]));
        r[e] = {far, far ? {u[e][34], {15{~u[e][34]}}} : t[31:16]};
`endif
      end
`ifdef NMC_FAST
      if (Share == 1 && reduce_i) for (e = 1; e < Ends; e = e + 1) r[e] = r[0];
`endif
    end

    // Cycle 5: shift; far where what does not fit 33 bits is lost.
    if (go5)
      for (e = 0; e < Ends; e = e + 1) begin
        a = acc[e*Share];
`ifdef NMC_FAST
        // The whole sum, as the proof below has it: a few vector instructions.
        shifted[e] = $signed({a, 16'd0}) >>> shift_i;
`else
        s16 = shifts[e/Near][5] ? {{16{a[47]}}, a[47:16]} : shifts[e/Near][4] ? a : {a[31:0], 16'd0};
        far = (shifts[e/Near][5:4] == 2'd0) & (a[47:32] != {16{a[31]}});
        s8  = shifts[e/Near][3] ? s16[47:8] : s16[39:0];
        far = far | (!shifts[e/Near][3] & (s16[47:40] != {8{s16[39]}}));
        s4  = shifts[e/Near][2] ? s8[39:4] : s8[35:0];
        far = far | (!shifts[e/Near][2] & (s8[39:36] != {4{s8[35]}}));
        s2  = shifts[e/Near][1] ? s4[35:2] : s4[33:0];
        far = far | (!shifts[e/Near][1] & (s4[35:34] != {2{s4[33]}}));
        far = far | (!shifts[e/Near][0] & (s2[33] != s2[32]));
        u[e] = {a[47], far, shifts[e/Near][0] ? s2[33:1] : s2[32:0]};
`endif
      end

    // The operands, cycle 1.
    if (`NMC_UNSET) for (l = 0; l < Lanes + Even; l = l + 1) w[l] = 16'dx;
    if (`NMC_UNSET) for (l = 0; l < Lanes + Even; l = l + 1) o[l] = 16'dx;
    if (tok_valid_i || c_load_i || p_load_i || acc_load_i || Stream != 0 && p_late) begin
      for (q = 0; q < Pairs; q = q + 1) begin
        pair = w_draw_i ? d_even[q*32+:32] : w_even[q*32+:32];
        w[2*q] = pair[15:0];
        w[2*q+1] = pair[31:16];
      end
      if (w_draw_i && w_sign_i) for (l = 0; l < Lanes; l = l + 1) w[l] = {{15{w[l][15]}}, 1'b1};
      for (q = 0; q < Pairs; q = q + 1) begin
        pair = o_bcast_i ? {2{bcast_i}} : v_even[q*32+:32];
        o[2*q] = pair[15:0];
        o[2*q+1] = pair[31:16];
      end
      if (Share == 1 && Lanes != 1 && pair_i) begin
        {w[0], w[1%Lanes]} = table_i;
        o[1%Lanes] = 16'd256;
      end
    end

    // Cycle 4 (later in a reduction, which is in lane 0): accumulate.
`ifdef NMC_FAST
    if (Share != 1 || p_load_i && p_prod_i) for (l = 0; l < Lanes; l = l + 1) prod[l] = second[l];
`endif
    mask_a = {48{!(tok_acc[3] && tok_acc[2] && !tok_acc[1])}};
    mask_b = {48{!acc_load_i}};
    if (Share != 1) begin
      // X is 0 without a token, and so is the product. The sums move on to the first lane of a back end, which passes them;
      // raw ones go round, as they are passed again. The last lane's is cleared before a sum starts: it has moved on. In a
      // serial reduction the first lane adds what moves on.
      move = go5 && !reduce_i;
      for (e = 0; e < Ends; e = e + 1) begin
        s16 = acc[e*Share];
        for (s = 0; s < Share; s = s + 1) begin
          b = `NMC_PROD(e*Share+s);
          if (e == 0 && s == 0 && tree) b = `NMC_TREE;
          if (s == 0 && gather) b = acc[1%Lanes];
          if (s != Share - 1) a = (move || gather && s != 0 ? acc[(e*Share+s+1)%Lanes] : acc[e*Share+s]) & mask_a;
          else a = move && raw_i ? s16 : acc[e*Share+s];
          if (acc_load_i || tok_acc[3] && tok_acc[1]) a = Serial != 0 && reduce_i && s != 0 ? 48'd0 : {o[e*Share+s], a[47:16]};
          acc[e*Share+s] = a + (b & mask_b);
          if (s == Share - 1 && tok3[3] && tok3[2] && !tok3[1]) acc[e*Share+s] = 48'd0;
        end
      end
      acc0_o <= acc[0];
    end else if (tok_acc[3] || acc_load_i) begin
`ifdef NMC_FAST
      if (Wide != 0 && (acc_load_i || tok_acc[1])) for (l = 0; l < Lanes; l = l + 1) acc[l] = {o[l], acc[l][47:16]};
      if (reduce_i && Levels != 0) begin
        b = `NMC_TREE;
        acc[0] = (acc[0] & mask_a) + (b & mask_b);
      end else for (l = 0; l < Lanes; l = l + 1) acc[l] = (acc[l] & mask_a) + (second[l][47:0] & mask_b);
`else
      // What lanes but the first have after a reduction is not used.
      for (l = 0; l < Lanes; l = l + 1) acc[l] = summed[l];
`endif
      acc0_o <= acc[0];
    end
    if (`NMC_SPARE(tree) && Serial == 0 && Levels != 0) begin
      for (l = 1; l < Lanes / 2; l = l + 1) node[l] = node[2*l] + node[2*l+1];
      for (l = 0; l < Lanes / 2; l = l + 1)
`ifdef NMC_FAST
        node[Lanes/2+l] = second[2*l] + second[2*l+1];
`else
        node[Lanes/2+l] = {{Levels{prod[2*l][31]}}, prod[2*l][31:0]} + {{Levels{prod[2*l+1][31]}}, prod[2*l+1][31:0]};
`endif
    end

    // Cycles 3 and 2: two products; their sum is an adder of the multiplier blocks. The inner registers of an SB_MAC16 have
    // no enable; prodl needs one, or Yosys takes it for an inner register of a block without adder and loses it.
    if (Share != 1 || tok2_valid || tok3[3]) begin
`ifdef NMC_FAST
      for (l = 0; l < Lanes; l = l + 1) second[l] = product[l];
      for (l = 0; l < Lanes; l = l + 1) product[l] = p[l] * `NMC_WHOLE(x[l]);
`else
      for (l = 0; l < Lanes; l = l + 1) prodh[l] = multh[l];
      if (!rst_i) for (l = 0; l < Lanes; l = l + 1) prodl[l] = multl[l];
      for (l = 0; l < Lanes; l = l + 1) begin
        multh[l] = ph[l] * x[l];
        multl[l] = $signed({1'b0, pl[l]}) * x[l];
      end
`endif
    end

    // Cycle 1: X, the flag, C and P.
    if (`NMC_UNSET) for (l = 0; l < Lanes; l = l + 1) on[l] = 16'dx;
    for (l = 0; l < Lanes; l = l + 1) f[l] = 1'b0;
    if (Share != 1 || tok_valid_i) begin
      for (l = 0; l < Lanes; l = l + 1) on[l] = {16{fire_i && !x_zero_i}};
      if (tail_i) for (l = 0; l < Lanes; l = l + 1) on[l] = on[l] & {16{tail_mask_i[l[LaneBits-1:0]]}};
      if (Share == 1 && pair_i) for (l = 2; l < Lanes; l = l + 1) on[l] = 16'd0;
    end
    if (Share != 1 || pull_i || flag_i) begin
      mask_p = {16{pull_i}};
      mask_f = {16{compare_i}};
      for (l = 0; l < Lanes; l = l + 1) begin
        // O - W, O or O - P; the last bit makes O - P - 1 of it, which is negative where P >= O.
        xs = (`NMC_PULLED(l) & mask_p) | (`NMC_P(l) & mask_f);
        diff = {o[l][15], o[l], f_le_i & compare_i} - {xs[15], xs, compare_i};
        f[l] = flag_i & (compare_i ? diff[17] ^ f_inv_i ^ 1'b1 : flag[l]);
        xs = diff[17] != diff[16] ? {diff[17], {15{~diff[17]}}} : diff[16:1];
        x[l] = (xs & on[l] & {16{!flag_i}}) | {15'd0, f[l] & on[l][0]};
      end
    end else if (tok_valid_i) for (l = 0; l < Lanes; l = l + 1) x[l] = o[l] & on[l];

    if (`NMC_UNSET) for (l = 0; l < Lanes; l = l + 1) pc[l] = 16'dx;
    if (Serial != 0) begin
      // P and C are never loaded at once, and what is loaded is C where C is.
      for (l = 0; l < Lanes; l = l + 1) begin
        mask_w = {16{c_load_i ? c_sel_i == 2'd1 && !f[l] : !p_o_i}};
        mask_o = {16{c_load_i ? c_sel_i == 2'd2 && !f[l] : p_o_i}};
        pc[l] = (w[l] & mask_w) | (o[l] & mask_o);
      end
    end else if (c_load_i || p_load_i) begin
      mask_w = {16{c_load_i && c_sel_i != 2'd0 ? c_sel_i == 2'd1 : !p_o_i}};
      mask_o = {16{c_load_i && c_sel_i != 2'd0 ? c_sel_i == 2'd2 : p_o_i}};
      for (l = 0; l < Lanes; l = l + 1) pc[l] = (w[l] & mask_w) | (o[l] & mask_o);
    end
`ifdef NMC_FAST
    mask_p = {16{c_sel_i != 2'd0}};
    mask_f = {c_sel_i == 2'd3, 15'd0};
    if (c_load_i) for (l = 0; l < Lanes; l = l + 1) c_mem[c_wr][l] = ((pc[l] & mask_p) | mask_f) & {16{!f[l]}};
`else
    for (l = 0; l < Lanes + Even; l = l + 1) c[l] = 16'dx;
    if (c_load_i) begin
      mask_p = {16{c_sel_i != 2'd0}};
      mask_f = {c_sel_i == 2'd3, 15'd0};
      if (Serial != 0) for (l = 0; l < Lanes; l = l + 1) c[l] = pc[l] | (mask_f & {16{!f[l]}});
      else for (l = 0; l < Lanes; l = l + 1) c[l] = ((pc[l] & mask_p) | mask_f) & {16{Share == 1 || !f[l]}};
      if (Share == 1) begin
        for (l = 0; l < Lanes; l = l + 1) marks[l[LaneBits-1:0]] = f[l];
        none_mem[c_wr] <= marks;
      end
      for (q = 0; q < Pairs; q = q + 1) word[q*32+:32] = {c[2*q+1], c[2*q]};
      c_mem[c_wr] <= word;
    end
`endif
    if (f_load_i) for (l = 0; l < Lanes; l = l + 1) flag[l] = `NMC_P(l) != 16'd0;
    if (p_load_i || Stream != 0 && p_late) begin
      if (p_prod_i)
        for (l = 0; l < Lanes; l = l + 1) begin
`ifdef NMC_FAST
          p[l] = prod[l];
`else
          ph[l] = prod[l][30:15];
          pl[l] = prod[l][14:0];
`endif
        end
      else
        for (l = 0; l < Lanes; l = l + 1) if (Stream == 0 || (l < Lanes / 2 ? p_load_i : p_late || !w_draw_i)) begin
`ifdef NMC_FAST
          p[l] = `NMC_WHOLE(pc[l]);
`else
          ph[l] = {16{pc[l][15]}};
          pl[l] = pc[l][14:0];
`endif
        end
    end
    p_late = p_load_i && w_draw_i;
  end

`ifdef FORMAL
  // formal: depth=1 cover=20 unroll=1 params="Lanes=1 Share=1"
  // The back end of a lane against the formula over exact numbers: sums are shifted as a whole, rounded by one addition and
  // saturated (fixed.Shift, fixed.Sat16), then C is added, saturated and clamped (fixed.Clamp). Any accumulator, any draw.
  reg past_ok, f5, f6, f7, f_raw6, f_raw7;
  initial {past_ok, f5, f6, f7} = 4'd0;
  always @(*) if (!past_ok) assume (rst_i);
  always @(*) assume (shift_i <= 6'd47);
  always @(*) if (past_ok) assume (floor_q == (!ge_i && $signed(hi_i) < $signed(lo_i) ? hi_i : lo_i));
  reg signed [63:0] f_shifted;
  reg signed [64:0] f_sum;
  reg [15:0] f_y;
  reg f_high, f_low;
  wire signed [64:0] f_floor = f_sum >>> 16;
  wire f_above = f_floor > 65'sd32767;
  wire f_below = f_floor < -65'sd32768;
  wire [15:0] f_r = f_raw6 ? f_sum[31:16] : f_above ? 16'h7fff : f_below ? 16'h8000 : f_sum[31:16];
  wire signed [17:0] f_total = $signed(r[0][15:0]) + $signed(c_q[15:0]);
  wire signed [17:0] f_sat = f_total > 18'sd32767 ? 18'sd32767 : f_total < -18'sd32768 ? -18'sd32768 : f_total;
  wire signed [17:0] f_least = f_sat < $signed(lo_i) ? $signed(lo_i) : f_sat;
  wire signed [17:0] f_clamped = f_least > $signed(hi_i) ? $signed(hi_i) : f_least;
  always @(posedge clk_i) begin
    past_ok <= 1'b1;
    if (go5) begin
      f5 <= 1'b1;
      f_shifted <= $signed({acc[0], 16'd0}) >>> shift_i;
    end
    if (go6) begin
      f6 <= f5;
      f_raw6 <= raw_i;
      f_sum <= f_shifted + $signed({1'b0, stochastic_i ? draw_i[15:0] : {nearest_i, 15'd0}});
    end
    if (go7) begin
      f7 <= f6;
      f_raw7 <= raw_i;
      f_y <= raw_i ? f_total[15:0] : ge_i ? (f_total >= 0 ? hi_i : lo_i) : f_clamped[15:0];
      f_high <= hi_i == 16'h7fff && ((r[0][16] && !r[0][15]) || f_total > 18'sd32767);
      f_low <= lo_i == 16'h8000 && ((r[0][16] && r[0][15]) || f_total < -18'sd32768);
    end
    if (rst_i) {f5, f6, f7} <= 3'd0;
  end
  always @(*)
    if (past_ok) begin
      // A lane by itself is the only one in turn, and gathers nothing.
      assert ((phase6 & ~PhaseMask) == 2'd0 && (phase_c & ~PhaseMask) == 2'd0 && (Serial != 0 || !gather));
      if (f5) assert (u[0] == {f_shifted[63], f_shifted[63:32] != {32{f_shifted[32]}}, f_shifted[32:0]});
      if (f6) assert (r[0] == {!f_raw6 && (f_above || f_below), f_r});
      if (f7) assert (wdata_o[15:0] == f_y && over[0] == (f_high || f_low));
      cover (f7 && f_high && wdata_o == 16'h7fff && !f_raw7);
      cover (f7 && f_low && wdata_o == 16'h8000);
      cover (f6 && stochastic_i && !f_raw6 && f_r != f_shifted[31:16] && !f_above && !f_below);
      cover (f7 && f_y == hi_i && hi_i == 16'd100 && lo_i == 16'd3 && !ge_i && r[0][15:0] == 16'd2000);
      cover (f7 && f_raw7 && shift_i == 6'd0 && f_y == 16'h1234);
    end
`endif
endmodule

`undef NMC_SPARE
`undef NMC_UNSET
`undef NMC_TREE
`undef NMC_P
`undef NMC_K
`undef NMC_R
`undef NMC_PROD
`undef NMC_PULLED
`undef NMC_WHOLE
`default_nettype wire
