package float

// Backprop is gradient descent: δ_L = ∂J/∂a_L, δ_l = (W_(l+1)ᵀ δ_(l+1)) ⊙ f'(a_l)  (Rumelhart, Hinton, Williams 1986).
var Backprop backprop

type backprop struct{}

func (backprop) String() string { return "backpropagation" }

// Check finds nothing wrong: the rule adds nothing.
func (backprop) Check(*Net) error { return nil }

// Errors returns the gradient of the loss by each layer's sums.
func (backprop) Errors(n *Net, s State, y []float64) []Error {
	return n.errors(s, n.descend(s, y, func(i int, d [][]float64) []float64 { return mulVec(n.Layers[i+1].W.T(), d[i+1]) }))
}
