package rules

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/nmc-fpga/nmc/compiler/ir"
)

// Squares adds s = Σ a_i² and returns its name. It has as many fraction bits as 31 bits leave when every
// element is as large as most says.
func (n *Dense) Squares(f *ir.Func, s, a string, most float64) string {
	v := n.Program.Vector(a)
	if v.Role == "input" {
		panic("the input cannot be both operands of a product: copy it") // two buffers, one offset
	}
	largest := math.Ldexp(most, v.Frac)
	shift := max(0, int(math.Ceil(math.Log2(largest*largest*float64(v.N))))-31)
	n.Scalar(s, 0, 2*v.Frac-shift, false)
	f.Add(ir.New("dot", s, a, a).With("n", v.N).With("shift", shift))
	return s
}

// Normalize adds dst = a·length/|a|, with squares = Σ a_i² of Squares: one root, one division, and a product of each element
// with a factor of 16 bits. Where |a| is less than least the factor stays at its largest, so that the length of dst falls with
// that of a and 0 stays 0. Elements saturate at the format of dst; signed says that a can be negative.
func (n *Dense) Normalize(f *ir.Func, dst, a, squares string, length, least float64, signed bool) {
	s := n.Program.Scalar(squares)
	// norm = |a|·2^frac; the root halves the number of fraction bits, which has to be even.
	shift := 16 + s.Frac&1
	norm := n.Scalar("norm", 0, 0, false)
	f.Add(ir.New("sqrt", norm, squares).With("shift", shift))
	frac := (s.Frac + shift) / 2
	// scale = length/|a|·2^k, at most 2^15 where |a| is least: numerator / norm, numerator = length·2^(k+frac).
	k := int(math.Floor(math.Log2(least / length * (1 << 15))))
	numerator := length * math.Ldexp(1, k+frac)
	up := max(0, bits.Len64(uint64(numerator))-30)
	whole := int32(math.Round(math.Ldexp(numerator, -up)))
	scale, constant := n.Scalar(fmt.Sprintf("scale_%d", k), 0, k, false), n.Scalar(fmt.Sprintf("length_%d", whole), whole, 0, false)
	f.Add(ir.New("div", scale, constant, norm).With("shift", up))
	o := n.Mul(f, dst, a, scale, ir.Zero).With("lo", 0).With("hi", math.MaxInt16-1) // saturates on purpose
	if signed {
		o.With("lo", math.MinInt16+1)
	}
}
