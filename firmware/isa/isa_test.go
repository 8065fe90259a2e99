package isa

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The table is well formed: fields inside the word and apart from each other, op first, codes and names unique.
func TestTable(t *testing.T) {
	for _, f := range Formats {
		var used [Width]string
		sum := uint(0)
		if f.Fields[0] != (Field{"op", 0, 6, "operation"}) {
			t.Errorf("format %s does not start with op in bits 5:0", f.Name)
		}
		if len(f.Fields) > maxFields {
			t.Errorf("format %s has %d fields, Instruction holds %d", f.Name, len(f.Fields), maxFields)
		}
		names := map[string]bool{}
		for _, fd := range f.Fields {
			if names[fd.Name] {
				t.Errorf("%s.%s appears twice", f.Name, fd.Name)
			}
			names[fd.Name] = true
			if fd.Width == 0 || fd.Width > 32 || fd.Lo+fd.Width > Width || fd.Doc == "" {
				t.Errorf("%s.%s: bad place or no text: %+v", f.Name, fd.Name, fd)
				continue
			}
			sum += fd.Width
			for b := fd.Lo; b < fd.Lo+fd.Width; b++ {
				if used[b] != "" {
					t.Errorf("%s: bit %d belongs to %s and %s", f.Name, b, used[b], fd.Name)
				}
				used[b] = fd.Name
			}
			if e, ok := Enums[fd.Name]; ok && len(e) > 1<<fd.Width {
				t.Errorf("%s.%s: %d names for %d bits", f.Name, fd.Name, len(e), fd.Width)
			}
		}
		if sum > Width {
			t.Errorf("format %s takes %d bits of %d", f.Name, sum, Width)
		}
	}
	codes, names := map[uint8]string{}, map[string]bool{}
	for _, op := range Ops {
		if other, ok := codes[op.Code]; ok || op.Code >= 64 {
			t.Errorf("%s: code %d is taken by %q or too large", op.Name, op.Code, other)
		}
		if names[op.Name] {
			t.Errorf("%s appears twice", op.Name)
		}
		codes[op.Code], names[op.Name] = op.Name, true
		if op.Layout() == nil {
			t.Errorf("%s: no format %q", op.Name, op.Format)
		}
		if op.Doc == "" || ByName(op.Name) == nil || ByCode(op.Code).Name != op.Name {
			t.Errorf("%s: not found by name and code, or no text", op.Name)
		}
	}
}

// The members of the structs are the fields of the formats, in the same order.
func TestStructsFollowTable(t *testing.T) {
	for _, c := range []struct {
		format string
		typ    reflect.Type
	}{
		{"matrix", reflect.TypeFor[Matrix]()}, {"vector", reflect.TypeFor[Vector]()}, {"scalar", reflect.TypeFor[Scalar]()},
	} {
		var got []string
		for i := range c.typ.NumField() {
			got = append(got, strings.ToLower(c.typ.Field(i).Name))
		}
		if want := formatByID[c.format].names(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: struct has %v, table %v", c.format, got, want)
		}
	}
}

func drawInstruction(t *rapid.T) Instruction {
	in := Instruction{Op: &Ops[rapid.IntRange(0, len(Ops)-1).Draw(t, "op")]}
	in.Values[0] = uint32(in.Op.Code)
	for i, f := range in.Op.Layout().Fields[1:] {
		_, hi := f.Limits()
		in.Values[i+1] = uint32(rapid.Int64Range(0, hi).Draw(t, f.Name))
	}
	return in
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := drawInstruction(t)
		w, err := in.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := Decode(w)
		if err != nil || back != in {
			t.Fatalf("%v: got %v %v, want %v", w, back, err, in)
		}
		if WordOf(w.Halfwords()) != w {
			t.Fatalf("%v: halfwords do not join to the same word", w)
		}
		fields := Fields{}
		for i, f := range in.Op.Layout().Fields[1:] {
			fields[f.Name] = int64(in.Values[i+1])
		}
		if w2, err := Encode(in.Op, fields); err != nil || w2 != w {
			t.Fatalf("by name: got %v %v, want %v", w2, err, w)
		}
		var again Instruction
		switch in.Op.Format {
		case "matrix":
			again = in.Matrix().With(in.Op.Code)
		case "vector":
			again = in.Vector().With(in.Op.Code)
		case "scalar":
			again = in.Scalar().With(in.Op.Code)
		}
		if again != in {
			t.Fatalf("through the struct: got %v, want %v", again, in)
		}
	})
}

// Put and Get agree with bits moved one by one.
func TestBits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.UintRange(1, 32).Draw(t, "width")
		lo := rapid.UintRange(0, Width-width).Draw(t, "lo")
		v := rapid.Uint32().Draw(t, "v")
		w := Word{rapid.Uint32().Draw(t, "w0"), rapid.Uint32().Draw(t, "w1"), rapid.Uint32().Draw(t, "w2"), rapid.Uint32().Draw(t, "w3")}
		got := w
		got.Put(lo, width, v)
		for b := range uint(Width) {
			want := w[b/32] >> (b % 32) & 1
			if b >= lo && b < lo+width {
				want = v >> (b - lo) & 1
			}
			if got[b/32]>>(b%32)&1 != want {
				t.Fatalf("bit %d", b)
			}
		}
		if g := got.Get(lo, width); g != v&uint32(1<<width-1) {
			t.Fatalf("get %x, put %x in %d bits", g, v, width)
		}
	})
}

func TestEncodeErrors(t *testing.T) {
	for _, c := range []struct {
		op     string
		fields Fields
		want   string
	}{
		{"mac.b", Fields{"rows": 8192}, "mac.b: rows = 8192 does not fit 13 bits [0, 8191]; split the walk or move the operand"},
		{"vec", Fields{"a": -32769}, "vec: a = -32769 does not fit 16 bits [-32768, 65535]; split the walk or move the operand"},
		{"upd.r", Fields{"round": 3}, "upd.r: round = 3 does not fit 2 bits [0, 2]; split the walk or move the operand"},
		{"add", Fields{"rows": 1}, `add: format scalar has no field "rows"; it has rd, ra, rb, shift, index, stream, imm`},
		{"add", Fields{"op": 1}, `add: format scalar has no field "op"; it has rd, ra, rb, shift, index, stream, imm`},
	} {
		if _, err := Encode(ByName(c.op), c.fields); err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
	in := Matrix{Rate: 64}.With(UpdB)
	if _, err := in.Encode(); err == nil || !strings.Contains(err.Error(), "rate = 64 does not fit 6 bits [0, 63]") {
		t.Errorf("rate 64: %v", err)
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, c := range []struct {
		w    Word
		want string
	}{
		{Word{7}, "instruction 00000000_00000000_00000000_00000007: unknown op code 7; it is from another version, or not a program"},
		{Word{MacB | 3<<6}, "instruction 00000000_00000000_00000000_000000e0: mac.b: wsrc = 3 is reserved; it goes up to 2 (sign)"},
		{Word{Set, 1 << 20}, "instruction 00000000_00000000_00100000_00000008: set: bits outside the scalar format are set (00000000_00000000_00100000_00000000); they must be 0"},
	} {
		if _, err := Decode(c.w); err == nil || err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, op := range Ops {
		f.Add(uint32(op.Code), uint32(0), uint32(0), uint32(0))
		f.Add(uint32(op.Code)|rng.Uint32()&^63, rng.Uint32(), rng.Uint32(), rng.Uint32())
	}
	f.Fuzz(func(t *testing.T, a, b, c, d uint32) {
		w := Word{a, b, c, d}
		in, err := Decode(w)
		if err != nil {
			return
		}
		if back, err := in.Encode(); err != nil || back != w {
			t.Fatalf("%v encodes to %v %v", w, back, err)
		}
	})
}
