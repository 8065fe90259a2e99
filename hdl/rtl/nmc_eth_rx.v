// nmc_eth_rx: Ethernet frames from a PHY's bytes into a ring of packets, without their check sequence.
//
// A frame is written as it comes and committed when it has ended well: Least to Most bytes, right check sequence, no error
// of the PHY, and the ring had room; otherwise it is taken back and counted. Behind its last byte comes an end mark.
// Everything is a register away from everything, for 125 MHz.
`default_nettype none

module nmc_eth_rx #(
    parameter AddrBits = 12,  // of the ring, at least 11
    parameter Least    = 64,  // bytes of a frame, check sequence included
    parameter Most     = 1518
) (
    input  wire                clk_i,     // the PHY's
    input  wire                rst_i,     // synchronous, active high
    // bytes; the first is taken for the start of a frame if it is 8'hd5
    input  wire                active_i,  // low between frames, for two cycles at least
    input  wire                valid_i,
    input  wire                error_i,   // of the PHY, any time in a frame
    input  wire [7:0]          data_i,
    // to the ring
    output wire                we_o,
    output wire [AddrBits-1:0] addr_o,
    output wire [8:0]          data_o,
    output wire                commit_o,
    input  wire [AddrBits:0]   tail_i,
    // dropped, a pulse each
    output wire                fcs_o,     // check sequence, or an error of the PHY
    output wire                length_o,
    output wire                lost_o     // no room
);
  localparam A = AddrBits;

  reg          open_q;  // in a frame
  reg          judge_q;  // the cycle after its end
  reg          right_q;  // its check sequence is
  reg          full_q;  // no room for another byte and those on their way
  reg          error_q, lost_q, long_q;
  reg          runt_q, most_q;  // count_q is below Least, is Most: comparing takes too long
  reg  [A:0]   head_q;  // where the frame starts
  reg  [A:0]   ptr_q;  // where its next byte goes
  reg  [10:0]  count_q;  // its bytes
  reg  [31:0]  crc_q;
  wire [31:0]  crc;
  wire         start = active_i && valid_i && !open_q && !judge_q && data_i == 8'hd5;
  wire         byte_in = active_i && valid_i && open_q;
  wire         close = open_q && !active_i;
  wire         sized = !runt_q && !long_q;
  wire         good = judge_q && right_q && !error_q && !lost_q && sized;
  wire         keep = byte_in && !full_q && !lost_q && !most_q;
  // On to the next byte, or back over the check sequence.
  wire [A:0]   ptr_d = ptr_q + {{(A - 1) {close}}, 1'b0, !close};
  wire [A:0]   level = ptr_q - tail_i;

  assign we_o     = keep || good;
  assign addr_o   = ptr_q[A-1:0];
  assign data_o   = {judge_q, data_i};
  assign commit_o = good;
  assign length_o = judge_q && !sized;
  assign fcs_o    = judge_q && sized && !lost_q && (!right_q || error_q);
  assign lost_o   = judge_q && sized && lost_q;

  nmc_eth_fcs u_fcs (
      .crc_i (crc_q),
      .data_i(data_i),
      .crc_o (crc)
  );

  initial begin
    {open_q, judge_q, full_q, error_q, lost_q, long_q, runt_q, most_q} = 8'h02;
    {head_q, ptr_q} = {2 * (A + 1) {1'b0}};
    count_q = 11'd0;
  end
  always @(posedge clk_i)
    if (rst_i) begin
      {open_q, judge_q} <= 2'b00;
      {head_q, ptr_q}   <= {2 * (A + 1) {1'b0}};
    end else begin
      if (start) open_q <= 1'b1;
      if (close) open_q <= 1'b0;
      judge_q <= close;
      if (good) head_q <= ptr_d;
      if (keep || close) ptr_q <= ptr_d;
      else if (!open_q && !judge_q) ptr_q <= head_q;
    end
  always @(posedge clk_i) begin
    full_q  <= level[A] || level[A-1:3] == {(A - 3) {1'b1}};
    right_q <= crc_q == 32'hdebb20e3;
    if (!open_q) begin
      if (start) begin
        count_q <= 11'd0;
        {error_q, lost_q, long_q} <= {error_i, 2'b00};
        {runt_q, most_q} <= 2'b10;
      end
      crc_q <= 32'hffffffff;
    end else begin
      if (byte_in) begin
        crc_q <= crc;
        if (most_q) long_q <= 1'b1;
        else begin
          count_q <= count_q + 11'd1;
          if (count_q == Least[10:0] - 11'd1) runt_q <= 1'b0;
          if (count_q == Most[10:0] - 11'd1) most_q <= 1'b1;
        end
        if (full_q) lost_q <= 1'b1;
      end
      if (error_i) error_q <= 1'b1;
    end
  end

`ifdef FORMAL
  // formal: depth=5 cover=24 abstract=1 params="AddrBits=5 Least=6 Most=10"
  reg past_ok;
  initial past_ok = 1'b0;
  always @(posedge clk_i) past_ok <= 1'b1;

  // The reader: what it has not released yet starts at or behind where it is said to, and ends at the head.
  (* anyseq *) reg [A:0] step;
  reg  [A:0] tail;
  initial tail = {(A + 1) {1'b0}};
  wire [A:0] held = head_q - tail;
  always @(posedge clk_i)
    if (rst_i) tail <= {(A + 1) {1'b0}};
    else tail <= tail + step;
  always @(*) begin
    assume (tail_i == tail);
    assume (step <= held);
  end

  wire [A:0] size = ptr_q - head_q;
  wire [A:0] used = ptr_q - tail;
  localparam [A:0] Depth = 1 << A;
  always @(*) begin
    assert (held <= Depth - 4);
    // Nothing is written over that is committed and not released, and nothing is committed in part.
    if (we_o) assert (used < Depth);
    if (open_q) assert (used <= Depth - 4 && size <= count_q);
    if (open_q && !lost_q) assert (size == {{(A - 4) {1'b0}}, count_q[4:0]});
    if (judge_q && !lost_q && sized) assert (size + 4 == {{(A - 4) {1'b0}}, count_q[4:0]});
    if (commit_o) assert (we_o && data_o[8] && count_q >= Least && count_q <= Most && size == count_q - 4);
    if (judge_q) assert (!open_q);
    if (!judge_q) assert (!commit_o && !data_o[8]);
    assert (count_q <= Most);
    if (long_q) assert (most_q);
    assert (runt_q == (count_q < Least) && most_q == (count_q == Most));
    // Each frame has one end.
    if (judge_q) assert (commit_o + fcs_o + length_o + lost_o == 1);
    else assert (!(fcs_o || length_o || lost_o));
    if (open_q) assert (size <= Most);
  end
  always @(posedge clk_i)
    if (past_ok && !$past(rst_i)) begin
      // The end of the carrier ends any frame, and two cycles later the next may begin.
      if ($past(!active_i)) assert (!open_q);
      if ($past(judge_q)) assert (!judge_q && !open_q);
      // What was taken back leaves no trace.
      if ($past(judge_q && !commit_o)) assert ($stable(head_q));
    end
  always @(posedge clk_i) begin
    cover (past_ok && commit_o);
    cover (past_ok && fcs_o);
    cover (past_ok && length_o && count_q == 11'd2);
    cover (past_ok && length_o && long_q);
    cover (past_ok && lost_o);
  end
`endif
endmodule

`default_nettype wire
