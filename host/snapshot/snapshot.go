// Package snapshot keeps the state of a device that a program leaves from run to run: weights, vectors and registers.
// It goes through device.Memory, so that what one device learned can go on in another of the same configuration.
// Program, tables and control registers belong to the image and are loaded with it; keys and accumulators live within a
// run.
package snapshot

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/nmc-fpga/nmc/firmware/device"
)

// Spaces are the address spaces of a snapshot, in this order.
var Spaces = []device.Space{device.Weights, device.Vectors, device.Registers}

// State is the contents of Spaces, in halfwords.
type State struct {
	HwID uint64
	Data [3][]uint16
}

// Sizes returns the halfwords of each of Spaces.
func Sizes(cfg device.Config) [3]int {
	return [3]int{cfg.WeightDepth * cfg.Lanes, cfg.VectorDepth * cfg.Lanes, 2 * device.NumRegs}
}

// Take reads the state of an idle device.
func Take(mem device.Memory, cfg device.Config) (*State, error) {
	s := &State{HwID: cfg.ID()}
	for i, n := range Sizes(cfg) {
		var err error
		if s.Data[i], err = mem.Read(Spaces[i], 0, n); err != nil {
			return nil, fmt.Errorf("snapshot: reading space %d: %w", Spaces[i], err)
		}
	}
	return s, nil
}

// Zero returns the state of cleared memories.
func Zero(cfg device.Config) *State {
	s := &State{HwID: cfg.ID()}
	for i, n := range Sizes(cfg) {
		s.Data[i] = make([]uint16, n)
	}
	return s
}

// Put writes the state into an idle device of the configuration that it was taken from.
func (s *State) Put(mem device.Memory) error {
	for i, d := range s.Data {
		if err := mem.Write(Spaces[i], 0, d); err != nil {
			return fmt.Errorf("snapshot: writing space %d: %w", Spaces[i], err)
		}
	}
	return nil
}

// The encoding is, little-endian: magic, hw_id:8, halfwords of each space:4·3, the halfwords deflated, crc32:4 of
// everything before it.
const (
	magic  = "nmcstat1"
	header = len(magic) + 8 + 3*4
)

// Encode returns the state's bytes: the same state gives the same bytes.
func (s *State) Encode() []byte {
	var b bytes.Buffer
	b.WriteString(magic)
	b.Write(binary.LittleEndian.AppendUint64(nil, s.HwID))
	for _, d := range s.Data {
		b.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(d))))
	}
	z, err := flate.NewWriter(&b, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	for _, d := range s.Data {
		raw := make([]byte, 0, 2*len(d))
		for _, w := range d {
			raw = binary.LittleEndian.AppendUint16(raw, w)
		}
		z.Write(raw) // a bytes.Buffer takes everything
	}
	z.Close()
	return binary.LittleEndian.AppendUint32(b.Bytes(), crc32.ChecksumIEEE(b.Bytes()))
}

// Decode reads a state of the configuration. Damage and another configuration are errors.
func Decode(b []byte, cfg device.Config) (*State, error) {
	if len(b) < header+4 || string(b[:len(magic)]) != magic {
		return nil, errors.New("snapshot: not a snapshot of this version")
	}
	body := b[:len(b)-4]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(b[len(body):]) {
		return nil, errors.New("snapshot: checksum is wrong, the snapshot is damaged")
	}
	s := &State{HwID: binary.LittleEndian.Uint64(b[len(magic):])}
	if want := cfg.ID(); s.HwID != want {
		return nil, fmt.Errorf("snapshot: taken on hw_id %016x, this device is %016x; use the build that it was taken with", s.HwID, want)
	}
	z := flate.NewReader(bytes.NewReader(body[header:]))
	for i, n := range Sizes(cfg) {
		if got := binary.LittleEndian.Uint32(b[len(magic)+8+4*i:]); int64(got) != int64(n) {
			return nil, fmt.Errorf("snapshot: space %d has %d halfwords, expected %d", Spaces[i], got, n)
		}
		raw := make([]byte, 2*n)
		if _, err := io.ReadFull(z, raw); err != nil {
			return nil, fmt.Errorf("snapshot: space %d: %w", Spaces[i], err)
		}
		s.Data[i] = make([]uint16, n)
		for j := range s.Data[i] {
			s.Data[i][j] = binary.LittleEndian.Uint16(raw[2*j:])
		}
	}
	return s, nil
}
