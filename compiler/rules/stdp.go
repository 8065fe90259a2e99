package rules

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

const (
	postFrac     = 12   // postsynaptic trace
	leastPairs   = 8    // fraction bits of what pairs sum to
	changeFrac   = 10   // changes at the rate 1: those beyond 32 are cut off
	gainFrac     = 14   // factor that normalizes a unit's weights
	decayFrac    = 15   // of the postsynaptic trace's decay
	voltageRange = 8.0  // a membrane holds so many times what a unit's weights sum to
	freeVoltage  = 16.0 // the sum that is assumed of weights that are not normalized
)

// SpikeTiming is a layer of leaky integrate-and-fire units that learns from the timing of spikes, without a target, and a vote of
// its units on the class.
var SpikeTiming = Rule{
	Title: "spike-timing-dependent plasticity",
	Equation: "Δw_ij = η s_i x_j (bound - w_ij) - η depression s_j x_i w_ij (soft bounds), or η s_i x_j - η depression s_j x_i (hard),  " +
		"x <- trace x + s,  " +
		"v <- leak v + W s; the unit of the largest v - θ >= 0 spikes and its v is 0; the unit that spikes first learns,  " +
		"w_i <- w_i total/Σ_j w_ij,  " +
		"Δθ_i = η homeostasis (first_i - quiet/units),  " +
		"ΔV_ci = η n_i (y_c - V_ci),  n_i spikes of unit i; answer: the largest Σ_i V_ci n_i",
	Source: "pair rule with traces: Song, Miller, Abbott, Nature Neuroscience 3 (2000); Morrison, Diesmann, Gerstner, Biological Cybernetics 98 (2008); soft bounds: " +
		"Gütig et al., Journal of Neuroscience 23 (2003); competition, thresholds and label assignment: Diehl, Cook, Frontiers in Computational Neuroscience 9 (2015)",
	Spec: config.RuleSpec{ErrorFrac: 14, Hidden: []string{"alif", "lif"}, Output: []string{"vote", "softmax", "sigmoid"}, Options: []config.Option{
		timestepsOption,
		codeOption,
		eventsOption,
		leakOption,
		{Name: "trace", Default: 0.9375, Max: 1, Doc: "what a step leaves of a trace, e^(-1/τ) with τ in steps"},
		{Name: "depression", Default: 3.0, Max: 64, Doc: "amplitude of depression, that of potentiation is 1"},
		{Name: "bounds", Default: "soft", Words: []string{"soft", "hard"}, Doc: "soft: changes are proportional to what is left to the bound; hard: weights are cut off there"},
		{Name: "bound", Default: 1.0, Max: 128, Open: true, Doc: "largest weight; the least is 0"},
		{Name: "total", Default: 10.0, Max: 1024, Doc: "what the weights of a unit sum to, restored whenever it learns; 0: not normalized"},
		{Name: "threshold", Default: 7.0, Max: 1024, Open: true, Doc: "voltage at which a unit spikes; of alif units at the start"},
		{Name: "homeostasis", Default: 14.0, Max: 1024, Doc: "times the rule's rate: how far the threshold of an alif unit rises when it spikes first"},
		{Name: "quiet", Default: 0.9, Max: 1, Doc: "what all thresholds of alif units together fall in a sample, as part of what one rises"},
		{Name: "spikes", Default: 5, Min: 1, Max: 31, Doc: "of the layer in a sample, one a step at most; then it is silent"},
	}},
	Recipe: config.Recipe{
		Activation: "alif", Output: "vote", Gain: "0.6", Rates: [2]string{"1.0", "1.0"}, Rate: "0.05", Final: "0.01", Units: []int{400},
		Note: "One spiking layer and the vote of its units; more units answer better",
	},
	Learn: func(n *Dense, f *ir.Func) error {
		s := &spiking{coder: coder{Dense: n}}
		if err := s.declare(); err != nil {
			return err
		}
		s.present(f, true)
		s.answer(f)
		s.learn(f)
		return nil
	},
	Infer: func(n *Dense, f *ir.Func) error {
		s := &spiking{coder: coder{Dense: n}}
		if err := s.declare(); err != nil {
			return err
		}
		s.present(f, false)
		s.answer(f)
		return nil
	},
}

// spiking is the program of a spiking layer while it is being written.
//
// A step reads spikes from the vector s and nothing else of the input.
type spiking struct {
	coder
	units  int
	adapts bool // the thresholds
	votes  bool // the last layer is a vote, not a readout that learns from its error

	// Vectors: traces of the inputs; what the first unit's spikes give and take.
	x, up, down string
	// Currents, voltages, thresholds (a vector, or an immediate) and counts of spikes.
	current, v, theta, counts string
	// Scalars.
	zero, one, first, spikes, most, post string
}

// declare names the vectors and scalars, and checks what concerns several keys.
func (n *spiking) declare() error {
	r, net := &n.Net.Rule, n.Net
	var list diag.List
	fail := func(p config.Pos, message, remedy string) {
		list = append(list, net.Diagnostic(p, message, remedy))
	}
	switch {
	case n.Layers() < 2:
		fail(net.Layers[0].Pos, "rule stdp has no spiking layer: the last layer counts votes", `add a layer with activation = "alif" before it`)
	case n.Layers() > 2:
		fail(net.Layers[1].Pos, fmt.Sprintf("rule stdp has one spiking layer, layer %q is another", net.Layers[1].Name), "remove it, and give the first more units")
	}
	if err := list.Err(); err != nil {
		return err
	}
	layer, output := net.Layers[0], net.Layers[1]
	n.units = layer.Units
	inputs := net.Input.Elements()
	n.adapts, n.votes = layer.Activation == "alif", output.Activation == "vote"
	list = append(list, checkCode(n.Dense)...)
	steps, bound := r.Whole("timesteps"), r.Number("bound")
	if bound > layer.Weights.Max()+math.Ldexp(1, -layer.Weights.Frac) {
		fail(r.At["bound"], fmt.Sprintf("bound = %g is beyond the weights of layer %q, %v", bound, layer.Name, layer.Weights), "lower it, or give the weights fewer fraction bits")
	}
	if total := r.Number("total"); total > bound*float64(inputs) {
		fail(r.At["total"], fmt.Sprintf("total = %g is more than %d weights of at most %g sum to", total, inputs, bound), "lower it or raise bound")
	}
	if math.Ldexp(float64(r.Whole("spikes")), layer.Values.Frac) > math.MaxInt16 {
		fail(layer.Values.Pos, fmt.Sprintf("values %v of layer %q cannot hold spikes = %d of one unit", layer.Values, layer.Name, r.Whole("spikes")), "use fewer fraction bits")
	}
	if !n.adapts {
		for _, key := range []string{"homeostasis", "quiet"} {
			if at, given := r.At[key]; given {
				fail(at, key+` has no effect: the thresholds of "lif" units stay`, `remove it, or write activation = "alif"`)
			}
		}
	}
	if !n.votes && output.Rate == 0 {
		fail(output.At["rate"], "a readout that does not learn answers nothing", `give it a rate, or write activation = "vote"`)
	}
	sum := r.Number("total")
	if sum == 0 {
		sum = freeVoltage
	}
	voltFrac := 14 - int(math.Ceil(math.Log2(sum*voltageRange))) + 1
	if most := math.Ldexp(math.MaxInt16, -voltFrac); r.Number("threshold") > most/2 {
		fail(r.At["threshold"], fmt.Sprintf("threshold = %g is more than half of what a membrane holds, %.4g", r.Number("threshold"), most), "lower it, or raise total")
	}
	if err := list.Err(); err != nil {
		return err
	}

	spikeFrac := 15 - bits.Len(uint(steps))
	n.coder = newCoder(n.Dense, spikeFrac)
	n.x = n.Vector("x_pre", n.inputs, spikeFrac)
	// What the pairs of a sample give: at most as many as there are steps, for each spike of the unit.
	pairFrac := max(leastPairs, 15-bits.Len(uint(steps*r.Whole("spikes"))))
	n.up, n.down = n.Vector("up", n.inputs, pairFrac), n.Vector("down", n.inputs, pairFrac)
	n.current, n.v = n.Vector("current", n.units, voltFrac), n.Vector("v", n.units, voltFrac)
	n.counts = n.H(1)
	n.zero, n.one = n.Scalar("zero", 0, 0, false), n.Scalar("whole", 1, 0, false)
	n.first, n.spikes, n.post = n.Scalar("first", 0, 0, false), n.Scalar("spikes", 0, 0, false), n.Scalar("x_post", 0, postFrac, false)
	n.most = n.Scalar("most_spikes", int32(r.Whole("spikes")), 0, false)
	if n.adapts {
		n.theta = n.State("theta", n.units, voltFrac, r.Number("threshold"))
	} else {
		n.theta = n.Const(n.v, r.Number("threshold"))
	}
	if n.Program.Tensor(n.W(0)).Bias { // the first time
		n.Program.Tensor(n.W(0)).Bias = false
		n.Program.Tensor(n.W(1)).Bias = !n.votes
		n.Program.Tensor(n.W(0)).Positive = true
		for _, o := range n.Program.Func("init").Ops {
			if o.Name == "draw" && o.Args[0] == n.W(1) && n.votes { // no opinion
				o.Args[1] = n.zero
			}
		}
	}
	return nil
}

// set adds scalar = value.
func (n *spiking) set(f *ir.Func, scalar string, value int) {
	f.Add(ir.New("set", scalar, ir.Imm(value)))
}

// present adds the steps of a sample. Learning, it also keeps the traces, and what the spikes of the first unit give and take.
func (n *spiking) present(f *ir.Func, learning bool) {
	r := &n.Net.Rule
	down := learning && r.Number("depression") > 0 && n.plastic()
	n.begin(f)
	f.Add(ir.New("fill", n.v, ir.Imm(0)))
	f.Add(ir.New("fill", n.counts, ir.Imm(0)))
	n.set(f, n.spikes, 0)
	if learning {
		n.set(f, n.first, -1)
		n.set(f, n.post, 0)
		for _, v := range []string{n.x, n.up, n.down} {
			f.Add(ir.New("fill", v, ir.Imm(0)))
		}
	}
	step := func(b *ir.Func) {
		n.encode(b)
		if down {
			n.If(b, n.first, AtLeast, n.zero, func(b *ir.Func) {
				b.Add(ir.New("mul", n.post, n.post, n.Scalar("decay", int32(math.Round(math.Ldexp(r.Number("trace"), decayFrac))), decayFrac, false)).With("shift", decayFrac))
				n.silent(n.Mul(b, n.down, n.s, n.post, n.down))
			})
		}
	}
	_ = n.Repeat(f, r.Whole("timesteps"), func(b *ir.Func, _ string) error {
		always := down || n.events() // depression goes on when the layer is silent
		if always {
			step(b)
		}
		n.If(b, n.spikes, Less, n.most, func(b *ir.Func) {
			if !always {
				step(b)
			}
			if learning && n.plastic() {
				n.Scale(b, n.x, n.x, r.Number("trace"), n.s)
			}
			b.Add(ir.New("matvec", n.current, n.W(0), n.s))
			n.silent(n.Scale(b, n.v, n.v, r.Number("leak"), n.current))
			n.compete(b, learning)
		})
		return nil
	})
}

// plastic says whether the weights learn.
func (n *spiking) plastic() bool { return n.Dense.rates[0].scalar != "" }

// compete adds the spike of a step, if there is one. That any unit is over its threshold is found by a sum, which takes a word
// a cycle; the search for the first takes an element a cycle, and most steps need none.
func (n *spiking) compete(f *ir.Func, learning bool) {
	over := n.Vector("over", n.units, 0)
	any := n.Scalar("any", 0, 0, false)
	f.Add(ir.New("ge", over, n.v, n.theta))
	f.Add(ir.New("dot", any, over, ir.Imm(1)).With("n", n.units).With("shift", 0))
	n.If(f, any, Unequal, n.zero, func(b *ir.Func) {
		above := n.v
		if n.adapts {
			above = n.Vector("above", n.units, n.Program.Vector(n.v).Frac)
			n.silent(n.Sub(b, above, n.v, n.theta))
		}
		most, winner := n.Scalar("max", 0, 0, false), n.Scalar("argmax", 0, 0, false)
		b.Add(ir.New("amax", most, above).With("n", n.units))
		b.Add(ir.New("store", n.v, winner, n.zero))
		spike := n.Vector("spike", n.units, n.Program.Vector(n.counts).Frac)
		b.Add(ir.New("fill", spike, ir.Imm(0)))
		b.Add(ir.New("store", spike, winner, n.Scalar("one_spike", int32(n.units1(spike)), 0, false)))
		n.Bound(n.Add(b, n.counts, spike, n.counts), 0, float64(n.Net.Rule.Whole("spikes")))
		b.Add(ir.New("addi", n.spikes, n.spikes, ir.Imm(1)))
		if !learning {
			return
		}
		n.If(b, n.first, Less, n.zero, func(b *ir.Func) {
			b.Add(ir.New("addi", n.first, winner, ir.Imm(0)))
		})
		if n.plastic() {
			n.If(b, n.first, Equal, winner, func(b *ir.Func) {
				n.silent(n.Add(b, n.up, n.x, n.up))
				b.Add(ir.New("addi", n.post, n.post, ir.Imm(1<<postFrac)))
			})
		}
	})
}

// answer adds what the spikes say: the votes' sums, or the readout's.
func (n *spiking) answer(f *ir.Func) {
	f.Add(ir.New("matvec", n.Logits(), n.W(1), n.counts))
}

// learn adds the changes of a sample.
func (n *spiking) learn(f *ir.Func) {
	r := &n.Net.Rule
	homeostasis := r.Number("homeostasis")
	if n.adapts && homeostasis > 0 {
		if quiet := r.Number("quiet"); quiet > 0 { // rounded stochastically: it is less than the threshold's last bit
			fall := n.eta(f, "fall", n.Rate("rate_fall", r.Rate*homeostasis*quiet/float64(n.units)))
			n.Bound(n.add(f, ir.New("madd", n.theta, fall, ir.Imm(1), n.theta).With("round", int(fixed.Stochastic))), 0, math.MaxInt16)
		}
	}
	n.If(f, n.first, AtLeast, n.zero, func(b *ir.Func) {
		if n.plastic() {
			n.change(b)
		}
		if n.adapts && homeostasis > 0 {
			rate := n.Rate("rate_rise", r.Rate*homeostasis)
			rise, level := n.eta(b, "rise", rate), n.Scalar("level", 0, 0, false)
			if shift := rate.frac - n.Program.Vector(n.theta).Frac; shift >= 0 {
				b.Add(ir.New("shr", rise, rise).With("shift", shift))
			} else {
				b.Add(ir.New("shl", rise, rise).With("shift", -shift))
			}
			b.Add(ir.New("load", level, n.theta, n.first))
			b.Add(ir.New("sub", level, level, rise))
			b.Add(ir.New("store", n.theta, n.first, level))
		}
		if n.votes {
			label, minus := n.Vector("label_votes", n.Net.Layers[1].Units, n.Program.Tensor(n.W(1)).Frac), n.Vector("minus_counts", n.units, n.Program.Vector(n.counts).Frac)
			b.Add(ir.New("onehot", label))
			n.Scale(b, minus, n.counts, -1, ir.Zero)
			n.PullAcross(b, n.W(1), n.Dense.rates[1], label, minus)
		}
	})
	if !n.votes {
		n.Update(f, 1, n.OutputError(f))
	}
}

// eta adds the factor of a rate as a scalar that vector operations take: the rate times -2^frac, and returns its name.
func (n *spiking) eta(f *ir.Func, name string, r rate) string {
	s := n.Scalar(name, 0, r.frac, false)
	f.Add(ir.New("shr", s, r.scalar).With("shift", 16))
	return s
}

// change adds the learning of the unit that spiked first: its weights are read, changed and normalized in vector memory, rounded
// there, and written back: a pull at the rate 1 is exact.
func (n *spiking) change(f *ir.Func) {
	r := &n.Net.Rule
	t := n.Program.Tensor(n.W(0))
	unit := n.Vector("first_unit", n.units, 0)
	w, was, d := n.Vector("w", n.inputs, t.Frac), n.Vector("w_was", n.inputs, t.Frac), n.Vector("d", n.inputs, changeFrac)
	f.Add(ir.New("fill", unit, ir.Imm(0)))
	f.Add(ir.New("store", unit, n.first, n.one))
	f.Add(ir.New("row", was, t.Name, unit))
	// d = -(up (bound - w) - depression down w), or the same without the distances from the bounds.
	bound, depression := r.Number("bound"), r.Number("depression")
	if r.Word("bounds") == "soft" {
		both := n.up
		if depression > 0 {
			// Both sums may be at their largest.
			both = n.Vector("both", n.inputs, n.Program.Vector(n.up).Frac-int(math.Ceil(math.Log2(1+depression))))
			n.Copy(f, both, n.up)
			n.Scale(f, both, n.down, depression, both)
		}
		n.silent(n.Scale(f, d, n.up, -bound, ir.Zero))
		n.silent(n.Mul(f, d, both, was, d))
	} else {
		n.silent(n.Scale(f, d, n.up, -1, ir.Zero))
		n.silent(n.Scale(f, d, n.down, depression, d))
	}
	clamp := func(o *ir.Op) { n.Bound(o, 0, bound).With("round", int(n.rounds)) }
	clamp(n.Mul(f, w, d, n.eta(f, "eta", n.Dense.rates[0]), was))
	if total := r.Number("total"); total > 0 {
		sum, scale := n.Scalar("row_sum", 0, 0, false), n.Scalar("row_scale", 0, gainFrac, false)
		f.Add(ir.New("dot", sum, w, ir.Imm(1)).With("n", n.inputs).With("shift", 0))
		f.Add(ir.New("div", scale, n.Scalar("total", int32(math.Round(math.Ldexp(total, t.Frac))), 0, false), sum).With("shift", gainFrac))
		clamp(n.Mul(f, w, w, scale, ir.Zero))
	}
	f.Add(ir.New("pull", t.Name, n.Scalar("exact", 1<<30, 0, false), unit, w).With("shift", 14).With("round", int(fixed.Nearest)))
}
