package board

import (
	"fmt"
	"maps"
	"math/bits"
	"regexp"
	"slices"
	"strings"

	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/place"
	"github.com/nmc-fpga/nmc/firmware/device"
)

// Parse reads the text of a board.toml; name is the board's, file is for messages. The error is a diag.List with everything
// that is wrong.
func Parse(name, file string, text []byte) (*Board, error) {
	s := &source{file: file, text: text}
	b := &Board{Name: name, File: file}
	tree := s.decode(b)
	if err := s.list.Err(); err != nil {
		return nil, err
	}
	c := &checker{s: s, tree: tree}
	c.board(b)
	if err := s.list.Err(); err != nil {
		return nil, err
	}
	return b, nil
}

// identifier is what the Verilog takes as the end of a port's name.
var identifier = regexp.MustCompile(`^\w+$`)

// checker says what is wrong with a board whose keys and types are right.
type checker struct {
	s    *source
	tree *place.Node
}

// at is the place of the value under keys, or of the innermost table that is there; -1 where nothing is.
func (c *checker) at(keys ...string) int {
	n := c.tree
	for i, k := range keys {
		next := n.Table[k]
		if next == nil {
			if i == 0 {
				return -1
			}
			return n.Start
		}
		n = next
	}
	return n.Start
}

// missing reports a key that must be there.
func (c *checker) missing(example string, keys ...string) {
	c.s.say(c.at(keys...), strings.Join(keys, ".")+" is missing", "add "+example)
}

// word reports a value that is none of the words.
func (c *checker) word(value string, words []string, keys ...string) bool {
	if slices.Contains(words, value) {
		return true
	}
	remedy := "write one of them"
	if near := diag.Nearest(value, words); near != "" {
		remedy = fmt.Sprintf("did you mean %q?", near)
	}
	c.s.say(c.at(keys...), fmt.Sprintf("%s = %q is none of %s", strings.Join(keys, "."), value, strings.Join(words, ", ")), remedy)
	return false
}

func (c *checker) board(b *Board) {
	if b.Title == "" {
		c.missing(`title = "My board"`, "title")
	}
	if b.FamilyName == "" {
		c.missing(fmt.Sprintf("family, one of %s", strings.Join(FamilyNames(), ", ")), "family")
	} else if c.word(b.FamilyName, FamilyNames(), "family") {
		f, err := family(b.FamilyName)
		if err != nil {
			c.s.say(c.at("family"), err.Error(), "")
			return
		}
		b.Family = *f
		parts := slices.Sorted(maps.Keys(f.Parts))
		if b.PartName == "" {
			c.missing("part, one of "+strings.Join(parts, ", "), "part")
		} else if c.word(b.PartName, parts, "part") {
			b.Part = f.Parts[b.PartName]
		}
	}
	if b.Package == "" {
		c.missing("package, as place and route names it", "package")
	}
	c.clock(b)
	if b.Reset != nil {
		c.pin(b, b.Reset.Pin, "reset", "pin")
	}
	for light, p := range b.LEDs {
		if c.word(light, slices.Sorted(maps.Keys(Lights)), "led", light) {
			c.pin(b, p, "led", light)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.Tied)) {
		if !identifier.MatchString(name) {
			c.s.say(c.tree.Table["tied"].Table[name].Key, fmt.Sprintf("tied.%s: %q cannot be the name of a port", name, name), "write letters, digits and underscores")
		}
		c.pin(b, b.Tied[name], "tied", name)
	}
	c.device(b)
	c.links(b)
	c.flash(b.Flash)
	c.twice(b)
}

func (c *checker) clock(b *Board) {
	k := b.Clock
	if k.Pin.Site == "" {
		c.missing(`pin = "35"`, "clock", "pin")
	} else {
		c.pin(b, k.Pin, "clock", "pin")
	}
	if k.Hz == 0 {
		c.missing("hz = 12_000_000", "clock", "hz")
		return
	}
	if k.CoreHz == 0 {
		b.Clock.CoreHz = k.Hz
	}
	if b.Family.Flow == "" {
		return
	}
	if _, err := b.pll(); err != nil {
		c.s.say(c.at("clock", "core_hz"), err.Error(), "use a rate that the PLL makes, or hz itself")
	}
}

// pin checks one pin.
func (c *checker) pin(b *Board, p Pin, keys ...string) {
	if p.Site == "" {
		c.s.say(c.at(keys...), strings.Join(keys, ".")+" has no site", `write the pin or ball of the package: "35"`)
	}
	if strings.ContainsAny(p.Site, " \t\n\";{}[]") {
		c.s.say(c.at(keys...), fmt.Sprintf("%s: %q is no pin or ball of a package", strings.Join(keys, "."), p.Site), `write it as the data sheet does: "35" or "G2"`)
	}
	word := func(value string, words []string, key string) {
		if value != "" {
			c.word(value, words, append(slices.Clone(keys), key)...)
		}
	}
	word(p.Active, []string{"high", "low"}, "active")
	word(p.Pull, []string{"up", "down"}, "pull")
	word(p.Slew, []string{"fast", "slow"}, "slew")
	for _, key := range b.lacks(p) {
		c.s.say(c.at(append(slices.Clone(keys), key)...), fmt.Sprintf("%s: a pin of an iCE40 has no %s", strings.Join(keys, "."), key), "remove it")
	}
}

// lacks are the keys of a pin that its constraint file has no words for: an iCE40 pulls up or not at all, and has one standard.
func (b *Board) lacks(p Pin) (keys []string) {
	if b.Family.Flow != "ice40" {
		return nil
	}
	for _, k := range []struct {
		key   string
		given bool
	}{{"pull", p.Pull == "down"}, {"io", p.IO != ""}, {"drive", p.Drive != 0}, {"slew", p.Slew != ""}} {
		if k.given {
			keys = append(keys, k.key)
		}
	}
	return keys
}

// device checks the device and fills in what the family has.
func (c *checker) device(b *Board) {
	d, f := &b.Device, b.Family.Device
	for _, k := range []struct {
		key          string
		value        *int
		preset, most int
	}{
		{"lanes", &d.Lanes, f.Lanes, 64},
		{"weight_depth", &d.WeightDepth, f.WeightDepth, 1 << 22},
		{"vector_depth", &d.VectorDepth, f.VectorDepth, 1 << 16},
		{"program_depth", &d.ProgramDepth, f.ProgramDepth, 1 << 12},
		{"table_depth", &d.TableDepth, f.TableDepth, 1 << 12},
		{"weight_ports", &d.WeightPorts, f.WeightPorts, 2},
		{"frame_bytes", &d.FrameBytes, f.FrameBytes, 4096},
	} {
		if *k.value == 0 {
			*k.value = k.preset
		}
		switch {
		case *k.value == 0:
			c.missing(k.key+" = N", "device", k.key)
		case *k.value > k.most:
			c.s.say(c.at("device", k.key), fmt.Sprintf("%s = %d is more than %d", k.key, *k.value, k.most), "use less")
		}
	}
	if bits.OnesCount(uint(d.Lanes)) > 1 {
		c.s.say(c.at("device", "lanes"), fmt.Sprintf("lanes = %d is not a power of two", d.Lanes), "use 1, 2, 4, 8, 16, 32 or 64")
	}
	if d.Units == "" {
		d.Units = f.Units
	}
	if c.word(d.Units, []string{"all", "used"}, "device", "units") && len(c.s.list) == 0 {
		if err := b.Fits(b.config(d.Lanes)); err != nil {
			c.s.say(c.at("device"), err.Error(), "make its memories smaller or take fewer lanes")
		}
	}
}

func (c *checker) links(b *Board) {
	if len(b.Links) == 0 {
		c.missing(`[[link]] with kind = "uart"`, "link")
		return
	}
	for i, l := range b.Links {
		n := c.tree.Table["link"].Array[i]
		say := func(key, message, remedy string) {
			at := n.Start
			if k := n.Table[key]; k != nil {
				at = k.Start
			}
			c.s.say(at, message, remedy)
		}
		switch l.Kind {
		case device.UART:
			if l.Baud == 0 {
				say("baud", "a UART needs baud", "add baud = 1_000_000")
			}
		case device.Ethernet:
			for _, k := range []struct{ key, value, example string }{{"mac", l.MAC, `mac = "02:6e:6d:63:00:01"`}, {"ip", l.IP, `ip = "10.0.0.2"`}} {
				if k.value == "" {
					say(k.key, "an Ethernet link needs "+k.key, "add "+k.example)
				}
			}
		default:
			say("kind", fmt.Sprintf("kind = %q is none of uart, ethernet", l.Kind), `write kind = "uart"`)
		}
		for _, f := range l.Config(b.Clock.CoreHz).Check(b.Device.FrameBytes) {
			if f.Key == "frame_bytes" {
				c.s.say(c.at("device", f.Key), f.Message, f.Remedy)
			} else {
				say(f.Key, f.Message, f.Remedy)
			}
		}
		if len(l.Pins) == 0 {
			say("pins", "the link has no pins", "add pins, by the ports of nmc_top")
		}
		for _, k := range slices.Sorted(maps.Keys(l.Pins)) {
			for _, p := range l.Pins[k] {
				if p.Delay != 0 && (b.Family.Flow != "ecp5" || p.Delay > maxDelay) {
					say("pins", fmt.Sprintf("%s: a delay of %d ps; only an ECP5 delays, by at most %d ps", k, p.Delay, maxDelay), "remove it")
				}
				for _, key := range b.lacks(p) {
					say("pins", fmt.Sprintf("%s: a pin of an iCE40 has no %s", k, key), "remove it")
				}
			}
		}
		if o := l.ClockOut; o != nil && b.Clock.CoreHz != 0 {
			if _, err := b.clockOut(o); err != nil {
				say("clock_out", err.Error(), "use a rate that divides the PLL's")
			}
		}
	}
}

func (c *checker) flash(f Flash) {
	if f.Tool == "" {
		if len(f.SRAM)+len(f.Flash) > 0 {
			c.missing(`tool = "openFPGALoader"`, "flash", "tool")
		}
		return
	}
	for _, t := range []struct {
		mode string
		args []string
	}{{"sram", f.SRAM}, {"flash", f.Flash}} {
		if len(t.args) > 0 && !slices.ContainsFunc(t.args, func(a string) bool { return strings.Contains(a, Bitstream) }) {
			c.s.say(c.at("flash", t.mode), "the arguments do not name the bitstream", "put "+Bitstream+" where its file belongs")
		}
	}
	if len(f.SRAM)+len(f.Flash) == 0 {
		c.missing(`flash = ["-b", "NAME", "-f", "{bitstream}"]`, "flash", "flash")
	}
}

// Bitstream stands for the file in the arguments of Flash.
const Bitstream = "{bitstream}"

// twice reports a site that two pins have; links are alternatives.
func (c *checker) twice(b *Board) {
	for i := range b.Links {
		seen := map[string]string{}
		for _, p := range b.pinsOf(b.Links[i]) {
			if was := seen[p.Site]; was != "" && p.Site != "" {
				c.s.say(-1, fmt.Sprintf("%s and %s both have the site %s", was, p.port, p.Site), "give each its own")
			}
			seen[p.Site] = p.port
		}
	}
}
