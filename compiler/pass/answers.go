package pass

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nmc-fpga/nmc/compiler/ir"
)

// Answers leaves of a program, right after its rule wrote it, what answering takes: the entry learn, what init draws of weights that an
// image brings, and every tensor, vector, scalar and table that infer does not name are gone. What infer reads beside weights must not be learned.
func Answers(p *ir.Program) error {
	used := map[string]bool{p.Vectors[0].Name: true}
	name := func(o *ir.Op) {
		for _, a := range o.Args {
			used[a] = true
		}
	}
	ir.Walk(p.Func("infer").Ops, name)
	var learned []string
	for _, t := range p.Tensors {
		if used[t.Name] && slices.Contains([]string{"head", "inverse", "trace"}, t.Role) {
			learned = append(learned, t.Name)
		}
	}
	for _, v := range p.Vectors {
		if used[v.Name] && v.Role == "state" {
			learned = append(learned, v.Name)
		}
	}
	for _, s := range p.Scalars {
		if used[s.Name] && s.Learned {
			learned = append(learned, s.Name)
		}
	}
	if learned != nil {
		return fmt.Errorf("rule %s answers with %s, which it learns beside the weights of layers: a device that does not learn cannot have that; remove learning = false",
			p.Rule, strings.Join(learned, ", "))
	}
	init := p.Func("init")
	init.Ops = slices.DeleteFunc(init.Ops, func(o *ir.Op) bool {
		if len(o.Args) == 0 {
			return false
		}
		if t := p.Tensor(o.Args[0]); t != nil && t.Role == "weight" {
			return true
		}
		return !used[o.Args[0]]
	})
	ir.Walk(init.Ops, name) // the scale of a draw
	p.Funcs = slices.DeleteFunc(p.Funcs, func(f *ir.Func) bool { return f.Name == "learn" })
	p.Tensors = slices.DeleteFunc(p.Tensors, func(t *ir.Tensor) bool { return !used[t.Name] })
	p.Vectors = slices.DeleteFunc(p.Vectors, func(v *ir.Vector) bool { return !used[v.Name] })
	p.Scalars = slices.DeleteFunc(p.Scalars, func(s *ir.Scalar) bool { return !used[s.Name] })
	p.Tables = slices.DeleteFunc(p.Tables, func(t *ir.Table) bool { return !used[t.Name] })
	return nil
}
