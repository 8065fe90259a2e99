package float

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"
)

// rademacher returns n random signs.
func rademacher(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = float64(2*rng.IntN(2) - 1)
	}
	return v
}

func nodeNoise(rng *rand.Rand) func(int, int) []float64 {
	return func(_, units int) []float64 { return rademacher(rng, units) }
}

func weightNoise(rng *rand.Rand) func(int, int, int) *mat.Dense {
	return func(_, out, in int) *mat.Dense { return mat.NewDense(out, in+1, rademacher(rng, out*(in+1))) }
}

// flat returns all elements of the gradients, weights then biases of each layer.
func flat(g []Gradient) []float64 {
	var all []float64
	for _, g := range g {
		all = append(append(all, g.W.RawMatrix().Data...), g.B...)
	}
	return all
}

// moments are sums of draws of an estimate.
type moments struct {
	n          int
	sum, error []float64 // error: of squared distances to the truth
}

func (m *moments) add(got, truth []float64) {
	if m.sum == nil {
		m.sum, m.error = make([]float64, len(got)), make([]float64, len(got))
	}
	m.n++
	for i := range got {
		m.sum[i] += got[i]
		m.error[i] += (got[i] - truth[i]) * (got[i] - truth[i])
	}
}

// unbiased holds the mean of the draws to the truth: every element within five standard errors and what a finite perturbation may
// add, all of them within a quarter of the truth's length, so that the draws suffice to say something.
func (m *moments) unbiased(t *testing.T, truth []float64, bias float64) {
	t.Helper()
	off, length := 0.0, 0.0
	for i, want := range truth {
		mean, se := m.sum[i]/float64(m.n), math.Sqrt(m.error[i])/float64(m.n)
		if math.Abs(mean-want) > 5*se+bias+1e-9 {
			t.Errorf("element %d: mean of %d draws %g ± %g, gradient %g", i, m.n, mean, se, want)
		}
		off, length = off+(mean-want)*(mean-want), length+want*want
	}
	if off > length/16 {
		t.Errorf("the mean of %d draws is %.2g from a gradient of length %.2g", m.n, math.Sqrt(off), math.Sqrt(length))
	}
}

// awayFromKinks returns a network and a sample whose sums keep their distance from the corners of the activation.
func awayFromKinks(seed uint64, act Activation, out Output, margin float64) (*Net, []float64, []float64) {
	for ; ; seed++ {
		rng := rand.New(rand.NewPCG(seed, 21))
		n := random(rng, act, out, 2, 1, 5, 9, 7, 3)
		x, y := normal(rng, 5, 1), OneHot(rng.IntN(3), 3)
		near := false
		for i, sums := range n.Forward(x).A[:2] {
			for _, a := range sums {
				switch n.Layers[i].Act {
				case ReLU:
					near = near || math.Abs(a) < margin
				case HardSigmoid:
					near = near || math.Abs(math.Abs(a)-3) < margin
				}
			}
		}
		if !near {
			return n, x, y
		}
	}
}

// The estimates are unbiased: their mean over many draws is the gradient, for tangents exactly, for finite perturbations but for terms of the
// square of their size.
func TestPerturbationIsUnbiased(t *testing.T) {
	const draws = 5000
	for _, act := range activations {
		for _, out := range outputs {
			n, x, y := awayFromKinks(1, act, out, 0.02)
			truth := flat(n.Gradients(Backprop, x, y))
			rng := rand.New(rand.NewPCG(31, 7))
			for _, size := range []float64{0, 0.005} {
				for _, group := range []int{0, 4} {
					t.Run(fmt.Sprintf("%s/%s/nodes/size %g/groups of %d", act, out, size, group), func(t *testing.T) {
						rule, m := NodePerturbation{Group: group, Size: size, Noise: nodeNoise(rng)}, moments{}
						if err := n.Check(rule); err != nil {
							t.Fatal(err)
						}
						s := n.Forward(x)
						truth := slices.Concat(deltas(Backprop, n, s, y)...)
						for range draws {
							m.add(slices.Concat(deltas(rule, n, s, y)...), truth)
						}
						m.unbiased(t, truth, 2*size*size)
					})
				}
				t.Run(fmt.Sprintf("%s/%s/weights/size %g", act, out, size), func(t *testing.T) {
					rule, m := WeightPerturbation{Size: size / 10, Noise: weightNoise(rng)}, moments{}
					for range draws {
						m.add(flat(rule.Estimate(n, x, y)), truth)
					}
					m.unbiased(t, truth, 2*size*size)
				})
			}
		}
	}
}

// The variance of an element is the sum of the squares of the others that are perturbed with it: (Σ ξ_k g_k) ξ_j = g_j + Σ_(k≠j) ξ_j
// ξ_k g_k. So groups of n units cost n - 1 times the square of a typical element, and all weights at once the square of the
// gradient's norm.
func TestPerturbationVariance(t *testing.T) {
	const draws = 10000
	n, x, y := awayFromKinks(2, Tanh, SoftmaxCE, 0)
	s := n.Forward(x)
	rng := rand.New(rand.NewPCG(32, 7))
	truth := deltas(Backprop, n, s, y)
	for _, group := range []int{0, 3} {
		rule := NodePerturbation{Group: group, Noise: nodeNoise(rng)}
		for l := range 2 {
			var m moments
			for range draws {
				m.add(deltas(rule, n, s, y)[l], truth[l])
			}
			size := group
			if size == 0 {
				size = len(truth[l])
			}
			for j := range truth[l] {
				want := 0.0
				for k := range truth[l] {
					if k != j && k/size == j/size {
						want += truth[l][k] * truth[l][k]
					}
				}
				if got := m.error[j] / draws; math.Abs(got-want) > 0.1*want+1e-20 {
					t.Errorf("groups of %d, layer %d, unit %d: variance %g, expected %g", group, l+1, j, got, want)
				}
			}
		}
	}
	g := flat(n.Gradients(Backprop, x, y))
	norm := 0.0
	for _, g := range g {
		norm += g * g
	}
	var m moments
	for range draws {
		m.add(flat(WeightPerturbation{Noise: weightNoise(rng)}.Estimate(n, x, y)), g)
	}
	for i, g := range g {
		if got, want := m.error[i]/draws, norm-g*g; math.Abs(got-want) > 0.1*want {
			t.Errorf("weight %d: variance %g, expected %g", i, got, want)
		}
	}
}

// One unit at a time, tangents are the gradient, whatever the signs, of the network's loss or of each layer's own.
func TestPerturbationOfSingleUnits(t *testing.T) {
	for _, act := range activations {
		rng := rand.New(rand.NewPCG(33, 7))
		n, x, y := awayFromKinks(3, act, SoftmaxCE, 0)
		heads := []Layer{random(rng, act, SoftmaxCE, 1, 1, 9, 3).Layers[0], random(rng, act, SoftmaxCE, 1, 1, 7, 3).Layers[0]}
		for _, c := range []struct{ got, want Rule }{
			{NodePerturbation{Group: 1, Noise: nodeNoise(rng)}, Backprop},
			{NodePerturbation{Group: 1, Heads: heads, Noise: nodeNoise(rng)}, Local{Heads: heads}},
		} {
			if err := n.Check(c.got); err != nil {
				t.Fatal(err)
			}
			got, want := flat(n.Gradients(c.got, x, y)), flat(n.Gradients(c.want, x, y))
			if len(got) != len(want) {
				t.Fatalf("%d elements, expected %d", len(got), len(want))
			}
			for i := range want {
				if math.Abs(got[i]-want[i]) > 1e-12 {
					t.Errorf("%s, %s: element %d is %g, expected %g", c.got, act, i, got[i], want[i])
				}
			}
		}
	}
}

// A local loss gives a layer the mean of its own gradient, and a finite perturbation tends to the tangent.
func TestLocalPerturbation(t *testing.T) {
	const draws = 5000
	n, x, y := awayFromKinks(4, ReLU, SigmoidCE, 0.02)
	rng := rand.New(rand.NewPCG(34, 7))
	heads := []Layer{random(rng, ReLU, SigmoidCE, 1, 1, 9, 3).Layers[0], random(rng, ReLU, SigmoidCE, 1, 1, 7, 3).Layers[0]}
	truth := flat(n.Gradients(Local{Heads: heads}, x, y))
	for _, size := range []float64{0, 0.005} {
		rule, m := NodePerturbation{Group: 4, Size: size, Heads: heads, Noise: nodeNoise(rng)}, moments{}
		for range draws {
			m.add(flat(n.Gradients(rule, x, y)), truth)
		}
		m.unbiased(t, truth, 2*size*size)
	}
	fixed := func(_, units int) []float64 { return rademacher(rand.New(rand.NewPCG(35, 7)), units) }
	tangent := flat(n.Gradients(NodePerturbation{Group: 4, Noise: fixed}, x, y))
	finite := flat(n.Gradients(NodePerturbation{Group: 4, Size: 1e-5, Noise: fixed}, x, y))
	for i := range tangent {
		if math.Abs(tangent[i]-finite[i]) > 1e-4 {
			t.Errorf("element %d: tangent %g, difference %g", i, tangent[i], finite[i])
		}
	}
}

func TestPerturbationCheck(t *testing.T) {
	rng := rand.New(rand.NewPCG(36, 7))
	n := random(rng, Tanh, SoftmaxCE, 1, 1, 3, 4, 2)
	for want, rule := range map[string]Rule{
		"there must be noise":               NodePerturbation{},
		"group -1":                          NodePerturbation{Group: -1, Noise: nodeNoise(rng)},
		"2 classifiers for 1 hidden layers": NodePerturbation{Heads: make([]Layer, 2), Noise: nodeNoise(rng)},
	} {
		if err := n.Check(rule); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected one with %q", err, want)
		}
	}
}
