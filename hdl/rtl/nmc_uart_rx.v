// nmc_uart_rx: bytes of a serial line: a start bit (low), eight data bits from the lowest on, a stop bit (high).
//
// One counter of time, started by the edge of the start bit, has the number of the bit on top, then the place in the bit, then
// a fraction: Step is what it counts in a clock, see nmc_uart. A bit is what two of three samples around its middle say. A
// byte is offered for one cycle. After a low stop bit (a break, another rate) the line must be high before the next byte.
`default_nettype none

module nmc_uart_rx #(
    parameter Places   = 3,  // bits of the place in a bit: 2 or 3
    parameter Fraction = 0,  // bits below
    parameter Step     = 1
) (
    input  wire       clk_i,
    input  wire       rst_i,    // synchronous, active high
    input  wire       rx_i,     // the line, of no clock
    // byte
    output reg        valid_o,
    output wire [7:0] data_o,
    // the stop bit was low: there is no byte
    output reg        framing_o,
    output wire       busy_o    // a byte is under way
);
  localparam N = 4 + Places + Fraction;
  // Place of the last of three samples around the middle. Of quarters it is the third: a byte of a host that is 2% fast is
  // over before the last quarter of its stop bit is.
  localparam Third = Places == 2 ? 2 : 5;
  localparam [Places-1:0] Last = Third[Places-1:0];

  reg  [1:0]   sync_q;
  reg  [N-1:0] time_q;
  reg          odd_q;  // of the place before
  reg  [1:0]   seen_q;  // the samples before
  reg  [7:0]   data_q;
  reg          busy_q, high_q;  // high: the line has been high since the last byte

  wire         rx = sync_q[1];
  wire [Places-1:0] place = time_q[Fraction+:Places];
  wire [3:0]   bit_at = time_q[N-1-:4];
  wire         sample = place[0] != odd_q;
  wire         decide = busy_q && sample && place == Last;
  wire         one = (rx && seen_q[0]) || (rx && seen_q[1]) || (seen_q[0] && seen_q[1]);
  wire         start = !busy_q && high_q && !rx;
  wire         stop = decide && bit_at[3] && bit_at[0];  // bit 9
  wire [N-1:0] counted = time_q & {N{busy_q}};  // masked, not loaded: see nmc_uart_tx

  assign data_o = data_q;
  assign busy_o = busy_q || !rx;

  initial begin
    sync_q    = 2'b11;
    busy_q    = 1'b0;
    high_q    = 1'b0;
    valid_o   = 1'b0;
    framing_o = 1'b0;
  end
  always @(posedge clk_i) begin
    sync_q <= {sync_q[0], rx_i};
    if (sample) seen_q <= {seen_q[0], rx};
    if (decide && !stop) data_q <= {one, data_q[7:1]};
    odd_q  <= busy_q && place[0];
    time_q <= counted + Step[N-1:0];
  end
  always @(posedge clk_i)
    if (rst_i) begin
      busy_q    <= 1'b0;
      high_q    <= 1'b0;
      valid_o   <= 1'b0;
      framing_o <= 1'b0;
    end else begin
      if (start) busy_q <= 1'b1;
      // A start bit that is none was noise.
      else if (stop || (decide && one && bit_at == 4'd0)) busy_q <= 1'b0;
      high_q    <= rx || (high_q && !(stop && !one));
      valid_o   <= stop && one;
      framing_o <= stop && !one;
    end

`ifdef FORMAL
  // formal: depth=4 cover=90 params="Places=2"
  reg past_ok;
  initial past_ok = 1'b0;
  always @(posedge clk_i) past_ok <= 1'b1;

  // Whatever the line does, a byte is over in time, and it brings a byte or an error, not both.
  always @(*) begin
    if (busy_q) assert (time_q != 6'd0 && time_q <= 6'd38 && odd_q == !place[0]);
    if (!busy_q && high_q) assert (!odd_q);
    assert (!(valid_o && framing_o));
  end
  // A line that stays low after that gives nothing more.
  reg stuck;
  initial stuck = 1'b0;
  always @(posedge clk_i) stuck <= !rst_i && !rx && (stuck || (stop && !one));
  always @(*) if (stuck) assert (!busy_q && !high_q && !valid_o);
  always @(posedge clk_i) if (past_ok && $past(stuck) && stuck) assert (!framing_o);

  // A host that sends any bytes with any pauses and keeps to the rate: its bytes come, and nothing else.
  (* anyconst *) reg keeps;
  (* anyseq *) reg begins;
  (* anyseq *) reg [7:0] any;
  reg        sends;
  reg  [5:0] sent;  // cycles of its byte
  reg  [7:0] byte_q, last_q;  // its byte, and the one before
  reg        ended, due;  // a byte of its was over a cycle ago, and two
  wire       over = sends && sent == 6'd39;
  wire [9:0] frame = {1'b1, byte_q, 1'b0};
  initial {sends, ended, due} = 3'b000;
  always @(posedge clk_i) begin
    if (!sends || over) begin
      sends <= begins;
      sent  <= 6'd0;
      if (begins) byte_q <= any;
    end else sent <= sent + 6'd1;
    if (over) last_q <= byte_q;
    ended <= over;
    due   <= ended;
  end
  // Its line, and what it was up to four cycles ago: high before a byte, since a byte ends so.
  wire [5:0] ago1 = sent - 6'd1, ago2 = sent - 6'd2, ago3 = sent - 6'd3, ago4 = sent - 6'd4;
  wire was0 = !sends || frame[sent[5:2]];
  wire was1 = !sends || sent < 6'd1 || frame[ago1[5:2]];
  wire was2 = !sends || sent < 6'd2 || frame[ago2[5:2]];
  wire was3 = !sends || sent < 6'd3 || frame[ago3[5:2]];
  wire was4 = !sends || sent < 6'd4 || frame[ago4[5:2]];
  // The receiver is two cycles behind. It has the first bits of the byte.
  wire [5:0] decided = time_q - 6'd3;
  wire [3:0] have = time_q < 6'd7 ? 4'd0 : decided[5:2];
  wire [7:0] first = (ended ? last_q : byte_q) & ~(8'hff << have);
  wire [7:0] got = data_q >> (4'd8 - have);
  always @(*)
    if (keeps) begin
      assume (rx_i == was0 && !rst_i);
      if (!past_ok) assume (seen_q == 2'b11 && time_q == 6'd1);
      if (sends) assert (sent <= 6'd39);
      if (ended) assert (!sends || sent == 6'd0);
      if (due) assert (!sends || sent <= 6'd1);
      assert (!(ended && due));
      assert (sync_q == {was2, was1});
      assert (seen_q == {was4, was3});
      if (past_ok) assert (high_q);
      assert (busy_q == (ended || (sends && sent >= 6'd3)));
      if (busy_q) assert (time_q == (ended ? 6'd38 : ago2));
      else assert (time_q == 6'd1 || (due && time_q == 6'd39));
      if (busy_q) assert (got == first);
      assert (valid_o == due && !framing_o);
      if (due) assert (data_o == last_q);
    end
  // Two bytes without a pause, a break, and a start that is none.
  reg [1:0] bytes;
  reg noise;
  initial {bytes, noise} = 3'b000;
  always @(posedge clk_i) begin
    if (valid_o && keeps) bytes <= bytes + 2'd1;
    if (decide && one && bit_at == 4'd0) noise <= 1'b1;
  end
  always @(*) begin
    cover (bytes == 2'd1 && valid_o && last_q == 8'h5a);
    cover (framing_o && !keeps && data_q == 8'd0 && noise);
  end
`endif
endmodule

`default_nettype wire
