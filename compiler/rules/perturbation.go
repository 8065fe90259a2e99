package rules

import (
	"fmt"
	"math"
	"slices"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/compiler/pass"
)

// Perturbation changes weights or sums by random signs and learns from what that does to the loss. The change of the loss is measured,
// of a finite perturbation, or carried along with the forward pass as its derivative in the direction of the signs. No error
// goes down through the weights. The signs are drawn again from their counter where they are needed, never stored.
var Perturbation = Rule{
	Title: "perturbation",
	Equation: "Δw_l = -η δ_l h_(l-1)ᵀ,  δ_l = s ξ_l,  s = (J(u_l + size ξ_l) - J(u_l)) / size or ξ_lᵀ ∂J/∂u_l in forward mode,  " +
		"Δw = -η s Ξ,  s = (J(w + size Ξ) - J(w)) / size or Σ Ξ ∂J/∂w in forward mode,  δ_L = p - y",
	Source: "weights: Jabri, Flower, IEEE Transactions on Neural Networks 3 (1992), Cauwenberghs, NIPS 1992; nodes: Fiete, Seung, Physical Review Letters 97 (2006); " +
		"forward mode: Baydin, Pearlmutter, Syme, Wood, Torr, arXiv:2202.08587 (2022), with local losses: Ren, Kornblith, Liao, Hinton, ICLR 2023",
	Spec: config.RuleSpec{ErrorFrac: 12, Options: perturbationOptions},
	Recipe: config.Recipe{
		Activation: "relu", Gain: "0.7", Rates: [2]string{"2.0", "1.0"}, Rate: "0.01", Final: "0.0002",
		Note: "Smaller groups learn more precisely and take longer",
	},
	Learn: func(n *Dense, f *ir.Func) error {
		p, err := n.perturbation()
		switch {
		case err != nil:
			return err
		case p.weights:
			p.learnWeights(f)
			return nil
		case p.local:
			return p.learnLocally(f)
		}
		p.learnNodes(f)
		return nil
	},
}

var perturbationOptions = []config.Option{
	{Name: "method", Default: "forward-node", Words: []string{"weight", "node", "forward-weight", "forward-node"},
		Doc: "what is perturbed, and whether the loss is measured again or its derivative goes forward"},
	{Name: "loss", Default: "local", Words: []string{"local", "global"},
		Doc: "of nodes: that of a classifier on each hidden layer, or of the network"},
	{Name: "group", Default: 4, Max: 8191, Doc: "units that are perturbed together; 0: the whole layer"},
	{Name: "classifier_rate", Default: 4.0, Doc: "of the classifiers of local losses: times the rule's rate"},
	{Name: "size", Default: 0.0078125, Open: true, Max: 0.5, Idle: true,
		Doc: "weight and node: of the perturbation, a power of two"},
}

// perturbation is the rule with its options while its program is being written.
type perturbation struct {
	*Dense
	weights, finite, local bool
	group                  int
	octaves                int // size is 2^-octaves
}

// Formats of a forward tangent: signs times slopes, and sums of them.
const (
	signFrac    = 14
	tangentFrac = 12
)

// slopeFrac is the format of the change of the loss as weights take it: in [-32, 32).
const slopeFrac = 10

func (n *Dense) perturbation() (*perturbation, error) {
	r := &n.Net.Rule
	method := r.Word("method")
	p := &perturbation{Dense: n, group: r.Whole("group"), local: r.Word("loss") == "local"}
	p.weights = method == "weight" || method == "forward-weight"
	p.finite = method == "weight" || method == "node"
	p.local = p.local && !p.weights
	idle := map[string]string{}
	if p.weights {
		idle["loss"] = "the weights are perturbed all at once, for the loss of the network"
		idle["group"] = "the weights are perturbed all at once"
	}
	if !p.local {
		idle["classifier_rate"] = "there are no classifiers"
	}
	if !p.finite {
		idle["size"] = "derivatives have no size"
	}
	var findings diag.List
	for _, o := range perturbationOptions {
		if why, is := idle[o.Name]; is {
			if at, given := r.At[o.Name]; given {
				findings = append(findings, n.Net.Diagnostic(at, fmt.Sprintf("%s has no effect with method = %q: %s", o.Name, method, why), "remove it, or change method"))
			}
		}
	}
	if size := r.Number("size"); p.finite {
		mantissa, exp := math.Frexp(size)
		p.octaves = 1 - exp
		if mantissa != 0.5 {
			findings = append(findings, n.Net.Diagnostic(r.At["size"], fmt.Sprintf("size = %g is no power of two", size),
				fmt.Sprintf("write size = %g", math.Exp2(math.Round(math.Log2(size))))))
		}
	}
	for l, layer := range n.Net.Layers {
		frac, what := p.Program.Vector(fmt.Sprintf("u%d", l+1)).Frac, "sums"
		if p.weights {
			frac, what = layer.Weights.Frac, "weights"
		}
		if p.finite && p.octaves > frac && math.Ldexp(1, -p.octaves) == r.Number("size") && (p.weights || l < n.Layers()-1) {
			findings = append(findings, n.Net.Diagnostic(r.At["size"], fmt.Sprintf("size = 2^-%d is less than a step of the %s of layer %q, 2^-%d", p.octaves, what, layer.Name, frac),
				fmt.Sprintf("write size = %g or more", math.Ldexp(1, -frac))))
		}
		if half := layer.Weights.Max() / 2; p.weights && p.finite && r.Number("size") > half {
			findings = append(findings, n.Net.Diagnostic(r.At["size"], fmt.Sprintf("size = %g leaves the weights of layer %q, %s, no room to be perturbed up and down", r.Number("size"), layer.Name, layer.Weights),
				"write less, or give the weights a wider range"))
		}
		if l > 0 && !p.weights && !p.local && layer.Lanes == "in" {
			findings = append(findings, n.Net.Diagnostic(layer.At["lanes"], fmt.Sprintf("the inputs of layer %q are taken in groups, for which its lanes must lie over its outputs", layer.Name),
				`write lanes = "out", or loss = "local"`))
		}
	}
	if len(findings) > 0 {
		return nil, findings
	}
	return p, nil
}

// noise marks an operation with the stream of the signs of layer l: the same signs wherever one sample needs them.
func noise(o *ir.Op, l int) *ir.Op { return o.With("stream", pass.NoiseStream+l) }

// learnNodes adds the node-perturbed errors of the hidden layers for the loss of the network, then every update.
func (p *perturbation) learnNodes(f *ir.Func) {
	p.Forward(f)
	last := p.Layers() - 1
	e := p.OutputError(f)
	var errors []string
	for l := range last {
		errors = append(errors, p.nodes(f, l, func(b *ir.Func, moved, first string, size int) string {
			return p.through(b, l+1, moved, first, size, e)
		}))
	}
	for l, d := range append(errors, e) {
		p.Update(f, l, d)
	}
}

// learnLocally does the same for the losses of a classifier on each hidden layer.
func (p *perturbation) learnLocally(f *ir.Func) error {
	last := p.Layers() - 1
	for l := range last {
		p.ForwardLayer(f, l)
		h, err := p.LearnedHead(l + 1)
		if err != nil {
			return err
		}
		if p.rates[l].scalar == "" {
			continue // nothing would be learned from the classifier
		}
		p.Classify(f, h)
		d := p.nodes(f, l, func(b *ir.Func, moved, first string, size int) string {
			z := p.sums(b, "z_"+h.C, h.C, moved, first, size, p.Net.Layers[last].Units)
			return p.change(b, z, "u_"+h.C, h.E)
		})
		p.Update(f, l, d)
		p.LearnHead(f, h)
	}
	p.ForwardLayer(f, last)
	p.Update(f, last, p.OutputError(f))
	return nil
}

// nodes adds the perturbation of layer l's sums, group by group, and returns the error δ = s ξ of the layer, 0 for units whose
// output stays as it is. judge adds what a group does to the loss and returns the scalar s in the format of errors: of size units
// from first on, whose outputs move by the elements of moved.
func (p *perturbation) nodes(f *ir.Func, l int, judge func(b *ir.Func, moved, first string, size int) string) string {
	layer := p.Net.Layers[l]
	d, units := p.ErrorVector(l+1), layer.Units
	if p.rates[l].scalar == "" {
		return d // a frozen layer needs no error
	}
	moved := p.move(f, l)
	t := p.Returned(l + 1)
	first := p.Scalar("first", 0, 0, false)
	group, align := p.group, p.group
	if group == 0 || group >= units {
		group, align = units, 64 // one block, which starts at 0: whole words of any number of lanes
	}
	trip := func(size int) func(*ir.Func, string) error {
		return func(b *ir.Func, _ string) error {
			s := judge(b, moved, first, size)
			b.Add(ir.New("fill", t, s, first).With("n", size).With("align", align))
			b.Add(ir.New("addi", first, first, ir.Imm(size)))
			return nil
		}
	}
	f.Add(ir.New("set", first, ir.Imm(0)))
	if trips := units / group; trips > 1 {
		_ = p.Repeat(f, trips, trip(group))
	} else {
		_ = trip(group)(f, "")
	}
	if rest := units % group; rest > 0 {
		_ = trip(rest)(f, "")
	}
	if !p.finite && layer.Activation == "relu" {
		p.Mul(f, d, t, moved, ir.Zero) // moved has the signs where h > 0
		return d
	}
	signed := p.Vector(fmt.Sprintf("s%d", l+1), units, p.Program.Vector(d).Frac)
	noise(p.Mul(f, signed, t, ir.Sign, ir.Zero), l)
	f.Add(ir.New("sel", d, moved, signed, ir.Zero))
	return d
}

// move adds by how much each output of layer l moves when its sum moves by the sign ξ of the unit, to the first order, or by
// size·ξ; all groups at once, since no unit of a layer is another's input.
func (p *perturbation) move(f *ir.Func, l int) string {
	layer, name := p.Net.Layers[l], fmt.Sprintf("m%d", l+1)
	if p.finite {
		u, sums := fmt.Sprintf("u%d", l+1), fmt.Sprintf("v%d", l+1)
		p.Vector(sums, layer.Units, p.Program.Vector(u).Frac)
		noise(p.Mul(f, sums, ir.Sign, ir.Imm(1<<(p.Program.Vector(u).Frac-p.octaves)), u), l).With("frac", p.Program.Vector(u).Frac)
		return p.difference(f, l, name, sums)
	}
	if layer.Activation == "relu" {
		p.Vector(name, layer.Units, 0)
		noise(p.add(f, ir.New("sel", name, p.H(l+1), ir.Sign, ir.Zero)), l)
		return name
	}
	xi := p.Vector(fmt.Sprintf("xi%d", l+1), layer.Units, signFrac)
	noise(p.Mul(f, xi, ir.Sign, ir.Imm(1<<signFrac), ir.Zero), l).With("frac", signFrac)
	p.slope(f, l+1, p.Vector(name, layer.Units, signFrac), xi, p.H(l+1))
	return name
}

// difference adds name = f(sums) - h of layer l, and returns name.
func (p *perturbation) difference(f *ir.Func, l int, name, sums string) string {
	layer, h := p.Net.Layers[l], p.Program.Vector(p.H(l+1))
	moved := p.Vector(fmt.Sprintf("g%d", l+1), layer.Units, h.Frac)
	p.activate(f, layer.Activation, moved, sums)
	p.Sub(f, moved, moved, h.Name)
	p.Vector(name, layer.Units, p.changeFrac())
	p.Copy(f, name, moved)
	return name
}

// changeFrac is the format of changes beyond the perturbed layer: tangents are about as large as values, finite changes smaller by size.
func (p *perturbation) changeFrac() int {
	if p.finite {
		return min(tangentFrac+p.octaves, 15)
	}
	return tangentFrac
}

// sums adds z = W·moved, of size inputs from first on if first is not "".
func (p *perturbation) sums(f *ir.Func, z, w, moved, first string, size, units int) string {
	p.Vector(z, units, p.changeFrac())
	o := ir.New("matvec", z, w, moved).With("n", size)
	if first != "" {
		o.Args = append(o.Args, first)
	}
	f.Add(o)
	return z
}

// through adds the way of a change of some inputs of layer l to the loss, and returns the change of the loss; e is the error of
// the last layer's sums.
func (p *perturbation) through(f *ir.Func, l int, moved, first string, size int, e string) string {
	for ; ; l++ {
		units := p.Net.Layers[l].Units
		z := p.sums(f, fmt.Sprintf("z%d", l+1), p.W(l), moved, first, size, units)
		if l == p.Layers()-1 {
			return p.change(f, z, p.Logits(), e)
		}
		moved, first, size = p.onward(f, l, z), "", units
	}
}

// onward adds by how much the outputs of layer l move when its sums move by z.
func (p *perturbation) onward(f *ir.Func, l int, z string) string {
	name := fmt.Sprintf("o%d", l+1)
	if !p.finite {
		p.slope(f, l+1, p.Vector(name, p.Net.Layers[l].Units, tangentFrac), z, p.H(l+1))
		return name
	}
	u, sums := fmt.Sprintf("u%d", l+1), fmt.Sprintf("v%d", l+1)
	p.Vector(sums, p.Net.Layers[l].Units, p.Program.Vector(u).Frac)
	p.Add(f, sums, z, u)
	return p.difference(f, l, name, sums)
}

// change adds s, what the loss changes when the sums u of a classification, whose error is e, move by z, in the format of errors.
// Finite changes are taken as ½(e + e')ᵀz with e' the error after the change: the integral of the gradient by the trapezoid rule, off by
// terms of the third order, and without a logarithm.
func (p *perturbation) change(f *ir.Func, z, u, e string) string {
	s := p.Scalar("slope", 0, p.Net.Rule.ErrorFrac, false)
	if !p.finite {
		p.dot(f, s, e, z, 0)
		return s
	}
	v := p.Program.Vector(u)
	sums, q := p.Vector("v_"+u, v.N, v.Frac), p.Vector("q_"+u, v.N, probFrac)
	p.Add(f, sums, z, u)
	after := p.Vector("a_"+u, v.N, probFrac)
	p.classError(f, after, q, sums)
	p.mean(f, s, e, after, z)
	return s
}

// mean adds s = ½(e + after)ᵀz / size.
func (p *perturbation) mean(f *ir.Func, s, e, after, z string) {
	t := p.Scalar("slope_after", 0, 0, false)
	shift, guard := p.product(s, e, z, 1-p.octaves)
	n := p.Program.Vector(z).N
	f.Add(ir.New("dot", s, e, z).With("n", n).With("shift", shift-guard))
	f.Add(ir.New("dot", t, after, z).With("n", n).With("shift", shift-guard))
	f.Add(ir.New("add", s, s, t))
	nearest(f, s, guard)
}

// dot adds s = aᵀb / 2^octaves in the format of s.
func (p *perturbation) dot(f *ir.Func, s, a, b string, octaves int) {
	shift, guard := p.product(s, a, b, octaves)
	f.Add(ir.New("dot", s, a, b).With("n", p.Program.Vector(a).N).With("shift", shift-guard))
	nearest(f, s, guard)
}

// product returns the shift that takes a product of the vectors divided by 2^octaves to the format of s, and how many bits of it to keep for
// rounding. The device cuts a dot product off, which would make of every small s that is negative one unit for all of its group.
func (p *perturbation) product(s, a, b string, octaves int) (shift, guard int) {
	shift = p.Program.Vector(a).Frac + p.Program.Vector(b).Frac - p.Program.Scalar(s).Frac + octaves
	return shift, min(shift, 4)
}

// nearest adds the rounding of guard bits.
func nearest(f *ir.Func, s string, guard int) {
	if guard > 0 {
		f.Add(ir.New("addi", s, s, ir.Imm(1<<(guard-1))))
		f.Add(ir.New("shr", s, s).With("shift", guard))
	}
}

// weightNoise is the magnitude 2^-weightNoise of the signs that make tangents of weights: their sums keep within 16 bits.
const weightNoise = 6

// learnWeights adds the perturbation of all weights that learn at once, and their update: one coefficient a layer, rounded once,
// times the signs.
func (p *perturbation) learnWeights(f *ir.Func) {
	last := p.Layers() - 1
	if !slices.ContainsFunc(p.rates, func(r rate) bool { return r.scalar != "" }) {
		p.Forward(f)
		return
	}
	s := p.Scalar("slope", 0, slopeFrac, false)
	if p.finite {
		p.perturbAll(f, math.Ldexp(1, -p.octaves))
		p.Forward(f)
		classes := p.Net.Layers[last].Units
		u := p.Program.Vector(p.Logits())
		moved, after := p.Vector("moved", classes, u.Frac), p.Vector("after", classes, probFrac)
		p.Copy(f, moved, u.Name)
		p.classError(f, after, p.H(last+1), u.Name)
		p.perturbAll(f, -math.Ldexp(1, -p.octaves))
		p.Forward(f)
		e := p.OutputError(f)
		p.Sub(f, moved, moved, u.Name)
		p.mean(f, s, e, after, moved)
	} else {
		p.Forward(f)
		e := p.OutputError(f)
		p.dot(f, s, e, p.weightTangent(f), -weightNoise)
	}
	slope := p.Vector("slopes", 1, slopeFrac)
	zero := p.Scalar("zero", 0, 0, false)
	f.Add(ir.New("store", slope, zero, s))
	for l, r := range p.rates {
		if r.scalar == "" {
			continue
		}
		// -η s in units of the weights. It may be less than one: rounded at random, it is right on average.
		w := p.Program.Tensor(p.W(l))
		k := p.Scalar("coefficient", 0, 0, false)
		step := p.Vector(fmt.Sprintf("step%d", l+1), 1, w.Frac)
		f.Add(ir.New("shr", k, r.scalar).With("shift", 16))
		p.Mul(f, step, slope, k, ir.Zero).With("frac", r.frac).With("round", int(p.rounds))
		f.Add(ir.New("load", k, step, zero))
		f.Add(ir.New("shl", k, k).With("shift", 16))
		lo, hi := pass.WeightBounds(w)
		if p.finite { // the next perturbation must find room, or its taking back would not be exact
			margin := 1 << (w.Frac - p.octaves)
			lo, hi = lo+margin, hi-margin
		}
		f.Add(noise(ir.New("perturb", w.Name, k).With("shift", 0).With("source", 2).With("lo", lo).With("hi", hi), l))
	}
}

// perturbAll adds k times its signs to every matrix that learns.
func (p *perturbation) perturbAll(f *ir.Func, k float64) {
	for l, r := range p.rates {
		if r.scalar != "" {
			p.Perturb(f, p.W(l), k, 2, l)
		}
	}
}

// weightTangent adds the derivative of the last layer's sums in the direction of the signs of all matrices that learn, and returns its
// name: ȧ_l = Ξ_l h_(l-1) + W_l ḣ_(l-1), both terms in one format.
func (p *perturbation) weightTangent(f *ir.Func) string {
	moved := ""
	for l, layer := range p.Net.Layers {
		z := p.Vector(fmt.Sprintf("z%d", l+1), layer.Units, tangentFrac)
		if moved != "" {
			p.sums(f, z, p.W(l), moved, "", p.Program.Tensor(p.W(l)).In, layer.Units)
		}
		if p.rates[l].scalar != "" {
			own := z
			if moved != "" {
				own = p.Vector(fmt.Sprintf("n%d_sums", l+1), layer.Units, tangentFrac)
			}
			xi := *p.Program.Tensor(p.W(l))
			xi.Name, xi.Role, xi.Source, xi.Bits, xi.Frac, xi.ID = fmt.Sprintf("n%d", l+1), "noise", "sign", 16, weightNoise, -1
			p.Program.Tensors = append(p.Program.Tensors, &xi)
			f.Add(noise(ir.New("matvec", own, xi.Name, p.H(l)), l))
			if moved != "" {
				p.Add(f, z, own, z)
			}
		} else if moved == "" {
			continue // nothing has moved yet
		}
		if l == p.Layers()-1 {
			return z
		}
		moved = p.onward(f, l, z)
	}
	return moved
}
