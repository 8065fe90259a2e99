package float

import (
	"fmt"

	"gonum.org/v1/gonum/floats"
)

// Predictive is predictive coding in the discriminative direction. Each hidden layer has value nodes x_l, which the layer below
// predicts, and the nodes descend the energy
//
//	F = ½ Σ_(l<L) |ε_l|² + π J(μ_L, y),   ε_l = x_l - μ_l,   μ_l = W_l h_(l-1) + b_l,   h_l = f_l(x_l),   h_0 = x
//
// from the forward pass on, x_l = μ_l, layer by layer from the top, an ε being that of the present x and μ:
//
//	x_l += γ (f'(x_l) ⊙ W_(l+1)ᵀ ε_(l+1) - ε_l),   l = L-1..1,   ε_L = -π ∂J/∂μ_L
//
// Then every layer descends F once: ΔW_l = η ε_l h_(l-1)ᵀ (Whittington, Bogacz 2017; π is their 1/Σ of the output). Incremental
// takes a weight step after each sweep, and goes on from the errors of the new weights (Salvatori, Song, Yordanov et al. 2024).
type Predictive struct {
	Steps       int     // sweeps
	Step        float64 // γ
	Precision   float64 // π; 0 is read as 1
	Incremental bool
}

// String names the rule.
func (Predictive) String() string { return "predictive coding" }

// Check says whether there are hidden layers to relax.
func (r Predictive) Check(n *Net) error {
	if r.Steps < 1 || r.Step <= 0 || r.Precision < 0 {
		return fmt.Errorf("predictive coding by %d sweeps of step %g and precision %g: expected at least 1, more than 0 and not less than 0", r.Steps, r.Step, r.Precision)
	}
	return nil
}

// Errors returns -ε and h after the last sweep, what the weights descend. Of an incremental rule it is what they would if they
// were held until then.
func (r Predictive) Errors(n *Net, s State, y []float64) []Error {
	v := r.start(n, s, y)
	for range r.Steps {
		r.sweep(n, &v, y)
	}
	return v.descent(n)
}

// Step learns one sample incrementally, or as any other rule.
func (r Predictive) step(n *Net, s State, y, rates []float64) {
	if !r.Incremental {
		n.learn(r.Errors(n, s, y), rates)
		return
	}
	v := r.start(n, s, y)
	for range r.Steps {
		r.sweep(n, &v, y)
		n.learn(v.descent(n), rates)
		for l := 1; l <= len(n.Layers); l++ {
			r.predict(n, &v, l, y)
		}
	}
}

// Energy returns F of the relaxed nodes.
func (r Predictive) Energy(n *Net, x, y []float64) float64 {
	v := r.start(n, n.Forward(x), y)
	for range r.Steps {
		r.sweep(n, &v, y)
	}
	last := len(n.Layers)
	f := r.precision() * n.Output.Loss(v.mu[last], y)
	for l := 1; l < last; l++ {
		f += 0.5 * floats.Dot(v.e[l], v.e[l])
	}
	return f
}

func (r Predictive) precision() float64 {
	if r.Precision == 0 {
		return 1
	}
	return r.Precision
}

// nodes are the quantities of each layer, by l = 0..L; x, h of the output layer and all but h of the input do not exist.
type nodes struct {
	x, h, mu, e [][]float64
}

// start puts the nodes where the forward pass predicts them.
func (r Predictive) start(n *Net, s State, y []float64) nodes {
	last := len(n.Layers)
	v := nodes{make([][]float64, last+1), append([][]float64(nil), s.H...), make([][]float64, last+1), make([][]float64, last+1)}
	for l := 1; l <= last; l++ {
		v.mu[l] = append([]float64(nil), s.A[l-1]...)
		if l < last {
			v.x[l] = append([]float64(nil), s.A[l-1]...)
			v.e[l] = make([]float64, len(v.x[l]))
		}
	}
	v.e[last] = r.outputError(n, v.mu[last], y)
	return v
}

func (r Predictive) outputError(n *Net, mu, y []float64) []float64 {
	e := n.Output.Error(n.Output.Of(mu), y)
	floats.Scale(-r.precision(), e)
	return e
}

// sweep moves the hidden layers once, from the top.
func (r Predictive) sweep(n *Net, v *nodes, y []float64) {
	for l := len(n.Layers) - 1; l >= 1; l-- {
		f := n.Layers[l-1].Act
		back := mulVec(n.Layers[l].W.T(), v.e[l+1])
		h := make([]float64, len(back))
		for i, x := range v.x[l] {
			x += r.Step * (f.Slope(x)*back[i] - v.e[l][i])
			v.x[l][i], v.e[l][i], h[i] = x, x-v.mu[l][i], f.Of(x)
		}
		v.h[l] = h
		r.predict(n, v, l+1, y)
	}
}

// predict renews the prediction of layer l and its error.
func (r Predictive) predict(n *Net, v *nodes, l int, y []float64) {
	v.mu[l] = n.Layers[l-1].sums(v.h[l-1])
	if l == len(n.Layers) {
		v.e[l] = r.outputError(n, v.mu[l], y)
		return
	}
	floats.SubTo(v.e[l], v.x[l], v.mu[l])
}

// descent is what the weights descend: the error of a layer's sums is -ε.
func (v *nodes) descent(n *Net) []Error {
	var errors []Error
	for l := 1; l <= len(n.Layers); l++ {
		d := append([]float64(nil), v.e[l]...)
		floats.Scale(-1, d)
		errors = append(errors, Error{n.Layers[l-1], d, v.h[l-1]})
	}
	return errors
}
