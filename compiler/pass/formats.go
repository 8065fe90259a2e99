// Package pass holds the compiler's passes, one file each. compile.go has the table that orders them.
package pass

import (
	"errors"
	"fmt"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

// silent are bounds one inside the 16-bit range: the program saturates on purpose, the device does not count it.
const (
	silentLo, silentHi = -32767, 32766
	fullLo, fullHi     = -32768, 32767
)

// Formats gives every matrix operation its shift from the formats of its operands, its rounding and saturation bounds,
// and proves that no accumulator overflows.
func Formats(p *ir.Program) error {
	lookups := map[string]bool{} // sums that only an activation with a bounded range reads
	p.Each(func(_ *ir.Func, o *ir.Op) {
		switch o.Name {
		case "tanh", "sigmoid", "hardsigmoid", "clip":
			lookups[o.Args[1]] = true
		}
	})
	var errs []error
	p.Each(func(_ *ir.Func, o *ir.Op) { errs = append(errs, format(p, o, lookups)) })
	return errors.Join(errs...)
}

// format completes the attributes of one operation.
func format(p *ir.Program, o *ir.Op, lookups map[string]bool) error {
	switch o.Name {
	case "matvec", "matvect", "row":
		t, dst, x := p.Tensor(o.Args[1]), p.Vector(o.Args[0]), p.Vector(o.Args[2])
		o.With("round", int(fixed.Nearest))
		if lookups[dst.Name] {
			bounds(o, silentLo, silentHi)
		} else {
			bounds(o, fullLo, fullHi)
		}
		// Every product is at most 2^30, an accumulator holds 2^47.
		if terms := max(t.Rows(), t.Cols()); terms > 1<<(fixed.AccBits-1-30) {
			return fmt.Errorf("%s: %d products may overflow the %d-bit accumulator; split the layer", t.Name, terms, fixed.AccBits)
		}
		return shift(o, t.Frac+x.Frac-dst.Frac, t.Name, dst.Name)
	case "madd":
		if _, ok := o.Attrs["round"]; !ok {
			o.With("round", int(fixed.Nearest))
		}
		bounds(o, fullLo, fullHi)
		dst := p.Vector(o.Args[0])
		if c := p.Vector(o.Args[3]); c != nil && c.Frac != dst.Frac {
			return fmt.Errorf("%s: %s has %d fraction bits, %s has %d; scale one of them first", o, dst.Name, dst.Frac, c.Name, c.Frac)
		}
		if o.Args[1] == ir.Zero || o.Args[2] == ir.Zero {
			return shift(o, 0, dst.Name, dst.Name)
		}
		return shift(o, frac(p, o, 1)+frac(p, o, 2)-dst.Frac, o.Args[1], dst.Name)
	case "vmin", "vmax", "sel":
		bounds(o, fullLo, fullHi)
		for _, a := range o.Args[1:] {
			if v, dst := p.Vector(a), p.Vector(o.Args[0]); v != nil && v.Frac != dst.Frac && (o.Name != "sel" || a != o.Args[1]) {
				return fmt.Errorf("%s: %s has %d fraction bits, %s has %d; scale one of them first", o, dst.Name, dst.Frac, v.Name, v.Frac)
			}
		}
	case "ge":
		bounds(o, 0, one(p.Vector(o.Args[0])))
		if a, c := p.Vector(o.Args[1]), p.Vector(o.Args[2]); a != nil && c != nil && a.Frac != c.Frac {
			return fmt.Errorf("%s: %s has %d fraction bits, %s has %d; scale one of them first", o, a.Name, a.Frac, c.Name, c.Frac)
		}
	case "outer", "pull", "draw", "perturb", "accumulate":
		return shift(o, o.Attrs["shift"], o.Args[0], o.Args[1])
	}
	return nil
}

// bounds sets saturation bounds that are not given.
func bounds(o *ir.Op, lo, hi int) {
	for k, v := range map[string]int{"lo": lo, "hi": hi} {
		if _, ok := o.Attrs[k]; !ok {
			o.With(k, v)
		}
	}
}

// frac is the number of fraction bits of operand i of a product.
func frac(p *ir.Program, o *ir.Op, i int) int {
	if v := p.Vector(o.Args[i]); v != nil {
		return v.Frac
	}
	if f, ok := o.Attrs["frac"]; ok && i == 2 {
		return f
	}
	switch s := p.Scalar(o.Args[i]); {
	case s != nil:
		return s.Frac
	case o.Args[i] == ir.Uniform:
		return 15
	}
	return 0
}

// one is the constant one of a vector's format, or the nearest below.
func one(v *ir.Vector) int { return min(1<<v.Frac, fullHi) }

func shift(o *ir.Op, s int, tensor, other string) error {
	if s < 0 || s > fixed.MaxShift {
		return fmt.Errorf("%s: %s and %s need a shift by %d, the device shifts by 0 to %d; change the fraction bits of one of them",
			o.Name, tensor, other, s, fixed.MaxShift)
	}
	o.With("shift", s)
	return nil
}

// WeightBounds are the saturation bounds of a tensor's elements.
func WeightBounds(t *ir.Tensor) (lo, hi int) {
	if t.Positive {
		return 0, 1<<(t.Bits-1) - 1
	}
	return -1 << (t.Bits - 1), 1<<(t.Bits-1) - 1
}
