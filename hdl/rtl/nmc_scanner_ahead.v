// nmc_scanner_ahead: what nmc_scanner does, for a fast clock: words are read before they are wanted, and the element that is
// offered comes out of registers.
//
// A word that arrives goes into a short queue with the mask of its elements that are to come. The word in turn gives its
// elements one a cycle to the offer; a word without any is offered as such, and costs one cycle. Nothing is read twice: others may
// read the memory between two elements as they like.
`default_nettype none

// Conditions that change nothing: with them a simulator forms what a word needs when it arrives, without them it takes fewer cells.
`ifdef NMC_FAST
`define NMC_SPARE(condition) (condition)
`else
`define NMC_SPARE(condition) (1'b1 || (condition))
`endif

// The word in turn is never the one that arrives. Verilator copies a word once where it is not delayed; Yosys makes a memory only
// of delayed writes.
`ifdef VERILATOR
`define NMC_WRITE =
`else
`define NMC_WRITE <=
`endif

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
    output wire                comes_o,    // the memory says a word; it is wanted in the next cycle, out of a register:
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

  // The word that arrives, two cycles after it is read: those of a run's first and last word are not all of its elements.
  reg comes, comes_first, comes_last;
  reg arrives, arrives_first, arrives_last;
  assign comes_o = comes;
  reg [LaneBits-1:0] tail;  // elements used of the last word
  reg [31:0] i;
  reg [Lanes-1:0] mask;
  always @(*) begin
    i = 32'd0;
    mask = {Lanes{1'b0}};
    if (`NMC_SPARE(arrives))
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
  // take_i comes late: what hangs on it is kept apart from what would be without it.
  wire free = !offered || !with_element;
  wire moves = held && free || held && take_i;  // into the offer
  wire [Lanes-1:0] rest = pending & (pending - 1'b1);
  wire last_left = rest == {Lanes{1'b0}};
  wire empties = moves && last_left;
  wire queued = wr != rd;
  wire enters = queued || arrives;  // a word can come in turn
  wire turns = enters && (!held || free && last_left) || enters && held && last_left && take_i;
  assign valid_o = offered && with_element;
  assign lane_o = lane;
  assign value_o = value;
  assign next_o = leaves && ends_word && !ends_run;
  assign done_o = done;
  assign left_o = tail;

  // The lowest element that is to come, and its value.
`ifdef NMC_FAST
  wire [LaneBits-1:0] lowest;
  nmc_lowest #(
      .Lanes(Lanes), .LaneBits(LaneBits)
  ) u_lowest (
      .set_i(pending), .lane_o(lowest)
  );
  wire [15:0] picked = words[turn][lowest*16+:16];
`else
  wire [Lanes-1:0] pick = pending & ~(pending - 1'b1);
  wire [Lanes*16-1:0] word_in_turn = words[turn];
  reg [31:0] l;
  reg [LaneBits-1:0] lowest;
  reg [15:0] picked;
  always @(*) begin
    l = 32'd0;
    lowest = {LaneBits{1'b0}};
    picked = 16'd0;
    for (l = 0; l < Lanes; l = l + 1) begin
      lowest = lowest | (l[LaneBits-1:0] & {LaneBits{pick[l]}});
      picked = picked | (word_in_turn[l*16+:16] & {16{pick[l]}});
    end
  end
`endif
  always @(posedge clk_i) begin
    if (start_i) begin
      sp <= addr_i;
      left <= {1'b0, count_i} + {{14 - LaneBits{1'b0}}, first_i};
    end else if (read) begin
      sp <= sp + 1'b1;
      left <= rest_of_run;
    end
    begun <= !start_i && (begun || read);
    {comes, comes_first, comes_last} <= {read, !begun, final_word};
    {arrives, arrives_first, arrives_last} <= {comes, comes_first, comes_last};
    if (read && final_word) tail <= left[LaneBits-1:0];
    reading <= start_i || reading && !(read && final_word);
    owed <= owed + {{QueueBits{1'b0}}, read} - {{QueueBits{1'b0}}, empties};

    if (arrives) begin
      masks[wr] <= {arrives_last, mask};
      words[wr] `NMC_WRITE weights_i ? weights_data_i : vectors_i;
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
      value <= picked;
    end
    done <= !start_i && (done || leaves && ends_word && ends_run);
    if (rst_i || start_i) begin
      {comes, arrives, held, offered} <= 4'd0;
      owed <= {QueueBits + 1{1'b0}};
      wr <= {QueueBits{1'b0}};
      rd <= {QueueBits{1'b0}};
    end
    if (rst_i) {reading, done} <= 2'd0;
  end

`ifdef FORMAL
  // formal: depth=2 cover=20 unroll=1 params="Lanes=4 LaneBits=3 AddrBits=4"
  reg past_ok;
  initial past_ok = 1'b0;
  always @(posedge clk_i) past_ok <= 1'b1;

  // Runs of any length, also begun before the one before is done; grants and takes as they like. Whether a word is virtual matters
  // when it is read, what it has and what of it is skipped when it arrives: the proof does not need these to stay for a whole run.
  always @(*) begin
    if (!past_ok) assume (rst_i);
    if (start_i) assume (first_i < Lanes && count_i != 13'd0);
    if (arrives) assume (from_i == first && !(nonzero_i && (weights_i || virtual_i)));
  end

  // The run, its positions counted from lane 0 of its first word on.
  localparam W = 14 - LL;  // bits of a number of words
  reg on;
  reg [AddrBits-1:0] addr;
  reg [LaneBits-1:0] first;
  reg [13:0] end_place;  // its last position
  wire [W-1:0] end_word = end_place[13:LL];
  wire [LaneBits-1:0] used = {1'b0, end_place[LL-1:0]} + 1'b1;  // elements of that word
  reg [W-1:0] reads;  // words read
  reg [W-1:0] entered;  // ... that came in turn
  reg [W-1:0] at;  // ... left behind, as those who take the elements count
  wire [W-1:0] arrived = reads - {{W - 1{1'b0}}, arrives} - {{W - 1{1'b0}}, comes};
  wire [W-1:0] emptied = entered - {{W - 1{1'b0}}, held};  // all of it is offered or taken
  always @(posedge clk_i)
    if (rst_i) on <= 1'b0;
    else if (start_i) begin
      on <= 1'b1;
      addr <= addr_i;
      first <= first_i;
      end_place <= {1'b0, count_i} + first_i - 14'd1;
      {reads, entered, at} <= {3 * W{1'b0}};
    end else begin
      reads <= reads + read;
      entered <= entered + turns;
      at <= at + next_o;
    end

  // One position, and a bit of its value, chosen by the solver.
  (* anyconst *) reg [13:0] place;
  (* anyconst *) reg [3:0] its_bit;
  wire [W-1:0] its_word = place[13:LL];
  wire [LL-1:0] its_lane = place[LL-1:0];
  wire [15:0] says = weights_i ? weights_data_i[its_lane*16+:16] : vectors_i[its_lane*16+:16];
  reg its_value;  // what the memory said
  reg wanted;  // it is an element to come
  reg moved;  // it is offered or taken
  reg taken;
  reg later;  // one behind it is taken
  wire is_offered = valid_o && at == its_word && lane_o == its_lane;
  always @(posedge clk_i) begin
    if (arrives && arrived == its_word) begin
      its_value <= says[its_bit];
      wanted <= place >= first && place <= end_place && !(nonzero_i && says == 16'd0);
    end
    if (moves && pending[lowest] && emptied == its_word && lowest == its_lane) moved <= 1'b1;
    if (valid_o && take_i) begin
      if (is_offered) taken <= 1'b1;
      if (at > its_word || at == its_word && lane_o > its_lane) later <= 1'b1;
    end
    if (rst_i || start_i) {moved, taken, later} <= 3'd0;
  end
  // The cycle before, of the same run.
  reg was_done, waited, went_on;
  reg [W-1:0] was_at;
  reg [LaneBits-1:0] was_lane;
  reg [15:0] was_value;
  always @(posedge clk_i) begin
    was_done <= done_o && !start_i && !rst_i;
    waited <= valid_o && !take_i && !start_i && !rst_i;
    went_on <= valid_o && take_i && !next_o && !start_i && !rst_i;
    {was_at, was_lane, was_value} <= {at, lane_o, value_o};
  end

  always @(*)
    if (past_ok) begin
      if (!on) assert (!re_o && !valid_o && !next_o && !done_o);
      // Each word is read once, in order; of a virtual one nothing is.
      if (read) assert (re_o == !virtual_i && reads <= end_word);
      if (re_o) assert (read && grant_i && raddr_o == addr + reads[AddrBits-1:0]);
      // What is offered is wanted, is offered once, not behind a later one, and with its value; it stays until it is taken.
      if (valid_o) assert (lane_o < Lanes);
      if (is_offered) assert (arrived > its_word && wanted && !taken && !later && value_o[its_bit] == its_value);
      if (waited) assert (valid_o && at == was_at && lane_o == was_lane && value_o == was_value);
      // A word is left when all that is wanted of it is taken, with the last of that, if there is any; the last one never is.
      if (next_o) assert (at < end_word);
      if (next_o && at == its_word && wanted) assert (taken || is_offered && take_i);
      if (went_on) assert (done_o || valid_o && at == was_at && lane_o > was_lane);
      // Then the run is done, and stays so.
      if (done_o) assert (!valid_o && at == end_word && arrived > end_word && left_o == used);
      if (done_o && its_word <= end_word && wanted) assert (taken);
      if (was_done) assert (done_o);
      // It comes to that: it waits for a grant or a take, for nothing else.
      if (on && !done_o) begin
        assert (reading || comes || arrives || held || offered);
        if (reading && grant_i && !read) assert (held);
        if (held && !moves) assert (valid_o && !take_i);
      end
    end

  // Why: where the words and the position are.
  wire [QueueBits-1:0] waiting = wr - rd;
  wire [QueueBits-1:0] its_slot = its_word[QueueBits-1:0];
  wire in_queue = arrived > its_word && entered <= its_word;
  wire in_turn = held && emptied == its_word;
  reg [QueueBits:0] s;
  reg [QueueBits-1:0] before;  // words in the queue before that of slot s
  always @(*)
    if (past_ok && !on) assert (!reading && !comes && !arrives && !held && !offered && wr == 0 && rd == 0 && owed == 0);
    else if (past_ok) begin
      assert (first < Lanes && first <= end_place && end_place < 14'd8191 + first);
      assert (sp == addr + reads[AddrBits-1:0] && begun == (reads != 0));
      assert (reading ? reads <= end_word : reads == end_word + 1);
      if (reading) assert (left == {end_word - reads, {LL{1'b0}}} + used);
      else assert (tail == used);
      if (comes) assert (reads != 0 && comes_first == (reads == 1) && comes_last == (reads == end_word + 1));
      if (arrives) assert (reads > comes && arrives_first == (reads == 1 + comes) && arrives_last == (reads == end_word + 1 + comes));
      assert (emptied <= entered && entered <= arrived && arrived == entered + waiting);
      assert (wr == arrived[QueueBits-1:0] && rd == entered[QueueBits-1:0]);
      assert (owed == waiting + comes + arrives + held && owed <= Depth);
      if (held) assert (turn == emptied[QueueBits-1:0] && turn_last == (emptied == end_word));
      else assert (waiting == 0);
      // The offer is of the word in turn, or the end of the one before.
      assert (at <= end_word);
      if (offered) assert (at + ends_word == emptied && ends_run == (at == end_word));
      else assert (at + done == emptied);
      if (offered && !ends_word) assert (with_element && held && |pending && lane < lowest);
      assert (done == (emptied > end_word && !offered));
      // The last word, and the position: in the queue, then in turn, then offered, then taken.
      for (s = 0; s <= Depth - 1; s = s + 1) begin
        before = s[QueueBits-1:0] - rd;
        if (before < waiting) assert (masks[s[QueueBits-1:0]][Lanes] == (arrived > end_word && before + 1 == waiting));
      end
      if (in_queue) assert (masks[its_slot][its_lane] == wanted);
      if (in_queue || in_turn) assert (words[its_slot][{its_lane, its_bit}] == its_value);
      if (in_turn) assert (pending[its_lane] == (wanted && !moved));
      if (emptied < its_word || emptied == its_word && (!held || pending[its_lane])) assert (!moved && !later);
      if (emptied > its_word) assert (moved == wanted);
      if (moved) assert (wanted);
      assert (moved == (taken || is_offered));
      if (in_turn && pending[its_lane] && offered && at == its_word) assert (lane < its_lane);
    end

  reg [2:0] gave;  // of the first three words: an element is taken
  always @(posedge clk_i)
    if (start_i) gave <= 3'd0;
    else if (valid_o && take_i && at < 3) gave[at[1:0]] <= 1'b1;
  always @(*)
    if (past_ok) begin
      cover (done_o && end_word == 2 && gave == 3'b101);
      cover (done_o && end_word == 1 && gave == 3'b000);
      cover (re_o && waiting >= 4);
      cover (reading && grant_i && owed == Depth);
      cover (done_o && its_word == Depth && taken && left_o == Lanes);
      cover (start_i && on && !done_o && valid_o);
    end
`endif
endmodule

`undef NMC_SPARE
`undef NMC_WRITE
`default_nettype wire
