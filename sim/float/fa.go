package float

import "gonum.org/v1/gonum/mat"

// FA is feedback alignment: δ_L = ∂J/∂a_L, δ_l = (B_l δ_(l+1)) ⊙ f'(a_l) with B_l fixed (Lillicrap, Cownden, Tweed, Akerman 2016).
type FA struct {
	B []*mat.Dense // B[l-1]: units of hidden layer l × units of layer l+1
}

// String names the rule.
func (FA) String() string { return "feedback alignment" }

// Check says whether there is a matrix from each layer to the hidden layer below.
func (f FA) Check(n *Net) error {
	return checkFeedback(n, f.B, "units above", func(i int) int { return len(n.Layers[i+1].B) })
}

// Errors returns what the error of each layer gives the one below through B.
func (f FA) Errors(n *Net, s State, y []float64) []Error {
	return n.errors(s, n.descend(s, y, func(i int, d [][]float64) []float64 { return mulVec(f.B[i], d[i+1]) }))
}

// SignSymmetric is feedback alignment with B_l = Scale·sign(W_(l+1)ᵀ), where sign(0) = 0 (Liao, Leibo, Poggio 2016: uniform
// sign-concordant feedback).
type SignSymmetric struct {
	Scale float64
}

// String names the rule.
func (SignSymmetric) String() string { return "sign-symmetric feedback" }

// Check finds nothing wrong: the rule adds nothing.
func (SignSymmetric) Check(*Net) error { return nil }

// Errors returns those of feedback alignment with the signs of the weights as they are.
func (r SignSymmetric) Errors(n *Net, s State, y []float64) []Error {
	var f FA
	for _, l := range n.Layers[1:] {
		b := mat.DenseCopyOf(l.W.T())
		b.Apply(func(_, _ int, w float64) float64 {
			switch {
			case w > 0:
				return r.Scale
			case w < 0:
				return -r.Scale
			}
			return 0
		}, b)
		f.B = append(f.B, b)
	}
	return f.Errors(n, s, y)
}
