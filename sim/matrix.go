package sim

import (
	"math"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/firmware/isa"
	"github.com/nmc-fpga/nmc/sim/kernels"
)

// scratch is working memory that instructions reuse.
type scratch struct {
	index   []int32 // scalar-side indices k of the rows that take part
	scalars []int16 // their elements
	rows    []int32 // their offsets in W
	x       []int32 // per row operand of an update
	hashes  []uint32
	events  kernels.Events
	vector  kernels.Vector
	update  kernels.Update
	acc     []int64
	columns []uint32 // column hashes
	draws   []int16
	drawn   []int16 // rows of W or M that are draws
	consts  [3][]int16
}

// drawnRows is how many rows of a drawn W are made at a time.
const drawnRows = 16

// grow returns s with length n; what it held is lost.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/2)
	}
	return s[:n]
}

// matrix executes a matrix instruction with the kernels.
func (m *Machine) matrix(in *instruction, w *walk) {
	if m.reference {
		m.referenceMatrix(in, w)
		return
	}
	switch in.code {
	case isa.MacB:
		m.macB(in, w)
	case isa.MacR:
		m.macR(in, w)
	case isa.UpdB, isa.UpdR:
		m.rank1(in, w)
	case isa.Blend:
		m.blend(in, w)
	}
}

// gather lists the scalar side: its elements that are not zero, or all.
func (m *Machine) gather(w *walk, all bool) {
	x := &m.scratch
	x.index = grow(x.index, w.rows()+1)
	x.scalars = grow(x.scalars, w.rows()+1)
	n, k := 0, int32(0)
	for o := range w.outer {
		run := m.vectors[w.scalar0+o*w.stride:][:w.inner]
		index, scalars := x.index[n:][:len(run)+1], x.scalars[n:][:len(run)+1]
		j := 0
		for _, s := range run {
			index[j], scalars[j] = k, s
			k++
			if s != 0 || all {
				j++
			}
		}
		n += j
	}
	x.index, x.scalars = x.index[:n], x.scalars[:n]
}

// locate sets the rows of W from the indices.
func (x *scratch) locate(w *walk) {
	x.rows = grow(x.rows, len(x.index))
	for i, k := range x.index {
		x.rows[i] = int32(w.w0 + int(k)*w.rstride)
	}
}

// hashColumns sets the column hashes of n columns, padded.
func (m *Machine) hashColumns(n int) {
	x := &m.scratch
	x.columns = grow(x.columns, kernels.Pad(n)/2)
	m.kernels.Hash(x.columns, m.key.Col, fixed.ColStep)
}

// drawColumns sets draws to the draws of row 0.
func (m *Machine) drawColumns(n int) []int16 {
	x := &m.scratch
	m.hashColumns(n)
	x.draws = grow(x.draws, kernels.Pad(n))
	m.kernels.Draw(x.draws, x.columns, m.key.RowHash(0))
	return x.draws
}

// drawRows makes rows of a drawn W, for the indices given, one after another; it returns them and sets rows to their
// offsets.
func (m *Machine) drawRows(wsrc int, index []int32, cols int) []int16 {
	x := &m.scratch
	n := kernels.Pad(cols)
	x.drawn = grow(x.drawn, drawnRows*n)
	x.rows = grow(x.rows, len(index))
	f := m.kernels.Draw
	if wsrc == isa.WSign {
		f = m.kernels.Sign
	}
	for i, k := range index {
		x.rows[i] = int32(i * n)
		f(x.drawn[i*n:][:n], x.columns, m.key.RowHash(uint32(k)))
	}
	return x.drawn
}

func (m *Machine) macB(in *instruction, w *walk) {
	x := &m.scratch
	m.gather(w, false)
	x.acc = grow(x.acc, kernels.Pad(w.cols))
	clear(x.acc)
	if in.widein {
		m.loadWides(x.acc[:w.cols], w)
	}
	if in.wsrc == isa.WMem {
		x.locate(w)
		x.events.Set(x.rows, x.scalars)
		m.broadcast(x.acc, m.padded)
	} else {
		m.hashColumns(w.cols)
		for i := 0; i < len(x.index); i += drawnRows {
			end := min(i+drawnRows, len(x.index))
			drawn := m.drawRows(in.wsrc, x.index[i:end], w.cols)
			x.events.Set(x.rows, x.scalars[i:end])
			m.kernels.MacB(x.acc, drawn, &x.events)
		}
	}
	if in.wideout {
		m.storeWides(x.acc[:w.cols], w)
		return
	}
	var draws []int16
	if in.round == fixed.Stochastic {
		draws = m.drawColumns(w.cols)
	}
	m.narrowAll(m.vectors[w.lane0:][:w.cols], x.acc, in, w, draws)
}

// broadcast adds the events to acc.
func (m *Machine) broadcast(acc []int64, w []int16) { m.kernels.MacB(acc, w, &m.scratch.events) }

func (m *Machine) macR(in *instruction, w *walk) {
	x := &m.scratch
	if in.opt {
		m.gather(w, false) // the destination is its own mask
	} else {
		x.index = grow(x.index, w.rows())
		for k := range x.index {
			x.index[k] = int32(k)
		}
	}
	x.vector.Set(m.vectors[w.lane0:][:w.cols])
	x.acc = grow(x.acc, len(x.index))
	clear(x.acc)
	if in.widein {
		m.loadWideWalk(x.acc, w)
	}
	if in.wsrc == isa.WMem {
		x.locate(w)
		m.reduce(x.acc, m.padded)
	} else {
		m.hashColumns(w.cols)
		for i := 0; i < len(x.index); i += drawnRows {
			end := min(i+drawnRows, len(x.index))
			drawn := m.drawRows(in.wsrc, x.index[i:end], w.cols)
			m.kernels.MacR(x.acc[i:end], drawn, x.rows, &x.vector)
		}
	}
	if in.wideout {
		m.storeWideWalk(x.acc, w)
		return
	}
	var draws []int16
	if in.round == fixed.Stochastic {
		draws = m.drawColumns(w.rows())
	}
	if !in.opt && w.outer == 1 {
		m.narrowAll(m.vectors[w.scalar0:][:w.inner], x.acc, in, w, draws)
		return
	}
	r := uint16(0)
	if in.round == fixed.Nearest {
		r = 0x8000
	}
	for i, k := range x.index {
		if draws != nil {
			r = uint16(draws[k])
		}
		y := fixed.Shift(fixed.Wrap48(x.acc[i]), in.shift, r)
		if fixed.Overflows(y, w.lo, w.hi) {
			m.overflow++
		}
		m.vectors[w.scalar0+w.element(int(k))] = fixed.Clamp(fixed.Sat16(y), w.lo, w.hi)
	}
}

// reduce adds the dot products of the rows with the vector to acc.
func (m *Machine) reduce(acc []int64, w []int16) {
	m.kernels.MacR(acc, w, m.scratch.rows, &m.scratch.vector)
}

// countFrom returns the values beyond which fixed.Overflows counts.
func countFrom(lo, hi int16) (least, most int64) {
	least, most = math.MinInt64, math.MaxInt64
	if lo == math.MinInt16 {
		least = math.MinInt16
	}
	if hi == math.MaxInt16 {
		most = math.MaxInt16
	}
	return least, most
}

// narrowAll rounds accumulators to neighbouring elements; draws are those of stochastic rounding.
func (m *Machine) narrowAll(dst []int16, acc []int64, in *instruction, w *walk, draws []int16) {
	shift := in.shift & 63
	acc = acc[:len(dst)]
	least, most := countFrom(w.lo, w.hi)
	overflow := uint32(0)
	if draws != nil {
		draws = draws[:len(dst)]
		for i, a := range acc {
			y := (a<<16>>shift + int64(uint16(draws[i]))) >> 16
			if y < least || y > most {
				overflow++
			}
			dst[i] = fixed.Clamp(fixed.Sat16(y), w.lo, w.hi)
		}
	} else {
		r := int64(0)
		if in.round == fixed.Nearest {
			r = 0x8000
		}
		for i, a := range acc {
			y := (a<<16>>shift + r) >> 16
			if y < least || y > most {
				overflow++
			}
			dst[i] = fixed.Clamp(fixed.Sat16(y), w.lo, w.hi)
		}
	}
	m.overflow += overflow
}

// loadWides and storeWides move the accumulators of a mac.b.
func (m *Machine) loadWides(acc []int64, w *walk) {
	for c := range acc {
		acc[c] = m.loadWide(w.wideBase, w.wideFirst+c)
	}
}

func (m *Machine) storeWides(acc []int64, w *walk) {
	for c, a := range acc {
		m.storeWide(w.wideBase, w.wideFirst+c, a)
	}
}

// loadWideWalk and storeWideWalk move the accumulators of a mac.r.
func (m *Machine) loadWideWalk(acc []int64, w *walk) {
	for k := range acc {
		acc[k] = m.loadWide(w.wideBase, w.wideFirst+w.element(k))
	}
}

func (m *Machine) storeWideWalk(acc []int64, w *walk) {
	for k, a := range acc {
		m.storeWide(w.wideBase, w.wideFirst+w.element(k), a)
	}
}

// hashRows sets the row hashes of the indices.
func (m *Machine) hashRows() {
	x := &m.scratch
	x.hashes = grow(x.hashes, len(x.index))
	for i, k := range x.index {
		x.hashes[i] = m.key.RowHash(uint32(k))
	}
}

// rank1 executes upd.b and upd.r.
func (m *Machine) rank1(in *instruction, w *walk) {
	if w.rate == 0 {
		return
	}
	x := &m.scratch
	u := &x.update
	pull := in.opt && in.code == isa.UpdB
	m.gather(w, pull)
	x.locate(w)
	v := m.vectors[w.lane0:][:w.cols]
	x.x = grow(x.x, len(x.index))
	u.Form, u.Assign, u.N = kernels.Rank1, false, w.cols
	u.Shift, u.Round, u.Lo, u.Hi = in.shift, in.round, w.lo, w.hi
	switch {
	case in.opt && in.code == isa.UpdR:
		u.Form, u.V = kernels.Across, v
		for i, s := range x.scalars {
			x.x[i] = w.rate * int32(s)
		}
	default:
		if pull {
			u.Form = kernels.Pull
		}
		u.P = grow(u.P, w.cols)
		any := int16(0)
		for c, e := range v {
			u.P[c] = w.rate * int32(e)
			any |= e
		}
		if any == 0 {
			return
		}
		for i, s := range x.scalars {
			x.x[i] = int32(s)
		}
	}
	m.update(in, w)
}

// blend executes blend.
func (m *Machine) blend(in *instruction, w *walk) {
	if w.rate == 0 && !in.opt {
		return
	}
	x := &m.scratch
	u := &x.update
	x.index = grow(x.index, w.inner)
	for k := range x.index {
		x.index[k] = int32(k)
	}
	u.Form, u.Assign, u.N, u.Rate = kernels.Blend, in.opt, w.cols, w.rate
	u.Shift, u.Round, u.Lo, u.Hi = in.shift, in.round, w.lo, w.hi
	if in.wsrc == isa.WMem {
		x.locate(w)
		u.M = m.padded
		x.x = grow(x.x, len(x.index))
		for k := range x.x {
			x.x[k] = int32(w.m0 + k*w.rstride)
		}
		m.update(in, w)
		return
	}
	m.hashColumns(w.cols)
	all := x.index
	for i := 0; i < len(all); i += drawnRows {
		x.index = all[i:min(i+drawnRows, len(all))]
		u.M = m.drawRows(in.wsrc, x.index, w.cols)
		x.x = append(x.x[:0], x.rows...)
		x.locate(w)
		u.Prepare(x.x)
		m.kernels.Update(m.padded, u, x.rows, nil, x.x)
	}
	x.index = all
}

// update executes the update in scratch on its rows.
func (m *Machine) update(in *instruction, w *walk) {
	x := &m.scratch
	u := &x.update
	if len(x.rows) == 0 {
		return
	}
	var hashes []uint32
	if in.round == fixed.Stochastic {
		m.hashColumns(w.cols)
		u.G = x.columns
		m.hashRows()
		hashes = x.hashes
	}
	u.Prepare(x.x)
	m.kernels.Update(m.padded, u, x.rows, hashes, x.x)
}
