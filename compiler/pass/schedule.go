package pass

import (
	"slices"

	"github.com/nmc-fpga/nmc/compiler/ir"
)

// Schedule puts the operations of each entry point in their final order: it derives a key before each random operation
// that needs another one, lets the input offset reach the lane-side group, and ends every entry with a halt.
func Schedule(p *ir.Program) error {
	const zero = "zero"
	declare(p, zero)
	for _, f := range p.Funcs {
		var ops []*ir.Op
		if slices.ContainsFunc(f.Ops, func(o *ir.Op) bool { return InputGroup(p, o) == LaneSide }) {
			if p.Scalar(laneInput) == nil {
				p.Scalars = append(p.Scalars, &ir.Scalar{Name: laneInput, Reg: -1})
			}
			declare(p, "input")
			declare(p, laneInput)
			ops = append(ops, ir.New("addi", laneInput, "input", ir.Imm(0)))
		}
		current := -1
		for _, o := range f.Ops {
			if s, ok := o.Attrs["stream"]; ok && s != current {
				step := "step"
				if s >= feedbackStream || f.Name == "init" {
					step = zero
				}
				ops = append(ops, ir.New("key", step).With("stream", s))
				current = s
			}
			ops = append(ops, o)
		}
		f.Ops = append(ops, ir.New("halt"))
	}
	return nil
}

func declare(p *ir.Program, scalar string) {
	if p.Scalar(scalar) == nil {
		p.Scalars = append(p.Scalars, &ir.Scalar{Name: scalar, Reg: -1})
	}
}

// InputGroup returns the register group with the offset of the input buffer that the operation needs, 0 for none.
func InputGroup(p *ir.Program, o *ir.Op) int {
	input := func(i int) bool {
		v := p.Vector(o.Args[i])
		return v != nil && v.Role == "input"
	}
	switch {
	case o.Name == "mac.b" && input(2), o.Name == "upd.b" && input(2):
		return ScalarSide
	case o.Name == "mac.r" && input(2), o.Name == "upd.b" && input(3):
		return LaneSide
	}
	return 0
}
