// nmc_harness: nmc_top with a PHY's MII, and a register at its reset, as in stream.v. The link registers its pins itself.
`default_nettype none

module nmc_harness (
    input  wire        clk_i,
    input  wire        rst_i,
    input  wire        mii_rx_clk_i,
    input  wire        mii_rx_dv_i,
    input  wire [ 3:0] mii_rxd_i,
    input  wire        mii_tx_clk_i,
    output wire        mii_tx_en_o,
    output wire [ 3:0] mii_txd_o,
    output wire        busy_o,
    output wire        trace_valid_o,
    output wire [11:0] trace_pc_o,
    output wire [31:0] trace_cycles_o
);
  reg rst_q;
  initial rst_q = 1'b1;
  always @(posedge clk_i) rst_q <= rst_i;
  nmc_top u_top (
      .clk_i(clk_i), .rst_i(rst_q),
      .mii_rx_clk_i(mii_rx_clk_i), .mii_rx_dv_i(mii_rx_dv_i), .mii_rx_er_i(1'b0), .mii_rxd_i(mii_rxd_i),
      .mii_tx_clk_i(mii_tx_clk_i), .mii_tx_en_o(mii_tx_en_o), .mii_txd_o(mii_txd_o), .busy_o(busy_o),
      .trace_valid_o(trace_valid_o), .trace_pc_o(trace_pc_o), .trace_cycles_o(trace_cycles_o)
  );
endmodule

`default_nettype wire
