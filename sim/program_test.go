package sim

import (
	"testing"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

// fields are the fields of an instruction by name.
type fields map[string]int

// encode puts fields into an instruction by the table of package isa.
func encode(t helper, op string, f fields) isa.Word {
	t.Helper()
	o := isa.ByName(op)
	if o == nil {
		t.Fatalf("no operation %q", op)
	}
	var w isa.Word
	w.Put(0, 6, uint32(o.Code))
	for name, v := range f {
		l := o.Layout().Field(name)
		if l == nil {
			t.Fatalf("%s has no field %q", op, name)
		}
		w.Put(l.Lo, l.Width, uint32(v))
	}
	return w
}

// load writes a program at address at.
func load(t helper, m *Machine, at int, program ...isa.Word) {
	t.Helper()
	for i, w := range program {
		half := make([]uint16, 8)
		for j := range half {
			half[j] = uint16(w.Get(uint(j)*16, 16))
		}
		if err := m.Write(device.Program, uint32(at+i)*8, half); err != nil {
			t.Fatal(err)
		}
	}
}

// newMachine returns a small machine.
func newMachine(t testing.TB, lanes int, opts ...Option) *Machine {
	t.Helper()
	m, err := New(device.Config{Lanes: lanes, WeightDepth: 4096, VectorDepth: 2048, ProgramDepth: 64, TableDepth: 512}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m
}

// execute runs the program from entry 0.
func execute(t testing.TB, m *Machine, r device.Run) device.Result {
	t.Helper()
	if err := m.Submit(r); err != nil {
		t.Fatal(err)
	}
	res, err := m.Result()
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestMacBroadcastByHand(t *testing.T) {
	m := newMachine(t, 2)
	load(t, m, 0,
		encode(t, "mac.b", fields{"wbase": 1, "rstride": 2, "cols": 3, "rows": 2, "sbase": 4, "dbase": 8, "shift": 1, "round": 1, "bounds": 5}),
		encode(t, "halt", nil))
	m.regs[5] = 25<<16 | 0xffff&-100
	copy(m.weights[2:], []int16{1, 2, 3, 99, 4, 5, 6, 99})
	copy(m.vectors[8:], []int16{7, 3})
	copy(m.vectors[16:], []int16{-1, -1, -1, -1})
	r := execute(t, m, device.Run{})
	// 7·(1 2 3) + 3·(4 5 6) = 19 29 39, halved and rounded up at ties, the last clamped; the tail lane is untouched.
	want := []int16{10, 15, 20, -1}
	for i, x := range want {
		if got := m.vectors[16+i]; got != x {
			t.Errorf("element %d: got %d, want %d", i, got, x)
		}
	}
	if r.N != 1 || r.Overflow != 0 || m.Retired() != 2 {
		t.Errorf("result %+v, retired %d", r, m.Retired())
	}
}

// helper is what testing and rapid have in common here.
type helper interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// wideAt returns the three halfwords of element e of a wide vector at a word, by docs/numerics.md.
func wideAt(m *Machine, word, e int) (h [3]uint16) {
	lanes := m.cfg.Lanes
	for i := range h {
		h[i] = uint16(m.vectors[(word+3*(e/lanes)+i)*lanes+e%lanes])
	}
	return h
}

// Accumulators are stored as three halfwords a word apart and resume from them without loss.
func TestWideByHand(t *testing.T) {
	for _, opts := range [][]Option{nil, {WithReference()}} {
		m := newMachine(t, 2, opts...)
		f := fields{"wbase": 0, "rstride": 2, "cols": 3, "rows": 2, "sbase": 4, "dbase": 8, "wideout": 1}
		resumed := fields{"widein": 1}
		for k, v := range f {
			resumed[k] = v
		}
		load(t, m, 0, encode(t, "mac.b", f), encode(t, "mac.b", resumed), encode(t, "halt", nil))
		copy(m.weights, []int16{-32768, 32767, 1, 0, -32768, 32767, -1, 0})
		copy(m.vectors[8:], []int16{32767, 32767})
		execute(t, m, device.Run{})
		// Columns: 4·(-32768·32767) = -4294836224, 4·32767² = 4294705156 and 0.
		for e, want := range [][3]uint16{{0x0000, 0x0002, 0xffff}, {0x0004, 0xfffc, 0x0000}, {}} {
			if got := wideAt(m, 8, e); got != want {
				t.Errorf("element %d: got %04x, want %04x", e, got, want)
			}
		}

		// A reduction resumes, too: the middle halfword of element 0 has its top bit set.
		load(t, m, 0,
			encode(t, "mac.r", fields{"wbase": 100, "rstride": 1, "cols": 1, "rows": 3, "sbase": 50, "dbase": 60, "widein": 1, "wideout": 1}),
			encode(t, "halt", nil))
		copy(m.weights[200:], []int16{1, 0, 2, 0, 3, 0})
		m.vectors[100] = 1
		copy(m.vectors[120:], []int16{1, 0, -32768, 0, 8, 0}) // words 60, 61, 62: element 0 is 0x0008_8000_0001
		execute(t, m, device.Run{})
		for e, want := range [][3]uint16{{2, 0x8000, 8}, {2, 0, 0}, {3, 0, 0}} {
			if got := wideAt(m, 60, e); got != want {
				t.Errorf("reduction, element %d: got %04x, want %04x", e, got, want)
			}
		}
	}
}
