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
  localparam [Places-1:0] Last = (1 << (Places - 1)) + 1;  // place of the last of the three samples

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
    time_q <= busy_q ? time_q + Step[N-1:0] : Step[N-1:0];
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
endmodule

`default_nettype wire
