package rules

import (
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

// LocalLosses gives every hidden layer a classifier of its own, whose error is all that the layer learns from.
var LocalLosses = Rule{
	Title: "local losses",
	Equation: "Δw_l = -η δ_l h_(l-1)ᵀ,  δ_l = (C_lᵀ e_l) ⊙ f'(u_l),  e_l = g(C_l h_l + c_l) - y,  " +
		"Δc_l = -η classifier_rate e_l h_lᵀ,  δ_L = p - y",
	Source: "Nøkland, Eidnes, ICML 2019 (prediction loss); fixed classifiers: Mostafa, Ramesh, Cauwenberghs, Frontiers in Neuroscience 12 (2018)",
	Spec:   config.RuleSpec{ErrorFrac: 14, Options: classifierOptions},
	Recipe: config.Recipe{
		Activation: "relu", Gain: "0.7", Rates: [2]string{"4.0", "4.0"}, Rate: "0.01", Final: "0.0002",
		Note: "Hidden layers and their classifiers learn faster than the output; with fixed classifiers use tanh",
	},
	Learn: func(n *Dense, f *ir.Func) error {
		for l := range n.Layers() - 1 {
			n.ForwardLayer(f, l)
			h, err := n.Head(l + 1)
			if err != nil {
				return err
			}
			n.Classify(f, h)
			t := n.Returned(l + 1)
			f.Add(ir.New("matvect", t, h.C, h.E))
			n.Update(f, l, n.Derive(f, l+1, t))
			n.LearnHead(f, h)
		}
		n.ForwardLayer(f, n.Layers()-1)
		n.Update(f, n.Layers()-1, n.OutputError(f))
		return nil
	},
}
