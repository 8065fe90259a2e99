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
  // Masked, not loaded: bits of Step that became sets and resets would break an iCE40's carry chain apart.
  wire [N-1:0] counted = time_q & {N{!idle}};

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
      if (put || !idle) time_q <= counted + Step[N-1:0];
      odd_q <= bit_at[0];
      if (put) data_q <= {data_i, 1'b0};
      else if (bit_at[0] != odd_q) data_q <= {1'b1, data_q[8:1]};
    end

`ifdef FORMAL
  // formal: depth=4 cover=90 params="Places=2"
  reg past_ok;
  initial past_ok = 1'b0;
  always @(posedge clk_i) past_ok <= 1'b1;

  // Each bit of the byte that was taken is on the line for its four cycles, and after it, or without one, the line is high.
  reg [7:0] byte_q;
  always @(posedge clk_i) if (put) byte_q <= data_i;
  wire [5:0] gone = time_q - 6'd1;
  wire [3:0] sent = gone[5:2];
  wire [9:0] frame = {1'b1, byte_q, 1'b0};
  wire [8:0] left = ({9'h1ff, frame[8:0]}) >> sent;
  reg high;  // nothing was taken since the reset
  initial high = 1'b1;
  always @(posedge clk_i)
    if (rst_i) high <= 1'b1;
    else if (put) high <= 1'b0;
  reg still;  // the line stands still after a byte
  initial still = 1'b1;
  always @(posedge clk_i) still <= rst_i || (idle && !put);
  always @(*) begin
    assert (time_q != 6'd0 && time_q <= 6'd40);
    if (high) assert (idle);
    if (high || still) assert (idle && data_q == 9'h1ff && !odd_q);
    else assert (data_q == left && odd_q == sent[0]);
    assert (tx_o == (high || still || frame[sent]));
    assert (busy_o == !ready_o);
  end
  // A byte takes ten bits' time: then the next is taken.
  always @(posedge clk_i)
    if (past_ok && !$past(rst_i)) begin
      if ($past(put)) assert (time_q == 6'd1);
      else if ($past(busy_o)) assert (time_q == $past(time_q) + 6'd1);
    end
  reg [1:0] bytes;
  initial bytes = 2'd0;
  always @(posedge clk_i) if (put) bytes <= bytes + 2'd1;
  always @(*) begin
    cover (bytes == 2'd1 && put && !still && byte_q == 8'h5a);
    cover (bytes == 2'd1 && still && idle && !high);
  end
`endif
endmodule

`default_nettype wire
