package emit

import (
	"math"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

// TestTable holds every value of every table to its function: a chord of 256 steps strays at most h²·max|f″|/8, both ends
// and the result are rounded, one least significant bit in all.
func TestTable(t *testing.T) {
	for _, c := range []struct {
		fn      string
		in, out int
		curve   float64 // max |f″|
		limit   float64 // greatest input whose value fits
	}{
		{"tanh", 12, 12, 0.77, math.Inf(1)},
		{"tanh", 10, 14, 0.77, math.Inf(1)},
		{"sigmoid", 12, 12, 0.0963, math.Inf(1)},
		{"sigmoid", 11, 15, 0.0963, 6}, // the last segments saturate just below 1
		{"exp", 11, 15, 1, -0.125},
	} {
		data := Table(&ir.Table{Func: c.fn, InFrac: c.in, OutFrac: c.out})
		entries := make([]uint32, 256)
		for i := range entries {
			entries[i] = uint32(data[2*i]) | uint32(data[2*i+1])<<16
		}
		h := math.Ldexp(256, -c.in)
		bound := h*h*c.curve/8*math.Ldexp(1, c.out) + 1.01
		for x := math.MinInt16; x <= math.MaxInt16; x++ {
			in := math.Ldexp(float64(x), -c.in)
			if in > c.limit {
				break
			}
			want := math.Ldexp(functions[c.fn](in), c.out)
			got := float64(fixed.Table(entries, int16(x)))
			if math.Abs(got-want) > bound {
				t.Fatalf("%s(%v), F%d to F%d: table gives %v, the function %.2f: more than %.2f apart", c.fn, in, c.in, c.out, got, want, bound)
			}
		}
	}
}
