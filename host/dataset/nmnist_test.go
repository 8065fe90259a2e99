package dataset

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// recording packs files into an archive like the set's.
func recording(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: "NMNISTsmall/" + name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// event is one of five bytes.
func event(col, row, polarity, micros int) string {
	return string([]byte{byte(col), byte(row), byte(polarity<<7 | micros>>16), byte(micros >> 8), byte(micros)})
}

func TestEvents(t *testing.T) {
	files := map[string]string{
		"train1K.txt": "#sample\t#class\n7\t5\n8\t2\n",
		"test100.txt": "#sample\t#class\n9\t1\n",
		"7.bs2":       event(3, 1, 1, 0) + event(3, 1, 1, 37999) + event(3, 1, 1, 38000) + event(3, 1, 0, 303999) + event(33, 33, 1, 500000),
		"8.bs2":       "",
		"9.bs2":       event(0, 0, 0, 100000),
	}
	data := recording(t, files)
	sum := sha256.Sum256(data)
	k := spec{name: "n", classes: 10, files: []file{{"a.tar.gz", []version{{hex.EncodeToString(sum[:]), int64(len(data))}}}}, open: openEvents}
	s := &store{dir: t.TempDir(), sets: []spec{k}}
	if _, err := s.open(t.Context(), "n", Train); err == nil || !strings.Contains(err.Error(), "get it with: nmc data fetch n") {
		t.Errorf("absent: %v", err)
	}
	if err := s.fetch(t.Context(), "n", nil); err == nil || !strings.Contains(err.Error(), "put a.tar.gz into "+filepath.Join(s.dir, "n")) {
		t.Errorf("nowhere to fetch it from: %v", err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "n", "a.tar.gz"), data, 0o666); err != nil {
		t.Fatal(err)
	}
	set, err := s.open(t.Context(), "n", Train)
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != 2 || set.Label(0) != 5 || set.Label(1) != 2 || set.Shape != (Shape{34, 34, 2}) || set.Classes != 10 {
		t.Fatalf("%d recordings of %v, labels %v", set.Len(), set.Shape, set.labels)
	}
	want := []Event{{(34*1+3)*2 + 1, 0}, {(34*1+3)*2 + 1, 37999}, {(34*1+3)*2 + 1, 38000}, {(34*1 + 3) * 2, 303999}, {(34*33+33)*2 + 1, 500000}}
	if !slices.Equal(set.Recording(0), want) || len(set.Recording(1)) != 0 || set.Duration != 304000 || set.Image(0) != nil {
		t.Errorf("events %v, %v, duration %d, image %v", set.Recording(0), set.Recording(1), set.Duration, set.Image(0))
	}
	if last := set.Slice(1, 2); last.Len() != 1 || last.Label(0) != 2 || len(last.Recording(0)) != 0 {
		t.Errorf("the second alone: %d recordings, label %d", last.Len(), last.Label(0))
	}
	if test, err := s.open(t.Context(), "n", Test); err != nil || test.Len() != 1 || !slices.Equal(test.Recording(0), []Event{{0, 100000}}) {
		t.Errorf("test split: %v", err)
	}
}

func TestBadEvents(t *testing.T) {
	list := "#sample\t#class\n7\t5\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no list":    {map[string]string{"7.bs2": ""}, "no train1K.txt in it"},
		"no file":    {map[string]string{"train1K.txt": list}, "train1K.txt names 7.bs2, which is not in it"},
		"bad line":   {map[string]string{"train1K.txt": "7\tfive\n"}, "is no number of a recording and its class"},
		"half event": {map[string]string{"train1K.txt": list, "7.bs2": "1234567"}, "7.bs2: 7 bytes are not whole events of 5"},
		"outside":    {map[string]string{"train1K.txt": list, "7.bs2": event(34, 0, 0, 0)}, "an event at column 34, row 0, beyond 34×34"},
	} {
		if _, err := readEvents(recording(t, c.files), Train); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	if _, err := readEvents([]byte("no gzip"), Train); err == nil {
		t.Error("what is no archive is read")
	}
}
