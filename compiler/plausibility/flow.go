package plausibility

import (
	"slices"
	"strings"

	"github.com/nmc-fpga/nmc/compiler/ir"
)

// A def is one writing of a vector, by an operation or, with op nil, before the function starts. Two operations that write the
// same vector are two defs: a vector that serves two layers in turn is not one thing.
type def struct {
	vector *ir.Vector
	op     *ir.Op
	// from has, for each operand that is a vector, the defs that may have written it.
	from map[int][]*def

	free   bool  // of no layer: constants, draws, labels
	place  *site // nil until it is known
	lo, hi float64
	known  bool // lo and hi are set
}

// A use is an operation that writes no vector but reads some: an update of a tensor, a reduction to a scalar.
type use struct {
	op   *ir.Op
	from map[int][]*def
}

// flow is which def reaches which operand of a function that runs again and again.
type flow struct {
	p     *ir.Program
	defs  []*def
	of    map[*ir.Op]*def
	entry map[*ir.Vector]*def
	uses  []*use
	useOf map[*ir.Op]*use

	blocks  map[*ir.Op]position
	changed map[string]bool // scalars that an operation writes
}

// position is where an operation stands.
type position struct {
	ops   []*ir.Op // of its block
	index int
}

// env is, for each vector, the defs that may have written it last.
type env map[*ir.Vector][]*def

func (e env) clone() env {
	c := env{}
	for v, d := range e {
		c[v] = slices.Clone(d)
	}
	return c
}

// join adds the defs of another way to the same place.
func (e env) join(other env) (grew bool) {
	for v, defs := range other {
		for _, d := range defs {
			if !slices.Contains(e[v], d) {
				e[v] = append(e[v], d)
				grew = true
			}
		}
	}
	return grew
}

// written is the vector that an operation writes, or nil.
func written(p *ir.Program, o *ir.Op) *ir.Vector {
	switch sig := ir.Ops[o.Name]; {
	case sig.Args == "" || sig.Args[0] != 'v' || o.Name == "result" || o.Name == "next" || strings.HasPrefix(o.Name, "dig"):
		return nil
	default:
		return p.Vector(o.Args[0])
	}
}

// newFlow analyzes a function. Vectors that live from sample to sample may have been written by the sample before.
func newFlow(p *ir.Program, f *ir.Func) *flow {
	w := &flow{p: p, of: map[*ir.Op]*def{}, entry: map[*ir.Vector]*def{}, useOf: map[*ir.Op]*use{}}
	w.blocks, w.changed = map[*ir.Op]position{}, map[string]bool{}
	w.locate(f.Ops)
	start := env{}
	for _, v := range p.Vectors {
		d := &def{vector: v, from: map[int][]*def{}}
		w.entry[v] = d
		w.defs = append(w.defs, d)
		start[v] = []*def{d}
	}
	for {
		end := w.walk(f.Ops, start.clone())
		// The input is written by the host, anew each time.
		for v := range end {
			if v.Role == "input" {
				delete(end, v)
			}
		}
		if !start.join(end) {
			return w
		}
	}
}

func (w *flow) locate(ops []*ir.Op) {
	for i, o := range ops {
		w.blocks[o] = position{ops, i}
		if len(o.Args) > 0 && w.p.Scalar(o.Args[0]) != nil && o.Name != "if" && !strings.HasPrefix(o.Name, "dig") {
			w.changed[o.Args[0]] = true
		}
		w.locate(o.Body)
	}
}

// walk goes through operations and returns what reaches their end.
func (w *flow) walk(ops []*ir.Op, e env) env {
	for _, o := range ops {
		switch o.Name {
		case "repeat": // at least once
			begin := e.clone()
			for {
				e = w.walk(o.Body, begin.clone())
				if !begin.join(e) {
					break
				}
			}
		case "if":
			e.join(w.walk(o.Body, e.clone()))
		default:
			w.step(o, e)
		}
	}
	return e
}

func (w *flow) step(o *ir.Op, e env) {
	dst := written(w.p, o)
	var from map[int][]*def
	if dst != nil {
		d := w.of[o]
		if d == nil {
			d = &def{vector: dst, op: o, from: map[int][]*def{}}
			w.of[o] = d
			w.defs = append(w.defs, d)
		}
		from = d.from
	} else {
		u := w.useOf[o]
		if u == nil {
			u = &use{op: o, from: map[int][]*def{}}
			w.useOf[o] = u
			w.uses = append(w.uses, u)
		}
		from = u.from
	}
	for i, a := range o.Args {
		v := w.p.Vector(a)
		if v == nil || i == 0 && dst != nil && !partial(o) {
			continue
		}
		for _, d := range e[v] {
			if !slices.Contains(from[i], d) {
				from[i] = append(from[i], d)
			}
		}
	}
	switch {
	case dst == nil:
	case partial(o): // the other elements stay
		e[dst] = append(slices.Clone(e[dst]), w.of[o])
	default:
		e[dst] = []*def{w.of[o]}
	}
}

// partial says whether an operation writes a part of its vector: store one element, fill a block.
func partial(o *ir.Op) bool { return o.Name == "store" || o.Name == "fill" && len(o.Args) == 3 }

// operands are the defs of all vector operands, in the order of the operands.
func operands(from map[int][]*def) (all []*def) {
	for i := range 4 {
		all = append(all, from[i]...)
	}
	return all
}
