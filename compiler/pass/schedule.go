package pass

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nmc-fpga/nmc/compiler/ir"
)

// zero is the scalar that stays 0.
const zero = "zero"

// Schedule puts the operations of each entry point in their final order: it derives a key before each random operation
// that needs another one, lets the input offset reach the lane-side group, and ends every entry with a halt.
func Schedule(p *ir.Program) error {
	declare(p, zero)
	for _, f := range p.Funcs {
		s := &scheduler{p: p, step: "step"}
		if f.Name == "init" {
			s.step = zero
		}
		s.block(f.Ops)
		var err error
		ir.Walk(f.Ops, func(o *ir.Op) {
			if err == nil {
				err = reachable(p, o)
			}
		})
		if err != nil {
			return fmt.Errorf("func %s: %w", f.Name, err)
		}
		lanes := false
		ir.Walk(f.Ops, func(o *ir.Op) { lanes = lanes || InputGroup(p, o) == LaneSide })
		if lanes {
			if p.Scalar(laneInput) == nil {
				p.Scalars = append(p.Scalars, &ir.Scalar{Name: laneInput, Reg: -1})
			}
			declare(p, "input")
			declare(p, laneInput)
			s.out = slices.Insert(s.out, 0, ir.New("addi", laneInput, "input", ir.Imm(0)))
		}
		f.Ops = append(s.out, ir.New("halt"))
	}
	return nil
}

// scheduler puts keys into one block.
type scheduler struct {
	p    *ir.Program
	out  []*ir.Op
	step string // the scalar that counts samples and, in blocks, trips
	deep int
}

// block appends the operations with their keys. Operations of a repeated block draw anew in each trip: their step is
// step·n + trip, kept in a scalar of the block's depth. (It saturates beyond 2^31: 70 epochs of 60,000 samples and 512 trips.)
func (s *scheduler) block(ops []*ir.Op) {
	const none = -1
	current := none // the stream of the key that holds here
	for _, o := range ops {
		if ir.IsBlock(o.Name) {
			inner := &scheduler{p: s.p, step: s.step, deep: s.deep}
			if draws := s.draws(o.Body); o.Name == "repeat" && draws {
				inner.deep++
				inner.step = fmt.Sprintf("step_%d", inner.deep)
				trips := fmt.Sprintf("trips_%d", o.Attrs["n"])
				declare(s.p, inner.step)
				declare(s.p, trips).Init = int32(o.Attrs["n"])
				s.out = append(s.out, ir.New("mul", inner.step, s.step, trips).With("shift", 0))
				inner.out = append(inner.out, ir.New("addi", inner.step, inner.step, ir.Imm(1)))
			}
			inner.block(o.Body)
			o.Body = inner.out
			s.out = append(s.out, o)
			current = none
			continue
		}
		if stream, ok := o.Attrs["stream"]; ok && stream != current {
			step := s.step
			if stream >= feedbackStream {
				step = zero
			}
			s.out = append(s.out, ir.New("key", step).With("stream", stream))
			current = stream
		}
		s.out = append(s.out, o)
	}
}

// draws says whether an operation of the block draws anew in each trip.
func (s *scheduler) draws(ops []*ir.Op) bool {
	found := false
	ir.Walk(ops, func(o *ir.Op) {
		if stream, ok := o.Attrs["stream"]; ok && stream < feedbackStream {
			found = true
		}
	})
	return found
}

// declare returns the scalar of that name, made if it is not there.
func declare(p *ir.Program, scalar string) *ir.Scalar {
	if p.Scalar(scalar) == nil {
		p.Scalars = append(p.Scalars, &ir.Scalar{Name: scalar, Reg: -1})
	}
	return p.Scalar(scalar)
}

// InputGroup returns the register group with the offset of the input buffer that the operation needs, 0 for none.
func InputGroup(p *ir.Program, o *ir.Op) int {
	input := func(i int) bool {
		v := p.Vector(o.Args[i])
		return v != nil && v.Role == "input"
	}
	switch {
	case o.Name == "mac.b" && input(2), strings.HasPrefix(o.Name, "upd") && input(2):
		return ScalarSide
	case o.Name == "mac.r" && input(2), strings.HasPrefix(o.Name, "upd") && input(3):
		return LaneSide
	case (o.Name == "vec" || o.Name == "tab" || o.Name == "dot") && input(1):
		return ScalarSide // its first register is the offset of a; the others are 0
	case o.Name == "vec" && input(0):
		return LaneSide // its last register is the offset of dst; the others are 0
	}
	return 0
}

// reachable says whether the operation reads the input, which has two buffers, only where an offset reaches it.
func reachable(p *ir.Program, o *ir.Op) error {
	at := 1
	switch group := InputGroup(p, o); {
	case o.Name == "store" && o.Attrs["buffer"] <= 1: // init writes to both
		return nil
	case o.Name == "next": // moves the offsets
		return nil
	case o.Name == "vec" && group == LaneSide:
		at = 0
	case strings.HasPrefix(o.Name, "upd") && group == LaneSide:
		at = 3
	case strings.HasPrefix(o.Name, "upd") || strings.HasPrefix(o.Name, "mac"):
		at = 2
	case group == 0:
		at = -1
	}
	for i, a := range o.Args {
		if v := p.Vector(a); v != nil && v.Role == "input" && i != at {
			return fmt.Errorf("%s: operand %d cannot be the input; copy it first", o, i)
		}
	}
	return nil
}
