package board

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/nmc-fpga/nmc/boards"
	"github.com/nmc-fpga/nmc/compiler/emit"
	"github.com/nmc-fpga/nmc/firmware/device"
)

var update = flag.Bool("update", false, "rewrite what is expected in testdata")

// uartTop is the part of nmc_top that a board looks at.
const uartTop = "module nmc_top (\n" +
	"    input  wire        clk_i,\n" +
	"    input  wire        rst_i,      // synchronous, active high\n" +
	"`ifdef NMC_STREAM  // the device without its link\n" +
	"    input  wire        rx_valid_i,\n" +
	"`else\n" +
	"    // the line\n" +
	"    input  wire        rx_i,\n" +
	"    output wire        tx_o,\n" +
	"`endif\n" +
	"    // state and trace\n" +
	"    output wire        busy_o,\n" +
	"    output wire        trace_valid_o,\n" +
	"    output wire [11:0] trace_pc_o,\n" +
	"    output wire [31:0] trace_cycles_o\n" +
	");\n" +
	"  wire [3:0] not_a_port,\n" +
	"endmodule\n"

func load(t *testing.T, name string) *Board {
	t.Helper()
	b, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// uart is the board's device with its UART.
func uart(t *testing.T, b *Board) device.Config {
	t.Helper()
	l, err := b.TakenLink(device.UART)
	if err != nil {
		t.Fatal(err)
	}
	c := b.config(b.Device.Lanes)
	c.Link = l.Config(b.Clock.CoreHz)
	return c
}

// Every board that comes with nmc can be read, and its part holds its device.
func TestBoards(t *testing.T) {
	if len(Names()) < 4 {
		t.Fatalf("boards: %v", Names())
	}
	for _, name := range Names() {
		b := load(t, name)
		choices, err := b.Choices(device.Config{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if choices[0].Lanes != b.Device.Lanes || choices[0].WeightDepth != b.Device.WeightDepth {
			t.Errorf("%s: the first choice is %+v, not the board's device", name, choices[0])
		}
		for _, l := range b.Links {
			if b.Clock.CoreHz == 0 || l.Speed() == 0 {
				t.Errorf("%s: link %s at %d bits a second, clock %d", name, l.Kind, l.Speed(), b.Clock.CoreHz)
			}
		}
	}
}

// Top and constraints of every board with each of its links, around the top that the compiler emits, as they are in
// testdata/NAME-LINK.txtar.
func TestGenerated(t *testing.T) {
	for _, name := range Names() {
		b := load(t, name)
		for _, l := range b.Links {
			t.Run(name+" "+l.Kind, func(t *testing.T) {
				c := b.config(b.Device.Lanes)
				c.Link = l.Config(b.Clock.CoreHz)
				generated(t, name+"-"+l.Kind, b, c, string(emit.Top(c)))
			})
		}
	}
}

// generated holds the Verilog and the constraints of a board to testdata/NAME.txtar.
func generated(t *testing.T, name string, b *Board, c device.Config, text string) {
	t.Helper()
	top, err := b.Top(c, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	constraints, err := b.Constraints(c)
	if err != nil {
		t.Fatal(err)
	}
	got := txtar.Format(&txtar.Archive{Files: []txtar.File{{Name: TopModule + ".v", Data: top}, {Name: b.ConstraintFile(), Data: constraints}}})
	file := filepath.Join("testdata", name+".txtar")
	if *update {
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("not as in %s (-update rewrites it):\n%s", file, d)
	}
}

// Findings in a board.toml: each archive of testdata/findings has one, and what is said about it.
func TestFindings(t *testing.T) {
	good, err := os.ReadFile("testdata/good.toml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse("good", "board.toml", good); err != nil {
		t.Fatalf("testdata/good.toml: %v", err)
	}
	for _, tt := range []struct{ name, old, new, want string }{
		{"unknown key", "package = ", "pakage = ", `board.toml:6:1: unknown key "pakage" at the top of the file; did you mean "package"?`},
		{"unknown key in a table", "core_hz", "core_khz", `board.toml:11:1: unknown key "core_khz" in clock; did you mean "core_hz"?`},
		{"unknown key of a pin", `pull = "down"`, `pul = "down"`, `board.toml:14:39: unknown key "pul" in reset.pin; did you mean "pull"?`},
		{"type", "hz = 25_000_000", `hz = "25 MHz"`, `board.toml:10:6: clock.hz: expected a whole number, found the string "25 MHz"; write a whole number`},
		{"twice", "speed = \"6\"", "speed = \"6\"\nspeed = \"7\"", "board.toml:8:1: not TOML: "},
		{"family", `"ecp5"`, `"ecp6"`, `board.toml:4:10: family = "ecp6" is none of ecp5, ice40, xc7; did you mean "ecp5"?`},
		{"part", `"85k"`, `"95k"`, `board.toml:5:8: part = "95k" is none of 25k, 45k, 85k; did you mean "25k"?`},
		{"no package", `package = "CABGA381"`, ``, `board.toml: package is missing; add package, as place and route names it`},
		{"clock", "core_hz = 62_500_000", "core_hz = 2_500_000_000", `board.toml:11:11: core_hz = 2500000000 cannot be made of 25000000 Hz`},
		{"light", "busy = ", "bussy = ", `board.toml:17:9: led.bussy = "bussy" is none of alive, busy, ready; did you mean "busy"?`},
		{"active", `active = "high"`, `active = "hi"`, `board.toml:14:31: reset.pin.active = "hi" is none of high, low; write one of them`},
		{"site", `"B2"`, `"B2; quit"`, `board.toml:17:8: led.busy: "B2; quit" is no pin or ball of a package; write it as the data sheet does: "35" or "G2"`},
		{"lanes", "lanes = 16", "lanes = 12", `board.toml:20:9: lanes = 12 is not a power of two; use 1, 2, 4, 8, 16, 32 or 64`},
		{"too large", "weight_depth = 8192", "weight_depth = 65536", `board.toml:19:1: the ECP5-85F does not hold the device: it takes `},
		{"baud", "baud = 3_000_000", "baud = 30_000_000", `board.toml:29:8: baud = 30000000 leaves less than 4 clocks of 62500000 Hz to a bit; use at most 15625000`},
		{"fifo", "baud = 3_000_000", "baud = 3_000_000\nfifo = 500", `board.toml:30:8: fifo = 500 is not 0 and no power of two from 4 on; write fifo = 512, in bytes`},
		{"link", `kind = "uart"`, `kind = "usb"`, `board.toml:28:8: kind = "usb" is none of uart, ethernet; write kind = "uart"`},
		{"bitstream", `"ulx3s", "{bitstream}"`, `"ulx3s", "top.bit"`, `board.toml:35:8: the arguments do not name the bitstream; put {bitstream} where its file belongs`},
		{"shared site with a tied pin", "[device]", "[tied]\nwifi = \"M1\"\n[device]", `board.toml: tied_wifi and rx_i both have the site M1; give each its own`},
		{"name of a tied pin", "[device]", "[tied]\n\"wi-fi\" = \"L2\"\n[device]", `board.toml:20:1: tied.wi-fi: "wi-fi" cannot be the name of a port; write letters, digits and underscores`},
		{"level of a tied pin", "[device]", "[tied]\nwifi = { site = \"L2\", active = \"up\" }\n[device]", `board.toml:20:32: tied.wifi.active = "up" is none of high, low; write one of them`},
		{"site of a tied pin", "[device]", "[tied]\nwifi = { drive = 4 }\n[device]", `board.toml:20:8: tied.wifi has no site`},
		{"shared site", `"B2"`, `"G2"`, `board.toml: clk and led_busy both have the site G2; give each its own`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if n := bytes.Count(good, []byte(tt.old)); n != 1 {
				t.Fatalf("%q occurs %d times in testdata/good.toml", tt.old, n)
			}
			_, err := Parse("good", "board.toml", bytes.Replace(good, []byte(tt.old), []byte(tt.new), 1))
			if err == nil {
				t.Fatal("no finding")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("said\n%v\nwant\n%s", err, tt.want)
			}
		})
	}
}

// ethernetTop has the ports of a device with a PHY.
const ethernetTop = `module nmc_top (
    input  wire       clk_i,
    input  wire       rst_i,
    input  wire       tx_clk_i,
    input  wire       rgmii_rxc_i,
    input  wire       rgmii_rx_ctl_i,
    input  wire [3:0] rgmii_rxd_i,
    output wire       rgmii_txc_o,
    output wire [1:0] rgmii_txd_o,
    output wire       busy_o
);
endmodule
`

// What an iCE40's pins have not is no silent wish.
func TestPinsOfAnICE40(t *testing.T) {
	file, err := fs.ReadFile(boards.Files, "icebreaker/board.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ old, new, want string }{
		{`{ site = "10", active = "low", pull = "up" }`, `{ site = "10", active = "low", pull = "down" }`, "reset.pin: a pin of an iCE40 has no pull; remove it"},
		{`{ site = "11", active = "low" }`, `{ site = "11", active = "low", drive = 4 }`, "led.busy: a pin of an iCE40 has no drive; remove it"},
		{`tx_o = "9"`, `tx_o = { site = "9", slew = "slow" }`, "tx_o: a pin of an iCE40 has no slew; remove it"},
	} {
		if _, err := Parse("b", "board.toml", bytes.Replace(file, []byte(tt.old), []byte(tt.new), 1)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
}

// The rings of an Ethernet link are of nine bits, for which blocks have a ninth one: three of an ECP5 for 4,096 and 2,048 bytes.
func TestRings(t *testing.T) {
	b, err := Load("colorlight-i9")
	if err != nil {
		t.Fatal(err)
	}
	l, err := b.TakenLink(device.Ethernet)
	if err != nil {
		t.Fatal(err)
	}
	with, without := b.config(b.Device.Lanes), b.config(b.Device.Lanes)
	with.Link, without.Link = l.Config(b.Clock.CoreHz), device.Link{}
	if n := b.Need(with)["block"] - b.Need(without)["block"]; n != 3 {
		t.Errorf("%d blocks", n)
	}
}

// A link over a PHY: a clock that comes in, lists of pins, delays, a joined port, the PHY's reset and a clock for it.
func TestPHY(t *testing.T) {
	good, err := os.ReadFile("testdata/good.toml")
	if err != nil {
		t.Fatal(err)
	}
	link := `kind = "ethernet"
phy = "rgmii"
mac = "02:6e:6d:63:00:01"
ip = "10.0.0.2"
fifo = 4096
joined = { tx_clk_i = "rgmii_rxc_i" }
resets = { phy_reset = { site = "P4", active = "low" } }
pins = { rgmii_rxc_i = "H2", rgmii_rx_ctl_i = { site = "P2", delay = 2000 }, rgmii_rxd_i = [
  { site = "K2", delay = 2000 }, { site = "L1", delay = 2000 }, { site = "N1", delay = 2000 }, { site = "P1", delay = 2000 } ],
  rgmii_txc_o = "G1", rgmii_txd_o = ["H1", "J1"] }
`
	old := "kind = \"uart\"\nbaud = 3_000_000\npins = { rx_i = \"M1\", tx_o = \"L4\" }\n"
	text := strings.Replace(string(good), old, link, 1)
	b, err := Parse("phy", "board.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	generated(t, "phy", b, b.config(16), ethernetTop)

	artix := strings.NewReplacer(`"ecp5"`, `"xc7"`, `"85k"`, `"xc7a100t"`, "25_000_000", "100_000_000", "62_500_000", "50_000_000", ", delay = 2000", "",
		"resets = ", "clock_out = { pin = \"G18\", hz = 25_000_000 }\nresets = ").Replace(text)
	if b, err = Parse("phy", "board.toml", []byte(artix)); err != nil {
		t.Fatal(err)
	}
	generated(t, "phy-artix", b, b.config(16), ethernetTop)

	for _, tt := range []struct{ in, old, new, want string }{
		{text, "delay = 2000 }, rgmii_rxd", "delay = 20000 }, rgmii_rxd", "rgmii_rx_ctl_i: a delay of 20000 ps; only an ECP5 delays, by at most 3175 ps; remove it"},
		{artix, "hz = 25_000_000 }", "hz = 7_000_000 }", "clock_out: 7000000 Hz cannot be made of the PLL's 600000000 Hz"},
		{text, "resets = ", "clock_out = { pin = \"G18\", hz = 25_000_000 }\nresets = ", "only an Artix-7 whose PLL is used gives a clock out"},
		{text, `phy = "rgmii"`, `phy = "gmii"`, `phy = "gmii" is none of mii, rmii, rgmii`},
		{text, "02:6e:6d:63:00:01", "03:6e:6d:63:00:01", `mac = "03:6e:6d:63:00:01" is the address of a group; use one whose first byte is even`},
		{text, "fifo = 4096", "fifo = 3000", "fifo = 3000 is no power of two"},
		{text, "frame_bytes = 1024", "frame_bytes = 1465", "a datagram carries no frame of frame_bytes = 1465; use at most 1464"},
		{text, "ip = \"10.0.0.2\"\n", "", "an Ethernet link needs ip; add ip = \"10.0.0.2\""},
	} {
		if _, err := Parse("phy", "board.toml", []byte(strings.Replace(tt.in, tt.old, tt.new, 1))); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
	for _, tt := range []struct{ old, new, want string }{
		{`joined = { tx_clk_i = "rgmii_rxc_i" }`, `joined = { tx_clk_i = "rgmii_txc_o" }`, "tx_clk_i gets rgmii_txc_o, which is no input of nmc_top"},
		{`joined = { tx_clk_i = `, `joined = { tx_clock_i = "rgmii_rxc_i", tx_clk_i = `, "joined of the link \"ethernet\" names tx_clock_i, which is no port of nmc_top"},
	} {
		b, err := Parse("phy", "board.toml", []byte(strings.Replace(text, tt.old, tt.new, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Top(b.config(16), []byte(ethernetTop)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
}

// Pins that the board wants held are driven for ever, high or low.
func TestTied(t *testing.T) {
	good, err := os.ReadFile("testdata/good.toml")
	if err != nil {
		t.Fatal(err)
	}
	b, err := Parse("tied", "board.toml", bytes.Replace(good, []byte("[device]"), []byte("[tied]\nwifi = \"L2\"\noff = { site = \"F1\", active = \"low\", drive = 4 }\n[device]"), 1))
	if err != nil {
		t.Fatal(err)
	}
	c := uart(t, b)
	top, err := b.Top(c, []byte(uartTop))
	if err != nil {
		t.Fatal(err)
	}
	constraints, err := b.Constraints(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"\n    output wire tied_wifi,\n", "\n  assign tied_wifi = 1'b1;", "\n  assign tied_off = 1'b0;",
		"LOCATE COMP \"tied_wifi\" SITE \"L2\";\n", "IOBUF PORT \"tied_off\" IO_TYPE=LVCMOS33 PULLMODE=NONE DRIVE=4;\n",
	} {
		if text := string(top) + string(constraints); !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
}

func TestLoad(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"icebraker", `no board "icebraker"; did you mean "icebreaker"?; the boards are arty-a7-100t, `},
		{"./absent", `./absent: no such folder; a board of your own is a folder with a board.toml`},
		{"testdata", `testdata: no board.toml in this folder`},
	} {
		if _, err := Load(tt.name); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
	dir := filepath.Join(t.TempDir(), "myboard")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile("testdata/good.toml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, File), good, 0o666); err != nil {
		t.Fatal(err)
	}
	if b := load(t, dir); b.Name != "myboard" || b.Part.Block != 208 {
		t.Errorf("a board of one's own: %+v", b)
	}
}

// Pins of a link and ports of nmc_top are the same, in number, too.
func TestPorts(t *testing.T) {
	b := load(t, "icebreaker")
	c := uart(t, b)
	for _, tt := range []struct{ old, new, want string }{
		{"input  wire        rx_i", "input  wire        x_i", `the link "uart" names no pin for the port x_i of nmc_top`},
		{"input  wire        rx_i", "input  wire [ 1:0] rx_i", `the port rx_i of nmc_top has 2 bits, pins of the link "uart" has 1`},
		{"    output wire        tx_o,\n", "", `pins of the link "uart" names tx_o, which is no port of nmc_top`},
	} {
		_, err := b.Top(c, []byte(strings.Replace(uartTop, tt.old, tt.new, 1)))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
	c.Link = device.Link{}
	if _, err := b.Top(c, []byte(uartTop)); err == nil || !strings.Contains(err.Error(), `the device has the link "stream", icebreaker has other pins`) {
		t.Errorf("a device without a link: %v", err)
	}
}

func TestPLL(t *testing.T) {
	for _, tt := range []struct {
		flow     string
		in, core int
		want     pll
	}{
		{"ice40", 12e6, 12e6, pll{none: true, hz: 12e6}},
		{"ice40", 12e6, 24e6, pll{div: 1, mult: 64, outDiv: 32, hz: 24e6}}, // icepll -i 12 -o 24
		{"ice40", 12e6, 30e6, pll{div: 1, mult: 80, outDiv: 32, hz: 30e6}}, // icepll -i 12 -o 30
		{"ecp5", 25e6, 62.5e6, pll{div: 2, mult: 5, outDiv: 7, loop: 7, hz: 62.5e6}},
		{"ecp5", 25e6, 60e6, pll{div: 1, mult: 1, outDiv: 10, loop: 24, hz: 60e6}},
		{"xc7", 100e6, 50e6, pll{div: 1, mult: 6, outDiv: 12, hz: 50e6}},
	} {
		b := &Board{Clock: Clock{Hz: tt.in, CoreHz: tt.core}, Family: Family{Flow: tt.flow}}
		got, err := b.pll()
		if err != nil {
			t.Errorf("%s %d of %d: %v", tt.flow, tt.core, tt.in, err)
		}
		if got != tt.want {
			t.Errorf("%s %d of %d: %+v, want %+v", tt.flow, tt.core, tt.in, got, tt.want)
		}
	}
}

// What the blocks of the UP5K's device are counted to is what its synthesis takes (docs/results/size.md).
func TestNeed(t *testing.T) {
	b := load(t, "icebreaker")
	c := b.config(4)
	c.Link = device.Link{}
	want := map[string]int{"multipliers": 8, "block": 30, "single": 4}
	if d := cmp.Diff(want, b.Need(c)); d != "" {
		t.Error(d)
	}
	c.ProgramDepth = 512
	if err := b.Fits(c); err == nil || err.Error() != "the iCE40 UP5K does not hold the device: it takes 38 EBR of 30 (8 too many)" {
		t.Errorf("a deeper program: %v", err)
	}
}

func TestChoices(t *testing.T) {
	b := load(t, "ulx3s-85f")
	all, err := b.Choices(device.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var lanes []int
	for i, c := range all {
		lanes = append(lanes, c.Lanes)
		if err := b.Fits(c); err != nil {
			t.Errorf("choice %d: %v", i, err)
		}
	}
	if d := cmp.Diff([]int{16, 16, 8, 8, 4, 4, 2, 2, 1, 1}, lanes); d != "" {
		t.Error(d)
	}
	if all[1].WeightDepth <= all[0].WeightDepth {
		t.Errorf("the second choice has %d words of weights, the first %d", all[1].WeightDepth, all[0].WeightDepth)
	}
	deeper := all[1]
	if deeper.WeightDepth += 1024; b.Fits(deeper) == nil {
		t.Errorf("the part holds more than the deepest choice")
	}
	all, err = b.Choices(device.Config{Lanes: 64, WeightDepth: 2048})
	if err != nil || len(all) != 1 || all[0].Lanes != 64 || all[0].WeightDepth != 2048 {
		t.Errorf("what is asked for: %+v, %v", all, err)
	}
	if _, err = b.Choices(device.Config{Lanes: 16, WeightDepth: 1 << 20}); err == nil || !strings.Contains(err.Error(), "DP16KD of 208") {
		t.Errorf("more than the part has: %v", err)
	}
}
