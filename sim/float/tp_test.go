package float

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
	"pgregory.net/rapid"

	"github.com/nmc-fpga/nmc/host/dataset"
)

// inverses returns random inverses for a network, with noise of both signs.
func inverses(rng *rand.Rand, n *Net, targets Targets, gain, noise float64) TargetProp {
	r := TargetProp{Targets: targets, Step: 0.4}
	top := len(n.Layers) - 1
	if targets != Simplified {
		top--
	}
	for i := range max(top, 0) {
		units, _ := n.Layers[i].Dims()
		above, _ := n.Layers[i+1].Dims()
		l, err := NewLayer(units, above, normal(rng, units*above, gain/math.Sqrt(float64(above))), normal(rng, units, gain/10), n.Layers[i].Act)
		if err != nil {
			panic(err)
		}
		r.Inverses = append(r.Inverses, l)
		r.Noise = append(r.Noise, signs(rng, units, noise))
	}
	return r
}

func signs(rng *rand.Rand, n int, magnitude float64) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = magnitude * float64(2*rng.IntN(2)-1)
	}
	return v
}

// The equations of the three targets, by loops.
func TestTargets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 21))
		act, out := rapid.SampledFrom(activations).Draw(t, "activation"), rapid.SampledFrom(outputs).Draw(t, "output")
		sizes := rapid.SliceOfN(rapid.IntRange(1, 6), 2, 6).Draw(t, "sizes")
		n := random(rng, act, out, 2, 0.5, sizes...)
		r := inverses(rng, n, rapid.SampledFrom([]Targets{Vanilla, Difference, Simplified}).Draw(t, "targets"), 2, 0.3)
		r.Linear = r.Targets != Vanilla && rapid.Bool().Draw(t, "linear")
		if err := n.Check(r); err != nil {
			t.Fatal(err)
		}
		last := len(n.Layers) - 1
		x, y := normal(rng, sizes[0], 1), OneHot(rng.IntN(sizes[last+1]), sizes[last+1])
		s := n.Forward(x)
		got := r.Errors(n, s, y)
		if len(got) != len(n.Layers)+len(r.Inverses) {
			t.Fatalf("%d matrices learn, expected %d and %d inverses", len(got), len(n.Layers), len(r.Inverses))
		}
		inverse := func(i, unit int, above []float64) float64 {
			a := r.Inverses[i].B[unit]
			for k, h := range above {
				a += r.Inverses[i].W.At(unit, k) * h
			}
			if r.Linear {
				return a
			}
			return act.Of(a)
		}
		var target []float64 // of the layer above
		for i := last - 1; i >= 0; i-- {
			h, e := s.H[i+1], got[last].D
			below := make([]float64, len(h))
			output := make([]float64, len(s.P))
			for c := range output {
				output[c] = s.P[c] + 0.4*(y[c]-s.P[c])
			}
			for u := range h {
				switch {
				case i == last-1 && r.Targets != Simplified:
					below[u] = h[u]
					for c := range e {
						below[u] -= 0.4 * n.Layers[last].W.At(c, u) * e[c]
					}
				case i == last-1:
					below[u] = h[u] + inverse(i, u, output) - inverse(i, u, s.P)
				case r.Targets == Vanilla:
					below[u] = inverse(i, u, target)
				default:
					below[u] = h[u] + inverse(i, u, target) - inverse(i, u, s.H[i+2])
				}
				if want := (h[u] - below[u]) * act.Slope(s.A[i][u]); math.Abs(got[i].D[u]-want) > 1e-12 {
					t.Fatalf("%s, layer %d, unit %d: %g, expected %g", r, i+1, u, got[i].D[u], want)
				}
			}
			target = below
		}
		r.Warmup = true
		for i, e := range r.Errors(n, s, y) {
			if learns := floats.Norm(e.D, 1) > 0; learns && i <= last {
				t.Fatalf("layer %d learns while the inverses warm up", i+1)
			}
		}
		r.Warmup, r.Asleep = false, true
		for i, e := range r.Errors(n, s, y) {
			if i <= last && !slices.Equal(e.D, got[i].D) || i > last && floats.Norm(e.D, 1) > 0 {
				t.Fatalf("matrix %d does not learn as it should while the inverses do not", i+1)
			}
		}
	})
}

// An inverse descends the gradient of its own loss, by finite differences; the loss of one does not depend on another.
func TestInverseIsTheGradientOfItsLoss(t *testing.T) {
	const h = 1e-5
	for _, act := range activations {
		for _, out := range outputs {
			checked := 0
			for seed := range uint64(10) {
				rng := rand.New(rand.NewPCG(seed, 22))
				n := random(rng, act, out, 4, 1, 4, 6, 5, 3)
				r := inverses(rng, n, Simplified, 3, 0.3)
				r.Linear = seed%2 == 1
				x, y := normal(rng, 4, 1), OneHot(rng.IntN(3), 3)
				s := n.Forward(x)
				kink := false
				for i := range r.Inverses {
					_, _, sums := r.reconstruct(n, s, i)
					for _, a := range sums {
						kink = kink || act == ReLU && math.Abs(a) < 1e-3 || act == HardSigmoid && math.Abs(math.Abs(a)-3) < 1e-3
					}
				}
				if kink {
					continue
				}
				checked++
				for k, g := range n.Gradients(r, x, y)[3:] {
					if r.Linear { // and the decay
						g.W.Add(g.W, r.Inverses[k].W)
					}
					check := func(at *float64, got float64) {
						w, want := *at, make([]float64, 2)
						*at = w + h
						up := r.InverseLoss(n, s)
						*at = w - h
						down := r.InverseLoss(n, s)
						*at = w
						want[k] = got
						for i := range want {
							if diff := (up[i] - down[i]) / (2 * h); math.Abs(diff-want[i]) > 1e-6*(1+math.Abs(want[i])) {
								t.Fatalf("%s, %s, inverse %d, loss %d: gradient %g, difference quotient %g", act, out, k+1, i+1, want[i], diff)
							}
						}
					}
					l := r.Inverses[k]
					outs, ins := l.Dims()
					for row := range outs {
						if !r.Linear {
							check(&l.B[row], g.B[row])
						}
						for c := range ins {
							check(&l.W.RawRowView(row)[c], g.W.At(row, c))
						}
					}
				}
			}
			if checked < 5 {
				t.Errorf("%s, %s: only %d networks away from corners", act, out, checked)
			}
		}
	}
}

// The mean gradient of the difference reconstruction loss over all noise is -Jᵀ, and V from the decay, where the layer is linear; and with V = Jᵀ of the
// sample difference targets are backpropagation's, Step times as large (Ernoult et al. 2022).
func TestLinearInverses(t *testing.T) {
	rng := rand.New(rand.NewPCG(28, 28))
	x, y := normal(rng, 5, 1), OneHot(1, 3)
	n, _ := linear(t, rng, x, Difference, func(w *mat.Dense, b []float64) (*mat.Dense, []float64) { return w, b })
	r := inverses(rng, n, Difference, 1, 0.01)
	r.Linear = true
	if err := n.Check(r); err != nil {
		t.Fatal(err)
	}
	mean := []*mat.Dense{mat.NewDense(5, 5, nil), mat.NewDense(5, 5, nil)}
	for signs := range 32 {
		for i := range r.Noise {
			for j := range r.Noise[i] {
				r.Noise[i][j] = 0.01 * float64(1-2*(signs>>j&1))
			}
		}
		for i, g := range n.Gradients(r, x, y)[4:] {
			g.W.Scale(1./32, g.W)
			mean[i].Add(mean[i], g.W)
		}
	}
	for i := range r.Inverses {
		mean[i].Scale(-1, mean[i])
		if !mat.EqualApprox(mean[i], n.Layers[i+1].W.T(), 1e-9) {
			t.Errorf("inverse of layer %d: the mean gradient is not -Jᵀ", i+2)
		}
	}

	for _, act := range activations {
		n := random(rng, act, SoftmaxCE, 2, 1, 5, 4, 6, 7, 3)
		r := inverses(rng, n, Difference, 1, 0.01)
		r.Linear = true
		s := n.Forward(x)
		for i, g := range r.Inverses {
			above := n.Layers[i+1]
			g.W.Copy(above.W.T())
			g.W.Apply(func(_, c int, w float64) float64 { return w * act.Slope(s.A[i+1][c]) }, g.W)
		}
		bp, tp := n.Gradients(Backprop, x, y), n.Gradients(r, x, y)
		for i := range 3 {
			bp[i].W.Scale(r.Step, bp[i].W)
			if !mat.EqualApprox(bp[i].W, tp[i].W, 1e-12) {
				t.Errorf("%s, layer %d: not backpropagation's", act, i+1)
			}
		}
	}
}

// linear returns a network of square hidden layers whose ReLUs are all active at x, with the same for its inverses, W and c of
// which are given by of(W_(l+1), b_(l+1)).
func linear(t *testing.T, rng *rand.Rand, x []float64, targets Targets, of func(w *mat.Dense, b []float64) (*mat.Dense, []float64)) (*Net, TargetProp) {
	n := random(rng, ReLU, SoftmaxCE, 0.2, 1, 5, 5, 5, 5, 3)
	for i := range 3 {
		for j := range n.Layers[i].B { // well conditioned, and far from the corner
			n.Layers[i].W.Set(j, j, n.Layers[i].W.At(j, j)+1)
			n.Layers[i].B[j] = 10
		}
	}
	n.Layers[3].W.Scale(0.1, n.Layers[3].W) // large activities, but no class that is certain
	r := TargetProp{Targets: targets, Step: 0.8}
	for i := 1; i < 3; i++ {
		v, c := of(n.Layers[i].W, n.Layers[i].B)
		r.Inverses = append(r.Inverses, Layer{v, c, ReLU})
	}
	if err := n.Check(r); err != nil {
		t.Fatal(err)
	}
	s := n.Forward(x)
	for i := 1; i < 4; i++ {
		if floats.Min(s.H[i]) < 1 {
			t.Fatal("a unit is not in its linear range")
		}
	}
	return n, r
}

// With exact inverses of linear invertible layers, vanilla and difference targets are the same, and they are those of Gauss and
// Newton for the squared distance of the last hidden layer to its target: ĥ_l - h_l = (JᵀJ)⁻¹ Jᵀ (ĥ_(L-1) - h_(L-1)), J = ∂h_(L-1)/∂h_l
// (Meulemans et al. 2020, theorem 2 and lemma 1). With the transposed weights in place of the inverses, difference targets are
// gradient steps: backpropagation, Step times as fast.
func TestTargetsOfLinearLayers(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 23))
		x, y := normal(rng, 5, 1), OneHot(rng.IntN(3), 3)
		var all [][][]float64
		for _, targets := range []Targets{Vanilla, Difference} {
			n, r := linear(t, rand.New(rand.NewPCG(seed, 24)), x, targets, func(w *mat.Dense, b []float64) (*mat.Dense, []float64) {
				var v mat.Dense
				if err := v.Inverse(w); err != nil {
					t.Fatal(err)
				}
				c := mulVec(&v, b)
				floats.Scale(-1, c)
				return &v, c
			})
			s := n.Forward(x)
			for i, loss := range r.InverseLoss(n, s) {
				if loss > 1e-20 {
					t.Fatalf("inverse of layer %d is not exact: loss %g", i+2, loss)
				}
			}
			got := r.targets(n, s, y)
			all = append(all, got)
			top := append([]float64(nil), got[2]...)
			floats.Sub(top, s.H[3])
			if floats.Norm(top, 2) < 1e-3 {
				t.Fatal("no error to propagate")
			}
			jacobian := mat.DenseCopyOf(mat.NewDiagDense(5, []float64{1, 1, 1, 1, 1}))
			for l := 2; l > 0; l-- {
				var j, jj, pseudo, step mat.Dense
				j.Mul(jacobian, n.Layers[l].W) // l counts from 0: of layer l+1
				jj.Mul(j.T(), &j)
				if err := pseudo.Solve(&jj, j.T()); err != nil {
					t.Fatal(err)
				}
				step.Mul(&pseudo, mat.NewDense(5, 1, top))
				for u, h := range s.H[l] {
					if want := h + step.At(u, 0); math.Abs(got[l-1][u]-want) > 1e-9 {
						t.Fatalf("%s, layer %d, unit %d: target %g, Gauss and Newton's is %g", targets, l, u, got[l-1][u], want)
					}
				}
				jacobian = mat.DenseCopyOf(&j)
			}
		}
		for l := range all[0] {
			if !floats.EqualApprox(all[0][l], all[1][l], 1e-9) {
				t.Fatalf("layer %d: vanilla targets %v, difference targets %v", l+1, all[0][l], all[1][l])
			}
		}

		n, r := linear(t, rng, x, Difference, func(w *mat.Dense, b []float64) (*mat.Dense, []float64) {
			return mat.DenseCopyOf(w.T()), []float64{50, 50, 50, 50, 50}
		})
		bp, tp := n.Gradients(Backprop, x, y), n.Gradients(r, x, y)
		for i := range 3 {
			bp[i].W.Scale(r.Step, bp[i].W)
			if !mat.EqualApprox(bp[i].W, tp[i].W, 1e-12) {
				t.Fatalf("layer %d, transposed weights: %v, expected %v", i+1, mat.Formatted(tp[i].W), mat.Formatted(bp[i].W))
			}
		}
	}
}

// On real digits the loss of the inverses falls, first while only they learn and then while the layers do, and what the hidden layers
// learn comes nearer to the gradient than a right angle.
func TestTargetPropLearnsDigits(t *testing.T) {
	train, err := dataset.Open(t.Context(), "digits", dataset.Train)
	if err != nil {
		t.Fatal(err)
	}
	test, err := dataset.Open(t.Context(), "digits", dataset.Test)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		targets  Targets
		linear   bool
		accuracy float64
	}{{Difference, false, .85}, {Simplified, false, .8}, {Difference, true, .85}, {Simplified, true, .8}} {
		rng := rand.New(rand.NewPCG(25, 25))
		n := random(rng, Tanh, SoftmaxCE, 1, 1, 196, 64, 32, 10)
		r := inverses(rng, n, c.targets, .7, .3)
		r.Linear, r.Decay = c.linear, 1
		rates := []float64{.08, .08, .02, .02, .02}[:3+len(r.Inverses)]
		loss := func() float64 { // of all inverses over test samples, as a share of what they reconstruct: activities grow
			rng, sum, all := rand.New(rand.NewPCG(26, 26)), 0.0, 0.0
			for i := range 100 {
				s := n.Forward(Input(test.Image(i), scale))
				for k := range r.Noise {
					r.Noise[k] = signs(rng, len(r.Noise[k]), .3)
					noisy, _, _ := r.reconstruct(n, s, k)
					all += floats.Dot(noisy, noisy) / 2
				}
				sum += floats.Sum(r.InverseLoss(n, s))
			}
			if c.linear {
				return sum / 100
			}
			return sum / all
		}
		epoch := func(e int) {
			for _, i := range dataset.Order(1, e, train.Len()) {
				for k := range r.Noise {
					r.Noise[k] = signs(rng, len(r.Noise[k]), .3)
				}
				n.Step(r, Input(train.Image(i), scale), OneHot(train.Label(i), 10), rates)
			}
		}
		start, before := loss(), angles(n, r, test)
		weights := mat.DenseCopyOf(n.Layers[0].W)
		r.Warmup = true
		epoch(0)
		warm := loss()
		if !mat.Equal(weights, n.Layers[0].W) {
			t.Errorf("%s: the first layer changed while the inverses warmed up", r)
		}
		r.Warmup = false
		for e := range 5 {
			epoch(1 + e)
		}
		end, accuracy, after := loss(), n.Accuracy(test, scale), angles(n, r, test)
		t.Logf("%s: %.1f%% of the test digits; loss of the inverses %.2f, %.2f warm, %.2f; angles %.1f before, %.1f after", r, accuracy*100, start, warm, end, before, after)
		if accuracy < c.accuracy || warm > start-0.3*math.Abs(start) || end > start-0.3*math.Abs(start) || stat.Mean(after, nil) > 80 {
			t.Errorf("%s: expected an accuracy of %.2f, falling losses, angles below 80 degrees", r, c.accuracy)
		}
	}
}

func TestCheckTargetProp(t *testing.T) {
	rng := rand.New(rand.NewPCG(27, 27))
	n := random(rng, Tanh, SoftmaxCE, 1, 1, 3, 4, 5, 2)
	good := inverses(rng, n, Simplified, 1, 1)
	for want, r := range map[string]TargetProp{
		"2 inverses, expected 1": {Targets: Difference, Inverses: good.Inverses},
		"1 inverses, expected 2": {Targets: Simplified, Inverses: good.Inverses[:1]},
		"inverse of layer 2 is 5 × 2, expected 4 × 5 (units below × units)": {Targets: Vanilla, Inverses: good.Inverses[1:]},
		"linear inverses take noise, and targets that are differences":      {Targets: Difference, Linear: true, Inverses: good.Inverses[:1]},
		"noise on layer 1 has 5 elements, expected 4":                       {Inverses: good.Inverses[:1], Noise: good.Noise[1:]},
	} {
		if err := n.Check(r); err == nil || err.Error() != want {
			t.Errorf("error %v, expected %q", err, want)
		}
	}
	if err := n.Check(good); err != nil {
		t.Error(err)
	}
}
