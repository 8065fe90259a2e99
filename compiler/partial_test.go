package compiler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/emit"
	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/sim"
)

// partial multiplies W block by block of its inputs, and fills the block of a vector with what an element of the product comes to.
const partial = `program partial rule=none seed=9

tensor w role=weight in=20 out=OUT bias=no bits=16 frac=14 source=memory lanes=any id=0 base=-1
vector x role=input n=20 one=no frac=8 base=-1
vector z role=temp n=20 one=no frac=14 base=-1
vector u role=temp n=OUT one=no frac=12 base=-1
vector t role=temp n=20 one=no frac=12 base=-1
scalar step init=0 frac=0 learned=yes reg=-1
scalar i init=0 frac=0 learned=no reg=-1
scalar s init=0 frac=12 learned=no reg=-1
scalar first init=0 frac=0 learned=no reg=-1
scalar zero init=0 frac=0 learned=no reg=-1
scalar scale init=1073741824 frac=15 learned=no reg=-1

func init {
  reset step
  draw w, scale shift=15 source=uniform
}

func learn {
  madd z, x, #64, _ frac=6
  fill t, #7
  set first, #0
  repeat i n=TRIPS {
    matvec u, w, z, first n=SIZE
    load s, u, zero
    fill t, s, first n=SIZE align=SIZE
    addi first, first, #SIZE
  }
}

func infer {
  madd z, x, #64, _ frac=6
}

func digest {
  digest
}
`

// TestPartial runs the program in the simulator, with blocks that are whole words of 4 lanes and that are not, and with rows of W of 2 words, which
// a shift finds, and of 3, which a multiplication does.
func TestPartial(t *testing.T) {
	for _, out := range []int{6, 10} {
		for _, size := range []int{4, 8, 5, 3, 1} {
			t.Run(fmt.Sprintf("%d outputs, blocks of %d", out, size), func(t *testing.T) { testPartial(t, out, size, 20/size) })
		}
	}
}

func testPartial(t *testing.T, out, size, trips int) {
	text := strings.NewReplacer("OUT", fmt.Sprint(out), "TRIPS", fmt.Sprint(trips), "SIZE", fmt.Sprint(size)).Replace(partial)
	p, err := ir.Parse(text)
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
	x := make([]byte, 20)
	for i := range x {
		x[i] = byte(37*i + 11)
	}
	for _, r := range []device.Run{{Entry: device.Init}, {Entry: device.Learn, Sample: device.Sample{Bytes: x}}} {
		if err := m.Submit(r); err != nil {
			t.Fatal(err)
		}
		if res, err := m.Result(); err != nil || res.Overflow != 0 {
			t.Fatal(res, err)
		}
	}
	read := func(space device.Space, word, n int) []int {
		h, err := m.Read(space, uint32(word*dev.Lanes), n)
		if err != nil {
			t.Fatal(err)
		}
		v := make([]int, n)
		for i, h := range h {
			v[i] = int(int16(h))
		}
		return v
	}
	w := p.Tensor("w")
	got := read(device.Vectors, p.Vector("t").Base, 20)
	for j, got := range got {
		want := 7 // beyond the last block
		if first := j / size * size; first < trips*size {
			sum := 0
			for k := first; k < first+size; k++ {
				sum += read(device.Weights, w.Base+k*dev.Words(out), 1)[0] * int(x[k]) * 64
			}
			want = (sum + 1<<15) >> 16
		}
		if got != want {
			t.Errorf("element %d is %d, expected %d", j, got, want)
		}
	}
	for _, v := range p.Vectors { // a fill leaves the neighbours alone
		if v.Name == "z" {
			for j, z := range read(device.Vectors, v.Base, 20) {
				if z != int(x[j])*64 {
					t.Errorf("z[%d] is %d", j, z)
				}
			}
		}
	}
}
