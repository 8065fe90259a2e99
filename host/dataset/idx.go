package dataset

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// maxIDX bounds the data of an IDX file, so that a damaged header cannot ask for all memory.
const maxIDX = 1 << 31

// ReadIDX reads one IDX file of unsigned bytes (type 8), plain or gzip: the sizes of its dimensions, slowest first, and
// the data. Everything must be there and nothing may follow.
func ReadIDX(r io.Reader) (dims []int, data []byte, err error) {
	br := bufio.NewReader(r)
	if m, _ := br.Peek(2); len(m) == 2 && m[0] == 0x1f && m[1] == 0x8b {
		z, err := gzip.NewReader(br)
		if err != nil {
			return nil, nil, fmt.Errorf("gzip header: %w", err)
		}
		br = bufio.NewReader(z)
	}
	var h [4]byte
	if _, err := io.ReadFull(br, h[:]); err != nil {
		return nil, nil, fmt.Errorf("header: %w", truncated(err))
	}
	if h[0] != 0 || h[1] != 0 {
		return nil, nil, fmt.Errorf("magic % x, expected 00 00 at the start of an IDX file", h)
	}
	if h[2] != 8 {
		return nil, nil, fmt.Errorf("element type 0x%02x, expected 0x08 (unsigned bytes)", h[2])
	}
	if h[3] < 1 || h[3] > 4 {
		return nil, nil, fmt.Errorf("%d dimensions, expected 1 to 4", h[3])
	}
	size := int64(1)
	for i := range int(h[3]) {
		var b [4]byte
		if _, err := io.ReadFull(br, b[:]); err != nil {
			return nil, nil, fmt.Errorf("dimension %d: %w", i, truncated(err))
		}
		d := int64(binary.BigEndian.Uint32(b[:]))
		if d == 0 {
			return nil, nil, fmt.Errorf("dimension %d is 0", i)
		}
		if size *= d; size > maxIDX { // both factors are below 2^32: no overflow
			return nil, nil, fmt.Errorf("dimensions %v by %d make more than %d bytes", dims, d, int64(maxIDX))
		}
		dims = append(dims, int(d))
	}
	// One byte more than expected shows whether the file ends; memory grows with what is there, not what is claimed.
	data, err = io.ReadAll(io.LimitReader(br, size+1))
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("data after %d of %d bytes: %w", len(data), size, truncated(err))
	case int64(len(data)) < size:
		return nil, nil, fmt.Errorf("data ends after %d of %d bytes (dimensions %v)", len(data), size, dims)
	case int64(len(data)) > size:
		return nil, nil, fmt.Errorf("more data than the %d bytes of dimensions %v", size, dims)
	}
	return dims, data, nil
}

func truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("file is cut short")
	}
	return err
}

// WriteIDX writes one plain IDX file of unsigned bytes.
func WriteIDX(w io.Writer, dims []int, data []byte) error {
	h := []byte{0, 0, 8, byte(len(dims))}
	size := 1
	for _, d := range dims {
		h = binary.BigEndian.AppendUint32(h, uint32(d))
		size *= d
	}
	if size != len(data) || len(dims) < 1 || len(dims) > 4 {
		return fmt.Errorf("idx: dimensions %v do not fit %d bytes", dims, len(data))
	}
	if _, err := w.Write(h); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}

// splitNames are the starts of file names that mean a split.
var splitNames = map[Split][]string{Train: {"train"}, Test: {"t10k", "test"}}

// findIDX returns the file of a folder that holds the images or labels of a split; "" if there is none.
func findIDX(dir fs.FS, split Split, what string) (string, error) {
	entries, err := fs.ReadDir(dir, ".")
	if err != nil {
		return "", err
	}
	var found []string
	for _, e := range entries {
		n := strings.ToLower(e.Name())
		if e.IsDir() || path.Ext(n) == ".part" {
			continue
		}
		for _, p := range splitNames[split] {
			if strings.HasPrefix(n, p+"-"+what) || strings.HasPrefix(n, p+"_"+what) {
				found = append(found, e.Name())
			}
		}
	}
	if len(found) > 1 {
		return "", fmt.Errorf("%s could each be the %s %s; keep one", strings.Join(found, " and "), split, what)
	}
	return strings.Join(found, ""), nil
}

// opener opens the file with the images or the labels of a split and tells its name. Where there is none the error
// is an fs.ErrNotExist.
type opener func(split Split, what string) (r io.ReadCloser, file string, err error)

// folder opens the files of a folder: <split>-images* and <split>-labels*, split being train, t10k or test.
func folder(dir fs.FS) opener {
	return func(split Split, what string) (io.ReadCloser, string, error) {
		file, err := findIDX(dir, split, what)
		if err != nil {
			return nil, "", err
		}
		if file == "" {
			return nil, "", fmt.Errorf("no file %s-%s* here: %w", splitNames[split][0], what, fs.ErrNotExist)
		}
		f, err := dir.Open(file)
		return f, file, err
	}
}

// openIDX reads one split. Images have 3 dimensions (n, rows, cols), 4 (n, rows, cols, channels) or 2 (n, cols). classes
// 0 means one more than the largest label of both splits.
func openIDX(ctx context.Context, open opener, name string, split Split, classes int) (*Set, error) {
	read := func(s Split, what string) ([]int, []byte, error) {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		f, file, err := open(s, what)
		if err != nil {
			return nil, nil, err
		}
		defer f.Close()
		dims, data, err := ReadIDX(f)
		if err == nil && what == "labels" && len(dims) != 1 {
			err = fmt.Errorf("dimensions %v, labels have one", dims)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", file, err)
		}
		return dims, data, nil
	}
	fail := func(err error) (*Set, error) { return nil, fmt.Errorf("dataset %s, %s: %w", name, split, err) }

	dims, images, err := read(split, "images")
	if err != nil {
		return fail(err)
	}
	var shape Shape
	switch len(dims) {
	case 2:
		shape = Shape{1, dims[1], 1}
	case 3:
		shape = Shape{dims[1], dims[2], 1}
	case 4:
		shape = Shape{dims[1], dims[2], dims[3]}
	default:
		return fail(fmt.Errorf("images of dimensions %v, expected n, rows, cols", dims))
	}
	_, labels, err := read(split, "labels")
	if err != nil {
		return fail(err)
	}
	if len(labels) != dims[0] {
		return fail(fmt.Errorf("%d images but %d labels", dims[0], len(labels)))
	}
	if classes == 0 {
		classes = int(slices.Max(labels)) + 1
		// The other split may have more classes; that it may be missing altogether is no error here.
		switch _, other, err := read(Test-split, "labels"); {
		case err == nil:
			classes = max(classes, int(slices.Max(other))+1)
		case !errors.Is(err, fs.ErrNotExist):
			return fail(err)
		}
	}
	return New(name, split, shape, classes, images, labels)
}
