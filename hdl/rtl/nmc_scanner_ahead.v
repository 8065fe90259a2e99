// nmc_scanner_ahead: what nmc_scanner does, for a fast clock: words are read before they are wanted, and the element that is
// offered comes out of registers.
//
// A word that arrives goes into a short queue with the mask of its elements that are to come. The word in turn gives its
// elements one a cycle to the offer; a word without any is offered as such, and costs one cycle. Nothing is read twice: others may
// read the memory between two elements as they like.
`default_nettype none

module nmc_scanner_ahead #(
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
    input  wire [LaneBits-1:0] from_i,     // ... the same from the next cycle on
    input  wire [        12:0] count_i,    // elements, at least 1
    input  wire                weights_i,  // in the weight memory, else in the vector memory
    input  wire                virtual_i,  // elements without values: nothing is read
    input  wire                nonzero_i,  // only nonzero elements

    // memory
    output wire                re_o,
    input  wire                grant_i,    // others do not read
    output wire [AddrBits-1:0] raddr_o,
    input  wire [Lanes*16-1:0] vectors_i,
    input  wire [Lanes*16-1:0] weights_data_i,

    // elements
    output wire                valid_o,
    input  wire                take_i,     // the element that is there, if one is, is taken
    output wire [LaneBits-1:0] lane_o,
    output wire [        15:0] value_o,
    output wire                next_o,  // the word after this one is in turn from the next cycle on
    output wire                done_o,  // none is left, until the next start
    output wire [LaneBits-1:0] left_o   // with done_o: elements used of the last word
);
  localparam LL = LaneBits - 1;
  localparam LaneWidth = LL == 0 ? 1 : LL;
  localparam QueueBits = 3;
  localparam [QueueBits:0] Depth = 1 << QueueBits;

  // Reading: as long as the queue has room for what is on its way.
  reg reading, begun;
  reg [AddrBits-1:0] sp;
  reg [13:0] left;  // elements from lane 0 of the word to read on
  reg [QueueBits:0] owed;  // words read that have not left the queue
  wire [13:0] rest_of_run = left - Lanes[13:0];
  wire final_word = left[13:LL] == {14 - LL{1'b0}} || rest_of_run == 14'd0;
  wire room = owed != Depth;
  wire read = reading && room && (grant_i || virtual_i);
  assign re_o = read && !virtual_i;
  assign raddr_o = sp;

  // The word that arrives: those of a run's first and last word are not all of its elements.
  reg arrives, arrives_first, arrives_last;
  reg [LaneBits-1:0] tail;  // elements used of the last word
  reg [31:0] i;
  reg [Lanes-1:0] mask;
  always @(*) begin
    i = 32'd0;
    mask = {Lanes{1'b0}};
    for (i = 0; i < Lanes; i = i + 1)
      mask[i[LaneWidth-1:0]] = (!arrives_first || i[LaneBits-1:0] >= from_i) && (!arrives_last || i[LaneBits-1:0] < tail)
                && (!nonzero_i || vectors_i[i*16+:16] != 16'd0);
  end

  // The queue: masks and values, the word in turn at its head until its last element is offered.
  (* no_rw_check *) reg [Lanes:0] masks[0:(1<<QueueBits)-1];  // {last word, mask}
  (* no_rw_check *) reg [Lanes*16-1:0] words[0:(1<<QueueBits)-1];
  reg [QueueBits-1:0] wr, rd, turn;  // rd: the word after the one in turn
  reg held, turn_last;  // a word is in turn
  reg [Lanes-1:0] pending;

  // The offer.
  reg offered, with_element, ends_word, ends_run, done;
  reg [LaneBits-1:0] lane;
  reg [15:0] value;
  wire leaves = offered && (!with_element || take_i);
  wire moves = held && (!offered || leaves);  // into the offer
  wire [Lanes-1:0] rest = pending & (pending - 1'b1);
  wire empties = moves && rest == {Lanes{1'b0}};
  wire queued = wr != rd;
  wire enters = queued || arrives;  // a word can come in turn
  wire turns = (!held || empties) && enters;
  assign valid_o = offered && with_element;
  assign lane_o = lane;
  assign value_o = value;
  assign next_o = leaves && ends_word && !ends_run;
  assign done_o = done;
  assign left_o = tail;

  wire [LaneBits-1:0] lowest;
  nmc_lowest #(
      .Lanes(Lanes), .LaneBits(LaneBits)
  ) u_lowest (
      .set_i(pending), .lane_o(lowest)
  );

  always @(posedge clk_i) begin
    if (start_i) begin
      sp <= addr_i;
      left <= {1'b0, count_i} + {{14 - LaneBits{1'b0}}, first_i};
    end else if (read) begin
      sp <= sp + 1'b1;
      left <= rest_of_run;
    end
    begun <= !start_i && (begun || read);
    arrives_first <= !begun;
    arrives_last <= final_word;
    if (read && final_word) tail <= left[LaneBits-1:0];
    reading <= start_i || reading && !(read && final_word);
    arrives <= read;
    owed <= owed + {{QueueBits{1'b0}}, read} - {{QueueBits{1'b0}}, empties};

    if (arrives) begin
      masks[wr] <= {arrives_last, mask};
      words[wr] <= weights_i ? weights_data_i : vectors_i;
      wr <= wr + 1'b1;
    end
    if (moves) pending <= rest;
    if (turns) begin
      {turn_last, pending} <= queued ? masks[rd] : {arrives_last, mask};
      turn <= rd;
      rd <= rd + 1'b1;
    end
    held <= turns || held && !empties;

    offered <= moves || offered && !leaves;
    if (moves) begin
      with_element <= pending != {Lanes{1'b0}};
      ends_word <= empties;
      ends_run <= turn_last;
      lane <= lowest;
      value <= words[turn][lowest*16+:16];
    end
    done <= !start_i && (done || leaves && ends_word && ends_run);
    if (rst_i || start_i) begin
      {arrives, held, offered} <= 3'd0;
      owed <= {QueueBits + 1{1'b0}};
      wr <= {QueueBits{1'b0}};
      rd <= {QueueBits{1'b0}};
    end
    if (rst_i) {reading, done} <= 2'd0;
  end
endmodule

`default_nettype wire
