package rules

import (
	"fmt"
	"math"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

var feedbackOption = config.Option{Name: "feedback", Default: 0.0625, Open: true,
	Doc: "every feedback weight is + or - this: a power of two if generated"}

// Feedback declares B_l, from inputs errors to the outputs of layer l-1, and returns its name. Its elements are +feedback or
// -feedback: generated from their counter at each use (the scale is then a power of two, one shift), or drawn once by
// init into weight memory.
func (n *Dense) Feedback(l, inputs int) (string, error) {
	r := n.Net.Rule
	t := &ir.Tensor{Name: fmt.Sprintf("b%d", l), Role: "feedback", In: inputs, Out: n.Net.Layers[l-1].Units, Bits: 16, Source: "sign", Lanes: "out", ID: -1, Base: -1}
	if r.FeedbackSource == "stored" {
		t.Source, t.Frac = "memory", 14
		fac, frac := factor(math.Ldexp(r.Feedback, t.Frac))
		n.Program.Func("init").Add(ir.New("draw", t.Name, n.Scalar("scale_"+t.Name, fac<<16, frac, false)).
			With("shift", frac).With("source", 2))
	} else {
		var err error
		if t.Frac, err = n.signFrac("feedback", r.Feedback, `, or feedback_source = "stored"`); err != nil {
			return "", err
		}
	}
	n.Program.Tensors = append(n.Program.Tensors, t)
	return t.Name, nil
}

// signFrac is the fraction of generated signs of a magnitude, the value of an option: ±1 reads as ±2^-frac. A magnitude that is no
// power of two is an error; or says what else may be written.
func (n *Dense) signFrac(option string, magnitude float64, or string) (int, error) {
	mantissa, exp := math.Frexp(magnitude)
	if mantissa != 0.5 {
		return 0, diag.List{n.Net.Diagnostic(n.Net.Rule.At[option], fmt.Sprintf("generated weights are ±2^-k, %s = %g is no power of two", option, magnitude),
			fmt.Sprintf("write %s = %g%s", option, math.Exp2(math.Round(math.Log2(magnitude))), or))}
	}
	return 1 - exp, nil
}

// Signs declares feedback·sign(W) of layer l, in the layout of W, and returns its name. TakeSigns gives it its values.
func (n *Dense) Signs(l int) string {
	w := *n.Program.Tensor(n.W(l))
	_, frac := factor(n.Net.Rule.Feedback)
	w.Name, w.Role, w.Bits, w.Frac = fmt.Sprintf("b%d", l), "feedback", 16, frac
	n.Program.Tensors = append(n.Program.Tensors, &w)
	return w.Name
}

// TakeSigns adds B_l = feedback·sign(W) for every tensor that Signs has declared. A weight of zero gives zero.
func (n *Dense) TakeSigns(f *ir.Func) {
	magnitude, _ := factor(n.Net.Rule.Feedback)
	for l := 1; l < n.Layers(); l++ {
		f.Add(ir.New("sign", fmt.Sprintf("b%d", l), n.W(l)).With("magnitude", int(magnitude)))
	}
}
