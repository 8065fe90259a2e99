// up5k: the device of examples/up5k (784-64-10, 4 lanes) on an iCE40 UP5K, its byte stream on pins.
//
// Measures what engine and protocol front end take; a board adds its link. Weights are in the single-port SPRAM.
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
  nmc_device #(
      .Lanes(4),
      .WeightDepth(16384),
      .VectorDepth(512),
      .ProgramDepth(256),
      .TableDepth(512),
      .WeightPorts(1),
      .FrameBytes(1024),
      .HwId(64'h0)
  ) u_device (
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
