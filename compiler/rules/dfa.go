package rules

import (
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

// DirectFeedbackAlignment sends the output error to every hidden layer through a fixed random matrix of signs.
var DirectFeedbackAlignment = Rule{
	Title:    "direct feedback alignment",
	Equation: "Δw_l = -η δ_l h_(l-1)ᵀ,  δ_l = (B_l e) ⊙ f'(u_l),  e = p - y,  B_l = ±feedback, fixed",
	Source:   "Nøkland, NIPS 2016",
	Spec: config.RuleSpec{ErrorFrac: 15, Options: []config.Option{feedbackOption,
		{Name: "feedback_source", Default: "generated", Words: []string{"generated", "stored"},
			Doc: "drawn again at each use, in no memory; or stored"}}},
	Recipe: config.Recipe{
		Activation: "tanh", Gain: "0.4", Rates: [2]string{"32.0", "8.0"}, Rate: "0.01", Final: "0.0001",
		Note: "This rule wants small initial weights and fast first layers; relu goes astray with it",
	},
	Learn: func(n *Dense, f *ir.Func) error {
		n.Forward(f)
		e := n.OutputError(f)
		for l := 1; l < n.Layers(); l++ {
			b, err := n.Feedback(l, n.Program.Vector(e).N)
			if err != nil {
				return err
			}
			t := n.Returned(l)
			f.Add(ir.New("matvec", t, b, e))
			n.Update(f, l-1, n.Derive(f, l, t))
		}
		n.Update(f, n.Layers()-1, e)
		return nil
	},
}
