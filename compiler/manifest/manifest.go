// Package manifest is the description of a compiled build: what the host, the simulator and the testbench need to know
// about the image and the device it was made for.
package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/nmc-fpga/nmc/firmware/device"
)

// Files of a build folder.
const (
	File      = "manifest.json"
	ImageFile = "firmware.img" // package firmware/image
	TopFile   = "nmc_top.v"    // Verilog top with the device's parameters
	NetFile   = "net.toml"     // the source, copied
	AsmFile   = "firmware.asm" // listing
)

// Version of the manifest's layout.
const Version = 1

// Manifest describes one build.
type Manifest struct {
	Version int           `json:"version"`
	Name    string        `json:"name"`
	Rule    string        `json:"rule"`
	HwID    Hex           `json:"hw_id"`
	ImageID Hex           `json:"image_id"`
	Device  device.Config `json:"device"`
	Seed    uint32        `json:"seed"`
	// Answers says that the program has no entry that learns.
	Answers bool `json:"answers,omitempty"`

	Layers  []int    `json:"layers"` // units, input first
	Classes int      `json:"classes"`
	Input   Input    `json:"input"`
	Data    Data     `json:"data"`
	Cost    Cost     `json:"cost"`
	Tensors []Tensor `json:"tensors"`
	Vectors []Vector `json:"vectors"`
	// Registers that have a name, in order of their number.
	Registers []Register `json:"registers"`
}

// Hex is an identifier printed as 16 hexadecimal digits.
type Hex uint64

func (h Hex) String() string { return fmt.Sprintf("%016x", uint64(h)) }

// MarshalText writes 16 hexadecimal digits.
func (h Hex) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads hexadecimal digits.
func (h *Hex) UnmarshalText(b []byte) error {
	v, err := strconv.ParseUint(string(b), 16, 64)
	if err != nil {
		return fmt.Errorf("%q is not a 16-digit hexadecimal identifier", b)
	}
	*h = Hex(v)
	return nil
}

// Input says where a sample goes.
type Input struct {
	Elements int    `json:"elements"`
	Kind     string `json:"kind"`   // of the elements: Bytes, Words or Events
	Base     int    `json:"base"`   // first element of buffer 0 in the vector memory
	Stride   int    `json:"stride"` // elements from buffer 0 to buffer 1

	// Of events: a buffer has a segment for each time step, and input i of step t is element t·Segment + i.
	Steps   int `json:"steps,omitempty"`
	Segment int `json:"segment,omitempty"` // elements, a multiple of the lanes
	// How often inputs spike by the brightness of what they see; nil where no rate has a part.
	Gain *Gain `json:"gain,omitempty"`
}

// Gain gives an input of brightness x, a byte, the rate p = x·gain >> Shift of GainFrac fraction bits, rounded to nearest and at most 1:
// gain is Numerator << Up over the sum of a sample's bytes, toward zero, and at most 2^15-1.
type Gain struct {
	Numerator int32 `json:"numerator"`
	Up        int   `json:"up"`
	Shift     int   `json:"shift"`
}

// GainFrac is the fraction bits of a rate.
const GainFrac = 14

// Kinds of the elements of a sample.
const (
	Bytes  = "u8"     // unsigned bytes
	Words  = "s16"    // signed halfwords
	Events = "events" // addresses of the elements that are 1
)

// Data is how the net was meant to be trained; commands may override it.
type Data struct {
	Set        string `json:"set"`
	Epochs     int    `json:"epochs"`
	Samples    int    `json:"samples"`    // training samples an epoch, 0: all that are not held out
	Validation int    `json:"validation"` // samples held out at the end of the training set
	Encoder    string `json:"encoder"`
	Jitter     int    `json:"jitter"` // pixels
	Flip       bool   `json:"flip,omitempty"`
	Contrast   int    `json:"contrast,omitempty"` // of encoder delta: least change of brightness that is an event
}

// Cost is the compiler's static estimate for one learned sample, skipping off.
type Cost struct {
	MACs   int64 `json:"macs"`   // multiply-accumulates and weight updates
	Cycles int64 `json:"cycles"` // of the device
}

// Tensor is a matrix in the weight memory, or persistent state in the vector memory. Element (r, c) is in word
// Base + r·RowStride + c/Lanes, lane c%Lanes.
type Tensor struct {
	Name      string       `json:"name"`
	ID        uint8        `json:"id"` // in the digest
	Space     device.Space `json:"space"`
	Base      int          `json:"base"`
	Rows      int          `json:"rows"`
	Cols      int          `json:"cols"`
	RowStride int          `json:"row_stride"`
	// LaneAxis is the logical axis of the columns: "out" (rows are inputs) or "in" (rows are outputs).
	LaneAxis string `json:"lane_axis"`
	// Bias says that the last index of the input axis is the bias.
	Bias bool   `json:"bias"`
	Bits int    `json:"bits"`
	Frac int    `json:"frac"`
	Role string `json:"role"` // as in package ir, or "state": a vector that is kept from sample to sample
}

// Vector is a vector in the vector memory, for reports of a difference.
type Vector struct {
	Name string `json:"name"`
	Base int    `json:"base"` // word
	N    int    `json:"n"`
	Frac int    `json:"frac"`
	Wide bool   `json:"wide,omitempty"`
	// Shared says that other vectors have words of this one, which would not all fit apart: between runs it may hold theirs.
	Shared bool `json:"shared,omitempty"`
}

// Register is a scalar register with a name.
type Register struct {
	Name    string `json:"name"`
	Index   int    `json:"index"`
	Learned bool   `json:"learned,omitempty"` // part of the digest
}

// Encode returns the file's bytes: the same manifest gives the same bytes.
func (m *Manifest) Encode() []byte {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic(err) // plain data always marshals
	}
	return append(b, '\n')
}

// Decode reads a manifest strictly: unknown keys, another version and an hw_id that does not belong to the device
// section are errors.
func Decode(b []byte) (*Manifest, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	m := new(Manifest)
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("not a manifest: %w; compile again with nmc compile", err)
	}
	if m.Version != Version {
		return nil, fmt.Errorf("manifest has version %d, this nmc reads %d; compile again with nmc compile", m.Version, Version)
	}
	if id := Hex(m.Device.ID()); id != m.HwID {
		return nil, fmt.Errorf("hw_id is %v, but the device section makes it %v: the manifest was edited or another nmc wrote it; compile again with nmc compile", m.HwID, id)
	}
	return m, nil
}

// Read reads the manifest of a build folder.
func Read(dir string) (*Manifest, error) {
	path := filepath.Join(dir, File)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no build here; make one with nmc compile net.toml -o %s", path, dir)
	}
	if err != nil {
		return nil, err
	}
	m, err := Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}
