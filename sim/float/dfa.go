package float

import (
	"fmt"

	"gonum.org/v1/gonum/mat"
)

// DFA is direct feedback alignment: δ_L = e = ∂J/∂a_L, δ_l = (B_l e) ⊙ f'(a_l) with B_l fixed, the network's Feedback (Nøkland
// 2016).
var DFA direct

type direct struct{}

func (direct) String() string { return "direct feedback alignment" }

// Check says whether there is a matrix from the outputs to each hidden layer.
func (direct) Check(n *Net) error {
	return checkFeedback(n, n.Feedback, "outputs", func(int) int { return len(n.Layers[len(n.Layers)-1].B) })
}

// Errors returns what the output error e gives each layer through its own B.
func (direct) Errors(n *Net, s State, y []float64) []Error {
	last := len(n.Layers) - 1
	return n.errors(s, n.descend(s, y, func(i int, d [][]float64) []float64 { return mulVec(n.Feedback[i], d[last]) }))
}

// checkFeedback holds matrix i to units of hidden layer i × columns(i), which what names.
func checkFeedback(n *Net, b []*mat.Dense, what string, columns func(i int) int) error {
	hidden := n.Layers[:len(n.Layers)-1]
	if len(b) != len(hidden) {
		return fmt.Errorf("%d feedback matrices for %d hidden layers", len(b), len(hidden))
	}
	for i, l := range hidden {
		units, _ := l.Dims()
		if r, c := b[i].Dims(); r != units || c != columns(i) {
			return fmt.Errorf("feedback matrix %d is %d × %d, expected %d × %d (units × %s)", i+1, r, c, units, columns(i), what)
		}
	}
	return nil
}
