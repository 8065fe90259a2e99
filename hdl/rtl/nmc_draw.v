// nmc_draw: the draws of a word, fixed.Key.Draw(row, column) for each lane.
//
//   draw = half of mix(h(row) ^ g(column / 2)), h(row) = mix(key.Row + row·RowStep), g(pair) = mix(key.Col + pair·ColStep)
//
// One mixing unit for h, two for each pair of lanes or one that makes g in one cycle and the draw in the next. Events
// come three cycles before the operands that use them as a source (Delay cycles more where the draws round).
//
// As a stream (four lanes, rows at least four cycles apart, a word for many rows) all lanes share one unit: the first pair's
// draws come when all lanes' would, those of the second one cycle later, two where they round. There a lane's is in place
// of the first one's when it passes the back end that the lanes share.
`default_nettype none

// Conditions that change nothing: with them a simulator forms what a step needs, without them it takes fewer cells.
`ifdef NMC_FAST
`define NMC_SPARE(condition) (condition)
`define NMC_DRAWS(p) mix(h ^ g[p])
`define NMC_PAIR(p) mixed(column[p])
`else
`define NMC_SPARE(condition) (1'b1 || (condition))
`define NMC_DRAWS(p) pair_draws[p]
`define NMC_PAIR(p) pair_g[p]
`endif

module nmc_draw #(
    parameter Lanes = 4,
    parameter Spaced = 0,  // 1: words come at least two cycles apart; then g and the draw share a mixing unit
    parameter Stream = 0,  // 1: draws are for upd.b and blend alone, with four lanes: draw_o is that of a pair, twice
    parameter Gather = 2,  // cycles more where they round a sum over the lanes
    parameter Delay = 4  // cycles that events wait when the draws round a sum within a lane
) (
    input wire clk_i,
    input wire rst_i,

    // key: {row, column}, constant while events come
    input wire [63:0] key_i,

    // constant during an instruction
    input wire on_i,  // it makes draws, or it need not be known
    input wire rounds_i,  // the draws round: delay the events
    input wire reduce_i,  // ... of sums over the lanes
    input wire late_i,  // ... two cycles later: the operands come after M
    input wire across_i,  // words follow each other in a row: each makes its draws
    input wire single_i,  // one column a word, in lane 0: advance every second one

    // events
    input wire                     rows_reset_i,  // row base = row 0
    input wire                     cols_reset_i,  // column base = column 0
    input wire                     row_i,         // the row is base + lane_i
    input wire                     word_i,        // the next word of columns
    input wire                     next_i,        // row base += Lanes
    input wire                     add_i,         // row base += lane_i
    input wire                     sub_i,         // row base -= lane_i
    input wire [$clog2(Lanes):0]   lane_i,
    output wire                    idle_o,        // no event is waiting

    output wire [Lanes*16-1:0] draw_o
);
  localparam LB = $clog2(Lanes) + 1;
  localparam Pairs = (Lanes + 1) / 2;
  localparam [31:0] RowStep = 32'h9e3779b1;
  localparam [31:0] ColStep = 32'h85ebca77;
  localparam Twice = Spaced != 0 && Pairs == 2;
  localparam StepBits = LB + 1;
  localparam [StepBits-1:0] Reset = (1 << LB) + 1;  // no steps: those are 1 - Lanes to 2·Lanes, which is 1 << LB
  localparam More = Gather > 2 ? Gather : 2;  // cycles more of a reduction or a late word
  localparam Taps = Delay + More;
  localparam BusyBits = $clog2(Taps + 1);
  // Four lanes and more: where rows change and the draws round, spaced rows come four cycles apart. Then h is made as
  // they come, not when the draws need it, and their steps wait less.
  localparam RowDelay = Stream != 0 ? Delay - 1 : Spaced != 0 && Lanes >= 4 ? Delay - 3 : Delay;

  localparam [31:0] MixFirst = 32'd513;  // the first step of mixing is a multiplication
  function [31:0] mixed(input [31:0] first);  // ... and these are all further ones
    reg [31:0] z;
    begin
      z = first ^ {11'd0, first[31:11]};
      z = z + {z[18:0], 13'd0};
      mixed = z ^ {16'd0, z[31:16]};
    end
  endfunction
  function [31:0] mix(input [31:0] in);
    mix = mixed(in + {in[22:0], 9'd0});
  endfunction

  // Events enter a register: what makes them takes most of a cycle.
  reg rows_reset1, cols_reset1, row1, word1, next1, add1, sub1;
  reg [LB-1:0] lane1;
  always @(posedge clk_i)
    if (`NMC_SPARE(on_i)) begin
      {rows_reset1, cols_reset1, row1, word1} <= {rows_reset_i, cols_reset_i, row_i, word_i};
      {next1, add1, sub1, lane1} <= {next_i, add_i, sub_i, lane_i};
    end

  // The row side moves one position, to the row drawn or to the row base; last_q is how far it is from the base now.
  // A run starts where the last one ended, with the position at the base: what it subtracts moves the base alone.
  reg signed [LB-1:0] last_q;
  reg signed [StepBits-1:0] moves;
  always @(posedge clk_i)
    if (`NMC_SPARE(on_i)) begin
      if (row1 || sub1) last_q <= lane1 | (next1 ? Lanes[LB-1:0] : {LB{1'b0}});
      else if (rows_reset1 || add1 || next1) last_q <= {LB{1'b0}};
    end

  // Events, in time for their use.
  localparam [StepBits-1:0] None = {StepBits{1'b0}};
  reg [StepBits-1:0] steps_now, begun_steps;
  reg [2:0] now, begun;
  reg [More*3-1:0] more_q;
  reg [Delay*3-1:0] wait_q;
  reg [More*StepBits-1:0] more_steps_q;
  reg [RowDelay*StepBits-1:0] wait_steps_q;
  reg [(More+1)*3-1:0] more_next;
  reg [(More+1)*StepBits-1:0] more_steps;
  reg [(Delay+1)*3-1:0] wait_next;
  reg [(RowDelay+1)*StepBits-1:0] wait_steps;
  reg [3+StepBits:0] due, due_q;
  // For a fast clock they pass a register, as all else does before the lanes.
  always @(posedge clk_i) due_q <= due;
  wire cols_reset, row, word;
  wire moved;  // the row side stands at a row from the next cycle on
  wire [StepBits-1:0] steps;
  assign {cols_reset, row, word, moved, steps} = Spaced == 0 ? due_q : due;
  always @(*) begin
    moves = None;
    {steps_now, begun_steps} = {2 * StepBits{1'b0}};
    {now, begun} = 6'd0;
    due = {4 + StepBits{1'b0}};
    {more_next, wait_next} = {(More + Delay + 2) * 3{1'b0}};
    {more_steps, wait_steps} = {(More + RowDelay + 2) * StepBits{1'b0}};
    if (`NMC_SPARE(on_i)) begin
      now = {cols_reset1, row1, word1};
      moves = (row1 || add1 ? {1'b0, lane1} : Lanes[StepBits-1:0]) - {last_q[LB-1], last_q};
      steps_now = rows_reset1 ? Reset : row1 || add1 || next1 ? moves : None;
      if (`NMC_SPARE(rounds_i)) begin
        more_next = {more_q, now};
        more_steps = {more_steps_q, steps_now};
        begun = reduce_i ? more_next[Gather*3+:3] : late_i ? more_next[6+:3] : now;
        begun_steps = reduce_i ? more_steps[Gather*StepBits+:StepBits]
                    : late_i ? more_steps[2*StepBits+:StepBits] : steps_now;
        wait_next = {wait_q, begun};
        wait_steps = {wait_steps_q, begun_steps};
      end
      due = {
        wait_next[Delay*3+:3] | (rounds_i ? 3'd0 : now), wait_next[RowDelay*3+1] || !rounds_i && row1,
        wait_steps[RowDelay*StepBits+:StepBits] | (rounds_i ? None : steps_now)
      };
    end
  end
  always @(posedge clk_i)
    if (rst_i || !rounds_i) begin
      more_q <= {More * 3{1'b0}};
      wait_q <= {Delay * 3{1'b0}};
      more_steps_q <= {More * StepBits{1'b0}};
      wait_steps_q <= {RowDelay * StepBits{1'b0}};
    end else begin
      more_q <= more_next[More*3-1:0];
      wait_q <= wait_next[Delay*3-1:0];
      more_steps_q <= more_steps[More*StepBits-1:0];
      wait_steps_q <= wait_steps[RowDelay*StepBits-1:0];
    end

  reg [BusyBits-1:0] busy_q;
  always @(posedge clk_i)
    if (rst_i || !rounds_i) busy_q <= {BusyBits{1'b0}};
    else if (rows_reset1 || cols_reset1 || row1 || word1 || next1 || add1 || sub1) busy_q <= Taps[BusyBits-1:0];
    else if (!idle_o) busy_q <= busy_q - 1'b1;
  assign idle_o = busy_q == {BusyBits{1'b0}};

  // Row side.
  wire [31:0] key_row = key_i[63:32];
  wire [31:0] key_col = key_i[31:0];
  reg [31:0] place, h;
  reg [31:0] stride;
`ifdef NMC_FAST
  wire [31:0] counted = {{32 - StepBits{steps[LB] && steps[LB-1:0] != {LB{1'b0}}}}, steps};
  always @(*) stride = RowStep * counted;
`else
  // A table of constants takes less than adders, and of many lanes two tables with one, of the low bits and of those above.
  localparam [StepBits-1:0] Most = 1 << LB;
  integer b;
  reg [31:0] above;
  wire [8:0] counted = {{9 - StepBits{steps[LB]}}, steps};
  always @(*) begin
    stride = 32'd0;
    above = 32'd0;
    if (Lanes <= 4) begin
      for (b = 1; b <= 2 * Lanes; b = b + 1) begin
        if (steps == b[StepBits-1:0]) stride = RowStep * b;
        if (b < Lanes && steps == -b[StepBits-1:0]) stride = -(RowStep * b);
      end
    end else begin
      for (b = 1; b < 16; b = b + 1) if (counted[3:0] == b[3:0]) stride = RowStep * b;
      for (b = 1; b <= Lanes / 8; b = b + 1) begin
        if (counted[8:4] == b[4:0]) above = RowStep * (16 * b);
        if (counted[8:4] == -b[4:0]) above = -(RowStep * (16 * b));
      end
      if (steps == Most) above = RowStep << LB;
      stride = stride + above;
    end
  end
`endif
  reg row_q, moved_q, h_q;
  reg [1:0] h_past;
  always @(posedge clk_i)
    if (`NMC_SPARE(on_i)) begin
      place <= steps == Reset ? key_row : place + stride;
      row_q <= row;
      moved_q <= moved;
      if (moved_q) h <= mix(place);
      h_q <= row_q;
      h_past <= {h_past[0], h_q};
    end

  // Column side. Two pairs of spaced words advance one after the other: that takes one adder.
  reg [31:0] cols;
  wire [31:0] cols_second = cols + ColStep;
  reg word_q, g_q, again_q;
  reg odd, g_odd;
  always @(posedge clk_i)
    if (`NMC_SPARE(on_i)) begin
      if (cols_reset) begin
        cols <= key_col;
        odd  <= 1'b0;
      end else if (word_q || again_q) begin
        odd <= odd ^ word_q;
        if (!single_i || odd) cols <= single_i || Twice || Lanes == 1 ? cols_second : cols + ColStep * Pairs;
      end
      again_q <= Twice && word_q && !single_i && !cols_reset;
      word_q <= word;
      g_q <= word_q;
      if (word_q) g_odd <= odd;
    end

  // The draws, then what they are made of.
  reg [31:0] g[0:Pairs-1];
  // Each pair has its column, so that g is one mix away, and less: what is kept is what the first step of mixing makes of it. The key
  // is there long before a column is that of the key.
  reg [31:0] column[0:Pairs-1];
  localparam [31:0] MovesOne = ColStep * MixFirst;
  localparam [31:0] MovesAll = MovesOne * Pairs;
  wire [31:0] step = single_i || Lanes == 1 ? MovesOne : MovesAll;
  reg [31:0] key_first;
  always @(posedge clk_i) if (`NMC_SPARE(on_i)) key_first <= key_col + {key_col[22:0], 9'd0};
`ifndef NMC_FAST
  wire [31:0] pair_draws[0:Pairs-1];
  wire [31:0] pair_g[0:Pairs-1];
  genvar pair;
  generate
    if (Spaced == 0)
      for (pair = 0; pair < Pairs; pair = pair + 1) begin : g_pair
        wire [31:0] first;
        nmc_adder #(
            .Width(32)
        ) u_first (
            .a_i(h), .b_i(g[pair]), .c_i({h[22:0], 9'd0}), .d_i({g[pair][22:0], 9'd0}), .sum_o(first)
        );
        nmc_mix u_draws (
            .first_i(first), .mix_o(pair_draws[pair])
        );
        nmc_mix u_g (
            .first_i(column[pair]), .mix_o(pair_g[pair])
        );
      end
  endgenerate
`endif
  reg [Pairs*32-1:0] d;
  reg [Lanes*16-1:0] out;
  reg [31:0] p, z, pass, turn;
  wire draws = Stream != 0 ? h_q || h_past[rounds_i] : (g_q && across_i) || h_q;
  wire makes = word_q || again_q;  // g of a pair
  wire [Pairs*32-1:0] turns = {Pairs{turn}};
  assign draw_o = Stream != 0 ? turns[Lanes*16-1:0] : out;
  always @(posedge clk_i) begin
    z = 32'd0;
    pass = 32'd0;
    if (Stream != 0) begin
      // The pairs' g take turns.
      if (`NMC_SPARE(makes || draws)) z = mix(makes ? cols : h ^ g[Pairs-1]);
      if (makes || draws) begin
        pass = makes ? z : g[Pairs-1];
        g[Pairs-1] = g[0];
        g[0] = pass;
      end
      turn[15:0] <= draws ? z[15:0] : turn[31:16];
      if (draws) turn[31:16] <= z[31:16];
    end else if (Spaced != 0) begin
      for (p = 0; p < Pairs; p = p + 1) begin
        z = mix(word_q ? cols + ColStep * p : h ^ g[p]);
        // The odd column in all pairs, though only lane 0 counts: the draws are no copy of g, which would cost cells.
        d[p*32+:32] = {z[31:16], single_i && g_odd ? z[31:16] : z[15:0]};
        if (word_q) g[p] = z;
      end
    end else begin
      if (draws) for (p = 0; p < Pairs; p = p + 1) d[p*32+:32] = `NMC_DRAWS(p);
      if (word_q) for (p = 0; p < Pairs; p = p + 1) g[p] = `NMC_PAIR(p);
      if (cols_reset) for (p = 0; p < Pairs; p = p + 1) column[p] = key_first + MovesOne * p;
      else if (word_q && (!single_i || odd)) for (p = 0; p < Pairs; p = p + 1) column[p] = column[p] + step;
    end
    if (Stream == 0 && draws) begin
      out <= d[Lanes*16-1:0];
      if (Spaced == 0 && single_i && g_odd) out[15:0] <= d[31:16];
    end
  end
endmodule

`undef NMC_SPARE
`undef NMC_DRAWS
`undef NMC_PAIR
`default_nettype wire
