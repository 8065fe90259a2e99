// Gen makes the files of the embedded set "digits" from MNIST: the first 100 training and the first 20 test images of
// each class, in MNIST's order, each 2x2 block replaced by its mean rounded half up.
//
//	go run ./host/dataset/digits/gen host/dataset/digits
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/nmc-fpga/nmc/host/dataset"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gen DIR")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string) error {
	for _, part := range []struct {
		split    dataset.Split
		prefix   string
		perClass int
	}{{dataset.Train, "train", 100}, {dataset.Test, "t10k", 20}} {
		set, err := dataset.Open(ctx, "mnist", part.split)
		if err != nil {
			return err
		}
		images, labels, err := choose(set, part.perClass)
		if err != nil {
			return err
		}
		n := len(labels)
		if err := write(filepath.Join(dir, part.prefix+"-images-idx3-ubyte.gz"),
			[]int{n, set.Shape.Rows / 2, set.Shape.Cols / 2}, images); err != nil {
			return err
		}
		if err := write(filepath.Join(dir, part.prefix+"-labels-idx1-ubyte.gz"), []int{n}, labels); err != nil {
			return err
		}
	}
	return nil
}

// choose takes the first perClass images of each class, at half the size.
func choose(set *dataset.Set, perClass int) (images, labels []byte, err error) {
	count := make([]int, set.Classes)
	for i := range set.Len() {
		l := set.Label(i)
		if count[l] == perClass {
			continue
		}
		count[l]++
		images = append(images, halve(set.Image(i), set.Shape.Rows, set.Shape.Cols)...)
		labels = append(labels, byte(l))
	}
	for l, c := range count {
		if c < perClass {
			return nil, nil, fmt.Errorf("class %d has %d images, expected %d", l, c, perClass)
		}
	}
	return images, labels, nil
}

// halve replaces each 2x2 block by its mean, rounded half up.
func halve(image []byte, rows, cols int) []byte {
	out := make([]byte, 0, rows*cols/4)
	for r := 0; r < rows; r += 2 {
		for c := 0; c < cols; c += 2 {
			a, b := image[r*cols+c:], image[(r+1)*cols+c:]
			out = append(out, byte((int(a[0])+int(a[1])+int(b[0])+int(b[1])+2)/4))
		}
	}
	return out
}

func write(path string, dims []int, data []byte) error {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := dataset.WriteIDX(z, dims, data); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}
