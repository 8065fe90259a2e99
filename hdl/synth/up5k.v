// up5k: a compiled device on an iCE40 UP5K, its byte stream on pins and its trace left out.
//
// Measures what engine and protocol front end take; a board adds its link.
`default_nettype none

module up5k (
    input  wire       clk_i,
    input  wire       rst_i,
    // bytes from the host
    input  wire       rx_valid_i,
    output wire       rx_ready_o,
    input  wire [7:0] rx_data_i,
    // bytes to the host
    output wire       tx_valid_o,
    input  wire       tx_ready_i,
    output wire [7:0] tx_data_o,
    output wire       busy_o
);
  nmc_top u_top (
      .clk_i(clk_i),
      .rst_i(rst_i),
      .rx_valid_i(rx_valid_i),
      .rx_ready_o(rx_ready_o),
      .rx_data_i(rx_data_i),
      .tx_valid_o(tx_valid_o),
      .tx_ready_i(tx_ready_i),
      .tx_data_o(tx_data_o),
      .busy_o(busy_o),
      .trace_valid_o(),
      .trace_pc_o(),
      .trace_cycles_o()
  );
endmodule

`default_nettype wire
