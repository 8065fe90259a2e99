package sim

import (
	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/firmware/isa"
	"github.com/nmc-fpga/nmc/sim/kernels"
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
	n := in.n
	switch in.code {
	case isa.Tab:
		a, lo, hi := m.elements(in, p, 0)[:n], p.lo, p.hi
		dst, table := m.vectors[p.dst:][:n], m.tables[in.src[2].arg:][:256]
		for i, x := range a {
			dst[i] = fixed.Clamp(fixed.Table(table, x), lo, hi)
		}
		return
	case isa.Amax:
		a := m.elements(in, p, 0)[:n]
		best, index := a[0], 0
		for i, x := range a {
			if x > best {
				best, index = x, i
			}
		}
		m.regs[p.dst], m.regs[p.dst+1] = int32(best), int32(index)
		return
	case isa.Dot:
		a, b := m.elements(in, p, 0)[:n], m.elements(in, p, 1)[:n]
		var sum int64
		for i, x := range a {
			sum += int64(x) * int64(b[i])
		}
		m.regs[p.dst] = fixed.Sat32(fixed.Wrap48(sum) >> in.shift)
		return
	}
	f := kernels.Function{Fn: in.fn, Shift: in.shift, Lo: p.lo, Hi: p.hi}
	operands := [...]*kernels.Operand{&f.A, &f.B, &f.C}
	for _, i := range in.sources() {
		if s := &p.src[i]; s.mode == isa.SrcImm {
			operands[i].Const = s.value
		} else {
			operands[i].X = m.elements(in, p, i)
		}
	}
	if in.fn == isa.FnMac {
		f.Addend = m.addends(in, in.n)
	}
	m.overflow += m.kernels.Vec(m.vectors[p.dst:][:in.n], f)
}
