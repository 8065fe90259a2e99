// Package netlist_test learns on what synthesis makes of a whole board: the cells that are placed and routed, in the models of those
// cells that come with Yosys, driven at the board's pins.
package netlist_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nmc-fpga/nmc"
	"github.com/nmc-fpga/nmc/boards/board"
	"github.com/nmc-fpga/nmc/boards/build"
	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/dataset"
	"github.com/nmc-fpga/nmc/host/encode"
	"github.com/nmc-fpga/nmc/host/link"
	"github.com/nmc-fpga/nmc/sim"
	"github.com/nmc-fpga/nmc/testbench/verilator"
)

// shim has the ports that the harness of a serial line knows, and the board behind them: its oscillator, its button, its line, its lights. A PLL is analog: this one locks at once, and the clock of the board is the core's. The model of a look-up table is another
// than Yosys', of the same function, for Verilator's sake: it is half of what there is to simulate.
const shim = `module nmc_top (
    input  wire        clk_i,
    input  wire        rst_i,
    input  wire        rx_i,
    output wire        tx_o,
    output wire        busy_o,
    output wire        trace_valid_o,
    output wire [11:0] trace_pc_o,
    output wire [31:0] trace_cycles_o
);
  wire led_busy, led_ready;
  nmc_board u_board (.clk(clk_i), .reset(!rst_i), .led_busy(led_busy), .led_ready(led_ready), .rx_i(rx_i), .tx_o(tx_o));
  assign busy_o = !led_busy || led_ready;
  assign {trace_valid_o, trace_pc_o, trace_cycles_o} = 45'd0;
endmodule

module nmc_pll (
    input wire PACKAGEPIN, RESETB, BYPASS,
    output wire PLLOUTGLOBAL, LOCK
);
  parameter FEEDBACK_PATH = "";
  parameter DIVR = 0, DIVF = 0, DIVQ = 0, FILTER_RANGE = 0;
  assign PLLOUTGLOBAL = PACKAGEPIN;
  assign LOCK = RESETB;
endmodule

module nmc_lut (
    input  wire I0, I1, I2, I3,
    output wire O
);
  parameter [15:0] LUT_INIT = 0;
  assign O = LUT_INIT[{I3, I2, I1, I0}];
endmodule
`

// TestLearns compiles examples/mnist-board for the iCEBreaker, draws the weights on the device, and learns 20 digits: every answer and
// the digest of what was learned are the simulator's.
func TestLearns(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	need(t)
	const samples = 20
	b, err := board.Load("icebreaker")
	if err != nil {
		t.Fatal(err)
	}
	net, err := compiler.Read("../../examples/mnist-board/net.toml")
	if err != nil {
		t.Fatal(err)
	}
	l, err := b.TakenLink("")
	if err != nil {
		t.Fatal(err)
	}
	choices, err := b.Choices(device.Config{Link: l.Config(b.Clock.CoreHz)})
	if err != nil {
		t.Fatal(err)
	}
	net.On(choices[0], b.Device.Units)
	c, err := compiler.Compile(net, compiler.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := c.Manifest.Device

	start := time.Now()
	job := &build.Job{Board: b, Device: cfg, HDL: nmc.HDL, Top: c.Top}
	netlist, models, err := job.Netlist(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("netlist: %.0f s", time.Since(start).Seconds())
	if n := bytes.Count(netlist, []byte("\nmodule ")); n != 1 {
		t.Errorf("the netlist has %d modules, not the board alone", n)
	}
	for _, cell := range []struct{ name, instead string }{{"SB_MAC16", ""}, {"SB_SPRAM256KA", ""}, {"SB_RAM40_4K", ""}, {"SB_PLL40_PAD", "nmc_pll"}, {"SB_LUT4", "nmc_lut"}} {
		of := []byte("\n  " + cell.name + " ")
		if !bytes.Contains(netlist, of) {
			t.Errorf("the netlist has no %s", cell.name)
		}
		if cell.instead != "" {
			netlist = bytes.ReplaceAll(netlist, of, []byte("\n  "+cell.instead+" "))
		}
	}
	start = time.Now()
	bin, err := verilator.BuildPins(t.Context(), fstest.MapFS{
		"rtl/board.v":    {Data: netlist},
		"rtl/cells.v":    {Data: append([]byte("`define NO_ICE40_DEFAULT_ASSIGNMENTS\n"), models...)},
		"gen/nothing.vh": {},
	}, []byte(shim), cfg, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("model: %.0f s", time.Since(start).Seconds())
	start = time.Now()
	dev, err := verilator.Start(bin, "--clock", fmt.Sprint(cfg.Link.Clock), "--baud", fmt.Sprint(cfg.Link.Baud))
	if err != nil {
		t.Fatal(err)
	}
	// What the board does in milliseconds takes the netlist seconds: nothing is lost here, and so nothing is sent again.
	const patience = 2 * time.Minute
	opt := host.Options{HwID: cfg.ID(), FrameBytes: cfg.FrameBytes}
	opt.OverSerial(cfg, cfg.Link.Baud)
	opt.MinTimeout, opt.FirstTimeout, opt.MaxTimeout = patience, patience, patience
	session, err := host.Dial(t.Context(), link.NewStream(wire{dev}), opt)
	if err != nil {
		t.Fatal(err)
	}
	machine, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer machine.Close()

	set := doubled(t, samples)
	encoder, err := encode.New(c.Manifest, set, uint64(c.Manifest.Seed))
	if err != nil {
		t.Fatal(err)
	}
	runs := []device.Run{{Entry: device.Init}}
	for i := range samples {
		runs = append(runs, device.Run{Entry: device.Learn, Label: uint16(set.Label(i)), Sample: encoder.Sample(0, i)})
	}
	runs = append(runs, device.Run{Entry: device.Digest})
	want, got := results(t, c, machine, runs), results(t, c, session, runs)
	cycles := uint32(0)
	for i := range want {
		cycles += got[i].Cycles
		got[i].Cycles = 0 // which the simulator does not count
		if got[i] != want[i] {
			t.Errorf("run %d of %d: netlist %+v, simulator %+v", i, len(want), got[i], want[i])
		}
	}
	if err := session.Close(); err != nil {
		t.Error(err)
	}
	t.Logf("%s, hw_id %016x: %d samples, digest %016x, %d cycles of runs; %.0f s; %s", c.Manifest.Name, cfg.ID(), samples, got[len(got)-1].Digest, cycles,
		time.Since(start).Seconds(), dev.(interface{ Stats() string }).Stats())
}

// results loads the image and returns what the runs give.
func results(t *testing.T, c *compiler.Build, d interface {
	device.Memory
	device.Runner
}, runs []device.Run) (all []device.Result) {
	t.Helper()
	if err := c.Image.Load(d); err != nil {
		t.Fatal(err)
	}
	for next := 0; len(all) < len(runs); {
		for ; next < len(runs) && next-len(all) < device.Window; next++ {
			if err := d.Submit(runs[next]); err != nil {
				t.Fatal(err)
			}
		}
		r, err := d.Result()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// need skips where a tool is missing, which CI does not.
func need(t *testing.T) {
	t.Helper()
	err := verilator.Available()
	for _, name := range []string{"yosys", "nextpnr-ice40", "icepack"} {
		if _, ferr := build.Find(name); err == nil {
			err = ferr
		}
	}
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip("SKIP:", err)
}

// doubled returns the first of the built-in digits, every pixel four times: images of MNIST's size.
func doubled(t *testing.T, n int) *dataset.Set {
	t.Helper()
	small, err := dataset.Open(t.Context(), "digits", dataset.Train)
	if err != nil {
		t.Fatal(err)
	}
	shape := small.Shape
	var images, labels []byte
	for i := range n {
		x := small.Image(i)
		for at := range 4 * len(x) {
			row, col := at/(2*shape.Cols), at%(2*shape.Cols)
			images = append(images, x[row/2*shape.Cols+col/2])
		}
		labels = append(labels, byte(small.Label(i)))
	}
	shape.Rows, shape.Cols = 2*shape.Rows, 2*shape.Cols
	set, err := dataset.New("digits", dataset.Train, shape, small.Classes, images, labels)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// wire is the host's end of the serial line of harness/uart.cpp, which takes pairs of what happens and a byte.
type wire struct{ io.ReadWriteCloser }

func (w wire) Write(b []byte) (int, error) {
	symbols := make([]byte, 0, 2*len(b))
	for _, x := range b {
		symbols = append(symbols, 0, x)
	}
	if _, err := w.ReadWriteCloser.Write(symbols); err != nil {
		return 0, err
	}
	return len(b), nil
}
