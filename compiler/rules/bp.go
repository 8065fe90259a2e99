package rules

import (
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

// Backpropagation is the baseline: the error of a layer is the next one's through the forward weights transposed.
var Backpropagation = Rule{
	Title:    "backpropagation",
	Equation: "Δw_l = -η δ_l h_(l-1)ᵀ,  δ_l = (W_(l+1)ᵀ δ_(l+1)) ⊙ f'(u_l),  δ_L = p - y",
	Source:   "Rumelhart, Hinton, Williams, Nature 323 (1986)",
	Spec:     config.RuleSpec{ErrorFrac: 14},
	Recipe: config.Recipe{
		Activation: "relu", Gain: "0.7", Rates: [2]string{"1.0", "1.0"}, Rate: "0.01", Final: "0.0002",
		Note: "Every layer learns at the same rate",
	},
	Learn: func(n *Dense, f *ir.Func) error {
		n.Forward(f)
		return n.Descend(f, func(l int, t, d string) error {
			f.Add(ir.New("matvect", t, n.W(l), d))
			return nil
		})
	},
}
