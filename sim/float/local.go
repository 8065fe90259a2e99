package float

import "fmt"

// Local is learning by local losses: each hidden layer has a classifier of its own, q_l = g(C_l h_l + c_l), and descends the
// loss J_l of q_l alone:
//
//	e_l = ∂J_l/∂(C_l h_l + c_l),   δ_l = (C_lᵀ e_l) ⊙ f'(a_l),   ΔC_l = -η e_l h_lᵀ
//
// Nothing passes from one layer to the one below (the prediction loss of Nøkland, Eidnes 2019; with Fixed the classifiers
// keep their random weights, Mostafa, Ramesh, Cauwenberghs 2018). g and J are those of the network's output.
type Local struct {
	Heads []Layer // Heads[l-1]: outputs × units of hidden layer l
	Fixed bool
}

// String names the rule.
func (Local) String() string { return "local losses" }

// Check says whether each hidden layer has a classifier.
func (r Local) Check(n *Net) error {
	hidden := n.Layers[:len(n.Layers)-1]
	if len(r.Heads) != len(hidden) {
		return fmt.Errorf("%d classifiers for %d hidden layers", len(r.Heads), len(hidden))
	}
	classes := len(n.Layers[len(hidden)].B)
	for i, l := range hidden {
		units, _ := l.Dims()
		if out, in := r.Heads[i].Dims(); out != classes || in != units {
			return fmt.Errorf("classifier %d is %d × %d, expected %d × %d (outputs × units)", i+1, out, in, classes, units)
		}
	}
	return nil
}

// Errors returns the gradient of each layer's own loss by its sums, and those of the classifiers unless they are fixed.
func (r Local) Errors(n *Net, s State, y []float64) []Error {
	heads := make([]Error, len(r.Heads))
	for i, c := range r.Heads {
		heads[i] = Error{c, n.Output.Error(n.Output.Of(c.sums(s.H[i+1])), y), s.H[i+1]}
	}
	errors := n.errors(s, n.descend(s, y, func(i int, _ [][]float64) []float64 { return mulVec(r.Heads[i].W.T(), heads[i].D) }))
	if r.Fixed {
		return errors
	}
	return append(errors, heads...)
}
