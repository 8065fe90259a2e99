package emit

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/nmc-fpga/nmc/firmware/device"
)

// A link is the Verilog between the pins of nmc_top and the byte stream of its device.
type link struct {
	ports    []string // of nmc_top
	instance string   // takes and gives the wires rx_*, tx_*, count_* and link_busy
}

// links makes the link of each kind but the stream.
var links = map[string]func(device.Link) link{
	device.UART: uart,
}

// Linked says whether there is Verilog for a kind of link.
func Linked(kind string) bool { return kind == "" || links[kind] != nil }

func uart(l device.Link) link {
	return link{
		[]string{"// the line, of no clock", "input  wire        rx_i,", "output wire        tx_o,"},
		fmt.Sprintf(`  nmc_uart #(
      .Clock(%d),
      .Baud(%d),
      .Fifo(%d)
  ) u_link (
      .clk_i(clk_i),
      .rst_i(rst_i),
      .rx_i(rx_i),
      .tx_o(tx_o),
      .rx_valid_o(rx_valid),
      .rx_ready_i(rx_ready),
      .rx_data_o(rx_data),
      .tx_valid_i(tx_valid),
      .tx_ready_o(tx_ready),
      .tx_data_i(tx_data),
      .count_valid_o(count_valid),
      .count_ready_i(count_ready),
      .busy_o(link_busy)
  );
`, l.Clock, l.Baud, l.FIFO),
	}
}

// stream are the ports of a top without a link.
var stream = []string{
	"// bytes from the host",
	"input  wire        rx_valid_i,",
	"output wire        rx_ready_o,",
	"input  wire [ 7:0] rx_data_i,",
	"// bytes to the host",
	"output wire        tx_valid_o,",
	"input  wire        tx_ready_i,",
	"output wire [ 7:0] tx_data_o,",
}

// straight joins these ports and the device.
const straight = `  assign rx_valid    = rx_valid_i;
  assign rx_data     = rx_data_i;
  assign rx_ready_o  = rx_ready;
  assign tx_valid_o  = tx_valid;
  assign tx_data_o   = tx_data;
  assign tx_ready    = tx_ready_i;
  assign count_valid = 4'd0;
  assign link_busy   = 1'b0;
`

// Top is the Verilog top of a device: the module nmc_top with the pins of its link, a byte stream where it has none. It
// depends on the configuration only. With NMC_STREAM defined any top has the byte stream: the same device without its link.
func Top(c device.Config) []byte {
	list := func(ports []string) string { return "    " + strings.Join(ports, "\n    ") + "\n" }
	ports, body := list(stream), straight
	if c.Link.Kind != "" {
		l := links[c.Link.Kind](c.Link)
		either := func(stream, link string) string {
			return "`ifdef NMC_STREAM  // the device without its link\n" + stream + "`else\n" + link + "`endif\n"
		}
		ports, body = either(ports, list(l.ports)), either(body, l.instance)
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, `// nmc_top: a device with %d lanes, hw_id %016x. Made by nmc compile; depends on the device only, not on the network.
`+"`default_nettype none"+`

module nmc_top (
    input  wire        clk_i,
    input  wire        rst_i,      // synchronous, active high
%s    // state and trace
    output wire        busy_o,
    output wire        trace_valid_o,
    output wire [11:0] trace_pc_o,
    output wire [31:0] trace_cycles_o
);
  wire       rx_valid, rx_ready, tx_valid, tx_ready, link_busy, device_busy;
  wire [7:0] rx_data, tx_data;
  wire [3:0] count_valid, count_ready;  // what the link has to count
  assign busy_o = link_busy || device_busy;

%s
  nmc_device #(
      .Lanes(%d),
      .WeightDepth(%d),
      .VectorDepth(%d),
      .ProgramDepth(%d),
      .TableDepth(%d),
      .WeightPorts(%d),
      .FrameBytes(%d),
      .Omit(%d),
%s      .HwId(64'h%016x)
  ) u_device (
      .clk_i(clk_i),
      .rst_i(rst_i),
      .rx_valid_i(rx_valid),
      .rx_ready_o(rx_ready),
      .rx_data_i(rx_data),
      .tx_valid_o(tx_valid),
      .tx_ready_i(tx_ready),
      .tx_data_o(tx_data),
      .count_valid_i(count_valid),
      .count_ready_o(count_ready),
      .busy_o(device_busy),
      .trace_valid_o(trace_valid_o),
      .trace_pc_o(trace_pc_o),
      .trace_cycles_o(trace_cycles_o)
  );
endmodule

`+"`default_nettype wire\n", c.Lanes, c.ID(), ports, body, c.Lanes, c.WeightDepth, c.VectorDepth, c.ProgramDepth, c.TableDepth, c.WeightPorts, c.FrameBytes, c.Omit, key(c), c.ID())
	return b.Bytes()
}

// key sets the parameters of a device that has a key.
func key(c device.Config) string {
	if c.Key.IsZero() {
		return ""
	}
	return fmt.Sprintf("      .Keyed(1),\n      .Key(128'h%x),\n", c.Key.Number())
}
