// Package isa is the instruction set, written once: this table generates the Verilog header
// (hdl/gen/nmc_isa.vh) and the reference page (docs/isa.md), and feeds the assembler, the disassembler, the
// simulator and the compiler.
//
// An instruction is 128 bits, four little-endian words. Numeric terms (round, sat16, draw, …) are those of package
// fixed; address spaces and special registers those of package device.
package isa

// Field is a bit field of a format.
type Field struct {
	Name  string
	Lo    uint // least significant bit
	Width uint
	Doc   string
}

// Format is a layout that several operations share. Field "op" (bits 5:0) comes first in each.
type Format struct {
	Name   string
	Fields []Field
}

// Op is one operation.
type Op struct {
	Name   string
	Code   uint8
	Format string
	Doc    string
}

// Width is the number of bits of an instruction.
const Width = 128

// The formats. Matrix operations walk a scalar side (rows of W, one element of a vector each) and a lane side (columns
// of W, a word of Lanes elements at a time).
var Formats = []Format{
	{"matrix", []Field{
		{"op", 0, 6, "operation"},
		{"wsrc", 6, 2, "where W (for blend: M) comes from: 0 memory, 1 uniform draw as signed 16 bits, 2 sign of a draw (bit 15 set: -1, else 1)"},
		{"wbase", 8, 22, "word address of W[0,0]"},
		{"rstride", 30, 13, "words from one row to the next"},
		{"cols", 43, 13, "elements on the lane side; tail lanes of the last word are masked"},
		{"rows", 56, 13, "elements in the inner run of the scalar side"},
		{"sbase", 69, 16, "word address of the streamed vector: mac.b and upd: the scalars s; mac.r: the lane-side vector v; blend: low half of the word address of M"},
		{"dbase", 85, 16, "word address of the other vector: mac: the destination; upd: the lane-side vector v; blend: high half of the word address of M"},
		{"shift", 101, 6, "right shift of the rounding, 0..47"},
		{"round", 107, 2, "rounding: 0 floor, 1 nearest, 2 stochastic"},
		{"rate", 109, 6, "register whose top half is the rate (upd, blend)"},
		{"bounds", 115, 6, "register with the saturation bounds: high half upper, low half lower, both signed"},
		{"group", 121, 4, "0: none; g: registers 4g.. hold offsets: +0 scalar-side first element; +1 outer count of the walk in the high half (0 counts as 1) and its stride in elements in the low half; +2 words added to wbase; +3 elements added to the lane-side vector (blend: words added to M), a multiple of Lanes"},
		{"opt", 125, 1, "mac.r: masked; upd: pull; blend: set"},
		{"widein", 126, 1, "mac: preload each accumulator from the wide destination"},
		{"wideout", 127, 1, "mac: store accumulators wide, unrounded"},
	}},
	{"vector", []Field{
		{"op", 0, 6, "operation"},
		{"fn", 64, 4, "function"},
		{"amode", 40, 3, "source of a: 0 zero, 1 vector at word address, 2 register (saturated to 16 bits), 3 immediate, 4 uniform draw, 5 sign of a draw"},
		{"bmode", 109, 3, "source of b"},
		{"cmode", 112, 3, "source of c"},
		{"a", 69, 16, "address, register or immediate of a"},
		{"b", 24, 16, "address, register or immediate of b"},
		{"c", 8, 16, "address, register or immediate of c; table: first entry of the table"},
		{"dst", 85, 16, "word address of the destination; reductions: destination register"},
		{"n", 43, 13, "elements; tail lanes are masked"},
		{"shift", 101, 6, "right shift of the rounding, 0..47"},
		{"round", 107, 2, "rounding: 0 floor, 1 nearest, 2 stochastic"},
		{"bounds", 115, 6, "register with the saturation bounds: high half upper, low half lower, both signed"},
		{"group", 121, 4, "0: none; g: registers 4g, +1, +2, +3 are added to the element addresses of a, b, c, dst; multiples of Lanes"},
		{"tensor", 56, 8, "digest: number of the tensor in the digest"},
		{"space", 6, 2, "digest: 0 weights (a is the low half of the word address, b the high half, c the rows, n the columns, dst the row stride in words), 1 vectors (a is the word address, n elements), 2 registers (a is the first register, n registers, two elements each, low half first)"},
	}},
	{"scalar", []Field{
		{"op", 0, 6, "operation"},
		{"rd", 121, 6, "destination register"},
		{"ra", 115, 6, "first operand register"},
		{"rb", 109, 6, "second operand register"},
		{"shift", 101, 6, "shift, 0..63"},
		{"index", 6, 1, "load, store: add register ra to the element address"},
		{"stream", 8, 8, "key: stream number"},
		{"imm", 64, 32, "immediate; jump and loop: target address; load and store: word address"},
	}},
}

// Op codes.
const (
	Halt  = 0
	Jump  = 1
	Loop  = 2
	Jeq   = 3
	Jne   = 4
	Jlt   = 5
	Jge   = 6
	Set   = 8
	Add   = 9
	Sub   = 10
	Mul   = 11
	Div   = 12
	Sqrt  = 13
	Min   = 14
	Max   = 15
	And   = 16
	Shl   = 17
	Shr   = 18
	Load  = 19
	Store = 20
	Key   = 21

	MacB  = 32
	MacR  = 33
	UpdB  = 34
	UpdR  = 35
	Blend = 36

	Vec  = 40
	Tab  = 41
	Dot  = 42
	Amax = 43
	Dig  = 44
)

// Functions of Vec.
const (
	FnMac = 0 // clamp(sat16(c + sat16(round(a·b))))
	FnMin = 1 // clamp(min(a, c))
	FnMax = 2 // clamp(max(a, c))
	FnGe  = 3 // a >= c ? hi : lo
	FnSel = 4 // clamp(a != 0 ? b : c)
)

// Sources of a vector operand.
const (
	SrcZero    = 0
	SrcVector  = 1
	SrcReg     = 2
	SrcImm     = 3
	SrcUniform = 4
	SrcSign    = 5
)

// Sources of W.
const (
	WMem     = 0
	WUniform = 1
	WSign    = 2
)

// FnNames are the assembler's names of the functions of Vec.
var FnNames = []string{"mac", "min", "max", "ge", "sel"}

// The operations.
var Ops = []Op{
	{"halt", Halt, "scalar", "End of the run."},
	{"jump", Jump, "scalar", "pc = imm."},
	{"loop", Loop, "scalar", "rd = rd - 1 (wrapping); if rd != 0, pc = imm."},
	{"jeq", Jeq, "scalar", "If ra == rb, pc = imm."},
	{"jne", Jne, "scalar", "If ra != rb, pc = imm."},
	{"jlt", Jlt, "scalar", "If ra < rb (signed), pc = imm."},
	{"jge", Jge, "scalar", "If ra >= rb (signed), pc = imm."},
	{"set", Set, "scalar", "rd = imm."},
	{"add", Add, "scalar", "rd = sat32(ra + rb + imm), imm signed."},
	{"sub", Sub, "scalar", "rd = sat32(ra - rb)."},
	{"mul", Mul, "scalar", "rd = sat32((ra·rb + h) >> shift), h = 2^(shift-1), or 0 when shift is 0; the product and the sum are exact."},
	{"div", Div, "scalar", "rd = sat32((ra << shift) / rb) toward zero, shift 0..31, numerator exact; rb = 0 gives 2^31-1 for ra >= 0 and -2^31 otherwise."},
	{"sqrt", Sqrt, "scalar", "rd = floor(sqrt(ra << shift)), shift 0..31; 0 for ra <= 0."},
	{"min", Min, "scalar", "rd = min(ra, rb), signed."},
	{"max", Max, "scalar", "rd = max(ra, rb), signed."},
	{"and", And, "scalar", "rd = ra & imm."},
	{"shl", Shl, "scalar", "rd = sat32(ra << shift), shift 0..31."},
	{"shr", Shr, "scalar", "rd = ra >> shift, arithmetic (floor), shift 0..31."},
	{"load", Load, "scalar", "rd = vector element imm·Lanes (+ ra when index), sign-extended."},
	{"store", Store, "scalar", "Vector element imm·Lanes (+ ra when index) = sat16(rb)."},
	{"key", Key, "scalar", "The key of the following draws = MakeKey(register 0, stream, ra)."},

	{"mac.b", MacB, "matrix", "Broadcast. For every column c: acc = widein ? wide[c] : 0; for every scalar-side element k: acc += W[k,c]·s[e(k)]. Then dst[c] = clamp(sat16(round(acc))), draw at (0, c); or with wideout wide[c] = acc. s = 0 may be skipped."},
	{"mac.r", MacR, "matrix", "Reduce. For every scalar-side element k: acc = widein ? wide[e(k)] : 0; for every column c: acc += W[k,c]·v[c]. Then dst[e(k)] = clamp(sat16(round(acc))), draw at (0, k); or with wideout wide[e(k)] = acc. With opt (masked, narrow only) elements whose dst is 0 before the instruction are left alone. v words of zeros may be skipped."},
	{"upd.b", UpdB, "matrix", "Rank-1, scalars streamed. p[c] = rate·v[c]; x = opt ? sat16(s[e(k)] - W[k,c]) : s[e(k)]; delta = sat16(round(p[c]·x)), draw at (k, c); if delta != 0: W[k,c] = clamp(sat16(W[k,c] + delta)). Without opt s = 0 may be skipped, always v words of zeros."},
	{"upd.r", UpdR, "matrix", "Rank-1, lane-side vector streamed. p = rate·s[e(k)]; x = opt ? sat16(v[c] - W[k,c]) : v[c]; delta and W as upd.b. s = 0 may be skipped; without opt v words of zeros."},
	{"blend", Blend, "matrix", "For k in rows, c in cols: delta = sat16(round(rate·M[k,c])), draw at (k, c) (the same draw serves as M when wsrc is a draw; then round must not be stochastic); opt (set): W[k,c] = clamp(delta); else if delta != 0: W[k,c] = clamp(sat16(W[k,c] + delta)). M has the row stride of W; wsrc applies to M. The walk is rows only (no outer count). rate = 0 may be skipped when not set."},

	{"vec", Vec, "vector", "Elementwise, for every i < n: dst[i] = fn(a, b, c): 0 mac clamp(sat16(c + sat16(round(a·b)))), 1 min clamp(min(a, c)), 2 max clamp(max(a, c)), 3 ge a >= c ? hi : lo, 4 sel clamp(a != 0 ? b : c). Draws at (0, i); at most one draw an element is used by the sources and the rounding together."},
	{"tab", Tab, "vector", "dst[i] = clamp(table(a[i])), table at entry c, 256 entries; a is a vector (amode 1)."},
	{"dot", Dot, "vector", "Register dst = sat32(floor((sum over i < n of a[i]·b[i]) / 2^shift)), 48-bit sum."},
	{"amax", Amax, "vector", "Register dst = the largest a[i], i < n; register dst+1 = its lowest index; a is a vector (amode 1)."},
	{"dig", Dig, "vector", "digest += sum of DigestTerm(tensor, index, value) over the elements, index counting from 0 in row-major order of valid elements (modulo 2^64). The last term replaces the key: a draw after it wants a key of its own. The digest register is cleared at the start of every run whose entry is Digest and keeps its value otherwise."},
}

var (
	opByName   = map[string]*Op{}
	opByCode   = map[uint8]*Op{}
	formatByID = map[string]*Format{}
)

func init() {
	for i := range Formats {
		formatByID[Formats[i].Name] = &Formats[i]
	}
	for i := range Ops {
		opByName[Ops[i].Name] = &Ops[i]
		opByCode[Ops[i].Code] = &Ops[i]
	}
}

// ByName returns the operation of that name, or nil.
func ByName(name string) *Op { return opByName[name] }

// ByCode returns the operation of that code, or nil.
func ByCode(code uint8) *Op { return opByCode[code] }

// Layout returns the operation's format.
func (o *Op) Layout() *Format { return formatByID[o.Format] }

// Field returns the field of that name, or nil.
func (f *Format) Field(name string) *Field {
	for i := range f.Fields {
		if f.Fields[i].Name == name {
			return &f.Fields[i]
		}
	}
	return nil
}

// Word is one encoded instruction, least significant 32 bits first.
type Word [4]uint32

// Get returns bits lo .. lo+width-1.
func (w Word) Get(lo, width uint) uint32 {
	v := uint64(w[lo/32])
	if lo/32+1 < 4 {
		v |= uint64(w[lo/32+1]) << 32
	}
	return uint32(v >> (lo % 32) & (1<<width - 1))
}

// Put sets bits lo .. lo+width-1 to the low bits of v.
func (w *Word) Put(lo, width uint, v uint32) {
	for i := range width {
		b := lo + i
		w[b/32] = w[b/32]&^(1<<(b%32)) | (v>>i&1)<<(b%32)
	}
}
