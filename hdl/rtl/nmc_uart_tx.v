// nmc_uart_tx: bytes to a serial line: a start bit (low), eight data bits from the lowest on, a stop bit (high).
//
// Time is counted as in nmc_uart_rx. Bytes that come without a pause leave without one.
`default_nettype none

module nmc_uart_tx #(
    parameter Places   = 3,
    parameter Fraction = 0,
    parameter Step     = 1
) (
    input  wire       clk_i,
    input  wire       rst_i,    // synchronous, active high
    // byte
    input  wire       valid_i,
    output wire       ready_o,
    input  wire [7:0] data_i,
    output wire       tx_o,     // the line
    output wire       busy_o    // a byte is under way
);
  localparam N = 4 + Places + Fraction;
  localparam [N-1:0] Idle = 10 << (Places + Fraction);

  reg  [N-1:0] time_q;  // stands still in bit 10
  reg          odd_q;  // the bit before had an odd number
  reg  [8:0]   data_q;  // bits to send, the lowest first; ones follow

  wire [3:0]   bit_at = time_q[N-1-:4];
  wire         idle = bit_at[3] && bit_at[1];
  wire         put = idle && valid_i;

  assign ready_o = idle;
  assign tx_o    = data_q[0];
  assign busy_o  = !idle;

  initial begin
    time_q = Idle;
    odd_q  = 1'b0;
    data_q = 9'h1ff;
  end
  always @(posedge clk_i)
    if (rst_i) begin
      time_q <= Idle;
      odd_q  <= 1'b0;
      data_q <= 9'h1ff;
    end else begin
      if (put) time_q <= Step[N-1:0];
      else if (!idle) time_q <= time_q + Step[N-1:0];
      odd_q <= bit_at[0] && !put;
      if (put) data_q <= {data_i, 1'b0};
      else if (bit_at[0] != odd_q) data_q <= {1'b1, data_q[8:1]};
    end
endmodule

`default_nettype wire
