package rules

import (
	"fmt"
	"math"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

const (
	labelFrac = 12 // the label's strength as input of the first layer
	logitFrac = 12 // of what the sigmoid of a goodness takes
	goodFrac  = 10 // goodness of a label, summed over layers
	quietest  = 1. / 32
)

// ForwardForward lets every hidden layer tell the right label from a wrong one by the goodness of its own output. Nothing
// passes down from one layer to another.
var ForwardForward = Rule{
	Title: "forward-forward",
	Equation: "Δw_l = -η (δ_l⁺ x_l⁺ᵀ + δ_l⁻ x_l⁻ᵀ),  " +
		"δ_l⁺ = -(1 - σ(z⁺)) h_l⁺,  δ_l⁻ = σ(z⁻) h_l⁻,  " +
		"z = sharpness (g_l - threshold),  g_l = mean h_l²,  " +
		"h_l = max(0, u_l),  u_1 = W_1 x + label L y,  x_(l+1) = h_l/rms(h_l)",
	Source: "Hinton, The Forward-Forward Algorithm, arXiv 2212.13345 (2022)",
	Spec: config.RuleSpec{ErrorFrac: 12, Hidden: []string{"relu"}, Output: []string{"softmax"}, Options: []config.Option{
		{Name: "answer", Default: "goodness", Words: []string{"goodness", "readout"},
			Doc: "the label of the largest goodness, a pass for each; or softmax on the last hidden layer, one pass"},
		{Name: "goodness", Default: "label", Words: []string{"label", "group"},
			Doc: "of a pass with the label as input; or of a class's own units, without labels and negatives"},
		{Name: "threshold", Default: 2.0, Open: true, Max: 16,
			Doc: "goodness: what a pass must exceed with the right label and stay below with a wrong one"},
		{Name: "sharpness", Default: 4.0, Open: true, Max: 256,
			Doc: "of the sigmoid (or softmax, with groups) of goodness"},
		{Name: "label", Default: 2.0, Open: true, Max: 7,
			Doc: "the label's strength as an input of the first layer"},
	}},
	Recipe: config.Recipe{
		Activation: "relu", Gain: "0.7", Rates: [2]string{"1.0", "0.05"}, Rate: "0.02", Final: "0.0004",
		Note: "Later layers learn more slowly: their inputs are longer. Without a readout the last layer has no weights",
	},
	Learn: func(n *Dense, f *ir.Func) error {
		ff, err := newForward(n)
		if err != nil {
			return err
		}
		ff.learn(f)
		return nil
	},
	Infer: func(n *Dense, f *ir.Func) error {
		ff, err := newForward(n)
		if err != nil {
			return err
		}
		ff.infer(f)
		return nil
	},
}

// forward is a forward-forward network while its program is being written. Vectors of the pass with the right label end in p,
// those of the one with the wrong label in n.
type forward struct {
	*Dense
	hidden, classes    int
	readout, groups    bool
	sharpness, barrier float64
}

func newForward(n *Dense) (*forward, error) {
	r := &n.Net.Rule
	ff := &forward{Dense: n, hidden: n.Layers() - 1, classes: n.Net.Layers[n.Layers()-1].Units,
		readout: r.Word("answer") == "readout", groups: r.Word("goodness") == "group",
		sharpness: r.Number("sharpness"), barrier: r.Number("threshold")}
	var list diag.List
	report := func(p config.Pos, message, remedy string) { list = append(list, n.Net.Diagnostic(p, message, remedy)) }
	if ff.hidden == 0 {
		report(n.Net.Layers[0].Pos, "rule ff has no hidden layer to learn in", "add a layer before the last one, which only answers")
	}
	if n.Net.Import.Path != "" {
		report(n.Net.Import.Pos, "rule ff cannot start from imported weights: a file has none for the labels", "remove [weights]")
	}
	if ff.groups {
		for _, o := range []string{"threshold", "label"} {
			if at, given := r.At[o]; given {
				report(at, o+" has no effect: with groups no label is an input and classes are compared with each other", `remove it, or write goodness = "label"`)
			}
		}
		for l := range ff.hidden {
			if u := n.Net.Layers[l].Units; u < ff.classes {
				report(n.Net.Layers[l].At["units"], fmt.Sprintf("%d units cannot form a group for each of %d classes", u, ff.classes), fmt.Sprintf("use at least %d units", ff.classes))
			}
		}
	}
	if !ff.readout {
		last := n.Net.Layers[ff.hidden]
		for _, k := range []string{"weights", "rate", "lanes"} {
			if at, given := last.At[k]; given {
				report(at, k+" has no effect: the last layer has no weights when goodness answers", `remove it, or write answer = "readout"`)
			}
		}
	}
	if err := list.Err(); err != nil {
		return nil, err
	}
	return ff, nil
}

// label and goodness are the names of the label's matrix and of its vector of goodness, one element a label.
const (
	labelTensor = "labels"
	goodness    = "goodness"
)

func (ff *forward) name(what string, l int, pass string) string {
	return fmt.Sprintf("%s%d%s", what, l+1, pass)
}

// declare adds what the program needs beyond the network's own: it is called once, by learn.
func (ff *forward) declare() {
	n := ff.Dense
	first := n.Net.Layers[0]
	init := n.Program.Func("init")
	if !ff.readout {
		n.forget(n.W(ff.hidden))
	}
	if !ff.groups {
		t := &ir.Tensor{Name: labelTensor, Role: "head", In: ff.classes, Out: first.Units, Bits: first.Weights.Bits, Frac: first.Weights.Frac,
			Source: "memory", Lanes: "out", ID: -1, Base: -1}
		n.Program.Tensors = append(n.Program.Tensors, t)
		n.Draw(init, t, first.Gain*math.Sqrt(2/float64(n.Net.Input.Elements())))
	}
	n.Vector(goodness, ff.classes, goodFrac)
	n.Scalar("zero", 0, 0, false)
	if !ff.groups {
		n.Vector("z", 1, logitFrac)
		n.Vector("c", 1, probFrac)
	}
}

// forget removes a tensor that the rule does not use.
func (n *Dense) forget(tensor string) {
	p := n.Program
	for i, t := range p.Tensors {
		if t.Name == tensor {
			p.Tensors = append(p.Tensors[:i], p.Tensors[i+1:]...)
			break
		}
	}
	f := p.Func("init")
	for i, o := range f.Ops {
		if o.Args0() == tensor {
			f.Ops = append(f.Ops[:i], f.Ops[i+1:]...)
			break
		}
	}
}

// base adds the part of the first layer's sums that no label changes.
func (ff *forward) base(f *ir.Func) { f.Add(ir.New("matvec", "u1", ff.W(0), ff.H(0))) }

// labeled adds h_1 of a pass with the label vector y, from the base.
func (ff *forward) labeled(f *ir.Func, pass, y string) string {
	units, frac := ff.Net.Layers[0].Units, ff.Net.Layers[0].Values.Frac
	h := ff.Vector(ff.name("a", 0, pass), units, frac)
	f.Add(ir.New("matvec", h, labelTensor, y))
	ff.Add(f, h, h, "u1").With("lo", 0)
	return h
}

// oneHot adds the label vector with its strength at the index that a scalar holds.
func (ff *forward) oneHot(f *ir.Func, pass, index string) string {
	y := ff.Vector("y"+pass, ff.classes, labelFrac)
	f.Add(ir.New("fill", y, ir.Imm(0)))
	f.Add(ir.New("store", y, index, ff.Scalar("strength", int32(math.Round(math.Ldexp(ff.Net.Rule.Number("label"), labelFrac))), 0, false)))
	return y
}

// squares adds Σ h², of which the largest that 16 bits hold fits. Goodness is that over the number of units.
func (ff *forward) squares(f *ir.Func, h, pass string) string {
	v := ff.Program.Vector(h)
	return ff.Squares(f, "squares_"+h, h, math.Ldexp(1, 15-v.Frac))
}

// above adds the output of layer l > 0 in a pass, from the output h of the layer below and its squares.
func (ff *forward) above(f *ir.Func, l int, pass, h, squares string) string {
	below, layer := ff.Net.Layers[l-1], ff.Net.Layers[l]
	x := ff.input(l, pass)
	ff.Normalize(f, x, h, squares, math.Sqrt(float64(below.Units)), quietest*math.Sqrt(float64(below.Units)), false)
	a := ff.Vector(ff.name("a", l, pass), layer.Units, layer.Values.Frac)
	u := ff.Vector(ff.name("u", l, pass), layer.Units, layer.Values.Frac)
	f.Add(ir.New("matvec", u, ff.W(l), x))
	f.Add(ir.New("relu", a, u))
	return a
}

// input declares the input of layer l > 0 in a pass: the direction of the output below, with the constant one.
func (ff *forward) input(l int, pass string) string {
	name := ff.H(l) + pass
	if ff.Program.Vector(name) == nil {
		v := &ir.Vector{Name: name, Role: "value", N: ff.Net.Layers[l-1].Units, One: true, Frac: ff.Net.Layers[l-1].Values.Frac, Base: -1}
		ff.Program.Vectors = append(ff.Program.Vectors, v)
		ff.Program.Func("init").Add(ir.New("one", name))
	}
	return name
}

// mean adds scalar = squares·k/units in a format with frac fraction bits.
func (ff *forward) mean(f *ir.Func, dst, squares string, units int, k float64, frac int) {
	m, bits := factor(math.Abs(k) / float64(units))
	name := fmt.Sprintf("part_%d_%d", m, bits)
	if k < 0 {
		m, name = -m, "minus_"+name
	}
	f.Add(ir.New("mul", dst, squares, ff.Scalar(name, m, 0, false)).With("shift", bits+ff.Program.Scalar(squares).Frac-frac))
}

// errorOf adds δ of layer l for one pass, with h its output: σ(z)·h with the wrong label, -σ(-z)·h with the right one.
func (ff *forward) errorOf(f *ir.Func, l int, pass, h, squares string) string {
	k := ff.sharpness
	if pass == "p" {
		k = -k
	}
	units := ff.Net.Layers[l].Units
	s := ff.Program.Scalar(squares)
	z := ff.Scalar(fmt.Sprintf("exceeds_%d", s.Frac), 0, s.Frac, false)
	f.Add(ir.New("addi", z, squares, ir.Imm(-int(math.Round(math.Ldexp(ff.barrier*float64(units), s.Frac))))))
	ff.mean(f, z, z, units, k, logitFrac)
	f.Add(ir.New("store", "z", "zero", z))
	f.Add(ir.New("sigmoid", "c", "z", ff.table("sigmoid15", "sigmoid", logitFrac, probFrac)))
	c := ff.Scalar("coefficient", 0, probFrac, false)
	f.Add(ir.New("load", c, "c", "zero"))
	if pass == "p" {
		f.Add(ir.New("sub", c, "zero", c))
	}
	d := ff.Vector(ff.name("d", l, pass), units, ff.Net.Rule.ErrorFrac)
	ff.Mul(f, d, h, c, ir.Zero)
	return d
}

func (ff *forward) learn(f *ir.Func) {
	ff.declare()
	if ff.groups {
		ff.learnGroups(f)
	} else {
		ff.learnLabels(f)
	}
	if ff.readout {
		last := ff.hidden
		ff.Update(f, last, ff.OutputError(f))
	}
}

func (ff *forward) learnLabels(f *ir.Func) {
	n := ff.Dense
	ff.base(f)
	// The first layer's goodness of every label; the best wrong one is the negative.
	n.Repeat(f, ff.classes, func(b *ir.Func, i string) error {
		at := ff.index(b, i)
		h := ff.labeled(b, "", ff.oneHot(b, "", at))
		ff.keep(b, at, h, ff.squares(b, h, ""), 0)
		return nil
	})
	rivals, least := n.Vector("rivals", ff.classes, goodFrac), n.Scalar("least", math.MinInt16, 0, false)
	n.Copy(f, rivals, goodness)
	f.Add(ir.New("store", rivals, n.Scalar("label", 0, 0, false), least))
	_, worst := n.largest(f, rivals)
	wrong := n.Scalar("wrong", 0, 0, false)
	f.Add(ir.New("addi", wrong, worst, ir.Imm(0)))

	passes := []string{"p", "n"}
	h, squares, y, x, d := map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}, map[string]string{}
	for _, s := range passes {
		y[s] = ff.oneHot(f, s, map[string]string{"p": "label", "n": wrong}[s])
		h[s] = ff.labeled(f, s, y[s])
	}
	for l := range ff.hidden {
		for _, s := range passes {
			if l > 0 {
				x[s] = ff.input(l, s)
				h[s] = ff.above(f, l, s, h[s], squares[s])
			}
			squares[s] = ff.squares(f, h[s], s)
			d[s] = ff.errorOf(f, l, s, h[s], squares[s])
		}
		// Both passes have the sample as input of the first layer: one walk of its weights.
		if l > 0 {
			for _, s := range passes {
				n.outer(f, n.W(l), n.rates[l], d[s], x[s])
			}
			continue
		}
		both := n.Vector("d1", n.Net.Layers[0].Units, n.Net.Rule.ErrorFrac)
		n.Add(f, both, d["p"], d["n"])
		n.outer(f, n.W(0), n.rates[0], both, n.H(0))
		for _, s := range passes {
			n.outer(f, labelTensor, n.rates[0], d[s], y[s])
		}
	}
	if ff.readout {
		ff.neutral(f)
		return
	}
	n.Answer = goodness
}

// index adds the index of a trip, from n-1 down to 0.
func (ff *forward) index(f *ir.Func, i string) string {
	at := ff.Scalar("class", 0, 0, false)
	f.Add(ir.New("addi", at, i, ir.Imm(-1)))
	return at
}

// keep adds the goodness of a layer to that of the label at an index, or sets it for the first layer.
func (ff *forward) keep(f *ir.Func, at, h, squares string, l int) {
	g := ff.Scalar("good", 0, goodFrac, false)
	ff.mean(f, g, squares, ff.Net.Layers[l].Units, 1, goodFrac)
	if l > 0 {
		sum := ff.Scalar("good_below", 0, goodFrac, false)
		f.Add(ir.New("load", sum, goodness, at))
		f.Add(ir.New("add", g, g, sum))
	}
	f.Add(ir.New("store", goodness, at, g))
}

// neutral adds the pass with all labels alike, up to the sums of the readout.
func (ff *forward) neutral(f *ir.Func) {
	y := ff.Vector("y", ff.classes, labelFrac)
	f.Add(ir.New("fill", y, ff.Const(y, ff.Net.Rule.Number("label")/float64(ff.classes))))
	h := ff.labeled(f, "", y)
	squares := ff.squares(f, h, "")
	for l := 1; l < ff.hidden; l++ {
		h = ff.above(f, l, "", h, squares)
		squares = ff.squares(f, h, "")
	}
	ff.read(f, h, squares)
}

// read adds the sums of the readout, from the output h of the last hidden layer.
func (ff *forward) read(f *ir.Func, h, squares string) {
	last, units := ff.hidden, float64(ff.Net.Layers[ff.hidden-1].Units)
	ff.Normalize(f, ff.H(last), h, squares, math.Sqrt(units), quietest*math.Sqrt(units), false)
	f.Add(ir.New("matvec", ff.Logits(), ff.W(last), ff.H(last)))
}

func (ff *forward) infer(f *ir.Func) {
	n := ff.Dense
	switch {
	case ff.groups:
		ff.runGroups(f, nil)
	case ff.readout:
		ff.base(f)
		ff.neutral(f)
	default:
		ff.base(f)
		n.Repeat(f, ff.classes, func(b *ir.Func, i string) error {
			at := ff.index(b, i)
			h := ff.labeled(b, "", ff.oneHot(b, "", at))
			for l := range ff.hidden {
				squares := ff.squares(b, h, "")
				ff.keep(b, at, h, squares, l)
				if l+1 < ff.hidden {
					h = ff.above(b, l+1, "", h, squares)
				}
			}
			return nil
		})
	}
	if !ff.readout {
		n.Answer = goodness
	}
}

// runGroups adds the pass without a label and the sum over layers of each class's goodness; learn, if it is not nil, adds what follows each
// layer: h is its output, x its input, sums the square sums of the classes' units.
func (ff *forward) runGroups(f *ir.Func, learn func(l int, h, x, sums string)) {
	n := ff.Dense
	h, x, squares := "", ff.H(0), ""
	for l := range ff.hidden {
		layer := n.Net.Layers[l]
		if l == 0 {
			ff.base(f)
			h = n.Vector("a1", layer.Units, layer.Values.Frac)
			f.Add(ir.New("relu", h, "u1"))
		} else {
			x = ff.input(l, "")
			h = ff.above(f, l, "", h, squares)
		}
		squares = ff.squares(f, h, "")
		each := n.Vector(ff.name("square", l, ""), layer.Units, max(0, 2*layer.Values.Frac-15))
		n.Mul(f, each, h, h, ir.Zero)
		share := float64(layer.Units) / float64(ff.classes)
		sums := n.Vector(ff.name("sum", l, ""), ff.classes, 15-mostGoodness-int(math.Ceil(math.Log2(share))))
		f.Add(ir.New("matvec", sums, ff.name("groups", l, ""), each))
		below := goodness
		if l == 0 {
			below = ir.Zero
		}
		n.Scale(f, goodness, sums, 1/share, below)
		if learn != nil {
			learn(l, h, x, sums)
		}
	}
	if ff.readout {
		ff.read(f, h, squares)
	}
}

// mostGoodness is the exponent of the goodness of a class that 16 bits hold for certain.
const mostGoodness = 4

func (ff *forward) learnGroups(f *ir.Func) {
	n := ff.Dense
	for l := range ff.hidden {
		ff.assign(l)
	}
	if !ff.readout {
		n.Answer = goodness
	}
	ff.runGroups(f, func(l int, h, x, sums string) {
		layer := n.Net.Layers[l]
		u, p, e := n.Vector(ff.name("logits", l, ""), ff.classes, sumFrac["softmax"]), n.Vector(ff.name("p", l, ""), ff.classes, probFrac), n.Vector(ff.name("e", l, ""), ff.classes, probFrac)
		n.Scale(f, u, sums, ff.sharpness*float64(ff.classes)/float64(layer.Units), ir.Zero).With("lo", math.MinInt16+1).With("hi", math.MaxInt16-1)
		n.classError(f, e, p, u)
		t, d := n.Vector(ff.name("t", l, ""), layer.Units, n.Net.Rule.ErrorFrac), n.Vector(ff.name("d", l, ""), layer.Units, n.Net.Rule.ErrorFrac)
		f.Add(ir.New("matvect", t, ff.name("groups", l, ""), e))
		n.Mul(f, d, h, t, ir.Zero)
		n.outer(f, n.W(l), n.rates[l], d, x)
	})
}

// assign declares the matrix that says which class a unit of layer l belongs to, classes by turns, and adds its elements to init:
// 1 where the unit is of the class.
func (ff *forward) assign(l int) {
	n, units := ff.Dense, ff.Net.Layers[l].Units
	name := ff.name("groups", l, "")
	n.Program.Tensors = append(n.Program.Tensors, &ir.Tensor{Name: name, Role: "feedback", In: units, Out: ff.classes, Bits: 16, Frac: 14,
		Source: "memory", Lanes: "in", ID: -1, Base: -1})
	f := n.Program.Func("init")
	nothing := n.Scalar("zero", 0, 0, false)
	f.Add(ir.New("draw", name, nothing).With("shift", 0).With("source", 1))
	unit, class := n.Vector(ff.name("unit", l, ""), units, 0), n.Vector("class_of", ff.classes, 0)
	at, turn, all, one, minus := n.Scalar("at", 0, 0, false), n.Scalar("turn", 0, 0, false), n.Scalar("classes", int32(ff.classes), 0, false), n.Scalar("plus_one", 1, 0, false), n.Scalar("minus_one", -1, 0, false)
	f.Add(ir.New("fill", unit, ir.Imm(0)), ir.New("fill", class, ir.Imm(0)), ir.New("set", at, ir.Imm(0)), ir.New("set", turn, ir.Imm(0)))
	n.Repeat(f, units, func(b *ir.Func, _ string) error {
		b.Add(ir.New("store", unit, at, one), ir.New("store", class, turn, minus))
		b.Add(ir.New("outer", name, n.Scalar("minus_whole", -1<<30, 0, false), class, unit).With("shift", 0).With("round", int(fixed.Nearest)).With("sparse", 1))
		b.Add(ir.New("store", unit, at, nothing), ir.New("store", class, turn, nothing))
		b.Add(ir.New("addi", at, at, ir.Imm(1)), ir.New("addi", turn, turn, ir.Imm(1)))
		n.If(b, turn, AtLeast, all, func(b *ir.Func) { b.Add(ir.New("set", turn, ir.Imm(0))) })
		return nil
	})
}
