// nmc_frame_rx: one frame from a byte stream: unstuffed, stored, its length checked. The CRC is left to the reader.
//
// After the frame's delimiter valid_o rises, and no byte is taken until ready_i. A frame with bad_o set (stuffing, shorter
// than 17 bytes or longer than FrameBytes) is offered too, to be counted and dropped.
//
// Keyed, a frame that is not a hello ends in a tag of eight bytes: SipHash-2-4 of the boot number and everything before
// the tag. It is checked here and not counted in body_o. A frame with a wrong tag is bad.
`default_nettype none

module nmc_frame_rx #(
    parameter         FrameBytes = 1024,   // longest frame, CRC and tag included; at least 32
    parameter         Keyed      = 0,
    parameter [127:0] Key        = 128'd0  // first byte lowest
) (
    input  wire                            clk_i,
    input  wire                            rst_i,    // synchronous, active high
    // what tags depend on, 0 while it is not known
    input  wire                            booted_i,
    input  wire [31:0]                     boot_i,
    // encoded bytes
    input  wire                            valid_i,
    output wire                            ready_o,
    input  wire [7:0]                      data_i,
    output wire                            busy_o,   // the frame before is being checked
    // frame
    output wire                            valid_o,
    input  wire                            ready_i,
    output wire                            bad_o,
    output wire [$clog2(FrameBytes+1)-1:0] body_o,   // its bytes without the CRC
    // its bytes, a cycle after their address
    input  wire [$clog2(FrameBytes)-1:0]   addr_i,
    output wire [7:0]                      data_o
);
  localparam L = $clog2(FrameBytes + 1);
  localparam A = $clog2(FrameBytes);

  reg          valid_q, bad_q, long_q;
  reg  [L-1:0] len_q;  // bytes so far; offered, without the CRC
  wire         dec_valid, dec_end, dec_error, open;
  wire [7:0]   dec_data;
  wire         take = valid_i && ready_o;
  wire         free = valid_q && ready_i;
  wire         full = (len_q & FrameBytes[L-1:0]) == FrameBytes[L-1:0];  // counting up, these bits are first set there
  // One chain of carries, plus one or less four: the bit below is where the carry comes from.
  wire         one = dec_valid && !full;
  wire [L:0]   len_d = {len_q, 1'b1} + {{(L - 2) {dec_end}}, 2'b00, one};
  wire         runt = len_q[L-1:5] == 0 && (!len_q[4] || len_q[3:0] == 4'd0);  // shorter than 17

  // A tag is being checked; at the end of that, whether it counts and is wrong.
  wire         checking, checked, sealed, wrong;

  assign ready_o = !valid_q && !checking;
  assign busy_o  = checking;
  assign valid_o = valid_q;
  assign bad_o   = bad_q;
  assign body_o  = len_q;

  nmc_cobs_dec u_dec (
      .clk_i  (clk_i),
      .rst_i  (rst_i),
      .valid_i(take),
      .data_i (data_i),
      .valid_o(dec_valid),
      .data_o (dec_data),
      .end_o  (dec_end),
      .error_o(dec_error),
      .open_o (open)
  );

  nmc_byte_ram #(
      .Depth(FrameBytes)
  ) u_ram (
      .clk_i  (clk_i),
      .we_i   (one),
      .waddr_i(len_q[A-1:0]),
      .wdata_i(dec_data),
      .raddr_i(addr_i),
      .rdata_o(data_o)
  );

  generate
    if (Keyed != 0) begin : gen_tag
      // The last eight bytes are held back, the hash sees those before them.
      reg  [63:0] tail_q;
      reg  [ 3:0] held_q;
      reg         hello_q, checking_q;
      wire        first = len_q == {L{1'b0}};
      wire        feed = dec_valid && held_q[3];
      wire [63:0] hash;
      nmc_siphash #(
          .Key(Key)
      ) u_hash (
          .clk_i   (clk_i),
          .start_i (rst_i || (dec_valid && first)),
          .prefix_i(boot_i),
          .valid_i (feed),
          .data_i  (tail_q[7:0]),
          .end_i   (dec_end),
          .done_o  (checked),
          .hash_o  (hash)
      );
      initial checking_q = 1'b0;
      always @(posedge clk_i) begin
        if (dec_valid) begin
          tail_q <= {dec_data, tail_q[63:8]};
          held_q <= first ? 4'd1 : held_q + {3'd0, !held_q[3]};
          if (first) hello_q <= dec_data == 8'd1;
        end
        if (rst_i || checked) checking_q <= 1'b0;
        else if (dec_end) checking_q <= 1'b1;
      end
      assign checking = checking_q;
      assign sealed   = !hello_q;
      assign wrong    = hash != tail_q || !booted_i || len_q < 21;  // less the CRC, a body of 13 and a tag
    end else begin : gen_plain
      assign checking = 1'b0;
      assign checked  = dec_end;
      assign sealed   = 1'b0;
      assign wrong    = 1'b0;
      wire unused = &{1'b0, booted_i, boot_i, Key};
    end
  endgenerate

  initial begin
    valid_q = 1'b0;
    bad_q   = 1'b0;
    long_q  = 1'b0;
    len_q   = {L{1'b0}};
  end
  always @(posedge clk_i)
    if (rst_i || free) begin
      valid_q <= 1'b0;
      long_q  <= 1'b0;
      len_q   <= {L{1'b0}};
    end else begin
      len_q <= len_d[L:1];
      if (dec_valid && full) long_q <= 1'b1;
      if (dec_end) bad_q <= dec_error || long_q || runt;
      if (checked) begin
        valid_q <= 1'b1;
        if (sealed) begin
          len_q <= len_q - 8;
          if (wrong) bad_q <= 1'b1;
        end
      end
    end

`ifdef FORMAL
  // formal: depth=6 cover=24 abstract=1 params="FrameBytes=32"
  reg past_ok;
  initial past_ok = 1'b0;
  always @(posedge clk_i) past_ok <= 1'b1;

  // Never more than FrameBytes, and a frame that lost bytes is bad.
  reg [15:0] bytes;
  initial bytes = 16'd0;
  always @(posedge clk_i)
    if (rst_i || free) bytes <= 16'd0;
    else if (dec_valid) bytes <= bytes + 16'd1;
  wire [L-1:0] len = len_q + (valid_q ? 4 : 0);
  always @(*) begin
    assume (bytes != 16'hffff);
    assert (long_q == (bytes > FrameBytes));
    assert (len == (long_q ? FrameBytes : bytes));
    assert (len <= FrameBytes);
    if (valid_o && !bad_o) assert (bytes == len && body_o >= 13);
    if (dec_valid) assert (!valid_o);
    // A byte is stored where it belongs, and one that does not fit nowhere.
    if (dec_valid && !full) assert (bytes < FrameBytes);
  end
  // Nothing is offered in a frame, and between frames there is nothing. Idle is as after reset.
  wire idle = !open && !valid_q && !long_q && len_q == {L{1'b0}};
  always @(*) begin
    if (valid_q) assert (!open);
    if (!open && !valid_q) assert (bytes == 16'd0 && idle);
  end
  // It always returns there: whatever came before, a delimiter ends it. The frame that it ends, if there was one, is offered in the
  // next cycle, stays as it is until it is taken, and leaves the receiver idle.
  always @(posedge clk_i)
    if (past_ok && !$past(rst_i)) begin
      if ($past(take && data_i == 8'd0)) assert ($past(open) ? valid_o : idle);
      if ($past(free)) assert (idle && ready_o);
      if ($past(valid_o && !ready_i)) assert (valid_o && $stable(bad_o) && $stable(body_o));
    end
  always @(posedge clk_i) begin
    cover (valid_o && bad_o && body_o == 1);
    cover (valid_o && !bad_o);
    cover (valid_o && bad_o && body_o >= 13);
    cover (past_ok && $past(free) && valid_i);
  end
`endif
endmodule

`default_nettype wire
