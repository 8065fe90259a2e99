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
	unitFrac  = 14  // sums of unit vectors with weights that are means of such, thresholds, shares: within [-2, 2)
	plainFrac = 10  // sums with weights that grow until they saturate, and thresholds of these
	faintest  = 2.0 // a sample whose length is less (two white pixels) stays shorter than 1
	leastPart = 163 // of 2^14: shares of less than 0.01 in a soft competition learn nothing
)

// Hebbian lets the units of each hidden layer compete for the sample and learn it without a target; the last layer is a
// readout that learns the answer by the delta rule.
var Hebbian = Rule{
	Title: "Hebbian learning",
	Equation: "Δw_ij = η y_i (x̂_j - w_ij), or η y_i x̂_j with form = \"plain\",  " +
		"u = W x̂,  x̂ = x/|x|,  " +
		"y = who of u - θ learns, and how much: competition,  " +
		"Δθ_i = conscience (y_i - mean y),  " +
		"h = exp(contrast (u - max u)),  " +
		"ΔW_L = -η (p - t) hᵀ",
	Source: "competitive learning: Rumelhart, Zipser, Cognitive Science 9 (1985); conscience: DeSieno, ICNN 1988; soft competition: Moraitis et al., " +
		"SoftHebb, Neuromorphic Computing and Engineering 2 (2022); thresholds and gradient sparsity: Gupta et al., HebbNet, ICASSP 2021",
	Spec: config.RuleSpec{ErrorFrac: unitFrac, Hidden: []string{"exp", "relu"}, Options: []config.Option{
		{Name: "form", Default: "decay", Words: []string{"decay", "plain"},
			Doc: "of the change: decay, toward the input; plain, along it until the weights saturate"},
		{Name: "competition", Default: "winner", Words: []string{"winner", "soft", "threshold"},
			Doc: "who learns: the winner alone; all by softmax; all that come near the winner"},
		{Name: "sharpness", Default: 60.0, Max: 1024, Open: true, Idle: true,
			Doc: "of soft and threshold competition: shares are exp or 1 + of sharpness times the distance to the winner"},
		{Name: "conscience", Default: 0.02, Max: 1,
			Doc: "how much a win raises the unit's threshold, so that others win too"},
		{Name: "contrast", Default: 12.0, Max: 1024, Open: true,
			Doc: "of a layer's outputs: exp (or 1 +, cut at 0, with relu) of contrast times the distance to the largest sum"},
		{Name: "sparsity", Default: 0.0, Max: 1, Idle: true,
			Doc: "plain form: a unit makes no change smaller than sparsity times its largest"},
	}},
	Recipe: config.Recipe{
		Activation: "exp", Gain: "0.9", Rates: [2]string{"0.2", "0.2"}, Rate: "0.5", Final: "0.025", OutputWeights: "{ bits = 16, frac = 12 }",
		Note: "The weights of a unit become the mean of what it wins; one wide layer is better than two",
	},
	Learn: func(n *Dense, f *ir.Func) error {
		if err := n.hebbian(); err != nil {
			return err
		}
		for l := range n.Layers() - 1 {
			n.compare(f, l)
			if n.rates[l].scalar != "" {
				n.compete(f, l)
			}
			n.features(f, l)
		}
		n.ForwardLayer(f, n.Layers()-1)
		n.Update(f, n.Layers()-1, n.OutputError(f))
		return nil
	},
	Infer: func(n *Dense, f *ir.Func) error {
		for l := range n.Layers() - 1 {
			n.compare(f, l)
			n.features(f, l)
		}
		n.ForwardLayer(f, n.Layers()-1)
		return nil
	},
}

// hebbian checks the options against each other and takes the biases from the hidden layers.
func (n *Dense) hebbian() error {
	r := &n.Net.Rule
	var list diag.List
	idle := func(option, why, remedy string) {
		if at, given := r.At[option]; given {
			list = append(list, n.Net.Diagnostic(at, option+" has no effect: "+why, remedy))
		}
	}
	if r.Word("competition") == "winner" {
		idle("sharpness", "only the winner learns", "remove it, or change competition")
	}
	if r.Word("form") == "decay" {
		idle("sparsity", "with decay every weight of a unit changes", `remove it, or write form = "plain"`)
	}
	if n.Layers() < 2 {
		list = append(list, n.Net.Diagnostic(n.Net.Layers[0].Pos, "rule hebb has no hidden layer to learn in: the last layer is its readout", "add a layer before it"))
	}
	frac := unitFrac
	if r.Word("form") == "plain" {
		frac = plainFrac
	}
	for l := range n.Layers() - 1 {
		n.Program.Tensor(n.W(l)).Bias = false
		n.Program.Vector(n.sums(l)).Frac = frac
	}
	// What the units will learn is positive, unless samples are centered. A start with both signs is so far from every sample that the
	// first units to win would go on winning until their thresholds have made up for it.
	for _, o := range n.Program.Func("init").Ops {
		if o.Name == "draw" && o.Args[0] != n.W(n.Layers()-1) && !(o.Args[0] == n.W(0) && n.centered()) {
			o.With("lo", 0)
		}
	}
	return list.Err()
}

// centered says whether samples have both signs.
func (n *Dense) centered() bool { return n.Net.Data.Encoder == "centered" }

func (n *Dense) sums(l int) string { return fmt.Sprintf("u%d", l+1) }

// largest adds the largest element of v, and returns the names of the scalars that hold it and its index.
func (n *Dense) largest(f *ir.Func, v string) (value, index string) {
	value, index = n.Scalar("max", 0, n.Program.Vector(v).Frac, false), n.Scalar("argmax", 0, 0, false)
	f.Add(ir.New("amax", value, v).With("n", n.Program.Vector(v).N))
	return value, index
}

// compare adds u = W x̂ for layer l: x̂ in the format of the weights, which are pulled toward it.
func (n *Dense) compare(f *ir.Func, l int) {
	w, h := n.Program.Tensor(n.W(l)), n.H(l)
	least := 1.0 // the largest output of a hidden layer is 1
	if l == 0 {
		least = faintest
	}
	if l == 0 {
		h = n.Vector("pixels", w.In, n.Program.Vector("x").Frac)
		n.Copy(f, h, n.H(0)) // a product takes the input once
	}
	x := n.Vector(n.unit(l), w.In, w.Frac)
	n.Normalize(f, x, h, n.Squares(f, "squares_"+h, h, 1), 1, least, l == 0 && n.centered())
	f.Add(ir.New("matvec", n.sums(l), w.Name, x))
}

func (n *Dense) unit(l int) string { return "unit_" + n.H(l) }

// compete adds the shares of layer l's units in the sample, as d = -y, what they learn, and what it costs them.
func (n *Dense) compete(f *ir.Func, l int) {
	r := n.Net.Rule
	units := n.Net.Layers[l].Units
	c, d := n.sums(l), n.Vector(fmt.Sprintf("d%d", l+1), units, unitFrac)
	threshold := ""
	if conscience := r.Number("conscience"); conscience > 0 {
		frac := n.Program.Vector(c).Frac
		threshold = n.State(fmt.Sprintf("threshold%d", l+1), units, frac, 0)
		c = n.Vector(fmt.Sprintf("c%d", l+1), units, frac)
		n.Sub(f, c, n.sums(l), threshold)
	}
	_, winner := n.largest(f, c)
	switch r.Word("competition") {
	case "winner":
		f.Add(ir.New("fill", d, ir.Imm(0)))
		f.Add(ir.New("store", d, winner, n.Scalar("minus_one", -1<<unitFrac, 0, false)))
	case "soft":
		z, y := n.Vector(fmt.Sprintf("z%d", l+1), units, expFrac), n.Vector(fmt.Sprintf("y%d", l+1), units, unitFrac)
		n.distance(f, z, c, r.Number("sharpness"), 0)
		f.Add(ir.New("softmax", y, z, n.table("exp", "exp", expFrac, probFrac)))
		few := n.Vector(fmt.Sprintf("few%d", l+1), units, 0)
		f.Add(ir.New("ge", few, y, ir.Imm(leastPart)))
		n.Scale(f, d, y, -1, ir.Zero)
		f.Add(ir.New("sel", d, few, d, ir.Zero))
	case "threshold":
		y := n.Vector(fmt.Sprintf("y%d", l+1), units, unitFrac)
		n.distance(f, y, c, r.Number("sharpness"), 1)
		n.Scale(f, d, y, -1, ir.Zero)
	}
	n.learnHebb(f, l, d)
	if threshold != "" {
		n.Scale(f, threshold, d, -r.Number("conscience"), threshold)
		// What all of them lose is less than the threshold's last bit as a rule.
		part, frac := factor(r.Number("conscience") / float64(units))
		loss := n.Scalar(fmt.Sprintf("loss%d", l+1), part, frac, false)
		if r.Word("competition") == "threshold" { // else the shares sum to 1
			sum, spare := n.Scalar("shares", 0, 0, false), 6
			f.Add(ir.New("dot", sum, d, ir.Imm(-1)).With("n", units).With("shift", 0))
			total := n.Scalar(fmt.Sprintf("total%d", l+1), 0, frac-spare, false)
			f.Add(ir.New("mul", total, sum, loss).With("shift", unitFrac+spare))
			loss = total
		}
		f.Add(ir.New("madd", threshold, loss, ir.Imm(-1), threshold).With("round", int(fixed.Stochastic)))
	}
}

// learnHebb adds the change of layer l's weights, with d the shares times -1: rates are negative.
func (n *Dense) learnHebb(f *ir.Func, l int, d string) {
	r, x := n.Net.Rule, n.unit(l)
	if r.Word("form") == "decay" {
		n.Pull(f, n.W(l), n.rates[l], d, x)
		return
	}
	if s := r.Number("sparsity"); s > 0 {
		v := n.Program.Vector(x)
		kept, most := n.Vector("kept_"+x, v.N, v.Frac), n.Vector("most_"+x, v.N, 0)
		top, _ := n.largest(f, x)
		part, frac := factor(s)
		least := n.Scalar("least", 0, 0, false)
		f.Add(ir.New("mul", least, top, n.Scalar("sparsity", part, frac, false)).With("shift", frac))
		f.Add(ir.New("ge", most, x, least))
		f.Add(ir.New("sel", kept, most, x, ir.Zero))
		x = kept
	}
	n.outer(f, n.W(l), n.rates[l], d, x)
}

// features adds the outputs of layer l.
func (n *Dense) features(f *ir.Func, l int) {
	u, h, contrast := n.sums(l), n.H(l+1), n.Net.Rule.Number("contrast")
	n.largest(f, u)
	if n.Net.Layers[l].Activation == "relu" {
		n.distance(f, h, u, contrast, 1)
		return
	}
	z := n.Vector(fmt.Sprintf("z%d", l+1), n.Net.Layers[l].Units, expFrac)
	n.distance(f, z, u, contrast, 0)
	frac := n.Program.Vector(h).Frac
	f.Add(ir.New("exp", h, z, n.table(fmt.Sprintf("exp%d", frac), "exp", expFrac, frac)))
}

// distance adds dst = top + k·(v - max v), cut off at 0 if top is 1 and where the exponential ends if it is 0. The largest
// element of v must be in the scalar that largest returns.
func (n *Dense) distance(f *ir.Func, dst, v string, k float64, top int) {
	d := n.Program.Vector(dst)
	below := n.Vector("below_"+v, d.N, n.Program.Vector(v).Frac)
	f.Add(ir.New("madd", below, "max", ir.Imm(-1), v).With("lo", math.MinInt16+1).With("hi", 0))
	o := n.Scale(f, dst, below, k, n.Const(dst, float64(top)))
	if top == 0 {
		o.With("lo", math.MinInt16+1).With("hi", 0)
	} else {
		n.Bound(o, 0, 1)
	}
}
