package asm

import "github.com/nmc-fpga/nmc/firmware/isa"

// kind says how an argument is written and which bits it fills.
type kind uint8

const (
	number   kind = iota // shift=10
	signed               // imm=-3, 32 bits
	register             // rate=r12, or the name of a .reg
	group                // group=r20: four registers from a multiple of 4
	enum                 // round=nearest
	flag                 // widein: present or not
	target               // to=label
	place                // w=base+stride: fields[0] = base, fields[1] = words from row to row
	long                 // m=address: fields[0] = low half, fields[1] = high half
	longAt               // w=address+stride: low, high, stride
	operand              // a=[40], a=r3, a=#-5, a=uniform, a=sign; fields[0] = source, fields[1] = value
)

// arg is one argument of an operation as it is written.
type arg struct {
	key    string
	kind   kind
	fields []string
	must   bool // its absence is an error, and it is printed even when 0
}

func a(key string, k kind, fields ...string) arg {
	if len(fields) == 0 {
		fields = []string{key}
	}
	return arg{key: key, kind: k, fields: fields}
}

func must(key string, k kind, fields ...string) arg {
	x := a(key, k, fields...)
	x.must = true
	return x
}

var (
	wsrc    = a("wsrc", enum)
	w       = a("w", place, "wbase", "rstride")
	cols    = a("cols", number)
	rows    = a("rows", number)
	shift   = a("shift", number)
	round   = a("round", enum)
	rate    = must("rate", register)
	bounds  = must("bounds", register)
	maybe   = a("bounds", register)
	offsets = a("group", group)
	widein  = a("widein", flag)
	wideout = a("wideout", flag)
	opA     = a("a", operand, "amode", "a")
	opB     = a("b", operand, "bmode", "b")
	opC     = a("c", operand, "cmode", "c")
	n       = a("n", number)
	rd      = must("rd", register)
	ra      = must("ra", register)
	rb      = must("rb", register)
	imm     = a("imm", signed)
	to      = must("to", target, "imm")
	at      = a("at", number, "imm")
	index   = a("index", flag)
	maybeRA = a("ra", register)
	tensor  = a("tensor", number)
	space   = a("space", enum)
)

// syntax lists the arguments of each operation in the order in which they are printed. A field that no argument of its
// operation names can still be given by its own name and a number.
var syntax = map[uint8][]arg{
	isa.MacB:  {wsrc, w, cols, rows, a("s", number, "sbase"), a("d", number, "dbase"), shift, round, maybe, offsets, widein, wideout},
	isa.MacR:  {wsrc, w, cols, rows, a("v", number, "sbase"), a("d", number, "dbase"), shift, round, maybe, offsets, a("masked", flag, "opt"), widein, wideout},
	isa.UpdB:  {w, cols, rows, a("s", number, "sbase"), a("v", number, "dbase"), rate, shift, round, bounds, offsets, a("pull", flag, "opt")},
	isa.UpdR:  {w, cols, rows, a("s", number, "sbase"), a("v", number, "dbase"), rate, shift, round, bounds, offsets, a("pull", flag, "opt")},
	isa.Blend: {wsrc, w, cols, rows, a("m", long, "sbase", "dbase"), rate, shift, round, bounds, offsets, a("set", flag, "opt")},

	isa.Vec:  {opA, opB, opC, a("d", number, "dst"), n, shift, round, bounds, offsets},
	isa.Tab:  {opA, a("table", number, "c"), a("d", number, "dst"), n, bounds, offsets},
	isa.Dot:  {opA, opB, must("d", register, "dst"), n, shift, offsets},
	isa.Amax: {opA, must("d", register, "dst"), n, offsets},
	isa.Dig:  {tensor, space, a("w", longAt, "a", "b", "dst"), a("rows", number, "c"), a("cols", number, "n")},

	isa.Halt:  {},
	isa.Jump:  {to},
	isa.Loop:  {rd, to},
	isa.Jeq:   {ra, rb, to},
	isa.Jne:   {ra, rb, to},
	isa.Jlt:   {ra, rb, to},
	isa.Jge:   {ra, rb, to},
	isa.Set:   {rd, imm},
	isa.Add:   {rd, ra, rb, imm},
	isa.Sub:   {rd, ra, rb},
	isa.Mul:   {rd, ra, rb, shift},
	isa.Div:   {rd, ra, rb, shift},
	isa.Sqrt:  {rd, ra, shift},
	isa.Min:   {rd, ra, rb},
	isa.Max:   {rd, ra, rb},
	isa.And:   {rd, ra, imm},
	isa.Shl:   {rd, ra, shift},
	isa.Shr:   {rd, ra, shift},
	isa.Load:  {rd, at, index, maybeRA},
	isa.Store: {rb, at, index, maybeRA},
	isa.Key:   {a("stream", number), ra},
}

// digOther are the arguments of dig for the spaces that are no matrices.
var digOther = map[string][]arg{
	"vectors":   {tensor, space, a("at", number, "a"), n},
	"registers": {tensor, space, a("at", register, "a"), n},
}

// args returns the arguments of an operation. For dig they depend on the space.
func args(op *isa.Op, space string) []arg {
	if other, ok := digOther[space]; ok && op.Code == isa.Dig {
		return other
	}
	return syntax[op.Code]
}

// narrow reports whether the operation uses its bounds although they may be left out: mac does unless it stores wide.
func narrow(in *isa.Instruction) bool {
	return (in.Op.Code == isa.MacB || in.Op.Code == isa.MacR) && in.Get("wideout") == 0
}
