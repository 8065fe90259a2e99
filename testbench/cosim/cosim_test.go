package cosim

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
	"github.com/nmc-fpga/nmc/sim"
)

var (
	seed     = flag.Uint64("cosim.seed", 1, "seed of the random programs")
	duration = flag.Duration("cosim.time", 0, "time for each configuration, 0: a short test")
	lanes    = flag.Int("cosim.lanes", 0, "only this number of lanes")
	length   = flag.Int("cosim.length", 5, "instructions of a program, at most")
	only     = flag.String("cosim.ops", "", "only these operations, separated by commas")
)

// pair is a simulator and an engine in the same state.
type pair struct {
	cfg device.Config
	sim *sim.Machine
	eng *Engine
	n   int // runs
}

type area struct {
	space device.Space
	size  int
	words int // halfwords of a word
}

func (p *pair) areas() []area {
	c := p.cfg
	return []area{
		{device.Weights, c.WeightDepth * c.Lanes, c.Lanes}, {device.Vectors, c.VectorDepth * c.Lanes, c.Lanes},
		{device.Registers, 2 * device.NumRegs, 2},
	}
}

var spaceNames = []string{"weights", "vectors", "program", "tables", "registers"}

func (p *pair) write(t *testing.T, space device.Space, addr uint32, data []uint16) {
	t.Helper()
	if err := errors.Join(p.sim.Write(space, addr, data), p.eng.Write(space, addr, data)); err != nil {
		t.Fatal(err)
	}
}

// restore gives the simulator the engine's memories.
func (p *pair) restore(t *testing.T) {
	for _, a := range p.areas() {
		d, err := p.eng.Read(a.space, 0, a.size)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.sim.Write(a.space, 0, d); err != nil {
			t.Fatal(err)
		}
	}
}

// align gives both the same digest and key again.
func (p *pair) align(t *testing.T) {
	key := isa.Word{}
	key.Put(0, 6, isa.Key)
	p.write(t, device.Program, 8*uint32(device.Digest), halfwords([]isa.Word{key, {}}))
	if err := p.sim.Submit(device.Run{Entry: device.Digest}); err != nil {
		t.Fatal(err)
	}
	if _, err := p.sim.Result(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.eng.Run(device.Digest, 0, 0, 0, true); err != nil {
		t.Fatal(err)
	}
}

func halfwords(program []isa.Word) []uint16 {
	var halves []uint16
	for _, w := range program {
		for _, x := range w {
			halves = append(halves, uint16(x), uint16(x>>16))
		}
	}
	return halves
}

// run runs one program on both; false when the simulator rejects it.
func (p *pair) run(t *testing.T, g *Generator, program []isa.Word, entry device.Entry, limit uint32) bool {
	t.Helper()
	p.write(t, device.Program, uint32(entry)*8, halfwords(program))
	label := uint16(g.Uint32())
	if err := p.sim.Submit(device.Run{Entry: entry, Label: label, Limit: limit}); err != nil {
		t.Fatal(err)
	}
	want, err := p.sim.Result()
	if err != nil {
		var f *sim.Fault
		if !errors.As(err, &f) {
			t.Fatal(err)
		}
		p.restore(t)
		p.align(t)
		return false
	}
	p.n++
	skip := g.IntN(3) != 0
	got, err := p.eng.Run(entry, label, limit, 0, skip)
	if err != nil {
		t.Fatal(err)
	}
	var bad []string
	if got.Hung {
		bad = append(bad, "does not end")
	}
	if got.Stopped != want.Stopped || got.Retired != p.sim.Retired() || got.Overflow != want.Overflow || got.Digest != want.Digest {
		bad = append(bad, fmt.Sprintf("engine stopped %v, retired %d, overflow %d, digest %016x; simulator stopped %v, retired %d, overflow %d, digest %016x",
			got.Stopped, got.Retired, got.Overflow, got.Digest, want.Stopped, p.sim.Retired(), want.Overflow, want.Digest))
	}
	if !got.Hung {
		for _, a := range p.areas() {
			x, err := p.eng.Read(a.space, 0, a.size)
			if err != nil {
				t.Fatal(err)
			}
			y, err := p.sim.Read(a.space, 0, a.size)
			if err != nil {
				t.Fatal(err)
			}
			count := 0
			for i := range x {
				if x[i] == y[i] {
					continue
				}
				if count++; count <= 4 {
					bad = append(bad, fmt.Sprintf("%s word %d lane %d: engine %#04x, simulator %#04x", spaceNames[a.space], i/a.words, i%a.words, x[i], y[i]))
				}
			}
			if count > 4 {
				bad = append(bad, fmt.Sprintf("%s: %d differ", spaceNames[a.space], count))
			}
		}
	}
	if len(bad) > 0 {
		var b strings.Builder
		for i, w := range program {
			fmt.Fprintf(&b, "\n  %3d %s", int(entry)+i, describe(w))
		}
		if got.Hung {
			t.Fatalf("lanes %d, ports %d, run %d, skip %v: %s%s", p.cfg.Lanes, p.cfg.WeightPorts, p.n, skip, strings.Join(bad, "\n  "), b.String())
		}
		regs, _ := p.eng.Read(device.Registers, 0, 2*device.NumRegs)
		fmt.Fprintf(&b, "\n  registers after:")
		for r := range device.NumRegs {
			fmt.Fprintf(&b, " %d:%x", r, uint32(regs[2*r])|uint32(regs[2*r+1])<<16)
		}
		t.Fatalf("lanes %d, ports %d, run %d, skip %v:\n  %s%s", p.cfg.Lanes, p.cfg.WeightPorts, p.n, skip, strings.Join(bad, "\n  "), b.String())
	}
	return true
}

func describe(w isa.Word) string {
	op := isa.ByCode(uint8(w.Get(0, 6)))
	if op == nil {
		return "?"
	}
	s := op.Name
	for _, f := range op.Layout().Fields[1:] {
		if v := w.Get(f.Lo, f.Width); v != 0 {
			s += fmt.Sprintf(" %s=%d", f.Name, v)
		}
	}
	return s
}

func config(lanes, ports int) device.Config {
	return device.Config{Lanes: lanes, WeightDepth: 256, VectorDepth: 128, ProgramDepth: 64, TableDepth: 512, WeightPorts: ports}
}

// without is the device less some units.
func without(c device.Config, units uint32) device.Config {
	c.Omit = int(units)
	return c
}

// units is the set of the units of these names.
func units(names ...string) uint32 {
	var set uint32
	for i, u := range isa.Units {
		if slices.Contains(names, u.Name) {
			set |= 1 << i
		}
	}
	return set
}

// stream is a device that draws for upd.b and blend alone: its lanes share a mixing unit.
func stream() device.Config { return without(config(4, 1), units("updr", "drawn")) }

func name(c device.Config) string {
	s := fmt.Sprintf("lanes=%d/ports=%d", c.Lanes, c.WeightPorts)
	if c.Omit != 0 {
		s += "/without=" + strings.Join(isa.UnitNames(uint32(c.Omit)), "+")
	}
	return s
}

func open(t *testing.T, c device.Config, form Form) *pair {
	t.Helper()
	need := []string{"verilator"}
	if form == Netlist {
		need = append(need, "yosys")
	}
	for _, tool := range need {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is missing; install with scripts/setup", tool)
			}
			t.Skipf("%s is missing; install with scripts/setup", tool)
		}
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	bin, err := Build(root, filepath.Join(root, "build", "cosim"), c, "-O1", form)
	if err != nil {
		t.Fatal(err)
	}
	eng, err := Start(bin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { eng.Close() })
	m, err := sim.New(c, sim.WithReference())
	if err != nil {
		t.Fatal(err)
	}
	return &pair{cfg: c, sim: m, eng: eng}
}

// exercise runs random programs for a number of rounds or the time given.
func exercise(t *testing.T, p *pair, g *Generator, rounds int, until time.Time) {
	halt := isa.Word{}
	for round := 0; round < rounds || time.Now().Before(until); round++ {
		if round%12 == 0 {
			for _, a := range p.areas()[:2] {
				p.write(t, a.space, 0, g.Elements(a.size))
			}
			p.write(t, device.Tables, 0, g.Elements(2*p.cfg.TableDepth))
		}
		p.write(t, device.Registers, 0, g.Registers())
		n := 1 + g.IntN(*length)
		program := make([]isa.Word, n, n+1)
		for i := range program {
			program[i] = g.Instruction(8+i, 8+n)
		}
		program = append(program, halt)
		// Programs stand behind the entries, so that jumps have room; entry 3 clears the digest.
		entry := device.Entry(g.IntN(device.NumEntries))
		for i := range program {
			program[i] = relocate(program[i], int(entry)-8)
		}
		var limit uint32
		if g.IntN(8) == 0 {
			limit = uint32(1 + g.IntN(n))
		}
		p.run(t, g, program, entry, limit)
	}
}

// relocate moves the target of a jump.
func relocate(w isa.Word, by int) isa.Word {
	switch uint8(w.Get(0, 6)) {
	case isa.Jump, isa.Loop, isa.Jeq, isa.Jne, isa.Jlt, isa.Jge:
		f := isa.ByName("jump").Layout().Field("imm")
		w.Put(f.Lo, f.Width, w.Get(f.Lo, f.Width)+uint32(int32(by)))
	}
	return w
}

func generator(c device.Config) *Generator {
	g := &Generator{Rand: rand.New(rand.NewPCG(*seed, uint64(c.Lanes*10+c.WeightPorts))), Config: c}
	if *only != "" {
		g.Only = strings.Split(*only, ",")
	}
	return g
}

// compare runs random programs of every instruction in the engine and the simulator, which must leave the same memories,
// registers, counters and digest.
func compare(t *testing.T, form Form, rounds int, configs ...device.Config) {
	t.Helper()
	for _, c := range configs {
		if *lanes != 0 && *lanes != c.Lanes {
			continue
		}
		t.Run(name(c), func(t *testing.T) {
			p := open(t, c, form)
			exercise(t, p, generator(c), rounds, time.Now().Add(*duration))
			t.Logf("%d runs", p.n)
		})
	}
}

// TestEngineShort compares a few configurations.
func TestEngineShort(t *testing.T) {
	compare(t, Fast, 400,
		config(4, 1), stream(), config(16, 2),
		without(config(4, 1), isa.AllUnits), without(config(4, 1), isa.AllUnits&^units("update")), without(config(4, 1), units("update")))
}

// TestEngine compares all kinds of configuration.
func TestEngine(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	for _, l := range []int{1, 2, 4, 8, 16, 32, 64} {
		for _, ports := range []int{1, 2} {
			c := config(l, ports)
			if l == 2 {
				// Every other unit, and the others; both write weights.
				c = without(c, 0x5555_5555<<(ports-1)&isa.AllUnits&^units("update"))
			}
			if slices.Contains([]int{8, 32}, l) && ports == 1 {
				continue
			}
			compare(t, Fast, 300, c)
		}
	}
}

// TestPlain compares the Verilog as synthesis takes it where it is another one: with two weight ports, the registers for a fast
// clock and the sums and orders that save cells. Eight lanes and more get their constants in groups.
func TestPlain(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	compare(t, Plain, 300, config(4, 2), config(16, 2), without(config(16, 2), units("wide")), config(4, 1), config(16, 1), stream())
}

// TestNetlist compares what Yosys makes of the engine for an iCE40: the models of the part's memories, multiplier blocks and
// cells in place of the Verilog.
func TestNetlist(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	compare(t, Netlist, 40, config(4, 1), stream(), without(config(4, 1), isa.AllUnits))
}
