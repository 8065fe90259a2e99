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

// settled is a rule that relaxes to the end.
func settled(precision float64) Predictive {
	return Predictive{Steps: 400, Step: 0.2, Precision: precision}
}

// On a linear net with squared loss the energy is a quadratic form, and its least value has a closed form: with A_l the product of
// the matrices above layer l, ε_L = π (I + π Σ_l A_l A_lᵀ)⁻¹ (y - μ_L), μ_L of the forward pass, and ε_l = A_lᵀ ε_L.
func TestPredictiveSettlesAtTheAnalyticEquilibrium(t *testing.T) {
	for _, sizes := range [][]int{{4, 3}, {4, 5, 3}, {5, 4, 6, 3}, {3, 6, 2, 5, 4}} {
		for _, precision := range []float64{0.3, 1, 4} {
			rng := rand.New(rand.NewPCG(uint64(len(sizes)), 20))
			n := random(rng, Linear, LinearSquared, 0.7, 1, sizes...)
			classes := sizes[len(sizes)-1]
			x, y := normal(rng, sizes[0], 1), normal(rng, classes, 1)
			s := n.Forward(x)

			last := len(n.Layers)
			above := make([]*mat.Dense, last+1) // A_l
			above[last] = mat.NewDense(classes, classes, nil)
			for i := range classes {
				above[last].Set(i, i, 1)
			}
			k := mat.DenseCopyOf(above[last])
			for l := last - 1; l >= 1; l-- {
				above[l] = new(mat.Dense)
				above[l].Mul(above[l+1], n.Layers[l].W)
				var square mat.Dense
				square.Mul(above[l], above[l].T())
				square.Scale(precision, &square)
				k.Add(k, &square)
			}
			residue := make([]float64, classes)
			floats.SubTo(residue, y, s.P)
			var top mat.VecDense
			if err := top.SolveVec(k, mat.NewVecDense(classes, residue)); err != nil {
				t.Fatal(err)
			}
			top.ScaleVec(precision, &top)

			below := x
			for l, e := range settled(precision).Errors(n, s, y) {
				want := mulVec(above[l+1].T(), top.RawVector().Data)
				for i := range want {
					if math.Abs(-e.D[i]-want[i]) > 1e-9 {
						t.Fatalf("%v, precision %g: error %d of layer %d is %g, at the equilibrium %g", sizes, precision, i, l+1, -e.D[i], want[i])
					}
				}
				if !floats.EqualApprox(e.X, below, 1e-9) {
					t.Fatalf("%v, precision %g: layer %d learns from inputs %v, at the equilibrium %v", sizes, precision, l+1, e.X, below)
				}
				below = mulVec(n.Layers[l].W, below) // x = μ + ε
				floats.Add(below, n.Layers[l].B)
				floats.Add(below, want)
			}
		}
	}
}

// The weight step of relaxed nodes descends the relaxed energy as a function of the weights: where ∂F/∂x is 0, its gradient is
// the partial one. By finite differences.
func TestPredictiveDescendsTheSettledEnergy(t *testing.T) {
	const h = 1e-4
	for _, act := range []Activation{Tanh, Sigmoid, Linear} {
		for _, out := range []Output{SoftmaxCE, SigmoidCE, LinearSquared} {
			rng := rand.New(rand.NewPCG(3, 21))
			n := random(rng, act, out, 1, 1, 3, 4, 5, 3)
			r := settled(1.5)
			x, y := normal(rng, 3, 1), OneHot(1, 3)
			for i, g := range n.Gradients(r, x, y) {
				check := func(at *float64, got float64) {
					w := *at
					*at = w + h
					up := r.Energy(n, x, y)
					*at = w - h
					down := r.Energy(n, x, y)
					*at = w
					if want := (up - down) / (2 * h); math.Abs(got-want) > 1e-5 {
						t.Fatalf("%s, %s, layer %d: the weights descend %g, the energy's difference quotient is %g", act, out, i+1, got, want)
					}
				}
				l := n.Layers[i]
				check(&l.B[i%2], g.B[i%2])
				check(&l.W.RawRowView(1)[2], g.W.At(1, 2))
				check(&l.W.RawRowView(2)[0], g.W.At(2, 0))
			}
		}
	}
}

// The smaller the errors are that the output sends down, the less the nodes leave the forward pass, and the errors of all layers
// go to those of backpropagation in proportion (Whittington, Bogacz 2017, section 2.4: a large output variance).
func TestPredictiveIsBackpropInTheLimitOfSmallErrors(t *testing.T) {
	for _, act := range activations {
		for _, out := range []Output{SoftmaxCE, SigmoidCE, SigmoidSquared, LinearSquared} {
			checked := 0
			for seed := range uint64(20) {
				rng := rand.New(rand.NewPCG(seed, 22))
				n := random(rng, act, out, 1.5, 1, 4, 6, 5, 3)
				x, y := normal(rng, 4, 1), OneHot(rng.IntN(3), 3)
				if nearKink(n, x) {
					continue
				}
				distance := func(precision float64) float64 {
					worst := 0.0
					bp, s := deltas(Backprop, n, n.Forward(x), y), n.Forward(x)
					for l, d := range deltas(settled(precision), n, s, y) {
						floats.Scale(1/precision, d)
						worst = max(worst, floats.Distance(d, bp[l], 2)/(floats.Norm(bp[l], 2)+1e-9))
					}
					return worst
				}
				far, near := distance(1), distance(1e-4)
				if far < 1e-3 {
					continue // every unit of a layer is off: nothing comes down
				}
				checked++
				if near > 2e-3 || near > far/20 {
					t.Fatalf("%s, %s: relative distance to backpropagation %g at precision 1, %g at 0.0001", act, out, far, near)
				}
			}
			if checked < 5 {
				t.Errorf("%s, %s: only %d networks were compared", act, out, checked)
			}
		}
	}
}

// One sweep of step 1 moves every layer by the errors of backpropagation, and the first layer learns exactly those.
func TestPredictiveFirstSweepIsBackprop(t *testing.T) {
	for _, act := range activations {
		rng := rand.New(rand.NewPCG(4, 23))
		n := random(rng, act, SoftmaxCE, 1.5, 1, 4, 6, 5, 3)
		x, y := normal(rng, 4, 1), OneHot(2, 3)
		s, r := n.Forward(x), Predictive{Steps: 1, Step: 1}
		bp, v := deltas(Backprop, n, s, y), r.start(n, s, y)
		r.sweep(n, &v, y)
		for l := 1; l < len(n.Layers); l++ {
			for i := range v.x[l] {
				if got, want := s.A[l-1][i]-v.x[l][i], bp[l-1][i]; math.Abs(got-want) > 1e-12 {
					t.Fatalf("%s: node %d of layer %d moves by %g, backpropagation has %g", act, i, l, got, want)
				}
			}
		}
		if d := deltas(r, n, s, y); !floats.EqualApprox(d[0], bp[0], 1e-12) {
			t.Errorf("%s: the first layer learns %v, with backpropagation %v", act, d[0], bp[0])
		}
	}
}

// An incremental step is what the equations say when written as one loop over sweeps, each with its own weights.
func TestPredictiveIncremental(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 24))
	n := random(rng, Tanh, SoftmaxCE, 1, 1, 3, 4, 2)
	x, y, rates := normal(rng, 3, 1), OneHot(1, 2), []float64{.1, .2}
	w1, w2 := mat.DenseCopyOf(n.Layers[0].W), mat.DenseCopyOf(n.Layers[1].W)
	b1, b2 := append([]float64(nil), n.Layers[0].B...), append([]float64(nil), n.Layers[1].B...)
	sums := func(w *mat.Dense, b, h []float64) []float64 {
		a := append([]float64(nil), b...)
		for i := range a {
			for j := range h {
				a[i] += w.At(i, j) * h[j]
			}
		}
		return a
	}
	tanh := func(x []float64) []float64 {
		h := make([]float64, len(x))
		for i := range x {
			h[i] = math.Tanh(x[i])
		}
		return h
	}
	v := sums(w1, b1, x)
	for range 3 {
		mu1 := sums(w1, b1, x)
		p, h := SoftmaxCE.Of(sums(w2, b2, tanh(v))), tanh(v)
		for i := range v {
			back := 0.0
			for k := range p {
				back += w2.At(k, i) * (y[k] - p[k])
			}
			v[i] += .5 * ((1-h[i]*h[i])*back - (v[i] - mu1[i]))
		}
		h = tanh(v)
		p = SoftmaxCE.Of(sums(w2, b2, h))
		for k := range p {
			for i := range h {
				w2.Set(k, i, w2.At(k, i)+.2*(y[k]-p[k])*h[i])
			}
			b2[k] += .2 * (y[k] - p[k])
		}
		for i := range v {
			for j := range x {
				w1.Set(i, j, w1.At(i, j)+.1*(v[i]-mu1[i])*x[j])
			}
			b1[i] += .1 * (v[i] - mu1[i])
		}
	}
	n.Step(Predictive{Steps: 3, Step: .5, Incremental: true}, x, y, rates)
	if !mat.EqualApprox(n.Layers[0].W, w1, 1e-12) || !mat.EqualApprox(n.Layers[1].W, w2, 1e-12) ||
		!floats.EqualApprox(n.Layers[0].B, b1, 1e-12) || !floats.EqualApprox(n.Layers[1].B, b2, 1e-12) {
		t.Errorf("the weights are\n%.6f\n%.6f, expected\n%.6f\n%.6f", mat.Formatted(n.Layers[0].W), mat.Formatted(n.Layers[1].W), mat.Formatted(w1), mat.Formatted(w2))
	}
}

func TestPredictiveLearnsDigits(t *testing.T) {
	train, err := dataset.Open(t.Context(), "digits", dataset.Train)
	if err != nil {
		t.Fatal(err)
	}
	test, err := dataset.Open(t.Context(), "digits", dataset.Test)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		rule Predictive
		out  Output
		rate float64
	}{
		{"settled, cross-entropy", Predictive{Steps: 3, Step: .5}, SoftmaxCE, .05},
		{"settled, squared loss", Predictive{Steps: 3, Step: .5}, LinearSquared, .03},
		{"incremental", Predictive{Steps: 3, Step: .5, Incremental: true}, SoftmaxCE, .02},
	} {
		n := random(rand.New(rand.NewPCG(8, 25)), ReLU, c.out, 1, 1, 196, 64, 32, 10)
		if err := n.Check(c.rule); err != nil {
			t.Fatal(err)
		}
		for epoch := range 5 {
			n.Epoch(c.rule, train, dataset.Order(1, epoch, train.Len()), scale, []float64{c.rate, c.rate, c.rate})
		}
		accuracy := n.Accuracy(test, scale)
		t.Logf("%s: %.1f%% of the test digits", c.name, accuracy*100)
		if accuracy < .85 {
			t.Errorf("%s: accuracy %.3f, expected at least 0.85", c.name, accuracy)
		}
	}
}

func TestPredictiveCheck(t *testing.T) {
	n := random(rand.New(rand.NewPCG(6, 26)), Tanh, SoftmaxCE, 1, 1, 3, 4, 2)
	for _, r := range []Predictive{{Steps: 0, Step: 1}, {Steps: 1}, {Steps: 1, Step: 1, Precision: -1}} {
		want := fmt.Sprintf("predictive coding by %d sweeps of step %g and precision %g: expected at least 1, more than 0 and not less than 0", r.Steps, r.Step, r.Precision)
		if err := n.Check(r); err == nil || err.Error() != want {
			t.Errorf("error %v, expected %q", err, want)
		}
	}
}
