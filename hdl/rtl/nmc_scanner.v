// nmc_scanner: streams the elements of a vector one a cycle, words of zeros and zero elements skipped on request.
//
// It holds one word and the mask of its elements that are still to come, and reads ahead one word more. A word without
// any costs one cycle.
`default_nettype none

module nmc_scanner #(
    parameter Lanes = 4,
    parameter AddrBits = 14,
    parameter LaneBits = 3  // $clog2(Lanes) + 1
) (
    input wire clk_i,
    input wire rst_i,

    // a run of elements; the controls are constant until done_o
    input  wire                start_i,
    input  wire [AddrBits-1:0] addr_i,     // its first word
    input  wire [LaneBits-1:0] first_i,    // lane of its first element
    input  wire [        12:0] count_i,    // elements, at least 1
    input  wire                weights_i,  // in the weight memory, else in the vector memory
    input  wire                virtual_i,  // elements without values: nothing is read
    input  wire                nonzero_i,  // only nonzero elements
    input  wire                shared_i,   // others read the memory too: hold no word in its register

    // memory
    output wire                re_o,
    input  wire                grant_i,
    output wire [AddrBits-1:0] raddr_o,
    input  wire [Lanes*16-1:0] vectors_i,
    input  wire [Lanes*16-1:0] weights_data_i,

    // elements
    output wire                valid_o,
    input  wire                take_i,
    output reg  [LaneBits-1:0] lane_o,
    output reg  [        15:0] value_o,
    output wire                next_o,  // the word after this one is held from the next cycle on
    output wire                done_o,  // none is left, until the next start
    output wire [LaneBits-1:0] left_o   // with done_o: elements used of the last word
);
  reg running, ready, held, begun;
  reg  [AddrBits-1:0] sp;
  reg  [        13:0] left;
  reg  [   Lanes-1:0] pending;
  reg  [Lanes*16-1:0] word;

  // The word held is finished in this cycle.
  wire [   Lanes-1:0] rest = pending & (pending - 1'b1);
  // The elements left from the word held on: in whole words, and in part of one.
  localparam LL = LaneBits - 1;
  wire last = left[13:LL] == {14 - LL{1'b0}} || (left >> LL == 14'd1 && left == Lanes[13:0]);
  wire finished = pending == {Lanes{1'b0}} || (take_i && rest == {Lanes{1'b0}});
  wire move = running && ready && (!held || (finished && !last));
  wire available = grant_i && running && (shared_i ? !held && !ready : !ready || move);

  assign re_o = available && !virtual_i;
  assign raddr_o = sp;
  assign valid_o = held && pending != {Lanes{1'b0}};
  assign next_o = move && begun;
  assign done_o = held && last && pending == {Lanes{1'b0}};
  assign left_o = left[LaneBits-1:0];

  wire [13:0] left_next = left - (begun ? Lanes[13:0] : 14'd0);
  wire more = left_next >> LL != 14'd0;

  always @(posedge clk_i) begin
    if (start_i) begin
      running <= 1'b1;
      ready <= 1'b0;
      held <= 1'b0;
      begun <= 1'b0;
      sp <= addr_i;
      left <= {1'b0, count_i} + {{14 - LaneBits{1'b0}}, first_i};
    end else begin
      if (available) begin
        ready <= 1'b1;
        sp <= sp + 1'b1;
      end else if (move) ready <= 1'b0;
      if (move) begin
        held  <= 1'b1;
        begun <= 1'b1;
        left  <= left_next;
      end else if (shared_i && held && finished && !last) held <= 1'b0;
      if (done_o) running <= 1'b0;
    end
    if (rst_i) begin
      running <= 1'b0;
      held <= 1'b0;
    end
  end

  // Whole words, without a loop over the registers: that is fast in simulators.
  integer i;
  reg [Lanes*16-1:0] word_next;
  reg [Lanes-1:0] some;
  always @(posedge clk_i)
    if (move) begin
      word_next = weights_i ? weights_data_i : vectors_i;
      for (i = 0; i < Lanes; i = i + 1)
        some[i] = (begun || i[LaneBits-1:0] >= first_i) && (more || i[LaneBits-1:0] < left_next[LaneBits-1:0])
               && (!nonzero_i || word_next[i*16+:16] != 16'd0);
      pending <= some;
      word <= word_next;
    end else if (take_i) pending <= rest;

  // The lowest pending lane, half of the word by half.
  integer j;
  reg [Lanes-1:0] half;
  always @(*) begin
    lane_o = {LaneBits{1'b0}};
    half   = pending;
    for (j = LaneBits - 2; j >= 0; j = j - 1)
      if ((half & ~({Lanes{1'b1}} << (1 << j))) == {Lanes{1'b0}}) begin
        lane_o[j] = 1'b1;
        half = half >> (1 << j);
      end
    value_o = word[lane_o*16+:16];
  end
endmodule

`default_nettype wire
