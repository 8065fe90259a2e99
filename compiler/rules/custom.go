package rules

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/expr"
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
	Spec: config.RuleSpec{ErrorFrac: 15, Hidden: []string{"clip", "hard-sigmoid", "lif", "relu", "sigmoid", "tanh"}, Options: append([]config.Option{
		{Name: "dw", Default: "rate * y0 * (x0 - y0 * w)", Doc: "the weight change of a synapse; this one is Oja's"},
		{Name: "traces", Default: map[string]string{}, Doc: `how traces go on each sample, as { y1 = "0.9*y1 + 0.1*y0^2" }`},
		{Name: "constants", Default: map[string]float64{}, Doc: "names for numbers in the expressions"},
		{Name: "eligibility", Default: 0.0, Max: 1, Doc: "0: dw changes the weights; else dw adds to a trace of each synapse that decays by this factor, and the weights change by rate * reward * trace"},
		{Name: feedbackOption.Name, Default: feedbackOption.Default, Open: true, Idle: true, Doc: "error of a hidden neuron: random signs times this of the output's error"},
		{Name: "synapses", Default: "any", Words: []string{"any", "excitatory"}, Doc: "of hidden layers; excitatory: weights are never negative"},
	}, customSpikes...)},
	Recipe: config.Recipe{
		Activation: "sigmoid", Gain: "0.7", Rates: [2]string{"1.0", "1.0"}, Rate: "0.01", Final: "0.0002",
		Note: "Hidden layers learn by dw, the last one by the delta rule",
	},
	Learn: func(n *Dense, f *ir.Func) error {
		c, err := newCustom(n)
		if err != nil {
			return err
		}
		if c.spikes {
			return c.learnSpikes(f)
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
	Infer: func(n *Dense, f *ir.Func) error {
		c, err := newCustom(n)
		if err != nil {
			return err
		}
		if c.spikes {
			return c.answerSpikes(f)
		}
		n.Forward(f)
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
	spikes   bool // the hidden layer

	// of the layer in turn
	l       int
	vectors map[string]string        // name in the expression → vector
	ranges  map[string]expr.Interval // of its values
	made    map[string]string        // polynomial and format → vector
}

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
	list = append(list, c.checkSpikes()...)
	if len(list) > 0 {
		return nil, list.Err()
	}
	for l := range n.Layers() - 1 {
		w := n.Program.Tensor(n.W(l))
		w.Bias, w.Positive = false, r.Word("synapses") == "excitatory"
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
