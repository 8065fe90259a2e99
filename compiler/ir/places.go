package ir

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Buffers is the number of an input's buffers.
const Buffers = 2

// Words is the number of words that a vector takes in the vector memory of a device with so many lanes.
func (v *Vector) Words(lanes int) int {
	n := (v.Len() + lanes - 1) / lanes
	if v.Role == "input" {
		n *= Buffers * max(1, v.Steps)
	}
	return n
}

// Overlaps says whether two vectors that have places have words in common.
func (v *Vector) Overlaps(w *Vector, lanes int) bool {
	return v.Base < w.Base+w.Words(lanes) && w.Base < v.Base+v.Words(lanes)
}

// Own says whether a vector's role alone gives it words of its own: the host or the digest sees it, or it has a constant one, which is written
// once.
func (v *Vector) Own() bool { return v.Role != "temp" || v.One }

// CheckPlaces verifies that vectors that have words in common are temporaries that never meet: it goes through each function as the
// device does, and notes of each vector which other one has written to its words since. An operation must not need a vector of which there
// is such a note, nor write over one that it reads. When a function begins another one may have written anything.
//
// Nothing here says how long a vector is needed, which is what places are chosen by: a mistake there shows here.
func (p *Program) CheckPlaces(lanes int) error {
	c := &placeCheck{p: p, over: map[string][]*Vector{}, told: map[*Op]bool{}}
	lost := notes{}
	for i, v := range p.Vectors {
		for _, w := range p.Vectors[:i] {
			if v.Base < 0 || w.Base < 0 || !v.Overlaps(w, lanes) {
				continue
			}
			if v.Own() || w.Own() {
				c.errs = append(c.errs, fmt.Errorf("vectors %s and %s have words in common; only temporaries without a constant one may", w.Name, v.Name))
			}
			c.over[v.Name] = append(c.over[v.Name], w)
			c.over[w.Name] = append(c.over[w.Name], v)
			lost[v.Name], lost[w.Name] = "another run", "another run"
		}
	}
	for _, f := range p.Funcs {
		c.f = f.Name
		c.block(f.Ops, maps.Clone(lost))
	}
	return errors.Join(c.errs...)
}

// notes are, for each vector whose words hold something else, who wrote that.
type notes map[string]string

// join adds the notes of another way to the same place, and says whether there were new ones.
func (n notes) join(other notes) (grew bool) {
	for v, by := range other {
		if _, there := n[v]; !there {
			n[v], grew = by, true
		}
	}
	return grew
}

type placeCheck struct {
	p    *Program
	over map[string][]*Vector // the vectors that lie over one
	f    string
	told map[*Op]bool // its error is in errs
	errs []error
}

// block goes through operations and returns the notes at their end.
func (c *placeCheck) block(ops []*Op, lost notes) notes {
	for _, o := range ops {
		switch o.Name {
		case "repeat": // at least once
			end := c.block(o.Body, maps.Clone(lost))
			for lost.join(end) { // what a trip leaves the next one finds
				end = c.block(o.Body, maps.Clone(lost))
			}
			lost = end
		case "if":
			lost.join(c.block(o.Body, maps.Clone(lost)))
		default:
			c.step(o, lost)
		}
	}
	return lost
}

func (c *placeCheck) step(o *Op, lost notes) {
	needs, writes, whole := c.p.Uses(o)
	for _, name := range needs {
		by, gone := lost[name]
		over := slices.ContainsFunc(c.over[name], func(v *Vector) bool { return v.Name == writes })
		if (gone || over) && !c.told[o] {
			c.told[o] = true
			if over {
				by = "the operation itself"
			}
			c.errs = append(c.errs, fmt.Errorf("func %s: %s: needs %s, whose words %s has written", c.f, o, name, by))
		}
	}
	for _, v := range c.over[writes] {
		lost[v.Name] = writes
	}
	if whole {
		delete(lost, writes)
	}
}
