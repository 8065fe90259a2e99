package weights

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// safetensors puts a file together.
func safetensors(header string, data string) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return []byte(string(b) + header + data)
}

func TestReadSafetensors(t *testing.T) {
	// Names out of the order of the data, blanks at the end as the reference library pads, metadata, an empty tensor.
	got, err := Read(safetensors(`{"__metadata__":{"format":"pt"},`+
		`"b":{"dtype":"F16","shape":[3],"data_offsets":[8,14]},`+
		`"a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},`+
		`"e":{"dtype":"F64","shape":[0,4],"data_offsets":[14,14]},`+
		`"c":{"dtype":"BF16","shape":[2],"data_offsets":[14,18]},`+
		`"d":{"dtype":"F64","shape":[],"data_offsets":[18,26]}}   `,
		"\x00\x00\x80\x3f\x00\x00\x20\xc0"+ // 1, -2.5
			"\x00\x3c\x01\x00\xff\xfb"+ // 1, 2^-24, -65504
			"\x80\x3f\x49\xc0"+ // 1, -3.140625
			"\x9a\x99\x99\x99\x99\x99\xb9\x3f")) // 0.1
	want := []Tensor{
		{"a", []int{2, 1}, []float64{1, -2.5}},
		{"b", []int{3}, []float64{1, 0x1p-24, -65504}},
		{"e", []int{0, 4}, []float64{}},
		{"c", []int{2}, []float64{1, -3.140625}},
		{"d", []int{}, []float64{0.1}},
	}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
}

// Every half-precision number against the definition.
func TestHalfValue(t *testing.T) {
	for b := range uint32(1 << 16) {
		sign, exp, frac := 1-2*float64(b>>15), int(b>>10&31), float64(b&1023)/1024
		want := sign * (1 + frac) * math.Pow(2, float64(exp-15))
		switch {
		case exp == 0:
			want = sign * frac * math.Pow(2, -14)
		case exp == 31 && frac == 0:
			want = math.Inf(int(sign))
		case exp == 31:
			want = math.NaN()
		}
		if got := halfValue(uint16(b)); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Fatalf("%#04x is %g, expected %g", b, got, want)
		}
	}
}

func TestReadSafetensorsErrors(t *testing.T) {
	one := func(header string) []byte { return safetensors(`{"a":`+header+`}`, "\x00\x00\x80\x3f\x00\x00\x80\x3f") }
	for _, c := range []struct {
		want string
		in   []byte
	}{
		{"file of 3 bytes", []byte("abc")},
		{"header of 7306634592541212672 bytes in a file with 4", []byte("\x00\x00\x00 safedata")},
		{"header of 9 bytes in a file with 8", safetensors(`{}       `, "")[:16]},
		{"header of 200000000 bytes", append(binary.LittleEndian.AppendUint64(nil, 200000000), 0)},
		{"expected a JSON object", safetensors(`[]`, "")},
		{"unexpected EOF", safetensors(`{"a":{"dtype"`, "")},
		{"something follows the JSON object", safetensors(`{} {}`, "")},
		{`tensor "a" is there twice`, safetensors(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`, "")},
		{"__metadata__", safetensors(`{"__metadata__":{"a":1}}`, "")},
		{`dtype "I64", expected F16, BF16, F32 or F64`, one(`{"dtype":"I64","shape":[1],"data_offsets":[0,8]}`)},
		{"expected dtype, shape and two data_offsets", one(`{"dtype":"F32","data_offsets":[0,8]}`)},
		{"expected dtype, shape and two data_offsets", one(`{"dtype":"F32","shape":[2],"data_offsets":[8]}`)},
		{`unknown field "strides"`, one(`{"dtype":"F32","shape":[2],"data_offsets":[0,8],"strides":[1]}`)},
		{"shape [-2] has a negative dimension", one(`{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}`)},
		{"has more than 67108864 elements", one(`{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}`)},
		{"data_offsets [0 8], shape [3] of F32 takes 12 bytes", one(`{"dtype":"F32","shape":[3],"data_offsets":[0,8]}`)},
		{"data_offsets [8 0]", one(`{"dtype":"F32","shape":[2],"data_offsets":[8,0]}`)},
		{"data_offsets [18446744073709551612 4]", one(`{"dtype":"F32","shape":[2],"data_offsets":[18446744073709551612,4]}`)},
		{`tensor "a" begins at byte 4 of the data, expected 0`, one(`{"dtype":"F32","shape":[1],"data_offsets":[4,8]}`)},
		{`tensor "a" ends at byte 12, the data has 8`, one(`{"dtype":"F32","shape":[3],"data_offsets":[0,12]}`)},
		{"8 bytes of data, the header has tensors for 4", one(`{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`)},
		{`tensor "b" begins at byte 0 of the data, expected 4`, safetensors(
			`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, "\x00\x00\x80\x3f")},
		{`tensor "a": element 1 is +Inf, expected a finite number`, safetensors(
			`{"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}}`, "\x00\x00\x00\x7c")},
	} {
		_, err := ReadSafetensors(c.in)
		if err == nil || !strings.HasPrefix(err.Error(), "safetensors: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, expected %q", err, c.want)
		}
	}
}

func FuzzSafetensorsHeader(f *testing.F) {
	f.Add([]byte(`{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}  `), 8)
	f.Add([]byte(`{"a":{"dtype":"F16","shape":[],"data_offsets":[0,2]},"b":{"dtype":"F64","shape":[0],"data_offsets":[2,2]}}`), 2)
	f.Add([]byte(`{"a":{"dtype":"BF16","shape":[4294967296,4294967296],"data_offsets":[0,18446744073709551615]}}`), 0)
	f.Fuzz(func(t *testing.T, header []byte, n int) {
		n &= 1<<12 - 1
		tensors, err := ReadSafetensors(safetensors(string(header), strings.Repeat("\x00", n)))
		if err != nil {
			return
		}
		elements := 0
		for _, x := range tensors {
			size := 1
			for _, d := range x.Shape {
				size *= d
			}
			if size != len(x.Data) {
				t.Errorf("tensor %q of shape %v has %d elements", x.Name, x.Shape, len(x.Data))
			}
			elements += size
		}
		if 8*elements < n || 2*elements > n {
			t.Errorf("%d elements out of %d bytes", elements, n)
		}
	})
}
