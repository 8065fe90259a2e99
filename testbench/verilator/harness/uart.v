// nmc_harness: nmc_top with a serial line, and registers at its inputs, as in stream.v.
`default_nettype none

module nmc_harness (
    input  wire        clk_i,
    input  wire        rst_i,
    input  wire        rx_i,
    output wire        tx_o,
    output wire        busy_o,
    output wire        trace_valid_o,
    output wire [11:0] trace_pc_o,
    output wire [31:0] trace_cycles_o
);
  reg rst_q, rx_q;
  initial {rst_q, rx_q} = 2'b11;
  always @(posedge clk_i) {rst_q, rx_q} <= {rst_i, rx_i};
  nmc_top u_top (
      .clk_i(clk_i), .rst_i(rst_q), .rx_i(rx_q), .tx_o(tx_o), .busy_o(busy_o),
      .trace_valid_o(trace_valid_o), .trace_pc_o(trace_pc_o), .trace_cycles_o(trace_cycles_o)
  );
endmodule

`default_nettype wire
