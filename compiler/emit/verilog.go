package emit

import (
	"bytes"
	"fmt"
	"net/netip"
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
	device.UART:     uart,
	device.Ethernet: ethernet,
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

// A phy is one of device.PHYs: a module with the parameters given, its clocks, and its other pins, which are ports of the top.
type phy struct {
	module, parameters string
	rx, tx             string // clocks
	pins               []string
}

var phys = map[string]phy{
	"mii": {"nmc_mii", "", "mii_rx_clk_i", "mii_tx_clk_i", []string{
		"input  wire        mii_rx_clk_i", "input  wire        mii_rx_dv_i", "input  wire        mii_rx_er_i", "input  wire [ 3:0] mii_rxd_i",
		"input  wire        mii_tx_clk_i", "output wire        mii_tx_en_o", "output wire [ 3:0] mii_txd_o",
	}},
	"rmii": {"nmc_rmii", "", "rmii_clk_i", "rmii_clk_i", []string{
		"input  wire        rmii_clk_i", "input  wire        rmii_crs_dv_i", "input  wire        rmii_rx_er_i", "input  wire [ 1:0] rmii_rxd_i",
		"output wire        rmii_tx_en_o", "output wire [ 1:0] rmii_txd_o",
	}},
	"rgmii":     rgmii(1),
	"rgmii-100": rgmii(0),
}

func rgmii(gigabit int) phy {
	return phy{"nmc_rgmii", fmt.Sprintf(" #(\n      .Gigabit(%d)\n  )", gigabit), "rgmii_rxc_i", "tx_clk_i", []string{
		"input  wire        tx_clk_i", "input  wire        rgmii_rxc_i", "input  wire        rgmii_rx_ctl_i", "input  wire [ 3:0] rgmii_rxd_i",
		"output wire        rgmii_txc_o", "output wire        rgmii_tx_ctl_o", "output wire [ 3:0] rgmii_txd_o",
	}}
}

func ethernet(l device.Link) link {
	p := phys[l.PHY]
	ports := []string{"// the PHY, in its own clocks"}
	pins := ""
	for _, pin := range p.pins {
		ports = append(ports, pin+",")
		name := pin[strings.LastIndexByte(pin, ' ')+1:]
		pins += fmt.Sprintf("      .%s(%s),\n", name, name)
	}
	mac := strings.ReplaceAll(l.MAC, ":", "")
	var ip [4]byte
	if a, err := netip.ParseAddr(l.IP); err == nil && a.Is4() {
		ip = a.As4()
	}
	return link{ports, fmt.Sprintf(`  wire       phy_rx_active, phy_rx_valid, phy_rx_error, phy_tx_take, phy_tx_valid;
  wire [7:0] phy_rx_data, phy_tx_data;
  %s%s u_phy (
%s      .rx_active_o(phy_rx_active),
      .rx_valid_o(phy_rx_valid),
      .rx_error_o(phy_rx_error),
      .rx_data_o(phy_rx_data),
      .tx_take_o(phy_tx_take),
      .tx_valid_i(phy_tx_valid),
      .tx_data_i(phy_tx_data)
  );
  nmc_eth #(
      .Fifo(%d),
      .Mac(48'h%s),
      .Ip(32'h%x),
      .Port(16'd%d)
  ) u_link (
      .clk_i(clk_i),
      .rst_i(rst_i),
      .phy_rx_clk_i(%s),
      .phy_rx_active_i(phy_rx_active),
      .phy_rx_valid_i(phy_rx_valid),
      .phy_rx_error_i(phy_rx_error),
      .phy_rx_data_i(phy_rx_data),
      .phy_tx_clk_i(%s),
      .phy_tx_take_i(phy_tx_take),
      .phy_tx_valid_o(phy_tx_valid),
      .phy_tx_data_o(phy_tx_data),
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
`, p.module, p.parameters, pins, l.FIFO, mac, ip[:], l.Port, p.rx, p.tx)}
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
