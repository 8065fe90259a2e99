// Package dataset gives labelled images: MNIST, Fashion-MNIST, CIFAR-10, a small set of handwritten digits that is part of the
// program, and any folder of IDX files.
//
// Files that must be fetched lie in the data folder, <name>/ under $NMC_DATA or else under nmc/data in the user's cache
// folder, and are checked against their SHA-256 each time they are opened.
package dataset

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Split is the part of a set: what is learned from, or what is tested on.
type Split uint8

const (
	Train Split = iota
	Test
)

func (s Split) String() string {
	if s == Train {
		return "train"
	}
	return "test"
}

// Shape is the shape of one image; bytes are in the order row, column, channel.
type Shape struct{ Rows, Cols, Channels int }

// Size is the number of bytes of an image.
func (s Shape) Size() int { return s.Rows * s.Cols * s.Channels }

func (s Shape) String() string { return fmt.Sprintf("%dx%dx%d", s.Rows, s.Cols, s.Channels) }

// Set is one split of a dataset, in memory. It does not change after it was made and may be shared.
type Set struct {
	Name    string
	Split   Split
	Shape   Shape
	Classes int // labels are 0..Classes-1
	// Duration of a recording in microseconds; 0: the samples are images.
	Duration int

	images     []byte
	recordings [][]Event
	labels     []byte
}

// Event is what an event camera reports: at a moment an input changed.
type Event struct {
	Input  uint16 // element of the shape
	Micros uint32 // since the recording began
}

// New makes a set of n = len(labels) images of len(images)/n bytes each. It keeps both slices.
func New(name string, split Split, shape Shape, classes int, images, labels []byte) (*Set, error) {
	switch {
	case len(labels) == 0:
		return nil, fmt.Errorf("dataset %s, %s: no labels", name, split)
	case shape.Rows < 1 || shape.Cols < 1 || shape.Channels < 1:
		return nil, fmt.Errorf("dataset %s, %s: shape %s is empty", name, split, shape)
	case len(images) != len(labels)*shape.Size():
		return nil, fmt.Errorf("dataset %s, %s: %d labels of %s images need %d bytes, images have %d",
			name, split, len(labels), shape, len(labels)*shape.Size(), len(images))
	}
	if m := int(slices.Max(labels)); m >= classes {
		return nil, fmt.Errorf("dataset %s, %s: label %d at index %d, expected 0..%d",
			name, split, m, bytes.IndexByte(labels, byte(m)), classes-1)
	}
	return &Set{Name: name, Split: split, Shape: shape, Classes: classes, images: images, labels: labels}, nil
}

// Len is the number of samples.
func (s *Set) Len() int { return len(s.labels) }

// Image returns the bytes of image i, 0 background to 255; nil of a recording. The caller must not change them.
func (s *Set) Image(i int) []byte {
	if s.Duration > 0 {
		return nil
	}
	n := s.Shape.Size()
	return s.images[i*n : (i+1)*n : (i+1)*n]
}

// Recording returns the events of recording i; nil of an image. The caller must not change them.
func (s *Set) Recording(i int) []Event {
	if s.Duration == 0 {
		return nil
	}
	return s.recordings[i]
}

// Label returns the class of sample i.
func (s *Set) Label(i int) int { return int(s.labels[i]) }

// Slice returns samples lo..hi-1 as a set that shares their bytes: the last 5,000 training images for validation, say.
func (s *Set) Slice(lo, hi int) *Set {
	t := *s
	t.labels = s.labels[lo:hi]
	if s.Duration > 0 {
		t.recordings = s.recordings[lo:hi]
		return &t
	}
	n := s.Shape.Size()
	t.images = s.images[lo*n : hi*n]
	return &t
}

// Open reads one split of a set: mnist, fashion-mnist, cifar10, nmnist-small, digits, or idx:DIR for a folder of IDX files. A set whose files
// have not been fetched gives an *AbsentError.
func Open(ctx context.Context, name string, split Split) (*Set, error) {
	s, err := defaultStore()
	if err != nil {
		return nil, err
	}
	return s.open(ctx, name, split)
}

// Fetch puts the files of a set into the data folder, each checked against its SHA-256 before it takes its name. Files
// that are there and right are kept; an interrupted download goes on where it stopped. progress, which may be nil, is
// called with the file's name and the bytes done and expected (0 when unknown).
func Fetch(ctx context.Context, name string, progress func(file string, done, total int64)) error {
	s, err := defaultStore()
	if err != nil {
		return err
	}
	return s.fetch(ctx, name, progress)
}

// Verify reads a set's files again and checks them: known sets against their SHA-256, others for being well formed.
func Verify(name string) error {
	s, err := defaultStore()
	if err != nil {
		return err
	}
	return s.verify(context.Background(), name)
}

// Info is one line of List.
type Info struct {
	Name    string `json:"name"`
	About   string `json:"about"`
	Present bool   `json:"present"` // can be opened without fetching
	Dir     string `json:"dir"`     // where its files are or will be; empty for a set inside the program
}

// List returns the sets that have a name of their own.
func List() ([]Info, error) {
	s, err := defaultStore()
	if err != nil {
		return nil, err
	}
	return s.list(), nil
}

// AbsentError says that a set's files are not in the data folder.
type AbsentError struct{ Name, Path string }

func (e *AbsentError) Error() string {
	return fmt.Sprintf("dataset %s is not here (no %s); get it with: nmc data fetch %s", e.Name, e.Path, e.Name)
}

// Dir is the data folder.
func Dir() (string, error) {
	if d := os.Getenv("NMC_DATA"); d != "" {
		return d, nil
	}
	d, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no data folder: %w; set NMC_DATA to a folder", err)
	}
	return filepath.Join(d, "nmc", "data"), nil
}

// idxPrefix begins the name of a folder of IDX files.
const idxPrefix = "idx:"

func unknown(name string) error {
	var names []string
	for _, k := range known {
		names = append(names, k.name)
	}
	return fmt.Errorf("dataset %q is unknown; known are %s and %sDIR for a folder of IDX files",
		name, strings.Join(names, ", "), idxPrefix)
}
