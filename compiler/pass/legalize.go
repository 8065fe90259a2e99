package pass

import (
	"fmt"
	"slices"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

const (
	fnMac = iota
	fnMin
	fnMax
	fnGe
	fnSel
)

// Random streams: those of operations count from 0; from NoiseStream on they belong to rules, which name them where two
// operations must draw the same; from feedbackStream on to generated matrices, which are the same in every sample.
const (
	NoiseStream    = 64
	feedbackStream = 128
)

// Legalize rewrites the upper level of the IR into the device's instructions.
func Legalize(p *ir.Program) error {
	z := &legalizer{p: p}
	for _, f := range p.Funcs {
		f.Ops = fuse(p, f, f.Ops, false)
		var err error
		if f.Ops, err = z.block(f.Ops); err != nil {
			return fmt.Errorf("func %s: %w", f.Name, err)
		}
	}
	if z.stream > NoiseStream {
		return fmt.Errorf("%d operations draw, the device tells %d apart; use fewer layers", z.stream, NoiseStream)
	}
	prune(p)
	return nil
}

// block rewrites a list of operations and the blocks in it.
func (z *legalizer) block(ops []*ir.Op) ([]*ir.Op, error) {
	outer := z.out
	z.out = nil
	for i, o := range ops {
		if err := z.op(o); err != nil {
			return nil, fmt.Errorf("operation %d: %w", i, err)
		}
	}
	lower := z.out
	z.out = outer
	return lower, nil
}

// fuse joins neighbours that are one instruction: matvec and relu or clip (the bounds clamp), matvect and drelu (the mask). The
// value between the two must not be read elsewhere: not after them, and in a repeated block not before them either.
func fuse(p *ir.Program, f *ir.Func, list []*ir.Op, repeated bool) []*ir.Op {
	var ops []*ir.Op
	for i, o := range list {
		o.Body = fuse(p, f, o.Body, true)
		if len(ops) > 0 {
			last := ops[len(ops)-1]
			only := true
			reads := func(r *ir.Op) { only = only && (r == o || r == last || !slices.Contains(r.Args, last.Args0())) }
			if repeated {
				ir.Walk(f.Ops, reads)
			} else {
				ir.Walk(list[i+1:], reads)
			}
			switch {
			case (o.Name == "relu" || o.Name == "clip") && last.Name == "matvec" && only && o.Args[1] == last.Args[0] && sameFormat(p, o.Args[0], o.Args[1]):
				last.Args[0] = o.Args[0]
				last.With("lo", 0)
				if o.Name == "clip" {
					last.With("hi", one(p.Vector(o.Args[0])))
				} else {
					last.With("hi", fullHi)
				}
				continue
			case o.Name == "drelu" && last.Name == "matvect" && only && o.Args[1] == last.Args[0] && sameFormat(p, o.Args[0], o.Args[1]):
				last.Args = []string{o.Args[0], last.Args[1], last.Args[2], o.Args[2]}
				continue
			}
		}
		ops = append(ops, o)
	}
	return ops
}

func sameFormat(p *ir.Program, a, b string) bool { return p.Vector(a).Frac == p.Vector(b).Frac }

type legalizer struct {
	p      *ir.Program
	out    []*ir.Op
	stream int
}

func (z *legalizer) add(o *ir.Op) *ir.Op {
	z.out = append(z.out, o)
	return o
}

// vec adds an elementwise instruction with full bounds and rounding to nearest.
func (z *legalizer) vec(fn, n int, dst, a, b, c string) *ir.Op {
	return z.add(ir.New("vec", dst, a, b, c).With("fn", fn).With("n", n).With("shift", 0).With("round", int(fixed.Nearest)).
		With("lo", fullLo).With("hi", fullHi))
}

func (z *legalizer) scalar(name string, init int32) string {
	if z.p.Scalar(name) == nil {
		z.p.Scalars = append(z.p.Scalars, &ir.Scalar{Name: name, Init: init, Reg: -1})
	}
	return name
}

// temp declares a scratch vector; one of each name and size serves the whole program.
func (z *legalizer) temp(name string, n, frac int) string {
	name = fmt.Sprintf("%s_%d_%d", name, n, frac)
	if z.p.Vector(name) == nil {
		z.p.Vectors = append(z.p.Vectors, &ir.Vector{Name: name, Role: "temp", N: n, Frac: frac, Base: -1})
	}
	return name
}

// keyed marks a stochastic operation with a random stream of its own.
func (z *legalizer) keyed(o *ir.Op) {
	_, named := o.Attrs["stream"]
	if !named && (o.Attrs["round"] == int(fixed.Stochastic) || o.Attrs["source"] != 0 || slices.ContainsFunc(o.Args, ir.IsDraw)) {
		o.With("stream", z.stream)
		z.stream++
	}
}

func (z *legalizer) op(o *ir.Op) error {
	p := z.p
	vec := func(i int) *ir.Vector { return p.Vector(o.Args[i]) }
	copyAttrs := func(dst *ir.Op) *ir.Op {
		for k, v := range o.Attrs {
			dst.With(k, v)
		}
		return dst
	}
	switch o.Name {
	case "matvec":
		t := p.Tensor(o.Args[1])
		name, rows, cols := "mac.b", t.Rows(), t.Cols()
		if size := o.Attrs["n"]; size > 0 {
			rows = size
			if t.Lanes == "in" {
				rows, cols = t.Out, size
			}
		}
		if t.Lanes == "in" {
			name = "mac.r"
		}
		m := copyAttrs(ir.New(name, o.Args[:3]...)).With("rows", rows).With("cols", cols)
		delete(m.Attrs, "n")
		if len(o.Args) == 4 {
			first, words, lane := z.blockRegisters()
			z.add(ir.New("addi", first, o.Args[3], ir.Imm(0)))
			z.add(ir.New("rowof", words, t.Name, o.Args[3]))
			z.add(ir.New("set", lane, ir.Imm(0)))
			m.With("group", Block)
		}
		z.generated(t, z.add(m))
	case "matvect", "row":
		z.transposed(o, copyAttrs)
	case "outer", "pull":
		t := p.Tensor(o.Args[0])
		lo, hi := WeightBounds(t)
		d, x := o.Args[2], o.Args[3]
		s, v, walk := x, d, "upd.b"
		if t.Lanes == "in" {
			s, v = d, x
		}
		// Few d that are not 0: streamed in the inner loop as v they skip words, as s they choose whole rows. What the weights of a pull
		// go to is the inner operand.
		inner := t.Lanes == "in"
		if o.Attrs["across"] != 0 {
			inner = !inner
		}
		if inner && (o.Name == "pull" || o.Attrs["sparse"] != 0) {
			walk = "upd.r"
		}
		rows, cols := t.Rows(), t.Cols()
		if o.Attrs["nobias"] != 0 {
			rows, cols = unbiased(t)
		}
		u := copyAttrs(ir.New(walk, t.Name, o.Args[1], s, v)).With("rows", rows).With("cols", cols).With("lo", lo).With("hi", hi)
		delete(u.Attrs, "sparse")
		delete(u.Attrs, "across")
		delete(u.Attrs, "nobias")
		if o.Name == "pull" {
			u.With("pull", 1)
		}
		z.keyed(z.add(u))
	case "perturb":
		t := p.Tensor(o.Args[0])
		lo, hi := WeightBounds(t)
		z.keyed(z.add(copyAttrs(ir.New("blend", o.Args...)).With("rows", t.Rows()).With("cols", t.Cols()).
			With("round", int(fixed.Nearest))))
		bounds(z.out[len(z.out)-1], lo, hi)
	case "accumulate":
		t := p.Tensor(o.Args[0])
		lo, hi := WeightBounds(t)
		z.keyed(z.add(copyAttrs(ir.New("blend", o.Args...)).With("rows", t.Rows()).With("cols", t.Cols()).With("lo", lo).With("hi", hi)))
	case "repeat", "if":
		b := copyAttrs(ir.New(o.Name, o.Args...))
		var err error
		if b.Body, err = z.block(o.Body); err != nil {
			return err
		}
		z.add(b)
	case "madd":
		z.keyed(z.elementwise(fnMac, o, o.Args[1], o.Args[2], o.Args[3]))
	case "vmin":
		z.elementwise(fnMin, o, o.Args[1], ir.Zero, o.Args[2])
	case "vmax":
		z.elementwise(fnMax, o, o.Args[1], ir.Zero, o.Args[2])
	case "ge":
		z.keyed(z.elementwise(fnGe, o, o.Args[1], ir.Zero, o.Args[2]))
	case "sel":
		z.keyed(z.elementwise(fnSel, o, o.Args[1], o.Args[2], o.Args[3]))
	case "fill":
		if len(o.Args) == 3 {
			z.blockRegisters()
			z.scalar("fill_at", 0)
			z.scalar("fill_left", 0)
			z.add(copyAttrs(ir.New("fills", o.Args...)).With("lo", fullLo).With("hi", fullHi))
			break
		}
		z.vec(fnMac, vec(0).N, o.Args[0], ir.Zero, ir.Zero, o.Args[1])
	case "winner":
		m, am := z.pair()
		z.add(ir.New("amax", m, o.Args[1]).With("n", vec(1).N))
		z.oneAt(vec(0), am)
	case "onehot":
		z.oneAt(vec(0), z.label())
	case "draw":
		t := p.Tensor(o.Args[0])
		lo, hi := WeightBounds(t)
		if least, ok := o.Attrs["lo"]; ok {
			lo = max(lo, least)
		}
		if t.Bias {
			z.add(ir.New("blend", t.Name, z.scalar("zero", 0)).With("rows", t.Rows()).With("cols", t.Cols()).With("set", 1).With("lo", lo).With("hi", hi))
		}
		rows, cols := unbiased(t)
		z.keyed(z.add(copyAttrs(ir.New("blend", o.Args...)).With("rows", rows).With("cols", cols).With("set", 1).
			With("round", int(fixed.Nearest)).With("lo", lo).With("hi", hi)))
	case "sign":
		// The largest factor takes every element but 0 beyond the bounds.
		t, m := p.Tensor(o.Args[0]), o.Attrs["magnitude"]
		z.add(ir.New("blend", t.Name, z.scalar("full", 0x7fff<<16), o.Args[1]).With("rows", t.Rows()).With("cols", t.Cols()).
			With("set", 1).With("lo", -m).With("hi", m))
	case "relu":
		z.vec(fnMac, vec(0).N, o.Args[0], ir.Zero, ir.Zero, o.Args[1]).With("lo", 0)
	case "clip":
		z.vec(fnMac, vec(0).N, o.Args[0], o.Args[1], ir.Imm(1<<max(0, vec(0).Frac-vec(1).Frac)), ir.Zero).
			With("shift", max(0, vec(1).Frac-vec(0).Frac)).With("lo", 0).With("hi", one(vec(0)))
	case "tanh", "sigmoid", "exp":
		z.add(ir.New("tab", o.Args...).With("n", vec(0).N).With("lo", fullLo).With("hi", fullHi))
	case "hardsigmoid":
		h, u := vec(0), vec(1)
		z.vec(fnMac, h.N, h.Name, u.Name, ir.Imm(sixth), ir.Imm(1<<(h.Frac-1))).With("shift", 16+u.Frac-h.Frac).With("lo", 0).With("hi", 1<<h.Frac)
	case "drelu":
		z.vec(fnSel, vec(0).N, o.Args[0], o.Args[2], o.Args[1], ir.Zero)
	case "dtanh", "dsigmoid":
		d, t, h := vec(0), vec(1), vec(2)
		f := z.temp("f", d.N, h.Frac)
		if o.Name == "dtanh" {
			q := z.temp("q", d.N, h.Frac)
			z.vec(fnMac, d.N, q, h.Name, h.Name, ir.Zero).With("shift", h.Frac)
			z.vec(fnMac, d.N, f, q, ir.Imm(-1), ir.Imm(1<<h.Frac))
		} else {
			q := z.temp("q", d.N, h.Frac)
			z.vec(fnMac, d.N, q, h.Name, ir.Imm(-1), ir.Imm(1<<h.Frac))
			z.vec(fnMac, d.N, f, h.Name, q, ir.Zero).With("shift", h.Frac)
		}
		z.vec(fnMac, d.N, d.Name, t.Name, f, ir.Zero).With("shift", t.Frac+h.Frac-d.Frac)
	case "dclip":
		d, t, h := vec(0), vec(1), vec(2)
		f, q := z.temp("f", d.N, d.Frac), z.temp("q", d.N, h.Frac)
		z.vec(fnSel, d.N, f, h.Name, t.Name, ir.Zero)
		z.vec(fnMac, d.N, q, h.Name, ir.Imm(-1), ir.Imm(one(h)))
		z.vec(fnSel, d.N, d.Name, q, f, ir.Zero)
	case "dhardsigmoid":
		d, t, h := vec(0), vec(1), vec(2)
		f, q := z.temp("f", d.N, d.Frac), z.temp("q", d.N, h.Frac)
		z.vec(fnMac, d.N, f, t.Name, ir.Imm(sixth), ir.Zero).With("shift", 16+t.Frac-d.Frac)
		z.vec(fnSel, d.N, f, h.Name, f, ir.Zero)
		z.vec(fnMac, d.N, q, h.Name, ir.Imm(-1), ir.Imm(1<<h.Frac))
		z.vec(fnSel, d.N, d.Name, q, f, ir.Zero)
	case "softmax":
		return z.softmax(vec(0), vec(1), p.Table(o.Args[2]))
	case "target":
		d := vec(0)
		e := z.scalar("e", 0)
		z.vec(fnMac, d.N, d.Name, ir.Zero, ir.Zero, o.Args[1])
		z.add(ir.New("load", e, d.Name, z.label()))
		z.add(ir.New("addi", e, e, ir.Imm(-1<<d.Frac)))
		z.add(ir.New("store", d.Name, z.label(), e))
	case "result":
		m, am := z.pair()
		z.add(ir.New("amax", m, o.Args[0]).With("n", vec(0).N))
		z.add(ir.New("addi", z.scalar("prediction", 0), am, ir.Imm(0)))
		z.add(ir.New("addi", z.scalar("score", 0), m, ir.Imm(0)))
	case "reset":
		z.add(ir.New("set", o.Args[0], ir.Imm(int(p.Scalar(o.Args[0]).Init))))
	case "anneal":
		z.anneal(o)
	case "count":
		z.add(ir.New("addi", o.Args[0], o.Args[0], ir.Imm(1)))
	case "one":
		v := vec(0)
		i, value := z.scalar("e", 0), z.scalar("one", 0)
		z.add(ir.New("set", i, ir.Imm(v.N)))
		z.add(ir.New("set", value, ir.Imm(one(v))))
		z.add(ir.New("store", v.Name, i, value))
		if v.Role == "input" {
			z.add(ir.New("store", v.Name, i, value).With("buffer", 1))
		}
	case "clear":
		x := vec(0)
		for _, offset := range []string{"input", laneInput} {
			z.add(ir.New("set", z.scalar(offset, 0), ir.Imm(0)))
		}
		b := ir.New("repeat", z.scalar("trip_1", 0)).With("n", ir.Buffers*x.Steps) // one buffer follows the other
		outer := z.out
		z.out = nil
		z.vec(fnMac, x.N, x.Name, ir.Zero, ir.Zero, ir.Zero)
		z.add(ir.New("next", x.Name))
		b.Body, z.out = z.out, append(outer, b)
	case "digest":
		id := 0
		for _, t := range p.Tensors {
			if t.Role == "weight" || t.Source == "memory" {
				t.ID = id
				id++
				z.add(ir.New("dig", t.Name))
			}
		}
		for _, v := range p.Vectors {
			if v.Role == "state" {
				z.add(ir.New("digv", v.Name).With("id", id))
				id++
			}
		}
		for _, s := range p.Scalars {
			if s.Learned {
				z.add(ir.New("digs", s.Name).With("id", id))
				id++
			}
		}
	default:
		if ir.Ops[o.Name].Level != ir.Lower {
			return fmt.Errorf("%s: no way to lower it", o)
		}
		z.add(o)
	}
	return nil
}

// elementwise adds the vec instruction of an upper operation with the attributes that it has.
func (z *legalizer) elementwise(fn int, o *ir.Op, a, b, c string) *ir.Op {
	v := z.vec(fn, z.p.Vector(o.Args[0]).N, o.Args[0], a, b, c)
	for k, x := range o.Attrs {
		if k != "frac" {
			v.With(k, x)
		}
	}
	return v
}

// oneAt sets v to one at an index and to zero elsewhere.
func (z *legalizer) oneAt(v *ir.Vector, index string) {
	value := z.scalar("one", 0)
	z.vec(fnMac, v.N, v.Name, ir.Zero, ir.Zero, ir.Zero)
	z.add(ir.New("set", value, ir.Imm(one(v))))
	z.add(ir.New("store", v.Name, index, value))
}

// sixth is 1/6 in units of 2^-16.
const sixth = 10923

// transposed lowers dst = Wᵀ·d: the other walk of the same layout, without the bias.
func (z *legalizer) transposed(o *ir.Op, copyAttrs func(*ir.Op) *ir.Op) {
	t, dst := z.p.Tensor(o.Args[1]), z.p.Vector(o.Args[0])
	masked := len(o.Args) == 4
	if t.Lanes == "in" {
		z.generated(t, z.add(copyAttrs(ir.New("mac.b", o.Args[:3]...)).With("rows", t.Out).With("cols", t.In)))
		if masked {
			z.vec(fnSel, dst.N, dst.Name, o.Args[3], dst.Name, ir.Zero)
		}
		return
	}
	m := copyAttrs(ir.New("mac.r", o.Args[:3]...)).With("rows", t.In).With("cols", t.Out)
	if masked { // the device takes the mask from the destination
		z.vec(fnMac, dst.N, dst.Name, ir.Zero, ir.Zero, o.Args[3])
		m.With("masked", 1)
	}
	z.generated(t, z.add(m))
}

// unbiased returns the rows and columns of a tensor without its biases.
func unbiased(t *ir.Tensor) (rows, cols int) {
	if t.Lanes == "in" {
		return t.Out, t.In
	}
	return t.In, t.Out
}

// blockRegisters declares the registers of group Block and returns those that a walk of some rows sets.
func (z *legalizer) blockRegisters() (first, words, lane string) {
	for _, name := range blockNames {
		z.scalar(name, 0)
	}
	return blockNames[0], blockNames[2], blockNames[3]
}

// generated gives a product with a tensor that is drawn the tensor's random stream.
func (z *legalizer) generated(t *ir.Tensor, m *ir.Op) {
	if _, named := m.Attrs["stream"]; t.Source == "sign" && !named {
		m.With("stream", feedbackStream+slices.Index(z.p.Tensors, t))
	}
}

// softmax lowers p = exp(u - max u) / sum: the exponent clips at the table's end, the sum's reciprocal is one division.
func (z *legalizer) softmax(p, u *ir.Vector, exp *ir.Table) error {
	m, _ := z.pair()
	e, sum, scale := z.temp("e", p.N, exp.OutFrac), z.scalar("sum", 0), z.scalar("scale", 0)
	x := z.temp("z", p.N, exp.InFrac)
	z.add(ir.New("amax", m, u.Name).With("n", p.N))
	z.vec(fnMac, p.N, x, m, ir.Imm(-1), u.Name).With("lo", silentLo).With("hi", silentHi)
	if exp.InFrac < u.Frac {
		return fmt.Errorf("softmax: %s has more fraction bits than the exponent's table (%d > %d)", u.Name, u.Frac, exp.InFrac)
	}
	z.vec(fnMac, p.N, x, x, ir.Imm(1<<(exp.InFrac-u.Frac)), ir.Zero).With("lo", silentLo).With("hi", silentHi)
	z.add(ir.New("tab", e, x, exp.Name).With("n", p.N).With("lo", fullLo).With("hi", fullHi))
	z.add(ir.New("dot", sum, e, ir.Imm(1)).With("n", p.N).With("shift", 0))
	// The largest term is 2^15-1, so 2^30/sum is at most 2^15 and the product with a term at most 2^30.
	z.add(ir.New("div", scale, z.scalar("unit", 1<<30), sum).With("shift", 0))
	z.vec(fnMac, p.N, p.Name, e, scale, ir.Zero).With("shift", 30-p.Frac)
	return nil
}

// anneal lowers one step of a schedule; rates are negative and rise to their final value.
func (z *legalizer) anneal(o *ir.Op) {
	s := o.Args[0]
	factor := z.scalar(s+"_factor", int32(o.Attrs["factor"]))
	final := z.scalar(s+"_final", int32(o.Attrs["final"]))
	if o.Attrs["sched"] == 2 {
		z.add(ir.New("mul", s, s, factor).With("shift", 31))
	} else {
		z.add(ir.New("add", s, s, factor))
	}
	limit := "min"
	if z.p.Scalar(s).Init > 0 {
		limit = "max"
	}
	z.add(ir.New(limit, s, s, final))
}

func (z *legalizer) label() string { return z.scalar("label", 0) }

// pair declares the two neighbouring registers that amax writes.
func (z *legalizer) pair() (value, index string) { return z.scalar("max", 0), z.scalar("argmax", 0) }

// prune drops vectors that no operation names any more.
func prune(p *ir.Program) {
	used := map[string]bool{}
	p.Each(func(_ *ir.Func, o *ir.Op) {
		for _, a := range o.Args {
			used[a] = true
		}
	})
	p.Vectors = slices.DeleteFunc(p.Vectors, func(v *ir.Vector) bool { return !used[v.Name] })
}
