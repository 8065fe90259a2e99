// nmc_mii: a PHY's MII, 4 bits in 25 MHz for 100 Mbit/s, 2.5 MHz for 10, as bytes for nmc_eth. The PHY gives both clocks.
`default_nettype none

module nmc_mii (
    // pins; those out change after the rising edge
    input  wire       mii_rx_clk_i,
    input  wire       mii_rx_dv_i,
    input  wire       mii_rx_er_i,
    input  wire [3:0] mii_rxd_i,
    input  wire       mii_tx_clk_i,
    output reg        mii_tx_en_o,
    output reg  [3:0] mii_txd_o,
    // bytes, see nmc_eth
    output wire       rx_active_o,
    output wire       rx_valid_o,
    output wire       rx_error_o,
    output wire [7:0] rx_data_o,
    output wire       tx_take_o,
    input  wire       tx_valid_i,
    input  wire [7:0] tx_data_i
);
  reg       dv_q, er_q;
  reg [3:0] rxd_q;
  initial dv_q = 1'b0;
  always @(posedge mii_rx_clk_i) {dv_q, er_q, rxd_q} <= {mii_rx_dv_i, mii_rx_er_i, mii_rxd_i};

  nmc_eth_align #(
      .Width(4)
  ) u_align (
      .clk_i   (mii_rx_clk_i),
      .active_i(dv_q),
      .error_i (er_q),
      .data_i  (rxd_q),
      .active_o(rx_active_o),
      .valid_o (rx_valid_o),
      .error_o (rx_error_o),
      .data_o  (rx_data_o)
  );

  reg high_q;
  initial {high_q, mii_tx_en_o} = 2'b00;
  always @(posedge mii_tx_clk_i) begin
    high_q      <= !high_q;
    mii_tx_en_o <= tx_valid_i;
    mii_txd_o   <= high_q ? tx_data_i[7:4] : tx_data_i[3:0];
  end
  assign tx_take_o = high_q;
endmodule

`default_nettype wire
