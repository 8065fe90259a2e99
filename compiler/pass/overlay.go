package pass

import (
	"cmp"
	"slices"

	"github.com/nmc-fpga/nmc/compiler/ir"
)

// overlay places the vectors so that temporaries share words, and returns how many words they take together.
//
// A vector is alive at an operation that names it, and wherever a value in it may still be needed; what lives at the same operation has words apart,
// so no operation writes over what it reads. A vector has words of its own if its role says so (ir.Vector.Own) or if a function needs what it
// held before: that comes from another run. Those lie in the order of their declaration; then temporaries, the longest first and
// those of one length as they are declared, each at the first place where it meets nothing that lives when it does.
func overlay(p *ir.Program, lanes int) int {
	alive, carried := lives(p)
	var placed, temps []*ir.Vector
	end := 0
	for _, v := range p.Vectors {
		if v.Own() || carried[v.Name] {
			v.Base = end
			end += v.Words(lanes)
			placed = append(placed, v)
		} else {
			temps = append(temps, v)
		}
	}
	first := end
	slices.SortStableFunc(temps, func(a, b *ir.Vector) int { return cmp.Compare(b.Words(lanes), a.Words(lanes)) })
	for _, v := range temps {
		v.Base = first
		for _, w := range placed { // by base: what is passed once stays behind
			if w.Base >= first && v.Overlaps(w, lanes) && alive.meet(v, w) {
				v.Base = w.Base + w.Words(lanes)
			}
		}
		end = max(end, v.Base+v.Words(lanes))
		placed = append(placed, v)
		slices.SortStableFunc(placed, func(a, b *ir.Vector) int { return cmp.Compare(a.Base, b.Base) })
	}
	return end
}

// A set is of vectors, by name.
type set map[string]bool

// add adds the members of another set and says whether there were new ones.
func (s set) add(other set) (grew bool) {
	for v := range other {
		grew = grew || !s[v]
		s[v] = true
	}
	return grew
}

// clone returns a copy.
func (s set) clone() set {
	c := set{}
	c.add(s)
	return c
}

// moments are the vectors that are alive at each operation.
type moments map[*ir.Op]set

// meet says whether two vectors are alive at one operation.
func (m moments) meet(v, w *ir.Vector) bool {
	for _, s := range m {
		if s[v.Name] && s[w.Name] {
			return true
		}
	}
	return false
}

// lives returns what is alive at each operation, and the vectors that a function needs from before it began. It goes through
// each function backwards: a vector is needed before an operation that needs it, and no longer before one that writes all of it.
func lives(p *ir.Program) (alive moments, carried set) {
	alive, carried = moments{}, set{}
	for _, f := range p.Funcs {
		carried.add(alive.before(p, f.Ops, set{}))
	}
	return alive, carried
}

// before returns what is needed before operations, after which the vectors in need are.
func (m moments) before(p *ir.Program, ops []*ir.Op, need set) set {
	need = need.clone()
	for _, o := range slices.Backward(ops) {
		switch o.Name {
		case "repeat": // at least once: what a trip needs is needed after the trip before it
			begin := m.before(p, o.Body, need)
			for need.add(begin) {
				begin = m.before(p, o.Body, need)
			}
			need = begin
		case "if":
			need.add(m.before(p, o.Body, need))
		default:
			needs, writes, whole := p.Uses(o)
			m[o] = need.clone()
			if writes != "" {
				m[o][writes] = true
			}
			if whole {
				delete(need, writes)
			}
			for _, v := range needs {
				need[v], m[o][v] = true, true
			}
		}
	}
	return need
}
