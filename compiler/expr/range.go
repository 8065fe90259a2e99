package expr

import "math"

// Interval is a range of values, its ends included.
type Interval struct{ Lo, Hi float64 }

// Span is the interval from lo to hi.
func Span(lo, hi float64) Interval { return Interval{lo, hi} }

// Abs is the largest magnitude.
func (i Interval) Abs() float64 { return max(math.Abs(i.Lo), math.Abs(i.Hi)) }

// Times is the range of a product.
func (i Interval) Times(o Interval) Interval {
	a, b, c, d := i.Lo*o.Lo, i.Lo*o.Hi, i.Hi*o.Lo, i.Hi*o.Hi
	return Interval{min(a, b, c, d), max(a, b, c, d)}
}

// Plus is the range of a sum.
func (i Interval) Plus(o Interval) Interval { return Interval{i.Lo + o.Lo, i.Hi + o.Hi} }

// power is the range of a whole power of one value: even ones are not negative.
func (i Interval) power(n int) Interval {
	r := Interval{1, 1}
	for range n {
		r = r.Times(i)
	}
	if n%2 == 0 {
		r.Lo = max(r.Lo, 0)
	}
	return r
}

// Range is where the value of a node lies, for ranges of its names.
func (n *Node) Range(names map[string]Interval) Interval {
	switch n.Kind {
	case Number:
		return Interval{n.Value, n.Value}
	case Name:
		return names[n.Text]
	case Power:
		return n.Args[0].Range(names).power(n.Exp)
	}
	r := n.Args[0].Range(names)
	for _, a := range n.Args[1:] {
		x := a.Range(names)
		switch {
		case n.Kind == Add:
			r = r.Plus(x)
		case n.Kind == Mul:
			r = r.Times(x)
		case n.Text == "max":
			r = Interval{max(r.Lo, x.Lo), max(r.Hi, x.Hi)}
		default:
			r = Interval{min(r.Lo, x.Lo), min(r.Hi, x.Hi)}
		}
	}
	switch {
	case n.Kind == Call && n.Text == "abs":
		return Interval{0, r.Abs()}
	case n.Kind == Call && n.Text == "step":
		return Interval{0, 1}
	}
	return r
}

// Range is where the product of the factors lies, without the coefficient.
func (m Monomial) Range(names map[string]Interval) Interval {
	r := Interval{1, 1}
	for i := 0; i < len(m.Factors); {
		n := 1
		for i+n < len(m.Factors) && m.Factors[i+n].String() == m.Factors[i].String() {
			n++
		}
		r = r.Times(m.Factors[i].Range(names).power(n))
		i += n
	}
	return r
}

// Range is where the sum lies.
func (p *Poly) Range(names map[string]Interval) Interval {
	var r Interval
	for _, m := range p.Terms {
		r = r.Plus(m.Range(names).Times(Interval{m.Coef, m.Coef}))
	}
	return r
}
