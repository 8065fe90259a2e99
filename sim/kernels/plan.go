package kernels

import "math/bits"

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
	e        uint32 // 28: across: shift of x[i]
}

// scale finds e, j and m of a plan for |P| <= maxP and |x| <= maxX.
func (p *plan) scale(shift uint, maxP, maxX uint32) (e uint, ok bool) {
	p.params.j, p.params.m = 0, 0
	if shift >= 32 {
		p.params.m = uint32(shift - 32)
		return 0, maxP < 1<<31
	}
	want := 32 - shift
	room := uint(max(0, 31-bits.Len32(maxP)))
	e = min(want, room)
	p.params.j = uint32(want - e)
	return e, maxP < 1<<31 && uint64(maxX)<<(want-e) < 1<<15
}

func magnitude(x int32) uint32 { return uint32(max(int64(x), -int64(x))) }

// largest returns the largest magnitude.
func largest(xs []int32) uint32 {
	var lo, hi int32
	for _, x := range xs {
		lo, hi = min(lo, x), max(hi, x)
	}
	return max(magnitude(lo), magnitude(hi))
}

// Prepare looks at the whole update and decides how the assembly executes it; x are the scalars of all its rows. It
// must be called before Update, whatever the set.
func (u *Update) Prepare(x []int32) {
	p := &u.plan
	p.fast = false
	p.params.lo, p.params.hi = u.Lo, u.Hi
	p.params.addend = 0
	if u.Round == 1 {
		p.params.addend = 0x8000
	}
	if u.N == 0 || len(x) == 0 {
		return
	}
	switch u.Form {
	case Rank1, Pull:
		maxX := uint32(1) << 15 // sat16(x - W) may be anything
		if u.Form == Rank1 {
			maxX = largest(x)
			if maxX >= 1<<15 {
				return
			}
		}
		e, ok := p.scale(u.Shift, largest(u.P[:u.N]), 1)
		if u.Form == Rank1 {
			e, ok = p.scale(u.Shift, largest(u.P[:u.N]), maxX)
		} else if p.params.j != 0 {
			return
		}
		if !ok {
			return
		}
		p.fast = true
		n := Pad(u.N)
		if cap(p.planes) < 2*n {
			p.planes = make([]int32, 2*n)
		}
		p.planes = p.planes[:2*n]
		p.params.negative = int64(4 * n)
		splitPlanes(p.planes[:n], u.P[:u.N], e, 1)
		if u.Form == Rank1 {
			for _, s := range x {
				if s < 0 {
					splitPlanes(p.planes[n:], u.P[:u.N], e, -1)
					break
				}
			}
		}
	case Across:
		e, ok := p.scale(u.Shift, largest(x), 1)
		p.params.e = uint32(e)
		p.fast = ok && p.params.j == 0
	case Blend:
		e, ok := p.scale(u.Shift, magnitude(u.Rate), 1)
		p.params.rate = u.Rate << e
		p.fast = ok && p.params.j == 0
	}
}

// splitPlanes stores sign·P·2^e by blocks, even columns before odd ones, zeros beyond the last column.
func splitPlanes(planes, p []int32, e uint, sign int32) {
	clear(planes[len(planes)-Block:])
	for b := 0; b+Block <= len(p); b += Block {
		src, dst := (*[Block]int32)(p[b:]), (*[Block]int32)(planes[b:])
		for i := range Block / 2 {
			dst[i] = sign * src[2*i] << e
			dst[i+Block/2] = sign * src[2*i+1] << e
		}
	}
	for c := len(p) &^ (Block - 1); c < len(p); c++ {
		planes[c&^(Block-1)+c%Block/2+c%2*Block/2] = sign * p[c] << e
	}
}
