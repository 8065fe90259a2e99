package rules

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/expr"
	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

// reward adds the scalar reward: 1 if the answer is the label, else -1.
func (c *custom) reward(f *ir.Func) {
	r := c.Scalar("reward", 0, rewardFrac, false)
	c.Scalar("label", 0, 0, false)
	f.Add(ir.New("result", c.Logits()))
	f.Add(ir.New("set", r, ir.Imm(-1<<rewardFrac)))
	c.If(f, c.Scalar("prediction", 0, 0, false), Equal, "label", func(b *ir.Func) {
		b.Add(ir.New("set", r, ir.Imm(1<<rewardFrac)))
	})
}

// layer adds what one hidden layer learns.
func (c *custom) layer(f *ir.Func, l int, e string) error {
	c.l, c.vectors, c.ranges, c.made = l, map[string]string{}, map[string]expr.Interval{}, map[string]string{}
	for name, v := range c.constant {
		c.ranges[name] = expr.Interval{Lo: v, Hi: v}
	}
	h := []string{c.H(l), c.H(l + 1)}
	for i, names := range [][]string{{"x0", "pre"}, {"y0", "post"}} {
		for _, name := range names {
			c.vectors[name], c.ranges[name] = h[i], c.activity(l+i)
		}
	}
	if c.uses("error") {
		b, err := c.Feedback(l+1, c.Program.Vector(e).N)
		if err != nil {
			return err
		}
		t := c.Returned(l + 1)
		f.Add(ir.New("matvec", t, b, e))
		v := c.Vector(fmt.Sprintf("error%d", l+1), c.Program.Vector(t).N, c.Program.Vector(t).Frac)
		c.Scale(f, v, t, -1, ir.Zero)
		c.vectors["error"], c.ranges["error"] = v, c.reach(v)
	}
	for _, name := range c.order {
		if err := c.declare(name); err != nil {
			return err
		}
		if err := c.trace(f, name); err != nil {
			return err
		}
	}
	target := c.eligibility(f)
	if err := c.update(f, target); err != nil {
		return err
	}
	c.reinforce(f, target)
	return nil
}

// activity is the range of vector l's elements.
func (c *custom) activity(l int) expr.Interval {
	if l == 0 {
		if c.Net.Data.Encoder == "direct" {
			return expr.Span(0, 1)
		}
		return c.reach(c.H(0))
	}
	switch c.Net.Layers[l-1].Activation {
	case "tanh":
		return expr.Span(-1, 1)
	case "relu":
		return expr.Span(0, c.reach(c.H(l)).Hi)
	}
	return expr.Span(0, 1)
}

// reach is the range of a vector's format.
func (c *custom) reach(v string) expr.Interval {
	frac := c.Program.Vector(v).Frac
	return expr.Span(-math.Ldexp(1, 15-frac), math.Ldexp(1, 15-frac))
}

// declare declares the vector of a trace: kept from sample to sample, or from step to step of spiking units.
func (c *custom) declare(name string) error {
	decay, rest, err := c.split(name, c.traces[name])
	if err != nil {
		return err
	}
	r := rest.Range(c.ranges)
	bound := expr.Span(r.Lo/(1-math.Abs(decay)), r.Hi/(1-math.Abs(decay)))
	if decay < 0 {
		m := bound.Abs()
		bound = expr.Span(-m, m)
	}
	bound = expr.Span(min(bound.Lo, 0), max(bound.Hi, 0))
	frac, err := c.frac("traces."+name, name, bound)
	if err != nil {
		return err
	}
	size := c.Program.Vector(c.sideVector(name)).N
	v := fmt.Sprintf("%s_%d", name, c.l+1)
	if c.spikes {
		c.Vector(v, size, frac)
	} else {
		c.State(v, size, frac, 0)
	}
	c.vectors[name], c.ranges[name] = v, bound
	return nil
}

// trace adds one step of a trace.
func (c *custom) trace(f *ir.Func, name string) error {
	decay, rest, err := c.split(name, c.traces[name])
	if err != nil {
		return err
	}
	v := c.vectors[name]
	c.Scale(f, v, v, decay, ir.Zero).With("round", int(c.rounds)) // to nearest a slow trace would never reach 0
	for _, m := range rest.Terms {
		if len(m.Factors) == 0 {
			c.Scale(f, v, v, 1, c.Const(v, m.Coef))
			continue
		}
		x, err := c.monomial(f, "traces."+name, m)
		if err != nil {
			return err
		}
		c.Scale(f, v, x, m.Coef, v).With("round", int(c.rounds))
	}
	return nil
}

// sideVector is the vector of the neuron that a quantity belongs to.
func (c *custom) sideVector(name string) string {
	if s, _ := c.side(name); s == expr.Pre {
		return c.vectors["x0"]
	}
	return c.vectors["y0"]
}

// frac is the number of fraction bits with which values of a range fit 16 bits.
func (c *custom) frac(key, what string, r expr.Interval) (int, error) {
	frac := 14
	for frac > 0 && r.Abs() > math.Ldexp(1, 15-frac)-math.Ldexp(1, -frac) {
		frac--
	}
	if r.Abs() > 1<<15-1 || math.IsNaN(r.Abs()) {
		return 0, diag.List{c.Net.Diagnostic(c.Net.Rule.At[key], fmt.Sprintf("%s: %s reaches %.3g in layer %q, 16 bits hold 32767", key, what, r.Abs(), c.Net.Layers[c.l].Name),
			"scale the quantities, or use an activation with a bounded range")}
	}
	return frac, nil
}

// temp declares a vector like one of a side, for values of a range.
func (c *custom) temp(key, text string, like string, r expr.Interval) (name string, fresh bool, err error) {
	if v, ok := c.made[text]; ok {
		return v, false, nil
	}
	frac, err := c.frac(key, text, r)
	if err != nil {
		return "", false, err
	}
	name = c.Vector(fmt.Sprintf("q%d_%d", c.l+1, len(c.made)+1), c.Program.Vector(like).N, frac)
	c.made[text] = name
	return name, true, nil
}

// monomial returns a vector with the product of the factors, without the coefficient.
func (c *custom) monomial(f *ir.Func, key string, m expr.Monomial) (string, error) {
	text := ""
	var acc string
	for i, factor := range m.Factors {
		v, err := c.node(f, key, factor)
		if err != nil {
			return "", err
		}
		text += "*" + factor.String()
		if i == 0 {
			acc = v
			continue
		}
		dst, fresh, err := c.temp(key, text[1:], v, expr.Monomial{Factors: m.Factors[:i+1]}.Range(c.ranges))
		if err != nil {
			return "", err
		}
		if fresh {
			a, b := acc, v
			if b == "x" { // the input can be the first operand only
				a, b = b, a
			}
			c.Mul(f, dst, a, b, ir.Zero)
		}
		acc = dst
	}
	return acc, nil
}

// node returns a vector with the value of a factor: a quantity, or a function of some.
func (c *custom) node(f *ir.Func, key string, n *expr.Node) (string, error) {
	if n.Kind == expr.Name {
		return c.vectors[n.Text], nil
	}
	like := ""
	for _, m := range n.Names() {
		if _, isConstant := c.constant[m.Text]; !isConstant {
			like = c.sideVector(m.Text)
		}
	}
	// All operands in the format of the largest.
	r := n.Range(c.ranges)
	for _, a := range n.Args {
		x := a.Range(c.ranges)
		r = expr.Span(min(r.Lo, x.Lo), max(r.Hi, x.Hi))
	}
	dst, fresh, err := c.temp(key, n.String(), like, r)
	if err != nil || !fresh {
		return dst, err
	}
	var args []string
	for i, a := range n.Args {
		v := c.Vector(fmt.Sprintf("%s_%d", dst, i), c.Program.Vector(like).N, c.Program.Vector(dst).Frac)
		if err := c.value(f, key, v, a); err != nil {
			return "", err
		}
		args = append(args, v)
	}
	switch n.Text {
	case "max":
		f.Add(ir.New("vmax", dst, args[0], args[1]))
	case "min":
		f.Add(ir.New("vmin", dst, args[0], args[1]))
	case "abs":
		c.Scale(f, dst, args[0], -1, ir.Zero)
		f.Add(ir.New("vmax", dst, args[0], dst))
	case "step":
		f.Add(ir.New("ge", dst, args[0], ir.Zero))
	}
	return dst, nil
}

// value adds dst = a sum of one side, given as a tree.
func (c *custom) value(f *ir.Func, key, dst string, n *expr.Node) error {
	products, err := expr.Sum(n, c.place)
	if err != nil {
		return err
	}
	sum := &expr.Poly{}
	for _, p := range products {
		poly := cmp.Or(p.Pre, p.Post, &expr.Poly{Terms: []expr.Monomial{{Coef: 1}}})
		for _, m := range poly.Terms {
			m.Coef *= p.Coef
			sum.Terms = append(sum.Terms, m)
		}
	}
	return c.sum(f, key, dst, sum)
}

// sum adds dst = the polynomial.
func (c *custom) sum(f *ir.Func, key, dst string, p *expr.Poly) error {
	last := ir.Zero
	for _, m := range p.Terms {
		if len(m.Factors) == 0 {
			if last == ir.Zero {
				f.Add(ir.New("fill", dst, c.Const(dst, m.Coef)))
			} else {
				c.Scale(f, dst, dst, 1, c.Const(dst, m.Coef))
			}
		} else {
			x, err := c.monomial(f, key, m)
			if err != nil {
				return err
			}
			c.Scale(f, dst, x, m.Coef, last)
		}
		last = dst
	}
	if last == ir.Zero {
		f.Add(ir.New("fill", dst, ir.Imm(0)))
	}
	return nil
}

// poly returns a vector with the value of a polynomial of one side, like's; nil is a vector of ones.
func (c *custom) poly(f *ir.Func, p *expr.Poly, like string) (string, error) {
	if p == nil {
		p = &expr.Poly{Terms: []expr.Monomial{{Coef: 1}}}
	}
	if len(p.Terms) == 1 && p.Terms[0].Coef == 1 && len(p.Terms[0].Factors) > 0 {
		return c.monomial(f, "dw", p.Terms[0])
	}
	dst, fresh, err := c.temp("dw", like+":"+p.String(), like, p.Range(c.ranges))
	if err != nil || !fresh {
		return dst, err
	}
	return dst, c.sum(f, "dw", dst, p)
}

// inWeights returns a vector with the value of a polynomial in the weights' format; nil is zero.
func (c *custom) inWeights(f *ir.Func, p *expr.Poly, like string, w *ir.Tensor) (string, error) {
	text := "zero"
	if p != nil {
		text = p.String()
		if r, most := p.Range(c.ranges), math.Ldexp(1, w.Bits-1-w.Frac); r.Abs() > most {
			return "", diag.List{c.Net.Diagnostic(c.Net.Rule.At["dw"], fmt.Sprintf("dw: weights go to %s, which reaches %.3g; weights of layer %q are below %g", text, r.Abs(), c.Net.Layers[c.l].Name, most),
				"give the layer's weights fewer fraction bits, or scale the quantity")}
		}
	}
	key := "goal of " + like + ":" + text
	if v, ok := c.made[key]; ok {
		return v, nil
	}
	v := c.Vector(fmt.Sprintf("goal%d_%d", c.l+1, len(c.made)+1), c.Program.Vector(like).N, w.Frac)
	c.made[key] = v
	if p == nil {
		f.Add(ir.New("fill", v, ir.Imm(0)))
		return v, nil
	}
	return v, c.sum(f, "dw", v, p)
}

// eligibility declares what dw changes, and adds its decay: the eligibility of the layer's weights, or the weights.
func (c *custom) eligibility(f *ir.Func) *ir.Tensor {
	w := c.Program.Tensor(c.W(c.l))
	decay := c.eligible()
	if decay == 0 {
		return w
	}
	e := *w
	e.Name, e.Role, e.ID, e.Positive = fmt.Sprintf("e%d", c.l+1), "trace", -1, false
	c.Program.Tensors = append(c.Program.Tensors, &e)
	zero := c.Scalar("none", 0, 0, false)
	c.Program.Func("init").Add(ir.New("draw", e.Name, zero).With("shift", 0).With("source", 1))
	if decay < 1 {
		c.Accumulate(f, e.Name, decay-1, e.Name)
	}
	return &e
}

// reinforce adds W += rate · reward · E, if there is an eligibility.
func (c *custom) reinforce(f *ir.Func, e *ir.Tensor) {
	if e.Role != "trace" {
		return
	}
	r := c.rate(fmt.Sprintf("ascent%d", c.l+1), c.Net.Rule.Rate*c.Net.Layers[c.l].Rate, 1)
	f.Add(ir.New("accumulate", c.W(c.l), c.scaled(f, r, "reward"), e.Name).With("shift", r.frac).With("round", int(c.rounds)))
}

// update adds dw to the layer's weights, or to their eligibility.
func (c *custom) update(f *ir.Func, target *ir.Tensor) error {
	w := c.Program.Tensor(c.W(c.l))
	// Decays go first: they take w as it was before the sample.
	slices.SortStableFunc(c.products, func(a, b expr.Product) int { return cmp.Compare(b.W, a.W) })
	done := make([]bool, len(c.products))
	for i, p := range c.products {
		if done[i] || p.W == 1 && c.pair(i, done) >= 0 {
			continue // taken with its partner
		}
		rate, err := c.coefficient(f, i)
		if err != nil {
			return err
		}
		x, y := c.vectors["x0"], c.vectors["y0"]
		pulls := p.W == 1
		if j := c.pair(i, done); j >= 0 {
			done[j] = true
			pulls = true
		}
		switch {
		case !pulls:
			if x, err = c.poly(f, p.Pre, x); err != nil {
				return err
			}
			if y, err = c.poly(f, p.Post, y); err != nil {
				return err
			}
			if _, err = c.apply(f, "outer", target, rate, y, x, c.Program.Vector(x).Frac+c.Program.Vector(y).Frac-target.Frac); err != nil {
				return err
			}
		case p.W == 1 && p.Pre == nil && p.Post == nil:
			o := ir.New("accumulate", target.Name, rate.scalar, target.Name).With("shift", rate.frac).With("round", int(c.rounds))
			f.Add(o)
		case p.W == 1 && p.Pre != nil: // decay by the presynaptic side
			rate = rate.negative(c.Dense, f)
			if x, err = c.poly(f, p.Pre, x); err != nil {
				return err
			}
			if y, err = c.inWeights(f, nil, y, w); err != nil {
				return err
			}
			o, err := c.apply(f, "pull", target, rate, y, x, c.Program.Vector(x).Frac)
			if err != nil {
				return err
			}
			o.With("across", 1)
		default:
			var goal *expr.Poly
			if p.W == 1 {
				rate = rate.negative(c.Dense, f)
			} else {
				goal = p.Pre
			}
			if y, err = c.poly(f, p.Post, y); err != nil {
				return err
			}
			if x, err = c.inWeights(f, goal, x, w); err != nil {
				return err
			}
			if _, err = c.apply(f, "pull", target, rate, y, x, c.Program.Vector(y).Frac); err != nil {
				return err
			}
		}
	}
	return nil
}

// apply adds an update: the shift of its product without the rate's.
func (c *custom) apply(f *ir.Func, op string, t *ir.Tensor, r rate, y, x string, shift int) (*ir.Op, error) {
	shift += r.frac
	if shift < 0 || shift > fixed.MaxShift {
		what, remedy := "rounds to 0", fmt.Sprintf("raise rate or the coefficient %.3g-fold", math.Ldexp(1, shift-fixed.MaxShift))
		if shift < 0 {
			what, remedy = "is beyond 16 bits", fmt.Sprintf("lower rate or the coefficient %.3g-fold", math.Ldexp(1, -shift))
		}
		return nil, diag.List{c.Net.Diagnostic(c.Net.Rule.At["dw"], fmt.Sprintf("dw: a change of layer %q by %s and %s %s", c.Net.Layers[c.l].Name, y, x, what), remedy)}
	}
	return c.add(f, ir.New(op, t.Name, r.scalar, y, x).With("shift", shift).With("round", int(c.rounds))), nil
}

// pair finds the product that makes i a pull: y·x and -y·w, with equal factors otherwise; -1 if there is none.
func (c *custom) pair(i int, done []bool) int {
	p := c.products[i]
	if p.Post == nil {
		return -1
	}
	for j, q := range c.products {
		if j != i && !done[j] && q.W != p.W && q.Coef == -p.Coef && q.Post.String() == p.Post.String() &&
			slices.Equal(q.Scalars, p.Scalars) && (p.W == 0 && q.Pre == nil && p.Pre != nil || p.W == 1 && p.Pre == nil && q.Pre != nil) {
			return j
		}
	}
	return -1
}

// coefficient returns the register with product i's coefficient and scalars.
func (c *custom) coefficient(f *ir.Func, i int) (rate, error) {
	p := c.products[i]
	value := math.Abs(p.Coef)
	sign := int32(1)
	if p.Coef < 0 {
		sign = -1
	}
	name := fmt.Sprintf("coef%d_%d", c.l+1, i+1)
	var r rate
	if slices.Contains(p.Scalars, "rate") {
		value *= c.Net.Rule.Rate * c.Net.Layers[c.l].Rate
		r = c.rate(name, value, sign)
	} else {
		value *= c.Net.Layers[c.l].Rate
		m, frac := factor(value)
		r = rate{c.Scalar(name, sign*m<<16, frac, false), frac}
	}
	if r.frac > fixed.MaxShift || r.frac < -15 {
		return rate{}, diag.List{c.Net.Diagnostic(c.Net.Rule.At["dw"], fmt.Sprintf("dw: the coefficient %.3g of product %d is beyond what updates can have", value, i+1), "bring it nearer to 1")}
	}
	if slices.Contains(p.Scalars, "reward") {
		r.scalar = c.scaled(f, r, "reward")
	}
	return r, nil
}

// scaled returns a register with a rate times a scalar in rewardFrac.
func (c *custom) scaled(f *ir.Func, r rate, by string) string {
	s := c.Scalar(r.scalar+"_"+by, 0, 0, false)
	f.Add(ir.New("mul", s, r.scalar, by).With("shift", rewardFrac))
	return s
}

// negative returns the rate with the other sign.
func (r rate) negative(n *Dense, f *ir.Func) rate {
	s := n.Scalar(r.scalar+"_minus", 0, 0, false)
	f.Add(ir.New("sub", s, n.Scalar("zero", 0, 0, false), r.scalar))
	return rate{s, r.frac}
}
