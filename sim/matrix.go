package sim

import (
	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/firmware/isa"
	"github.com/nmc-fpga/nmc/sim/kernels"
)

// scratch is working memory that instructions reuse.
type scratch struct {
	index   []int32 // scalar-side indices k of the rows that take part
	scalars []int16 // their elements
	chunk   [drawnRows + 1]int16
	rows    []int32 // their offsets in W
	second  []int32 // and in M
	hashes  []uint32
	events  kernels.Events
	vector  kernels.Vector
	update  kernels.Update
	acc     []int64
	columns []uint32 // column hashes
	draws   []int16
	drawn   []int16 // rows of W or M that are draws
	spread  []int16 // addends of the rows that take part
	narrow  []int16 // their results
	consts  [2][]int16
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

// gather lists the elements of the scalar side that are not zero.
func (m *Machine) gather(w *walk) {
	x := &m.scratch
	x.index = grow(x.index, w.rows()+kernels.Slack)
	x.scalars = grow(x.scalars, w.rows()+kernels.Slack)
	n := 0
	for o := range w.outer {
		run := m.vectors[w.scalar0+o*w.stride:][:w.inner]
		n += m.kernels.Gather(x.index[n:], x.scalars[n:], run, int32(o*w.inner))
	}
	x.index, x.scalars = x.index[:n], x.scalars[:n]
}

// gatherAll lists the whole scalar side.
func (m *Machine) gatherAll(w *walk) {
	x := &m.scratch
	m.allRows(w.rows())
	x.scalars = grow(x.scalars, w.rows()+1)[:w.rows()]
	for o := range w.outer {
		copy(x.scalars[o*w.inner:], m.vectors[w.scalar0+o*w.stride:][:w.inner])
	}
}

// allRows lists indices 0..n-1 without elements.
func (m *Machine) allRows(n int) {
	x := &m.scratch
	x.index = grow(x.index, n)
	for k := range x.index {
		x.index[k] = int32(k)
	}
}

// locate sets the rows of W from the indices.
func (m *Machine) locate(w *walk) {
	x := &m.scratch
	x.rows = grow(x.rows, len(x.index)+1)[:len(x.index)]
	m.kernels.Affine(x.rows, x.index, int32(w.w0), int32(w.rstride))
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
	x.rows = grow(x.rows, len(index)+1)[:len(index)]
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
	m.gather(w)
	x.acc = grow(x.acc, kernels.Pad(w.cols))
	clear(x.acc)
	if in.widein {
		m.loadWides(x.acc[:w.cols], w)
	}
	if in.wsrc == isa.WMem {
		m.locate(w)
		x.events.Set(x.rows, x.scalars)
		m.broadcast(x.acc, m.padded)
	} else {
		m.hashColumns(w.cols)
		for i := 0; i < len(x.index); i += drawnRows {
			end := min(i+drawnRows, len(x.index))
			drawn := m.drawRows(in.wsrc, x.index[i:end], w.cols)
			// Set may write an element beyond the slice that it gets.
			x.events.Set(x.rows, append(x.chunk[:0], x.scalars[i:end]...))
			m.kernels.MacB(x.acc, drawn, &x.events)
		}
	}
	if in.wideout {
		m.storeWides(x.acc[:w.cols], w)
		return
	}
	m.overflow += m.kernels.Narrow(m.vectors[w.lane0:][:w.cols], x.acc, m.addends(in, w.cols), in.shift, w.lo, w.hi)
}

// addends returns what the rounding of an instruction adds to each of n elements of row 0.
func (m *Machine) addends(in *instruction, n int) kernels.Operand {
	switch in.round {
	case fixed.Nearest:
		return kernels.Operand{Const: -1 << 15}
	case fixed.Stochastic:
		return kernels.Operand{X: m.drawColumns(n)[:n]}
	}
	return kernels.Operand{}
}

// worthwhile is the number of elements of W from which an instruction is spread over threads: about two microseconds of
// work, several times the cost of handing it over.
const worthwhile = 1 << 14

// spreads reports whether an instruction on rows of W uses all threads.
func (m *Machine) spreads(rows, cols int) bool { return m.pool != nil && rows*cols >= m.worthwhile }

// parts is the number of parts of a job: more than threads, so that a slow one holds up little.
func (m *Machine) parts() int { return 4 * m.threads }

// share returns a part of n items in multiples of unit.
func (m *Machine) share(n, unit, part int) (from, to int) {
	units := (n + unit - 1) / unit
	return min(units*part/m.parts()*unit, n), min(units*(part+1)/m.parts()*unit, n)
}

// broadcast adds the events to acc, each thread some of the columns.
func (m *Machine) broadcast(acc []int64, w []int16) {
	x := &m.scratch
	if !m.spreads(len(x.index), len(acc)) {
		m.kernels.MacB(acc, w, &x.events)
		return
	}
	m.pool.run(m.parts(), func(part int) {
		if from, to := m.share(len(acc), 4*kernels.Block, part); from < to {
			m.kernels.MacB(acc[from:to], w[from:], &x.events)
		}
	})
}

func (m *Machine) macR(in *instruction, w *walk) {
	x := &m.scratch
	if in.opt {
		m.gather(w) // the destination is its own mask
	} else {
		m.allRows(w.rows())
	}
	v := m.vectors[w.lane0:][:w.cols]
	if in.wsrc == isa.WMem {
		first, n := support(v)
		v = v[first:][:n]
		w.w0 += first
	}
	x.vector.Set(v)
	x.acc = grow(x.acc, len(x.index))
	clear(x.acc)
	if in.widein {
		m.loadWideWalk(x.acc, w)
	}
	if in.wsrc == isa.WMem {
		m.locate(w)
		m.reduce(x.acc, m.padded, len(v))
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
	if !in.opt && w.outer == 1 {
		m.overflow += m.kernels.Narrow(m.vectors[w.scalar0:][:w.inner], x.acc, m.addends(in, w.inner), in.shift, w.lo, w.hi)
		return
	}
	// Narrow the rows that take part, with the addends of their own indices, and spread them over the walk.
	r := m.addends(in, w.rows())
	if r.X != nil {
		x.spread = grow(x.spread, len(x.index))
		for i, k := range x.index {
			x.spread[i] = r.X[k]
		}
		r.X = x.spread
	}
	x.narrow = grow(x.narrow, len(x.index))
	m.overflow += m.kernels.Narrow(x.narrow, x.acc, r, in.shift, w.lo, w.hi)
	if w.outer == 1 {
		dst := m.vectors[w.scalar0:][:w.inner]
		for i, k := range x.index {
			dst[k] = x.narrow[i]
		}
		return
	}
	for i, k := range x.index {
		m.vectors[w.scalar0+w.element(int(k))] = x.narrow[i]
	}
}

// reduce adds the dot products of the rows with the vector to acc, each thread some of the rows.
func (m *Machine) reduce(acc []int64, w []int16, cols int) {
	x := &m.scratch
	if !m.spreads(len(acc), cols) {
		m.kernels.MacR(acc, w, x.rows, &x.vector)
		return
	}
	m.pool.run(m.parts(), func(part int) {
		if from, to := m.share(len(acc), 4, part); from < to {
			m.kernels.MacR(acc[from:to], w, x.rows[from:to], &x.vector)
		}
	})
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

// rank1 executes upd.b and upd.r.
func (m *Machine) rank1(in *instruction, w *walk) {
	if w.rate == 0 {
		return
	}
	x := &m.scratch
	u := &x.update
	u.Form, u.Assign = kernels.Rank1, false
	u.V = m.vectors[w.lane0:][:w.cols]
	if in.opt && in.code == isa.UpdB {
		u.Form = kernels.Pull
		m.gatherAll(w)
	} else {
		if in.opt {
			u.Form = kernels.Across
		}
		m.gather(w)
	}
	m.locate(w)
	m.update(in, w, kernels.Rows{W: x.rows, S: x.scalars})
}

// blend executes blend.
func (m *Machine) blend(in *instruction, w *walk) {
	if w.rate == 0 && !in.opt {
		return
	}
	x := &m.scratch
	u := &x.update
	u.Form, u.Assign = kernels.Blend, in.opt
	m.allRows(w.inner)
	if in.wsrc == isa.WMem {
		m.locate(w)
		u.M = m.padded
		x.second = grow(x.second, len(x.index))
		m.kernels.Affine(x.second, x.index, int32(w.m0), int32(w.rstride))
		m.update(in, w, kernels.Rows{W: x.rows, M: x.second})
		return
	}
	m.hashColumns(w.cols)
	all := x.index
	for i := 0; i < len(all); i += drawnRows {
		x.index = all[i:min(i+drawnRows, len(all))]
		u.M = m.drawRows(in.wsrc, x.index, w.cols)
		x.second = append(x.second[:0], x.rows...)
		m.locate(w)
		m.update(in, w, kernels.Rows{W: x.rows, M: x.second})
	}
	x.index = all
}

// update executes the update in scratch on rows.
func (m *Machine) update(in *instruction, w *walk, r kernels.Rows) {
	x := &m.scratch
	u := &x.update
	if len(r.W) == 0 {
		return
	}
	u.N, u.Rate = w.cols, w.rate
	u.Shift, u.Round, u.Lo, u.Hi = in.shift, in.round, w.lo, w.hi
	first := 0
	if u.Form == kernels.Rank1 || u.Form == kernels.Pull {
		first, u.N = support(u.V)
		if u.N == 0 {
			return
		}
		u.V = u.V[first:][:u.N]
	}
	if in.round == fixed.Stochastic {
		m.hashColumns(w.cols)
		u.G = x.columns[first/2:]
		x.hashes = grow(x.hashes, len(x.index))
		m.kernels.HashAt(x.hashes, x.index, m.key.Row, fixed.RowStep)
		r.H = x.hashes
	}
	m.kernels.Prepare(u, r.S)
	// A row that ends within a block shares the rest of it with the next, unless rows lie apart: see kernels.Set.
	if !m.spreads(len(r.W), u.N) || w.rstride < kernels.Pad(w.cols) {
		m.kernels.Update(m.padded[first:], u, r)
		return
	}
	m.pool.run(m.parts(), func(part int) {
		if from, to := m.share(len(r.W), 1, part); from < to {
			m.kernels.Update(m.padded[first:], u, r.Slice(from, to))
		}
	})
}

// support returns where the part of v begins that holds everything but zeros, on the border of a block, and its length. A column
// of which v is 0 adds nothing to a sum, and does not change in an update: in a competition that is all but one.
func support(v []int16) (first, n int) {
	first, last := 0, len(v)
	for first < last && v[first] == 0 {
		first++
	}
	for last > first && v[last-1] == 0 {
		last--
	}
	if first == last {
		return 0, 0
	}
	first -= first % kernels.Block
	return first, last - first
}
