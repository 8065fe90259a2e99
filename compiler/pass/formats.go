// Package pass holds the compiler's passes, one file each. compile.go has the table that orders them.
package pass

import (
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
	for _, f := range p.Funcs {
		for _, o := range f.Ops {
			switch o.Name {
			case "tanh", "sigmoid", "hardsigmoid":
				lookups[o.Args[1]] = true
			}
		}
	}
	for _, f := range p.Funcs {
		for _, o := range f.Ops {
			switch o.Name {
			case "matvec", "matvect":
				t, dst, x := p.Tensor(o.Args[1]), p.Vector(o.Args[0]), p.Vector(o.Args[2])
				if err := shift(o, t.Frac+x.Frac-dst.Frac, t.Name, dst.Name); err != nil {
					return err
				}
				o.With("round", int(fixed.Nearest)).With("lo", fullLo).With("hi", fullHi)
				if lookups[dst.Name] {
					o.With("lo", silentLo).With("hi", silentHi)
				}
				// Every product is at most 2^30, an accumulator holds 2^47.
				if terms := max(t.Rows(), t.Cols()); terms > 1<<(fixed.AccBits-1-30) {
					return fmt.Errorf("%s: %d products may overflow the %d-bit accumulator; split the layer", t.Name, terms, fixed.AccBits)
				}
			case "outer", "draw":
				if err := shift(o, o.Attrs["shift"], o.Args[0], o.Args[1]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func shift(o *ir.Op, s int, tensor, other string) error {
	if s < 0 || s > fixed.MaxShift {
		return fmt.Errorf("%s: %s and %s need a shift by %d, the device shifts by 0 to %d; change the fraction bits of one of them",
			o.Name, tensor, other, s, fixed.MaxShift)
	}
	o.With("shift", s)
	return nil
}

// WeightBounds are the saturation bounds of a tensor of that width.
func WeightBounds(bits int) (lo, hi int) { return -1 << (bits - 1), 1<<(bits-1) - 1 }
