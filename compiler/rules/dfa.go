package rules

import (
	"fmt"
	"math"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

// DirectFeedbackAlignment sends the output error to every hidden layer through a fixed random matrix of signs.
var DirectFeedbackAlignment = Rule{
	Title:    "direct feedback alignment",
	Equation: "Δw_l = -η δ_l h_(l-1)ᵀ,  δ_l = (B_l e) ⊙ f'(u_l),  e = p - y,  B_l = ±feedback, fixed",
	Source:   "Nøkland, NIPS 2016",
	Spec:     config.RuleSpec{Options: []string{"feedback", "feedback_source"}, ErrorFrac: 15},
	Learn: func(n *Dense, f *ir.Func) error {
		n.Forward(f)
		e := n.OutputError(f)
		for l := 1; l < n.Layers(); l++ {
			b, err := feedback(n, l, n.Program.Vector(e).N)
			if err != nil {
				return err
			}
			t := n.Vector(fmt.Sprintf("t%d", l), n.Net.Layers[l-1].Units, n.Net.Rule.ErrorFrac)
			f.Add(ir.New("matvec", t, b, e))
			n.Update(f, l-1, n.Derive(f, l, t))
		}
		n.Update(f, n.Layers()-1, e)
		return nil
	},
}

// feedback declares B_l: generated from its counter at each use (the scale is then a power of two, one shift), or drawn
// once by init into weight memory.
func feedback(n *Dense, l, outputs int) (string, error) {
	r := n.Net.Rule
	t := &ir.Tensor{Name: fmt.Sprintf("b%d", l), Role: "feedback", In: outputs, Out: n.Net.Layers[l-1].Units, Bits: 16, Source: "sign", Lanes: "out", ID: -1, Base: -1}
	mantissa, exp := math.Frexp(r.Feedback)
	t.Frac = 1 - exp // ±1 reads as ±2^-frac
	if r.FeedbackSource == "stored" {
		t.Source, t.Frac = "memory", 14
		fac, frac := factor(math.Ldexp(r.Feedback, t.Frac))
		n.Program.Func("init").Add(ir.New("draw", t.Name, n.Scalar("scale_"+t.Name, fac<<16, frac, false)).
			With("shift", frac).With("source", 2))
	} else if mantissa != 0.5 {
		at := r.At["feedback"]
		return "", diag.List{n.Net.Diagnostic(at, fmt.Sprintf("generated feedback weights are ±2^-k, %g is no power of two", r.Feedback),
			fmt.Sprintf("write feedback = %g, or feedback_source = \"stored\"", math.Exp2(math.Round(math.Log2(r.Feedback)))))}
	}
	n.Program.Tensors = append(n.Program.Tensors, t)
	return t.Name, nil
}
