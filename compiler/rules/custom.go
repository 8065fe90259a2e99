package rules

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/expr"
	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

// Custom is a rule that the user writes: an expression for the weight change of one synapse of a hidden layer. The last layer
// is a readout by the delta rule.
//
// The names are Lava's where it has them: x0 and y0 the activity of the presynaptic and the postsynaptic neuron (also pre, post),
// x1.. and y1.. their traces, w the weight; rate, reward (1 for a right answer, else -1) and error (of the postsynaptic neuron) beside.
var Custom = Rule{
	Title:    "a rule of its own",
	Equation: "ΔW = dw(x0, x1, …, y0, y1, …, w, rate, reward, error) for each synapse of the hidden layers; readout: Δw = -η (p - y) hᵀ",
	Source:   "names: Lava's learning rules (lava-nc.org); the default expression: Oja, Journal of Mathematical Biology 15 (1982)",
	Spec: config.RuleSpec{ErrorFrac: 15, Options: []config.Option{
		{Name: "dw", Default: "rate * y0 * (x0 - y0 * w)", Doc: "the weight change of a synapse; this one is Oja's"},
		{Name: "traces", Default: map[string]string{}, Doc: `how traces go on each sample, as { y1 = "0.9*y1 + 0.1*y0^2" }`},
		{Name: "constants", Default: map[string]float64{}, Doc: "names for numbers in the expressions"},
		{Name: "eligibility", Default: 0.0, Max: 1, Doc: "0: dw changes the weights; else dw adds to a trace of each synapse that decays by this factor, and the weights change by rate * reward * trace"},
		{Name: feedbackOption.Name, Default: feedbackOption.Default, Open: true, Idle: true, Doc: "error of a hidden neuron: random signs times this of the output's error"},
	}},
	Recipe: config.Recipe{
		Activation: "sigmoid", Gain: "0.7", Rates: [2]string{"1.0", "1.0"}, Rate: "0.01", Final: "0.0002",
		Note: "Hidden layers learn by dw, the last one by the delta rule",
	},
	Learn: func(n *Dense, f *ir.Func) error {
		c, err := newCustom(n)
		if err != nil {
			return err
		}
		n.Forward(f)
		e := n.OutputError(f)
		if c.uses("reward") {
			c.reward(f)
		}
		for l := range n.Layers() - 1 {
			if n.Net.Layers[l].Rate == 0 {
				continue
			}
			if err := c.layer(f, l, e); err != nil {
				return err
			}
		}
		n.Update(f, n.Layers()-1, e)
		return nil
	},
}

// custom is the user's rule while its program is written.
type custom struct {
	*Dense
	products []expr.Product
	dw       *expr.Node
	traces   map[string]*expr.Node
	order    []string // of the traces
	constant map[string]float64

	// of the layer in turn
	l       int
	vectors map[string]string   // name in the expression → vector
	ranges  map[string]interval // of its values
	made    map[string]string   // polynomial and format → vector
}

// interval is a range of values.
type interval struct{ lo, hi float64 }

func (i interval) abs() float64 { return max(math.Abs(i.lo), math.Abs(i.hi)) }

func (i interval) times(o interval) interval {
	a, b, c, d := i.lo*o.lo, i.lo*o.hi, i.hi*o.lo, i.hi*o.hi
	return interval{min(a, b, c, d), max(a, b, c, d)}
}

func (i interval) plus(o interval) interval { return interval{i.lo + o.lo, i.hi + o.hi} }

// newCustom reads the expressions and takes the biases of the hidden layers away: they are no synapses.
func newCustom(n *Dense) (*custom, error) {
	c := &custom{Dense: n, traces: map[string]*expr.Node{}, constant: n.Net.Rule.Numbers("constants")}
	r := &n.Net.Rule
	var list diag.List
	note := func(key string, err error) {
		var e *expr.Error
		if errors.As(err, &e) {
			list = append(list, c.finding(key, e))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.constant)) {
		if _, taken := c.side(name); taken {
			list = append(list, n.Net.Diagnostic(r.At["constants."+name], fmt.Sprintf("constant %s has the name of a quantity", name), "choose another name"))
		}
	}
	texts := r.Texts("traces")
	c.order = slices.Sorted(maps.Keys(texts))
	for _, name := range c.order {
		key := "traces." + name
		if s, _ := c.side(name); len(name) != 2 || name[1] < '1' || name[1] > '9' || s != expr.Pre && s != expr.Post {
			list = append(list, n.Net.Diagnostic(r.At[key], fmt.Sprintf("%s is no name of a trace", name), "use x1 to x9 for the presynaptic neuron, y1 to y9 for the postsynaptic one"))
			continue
		}
		tree, err := expr.Parse(texts[name])
		if err == nil {
			c.traces[name] = tree
			err = c.checkTrace(name, tree)
		}
		note(key, err)
	}
	var err error
	if c.dw, err = expr.Parse(r.Word("dw")); err == nil {
		c.products, err = expr.Sum(c.dw, c.place)
	}
	note("dw", err)
	if err == nil {
		note("dw", c.checkScalars())
	}
	if len(list) > 0 {
		return nil, list.Err()
	}
	for l := range n.Layers() - 1 {
		n.Program.Tensor(n.W(l)).Bias = false
	}
	return c, nil
}

// finding places an expression's error in net.toml.
func (c *custom) finding(key string, e *expr.Error) diag.Diagnostic {
	at := c.Net.Rule.At[key]
	line := diag.Line(c.Net.Source, at.Line)
	if runes := []rune(line); at.Col >= 1 && at.Col <= len(runes) && (runes[at.Col-1] == '"' || runes[at.Col-1] == '\'') && !strings.Contains(line, `"""`) {
		at.Col += 1 + e.Offset
	}
	return c.Net.Diagnostic(at, key+": "+e.Message, e.Remedy)
}

// side tells where a quantity is, by its name; false for other names.
func (c *custom) side(name string) (expr.Side, bool) {
	switch {
	case name == "w":
		return expr.Weight, true
	case name == "rate" || name == "reward":
		return expr.Scalar, true
	case name == "pre":
		return expr.Pre, true
	case name == "post" || name == "error":
		return expr.Post, true
	case len(name) == 2 && name[0] == 'x' && name[1] >= '0' && name[1] <= '9':
		return expr.Pre, true
	case len(name) == 2 && name[0] == 'y' && name[1] >= '0' && name[1] <= '9':
		return expr.Post, true
	}
	return expr.Constant, false
}

// place is side for expr.Sum.
func (c *custom) place(n *expr.Node) (expr.Side, float64, error) {
	if s, ok := c.side(n.Text); ok {
		if (s == expr.Pre || s == expr.Post) && len(n.Text) == 2 && n.Text[1] != '0' {
			if _, ok := c.Net.Rule.Texts("traces")[n.Text]; !ok {
				return s, 0, &expr.Error{Offset: n.Offset, Message: fmt.Sprintf("trace %s is not defined", n.Text), Remedy: fmt.Sprintf(`add traces = { %s = "0.9*%[1]s + %c0" }`, n.Text, n.Text[0])}
			}
		}
		return s, 0, nil
	}
	if v, ok := c.constant[n.Text]; ok {
		return expr.Constant, v, nil
	}
	return 0, 0, &expr.Error{Offset: n.Offset, Message: fmt.Sprintf("unknown name %s", n.Text),
		Remedy: "use pre, post, x0, y0, traces, w, rate, reward, error, or give it a value in constants"}
}

// checkScalars checks that rate and reward are factors as an update can have them.
func (c *custom) checkScalars() error {
	for _, p := range c.products {
		if c.eligible() > 0 && (len(p.Scalars) > 0 || p.W > 0) {
			return &expr.Error{Message: "with eligibility dw adds to a trace of the synapse, whose change has neither rate nor reward nor w", Remedy: "remove them: the weights change by rate * reward * trace"}
		}
		for i, s := range p.Scalars {
			if i > 0 && p.Scalars[i-1] == s {
				return &expr.Error{Message: fmt.Sprintf("a product has %s more than once", s), Remedy: "use it once in each product"}
			}
		}
	}
	return nil
}

func (c *custom) eligible() float64 { return c.Net.Rule.Number("eligibility") }

// uses says whether an expression has the name.
func (c *custom) uses(name string) bool {
	if name == "reward" && c.eligible() > 0 {
		return true
	}
	all := []*expr.Node{c.dw}
	for _, t := range c.order {
		all = append(all, c.traces[t])
	}
	return slices.ContainsFunc(all, func(n *expr.Node) bool {
		return slices.ContainsFunc(n.Names(), func(m *expr.Node) bool { return m.Text == name })
	})
}

// checkTrace checks that a trace is a decay of itself plus quantities of its own neuron.
func (c *custom) checkTrace(name string, tree *expr.Node) error {
	of, _ := c.side(name)
	neuron := map[expr.Side]string{expr.Pre: "presynaptic", expr.Post: "postsynaptic"}
	for _, m := range tree.Names() {
		s, _, err := c.place(m)
		if err != nil {
			return err
		}
		if s != of && s != expr.Constant {
			what := m.Text + " is no quantity of one neuron"
			if neuron[s] != "" {
				what = m.Text + " of the " + neuron[s] + " one"
			}
			return &expr.Error{Offset: m.Offset, Message: fmt.Sprintf("%s is of the %s neuron, %s", name, neuron[of], what), Remedy: "a trace takes quantities of its own neuron"}
		}
		if m.Text != name && len(m.Text) == 2 && m.Text[1] != '0' && m.Text > name {
			return &expr.Error{Offset: m.Offset, Message: fmt.Sprintf("%s goes on after %s", m.Text, name), Remedy: "number the traces in the order in which they use each other"}
		}
	}
	decay, _, err := c.split(name, tree)
	if err == nil && math.Abs(decay) >= 1 {
		err = &expr.Error{Offset: tree.Offset, Message: fmt.Sprintf("%s grows without bounds: its factor is %g", name, decay), Remedy: "use a factor below 1"}
	}
	return err
}

// split writes a trace as decay·itself + rest.
func (c *custom) split(name string, tree *expr.Node) (decay float64, rest *expr.Poly, err error) {
	products, err := expr.Sum(tree, c.place)
	if err != nil {
		return 0, nil, err
	}
	rest = &expr.Poly{}
	for _, p := range products {
		poly := p.Pre
		if poly == nil {
			poly = p.Post
		}
		if poly == nil {
			poly = &expr.Poly{Terms: []expr.Monomial{{Coef: 1}}}
		}
		for _, m := range poly.Terms {
			m.Coef *= p.Coef
			own := 0
			for _, f := range m.Factors {
				for _, x := range f.Names() {
					if x.Text == name {
						own++
					}
				}
			}
			switch {
			case own == 0:
				rest.Terms = append(rest.Terms, m)
			case len(m.Factors) == 1 && m.Factors[0].Kind == expr.Name:
				decay += m.Coef
			default:
				return 0, nil, &expr.Error{Offset: tree.Offset, Message: fmt.Sprintf("%s is not a factor times itself plus other quantities", name), Remedy: fmt.Sprintf("write it as 0.9*%s + …", name)}
			}
		}
	}
	return decay, rest, nil
}

// rewardFrac is the format of the reward, 1 or -1.
const rewardFrac = 14

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
	c.l, c.vectors, c.ranges, c.made = l, map[string]string{}, map[string]interval{}, map[string]string{}
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
		if err := c.trace(f, name); err != nil {
			return err
		}
	}
	return c.update(f)
}

// activity is the range of vector l's elements.
func (c *custom) activity(l int) interval {
	if l == 0 {
		if c.Net.Data.Encoder == "direct" {
			return interval{0, 1}
		}
		return c.reach(c.H(0))
	}
	switch c.Net.Layers[l-1].Activation {
	case "tanh":
		return interval{-1, 1}
	case "relu":
		return interval{0, c.reach(c.H(l)).hi}
	}
	return interval{0, 1}
}

// reach is the range of a vector's format.
func (c *custom) reach(v string) interval {
	frac := c.Program.Vector(v).Frac
	return interval{-math.Ldexp(1, 15-frac), math.Ldexp(1, 15-frac)}
}

// trace adds one step of a trace.
func (c *custom) trace(f *ir.Func, name string) error {
	decay, rest, err := c.split(name, c.traces[name])
	if err != nil {
		return err
	}
	r := c.polyRange(rest)
	bound := interval{r.lo / (1 - math.Abs(decay)), r.hi / (1 - math.Abs(decay))}
	if decay < 0 {
		m := bound.abs()
		bound = interval{-m, m}
	}
	bound = interval{min(bound.lo, 0), max(bound.hi, 0)}
	frac, err := c.frac("traces."+name, name, bound)
	if err != nil {
		return err
	}
	size := c.Program.Vector(c.sideVector(name)).N
	v := c.State(fmt.Sprintf("%s_%d", name, c.l+1), size, frac, 0)
	c.vectors[name], c.ranges[name] = v, bound
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
func (c *custom) frac(key, what string, r interval) (int, error) {
	frac := 14
	for frac > 0 && r.abs() > math.Ldexp(1, 15-frac)-math.Ldexp(1, -frac) {
		frac--
	}
	if r.abs() > 1<<15-1 || math.IsNaN(r.abs()) {
		return 0, diag.List{c.Net.Diagnostic(c.Net.Rule.At[key], fmt.Sprintf("%s: %s reaches %.3g in layer %q, 16 bits hold 32767", key, what, r.abs(), c.Net.Layers[c.l].Name),
			"scale the quantities, or use an activation with a bounded range")}
	}
	return frac, nil
}

func (c *custom) polyRange(p *expr.Poly) interval {
	var r interval
	for _, m := range p.Terms {
		r = r.plus(c.monomialRange(m).times(interval{m.Coef, m.Coef}))
	}
	return r
}

// monomialRange is the range without the coefficient; even powers are not negative.
func (c *custom) monomialRange(m expr.Monomial) interval {
	r := interval{1, 1}
	for i := 0; i < len(m.Factors); {
		n := i
		for n < len(m.Factors) && m.Factors[n].String() == m.Factors[i].String() {
			n++
		}
		x := c.nodeRange(m.Factors[i])
		for range n - i {
			r = r.times(x)
		}
		if (n-i)%2 == 0 && i == 0 && n == len(m.Factors) {
			r.lo = max(r.lo, 0)
		}
		i = n
	}
	return r
}

func (c *custom) nodeRange(n *expr.Node) interval {
	switch n.Kind {
	case expr.Number:
		return interval{n.Value, n.Value}
	case expr.Name:
		if v, ok := c.constant[n.Text]; ok {
			return interval{v, v}
		}
		return c.ranges[n.Text]
	case expr.Power:
		r, x := interval{1, 1}, c.nodeRange(n.Args[0])
		for range n.Exp {
			r = r.times(x)
		}
		return r
	}
	r := c.nodeRange(n.Args[0])
	for _, a := range n.Args[1:] {
		x := c.nodeRange(a)
		switch {
		case n.Kind == expr.Add:
			r = r.plus(x)
		case n.Kind == expr.Mul:
			r = r.times(x)
		case n.Text == "max":
			r = interval{max(r.lo, x.lo), max(r.hi, x.hi)}
		default:
			r = interval{min(r.lo, x.lo), min(r.hi, x.hi)}
		}
	}
	switch {
	case n.Kind == expr.Call && n.Text == "abs":
		return interval{0, r.abs()}
	case n.Kind == expr.Call && n.Text == "step":
		return interval{0, 1}
	}
	return r
}

// temp declares a vector like one of a side, for values of a range.
func (c *custom) temp(key, text string, like string, r interval) (name string, fresh bool, err error) {
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
		dst, fresh, err := c.temp(key, text[1:], v, c.monomialRange(expr.Monomial{Factors: m.Factors[:i+1]}))
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
	r := c.nodeRange(n)
	for _, a := range n.Args {
		x := c.nodeRange(a)
		r = interval{min(r.lo, x.lo), max(r.hi, x.hi)}
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
	dst, fresh, err := c.temp("dw", like+":"+p.String(), like, c.polyRange(p))
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
		if r, most := c.polyRange(p), math.Ldexp(1, w.Bits-1-w.Frac); r.abs() > most {
			return "", diag.List{c.Net.Diagnostic(c.Net.Rule.At["dw"], fmt.Sprintf("dw: weights go to %s, which reaches %.3g; weights of layer %q are below %g", text, r.abs(), c.Net.Layers[c.l].Name, most),
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

// update adds the changes of the layer's weights, or of their eligibility.
func (c *custom) update(f *ir.Func) error {
	w := c.Program.Tensor(c.W(c.l))
	target := w
	decay := c.eligible()
	if decay > 0 {
		e := *w
		e.Name, e.Role, e.ID = fmt.Sprintf("e%d", c.l+1), "trace", -1
		c.Program.Tensors = append(c.Program.Tensors, &e)
		target = &e
		zero := c.Scalar("none", 0, 0, false)
		c.Program.Func("init").Add(ir.New("draw", e.Name, zero).With("shift", 0).With("source", 1))
		if decay < 1 {
			c.Accumulate(f, e.Name, decay-1, e.Name)
		}
	}
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
			c.apply(f, "outer", target, rate, y, x, c.Program.Vector(x).Frac+c.Program.Vector(y).Frac-target.Frac)
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
			c.apply(f, "pull", target, rate, y, x, c.Program.Vector(x).Frac).With("across", 1)
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
			c.apply(f, "pull", target, rate, y, x, c.Program.Vector(y).Frac)
		}
	}
	if decay > 0 {
		r := c.rates[c.l]
		r = rate{c.scaled(f, c.Ascent(fmt.Sprintf("ascent%d", c.l+1), c.Net.Rule.Rate*c.Net.Layers[c.l].Rate), "reward"), r.frac}
		f.Add(ir.New("accumulate", w.Name, r.scalar, target.Name).With("shift", r.frac).With("round", int(c.rounds)))
	}
	return nil
}

// apply adds an update: the shift of its product without the rate's.
func (c *custom) apply(f *ir.Func, op string, t *ir.Tensor, r rate, y, x string, shift int) *ir.Op {
	return c.add(f, ir.New(op, t.Name, r.scalar, y, x).With("shift", r.frac+shift).With("round", int(c.rounds)))
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
