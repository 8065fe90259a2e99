// nmc_rmii: a PHY's RMII at 100 Mbit/s, 2 bits in 50 MHz, as bytes for nmc_eth. One clock for both ways.
//
// Towards the end of a frame crs_dv may alternate, low with the first of the two pairs of a nibble: the carrier is then gone
// and data are left. Two pairs in a row without it end the frame.
`default_nettype none

module nmc_rmii (
    // pins; those out change after the rising edge
    input  wire       rmii_clk_i,
    input  wire       rmii_crs_dv_i,
    input  wire       rmii_rx_er_i,
    input  wire [1:0] rmii_rxd_i,
    output reg        rmii_tx_en_o,
    output reg  [1:0] rmii_txd_o,
    // bytes, see nmc_eth
    output wire       rx_active_o,
    output wire       rx_valid_o,
    output wire       rx_error_o,
    output wire [7:0] rx_data_o,
    output wire       tx_take_o,
    input  wire       tx_valid_i,
    input  wire [7:0] tx_data_i
);
  reg       dv_q, er_q, open_q;
  reg [1:0] rxd_q;
  wire      active = dv_q || (open_q && rmii_crs_dv_i);
  initial {dv_q, open_q} = 2'b00;
  always @(posedge rmii_clk_i) begin
    {dv_q, er_q, rxd_q} <= {rmii_crs_dv_i, rmii_rx_er_i, rmii_rxd_i};
    open_q <= active;
  end

  nmc_eth_align #(
      .Width(2)
  ) u_align (
      .clk_i   (rmii_clk_i),
      .active_i(active),
      .error_i (er_q),
      .data_i  (rxd_q),
      .active_o(rx_active_o),
      .valid_o (rx_valid_o),
      .error_o (rx_error_o),
      .data_o  (rx_data_o)
  );

  reg [1:0] pair_q;
  initial {pair_q, rmii_tx_en_o} = 3'b000;
  always @(posedge rmii_clk_i) begin
    pair_q       <= pair_q + 2'd1;
    rmii_tx_en_o <= tx_valid_i;
    rmii_txd_o   <= tx_data_i[2*pair_q+:2];
  end
  assign tx_take_o = &pair_q;
endmodule

`default_nettype wire
