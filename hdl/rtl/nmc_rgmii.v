// nmc_rgmii: a PHY's RGMII, 1 Gbit/s, or 100 and 10 Mbit/s, as bytes for nmc_eth.
//
// Data change with both edges of 125 MHz, low nibble first; below a gigabit with the rising edge of 25 or 2.5 MHz. What
// edges and data need between them, 2 ns, is the PHY's or the board's to give (RGMII-ID). Which of the two speeds, the
// board chooses; the PHY must be told the same. A register on either way stands between pins and logic, which may be far apart.
`default_nettype none

module nmc_rgmii #(
    parameter Gigabit = 1
) (
    input  wire       tx_clk_i,      // 125 MHz, or 25, or 2.5
    // pins
    input  wire       rgmii_rxc_i,
    input  wire       rgmii_rx_ctl_i,
    input  wire [3:0] rgmii_rxd_i,
    output wire       rgmii_txc_o,
    output wire       rgmii_tx_ctl_o,
    output wire [3:0] rgmii_txd_o,
    // bytes, see nmc_eth; clocks are rgmii_rxc_i and tx_clk_i
    output wire       rx_active_o,
    output wire       rx_valid_o,
    output wire       rx_error_o,
    output wire [7:0] rx_data_o,
    output wire       tx_take_o,
    input  wire       tx_valid_i,
    input  wire [7:0] tx_data_i
);
  genvar g;

  // In: with the control pin, the falling edge has valid and error in one.
  wire [4:0] rise_in, fall_in;
  reg  [4:0] rise_q, fall_q;  // below a gigabit, data do not change with the falling edge
  always @(posedge rgmii_rxc_i) {rise_q, fall_q} <= {rise_in, fall_in};
  wire [4:0] pins_in = {rgmii_rx_ctl_i, rgmii_rxd_i};
  generate
    for (g = 0; g < 5; g = g + 1) begin : g_in
      nmc_ddr_in u_in (
          .clk_i (rgmii_rxc_i),
          .pin_i (pins_in[g]),
          .rise_o(rise_in[g]),
          .fall_o(fall_in[g])
      );
    end
    if (Gigabit != 0) begin : g_rx_bytes
      reg       active_q, error_q;
      reg [7:0] data_q;
      initial active_q = 1'b0;
      always @(posedge rgmii_rxc_i) begin
        active_q <= rise_q[4];
        error_q  <= rise_q[4] && !fall_q[4];
        data_q   <= {fall_q[3:0], rise_q[3:0]};
      end
      assign {rx_active_o, rx_valid_o, rx_error_o, rx_data_o} = {active_q, active_q, error_q, data_q};
    end else begin : g_rx_nibbles
      nmc_eth_align #(
          .Width(4)
      ) u_align (
          .clk_i   (rgmii_rxc_i),
          .active_i(rise_q[4]),
          .error_i (!fall_q[4]),
          .data_i  (rise_q[3:0]),
          .active_o(rx_active_o),
          .valid_o (rx_valid_o),
          .error_o (rx_error_o),
          .data_o  (rx_data_o)
      );
    end
  endgenerate

  // Out.
  wire [3:0] low, high;
  reg  [4:0] low_q, high_q;
  initial {low_q, high_q} = 10'd0;
  always @(posedge tx_clk_i) {low_q, high_q} <= {tx_valid_i, low, tx_valid_i, high};
  wire [5:0] first = {1'b1, low_q};
  wire [5:0] second = {1'b0, high_q};
  wire [5:0] pins_out;
  assign {rgmii_txc_o, rgmii_tx_ctl_o, rgmii_txd_o} = pins_out;
  generate
    if (Gigabit != 0) begin : g_tx_bytes
      assign {high, low} = tx_data_i;
      assign tx_take_o   = 1'b1;
    end else begin : g_tx_nibbles
      reg turn_q;  // of the upper nibble
      initial turn_q = 1'b0;
      always @(posedge tx_clk_i) turn_q <= !turn_q;
      assign low = turn_q ? tx_data_i[7:4] : tx_data_i[3:0];
      assign high = low;
      assign tx_take_o = turn_q;
    end
    for (g = 0; g < 6; g = g + 1) begin : g_out
      nmc_ddr_out u_out (
          .clk_i (tx_clk_i),
          .rise_i(first[g]),
          .fall_i(second[g]),
          .pin_o (pins_out[g])
      );
    end
  endgenerate
endmodule

`default_nettype wire
