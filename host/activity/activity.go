// Package activity writes down what the layers of a network do while it learns: vectors of an idle device, read after a
// sample. Reading changes nothing, so what is learned does not depend on it.
package activity

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/firmware/device"
)

// A file is lines of JSON: a header, then a line for each sample that was looked at.

// Header is the first line: what an element of each vector means, value · 2^-frac.
type Header struct {
	Name    string       `json:"name"`
	Rule    string       `json:"rule"`
	ImageID manifest.Hex `json:"image_id"`
	Vectors []Vector     `json:"vectors"`
}

// Vector is one of the header.
type Vector struct {
	Name string `json:"name"`
	N    int    `json:"n"`
	Frac int    `json:"frac"`
}

// Line is what was seen after a sample.
type Line struct {
	Sample  int                `json:"sample"` // learned so far, of all epochs; a line each, ascending
	Epoch   int                `json:"epoch"`  // from 0
	Index   int                `json:"index"`  // in the epoch, from 0
	Label   int                `json:"label"`
	Vectors map[string][]int16 `json:"vectors"`
}

// Recorder writes a file.
type Recorder struct {
	w       io.Writer
	lanes   int
	vectors []manifest.Vector
	last    int // sample of the last line
}

// layer is the name of a layer's output.
var layer = regexp.MustCompile(`^h([0-9]+)$`)

// New returns a recorder of the named vectors of a build; without names, of the output of each layer.
func New(w io.Writer, m *manifest.Manifest, names []string) (*Recorder, error) {
	r := &Recorder{w: w, lanes: m.Device.Lanes}
	var known []string
	for _, v := range m.Vectors {
		known = append(known, v.Name)
		at := layer.FindStringSubmatch(v.Name)
		if len(names) == 0 && at == nil || len(names) > 0 && !slices.Contains(names, v.Name) {
			continue
		}
		if at != nil {
			// The bias behind a layer's output is no activity.
			if i, err := strconv.Atoi(at[1]); err == nil && i < len(m.Layers) {
				v.N = min(v.N, m.Layers[i])
			}
		}
		if v.Shared {
			return nil, fmt.Errorf("vector %q shares its words with others, since the device does not hold them all apart: after a sample it may hold theirs; leave it out, or compile with more vector_depth", v.Name)
		}
		r.vectors = append(r.vectors, v)
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("the build has no vector %q; it has %s", name, strings.Join(known, ", "))
		}
	}
	if len(r.vectors) == 0 {
		return nil, fmt.Errorf("no vector of the build is a layer's output; name some of %s", strings.Join(known, ", "))
	}
	return r, nil
}

// Begin writes the header.
func (r *Recorder) Begin(m *manifest.Manifest) error {
	h := Header{Name: m.Name, Rule: m.Rule, ImageID: m.ImageID}
	for _, v := range r.vectors {
		h.Vectors = append(h.Vectors, Vector{v.Name, v.N, v.Frac})
	}
	return r.line(h)
}

// Continue says that the file has lines up to a sample already.
func (r *Recorder) Continue(sample int) { r.last = sample }

// Look reads the vectors of an idle device and writes a line: sample and the fields after it are as in Line. A sample that the file
// has is left out: a run that goes on from a checkpoint comes to it again.
func (r *Recorder) Look(mem device.Memory, sample, epoch, index, label int) error {
	if sample <= r.last {
		return nil
	}
	l := Line{Sample: sample, Epoch: epoch, Index: index, Label: label, Vectors: map[string][]int16{}}
	for _, v := range r.vectors {
		words, err := mem.Read(device.Vectors, uint32(v.Base*r.lanes), v.N)
		if err != nil {
			return fmt.Errorf("vector %s: %w", v.Name, err)
		}
		values := make([]int16, len(words))
		for i, w := range words {
			values[i] = int16(w)
		}
		l.Vectors[v.Name] = values
	}
	r.last = sample
	return r.line(l)
}

func (r *Recorder) line(x any) error {
	b, err := json.Marshal(x)
	if err != nil {
		panic(err) // plain data always marshals
	}
	_, err = r.w.Write(append(b, '\n'))
	return err
}

// Last returns the sample of the last whole line of a file, and its length up to there; what follows was cut off by a crash.
func Last(file []byte) (sample int, length int) {
	for line := range strings.Lines(string(file)) {
		var l struct{ Sample int } // 0 in the header
		if !strings.HasSuffix(line, "\n") || json.Unmarshal([]byte(line), &l) != nil {
			break
		}
		sample = max(sample, l.Sample)
		length += len(line)
	}
	return sample, length
}
