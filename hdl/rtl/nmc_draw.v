// nmc_draw: the draws of a word, fixed.Key.Draw(row, column) for each lane.
//
//   draw = half of mix(h(row) ^ g(column / 2)), h(row) = mix(key.Row + row·RowStep), g(pair) = mix(key.Col + pair·ColStep)
//
// One mixing unit for h; one for each pair of lanes, which makes g in one cycle and the draw in the next. Draws stand
// three cycles after their event, or when they round, as many more as a sum takes to reach the rounding.
`default_nettype none

module nmc_draw #(
    parameter Lanes = 4,
    parameter Delay = 4,  // cycles that events wait when the draws round a sum within a lane
    parameter MoveBits = 5  // bits of move_i: -Lanes .. 2·Lanes - 1
) (
    input wire clk_i,
    input wire rst_i,

    // key
    input wire        key_load_i,
    input wire [63:0] key_i,       // {row, column}

    // constant during an instruction
    input wire rounds_i,  // the draws round: delay the events
    input wire reduce_i,  // ... sums over the lanes
    input wire across_i,  // words follow each other in a row: each makes its draws
    input wire single_i,  // one column a word, in lane 0: every second word takes the next pair
    input wire signs_i,   // draws are read as signs: -1 or 1

    // events
    input wire                       rows_reset_i,  // to row 0
    input wire                       cols_reset_i,  // to column 0
    input wire                       move_i,        // to another row
    input wire signed [MoveBits-1:0] rows_i,        // ... by so many
    input wire                       row_i,         // draws of the row, after the move
    input wire                       word_i,        // the next word of columns
    output wire                      idle_o,        // no event is waiting

    output reg [Lanes*16-1:0] draw_o
);
  localparam Pairs = (Lanes + 1) / 2;
  localparam Levels = $clog2(Lanes);
  localparam [31:0] RowStep = 32'h9e3779b1;
  localparam [31:0] ColStep = 32'h85ebca77;
  localparam EventBits = 5 + MoveBits;
  localparam Taps = Delay + Levels;

  // All but the last xor of fixed.Mix.
  function [31:0] stir(input [31:0] in);
    reg [31:0] z;
    begin
      z = in + {in[22:0], 9'd0};
      z = z ^ {11'd0, z[31:11]};
      stir = z + {z[18:0], 13'd0};
    end
  endfunction

  // Events, in time for their use.
  wire [EventBits-1:0] now = {rows_reset_i, cols_reset_i, move_i, row_i, word_i, rows_i};
  reg [Taps*EventBits-1:0] wait_q;
  always @(posedge clk_i)
    if (rst_i) wait_q <= {Taps * EventBits{1'b0}};
    else if (rounds_i) wait_q <= {wait_q[(Taps-1)*EventBits-1:0], now};
  wire [EventBits-1:0] ev = !rounds_i ? now
                          : reduce_i ? wait_q[Taps*EventBits-1-:EventBits] : wait_q[Delay*EventBits-1-:EventBits];
  wire rows_reset, cols_reset, move, row, word;
  wire signed [MoveBits-1:0] rows;
  assign {rows_reset, cols_reset, move, row, word, rows} = ev;

  reg [$clog2(Taps+1)-1:0] quiet;
  always @(posedge clk_i)
    if (rst_i || (rounds_i && |now[EventBits-1:MoveBits])) quiet <= Taps;
    else if (quiet != 0) quiet <= quiet - 1'b1;
  assign idle_o = quiet == 0;

  // Row side: one of the multiples of RowStep, from a table where it is small.
  reg [31:0] steps;
  integer b;
  always @(*) begin
    steps = 32'd0;
    if (Lanes <= 4) begin
      for (b = -Lanes; b < 2 * Lanes; b = b + 1) if (rows == b) steps = RowStep * b;
    end else begin
      for (b = 0; b < MoveBits - 1; b = b + 1) if (rows[b]) steps = steps + (RowStep << b);
      if (rows[MoveBits-1]) steps = steps - (RowStep << (MoveBits - 1));
    end
  end

  reg [31:0] key_row, key_col, place, h, stirred;
  reg row_q, h_q;
  always @(posedge clk_i) begin
    if (key_load_i) {key_row, key_col} <= key_i;
    if (rows_reset) place <= key_row;
    else if (move) place <= place + steps;
    row_q <= row;
    h_q <= row_q;
    if (row_q) begin
      stirred = stir(place);
      h <= stirred ^ {16'd0, stirred[31:16]};
    end
  end

  // Column side.
  reg [31:0] cols;
  reg word_q, g_q, odd, g_odd;
  always @(posedge clk_i) begin
    if (cols_reset) begin
      cols <= key_col;
      odd  <= 1'b0;
    end else if (word_q) begin
      odd <= !odd;
      if (!single_i || odd) cols <= cols + (single_i || Lanes == 1 ? ColStep : ColStep * Pairs);
    end
    word_q <= word;
    g_q <= word_q && across_i;
    if (word_q) g_odd <= odd;
  end

  reg [31:0] g[0:Pairs-1];
  reg [31:0] z;
  integer p;
  always @(posedge clk_i)
    if (word_q || g_q || h_q)
      for (p = 0; p < Pairs; p = p + 1) begin
        z = stir(word_q ? cols + ColStep * p : h ^ g[p]);
        z = z ^ {16'd0, z[31:16]};
        if (word_q) g[p] = z;
        else begin
          draw_o[p*32+:16] <= signs_i ? {{15{p == 0 && single_i && g_odd ? z[31] : z[15]}}, 1'b1}
                            : p == 0 && single_i && g_odd ? z[31:16] : z[15:0];
          if (2 * p + 1 < Lanes) draw_o[(2*p+1)%Lanes*16+:16] <= signs_i ? {{15{z[31]}}, 1'b1} : z[31:16];
        end
      end
endmodule

`default_nettype wire
