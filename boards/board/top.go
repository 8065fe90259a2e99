package board

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nmc-fpga/nmc/firmware/device"
)

// TopModule is the module that Top writes.
const TopModule = "nmc_board"

// clockPort is its pin of the clock that comes from outside.
const clockPort = "clk"

// port is a port of nmc_top.
type port struct {
	name, dir string
	width     int
}

var portLine = regexp.MustCompile(`(?m)^\s*(input|output|inout)\s+(?:wire|reg)?\s*(?:\[\s*(\d+)\s*:\s*0\s*\])?\s*(\w+)\s*,?\s*(?://.*)?$`)

// inner are the ports of nmc_top that are no pins.
func inner(name string) bool {
	return name == "clk_i" || name == "rst_i" || name == "busy_o" || strings.HasPrefix(name, "trace_")
}

// stream is what a top has instead of its link for those who want the bytes.
var stream = regexp.MustCompile("(?s)`ifdef NMC_STREAM.*?`else")

// ports reads the ports of module nmc_top.
func ports(top []byte) []port {
	text := top
	if i := bytes.Index(text, []byte("module nmc_top")); i >= 0 {
		text = text[i:]
	}
	if i := bytes.Index(text, []byte(");")); i >= 0 {
		text = text[:i+1]
	}
	text = stream.ReplaceAll(text, nil)
	var all []port
	for _, m := range portLine.FindAllSubmatch(text, -1) {
		p := port{name: string(m[3]), dir: string(m[1]), width: 1}
		if len(m[2]) > 0 {
			msb, _ := strconv.Atoi(string(m[2]))
			p.width = msb + 1
		}
		all = append(all, p)
	}
	return all
}

// site is a pin of nmc_board.
type site struct {
	Pin
	port string // "led_busy" or "rgmii_rxd_i[2]"
	hz   int    // of a clock
}

// pinsOf are the pins of the board with one of its links.
func (b *Board) pinsOf(l Link) []site {
	all := []site{{Pin: b.Clock.Pin, port: clockPort, hz: b.Clock.Hz}}
	if b.Reset != nil {
		all = append(all, site{Pin: b.Reset.Pin, port: "reset"})
	}
	for _, k := range slices.Sorted(maps.Keys(b.LEDs)) {
		all = append(all, site{Pin: b.LEDs[k], port: "led_" + k})
	}
	for _, k := range slices.Sorted(maps.Keys(b.Tied)) {
		all = append(all, site{Pin: b.Tied[k], port: "tied_" + k})
	}
	for _, k := range slices.Sorted(maps.Keys(l.Pins)) {
		for i, p := range l.Pins[k] {
			s := site{Pin: p, port: k}
			if len(l.Pins[k]) > 1 {
				s.port = fmt.Sprintf("%s[%d]", k, i)
			}
			if strings.HasSuffix(k, "_clk_i") || strings.HasSuffix(k, "_rxc_i") {
				s.hz = l.Speed() / 8 // RGMII; MII has four bits a clock, too, but at 25 MHz
				if l.PHY == "mii" {
					s.hz = 25_000_000
				} else if l.PHY == "rmii" {
					s.hz = 50_000_000
				}
			}
			all = append(all, s)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(l.Resets)) {
		all = append(all, site{Pin: l.Resets[k], port: k})
	}
	if l.ClockOut != nil {
		all = append(all, site{Pin: l.ClockOut.Pin, port: "clock_out"})
	}
	return all
}

// An ECP5 delays in steps of 25 ps, of which it has 127.
const (
	delayStep = 25
	maxDelay  = 127 * delayStep
)

// link finds the link of the board that a device was made for.
func (b *Board) link(c device.Config) (Link, error) {
	for _, l := range b.Links {
		if l.Kind == c.Link.Kind && l.PHY == c.Link.PHY {
			return l, nil
		}
	}
	return Link{}, fmt.Errorf("the device has the link %q, %s has other pins", cmp.Or(c.Link.Kind, "stream"), b.Name)
}

// Top writes the Verilog around nmc_top for a device on this board: clock, reset, pins and lights. top is the text of nmc_top.
func (b *Board) Top(c device.Config, top []byte) ([]byte, error) {
	l, err := b.link(c)
	if err != nil {
		return nil, err
	}
	p, err := b.pll()
	if err != nil {
		return nil, err
	}
	var pins []port
	var joined []string
	for _, q := range ports(top) {
		if inner(q.name) {
			continue
		}
		if from := l.Joined[q.name]; from != "" {
			if !slices.ContainsFunc(ports(top), func(p port) bool { return p.name == from && p.dir == "input" && q.dir == "input" }) {
				return nil, fmt.Errorf("%s: joined of the link %q: %s gets %s, which is no input of nmc_top", b.File, l.Kind, q.name, from)
			}
			joined = append(joined, q.name)
			continue
		}
		pins = append(pins, q)
		switch have := len(l.Pins[q.name]); {
		case have == 0:
			return nil, fmt.Errorf("%s: the link %q names no pin for the port %s of nmc_top; add it to pins", b.File, l.Kind, q.name)
		case have != q.width:
			return nil, fmt.Errorf("%s: the port %s of nmc_top has %d bits, pins of the link %q has %d", b.File, q.name, q.width, l.Kind, have)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(l.Pins)) {
		if !slices.ContainsFunc(pins, func(q port) bool { return q.name == k }) {
			return nil, fmt.Errorf("%s: pins of the link %q names %s, which is no port of nmc_top", b.File, l.Kind, k)
		}
	}
	for k := range l.Joined {
		if !slices.Contains(joined, k) {
			return nil, fmt.Errorf("%s: joined of the link %q names %s, which is no port of nmc_top", b.File, l.Kind, k)
		}
	}

	var w bytes.Buffer
	say := func(format string, args ...any) { fmt.Fprintf(&w, format, args...) }
	say("// %s: nmc_top on the board %s. Made by nmc build of its %s.\n`default_nettype none\n\nmodule %s (\n    input  wire clk", TopModule, b.Title, File, TopModule)
	if b.Reset != nil {
		say(",\n    input  wire reset")
	}
	lights := slices.Sorted(maps.Keys(b.LEDs))
	for _, k := range lights {
		say(",\n    output wire led_%s", k)
	}
	tied := slices.Sorted(maps.Keys(b.Tied))
	for _, k := range tied {
		say(",\n    output wire tied_%s", k)
	}
	for _, q := range pins {
		say(",\n    %-6s wire ", q.dir)
		if q.width > 1 {
			say("[%d:0] ", q.width-1)
		}
		say("%s", q.name)
	}
	resets := slices.Sorted(maps.Keys(l.Resets))
	for _, k := range resets {
		say(",\n    output wire %s", k)
	}
	if l.ClockOut != nil {
		say(",\n    output wire clock_out")
	}
	say("\n);\n  wire core_clk, locked, busy;\n\n")
	out, err := b.clockVerilog(p, l.ClockOut)
	if err != nil {
		return nil, err
	}
	say("%s\n", out)

	released := "locked"
	if b.Reset != nil {
		released = "locked && !reset"
		if b.Reset.Pin.Low() {
			released = "locked && reset"
		}
	}
	say(`
  // Reset: let go of in step with the clock, eight cycles after the clock is there and the button is not pressed.
  reg [1:0] sync_q = 2'd0;
  reg [2:0] hold_q = 3'd0;
  reg       rst_q = 1'b1;
  always @(posedge core_clk) begin
    sync_q <= {sync_q[0], %s};
    if (!sync_q[1]) hold_q <= 3'd0;
    else if (hold_q != 3'd7) hold_q <= hold_q + 3'd1;
    rst_q <= hold_q != 3'd7;
  end
`, released)
	if _, ok := b.LEDs["alive"]; ok {
		say("\n  reg [25:0] beat_q = 26'd0;\n  always @(posedge core_clk) beat_q <= beat_q + 26'd1;\n")
	}
	for _, k := range lights {
		on := map[string]string{"ready": "!rst_q", "busy": "busy", "alive": "beat_q[25]"}[k]
		not := ""
		if b.LEDs[k].Low() {
			not = "!"
		}
		if not == "!" && strings.HasPrefix(on, "!") {
			not, on = "", on[1:]
		}
		say("\n  assign led_%s = %s%s;", k, not, on)
	}
	for _, k := range tied {
		level := 1
		if b.Tied[k].Low() {
			level = 0
		}
		say("\n  assign tied_%s = 1'b%d;", k, level)
	}
	for _, k := range resets {
		not := ""
		if l.Resets[k].Low() {
			not = "!"
		}
		say("\n  assign %s = %srst_q;", k, not)
	}
	say("\n")
	for _, q := range pins {
		if delayed(l.Pins[q.name]) {
			say("\n  wire [%d:0] %s_late;", q.width-1, q.name)
			for i, p := range l.Pins[q.name] {
				bit := ""
				if q.width > 1 {
					bit = fmt.Sprintf("[%d]", i)
				}
				say(`
  DELAYG #(
      .DEL_MODE("SCLK_ALIGNED"),
      .DEL_VALUE(%d)
  ) u_%s_%d (
      .A(%s%s),
      .Z(%s_late[%d])
  );`, p.Delay/delayStep, q.name, i, q.name, bit, q.name, i)
			}
			say("\n")
		}
	}
	say("\n  nmc_top u_top (\n      .clk_i(core_clk),\n      .rst_i(rst_q),\n")
	for _, q := range pins {
		late := ""
		if delayed(l.Pins[q.name]) {
			late = "_late"
		}
		say("      .%s(%s%s),\n", q.name, q.name, late)
	}
	for _, k := range joined {
		say("      .%s(%s),\n", k, l.Joined[k])
	}
	say("      .busy_o(busy),\n      .trace_valid_o(),\n      .trace_pc_o(),\n      .trace_cycles_o()\n  );\nendmodule\n\n`default_nettype wire\n")
	return w.Bytes(), nil
}

// delayed says whether a port's pins are delayed.
func delayed(pins Pins) bool {
	return slices.ContainsFunc(pins, func(p Pin) bool { return p.Delay != 0 })
}

// clockVerilog makes core_clk and locked of clk, and the clock that goes out.
func (b *Board) clockVerilog(p pll, out *ClockOut) (string, error) {
	if p.none {
		return "  assign core_clk = clk;\n  assign locked = 1'b1;", nil
	}
	pfd := float64(b.Clock.Hz) / float64(p.div)
	head := fmt.Sprintf("  // %d Hz of %d Hz.\n", p.hz, b.Clock.Hz)
	switch b.Family.Flow {
	case "ice40":
		return head + fmt.Sprintf(`  SB_PLL40_PAD #(
      .FEEDBACK_PATH("SIMPLE"),
      .DIVR(4'd%d),
      .DIVF(7'd%d),
      .DIVQ(3'd%d),
      .FILTER_RANGE(3'd%d)
  ) u_pll (
      .PACKAGEPIN(clk),
      .PLLOUTGLOBAL(core_clk),
      .LOCK(locked),
      .RESETB(1'b1),
      .BYPASS(1'b0)
  );`, p.div-1, p.mult-1, log2(p.outDiv), filterRange(pfd)), nil
	case "ecp5":
		// Where the feedback has an output of its own, that is CLKOP, and the core's is CLKOS.
		feedback, core, more, outputs := "core_clk", "", "", "      .CLKOP(core_clk),"
		if p.loop != p.outDiv {
			feedback = "feedback"
			core = fmt.Sprintf(`, FREQUENCY_PIN_CLKOS="%g"`, float64(p.hz)/1e6)
			more = fmt.Sprintf("\n      .CLKOS_ENABLE(\"ENABLED\"),\n      .CLKOS_DIV(%d),\n      .CLKOS_CPHASE(%d),\n      .CLKOS_FPHASE(0),", p.outDiv, (p.outDiv-1)/2)
			outputs = "      .CLKOP(feedback),\n      .CLKOS(core_clk),"
			head += "  wire feedback;\n"
		}
		return head + fmt.Sprintf(`  (* FREQUENCY_PIN_CLKI="%g", FREQUENCY_PIN_CLKOP="%g"%s, ICP_CURRENT="12", LPF_RESISTOR="8", MFG_ENABLE_FILTEROPAMP="1", MFG_GMCREF_SEL="2" *)
  EHXPLLL #(
      .PLLRST_ENA("DISABLED"),
      .INTFB_WAKE("DISABLED"),
      .STDBY_ENABLE("DISABLED"),
      .DPHASE_SOURCE("DISABLED"),
      .OUTDIVIDER_MUXA("DIVA"),
      .CLKOP_ENABLE("ENABLED"),
      .CLKI_DIV(%d),
      .CLKFB_DIV(%d),
      .CLKOP_DIV(%d),
      .CLKOP_CPHASE(%d),
      .CLKOP_FPHASE(0),%s
      .FEEDBK_PATH("CLKOP")
  ) u_pll (
      .RST(1'b0),
      .STDBY(1'b0),
      .CLKI(clk),
      .CLKFB(%s),
%s
      .CLKINTFB(),
      .PHASESEL0(1'b0),
      .PHASESEL1(1'b0),
      .PHASEDIR(1'b1),
      .PHASESTEP(1'b1),
      .PHASELOADREG(1'b1),
      .PLLWAKESYNC(1'b0),
      .ENCLKOP(1'b0),
      .LOCK(locked)
  );`, float64(b.Clock.Hz)/1e6, pfd*float64(p.mult)/1e6, core, p.div, p.mult, p.loop, (p.loop-1)/2, more, feedback, outputs), nil
	default:
		second, pin := "", ""
		if out != nil {
			n, err := b.clockOut(out)
			if err != nil {
				return "", err
			}
			second = fmt.Sprintf(",\n      .CLKOUT1_DIVIDE(%d)", n)
			pin = "\n      .CLKOUT1(clock_out),"
		}
		return head + fmt.Sprintf(`  wire feedback, from_pll;
  MMCME2_BASE #(
      .CLKIN1_PERIOD(%.3f),
      .DIVCLK_DIVIDE(%d),
      .CLKFBOUT_MULT_F(%d.0),
      .CLKOUT0_DIVIDE_F(%d.0)%s
  ) u_pll (
      .CLKIN1(clk),
      .CLKFBIN(feedback),
      .CLKFBOUT(feedback),
      .CLKOUT0(from_pll),%s
      .LOCKED(locked),
      .PWRDWN(1'b0),
      .RST(1'b0)
  );
  BUFG u_buffer (
      .I(from_pll),
      .O(core_clk)
  );`, 1e9/float64(b.Clock.Hz), p.div, p.mult, p.outDiv, second, pin), nil
	}
}

func log2(n int) int {
	i := 0
	for ; n > 1; n >>= 1 {
		i++
	}
	return i
}
