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

// Slack is how many elements some kernels may read or write beyond those asked for.
const Slack = 16

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

	// Prepare looks at a whole update, once before any Update of it; s are the scalars of all its rows.
	Prepare func(u *Update, s []int16)

	// Update executes u on rows of w: see type Update. Columns from u.N to the end of the last block are rewritten
	// unchanged. Different rows may be updated at once from several goroutines unless those columns belong to
	// another row.
	Update func(w []int16, u *Update, r Rows)

	// Gather writes the index (counted from base) and the value of every x that is not zero, in order, and returns how
	// many there are. index and scalars have room for Slack elements more than x.
	Gather func(index []int32, scalars []int16, x []int16, base int32) int

	// Affine sets dst[i] to start + index[i]·step for every i < len(index).
	Affine func(dst []int32, index []int32, start, step int32)

	// HashAt sets dst[i] to fixed.Mix(start + index[i]·step) for every i < len(index).
	HashAt func(dst []uint32, index []int32, start, step uint32)

	// Narrow rounds acc[i] to dst[i] for every i < len(dst): clamp(sat16(fixed.Shift(acc[i], shift, addend))), and returns
	// how many overflow (fixed.Overflows). acc reaches to the end of the last block.
	Narrow func(dst []int16, acc []int64, addend Operand, shift uint, lo, hi int16) uint32

	// Vec executes an elementwise function of the instruction set on every i < len(dst) and returns how many overflow.
	// dst may be one of the operands.
	Vec func(dst []int16, f Function) uint32

	// Draw sets dst[c] to the draw at column c of the row with hash h; g holds the hash of each pair of columns;
	// len(dst) is a multiple of Block.
	Draw func(dst []int16, g []uint32, h uint32)

	// Sign is Draw read as a sign: -1 if bit 15 of the draw is set, else 1.
	Sign func(dst []int16, g []uint32, h uint32)

	// Hash sets g[i] to fixed.Mix(start + i·step); len(g) is a multiple of 8.
	Hash func(g []uint32, start, step uint32)
}

// Events are the rows that take part in a broadcast with their scalars. Pairs of them are cut into segments whose sum of
// |s| stays below 2^16, so that a sum of products with 16-bit weights stays within 32 bits.
type Events struct {
	rows  []int32
	s     []int16
	ends  []int32 // end of each segment, in pairs
	exact bool    // a pair is twice -32768 and could overflow
}

// segmentSum is the largest sum of |s| of a segment: times 2^15 it is below 2^31.
const segmentSum = 1<<16 - 1

// Set arranges the events. It keeps the slices, which must have room for one more element each.
func (e *Events) Set(rows []int32, s []int16) {
	if len(s)&1 != 0 {
		rows, s = append(rows, rows[len(rows)-1]), append(s, 0)
	}
	e.rows, e.s, e.ends, e.exact = rows, s, e.ends[:0], false
	var sum int32
	for i := 0; i+1 < len(s); i += 2 {
		x, y := int32(s[i]), int32(s[i+1])
		pair := max(x, -x) + max(y, -y)
		sum += pair
		if sum > segmentSum {
			e.exact = e.exact || pair > segmentSum
			e.ends = append(e.ends, int32(i/2))
			sum = pair
		}
	}
	e.ends = append(e.ends, int32(len(s)/2))
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
	Rank1  Form = iota // Rate·V[c]·s
	Pull               // Rate·V[c]·sat16(s - W)
	Across             // Rate·s·sat16(V[c] - W)
	Blend              // Rate·M[m+c]
)

// Update is a weight update: for every row, with scalar s or offset m in M, and every column c < N
//
//	delta = sat16(fixed.Shift(product, Shift, addend))
//	W = clamp(sat16(W + delta)) where delta is not 0; with Assign (Blend only) clamp(delta) everywhere
//
// The addend of stochastic rounding is the draw of the row's hash and column hash G[c/2].
type Update struct {
	Form   Form
	Assign bool
	N      int
	Rate   int32    // -32767..32767
	V      []int16  // N elements
	M      []int16  // second matrix
	G      []uint32 // column hashes, to the end of the last block
	Shift  uint
	Round  fixed.Rounding
	Lo, Hi int16

	plan plan
}

// Rows are the rows of an update: offsets in W and per row what the form and the rounding need.
type Rows struct {
	W []int32
	S []int16  // Rank1, Pull, Across
	M []int32  // Blend
	H []uint32 // stochastic rounding: row hashes
}

// Slice returns rows i..j-1.
func (r Rows) Slice(i, j int) Rows {
	r.W = r.W[i:j]
	if r.S != nil {
		r.S = r.S[i:j]
	}
	if r.M != nil {
		r.M = r.M[i:j]
	}
	if r.H != nil {
		r.H = r.H[i:j]
	}
	return r
}

// Operand is a vector or a constant.
type Operand struct {
	X     []int16 // elements, or nil
	Const int16
}

// At returns element i.
func (o *Operand) At(i int) int16 {
	if o.X != nil {
		return o.X[i]
	}
	return o.Const
}

// Function is an elementwise function: isa.FnMac and so on. The addend belongs to the rounding of FnMac, read as unsigned
// 16 bits.
type Function struct {
	Fn              int
	A, B, C, Addend Operand
	Shift           uint
	Lo, Hi          int16
}
