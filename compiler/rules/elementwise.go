package rules

import (
	"fmt"
	"math"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/compiler/pass"
)

// The equations of rules between matrix operations: each function adds one operation and returns it, for bounds ("lo", "hi"),
// stochastic rounding ("round") or a named stream. Pass formats finds the shift from the operands' formats and rounds to nearest
// where nothing else is said; results saturate at 16 bits, or at the bounds, in units of the destination.

// Scale adds dst = k·a + c, k a constant to 15 bits, c a vector in the format of dst, an immediate or ir.Zero.
func (n *Dense) Scale(f *ir.Func, dst, a string, k float64, c string) *ir.Op {
	if k == 0 {
		return n.add(f, ir.New("madd", dst, ir.Zero, ir.Zero, c))
	}
	m, frac := factor(math.Abs(k))
	if k < 0 {
		m = -m
	}
	return n.add(f, ir.New("madd", dst, a, ir.Imm(int(m)), c).With("frac", frac))
}

// Copy adds dst = a, in the format of dst.
func (n *Dense) Copy(f *ir.Func, dst, a string) *ir.Op { return n.Scale(f, dst, a, 1, ir.Zero) }

// Add adds dst = a + c; c in the format of dst.
func (n *Dense) Add(f *ir.Func, dst, a, c string) *ir.Op { return n.Scale(f, dst, a, 1, c) }

// Sub adds dst = c - a; c in the format of dst.
func (n *Dense) Sub(f *ir.Func, dst, c, a string) *ir.Op { return n.Scale(f, dst, a, -1, c) }

// Mul adds dst = a ⊙ b + c: b a vector, or a scalar register with a 16-bit value; c in the format of dst, or ir.Zero.
func (n *Dense) Mul(f *ir.Func, dst, a, b, c string) *ir.Op {
	return n.add(f, ir.New("madd", dst, a, b, c))
}

// Const is the immediate operand for a value in the format of a vector, the nearest that 16 bits hold.
func (n *Dense) Const(vector string, value float64) string {
	return ir.Imm(n.units(vector, value))
}

// units is a value in units of a vector's elements, the nearest that 16 bits hold.
func (n *Dense) units(vector string, value float64) int {
	x := math.Round(math.Ldexp(value, n.Program.Vector(vector).Frac))
	return int(min(max(x, math.MinInt16), math.MaxInt16))
}

// Bound limits an operation's result to [lo, hi].
func (n *Dense) Bound(o *ir.Op, lo, hi float64) *ir.Op {
	return o.With("lo", n.units(o.Args[0], lo)).With("hi", n.units(o.Args[0], hi))
}

// State declares a vector that is kept from sample to sample, with init's value for each element, and returns its name.
func (n *Dense) State(name string, size, frac int, value float64) string {
	if n.Program.Vector(name) == nil {
		n.Program.Vectors = append(n.Program.Vectors, &ir.Vector{Name: name, Role: "state", N: size, Frac: frac, Base: -1})
		n.Program.Func("init").Add(ir.New("fill", name, n.Const(name, value)))
	}
	return name
}

// Pull adds W += rate · d·(x - W), element by element; x in the format of W, which has no bias. The rate is an Ascent.
func (n *Dense) Pull(f *ir.Func, tensor string, r rate, d, x string) {
	if r.scalar == "" {
		return
	}
	e := n.Program.Vector(d)
	f.Add(ir.New("pull", tensor, r.scalar, d, x).With("shift", r.frac+e.Frac).With("round", int(n.rounds)))
}

// PullAcross adds W += rate · (d - W)·xᵀ, element by element; d in the format of W, which has no bias. The rate is an Ascent.
func (n *Dense) PullAcross(f *ir.Func, tensor string, r rate, d, x string) {
	if r.scalar == "" {
		return
	}
	v := n.Program.Vector(x)
	f.Add(ir.New("pull", tensor, r.scalar, d, x).With("shift", r.frac+v.Frac).With("round", int(n.rounds)).With("across", 1))
}

// Perturb adds W += k·ξ: ξ random signs (source 2) or uniform in [-1, 1) (source 1) from stream i of the rule, the same wherever
// the stream is used within one sample and trip. So -k takes back exactly what k did, if no weight saturates.
func (n *Dense) Perturb(f *ir.Func, tensor string, k float64, source, i int) {
	t := n.Program.Tensor(tensor)
	scale := math.Abs(k) * math.Ldexp(1, t.Frac)
	if source == 1 {
		scale = math.Ldexp(scale, -15)
	}
	m, frac := factor(scale)
	if k < 0 {
		m = -m
	}
	s := n.Scalar(fmt.Sprintf("perturb_%s_%d_%d", tensor, m+1<<15, frac), m<<16, frac, false)
	f.Add(ir.New("perturb", tensor, s).With("shift", frac).With("source", source).With("stream", pass.NoiseStream+i))
}

// Accumulate adds W += k·M for a constant k, M in the layout of W or W itself (decay), rounded stochastically.
func (n *Dense) Accumulate(f *ir.Func, w string, k float64, m string) {
	a, b := n.Program.Tensor(w), n.Program.Tensor(m)
	c, frac := factor(math.Abs(k))
	if k < 0 {
		c = -c
	}
	s := n.Scalar(fmt.Sprintf("factor_%s_%s", w, m), c<<16, frac, false)
	f.Add(ir.New("accumulate", w, s, m).With("shift", frac+b.Frac-a.Frac).With("round", int(fixed.Stochastic)))
}

// Repeat adds a block that runs n times; i is its counter, which goes down from n to 1.
func (n *Dense) Repeat(f *ir.Func, times int, body func(b *ir.Func, i string) error) error {
	n.deep++
	defer func() { n.deep-- }()
	i := n.Scalar(fmt.Sprintf("trip_%d", n.deep), 0, 0, false)
	b := &ir.Func{}
	if err := body(b, i); err != nil {
		return err
	}
	o := ir.New("repeat", i).With("n", times)
	o.Body = b.Ops
	f.Add(o)
	return nil
}

// The conditions of If.
const (
	Equal = iota
	Unequal
	Less
	AtLeast
)

// If adds a block that runs when the scalars compare so.
func (n *Dense) If(f *ir.Func, a string, cond int, b string, body func(b *ir.Func)) {
	inner := &ir.Func{}
	body(inner)
	o := ir.New("if", a, b).With("cond", cond)
	o.Body = inner.Ops
	f.Add(o)
}

func (n *Dense) add(f *ir.Func, o *ir.Op) *ir.Op {
	f.Add(o)
	return o
}
