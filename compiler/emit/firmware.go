// Package emit turns an allocated program into what the device and the testbench take: the firmware image and the Verilog
// top.
package emit

import (
	"fmt"
	"math"
	"math/bits"
	"slices"

	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/compiler/pass"
	"github.com/nmc-fpga/nmc/firmware/asm"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/image"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

// entries orders the functions: their number is the address at which a run starts.
var entries = [device.NumEntries]string{device.Init: "init", device.Learn: "learn", device.Infer: "infer", device.Digest: "digest"}

// Firmware encodes the program: a jump table of entries, then the functions. The image holds the program, the tables and
// the initial registers; dev gets its program depth if that is still 0. The listing is the program as text, each
// instruction beside the operation that it comes from.
func Firmware(p *ir.Program, dev *device.Config) (m *image.Image, listing []byte, err error) {
	e := &encoder{p: p, dev: dev, comments: map[int]string{}}
	starts := map[string]int{}
	for _, f := range p.Funcs {
		starts[f.Name] = e.here()
		if err := e.block(f.Ops); err != nil {
			return nil, nil, fmt.Errorf("func %s: %w", f.Name, err)
		}
	}
	var table []isa.Word
	for _, name := range entries {
		w, err := isa.Encode(isa.ByCode(isa.Halt), nil)
		if start, ok := starts[name]; ok {
			w, err = isa.Encode(isa.ByCode(isa.Jump), isa.Fields{"imm": int64(start)})
		}
		if err != nil {
			return nil, nil, err
		}
		table = append(table, w)
	}
	words := append(table, e.words...)
	if err := pass.FitProgram(len(words), dev); err != nil {
		return nil, nil, err
	}
	program := make([]uint16, 0, 8*len(words))
	for _, w := range words {
		h := w.Halfwords()
		program = append(program, h[:]...)
	}
	m = &image.Image{Sections: []image.Section{{Space: device.Program, Data: program}}}
	for _, t := range p.Tables {
		m.Sections = append(m.Sections, image.Section{Space: device.Tables, Addr: uint32(2 * t.Base), Data: Table(t)})
	}
	regs := make([]uint16, 2*device.NumRegs)
	for _, s := range p.Scalars {
		regs[2*s.Reg], regs[2*s.Reg+1] = uint16(s.Init), uint16(s.Init>>16)
	}
	m.Sections = append(m.Sections, image.Section{Space: device.Registers, Data: regs})
	x := p.Vectors[0]
	base, stride := uint32(x.Base*dev.Lanes), uint32(dev.Words(x.Len())*dev.Lanes*max(1, x.Steps))
	m.Sections = append(m.Sections, image.Section{Space: device.Control, Addr: device.ControlInBase,
		Data: []uint16{uint16(base), uint16(base >> 16), uint16(stride), uint16(stride >> 16)}})
	m.Config = *dev

	text, err := asm.New(words)
	if err != nil {
		return nil, nil, err
	}
	text.Comments = e.comments
	for _, s := range p.Scalars {
		text.Registers = append(text.Registers, asm.Register{Index: s.Reg, Value: s.Init, Name: s.Name})
	}
	slices.SortFunc(text.Registers, func(a, b asm.Register) int { return a.Index - b.Index })
	return m, []byte(text.String()), nil
}

type encoder struct {
	p        *ir.Program
	dev      *device.Config
	words    []isa.Word     // after the jump table
	comments map[int]string // of the instruction at an address
}

// here is the address of the next instruction.
func (e *encoder) here() int { return len(entries) + len(e.words) }

func (e *encoder) block(ops []*ir.Op) error {
	for _, o := range ops {
		if err := e.add(o); err != nil {
			return fmt.Errorf("%s: %w", o, err)
		}
	}
	return nil
}

// unless is the jump that leaves out the block of an if.
var unless = []string{"jne", "jeq", "jge", "jlt"}

// add appends the instructions of an operation.
func (e *encoder) add(o *ir.Op) error {
	e.comments[e.here()] = o.String()
	f := isa.Fields{}
	switch o.Name {
	case "fills":
		return e.fill(o)
	case "next":
		// Both register groups that place the input go on.
		segment := int64(e.dev.Words(e.p.Vector(o.Args[0]).Len()) * e.dev.Lanes)
		if err := e.encode("add", isa.Fields{"rd": e.reg("input"), "ra": e.reg("input"), "rb": e.reg("zero"), "imm": segment}); err != nil {
			return err
		}
		return e.encode("add", isa.Fields{"rd": e.reg("input_lanes"), "ra": e.reg("input"), "rb": e.reg("zero")})
	case "rowof":
		// A row's words are a power of two more often than not; a shift takes a seventh of a multiplication's cycles.
		f["rd"], f["ra"] = e.reg(o.Args[0]), e.reg(o.Args[2])
		words := e.dev.Words(e.p.Tensor(o.Args[1]).Cols())
		if words&(words-1) == 0 {
			f["shift"] = int64(bits.TrailingZeros(uint(words)))
			return e.encode("shl", f)
		}
		if err := e.encode("set", isa.Fields{"rd": f["rd"], "imm": int64(words)}); err != nil {
			return err
		}
		f["rb"] = f["rd"]
		return e.encode("mul", f)
	case "repeat":
		f["rd"] = e.reg(o.Args[0])
		if err := e.encode("set", isa.Fields{"rd": f["rd"], "imm": int64(o.Attrs["n"])}); err != nil {
			return err
		}
		f["imm"] = int64(e.here())
		if err := e.block(o.Body); err != nil {
			return err
		}
		return e.encode("loop", f)
	case "if":
		at := len(e.words)
		e.words = append(e.words, isa.Word{})
		if err := e.block(o.Body); err != nil {
			return err
		}
		w, err := isa.Encode(isa.ByName(unless[o.Attrs["cond"]]), isa.Fields{"ra": e.reg(o.Args[0]), "rb": e.reg(o.Args[1]), "imm": int64(e.here())})
		e.words[at] = w
		return err
	}
	w, err := e.op(o)
	e.words = append(e.words, w)
	return err
}

// fill appends what fills a part of a vector: one instruction for whole words, else a loop over the elements.
func (e *encoder) fill(o *ir.Op) error {
	v, first := e.p.Vector(o.Args[0]), e.reg(o.Args[2])
	if o.Attrs["align"]%e.dev.Lanes == 0 {
		if err := e.encode("add", isa.Fields{"rd": 4*pass.Block + 3, "ra": first, "rb": e.reg("zero")}); err != nil {
			return err
		}
		f := isa.Fields{"fn": isa.FnMac, "n": int64(o.Attrs["n"]), "dst": int64(v.Base), "bounds": e.reg(pass.BoundsName(o)), "group": pass.Block}
		e.source(f, "c", o.Args[1])
		return e.encode("vec", f)
	}
	at, left := e.reg("fill_at"), e.reg("fill_left")
	if err := e.encode("set", isa.Fields{"rd": left, "imm": int64(o.Attrs["n"])}); err != nil {
		return err
	}
	if err := e.encode("add", isa.Fields{"rd": at, "ra": first, "rb": e.reg("zero")}); err != nil {
		return err
	}
	loop := int64(e.here())
	if err := e.encode("store", isa.Fields{"imm": int64(v.Base), "ra": at, "rb": e.reg(o.Args[1]), "index": 1}); err != nil {
		return err
	}
	if err := e.encode("add", isa.Fields{"rd": at, "ra": at, "rb": e.reg("zero"), "imm": 1}); err != nil {
		return err
	}
	return e.encode("loop", isa.Fields{"rd": left, "imm": loop})
}

func (e *encoder) encode(name string, f isa.Fields) error {
	w, err := isa.Encode(isa.ByName(name), f)
	e.words = append(e.words, w)
	return err
}

func (e *encoder) reg(name string) int64 { return int64(e.p.Scalar(name).Reg) }

func (e *encoder) op(o *ir.Op) (isa.Word, error) {
	f := isa.Fields{}
	name := o.Name
	put := func(keys ...string) {
		for _, k := range keys {
			f[k] = int64(o.Attrs[k])
		}
	}
	base := func(i int) int64 { return int64(e.p.Vector(o.Args[i]).Base) }
	matrix := func(t *ir.Tensor) {
		put("rows", "cols", "shift", "round")
		f["bounds"] = e.reg(pass.BoundsName(o))
		f["group"] = int64(pass.InputGroup(e.p, o))
		if t.Source == "sign" {
			f["wsrc"] = isa.WSign
			return
		}
		f["wbase"], f["rstride"] = int64(t.Base), int64(e.dev.Words(t.Cols()))
	}
	switch name {
	case "mac.b", "mac.r":
		matrix(e.p.Tensor(o.Args[1]))
		f["dbase"], f["sbase"], f["opt"] = base(0), base(2), int64(o.Attrs["masked"])
		if g := o.Attrs["group"]; g != 0 {
			f["group"] = int64(g)
		}
	case "upd.b", "upd.r":
		matrix(e.p.Tensor(o.Args[0]))
		f["rate"], f["sbase"], f["dbase"], f["opt"] = e.reg(o.Args[1]), base(2), base(3), int64(o.Attrs["pull"])
	case "blend":
		matrix(e.p.Tensor(o.Args[0]))
		f["rate"], f["opt"], f["wsrc"] = e.reg(o.Args[1]), int64(o.Attrs["set"]), int64(o.Attrs["source"])
		if len(o.Args) == 3 {
			m := e.p.Tensor(o.Args[2]).Base
			f["sbase"], f["dbase"] = int64(m&0xffff), int64(m>>16)
		}
	case "vec":
		put("fn", "n", "shift", "round")
		f["dst"], f["bounds"], f["group"] = base(0), e.reg(pass.BoundsName(o)), int64(pass.InputGroup(e.p, o))
		for i, k := range []string{"a", "b", "c"} {
			e.source(f, k, o.Args[i+1])
		}
	case "tab":
		put("n")
		f["dst"], f["bounds"], f["group"] = base(0), e.reg(pass.BoundsName(o)), int64(pass.InputGroup(e.p, o))
		e.source(f, "a", o.Args[1])
		f["c"] = int64(e.p.Table(o.Args[2]).Base)
	case "dot":
		put("n", "shift")
		f["dst"], f["group"] = e.reg(o.Args[0]), int64(pass.InputGroup(e.p, o))
		e.source(f, "a", o.Args[1])
		e.source(f, "b", o.Args[2])
	case "amax":
		put("n")
		f["dst"] = e.reg(o.Args[0])
		e.source(f, "a", o.Args[1])
	case "dig":
		t := e.p.Tensor(o.Args[0])
		f["tensor"], f["space"] = int64(t.ID), 0
		f["a"], f["b"] = int64(t.Base&0xffff), int64(t.Base>>16)
		f["c"], f["n"], f["dst"] = int64(t.Rows()), int64(t.Cols()), int64(e.dev.Words(t.Cols()))
	case "digs":
		name = "dig"
		f["tensor"], f["space"], f["a"], f["n"] = int64(o.Attrs["id"]), 2, e.reg(o.Args[0]), 1
	case "digv":
		name = "dig"
		f["tensor"], f["space"], f["a"], f["n"] = int64(o.Attrs["id"]), 1, base(0), int64(e.p.Vector(o.Args[0]).Len())
	case "set":
		f["rd"], f["imm"] = e.reg(o.Args[0]), imm(o.Args[1])
	case "addi":
		name = "add"
		f["rd"], f["ra"], f["rb"], f["imm"] = e.reg(o.Args[0]), e.reg(o.Args[1]), e.reg("zero"), imm(o.Args[2])
	case "add", "sub", "mul", "div", "min", "max":
		f["rd"], f["ra"], f["rb"] = e.reg(o.Args[0]), e.reg(o.Args[1]), e.reg(o.Args[2])
		if _, ok := o.Attrs["shift"]; ok {
			put("shift")
		}
	case "sqrt", "shl", "shr":
		put("shift")
		f["rd"], f["ra"] = e.reg(o.Args[0]), e.reg(o.Args[1])
	case "and":
		f["rd"], f["ra"], f["imm"] = e.reg(o.Args[0]), e.reg(o.Args[1]), imm(o.Args[2])
	case "load":
		f["rd"], f["imm"], f["ra"], f["index"] = e.reg(o.Args[0]), base(1), e.reg(o.Args[2]), 1
	case "store":
		v := e.p.Vector(o.Args[0])
		f["imm"] = int64(v.Base + o.Attrs["buffer"]*e.dev.Words(v.Len()))
		f["ra"], f["rb"], f["index"] = e.reg(o.Args[1]), e.reg(o.Args[2]), 1
	case "key":
		f["ra"], f["stream"] = e.reg(o.Args[0]), int64(o.Attrs["stream"])
	case "halt":
	default:
		return isa.Word{}, fmt.Errorf("the device has no such instruction")
	}
	return isa.Encode(isa.ByName(name), f)
}

// source encodes one operand of a vector instruction.
func (e *encoder) source(f isa.Fields, key, arg string) {
	switch {
	case arg == ir.Zero:
		f[key+"mode"] = isa.SrcZero
	case arg == ir.Uniform:
		f[key+"mode"] = isa.SrcUniform
	case arg == ir.Sign:
		f[key+"mode"] = isa.SrcSign
	case arg[0] == '#':
		f[key+"mode"], f[key] = isa.SrcImm, imm(arg)
	case e.p.Vector(arg) != nil:
		f[key+"mode"], f[key] = isa.SrcVector, int64(e.p.Vector(arg).Base)
	default:
		f[key+"mode"], f[key] = isa.SrcReg, e.reg(arg)
	}
}

func imm(arg string) int64 {
	var n int64
	fmt.Sscanf(arg, "#%d", &n) // the IR's check has seen it
	return n
}

// functions that tables hold.
var functions = map[string]func(float64) float64{
	"tanh":    math.Tanh,
	"sigmoid": func(x float64) float64 { return 1 / (1 + math.Exp(-x)) },
	"exp":     math.Exp,
}

// Table computes the entries of a table: base and slope of 256 segments over the 16-bit input, each end rounded to
// nearest and clamped to 16 bits.
func Table(t *ir.Table) []uint16 {
	at := func(i int) int16 {
		x := math.Ldexp(float64(i*256-1<<15), -t.InFrac)
		y := math.Floor(math.Ldexp(functions[t.Func](x), t.OutFrac) + 0.5)
		return int16(min(max(y, -1<<15), 1<<15-1))
	}
	var data []uint16
	for i := range 256 {
		base := at(i)
		slope := min(max(int(at(i+1))-int(base), -1<<15), 1<<15-1)
		data = append(data, uint16(base), uint16(slope))
	}
	return data
}
