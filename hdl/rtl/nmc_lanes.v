// nmc_lanes: the row of lanes. One datapath serves every matrix and vector instruction:
//
//   y = clamp(sat16(C + sat16(round(sum of P·X, shift))))     (fixed.Shift, fixed.Sat16, fixed.Clamp)
//
// P has 31 bits (rate·v is exact), X 16; two 16×16 multipliers a lane. Operands enter in cycle 1 from the memories'
// read registers, the word is written in cycle 8 (9 where two lanes share a back end, plus the adder tree of a
// reduction). With a single-port weight memory a word takes at least two cycles, so two lanes share the shifter,
// rounding and clamp.
`default_nettype none

module nmc_lanes #(
    parameter Lanes = 4,
    parameter WeightPorts = 2,
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
    input wire        inverted_i,    // lo > hi: everything clamps to hi
    input wire        ge_i,          // the sign of the sum chooses hi or lo
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
    input wire                c_load_i,   // C = 0, W, O, or all ones, by c_sel_i 0..3
    input wire [         1:0] c_sel_i,
    input wire                fire_i,     // X = O (- W), else X = 0
    input wire                pull_i,     // X = sat16(O - W)
    input wire                flag_i,     // X = flag; C = 0 where flag
    input wire                x_zero_i,   // X = 0
    input wire                f_stored_i, // flag is the stored one, else P < O ^ f_inv_i, or P <= O ^ f_inv_i
    input wire                f_le_i,
    input wire                f_inv_i,
    input wire                tail_i,     // the word is the last one of its row
    input wire                acc_load_i, // acc = {O, acc[47:16]}
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
    output wire [   Lanes-1:0] touched_o,
    output wire [Lanes*16-1:0] wdata_o,
    output reg  [         6:0] overflows_o,  // elements that left 16 bits, of the word written
    input  wire [   Lanes-1:0] wlanes_i,     // lanes written, for counting
    output wire [        47:0] acc0_o,
    output wire                idle_o
);
  localparam Levels = $clog2(Lanes);
  localparam Share = WeightPorts == 1 ? 2 : 1;
  localparam Ends = (Lanes + Share - 1) / Share;  // back ends
  localparam QueueBits = 5;

  reg signed [15:0] ph[0:Lanes-1];
  reg [14:0] pl[0:Lanes-1];
  reg signed [15:0] x[0:Lanes-1];
  reg [Lanes-1:0] flag;
  reg signed [31:0] prodh[0:Lanes-1];
  reg signed [31:0] prodl[0:Lanes-1];
  reg signed [46:0] prod[0:Lanes-1];
  reg signed [47:0] acc[0:Lanes-1];
  reg [Lanes*16-1:0] c_in;

  // Tokens: {valid, first, shift, last} in cycles 2 to 4.
  reg [3:0] tok2, tok3, tok4;
  wire [3:0] tok_acc;
  reg last5, last6, last7, last8;

  always @(posedge clk_i) begin
    tok2 <= {tok_valid_i, tok_first_i, tok_shift_i, tok_last_i};
    tok3 <= tok2;
    tok4 <= tok3;
    last5 <= tok_acc[3] && tok_acc[0];
    last6 <= last5;
    last7 <= last6;
    last8 <= last7;
    if (rst_i) begin
      tok2 <= 4'd0;
      tok3 <= 4'd0;
      tok4 <= 4'd0;
      last5 <= 1'b0;
      last6 <= 1'b0;
      last7 <= 1'b0;
      last8 <= 1'b0;
    end
  end

  // Cycle 1: operands. One value each for W and O, then P, C and X.
  integer l;
  reg signed [15:0] w, o, pv, xs;
  reg signed [16:0] diff;
  reg cmp, f;
  always @(*) begin
    c_in = {Lanes * 16{1'b0}};
    w = 16'd0;
    o = 16'd0;
    pv = 16'd0;
    cmp = 1'b0;
    f = 1'b0;
    if (c_load_i)
      for (l = 0; l < Lanes; l = l + 1) begin
        w = !w_draw_i ? w_i[l*16+:16] : w_sign_i ? {{15{draw_i[l*16+15]}}, 1'b1} : draw_i[l*16+:16];
        o = o_bcast_i ? bcast_i : v_i[l*16+:16];
        pv = {ph[l][15], pl[l]};
        cmp = f_le_i ? pv <= o : pv < o;
        f = flag_i && (f_stored_i ? flag[l] : cmp ^ f_inv_i);
        c_in[l*16+:16] = f || c_sel_i == 2'd0 ? 16'd0 : c_sel_i == 2'd1 ? w : c_sel_i == 2'd2 ? o : 16'hffff;
      end
  end

  integer m;
  reg signed [15:0] wm, om, pm;
  reg cmpm, fm;
  always @(posedge clk_i) begin
    if (p_load_i || f_load_i || tok_valid_i)
      for (m = 0; m < Lanes; m = m + 1) begin
        wm = !w_draw_i ? w_i[m*16+:16] : w_sign_i ? {{15{draw_i[m*16+15]}}, 1'b1} : draw_i[m*16+:16];
        om = o_bcast_i ? bcast_i : v_i[m*16+:16];
        pm = p_o_i ? om : wm;
        if (p_load_i) begin
          ph[m] <= p_prod_i ? prod[m][30:15] : {16{pm[15]}};
          pl[m] <= p_prod_i ? prod[m][14:0] : pm[14:0];
        end
        if (f_load_i) flag[m] <= {ph[m][15], pl[m]} != 16'd0;
        cmpm = f_le_i ? $signed({ph[m][15], pl[m]}) <= om : $signed({ph[m][15], pl[m]}) < om;
        fm = f_stored_i ? flag[m] : cmpm ^ f_inv_i;
        diff = {om[15], om} - (pull_i ? {wm[15], wm} : 17'd0);
        xs = diff[16] != diff[15] ? {diff[16], {15{~diff[16]}}} : diff[15:0];
        x[m] <= !fire_i || x_zero_i || (tail_i && !tail_mask_i[m]) ? 16'd0 : flag_i ? {15'd0, fm} : xs;
      end
  end

  // Cycles 2 and 3: two products and their sum.
  integer k;
  always @(posedge clk_i) begin
    if (tok2[3])
      for (k = 0; k < Lanes; k = k + 1) begin
        prodh[k] <= ph[k] * x[k];
        prodl[k] <= $signed({1'b0, pl[k]}) * x[k];
      end
    if (tok3[3])
      for (k = 0; k < Lanes; k = k + 1)
        prod[k] <= {prodh[k], 15'd0} + {{15{prodl[k][31]}}, prodl[k]};
  end

  // Reduction: node 1 is the sum of all lanes, one level a cycle.
  wire signed [47:0] in0;
  generate
    if (Lanes == 1) begin : g_alone
      assign in0 = {prod[0][46], prod[0]};
      assign tok_acc = tok4;
    end else begin : g_tree
      reg signed [31+Levels:0] node[1:Lanes-1];
      reg [4*Levels-1:0] toks;
      wire [4*Levels+3:0] toks_next = {toks, tok4 & {4{reduce_i}}};
      integer n;
      always @(posedge clk_i) begin
        toks <= toks_next[4*Levels-1:0];
        if (rst_i) toks <= {4 * Levels{1'b0}};
        if (reduce_i)
          for (n = 1; n < Lanes; n = n + 1)
            if (2 * n < Lanes) node[n] <= node[2*n] + node[2*n+1];
            else
              node[n] <= {{Levels{prod[2*n-Lanes][31]}}, prod[2*n-Lanes][31:0]}
                       + {{Levels{prod[2*n+1-Lanes][31]}}, prod[2*n+1-Lanes][31:0]};
      end
      assign in0 = reduce_i ? {{16 - Levels{node[1][31+Levels]}}, node[1]} : {prod[0][46], prod[0]};
      assign tok_acc = reduce_i ? toks[4*Levels-1-:4] : tok4;
    end
  endgenerate

  // Cycle 4: accumulate.
  integer i;
  reg signed [47:0] addend;
  reg [47:0] shifted;
  always @(posedge clk_i)
    if (tok_acc[3] || acc_load_i)
      for (i = 0; i < Lanes; i = i + 1) begin
        shifted = {o_bcast_i ? bcast_i : v_i[i*16+:16], acc[i][47:16]};
        addend = i == 0 ? in0 : {prod[i][46], prod[i]};
        acc[i] <= (acc_load_i || tok_acc[1] ? shifted : tok_acc[2] ? 48'd0 : acc[i])
                + (acc_load_i ? 48'd0 : addend);
      end
  assign acc0_o = acc[0];

  // C and the addresses wait in queues for the rounded product.
  reg [QueueBits-1:0] c_wr, a_wr, rd;
  (* no_rw_check *)reg [Lanes*16-1:0] c_mem[0:(1<<QueueBits)-1];
  (* no_rw_check *)reg [AddrBits-1:0] a_mem[0:(1<<QueueBits)-1];
  reg [Lanes*16-1:0] c_q;
  reg [AddrBits-1:0] a_q;
  always @(posedge clk_i) begin
    if (c_load_i) c_mem[c_wr] <= c_in;
    if (push_i) a_mem[a_wr] <= push_addr_i;
    if (last6) begin
      c_q <= c_mem[rd];
      a_q <= a_mem[rd];
    end
    if (tok_valid_i && tok_last_i) c_wr <= c_wr + 1'b1;
    if (push_i) a_wr <= a_wr + 1'b1;
    if (last6) rd <= rd + 1'b1;
    if (rst_i) begin
      c_wr <= {QueueBits{1'b0}};
      a_wr <= {QueueBits{1'b0}};
      rd <= {QueueBits{1'b0}};
    end
  end

  // Cycles 5 to 7: shift, round, add and clamp. In the second phase of a shared back end everything is one cycle
  // later and belongs to the odd lanes.
  reg [32:0] u[0:Ends-1];
  reg [Ends-1:0] u_far, u_neg;
  reg signed [15:0] r[0:Ends-1];
  reg [Ends-1:0] r_over;
  reg signed [15:0] y[0:Lanes-1];
  reg [Lanes-1:0] y_over, y_touched;

  wire go5 = last5 || (Share == 2 && last6);
  wire go6 = last6 || (Share == 2 && last7);
  wire go7 = last7 || (Share == 2 && last8);
  wire odd5 = Share == 2 && !last5;
  wire odd6 = Share == 2 && !last6;
  wire odd7 = Share == 2 && !last7;

  integer e, a, b;
  reg signed [47:0] acce;
  reg [47:0] s16;
  reg [39:0] s8;
  reg [35:0] s4;
  reg [33:0] s2;
  reg far;
  always @(posedge clk_i)
    if (go5)
      for (e = 0; e < Ends; e = e + 1) begin
        acce = odd5 ? acc[(e*Share+Share-1)%Lanes] : acc[e*Share];
        case (shift_i[5:4])
          2'd0: s16 = {acce[31:0], 16'd0};
          2'd1: s16 = acce;
          default: s16 = {{16{acce[47]}}, acce[47:16]};
        endcase
        far = shift_i[5:4] == 2'd0 && acce[47:32] != {16{acce[31]}};
        s8  = shift_i[3] ? s16[47:8] : s16[39:0];
        far = far || (!shift_i[3] && s16[47:40] != {8{s16[39]}});
        s4  = shift_i[2] ? s8[39:4] : s8[35:0];
        far = far || (!shift_i[2] && s8[39:36] != {4{s8[35]}});
        s2  = shift_i[1] ? s4[35:2] : s4[33:0];
        far = far || (!shift_i[1] && s4[35:34] != {2{s4[33]}});
        u[e] <= shift_i[0] ? s2[33:1] : s2[32:0];
        u_far[e] <= far || (!shift_i[0] && s2[33] != s2[32]);
        u_neg[e] <= acce[47];
      end

  reg [15:0] addend16;
  reg [32:0] t;
  reg over;
  always @(posedge clk_i)
    if (go6)
      for (a = 0; a < Ends; a = a + 1) begin
        addend16 = stochastic_i ? (odd6 ? draw_i[((a*Share+Share-1)%Lanes)*16+:16] : draw_i[a*Share*16+:16])
                                : {nearest_i, 15'd0};
        t = u[a] + {17'd0, addend16};
        over = !raw_i && (u_far[a] || t[32] != t[31]);
        r[a] <= over ? {u_neg[a], {15{~u_neg[a]}}} : t[31:16];
        r_over[a] <= over;
      end

  reg signed [15:0] rb;
  reg signed [16:0] sum;
  reg gt, lt, rov;
  always @(posedge clk_i)
    if (go7)
      for (b = 0; b < Lanes; b = b + 1)
        if (reduce_i ? !odd7 : (b % Share == 1) == odd7) begin
          // In a reduction every lane takes the result of lane 0.
          rb = reduce_i ? r[0] : r[b/Share];
          sum = {rb[15], rb} + {c_q[b*16+15], c_q[b*16+:16]};
          gt = ge_i ? !sum[16] : sum > $signed({hi_i[15], hi_i}) || inverted_i;
          lt = ge_i || sum < $signed({lo_i[15], lo_i});
          y[b] <= raw_i ? sum[15:0] : gt ? hi_i : lt ? lo_i : sum[15:0];
          rov = reduce_i ? r_over[0] : r_over[b/Share];
          y_over[b] <= (hi_i == 16'h7fff && ((rov && !rb[15]) || sum[16:15] == 2'b01))
                    || (lo_i == 16'h8000 && ((rov && rb[15]) || sum[16:15] == 2'b10));
          y_touched[b] <= rb != 16'd0;
        end

  genvar g;
  generate
    for (g = 0; g < Lanes; g = g + 1) begin : g_out
      assign wdata_o[g*16+:16] = y[g];
    end
  endgenerate
  assign touched_o = y_touched | {Lanes{!touched_i}};

  always @(posedge clk_i) begin
    we_o <= Share == 2 && !reduce_i ? last8 : last7;
    if (last7) waddr_o <= a_q;
    if (rst_i) we_o <= 1'b0;
  end

  integer q;
  always @(*) begin
    overflows_o = 7'd0;
    if (we_o && count_i)
      for (q = 0; q < Lanes; q = q + 1) overflows_o = overflows_o + {6'd0, y_over[q] && wlanes_i[q]};
  end

  reg [Levels:0] tree_busy;
  wire [Levels+1:0] tree_next = {tree_busy, tok4[3]};
  always @(posedge clk_i) tree_busy <= rst_i ? {Levels + 1{1'b0}} : tree_next[Levels:0];
  assign idle_o = !(tok_valid_i || tok2[3] || tok3[3] || tok4[3] || (reduce_i && |tree_busy)
                  || last5 || last6 || last7 || last8 || we_o);
endmodule

`default_nettype wire
