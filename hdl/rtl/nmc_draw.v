// nmc_draw: the draws of a word, fixed.Key.Draw(row, column) for each lane.
//
//   draw = half of mix(h(row) ^ g(column / 2)), h(row) = mix(key.Row + row·RowStep), g(pair) = mix(key.Col + pair·ColStep)
//
// One mixing unit for h, two for each pair of lanes or one that makes g in one cycle and the draw in the next. Events come
// two cycles before the operands that use them as a source (Events cycles later where the draws round).
`default_nettype none

module nmc_draw #(
    parameter Lanes = 4,
    parameter Spaced = 0,  // 1: words come at least two cycles apart; then g and the draw share a mixing unit
    parameter Delay = 5  // cycles that events wait when the draws round a sum within a lane
) (
    input wire clk_i,
    input wire rst_i,

    // key
    input wire        key_load_i,
    input wire [63:0] key_i,       // {row, column}

    // constant during an instruction
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

    output reg [Lanes*16-1:0] draw_o
);
  localparam LB = $clog2(Lanes) + 1;
  localparam Pairs = (Lanes + 1) / 2;
  localparam Levels = $clog2(Lanes);
  localparam [31:0] RowStep = 32'h9e3779b1;
  localparam [31:0] ColStep = 32'h85ebca77;
  localparam EventBits = 7 + LB;
  localparam Taps = Delay + (Levels > 2 ? Levels : 2);

  function [31:0] mix(input [31:0] in);
    reg [31:0] z;
    begin
      z   = in + {in[22:0], 9'd0};
      z   = z ^ {11'd0, z[31:11]};
      z   = z + {z[18:0], 13'd0};
      mix = z ^ {16'd0, z[31:16]};
    end
  endfunction

  // Events, in time for their use.
  wire [EventBits-1:0] now = {rows_reset_i, cols_reset_i, row_i, word_i, next_i, add_i, sub_i, lane_i};
  reg [Taps*EventBits-1:0] wait_q;
  wire [(Taps+1)*EventBits-1:0] wait_next = {wait_q, now};
  always @(posedge clk_i)
    if (rst_i) wait_q <= {Taps * EventBits{1'b0}};
    else if (rounds_i) wait_q <= wait_next[Taps*EventBits-1:0];
  wire [EventBits-1:0] ev = !rounds_i ? now : reduce_i ? wait_next[(Delay+Levels)*EventBits+:EventBits]
                          : late_i ? wait_next[(Delay+2)*EventBits+:EventBits] : wait_next[Delay*EventBits+:EventBits];
  wire rows_reset, cols_reset, row, word, next, add, sub;
  wire [LB-1:0] lane;
  assign {rows_reset, cols_reset, row, word, next, add, sub, lane} = ev;

  reg [Taps:1] some_q;
  wire [Taps:0] some_next = {some_q, |now[EventBits-1:LB]};
  always @(posedge clk_i) some_q <= rst_i || !rounds_i ? {Taps{1'b0}} : some_next[Taps-1:0];
  assign idle_o = some_q == {Taps{1'b0}};

  // Row side.
  reg [31:0] key_row, key_col, base, place, h;
  reg [31:0] steps;
  integer b;
  always @(*) begin
    steps = 32'd0;
    if (Lanes <= 4) begin
      // A table of constants takes less than adders.
      for (b = 1; b <= Lanes; b = b + 1) if (lane == b[LB-1:0]) steps = sub ? -(RowStep * b) : RowStep * b;
    end else begin
      for (b = 0; b < LB; b = b + 1) if (lane[b]) steps = steps + (RowStep << b);
      if (sub) steps = -steps;
    end
  end
  wire [31:0] moved = base + steps;
  reg row_q, h_q;
  always @(posedge clk_i) begin
    if (key_load_i) {key_row, key_col} <= key_i;
    if (rows_reset) base <= key_row;
    else if (add || sub) base <= moved;
    else if (next) base <= base + (RowStep << Levels);
    if (row) place <= moved;
    row_q <= row;
    if (row_q) h <= mix(place);
    h_q <= row_q;
  end

  // Column side.
  reg [31:0] cols;
  reg word_q, g_q;
  reg odd, g_odd;
  always @(posedge clk_i) begin
    if (cols_reset) begin
      cols <= key_col;
      odd  <= 1'b0;
    end else if (word_q) begin
      odd <= !odd;
      if (!single_i || odd) cols <= cols + (single_i || Lanes == 1 ? ColStep : ColStep * Pairs);
    end
    word_q <= word;
    g_q <= word_q;
    if (word_q) g_odd <= odd;
  end

  // The draws, then what they are made of.
  reg [31:0] g[0:Pairs-1];
  reg [Pairs*32-1:0] d;
  reg [31:0] p, z;
  wire draws = (g_q && across_i) || h_q;
  always @(posedge clk_i) begin
    z = 32'd0;
    if (Spaced != 0) begin
      for (p = 0; p < Pairs; p = p + 1) begin
        z = mix(word_q ? cols + ColStep * p : h ^ g[p]);
        d[p*32+:32] = z;
        if (word_q) g[p] = z;
      end
    end else begin
      if (draws) for (p = 0; p < Pairs; p = p + 1) d[p*32+:32] = mix(h ^ g[p]);
      if (word_q) for (p = 0; p < Pairs; p = p + 1) g[p] = mix(cols + ColStep * p);
    end
    if (draws) begin
      draw_o <= d[Lanes*16-1:0];
      if (single_i && g_odd) draw_o[15:0] <= d[31:16];
    end
  end
endmodule

`default_nettype wire
