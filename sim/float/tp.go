package float

import (
	"fmt"

	"gonum.org/v1/gonum/floats"
)

// Targets says how a target comes from the one above.
type Targets uint8

const (
	// Vanilla targets are the inverse of the target above: ĥ_l = g_(l+1)(ĥ_(l+1)).
	Vanilla Targets = iota
	// Difference targets take away what the inverse gets wrong: ĥ_l = h_l + g_(l+1)(ĥ_(l+1)) - g_(l+1)(h_(l+1)).
	Difference
	// Simplified targets are difference targets from the output on, so that no gradient passes a layer.
	Simplified
)

func (t Targets) String() string {
	return [...]string{"vanilla", "difference", "simplified"}[t]
}

// TargetProp is target propagation (Lee, Zhang, Fischer, Bengio 2015; Simplified: Bartunov et al. 2018). Every layer has a target
// and descends half the squared distance to it:
//
//	ĥ_(L-1) = h_(L-1) - Step·∂J/∂h_(L-1)     but Simplified: ĥ_L = p - Step·(p - y), and a difference target of that
//	δ_l = (h_l - ĥ_l) ⊙ f'(a_l),   δ_L = ∂J/∂a_L
//
// Each g_(l+1)(h) = f_l(V h + c) approximates the inverse of layer l+1. It descends its own loss
//
//	½ ‖g_(l+1)(f_(l+1)(h_l + ε)) - (h_l + ε)‖²
//
// with noise ε; nothing passes through f_(l+1).
type TargetProp struct {
	Targets Targets
	Step    float64
	// Inverses are V and c of g_2, g_3, …: units of hidden layer l × units of layer l+1. The last of them, g_L, is there for
	// Simplified only. The activation is that of layer l.
	Inverses []Layer
	Noise    [][]float64 // ε for each inverse; nil is none
	Warmup   bool        // only the inverses learn
}

// String names the rule.
func (r TargetProp) String() string { return "target propagation, " + r.Targets.String() + " targets" }

// Check says whether each layer with a target from above has an inverse.
func (r TargetProp) Check(n *Net) error {
	want := len(n.Layers) - 1
	if r.Targets != Simplified {
		want = max(want-1, 0)
	}
	if len(r.Inverses) != want {
		return fmt.Errorf("%d inverses, expected %d", len(r.Inverses), want)
	}
	for i, g := range r.Inverses {
		units, _ := n.Layers[i].Dims()
		above, _ := n.Layers[i+1].Dims()
		if out, in := g.Dims(); out != units || in != above {
			return fmt.Errorf("inverse of layer %d is %d × %d, expected %d × %d (units below × units)", i+2, out, in, units, above)
		}
		if r.Noise != nil && len(r.Noise[i]) != units {
			return fmt.Errorf("noise on layer %d has %d elements, expected %d", i+1, len(r.Noise[i]), units)
		}
	}
	return nil
}

// layer returns f_l of hidden layer or output i (from 0).
func (n *Net) layer(i int, h []float64) []float64 {
	l := n.Layers[i]
	if i == len(n.Layers)-1 {
		return n.Output.Of(l.sums(h))
	}
	return l.of(h)
}

// of returns f(W x + b).
func (l Layer) of(x []float64) []float64 {
	h := l.sums(x)
	for i, a := range h {
		h[i] = l.Act.Of(a)
	}
	return h
}

// targets returns ĥ_1..ĥ_(L-1) (index l-1).
func (r TargetProp) targets(n *Net, s State, y []float64) [][]float64 {
	last := len(n.Layers) - 1
	t := make([][]float64, last)
	outputs := append(s.H[1:len(s.H):len(s.H)], s.P)
	for i := last - 1; i >= 0; i-- {
		h := outputs[i]
		var above []float64
		switch {
		case i < last-1:
			above = t[i+1]
		case r.Targets == Simplified:
			above = append([]float64(nil), s.P...)
			floats.AddScaled(above, -r.Step, s.P)
			floats.AddScaled(above, r.Step, y)
		default:
			t[i] = append([]float64(nil), h...)
			floats.AddScaled(t[i], -r.Step, mulVec(n.Layers[last].W.T(), n.Output.Error(s.P, y)))
			continue
		}
		t[i] = r.Inverses[i].of(above)
		if r.Targets != Vanilla {
			floats.Sub(t[i], r.Inverses[i].of(outputs[i+1]))
			floats.Add(t[i], h)
		}
	}
	return t
}

// reconstruct returns h_l + ε, f_(l+1) of it, and the sums of the inverse from there.
func (r TargetProp) reconstruct(n *Net, s State, i int) (noisy, up, sums []float64) {
	noisy = append([]float64(nil), s.H[i+1]...)
	if r.Noise != nil {
		floats.Add(noisy, r.Noise[i])
	}
	up = n.layer(i+1, noisy)
	return noisy, up, r.Inverses[i].sums(up)
}

// InverseLoss returns the loss of each inverse at a state.
func (r TargetProp) InverseLoss(n *Net, s State) []float64 {
	loss := make([]float64, len(r.Inverses))
	for i, g := range r.Inverses {
		noisy, _, sums := r.reconstruct(n, s, i)
		for j, a := range sums {
			d := g.Act.Of(a) - noisy[j]
			loss[i] += d * d / 2
		}
	}
	return loss
}

// Errors returns the gradient of each layer's distance to its target, that of the loss for the last, and of each inverse's
// loss.
func (r TargetProp) Errors(n *Net, s State, y []float64) []Error {
	t := r.targets(n, s, y)
	errors := n.errors(s, n.descend(s, y, func(i int, _ [][]float64) []float64 {
		d := append([]float64(nil), s.H[i+1]...)
		floats.Sub(d, t[i])
		return d
	}))
	if r.Warmup {
		for _, e := range errors {
			floats.Scale(0, e.D)
		}
	}
	for i, g := range r.Inverses {
		noisy, up, sums := r.reconstruct(n, s, i)
		d := make([]float64, len(sums))
		for j, a := range sums {
			d[j] = (g.Act.Of(a) - noisy[j]) * g.Act.Slope(a)
		}
		errors = append(errors, Error{g, d, up})
	}
	return errors
}
