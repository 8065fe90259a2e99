package weights

import (
	"archive/zip"
	"bytes"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"codeberg.org/sbinet/npyio/npz"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// NumPy's own files.
func TestReadNumPy(t *testing.T) {
	a := []float64{-.625, -.375, -.125, .125, .375, .625}
	for file, want := range map[string][]Tensor{
		"testdata/numpy.npz": {
			{"0.weight", []int{2, 3}, a},
			{"0.bias", []int{2}, []float64{1, -2}},
			{"2.weight", []int{3, 2}, []float64{-.625, .125, -.375, .375, -.125, .625}},
			{"2.bias", []int{3}, []float64{.5, .25, -.125}},
			{"scalar", []int{}, []float64{3}},
		},
		"testdata/numpy-compressed.npz": {
			{"fc1.weight", []int{2, 3}, a},
			{"fc1.bias", []int{2}, []float64{1, -2}},
		},
	} {
		got, err := ReadFile(file)
		if err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s: %v\n%s", file, err, cmp.Diff(want, got))
		}
	}
}

// Damage anywhere in the file is noticed, or changes nothing.
func TestDamagedNumPy(t *testing.T) {
	for _, file := range []string{"testdata/numpy.npz", "testdata/numpy-compressed.npz"} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		good, err := Read(data)
		if err != nil {
			t.Fatal(err)
		}
		for n := range data {
			if _, err := Read(data[:n]); err == nil {
				t.Errorf("%s: the first %d of %d bytes were read without complaint", file, n, len(data))
			}
			bad := slices.Clone(data)
			bad[n] ^= 0x10
			got, err := Read(bad)
			if err != nil {
				continue
			}
			for i := range got { // the archive keeps no sum of the names
				if i < len(good) && len(got) == len(good) {
					got[i].Name = good[i].Name
				}
			}
			if !cmp.Equal(got, good) {
				t.Errorf("%s: byte %d damaged, read without complaint:\n%s", file, n, cmp.Diff(good, got))
			}
		}
	}
}

// archive returns a zip of one array with that content.
func archive(t testing.TB, name, content string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadNPZErrors(t *testing.T) {
	f4 := func(shape ...int) string { return string(npyPrefix("<f4", shape)) }
	for _, c := range []struct{ name, content, want string }{
		{"x.npy", "", `npz: array "x": is cut short`},
		{"x.npy", "PK not an array", `npz: array "x": begins with "PK not"`},
		{"x.npy", "\x93NUMPY\x04\x00\x00\x00", "version 4 of the format, expected 1 to 3"},
		{"x.npy", "\x93NUMPY\x02\x00\xff\xff\xff\xff", "header of 4294967295 bytes"},
		{"x.npy", "\x93NUMPY\x01\x00\x08\x00{}      ", `header "{}      ", expected descr, fortran_order and shape`},
		{"x.npy", f4(2)[:70], "is cut short"},
		{"x.npy", f4(2) + "1234", "4 bytes of data or more, shape [2] takes 8"},
		{"x.npy", f4(2) + "123456789", "9 bytes of data or more, shape [2] takes 8"},
		{"x.npy", f4(1<<20, 1<<20), "shape [1048576 1048576] has more than 67108864 elements"},
		{"x.npy", f4(1<<62, 1<<62), "has more than 67108864 elements"},
		{"x.npy", string(npyPrefix("<i8", []int{1})) + "12345678", `element type "<i8", expected <f2, <f4, <f8 or <i2`},
		{"x.npy", f4(2) + "1234\x00\x00\xc0\x7f", `npz: tensor "x": element 1 is NaN, expected a finite number`},
		{"x.txt", "", `npz: "x.txt" in the archive, expected arrays (.npy)`},
	} {
		_, err := Read(archive(t, c.name, c.content))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.20q: error %v, expected %q", c.content, err, c.want)
		}
	}
	if _, err := Read([]byte("PK")); err == nil || !strings.Contains(err.Error(), "is the file cut short?") {
		t.Errorf("error %v", err)
	}
}

func FuzzReadNPZ(f *testing.F) {
	for _, file := range []string{"testdata/numpy.npz", "testdata/numpy-compressed.npz"} {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tensors, err := ReadNPZ(data)
		if err != nil {
			return
		}
		for _, x := range tensors {
			if n, err := elements(x.Shape); err != nil || n != len(x.Data) {
				t.Errorf("tensor %q of shape %v has %d elements, %v", x.Name, x.Shape, len(x.Data), err)
			}
		}
	})
}

func drawQuantized(t *rapid.T) []Quantized {
	var layers []Quantized
	for i := range rapid.IntRange(1, 3).Draw(t, "layers") {
		q := Quantized{Name: []string{"layer0", "hidden", "out"}[i], In: rapid.IntRange(1, 5).Draw(t, "in"), Out: rapid.IntRange(1, 5).Draw(t, "out")}
		q.Format = Format{rapid.IntRange(2, 16).Draw(t, "bits"), rapid.IntRange(0, 30).Draw(t, "frac")}
		q.Weight = rapid.SliceOfN(rapid.Int16(), q.In*q.Out, q.In*q.Out).Draw(t, "weight")
		if rapid.Bool().Draw(t, "has bias") {
			q.Bias = rapid.SliceOfN(rapid.Int16(), q.Out, q.Out).Draw(t, "bias")
		}
		layers = append(layers, q)
	}
	return layers
}

// What is written is read back to the last bit, by us and by another reader.
func TestWriteNPZRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		layers, raw := drawQuantized(t), rapid.Bool().Draw(t, "raw")
		var b, again bytes.Buffer
		if err := WriteNPZ(&b, layers, raw); err != nil {
			t.Fatal(err)
		}
		if err := WriteNPZ(&again, layers, raw); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
			t.Fatalf("the same layers gave other bytes, %v", err)
		}
		tensors, err := Read(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		var want []Want
		for _, l := range layers {
			want = append(want, Want{l.Name, l.In, l.Out, l.Bias != nil})
		}
		back, err := Match(tensors, want)
		if err != nil {
			t.Fatal(err)
		}
		other, err := npz.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		for i, l := range layers {
			if !cmp.Equal(back[i], l.Layer()) {
				t.Fatal(cmp.Diff(l.Layer(), back[i]))
			}
			var weight []float32
			if err := other.Read(l.Name+".weight.npy", &weight); err != nil {
				t.Fatal(err)
			}
			for j, v := range weight {
				if want := math.Ldexp(float64(l.Weight[j]), -l.Format.Frac); float64(v) != want {
					t.Fatalf("%s.weight: element %d is %g, expected %g", l.Name, j, v, want)
				}
			}
			if h := other.Header(l.Name + ".weight.npy"); !slices.Equal(h.Descr.Shape, []int{l.Out, l.In}) || h.Descr.Fortran {
				t.Fatalf("%s.weight: shape %v, expected %d, %d", l.Name, h.Descr.Shape, l.Out, l.In)
			}
			var integers, format []int16
			err := other.Read(l.Name+".weight.raw.npy", &integers)
			if !raw {
				if err == nil {
					t.Fatal("integers were written unasked")
				}
				continue
			}
			if err != nil || !slices.Equal(integers, l.Weight) {
				t.Fatalf("%s: integers %v, %v; expected %v", l.Name, integers, err, l.Weight)
			}
			if err := other.Read(l.Name+".format.npy", &format); err != nil || !slices.Equal(format, []int16{int16(l.Format.Bits), int16(l.Format.Frac)}) {
				t.Fatalf("%s: format %v, %v", l.Name, format, err)
			}
		}
	})
}

// What another writer writes is read.
func TestReadsOtherWriter(t *testing.T) {
	var b bytes.Buffer
	w := npz.NewWriter(&b)
	for name, v := range map[string]any{"a.npy": []float32{1, -.5}, "b.npy": [][]float64{{1, 2, 3}, {4, 5, 6}}, "c.npy": []int16{-7}} {
		if err := w.Write(name, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := Read(b.Bytes())
	slices.SortFunc(got, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
	want := []Tensor{{"a", []int{2}, []float64{1, -.5}}, {"b", []int{2, 3}, []float64{1, 2, 3, 4, 5, 6}}, {"c", []int{1}, []float64{-7}}}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
}

func TestWriteNPZRefuses(t *testing.T) {
	err := WriteNPZ(&bytes.Buffer{}, []Quantized{{Name: "x", In: 2, Out: 1, Weight: []int16{1}}}, true)
	if err == nil || !strings.Contains(err.Error(), `layer "x" of 1 outputs and 2 inputs: 1 weights and 0 biases, expected 2 and 1`) {
		t.Errorf("error %v", err)
	}
}
