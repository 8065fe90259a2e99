package float

import (
	"fmt"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
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
//
// With Linear, g_(l+1)(h) = V h is trained so that targets are gradient steps: by the local difference reconstruction loss
//
//	-εᵀ V (f_(l+1)(h_l + ε) - f_(l+1)(h_l)) / σ² + ½ ‖V‖²,   ε = ±σ
//
// whose mean is least at V = Jᵀ, J = ∂f_(l+1)/∂h_l, for small noise (Ernoult et al. 2022, where the second term is the mean of ½ ‖V ζ‖²
// over a second noise ζ; Meulemans et al. 2020 have it as here). Its gradient by V has two parts: the product that Errors returns, and V,
// a decay.
type TargetProp struct {
	Targets Targets
	Step    float64
	Linear  bool
	// Decay is how many times its gradient the decay of linear inverses takes with this sample: it may be taken all at once
	// for several.
	Decay float64
	// Inverses are V and c of g_2, g_3, …: units of hidden layer l × units of layer l+1. The last of them, g_L, is there for
	// Simplified only. The activation is that of layer l.
	Inverses []Layer
	Noise    [][]float64 // ε for each inverse; nil is none
	Warmup   bool        // only the inverses learn
	Asleep   bool        // only the layers learn
}

// String names the rule.
func (r TargetProp) String() string {
	s := "target propagation, " + r.Targets.String() + " targets"
	if r.Linear {
		s += ", linear inverses"
	}
	return s
}

// Check says whether each layer with a target from above has an inverse.
func (r TargetProp) Check(n *Net) error {
	want := len(n.Layers) - 1
	if r.Targets != Simplified {
		want = max(want-1, 0)
	}
	if len(r.Inverses) != want {
		return fmt.Errorf("%d inverses, expected %d", len(r.Inverses), want)
	}
	if r.Linear && (r.Targets == Vanilla || len(r.Noise) < len(r.Inverses)) {
		return fmt.Errorf("linear inverses take noise, and targets that are differences")
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
		if r.Linear {
			t[i] = append([]float64(nil), above...)
			floats.Sub(t[i], outputs[i+1])
			t[i] = mulVec(r.Inverses[i].W, t[i])
			floats.Add(t[i], h)
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
		noisy, up, sums := r.reconstruct(n, s, i)
		if r.Linear {
			noise := r.Noise[i]
			back := mulVec(g.W, r.response(s, i, up))
			f := mat.Norm(g.W, 2)
			loss[i] = -floats.Dot(noise, back)*float64(len(noise))/floats.Dot(noise, noise) + f*f/2
			continue
		}
		for j, a := range sums {
			d := g.Act.Of(a) - noisy[j]
			loss[i] += d * d / 2
		}
	}
	return loss
}

// response returns f_(l+1)(h_l + ε) - f_(l+1)(h_l), of which up is the first term.
func (r TargetProp) response(s State, i int, up []float64) []float64 {
	x, before := append([]float64(nil), up...), s.P
	if i+2 < len(s.H) {
		before = s.H[i+2]
	}
	floats.Sub(x, before)
	return x
}

// step learns one sample: linear inverses decay by rate·Decay·V beside what Errors says.
func (r TargetProp) step(n *Net, s State, y, rates []float64) {
	errors := r.Errors(n, s, y)
	for i, g := range r.Inverses {
		if r.Linear {
			g.W.Apply(func(_, _ int, v float64) float64 { return n.Grid.change(v, -rates[len(n.Layers)+i]*r.Decay*v) }, g.W)
		}
	}
	n.learn(errors, rates)
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
		still(errors)
	}
	for i, g := range r.Inverses {
		noisy, up, sums := r.reconstruct(n, s, i)
		if r.Linear {
			d := append([]float64(nil), r.Noise[i]...)
			floats.Scale(-float64(len(d))/floats.Dot(d, d), d)
			errors = append(errors, Error{g, d, r.response(s, i, up)})
			continue
		}
		d := make([]float64, len(sums))
		for j, a := range sums {
			d[j] = (g.Act.Of(a) - noisy[j]) * g.Act.Slope(a)
		}
		errors = append(errors, Error{g, d, up})
	}
	if r.Asleep {
		still(errors[len(n.Layers):])
	}
	return errors
}

// still sets errors to 0.
func still(errors []Error) {
	for _, e := range errors {
		floats.Scale(0, e.D)
	}
}
