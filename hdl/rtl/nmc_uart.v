// nmc_uart: a serial line before a device: 8N1, no flow control. Bytes that come while the device takes none wait in a
// queue; those that find it full are lost, and counted as framing errors are.
//
// The rate is exact to 1/512 at any ratio of Clock and Baud from 4 on: time is counted in eighths of a bit, where these
// have a clock each, or in quarters, by Step in 2^-Fraction, with the fewest bits that suffice.
`default_nettype none

module nmc_uart #(
    parameter Clock = 24000000,
    parameter Baud  = 3000000,
    parameter Fifo  = 512,       // bytes that wait for the device: a power of two from 4 on, or 0
    parameter Tally = 8          // bits: so many events wait to be counted, beyond that some are not
) (
    input  wire       clk_i,
    input  wire       rst_i,          // synchronous, active high
    // the line, of no clock
    input  wire       rx_i,
    output wire       tx_o,
    // bytes to the device
    output wire       rx_valid_o,
    input  wire       rx_ready_i,
    output wire [7:0] rx_data_o,
    // bytes from the device
    input  wire       tx_valid_i,
    output wire       tx_ready_o,
    input  wire [7:0] tx_data_i,
    // to be counted: 0 framing errors, 1 lost bytes
    output wire [3:0] count_valid_o,
    input  wire [3:0] count_ready_i,
    output wire       busy_o          // something is under way
);
  localparam Places = Clock / 8 >= Baud ? 3 : 2;

  localparam [63:0] Hertz = {32'd0, Clock[31:0]};
  localparam [63:0] Bits = {32'd0, Baud[31:0]};

  // What time advances in a clock, in units of 2^-w places.
  function [63:0] step(input integer w);
    step = ((Bits << Places + w) + Hertz / 2) / Hertz;
  endfunction
  // The first w, from `from` on, with which that is exact to 1/512.
  function integer width(input integer from);
    integer w;
    reg [63:0] have, want;
    begin
      width = 24;
      for (w = 24; w >= from; w = w - 1) begin
        have = step(w) * Hertz;
        want = Bits << Places + w;
        if ((have > want ? have - want : want - have) * 512 <= want) width = w;
      end
    end
  endfunction
  localparam Fraction = width(0);
  localparam [63:0] Whole = step(Fraction);
  localparam Step = Whole[31:0];

  wire       in_valid, in_ready, framing, rx_busy, tx_busy;
  wire       waiting;  // bytes in the queue, those not offered yet included
  wire [7:0] in;

  nmc_uart_rx #(
      .Places  (Places),
      .Fraction(Fraction),
      .Step    (Step)
  ) u_rx (
      .clk_i    (clk_i),
      .rst_i    (rst_i),
      .rx_i     (rx_i),
      .valid_o  (in_valid),
      .data_o   (in),
      .framing_o(framing),
      .busy_o   (rx_busy)
  );

  generate
    if (Fifo == 0) begin : g_direct
      assign rx_valid_o = in_valid;
      assign rx_data_o  = in;
      assign in_ready   = rx_ready_i;
      assign waiting    = in_valid;
    end else begin : g_queue
      wire [$clog2(Fifo):0] level;
      assign waiting = in_valid || level != 0;
      nmc_fifo #(
          .Width(8),
          .Depth(Fifo)
      ) u_fifo (
          .clk_i  (clk_i),
          .rst_i  (rst_i),
          .valid_i(in_valid),
          .ready_o(in_ready),
          .data_i (in),
          .valid_o(rx_valid_o),
          .ready_i(rx_ready_i),
          .data_o (rx_data_o),
          .level_o(level)
      );
    end
  endgenerate

  nmc_tally #(
      .Width(Tally)
  ) u_framing (
      .clk_i  (clk_i),
      .rst_i  (rst_i),
      .event_i(framing),
      .valid_o(count_valid_o[0]),
      .ready_i(count_ready_i[0])
  );
  nmc_tally #(
      .Width(Tally)
  ) u_lost (
      .clk_i  (clk_i),
      .rst_i  (rst_i),
      .event_i(in_valid && !in_ready),
      .valid_o(count_valid_o[1]),
      .ready_i(count_ready_i[1])
  );
  assign count_valid_o[3:2] = 2'b00;

  nmc_uart_tx #(
      .Places  (Places),
      .Fraction(Fraction),
      .Step    (Step)
  ) u_tx (
      .clk_i  (clk_i),
      .rst_i  (rst_i),
      .valid_i(tx_valid_i),
      .ready_o(tx_ready_o),
      .data_i (tx_data_i),
      .tx_o   (tx_o),
      .busy_o (tx_busy)
  );

  assign busy_o = rx_busy || waiting || tx_busy || count_valid_o[1:0] != 2'b00;
endmodule

`default_nettype wire
