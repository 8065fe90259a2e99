package dataset

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func packed(b []byte) []byte {
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	w.Write(b)
	w.Close()
	return z.Bytes()
}

func idx(t testing.TB, dims []int, data []byte) []byte {
	var b bytes.Buffer
	if err := WriteIDX(&b, dims, data); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadIDXRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dims := rapid.SliceOfN(rapid.IntRange(1, 5), 1, 4).Draw(t, "dims")
		size := 1
		for _, d := range dims {
			size *= d
		}
		data := rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "data")
		var b bytes.Buffer
		if err := WriteIDX(&b, dims, data); err != nil {
			t.Fatal(err)
		}
		for _, in := range [][]byte{b.Bytes(), packed(b.Bytes())} {
			gotDims, got, err := ReadIDX(bytes.NewReader(in))
			if err != nil || !slices.Equal(gotDims, dims) || !bytes.Equal(got, data) {
				t.Fatalf("read %v %v, %v; wrote %v %v", gotDims, got, err, dims, data)
			}
			// Nothing shorter and nothing longer is a file.
			cut := rapid.IntRange(0, len(in)-1).Draw(t, "cut")
			if _, _, err := ReadIDX(bytes.NewReader(in[:cut])); err == nil {
				t.Fatalf("%d of %d bytes were read without complaint", cut, len(in))
			}
			if _, _, err := ReadIDX(bytes.NewReader(append(slices.Clone(in), 0))); err == nil {
				t.Fatal("a byte too many was read without complaint")
			}
		}
	})
}

func TestReadIDXErrors(t *testing.T) {
	good := idx(t, []int{2, 2}, []byte{1, 2, 3, 4})
	damaged := packed(good)
	damaged[len(damaged)-6] ^= 1 // the CRC
	for _, c := range []struct {
		name, want string
		in         []byte
	}{
		{"empty", "header: file is cut short", nil},
		{"no magic", "magic 4e 4d 43 21, expected 00 00", []byte("NMC!")},
		{"floats", "element type 0x0d, expected 0x08", []byte{0, 0, 0xd, 1, 0, 0, 0, 1}},
		{"no dimensions", "0 dimensions, expected 1 to 4", []byte{0, 0, 8, 0}},
		{"five dimensions", "5 dimensions, expected 1 to 4", []byte{0, 0, 8, 5}},
		{"cut in dimensions", "dimension 1: file is cut short", good[:10]},
		{"zero", "dimension 0 is 0", []byte{0, 0, 8, 1, 0, 0, 0, 0}},
		{"huge", "dimensions [65536] by 65536 make more than", []byte{0, 0, 8, 2, 0, 1, 0, 0, 0, 1, 0, 0}},
		{"cut in data", "data ends after 3 of 4 bytes (dimensions [2 2])", good[:15]},
		{"trailing", "more data than the 4 bytes of dimensions [2 2]", append(slices.Clone(good), 5)},
		{"gzip cut", "data after 4 of 4 bytes: file is cut short", packed(good)[:len(packed(good))-1]},
		{"gzip checksum", "gzip: invalid checksum", damaged},
		{"gzip header", "gzip header", []byte{0x1f, 0x8b, 0}},
	} {
		_, _, err := ReadIDX(bytes.NewReader(c.in))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, expected %q", c.name, err, c.want)
		}
	}
}

func FuzzReadIDX(f *testing.F) {
	good := idx(f, []int{1, 2, 3}, []byte{1, 2, 3, 4, 5, 6})
	f.Add(good)
	f.Add(packed(good))
	f.Add(good[:9])
	f.Fuzz(func(t *testing.T, in []byte) {
		dims, data, err := ReadIDX(bytes.NewReader(in))
		if err != nil {
			return
		}
		if again := idx(t, dims, data); in[0] == 0 && !bytes.Equal(again, in) {
			t.Errorf("read %x, which is written as %x", in, again)
		}
	})
}

func folderOf(t *testing.T, files map[string][]byte) string {
	dir := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestOpenFolder(t *testing.T) {
	s := &store{sets: known}
	images := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}
	dir := folderOf(t, map[string][]byte{
		"train-images-idx3-ubyte.gz": packed(idx(t, []int{2, 2, 3}, images)),
		"train-labels-idx1-ubyte":    idx(t, []int{2}, []byte{1, 0}),
		"train-images.part":          nil,
		"test_images.idx":            idx(t, []int{1, 12}, images),
		"test_labels.idx":            idx(t, []int{1}, []byte{6}),
	})
	set, err := s.open(t.Context(), "idx:"+dir, Train)
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != 2 || set.Shape != (Shape{2, 3, 1}) || set.Classes != 7 || set.Label(0) != 1 || set.Label(1) != 0 ||
		!bytes.Equal(set.Image(1), images[6:]) || set.Name != "idx:"+dir || set.Split != Train {
		t.Errorf("got %+v", set)
	}
	if one := set.Slice(1, 2); one.Len() != 1 || one.Label(0) != 0 || !bytes.Equal(one.Image(0), images[6:]) {
		t.Errorf("slice: got %+v", one)
	}
	set, err = s.open(t.Context(), "idx:"+dir, Test)
	if err != nil || set.Shape != (Shape{1, 12, 1}) || set.Len() != 1 || set.Label(0) != 6 || set.Classes != 7 {
		t.Errorf("test split: %+v, %v", set, err)
	}
	// A colour image has its channels last.
	dir = folderOf(t, map[string][]byte{
		"train-images": idx(t, []int{1, 2, 2, 3}, images), "train-labels": idx(t, []int{1}, []byte{0})})
	if set, err = s.open(t.Context(), "idx:"+dir, Train); err != nil || set.Shape != (Shape{2, 2, 3}) || set.Classes != 1 {
		t.Errorf("colour: %+v, %v", set, err)
	}
}

func TestOpenFolderErrors(t *testing.T) {
	images, labels := idx(t, []int{2, 1, 1}, []byte{1, 2}), idx(t, []int{2}, []byte{0, 1})
	for _, c := range []struct {
		name, want string
		files      map[string][]byte
	}{
		{"empty", "no file train-images* here", nil},
		{"no labels", "no file train-labels* here", map[string][]byte{"train-images": images}},
		{"two files", "train-images and train-images.gz could each be the train images; keep one",
			map[string][]byte{"train-images": images, "train-images.gz": images, "train-labels": labels}},
		{"counts", "2 images but 1 labels",
			map[string][]byte{"train-images": images, "train-labels": idx(t, []int{1}, []byte{0})}},
		{"label matrix", "train-labels: dimensions [2 1], labels have one",
			map[string][]byte{"train-images": images, "train-labels": idx(t, []int{2, 1}, []byte{0, 1})}},
		{"image vector", "images of dimensions [2], expected n, rows, cols",
			map[string][]byte{"train-images": labels, "train-labels": labels}},
		{"other split damaged", "t10k-labels: header: file is cut short",
			map[string][]byte{"train-images": images, "train-labels": labels, "t10k-labels": nil}},
	} {
		_, err := (&store{sets: known}).open(t.Context(), "idx:"+folderOf(t, c.files), Train)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, expected %q", c.name, err, c.want)
		}
	}
}

func TestWriteIDXRefuses(t *testing.T) {
	for _, dims := range [][]int{nil, {2}, {1, 1, 1, 1, 1}} {
		if err := WriteIDX(&bytes.Buffer{}, dims, []byte{1}); err == nil {
			t.Errorf("dimensions %v for one byte were written", dims)
		}
	}
}
