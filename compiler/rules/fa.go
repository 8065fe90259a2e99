package rules

import (
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

// FeedbackAlignment sends the error of each layer to the one below through a fixed random matrix in place of the forward
// weights transposed, or through the signs of those (sign-symmetric feedback).
var FeedbackAlignment = Rule{
	Title:    "feedback alignment",
	Equation: "Δw_l = -η δ_l h_(l-1)ᵀ,  δ_l = (B_l δ_(l+1)) ⊙ f'(u_l),  δ_L = p - y,  B_l = ±feedback, fixed, or feedback·sign(W_(l+1)ᵀ)",
	Source:   "Lillicrap, Cownden, Tweed, Akerman, Nature Communications 7 (2016); signs: Liao, Leibo, Poggio, AAAI 2016",
	Spec: config.RuleSpec{ErrorFrac: 15, Options: []config.Option{feedbackOption,
		{Name: "feedback_source", Default: "generated", Words: []string{"generated", "stored", "symmetric"},
			Doc: "drawn again at each use, in no memory; stored; or symmetric: the weights' signs"}}},
	Recipe: config.Recipe{
		Activation: "tanh", Gain: "0.4", Rates: [2]string{"32.0", "8.0"}, Rate: "0.01", Final: "0.0001",
		Note: "This rule wants small initial weights and fast first layers",
	},
	Learn: func(n *Dense, f *ir.Func) error {
		symmetric := n.Net.Rule.FeedbackSource == "symmetric"
		n.Forward(f)
		err := n.Descend(f, func(l int, t, d string) error {
			if symmetric {
				f.Add(ir.New("matvect", t, n.Signs(l), d))
				return nil
			}
			b, err := n.Feedback(l, n.Program.Vector(d).N)
			if err != nil {
				return err
			}
			f.Add(ir.New("matvec", t, b, d))
			return nil
		})
		if symmetric {
			n.TakeSigns(n.Program.Func("init"))
			n.TakeSigns(f)
		}
		return err
	},
}
