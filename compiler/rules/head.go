package rules

import (
	"fmt"
	"math"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

// Head is a classifier on the output of a hidden layer: q = g(C h + c), with g the activation of the last layer.
type Head struct {
	C    string // tensor: classes × units, with a bias if it is learned
	H    string // the vector that it classifies
	E    string // error of its sums, once Classify was added
	rate rate   // zero: it never changes
}

var classifierOptions = []config.Option{
	{Name: "classifier", Default: "learned", Words: []string{"learned", "fixed"},
		Doc: "of each hidden layer; fixed: random signs, drawn again at each use, in no memory"},
	{Name: "classifier_rate", Default: 4.0, Doc: "learned classifiers: times the rule's rate"},
	{Name: "classifier_scale", Default: 0.25, Open: true, Idle: true,
		Doc: "fixed classifiers: every weight is + or - this, a power of two"},
}

// Head declares the classifier on the output of layer l-1. A learned one starts like the layer itself and has its weight
// format; the elements of a fixed one are +scale or -scale, generated from their counter at each use, without a bias.
func (n *Dense) Head(l int) (*Head, error) {
	r := &n.Net.Rule
	isFixed, idle := r.Word("classifier") == "fixed", "classifier_scale"
	if isFixed {
		idle = "classifier_rate"
	}
	if at, given := r.At[idle]; given {
		return nil, diag.List{n.Net.Diagnostic(at, fmt.Sprintf("%s has no effect: the classifiers are %s", idle, r.Word("classifier")), "remove it, or change classifier")}
	}
	if !isFixed {
		return n.LearnedHead(l)
	}
	h, t := n.newHead(l)
	var err error
	t.Source, t.Bits = "sign", 16
	t.Frac, err = n.signFrac("classifier_scale", r.Number("classifier_scale"), "")
	return h, err
}

// newHead declares the classifier on the output of layer l-1 but for its numbers.
func (n *Dense) newHead(l int) (*Head, *ir.Tensor) {
	t := &ir.Tensor{Name: fmt.Sprintf("c%d", l), Role: "head", In: n.Net.Layers[l-1].Units, Out: n.Net.Layers[n.Layers()-1].Units, ID: -1, Base: -1}
	n.Program.Tensors = append(n.Program.Tensors, t)
	return &Head{C: t.Name, H: n.H(l)}, t
}

// LearnedHead declares a classifier on the output of layer l-1 that learns at classifier_rate times the rule's rate.
func (n *Dense) LearnedHead(l int) (*Head, error) {
	r, layer := &n.Net.Rule, n.Net.Layers[l-1]
	h, t := n.newHead(l)
	t.Source, t.Bias, t.Bits, t.Frac = "memory", true, layer.Weights.Bits, layer.Weights.Frac
	n.Draw(n.Program.Func("init"), t, layer.Gain*math.Sqrt(2/float64(t.In)))
	h.rate = n.Rate("rate_"+t.Name, r.Rate*r.Number("classifier_rate"))
	if s := h.rate.frac + probFrac + n.Program.Vector(h.H).Frac - t.Frac; s > fixed.MaxShift {
		return nil, diag.List{n.Net.Diagnostic(r.At["classifier_rate"], fmt.Sprintf("rate %.4g of the classifier of layer %q rounds to 0",
			r.Rate*r.Number("classifier_rate"), layer.Name), fmt.Sprintf("raise it %.3g-fold, or write 0 if that is meant", math.Ldexp(1, s-fixed.MaxShift)))}
	}
	return h, nil
}

// Classify adds q and its error E against the label: the gradient of the cross-entropy by the classifier's sums.
func (n *Dense) Classify(f *ir.Func, h *Head) {
	out := n.Net.Layers[n.Layers()-1]
	u := n.Vector("u_"+h.C, out.Units, sumFrac[out.Activation])
	q := n.Vector("q_"+h.C, out.Units, probFrac)
	h.E = n.Vector("e_"+h.C, out.Units, probFrac)
	f.Add(ir.New("matvec", u, h.C, h.H))
	n.classError(f, h.E, q, u)
}

// LearnHead adds C -= rate · e·hᵀ, or nothing if the classifier is fixed.
func (n *Dense) LearnHead(f *ir.Func, h *Head) { n.outer(f, h.C, h.rate, h.E, h.H) }
