// nmc_scanner: streams the elements of a vector one a cycle, words of zeros and zero elements skipped on request.
//
// The word in turn stays in the memory's read register; here is the mask of its elements that are still to come. The next
// word is read in the cycle that takes the last of them. A word without any costs one cycle. Where others read the
// memory between two elements, the word is read again before the next one, if its values matter.
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
    input  wire [LaneBits-1:0] from_i,     // ... the same from the next cycle on
    input  wire [        12:0] count_i,    // elements, at least 1
    input  wire                weights_i,  // in the weight memory, else in the vector memory
    input  wire                virtual_i,  // elements without values: nothing is read
    input  wire                nonzero_i,  // only nonzero elements
    input  wire                shared_i,   // others read the memory between elements
    input  wire                values_i,   // ... and the elements' values are used

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

  reg running, asked;  // a word is in turn; it has not been read
  reg fresh;           // its mask is formed in this cycle
  reg present;         // its values are there
  reg begun;           // it is not the first one
  reg [AddrBits-1:0] sp;  // the next word to read
  reg [13:0] left;        // elements from lane 0 of the word on
  reg [Lanes-1:0] pending_q;

  // The elements of the word: those of a run's first and last word are not all.
  // Whether there are is known a cycle after a start, and in the cycle after the word before.
  reg more, last;
  wire [13:LL] words = left[13:LL];
  wire many = words[13:LL+2] != {12 - LL{1'b0}};
  wire whole = (left & (Lanes[13:0] - 14'd1)) == 14'd0;
  always @(posedge clk_i) begin
    more <= many || words[LL+1] || words[LL] && !next_o;
    last <= !many && (next_o ? !(words[LL+1] && (words[LL] || !whole)) : !words[LL+1] && (!words[LL] || whole));
  end
  reg [31:0] i;
  reg [Lanes-1:0] pending;
  always @(*) begin
    i = 32'd0;
    pending = pending_q;
    if (fresh)
      for (i = 0; i < Lanes; i = i + 1)
        pending[i[(Lanes==1?1:LL)-1:0]] = (begun || i[LaneBits-1:0] >= from_i) && (more || i[LaneBits-1:0] < left[LaneBits-1:0])
                  && (!nonzero_i || vectors_i[i*16+:16] != 16'd0);
  end

  wire none = pending == {Lanes{1'b0}};
  wire ready = running && !asked;
  // All but the lowest; of a few lanes in gates, which come before a carry chain would.
  reg [31:0] j;
  reg below;
  reg [Lanes-1:0] rest;
  always @(*) begin
    j = 32'd0;
    below = 1'b0;
    rest = pending & (pending - 1'b1);
    if (Lanes <= 4)
      for (j = 0; j < Lanes; j = j + 1) begin
        rest[j[(Lanes==1?1:LL)-1:0]] = pending[j[(Lanes==1?1:LL)-1:0]] && below;
        below = below || pending[j[(Lanes==1?1:LL)-1:0]];
      end
  end
  assign valid_o = ready && !none && (present || !values_i);
  wire taken = valid_o && take_i;
  assign next_o = ready && !last && (none || take_i && rest == {Lanes{1'b0}} && (present || !values_i));
  assign done_o = ready && none && last;
  assign left_o = left[LaneBits-1:0];

  wire wants = asked || (shared_i ? !present && values_i && running : next_o);
  wire read = wants && (grant_i || virtual_i);
  assign re_o = read && !virtual_i;
  assign raddr_o = sp;
  always @(posedge clk_i) begin
    if (start_i) begin
      running <= 1'b1;
      asked <= 1'b1;
      begun <= 1'b0;
      sp <= addr_i;
      left <= {1'b0, count_i} + {{14 - LaneBits{1'b0}}, first_i};
    end else begin
      if (shared_i ? next_o : read) sp <= sp + 1'b1;
      if (next_o) begin
        begun <= 1'b1;
        left  <= left - Lanes[13:0];
      end
      asked <= (asked && !read) || (next_o && (shared_i || !read));
    end
    if (taken || fresh) pending_q <= taken ? rest : pending;
    fresh <= read && (asked || !shared_i);
    present <= read || (present && grant_i);
    if (rst_i) {running, asked, fresh} <= 3'd0;
  end

  nmc_lowest #(
      .Lanes(Lanes), .LaneBits(LaneBits)
  ) u_lowest (
      .set_i(pending), .lane_o(lane_o)
  );
  assign value_o = weights_i ? weights_data_i[lane_o*16+:16] : vectors_i[lane_o*16+:16];
endmodule

`default_nettype wire
