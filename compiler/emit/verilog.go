package emit

import (
	"bytes"
	"fmt"

	"github.com/nmc-fpga/nmc/firmware/device"
)

// Top is the Verilog top of a device: the module nmc_top with a byte stream in and out. It depends on the configuration only.
func Top(c device.Config) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `// nmc_top: a device with %d lanes, hw_id %016x. Made by nmc compile; depends on the device only, not on the network.
`+"`default_nettype none"+`

module nmc_top (
    input  wire        clk_i,
    input  wire        rst_i,      // synchronous, active high
    // bytes from the host
    input  wire        rx_valid_i,
    output wire        rx_ready_o,
    input  wire [ 7:0] rx_data_i,
    // bytes to the host
    output wire        tx_valid_o,
    input  wire        tx_ready_i,
    output wire [ 7:0] tx_data_o,
    // state and trace
    output wire        busy_o,
    output wire        trace_valid_o,
    output wire [11:0] trace_pc_o,
    output wire [31:0] trace_cycles_o
);
  nmc_device #(
      .Lanes(%d),
      .WeightDepth(%d),
      .VectorDepth(%d),
      .ProgramDepth(%d),
      .TableDepth(%d),
      .WeightPorts(%d),
      .FrameBytes(%d),
      .Omit(%d),
      .HwId(64'h%016x)
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
      .trace_valid_o(trace_valid_o),
      .trace_pc_o(trace_pc_o),
      .trace_cycles_o(trace_cycles_o)
  );
endmodule

`+"`default_nettype wire\n", c.Lanes, c.ID(), c.Lanes, c.WeightDepth, c.VectorDepth, c.ProgramDepth, c.TableDepth, c.WeightPorts, c.FrameBytes, c.Omit, c.ID())
	return b.Bytes()
}
