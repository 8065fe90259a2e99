package kernels

import (
	"math/bits"

	"github.com/nmc-fpga/nmc/compiler/fixed"
)

// plan is how the assembly computes an update in 32-bit arithmetic.
//
// With t = floor(product·2^(16-Shift)), delta is the high half of t + addend when both fit 32 bits. Write the product
// as P·x, scaled so that t = floor(P'·x' / 2^16) >> m with P' a 32-bit and x' a 16-bit number:
//
//	Shift >= 32: P' = P, x' = x, m = Shift - 32
//	Shift < 32:  P' = P·2^e, x' = x·2^j, e + j = 32 - Shift, m = 0
//
// and split P' = hi·2^16 + lo with lo unsigned: floor(P'·x' / 2^16) = hi·x' + floor(lo·x' / 2^16), one vpmaddwd and one
// vpmulhuw, exact. |t| < 2^31·2^15/2^16 = 2^30, so neither t + addend nor delta overflows and sat16 changes nothing.
// Where no such e and j exist, the portable kernel computes the update.
type plan struct {
	fast   bool
	params params
	planes []int32 // Rank1, Pull: P' of a block's even columns, then of its odd ones; Rank1: after them -P'
}

// params are the constants of an update; the assembly knows the offsets.
type params struct {
	addend   uint32 // 0: addend of constant rounding
	m        uint32 // 4
	j        uint32 // 8
	lo, hi   int16  // 12, 14
	negative int64  // 16: bytes from the planes of P' to those of -P'
	rate     int32  // 24: blend: P'
	e        uint32 // 28: Across: shift of rate·s
}

// scale finds e, j and m of a plan for |P| <= maxP and |x| <= maxX.
func (p *plan) scale(shift uint, maxP, maxX uint32) (e uint, ok bool) {
	p.params.j, p.params.m = 0, 0
	if shift >= 32 {
		p.params.m = uint32(shift - 32)
		return 0, maxP < 1<<31 && maxX < 1<<15
	}
	want := 32 - shift
	room := uint(max(0, 31-bits.Len32(maxP)))
	e = min(want, room)
	p.params.j = uint32(want - e)
	return e, maxP < 1<<31 && uint64(maxX)<<(want-e) < 1<<15
}

func magnitude(x int32) uint32 { return uint32(max(x, -x)) }

// largest returns the largest magnitude, and whether any element is negative.
func largest(xs []int16) (most uint32, negative bool) {
	var lo, hi int16
	whole := len(xs) &^ (Block - 1)
	if whole > 0 {
		var ends [2]int16
		rangeAVX2(&ends, &xs[0], whole/Block)
		lo, hi = ends[0], ends[1]
	}
	for _, x := range xs[whole:] {
		lo, hi = min(lo, x), max(hi, x)
	}
	return max(magnitude(int32(lo)), magnitude(int32(hi))), lo < 0
}

// prepare decides how the assembly executes an update.
func prepare(u *Update, s []int16) {
	p := &u.plan
	p.fast = false
	p.params.lo, p.params.hi = u.Lo, u.Hi
	p.params.addend = 0
	if u.Round == fixed.Nearest {
		p.params.addend = 0x8000
	}
	rate := magnitude(u.Rate)
	switch u.Form {
	case Rank1, Pull:
		v, _ := largest(u.V[:u.N])
		maxX, negative := uint32(1), false
		if u.Form == Rank1 {
			maxX, negative = largest(s)
		}
		e, ok := p.scale(u.Shift, rate*v, maxX)
		if !ok || u.Form == Pull && p.params.j != 0 { // sat16(s - W) may be anything
			return
		}
		p.fast = true
		n := Pad(u.N)
		if cap(p.planes) < 2*n {
			p.planes = make([]int32, 2*n)
		}
		p.planes = p.planes[:2*n]
		p.params.negative = int64(4 * n)
		splitPlanes(p.planes[:n], u.V[:u.N], u.Rate, e)
		if negative {
			splitPlanes(p.planes[n:], u.V[:u.N], -u.Rate, e)
		}
	case Across:
		most, _ := largest(s)
		e, ok := p.scale(u.Shift, rate*most, 1)
		p.params.rate, p.params.e = u.Rate, uint32(e)
		p.fast = ok && p.params.j == 0
	case Blend:
		e, ok := p.scale(u.Shift, rate, 1)
		p.params.rate = u.Rate << e
		p.fast = ok && p.params.j == 0
	}
}

// splitPlanes stores rate·v·2^e by blocks, even columns before odd ones, zeros beyond the last column.
func splitPlanes(planes []int32, v []int16, rate int32, e uint) {
	whole := len(v) &^ (Block - 1)
	if whole > 0 {
		planesAVX2(&planes[0], &v[0], whole/Block, rate, uint32(e))
	}
	if whole < len(planes) {
		last := planes[whole:]
		clear(last)
		for c, x := range v[whole:] {
			last[c/2+c%2*Block/2] = rate * int32(x) << e
		}
	}
}
