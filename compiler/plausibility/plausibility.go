// Package plausibility derives from the program of a network, not from the name of its rule, which of five criteria of
// biological plausibility its learning meets: those of Table 1 of "Towards Biologically Plausible Computing: A Comprehensive
// Comparison". A criterion that is not met comes with the operation that breaks it. docs/decisions/0004-rules.md has the
// definitions.
package plausibility

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/compiler/pass"
	"github.com/nmc-fpga/nmc/compiler/rules"
)

// Criteria, in the order of the paper's table.
const (
	Asymmetric = iota // no learned weight of the forward direction is read backwards or copied
	Local             // each update depends on its own two layers and those beside them only
	Forward           // nothing travels down that an answer does not need: no separate phase
	Spiking           // the activity is such that spikes can carry it
	Unsigned          // no error has both signs
	Count
)

// Names of the criteria.
var Names = [Count]string{"asymmetric weights", "local error", "non-parallel training", "spiking neuron model", "unsigned errors"}

// Verdict is what was found of one criterion.
type Verdict struct {
	Criterion string `json:"criterion"`
	Met       bool   `json:"met"`
	Op        string `json:"op,omitempty"`  // the first operation that breaks it, without attributes
	Why       string `json:"why,omitempty"` // in half a sentence
}

// Report is what a program meets.
type Report struct {
	Rule     string         `json:"rule"`
	Verdicts [Count]Verdict `json:"verdicts"`
}

// Of analyzes a network.
func Of(net *config.Net) (*Report, error) {
	p, err := rules.Build(net)
	if err != nil {
		return nil, err
	}
	if err := pass.Formats(p); err != nil {
		return nil, err
	}
	lo := 0.0
	if net.Data.Encoder == "centered" {
		lo = -128
	}
	return Analyze(p, lo), nil
}

// analysis is what the criteria are decided on.
type analysis struct {
	p       *ir.Program
	learn   *flow
	infer   *flow
	sites   *sites
	scalars map[string]interval
	// answers are the operations of infer, as text without attributes: learning may use all of them.
	answers map[string]bool
	hidden  map[string]bool // the tensors whose learning is judged
}

// Analyze decides the criteria for a program before pass legalize, whose operations have the bounds that pass formats gives.
// inputLo is the least element of an input, in units of its format.
func Analyze(p *ir.Program, inputLo float64) *Report {
	a := &analysis{p: p, learn: newFlow(p, p.Func("learn")), infer: newFlow(p, p.Func("infer")), scalars: constants(p), answers: map[string]bool{}}
	a.sites = place(p, a.learn, a.infer)
	start := map[*ir.Vector]interval{}
	for _, o := range p.Func("init").Ops {
		if o.Name == "fill" {
			if v := p.Vector(o.Args[0]); v != nil {
				var n int
				fmt.Sscanf(o.Args[1], "#%d", &n)
				start[v] = interval{float64(n), float64(n)}
			}
		}
	}
	a.learn.ranges(inputLo, a.scalars, start)
	for _, d := range a.learn.defs { // an answer starts from what learning left
		if d.known && d.vector.Role == "state" {
			i := interval{d.lo, d.hi}
			if old, ok := start[d.vector]; ok {
				i = i.hull(old)
			}
			start[d.vector] = i
		}
	}
	a.infer.ranges(inputLo, a.scalars, start)
	ir.Walk(p.Func("infer").Ops, func(o *ir.Op) { a.answers[key(o)] = true })
	a.hidden = a.judged()

	r := &Report{Rule: p.Rule}
	for i, decide := range [Count]func() (op *ir.Op, why string){a.asymmetric, a.local, a.forward, a.spiking, a.unsigned} {
		r.Verdicts[i] = Verdict{Criterion: Names[i], Met: true}
		if op, why := decide(); op != nil {
			r.Verdicts[i] = Verdict{Names[i], false, key(op), why}
		}
	}
	return r
}

// key is an operation without its attributes.
func key(o *ir.Op) string { return o.Name + " " + strings.Join(o.Args, ", ") }

// judged are the network's matrices but the last, the readout, which learns from its own error under every rule; all of them
// if there is only one.
func (a *analysis) judged() map[string]bool {
	var answer *site
	for _, w := range []*flow{a.learn, a.infer} {
		for _, u := range w.uses {
			if u.op.Name == "result" {
				for _, d := range u.from[0] {
					if !d.free {
						answer = d.place.root()
					}
				}
			}
		}
	}
	hidden, all := map[string]bool{}, map[string]bool{}
	for _, t := range a.p.Tensors {
		if t.Role == "weight" {
			all[t.Name] = true
			if a.sites.tensors[t.Name].out.root() != answer {
				hidden[t.Name] = true
			}
		}
	}
	if len(hidden) == 0 {
		return all
	}
	return hidden
}

// learned says whether learn changes a tensor.
func (a *analysis) learned(tensor string) bool {
	found := false
	ir.Walk(a.p.Func("learn").Ops, func(o *ir.Op) { found = found || updates(o) && o.Args[0] == tensor })
	return found
}

func updates(o *ir.Op) bool {
	return slices.Contains([]string{"outer", "pull", "accumulate", "perturb"}, o.Name)
}

func (a *analysis) asymmetric() (broken *ir.Op, why string) {
	ir.Walk(a.p.Func("learn").Ops, func(o *ir.Op) {
		if broken != nil || o.Name != "matvect" && o.Name != "sign" {
			return
		}
		t := a.p.Tensor(o.Args[1])
		if !forward(t) || !a.learned(t.Name) {
			return
		}
		broken, why = o, fmt.Sprintf("%s, which is learned, is read transposed", t.Name)
		if o.Name == "sign" {
			why = fmt.Sprintf("the signs of %s, which is learned, are copied", t.Name)
		}
	})
	return broken, why
}

// local follows the operands of every update back, through operations that an answer does not have. A scalar is one number
// for all synapses, a modulator, and is not followed.
func (a *analysis) local() (*ir.Op, string) {
	for _, u := range a.learn.uses {
		if !updates(u.op) || !a.hidden[u.op.Args[0]] {
			continue
		}
		near := a.sites.near(u.op.Args[0])
		seen := map[*def]bool{}
		var visit func(d *def, way []*def) (string, bool)
		visit = func(d *def, way []*def) (string, bool) {
			if seen[d] || d.free {
				return "", false
			}
			seen[d] = true
			way = append(slices.Clone(way), d)
			if s := d.place.root(); s.number >= 0 && !slices.Contains(near, s) {
				last := way[max(0, len(way)-2)]
				for i := len(way) - 1; i >= 0; i-- { // the matrix that brought it
					if o := way[i].op; o != nil && (o.Name == "matvec" || o.Name == "matvect") && way[i] != d {
						last = way[i]
						break
					}
				}
				return fmt.Sprintf("it depends on %s of %s, by %s", d.vector.Name, s.called(), key(last.op)), true
			}
			if d.op == nil || a.answers[key(d.op)] {
				return "", false
			}
			for _, from := range operands(d.from) {
				if why, bad := visit(from, way); bad {
					return why, true
				}
			}
			return "", false
		}
		for _, d := range operands(u.from) {
			if why, bad := visit(d, nil); bad {
				return u.op, why
			}
		}
	}
	return nil, ""
}

func (a *analysis) forward() (*ir.Op, string) {
	for _, d := range a.learn.defs {
		if d.op == nil || d.free || a.answers[key(d.op)] || d.op.Name == "row" { // a unit has its own synapses
			continue
		}
		to := d.place.root()
		for _, from := range operands(d.from) {
			if from.free {
				continue
			}
			if s := from.place.root(); s.number > to.number && to.number >= 0 {
				return d.op, fmt.Sprintf("%s of %s goes down to %s of %s, which no answer needs", from.vector.Name, s.called(), d.vector.Name, to.called())
			}
		}
	}
	return nil, ""
}

// spiking looks at all that passes a matrix of the network, and at the presynaptic side of its updates.
func (a *analysis) spiking() (*ir.Op, string) {
	check := func(o *ir.Op, defs []*def) string {
		for _, d := range defs {
			switch {
			case d.known && d.lo < 0:
				return fmt.Sprintf("%s can be negative", d.vector.Name)
			case d.known && math.IsInf(d.hi, 1):
				return fmt.Sprintf("%s has no bound but its format's", d.vector.Name)
			}
		}
		return ""
	}
	for _, w := range []*flow{a.infer, a.learn} {
		for _, d := range w.defs {
			if d.op != nil && d.op.Name == "matvec" && a.p.Tensor(d.op.Args[1]).Role == "weight" {
				if why := check(d.op, d.from[2]); why != "" {
					return d.op, why
				}
			}
		}
	}
	for _, u := range a.learn.uses {
		if (u.op.Name == "outer" || u.op.Name == "pull") && a.hidden[u.op.Args[0]] {
			if why := check(u.op, u.from[3]); why != "" {
				return u.op, why
			}
		}
	}
	return nil, ""
}

// unsigned looks at the factors of each update that stand for an error: its vector on the postsynaptic side and its scalar.
func (a *analysis) unsigned() (*ir.Op, string) {
	for _, u := range a.learn.uses {
		if !updates(u.op) || !a.hidden[u.op.Args[0]] {
			continue
		}
		if r := a.scalars[u.op.Args[1]]; r.lo < 0 && r.hi > 0 {
			return u.op, fmt.Sprintf("%s is computed in learning and can have both signs", u.op.Args[1])
		}
		if u.op.Name == "outer" || u.op.Name == "pull" {
			if r, ok := rangeOf(u.from[2]); ok && r.lo < 0 && r.hi > 0 {
				frac := a.p.Vector(u.op.Args[2]).Frac
				lo, hi := math.Ldexp(math.MinInt16, -frac), math.Ldexp(math.MaxInt16, -frac)
				return u.op, fmt.Sprintf("%s can be from %.3g to %.3g", u.op.Args[2], math.Max(r.lo, lo), math.Min(r.hi, hi))
			}
		}
	}
	return nil, ""
}
