package float

import (
	"fmt"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Hopfield is a layered Hopfield network whose units are clipped, s = clip(·, 0, 1), with the energy
//
//	E = ½ Σ |s_l|² - Σ (s_lᵀ W_l s_(l-1) + b_lᵀ s_l),   s_0 = x,   and with a nudge β:   E + β ½ |s_L - y|²
//
// Each layer goes in turn to the least energy that the others leave it:
//
//	s_l = clip(W_l s_(l-1) + b_l + W_(l+1)ᵀ s_(l+1)),   s_L = clip((W_L s_(L-1) + b_L + β y) / (1 + β))
//
// It learns by equilibrium propagation (Scellier, Bengio 2017; both signs of the nudge: Laborieux, Ernoult, Scellier et al. 2021).
type Hopfield struct {
	Layers       []Layer // Act has no meaning
	Beta         float64
	Free, Nudged int // sweeps: free ones from the bottom up starting at 0, nudged ones from the top down starting at the free state
	Estimator    Estimator
	Grid         Grid       // of the weights; the zero Grid leaves them in float64
	Rand         *rand.Rand // of RandomSign
}

// Estimator says which two states equilibrium propagation compares.
type Estimator uint8

const (
	Symmetric  Estimator = iota // nudged by +β and by -β, over 2β: the error of the estimate is of the second order in β
	Positive                    // nudged by +β and free, over β
	RandomSign                  // nudged by +β or -β, as chosen for each sample, and free, over ±β
)

func (e Estimator) String() string { return [...]string{"symmetric", "positive", "random sign"}[e] }

// Check says whether the layers fit each other and the nudge has a sense.
func (n *Hopfield) Check() error {
	if n.Beta <= 0 || n.Estimator != Positive && n.Beta >= 1 {
		return fmt.Errorf("nudge %g with the %s estimator: expected more than 0 and, if it can be negative, less than 1", n.Beta, n.Estimator)
	}
	return (&Net{Layers: n.Layers}).Check(Backprop)
}

// start is the state in which all units are 0, index 0 the input.
func (n *Hopfield) start(x []float64) [][]float64 {
	s := [][]float64{x}
	for _, l := range n.Layers {
		s = append(s, make([]float64, len(l.B)))
	}
	return s
}

// field is what drives layer l before the clip.
func (n *Hopfield) field(s [][]float64, l int, y []float64, beta float64) []float64 {
	u := n.Layers[l-1].sums(s[l-1])
	if l < len(n.Layers) {
		floats.Add(u, mulVec(n.Layers[l].W.T(), s[l+1]))
		return u
	}
	for i := range u {
		if beta != 0 {
			u[i] += beta * y[i]
		}
		u[i] /= 1 + beta
	}
	return u
}

func (n *Hopfield) settle(s [][]float64, l int, y []float64, beta float64) {
	for i, u := range n.field(s, l, y, beta) {
		s[l][i] = min(max(u, 0), 1)
	}
}

// Settle returns the free state of an input; index 0 is the input.
func (n *Hopfield) Settle(x []float64) [][]float64 {
	s := n.start(x)
	for range n.Free {
		for l := 1; l <= len(n.Layers); l++ {
			n.settle(s, l, nil, 0)
		}
	}
	return s
}

// Nudge returns the state that the free state goes to when the output is pulled to y (β > 0) or pushed from it (β < 0).
func (n *Hopfield) Nudge(free [][]float64, y []float64, beta float64) [][]float64 {
	s := make([][]float64, len(free))
	for l := range free {
		s[l] = append([]float64(nil), free[l]...)
	}
	for range n.Nudged {
		for l := len(n.Layers); l >= 1; l-- {
			n.settle(s, l, y, beta)
		}
	}
	return s
}

// Predict returns the class of the largest free output, the lowest of equals.
func (n *Hopfield) Predict(x []float64) int { return floats.MaxIdx(n.Settle(x)[len(n.Layers)]) }

// pair returns the two states that are compared and what their difference is divided by.
func (n *Hopfield) pair(x, y []float64, negative bool) (a, b [][]float64, over float64) {
	free := n.Settle(x)
	switch {
	case n.Estimator == Symmetric:
		return n.Nudge(free, y, n.Beta), n.Nudge(free, y, -n.Beta), 2 * n.Beta
	case n.Estimator == RandomSign && negative:
		return n.Nudge(free, y, -n.Beta), free, -n.Beta
	}
	return n.Nudge(free, y, n.Beta), free, n.Beta
}

// Gradients returns what the weights are moved against, the change of ∂E/∂W from one state to the other:
//
//	-(s_l s_(l-1)ᵀ - s'_l s'_(l-1)ᵀ) / β   for the states s, s' and β what lies between their nudges
//
// negative is the sign of a RandomSign.
func (n *Hopfield) Gradients(x, y []float64, negative bool) []Gradient {
	a, b, over := n.pair(x, y, negative)
	var g []Gradient
	for l := 1; l <= len(n.Layers); l++ {
		out, in := n.Layers[l-1].Dims()
		w, d := mat.NewDense(out, in, nil), make([]float64, out)
		w.RankOne(w, -1/over, mat.NewVecDense(out, a[l]), mat.NewVecDense(in, a[l-1]))
		w.RankOne(w, 1/over, mat.NewVecDense(out, b[l]), mat.NewVecDense(in, b[l-1]))
		floats.SubTo(d, b[l], a[l])
		floats.Scale(1/over, d)
		g = append(g, Gradient{w, d})
	}
	return g
}

// Learn learns one sample: W -= rates[l-1] · gradient.
func (n *Hopfield) Learn(x, y, rates []float64) {
	negative := n.Estimator == RandomSign && n.Rand.IntN(2) == 1
	for i, g := range n.Gradients(x, y, negative) {
		l := n.Layers[i]
		l.W.Apply(func(r, c int, w float64) float64 { return n.Grid.change(w, -rates[i]*g.W.At(r, c)) }, l.W)
		for r := range l.B {
			l.B[r] = n.Grid.change(l.B[r], -rates[i]*g.B[r])
		}
	}
}
