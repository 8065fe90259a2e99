// Package rules holds the learning rules, one file each: the equation, its options and the program that it becomes. A
// new rule is one file and one row of All; nothing else knows its name.
package rules

import (
	"fmt"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

// Rule is one learning rule.
type Rule struct {
	Title    string
	Equation string // of the weight change
	Source   string // where the equation comes from
	Spec     config.RuleSpec
	Recipe   config.Recipe
	// Learn writes what happens to one sample: forward pass, errors, updates. What the rule needs of init it adds there.
	Learn func(n *Dense, f *ir.Func) error
	// Infer writes how a sample is answered, which ends with n.Answer; nil is the forward pass.
	Infer func(n *Dense, f *ir.Func) error
}

// All is every rule, by its name in net.toml.
var All = map[string]Rule{
	"bp":           Backpropagation,
	"custom":       Custom,
	"dfa":          DirectFeedbackAlignment,
	"ep":           EquilibriumPropagation,
	"fa":           FeedbackAlignment,
	"ff":           ForwardForward,
	"hebb":         Hebbian,
	"local":        LocalLosses,
	"pc":           PredictiveCoding,
	"perturbation": Perturbation,
	"stdp":         SpikeTiming,
	"tp":           TargetPropagation,
}

// Specs is what the reader of net.toml has to know of the rules.
func Specs() map[string]config.RuleSpec {
	specs := map[string]config.RuleSpec{}
	for name, r := range All {
		specs[name] = r.Spec
	}
	return specs
}

// Build makes the program of a network: its state, and the entry points init, learn, infer and digest.
func Build(net *config.Net) (*ir.Program, error) {
	rule, ok := All[net.Rule.Name]
	if !ok {
		return nil, fmt.Errorf("no rule %q", net.Rule.Name) // config.Read has refused it
	}
	n := newDense(net)
	n.init(n.Program.Func("init"))

	learn := n.Program.Func("learn")
	if err := rule.Learn(n, learn); err != nil {
		return nil, err
	}
	n.reset(n.Program.Func("init"))
	learn.Add(ir.New("result", n.Answer))
	n.anneal(learn)
	learn.Add(ir.New("count", stepName))

	infer := n.Program.Func("infer")
	if rule.Infer == nil {
		n.Forward(infer)
	} else if err := rule.Infer(n, infer); err != nil {
		return nil, err
	}
	infer.Add(ir.New("result", n.Answer))

	n.Program.Func("digest").Add(ir.New("digest"))
	return n.Program, nil
}
