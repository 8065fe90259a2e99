package kernels

import (
	"encoding/binary"
	"slices"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/fixed"
)

// source hands out fuzzed bytes, and zeros when they are used up.
type source []byte

func (s *source) u8() uint8 {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return b
}

func (s *source) i16() int16 { return int16(s.u8()) | int16(s.u8())<<8 }

// elements repeats what is left of the input, a little changed each time around, over n elements.
func (s *source) elements(n int) []int16 {
	raw := append([]byte(*s), 1)
	if len(raw)&1 != 0 {
		raw = append(raw, 0)
	}
	xs := make([]int16, n)
	for i := range xs {
		xs[i] = int16(binary.LittleEndian.Uint16(raw[2*i%len(raw):])) + int16(2*i/len(raw))
	}
	return xs
}

// seeds are inputs at the edges: all zeros, all ones, -32768 everywhere, and a little of each.
func seeds(f *testing.F) {
	f.Add([]byte{})
	f.Add(slices.Repeat([]byte{0xff}, 64))
	f.Add(slices.Repeat([]byte{0x00, 0x80}, 64))
	f.Add(slices.Repeat([]byte{0xff, 0x7f}, 64))
	f.Add([]byte("\x03\x21\x10\x02\x1e\xff\x7f\x00\x80\x01\x00\xff\xff\x34\x12"))
}

// FuzzUpdate holds the best set to the portable one.
func FuzzUpdate(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		s := source(data)
		u := Update{
			Form:  Form(s.u8() % 4),
			N:     1 + int(s.u8()%80),
			Shift: uint(s.u8() % 48),
			Round: fixed.Rounding(s.u8() % 3),
			Rate:  fixed.Rate(int32(s.i16()) << 16),
			Lo:    -1 << 15,
			Hi:    1<<15 - 1,
		}
		if s.u8()&1 != 0 {
			u.Lo, u.Hi = s.i16(), s.i16()
		}
		u.Assign = u.Form == Blend && s.u8()&1 != 0
		n, stride := 1+int(s.u8()%5), u.N+int(s.u8()%20)
		u.G = make([]uint32, Pad(u.N)/2)
		hash(u.G, uint32(s.i16()), fixed.ColStep)
		var r Rows
		for i := range n {
			r.W = append(r.W, int32(i*stride))
			r.M = append(r.M, int32((n-1-i)*stride))
			r.H = append(r.H, uint32(i)*fixed.RowStep)
		}
		r.S = s.elements(n)
		u.V = s.elements(u.N)
		u.M = s.elements(n*stride + Block)
		w := s.elements(n*stride + Block)
		want := slices.Clone(w)
		update(want, &u, r)
		best := Best()
		best.Prepare(&u, r.S)
		best.Update(w, &u, r)
		if !slices.Equal(w, want) {
			t.Errorf("%s differs: got %v, want %v", best.Name, w, want)
		}
	})
}

// FuzzMac holds broadcast and reduction of the best set to the portable one.
func FuzzMac(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		s := source(data)
		cols, n := 1+int(s.u8()%100), int(s.u8()%50)
		stride := Pad(cols) + int(s.u8()%20)
		rows := make([]int32, n, n+1)
		for i := range rows {
			rows[i] = int32(i * stride)
		}
		scalars, x, w := s.elements(n + 1)[:n], s.elements(cols), s.elements(n*stride+Block)
		best := Best()

		var e Events
		e.Set(rows, scalars)
		got, want := make([]int64, Pad(cols)), make([]int64, Pad(cols))
		macB(want, w, &e)
		best.MacB(got, w, &e)
		if !slices.Equal(got, want) {
			t.Errorf("broadcast: got %v, want %v", got, want)
		}

		var v Vector
		v.Set(x)
		got, want = make([]int64, n), make([]int64, n)
		macR(want, w, rows, &v)
		best.MacR(got, w, rows, &v)
		if !slices.Equal(got, want) {
			t.Errorf("reduction: got %v, want %v", got, want)
		}
	})
}

// FuzzVec holds narrowing and the elementwise functions of the best set to the portable one.
func FuzzVec(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		s := source(data)
		n := 1 + int(s.u8()%70)
		fn := Function{Fn: int(s.u8() % 5), Shift: uint(s.u8() % 48), Lo: -1 << 15, Hi: 1<<15 - 1}
		bounds := s.u8()
		if bounds&1 != 0 {
			fn.Lo = s.i16()
		}
		if bounds&2 != 0 {
			fn.Hi = s.i16()
		}
		for i, o := range []*Operand{&fn.A, &fn.B, &fn.C, &fn.Addend} {
			if bounds&(4<<i) != 0 {
				o.X = s.elements(n)
			}
			o.Const = s.i16()
		}
		best := Best()
		got, want := make([]int16, n), make([]int16, n)
		if a, b := best.Vec(got, fn), vec(want, fn); a != b || !slices.Equal(got, want) {
			t.Errorf("%s of %+v: got %v, %d overflows, want %v, %d", best.Name, fn, got, a, want, b)
		}
		acc := make([]int64, Pad(n))
		for i, x := range s.elements(4 * n) {
			acc[i/4] = acc[i/4]<<16 | int64(uint16(x))
		}
		if a, b := best.Narrow(got, acc, fn.Addend, fn.Shift, fn.Lo, fn.Hi), narrow(want, acc, fn.Addend, fn.Shift, fn.Lo, fn.Hi); a != b || !slices.Equal(got, want) {
			t.Errorf("narrow of %v: got %v, %d overflows, want %v, %d", acc, got, a, want, b)
		}
	})
}
