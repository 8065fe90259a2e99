package netlist_test

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/boards/build"
)

// TestSmallMemory: the registers of an engine for a fast clock are memory of look-up tables in an ECP5, and synthesize for parts that have none.
func TestSmallMemory(t *testing.T) {
	need(t)
	yosys, err := build.Find("yosys")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ read, synth, cell string }{
		{"-D NMC_ECP5", "synth_ecp5", "TRELLIS_DPR16X4"},
		{"", "synth_ecp5", "DP16KD"},
		{"", "synth_ice40", "SB_RAM40_4K"},
		{"", "synth_xilinx", "RAMB"},
	} {
		script := fmt.Sprintf("read_verilog %s ../../hdl/rtl/nmc_ram.v; chparam -set Lanes 2 -set Depth 128 -set AddrBits 7 -set Zeroed 1 -set Small 1 nmc_ram; %s -top nmc_ram; stat", c.read, c.synth)
		out, err := exec.Command(yosys, "-p", script).CombinedOutput()
		_, stat, _ := strings.Cut(string(out), "Printing statistics")
		if err != nil || !strings.Contains(stat, c.cell) {
			t.Errorf("%s %s: %v, no %s in:\n%s", c.synth, c.read, err, c.cell, out[max(0, len(out)-2000):])
		}
	}
}
