package isa

import (
	"fmt"
	"slices"
	"strings"
)

//go:generate go run ./gen

// Enums names the values of the fields that choose among a few; the value is the index. A value without a name is
// reserved and decoding rejects it.
var Enums = map[string][]string{
	"wsrc":  {"mem", "uniform", "sign"},
	"round": {"floor", "nearest", "stochastic"},
	"fn":    FnNames,
	"amode": Sources,
	"bmode": Sources,
	"cmode": Sources,
	"space": {"weights", "vectors", "registers"},
}

// Sources are the names of the sources of a vector operand.
var Sources = []string{"zero", "vector", "reg", "imm", "uniform", "sign"}

// maxFields is at least the number of fields of the longest format.
const maxFields = 17

// Instruction is one instruction taken apart. Values holds the fields in the order of the operation's format, Values[0]
// the code; values are the raw bits of the field, unsigned. Instructions are comparable.
type Instruction struct {
	Op     *Op
	Values [maxFields]uint32
}

// Fields are field values by name; signed values of 16-bit operands and of imm may be given as they are.
type Fields map[string]int64

// Get returns the raw value of the named field, 0 when the format has none of that name.
func (in *Instruction) Get(name string) uint32 {
	for i, f := range in.Op.Layout().Fields {
		if f.Name == name {
			return in.Values[i]
		}
	}
	return 0
}

// Set sets the named field. The error names the field and its limits.
func (in *Instruction) Set(name string, v int64) error {
	for i, f := range in.Op.Layout().Fields {
		if f.Name != name || i == 0 {
			continue
		}
		lo, hi := f.Limits()
		if v < lo || v > hi {
			return fmt.Errorf("%s: %s = %d does not fit %d bits [%d, %d]; split the walk or move the operand", in.Op.Name, name, v, f.Width, lo, hi)
		}
		in.Values[i] = uint32(v) & uint32(1<<f.Width-1)
		return nil
	}
	return fmt.Errorf("%s: format %s has no field %q; it has %s", in.Op.Name, in.Op.Format, name, strings.Join(in.Op.Layout().names(), ", "))
}

// Limits returns the smallest and the largest value that the field takes. Immediates and 16-bit operands of vector
// instructions may be written signed or unsigned; the bits are the same.
func (f *Field) Limits() (lo, hi int64) {
	switch f.Name {
	case "imm", "a", "b", "c":
		lo = -1 << (f.Width - 1)
	}
	hi = 1<<f.Width - 1
	if e, ok := Enums[f.Name]; ok {
		hi = int64(len(e)) - 1
	}
	return lo, hi
}

func (f *Format) names() []string {
	var s []string
	for _, fd := range f.Fields[1:] {
		s = append(s, fd.Name)
	}
	return s
}

// Encode builds the instruction word of op with the given fields; absent fields are 0.
func Encode(op *Op, fields Fields) (Word, error) {
	in := Instruction{Op: op}
	// In the order of the format, so that the same mistake gives the same message.
	seen := 0
	for _, f := range op.Layout().Fields[1:] {
		if v, ok := fields[f.Name]; ok {
			seen++
			if err := in.Set(f.Name, v); err != nil {
				return Word{}, err
			}
		}
	}
	if seen != len(fields) {
		var names []string
		for n := range fields {
			if n == "op" || op.Layout().Field(n) == nil {
				names = append(names, n)
			}
		}
		slices.Sort(names)
		return Word{}, in.Set(names[0], 0)
	}
	return in.Encode()
}

// Encode builds the instruction word. Values[0] is ignored in favour of Op.
func (in *Instruction) Encode() (Word, error) {
	var w Word
	fields := in.Op.Layout().Fields
	w.Put(fields[0].Lo, fields[0].Width, uint32(in.Op.Code))
	for i, f := range fields[1:] {
		v := in.Values[i+1]
		if _, hi := f.Limits(); int64(v) > hi {
			return Word{}, fmt.Errorf("%s: %s = %d does not fit %d bits [0, %d]; split the walk or move the operand", in.Op.Name, f.Name, v, f.Width, hi)
		}
		w.Put(f.Lo, f.Width, v)
	}
	return w, nil
}

// Decode takes a word apart. Unknown codes, reserved values and bits outside the format's fields are errors, so that
// Encode(Decode(w)) == w for every accepted w.
func Decode(w Word) (Instruction, error) {
	op := ByCode(uint8(w.Get(0, 6)))
	if op == nil {
		return Instruction{}, fmt.Errorf("instruction %v: unknown op code %d; it is from another version, or not a program", w, w.Get(0, 6))
	}
	in := Instruction{Op: op}
	rest := w
	for i, f := range op.Layout().Fields {
		v := w.Get(f.Lo, f.Width)
		rest.Put(f.Lo, f.Width, 0)
		in.Values[i] = v
		if e, ok := Enums[f.Name]; ok && int(v) >= len(e) {
			return Instruction{}, fmt.Errorf("instruction %v: %s: %s = %d is reserved; it goes up to %d (%s)", w, op.Name, f.Name, v, len(e)-1, e[len(e)-1])
		}
	}
	if rest != (Word{}) {
		return Instruction{}, fmt.Errorf("instruction %v: %s: bits outside the %s format are set (%v); they must be 0", w, op.Name, op.Format, rest)
	}
	return in, nil
}

// String prints the word as 32 hexadecimal digits, most significant first.
func (w Word) String() string {
	return fmt.Sprintf("%08x_%08x_%08x_%08x", w[3], w[2], w[1], w[0])
}

// Halfwords returns the instruction as the program space holds it: 8 halfwords, least significant first.
func (w Word) Halfwords() [8]uint16 {
	var h [8]uint16
	for i := range h {
		h[i] = uint16(w[i/2] >> (16 * (i % 2)))
	}
	return h
}

// WordOf is the inverse of Halfwords.
func WordOf(h [8]uint16) Word {
	var w Word
	for i, v := range h {
		w[i/2] |= uint32(v) << (16 * (i % 2))
	}
	return w
}

// Matrix is the matrix format as a struct, one member a field.
type Matrix struct {
	WSrc    uint32 // WMem, WUniform, WSign
	WBase   uint32 // word address of W[0,0]
	RStride uint32 // words from row to row
	Cols    uint32
	Rows    uint32
	SBase   uint32 // blend: low half of the address of M
	DBase   uint32 // blend: high half
	Shift   uint32
	Round   uint32 // a fixed.Rounding
	Rate    uint32 // register
	Bounds  uint32 // register
	Group   uint32 // 0 none, g: registers 4g..
	Opt     bool   // mac.r masked, upd pull, blend set
	WideIn  bool
	WideOut bool
}

func bit(b bool) uint32 {
	if b {
		return 1
	}
	return 0
}

// With returns the instruction of a matrix operation.
func (m Matrix) With(code uint8) Instruction {
	return Instruction{ByCode(code), [maxFields]uint32{uint32(code), m.WSrc, m.WBase, m.RStride, m.Cols, m.Rows, m.SBase, m.DBase,
		m.Shift, m.Round, m.Rate, m.Bounds, m.Group, bit(m.Opt), bit(m.WideIn), bit(m.WideOut)}}
}

// Matrix returns the fields of a matrix instruction.
func (in *Instruction) Matrix() Matrix {
	v := &in.Values
	return Matrix{v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11], v[12], v[13] != 0, v[14] != 0, v[15] != 0}
}

// Vector is the vector format as a struct, one member a field.
type Vector struct {
	Fn                  uint32 // FnMac, …
	AMode, BMode, CMode uint32 // SrcZero, …
	A, B, C             uint32 // address, register or immediate (low 16 bits)
	Dst                 uint32 // word address; dot, amax: register
	N                   uint32
	Shift               uint32
	Round               uint32
	Bounds              uint32
	Group               uint32
	Tensor              uint32
	Space               uint32
}

// With returns the instruction of a vector operation.
func (x Vector) With(code uint8) Instruction {
	return Instruction{ByCode(code), [maxFields]uint32{uint32(code), x.Fn, x.AMode, x.BMode, x.CMode, x.A, x.B, x.C, x.Dst, x.N,
		x.Shift, x.Round, x.Bounds, x.Group, x.Tensor, x.Space}}
}

// Vector returns the fields of a vector instruction.
func (in *Instruction) Vector() Vector {
	v := &in.Values
	return Vector{v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8], v[9], v[10], v[11], v[12], v[13], v[14], v[15]}
}

// Scalar is the scalar format as a struct, one member a field.
type Scalar struct {
	RD, RA, RB uint32
	Shift      uint32
	Index      bool
	Stream     uint32
	Imm        int32
}

// With returns the instruction of a scalar operation.
func (s Scalar) With(code uint8) Instruction {
	return Instruction{ByCode(code), [maxFields]uint32{uint32(code), s.RD, s.RA, s.RB, s.Shift, bit(s.Index), s.Stream, uint32(s.Imm)}}
}

// Scalar returns the fields of a scalar instruction.
func (in *Instruction) Scalar() Scalar {
	v := &in.Values
	return Scalar{v[1], v[2], v[3], v[4], v[5] != 0, v[6], int32(v[7])}
}
