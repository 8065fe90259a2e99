package pass

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"

	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/firmware/device"
)

// Groups of registers that hold the offsets of an operand in the input buffer (see the group field of the
// instructions): one for a vector on the scalar side, one for a vector on the lane side.
const (
	ScalarSide = device.RegInput / 4
	LaneSide   = ScalarSide + 1
	firstFree  = 4 * (LaneSide + 1)
)

// Block is the group that places blocks: its registers are, in order, the element on the scalar side, the outer walk (none), the words
// before a row, and the element on the lane side. A program without blocks has these registers for other uses.
const Block = LaneSide + 1

var blockNames = [4]string{"block", "block_walk", "block_words", "block_lane"}

// laneInput is the register of the lane-side group that follows RegInput.
const laneInput = "input_lanes"

// registers that the device or the groups fix.
var fixedRegisters = []ir.Scalar{
	{Name: "seed", Reg: device.RegSeed},
	{Name: "label", Reg: device.RegLabel},
	{Name: "prediction", Reg: device.RegResult},
	{Name: "score", Reg: device.RegResult + 1},
	{Name: "input", Reg: device.RegInput},
	{Name: "input_walk", Reg: 4*ScalarSide + 1}, // 0: one run of a matrix walk, no offset of b in vector instructions
	{Name: "lanes_walk", Reg: 4*LaneSide + 1},
	{Name: laneInput, Reg: 4*LaneSide + 3},
}

// BoundsName is the scalar that holds a pair of saturation bounds.
func BoundsName(o *ir.Op) string { return fmt.Sprintf("bounds_%d_%d", o.Attrs["lo"], o.Attrs["hi"]) }

// mostVectors is the words of the largest vector memory.
const mostVectors = 1 << 16

// eventBits is the width of an event's address within a buffer (docs/protocol.md).
const eventBits = 16

// Allocate gives every tensor, vector, table and scalar its place, and every depth of the device that is still 0 the
// least power of two that holds them. What does not fit a given depth is an error that says by how much. Vectors lie one behind the
// other, so that each can be read at any time; only where they do not fit so do temporaries share words (overlay).
func Allocate(p *ir.Program, dev *device.Config) error {
	weights, vectors, tables := 0, 0, 0
	for _, t := range p.Tensors {
		if t.Source != "memory" {
			continue
		}
		t.Base = weights
		weights += t.Rows() * dev.Words(t.Cols())
	}
	for _, v := range p.Vectors {
		if last := dev.Lanes * dev.Words(v.Len()) * v.Steps; last > 1<<eventBits {
			return Misfit{fmt.Errorf("input buffer: %d time steps of %d elements take %d, an event's address has %d bits: %d too many; use fewer timesteps or smaller samples",
				v.Steps, dev.Lanes*dev.Words(v.Len()), last, eventBits, last-1<<eventBits)}
		}
		v.Base = vectors
		vectors += v.Words(dev.Lanes)
	}
	if vectors > cmp.Or(dev.VectorDepth, mostVectors) {
		vectors = overlay(p, dev.Lanes)
	}
	for _, t := range p.Tables {
		t.Base = tables
		tables += 256
	}
	return errors.Join(
		allocateScalars(p),
		fit("weight memory", "words", weights, &dev.WeightDepth, 1<<22),
		fit("vector memory", "words", vectors, &dev.VectorDepth, mostVectors),
		fit("table memory", "entries", tables, &dev.TableDepth, 1<<12),
	)
}

// FitProgram checks the program memory once the instructions are counted.
func FitProgram(n int, dev *device.Config) error {
	return fit("program memory", "instructions", n, &dev.ProgramDepth, 1<<12)
}

// A Misfit is the error about a network that is right but larger than the device that it asks for.
type Misfit struct{ error }

// Unwrap returns the error.
func (m Misfit) Unwrap() error { return m.error }

func fit(memory, unit string, need int, depth *int, limit int) error {
	if *depth == 0 {
		*depth = max(16, 1<<bits.Len(uint(need-1)))
		if *depth > limit {
			return Misfit{fmt.Errorf("%s: the network needs %d %s, a device has at most %d; make it smaller or use more lanes", memory, need, unit, limit)}
		}
	}
	if need > *depth {
		return Misfit{fmt.Errorf("%s: the network needs %d %s, the device has %d: %d too many (%.0f%%); make the network smaller or the memory deeper",
			memory, need, unit, *depth, need-*depth, 100*float64(need-*depth)/float64(*depth))}
	}
	return nil
}

func allocateScalars(p *ir.Program) error {
	p.Each(func(_ *ir.Func, o *ir.Op) {
		if _, ok := o.Attrs["lo"]; ok {
			if name := BoundsName(o); p.Scalar(name) == nil {
				p.Scalars = append(p.Scalars, &ir.Scalar{Name: name, Init: int32(o.Attrs["hi"])<<16 | int32(o.Attrs["lo"])&0xffff, Reg: -1})
			}
		}
	})
	for _, r := range fixedRegisters {
		s := p.Scalar(r.Name)
		if s == nil {
			s = &ir.Scalar{Name: r.Name}
			p.Scalars = append(p.Scalars, s)
		}
		s.Reg, s.Init = r.Reg, r.Init
	}
	p.Scalar("seed").Init = int32(p.Seed)
	next := firstFree
	if p.Scalar(blockNames[0]) != nil {
		for _, name := range blockNames {
			p.Scalar(name).Reg = next
			next++
		}
	}
	if m := p.Scalar("max"); m != nil { // amax writes two neighbours
		m.Reg, p.Scalar("argmax").Reg = next, next+1
		next += 2
	}
	for _, s := range p.Scalars {
		if s.Reg < 0 {
			s.Reg = next
			next++
		}
	}
	if next > device.NumRegs {
		return Misfit{fmt.Errorf("registers: the program needs %d, the device has %d: %d too many; use fewer layers or equal rates", next, device.NumRegs, next-device.NumRegs)}
	}
	return nil
}
