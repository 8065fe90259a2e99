package float

import (
	"fmt"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// NodePerturbation changes the sums of some units at a time by random signs and moves each unit against the change of the loss that
// its own sign went with. For a group g of units of hidden layer l, ξ = ±1 there and 0 elsewhere:
//
//	Size > 0:  s = (J(a_l + Size·ξ) - J(a_l)) / Size                             (node perturbation)
//	Size = 0:  s = dJ(a_l + tξ)/dt at t = 0, in forward mode:                     (activity-perturbed forward gradient)
//	           ȧ_l = ξ,  ȧ_(m+1) = W_(m+1)(f'(a_m) ⊙ ȧ_m),  s = (∂J/∂a_L)ᵀ ȧ_L
//	δ_l = s ξ in g, but 0 for units whose output stays as it is
//
// δ_L = ∂J/∂a_L as it is. With Heads, J of a hidden layer is the loss of a classifier of its own on it, which learns by its gradient.
// (Dembo, Kailath 1990; Fiete, Seung 2006; Ren, Kornblith, Liao, Hinton 2023.)
type NodePerturbation struct {
	Group int     // units that are perturbed together; 0: the whole layer
	Size  float64 // of a finite perturbation; 0: tangents
	Heads []Layer // local losses: Heads[l-1] is outputs × units of hidden layer l; nil: the loss of the network
	Noise func(hidden, units int) []float64
}

// String names the rule.
func (r NodePerturbation) String() string {
	if r.Size > 0 {
		return "node perturbation"
	}
	return "activity-perturbed forward gradient"
}

// Check says whether each hidden layer has a classifier, if any has.
func (r NodePerturbation) Check(n *Net) error {
	if r.Group < 0 || r.Size < 0 || r.Noise == nil {
		return fmt.Errorf("%s: group %d and size %g must not be negative, and there must be noise", r, r.Group, r.Size)
	}
	if r.Heads == nil {
		return nil
	}
	return Local{Heads: r.Heads}.Check(n)
}

// Errors returns what one draw of the noise makes of each hidden layer's error, and the gradient of the last layer and the
// classifiers.
func (r NodePerturbation) Errors(n *Net, s State, y []float64) []Error {
	last := len(n.Layers) - 1
	d := make([][]float64, last+1)
	d[last] = n.Output.Error(s.P, y)
	for i := range last {
		d[i] = r.estimate(r.above(n, i), s.A[i], n.Layers[i].Act, r.Noise(i, len(s.A[i])), y)
	}
	errors := n.errors(s, d)
	for i, c := range r.Heads {
		errors = append(errors, Error{c, n.Output.Error(n.Output.Of(c.sums(s.H[i+1])), y), s.H[i+1]})
	}
	return errors
}

// above is what judges the outputs of hidden layer i: the rest of the network, or the layer's classifier.
func (r NodePerturbation) above(n *Net, i int) *Net {
	if r.Heads != nil {
		return &Net{Layers: r.Heads[i : i+1], Output: n.Output}
	}
	return &Net{Layers: n.Layers[i+1:], Output: n.Output}
}

// estimate returns the error of the sums a of a layer whose outputs h = f(a) go to the network above.
func (r NodePerturbation) estimate(above *Net, a []float64, f Activation, noise, y []float64) []float64 {
	h, d := f.all(a), make([]float64, len(a))
	group := r.Group
	if group == 0 {
		group = len(a)
	}
	for first := 0; first < len(a); first += group {
		moved := make([]float64, len(a)) // by how much each output moves
		for j := first; j < min(first+group, len(a)); j++ {
			if r.Size > 0 {
				moved[j] = f.Of(a[j]+r.Size*noise[j]) - h[j]
			} else {
				moved[j] = f.Slope(a[j]) * noise[j]
			}
		}
		var change float64
		if r.Size > 0 {
			floats.Add(h, moved)
			change = above.Loss(h, y)
			floats.Sub(h, moved)
			change = (change - above.Loss(h, y)) / r.Size
		} else {
			change = above.tangent(h, y, moved, nil)
		}
		for j, m := range moved {
			if m != 0 {
				d[j] = change * noise[j]
			}
		}
	}
	return d
}

// WeightPerturbation changes all weights and biases of the network at once by random signs and moves each against the change of the
// loss that its own sign went with. With Ξ = ±1 for every weight and bias:
//
//	Size > 0:  s = (J(W + Size·Ξ) - J(W)) / Size                  (weight perturbation)
//	Size = 0:  s = dJ(W + tΞ)/dt at t = 0, in forward mode:        (forward gradient)
//	           ȧ_l = Ξ_l h_(l-1) + W_l (f'(a_(l-1)) ⊙ ȧ_(l-1)),  s = (∂J/∂a_L)ᵀ ȧ_L
//	ΔW = -η s Ξ
//
// (Jabri, Flower 1992; Cauwenberghs 1993; Baydin, Pearlmutter, Syme, Wood, Torr 2022.)
type WeightPerturbation struct {
	Size  float64                             // of a finite perturbation; 0: tangents
	Noise func(layer, out, in int) *mat.Dense // out × in + 1, the bias last
}

// Estimate returns what one draw of the noise makes of the gradient of each layer.
func (r WeightPerturbation) Estimate(n *Net, x, y []float64) []Gradient {
	noise := make([]Layer, len(n.Layers))
	for i, l := range n.Layers {
		out, in := l.Dims()
		xi := r.Noise(i, out, in)
		noise[i] = Layer{mat.DenseCopyOf(xi.Slice(0, out, 0, in)), mat.Col(nil, in, xi), l.Act}
	}
	change := 0.0
	if r.Size > 0 {
		moved := &Net{Output: n.Output}
		for i, l := range n.Layers {
			var w mat.Dense
			w.Scale(r.Size, noise[i].W)
			w.Add(l.W, &w)
			b := append([]float64(nil), l.B...)
			floats.AddScaled(b, r.Size, noise[i].B)
			moved.Layers = append(moved.Layers, Layer{&w, b, l.Act})
		}
		change = (moved.Loss(x, y) - n.Loss(x, y)) / r.Size
	} else {
		change = n.tangent(x, y, make([]float64, len(x)), noise)
	}
	g := make([]Gradient, len(noise))
	for i, xi := range noise {
		xi.W.Scale(change, xi.W)
		floats.Scale(change, xi.B)
		g[i] = Gradient{xi.W, xi.B}
	}
	return g
}

// tangent returns how the loss at x moves, to the first order, when x moves along v and the weights along the layers of w, none if
// nil.
func (n *Net) tangent(x, y, v []float64, w []Layer) float64 {
	s := n.Forward(x)
	for i, l := range n.Layers {
		a := mulVec(l.W, v)
		if w != nil {
			floats.Add(a, w[i].sums(s.H[i]))
		}
		if i == len(n.Layers)-1 {
			return floats.Dot(n.Output.Error(s.P, y), a)
		}
		for j := range a {
			a[j] *= l.Act.Slope(s.A[i][j])
		}
		v = a
	}
	return 0 // a network has layers
}

// all returns f of every element.
func (f Activation) all(a []float64) []float64 {
	h := make([]float64, len(a))
	for i, a := range a {
		h[i] = f.Of(a)
	}
	return h
}
