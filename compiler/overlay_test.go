package compiler

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/emit"
	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/compiler/pass"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/sim"
)

// declarations of random programs: vectors of two lengths, no whole words of four lanes, and a matrix between them.
const declarations = `program random rule=none seed=5

tensor w role=weight in=6 out=9 bias=no bits=16 frac=14 source=memory lanes=LANES id=0 base=-1
vector x role=input n=6 one=no frac=8 base=-1
vector a0 role=temp n=6 one=no frac=8 base=-1
vector a1 role=temp n=6 one=no frac=8 base=-1
vector a2 role=temp n=6 one=no frac=8 base=-1
vector a3 role=temp n=6 one=no frac=8 base=-1
vector a4 role=temp n=6 one=no frac=8 base=-1
vector b0 role=temp n=9 one=no frac=8 base=-1
vector b1 role=temp n=9 one=no frac=8 base=-1
vector b2 role=temp n=9 one=no frac=8 base=-1
vector b3 role=temp n=9 one=no frac=8 base=-1
vector b4 role=temp n=9 one=no frac=8 base=-1
vector a_sum role=state n=6 one=no frac=8 base=-1
vector b_sum role=state n=9 one=no frac=8 base=-1
scalar step init=0 frac=0 learned=yes reg=-1
scalar i1 init=0 frac=0 learned=no reg=-1
scalar i2 init=0 frac=0 learned=no reg=-1
scalar zero init=0 frac=0 learned=no reg=-1
scalar two init=2 frac=0 learned=no reg=-1
scalar some init=0 frac=0 learned=no reg=-1
scalar rate init=-1073741824 frac=15 learned=no reg=-1
scalar scale init=1073741824 frac=15 learned=no reg=-1

func init {
  reset step
  fill a_sum, #3
  fill b_sum, #-5
  draw w, scale shift=15 source=uniform
}

func learn {
LEARN  count step
}

func infer {
  madd a0, x, #1, _
INFER}

func digest {
  digest
}
`

// writer makes random operations.
type writer struct {
	*rand.Rand
	learning bool
}

// one draws one of several.
func (w writer) one(of ...string) string { return of[w.IntN(len(of))] }

// source draws a vector of a kind that an operation reads: mostly one that has been written.
func (w writer) source(kind string, written map[string]bool) string {
	for {
		v := fmt.Sprintf("%s%d", kind, w.IntN(5))
		if written[v] || w.IntN(12) == 0 {
			return v
		}
		if w.IntN(8) == 0 {
			return kind + "_sum"
		}
	}
}

// block writes n operations, and blocks of them.
func (w writer) block(out *strings.Builder, indent string, n, deep int, written map[string]bool) {
	for range n {
		k := w.one("a", "b")
		dst := fmt.Sprintf("%s%d", k, w.IntN(5))
		read := func() string { return w.source(k, written) }
		line := func(format string, args ...any) { fmt.Fprintf(out, indent+format+"\n", args...) }
		whole := true
		switch w.IntN(15) {
		case 0, 1:
			line("madd %s, %s, %s, %s", dst, read(), w.one(read(), "#1"), w.one(read(), "_"))
		case 2:
			line("madd %s, ~, #90, %s frac=8", dst, read())
		case 3:
			line("%s %s, %s, %s", w.one("vmin", "vmax", "ge"), dst, read(), read())
		case 4:
			line("sel %s, %s, %s, %s", dst, read(), read(), read())
		case 5:
			line("fill %s, #%d", dst, w.IntN(400)-200)
		case 6:
			whole = false
			line("fill %s, two, %s", dst, w.one("i1 n=2 align=1", "zero n=2 align=4"))
		case 7:
			line("matvec b%d, w, %s", w.IntN(5), w.source("a", written))
			continue
		case 8:
			line("matvect a%d, w, %s%s", w.IntN(5), w.source("b", written), w.one("", ", "+w.source("a", written)))
			continue
		case 9:
			line("%s %s, %s", w.one("relu", "winner", "clip"), dst, read())
		case 10:
			line("%s %s, %s, %s", w.one("drelu", "dclip"), dst, read(), read())
		case 11:
			if line("madd a%d, x, #1, _", w.IntN(5)); w.learning {
				line("madd %s_sum, %s, #1, %s_sum", k, read(), k)
				line("outer w, rate, %s, %s round=%s", w.source("b", written), w.source("a", written), w.one("nearest", "stochastic"))
			}
			continue
		case 12:
			line("dot some, %s, #1 n=6 shift=0", read())
			line("store %s, i1, some", dst)
			whole = false
		default:
			if deep == 2 {
				continue
			}
			inside := map[string]bool{}
			for v := range written {
				inside[v] = true
			}
			if w.IntN(2) == 0 {
				line("repeat i%d n=%d {", deep+1, 1+w.IntN(3))
				inside = written // at least once
			} else {
				line("if %s, %s cond=%s {", w.one("i1", "i2", "some", "step"), w.one("zero", "two"), w.one("eq", "ne", "lt", "ge"))
			}
			w.block(out, indent+"  ", 1+w.IntN(6), deep+1, inside)
			line("}")
			continue
		}
		written[dst] = written[dst] || whole
	}
}

// program writes one.
func (w writer) program() string {
	var learn, infer strings.Builder
	w.learning = true
	w.block(&learn, "  ", 12, 0, map[string]bool{})
	w.learning = false
	w.block(&infer, "  ", 8, 0, map[string]bool{})
	infer.WriteString("  result b0\n")
	return strings.NewReplacer("LANES", w.one("in", "out"), "LEARN", learn.String(), "INFER", infer.String()).Replace(declarations)
}

// lower runs the passes for a device with so many words of vectors; 0: as many as it takes.
func lower(t *testing.T, text string, depth int) (*ir.Program, device.Config, error) {
	t.Helper()
	p, err := ir.Parse(text)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	dev := device.Config{Lanes: 4, WeightPorts: 2, FrameBytes: 1024, VectorDepth: depth}
	for _, s := range Passes[1:] {
		if err := s.Run(p, &dev); err != nil {
			return nil, dev, fmt.Errorf("%s: %w\n%s", s.Name, err, text)
		}
	}
	return p, dev, errors.Join(p.Check(), p.CheckPlaces(dev.Lanes))
}

// outcomes are the results of runs of a program in the simulator, digests among them; fewer if it refuses an instruction, as one whose vectors
// overlap.
func outcomes(t *testing.T, p *ir.Program, dev device.Config) (all []device.Result) {
	t.Helper()
	img, _, err := emit.Firmware(p, &dev)
	if err != nil {
		t.Fatal(err)
	}
	m, err := sim.New(dev)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := img.Load(m); err != nil {
		t.Fatal(err)
	}
	for i, entry := range []device.Entry{device.Init, device.Learn, device.Infer, device.Learn, device.Learn, device.Infer, device.Infer, device.Learn} {
		for _, e := range []device.Entry{entry, device.Digest} {
			if err := m.Submit(device.Run{Entry: e, Sample: device.Sample{Bytes: []byte{byte(31 * i), 255, 0, 3, byte(97 * i), 128}}}); err != nil {
				t.Fatal(err)
			}
			r, err := m.Result()
			if err != nil {
				return all
			}
			all = append(all, r)
		}
	}
	return all
}

// TestOverlayIsNotSeen: random programs come to the same results whether their temporaries share words or not. It then moves one temporary over
// another: what CheckPlaces accepts changes no result either, and it accepts and refuses some.
func TestOverlayIsNotSeen(t *testing.T) {
	programs := 400
	if testing.Short() {
		programs = 60
	}
	shared, accepted, refused, seen := 0, 0, 0, 0
	for seed := range programs {
		w := writer{Rand: rand.New(rand.NewPCG(uint64(seed), 1))}
		text := w.program()
		p, dev, err := lower(t, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		want := outcomes(t, p, dev)
		if len(want) < 16 {
			t.Fatalf("program %d does not run\n%s", seed, p)
		}
		apart := end(p, dev)

		var misfit pass.Misfit
		q, small, err := lower(t, text, apart-1)
		switch {
		case errors.As(err, &misfit): // nothing to share
			continue
		case err != nil:
			t.Fatalf("program %d: %v", seed, err)
		case !slices.Equal(outcomes(t, q, small), want):
			t.Fatalf("program %d: other results where temporaries share words\n%s", seed, q)
		}
		shared++

		var temps []*ir.Vector
		for _, v := range p.Vectors {
			if !v.Own() {
				temps = append(temps, v)
			}
		}
		for range 4 {
			v, over := temps[w.IntN(len(temps))], temps[w.IntN(len(temps))]
			was := v.Base
			v.Base = over.Base
			same := slices.Equal(outcomes(t, p, dev), want)
			switch err := p.CheckPlaces(dev.Lanes); {
			case v == over:
			case err != nil:
				refused++
				if !same {
					seen++
				}
			default:
				if accepted++; !same {
					t.Fatalf("program %d: %s over %s is accepted and seen\n%s", seed, v.Name, over.Name, p)
				}
			}
			v.Base = was
		}
	}
	t.Logf("%d of %d programs share words; of moves %d are accepted, %d refused, of which %d are seen", shared, programs, accepted, refused, seen)
	if shared < programs/2 || accepted < programs/10 || seen < programs/10 {
		t.Error("too few to tell anything")
	}
}

// end is the word after the last vector.
func end(p *ir.Program, dev device.Config) (words int) {
	for _, v := range p.Vectors {
		words = max(words, v.Base+v.Words(dev.Lanes))
	}
	return words
}
