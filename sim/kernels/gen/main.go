// Command gen writes the AVX2 kernels.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("amd64")
	macB()
	macR()
	for _, stochastic := range []bool{false, true} {
		for _, clamp := range []bool{false, true} {
			for _, shift := range []bool{false, true} {
				update(variant{form: "Rank1", stochastic: stochastic, clamp: clamp, shift: shift})
			}
		}
		for _, form := range []string{"Pull", "Across", "Blend", "Assign"} {
			update(variant{form: form, stochastic: stochastic, clamp: true, shift: true})
		}
	}
	draw("drawAVX2", false)
	draw("signAVX2", true)
	hash()
	hashAt()
	affine()
	gather()
	extremes()
	planes()
	narrow()
	for _, fn := range []string{"Mac", "Min", "Max", "Ge", "Sel"} {
		vec(fn)
	}
	Generate()
}

// loop emits body for i = from, from+step, ... while i != to; from != to.
func loop(label string, i GPVirtual, step uint32, to Op, body func()) {
	Label(label)
	body()
	ADDQ(U32(step), i)
	CMPQ(i, to)
	JNE(LabelRef(label))
}

func zeroY() VecVirtual {
	z := YMM()
	VPXOR(z, z, z)
	return z
}

// macB: pairs of rows, interleaved with vpunpck so that one vpmaddwd adds both products of a column; a block's
// accumulators hold columns 0-3, 8-11 and 4-7, 12-15.
func macB() {
	TEXT("macBAVX2", NOSPLIT, "func(acc *int64, w *int16, rows *int32, s *int16, pairs int, blocks int)")
	Pragma("noescape")
	Doc("macBAVX2 adds to acc the products of pairs of rows with pairs of scalars; pairs and blocks are positive.")
	acc := Load(Param("acc"), GP64()).(GPVirtual)
	w := Load(Param("w"), GP64()).(GPVirtual)
	rows := Load(Param("rows"), GP64()).(GPVirtual)
	s := Load(Param("s"), GP64()).(GPVirtual)
	pairs := Load(Param("pairs"), GP64()).(GPVirtual)
	blocks := Load(Param("blocks"), GP64()).(GPVirtual)
	stripe := func(name string, wide int) {
		Label(name)
		CMPQ(blocks, U32(wide))
		JLT(LabelRef(name + "_end"))
		lo, hi := make([]VecVirtual, wide), make([]VecVirtual, wide)
		for b := range wide {
			lo[b], hi[b] = zeroY(), zeroY()
		}
		i, r0, r1 := GP64(), GP64(), GP64()
		XORQ(i, i)
		loop(name+"_pair", i, 1, pairs, func() {
			MOVLQSX(Mem{Base: rows, Index: i, Scale: 8}, r0)
			MOVLQSX(Mem{Base: rows, Index: i, Scale: 8, Disp: 4}, r1)
			x := YMM()
			VPBROADCASTD(Mem{Base: s, Index: i, Scale: 4}, x)
			for b := range wide {
				a, c, l, h := YMM(), YMM(), YMM(), YMM()
				VMOVDQU(Mem{Base: w, Index: r0, Scale: 2, Disp: 32 * b}, a)
				VMOVDQU(Mem{Base: w, Index: r1, Scale: 2, Disp: 32 * b}, c)
				VPUNPCKLWD(c, a, l)
				VPUNPCKHWD(c, a, h)
				VPMADDWD(x, l, l)
				VPMADDWD(x, h, h)
				VPADDD(l, lo[b], lo[b])
				VPADDD(h, hi[b], hi[b])
			}
		})
		for b := range wide {
			for q, part := range []VecVirtual{lo[b], hi[b], lo[b], hi[b]} {
				half, y := XMM(), YMM()
				VEXTRACTI128(Imm(uint64(q/2)), part, half)
				VPMOVSXDQ(half, y)
				at := Mem{Base: acc, Disp: 128*b + 32*q}
				VPADDQ(at, y, y)
				VMOVDQU(y, at)
			}
		}
		ADDQ(U32(32*wide), w)
		ADDQ(U32(128*wide), acc)
		SUBQ(U32(wide), blocks)
		JMP(LabelRef(name))
		Label(name + "_end")
	}
	stripe("four", 4)
	stripe("one", 1)
	VZEROUPPER()
	RET()
}

func macR() {
	TEXT("macRAVX2", NOSPLIT, "func(acc *int64, w *int16, rows *int32, n int, v *int16, blocks int)")
	Pragma("noescape")
	Doc("macRAVX2 adds to acc the dot products of n rows with v; blocks is positive.")
	acc := Load(Param("acc"), GP64()).(GPVirtual)
	w := Load(Param("w"), GP64()).(GPVirtual)
	rows := Load(Param("rows"), GP64()).(GPVirtual)
	n := Load(Param("n"), GP64()).(GPVirtual)
	v := Load(Param("v"), GP64()).(GPVirtual)
	end := Load(Param("blocks"), GP64()).(GPVirtual)
	SHLQ(Imm(5), end)
	stripe := func(name string, wide int) {
		Label(name)
		CMPQ(n, U32(wide))
		JLT(LabelRef(name + "_end"))
		sums, row := make([]VecVirtual, wide), make([]GPVirtual, wide)
		for k := range wide {
			sums[k], row[k] = zeroY(), GP64()
			MOVLQSX(Mem{Base: rows, Disp: 4 * k}, row[k])
			LEAQ(Mem{Base: w, Index: row[k], Scale: 2}, row[k])
		}
		i := GP64()
		XORQ(i, i)
		loop(name+"_block", i, 32, end, func() {
			x := YMM()
			VMOVDQU(Mem{Base: v, Index: i, Scale: 1}, x)
			for k := range wide {
				t := YMM()
				VPMADDWD(Mem{Base: row[k], Index: i, Scale: 1}, x, t)
				VPADDD(t, sums[k], sums[k])
			}
		})
		for k := range wide {
			half, a, b := XMM(), YMM(), YMM()
			VEXTRACTI128(Imm(1), sums[k], half)
			VPMOVSXDQ(half, a)
			VPMOVSXDQ(sums[k].AsX(), b)
			VPADDQ(a, b, a)
			VEXTRACTI128(Imm(1), a, half)
			VPADDQ(half, a.AsX(), half)
			VPSRLDQ(Imm(8), half, b.AsX())
			VPADDQ(half, b.AsX(), half)
			t := GP64()
			VMOVQ(half, t)
			ADDQ(t, Mem{Base: acc, Disp: 8 * k})
		}
		ADDQ(U32(4*wide), rows)
		ADDQ(U32(8*wide), acc)
		SUBQ(U32(wide), n)
		JMP(LabelRef(name))
		Label(name + "_end")
	}
	stripe("four", 4)
	stripe("one", 1)
	VZEROUPPER()
	RET()
}

// mix emits fixed.Mix in place without its last step and returns d>>16 of that, which is both the last step's
// operand and the draw of the odd columns.
func mix(d VecVirtual) (high VecVirtual) {
	t := YMM()
	VPMULLD(mul513, d, d)
	VPSRLD(Imm(11), d, t)
	VPXOR(t, d, d)
	VPMULLD(mul8193, d, d)
	high = YMM()
	VPSRLD(Imm(16), d, high)
	return high
}

var mul513, mul8193 VecVirtual

// factors sets the multipliers of mix.
func factors() {
	mul513, mul8193 = YMM(), YMM()
	t := GP32()
	for _, f := range []struct {
		v VecVirtual
		x uint32
	}{{mul513, 1 + 1<<9}, {mul8193, 1 + 1<<13}} {
		MOVL(U32(f.x), t)
		VMOVD(t, f.v.AsX())
		VPBROADCASTD(f.v.AsX(), f.v)
	}
}

const (
	evenWords = 0x55
	oddWords  = 0xaa
)

type variant struct {
	form                     string
	stochastic, clamp, shift bool
}

func (v variant) name() string {
	s := "update" + v.form
	if v.stochastic {
		s += "Stochastic"
	}
	if v.form == "Rank1" && v.clamp {
		s += "Clamp"
	}
	if v.form == "Rank1" && v.shift {
		s += "Shift"
	}
	return s + "AVX2"
}

// update: see type plan for the arithmetic. A 32-bit lane serves an even column in its low half and the odd one beside
// it in its high half.
func update(f variant) {
	TEXT(f.name(), NOSPLIT, "func(w *int16, rows *int32, h *uint32, x *byte, n int, lane *byte, hash *uint32, blocks int, c *byte)")
	Pragma("noescape")
	Doc(fmt.Sprintf("%s updates n rows; n and blocks are positive; lane is the planes (Rank1, Pull), V (Across) or M.", f.name()))
	w := Load(Param("w"), GP64()).(GPVirtual)
	rows := Load(Param("rows"), GP64()).(GPVirtual)
	var h, g GPVirtual
	if f.stochastic {
		h = Load(Param("h"), GP64()).(GPVirtual)
		g = Load(Param("hash"), GP64()).(GPVirtual)
	}
	x := Load(Param("x"), GP64()).(GPVirtual)
	n := Load(Param("n"), GP64()).(GPVirtual)
	lane := Load(Param("lane"), GP64()).(GPVirtual)
	end := Load(Param("blocks"), GP64()).(GPVirtual)
	c := Load(Param("c"), GP64()).(GPVirtual)
	SHLQ(Imm(5), end)

	var addend, low, high, zero VecVirtual
	if !f.stochastic {
		addend = YMM()
		VPBROADCASTD(Mem{Base: c, Disp: 0}, addend)
	}
	if f.stochastic || f.clamp || f.form != "Rank1" {
		zero = zeroY()
	}
	m := XMM()
	if f.shift {
		VMOVD(Mem{Base: c, Disp: 4}, m)
	}
	if f.clamp {
		low, high = YMM(), YMM()
		VPBROADCASTW(Mem{Base: c, Disp: 12}, low)
		VPBROADCASTW(Mem{Base: c, Disp: 14}, high)
	}
	p := YMM() // Across, Blend: P'
	if f.form == "Blend" || f.form == "Assign" {
		VPBROADCASTD(Mem{Base: c, Disp: 24}, p)
	}
	e := XMM()
	if f.form == "Across" {
		VMOVD(Mem{Base: c, Disp: 28}, e)
	}

	if f.stochastic {
		factors()
	}
	i := GP64()
	XORQ(i, i)
	loop("row", i, 1, n, func() {
		row, planes, source := GP64(), GP64(), GP64()
		MOVLQSX(Mem{Base: rows, Index: i, Scale: 4}, row)
		LEAQ(Mem{Base: w, Index: row, Scale: 2}, row)
		rowHash, xLow, xHigh := YMM(), YMM(), YMM()
		if f.stochastic {
			VPBROADCASTD(Mem{Base: h, Index: i, Scale: 4}, rowHash)
		}
		at := Mem{Base: x, Index: i, Scale: 2}
		switch f.form {
		case "Rank1":
			s, j := GP32(), GP32()
			MOVQ(lane, planes)
			MOVL(Mem{Base: c, Disp: 8}, j)
			MOVWLSX(at, s)
			TESTL(s, s)
			JGE(LabelRef("positive"))
			NEGL(s)
			ADDQ(Mem{Base: c, Disp: 16}, planes)
			Label("positive")
			SHLXL(j, s, s)
			VMOVD(s, xLow.AsX())
			VPBROADCASTD(xLow.AsX(), xLow)
			VPSLLD(Imm(16), xLow, xHigh)
		case "Pull":
			VPBROADCASTW(at, xLow)
		case "Across":
			s := GP32()
			MOVWLSX(at, s)
			IMULL(Mem{Base: c, Disp: 24}, s)
			VMOVD(s, p.AsX())
			VPBROADCASTD(p.AsX(), p)
			VPSLLD(e, p, p)
		case "Blend", "Assign":
			MOVLQSX(Mem{Base: x, Index: i, Scale: 4}, source)
			LEAQ(Mem{Base: lane, Index: source, Scale: 2}, source)
		}
		o := GP64()
		XORQ(o, o)
		loop("block", o, 32, end, func() {
			weight := YMM()
			atW := Mem{Base: row, Index: o, Scale: 1}
			// P' of the even and odd columns.
			even, odd := p, p
			switch f.form {
			case "Rank1":
				even, odd = YMM(), YMM()
				VMOVDQU(Mem{Base: planes, Index: o, Scale: 2}, even)
				VMOVDQU(Mem{Base: planes, Index: o, Scale: 2, Disp: 32}, odd)
			case "Pull":
				even, odd = YMM(), YMM()
				VMOVDQU(Mem{Base: lane, Index: o, Scale: 2}, even)
				VMOVDQU(Mem{Base: lane, Index: o, Scale: 2, Disp: 32}, odd)
			}
			// t of the even and odd columns.
			te, to := YMM(), YMM()
			if f.form == "Rank1" {
				ue, uo := YMM(), YMM()
				VPMULHUW(xLow, even, ue)
				VPMADDWD(xHigh, even, te)
				VPADDD(ue, te, te)
				VPMULHUW(xLow, odd, uo)
				VPMADDWD(xHigh, odd, to)
				VPADDD(uo, to, to)
			} else {
				v := YMM()
				switch f.form {
				case "Pull":
					VMOVDQU(atW, weight)
					VPSUBSW(weight, xLow, v)
				case "Across":
					VMOVDQU(atW, weight)
					VMOVDQU(Mem{Base: lane, Index: o, Scale: 1}, v)
					VPSUBSW(weight, v, v)
				default:
					VMOVDQU(Mem{Base: source, Index: o, Scale: 1}, v)
				}
				// vpmulhuw reads a negative x as x + 2^16, which adds the low half of P' to the result.
				sign := YMM()
				VPSRAW(Imm(15), v, sign)
				column := func(p, t VecVirtual, high, low, negative func(src, dst VecVirtual)) {
					a, b, c := YMM(), YMM(), YMM()
					high(v, a)
					VPMADDWD(a, p, t)
					low(v, b)
					VPMULHUW(b, p, b)
					VPADDD(b, t, t)
					negative(sign, c)
					VPAND(p, c, c)
					VPSUBD(c, t, t)
				}
				keepEven := func(src, dst VecVirtual) { VPBLENDW(Imm(oddWords), zero, src, dst) }
				keepOdd := func(src, dst VecVirtual) { VPBLENDW(Imm(evenWords), zero, src, dst) }
				up := func(src, dst VecVirtual) { VPSLLD(Imm(16), src, dst) }
				down := func(src, dst VecVirtual) { VPSRLD(Imm(16), src, dst) }
				column(even, te, up, keepEven, keepEven)
				column(odd, to, keepOdd, down, down)
			}
			if f.shift {
				VPSRAD(m, te, te)
				VPSRAD(m, to, to)
			}
			if f.stochastic {
				d := YMM()
				VPXOR(Mem{Base: g, Index: o, Scale: 1}, rowHash, d)
				highs := mix(d)
				VPXOR(highs, d, d)
				VPBLENDW(Imm(oddWords), zero, d, d)
				VPADDD(d, te, te)
				VPADDD(highs, to, to)
			} else {
				VPADDD(addend, te, te)
				VPADDD(addend, to, to)
			}
			VPSRLD(Imm(16), te, te)
			delta := YMM()
			VPBLENDW(Imm(oddWords), to, te, delta)
			switch {
			case f.form == "Assign":
				VPMAXSW(low, delta, delta)
				VPMINSW(high, delta, delta)
				VMOVDQU(delta, atW)
			case f.clamp:
				if f.form == "Rank1" || f.form == "Blend" {
					VMOVDQU(atW, weight)
				}
				y, keep := YMM(), YMM()
				VPADDSW(weight, delta, y)
				VPMAXSW(low, y, y)
				VPMINSW(high, y, y)
				VPCMPEQW(zero, delta, keep)
				VPBLENDVB(keep, weight, y, y)
				VMOVDQU(y, atW)
			default:
				y := YMM()
				VPADDSW(atW, delta, y)
				VMOVDQU(y, atW)
			}
		})
	})
	VZEROUPPER()
	RET()
}

// broadcast fills v with a 32-bit parameter.
func broadcast(name string, v VecVirtual) {
	t := Load(Param(name), GP32())
	VMOVD(t, v.AsX())
	VPBROADCASTD(v.AsX(), v)
}

func draw(name string, sign bool) {
	TEXT(name, NOSPLIT, "func(dst *int16, hash *uint32, h uint32, blocks int)")
	Pragma("noescape")
	Doc(name + " writes the draws of a row; blocks is positive.")
	dst := Load(Param("dst"), GP64()).(GPVirtual)
	g := Load(Param("hash"), GP64()).(GPVirtual)
	h := YMM()
	broadcast("h", h)
	end := Load(Param("blocks"), GP64()).(GPVirtual)
	SHLQ(Imm(5), end)
	var one VecVirtual
	if sign {
		one = YMM()
		VPCMPEQW(one, one, one)
		VPSRLW(Imm(15), one, one)
	}
	factors()
	o := GP64()
	XORQ(o, o)
	loop("block", o, 32, end, func() {
		d := YMM()
		VPXOR(Mem{Base: g, Index: o, Scale: 1}, h, d)
		highs := mix(d)
		VPXOR(highs, d, d)
		if sign {
			VPSRAW(Imm(15), d, d)
			VPOR(one, d, d)
		}
		VMOVDQU(d, Mem{Base: dst, Index: o, Scale: 1})
	})
	VZEROUPPER()
	RET()
}

func hash() {
	TEXT("hashAVX2", NOSPLIT, "func(hash *uint32, first *[8]uint32, step uint32, groups int)")
	Pragma("noescape")
	Doc("hashAVX2 writes Mix(first + 8·i·step) in groups of eight; groups is positive and step already times eight.")
	g := Load(Param("hash"), GP64()).(GPVirtual)
	first := Load(Param("first"), GP64()).(GPVirtual)
	x, step := YMM(), YMM()
	VMOVDQU(Mem{Base: first}, x)
	broadcast("step", step)
	end := Load(Param("groups"), GP64()).(GPVirtual)
	SHLQ(Imm(5), end)
	factors()
	o := GP64()
	XORQ(o, o)
	loop("group", o, 32, end, func() {
		d := YMM()
		VMOVDQA(x, d)
		highs := mix(d)
		VPXOR(highs, d, d)
		VMOVDQU(d, Mem{Base: g, Index: o, Scale: 1})
		VPADDD(step, x, x)
	})
	VZEROUPPER()
	RET()
}

// indexed emits a loop over groups of eight indices; f gets start + index·step.
func indexed(name, doc, dst string, f func(y VecVirtual)) {
	TEXT(name, NOSPLIT, "func(dst *"+dst+", index *int32, groups int, start, step "+dst+")")
	Pragma("noescape")
	Doc(name + " " + doc + "; groups is positive.")
	out := Load(Param("dst"), GP64()).(GPVirtual)
	index := Load(Param("index"), GP64()).(GPVirtual)
	end := Load(Param("groups"), GP64()).(GPVirtual)
	start, step := YMM(), YMM()
	broadcast("start", start)
	broadcast("step", step)
	SHLQ(Imm(5), end)
	factors()
	o := GP64()
	XORQ(o, o)
	loop("group", o, 32, end, func() {
		y := YMM()
		VPMULLD(Mem{Base: index, Index: o, Scale: 1}, step, y)
		VPADDD(start, y, y)
		f(y)
		VMOVDQU(y, Mem{Base: out, Index: o, Scale: 1})
	})
	VZEROUPPER()
	RET()
}

func affine() {
	indexed("affineAVX2", "writes start + index·step in groups of eight", "int32", func(VecVirtual) {})
}

func hashAt() {
	indexed("hashAtAVX2", "writes Mix(start + index·step) in groups of eight", "uint32", func(y VecVirtual) {
		VPXOR(mix(y), y, y)
	})
}

// gather: a byte mask of eight elements selects the bytes 0..7 that are their indices (pext), which then select the
// elements themselves (pshufb).
func gather() {
	TEXT("gatherAVX2", NOSPLIT, "func(index *int32, scalars *int16, x *int16, groups int, base int32) int")
	Pragma("noescape")
	Doc("gatherAVX2 writes indices and values of the elements that are not zero, in groups of eight; groups is positive.")
	index := Load(Param("index"), GP64()).(GPVirtual)
	scalars := Load(Param("scalars"), GP64()).(GPVirtual)
	x := Load(Param("x"), GP64()).(GPVirtual)
	end := Load(Param("groups"), GP64()).(GPVirtual)
	base := YMM()
	broadcast("base", base)
	SHLQ(Imm(4), end)
	identity, eight, spread, second := GP64(), YMM(), XMM(), XMM()
	MOVQ(U64(0x0706050403020100), identity)
	t := GP32()
	constant := func(v VecVirtual, x uint32) {
		MOVL(U32(x), t)
		VMOVD(t, v.AsX())
		VPBROADCASTD(v.AsX(), v)
	}
	constant(eight, 8)
	constant(spread, 0x02020202)
	constant(second, 0x01000100)
	zero := XMM()
	VPXOR(zero, zero, zero)
	o, n := GP64(), GP64()
	XORQ(o, o)
	XORQ(n, n)
	loop("group", o, 16, end, func() {
		v, m, y := XMM(), XMM(), YMM()
		VMOVDQU(Mem{Base: x, Index: o, Scale: 1}, v)
		VPCMPEQW(zero, v, m)
		VPACKSSWB(m, m, m)
		mask, bytes := GP64(), GP64()
		VMOVQ(m, mask)
		NOTQ(mask)
		PEXTQ(mask, identity, bytes)
		VMOVQ(bytes, m)
		VPMOVZXBD(m, y)
		VPADDD(base, y, y)
		VMOVDQU(y, Mem{Base: index, Index: n, Scale: 4})
		VPMOVZXBW(m, m)
		VPMULLW(spread, m, m)
		VPADDW(second, m, m)
		// Index i of eight becomes bytes 2i and 2i+1.
		VPSHUFB(m, v, v)
		VMOVDQU(v, Mem{Base: scalars, Index: n, Scale: 2})
		POPCNTQ(mask, mask)
		SHRQ(Imm(3), mask)
		ADDQ(mask, n)
		VPADDD(eight, base, base)
	})
	Store(n, ReturnIndex(0))
	VZEROUPPER()
	RET()
}

func extremes() {
	TEXT("rangeAVX2", NOSPLIT, "func(ends *[2]int16, x *int16, blocks int)")
	Pragma("noescape")
	Doc("rangeAVX2 sets ends to the least and the largest of the elements and 0; blocks is positive.")
	ends := Load(Param("ends"), GP64()).(GPVirtual)
	x := Load(Param("x"), GP64()).(GPVirtual)
	end := Load(Param("blocks"), GP64()).(GPVirtual)
	SHLQ(Imm(5), end)
	lo, hi := zeroY(), zeroY()
	o := GP64()
	XORQ(o, o)
	loop("block", o, 32, end, func() {
		v := YMM()
		VMOVDQU(Mem{Base: x, Index: o, Scale: 1}, v)
		VPMINSW(v, lo, lo)
		VPMAXSW(v, hi, hi)
	})
	for i, v := range []VecVirtual{lo, hi} {
		f := VPMINSW
		if i == 1 {
			f = VPMAXSW
		}
		t := XMM()
		VEXTRACTI128(Imm(1), v, t)
		f(v.AsX(), t, t)
		for _, bytes := range []uint64{8, 4, 2} {
			u := XMM()
			VPSRLDQ(Imm(bytes), t, u)
			f(u, t, t)
		}
		VPEXTRW(Imm(0), t, Mem{Base: ends, Disp: 2 * i})
	}
	VZEROUPPER()
	RET()
}

func planes() {
	TEXT("planesAVX2", NOSPLIT, "func(planes *int32, v *int16, blocks int, rate int32, e uint32)")
	Pragma("noescape")
	Doc("planesAVX2 writes rate·v·2^e by blocks, even columns before odd ones; blocks is positive.")
	out := Load(Param("planes"), GP64()).(GPVirtual)
	v := Load(Param("v"), GP64()).(GPVirtual)
	end := Load(Param("blocks"), GP64()).(GPVirtual)
	rate, e := YMM(), XMM()
	broadcast("rate", rate)
	VMOVD(Load(Param("e"), GP32()), e)
	SHLQ(Imm(5), end)
	o := GP64()
	XORQ(o, o)
	loop("block", o, 32, end, func() {
		even, odd := YMM(), YMM()
		VMOVDQU(Mem{Base: v, Index: o, Scale: 1}, odd)
		VPSLLD(Imm(16), odd, even)
		for i, x := range []VecVirtual{even, odd} {
			VPSRAD(Imm(16), x, x)
			VPMULLD(rate, x, x)
			VPSLLD(e, x, x)
			VMOVDQU(x, Mem{Base: out, Index: o, Scale: 2, Disp: 32 * i})
		}
	})
	VZEROUPPER()
	RET()
}

// narrow: z = (acc·2^16 >> shift) + addend, a 64-bit number whose bits 47:16 are the result. It fits 16 bits when the
// high half of z only repeats the sign of the low half.
func narrow() {
	TEXT("narrowAVX2", NOSPLIT, "func(dst *int16, acc *int64, r *int16, blocks int, c *byte)")
	Pragma("noescape")
	Doc("narrowAVX2 rounds blocks of accumulators; r is the addends, one for each or (stride 0) sixteen for all; blocks is positive.")
	dst := Load(Param("dst"), GP64()).(GPVirtual)
	acc := Load(Param("acc"), GP64()).(GPVirtual)
	r := Load(Param("r"), GP64()).(GPVirtual)
	blocks := Load(Param("blocks"), GP64()).(GPVirtual)
	c := Load(Param("c"), GP64()).(GPVirtual)
	lo, hi, top, bias, order := YMM(), YMM(), YMM(), YMM(), YMM()
	shift := XMM()
	VPBROADCASTW(Mem{Base: c, Disp: 0}, lo)
	VPBROADCASTW(Mem{Base: c, Disp: 2}, hi)
	VMOVD(Mem{Base: c, Disp: 4}, shift)
	stride := GP64()
	MOVQ(Mem{Base: c, Disp: 8}, stride)
	VMOVDQU(Mem{Base: c, Disp: 32}, order)
	VPCMPEQD(top, top, top)
	VPSLLQ(Imm(63), top, top)
	VPSRLQ(shift, top, bias)
	over, under := zeroY(), zeroY() // minus the counts
	Label("block")
	var z [4]VecVirtual
	for i := range z {
		z[i] = YMM()
		t := YMM()
		VMOVDQU(Mem{Base: acc, Disp: 32 * i}, z[i])
		VPSLLQ(Imm(16), z[i], z[i])
		VPXOR(top, z[i], z[i])
		VPSRLQ(shift, z[i], z[i])
		VPSUBQ(bias, z[i], z[i])
		VPMOVZXWQ(Mem{Base: r, Disp: 8 * i}, t)
		VPADDQ(t, z[i], z[i])
	}
	var y [2]VecVirtual
	for i := range y {
		low, high, fits := YMM(), YMM(), YMM()
		VSHUFPS(Imm(0x88), z[2*i+1], z[2*i], low)
		VSHUFPS(Imm(0xdd), z[2*i+1], z[2*i], high)
		VPSRAD(Imm(31), low, fits)
		VPCMPEQD(fits, high, fits)
		sign, end, t := YMM(), YMM(), YMM()
		VPSRAD(Imm(31), high, sign)
		VPANDN(sign, fits, t)
		VPADDD(t, under, under)
		VPOR(sign, fits, t)
		VPCMPEQD(end, end, end)
		VPXOR(end, t, t)
		VPADDD(t, over, over)
		VPSRLD(Imm(17), end, end)
		VPXOR(sign, end, end)
		y[i] = YMM()
		VPSRAD(Imm(16), low, y[i])
		VPBLENDVB(fits, y[i], end, y[i])
	}
	VPACKSSDW(y[1], y[0], y[0])
	VPERMD(y[0], order, y[0])
	VPMAXSW(lo, y[0], y[0])
	VPMINSW(hi, y[0], y[0])
	VMOVDQU(y[0], Mem{Base: dst})
	ADDQ(U32(32), dst)
	ADDQ(U32(128), acc)
	ADDQ(stride, r)
	DECQ(blocks)
	JNZ(LabelRef("block"))
	storeSum(over, Mem{Base: c, Disp: 16})
	storeSum(under, Mem{Base: c, Disp: 20})
	VZEROUPPER()
	RET()
}

// storeSum stores the sum of eight 32-bit numbers.
func storeSum(v VecVirtual, to Mem) {
	t, u := XMM(), XMM()
	VEXTRACTI128(Imm(1), v, t)
	VPADDD(v.AsX(), t, t)
	VPSRLDQ(Imm(8), t, u)
	VPADDD(u, t, t)
	VPSRLDQ(Imm(4), t, u)
	VPADDD(u, t, t)
	VMOVD(t, to)
}

// vec: see type pass of the package for the arguments.
func vec(fn string) {
	name := "vec" + fn + "AVX2"
	TEXT(name, NOSPLIT, "func(args *byte)")
	Pragma("noescape")
	Doc(name + " executes a pass over blocks of elements; args is a pass with a positive number of blocks.")
	args := Load(Param("args"), GP64()).(GPVirtual)
	at := func(disp int) Mem { return Mem{Base: args, Disp: disp} }
	load := func(disp int) GPVirtual {
		r := GP64()
		MOVQ(at(disp), r)
		return r
	}
	dst, blocks := load(0), load(72)
	a, c := load(8), load(24)
	var b, r GPVirtual
	if fn == "Mac" || fn == "Sel" {
		b = load(16)
	}
	lo, hi := YMM(), YMM()
	VPBROADCASTW(at(80), lo)
	VPBROADCASTW(at(82), hi)
	openLo, openHi, zero, count := YMM(), YMM(), YMM(), YMM()
	before, draw, after := XMM(), XMM(), XMM()
	if fn == "Mac" {
		r = load(32)
		VPBROADCASTW(at(84), openLo)
		VPBROADCASTW(at(86), openHi)
		VMOVD(at(88), before)
		VMOVD(at(92), draw)
		VMOVD(at(96), after)
		VPXOR(count, count, count)
	}
	if fn == "Mac" || fn == "Sel" {
		VPXOR(zero, zero, zero)
	}
	Label("block")
	x, z, y := YMM(), YMM(), YMM()
	VMOVDQU(Mem{Base: a}, x)
	if fn != "Mac" {
		VMOVDQU(Mem{Base: c}, z)
	}
	switch fn {
	case "Mac":
		f, l, h := YMM(), YMM(), YMM()
		VMOVDQU(Mem{Base: b}, f)
		VPMULLW(f, x, l)
		VPMULHW(f, x, h)
		d := YMM()
		VMOVDQU(Mem{Base: r}, d)
		var half, fits [2]VecVirtual
		for i, unpack := range []func(ops ...Op){
			func(o ...Op) { VPUNPCKLWD(o[0], o[1], o[2]) },
			func(o ...Op) { VPUNPCKHWD(o[0], o[1], o[2]) },
		} {
			p, e := YMM(), YMM()
			unpack(h, l, p)
			unpack(zero, d, e)
			VPSRAD(before, p, p)
			VPSRLD(draw, e, e)
			VPADDD(e, p, p)
			VPSRAD(after, p, p)
			half[i], fits[i] = p, YMM()
			VPSLLD(Imm(16), p, fits[i])
			VPSRAD(Imm(16), fits[i], fits[i])
			VPCMPEQD(p, fits[i], fits[i])
		}
		product := YMM()
		VPACKSSDW(half[1], half[0], product)
		VPACKSSDW(fits[1], fits[0], fits[0])
		// A sum leaves 16 bits where it differs from the wrapped one; it and the product do so on the product's side.
		wrapped, open := YMM(), YMM()
		VMOVDQU(Mem{Base: c}, z)
		VPADDSW(product, z, y)
		VPADDW(product, z, wrapped)
		VPCMPEQW(wrapped, y, wrapped)
		VPAND(fits[0], wrapped, wrapped)
		VPSRAW(Imm(15), product, open)
		VPBLENDVB(open, openLo, openHi, open)
		VPANDN(open, wrapped, open)
		VPSUBW(open, count, count)
	case "Min":
		VPMINSW(z, x, y)
	case "Max":
		VPMAXSW(z, x, y)
	case "Ge":
		VPCMPGTW(x, z, y)
		VPBLENDVB(y, lo, hi, y)
	case "Sel":
		VPCMPEQW(zero, x, y)
		f := YMM()
		VMOVDQU(Mem{Base: b}, f)
		VPBLENDVB(y, z, f, y)
	}
	if fn != "Ge" {
		VPMAXSW(lo, y, y)
		VPMINSW(hi, y, y)
	}
	VMOVDQU(y, Mem{Base: dst})
	ADDQ(U32(32), dst)
	ADDQ(at(40), a)
	if b != nil {
		ADDQ(at(48), b)
	}
	ADDQ(at(56), c)
	if r != nil {
		ADDQ(at(64), r)
	}
	DECQ(blocks)
	JNZ(LabelRef("block"))
	if fn == "Mac" {
		one := YMM()
		VPCMPEQW(one, one, one)
		VPSRLW(Imm(15), one, one)
		VPMADDWD(one, count, count)
		storeSum(count, at(100))
	}
	VZEROUPPER()
	RET()
}
