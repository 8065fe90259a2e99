package check_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/check"
	"github.com/nmc-fpga/nmc/host/link/linktest"
	"github.com/nmc-fpga/nmc/host/model"
)

// The device of these tests learns w[r,c] += x[r]·h[c], h = x + 1, in the instructions
//
//	pc 20 vec h   pc 21 upd w   pc 22 add count   pc 23 halt
const (
	rows, cols = 6, 7
	wBase      = 3  // word
	hBase      = 10 // word
	inBase     = 80 // element
	inStride   = 16
	regCount   = 8
	sharedBase = 17 // word of two vectors
)

var build = &manifest.Manifest{
	Device: device.Config{Lanes: 4, WeightDepth: 32, VectorDepth: 32, ProgramDepth: 4, TableDepth: 4, WeightPorts: 2, FrameBytes: 256},
	Tensors: []manifest.Tensor{
		{Name: "w1", ID: 1, Space: device.Weights, Base: wBase, Rows: rows, Cols: cols, RowStride: 2},
	},
	Vectors: []manifest.Vector{{Name: "h1", Base: hBase, N: cols}, {Name: "acc", Base: 14, N: 4, Wide: true},
		{Name: "a", Base: sharedBase, N: 4, Shared: true}, {Name: "b", Base: sharedBase, N: 2, Shared: true}},
	Registers: []manifest.Register{{Name: "count", Index: regCount}},
	Input:     manifest.Input{Elements: cols, Base: inBase, Stride: inStride},
}

func disasm(pc int) string { return map[int]string{20: "vec h1", 21: "upd.b w1", 22: "add count"}[pc] }

func load(m device.Memory) error {
	if err := m.Write(device.Control, device.ControlInBase, []uint16{inBase, 0, inStride, 0}); err != nil {
		return err
	}
	return m.Write(device.Program, 0, []uint16{1, 2, 3, 4})
}

// toy is a device whose defect, when not nil, is called after every instruction that is not a halt.
type toy struct {
	*model.Plain
	trace  func(pc int)
	defect func(y *toy, entry device.Entry, pc int)
	extra  func(y *toy) // after the halt
	result func(y *toy, r *device.Result)
	stuck  func(y *toy) // after a write
	runs   int          // since power-on
}

func (y *toy) Trace(f func(pc int)) { y.trace = f }

func (y *toy) Write(space device.Space, addr uint32, data []uint16) error {
	err := y.Plain.Write(space, addr, data)
	if y.stuck != nil {
		y.stuck(y)
	}
	return err
}

func (y *toy) w(r, c int) *uint16 { return &y.Space(device.Weights)[(wBase+2*r)*4+c] }
func (y *toy) reg(i int) *uint16  { return &y.Space(device.Registers)[2*i] }

func newToy() *toy {
	y := &toy{}
	y.Plain = model.NewPlain(build.Device, func(p *model.Plain, run device.Run, input int) (res device.Result) {
		y.runs++
		v := p.Space(device.Vectors)
		retired := uint32(0)
		// do says whether the limit lets the run go on after an instruction.
		do := func(pc int, f func()) bool {
			f()
			if y.defect != nil && pc != 23 {
				y.defect(y, run.Entry, pc)
			}
			retired++
			if y.trace != nil {
				y.trace(pc)
			}
			return run.Limit == 0 || retired < run.Limit
		}
		halt := func() bool { return do(23, func() {}) }
		switch run.Entry {
		case device.Init:
			res.Stopped = !(do(10, func() {
				for r := range rows {
					for c := range cols {
						*y.w(r, c) = uint16(r - c)
					}
				}
			}) && do(11, func() { *y.reg(regCount) = 0 }))
			halt()
		case device.Learn:
			res.Stopped = !(do(20, func() {
				for c := range cols {
					v[hBase*4+c] = v[input+c] + 1
				}
			}) && do(21, func() {
				for r := range rows {
					for c := range cols {
						*y.w(r, c) += v[input+r] * v[hBase*4+c]
					}
				}
			}) && do(22, func() { *y.reg(regCount)++ }))
			if !res.Stopped {
				halt()
				if y.extra != nil && run.Limit == 0 {
					y.extra(y)
				}
			}
		case device.Digest:
			index := uint32(0)
			for r := range rows {
				for c := range cols {
					res.Digest += fixed.DigestTerm(1, index, int16(*y.w(r, c)))
					index++
				}
			}
		}
		// The prediction is the first element of h; a stopped run leaves it too.
		res.Result[0] = int32(v[hBase*4])
		c := p.Space(device.Control)
		c[device.ControlCounters+2*device.CounterRetired] = uint16(retired)
		if y.result != nil {
			y.result(y, &res)
		}
		return res
	})
	return y
}

type samples struct{ n int }

func (s samples) Len() int { return s.n }

func (s samples) Sample(epoch, i int) (device.Sample, int) {
	rnd := rand.New(rand.NewPCG(uint64(epoch), uint64(i)))
	b := make([]byte, cols)
	for j := range b {
		b[j] = byte(rnd.Uint32())
	}
	return device.Sample{Bytes: b}, i % 10
}

func TestDifferenceIsFound(t *testing.T) {
	flip := func(entry device.Entry, pc, n int, f func(y *toy)) func(y *toy) {
		return func(y *toy) {
			y.defect = func(y *toy, e device.Entry, p int) {
				if e == entry && p == pc && int(*y.reg(regCount)) == n {
					f(y)
				}
			}
		}
	}
	for _, c := range []struct {
		name  string
		plant func(y *toy)
		want  string
	}{
		{"a wrong weight at sample 7", flip(device.Learn, 21, 7, func(y *toy) { *y.w(3, 5) ^= 0x100 }),
			"sample 7, instruction 2 upd.b w1 (pc 21), w1[3,5]: device 0xfad3, simulator 0xfbd3"},
		{"a wrong weight at the last sample", flip(device.Learn, 21, 39, func(y *toy) { *y.w(0, 0) ^= 1 }),
			"sample 39, instruction 2 upd.b w1 (pc 21), w1[0,0]: device 0x92c9, simulator 0x92c8"},
		{"a wrong weight at the first sample", flip(device.Learn, 21, 0, func(y *toy) { *y.w(5, 6) ^= 1; *y.w(5, 5) ^= 1 }),
			"sample 0, instruction 2 upd.b w1 (pc 21), w1[5,5]: device 0x0085, simulator 0x0084 (and 1 more)"},
		{"a wrong vector that reaches result and weights", flip(device.Learn, 20, 11, func(y *toy) { y.Space(device.Vectors)[hBase*4]++ }),
			"sample 11, instruction 1 vec h1 (pc 20), h1[0]: device 0x00d1, simulator 0x00d0 (and 1 more)"},
		{"a word that two vectors share", func(y *toy) {
			y.defect = func(y *toy, e device.Entry, p int) {
				if *y.reg(regCount) == 11 && p == 20 {
					y.Space(device.Vectors)[sharedBase*4+1]++
				} else if *y.reg(regCount) == 11 && p == 21 {
					*y.w(0, 0)++
				}
			}
		}, "sample 11, instruction 1 vec h1 (pc 20), a[1] or b[1]: device 0x0001, simulator 0x0000"},
		{"init", flip(device.Init, 10, 0, func(y *toy) { *y.w(2, 2) = 9 }),
			"init, instruction 1 (pc 10), w1[2,2]: device 0x0009, simulator 0x0000"},
		{"a tail lane is no state, but is seen beside a real difference", flip(device.Learn, 21, 5, func(y *toy) { *y.w(1, 7)++; *y.w(2, 1)++ }),
			"sample 5, instruction 2 upd.b w1 (pc 21), w1[2,1]: device 0x1a84, simulator 0x1a83 (and 1 more)"},
		{"one input buffer only", func(y *toy) {
			y.defect = func(y *toy, e device.Entry, p int) {
				if e == device.Learn && p == 21 && *y.reg(device.RegInput) != 0 && *y.reg(regCount) >= 4 {
					*y.w(4, 4)++
				}
			}
		}, "sample 5, instruction 2 upd.b w1 (pc 21), w1[4,4]: device 0xb115, simulator 0xb114"},
		{"the other input buffer only", func(y *toy) {
			y.defect = func(y *toy, e device.Entry, p int) {
				if e == device.Learn && p == 21 && *y.reg(device.RegInput) == 0 && *y.reg(regCount) >= 5 {
					*y.w(4, 4)++
				}
			}
		}, "sample 6, instruction 2 upd.b w1 (pc 21), w1[4,4]: device 0x214f, simulator 0x214e"},
		{"the reply", func(y *toy) {
			y.result = func(y *toy, r *device.Result) {
				if *y.reg(regCount) == 9 {
					r.Overflow = 3
				}
			}
		}, "sample 8, instruction 3 add count (pc 22): overflow count: device 3, simulator 0"},
		{"past the halt", func(y *toy) { y.extra = func(y *toy) { *y.w(0, 3)++ } },
			"sample 0, instruction 5, w1[0,3]: device 0x3876, simulator 0x3875: the device goes on after the simulator's halt"},
		{"a damaged program", func(y *toy) {
			y.stuck = func(y *toy) { y.Space(device.Program)[2] |= 4 }
			y.defect = func(y *toy, e device.Entry, p int) {
				if p == 21 && y.Space(device.Program)[2] != 3 {
					*y.w(0, 0)++
				}
			}
		}, "sample 0, program 0, halfword 2: device 0x0007, simulator 0x0003: the image in the device is damaged"},
		{"once only", func(y *toy) {
			y.defect = func(y *toy, e device.Entry, p int) {
				if y.runs == 30 {
					*y.w(0, 0)++
				}
			}
		}, ""},
		{"a register outside of the digest", func(y *toy) {
			y.defect = func(y *toy, e device.Entry, p int) {
				// Wrong from sample 3 on, but seen by nothing before sample 6.
				if n := *y.reg(regCount); e == device.Learn && p == 22 && n == 4 {
					*y.reg(12) = 5
				} else if p == 20 && n >= 6 && *y.reg(12) == 5 {
					*y.w(1, 1)++
				}
			}
		}, "sample 6, r12: device 0x00000005, simulator 0x00000000: outside of the digest the memories differed before this sample: "},
	} {
		for _, every := range []int{0, 10} {
			dev := newToy()
			c.plant(dev)
			r, err := check.Run(t.Context(), build, load, newToy(), dev, samples{40}, check.Options{Every: every, Disasm: disasm})
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			if r.Equal || r.FirstDifference == nil {
				t.Errorf("%s: reported equal", c.name)
				continue
			}
			got := r.FirstDifference.String()
			if c.name == "once only" {
				c.want = fmt.Sprintf("sample %d: %s", r.FirstDifference.Sample, r.FirstDifference.Note)
				if want := "or the device is not deterministic: look at its clock and power"; len(got) < len(want) || got[len(got)-len(want):] != want {
					t.Errorf("%s: %s", c.name, got)
				}
			}
			if n := len(c.want); len(got) < n || got[:n] != c.want || c.want[n-1] != ' ' && len(got) != n {
				t.Errorf("%s, every %d:\n got %s\nwant %s", c.name, every, got, c.want)
			}
		}
	}
}

func TestEqualDevices(t *testing.T) {
	var phases []string
	r, err := check.Run(t.Context(), build, load, newToy(), newToy(), samples{40}, check.Options{
		Samples: 100, Every: 7, Progress: func(phase string, done, total int) { phases = append(phases, fmt.Sprint(phase, done, "/", total)) },
	})
	if err != nil {
		t.Fatal(err)
	}
	// The digest of one device that learns 100 samples.
	y := newToy()
	if err := load(y); err != nil {
		t.Fatal(err)
	}
	must := func(run device.Run) device.Result {
		if err := y.Submit(run); err != nil {
			t.Fatal(err)
		}
		r, err := y.Result()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	must(device.Run{Entry: device.Init})
	for i := range 100 {
		x, label := samples{40}.Sample(i/40, i%40)
		must(device.Run{Entry: device.Learn, Sample: x, Label: uint16(label)})
	}
	want := manifest.Hex(must(device.Run{Entry: device.Digest}).Digest)
	if d := cmp.Diff(&check.Report{Equal: true, Samples: 100, DigestSim: want, DigestDevice: want}, r, cmpopts.IgnoreUnexported(check.Difference{})); d != "" {
		t.Error(d)
	}
	if n := len(phases); n != 100 || phases[n-1] != "check100/100" {
		t.Errorf("progress was %v", phases)
	}
	if b, err := json.Marshal(r); err != nil || string(b) != fmt.Sprintf(`{"equal":true,"samples":100,"digest_sim":"%v","digest_device":"%v","first_difference":null}`, want, want) {
		t.Errorf("json %s, %v", b, err)
	}
}

// The same over a session and a bad link.
func TestOverALink(t *testing.T) {
	engine := newToy()
	engine.defect = func(y *toy, e device.Entry, pc int) {
		if e == device.Learn && pc == 21 && *y.reg(regCount) == 7 {
			*y.w(3, 5) ^= 0x100
		}
	}
	h, d := linktest.Pair(3, linktest.Faults{Drop: 0.02, Duplicate: 0.02, Corrupt: 0.02})
	served := make(chan error)
	go func() { served <- model.New(engine, build.Device, 1).Serve(d) }()
	s, err := host.Dial(t.Context(), h, host.Options{FrameBytes: build.Device.FrameBytes, MinTimeout: 2e6, FirstTimeout: 1e7})
	if err != nil {
		t.Fatal(err)
	}
	r, err := check.Run(t.Context(), build, load, newToy(), s, samples{20}, check.Options{Every: 5, Disasm: disasm})
	if err != nil {
		t.Fatal(err)
	}
	want := "sample 7, instruction 2 upd.b w1 (pc 21), w1[3,5]: device 0xfad3, simulator 0xfbd3"
	if got := r.FirstDifference.String(); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
	s.Close()
	if err := <-served; !errors.Is(err, linktest.ErrClosed) {
		t.Error(err)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, err := check.Run(ctx, build, load, newToy(), newToy(), samples{40}, check.Options{Progress: func(_ string, done, _ int) {
		if done == 12 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want the context's", err)
	}
}
