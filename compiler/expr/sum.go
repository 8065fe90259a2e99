package expr

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Side says where a quantity is.
type Side uint8

const (
	Constant Side = iota
	Scalar        // one for all synapses in a step
	Pre           // of the presynaptic neuron
	Post          // of the postsynaptic neuron
	Weight        // w itself
)

// Product is one term of a weight change: Coef · scalars · pre · post · w^W.
type Product struct {
	Coef    float64
	Scalars []string // names, sorted, a name as often as it is a factor
	Pre     *Poly    // sums of products of presynaptic quantities; nil is 1
	Post    *Poly
	W       int // 0 or 1
}

// Poly is a sum of products of quantities of one side.
type Poly struct{ Terms []Monomial }

// Monomial is Coef times factors: names and calls, sorted by their text.
type Monomial struct {
	Coef    float64
	Factors []*Node
}

// String prints the polynomial so that equal ones print the same.
func (p *Poly) String() string {
	if p == nil {
		return "1"
	}
	var parts []string
	for _, m := range p.Terms {
		parts = append(parts, fmt.Sprintf("%g*%s", m.Coef, m.key()))
	}
	return strings.Join(parts, " + ")
}

func (m Monomial) key() string {
	var parts []string
	for _, f := range m.Factors {
		parts = append(parts, f.String())
	}
	return strings.Join(parts, "*")
}

// flat is a product with its factors sorted by side.
type flat struct {
	coef    float64
	scalars []string
	pre     []*Node
	post    []*Node
	w       int
	offset  int
}

// maxTerms limits what multiplying out may give.
const maxTerms = 64

// Sum multiplies an expression out and collects it into as few products as equal factors allow. side tells where a name is; names
// that it does not know it reports itself. What is no sum of such products is an *Error: a power of w, a function across the synapse, w
// with factors of both sides.
func Sum(n *Node, side func(*Node) (Side, float64, error)) ([]Product, error) {
	flats, err := expand(n, side)
	if err != nil {
		return nil, err
	}
	for _, f := range flats {
		if f.w > 1 {
			return nil, &Error{f.offset, fmt.Sprintf("w to the power %d: an update is linear in w", f.w), "use w once in each product"}
		}
		if f.w == 1 && len(f.pre) > 0 && len(f.post) > 0 {
			return nil, &Error{f.offset, "w times quantities of both neurons", "an update takes w times quantities of one of the two: drop one side from this product"}
		}
	}
	return collect(flats), nil
}

func expand(n *Node, side func(*Node) (Side, float64, error)) ([]flat, error) {
	switch n.Kind {
	case Number:
		return []flat{{coef: n.Value, offset: n.Offset}}, nil
	case Name:
		s, v, err := side(n)
		if err != nil {
			return nil, err
		}
		return []flat{atom(n, s, v)}, nil
	case Add:
		var all []flat
		for _, a := range n.Args {
			f, err := expand(a, side)
			if err != nil {
				return nil, err
			}
			all = append(all, f...)
		}
		return all, limit(n, len(all))
	case Mul:
		all := []flat{{coef: 1, offset: n.Offset}}
		for _, a := range n.Args {
			f, err := expand(a, side)
			if err != nil {
				return nil, err
			}
			if all, err = times(n, all, f); err != nil {
				return nil, err
			}
		}
		return all, nil
	case Power:
		f, err := expand(n.Args[0], side)
		if err != nil {
			return nil, err
		}
		all := []flat{{coef: 1, offset: n.Offset}}
		for range n.Exp {
			if all, err = times(n, all, f); err != nil {
				return nil, err
			}
		}
		return all, nil
	}
	// A call belongs to the side of its operands.
	of := Constant
	for _, name := range n.Names() {
		s, _, err := side(name)
		if err != nil {
			return nil, err
		}
		switch {
		case s == Constant || s == of:
		case s == Weight || s == Scalar || of != Constant:
			return nil, &Error{n.Offset, fmt.Sprintf("%s of more than quantities of one neuron", n.Text), "functions take quantities of the presynaptic neuron or of the postsynaptic one"}
		default:
			of = s
		}
	}
	if of == Constant {
		values := map[string]float64{}
		for _, name := range n.Names() {
			_, values[name.Text], _ = side(name)
		}
		return []flat{{coef: n.Eval(values), offset: n.Offset}}, nil
	}
	return []flat{atom(n, of, 0)}, nil
}

func atom(n *Node, s Side, value float64) flat {
	f := flat{coef: 1, offset: n.Offset}
	switch s {
	case Constant:
		f.coef = value
	case Scalar:
		f.scalars = []string{n.Text}
	case Pre:
		f.pre = []*Node{n}
	case Post:
		f.post = []*Node{n}
	case Weight:
		f.w = 1
	}
	return f
}

func times(n *Node, a, b []flat) ([]flat, error) {
	if err := limit(n, len(a)*len(b)); err != nil {
		return nil, err
	}
	var all []flat
	for _, x := range a {
		for _, y := range b {
			p := flat{coef: x.coef * y.coef, w: x.w + y.w, offset: n.Offset,
				scalars: append(slices.Clone(x.scalars), y.scalars...),
				pre:     append(slices.Clone(x.pre), y.pre...),
				post:    append(slices.Clone(x.post), y.post...)}
			slices.Sort(p.scalars)
			sortNodes(p.pre)
			sortNodes(p.post)
			all = append(all, p)
		}
	}
	return all, nil
}

func sortNodes(n []*Node) {
	slices.SortStableFunc(n, func(a, b *Node) int { return strings.Compare(a.String(), b.String()) })
}

func limit(n *Node, terms int) error {
	if terms > maxTerms {
		return &Error{n.Offset, fmt.Sprintf("multiplied out this has %d products", terms), fmt.Sprintf("use at most %d", maxTerms)}
	}
	return nil
}

// collect joins products: first those that differ in their postsynaptic factors only, then those that differ in the presynaptic ones only.
func collect(flats []flat) []Product {
	type group struct {
		first flat
		post  *Poly
	}
	var groups []*group
	index := map[string]*group{}
	for _, f := range flats {
		key := fmt.Sprint(f.scalars, "|", Monomial{Factors: f.pre}.key(), "|", f.w)
		g := index[key]
		if g == nil {
			g = &group{first: f, post: &Poly{}}
			index[key] = g
			groups = append(groups, g)
		}
		g.post.add(Monomial{f.coef, f.post})
	}
	var out []Product
	at := map[string]int{}
	for _, g := range groups {
		if len(g.post.Terms) == 0 {
			continue // everything cancels
		}
		coef := g.post.normalize()
		key := fmt.Sprint(g.first.scalars, "|", g.post, "|", g.first.w)
		if i, ok := at[key]; ok && len(g.first.pre) > 0 && out[i].Pre != nil {
			out[i].Pre.add(Monomial{coef / out[i].Coef, g.first.pre})
			continue
		}
		p := Product{Coef: coef, Scalars: g.first.scalars, Post: g.post, W: g.first.w}
		if len(g.first.pre) > 0 {
			p.Pre = &Poly{[]Monomial{{1, g.first.pre}}}
		}
		if len(p.Post.Terms) == 1 && len(p.Post.Terms[0].Factors) == 0 {
			p.Post = nil
		}
		at[key] = len(out)
		out = append(out, p)
	}
	return out
}

// add adds a product to the sum.
func (p *Poly) add(m Monomial) {
	for i := range p.Terms {
		if p.Terms[i].key() == m.key() {
			p.Terms[i].Coef += m.Coef
			if p.Terms[i].Coef == 0 {
				p.Terms = slices.Delete(p.Terms, i, i+1)
			}
			return
		}
	}
	p.Terms = append(p.Terms, m)
}

// normalize divides by the largest coefficient, the first of equals, and returns it.
func (p *Poly) normalize() float64 {
	slices.SortStableFunc(p.Terms, func(a, b Monomial) int { return strings.Compare(a.key(), b.key()) })
	c := slices.MaxFunc(p.Terms, func(a, b Monomial) int { return cmp.Compare(math.Abs(a.Coef), math.Abs(b.Coef)) }).Coef
	for i := range p.Terms {
		p.Terms[i].Coef /= c
	}
	return c
}

// Eval returns the value of the products' sum for values of the names; w is the weight's.
func Eval(products []Product, names map[string]float64) float64 {
	total := 0.0
	for _, p := range products {
		v := p.Coef * p.Pre.Eval(names) * p.Post.Eval(names)
		for _, s := range p.Scalars {
			v *= names[s]
		}
		if p.W == 1 {
			v *= names["w"]
		}
		total += v
	}
	return total
}

// Eval returns the value of the sum; 1 if there is none.
func (p *Poly) Eval(names map[string]float64) float64 {
	if p == nil {
		return 1
	}
	total := 0.0
	for _, m := range p.Terms {
		v := m.Coef
		for _, f := range m.Factors {
			v *= f.Eval(names)
		}
		total += v
	}
	return total
}
