package plausibility

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/nmc-fpga/nmc/compiler/ir"
)

// rounds is after how many passes a range that still grows is given all of its format: enough for a leak of 15/16 to come to
// its limit.
const rounds = 400

// ranges gives every def of a flow the interval of its elements, in units of its vector's format, from the operations. inputLo is
// the least that an input element can be.
func (w *flow) ranges(inputLo float64, scalars map[string]interval, start map[*ir.Vector]interval) {
	for _, d := range w.defs {
		if d.op != nil {
			continue
		}
		switch i, ok := start[d.vector]; {
		case d.vector.Steps > 0: // spikes
			d.set(interval{0, 1})
		case d.vector.Role == "input":
			d.set(interval{inputLo, 255 + inputLo})
		case ok:
			d.set(i)
		default:
			d.set(interval{0, 0}) // memory starts at 0
		}
	}
	for pass := 0; ; pass++ {
		changed := false
		for _, d := range w.defs {
			if d.op == nil {
				continue
			}
			r, ok := w.result(d, scalars)
			if !ok {
				continue
			}
			if pass > rounds && d.known {
				if r.lo < d.lo {
					r.lo = full.lo
				}
				if r.hi > d.hi {
					r.hi = full.hi
				}
			}
			changed = d.set(r) || changed
		}
		if !changed {
			return
		}
	}
}

type interval struct{ lo, hi float64 }

func (i interval) hull(j interval) interval {
	return interval{math.Min(i.lo, j.lo), math.Max(i.hi, j.hi)}
}

// set widens the def's range, and says whether that changed it.
func (d *def) set(r interval) bool {
	r = r.held()
	if !d.known {
		d.lo, d.hi, d.known = r.lo, r.hi, true
		return true
	}
	r = r.hull(interval{d.lo, d.hi})
	changed := r.lo != d.lo || r.hi != d.hi
	d.lo, d.hi = r.lo, r.hi
	return changed
}

// full is the range of what saturates: no bound but the format's.
var full = interval{math.Inf(-1), math.Inf(1)}

// slack is by how much a bound may pass the end of the format and still be one: 1 itself in a format whose largest value is
// just below, and what rounding adds.
const slack = 1 + 2./1024

// held is a range as the format holds it: an end beyond the format's means that the value saturates, and is no bound.
func (i interval) held() interval {
	switch {
	case i.lo < math.MinInt16*slack:
		i.lo = full.lo
	default:
		i.lo = math.Max(math.Floor(i.lo), math.MinInt16)
	}
	switch {
	case i.hi > -math.MinInt16*slack:
		i.hi = full.hi
	default:
		i.hi = math.Min(math.Ceil(i.hi), math.MaxInt16)
	}
	return i
}

// rangeOf is the union of the ranges of defs, in real numbers; ok is false while none is known.
func rangeOf(defs []*def) (r interval, ok bool) {
	for _, d := range defs {
		if !d.known {
			continue
		}
		unit := math.Ldexp(1, -d.vector.Frac)
		i := interval{d.lo * unit, d.hi * unit}
		if ok {
			i = i.hull(r)
		}
		r, ok = i, true
	}
	return r, ok
}

// result is the range of what an operation writes, in units of its destination.
func (w *flow) result(d *def, scalars map[string]interval) (interval, bool) {
	o, unit := d.op, math.Ldexp(1, d.vector.Frac)
	// operand i in real numbers; an immediate counts in units of frac bits
	operand := func(i, frac int) (interval, bool) {
		switch a := o.Args[i]; {
		case a == ir.Zero:
			return interval{}, true
		case a == ir.Uniform:
			return interval{-1, 1}, true
		case a == ir.Sign:
			return interval{-1, 1}, true
		case strings.HasPrefix(a, "#"):
			n, _ := strconv.Atoi(a[1:])
			v := math.Ldexp(float64(n), -frac)
			return interval{v, v}, true
		case w.p.Vector(a) != nil:
			return rangeOf(d.from[i])
		default:
			r, ok := scalars[a]
			if !ok {
				r = interval{math.Inf(-1), math.Inf(1)}
			}
			return r, true
		}
	}
	// bounded applies the bounds of the operation; those at the end of 16 bits or one inside are its saturation.
	bounded := func(r interval) interval {
		lo, hi := full.lo, full.hi
		if v, ok := o.Attrs["lo"]; ok && v > math.MinInt16+1 {
			lo = float64(v)
		}
		if v, ok := o.Attrs["hi"]; ok && v < math.MaxInt16-1 {
			hi = float64(v)
		}
		return interval{clampTo(r.lo, lo, hi), clampTo(r.hi, lo, hi)}
	}
	units := func(r interval) interval { return interval{r.lo * unit, r.hi * unit} }
	frac := d.vector.Frac
	switch o.Name {
	case "matvec", "matvect", "row":
		if _, ok := rangeOf(d.from[2]); !ok {
			return interval{}, false
		}
		return bounded(full), true
	case "madd":
		a, ok1 := operand(1, frac)
		b, ok2 := operand(2, o.Attrs["frac"])
		c, ok3 := operand(3, frac)
		if !ok1 || !ok2 || !ok3 {
			return interval{}, false
		}
		r := times(a, b)
		if o.Args[1] == o.Args[2] && w.p.Vector(o.Args[1]) != nil { // a square
			r.lo = math.Max(r.lo, 0)
			if a.lo > 0 || a.hi < 0 {
				r.lo = math.Min(a.lo*a.lo, a.hi*a.hi)
			}
		}
		if most, ok := w.overNorm(o); ok {
			r.lo, r.hi = math.Max(r.lo, -most), math.Min(r.hi, most)
		}
		return bounded(units(interval{r.lo + c.lo, r.hi + c.hi})), true
	case "vmin", "vmax":
		a, ok1 := operand(1, frac)
		c, ok2 := operand(2, frac)
		pick := math.Min
		if o.Name == "vmax" {
			pick = math.Max
		}
		return bounded(units(interval{pick(a.lo, c.lo), pick(a.hi, c.hi)})), ok1 && ok2
	case "ge":
		lo, hi := 0.0, unit
		if v, ok := o.Attrs["lo"]; ok {
			lo = float64(v)
		}
		if v, ok := o.Attrs["hi"]; ok {
			hi = float64(v)
		}
		return interval{math.Min(lo, hi), math.Max(lo, hi)}, true
	case "sel":
		b, ok1 := operand(2, frac)
		c, ok2 := operand(3, frac)
		if !ok1 || !ok2 {
			return interval{}, false
		}
		return bounded(units(b.hull(c))), true
	case "fill":
		v, ok := operand(1, frac)
		if partial(o) {
			old, known := rangeOf(d.from[0])
			return units(old.hull(v)), ok && known
		}
		return units(v), ok
	case "winner", "onehot", "exp", "sigmoid", "hardsigmoid", "clip", "softmax":
		return interval{0, unit}, true
	case "tanh":
		return interval{-unit, unit}, true
	case "relu":
		r, ok := operand(1, frac)
		return units(interval{math.Max(0, r.lo), math.Max(0, r.hi)}), ok
	case "drelu", "dclip", "dtanh", "dsigmoid", "dhardsigmoid":
		r, ok := operand(1, frac)
		return units(r.hull(interval{})), ok
	case "target":
		r, ok := operand(1, frac)
		return units(interval{r.lo - 1, r.hi}), ok
	case "one":
		return interval{0, unit}, true
	case "store":
		old, ok := rangeOf(d.from[0])
		value, _ := operand(2, frac)
		return units(old.hull(value)), ok
	}
	return full, true
}

// overNorm recognizes a product of a vector with a constant over its own length, a·(c/|a|), and returns what no element of it
// exceeds: c. The length is the root of the vector's product with itself, computed before in the same block.
func (w *flow) overNorm(o *ir.Op) (most float64, ok bool) {
	at, found := w.blocks[o]
	v := w.p.Vector(o.Args[1])
	if !found || v == nil {
		return 0, false
	}
	// before is the last operation above i that writes the scalar, which no block in between does.
	before := func(i int, scalar string) (int, *ir.Op) {
		for i--; i >= 0; i-- {
			b := at.ops[i]
			if len(b.Args) > 0 && b.Args[0] == scalar {
				return i, b
			}
			inner := false
			ir.Walk(b.Body, func(o *ir.Op) { inner = inner || len(o.Args) > 0 && o.Args[0] == scalar })
			if inner {
				break
			}
		}
		return 0, ir.New("")
	}
	i, div := before(at.index, o.Args[2])
	if div.Name != "div" {
		return 0, false
	}
	i, root := before(i, div.Args[2])
	if root.Name != "sqrt" {
		return 0, false
	}
	i, dot := before(i, root.Args[1])
	if dot.Name != "dot" || dot.Args[1] != v.Name || dot.Args[2] != v.Name || dot.Attrs["n"] < v.N {
		return 0, false
	}
	for _, b := range at.ops[i:at.index] { // the vector is still the same
		changed := false
		ir.Walk([]*ir.Op{b}, func(o *ir.Op) { changed = changed || written(w.p, o) == v })
		if changed {
			return 0, false
		}
	}
	scale, squares, c := w.p.Scalar(o.Args[2]), w.p.Scalar(dot.Args[0]), w.p.Scalar(div.Args[1])
	if scale == nil || squares == nil || c == nil || w.changed[c.Name] {
		return 0, false
	}
	frac := float64(scale.Frac) + float64(squares.Frac+root.Attrs["shift"])/2 - float64(div.Attrs["shift"])
	// The root is rounded down, so that the quotient may be a little more.
	return math.Abs(float64(c.Init)) * math.Exp2(-frac) * (1 + 1./1024), true
}

func clampTo(x, lo, hi float64) float64 { return math.Min(math.Max(x, lo), hi) }

// times is the range of a product; nothing times the unbounded is nothing.
func times(a, b interval) interval {
	var all []float64
	for _, x := range []float64{a.lo, a.hi} {
		for _, y := range []float64{b.lo, b.hi} {
			if x == 0 || y == 0 {
				all = append(all, 0)
			} else {
				all = append(all, x*y)
			}
		}
	}
	return interval{slices.Min(all), slices.Max(all)}
}

// constants are the ranges of the scalars that keep their sign: those that nothing in learn changes but a step of the schedule,
// which does not cross 0, or a block that counts down.
func constants(p *ir.Program) map[string]interval {
	r := map[string]interval{}
	for _, s := range p.Scalars {
		v := math.Ldexp(float64(s.Init>>16), -s.Frac)
		r[s.Name] = interval{math.Min(v, 0), math.Max(v, 0)}
		if s.Frac == 0 && s.Init == 0 {
			r[s.Name] = interval{0, 0}
		}
	}
	var computed []*ir.Op
	for _, f := range []*ir.Func{p.Func("learn"), p.Func("infer")} {
		ir.Walk(f.Ops, func(o *ir.Op) {
			sig := ir.Ops[o.Name]
			switch {
			case o.Name == "repeat":
				r[o.Args[0]] = interval{1, float64(o.Attrs["n"])}
			case o.Name == "anneal" || o.Name == "reset" || o.Name == "if" || strings.HasPrefix(o.Name, "dig"):
			case o.Name == "count":
				r[o.Args[0]] = interval{0, math.Inf(1)}
			case sig.Args != "" && sig.Args[0] == 's':
				computed = append(computed, o)
				if o.Name == "amax" { // the next register takes the index
					if i := slices.IndexFunc(p.Scalars, func(s *ir.Scalar) bool { return s.Name == o.Args[0] }); i+1 < len(p.Scalars) {
						r[p.Scalars[i+1].Name] = interval{0, math.Inf(1)}
					}
				}
			}
		})
	}
	for changed := true; changed; { // few steps: a bound is 0 or none
		changed = false
		for _, o := range computed {
			was := r[o.Args[0]]
			if now := was.hull(signs(o, r)); now != was {
				r[o.Args[0]], changed = now, true
			}
		}
	}
	return r
}

// signs is the range of a computed scalar as far as it can have either sign.
func signs(o *ir.Op, r map[string]interval) interval {
	any := interval{math.Inf(-1), math.Inf(1)}
	of := func(i int) interval {
		if n, err := strconv.Atoi(strings.TrimPrefix(o.Args[i], "#")); err == nil && o.Args[i][0] == '#' {
			return interval{math.Min(0, float64(n)), math.Max(0, float64(n))}
		}
		if v, ok := r[o.Args[i]]; ok {
			return v
		}
		return any
	}
	sign := func(lo, hi bool) interval { // whether it can be below 0, above 0
		s := interval{}
		if lo {
			s.lo = any.lo
		}
		if hi {
			s.hi = any.hi
		}
		return s
	}
	switch o.Name {
	case "set":
		v := of(1)
		return sign(v.lo < 0, v.hi > 0)
	case "add", "addi":
		a, b := of(1), of(2)
		return sign(a.lo < 0 || b.lo < 0, a.hi > 0 || b.hi > 0)
	case "sub":
		a, b := of(1), of(2)
		return sign(a.lo < 0 || b.hi > 0, a.hi > 0 || b.lo < 0)
	case "mul", "div":
		a, b := of(1), of(2)
		return sign(a.lo < 0 && b.hi > 0 || a.hi > 0 && b.lo < 0, a.lo < 0 && b.lo < 0 || a.hi > 0 && b.hi > 0)
	case "shl", "shr":
		a := of(1)
		return sign(a.lo < 0, a.hi > 0)
	case "sqrt":
		return sign(false, true)
	case "and":
		return sign(of(2).lo < 0, true)
	case "min":
		a, b := of(1), of(2)
		return sign(a.lo < 0 || b.lo < 0, a.hi > 0 && b.hi > 0)
	case "max":
		a, b := of(1), of(2)
		return sign(a.lo < 0 && b.lo < 0, a.hi > 0 || b.hi > 0)
	case "dot":
		return sign(o.Args[1] != o.Args[2], true) // a vector by itself is a sum of squares
	}
	return any
}
