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
	if Linked("carrier-pigeon") || !Linked("") || !Linked(device.UART) {
		t.Error("links that have Verilog")
	}
}
