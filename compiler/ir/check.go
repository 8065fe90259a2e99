package ir

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Entries are the names that a program's functions may have.
var Entries = []string{"init", "learn", "infer", "digest"}

// Check verifies that every name is declared once, every operation exists and has operands of the right kinds,
// shapes that fit, and no attribute it does not take; and that infer writes nothing that is learned.
func (p *Program) Check() error {
	var errs []error
	kinds := map[string]byte{}
	declare := func(name string, kind byte) {
		if _, twice := kinds[name]; twice {
			errs = append(errs, fmt.Errorf("%s is declared twice", name))
		}
		kinds[name] = kind
	}
	for _, t := range p.Tensors {
		declare(t.Name, 't')
		if t.In < 1 || t.Out < 1 || t.Bits < 2 || t.Bits > 16 {
			errs = append(errs, fmt.Errorf("tensor %s: %d×%d of %d bits is out of range", t.Name, t.Out, t.In, t.Bits))
		}
		if !slices.Contains(Roles, t.Role) {
			errs = append(errs, fmt.Errorf("tensor %s: role %s is none of %s", t.Name, t.Role, strings.Join(Roles, ", ")))
		}
		if !slices.Contains([]string{"", "in", "out"}, t.Lanes) || !slices.Contains([]string{"memory", "sign"}, t.Source) {
			errs = append(errs, fmt.Errorf("tensor %s: lanes=%s source=%s is unknown", t.Name, t.Lanes, t.Source))
		}
	}
	for _, v := range p.Vectors {
		declare(v.Name, 'v')
		if v.N < 1 {
			errs = append(errs, fmt.Errorf("vector %s has %d elements", v.Name, v.N))
		}
		if v.Steps < 0 || v.Steps > 0 && (v.Role != "input" || v.One) {
			errs = append(errs, fmt.Errorf("vector %s: %d time steps of a vector of role %s (one: %s); only an input without a constant one has any", v.Name, v.Steps, v.Role, flag(v.One)))
		}
	}
	for _, s := range p.Scalars {
		declare(s.Name, 's')
	}
	for _, t := range p.Tables {
		declare(t.Name, 'k')
	}
	for _, f := range p.Funcs {
		if !slices.Contains(Entries, f.Name) {
			errs = append(errs, fmt.Errorf("func %s is not an entry point (%s)", f.Name, strings.Join(Entries, ", ")))
		}
		i := 0
		Walk(f.Ops, func(o *Op) {
			if err := p.checkOp(o, kinds, f.Name == "init"); err != nil {
				errs = append(errs, fmt.Errorf("func %s, operation %d: %s: %w", f.Name, i, o, err))
			} else if f.Name == "infer" && p.learns(o) {
				errs = append(errs, fmt.Errorf("func infer, operation %d: %s changes learned state", i, o))
			}
			i++
		})
	}
	return errors.Join(errs...)
}

func (p *Program) checkOp(o *Op, kinds map[string]byte, init bool) error {
	sig, ok := Ops[o.Name]
	if !ok {
		return errors.New("no such operation")
	}
	least := len(strings.TrimRight(sig.Args, "TVSKXI"))
	if len(o.Args) < least || len(o.Args) > len(sig.Args) {
		return fmt.Errorf("has %d operands, takes %d", len(o.Args), least)
	}
	for i, a := range o.Args {
		want := sig.Args[i] | 0x20
		kind := kinds[a]
		if strings.HasPrefix(a, "#") {
			n, err := strconv.Atoi(a[1:])
			if err != nil || want == 'x' && (n < -32768 || n > 32767) {
				return fmt.Errorf("immediate %s is not a 16-bit number", a)
			}
			kind = 'i'
		}
		if a == Zero || IsDraw(a) {
			kind = '0'
		}
		switch {
		case kind == 0:
			return fmt.Errorf("%s is not declared", a)
		case want == 'x' && kind != 't' && kind != 'k', kind == want:
		default:
			return fmt.Errorf("operand %s is of kind %c, expected %c", a, kind, want)
		}
	}
	for k := range o.Attrs {
		if !slices.Contains(sig.Attrs, k) {
			return fmt.Errorf("takes no attribute %s", k)
		}
	}
	if s, ok := o.Attrs["shift"]; ok && (s < 0 || s > 63) {
		return fmt.Errorf("shift %d is out of range", s)
	}
	if n := o.Attrs["n"]; o.Name == "repeat" && n < 1 {
		return fmt.Errorf("repeats %d times", n)
	}
	return p.checkShape(o, init)
}

// checkShape compares the sizes of operands where the operation fixes them. In init feedback matrices are written.
func (p *Program) checkShape(o *Op, init bool) error {
	n := func(i int) int { return p.Vector(o.Args[i]).N }
	same := func(idx ...int) error {
		for _, i := range idx[1:] {
			if n(i) != n(idx[0]) {
				return fmt.Errorf("%s has %d elements, %s has %d", o.Args[idx[0]], n(idx[0]), o.Args[i], n(i))
			}
		}
		return nil
	}
	fit := func(tensor, in, out int) error {
		t := p.Tensor(o.Args[tensor])
		if x := p.Vector(o.Args[in]); x.N != t.In || t.Bias && o.Name != "matvect" && o.Name != "row" && o.Attrs["nobias"] == 0 && o.Attrs["n"] == 0 && !x.One {
			return fmt.Errorf("%s has %d inputs (bias: %s), %s has %d elements (one: %s)", t.Name, t.In, flag(t.Bias), x.Name, x.N, flag(x.One))
		}
		if y := p.Vector(o.Args[out]); y.N != t.Out {
			return fmt.Errorf("%s has %d outputs, %s has %d elements", t.Name, t.Out, y.Name, y.N)
		}
		return nil
	}
	switch o.Name {
	case "matvec":
		switch t, size := p.Tensor(o.Args[1]), o.Attrs["n"]; {
		case size > t.In || len(o.Args) == 4 && size < 1:
			return fmt.Errorf("takes %d of the %d inputs of %s", size, t.In, t.Name)
		case len(o.Args) == 4 && t.Lanes == "in":
			return fmt.Errorf("%s lies over its inputs, a block of them needs lanes over outputs", t.Name)
		case len(o.Args) == 4 && t.Source != "memory":
			return fmt.Errorf("%s is drawn by the rows of a product, a block of it would be other numbers", t.Name)
		}
		return fit(1, 2, 0)
	case "clear", "next":
		if p.Vector(o.Args[0]).Steps == 0 {
			return fmt.Errorf("%s has no time steps", o.Args[0])
		}
		return nil
	case "fill", "fills":
		if len(o.Args) == 3 && p.Scalar(o.Args[1]) == nil {
			return fmt.Errorf("%s is no scalar, which a block is filled with", o.Args[1])
		}
		switch size, align := o.Attrs["n"], o.Attrs["align"]; {
		case size > n(0) || len(o.Args) == 3 && size < 1:
			return fmt.Errorf("fills %d of the %d elements of %s", size, n(0), o.Args[0])
		case len(o.Args) == 3 && align < 1:
			return fmt.Errorf("fills %d of the %d elements of %s from no multiple of %d", size, n(0), o.Args[0], align)
		}
		return nil
	case "matvect":
		if len(o.Args) == 4 && n(3) != n(0) {
			return fmt.Errorf("mask %s has %d elements, %s has %d", o.Args[3], n(3), o.Args[0], n(0))
		}
		return fit(1, 0, 2)
	case "row":
		return fit(1, 0, 2)
	case "outer", "pull", "perturb", "accumulate":
		t := p.Tensor(o.Args[0])
		if t.Role == "feedback" && !init || t.Source != "memory" {
			return fmt.Errorf("%s is not learned", t.Name)
		}
		switch o.Name {
		case "outer":
			return fit(0, 3, 2)
		case "pull":
			goal := p.Vector(o.Args[3])
			if o.Attrs["across"] != 0 {
				goal = p.Vector(o.Args[2])
			}
			if t.Bias || goal.Frac != t.Frac {
				return fmt.Errorf("%s (bias: %s, frac %d) can be pulled to values of its own format and without a bias only, %s has frac %d", t.Name, flag(t.Bias), t.Frac, goal.Name, goal.Frac)
			}
			return fit(0, 3, 2)
		case "accumulate":
			return p.alike(o)
		}
		return nil
	case "sign":
		return p.alike(o)
	case "relu", "clip", "tanh", "sigmoid", "exp", "hardsigmoid", "softmax", "target", "winner":
		return same(0, 1)
	case "drelu", "dclip", "dtanh", "dsigmoid", "dhardsigmoid":
		return same(0, 1, 2)
	case "madd", "vmin", "vmax", "ge", "sel":
		draws := 0
		for _, a := range o.Args[1:] {
			if IsDraw(a) {
				draws++
			}
			if v := p.Vector(a); v != nil && v.N != n(0) {
				return fmt.Errorf("%s has %d elements, %s has %d", o.Args[0], n(0), a, v.N)
			}
		}
		if draws > 1 {
			return errors.New("has more than one draw an element")
		}
	case "vec":
		size := o.Attrs["n"]
		for _, a := range o.Args {
			if v := p.Vector(a); v != nil && v.Len() < size {
				return fmt.Errorf("%s has %d elements, the operation takes %d", a, v.Len(), size)
			}
		}
	}
	return nil
}

// alike compares the shapes of an operation's first and last operand, both tensors, and their lanes once these are chosen.
func (p *Program) alike(o *Op) error {
	a, b := p.Tensor(o.Args[0]), p.Tensor(o.Args[len(o.Args)-1])
	if a.In != b.In || a.Out != b.Out || a.Bias != b.Bias || a.Lanes != b.Lanes && a.Lanes != "" && b.Lanes != "" {
		return fmt.Errorf("%s and %s differ in shape or lanes", a.Name, b.Name)
	}
	return nil
}

// learns says whether the operation changes what the digest sees: a tensor, a state vector or a learned scalar.
func (p *Program) learns(o *Op) bool {
	if len(o.Args) == 0 {
		return false
	}
	switch o.Name {
	case "dig", "digs", "digv", "key", "if":
		return false
	}
	t, v, s := p.Tensor(o.Args[0]), p.Vector(o.Args[0]), p.Scalar(o.Args[0])
	return t != nil || v != nil && v.Role == "state" || s != nil && s.Learned
}
