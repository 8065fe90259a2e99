package compiler

import (
	"slices"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/emit"
	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/sim"
)

// blocks uses everything that rules are written with and no rule of the usual ones is: blocks, draws in them, elementwise
// operations, perturbation and its taking back, pulls, state.
const blocks = `program blocks rule=none seed=9

tensor w role=weight in=5 out=3 bias=no bits=16 frac=14 source=memory lanes=LANES id=0 base=-1
tensor e role=trace in=5 out=3 bias=no bits=16 frac=14 source=memory lanes=any id=0 base=-1
vector x role=input n=5 one=no frac=8 base=-1
vector z role=temp n=5 one=no frac=14 base=-1
vector sum role=state n=5 one=no frac=0 base=-1
vector noise role=temp n=5 one=no frac=0 base=-1
vector u role=temp n=3 one=no frac=12 base=-1
vector y role=temp n=3 one=no frac=14 base=-1
vector label1 role=temp n=3 one=no frac=3 base=-1
scalar step init=0 frac=0 learned=yes reg=-1
scalar i init=0 frac=0 learned=no reg=-1
scalar j init=0 frac=0 learned=no reg=-1
scalar trips init=0 frac=0 learned=yes reg=-1
scalar zero init=0 frac=0 learned=no reg=-1
scalar two init=2 frac=0 learned=no reg=-1
scalar scale init=1073741824 frac=15 learned=no reg=-1
scalar up init=655360000 frac=15 learned=no reg=-1
scalar down init=-655360000 frac=15 learned=no reg=-1
scalar half init=1073741824 frac=15 learned=no reg=-1

func init {
  reset step
  reset trips
  fill sum, #7
  draw w, scale shift=15 source=uniform
}

func learn {
  perturb w, up shift=0 source=sign stream=64
  repeat i n=3 {
    repeat j n=2 {
      addi trips, trips, #1
      madd noise, ~, #2000, _ frac=1
      madd sum, sum, #1, noise
      if j, two cond=eq {
        madd sum, sum, #1, #100
      }
      if j, two cond=lt {
        madd sum, sum, #1, #10
      }
    }
    if i, two cond=ge {
      madd sum, sum, #1, #1000
    }
    if i, two cond=ne {
      accumulate e, half, w round=nearest shift=17
    }
  }
  perturb w, down shift=0 source=sign stream=64
  madd z, x, #64, _ frac=6
  matvec u, w, z
  winner y, u
  onehot label1
  pull w, half, y, z round=nearest shift=29
  count step
}

func infer {
  madd z, x, #64, _ frac=6
  matvec u, w, z
}

func digest {
  digest
}
`

// TestBlocks runs the program in the simulator and computes its state in plain Go.
func TestBlocks(t *testing.T) {
	for _, lanes := range []string{"out", "in"} {
		t.Run(lanes, func(t *testing.T) { testBlocks(t, lanes) })
	}
}

func testBlocks(t *testing.T, axis string) {
	p, err := ir.Parse(strings.Replace(blocks, "LANES", axis, 1))
	if err != nil {
		t.Fatal(err)
	}
	dev := device.Config{Lanes: 4, WeightPorts: 2, FrameBytes: 1024}
	for _, s := range Passes[1:] {
		if err := s.Run(p, &dev); err != nil {
			t.Fatalf("%s: %v", s.Name, err)
		}
		if err := p.Check(); err != nil {
			t.Fatalf("after %s: %v", s.Name, err)
		}
		q, err := ir.Parse(p.String())
		if err != nil {
			t.Fatalf("after %s: %v", s.Name, err)
		}
		if q.String() != p.String() {
			t.Fatalf("after %s the text does not parse back", s.Name)
		}
	}
	img, _, err := emit.Firmware(p, &dev)
	if err != nil {
		t.Fatal(err)
	}
	m, err := sim.New(dev)
	if err != nil {
		t.Fatal(err)
	}
	if err := img.Load(m); err != nil {
		t.Fatal(err)
	}
	run := func(r device.Run) device.Result {
		if err := m.Submit(r); err != nil {
			t.Fatal(err)
		}
		res, err := m.Result()
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	vector := func(name string) []int {
		v := p.Vector(name)
		words, err := m.Read(device.Vectors, uint32(v.Base*dev.Lanes), v.N)
		if err != nil {
			t.Fatal(err)
		}
		var x []int
		for _, w := range words {
			x = append(x, int(int16(w)))
		}
		return x
	}
	matrix := func(name string) (w [3][5]int) {
		x := p.Tensor(name)
		for out := range 3 {
			for in := range 5 {
				r, c := in, out
				if x.Lanes == "in" {
					r, c = out, in
				}
				words, err := m.Read(device.Weights, uint32((x.Base+r*dev.Words(x.Cols()))*dev.Lanes+c), 1)
				if err != nil {
					t.Fatal(err)
				}
				w[out][in] = int(int16(words[0]))
			}
		}
		return w
	}
	stream := func(name string) uint8 {
		s := -1
		p.Each(func(f *ir.Func, o *ir.Op) {
			if f.Name == "learn" && o.Args0() == name && s < 0 {
				if x, ok := o.Attrs["stream"]; ok {
					s = x
				}
			}
		})
		return uint8(s)
	}

	run(device.Run{Entry: device.Init})
	w := matrix("w")
	if w == ([3][5]int{}) {
		t.Fatal("init draws no weights")
	}
	want := []int{7, 7, 7, 7, 7}
	var e [3][5]int
	pixels := []byte{200, 0, 13, 255, 90}
	for step := range 3 {
		label := uint16(step)
		res := run(device.Run{Entry: device.Learn, Label: label, Sample: device.Sample{Bytes: pixels}})
		if res.Overflow != 0 {
			t.Errorf("step %d: %d overflows", step, res.Overflow)
		}
		for i := range 3 {
			for j := range 2 {
				key := fixed.MakeKey(9, stream("noise"), uint32((step*3+i+1)*2+j+1))
				for k := range want {
					want[k] += int((int32(int16(key.Draw(0, uint32(k))))*1000+1<<14)>>15) + []int{100, 10}[j]
				}
			}
			if i < 2 { // the counter is 3, 2, 1
				for k := range want {
					want[k] += 1000
				}
			}
		}
		if got := vector("sum"); !slices.Equal(got, want) {
			t.Fatalf("step %d: sum is %v, expected %v", step, got, want)
		}
		// E took an eighth of the perturbed W twice; W lost the perturbation.
		noise := fixed.MakeKey(9, 64, uint32(step))
		for out := range 3 {
			for in := range 5 {
				r, c := in, out
				if axis == "in" {
					r, c = out, in
				}
				sign := 1
				if noise.Draw(uint32(r), uint32(c))&0x8000 != 0 {
					sign = -1
				}
				perturbed := w[out][in] + 10000*sign
				for range 2 {
					e[out][in] += (perturbed + 4) >> 3
				}
			}
		}
		if got := matrix("e"); got != e {
			t.Fatalf("step %d: trace is %v, expected %v", step, got, e)
		}
		sums := [3]int{}
		best := 0
		for out := range 3 {
			for in, x := range pixels {
				sums[out] += w[out][in] * int(x) * 64
			}
			sums[out] = (sums[out] + 1<<15) >> 16
			if sums[out] > sums[best] {
				best = out
			}
		}
		for in, x := range pixels {
			w[best][in] += (int(x)*64 - w[best][in] + 1) >> 1
		}
		if got := matrix("w"); got != w {
			t.Fatalf("step %d: weights are %v, expected %v", step, got, w)
		}
		if got := vector("label1"); got[step] != 8 || got[0]+got[1]+got[2] != 8 {
			t.Fatalf("label %d as one-hot vector is %v", step, got)
		}
	}
	before := run(device.Run{Entry: device.Digest}).Digest
	run(device.Run{Entry: device.Infer, Sample: device.Sample{Bytes: pixels}})
	if after := run(device.Run{Entry: device.Digest}).Digest; after != before {
		t.Error("infer changes the digest")
	}
	v := p.Vector("sum")
	if err := m.Write(device.Vectors, uint32(v.Base*dev.Lanes+4), []uint16{uint16(want[4] ^ 1)}); err != nil {
		t.Fatal(err)
	}
	if after := run(device.Run{Entry: device.Digest}).Digest; after == before {
		t.Error("the digest does not see a state vector")
	}
}
