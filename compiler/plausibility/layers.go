package plausibility

import (
	"fmt"
	"slices"

	"github.com/nmc-fpga/nmc/compiler/ir"
)

// A site is a group of neurons: what stands element by element beside each other in some operation. Sites are found by
// unification and numbered from the input, 0, upwards along the network's matrices.
type site struct {
	parent *site // nil: represents its group
	name   string
	number int // layer; -1: not known
}

func (s *site) root() *site {
	for s.parent != nil {
		s = s.parent
	}
	return s
}

func unite(a, b *site) {
	a, b = a.root(), b.root()
	if a == b {
		return
	}
	if a.number < 0 { // the input keeps its number
		a, b = b, a
	}
	b.parent = a
}

// ends are the two sites that a matrix joins.
type ends struct{ in, out *site }

// sites places the defs of several functions of one program.
type sites struct {
	p       *ir.Program
	flows   []*flow
	tensors map[string]ends
}

// forward says whether a tensor is a way that activity takes upwards.
func forward(t *ir.Tensor) bool { return t.Role == "weight" || t.Role == "head" }

func place(p *ir.Program, flows ...*flow) *sites {
	s := &sites{p: p, flows: flows, tensors: map[string]ends{}}
	for _, t := range p.Tensors {
		s.tensors[t.Name] = ends{&site{number: -1}, &site{number: -1}}
	}
	s.free()
	for _, w := range flows {
		for _, d := range w.defs {
			if !d.free {
				d.place = &site{number: -1}
			}
		}
	}
	input := &site{number: 0}
	for _, w := range flows {
		for _, d := range w.defs {
			if d.free {
				continue
			}
			if d.op == nil && d.vector.Role == "input" {
				unite(input, d.place)
			}
			s.bind(d.op, d.place, d.from)
		}
		for _, u := range w.uses {
			s.bind(u.op, nil, u.from)
		}
	}
	s.number()
	return s
}

// free marks the defs that are of no layer: what comes of constants, draws, labels and scalars alone.
func (s *sites) free() {
	for _, w := range s.flows {
		for _, d := range w.defs {
			d.free = d.op != nil && d.op.Name != "matvec" && d.op.Name != "matvect" && d.op.Name != "row"
		}
		for changed := true; changed; {
			changed = false
			for _, d := range w.defs {
				if !d.free {
					continue
				}
				for _, o := range operands(d.from) {
					if o != d && !o.free && !(o.op == nil && o.vector == d.vector) {
						d.free, changed = false, true
					}
				}
			}
		}
	}
}

// bind unites what an operation puts side by side.
func (s *sites) bind(o *ir.Op, dst *site, from map[int][]*def) {
	if o == nil {
		return
	}
	with := func(a *site, defs []*def) {
		for _, d := range defs {
			if !d.free && a != nil {
				unite(a, d.place)
			}
		}
	}
	switch o.Name {
	case "matvec":
		t := s.tensors[o.Args[1]]
		unite(t.out, dst)
		with(t.in, from[2])
	case "matvect", "row":
		t := s.tensors[o.Args[1]]
		unite(t.in, dst)
		with(t.out, from[2])
		with(t.in, from[3])
	case "outer", "pull":
		t := s.tensors[o.Args[0]]
		with(t.out, from[2])
		with(t.in, from[3])
	default:
		if dst == nil {
			return
		}
		for _, defs := range from {
			with(dst, defs)
		}
	}
}

// number counts the layers up from the input, along the network's matrices and then along its heads.
func (s *sites) number() {
	for _, role := range []string{"weight", "head"} {
		for changed := true; changed; {
			changed = false
			for _, t := range s.p.Tensors {
				e := s.tensors[t.Name]
				if in, out := e.in.root(), e.out.root(); t.Role == role && in != out && in.number >= 0 && out.number < 0 {
					changed = true
					if role == "head" { // belongs to its layer
						out.number, out.name = in.number, "the classifier of "+in.called()
					} else {
						out.number, out.name = in.number+1, fmt.Sprintf("layer %d", in.number+1)
					}
				}
			}
		}
	}
}

func (s *site) called() string {
	switch s = s.root(); {
	case s.number == 0:
		return "the input"
	case s.name == "":
		return "no layer"
	}
	return s.name
}

// near are the sites that an update of a matrix may depend on: the two that it joins and those beside them.
func (s *sites) near(tensor string) []*site {
	e := s.tensors[tensor]
	own := []*site{e.in.root(), e.out.root()}
	all := slices.Clone(own)
	for _, t := range s.p.Tensors {
		if !forward(t) {
			continue
		}
		in, out := s.tensors[t.Name].in.root(), s.tensors[t.Name].out.root()
		if slices.Contains(own, in) {
			all = append(all, out)
		}
		if slices.Contains(own, out) {
			all = append(all, in)
		}
	}
	return all
}
