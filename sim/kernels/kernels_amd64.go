package kernels

import (
	"unsafe"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/firmware/isa"
	"golang.org/x/sys/cpu"
)

// Best returns the fastest set for this processor.
func Best() Set {
	if cpu.X86.HasAVX2 && cpu.X86.HasBMI2 {
		return avx2
	}
	return Portable
}

var avx2 = Set{
	Name:    "avx2",
	MacB:    macBFast,
	MacR:    macRFast,
	Prepare: prepare,
	Update:  updateFast,
	Gather:  gatherFast,
	Affine:  affineFast,
	HashAt:  hashAtFast,
	Narrow:  narrowFast,
	Vec:     vecFast,
	Draw:    drawFast,
	Sign:    signFast,
	Hash:    hashFast,
}

func macBFast(acc []int64, w []int16, e *Events) {
	if e.exact {
		macB(acc, w, e)
		return
	}
	if len(acc) == 0 {
		return
	}
	start := int32(0)
	for _, end := range e.ends {
		if end > start {
			macBAVX2(&acc[0], &w[0], &e.rows[2*start], &e.s[2*start], int(end-start), len(acc)/Block)
		}
		start = end
	}
}

func macRFast(acc []int64, w []int16, rows []int32, v *Vector) {
	if v.exact {
		macR(acc, w, rows, v)
		return
	}
	if len(rows) == 0 {
		return
	}
	start := int32(0)
	for _, end := range v.ends {
		if end > start {
			macRAVX2(&acc[0], &w[start], &rows[0], len(rows), &v.x[start], int(end-start)/Block)
		}
		start = end
	}
}

func updateFast(w []int16, u *Update, r Rows) {
	blocks := Pad(u.N) / Block
	if u.Form == Across || u.Form == Blend {
		blocks = u.N / Block // columns beyond N would change
	}
	if !u.plan.fast || blocks == 0 || len(r.W) == 0 {
		update(w, u, r)
		return
	}
	var hp, gp *uint32
	stochastic := u.Round == fixed.Stochastic
	if stochastic {
		hp, gp = &r.H[0], &u.G[0]
	}
	var x unsafe.Pointer
	if u.Form == Blend {
		x = unsafe.Pointer(&r.M[0])
	} else {
		x = unsafe.Pointer(&r.S[0])
	}
	var f func(w *int16, rows *int32, h *uint32, x *byte, n int, lane *byte, hash *uint32, blocks int, c *byte)
	var lane *byte
	switch {
	case u.Form == Rank1:
		lane = (*byte)(unsafe.Pointer(&u.plan.planes[0]))
		clamp, shift := u.Lo != -1<<15 || u.Hi != 1<<15-1, u.plan.params.m != 0
		switch {
		case stochastic && clamp && shift:
			f = updateRank1StochasticClampShiftAVX2
		case stochastic && clamp:
			f = updateRank1StochasticClampAVX2
		case stochastic && shift:
			f = updateRank1StochasticShiftAVX2
		case stochastic:
			f = updateRank1StochasticAVX2
		case clamp && shift:
			f = updateRank1ClampShiftAVX2
		case clamp:
			f = updateRank1ClampAVX2
		case shift:
			f = updateRank1ShiftAVX2
		default:
			f = updateRank1AVX2
		}
	case u.Form == Pull:
		lane = (*byte)(unsafe.Pointer(&u.plan.planes[0]))
		f = updatePullAVX2
		if stochastic {
			f = updatePullStochasticAVX2
		}
	case u.Form == Across:
		lane = (*byte)(unsafe.Pointer(&u.V[0]))
		f = updateAcrossAVX2
		if stochastic {
			f = updateAcrossStochasticAVX2
		}
	default:
		lane = (*byte)(unsafe.Pointer(&u.M[0]))
		switch {
		case u.Assign && stochastic:
			f = updateAssignStochasticAVX2
		case u.Assign:
			f = updateAssignAVX2
		case stochastic:
			f = updateBlendStochasticAVX2
		default:
			f = updateBlendAVX2
		}
	}
	f(&w[0], &r.W[0], hp, (*byte)(x), len(r.W), lane, gp, blocks, (*byte)(unsafe.Pointer(&u.plan.params)))
	if blocks*Block < u.N {
		updateColumns(w, u, r, blocks*Block)
	}
}

func gatherFast(index []int32, scalars []int16, x []int16, base int32) int {
	whole := len(x) &^ 7
	n := 0
	if whole > 0 {
		n = gatherAVX2(&index[0], &scalars[0], &x[0], whole/8, base)
	}
	return n + gather(index[n:], scalars[n:], x[whole:], base+int32(whole))
}

func affineFast(dst []int32, index []int32, start, step int32) {
	whole := len(index) &^ 7
	if whole > 0 {
		affineAVX2(&dst[0], &index[0], whole/8, start, step)
	}
	affine(dst[whole:], index[whole:], start, step)
}

func hashAtFast(dst []uint32, index []int32, start, step uint32) {
	whole := len(index) &^ 7
	if whole > 0 {
		hashAtAVX2(&dst[0], &index[0], whole/8, start, step)
	}
	hashAt(dst[whole:], index[whole:], start, step)
}

func drawFast(dst []int16, g []uint32, h uint32) {
	if len(dst) > 0 {
		drawAVX2(&dst[0], &g[0], h, len(dst)/Block)
	}
}

func signFast(dst []int16, g []uint32, h uint32) {
	if len(dst) > 0 {
		signAVX2(&dst[0], &g[0], h, len(dst)/Block)
	}
}

func hashFast(g []uint32, start, step uint32) {
	if len(g) == 0 {
		return
	}
	var first [8]uint32
	for i := range first {
		first[i] = start + uint32(i)*step
	}
	hashAVX2(&g[0], &first, step*8, len(g)/8)
}

// narrowing holds the constants of narrowAVX2, which knows the offsets.
type narrowing struct {
	lo, hi      int16     // 0, 2
	shift       uint32    // 4
	stride      int64     // 8: bytes from one block's addends to the next
	over, under int32     // 16, 20: results, negative counts
	_           [2]uint32 //
	order       [8]uint32 // 32: of the pairs of results
}

func narrowFast(dst []int16, acc []int64, addend Operand, shift uint, lo, hi int16) (overflow uint32) {
	if len(dst) == 0 {
		return 0
	}
	n := narrowing{lo: lo, hi: hi, shift: uint32(shift), order: [8]uint32{0, 4, 1, 5, 2, 6, 3, 7}}
	count := func() {
		if hi == 1<<15-1 {
			overflow -= uint32(n.over)
		}
		if lo == -1<<15 {
			overflow -= uint32(n.under)
		}
	}
	var constant [Block]int16
	r := &constant[0]
	if addend.X != nil {
		n.stride = 2 * Block
		r = &addend.X[0]
	} else {
		for i := range constant {
			constant[i] = addend.Const
		}
	}
	whole := len(dst) &^ (Block - 1)
	if whole > 0 {
		narrowAVX2(&dst[0], &acc[0], r, whole/Block, (*byte)(unsafe.Pointer(&n)))
		count()
	}
	if whole < len(dst) {
		var accs [Block]int64
		var out [Block]int16
		copy(accs[:], acc[whole:len(dst)])
		if addend.X != nil {
			copy(constant[:], addend.X[whole:len(dst)])
		}
		// An accumulator of 0 never overflows, whatever its addend.
		narrowAVX2(&out[0], &accs[0], &constant[0], 1, (*byte)(unsafe.Pointer(&n)))
		count()
		copy(dst[whole:], out[:])
	}
	return overflow
}

// pass holds the arguments of the elementwise kernels, which know the offsets. Strides are in bytes: those of a block, or
// 0 for a constant.
type pass struct {
	dst, a, b, c, r        *int16 // 0, 8, 16, 24, 32
	stepA, stepB, stepC    int64  // 40, 48, 56
	stepR                  int64  // 64
	blocks                 int64  // 72
	lo, hi, openLo, openHi int16  // 80, 82, 84, 86: open: -1 where an end is open, else 0
	before, draw, after    uint32 // 88, 92, 96: shifts of product, addend and sum
	overflow               uint32 // 100: result
	constants              [4][Block]int16
	out                    [Block]int16
}

func vecFast(dst []int16, f Function) (overflow uint32) {
	p := pass{lo: f.Lo, hi: f.Hi}
	if f.Lo == -1<<15 {
		p.openLo = -1
	}
	if f.Hi == 1<<15-1 {
		p.openHi = -1
	}
	// y = ((a·b >> before) + (addend >> draw)) >> after is fixed.Shift within 32 bits.
	p.before, p.draw, p.after = uint32(max(f.Shift, 16)-16), uint32(16-min(f.Shift, 16)), uint32(min(f.Shift, 16))
	execute := vecMacAVX2
	switch f.Fn {
	case isa.FnMin:
		execute = vecMinAVX2
	case isa.FnMax:
		execute = vecMaxAVX2
	case isa.FnGe:
		execute = vecGeAVX2
	case isa.FnSel:
		execute = vecSelAVX2
	}
	whole := len(dst) &^ (Block - 1)
	operands := [4]*Operand{&f.A, &f.B, &f.C, &f.Addend}
	first := [4]**int16{&p.a, &p.b, &p.c, &p.r}
	step := [4]*int64{&p.stepA, &p.stepB, &p.stepC, &p.stepR}
	for i, o := range operands {
		if o.X != nil && whole > 0 {
			*first[i], *step[i] = &o.X[0], 2*Block
			continue
		}
		*first[i] = &p.constants[i][0]
		for j := range p.constants[i] {
			p.constants[i][j] = o.Const
		}
	}
	if whole > 0 {
		p.dst, p.blocks = &dst[0], int64(whole/Block)
		execute((*byte)(unsafe.Pointer(&p)))
		overflow = p.overflow
	}
	if whole < len(dst) {
		for i, o := range operands {
			*first[i] = &p.constants[i][0]
			if o.X != nil {
				clear(p.constants[i][copy(p.constants[i][:], o.X[whole:len(dst)]):])
			} else {
				clear(p.constants[i][len(dst)-whole:]) // 0·0 + 0 does not overflow
			}
		}
		p.dst, p.blocks = &p.out[0], 1
		execute((*byte)(unsafe.Pointer(&p)))
		overflow += p.overflow
		copy(dst[whole:], p.out[:])
	}
	return overflow
}
