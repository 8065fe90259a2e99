// Package asm is the text form of firmware: an assembler and a disassembler that undo each other.
//
// A line holds one instruction with named fields, a label, a directive or nothing; ";" starts a comment.
//
//	.equ   X  40                        ; a name for a number; + - * / and ( ) are understood
//	.reg   r20 32767:-32768 "full"      ; a register's initial value, as a number or high:low halves; its name is optional
//	.entry learn                        ; the run of this entry starts at the next instruction
//	loop:                               ; a label
//	        mac.b    w=0x0+16 cols=1024 rows=785 s=12 d=X shift=10 round=nearest bounds=full group=r4
//	        vec.max  a=[X] c=#0 d=X n=1024 bounds=r20
//	        loop     rd=r8 to=loop
//
// w=base+stride is the word address of W[0,0] and the words from row to row. The operands a, b and c of vector operations are
// [address], a register, #immediate, uniform or sign; left out, zero. Fields left out are 0. A field without a notation of its
// own can be given by its name in the instruction table.
//
// A program with entries begins with one jump for each entry code, which the assembler writes; entries not given
// halt.
package asm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

// Program is an assembled program.
type Program struct {
	Words     []isa.Word
	Entries   map[device.Entry]int // address of the first instruction; when not empty, words 0..7 jump there
	Labels    map[string]int       // address by name
	Registers []Register           // initial values, in ascending order of index
	Comments  map[int]string       // comment by address
	Lines     []int                // source line of each word, 0 for the jumps of the entries
}

// Register is the initial value of a register.
type Register struct {
	Index int
	Value int32
	Name  string
}

// Error is one finding.
type Error struct {
	File      string
	Line, Col int // from 1
	Message   string
}

func (e Error) Error() string { return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Message) }

// Errors are all findings in a source, in order.
type Errors []Error

func (es Errors) Error() string {
	var s []string
	for _, e := range es {
		s = append(s, e.Error())
	}
	return strings.Join(s, "\n")
}

// EntryNames are the names that .entry takes; entries without a name are written as numbers.
var EntryNames = map[string]device.Entry{
	"init": device.Init, "learn": device.Learn, "infer": device.Infer, "digest": device.Digest, "step": device.Step,
}

// token is a piece of a line and the column where it starts, from 1.
type token struct {
	text string
	col  int
}

type assembler struct {
	file   string
	line   int
	errs   Errors
	equ    map[string]int64
	regs   map[string]int
	prog   *Program
	fixes  []fix
	places map[string]int // line of each label and name
}

// fix is a jump whose label was not known yet.
type fix struct {
	addr, line int
	label      token
}

// Assemble translates a source text. The error, if any, is an Errors with all findings; file is only their name.
func Assemble(file string, src []byte) (*Program, error) {
	x := &assembler{
		file: file, equ: map[string]int64{}, regs: map[string]int{}, places: map[string]int{},
		prog: &Program{Entries: map[device.Entry]int{}, Labels: map[string]int{}, Comments: map[int]string{}},
	}
	lines := strings.Split(string(src), "\n")
	// Whether there are entries decides the address of the first instruction.
	for _, l := range lines {
		if ts, _ := split(l); len(ts) > 0 && ts[0].text == ".entry" {
			x.prog.Words = make([]isa.Word, device.NumEntries)
			x.prog.Lines = make([]int, device.NumEntries)
			break
		}
	}
	for i, l := range lines {
		x.line = i + 1
		x.statement(l)
	}
	for _, f := range x.fixes {
		addr, ok := x.prog.Labels[f.label.text]
		if !ok {
			x.line = f.line
			x.fail(f.label, "no label %q%s", f.label.text, nearest(f.label.text, keys(x.prog.Labels)))
			continue
		}
		x.prog.Words[f.addr][2] = uint32(addr)
	}
	for e := range device.Entry(device.NumEntries) {
		if addr, ok := x.prog.Entries[e]; ok {
			x.prog.Words[e] = jump(addr)
		}
	}
	slices.SortFunc(x.prog.Registers, func(a, b Register) int { return a.Index - b.Index })
	if len(x.errs) > 0 {
		slices.SortStableFunc(x.errs, func(a, b Error) int { return (a.Line-b.Line)*1000 + a.Col - b.Col })
		return nil, x.errs
	}
	return x.prog, nil
}

func jump(addr int) isa.Word {
	return isa.Word{isa.Jump, 0, uint32(addr)}
}

func (x *assembler) fail(t token, format string, args ...any) {
	x.errs = append(x.errs, Error{x.file, x.line, t.col, fmt.Sprintf(format, args...)})
}

// split cuts a line at white space into tokens; a quoted string is one token, a comment is returned apart.
func split(line string) (ts []token, comment string) {
	line = strings.TrimRight(line, "\r")
	for i := 0; i < len(line); {
		switch c := line[i]; {
		case c == ' ' || c == '\t':
			i++
		case c == ';':
			return ts, strings.TrimSpace(line[i+1:])
		case c == '"':
			end := strings.IndexByte(line[i+1:], '"')
			n := len(line) - i
			if end >= 0 {
				n = end + 2
			}
			ts = append(ts, token{line[i : i+n], i + 1})
			i += n
		default:
			n := strings.IndexAny(line[i:], " \t;\"")
			if n < 0 {
				n = len(line) - i
			}
			ts = append(ts, token{line[i : i+n], i + 1})
			i += n
		}
	}
	return ts, ""
}

func (x *assembler) statement(line string) {
	ts, comment := split(line)
	if len(ts) > 0 && strings.HasSuffix(ts[0].text, ":") {
		name := token{strings.TrimSuffix(ts[0].text, ":"), ts[0].col}
		if x.define(name, "label") {
			x.prog.Labels[name.text] = len(x.prog.Words)
		}
		ts = ts[1:]
	}
	if len(ts) == 0 {
		return
	}
	switch ts[0].text {
	case ".equ":
		x.equDirective(ts)
	case ".reg":
		x.regDirective(ts)
	case ".entry":
		x.entryDirective(ts)
	default:
		if strings.HasPrefix(ts[0].text, ".") {
			x.fail(ts[0], "unknown directive %q%s", ts[0].text, nearest(ts[0].text, []string{".equ", ".reg", ".entry"}))
			return
		}
		if comment != "" {
			x.prog.Comments[len(x.prog.Words)] = comment
		}
		x.instruction(ts)
	}
}

func identifier(s string) bool {
	for i, c := range s {
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c != '.' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}

// registerIndex reads r0..r63.
func registerIndex(s string) (int, bool) {
	if len(s) < 2 || s[0] != 'r' || s[1] < '0' || s[1] > '9' {
		return 0, false
	}
	v, err := strconv.Atoi(s[1:])
	return v, err == nil && v < device.NumRegs && strconv.Itoa(v) == s[1:]
}

// define reserves a name; names of numbers, registers and labels share one space.
func (x *assembler) define(t token, what string) bool {
	if _, reg := registerIndex(t.text); reg || !identifier(t.text) {
		x.fail(t, "%q cannot name a %s; a name has letters, digits, _ and . and is no register", t.text, what)
		return false
	}
	if at, ok := x.places[t.text]; ok {
		x.fail(t, "%q is already defined in line %d; choose another name", t.text, at)
		return false
	}
	x.places[t.text] = x.line
	return true
}

func (x *assembler) equDirective(ts []token) {
	if len(ts) < 3 {
		x.fail(ts[0], ".equ needs a name and a number, for example: .equ X 40")
		return
	}
	text := ""
	for _, t := range ts[2:] {
		text += t.text
	}
	if v, ok := x.expr(token{text, ts[2].col}); ok && x.define(ts[1], "number") {
		x.equ[ts[1].text] = v
	}
}

func (x *assembler) regDirective(ts []token) {
	if len(ts) < 3 || len(ts) > 4 {
		x.fail(ts[0], `.reg needs a register and a value, for example: .reg r20 32767:-32768 "bounds"`)
		return
	}
	i, ok := registerIndex(ts[1].text)
	if !ok {
		x.fail(ts[1], "%q is no register; registers are r0 to r%d", ts[1].text, device.NumRegs-1)
		return
	}
	for _, r := range x.prog.Registers {
		if r.Index == i {
			x.fail(ts[1], "r%d has a value already; remove one", i)
			return
		}
	}
	r := Register{Index: i}
	hi, lo, pair := strings.Cut(ts[2].text, ":")
	v, ok := x.expr(token{hi, ts[2].col})
	if pair {
		l, okLow := x.expr(token{lo, ts[2].col + len(hi) + 1})
		ok = ok && okLow
		if ok && (v < -1<<15 || v > 1<<16-1 || l < -1<<15 || l > 1<<16-1) {
			x.fail(ts[2], "%s: a half is 16 bits, from %d to %d", ts[2].text, -1<<15, 1<<16-1)
			return
		}
		v = int64(int32(uint32(v)<<16 | uint32(l)&0xffff))
	}
	if !ok {
		return
	}
	if v < -1<<31 || v > 1<<32-1 {
		x.fail(ts[2], "%d does not fit a register of 32 bits", v)
		return
	}
	r.Value = int32(uint32(v))
	if len(ts) == 4 {
		t := ts[3]
		if len(t.text) < 2 || t.text[0] != '"' || t.text[len(t.text)-1] != '"' {
			x.fail(t, `the name of a register stands in quotes: "%s"`, strings.Trim(t.text, `"`))
			return
		}
		r.Name = t.text[1 : len(t.text)-1]
		// A name that is a word can be used for the register.
		if identifier(r.Name) {
			if !x.define(token{r.Name, t.col}, "register") {
				return
			}
			x.regs[r.Name] = i
		}
	}
	x.prog.Registers = append(x.prog.Registers, r)
}

func (x *assembler) entryDirective(ts []token) {
	if len(ts) != 2 {
		x.fail(ts[0], ".entry needs one name, for example: .entry learn")
		return
	}
	e, ok := EntryNames[ts[1].text]
	if !ok {
		v, err := strconv.Atoi(ts[1].text)
		if err != nil || v < 0 || v >= device.NumEntries {
			x.fail(ts[1], "unknown entry %q%s, or a number below %d", ts[1].text, nearest(ts[1].text, keys(EntryNames)), device.NumEntries)
			return
		}
		e = device.Entry(v)
	}
	if _, ok := x.prog.Entries[e]; ok {
		x.fail(ts[1], "entry %s is given twice; remove one", ts[1].text)
		return
	}
	x.prog.Entries[e] = len(x.prog.Words)
}

// mnemonics are the names of operations as written: those of the table, with vec split by function.
func mnemonics() []string {
	var s []string
	for _, op := range isa.Ops {
		if op.Code != isa.Vec {
			s = append(s, op.Name)
		}
	}
	for _, f := range isa.FnNames {
		s = append(s, "vec."+f)
	}
	return s
}

func (x *assembler) instruction(ts []token) {
	name := ts[0].text
	var in isa.Instruction
	set := map[string]bool{}
	if fn, ok := strings.CutPrefix(name, "vec."); ok && slices.Contains(isa.FnNames, fn) {
		in.Op = isa.ByName("vec")
		x.put(&in, set, ts[0], "fn", int64(slices.Index(isa.FnNames, fn)))
	} else if in.Op = isa.ByName(name); in.Op == nil {
		x.fail(ts[0], "unknown operation %q%s", name, nearest(name, mnemonics()))
		return
	}
	which := ""
	for _, t := range ts[1:] {
		if v, ok := strings.CutPrefix(t.text, "space="); ok {
			which = v
		}
	}
	list := args(in.Op, which)
	given := map[string]bool{}
	for _, t := range ts[1:] {
		key, value, hasValue := strings.Cut(t.text, "=")
		val := token{value, t.col + len(key) + 1}
		given[key] = true
		if i := slices.IndexFunc(list, func(a arg) bool { return a.key == key }); i >= 0 {
			ar := list[i]
			switch {
			case ar.kind == flag && hasValue:
				x.fail(t, "%s takes no value: its presence sets it", key)
			case ar.kind != flag && value == "":
				x.fail(t, "%s needs a value, as in %s", key, example(ar))
			default:
				x.argument(&in, set, ar, t, val)
			}
			continue
		}
		if f := in.Op.Layout().Field(key); f != nil && key != "op" && value != "" {
			if v, ok := x.expr(val); ok {
				x.put(&in, set, val, key, v)
			}
			continue
		}
		var names []string
		for _, a := range list {
			names = append(names, a.key)
		}
		x.fail(t, "%s has no field %q%s", name, key, nearest(key, names))
	}
	for _, a := range list {
		if !given[a.key] && (a.must || a.key == "bounds" && narrow(&in)) && !set[a.fields[0]] {
			x.fail(ts[0], "%s needs %s", name, example(a))
		}
	}
	word, err := in.Encode()
	if err != nil {
		x.fail(ts[0], "%v", err)
		return
	}
	x.prog.Words = append(x.prog.Words, word)
	x.prog.Lines = append(x.prog.Lines, x.line)
}

// example shows how an argument is written.
func example(a arg) string {
	switch a.kind {
	case register:
		return a.key + "=r20"
	case group:
		return a.key + "=r20 (a multiple of 4)"
	case enum:
		return a.key + "=" + strings.Join(isa.Enums[a.fields[0]], "|")
	case target:
		return a.key + "=label"
	case place, longAt:
		return a.key + "=address+stride"
	case operand:
		return a.key + "=[address], r3, #5, uniform or sign"
	}
	return a.key + "=number"
}

// put sets a field and reports a second setting or a value out of range.
func (x *assembler) put(in *isa.Instruction, set map[string]bool, t token, field string, v int64) {
	if set[field] {
		x.fail(t, "%s of %s is given twice", field, in.Op.Name)
		return
	}
	set[field] = true
	if err := in.Set(field, v); err != nil {
		x.fail(t, "%v", err)
	}
}

// reg reads a register or the name of one.
func (x *assembler) reg(t token) (int, bool) {
	if i, ok := registerIndex(t.text); ok {
		return i, true
	}
	if i, ok := x.regs[t.text]; ok {
		return i, true
	}
	x.fail(t, "%q is no register; registers are r0 to r%d and the names of earlier .reg lines%s", t.text, device.NumRegs-1, nearest(t.text, keys(x.regs)))
	return 0, false
}

func (x *assembler) argument(in *isa.Instruction, set map[string]bool, a arg, whole, val token) {
	f := a.fields
	switch a.kind {
	case number, signed:
		if v, ok := x.expr(val); ok {
			x.put(in, set, val, f[0], v)
		}
	case register:
		if r, ok := x.reg(val); ok {
			x.put(in, set, val, f[0], int64(r))
		}
	case group:
		r, ok := x.reg(val)
		if ok && (r%4 != 0 || r == 0) {
			x.fail(val, "a group starts at r4, r8, … r60, not at r%d", r)
		} else if ok {
			x.put(in, set, val, f[0], int64(r/4))
		}
	case enum:
		i := slices.Index(isa.Enums[f[0]], val.text)
		if i < 0 {
			x.fail(val, "%s cannot be %q%s", a.key, val.text, nearest(val.text, isa.Enums[f[0]]))
			return
		}
		x.put(in, set, val, f[0], int64(i))
	case flag:
		x.put(in, set, whole, f[0], 1)
	case target:
		if val.text[0] >= '0' && val.text[0] <= '9' {
			if v, ok := x.expr(val); ok {
				x.put(in, set, val, f[0], v)
			}
			return
		}
		x.put(in, set, val, f[0], 0)
		x.fixes = append(x.fixes, fix{len(x.prog.Words), x.line, val})
	case long:
		x.long(in, set, f[0], f[1], val)
	case place, longAt:
		i := strings.LastIndexByte(val.text, '+')
		if i <= 0 {
			x.fail(val, "%s is written base+stride, the words from row to row after the +", a.key)
			return
		}
		base, stride := token{val.text[:i], val.col}, token{val.text[i+1:], val.col + i + 1}
		if a.kind == longAt {
			x.long(in, set, f[0], f[1], base)
		} else if v, ok := x.expr(base); ok {
			x.put(in, set, base, f[0], v)
		}
		if v, ok := x.expr(stride); ok {
			x.put(in, set, stride, f[len(f)-1], v)
		}
	case operand:
		x.operand(in, set, f[0], f[1], val)
	}
}

// long sets an address that two 16-bit fields share.
func (x *assembler) long(in *isa.Instruction, set map[string]bool, low, high string, val token) {
	v, ok := x.expr(val)
	if !ok {
		return
	}
	if v < 0 || v > 1<<32-1 {
		x.fail(val, "%d does not fit the 32 bits of a word address", v)
		return
	}
	x.put(in, set, val, low, v&0xffff)
	x.put(in, set, val, high, v>>16)
}

func (x *assembler) operand(in *isa.Instruction, set map[string]bool, mode, value string, val token) {
	source, t := int64(-1), val
	if i := slices.Index(isa.Sources, val.text); i == isa.SrcZero || i == isa.SrcUniform || i == isa.SrcSign {
		x.put(in, set, val, mode, int64(i))
		return
	}
	_, isReg := registerIndex(val.text)
	_, named := x.regs[val.text]
	switch {
	case val.text[0] == '[' && strings.HasSuffix(val.text, "]"):
		source, t = isa.SrcVector, token{val.text[1 : len(val.text)-1], val.col + 1}
	case val.text[0] == '#':
		source, t = isa.SrcImm, token{val.text[1:], val.col + 1}
	case isReg || named:
		r, _ := x.reg(val)
		x.put(in, set, val, mode, isa.SrcReg)
		x.put(in, set, val, value, int64(r))
		return
	case val.text[0] < '0' || val.text[0] > '9':
		x.fail(val, "operand %q is none of [address], a register, #immediate, uniform, sign%s", val.text, nearest(val.text, append(keys(x.regs), "uniform", "sign")))
		return
	}
	if v, ok := x.expr(t); ok {
		// A bare number is the field itself, for sources given by their own name (amode=…).
		if source >= 0 {
			x.put(in, set, val, mode, source)
		}
		x.put(in, set, t, value, v)
	}
}
