package sim

import (
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
	"pgregory.net/rapid"
)

// sat32 is fixed.Sat32 for big numbers.
func sat32(x *big.Int) int32 {
	lo, hi := big.NewInt(-1<<31), big.NewInt(1<<31-1)
	if x.Cmp(lo) < 0 {
		x = lo
	} else if x.Cmp(hi) > 0 {
		x = hi
	}
	return int32(x.Int64())
}

func TestScalarsAgainstBig(t *testing.T) {
	ends := []int32{0, 1, -1, 2, 1<<31 - 1, -1 << 31, -1<<31 + 1, 46340, 46341}
	number := rapid.OneOf(rapid.Int32(), rapid.Int32Range(-9, 9), rapid.SampledFrom(ends))
	rapid.Check(t, func(t *rapid.T) {
		a, b, imm := number.Draw(t, "a"), number.Draw(t, "b"), number.Draw(t, "imm")
		shift := uint(rapid.IntRange(0, 31).Draw(t, "shift"))
		wide := uint(rapid.IntRange(0, 63).Draw(t, "mul shift"))
		A, B := big.NewInt(int64(a)), big.NewInt(int64(b))
		shifted := new(big.Int).Lsh(A, shift)
		product := new(big.Int).Mul(A, B)
		if wide > 0 {
			product.Add(product, new(big.Int).Lsh(big.NewInt(1), wide-1))
		}
		quotient := big.NewInt(1<<31 - 1)
		switch {
		case b != 0:
			quotient.Quo(shifted, B) // toward zero
		case a < 0:
			quotient = big.NewInt(-1 << 31)
		}
		root := new(big.Int)
		if a > 0 {
			root.Sqrt(shifted)
		}
		sum := new(big.Int).Add(A, B)
		for _, c := range []struct {
			op    string
			shift uint
			want  int32
		}{
			{"set", 0, imm},
			{"add", 0, sat32(sum.Add(sum, big.NewInt(int64(imm))))},
			{"sub", 0, sat32(new(big.Int).Sub(A, B))},
			{"mul", wide, sat32(product.Rsh(product, wide))},
			{"div", shift, sat32(quotient)},
			{"sqrt", shift, sat32(root)},
			{"min", 0, min(a, b)},
			{"max", 0, max(a, b)},
			{"and", 0, a & imm},
			{"shl", shift, sat32(shifted)},
			{"shr", shift, int32(new(big.Int).Rsh(A, shift).Int64())},
		} {
			m, err := New(device.Config{Lanes: 1, VectorDepth: 1, ProgramDepth: 8})
			if err != nil {
				t.Fatal(err)
			}
			m.regs[10], m.regs[11] = a, b
			load(t, m, 0,
				encode(t, c.op, fields{"rd": 12, "ra": 10, "rb": 11, "shift": int(c.shift), "imm": int(imm)}),
				encode(t, "halt", nil))
			if f := step(t, m); f != nil {
				t.Fatal(f)
			}
			if m.regs[12] != c.want {
				t.Fatalf("%s %d, %d, shift %d, imm %d: got %d, want %d", c.op, a, b, c.shift, imm, m.regs[12], c.want)
			}
		}
	})
}

// Every field of the instruction set changes the decoded instruction.
func TestDecodeReadsEveryField(t *testing.T) {
	for _, op := range isa.Ops {
		zero := encode(t, op.Name, nil)
		for _, f := range op.Layout().Fields {
			w := zero
			w.Put(f.Lo, f.Width, 1<<f.Width-1)
			// Faults differ in any case; what counts are the fields.
			a, b := decode(zero), decode(w)
			a.fault, b.fault = nil, nil
			if a == b {
				t.Errorf("%s: field %s is not decoded", op.Name, f.Name)
			}
		}
	}
}

func TestBranches(t *testing.T) {
	for _, c := range []struct {
		op    string
		a, b  int32
		taken bool
	}{
		{"jump", 0, 0, true},
		{"jeq", 3, 3, true}, {"jeq", 3, -3, false},
		{"jne", 3, 3, false}, {"jne", 3, -3, true},
		{"jlt", -4, 3, true}, {"jlt", 3, 3, false}, {"jlt", 3, -4, false},
		{"jge", -4, 3, false}, {"jge", 3, 3, true}, {"jge", 3, -4, true},
		{"loop", 2, 0, true}, {"loop", 1, 0, false}, {"loop", 0, 0, true}, {"loop", -1 << 31, 0, true},
	} {
		m := newMachine(t, 1)
		load(t, m, 0,
			encode(t, c.op, fields{"rd": 10, "ra": 10, "rb": 11, "imm": 3}),
			encode(t, "set", fields{"rd": 12, "imm": 1}),
			encode(t, "halt", nil),
			encode(t, "set", fields{"rd": 12, "imm": 2}),
			encode(t, "halt", nil))
		m.regs[10], m.regs[11] = c.a, c.b
		execute(t, m, device.Run{})
		if taken := m.regs[12] == 2; taken != c.taken {
			t.Errorf("%s %d, %d: taken %v, want %v", c.op, c.a, c.b, taken, c.taken)
		}
		if c.op == "loop" && m.regs[10] != c.a-1 {
			t.Errorf("loop %d: counter is %d", c.a, m.regs[10])
		}
	}
}

func TestRunsFollowTheProtocol(t *testing.T) {
	m := newMachine(t, 4)
	write := func(space device.Space, addr uint32, data ...uint16) {
		t.Helper()
		if err := m.Write(space, addr, data); err != nil {
			t.Fatal(err)
		}
	}
	write(device.Control, device.ControlInBase, 40, 0)
	write(device.Control, device.ControlInStride, 16, 0)
	write(device.Control, device.ControlImageID, 1, 2, 3, 4)
	for entry := range 8 {
		load(t, m, entry, encode(t, "jump", fields{"imm": 10 + 4*entry}))
	}
	// Learn answers with the first input element and the label; digest adds a register.
	load(t, m, 14, encode(t, "load", fields{"rd": 2, "ra": 4, "index": 1, "imm": 10}),
		encode(t, "add", fields{"rd": 3, "ra": 1, "rb": 20}), encode(t, "halt", nil))
	load(t, m, 18, encode(t, "halt", nil))
	load(t, m, 22, encode(t, "dig", fields{"space": 2, "a": 1, "n": 1, "tensor": 9}), encode(t, "halt", nil))

	var pcs []int
	m.Trace(func(pc int) { pcs = append(pcs, pc) })
	if err := m.Submit(device.Run{Entry: device.Learn, Label: 65535, Sample: device.Sample{Bytes: []byte{200, 7}}}); err != nil {
		t.Fatal(err)
	}
	if err := m.Submit(device.Run{Entry: device.Learn, Label: 6, Sample: device.Sample{Words: []int16{-300, 8}}}); err != nil {
		t.Fatal(err)
	}
	if err := m.Submit(device.Run{}); err == nil || !strings.Contains(err.Error(), "2 results are outstanding") {
		t.Errorf("third submission: %v", err)
	}
	first, _ := m.Result()
	second, _ := m.Result()
	if first.N != 1 || first.Result != [2]int32{200, 65535} || second.N != 2 || second.Result != [2]int32{-300, 6} {
		t.Errorf("results %+v, %+v", first, second)
	}
	if _, err := m.Result(); err == nil {
		t.Error("a result that nobody submitted")
	}
	// Commit 1 uses buffer 1, commit 2 buffer 0.
	if got := m.vectors[56:58]; !slices.Equal(got, []int16{200, 7}) {
		t.Errorf("buffer 1: %v", got)
	}
	if got := m.vectors[40:42]; !slices.Equal(got, []int16{-300, 8}) {
		t.Errorf("buffer 0: %v", got)
	}
	if want := []int{1, 14, 15, 16, 1, 14, 15, 16}; !slices.Equal(pcs, want) {
		t.Errorf("traced %v, want %v", pcs, want)
	}

	a := execute(t, m, device.Run{Entry: device.Digest})
	b := execute(t, m, device.Run{Entry: device.Digest})
	c := execute(t, m, device.Run{Entry: device.Infer})
	if a.Digest == 0 || a.Digest != b.Digest || c.Digest != a.Digest {
		t.Errorf("digests %x, %x, after infer %x", a.Digest, b.Digest, c.Digest)
	}
	d := execute(t, m, device.Run{Entry: device.Digest, Label: 1})
	if d.Digest == a.Digest {
		t.Error("the digest does not depend on the register")
	}
	id, _ := m.Identity()
	if id.Last != 6 || id.ImageID != 4<<48|3<<32|2<<16|1 || id.HwID != m.Config().ID() || id.Lanes != 4 {
		t.Errorf("identity %+v", id)
	}
}

func TestLimit(t *testing.T) {
	m := newMachine(t, 1)
	load(t, m, 0, encode(t, "set", fields{"rd": 2, "imm": 1}), encode(t, "set", fields{"rd": 2, "imm": 2}), encode(t, "halt", nil))
	for _, c := range []struct {
		limit   uint32
		retired uint32
		result  int32
		stopped bool
	}{{1, 1, 1, true}, {2, 2, 2, true}, {3, 3, 2, false}, {4, 3, 2, false}, {0, 3, 2, false}} {
		r := execute(t, m, device.Run{Limit: c.limit})
		if m.Retired() != c.retired || r.Result[0] != c.result || r.Stopped != c.stopped {
			t.Errorf("limit %d: retired %d, result %d, stopped %v; want %+v", c.limit, m.Retired(), r.Result[0], r.Stopped, c)
		}
	}
}

func TestSpaces(t *testing.T) {
	m := newMachine(t, 2)
	for space := device.Weights; space <= device.Control; space++ {
		size, err := m.size(space)
		if err != nil {
			t.Fatal(err)
		}
		if space == device.Control {
			size = device.ControlDigest // the rest is read only
		}
		data := make([]uint16, size)
		for i := range data {
			data[i] = uint16(i*40503 + int(space))
		}
		if space == device.Control {
			data[device.ControlSkip] = 1
			data[5], data[10], data[11] = 0, 0, 0 // nothing is there
		}
		if err := m.Write(space, 0, data); err != nil {
			t.Fatal(err)
		}
		got, err := m.Read(space, 0, size)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, data) {
			t.Errorf("space %d does not read back", space)
		}
		if one, _ := m.Read(space, uint32(size-1), 1); one[0] != data[size-1] {
			t.Errorf("space %d: last halfword %x, want %x", space, one[0], data[size-1])
		}
	}
	for _, c := range []struct {
		space device.Space
		addr  uint32
		n     int
		want  string
	}{
		{device.Weights, 8191, 2, "space 0: halfwords 8191..8192 lie beyond its 8192"},
		{device.Program, 1 << 31, 1, "lie beyond its 512"},
		{9, 0, 1, "no address space 9"},
	} {
		if err := m.Write(c.space, c.addr, make([]uint16, c.n)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("write: %v, want %q", err, c.want)
		}
		if _, err := m.Read(c.space, c.addr, c.n); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("read: %v, want %q", err, c.want)
		}
	}
}

func TestReadOnlyControl(t *testing.T) {
	m := newMachine(t, 1)
	load(t, m, 0, encode(t, "vec", fields{"amode": 3, "a": 32767, "bmode": 3, "b": 2, "n": 3, "bounds": 9}), encode(t, "halt", nil))
	m.regs[9] = 0x7fff8000
	r := execute(t, m, device.Run{})
	execute(t, m, device.Run{})
	if err := m.Write(device.Control, device.ControlDigest, make([]uint16, 20)); err != nil {
		t.Fatal(err)
	}
	got, _ := m.Read(device.Control, device.ControlCounters, 8)
	if want := []uint16{0, 0, 0, 0, 6, 0, 2, 0}; !slices.Equal(got, want) || r.Overflow != 3 {
		t.Errorf("counters %v, want %v; overflow of a run %d, want 3", got, want, r.Overflow)
	}
}

// A program write takes effect at the next run, however often the old instruction was executed.
func TestProgramWritesAreDecodedAgain(t *testing.T) {
	m := newMachine(t, 1)
	for i := range 3 {
		load(t, m, 0, encode(t, "set", fields{"rd": 2, "imm": i}), encode(t, "halt", nil))
		if r := execute(t, m, device.Run{}); r.Result[0] != int32(i) {
			t.Errorf("result %d, want %d", r.Result[0], i)
		}
	}
}

func TestFaults(t *testing.T) {
	ok := fields{"cols": 4, "rows": 2, "rstride": 2, "dbase": 100, "bounds": 9}
	vec := fields{"n": 4, "amode": 1, "dst": 100}
	with := func(f fields, more fields) fields {
		g := fields{}
		for _, m := range []fields{f, more} {
			for k, v := range m {
				g[k] = v
			}
		}
		return g
	}
	for _, c := range []struct {
		op   string
		f    fields
		want string
	}{
		{"mac.b", with(ok, fields{"shift": 48}), "pc 1: mac.b: shift: 48 is above 47"},
		{"mac.b", with(ok, fields{"round": 3}), "pc 1: mac.b: round: no rounding 3"},
		{"mac.b", with(ok, fields{"wsrc": 3}), "pc 1: mac.b: wsrc: no source 3"},
		{"mac.b", with(ok, fields{"cols": 0}), "pc 1: mac.b: cols: no columns"},
		{"mac.b", with(ok, fields{"rows": 0}), "pc 1: mac.b: rows: no rows"},
		{"mac.b", with(ok, fields{"opt": 1}), "pc 1: mac.b: opt: mac.b has no option"},
		{"mac.r", with(ok, fields{"opt": 1, "widein": 1}), "pc 1: mac.r: opt: a masked mac.r is narrow"},
		{"upd.b", with(ok, fields{"wsrc": 1}), "pc 1: upd.b: wsrc: an update needs a matrix in memory"},
		{"upd.r", with(ok, fields{"widein": 1}), "pc 1: upd.r: widein: only mac has wide accumulators"},
		{"upd.r", with(ok, fields{"wideout": 1}), "pc 1: upd.r: wideout: only mac has wide accumulators"},
		{"blend", with(ok, fields{"wsrc": 1, "round": 2}), "pc 1: blend: round: the draw serves as M and cannot round as well"},
		{"mac.b", with(ok, fields{"wbase": 4093}), "pc 1: mac.b: wbase: words 4093..4096 lie beyond the weight memory of 4096 words"},
		{"mac.b", with(ok, fields{"dbase": 2047}), "pc 1: mac.b: dbase: words 2047..2048 lie beyond the vector memory of 2048 words"},
		{"mac.b", with(ok, fields{"sbase": 2048}), "pc 1: mac.b: sbase: words 2048..2048 lie beyond the vector memory of 2048 words"},
		{"mac.b", with(ok, fields{"dbase": 2042, "wideout": 1}), "pc 1: mac.b: dbase: words 2042..2047"},
		{"mac.b", with(ok, fields{"dbase": 2043, "wideout": 1}), "pc 1: mac.b: dbase: words 2043..2048 lie beyond the vector memory of 2048 words"},
		{"mac.b", with(ok, fields{"dbase": 2043, "widein": 1}), "pc 1: mac.b: dbase: words 2043..2048 lie beyond the vector memory of 2048 words"},
		{"mac.b", with(ok, fields{"dbase": 0}), "pc 1: mac.b: dbase: destination words 0..1 overlap source words 0..0"},
		{"upd.b", with(ok, fields{"rstride": 1}), "pc 1: upd.b: rstride: rows of 2 words overlap at a stride of 1"},
		{"mac.b", with(ok, fields{"group": 4}), "pc 1: mac.b: group: offset 3 of the lane side is not a multiple of 2 lanes"},
		{"mac.r", with(ok, fields{"group": 5}), "pc 1: mac.r: group: runs of 2 elements overlap at a stride of 1"},
		{"blend", with(ok, fields{"sbase": 1, "dbase": 0, "rate": 24}), "pc 1: blend: sbase: M at word 1 overlaps W at word 0"},
		{"blend", with(ok, fields{"sbase": 4094, "dbase": 0}), "pc 1: blend: sbase: words 4094..4097 lie beyond the weight memory of 4096 words"},
		{"vec", with(vec, fields{"n": 0}), "pc 1: vec: n: no elements"},
		{"vec", with(vec, fields{"fn": 5}), "pc 1: vec: fn: no function 5"},
		{"vec", with(vec, fields{"bmode": 6}), "pc 1: vec: bmode: no source 6"},
		{"vec", with(vec, fields{"cmode": 2, "c": 64}), "pc 1: vec: c: no register 64"},
		{"vec", with(vec, fields{"bmode": 4, "cmode": 5}), "pc 1: vec: round: sources and rounding use more than one draw an element"},
		{"vec", with(vec, fields{"bmode": 4, "round": 2}), "pc 1: vec: round: sources and rounding use more than one draw an element"},
		{"vec", with(vec, fields{"a": 2047}), "pc 1: vec: a: words 2047..2048 lie beyond the vector memory of 2048 words"},
		{"vec", with(vec, fields{"dst": 1}), "pc 1: vec: dst: destination overlaps a at another word"},
		{"vec", with(vec, fields{"group": 4}), "pc 1: vec: group: offset 3 of dst is not a multiple of 2 lanes"},
		{"tab", with(vec, fields{"amode": 3}), "pc 1: tab: amode: a must be a vector"},
		{"tab", with(vec, fields{"c": 257}), "pc 1: tab: c: entries 257..512 lie beyond the table memory of 512 entries"},
		{"dot", with(vec, fields{"dst": 64}), "pc 1: dot: dst: no register 64"},
		{"amax", with(vec, fields{"dst": 63}), "pc 1: amax: dst: no register 63"},
		{"dig", fields{"space": 3, "n": 1}, "pc 1: dig: space: no space 3"},
		{"dig", fields{"n": 1}, "pc 1: dig: c: no rows"},
		{"dig", fields{"n": 1, "c": 2, "dst": 4096}, "pc 1: dig: a: words 0..4096 lie beyond the weight memory of 4096 words"},
		{"dig", fields{"n": 1, "space": 1, "a": 2048}, "pc 1: dig: a: words 2048..2048 lie beyond the vector memory of 2048 words"},
		{"dig", fields{"n": 2, "space": 2, "a": 63}, "pc 1: dig: n: registers 63..64 lie beyond the last, 63"},
		{"dig", fields{"n": 2, "space": 2, "group": 1}, "pc 1: dig: group: a digest takes no offsets"},
		{"div", fields{"shift": 32}, "pc 1: div: shift: 32 is above 31"},
		{"load", fields{"imm": 2048}, "pc 1: load: imm: element 4096 lies beyond the vector memory of 4096 elements"},
		{"store", fields{"index": 1, "ra": 18}, "pc 1: store: imm: element -4 lies beyond the vector memory of 4096 elements"},
		{"jump", fields{"imm": 64}, "pc 64: pc: beyond the program memory of 64 instructions"},
	} {
		m := newMachine(t, 2)
		m.regs[19], m.regs[18] = 3, -4
		m.regs[16+3] = 3       // group 4: lane-side offset
		m.regs[24] = 1 << 16   // a rate that is not 0
		m.regs[21] = 2<<16 | 1 // group 5: two runs, stride 1
		load(t, m, 0, encode(t, "set", fields{"rd": 2, "imm": 1}), encode(t, c.op, c.f), encode(t, "halt", nil))
		f := c.want
		err := m.Submit(device.Run{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.Result()
		if strings.HasSuffix(f, "2042..2047") { // the last place that fits
			if err != nil {
				t.Errorf("%s %v: %v", c.op, c.f, err)
			}
			continue
		}
		var fault *Fault
		if !errors.As(err, &fault) || err.Error() != f {
			t.Errorf("%s %v:\n got  %v\n want %s", c.op, c.f, err, f)
		}
	}
	m := newMachine(t, 1)
	load(t, m, 0, isa.Word{63})
	if err := m.Submit(device.Run{}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Result(); err == nil || err.Error() != "pc 0: op: no operation has code 63" {
		t.Errorf("undefined code: %v", err)
	}
}

// Events set elements of the run's buffer and leave the others as they are.
func TestEvents(t *testing.T) {
	m := newMachine(t, 4)
	if err := m.Write(device.Control, device.ControlInBase, []uint16{40, 0, 16, 0}); err != nil {
		t.Fatal(err)
	}
	load(t, m, 0, encode(t, "halt", nil))
	copy(m.vectors[56:], []int16{200, 7, 0, -3})
	execute(t, m, device.Run{Sample: device.Sample{Events: []uint16{5, 0, 5, 2}}})
	if got := m.vectors[55:63]; !slices.Equal(got, []int16{0, 1, 7, 1, -3, 0, 1, 0}) {
		t.Errorf("buffer 1: %v", got)
	}
}

func TestRefusedRuns(t *testing.T) {
	m := newMachine(t, 1)
	for _, c := range []struct {
		r    device.Run
		want string
	}{
		{device.Run{Entry: 8}, "entry 8 is not below 8"},
		{device.Run{Sample: device.Sample{Bytes: []byte{1}, Words: []int16{1}}}, "a sample is bytes, words or events, not several of them"},
		{device.Run{Sample: device.Sample{Events: []uint16{1}, Words: []int16{1}}}, "a sample is bytes, words or events, not several of them"},
		{device.Run{Sample: device.Sample{Events: []uint16{7, 2048, 3}}}, "sample of 2049 elements at element 0 exceeds the vector memory of 2048 elements"},
		{device.Run{Sample: device.Sample{Bytes: make([]byte, 2049)}}, "sample of 2049 elements at element 0 exceeds the vector memory of 2048 elements; check in_base and in_stride"},
	} {
		if err := m.Submit(c.r); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	if id, _ := m.Identity(); id.Last != 0 {
		t.Errorf("a refused run has number %d", id.Last)
	}
}

func TestRefusedConfigurations(t *testing.T) {
	for _, c := range []struct {
		cfg  device.Config
		opts []Option
		want string
	}{
		{device.Config{Lanes: 3}, nil, "lanes: 3 is not a power of two from 1 to 64"},
		{device.Config{Lanes: 128}, nil, "lanes: 128 is not"},
		{device.Config{Lanes: 1, WeightDepth: 1<<22 + 1}, nil, "weight_depth: 4194305 is not within 0..4194304"},
		{device.Config{Lanes: 1, TableDepth: -1}, nil, "table_depth: -1 is not within 0..4096"},
		{device.Config{Lanes: 1}, []Option{WithThreads(0)}, "0 threads; at least 1 is needed"},
	} {
		if _, err := New(c.cfg, c.opts...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}
