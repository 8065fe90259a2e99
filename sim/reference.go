package sim

import (
	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

// This file executes matrix and vector instructions element by element, in the words of package isa. It is the oracle of
// the kernels: keep it obvious.

// addend returns what the rounding adds below the kept bits at (row, col).
func (m *Machine) addend(round fixed.Rounding, row, col int) uint16 {
	switch round {
	case fixed.Nearest:
		return 0x8000
	case fixed.Stochastic:
		return m.key.Draw(uint32(row), uint32(col))
	}
	return 0
}

// drawn reads the draw at (row, col) as a uniform operand or a sign.
func (m *Machine) drawn(sign bool, row, col int) int16 {
	d := int16(m.key.Draw(uint32(row), uint32(col)))
	if !sign {
		return d
	}
	if d < 0 {
		return -1
	}
	return 1
}

// narrow rounds an accumulator to 16 bits within the bounds and counts an overflow.
func (m *Machine) narrow(acc int64, in *instruction, w *walk, col int) int16 {
	y := fixed.Shift(fixed.Wrap48(acc), in.shift, m.addend(in.round, 0, col))
	if fixed.Overflows(y, w.lo, w.hi) {
		m.overflow++
	}
	return fixed.Clamp(fixed.Sat16(y), w.lo, w.hi)
}

// wideElement returns the element of vector memory that holds the low halfword of element e of a wide vector; the
// next two halfwords follow a word apart.
func (m *Machine) wideElement(base, e int) int {
	return (base+3*(e>>m.laneBits))*m.cfg.Lanes + e&(m.cfg.Lanes-1)
}

func (m *Machine) loadWide(base, e int) int64 {
	i := m.wideElement(base, e)
	lo, mid, hi := m.vectors[i], m.vectors[i+m.cfg.Lanes], m.vectors[i+2*m.cfg.Lanes]
	return int64(uint16(lo)) | int64(uint16(mid))<<16 | int64(hi)<<32
}

func (m *Machine) storeWide(base, e int, acc int64) {
	i := m.wideElement(base, e)
	m.vectors[i] = int16(acc)
	m.vectors[i+m.cfg.Lanes] = int16(acc >> 16)
	m.vectors[i+2*m.cfg.Lanes] = int16(acc >> 32)
}

// weight returns W[k,c], or M[k,c] of a blend.
func (m *Machine) weight(in *instruction, w *walk, k, c int) int16 {
	switch {
	case in.wsrc != isa.WMem:
		return m.drawn(in.wsrc == isa.WSign, k, c)
	case in.code == isa.Blend:
		return m.weights[w.m0+k*w.rstride+c]
	}
	return m.weights[w.w0+k*w.rstride+c]
}

func (m *Machine) referenceMatrix(in *instruction, w *walk) {
	switch in.code {
	case isa.MacB:
		m.referenceMacB(in, w)
	case isa.MacR:
		m.referenceMacR(in, w)
	default:
		m.referenceUpdate(in, w)
	}
}

func (m *Machine) referenceMacB(in *instruction, w *walk) {
	for c := range w.cols {
		var acc int64
		if in.widein {
			acc = m.loadWide(w.wideBase, w.wideFirst+c)
		}
		for k := range w.rows() {
			acc += int64(m.weight(in, w, k, c)) * int64(m.vectors[w.scalar0+w.element(k)])
		}
		if in.wideout {
			m.storeWide(w.wideBase, w.wideFirst+c, acc)
		} else {
			m.vectors[w.lane0+c] = m.narrow(acc, in, w, c)
		}
	}
}

func (m *Machine) referenceMacR(in *instruction, w *walk) {
	for k := range w.rows() {
		if in.opt && m.vectors[w.scalar0+w.element(k)] == 0 {
			continue
		}
		var acc int64
		if in.widein {
			acc = m.loadWide(w.wideBase, w.wideFirst+w.element(k))
		}
		for c := range w.cols {
			acc += int64(m.weight(in, w, k, c)) * int64(m.vectors[w.lane0+c])
		}
		if in.wideout {
			m.storeWide(w.wideBase, w.wideFirst+w.element(k), acc)
		} else {
			m.vectors[w.scalar0+w.element(k)] = m.narrow(acc, in, w, k)
		}
	}
}

// referenceUpdate executes upd.b, upd.r and blend.
func (m *Machine) referenceUpdate(in *instruction, w *walk) {
	for k := range w.rows() {
		for c := range w.cols {
			e := &m.weights[w.w0+k*w.rstride+c]
			var product int64
			switch in.code {
			case isa.UpdB:
				p := int64(w.rate) * int64(m.vectors[w.lane0+c])
				x := m.vectors[w.scalar0+w.element(k)]
				if in.opt {
					x = fixed.Sat16(int64(x) - int64(*e))
				}
				product = p * int64(x)
			case isa.UpdR:
				p := int64(w.rate) * int64(m.vectors[w.scalar0+w.element(k)])
				x := m.vectors[w.lane0+c]
				if in.opt {
					x = fixed.Sat16(int64(x) - int64(*e))
				}
				product = p * int64(x)
			case isa.Blend:
				product = int64(w.rate) * int64(m.weight(in, w, k, c))
			}
			delta := fixed.Sat16(fixed.Shift(product, in.shift, m.addend(in.round, k, c)))
			switch {
			case in.code == isa.Blend && in.opt:
				*e = fixed.Clamp(delta, w.lo, w.hi)
			case delta != 0:
				*e = fixed.Clamp(fixed.Sat16(int64(*e)+int64(delta)), w.lo, w.hi)
			}
		}
	}
}

// operandAt returns element i of an operand.
func (m *Machine) operandAt(s *source, i int) int16 {
	switch s.mode {
	case isa.SrcVector:
		return m.vectors[s.first+i]
	case isa.SrcUniform, isa.SrcSign:
		return m.drawn(s.mode == isa.SrcSign, 0, i)
	}
	return s.value
}

func (m *Machine) referenceVector(in *instruction, p *pass) {
	var sum int64
	best, index := int16(0), -1
	for i := range in.n {
		a, b, c := m.operandAt(&p.src[0], i), m.operandAt(&p.src[1], i), m.operandAt(&p.src[2], i)
		switch in.code {
		case isa.Vec:
			var y int16
			switch in.fn {
			case isa.FnMac:
				product := fixed.Shift(int64(a)*int64(b), in.shift, m.addend(in.round, 0, i))
				total := int64(c) + int64(fixed.Sat16(product))
				if fixed.Overflows(product, p.lo, p.hi) || fixed.Overflows(total, p.lo, p.hi) {
					m.overflow++
				}
				y = fixed.Clamp(fixed.Sat16(total), p.lo, p.hi)
			case isa.FnMin:
				y = fixed.Clamp(min(a, c), p.lo, p.hi)
			case isa.FnMax:
				y = fixed.Clamp(max(a, c), p.lo, p.hi)
			case isa.FnGe:
				y = p.lo
				if a >= c {
					y = p.hi
				}
			case isa.FnSel:
				y = c
				if a != 0 {
					y = b
				}
				y = fixed.Clamp(y, p.lo, p.hi)
			}
			m.vectors[p.dst+i] = y
		case isa.Tab:
			m.vectors[p.dst+i] = fixed.Clamp(fixed.Table(m.tables[in.src[2].arg:], a), p.lo, p.hi)
		case isa.Dot:
			sum += int64(a) * int64(b)
		case isa.Amax:
			if index < 0 || a > best {
				best, index = a, i
			}
		}
	}
	switch in.code {
	case isa.Dot:
		m.regs[p.dst] = fixed.Sat32(fixed.Wrap48(sum) >> in.shift)
	case isa.Amax:
		m.regs[p.dst], m.regs[p.dst+1] = int32(best), int32(index)
	}
}
