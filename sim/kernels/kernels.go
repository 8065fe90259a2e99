// Package kernels holds the inner loops of the simulator's matrix instructions over plain slices of elements, once in Go
// and once in assembly, equal to the last bit.
//
// A row of W is named by its offset in elements, so that a kernel sees neither words nor lanes. Columns come in blocks:
// kernels read (and where it says so rewrite unchanged) up to the next multiple of Block, so slices must reach there.
package kernels

//go:generate go run ./gen -out kernels_amd64.s -stubs stubs_amd64.go -pkg kernels

import "github.com/nmc-fpga/nmc/compiler/fixed"

// Block is the granularity of columns.
const Block = 16

// Pad rounds a number of columns up to whole blocks.
func Pad(n int) int { return (n + Block - 1) &^ (Block - 1) }

// Set is one implementation of the kernels.
type Set struct {
	Name string // "portable" or "avx2"

	// MacB adds to acc[c] the sum over the events of s·w[row+c], for every c < len(acc), a multiple of Block. Sums
	// wrap modulo 2^64.
	MacB func(acc []int64, w []int16, e *Events)

	// MacR adds to acc[i] the sum over c < len(v.x) of w[rows[i]+c]·v.x[c], for every i < len(rows).
	MacR func(acc []int64, w []int16, rows []int32, v *Vector)

	// Update executes u on rows of w: see Update. h holds the row hashes of stochastic rounding. Columns from u.N to
	// the end of the last block are rewritten unchanged. Different rows may be updated at once from several
	// goroutines unless those columns belong to another row.
	Update func(w []int16, u *Update, rows []int32, h []uint32, x []int32)

	// Draw sets dst[c] to the draw at column c of the row with hash h; g holds the hash of each pair of columns;
	// len(dst) is a multiple of Block.
	Draw func(dst []int16, g []uint32, h uint32)

	// Sign is Draw read as a sign: -1 if bit 15 of the draw is set, else 1.
	Sign func(dst []int16, g []uint32, h uint32)

	// Hash sets g[i] to fixed.Mix(start + i·step); len(g) is a multiple of 8.
	Hash func(g []uint32, start, step uint32)
}

// Events are the rows that take part in a broadcast with their scalars, cut into segments whose sum of |s| stays below
// 2^16, so that a sum of products with 16-bit weights stays within 32 bits. Segments have an even length.
type Events struct {
	rows []int32
	s    []int16
	ends []int32 // end of each segment
}

// segmentSum is the largest sum of |s| of a segment: times 2^15 it is below 2^31.
const segmentSum = 1<<16 - 1

// Set arranges the events.
func (e *Events) Set(rows []int32, s []int16) {
	e.rows, e.s, e.ends = e.rows[:0], e.s[:0], e.ends[:0]
	sum := 0
	for i, x := range s {
		a := max(int(x), -int(x))
		if sum+a > segmentSum {
			e.end()
			sum = 0
		}
		sum += a
		e.rows = append(e.rows, rows[i])
		e.s = append(e.s, x)
	}
	e.end()
}

// end closes a segment; a single last event is paired with a zero.
func (e *Events) end() {
	if n := len(e.rows); n&1 != 0 {
		e.rows = append(e.rows, e.rows[n-1])
		e.s = append(e.s, 0)
	}
	e.ends = append(e.ends, int32(len(e.rows)))
}

// Vector is the lane-side vector of a reduction, padded with zeros to whole blocks and cut into segments so that each of
// the eight 32-bit sums of a row stays within 32 bits.
type Vector struct {
	x     []int16
	ends  []int32 // end of each segment, in elements
	exact bool    // some segments could overflow: two neighbours are -32768
}

// Set copies and arranges the vector.
func (v *Vector) Set(x []int16) {
	n := Pad(len(x))
	if cap(v.x) < n {
		v.x = make([]int16, n)
	}
	v.x = v.x[:n]
	clear(v.x[copy(v.x, x):])
	v.ends, v.exact = v.ends[:0], false
	var sums [8]int32
	for c := 0; c < n; c += Block {
		b := (*[Block]int16)(v.x[c:])
		var most int32
		for i := range sums {
			x, y := int32(b[2*i]), int32(b[2*i+1])
			sums[i] += max(x, -x) + max(y, -y)
			most = max(most, sums[i])
		}
		if most <= segmentSum {
			continue
		}
		if c > 0 {
			v.ends = append(v.ends, int32(c))
		}
		for i := range sums {
			x, y := int32(b[2*i]), int32(b[2*i+1])
			sums[i] = max(x, -x) + max(y, -y)
			if sums[i] > segmentSum {
				v.exact = true
			}
		}
	}
	v.ends = append(v.ends, int32(n))
}

// Form says which product an update rounds.
type Form uint8

const (
	Rank1  Form = iota // P[c]·x[i]
	Pull               // P[c]·sat16(x[i] - W)
	Across             // x[i]·sat16(V[c] - W), |x| < 2^31
	Blend              // Rate·M[x[i]+c]
)

// Update is a weight update: for every row i and column c < N
//
//	delta = sat16(fixed.Shift(product, Shift, addend)),  |product| < 2^47
//	W = clamp(sat16(W + delta)) where delta is not 0; with Assign clamp(delta) everywhere
//
// The addend of stochastic rounding is the draw with row hash h[i] and column hash G[c/2].
type Update struct {
	Form   Form
	Assign bool
	N      int
	P      []int32  // N products of the rate and the lane-side vector
	V      []int16  // N elements
	M      []int16  // blend: second matrix
	Rate   int32    // blend
	G      []uint32 // stochastic rounding: (N+1)/2 column hashes
	Shift  uint
	Round  fixed.Rounding
	Lo, Hi int16

	plan plan
}
