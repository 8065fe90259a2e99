package rules

import (
	"fmt"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

// Backpropagation is the baseline: the error of a layer is the next one's through the forward weights transposed.
var Backpropagation = Rule{
	Title:    "backpropagation",
	Equation: "Δw_l = -η δ_l h_(l-1)ᵀ,  δ_l = (W_(l+1)ᵀ δ_(l+1)) ⊙ f'(u_l),  δ_L = p - y",
	Source:   "Rumelhart, Hinton, Williams, Nature 323 (1986)",
	Spec:     config.RuleSpec{ErrorFrac: 14},
	Learn: func(n *Dense, f *ir.Func) error {
		n.Forward(f)
		d := n.OutputError(f)
		errors := []string{d}
		for l := n.Layers() - 1; l > 0; l-- {
			t := n.Vector(fmt.Sprintf("t%d", l), n.Net.Layers[l-1].Units, n.Net.Rule.ErrorFrac)
			f.Add(ir.New("matvect", t, n.W(l), errors[0]))
			errors = append([]string{n.Derive(f, l, t)}, errors...)
		}
		for l, d := range errors {
			n.Update(f, l, d)
		}
		return nil
	},
}
