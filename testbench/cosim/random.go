package cosim

import (
	"fmt"
	"math/rand/v2"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

// Register use of random programs: scalars may be written by any scalar instruction; the others are set by the host, so
// that rates, bounds and offsets stay sensible.
const (
	scalars    = 24 // registers 0..23
	firstRate  = 24 // 24..27
	firstBound = 28 // 28..35
	firstGroup = 9  // groups 9..15: registers 36..63
)

// Generator makes random instructions that mostly fit the memories; the simulator rejects the others.
type Generator struct {
	*rand.Rand
	Config device.Config
	// Only, when not nil, holds the operations to choose from.
	Only []string
}

// element draws a 16-bit value: often zero, small, or extreme.
func (g *Generator) element() int16 {
	switch g.IntN(8) {
	case 0, 1:
		return 0
	case 2:
		return int16(g.IntN(5) - 2)
	case 3:
		return []int16{-32768, 32767, -32767, 1, -1}[g.IntN(5)]
	case 4, 5:
		return int16(g.IntN(512) - 256)
	}
	return int16(g.Uint32())
}

// scalar draws a 32-bit value.
func (g *Generator) scalar() uint32 {
	switch g.IntN(6) {
	case 0:
		return 0
	case 1:
		return uint32(int32(g.IntN(9) - 4))
	case 2:
		return []uint32{1 << 31, 1<<31 - 1, 1<<31 + 1, 0xffffffff, 1 << 16, 0xffff}[g.IntN(6)]
	case 3:
		return uint32(int32(g.element()))
	}
	return g.Uint32() >> g.IntN(32)
}

// Elements draws n elements; one in four words of 16 is all zeros.
func (g *Generator) Elements(n int) []uint16 {
	d := make([]uint16, n)
	blank := false
	for i := range d {
		if i%16 == 0 {
			blank = g.IntN(4) == 0
		}
		if !blank {
			d[i] = uint16(g.element())
		}
	}
	return d
}

// Registers draws the register file.
func (g *Generator) Registers() []uint16 {
	d := make([]uint16, 2*device.NumRegs)
	put := func(r int, v uint32) { d[2*r], d[2*r+1] = uint16(v), uint16(v>>16) }
	for r := range device.NumRegs {
		put(r, g.scalar())
	}
	for r := firstBound; r < firstBound+8; r++ {
		lo, hi := g.element(), g.element()
		if lo > hi && g.IntN(8) != 0 {
			lo, hi = hi, lo
		}
		if g.IntN(2) == 0 {
			lo, hi = -32768, 32767
		}
		put(r, uint32(uint16(hi))<<16|uint32(uint16(lo)))
	}
	lanes := g.Config.Lanes
	for i := firstGroup; i < 16; i++ {
		put(4*i, uint32(g.IntN(3*lanes+5)))
		put(4*i+1, uint32(g.IntN(4))<<16|uint32(g.IntN(2*lanes+24)))
		put(4*i+2, uint32(g.IntN(8)))
		put(4*i+3, uint32(g.IntN(4)*lanes))
		if g.IntN(3) == 0 { // for vector instructions
			put(4*i, uint32(g.IntN(4)*lanes))
			put(4*i+1, uint32(g.IntN(4)*lanes))
			put(4*i+2, uint32(g.IntN(4)*lanes))
		}
	}
	return d
}

// Instruction draws one instruction of a program of length n in which it stands at pc; jumps go forward only.
func (g *Generator) Instruction(pc, n int) isa.Word {
	for {
		if w := g.any(pc, n); w.Needs()&uint32(g.Config.Omit) == 0 {
			return w
		}
	}
}

// any draws an instruction that the device may lack units for.
func (g *Generator) any(pc, n int) isa.Word {
	var op *isa.Op
	if g.Only != nil {
		op = isa.ByName(g.Only[g.IntN(len(g.Only))])
	} else {
		op = &isa.Ops[1+g.IntN(len(isa.Ops)-1)]
		if op.Format == "scalar" && g.IntN(2) == 0 {
			op = &isa.Ops[1+g.IntN(len(isa.Ops)-1)]
		}
	}
	var w isa.Word
	put := func(name string, v int) {
		f := op.Layout().Field(name)
		if f == nil {
			panic(fmt.Sprintf("%s has no field %s", op.Name, name))
		}
		w.Put(f.Lo, f.Width, uint32(v)&uint32(1<<f.Width-1))
	}
	put("op", int(op.Code))
	lanes := g.Config.Lanes
	length := func() int { // elements on a side
		switch g.IntN(4) {
		case 0:
			return 1 + g.IntN(lanes)
		case 1:
			return lanes * (1 + g.IntN(3))
		}
		return 1 + g.IntN(3*lanes+8)
	}
	vector := func() int { return g.IntN(g.Config.VectorDepth) }
	shift := func() int {
		if g.IntN(3) == 0 {
			return g.IntN(48)
		}
		return g.IntN(20)
	}
	switch op.Format {
	case "matrix":
		cols, rows := length(), 1+g.IntN(20)
		if op.Code == isa.MacB || op.Code == isa.UpdB || op.Code == isa.UpdR {
			rows = length()
		}
		put("cols", cols)
		put("rows", rows)
		put("wbase", g.IntN(g.Config.WeightDepth))
		put("rstride", g.Config.Words(cols)+g.IntN(2)*g.IntN(3))
		put("sbase", vector())
		put("dbase", vector())
		put("shift", shift())
		put("round", g.IntN(3))
		put("rate", firstRate+g.IntN(4))
		put("bounds", firstBound+g.IntN(8))
		if g.IntN(2) == 0 {
			put("group", firstGroup+g.IntN(16-firstGroup))
		}
		switch op.Code {
		case isa.MacB, isa.MacR:
			if g.IntN(4) == 0 {
				put("wsrc", 1+g.IntN(2))
				put("round", g.IntN(2))
			}
			if g.IntN(3) == 0 {
				put("widein", g.IntN(2))
				put("wideout", g.IntN(2))
			} else if op.Code == isa.MacR {
				put("opt", g.IntN(2))
			}
		case isa.UpdB, isa.UpdR:
			put("opt", g.IntN(2))
			put("shift", g.IntN(48))
		case isa.Blend:
			put("opt", g.IntN(2))
			put("dbase", 0)
			put("sbase", g.IntN(g.Config.WeightDepth))
			if g.IntN(2) == 0 {
				put("wsrc", 1+g.IntN(2))
				put("round", g.IntN(2))
			}
		}
	case "vector":
		put("fn", g.IntN(5))
		n := length()
		put("n", n)
		source := func(mode, arg string) {
			m := []int{0, 1, 1, 1, 1, 2, 3, 4, 5}[g.IntN(9)]
			put(mode, m)
			switch m {
			case isa.SrcVector:
				put(arg, vector())
			case isa.SrcReg:
				put(arg, g.IntN(device.NumRegs))
			default:
				put(arg, int(g.element()))
			}
		}
		source("amode", "a")
		source("bmode", "b")
		source("cmode", "c")
		put("dst", vector())
		if g.IntN(6) == 0 {
			put("dst", int(w.Get(op.Layout().Field("a").Lo, 16)))
		}
		put("shift", shift())
		put("round", g.IntN(3))
		put("bounds", firstBound+g.IntN(8))
		if g.IntN(3) == 0 {
			put("group", firstGroup+g.IntN(16-firstGroup))
		}
		switch op.Code {
		case isa.Tab:
			put("amode", isa.SrcVector)
			put("a", vector())
			put("c", g.IntN(g.Config.TableDepth-255))
		case isa.Amax:
			put("amode", isa.SrcVector)
			put("a", vector())
			put("dst", g.IntN(scalars-1))
		case isa.Dot:
			put("dst", g.IntN(scalars))
		case isa.Dig:
			put("group", 0)
			put("tensor", g.IntN(256))
			space := g.IntN(3)
			put("space", space)
			switch space {
			case 0:
				put("a", g.IntN(g.Config.WeightDepth))
				put("b", 0)
				put("c", 1+g.IntN(4))
				put("dst", g.Config.Words(n)+g.IntN(2))
			case 1:
				put("a", vector())
			case 2:
				put("n", 1+g.IntN(6))
				put("a", g.IntN(58))
			}
		}
	case "scalar":
		put("rd", g.IntN(scalars))
		put("ra", g.IntN(scalars))
		put("rb", g.IntN(scalars))
		put("shift", g.IntN(32))
		if op.Code == isa.Mul {
			put("shift", g.IntN(64))
		}
		put("stream", g.IntN(256))
		put("imm", int(g.scalar()))
		switch op.Code {
		case isa.Jump, isa.Loop, isa.Jeq, isa.Jne, isa.Jlt, isa.Jge:
			put("imm", pc+1+g.IntN(n-pc))
		case isa.Load, isa.Store:
			put("imm", vector())
			put("index", g.IntN(2))
			if g.IntN(2) == 0 {
				put("ra", 4*(firstGroup+g.IntN(16-firstGroup)))
			}
		}
	}
	return w
}
