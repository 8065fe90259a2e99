package asm

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

const demo = `
; a comment line
.equ    X  40
.equ    Y  X + (2*8)/4
.reg    r20 32767:-32768 "full"
.reg    r5 0x7fff8000
.reg    r6 -7 "two words"

.entry  learn
        set     rd=r8 imm=3 ; three rounds
again:  mac.b   w=0x0+16 cols=1024 rows=785 s=12 d=X shift=10 round=nearest bounds=full group=r4
        vec.max a=[X] c=#-2 d=Y n=1024 bounds=r20
        loop    rd=r8 to=again
        jump    to=done
.entry  infer
.entry  7
        blend   wsrc=sign w=5+6 cols=7 rows=8 m=0x12345 rate=full shift=3 round=floor bounds=r20 set
done:
        dig     tensor=3 space=weights w=0x20001+7 rows=10 cols=20
        halt
`

func TestAssemble(t *testing.T) {
	p, err := Assemble("demo.asm", []byte(demo))
	if err != nil {
		t.Fatal(err)
	}
	word := func(in isa.Instruction) isa.Word {
		w, err := in.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	scalar := func(code uint8, s isa.Scalar) isa.Word { return word(s.With(code)) }
	want := []isa.Word{
		{}, scalar(isa.Jump, isa.Scalar{Imm: 8}), scalar(isa.Jump, isa.Scalar{Imm: 13}), {}, {}, {}, {}, scalar(isa.Jump, isa.Scalar{Imm: 13}),
		scalar(isa.Set, isa.Scalar{RD: 8, Imm: 3}),
		word(isa.Matrix{WBase: 0, RStride: 16, Cols: 1024, Rows: 785, SBase: 12, DBase: 40, Shift: 10, Round: 1, Bounds: 20, Group: 1}.With(isa.MacB)),
		word(isa.Vector{Fn: isa.FnMax, AMode: isa.SrcVector, A: 40, CMode: isa.SrcImm, C: 0xfffe, Dst: 44, N: 1024, Bounds: 20}.With(isa.Vec)),
		scalar(isa.Loop, isa.Scalar{RD: 8, Imm: 9}),
		scalar(isa.Jump, isa.Scalar{Imm: 14}),
		word(isa.Matrix{WSrc: isa.WSign, WBase: 5, RStride: 6, Cols: 7, Rows: 8, SBase: 0x2345, DBase: 1, Rate: 20, Shift: 3, Bounds: 20, Opt: true}.With(isa.Blend)),
		word(isa.Vector{Tensor: 3, A: 1, B: 2, Dst: 7, C: 10, N: 20}.With(isa.Dig)),
		{},
	}
	if d := cmp.Diff(want, p.Words); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[device.Entry]int{device.Learn: 8, device.Infer: 13, 7: 13}, p.Entries); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]int{"again": 9, "done": 14}, p.Labels); d != "" {
		t.Error(d)
	}
	regs := []Register{{5, 0x7fff8000, ""}, {6, -7, "two words"}, {20, 0x7fff8000, "full"}}
	if d := cmp.Diff(regs, p.Registers); d != "" {
		t.Error(d)
	}
	if p.Comments[8] != "three rounds" || p.Lines[9] != 11 {
		t.Errorf("comments %v, lines %v", p.Comments, p.Lines)
	}
}

func TestPrint(t *testing.T) {
	p, err := Assemble("demo.asm", []byte(demo))
	if err != nil {
		t.Fatal(err)
	}
	const want = `.reg    r5 32767:-32768
.reg    r6 -7 "two words"
.reg    r20 32767:-32768 "full"

.entry  learn
        set      rd=r8 imm=3 ; three rounds
again:
        mac.b    w=0+16 cols=1024 rows=785 s=12 d=40 shift=10 round=nearest bounds=r20 group=r4
        vec.max  a=[40] c=#-2 d=44 n=1024 bounds=r20
        loop     rd=r8 to=again
        jump     to=done

.entry  infer

.entry  7
        blend    wsrc=sign w=5+6 cols=7 rows=8 m=74565 rate=r20 shift=3 bounds=r20 set
done:
        dig      tensor=3 w=131073+7 rows=10 cols=20
        halt
`
	if d := cmp.Diff(want, p.String()); d != "" {
		t.Error(d)
	}
	again, err := Assemble("printed", []byte(p.String()))
	if err != nil {
		t.Fatal(err)
	}
	again.Lines = p.Lines
	if !reflect.DeepEqual(p, again) {
		t.Error(cmp.Diff(p, again))
	}
}

func drawWord(t *rapid.T) isa.Word {
	in := isa.Instruction{Op: &isa.Ops[rapid.IntRange(0, len(isa.Ops)-1).Draw(t, "op")]}
	for i, f := range in.Op.Layout().Fields[1:] {
		_, hi := f.Limits()
		// Small values are the usual ones: registers in range, no operand.
		v := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, min(hi, 63)), rapid.Int64Range(0, hi)).Draw(t, f.Name)
		in.Values[i+1] = uint32(v)
	}
	w, err := in.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// Any words that decode print as a text that assembles to the same words, in programs with entries and without.
func TestDisassemblyAssemblesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.Custom(drawWord), 0, 20).Draw(t, "words")
		for i := range words {
			// Some jumps go where there is code.
			if op := isa.ByCode(uint8(words[i].Get(0, 6))); op.Code >= isa.Jump && op.Code <= isa.Jge && rapid.Bool().Draw(t, "near") {
				words[i].Put(64, 32, uint32(rapid.IntRange(0, len(words)).Draw(t, "to")))
			}
		}
		if rapid.Bool().Draw(t, "entries") {
			head := make([]isa.Word, device.NumEntries)
			for i := range head {
				if to := rapid.IntRange(7, device.NumEntries+len(words)).Draw(t, "entry"); to > 7 {
					head[i] = jump(to)
				}
			}
			words = append(head, words...)
		}
		p, err := New(words)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			p.Registers = append(p.Registers, Register{20 * i, rapid.Int32().Draw(t, "value"), ""})
		}
		text := p.String()
		back, err := Assemble("back", []byte(text))
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if !slices.Equal(back.Words, p.Words) || !slices.Equal(back.Registers, p.Registers) {
			t.Fatalf("%s\ngot  %v\nwant %v", text, back.Words, p.Words)
		}
	})
}

func TestNewRejects(t *testing.T) {
	if _, err := New([]isa.Word{{}, {7}}); err == nil || !strings.HasPrefix(err.Error(), "address 1: instruction 00000000_00000000_00000000_00000007: unknown op code 7") {
		t.Errorf("%v", err)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"  mac.x", `f:1:3: unknown operation "mac.x"; did you mean mac.b?`},
		{"\nmac.b row=3 bounds=r1", `f:2:7: mac.b has no field "row"; did you mean rows?`},
		{"mac.b rows=8192 bounds=r1", "f:1:12: mac.b: rows = 8192 does not fit 13 bits [0, 8191]; split the walk or move the operand"},
		{"mac.b rows=3", "f:1:1: mac.b needs bounds=r20"},
		{"upd.b bounds=r1", "f:1:1: upd.b needs rate=r20"},
		{"mac.b rows=3 wideout rows=4", "f:1:27: rows of mac.b is given twice"},
		{"mac.b w=3 bounds=r1", "f:1:9: w is written base+stride, the words from row to row after the +"},
		{"mac.b round=up bounds=r1", `f:1:13: round cannot be "up"; there are floor, nearest, stochastic`},
		{"mac.b bounds=r64", `f:1:14: "r64" is no register; registers are r0 to r63 and the names of earlier .reg lines`},
		{".reg r1 5 \"lrate\"\nupd.b bounds=r1 rate=lrat", `f:2:22: "lrat" is no register; registers are r0 to r63 and the names of earlier .reg lines; did you mean lrate?`},
		{"mac.b bounds=r1 group=r6", "f:1:23: a group starts at r4, r8, … r60, not at r6"},
		{"mac.b widein=1 wideout", "f:1:7: widein takes no value: its presence sets it"},
		{"mac.b rows wideout", "f:1:7: rows needs a value, as in rows=number"},
		{"jump to=there\nthese: halt", `f:1:9: no label "there"; did you mean these?`},
		{"x: halt\nx: halt", `f:2:1: "x" is already defined in line 1; choose another name`},
		{"r5: halt", `f:1:1: "r5" cannot name a label; a name has letters, digits, _ and . and is no register`},
		{".entry lern", `f:1:8: unknown entry "lern"; did you mean learn?, or a number below 8`},
		{".entry init\n.entry init", "f:2:8: entry init is given twice; remove one"},
		{".eq A 5", `f:1:1: unknown directive ".eq"; did you mean .equ?`},
		{".equ A", "f:1:1: .equ needs a name and a number, for example: .equ X 40"},
		{".equ A 3+", `f:1:10: a number or a name is missing in "3+"`},
		{".equ A (3", `f:1:10: missing ) in "(3"`},
		{".equ A 3/0", `f:1:9: division by zero in "3/0"`},
		{".equ A 3]", `f:1:9: unexpected "]" in "3]"; a number, a name, + - * / or ( ) is expected`},
		{".equ A 3x", `f:1:8: "3x" is no number; write it decimal or as 0x… of at most 63 bits`},
		{".equ AB 3\n.equ C AC", `f:2:8: no number is named "AC"; .equ defines one before its use; did you mean AB?`},
		{".reg r1", `f:1:1: .reg needs a register and a value, for example: .reg r20 32767:-32768 "bounds"`},
		{".reg r1 3\n.reg r1 4", "f:2:6: r1 has a value already; remove one"},
		{".reg q 3", `f:1:6: "q" is no register; registers are r0 to r63`},
		{".reg r1 70000:0", "f:1:9: 70000:0: a half is 16 bits, from -32768 to 65535"},
		{".reg r1 0x100000000", "f:1:9: 4294967296 does not fit a register of 32 bits"},
		{".reg r1 3 name", `f:1:11: the name of a register stands in quotes: "name"`},
		{"vec.mac a=[3 bounds=r1", `f:1:11: operand "[3" is none of [address], a register, #immediate, uniform, sign`},
		{"vec.mac a=unifrm bounds=r1", `f:1:11: operand "unifrm" is none of [address], a register, #immediate, uniform, sign; did you mean uniform?`},
		{"vec.mac a=#40000000 bounds=r1", "f:1:12: vec: a = 40000000 does not fit 16 bits [-32768, 65535]"},
		{"blend m=-1 rate=r1 bounds=r1", "f:1:9: -1 does not fit the 32 bits of a word address"},
		{"foo\nbar", "f:1:1: unknown operation \"foo\""},
	} {
		_, err := Assemble("f", []byte(c.src))
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s\ngot  %v\nwant %s", c.src, err, c.want)
		}
	}
	if _, err := Assemble("f", []byte("foo\nhalt\nbar")); len(err.(Errors)) != 2 {
		t.Errorf("not all findings are reported: %v", err)
	}
}

// Each operation has a syntax whose arguments name fields of its format.
func TestSyntaxFollowsTable(t *testing.T) {
	check := func(op *isa.Op, list []arg) {
		seen := map[string]bool{}
		for _, a := range list {
			if seen[a.key] {
				t.Errorf("%s: argument %s appears twice", op.Name, a.key)
			}
			seen[a.key] = true
			for _, f := range a.fields {
				if op.Layout().Field(f) == nil {
					t.Errorf("%s: argument %s: format %s has no field %s", op.Name, a.key, op.Format, f)
				}
			}
			// A key that is the name of another field would hide that field.
			if op.Layout().Field(a.key) != nil && !slices.Contains(a.fields, a.key) {
				t.Errorf("%s: argument %s hides the field of that name", op.Name, a.key)
			}
		}
	}
	for i := range isa.Ops {
		op := &isa.Ops[i]
		if _, ok := syntax[op.Code]; !ok {
			t.Errorf("%s has no syntax", op.Name)
		}
		check(op, syntax[op.Code])
		if op.Code == isa.Dig {
			for _, list := range digOther {
				check(op, list)
			}
		}
	}
}

func FuzzAssemble(f *testing.F) {
	f.Add(demo)
	f.Add("a: vec.sel a=r1 b=sign c=#0 d=0 n=9 bounds=r2\n.entry init\nstore rb=r1 at=5 index ra=r2")
	f.Fuzz(func(t *testing.T, src string) {
		p, err := Assemble("f", []byte(src))
		if err != nil {
			return
		}
		back, err := Assemble("back", []byte(p.String()))
		if err != nil || !slices.Equal(back.Words, p.Words) {
			t.Fatalf("%v\n%s", err, p)
		}
	})
}
