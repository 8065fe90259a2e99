// nmc_walk: the elements, rows and words of a matrix walk, and the addresses of their weights.
//
// An element is taken, or a word of a row begun, in cycle -2 of nmc_lanes; its address is formed in cycle -1 and read
// in cycle 0. Rows count from the start of the pass: an address is row + base + word of the row. A blend reads twice, each
// time with a base of its own.
`default_nettype none

module nmc_walk #(
    parameter WeightPorts = 2,
    parameter Share = 1,        // lanes that share a back end
    parameter Serial = 0,       // 1: a sum over the lanes takes Share cycles
    parameter WeightBits = 14,
    parameter LaneBits = 3,     // $clog2(Lanes) + 1
    parameter WordBits = 11     // of the words of a row
) (
    input wire clk_i,
    input wire rst_i,
    input wire idle_i,

    // constant during an instruction
    input wire                  is_mac_b_i,
    input wire                  is_upd_i,
    input wire                  is_upd_r_i,
    input wire                  is_blend_i,
    input wire                  in_rows_i,   // words follow each other in a row: mac.r, upd.r
    input wire                  wdraw_i,     // draws are operands: tokens come a cycle later
    input wire                  widein_i,
    input wire                  r_draws_i,   // each element makes a draw of its own
    input wire [          12:0] rstride_i,
    input wire [          12:0] side_i,      // elements of a row

    // phases
    input wire                  first_word_i,  // word 0 from the next cycle on
    input wire                  next_word_i,   // the word of the next pass, or of a vector
    input wire                  pass_i,        // row 0
    input wire                  first_i,       // the next sum starts at 0
    input wire                  used_i,        // ... it has begun
    input wire                  run_i,         // a run of elements starts in lane elane_i
    input wire                  run_end_i,
    input wire                  off_walk_i,    // two weight ports: the step is none of a walk, so that it is one of the two, if any, ...
    input wire                  begins_i,      // ... run_i if this is set: both are known sooner
    input wire                  walking_i,
    input wire                  take_ok_i,
    input wire                  word_ok_i,
    input wire                  draining_i,
    input wire                  drain_more_i,  // the accumulator moves on by 16 bits
    input wire [LaneBits-1:0]   elane_i,
    input wire [WeightBits-1:0] base_i,

    // scanner
    input wire                  scan_valid_i,
    input wire [LaneBits-1:0]   scan_lane_i,
    input wire [LaneBits-1:0]   scan_left_i,
    input wire                  scan_next_i,
    input wire                  dead_i,        // the element offered is masked

    // cycle -2
    output wire                  may_take_o,   // in a step that takes elements one can be taken
    output wire                  can_take_o,   // an element is taken, if there is one
    output wire                  take_o,
    output wire                  go_o,         // a token
    output wire                  may_drain_o,  // in a step that drains a token goes
    output wire                  drain_o,      // ... that ends a sum
    output wire                  row_start_o,  // no row is open
    output wire                  base_first_o, // blend: base_i in the next cycle is that of M, else of W
    output wire [LaneBits-1:0]   lane_o,       // moves the rows
    // cycle -1, and for vectors
    output reg  [WordBits-1:0]   word_o,
    output wire                  last_o,       // the word is the last
    output reg                   first_o,      // the next token starts the sum
    // cycle 0
    output reg                   d_o,
    output reg                   drain0_o,
    output reg                   shift0_o,
    output reg                   acc0_o,
    output reg                   last0_o,
    output reg                   second_o,     // the second read of a blend
    output reg  [WeightBits-1:0] addr_o,
    output wire                  in_flight_o
);
  localparam LL = LaneBits - 1;

  reg [1:0] slot;
  reg d1, drain1, shift1, acc1, second1, open;
  reg go_q, open_q;
  wire slow = Share == 4 ? slot == 2'd0 : !slot[0];
  reg paced;  // with two weight ports: an element every other cycle
  always @(posedge clk_i) paced <= is_blend_i || r_draws_i;
  wire slot_ok = WeightPorts != 1 ? !(paced && slot[0]) : is_blend_i ? slot == 2'd0 : (!is_upd_i || slow) && (!r_draws_i || !slot[0]);
  wire row_open = open && !(d1 && last_o);
  assign base_first_o = WeightPorts == 1 ? slot == 2'd0 : !slot[0];
  assign row_start_o = !row_open;
  assign in_flight_o = go_q || d1 || d_o || second1 || second_o;

  // The lanes add up a row's sums before the next row starts.
  localparam Gap = Serial != 0 && Share > 2 ? Share - 2 : 1;
  reg [Gap-1:0] gap;
  wire row_ends = Serial != 0 && d1 && last_o && in_rows_i && !is_upd_r_i;
  wire gather = row_ends || Share > 2 && |gap;

  // upd.r takes the element first, forms rate·s, then walks the whole row.
  wire step = walking_i && slot_ok && !gather;
  assign may_take_o = slot_ok && !gather && !row_open && !(is_upd_r_i && in_flight_o);
  assign can_take_o = walking_i && take_ok_i && may_take_o;
  assign take_o = can_take_o && scan_valid_i;
  assign may_drain_o = slow;
  assign drain_o = draining_i && slow;
  wire goes = step && (row_open ? word_ok_i : scan_valid_i && !is_upd_r_i && !dead_i);
  assign go_o = goes || drain_o;
  wire sends = (wdraw_i ? go_q : goes) || drain_o;

  // The words of a row, or the passes. That the next one is the last is known a word before, by the word then.
  wire [13:0] ahead = {1'b0, side_i} - (14'd1 << LL) - 14'd1;
  reg [13:LL] ahead_q;
  reg last_q;
  assign last_o = last_q;
  wire row_word = d1 && in_rows_i && !drain1;
  always @(posedge clk_i)
    begin
      ahead_q <= ahead[13:LL];
      if (first_word_i || row_word && last_o) begin
        word_o <= {WordBits{1'b0}};
        last_q <= ahead_q[13];
      end else if (row_word || next_word_i) begin
        word_o <= word_o + 1'b1;
        last_q <= word_o == ahead_q[12:LL];
      end
    end

  // Rows: rowbase is that of lane 0 of the scanner's word, row that of the element taken. The upper bits of its lane are added
  // a cycle later, beside base: the element is known late.
  reg [WeightBits-1:0] rowbase, moved, early, row;
  reg [WeightBits-1:0] addr_late;  // of tokens that come later, where the row does not wait
  wire [WeightBits+WordBits-1:0] word_wide = {{WeightBits{1'b0}}, word_o};
  wire [WeightBits-1:0] base = base_i + word_wide[WeightBits-1:0];
  reg moved_q;  // rowbase follows row
  wire [21:0] stride22 = {9'd0, rstride_i};
  wire [WeightBits-1:0] stride = stride22[WeightBits-1:0];
  wire by_run = WeightPorts != 1 ? off_walk_i && begins_i : run_i;
  wire by_end = WeightPorts != 1 ? off_walk_i : run_end_i;
  assign lane_o = by_run ? elane_i : by_end ? scan_left_i : scan_lane_i;
`ifdef NMC_FAST
  always @(*) row = early;
`else
  localparam Early = LL / 2;
  reg [LaneBits-1:0] lane_q;
  reg run_q;
  integer b, c;
  reg [WeightBits:0] sum, sum2;
  always @(*) begin
    row = early;
    sum2 = {WeightBits + 1{1'b0}};
    for (c = Early; c < LL; c = c + 1) begin
      sum2 = {row, 1'b1}
           + {lane_q[c] ? (stride << c) ^ {WeightBits{run_q}} : {WeightBits{1'b0}}, lane_q[c] && run_q};
      row = sum2[WeightBits:1];
    end
  end
`endif
  always @(posedge clk_i) begin
    if (take_o || run_i || run_end_i) begin
      // At the start of a run lanes are subtracted: the complement, and one more by the carry.
`ifdef NMC_FAST
      moved = stride * {{WeightBits - LaneBits{1'b0}}, lane_o};
      moved = by_run ? rowbase - moved : rowbase + moved;
`else
      moved = rowbase;
      sum = {WeightBits + 1{1'b0}};
      for (b = 0; b < Early; b = b + 1) begin
        sum = {moved, 1'b1}
            + {lane_o[b] ? (stride << b) ^ {WeightBits{by_run}} : {WeightBits{1'b0}}, lane_o[b] && by_run};
        moved = sum[WeightBits:1];
      end
`endif
      early <= moved;
`ifndef NMC_FAST
      lane_q <= lane_o;
      run_q <= by_run;
`endif
    end
    moved_q <= run_i || run_end_i && !scan_left_i[LL];
    if (pass_i) rowbase <= {WeightBits{1'b0}};
    else if (moved_q) rowbase <= row;
    else if (walking_i ? scan_next_i : run_end_i) rowbase <= rowbase + (stride << LL);
    addr_late <= row + base;
    addr_o <= WeightPorts != 1 && wdraw_i ? addr_late : row + base;
  end

  always @(posedge clk_i) begin
    slot <= idle_i ? 2'd0 : slot + 2'd1;  // a run takes as long whenever it starts
    open <= in_rows_i && (take_o && !dead_i || row_open);
    go_q <= goes && wdraw_i;
    open_q <= row_open;
    d1 <= sends;
    drain1 <= drain_o;
    gap <= rst_i ? {Gap{1'b0}} : row_ends ? {Gap{1'b1}} : gap >> 1;
    shift1 <= drain_o && drain_more_i;
    acc1 <= is_mac_b_i ? first_o : !drain_o && !(wdraw_i ? open_q : row_open) && !widein_i;
    {d_o, drain0_o, shift0_o, acc0_o, last0_o} <= {d1, drain1, shift1, acc1, last_o};
    second1 <= d_o && is_blend_i;
    second_o <= WeightPorts == 1 ? second1 : d_o && is_blend_i;
    if (first_i) first_o <= !widein_i;
    else if (sends || used_i) first_o <= 1'b0;
    if (rst_i) {slot, go_q, d1, d_o, second1, second_o, open} <= 8'd0;
  end
endmodule

`default_nettype wire
