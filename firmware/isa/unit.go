package isa

// A Unit is a part of the engine that a device can leave out: its configuration says which, and a program may not use
// them. The position in Units is the bit of device.Config.Omit and of the Verilog's parameter Omit.
type Unit struct {
	Name string
	Doc  string
	used func(w Word, op *Op) bool
}

// Units are the parts that can be left out.
var Units = []Unit{
	{"wide", "accumulators stored and resumed (mac with widein or wideout)",
		func(w Word, op *Op) bool {
			return isMac(op) && (field(w, op, "widein") != 0 || field(w, op, "wideout") != 0)
		}},
	{"masked", "mac.r that leaves zeros alone",
		func(w Word, op *Op) bool { return op.Code == MacR && field(w, op, "opt") != 0 }},
	{"updr", "upd.r", func(w Word, op *Op) bool { return op.Code == UpdR }},
	{"pull", "upd with opt",
		func(w Word, op *Op) bool { return (op.Code == UpdB || op.Code == UpdR) && field(w, op, "opt") != 0 }},
	{"compare", "vec min, max and ge",
		func(w Word, op *Op) bool {
			fn := field(w, op, "fn")
			return op.Code == Vec && (fn == FnMin || fn == FnMax || fn == FnGe)
		}},
	{"select", "vec sel", func(w Word, op *Op) bool { return op.Code == Vec && field(w, op, "fn") == FnSel }},
	{"uniform", "uniform draws as operands",
		func(w Word, op *Op) bool { return draws(w, op, WUniform, SrcUniform) }},
	{"sign", "signs of draws as operands",
		func(w Word, op *Op) bool { return draws(w, op, WSign, SrcSign) }},
	{"stochastic", "stochastic rounding",
		func(w Word, op *Op) bool {
			return (op.Format == "matrix" || op.Code == Vec) && field(w, op, "round") == RoundStochastic
		}},
	{"dot", "dot", func(w Word, op *Op) bool { return op.Code == Dot }},
	{"table", "tab", func(w Word, op *Op) bool { return op.Code == Tab }},
	{"argmax", "amax", func(w Word, op *Op) bool { return op.Code == Amax }},
	{"divide", "div", func(w Word, op *Op) bool { return op.Code == Div }},
	{"root", "sqrt", func(w Word, op *Op) bool { return op.Code == Sqrt }},
	{"operand", "registers as operands of vec and dot",
		func(w Word, op *Op) bool { return (op.Code == Vec || op.Code == Dot) && source(w, op, SrcReg) }},
	{"branch", "loop, jeq, jne, jlt, jge", func(w Word, op *Op) bool { return op.Code >= Loop && op.Code <= Jge }},
	{"logic", "and, shl, shr", func(w Word, op *Op) bool { return op.Code >= And && op.Code <= Shr }},
	{"drawn", "draws in mac, vec and dot, and rounding of blend by draws",
		func(w Word, op *Op) bool {
			if op.Format != "matrix" && op.Code != Vec && op.Code != Dot || op.Code == UpdB || op.Code == UpdR {
				return false
			}
			operand := op.Code != Blend && (draws(w, op, WUniform, SrcUniform) || draws(w, op, WSign, SrcSign))
			return operand || op.Code != Dot && field(w, op, "round") == RoundStochastic
		}},
	{"update", "what writes weights: upd.b, upd.r, blend",
		func(w Word, op *Op) bool { return op.Code == UpdB || op.Code == UpdR || op.Code == Blend }},
}

// RoundStochastic is the value of the field round that adds a draw.
const RoundStochastic = 2

// AllUnits is the set of all units.
var AllUnits = uint32(1)<<len(Units) - 1

func isMac(op *Op) bool { return op.Code == MacB || op.Code == MacR }

// draws says whether an operand is a draw of a kind: the value of wsrc, or of a source of a vector instruction.
func draws(w Word, op *Op, wsrc, src uint32) bool {
	if isMac(op) || op.Code == Blend {
		return field(w, op, "wsrc") == wsrc
	}
	if op.Code != Vec && op.Code != Dot {
		return false
	}
	return source(w, op, src)
}

// source says whether an operand of a vector instruction comes from src.
func source(w Word, op *Op, src uint32) bool {
	return field(w, op, "amode") == src || field(w, op, "bmode") == src || field(w, op, "cmode") == src
}

// field is the value of a field, 0 where the format has none of that name.
func field(w Word, op *Op, name string) uint32 {
	if f := op.Layout().Field(name); f != nil {
		return w.Get(f.Lo, f.Width)
	}
	return 0
}

// Needs returns the set of units that an instruction uses, bit i for Units[i]. An unknown operation needs none.
func (w Word) Needs() uint32 {
	op := ByCode(uint8(w.Get(0, 6)))
	if op == nil {
		return 0
	}
	var set uint32
	for i, u := range Units {
		if u.used(w, op) {
			set |= 1 << i
		}
	}
	return set
}

// UnitNames returns the names of the units of a set, in the order of Units.
func UnitNames(set uint32) []string {
	var names []string
	for i, u := range Units {
		if set>>i&1 != 0 {
			names = append(names, u.Name)
		}
	}
	return names
}
