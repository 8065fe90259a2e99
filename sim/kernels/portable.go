package kernels

import (
	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

// Portable is the set written in Go.
var Portable = Set{
	Name:    "portable",
	MacB:    macB,
	MacR:    macR,
	Prepare: func(*Update, []int16) {},
	Update:  update,
	Gather:  gather,
	Affine:  affine,
	HashAt:  hashAt,
	Narrow:  narrow,
	Vec:     vec,
	Draw:    draw,
	Sign:    sign,
	Hash:    hash,
}

func macB(acc []int64, w []int16, e *Events) {
	for i, s := range e.s {
		if s == 0 {
			continue
		}
		row := w[e.rows[i]:][:len(acc)]
		for c, x := range row {
			acc[c] += int64(s) * int64(x)
		}
	}
}

func macR(acc []int64, w []int16, rows []int32, v *Vector) {
	for i, r := range rows {
		row := w[r:][:len(v.x)]
		var sum int64
		for c, x := range v.x {
			sum += int64(x) * int64(row[c])
		}
		acc[i] += sum
	}
}

func update(w []int16, u *Update, r Rows) { updateColumns(w, u, r, 0) }

// updateColumns executes columns from..N-1.
func updateColumns(w []int16, u *Update, r Rows, from int) {
	for i, at := range r.W {
		row := w[at:][:u.N]
		var rowHash uint32
		if u.Round == fixed.Stochastic {
			rowHash = r.H[i]
		}
		for c := from; c < u.N; c++ {
			var product int64
			switch u.Form {
			case Rank1:
				product = int64(u.Rate*int32(u.V[c])) * int64(r.S[i])
			case Pull:
				product = int64(u.Rate*int32(u.V[c])) * int64(fixed.Sat16(int64(r.S[i])-int64(row[c])))
			case Across:
				product = int64(u.Rate*int32(r.S[i])) * int64(fixed.Sat16(int64(u.V[c])-int64(row[c])))
			case Blend:
				product = int64(u.Rate) * int64(u.M[int(r.M[i])+c])
			}
			var addend uint16
			switch u.Round {
			case fixed.Nearest:
				addend = 0x8000
			case fixed.Stochastic:
				if product == 0 && !u.Assign {
					continue // delta is 0 whatever the draw
				}
				addend = uint16(fixed.Mix(rowHash^u.G[c>>1]) >> (16 * (c & 1)))
			}
			delta := fixed.Sat16(fixed.Shift(product, u.Shift, addend))
			switch {
			case u.Assign:
				row[c] = fixed.Clamp(delta, u.Lo, u.Hi)
			case delta != 0:
				row[c] = fixed.Clamp(fixed.Sat16(int64(row[c])+int64(delta)), u.Lo, u.Hi)
			}
		}
	}
}

func draw(dst []int16, g []uint32, h uint32) {
	for i, x := range g[:len(dst)/2] {
		d := fixed.Mix(h ^ x)
		dst[2*i] = int16(d)
		dst[2*i+1] = int16(d >> 16)
	}
}

func sign(dst []int16, g []uint32, h uint32) {
	for i, x := range g[:len(dst)/2] {
		d := fixed.Mix(h ^ x)
		dst[2*i] = int16(d)>>15 | 1
		dst[2*i+1] = int16(d>>16)>>15 | 1
	}
}

func hash(g []uint32, start, step uint32) {
	for i := range g {
		g[i] = fixed.Mix(start)
		start += step
	}
}

func gather(index []int32, scalars []int16, x []int16, base int32) int {
	n := 0
	for i, s := range x {
		index[n], scalars[n] = base+int32(i), s
		if s != 0 {
			n++
		}
	}
	return n
}

func affine(dst []int32, index []int32, start, step int32) {
	for i, k := range index {
		dst[i] = start + k*step
	}
}

func hashAt(dst []uint32, index []int32, start, step uint32) {
	for i, k := range index {
		dst[i] = fixed.Mix(start + uint32(k)*step)
	}
}

func narrow(dst []int16, acc []int64, addend Operand, shift uint, lo, hi int16) (overflow uint32) {
	for i := range dst {
		y := fixed.Shift(fixed.Wrap48(acc[i]), shift, uint16(addend.At(i)))
		if fixed.Overflows(y, lo, hi) {
			overflow++
		}
		dst[i] = fixed.Clamp(fixed.Sat16(y), lo, hi)
	}
	return overflow
}

func vec(dst []int16, f Function) (overflow uint32) {
	switch f.Fn {
	case isa.FnMac:
		for i := range dst {
			product := fixed.Shift(int64(f.A.At(i))*int64(f.B.At(i)), f.Shift, uint16(f.Addend.At(i)))
			total := int64(f.C.At(i)) + int64(fixed.Sat16(product))
			if fixed.Overflows(product, f.Lo, f.Hi) || fixed.Overflows(total, f.Lo, f.Hi) {
				overflow++
			}
			dst[i] = fixed.Clamp(fixed.Sat16(total), f.Lo, f.Hi)
		}
	case isa.FnMin:
		for i := range dst {
			dst[i] = fixed.Clamp(min(f.A.At(i), f.C.At(i)), f.Lo, f.Hi)
		}
	case isa.FnMax:
		for i := range dst {
			dst[i] = fixed.Clamp(max(f.A.At(i), f.C.At(i)), f.Lo, f.Hi)
		}
	case isa.FnGe:
		for i := range dst {
			y := f.Lo
			if f.A.At(i) >= f.C.At(i) {
				y = f.Hi
			}
			dst[i] = y
		}
	case isa.FnSel:
		for i := range dst {
			y := f.C.At(i)
			if f.A.At(i) != 0 {
				y = f.B.At(i)
			}
			dst[i] = fixed.Clamp(y, f.Lo, f.Hi)
		}
	}
	return overflow
}
