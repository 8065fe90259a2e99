package sim

import (
	"fmt"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

// Fault ends a run: the instruction at PC asks for something that the instruction set does not define. The engine does
// not check; the compiler never emits such an instruction.
type Fault struct {
	PC     int
	Op     string // assembler name, or "" for an undefined code
	Field  string // field of the instruction that is wrong
	Reason string
}

func (f *Fault) Error() string {
	if f.Op == "" {
		return fmt.Sprintf("pc %d: %s: %s", f.PC, f.Field, f.Reason)
	}
	return fmt.Sprintf("pc %d: %s: %s: %s", f.PC, f.Op, f.Field, f.Reason)
}

// instruction is a decoded instruction. Fields that a format lacks are zero.
type instruction struct {
	code  uint8
	name  string
	fault *Fault // static fault, reported when the instruction is reached

	// matrix and vector
	shift  uint
	round  fixed.Rounding
	bounds uint8
	group  int // first register of the group, or 0

	// matrix
	wsrc                 int
	wbase, rstride       int
	cols, rows           int
	sbase, dbase         int
	rate                 uint8
	opt, widein, wideout bool

	// vector
	fn     int
	src    [3]operand // a, b, c
	dst    int
	n      int
	tensor uint8
	space  int

	// scalar
	rd, ra, rb uint8
	index      bool
	stream     uint8
	imm        uint32
}

// operand is where a vector instruction takes an element from.
type operand struct{ mode, arg int }

// field returns a decoder of the named field.
func field(format, name string) func(isa.Word) uint32 {
	for i := range isa.Formats {
		if isa.Formats[i].Name != format {
			continue
		}
		if f := isa.Formats[i].Field(name); f != nil {
			return func(w isa.Word) uint32 { return w.Get(f.Lo, f.Width) }
		}
	}
	panic("sim: the instruction set has no field " + format + "." + name)
}

var (
	opField = field("scalar", "op")

	mWsrc, mWbase, mRstride = field("matrix", "wsrc"), field("matrix", "wbase"), field("matrix", "rstride")
	mCols, mRows            = field("matrix", "cols"), field("matrix", "rows")
	mSbase, mDbase          = field("matrix", "sbase"), field("matrix", "dbase")
	mShift, mRound, mRate   = field("matrix", "shift"), field("matrix", "round"), field("matrix", "rate")
	mBounds, mGroup         = field("matrix", "bounds"), field("matrix", "group")
	mOpt, mWidein, mWideout = field("matrix", "opt"), field("matrix", "widein"), field("matrix", "wideout")

	vFn                    = field("vector", "fn")
	vAmode, vBmode, vCmode = field("vector", "amode"), field("vector", "bmode"), field("vector", "cmode")
	vA, vB, vC             = field("vector", "a"), field("vector", "b"), field("vector", "c")
	vDst, vN               = field("vector", "dst"), field("vector", "n")
	vShift, vRound         = field("vector", "shift"), field("vector", "round")
	vBounds, vGroup        = field("vector", "bounds"), field("vector", "group")
	vTensor, vSpace        = field("vector", "tensor"), field("vector", "space")

	sRd, sRa, sRb  = field("scalar", "rd"), field("scalar", "ra"), field("scalar", "rb")
	sShift, sIndex = field("scalar", "shift"), field("scalar", "index")
	sStream, sImm  = field("scalar", "stream"), field("scalar", "imm")
)

// decode reads the fields of an instruction and finds its static faults.
func decode(w isa.Word) instruction {
	in := instruction{code: uint8(opField(w))}
	op := isa.ByCode(in.code)
	if op == nil {
		in.fault = &Fault{Field: "op", Reason: fmt.Sprintf("no operation has code %d", in.code)}
		return in
	}
	in.name = op.Name
	switch op.Format {
	case "matrix":
		in.wsrc = int(mWsrc(w))
		in.wbase = int(mWbase(w))
		in.rstride = int(mRstride(w))
		in.cols = int(mCols(w))
		in.rows = int(mRows(w))
		in.sbase = int(mSbase(w))
		in.dbase = int(mDbase(w))
		in.shift = uint(mShift(w))
		in.round = fixed.Rounding(mRound(w))
		in.rate = uint8(mRate(w))
		in.bounds = uint8(mBounds(w))
		in.group = int(mGroup(w)) * 4
		in.opt = mOpt(w) != 0
		in.widein = mWidein(w) != 0
		in.wideout = mWideout(w) != 0
	case "vector":
		in.fn = int(vFn(w))
		in.src = [3]operand{
			{int(vAmode(w)), int(vA(w))},
			{int(vBmode(w)), int(vB(w))},
			{int(vCmode(w)), int(vC(w))},
		}
		in.dst = int(vDst(w))
		in.n = int(vN(w))
		in.shift = uint(vShift(w))
		in.round = fixed.Rounding(vRound(w))
		in.bounds = uint8(vBounds(w))
		in.group = int(vGroup(w)) * 4
		in.tensor = uint8(vTensor(w))
		in.space = int(vSpace(w))
	case "scalar":
		in.rd, in.ra, in.rb = uint8(sRd(w)), uint8(sRa(w)), uint8(sRb(w))
		in.shift = uint(sShift(w))
		in.index = sIndex(w) != 0
		in.stream = uint8(sStream(w))
		in.imm = sImm(w)
	}
	if name, reason := in.check(op.Format); reason != "" {
		in.fault = &Fault{Op: in.name, Field: name, Reason: reason}
	}
	return in
}

// check returns the field that is wrong whatever the registers hold, and why; or "".
func (in *instruction) check(format string) (name, reason string) {
	switch format {
	case "matrix":
		return in.checkMatrix()
	case "vector":
		return in.checkVector()
	}
	switch in.code {
	case isa.Div, isa.Sqrt, isa.Shl, isa.Shr:
		if in.shift > 31 {
			return "shift", fmt.Sprintf("%d is above 31", in.shift)
		}
	}
	return "", ""
}

func (in *instruction) checkRounding() (name, reason string) {
	if in.shift > fixed.MaxShift {
		return "shift", fmt.Sprintf("%d is above %d", in.shift, fixed.MaxShift)
	}
	if in.round > fixed.Stochastic {
		return "round", fmt.Sprintf("no rounding %d", in.round)
	}
	return "", ""
}

func (in *instruction) checkMatrix() (name, reason string) {
	if name, reason = in.checkRounding(); reason != "" {
		return name, reason
	}
	mac := in.code == isa.MacB || in.code == isa.MacR
	upd := in.code == isa.UpdB || in.code == isa.UpdR
	switch {
	case in.wsrc > isa.WSign:
		return "wsrc", fmt.Sprintf("no source %d", in.wsrc)
	case upd && in.wsrc != isa.WMem:
		return "wsrc", "an update needs a matrix in memory"
	case in.code == isa.Blend && in.wsrc != isa.WMem && in.round == fixed.Stochastic:
		return "round", "the draw serves as M and cannot round as well"
	case in.cols == 0:
		return "cols", "no columns"
	case in.rows == 0:
		return "rows", "no rows"
	case !mac && in.widein:
		return "widein", "only mac has wide accumulators"
	case !mac && in.wideout:
		return "wideout", "only mac has wide accumulators"
	case in.code == isa.MacB && in.opt:
		return "opt", "mac.b has no option"
	case in.code == isa.MacR && in.opt && (in.widein || in.wideout):
		return "opt", "a masked mac.r is narrow"
	}
	return "", ""
}

// usesDraw says whether the operand takes a draw.
func (o operand) usesDraw() bool { return o.mode == isa.SrcUniform || o.mode == isa.SrcSign }

// sources returns the operands that a vector instruction reads.
func (in *instruction) sources() []int {
	switch in.code {
	case isa.Tab, isa.Amax:
		return []int{0}
	case isa.Dot:
		return []int{0, 1}
	case isa.Vec:
		switch in.fn {
		case isa.FnMin, isa.FnMax, isa.FnGe:
			return []int{0, 2}
		}
		return []int{0, 1, 2}
	}
	return nil
}

func (in *instruction) checkVector() (name, reason string) {
	if name, reason = in.checkRounding(); reason != "" {
		return name, reason
	}
	if in.n == 0 {
		return "n", "no elements"
	}
	draws := 0
	for _, i := range in.sources() {
		o := in.src[i]
		if o.mode > isa.SrcSign {
			return string("abc"[i]) + "mode", fmt.Sprintf("no source %d", o.mode)
		}
		if o.mode == isa.SrcReg && o.arg >= device.NumRegs {
			return string("abc"[i]), fmt.Sprintf("no register %d", o.arg)
		}
		if o.usesDraw() {
			draws++
		}
	}
	switch in.code {
	case isa.Vec:
		if in.fn > isa.FnSel {
			return "fn", fmt.Sprintf("no function %d", in.fn)
		}
		if in.fn == isa.FnMac && in.round == fixed.Stochastic {
			draws++
		}
	case isa.Tab, isa.Amax:
		if in.src[0].mode != isa.SrcVector {
			return "amode", "a must be a vector"
		}
	case isa.Dig:
		if in.space > 2 {
			return "space", fmt.Sprintf("no space %d", in.space)
		}
		if in.group != 0 {
			return "group", "a digest takes no offsets"
		}
		if in.space == 0 && in.src[2].arg == 0 {
			return "c", "no rows"
		}
		if in.space == 2 && in.src[0].arg+in.n > device.NumRegs {
			return "n", fmt.Sprintf("registers %d..%d lie beyond the last, %d", in.src[0].arg, in.src[0].arg+in.n-1, device.NumRegs-1)
		}
	}
	if draws > 1 {
		return "round", "sources and rounding use more than one draw an element"
	}
	if in.code == isa.Dot && in.dst >= device.NumRegs || in.code == isa.Amax && in.dst+1 >= device.NumRegs {
		return "dst", fmt.Sprintf("no register %d", in.dst)
	}
	return "", ""
}
