package float

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"pgregory.net/rapid"

	"github.com/nmc-fpga/nmc/host/dataset"
)

var (
	activations = []Activation{ReLU, Tanh, Sigmoid, HardSigmoid}
	outputs     = []Output{SoftmaxCE, SigmoidCE, SigmoidSquared}
)

func normal(rng *rand.Rand, n int, sd float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64() * sd
	}
	return v
}

// random returns a network with normal weights of standard deviation gain/sqrt(inputs) and ±scale feedback.
func random(rng *rand.Rand, act Activation, out Output, gain, scale float64, sizes ...int) *Net {
	n := &Net{Output: out}
	for i := range len(sizes) - 1 {
		in, units := sizes[i], sizes[i+1]
		l, err := NewLayer(units, in, normal(rng, units*in, gain/math.Sqrt(float64(in))), normal(rng, units, gain/10), act)
		if err != nil {
			panic(err)
		}
		n.Layers = append(n.Layers, l)
		if i < len(sizes)-2 {
			b := mat.NewDense(units, sizes[len(sizes)-1], nil)
			b.Apply(func(_, _ int, _ float64) float64 { return scale * float64(2*rng.IntN(2)-1) }, b)
			n.Feedback = append(n.Feedback, b)
		}
	}
	return n
}

// slowLoss is the loss written with loops and the textbook formulas.
func slowLoss(n *Net, x, y []float64) float64 {
	h := x
	for i, l := range n.Layers {
		a := make([]float64, len(l.B))
		for r := range a {
			a[r] = l.B[r]
			for c := range h {
				a[r] += l.W.At(r, c) * h[c]
			}
			if i < len(n.Layers)-1 {
				switch l.Act {
				case ReLU:
					a[r] = math.Max(0, a[r])
				case Tanh:
					a[r] = (math.Exp(a[r]) - math.Exp(-a[r])) / (math.Exp(a[r]) + math.Exp(-a[r]))
				case Sigmoid:
					a[r] = 1 / (1 + math.Exp(-a[r]))
				case HardSigmoid:
					a[r] = math.Max(0, math.Min(1, a[r]/6+.5))
				}
			}
		}
		h = a
	}
	sum, loss := 0.0, 0.0
	for _, a := range h {
		sum += math.Exp(a)
	}
	for i, a := range h {
		p := 1 / (1 + math.Exp(-a))
		switch n.Output {
		case SoftmaxCE:
			loss -= y[i] * math.Log(math.Exp(a)/sum)
		case SigmoidCE:
			loss -= y[i]*math.Log(p) + (1-y[i])*math.Log(1/(1+math.Exp(a))) // not 1-p, which cancels
		case SigmoidSquared:
			loss += (p - y[i]) * (p - y[i]) / 2
		}
	}
	return loss
}

// nearKink says whether a sum lies so near a corner of its activation that a finite difference would step over it.
func nearKink(n *Net, x []float64) bool {
	for i, a := range n.Forward(x).A[:len(n.Layers)-1] {
		for _, a := range a {
			switch n.Layers[i].Act {
			case ReLU:
				if math.Abs(a) < 1e-3 {
					return true
				}
			case HardSigmoid:
				if math.Abs(math.Abs(a)-3) < 1e-3 {
					return true
				}
			}
		}
	}
	return false
}

func TestBackpropIsTheGradient(t *testing.T) {
	const h = 1e-5
	for _, act := range activations {
		for _, out := range outputs {
			t.Run(fmt.Sprintf("%s/%s", act, out), func(t *testing.T) {
				flat, checked := true, 0
				for seed := range uint64(20) {
					rng := rand.New(rand.NewPCG(seed, 1))
					// The gain reaches both flat parts of the hard sigmoid.
					n := random(rng, act, out, 4, 1, 4, 6, 5, 3)
					x, y := normal(rng, 4, 1), OneHot(rng.IntN(3), 3)
					if nearKink(n, x) {
						continue
					}
					checked++
					if got, want := n.Loss(x, y), slowLoss(n, x, y); math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
						t.Fatalf("loss %g, expected %g", got, want)
					}
					for i, g := range n.Gradients(Backprop, x, y) {
						l := n.Layers[i]
						check := func(name string, at *float64, got float64) {
							w := *at
							*at = w + h
							up := slowLoss(n, x, y)
							*at = w - h
							down := slowLoss(n, x, y)
							*at = w
							want := (up - down) / (2 * h)
							flat = flat && want == 0
							if math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
								t.Fatalf("layer %d, %s: gradient %g, difference quotient %g", i+1, name, got, want)
							}
						}
						outs, ins := l.Dims()
						for r := range outs {
							check(fmt.Sprintf("bias %d", r), &l.B[r], g.B[r])
							for c := range ins {
								check(fmt.Sprintf("weight %d,%d", r, c), &l.W.RawRowView(r)[c], g.W.At(r, c))
							}
						}
					}
				}
				if flat || checked < 10 {
					t.Errorf("nothing was compared: %d networks away from corners, all gradients zero: %v", checked, flat)
				}
			})
		}
	}
}

// Slopes at and beyond the corners, as the instruction set has them.
func TestSlopeAtCorners(t *testing.T) {
	for _, c := range []struct {
		f              Activation
		a, want, slope float64
	}{
		{ReLU, 0, 0, 0}, {ReLU, 2, 2, 1}, {ReLU, -2, 0, 0},
		{HardSigmoid, 3, 1, 0}, {HardSigmoid, -3, 0, 0}, {HardSigmoid, 0, .5, 1. / 6}, {HardSigmoid, 9, 1, 0}, {HardSigmoid, -9, 0, 0},
		{Tanh, 0, 0, 1}, {Sigmoid, 0, .5, .25}, {Sigmoid, -800, 0, 0}, {Tanh, 800, 1, 0},
	} {
		if h, s := c.f.Of(c.a), c.f.Slope(c.a); h != c.want || s != c.slope {
			t.Errorf("%s at %g: %g, slope %g; expected %g, %g", c.f, c.a, h, s, c.want, c.slope)
		}
	}
}

// Large sums overflow neither the softmax nor a loss.
func TestOutputsStayFinite(t *testing.T) {
	a, y := []float64{2000, -2000, 0}, []float64{0, 1, 0}
	for out, want := range map[Output]float64{SoftmaxCE: 4000, SigmoidCE: 4000 + math.Ln2, SigmoidSquared: 1.125} {
		if got := out.Loss(a, y); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: loss %g, expected %g", out, got, want)
		}
		for _, p := range out.Of(a) {
			if math.IsNaN(p) || p < 0 || p > 1 {
				t.Errorf("%s: output %g", out, p)
			}
		}
	}
}

// deltas are the errors that a rule gives the layers.
func deltas(rule Rule, n *Net, s State, y []float64) [][]float64 {
	var d [][]float64
	for _, e := range rule.Errors(n, s, y) {
		d = append(d, e.D)
	}
	return d
}

// The equation of DFA, by loops.
func TestDFADeltas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 2))
		act, out := rapid.SampledFrom(activations).Draw(t, "activation"), rapid.SampledFrom(outputs).Draw(t, "output")
		sizes := rapid.SliceOfN(rapid.IntRange(1, 6), 2, 5).Draw(t, "sizes")
		n := random(rng, act, out, 2, 0.5, sizes...)
		if err := n.Check(DFA); err != nil {
			t.Fatal(err)
		}
		x, classes := normal(rng, sizes[0], 1), sizes[len(sizes)-1]
		y := OneHot(rng.IntN(classes), classes)
		s := n.Forward(x)
		d := deltas(DFA, n, s, y)
		last := len(n.Layers) - 1
		if bp := deltas(Backprop, n, s, y); !slices.Equal(d[last], bp[last]) {
			t.Fatalf("output error %v, backpropagation has %v", d[last], bp[last])
		}
		for l := range last {
			if len(d[l]) != sizes[l+1] {
				t.Fatalf("layer %d: %d errors for %d units", l+1, len(d[l]), sizes[l+1])
			}
			for u := range d[l] {
				want := 0.0
				for c := range classes {
					e := s.P[c] - y[c]
					if out == SigmoidSquared {
						e *= s.P[c] * (1 - s.P[c])
					}
					want += n.Feedback[l].At(u, c) * e
				}
				want *= act.Slope(s.A[l][u])
				if math.Abs(d[l][u]-want) > 1e-12 {
					t.Fatalf("layer %d, unit %d: %g, expected %g", l+1, u, d[l][u], want)
				}
			}
		}
	})
}

// The equation of feedback alignment, by loops; the sign-symmetric form takes its matrices from the weights.
func TestFADeltas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 9))
		act, out := rapid.SampledFrom(activations).Draw(t, "activation"), rapid.SampledFrom(outputs).Draw(t, "output")
		sizes := rapid.SliceOfN(rapid.IntRange(1, 6), 2, 5).Draw(t, "sizes")
		n := random(rng, act, out, 2, 0.5, sizes...)
		n.Layers[len(n.Layers)-1].W.Set(0, 0, 0)
		var fa FA
		var rule Rule
		symmetric := rapid.Bool().Draw(t, "symmetric")
		for l := 1; l < len(n.Layers); l++ {
			b := mat.NewDense(sizes[l], sizes[l+1], normal(rng, sizes[l]*sizes[l+1], 1))
			if symmetric {
				for i := range sizes[l] {
					for j := range sizes[l+1] {
						b.Set(i, j, 0)
						if w := n.Layers[l].W.At(j, i); w != 0 {
							b.Set(i, j, 0.25*w/math.Abs(w))
						}
					}
				}
			}
			fa.B = append(fa.B, b)
		}
		if rule = fa; symmetric {
			rule = SignSymmetric{0.25}
		}
		if err := n.Check(rule); err != nil {
			t.Fatal(err)
		}
		x, classes := normal(rng, sizes[0], 1), sizes[len(sizes)-1]
		y := OneHot(rng.IntN(classes), classes)
		s := n.Forward(x)
		d := deltas(rule, n, s, y)
		for l := range len(n.Layers) - 1 {
			for u := range d[l] {
				want := 0.0
				for k := range d[l+1] {
					want += fa.B[l].At(u, k) * d[l+1][k]
				}
				want *= act.Slope(s.A[l][u])
				if math.Abs(d[l][u]-want) > 1e-12 {
					t.Fatalf("layer %d, unit %d: %g, expected %g", l+1, u, d[l][u], want)
				}
			}
		}
	})
}

// Feedback through the weights transposed is backpropagation.
func TestFAWithTheTransposeIsBackprop(t *testing.T) {
	rng := rand.New(rand.NewPCG(10, 10))
	n := random(rng, Tanh, SoftmaxCE, 2, 1, 5, 4, 6, 3)
	fa := FA{[]*mat.Dense{mat.DenseCopyOf(n.Layers[1].W.T()), mat.DenseCopyOf(n.Layers[2].W.T())}}
	x, y := normal(rng, 5, 1), OneHot(1, 3)
	bp, got := n.Gradients(Backprop, x, y), n.Gradients(fa, x, y)
	for i := range bp {
		if !mat.EqualApprox(bp[i].W, got[i].W, 1e-12) {
			t.Errorf("layer %d: %v and %v", i+1, mat.Formatted(bp[i].W), mat.Formatted(got[i].W))
		}
	}
}

// Local losses are the gradient of each layer's own loss by that layer and its classifier, by finite differences, and no other
// layer's: what a hidden layer learns does not depend on the layers above it.
func TestLocalIsTheGradientOfEachLoss(t *testing.T) {
	const h = 1e-5
	for _, act := range activations {
		for _, out := range outputs {
			checked := 0
			for seed := range uint64(10) {
				rng := rand.New(rand.NewPCG(seed, 12))
				n := random(rng, act, out, 4, 1, 4, 6, 5, 3)
				heads := random(rng, act, out, 2, 1, 5, 3).Layers
				local := Local{Heads: append(random(rng, act, out, 2, 1, 6, 3).Layers, heads...)}
				if err := n.Check(local); err != nil {
					t.Fatal(err)
				}
				x, y := normal(rng, 4, 1), OneHot(rng.IntN(3), 3)
				if nearKink(n, x) {
					continue
				}
				checked++
				// loss of layer i: that of the network cut above it, with its classifier on top.
				loss := func(i int) float64 {
					cut := &Net{Layers: slices.Clone(n.Layers), Output: out}
					if i < len(local.Heads) {
						cut.Layers = append(slices.Clone(n.Layers[:i+1]), local.Heads[i])
					}
					return slowLoss(cut, x, y)
				}
				grads := n.Gradients(local, x, y)
				if len(grads) != 5 {
					t.Fatalf("%d gradients, expected those of 3 layers and 2 classifiers", len(grads))
				}
				for k, l := range append(slices.Clone(n.Layers), local.Heads...) {
					check := func(at *float64, got float64) {
						w, of := *at, k%3
						*at = w + h
						up := loss(of)
						*at = w - h
						down := loss(of)
						*at = w
						if want := (up - down) / (2 * h); math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
							t.Fatalf("%s, %s, matrix %d: gradient %g, difference quotient %g", act, out, k+1, got, want)
						}
					}
					outs, ins := l.Dims()
					for r := range outs {
						check(&l.B[r], grads[k].B[r])
						for c := range ins {
							check(&l.W.RawRowView(r)[c], grads[k].W.At(r, c))
						}
					}
				}
				fixed := n.Gradients(Local{local.Heads, true}, x, y)
				if len(fixed) != 3 {
					t.Fatalf("%d gradients with fixed classifiers, expected those of 3 layers", len(fixed))
				}
			}
			if checked < 5 {
				t.Errorf("%s, %s: only %d networks away from corners", act, out, checked)
			}
		}
	}
}

// Where every unit is linear, feedback through the product of the transposed weights is backpropagation.
func TestDFAWithTheTransposeIsBackprop(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	n := random(rng, ReLU, SoftmaxCE, 1, 1, 5, 4, 6, 3)
	for _, l := range n.Layers {
		l.W.Apply(func(_, _ int, w float64) float64 { return math.Abs(w) }, l.W)
		for i := range l.B {
			l.B[i] = math.Abs(l.B[i]) + 0.01
		}
	}
	var b mat.Dense
	b.Mul(n.Layers[1].W.T(), n.Layers[2].W.T())
	n.Feedback = []*mat.Dense{&b, mat.DenseCopyOf(n.Layers[2].W.T())}
	x, y := []float64{.1, .2, .3, .4, .5}, OneHot(1, 3)
	bp, dfa := n.Gradients(Backprop, x, y), n.Gradients(DFA, x, y)
	for i := range bp {
		if !mat.EqualApprox(bp[i].W, dfa[i].W, 1e-12) {
			t.Errorf("layer %d: %v and %v", i+1, mat.Formatted(bp[i].W), mat.Formatted(dfa[i].W))
		}
		if a := Angle(bp[i], dfa[i]); a > 1e-5 {
			t.Errorf("layer %d: angle %g", i+1, a)
		}
	}
}

// A step is the gradient times the rate, of all layers at once; on a grid each change is rounded once.
func TestStep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rule := rapid.SampledFrom([]Rule{Backprop, DFA}).Draw(t, "rule")
		seed := rapid.Uint64().Draw(t, "seed")
		grid := Grid{}
		if rapid.Bool().Draw(t, "grid") {
			grid = Grid{Bits: rapid.IntRange(2, 16).Draw(t, "bits"), Frac: rapid.IntRange(0, 14).Draw(t, "frac")}
		}
		rng := rand.New(rand.NewPCG(seed, 4))
		n := random(rng, Tanh, SoftmaxCE, 1, 1, 3, 4, 5, 2)
		step := math.Ldexp(1, -grid.Frac)
		top := math.Ldexp(1, grid.Bits-1-grid.Frac)
		for _, l := range n.Layers {
			if grid.Bits > 0 { // start on the grid
				l.W.Apply(func(_, _ int, w float64) float64 { return min(max(math.Floor(w/step)*step, -top), top-step) }, l.W)
			}
		}
		n.Grid = grid
		x, y, rates := normal(rng, 3, 1), OneHot(1, 2), []float64{.5, .25, .125}
		before, biases := []*mat.Dense{}, [][]float64{}
		for _, l := range n.Layers {
			if grid.Bits > 0 {
				clear(l.B)
			}
			before, biases = append(before, mat.DenseCopyOf(l.W)), append(biases, slices.Clone(l.B))
		}
		grads := n.Gradients(rule, x, y)
		n.Step(rule, x, y, rates)
		for i, l := range n.Layers {
			out, in := l.Dims()
			check := func(name string, was, gradient, got float64) {
				want, tolerance := was-rates[i]*gradient, 1e-12
				if grid.Bits > 0 {
					want, tolerance = min(max(want, -top), top-step), step/2+1e-12
					if got/step != math.Trunc(got/step) || got < -top || got > top-step {
						t.Fatalf("layer %d, %s: %g is not on the grid", i+1, name, got)
					}
				}
				if math.Abs(got-want) > tolerance {
					t.Fatalf("layer %d, %s: %g, expected %g", i+1, name, got, want)
				}
			}
			for r := range out {
				check(fmt.Sprintf("bias %d", r), biases[i][r], grads[i].B[r], l.B[r])
				for c := range in {
					check(fmt.Sprintf("weight %d,%d", r, c), before[i].At(r, c), grads[i].W.At(r, c), l.W.At(r, c))
				}
			}
		}
	})
}

func TestGrid(t *testing.T) {
	g := Grid{Bits: 8, Frac: 4}
	for _, c := range []struct{ w, delta, want float64 }{
		{1, 1. / 32, 1 + 1./16}, // half a step rounds up
		{1, -1. / 32, 1},        // also when negative
		{1, 1. / 33, 1},
		{7, 5, 127. / 16},
		{-7, -5, -8},
		{9, 1. / 64, 9}, // a change of nothing touches nothing, bounds or not
	} {
		if got := g.add(c.w, c.delta); got != c.want {
			t.Errorf("%g + %g = %g, expected %g", c.w, c.delta, got, c.want)
		}
	}
	// Stochastic rounding keeps the mean.
	g.Rand = rand.New(rand.NewPCG(5, 5))
	const n, delta = 40000, 0.3 / 16
	sum := 0.0
	for range n {
		sum += g.add(0, delta)
	}
	if se := math.Sqrt(.3*.7/n) / 16; math.Abs(sum/n-delta) > 5*se {
		t.Errorf("mean of the rounded change is %g, expected %g", sum/n, delta)
	}
}

func TestCheck(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	net := func() *Net { return random(rng, Tanh, SoftmaxCE, 1, 1, 3, 4, 2) }
	for want, change := range map[string]func(*Net){
		"network without layers":                                       func(n *Net) { n.Layers = nil },
		"layer 1: 3 biases for 4 outputs":                              func(n *Net) { n.Layers[0].B = n.Layers[0].B[:3] },
		"layer 2: 5 inputs, layer 1 has 4 outputs":                     func(n *Net) { n.Layers[1].W = mat.NewDense(2, 5, nil) },
		"0 feedback matrices for 1 hidden layers":                      func(n *Net) { n.Feedback = nil },
		"feedback matrix 1 is 2 × 4, expected 4 × 2 (units × outputs)": func(n *Net) { n.Feedback[0] = mat.NewDense(2, 4, nil) },
	} {
		n := net()
		change(n)
		if err := n.Check(DFA); err == nil || err.Error() != want {
			t.Errorf("error %v, expected %q", err, want)
		}
	}
	if err := net().Check(DFA); err != nil {
		t.Error(err)
	}
	for want, rule := range map[string]Rule{
		"0 classifiers for 1 hidden layers":                                Local{},
		"classifier 1 is 3 × 4, expected 2 × 4 (outputs × units)":          Local{Heads: []Layer{{W: mat.NewDense(3, 4, nil)}}},
		"0 feedback matrices for 1 hidden layers":                          FA{},
		"feedback matrix 1 is 4 × 3, expected 4 × 2 (units × units above)": FA{[]*mat.Dense{mat.NewDense(4, 3, nil)}},
	} {
		if err := net().Check(rule); err == nil || err.Error() != want {
			t.Errorf("error %v, expected %q", err, want)
		}
	}
	if _, err := NewLayer(2, 3, make([]float64, 5), make([]float64, 2), ReLU); err == nil ||
		!strings.Contains(err.Error(), "5 weights and 2 biases, expected 6 and 2") {
		t.Errorf("error %v", err)
	}
}

const scale = 1. / 255

// angles returns the mean angle between the gradients of a rule and of backpropagation in each hidden layer over some test
// samples.
func angles(n *Net, rule Rule, set *dataset.Set) []float64 {
	mean := make([]float64, len(n.Layers)-1)
	const samples = 100
	for i := range samples {
		x, y := Input(set.Image(i), scale), OneHot(set.Label(i), set.Classes)
		bp, other := n.Gradients(Backprop, x, y), n.Gradients(rule, x, y)
		for l := range mean {
			mean[l] += Angle(bp[l], other[l]) / samples
		}
	}
	return mean
}

// On real digits the rules learn, and the weights of DFA and FA come to agree with their feedback: the angle between their updates
// and those of backpropagation falls from 90 degrees (Nøkland 2016, section 3; Lillicrap et al. 2016, figure 2).
func TestLearnsDigits(t *testing.T) {
	train, err := dataset.Open(t.Context(), "digits", dataset.Train)
	if err != nil {
		t.Fatal(err)
	}
	test, err := dataset.Open(t.Context(), "digits", dataset.Test)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(11, 11))
	signs := func(units, above int) *mat.Dense {
		b := mat.NewDense(units, above, nil)
		b.Apply(func(_, _ int, _ float64) float64 { return .25 * float64(2*rng.IntN(2)-1) }, b)
		return b
	}
	for _, c := range []struct {
		name  string
		rule  Rule
		rates []float64
		grid  Grid
		least float64
	}{
		{"backpropagation", Backprop, []float64{.05, .05, .05}, Grid{}, .85},
		{"dfa", DFA, []float64{.2, .1, .02}, Grid{}, .8},
		{"dfa, 16 bits", DFA, []float64{.2, .1, .02}, Grid{16, 14, rand.New(rand.NewPCG(7, 7))}, .8},
		{"local losses", Local{Heads: []Layer{random(rng, Tanh, SoftmaxCE, .5, 1, 64, 10).Layers[0], random(rng, Tanh, SoftmaxCE, .5, 1, 32, 10).Layers[0]}},
			[]float64{.1, .1, .02, .05, .05}, Grid{}, .85},
		{"fa", FA{[]*mat.Dense{signs(64, 32), signs(32, 10)}}, []float64{.2, .1, .02}, Grid{}, .8},
	} {
		n := random(rand.New(rand.NewPCG(8, 8)), Tanh, SoftmaxCE, .5, .25, 196, 64, 32, 10)
		n.Grid = c.grid
		aligned := c.rule
		if aligned == Rule(Backprop) { // whose angle to itself is 0
			aligned = DFA
		}
		before := angles(n, aligned, test)
		if a := stat.Mean(before, nil); math.Abs(a-90) > 10 {
			t.Errorf("%s: angles %.0f before learning", c.name, before)
		}
		for epoch := range 5 {
			n.Epoch(c.rule, train, dataset.Order(1, epoch, train.Len()), scale, c.rates)
		}
		accuracy, after := n.Accuracy(test, scale), angles(n, aligned, test)
		t.Logf("%s: %.1f%% of the test digits; angles %.1f before, %.1f after", c.name, accuracy*100, before, after)
		if accuracy < c.least {
			t.Errorf("%s: accuracy %.3f, expected at least %.2f", c.name, accuracy, c.least)
		}
		for l := range after {
			if c.rule != Rule(Backprop) && (after[l] > 75 || after[l] > before[l]-10) {
				t.Errorf("%s: angle of layer %d is %.1f after learning, %.1f before", c.name, l+1, after[l], before[l])
			}
		}
	}
}
