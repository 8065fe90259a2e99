package float

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/nmc-fpga/nmc/host/dataset"
)

// hopfield returns a network with normal weights and biases around a half of the range, so that most units are not clipped.
func hopfield(rng *rand.Rand, gain float64, sizes ...int) *Hopfield {
	n := &Hopfield{Beta: 0.5, Free: 300, Nudged: 300, Rand: rng}
	n.Layers = random(rng, Linear, SoftmaxCE, gain, 1, sizes...).Layers
	for _, l := range n.Layers {
		for i := range l.B {
			l.B[i] = 0.4 + 0.2*rng.NormFloat64()
		}
	}
	return n
}

// throughTime returns the gradient of ½|s_L - y|² by backpropagation through all the steps of a free relaxation of the given
// number of sweeps, starting from the states s: the reverse of each layer's step, in the reverse order, with loops.
func throughTime(n *Hopfield, s [][]float64, y []float64, sweeps int) []Gradient {
	last := len(n.Layers)
	type step struct {
		l            int
		below, above []float64
		open         []bool // units away from the clip, where the derivative is 1
	}
	var tape []step
	for range sweeps {
		for l := 1; l <= last; l++ {
			k := step{l: l, below: append([]float64(nil), s[l-1]...)}
			if l < last {
				k.above = append([]float64(nil), s[l+1]...)
			}
			for i := range s[l] {
				u := n.Layers[l-1].B[i]
				for j, b := range k.below {
					u += n.Layers[l-1].W.At(i, j) * b
				}
				for j, a := range k.above {
					u += n.Layers[l].W.At(j, i) * a
				}
				k.open = append(k.open, u > 0 && u < 1)
				s[l][i] = min(max(u, 0), 1)
			}
			tape = append(tape, k)
		}
	}
	var g []Gradient
	var ds [][]float64 // gradient by the states
	for l := range s {
		ds = append(ds, make([]float64, len(s[l])))
		if l > 0 {
			out, in := n.Layers[l-1].Dims()
			g = append(g, Gradient{mat.NewDense(out, in, nil), make([]float64, out)})
		}
	}
	floats.SubTo(ds[last], s[last], y)
	for t := len(tape) - 1; t >= 0; t-- {
		k := tape[t]
		for i, open := range k.open {
			d := ds[k.l][i]
			ds[k.l][i] = 0
			if !open {
				continue
			}
			g[k.l-1].B[i] += d
			for j, b := range k.below {
				g[k.l-1].W.Set(i, j, g[k.l-1].W.At(i, j)+d*b)
				ds[k.l-1][j] += n.Layers[k.l-1].W.At(i, j) * d
			}
			for j, a := range k.above {
				g[k.l].W.Set(j, i, g[k.l].W.At(j, i)+d*a)
				ds[k.l+1][j] += n.Layers[k.l].W.At(j, i) * d
			}
		}
	}
	return g
}

// cosine is that of the angle between two gradients, biases included.
func cosine(a, b Gradient) float64 {
	x := append(append([]float64(nil), a.W.RawMatrix().Data...), a.B...)
	y := append(append([]float64(nil), b.W.RawMatrix().Data...), b.B...)
	return floats.Dot(x, y) / floats.Norm(x, 2) / floats.Norm(y, 2)
}

// In the limit of a small nudge the update of equilibrium propagation is the gradient that backpropagation through time finds from
// the same fixed point (Ernoult, Grollier, Querlioz, Bengio, Scellier 2019).
func TestHopfieldIsBackpropThroughTime(t *testing.T) {
	for _, c := range []struct {
		estimator Estimator
		beta      float64
		negative  bool
		distance  float64
	}{
		{Symmetric, 1e-3, false, 1e-4}, {Positive, 1e-5, false, 1e-3}, {RandomSign, 1e-5, true, 1e-3}, {Symmetric, 0.02, false, 0.05},
	} {
		checked, clipped := 0, 0
		for seed := range uint64(12) {
			rng := rand.New(rand.NewPCG(seed, 30))
			n := hopfield(rng, 0.5, 6, 8, 7, 3)
			n.Estimator, n.Beta = c.estimator, c.beta
			if err := n.Check(); err != nil {
				t.Fatal(err)
			}
			x, y := make([]float64, 6), OneHot(rng.IntN(3), 3)
			for i := range x {
				x[i] = rng.Float64()
			}
			free := n.Settle(x)
			if cornered(n, free) {
				continue
			}
			checked++
			for _, s := range free[1:] {
				for _, s := range s {
					if s == 0 || s == 1 {
						clipped++
					}
				}
			}
			want := throughTime(n, n.Nudge(free, y, 0), y, 300)
			for l, g := range n.Gradients(x, y, c.negative) {
				if floats.Norm(want[l].B, 2) < 1e-9 {
					continue
				}
				if cos := cosine(g, want[l]); cos < 0.99 {
					t.Errorf("%s, nudge %g, seed %d: cosine %.4f in layer %d", c.estimator, c.beta, seed, cos, l+1)
				}
				var d mat.Dense
				d.Sub(g.W, want[l].W)
				if rel := mat.Norm(&d, 2) / mat.Norm(want[l].W, 2); rel > c.distance {
					t.Errorf("%s, nudge %g, seed %d: layer %d is %.3g of its length from the gradient", c.estimator, c.beta, seed, l+1, rel)
				}
			}
		}
		if checked < 6 || clipped == 0 {
			t.Errorf("%s, nudge %g: %d networks were compared, %d of their units clipped", c.estimator, c.beta, checked, clipped)
		}
	}
}

// cornered says whether a unit of a settled state is so near a corner of the clip that a nudge would cross it.
func cornered(n *Hopfield, s [][]float64) bool {
	for l := 1; l < len(s); l++ {
		for _, u := range n.field(s, l, nil, 0) {
			if math.Abs(u) < 0.01 || math.Abs(u-1) < 0.01 {
				return true
			}
		}
	}
	return false
}

// Every step of a layer goes to the least energy of its units in their range: no sweep raises the energy, and a settled state is
// one in which no unit can lower it.
func TestHopfieldSweepsLowerTheEnergy(t *testing.T) {
	energy := func(n *Hopfield, s [][]float64, y []float64, beta float64) float64 {
		e := 0.0
		for l := 1; l < len(s); l++ {
			for i, v := range s[l] {
				e += v*v/2 - n.Layers[l-1].B[i]*v
				for j, b := range s[l-1] {
					e -= v * n.Layers[l-1].W.At(i, j) * b
				}
			}
		}
		for i, v := range s[len(s)-1] {
			e += beta * (v - y[i]) * (v - y[i]) / 2
		}
		return e
	}
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 31))
		n := hopfield(rng, 1, 5, 7, 6, 4)
		n.Free, n.Nudged = 1, 1
		y := OneHot(2, 4)
		s := n.Settle(normal(rng, 5, 1))
		for _, beta := range []float64{0, 0.5, -0.5} {
			before := energy(n, s, y, beta)
			for range 400 {
				s = n.Nudge(s, y, beta)
				after := energy(n, s, y, beta)
				if after > before+1e-12 {
					t.Fatalf("seed %d, nudge %g: a sweep raises the energy from %g to %g", seed, beta, before, after)
				}
				before = after
			}
			for l := 1; l < len(s); l++ {
				for i, v := range s[l] {
					for _, other := range []float64{max(v-1e-4, 0), min(v+1e-4, 1)} {
						s[l][i] = other
						if e := energy(n, s, y, beta); e < before-1e-10 {
							t.Fatalf("seed %d, nudge %g: unit %d of layer %d at %g has less energy than at %g", seed, beta, i, l, other, v)
						}
					}
					s[l][i] = v
				}
			}
		}
	}
}

// What the device computes from the difference D and the mean M of the two states is the same change.
func TestHopfieldDifferenceAndMean(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 32))
	n := hopfield(rng, 0.7, 4, 6, 3)
	x, y := normal(rng, 4, 1), OneHot(1, 3)
	a, b, over := n.pair(x, y, false)
	for l, g := range n.Gradients(x, y, false) {
		for i := range a[l+1] {
			for j := range a[l] {
				d, m := a[l+1][i]-b[l+1][i], (a[l+1][i]+b[l+1][i])/2
				dx, mx := a[l][j]-b[l][j], (a[l][j]+b[l][j])/2
				if want := -(d*mx + m*dx) / over; math.Abs(g.W.At(i, j)-want) > 1e-12 {
					t.Fatalf("layer %d: %g, by difference and mean %g", l+1, g.W.At(i, j), want)
				}
			}
		}
	}
}

func TestHopfieldLearnsDigits(t *testing.T) {
	train, err := dataset.Open(t.Context(), "digits", dataset.Train)
	if err != nil {
		t.Fatal(err)
	}
	test, err := dataset.Open(t.Context(), "digits", dataset.Test)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		estimator Estimator
		grid      Grid
		least     float64
	}{
		{Symmetric, Grid{16, 14, rand.New(rand.NewPCG(7, 33))}, .75}, {RandomSign, Grid{}, .75},
	} {
		rng := rand.New(rand.NewPCG(8, 34))
		n := &Hopfield{Layers: random(rng, Linear, SoftmaxCE, .5, 1, 196, 32, 10).Layers, Beta: .5, Free: 6, Nudged: 2, Estimator: c.estimator, Grid: c.grid, Rand: rng}
		for epoch := range 3 {
			for _, i := range dataset.Order(1, epoch, train.Len()) {
				n.Learn(Input(train.Image(i), scale), OneHot(train.Label(i), 10), []float64{.05, .05})
			}
		}
		right := 0
		for i := range test.Len() {
			if n.Predict(Input(test.Image(i), scale)) == test.Label(i) {
				right++
			}
		}
		accuracy := float64(right) / float64(test.Len())
		t.Logf("%s, %d bits: %.1f%% of the test digits", c.estimator, c.grid.Bits, accuracy*100)
		if accuracy < c.least {
			t.Errorf("%s, %d bits: accuracy %.3f, expected at least %.2f", c.estimator, c.grid.Bits, accuracy, c.least)
		}
	}
}

func TestHopfieldCheck(t *testing.T) {
	for _, c := range []struct {
		estimator Estimator
		beta      float64
		ok        bool
	}{{Symmetric, 1, false}, {RandomSign, 1, false}, {Positive, 0, false}, {Positive, 1, true}, {Symmetric, .99, true}} {
		n := hopfield(rand.New(rand.NewPCG(1, 35)), 1, 3, 2)
		n.Estimator, n.Beta = c.estimator, c.beta
		want := fmt.Sprintf("nudge %g with the %s estimator: expected more than 0 and, if it can be negative, less than 1", c.beta, c.estimator)
		if err := n.Check(); (err == nil) != c.ok || err != nil && err.Error() != want {
			t.Errorf("error %v, expected %q: %v", err, want, !c.ok)
		}
	}
	n := hopfield(rand.New(rand.NewPCG(1, 35)), 1, 3, 2)
	n.Layers[0].B = nil
	if err := n.Check(); err == nil {
		t.Error("a layer without biases passes")
	}
}
