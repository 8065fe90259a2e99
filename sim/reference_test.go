package sim

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
	"pgregory.net/rapid"
)

// fill writes elements of a drawn mixture: full range, sparse bytes, extremes, small numbers, few at all.
func fill(t *rapid.T, xs []int16, name string) {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, name), 7))
	kind := rapid.IntRange(0, 5).Draw(t, name+" kind")
	for i := range xs {
		switch kind {
		case 0:
			xs[i] = int16(r.Uint32())
		case 1:
			if r.IntN(4) == 0 {
				xs[i] = int16(r.IntN(256))
			}
		case 2:
			xs[i] = []int16{-32768, 32767, 0, -1, 1}[r.IntN(5)]
		case 3:
			xs[i] = int16(r.IntN(8191) - 4095)
		case 4:
			xs[i] = int16(r.IntN(9) - 4)
		case 5:
			if r.IntN(60) == 0 {
				xs[i] = int16(r.Uint32())
			}
		}
	}
}

// drawMatrix draws an instruction of the matrix format that seldom faults.
func drawMatrix(t *rapid.T, m *Machine, op string) fields {
	lanes := m.cfg.Lanes
	cols := rapid.IntRange(1, 100).Draw(t, "cols")
	rows := rapid.IntRange(1, 20).Draw(t, "rows")
	words := (cols + lanes - 1) / lanes
	half := m.cfg.VectorDepth / 2
	f := fields{
		"wbase":   rapid.IntRange(0, 8).Draw(t, "wbase"),
		"rstride": words + rapid.IntRange(0, 2).Draw(t, "gap"),
		"cols":    cols,
		"rows":    rows,
		"sbase":   rapid.IntRange(0, 4).Draw(t, "sbase"),
		"dbase":   half + rapid.IntRange(0, 4).Draw(t, "dbase"),
		"shift":   rapid.IntRange(0, 47).Draw(t, "shift"),
		"round":   rapid.IntRange(0, 2).Draw(t, "round"),
		"rate":    8,
		"bounds":  9,
		"opt":     rapid.IntRange(0, 1).Draw(t, "opt"),
	}
	if op == "mac.b" {
		f["opt"] = 0
	}
	if op == "mac.b" || op == "mac.r" || op == "blend" {
		f["wsrc"] = rapid.IntRange(0, 2).Draw(t, "wsrc")
	}
	if op == "mac.b" || op == "mac.r" && f["opt"] == 0 {
		f["widein"] = rapid.IntRange(0, 1).Draw(t, "widein")
		f["wideout"] = rapid.IntRange(0, 1).Draw(t, "wideout")
	}
	if op == "blend" {
		f["sbase"] = m.cfg.WeightDepth / 2
		f["dbase"] = 0
		if rapid.Bool().Draw(t, "in place") {
			f["sbase"] = f["wbase"]
		}
		if f["wsrc"] != 0 {
			f["round"] = rapid.IntRange(0, 1).Draw(t, "round of draws")
		}
	}
	if rapid.Bool().Draw(t, "grouped") {
		f["group"] = 3
		m.regs[12] = rapid.Int32Range(0, 20).Draw(t, "first")
		outer := rapid.Int32Range(0, 4).Draw(t, "outer")
		stride := int32(rows) + rapid.Int32Range(0, 5).Draw(t, "stride")
		if rapid.IntRange(0, 9).Draw(t, "overlapping") == 0 {
			stride = 1
		}
		m.regs[13] = outer<<16 | stride
		m.regs[14] = rapid.Int32Range(0, 5).Draw(t, "words")
		m.regs[15] = rapid.Int32Range(0, 3).Draw(t, "lane offset") * int32(lanes)
		if op == "blend" && f["sbase"] == f["wbase"] {
			m.regs[15] = m.regs[14]
		}
	}
	return f
}

// drawVector draws an instruction of the vector format that seldom faults.
func drawVector(t *rapid.T, m *Machine, op string) fields {
	third := m.cfg.VectorDepth / 4
	f := fields{
		"fn":     rapid.IntRange(0, 4).Draw(t, "fn"),
		"n":      rapid.IntRange(1, 150).Draw(t, "n"),
		"shift":  rapid.IntRange(0, 47).Draw(t, "shift"),
		"round":  rapid.IntRange(0, 2).Draw(t, "round"),
		"bounds": 9,
		"tensor": rapid.IntRange(0, 255).Draw(t, "tensor"),
	}
	if rapid.Bool().Draw(t, "small shift") {
		f["shift"] = rapid.IntRange(0, 16).Draw(t, "shift")
	}
	if op == "dig" {
		f["space"] = rapid.IntRange(0, 2).Draw(t, "space")
		f["c"] = rapid.IntRange(1, 4).Draw(t, "digest rows")
		f["dst"] = 160
		if f["space"] == 2 {
			f["n"] = rapid.IntRange(1, 64).Draw(t, "registers")
		}
		return f
	}
	draws := f["round"] == 2 && f["fn"] == isa.FnMac && op == "vec"
	for i, o := range []string{"a", "b", "c"} {
		mode := rapid.IntRange(0, 5).Draw(t, o+"mode")
		if mode > 3 && draws {
			mode = 1
		}
		draws = draws || mode > 3
		f[o+"mode"] = mode
		switch mode {
		case isa.SrcVector:
			f[o] = third*i + rapid.IntRange(0, 2).Draw(t, o)
		case isa.SrcReg:
			f[o] = rapid.IntRange(0, 63).Draw(t, o)
		case isa.SrcImm:
			f[o] = rapid.IntRange(0, 65535).Draw(t, o)
		}
	}
	f["dst"] = 3 * third
	if rapid.Bool().Draw(t, "in place") && f["amode"] == 1 {
		f["dst"] = f["a"]
	}
	switch op {
	case "tab", "amax":
		f["amode"], f["a"] = 1, 0
		f["c"] = rapid.IntRange(0, 256).Draw(t, "table")
	}
	if op == "dot" || op == "amax" {
		f["dst"] = rapid.IntRange(0, 62).Draw(t, "dst register")
	}
	if rapid.Bool().Draw(t, "grouped") {
		f["group"] = 3
		for i := range 4 {
			m.regs[12+i] = rapid.Int32Range(0, 2).Draw(t, "offset") * int32(m.cfg.Lanes)
		}
	}
	return f
}

// equal reports how two machines differ.
func equal(t *rapid.T, name string, got, want *Machine) {
	for _, c := range []struct {
		memory    string
		got, want []int16
	}{{"weights", got.weights, want.weights}, {"vectors", got.vectors, want.vectors}} {
		if !slices.Equal(c.got, c.want) {
			for i := range c.got {
				if c.got[i] != c.want[i] {
					t.Fatalf("%s: %s, word %d lane %d: got %d, want %d", name, c.memory, i/got.cfg.Lanes, i%got.cfg.Lanes, c.got[i], c.want[i])
				}
			}
		}
	}
	if got.regs != want.regs {
		t.Fatalf("%s: registers: got %v, want %v", name, got.regs, want.regs)
	}
	if got.overflow != want.overflow || got.digest != want.digest || got.key != want.key {
		t.Fatalf("%s: overflow %d digest %x key %v, want %d %x %v", name, got.overflow, got.digest, got.key, want.overflow, want.digest, want.key)
	}
}

// twin returns a machine in the state of m.
func twin(t *rapid.T, m *Machine, opts ...Option) *Machine {
	c, err := New(m.cfg, opts...)
	if err != nil {
		t.Fatal(err)
	}
	copy(c.weights, m.weights)
	copy(c.vectors, m.vectors)
	copy(c.program, m.program)
	copy(c.tables, m.tables)
	c.regs, c.key = m.regs, m.key
	return c
}

// The kernels, portable and not, on one thread and on several, do what the definitions say.
func TestKernelsAgainstReference(t *testing.T) {
	for _, op := range isa.Ops {
		draw := drawMatrix
		switch op.Format {
		case "vector":
			draw = drawVector
		case "scalar":
			continue // both machines share them; see TestScalarsAgainstBig
		}
		t.Run(op.Name, func(t *testing.T) {
			faults, total := 0, 0
			rapid.Check(t, func(t *rapid.T) {
				lanes := 1 << rapid.IntRange(0, 6).Draw(t, "log lanes")
				cfg := device.Config{Lanes: lanes, WeightDepth: 16384/lanes + 200, VectorDepth: max(4096/lanes, 32), ProgramDepth: 16, TableDepth: 512}
				oracle, err := New(cfg, WithReference())
				if err != nil {
					t.Fatal(err)
				}
				fill(t, oracle.weights, "weights")
				fill(t, oracle.vectors[:len(oracle.vectors)/2], "vectors low")
				fill(t, oracle.vectors[len(oracle.vectors)/2:], "vectors high")
				for i := range oracle.tables {
					oracle.tables[i] = uint32(i) * 0x9e3779b1
				}
				oracle.key.Row, oracle.key.Col = rapid.Uint32().Draw(t, "row key"), rapid.Uint32().Draw(t, "column key")
				oracle.regs[8] = int32(rapid.OneOf(rapid.Int16(), rapid.Int16Range(-64, 64)).Draw(t, "rate"))<<16 | 0x1234
				if rapid.Bool().Draw(t, "bounded") {
					oracle.regs[9] = rapid.Int32().Draw(t, "bounds")
				} else {
					oracle.regs[9] = 0x7fff8000
				}
				load(t, oracle, 0, encode(t, op.Name, draw(t, oracle, op.Name)), encode(t, "halt", nil))
				machines := map[string]*Machine{
					"best":          twin(t, oracle),
					"portable":      twin(t, oracle, WithPortable()),
					"three threads": twin(t, oracle, WithThreads(3)),
				}
				want := step(t, oracle)
				total++
				if want != nil {
					faults++
				}
				for name, m := range machines {
					m.worthwhile = 1
					got := step(t, m)
					if (got == nil) != (want == nil) || got != nil && got.Error() != want.Error() {
						t.Fatalf("%s: got fault %v, want %v", name, got, want)
					}
					equal(t, name, m, oracle)
					m.Close()
				}
			})
			if faults*4 > total {
				t.Errorf("%d of %d instructions ended in a fault; the generator tests too little", faults, total)
			}
		})
	}
}

// step runs a program from entry 0 and returns its fault.
func step(t *rapid.T, m *Machine) *Fault {
	if err := m.Submit(device.Run{}); err != nil {
		t.Fatal(err)
	}
	_, err := m.Result()
	var f *Fault
	if err != nil && !errors.As(err, &f) {
		t.Fatal(err)
	}
	return f
}
