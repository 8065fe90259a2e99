package sim

import (
	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

// elements returns operand i of a vector instruction as n elements.
func (m *Machine) elements(in *instruction, p *pass, i int) []int16 {
	s := &p.src[i]
	if s.mode == isa.SrcVector {
		return m.vectors[s.first:][:in.n]
	}
	if s.mode == isa.SrcImm {
		x := grow(m.scratch.consts[i], in.n)
		m.scratch.consts[i] = x
		for i := range x {
			x[i] = s.value
		}
		return x
	}
	x := m.drawColumns(in.n)[:in.n]
	if s.mode == isa.SrcSign {
		for i := range x {
			x[i] = x[i]>>15 | 1
		}
	}
	return x
}

// vector executes a vector instruction.
func (m *Machine) vector(in *instruction, p *pass) {
	if m.reference {
		m.referenceVector(in, p)
		return
	}
	n, lo, hi := in.n, p.lo, p.hi
	a := m.elements(in, p, 0)[:n]
	switch in.code {
	case isa.Tab:
		dst, table := m.vectors[p.dst:][:n], m.tables[in.src[2].arg:][:256]
		for i, x := range a {
			dst[i] = fixed.Clamp(fixed.Table(table, x), lo, hi)
		}
		return
	case isa.Amax:
		best, index := a[0], 0
		for i, x := range a {
			if x > best {
				best, index = x, i
			}
		}
		m.regs[p.dst], m.regs[p.dst+1] = int32(best), int32(index)
		return
	case isa.Dot:
		b := m.elements(in, p, 1)[:n]
		var sum int64
		for i, x := range a {
			sum += int64(x) * int64(b[i])
		}
		m.regs[p.dst] = fixed.Sat32(fixed.Wrap48(sum) >> in.shift)
		return
	}
	dst := m.vectors[p.dst:][:n]
	switch in.fn {
	case isa.FnMac:
		b, c := m.elements(in, p, 1)[:n], m.elements(in, p, 2)[:n]
		m.mac(in, p, dst, a, b, c)
	case isa.FnMin:
		c := m.elements(in, p, 2)[:n]
		for i, x := range a {
			dst[i] = fixed.Clamp(min(x, c[i]), lo, hi)
		}
	case isa.FnMax:
		c := m.elements(in, p, 2)[:n]
		for i, x := range a {
			dst[i] = fixed.Clamp(max(x, c[i]), lo, hi)
		}
	case isa.FnGe:
		c := m.elements(in, p, 2)[:n]
		for i, x := range a {
			y := lo
			if x >= c[i] {
				y = hi
			}
			dst[i] = y
		}
	case isa.FnSel:
		b, c := m.elements(in, p, 1)[:n], m.elements(in, p, 2)[:n]
		for i, x := range a {
			y := c[i]
			if x != 0 {
				y = b[i]
			}
			dst[i] = fixed.Clamp(y, lo, hi)
		}
	}
}

// mac is function mac of vec.
func (m *Machine) mac(in *instruction, p *pass, dst, a, b, c []int16) {
	n, shift := len(dst), in.shift&63
	a, b, c = a[:n], b[:n], c[:n]
	var draws []int16
	r := int64(0)
	switch in.round {
	case fixed.Nearest:
		r = 0x8000
	case fixed.Stochastic:
		draws = m.drawColumns(n)[:n]
	}
	overflow := uint32(0)
	least, most := countFrom(p.lo, p.hi)
	for i := range dst {
		if draws != nil {
			r = int64(uint16(draws[i]))
		}
		product := (int64(a[i])*int64(b[i])<<16>>shift + r) >> 16
		narrow := fixed.Sat16(product)
		total := int64(c[i]) + int64(narrow)
		if product < least || product > most || total < least || total > most {
			overflow++
		}
		dst[i] = fixed.Clamp(fixed.Sat16(total), p.lo, p.hi)
	}
	m.overflow += overflow
}
