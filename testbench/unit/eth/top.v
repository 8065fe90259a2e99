// nmc_eth behind each of the PHY interfaces. Phy: 0 MII, 1 RMII (its clock on both clock ports), 2 RGMII at 100 Mbit/s, 3 at
// a gigabit.
`default_nettype none

module eth_bench #(
    parameter Phy  = 0,
    parameter Fifo = 4096
) (
    input  wire       clk_i,
    input  wire       rst_i,
    input  wire       phy_rx_clk_i,
    input  wire       phy_rx_ctl_i,
    input  wire       phy_rx_er_i,
    input  wire [3:0] phy_rxd_i,
    input  wire       phy_tx_clk_i,
    output wire       phy_tx_ctl_o,
    output wire [3:0] phy_txd_o,
    output wire       rx_valid_o,
    input  wire       rx_ready_i,
    output wire [7:0] rx_data_o,
    input  wire       tx_valid_i,
    output wire       tx_ready_o,
    input  wire [7:0] tx_data_i,
    output wire [3:0] count_valid_o,
    output wire       busy_o
);
  wire       rx_active, rx_valid, rx_error, tx_take, tx_valid;
  wire [7:0] rx_data, tx_data;
  generate
    if (Phy == 0) begin : g_mii
      nmc_mii u_phy (
          .mii_rx_clk_i(phy_rx_clk_i), .mii_rx_dv_i(phy_rx_ctl_i), .mii_rx_er_i(phy_rx_er_i), .mii_rxd_i(phy_rxd_i),
          .mii_tx_clk_i(phy_tx_clk_i), .mii_tx_en_o(phy_tx_ctl_o), .mii_txd_o(phy_txd_o),
          .rx_active_o(rx_active), .rx_valid_o(rx_valid), .rx_error_o(rx_error), .rx_data_o(rx_data),
          .tx_take_o(tx_take), .tx_valid_i(tx_valid), .tx_data_i(tx_data)
      );
    end else if (Phy == 1) begin : g_rmii
      assign phy_txd_o[3:2] = 2'd0;
      nmc_rmii u_phy (
          .rmii_clk_i(phy_rx_clk_i), .rmii_crs_dv_i(phy_rx_ctl_i), .rmii_rx_er_i(phy_rx_er_i), .rmii_rxd_i(phy_rxd_i[1:0]),
          .rmii_tx_en_o(phy_tx_ctl_o), .rmii_txd_o(phy_txd_o[1:0]),
          .rx_active_o(rx_active), .rx_valid_o(rx_valid), .rx_error_o(rx_error), .rx_data_o(rx_data),
          .tx_take_o(tx_take), .tx_valid_i(tx_valid), .tx_data_i(tx_data)
      );
    end else begin : g_rgmii
      wire txc;
      nmc_rgmii #(
          .Gigabit(Phy == 3 ? 1 : 0)
      ) u_phy (
          .tx_clk_i(phy_tx_clk_i), .rgmii_rxc_i(phy_rx_clk_i), .rgmii_rx_ctl_i(phy_rx_ctl_i), .rgmii_rxd_i(phy_rxd_i),
          .rgmii_txc_o(txc), .rgmii_tx_ctl_o(phy_tx_ctl_o), .rgmii_txd_o(phy_txd_o),
          .rx_active_o(rx_active), .rx_valid_o(rx_valid), .rx_error_o(rx_error), .rx_data_o(rx_data),
          .tx_take_o(tx_take), .tx_valid_i(tx_valid), .tx_data_i(tx_data)
      );
    end
  endgenerate

  nmc_eth #(
      .Fifo(Fifo), .Mac(48'h026e6d630001), .Ip(32'h0a000002), .Port(16'd28269)
  ) u_eth (
      .clk_i(clk_i), .rst_i(rst_i),
      .phy_rx_clk_i(phy_rx_clk_i), .phy_rx_active_i(rx_active), .phy_rx_valid_i(rx_valid), .phy_rx_error_i(rx_error), .phy_rx_data_i(rx_data),
      .phy_tx_clk_i(Phy == 1 ? phy_rx_clk_i : phy_tx_clk_i), .phy_tx_take_i(tx_take), .phy_tx_valid_o(tx_valid), .phy_tx_data_o(tx_data),
      .rx_valid_o(rx_valid_o), .rx_ready_i(rx_ready_i), .rx_data_o(rx_data_o),
      .tx_valid_i(tx_valid_i), .tx_ready_o(tx_ready_o), .tx_data_i(tx_data_i),
      .count_valid_o(count_valid_o), .count_ready_i(4'hf), .busy_o(busy_o)
  );
endmodule

`default_nettype wire
