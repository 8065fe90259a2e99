// nmc_harness: nmc_top with registers at its inputs. A simulator forms what hangs on an input of the top module in
// every evaluation, twice a cycle; what hangs on a register, once.
`default_nettype none

module nmc_harness (
    input  wire        clk_i,
    input  wire        rst_i,
    // bytes from the host
    input  wire        rx_valid_i,
    output wire        rx_ready_o,
    input  wire [ 7:0] rx_data_i,
    // bytes to the host, which is always ready
    output wire        tx_valid_o,
    output wire [ 7:0] tx_data_o,
    output wire        busy_o,  // a byte from the host, a frame, a run or a reply is under way
    output wire        trace_valid_o,
    output wire [11:0] trace_pc_o,
    output wire [31:0] trace_cycles_o
);
  reg rst_q, rx_valid_q;
  reg [7:0] rx_data_q;
  wire rx_ready, busy;
  assign rx_ready_o = !rx_valid_q || rx_ready;
  assign busy_o = busy || rx_valid_q;
  initial rst_q = 1'b1;
  always @(posedge clk_i) begin
    rst_q <= rst_i;
    if (rx_ready_o) begin
      rx_valid_q <= rx_valid_i;
      rx_data_q  <= rx_data_i;
    end
  end
  nmc_top u_top (
      .clk_i(clk_i), .rst_i(rst_q), .rx_valid_i(rx_valid_q), .rx_ready_o(rx_ready), .rx_data_i(rx_data_q),
      .tx_valid_o(tx_valid_o), .tx_ready_i(1'b1), .tx_data_o(tx_data_o), .busy_o(busy),
      .trace_valid_o(trace_valid_o), .trace_pc_o(trace_pc_o), .trace_cycles_o(trace_cycles_o)
  );
endmodule

`default_nettype wire
