package rules

import (
	"fmt"
	"math"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

// EquilibriumPropagation lets a network with connections both ways settle, freely and with its output pulled to the label and
// pushed from it, and moves the weights by the difference of what they join in the two states.
//
// States and sums have the format of the layer's values. The change of s_l s_(l-1)ᵀ from one state to the other is written as
// D_l M_(l-1)ᵀ + M_l D_(l-1)ᵀ, with D the difference and M the mean of the two: two products of the size of the difference, not two
// large ones that cancel but for their rounding. The program's d_l is -D_l over what lies between the nudges, in the format of errors.
var EquilibriumPropagation = Rule{
	Title: "equilibrium propagation",
	Equation: "Δw_l = η/(2 nudge) (s_l⁺ s_(l-1)⁺ᵀ - s_l⁻ s_(l-1)⁻ᵀ),  s_l = clip(W_l s_(l-1) + b_l + W_(l+1)ᵀ s_(l+1), 0, 1),  " +
		"s_L = clip((W_L s_(L-1) + b_L + β y)/(1 + β), 0, 1), β = 0 when free, then nudge (⁺) and -nudge (⁻)",
	Source: "Scellier, Bengio, Frontiers in Computational Neuroscience 11 (2017); both signs: Laborieux, Ernoult, Scellier et al., Frontiers in Neuroscience 15 (2021)",
	Spec: config.RuleSpec{ErrorFrac: 14, Hidden: []string{"clip"}, Output: []string{"clip"}, Options: []config.Option{
		{Name: "nudge", Default: 0.5, Min: 0.01, Max: 1, Doc: "β: how much the output is pulled to the label"},
		{Name: "estimator", Default: "symmetric", Words: []string{"symmetric", "positive", "random-sign"},
			Doc: "nudge both ways; towards the label and compare with free; one of the two ways at random"},
		{Name: "free_sweeps", Default: 6, Min: 1, Max: 1000, Doc: "of all layers, from the bottom up, without a nudge"},
		{Name: "nudged_sweeps", Default: 2, Min: 1, Max: 1000, Doc: "from the top down, from the free state, each way"},
	}},
	Recipe: config.Recipe{
		Activation: "clip", Output: "clip", Values: 12, Gain: "0.35", Rates: [2]string{"1.0", "1.0"}, Rate: "0.02", Final: "0.0002",
		Note: "States are in [0, 1]; this rule wants small initial weights",
	},
	Learn: func(n *Dense, f *ir.Func) error {
		r := &n.Net.Rule
		beta, estimator := r.Number("nudge"), r.Word("estimator")
		if estimator != "positive" && beta >= 1 {
			at, given := r.At["nudge"]
			if !given {
				at = r.At["estimator"]
			}
			return diag.List{n.Net.Diagnostic(at, fmt.Sprintf("nudge = %g leaves no state of least energy when it is negative, as estimator = %q needs it", beta, estimator),
				`write nudge = 0.5, or estimator = "positive"`)}
		}
		h := hopfield{n}
		h.settle(f)
		h.keep(f, "free")
		switch estimator {
		case "symmetric":
			h.nudge(f, beta)
			h.keep(f, "plus")
			h.recall(f, "free")
			h.nudge(f, -beta)
			h.compare(f, "plus", 2*beta)
		case "positive":
			h.nudge(f, beta)
			h.compare(f, "free", -beta)
		case "random-sign":
			coin := n.Vector("coin", 1, 0)
			n.add(f, ir.New("madd", coin, ir.Sign, ir.Imm(1), ir.Zero))
			sign, zero := n.Scalar("sign", 0, 0, false), n.Scalar("zero", 0, 0, false)
			f.Add(ir.New("load", sign, coin, zero))
			for _, way := range []struct {
				cond int
				beta float64
			}{{AtLeast, beta}, {Less, -beta}} {
				n.If(f, sign, way.cond, zero, func(b *ir.Func) {
					h.nudge(b, way.beta)
					h.compare(b, "free", -way.beta)
				})
			}
		}
		h.update(f)
		return nil
	},
	Infer: func(n *Dense, f *ir.Func) error {
		hopfield{n}.settle(f)
		return nil
	},
}

// hopfield writes the parts of equilibrium propagation. State l is vector l of the network.
type hopfield struct{ *Dense }

func (n hopfield) sums(l int) string { return fmt.Sprintf("u%d", l) }

// named declares a vector like state l.
func (n hopfield) named(name string, l int) string {
	s := n.Program.Vector(n.H(l))
	return n.Vector(fmt.Sprintf("%s%d", name, l), s.N, s.Frac)
}

// below adds what drives layer l from below. The first layer's is computed once: the sample stands still.
func (n hopfield) below(f *ir.Func, l int) {
	f.Add(ir.New("matvec", n.sums(l), n.W(l-1), n.H(l-1)))
}

// move adds the step of hidden layer l to the least energy, given what drives it from below.
func (n hopfield) move(f *ir.Func, l int) {
	t := n.named("t", l)
	f.Add(ir.New("matvect", t, n.W(l), n.H(l+1)))
	n.Bound(n.Add(f, n.H(l), t, n.sums(l)), 0, 1)
}

// settle adds the free phase and the answer: the outputs before their clip, which has the same largest one and no ties at 1.
func (n hopfield) settle(f *ir.Func) {
	last := n.Layers()
	n.below(f, 1)
	for l := 2; l <= last; l++ {
		n.Scale(f, n.H(l), n.H(l), 0, ir.Zero)
	}
	n.Repeat(f, n.Net.Rule.Whole("free_sweeps"), func(b *ir.Func, _ string) error {
		for l := 1; l <= last; l++ {
			if l > 1 {
				n.below(b, l)
			}
			if l < last {
				n.move(b, l)
			} else {
				b.Add(ir.New("clip", n.H(l), n.sums(l)))
			}
		}
		return nil
	})
	n.Answer = n.named("answer", last)
	n.Copy(f, n.Answer, n.sums(last))
}

// keep copies the states under a name, and the sums that drive them from below; recall copies them back.
func (n hopfield) keep(f *ir.Func, name string) {
	for l := 1; l <= n.Layers(); l++ {
		n.Copy(f, n.named(name, l), n.H(l))
		if l > 1 {
			n.Copy(f, n.named(name+"_u", l), n.sums(l))
		}
	}
}

func (n hopfield) recall(f *ir.Func, name string) {
	for l := 1; l <= n.Layers(); l++ {
		n.Copy(f, n.H(l), n.named(name, l))
		if l > 1 {
			n.Copy(f, n.sums(l), n.named(name+"_u", l))
		}
	}
}

// nudge adds the relaxation with the nudge β from the states as they are. The sums below have them already in the first sweep; in
// the others they are computed before it, since what drives a layer from below moves after it.
func (n hopfield) nudge(f *ir.Func, beta float64) {
	last, sweeps := n.Layers(), n.Net.Rule.Whole("nudged_sweeps")
	pull, pulled := n.named("pull", last), n.named("pulled", last)
	f.Add(ir.New("onehot", pull))
	n.Scale(f, pull, pull, beta, ir.Zero)
	n.Repeat(f, sweeps, func(b *ir.Func, i string) error {
		if sweeps > 1 {
			n.If(b, i, Unequal, n.Scalar("nudged_sweeps", int32(sweeps), 0, false), func(b *ir.Func) {
				for l := last; l > 1; l-- {
					n.below(b, l)
				}
			})
		}
		// What saturates here is beyond [0, 1] when divided by at most 2, and is not counted.
		n.Add(b, pulled, n.sums(last), pull).With("lo", math.MinInt16+1).With("hi", math.MaxInt16-1)
		n.Bound(n.Scale(b, n.H(last), pulled, 1/(1+beta), ir.Zero), 0, 1)
		for l := last - 1; l >= 1; l-- {
			n.move(b, l)
		}
		return nil
	})
}

// compare adds d_l, the states less those of that name over the difference of their nudges, and m_l, the mean of the two.
func (n hopfield) compare(f *ir.Func, name string, over float64) {
	for l := 1; l <= n.Layers(); l++ {
		difference, m := n.named("difference", l), n.named("m", l)
		if l < n.Layers() {
			n.One(m)
		}
		n.Sub(f, difference, n.H(l), n.named(name, l))
		n.Bound(n.Scale(f, m, difference, 0.5, n.named(name, l)), 0, 1)
		n.Scale(f, n.ErrorVector(l), difference, 1/over, ir.Zero)
	}
}

// update adds W_l -= η (d_l m_(l-1)ᵀ + m_l d_(l-1)ᵀ); the biases, whose partner is the same in both states, have the first part only.
func (n hopfield) update(f *ir.Func) {
	n.Update(f, 0, n.ErrorVector(1))
	for l := 2; l <= n.Layers(); l++ {
		n.outer(f, n.W(l-1), n.rates[l-1], n.ErrorVector(l), n.named("m", l-1))
		if r := n.rates[l-1]; r.scalar != "" {
			f.Add(n.product(n.W(l-1), r, n.named("m", l), n.ErrorVector(l-1)).With("nobias", 1))
		}
	}
}
