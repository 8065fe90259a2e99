// nmc_ring: packets from one clock to another. The writer puts a packet where it likes, mark at its end included, and
// commits it whole; the reader reads where it likes and releases it whole.
//
// Across go two numbers in Gray code: of the packets committed, and where what is free begins. A number so coded may grow
// by one at a time only, so the second follows what the reader released step by step.
`default_nettype none

module nmc_ring #(
    parameter AddrBits = 12,
    parameter Least    = 32  // bytes of a packet
) (
    // writer
    input  wire                wclk_i,
    input  wire                wrst_i,     // synchronous, active high; so that both sides start from an empty ring
    input  wire                we_i,
    input  wire [AddrBits-1:0] waddr_i,
    input  wire [8:0]          wdata_i,
    input  wire                commit_i,   // with the last byte written
    output reg  [AddrBits:0]   tail_o,     // from here to a whole turn behind here, the ring is the writer's
    // reader
    input  wire                rclk_i,
    input  wire                rrst_i,     // synchronous, active high
    output wire                packet_o,   // one is there
    input  wire [AddrBits-1:0] raddr_i,
    output wire [8:0]          rdata_o,    // a cycle later
    input  wire                release_i,  // ... is done with
    input  wire [AddrBits:0]   next_i      // where the next one starts
);
  localparam A = AddrBits;
  localparam C = AddrBits + 1 - $clog2(Least);  // bits that count packets

  nmc_ring_ram #(
      .AddrBits(A)
  ) u_ram (
      .wclk_i (wclk_i),
      .we_i   (we_i),
      .waddr_i(waddr_i),
      .wdata_i(wdata_i),
      .rclk_i (rclk_i),
      .raddr_i(raddr_i),
      .rdata_o(rdata_o)
  );

  // Packets.
  reg [C-1:0] put_q, put_gray_q;  // the writer's clock
  reg [C-1:0] seen_meta_q, seen_q, got_q;  // the reader's
  initial {put_q, put_gray_q} = {2 * C{1'b0}};
  always @(posedge wclk_i)
    if (wrst_i) {put_q, put_gray_q} <= {2 * C{1'b0}};
    else begin
      put_q <= put_q + {{(C - 1) {1'b0}}, commit_i};
      put_gray_q <= put_q ^ {1'b0, put_q[C-1:1]};
    end
  initial {seen_meta_q, seen_q, got_q} = {3 * C{1'b0}};
  always @(posedge rclk_i)
    if (rrst_i) {seen_meta_q, seen_q, got_q} <= {3 * C{1'b0}};
    else begin
      seen_meta_q <= put_gray_q;
      seen_q <= seen_meta_q;
      got_q <= got_q + {{(C - 1) {1'b0}}, release_i};
    end
  assign packet_o = seen_q != (got_q ^ {1'b0, got_q[C-1:1]});

  // Room.
  reg [A:0] goal_q, free_q, free_gray_q;  // the reader's clock
  reg [A:0] back_meta_q, back_q, back_half_q;  // the writer's
  initial {goal_q, free_q, free_gray_q} = {3 * (A + 1) {1'b0}};
  always @(posedge rclk_i)
    if (rrst_i) {goal_q, free_q, free_gray_q} <= {3 * (A + 1) {1'b0}};
    else begin
      if (release_i) goal_q <= next_i;
      if (free_q != goal_q) free_q <= free_q + {{A{1'b0}}, 1'b1};
      free_gray_q <= free_q ^ {1'b0, free_q[A:1]};
    end
  // From Gray code in two steps: each bit becomes the sum of four, then of all above it.
  wire [A:0] two = back_q ^ (back_q >> 1);
  wire [A:0] eight = back_half_q ^ (back_half_q >> 4);
  initial {back_meta_q, back_q, back_half_q, tail_o} = {4 * (A + 1) {1'b0}};
  always @(posedge wclk_i)
    if (wrst_i) {back_meta_q, back_q, back_half_q, tail_o} <= {4 * (A + 1) {1'b0}};
    else begin
      back_meta_q <= free_gray_q;
      back_q <= back_meta_q;
      back_half_q <= two ^ (two >> 2);
      tail_o <= eight ^ (eight >> 8) ^ (eight >> 16);
    end

`ifdef FORMAL
  // formal: depth=3 cover=30 clocks=2 unroll=1 abstract=1 params="AddrBits=4 Least=8"
  // Two clocks of any rate and phase. What the writer puts: packets one behind the other, and nothing outside of what is its.
  localparam [A:0] Depth = 1 << A;
  reg  [A:0]   head;  // behind the packets committed
  (* mem2reg *) reg [A:0] ends[0:(1<<C)-1];  // where each ends, by its number
  (* anyseq *) reg [A:0] size;
  wire [A:0]   behind = head + size;
  wire [A:0]   offset = {1'b0, waddr_i - head[A-1:0]};
  initial head = {(A + 1) {1'b0}};
  always @(posedge wclk_i)
    if (commit_i) begin
      head <= behind;
      ends[put_q] <= behind;
    end
  always @(*) begin
    assume (!wrst_i && !rrst_i);
    if (we_i) assume (offset < Depth - (head - tail_o));
    if (commit_i) assume (size >= Least && size <= Depth - (head - tail_o));
    // The reader: releases what is there.
    if (release_i) assume (packet_o && next_i == ends[got_q]);
  end

  // From a Gray code.
  function [A:0] place(input [A:0] gray);
    integer k;
    begin
      place[A] = gray[A];
      for (k = A - 1; k >= 0; k = k - 1) place[k] = place[k+1] ^ gray[k];
    end
  endfunction
  function [C-1:0] number(input [C-1:0] gray);
    integer k;
    begin
      number[C-1] = gray[C-1];
      for (k = C - 2; k >= 0; k = k - 1) number[k] = number[k+1] ^ gray[k];
    end
  endfunction

  // Every stage knows as much as the one before it or less: seen from the tail they are in order, up to a whole turn.
  wire [A:0] d5 = head - tail_o, d4 = goal_q - tail_o, d3 = free_q - tail_o, d2 = place(free_gray_q) - tail_o,
      d1 = place(back_meta_q) - tail_o, d0 = place(back_q) - tail_o, dh = half - tail_o;
  wire [A:0] half = back_half_q ^ (back_half_q >> 4) ^ (back_half_q >> 8) ^ (back_half_q >> 12) ^ (back_half_q >> 16);
  wire [A:0] held = head - goal_q;
  wire [C-1:0] n3 = put_q - number(put_gray_q), n2 = number(put_gray_q) - number(seen_meta_q), n1 = number(seen_meta_q) - number(seen_q),
      n0 = number(seen_q) - got_q;
  wire [C+1:0] packets = n0 + n1 + n2 + n3;
  wire [C-1:0] first = got_q, second = got_q + 1;
  wire [A:0] q1 = ends[first] - goal_q, q2 = head - ends[first];
  always @(*) begin
    assert (dh <= d0 && d0 <= d1 && d1 <= d2 && d2 <= d3 && d3 <= d4 && d4 <= d5 && d5 <= Depth);
    assert (packets <= 2);
    // No packet before it is whole, none twice.
    assert (packet_o == (n0 != 0));
    if (packets == 0) assert (goal_q == head);
    if (packets == 1) assert (ends[first] == head && held >= Least);
    if (packets == 2) assert (ends[second] == head && q1 >= Least && q2 >= Least && {1'b0, q1} + {1'b0, q2} == {1'b0, held});
    // What is committed and not released is not written over.
    if (we_i) assert ({1'b0, waddr_i - goal_q[A-1:0]} >= held && held != Depth);
    // At most one bit changes at a time, so a sample in the middle of a change is one number or the other.
    assert (d3 - d2 <= 1 && n3 <= 1);
  end
  always @(*) begin
    cover (packets == 2);
    cover (tail_o != 0);
    cover (packet_o && got_q == 1);
  end
`endif
endmodule

`default_nettype wire
