package rules

import (
	"fmt"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

// PredictiveCoding lets every hidden layer have values x of its own, which the layer below predicts as μ and which settle between
// that prediction and the one that they make of the layer above. What is left of their difference is all that a layer learns from.
//
// The program works with d = -ε = μ - x, the error of the sums as everywhere else: in the format of errors, that of the last layer
// as its probabilities; μ and x have the format of the sums. While μ stands still, x += step (…) is d = (1 - step) d + step (…).
var PredictiveCoding = Rule{
	Title: "predictive coding",
	Equation: "Δw_l = η ε_l h_(l-1)ᵀ,  ε_l = x_l - μ_l, ε_L = precision (y - p),  μ_l = W_l h_(l-1) + b_l, h_l = f(x_l), p = g(μ_L),  " +
		"x_l += step (f'(x_l) ⊙ W_(l+1)ᵀ ε_(l+1) - ε_l), l = L-1..1, from x_l = μ_l on",
	Source: "Whittington, Bogacz, Neural Computation 29 (2017); incremental: Salvatori, Song, Yordanov et al., ICLR 2024",
	Spec: config.RuleSpec{ErrorFrac: 14, Output: []string{"softmax", "sigmoid", "linear"}, Options: []config.Option{
		{Name: "sweeps", Default: 3, Min: 1, Max: 1000, Doc: "of the hidden layers, from the top down, a sample"},
		{Name: "step", Default: 0.5, Min: 0.001, Max: 1, Doc: "of x in a sweep; 1 goes all the way to where its layer would rest"},
		{Name: "precision", Default: 1.0, Min: 0.001, Max: 1, Doc: "of the output's error; towards 0 the rule becomes backpropagation"},
		{Name: "update", Default: "settled", Words: []string{"settled", "incremental"},
			Doc: "of the weights: once a sample, or after every sweep (then lower rate)"},
	}},
	Recipe: config.Recipe{
		Activation: "relu", Gain: "0.7", Rates: [2]string{"1.0", "1.0"}, Rate: "0.03", Final: "0.0003",
		Note: "Every layer learns at the same rate; activation linear in the last layer makes its loss the squared error",
	},
	Learn: func(n *Dense, f *ir.Func) error {
		rule := &n.Net.Rule
		last, step := n.Layers(), rule.Number("step")
		if last == 1 {
			return diag.List{n.Net.Diagnostic(rule.At["name"], "predictive coding settles hidden layers, and there are none", `add one, or write name = "bp", which learns the same here`)}
		}
		sums := func(l int) string { return fmt.Sprintf("u%d", l) }
		like := func(name string, l int) string {
			u := n.Program.Vector(sums(l))
			return n.Vector(fmt.Sprintf("%s%d", name, l), u.N, u.Frac)
		}
		outputError := func(f *ir.Func) {
			d := n.OutputError(f)
			if p := rule.Number("precision"); p != 1 {
				n.Scale(f, d, d, p, ir.Zero)
			}
		}
		// predict adds μ and the error of layer l from the values below it.
		predict := func(f *ir.Func, l int) {
			f.Add(ir.New("matvec", sums(l), n.W(l-1), n.H(l-1)))
			if l == last {
				outputError(f)
				return
			}
			e := like("e", l)
			n.Sub(f, e, sums(l), like("x", l))
			n.Copy(f, n.ErrorVector(l), e)
		}
		sweep := func(f *ir.Func) {
			for l := last - 1; l >= 1; l-- {
				d, t := n.ErrorVector(l), n.Returned(l)
				f.Add(ir.New("matvect", t, n.W(l), n.ErrorVector(l+1)))
				g := n.Vector(fmt.Sprintf("g%d", l), n.Program.Vector(d).N, n.Program.Vector(d).Frac)
				n.slope(f, l, g, t, n.H(l))
				if step < 1 {
					n.Scale(f, g, g, step, ir.Zero)
					n.Scale(f, d, d, 1-step, g)
				} else {
					n.Copy(f, d, g)
				}
				x := like("x", l)
				n.Sub(f, x, sums(l), d)
				n.activate(f, n.Net.Layers[l-1].Activation, n.H(l), x)
				predict(f, l+1)
			}
		}
		update := func(f *ir.Func) {
			for l := 1; l <= last; l++ {
				n.Update(f, l-1, n.ErrorVector(l))
			}
		}

		n.Forward(f)
		n.Answer = n.Vector("answer", n.Program.Vector(n.Logits()).N, n.Program.Vector(n.Logits()).Frac)
		n.Copy(f, n.Answer, n.Logits()) // before the label has a part in it
		for l := 1; l < last; l++ {
			n.Scale(f, n.ErrorVector(l), n.ErrorVector(l), 0, ir.Zero)
		}
		outputError(f)
		incremental := rule.Word("update") == "incremental"
		sweeps := rule.Whole("sweeps")
		err := n.Repeat(f, sweeps, func(b *ir.Func, i string) error {
			if incremental {
				n.If(b, i, Unequal, n.Scalar("first_sweep", int32(sweeps), 0, false), func(b *ir.Func) { // the weights have changed
					for l := 1; l <= last; l++ {
						predict(b, l)
					}
				})
			}
			sweep(b)
			if incremental {
				update(b)
			}
			return nil
		})
		if !incremental {
			update(f)
		}
		return err
	},
	Infer: func(n *Dense, f *ir.Func) error {
		n.Forward(f)
		n.Answer = n.Logits()
		return nil
	},
}
