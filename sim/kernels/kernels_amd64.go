package kernels

import (
	"unsafe"

	"github.com/nmc-fpga/nmc/compiler/fixed"
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
