package pass

import "github.com/nmc-fpga/nmc/compiler/ir"

// narrow is the number of outputs below which lanes over outputs would leave most of a wide word empty.
const narrow = 32

// Axes chooses the lane axis of every tensor that has none yet. The choice depends on the shape only, never on the
// number of lanes: it fixes the coordinates of the random draws and of the digest.
//
// Lanes over outputs lets each zero input skip its whole row, forward and in the update: the right choice for inputs and
// hidden layers. A layer with few outputs goes over its inputs instead, unless its inputs are taken in blocks. Signs lie as the weights do that they are taken of, traces as those that
// they are added to.
func Axes(p *ir.Program) error {
	blocks := map[string]bool{} // tensors of whose inputs an operation takes a block
	p.Each(func(_ *ir.Func, o *ir.Op) {
		if o.Name == "matvec" && len(o.Args) == 4 {
			blocks[o.Args[1]] = true
		}
	})
	for _, t := range p.Tensors {
		switch {
		case t.Lanes != "":
		case blocks[t.Name]:
			t.Lanes = "out"
		case t.Role != "feedback" && t.Out < narrow && t.In > t.Out:
			t.Lanes = "in"
		default:
			t.Lanes = "out"
		}
	}
	p.Each(func(_ *ir.Func, o *ir.Op) {
		switch o.Name {
		case "sign":
			p.Tensor(o.Args[0]).Lanes = p.Tensor(o.Args[1]).Lanes
		case "accumulate": // a trace lies as the weights that it is added to or made of
			a, b := p.Tensor(o.Args[0]), p.Tensor(o.Args[2])
			if b.Role == "trace" {
				a, b = b, a
			}
			a.Lanes = b.Lanes
		}
	})
	return nil
}
