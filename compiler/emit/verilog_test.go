package emit

import (
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/firmware/device"
)

// A top has the pins of its link, or the byte stream of the same device.
func TestTop(t *testing.T) {
	c := device.Config{Lanes: 4, WeightDepth: 1024, VectorDepth: 512, ProgramDepth: 256, TableDepth: 512, WeightPorts: 2, FrameBytes: 1024}
	plain := string(Top(c))
	for _, want := range []string{"input  wire        rx_valid_i,", ".HwId(64'ha03f1085b84fe372)", "assign count_valid = 4'd0;"} {
		if !strings.Contains(plain, want) {
			t.Errorf("a top without a link has no %q", want)
		}
	}
	if strings.Contains(plain, "`ifdef") {
		t.Error("a top without a link has a choice")
	}
	c.Link = device.Link{Kind: device.UART, Clock: 24_000_000, Baud: 3_000_000, FIFO: 512}
	top := string(Top(c))
	before, rest, _ := strings.Cut(top, "`ifdef NMC_STREAM")
	bytes, rest, _ := strings.Cut(rest, "`else")
	pins, _, _ := strings.Cut(rest, "`endif")
	if strings.Contains(before, "rx_") || !strings.Contains(bytes, "rx_valid_i") || strings.Contains(pins, "rx_valid_i") || !strings.Contains(pins, "input  wire        rx_i,") {
		t.Errorf("ports of a top with a serial line:\n%s", top)
	}
	for _, want := range []string{"nmc_uart #(", ".Clock(24000000)", ".Baud(3000000)", ".Fifo(512)"} {
		if !strings.Contains(top, want) {
			t.Errorf("a top with a serial line has no %q", want)
		}
	}
	for _, c := range []struct {
		phy  string
		want []string
	}{
		{"mii", []string{"input  wire [ 3:0] mii_rxd_i,", "nmc_mii u_phy (", ".phy_tx_clk_i(mii_tx_clk_i)", ".Mac(48'h026e6d630001)", ".Ip(32'h0a000002)", ".Port(16'd28269)", ".Fifo(4096)"}},
		{"rmii", []string{"output wire [ 1:0] rmii_txd_o,", "nmc_rmii u_phy (", ".phy_rx_clk_i(rmii_clk_i)", ".phy_tx_clk_i(rmii_clk_i)"}},
		{"rgmii", []string{"input  wire        tx_clk_i,", "nmc_rgmii #(", ".Gigabit(1)", ".phy_rx_clk_i(rgmii_rxc_i)"}},
		{"rgmii-100", []string{".Gigabit(0)"}},
	} {
		with := device.Config{Lanes: 4, WeightDepth: 1024, VectorDepth: 512, ProgramDepth: 256, TableDepth: 512, WeightPorts: 2, FrameBytes: 1024, Link: device.Link{
			Kind: device.Ethernet, Clock: 50_000_000, FIFO: 4096, PHY: c.phy, MAC: "02:6e:6d:63:00:01", IP: "10.0.0.2", Port: 28269,
		}}
		for _, want := range c.want {
			if !strings.Contains(string(Top(with)), want) {
				t.Errorf("a top with Ethernet over %s has no %q", c.phy, want)
			}
		}
	}
	if Linked("carrier-pigeon") || !Linked("") || !Linked(device.UART) || !Linked(device.Ethernet) {
		t.Error("links that have Verilog")
	}
}
