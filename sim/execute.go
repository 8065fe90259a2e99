package sim

import (
	"fmt"
	"math"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

// run executes the program from an entry until halt, the limit (0: none) or a fault. A retired halt is not stopped by
// the limit.
func (m *Machine) run(entry device.Entry, limit uint32) (stopped bool, err error) {
	if entry == device.Digest {
		m.digest = 0
	}
	m.retired = 0
	pc := int64(entry)
	for {
		if pc < 0 || pc >= int64(len(m.program)) {
			return false, &Fault{PC: int(pc), Field: "pc", Reason: fmt.Sprintf("beyond the program memory of %d instructions", len(m.program))}
		}
		if !m.decoded[pc] {
			m.code[pc] = decode(m.program[pc])
			m.decoded[pc] = true
		}
		in := &m.code[pc]
		if in.fault != nil {
			f := *in.fault
			f.PC = int(pc)
			return false, &f
		}
		next, f := m.step(in, pc)
		if f != nil {
			f.PC, f.Op = int(pc), in.name
			return false, f
		}
		m.retired++
		if m.trace != nil {
			m.trace(int(pc))
		}
		if in.code == isa.Halt {
			return false, nil
		}
		if m.retired == limit {
			return true, nil
		}
		pc = next
	}
}

// step executes one instruction and returns the address of the next.
func (m *Machine) step(in *instruction, pc int64) (int64, *Fault) {
	r := &m.regs
	a, b := r[in.ra], r[in.rb]
	next, target := pc+1, int64(in.imm)
	switch in.code {
	case isa.Halt:
	case isa.Jump:
		return target, nil
	case isa.Loop:
		r[in.rd]--
		if r[in.rd] != 0 {
			return target, nil
		}
	case isa.Jeq:
		if a == b {
			return target, nil
		}
	case isa.Jne:
		if a != b {
			return target, nil
		}
	case isa.Jlt:
		if a < b {
			return target, nil
		}
	case isa.Jge:
		if a >= b {
			return target, nil
		}
	case isa.Set:
		r[in.rd] = int32(in.imm)
	case isa.Add:
		r[in.rd] = fixed.Sat32(int64(a) + int64(b) + int64(int32(in.imm)))
	case isa.Sub:
		r[in.rd] = fixed.Sat32(int64(a) - int64(b))
	case isa.Mul:
		r[in.rd] = mulShift(a, b, in.shift)
	case isa.Div:
		r[in.rd] = divide(a, b, in.shift)
	case isa.Sqrt:
		r[in.rd] = squareRoot(a, in.shift)
	case isa.Min:
		r[in.rd] = min(a, b)
	case isa.Max:
		r[in.rd] = max(a, b)
	case isa.And:
		r[in.rd] = a & int32(in.imm)
	case isa.Shl:
		r[in.rd] = fixed.Sat32(int64(a) << in.shift)
	case isa.Shr:
		r[in.rd] = a >> in.shift
	case isa.Load, isa.Store:
		e := int64(in.imm) << m.laneBits
		if in.index {
			e += int64(a)
		}
		if e < 0 || e >= int64(len(m.vectors)) {
			return 0, &Fault{Field: "imm", Reason: fmt.Sprintf("element %d lies beyond the vector memory of %d elements", e, len(m.vectors))}
		}
		if in.code == isa.Load {
			r[in.rd] = int32(m.vectors[e])
		} else {
			m.vectors[e] = fixed.Sat16(int64(b))
		}
	case isa.Key:
		m.key = fixed.MakeKey(uint32(r[device.RegSeed]), in.stream, uint32(a))
	case isa.MacB, isa.MacR, isa.UpdB, isa.UpdR, isa.Blend:
		w, f := m.walk(in)
		if f != nil {
			return 0, f
		}
		m.matrix(in, &w)
	case isa.Dig:
		if f := m.dig(in); f != nil {
			return 0, f
		}
	default:
		p, f := m.pass(in)
		if f != nil {
			return 0, f
		}
		m.vector(in, &p)
	}
	return next, nil
}

// mulShift returns sat32((a·b + h) >> shift), h = 2^(shift-1) or 0; the sum is never formed, so it cannot overflow.
func mulShift(a, b int32, shift uint) int32 {
	p := int64(a) * int64(b)
	if shift == 0 {
		return fixed.Sat32(p)
	}
	return fixed.Sat32((p>>(shift-1) + 1) >> 1)
}

// divide returns sat32((a << shift) / b) toward zero; b = 0 gives the largest number of a's sign.
func divide(a, b int32, shift uint) int32 {
	switch {
	case b != 0:
		return fixed.Sat32(int64(a) << shift / int64(b))
	case a >= 0:
		return math.MaxInt32
	}
	return math.MinInt32
}

// squareRoot returns floor(sqrt(a << shift)), 0 for a <= 0.
func squareRoot(a int32, shift uint) int32 {
	if a <= 0 {
		return 0
	}
	x := uint64(a) << shift
	r := uint64(math.Sqrt(float64(x))) // x < 2^62: off by one at most
	for r*r > x {
		r--
	}
	for (r+1)*(r+1) <= x {
		r++
	}
	return int32(r)
}

// dig adds the terms of a tensor to the digest. Terms are made where the key is: it is the last one afterwards.
func (m *Machine) dig(in *instruction) *Fault {
	var sum, term uint64
	add := func(index int, x int16) {
		term = fixed.DigestTerm(in.tensor, uint32(index), x)
		sum += term
	}
	lanes := m.cfg.Lanes
	switch in.space {
	case 0:
		base, rows, stride := in.src[0].arg|in.src[1].arg<<16, in.src[2].arg, in.dst
		last := base + (rows-1)*stride + (in.n-1)/lanes
		if last >= m.cfg.WeightDepth {
			return &Fault{Field: "a", Reason: beyond("weight", base, last, m.cfg.WeightDepth)}
		}
		for k := range rows {
			row := m.weights[(base+k*stride)*lanes:]
			for c, x := range row[:in.n] {
				add(k*in.n+c, x)
			}
		}
	case 1:
		base := in.src[0].arg
		last := base + (in.n-1)/lanes
		if last >= m.cfg.VectorDepth {
			return &Fault{Field: "a", Reason: beyond("vector", base, last, m.cfg.VectorDepth)}
		}
		for i, x := range m.vectors[base*lanes:][:in.n] {
			add(i, x)
		}
	case 2:
		for i, x := range m.regs[in.src[0].arg:][:in.n] {
			add(2*i, int16(x))
			add(2*i+1, int16(x>>16))
		}
	}
	m.digest += sum
	m.key = fixed.Key{Row: uint32(term >> 32), Col: uint32(term)}
	return nil
}

func beyond(memory string, first, last, depth int) string {
	return fmt.Sprintf("words %d..%d lie beyond the %s memory of %d words", first, last, memory, depth)
}
