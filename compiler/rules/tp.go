package rules

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/compiler/pass"
)

// TargetPropagation gives every hidden layer a target, which comes from the target above through a learned inverse of the layer
// between them.
//
// Targets, displacements and what an inverse gives have the format of the layer's values; the sums of an inverse are F13 for tanh
// and hard-sigmoid, twice as fine as those of a layer, since targets are differences of what it gives.
var TargetPropagation = Rule{
	Title: "target propagation",
	Equation: "Δw_l = -η δ_l h_(l-1)ᵀ,  δ_l = (h_l - ĥ_l) ⊙ f'(u_l),  δ_L = p - y,  " +
		"ĥ_l = h_l + g_(l+1)(ĥ_(l+1)) - g_(l+1)(h_(l+1)),  ĥ_(L-1) = h_(L-1) - target_step W_Lᵀ δ_L,  " +
		"g_(l+1)(h) = f_l(V_(l+1) h + c_(l+1)),  ΔV_(l+1) = -η inverse_rate ((r_l - n_l) ⊙ f_l'(r_l)) f_(l+1)(n_l)ᵀ,  " +
		"r_l = g_(l+1)(f_(l+1)(n_l)),  n_l = h_l ± noise",
	Source: "Lee, Zhang, Fischer, Bengio, ECML 2015; simplified: Bartunov et al., NeurIPS 2018",
	Spec: config.RuleSpec{ErrorFrac: 14, Options: []config.Option{
		{Name: "targets", Default: "difference", Words: []string{"difference", "simplified", "vanilla"},
			Doc: "simplified: differences from the output on, no gradient; vanilla: no differences"},
		{Name: "target_step", Default: 0.5, Open: true, Doc: "of the first target: times the gradient, or the way to the label"},
		{Name: "inverse_loss", Default: "reconstruction", Words: []string{"reconstruction", "difference"},
			Doc: "of noisy values; or difference: of what noise does to the layer, by a linear inverse"},
		{Name: "inverse_rate", Default: 0.3, Doc: "of the inverses, times the rule's rate"},
		{Name: "inverse_every", Default: 1, Min: 1, Max: 1024, Doc: "the inverses learn from every such sample, a power of two"},
		{Name: "noise", Default: 0.3, Doc: "values are reconstructed from their own + or - this"},
		{Name: "warmup", Default: 2000, Doc: "samples at the start from which only the inverses learn"},
	}},
	Recipe: config.Recipe{
		Activation: "tanh", Gain: "0.7", Rates: [2]string{"4.0", "2.0"}, Rate: "0.01", Final: "0.0002",
		Note: "Targets want bounded activations; what a hidden layer learns carries target_step, so its rate is higher",
	},
	Learn: func(n *Dense, f *ir.Func) error {
		inverses, err := n.inverses()
		if err != nil {
			return err
		}
		n.Forward(f)
		n.OutputError(f)
		every := n.Net.Rule.Whole("inverse_every")
		n.every(f, every, func(b *ir.Func) {
			for _, g := range inverses {
				if g.linear {
					n.respond(b, g)
				} else {
					n.reconstruct(b, g)
				}
			}
		})
		if w, _ := n.warmup(); w == 0 || len(inverses) == 0 {
			n.learnTargets(f, inverses)
		} else {
			n.If(f, stepName, AtLeast, n.Scalar("warmup", int32(w), 0, false), func(b *ir.Func) { n.learnTargets(b, inverses) })
		}
		n.every(f, max(every, decayEvery), func(b *ir.Func) {
			for _, g := range inverses {
				if g.decay.scalar != "" {
					b.Add(ir.New("accumulate", g.v, g.decay.scalar, g.v).With("shift", g.decay.frac).With("round", int(n.rounds)))
				}
			}
		})
		n.every(f, every, func(b *ir.Func) {
			for _, g := range inverses {
				n.outer(b, g.v, g.rate, g.d, g.x)
			}
		})
		return nil
	},
}

// inverse is g_(l+1), from the outputs of layer l (which counts from 0) to those of the layer below it.
type inverse struct {
	l      int
	v      string // tensor
	linear bool   // without bias and activation, trained by the difference loss
	rate   rate
	decay  rate   // of linear ones, for all samples since the last
	d, x   string // error of its sums and its input when it learns
	up     string // f_(l+1) of the noisy values
}

// decayEvery is the least number of samples that share the decay of linear inverses: a power of two.
const decayEvery = 8

// inverses declares the inverses that the targets need: that of layer 1 first, that of the last layer for simplified targets only.
func (n *Dense) inverses() ([]inverse, error) {
	r := &n.Net.Rule
	top := n.Layers() - 1
	if r.Word("targets") == "simplified" {
		top++
		if s := r.Number("target_step"); s > 1 {
			return nil, diag.List{n.Net.Diagnostic(r.At["target_step"], fmt.Sprintf("target_step = %g takes the target of the output beyond the label", s), "write 1.0 or less")}
		}
	}
	if top < 2 {
		return nil, nil // the only target comes from the output by the gradient
	}
	if w, all := n.warmup(); w > 0 && w >= all {
		return nil, diag.List{n.Net.Diagnostic(r.At["warmup"], fmt.Sprintf("warmup = %d: of %d samples none is left for the layers", w, all), fmt.Sprintf("write warmup = %d", all/10))}
	}
	if k := r.Whole("inverse_every"); k&(k-1) != 0 {
		return nil, diag.List{n.Net.Diagnostic(r.At["inverse_every"], fmt.Sprintf("inverse_every = %d is no power of two", k), fmt.Sprintf("write inverse_every = %d", 1<<bits.Len(uint(k))))}
	}
	var all []inverse
	for l := 1; l < top; l++ {
		g, err := n.inverse(l)
		if err != nil {
			return nil, err
		}
		all = append(all, g)
	}
	return all, nil
}

// warmup is the number of samples from which only the inverses learn, and that of all samples. What is not given is 2,000, or a tenth of
// all if they are few.
func (n *Dense) warmup() (samples, all int) {
	r := &n.Net.Rule
	samples, all = r.Whole("warmup"), n.Net.Data.Epochs*n.Net.Data.Samples
	if _, given := r.At["warmup"]; !given {
		samples = min(samples, all/10)
	}
	return samples, all
}

// inverse declares g_(l+1). Its weights start like those of layer l and have their format.
func (n *Dense) inverse(l int) (inverse, error) {
	r, layer, below := &n.Net.Rule, n.Net.Layers[l], n.Net.Layers[l-1]
	h, above := n.Program.Vector(n.H(l)), n.Program.Vector(n.H(l+1))
	noise, inverseRate := r.Number("noise"), r.Number("inverse_rate")
	t := &ir.Tensor{Name: fmt.Sprintf("v%d", l+1), Role: "inverse", In: layer.Units, Out: below.Units, Bits: layer.Weights.Bits, Frac: layer.Weights.Frac,
		Source: "memory", ID: -1, Base: -1}
	g := inverse{l: l, v: t.Name, linear: r.Word("inverse_loss") == "difference", up: n.Vector(fmt.Sprintf("m%d", l+1), above.N, above.Frac)}
	n.Program.Tensors = append(n.Program.Tensors, t)
	scale := r.Rate * inverseRate
	if g.linear {
		if noise == 0 || r.Word("targets") == "vanilla" {
			return g, diag.List{n.Net.Diagnostic(r.At["inverse_loss"], "the difference loss wants noise, and targets that are differences", `write inverse_loss = "reconstruction", or change noise and targets`)}
		}
		every := r.Whole("inverse_every")
		g.decay = n.Rate("decay_"+t.Name, scale*float64(max(every, decayEvery)/every))
		scale /= noise
		g.d, g.x = n.Vector("d_"+t.Name, below.Units, 14), n.Vector("x_"+t.Name, above.N, above.Frac)
	} else {
		t.Bias = true
		n.One(above.Name)
		g.d, g.x = n.Vector("d_"+t.Name, below.Units, r.ErrorFrac), n.One(g.up)
	}
	n.Draw(n.Program.Func("init"), t, layer.Gain*math.Sqrt(2/float64(t.In)))
	g.rate = n.Rate("rate_"+t.Name, scale)
	if s := g.rate.frac + n.Program.Vector(g.d).Frac + above.Frac - t.Frac; s > fixed.MaxShift {
		return g, diag.List{n.Net.Diagnostic(r.At["inverse_rate"], fmt.Sprintf("rate %.4g of the inverse of layer %q rounds to 0", r.Rate*inverseRate, layer.Name),
			fmt.Sprintf("raise it %.3g-fold, or write 0 if that is meant", math.Ldexp(1, s-fixed.MaxShift)))}
	}
	if noise > 0 && (n.units(h.Name, noise) == 0 || below.Values.Max() < 1+noise) {
		return g, diag.List{n.Net.Diagnostic(r.At["noise"], fmt.Sprintf("noise = %g does not fit the values of layer %q, %v", noise, below.Name, below.Values), "choose another, or another frac of the values")}
	}
	return g, nil
}

// invert adds dst = g(from).
func (n *Dense) invert(f *ir.Func, g inverse, dst, from string) {
	below := n.Net.Layers[g.l-1]
	frac, ok := sumFrac[below.Activation]
	if !ok {
		frac = n.Program.Vector(dst).Frac
	} else if below.Activation != "sigmoid" {
		frac++
	}
	a := n.Vector("a_"+g.v, below.Units, frac)
	f.Add(ir.New("matvec", a, g.v, from))
	n.activate(f, below.Activation, dst, a)
}

// reconstruct adds the error of an inverse's sums: how far g(f_(l+1)(noisy values)) is from the noisy values.
func (n *Dense) reconstruct(f *ir.Func, g inverse) {
	h := n.Program.Vector(n.H(g.l))
	noisy := n.One(n.Vector(fmt.Sprintf("n%d", g.l), h.N, h.Frac))
	n.Scale(f, noisy, ir.Sign, n.Net.Rule.Number("noise"), h.Name).With("stream", pass.NoiseStream+g.l)
	n.above(f, g, noisy)
	r := n.Vector(fmt.Sprintf("r%d", g.l), h.N, h.Frac)
	n.invert(f, g, r, g.up)
	n.slope(f, g.l, g.d, n.difference(f, g.l, r, noisy), r)
}

// respond adds what a linear inverse learns from: random signs d, and what -noise·d does to the layer above.
func (n *Dense) respond(f *ir.Func, g inverse) {
	h := n.Program.Vector(n.H(g.l))
	noisy := n.One(n.Vector(fmt.Sprintf("n%d", g.l), h.N, h.Frac))
	n.Scale(f, g.d, ir.Sign, 1, ir.Zero).With("stream", pass.NoiseStream+g.l)
	n.Scale(f, noisy, g.d, -n.Net.Rule.Number("noise"), h.Name)
	n.above(f, g, noisy)
	n.Sub(f, g.x, g.up, n.H(g.l+1))
}

// above adds g.up = f_(l+1)(noisy).
func (n *Dense) above(f *ir.Func, g inverse, noisy string) {
	sums := n.Program.Vector(fmt.Sprintf("u%d", g.l+1))
	f.Add(ir.New("matvec", n.Vector("u_"+g.up, sums.N, sums.Frac), n.W(g.l), noisy))
	n.activate(f, n.Net.Layers[g.l].Activation, g.up, "u_"+g.up)
}

// every adds what happens in one of k samples, k a power of two.
func (n *Dense) every(f *ir.Func, k int, body func(b *ir.Func)) {
	inner := &ir.Func{}
	body(inner)
	switch {
	case len(inner.Ops) == 0:
	case k == 1:
		f.Add(inner.Ops...)
	default:
		phase := n.Scalar("phase", 0, 0, false)
		f.Add(ir.New("and", phase, stepName, ir.Imm(k-1)))
		n.If(f, phase, Equal, n.Scalar("none", 0, 0, false), func(b *ir.Func) { b.Add(inner.Ops...) })
	}
}

// learnTargets adds the targets, from the last hidden layer down, and the update of every layer.
func (n *Dense) learnTargets(f *ir.Func, inverses []inverse) {
	last := n.Layers()
	e, p := n.ErrorVector(last), n.Program.Vector(n.H(last))
	step := e // target_step (p - y)
	if s := n.Net.Rule.Number("target_step"); s != 1 {
		step = n.Vector("e_step", p.N, probFrac)
		n.Scale(f, step, e, s, ir.Zero)
	}
	errors := make([]string, last+1) // of layer l-1 at l
	errors[last] = e
	t := step // h - ĥ of the layer above
	for l := last - 1; l > 0; l-- {
		if l == last-1 && len(inverses) < l {
			t = n.Returned(l)
			f.Add(ir.New("matvect", t, n.W(l), step))
		} else {
			t = n.displace(f, inverses[l-1], t)
		}
		errors[l] = n.Derive(f, l, t)
	}
	for l, d := range errors[1:] {
		n.Update(f, l, d)
	}
}

// displace adds h - ĥ of layer l-1's outputs, from t, that of the layer above, and returns its name.
func (n *Dense) displace(f *ir.Func, g inverse, t string) string {
	h, above := n.Program.Vector(n.H(g.l)), n.Program.Vector(n.H(g.l+1))
	if g.linear {
		d := n.Returned(g.l)
		f.Add(ir.New("matvec", d, g.v, t))
		return d
	}
	target := n.One(n.Vector(fmt.Sprintf("target%d", g.l+1), above.N, above.Frac))
	n.Sub(f, target, above.Name, t)
	s, from := n.Vector(fmt.Sprintf("s%d", g.l), h.N, h.Frac), h.Name
	n.invert(f, g, s, target)
	if n.Net.Rule.Word("targets") != "vanilla" {
		from = n.Vector(fmt.Sprintf("r%d", g.l), h.N, h.Frac)
		n.invert(f, g, from, above.Name)
	}
	return n.difference(f, g.l, from, s)
}

// difference adds t = a - b, both in the format of the outputs of layer l-1, in that of errors, and returns its name. Values of ±1 and
// noise are rarely as far apart as their format reaches; more is cut there, and not counted as an overflow.
func (n *Dense) difference(f *ir.Func, l int, a, b string) string {
	t, v := n.Returned(l), n.Program.Vector(a)
	same := v.Frac == n.Program.Vector(t).Frac
	x := t
	if !same {
		x = n.Vector(fmt.Sprintf("x%d", l), v.N, v.Frac)
	}
	n.Sub(f, x, a, b).With("lo", -math.MaxInt16).With("hi", math.MaxInt16-1)
	if !same {
		n.Copy(f, t, x)
	}
	return t
}
