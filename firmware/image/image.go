// Package image is the firmware image: everything that is loaded into a device to make it one network and one rule. The
// bytes are a function of the content alone; the image's ID is a hash of them.
//
// Layout, little-endian:
//
//	magic "nmcimage", version:4
//	lanes:4 weight depth:4 vector depth:4 program depth:4 table depth:4 weight ports:4 frame bytes:4 omitted units:4
//	sections:4, then each: space:4 addr:4 halfwords:4 data:2·halfwords
//	SHA-256 of everything before it: 32
//
// Sections stand in ascending order of space and address and do not overlap.
package image

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

// Version of the format.
const Version = 2

const (
	magic        = "nmcimage"
	configFields = 8
	headerBytes  = len(magic) + 4 + 4*configFields + 4
)

// Section is a run of halfwords in one address space.
type Section struct {
	Space device.Space
	Addr  uint32 // first halfword
	Data  []uint16
}

// Image is a configuration and what is loaded into a device that has it.
type Image struct {
	Config   device.Config
	Sections []Section
}

var spaceNames = map[device.Space]string{
	device.Weights: "weights", device.Vectors: "vectors", device.Program: "program",
	device.Tables: "tables", device.Registers: "registers", device.Control: "control",
}

// halfwords returns the size of a space in halfwords. An image may write control addresses up to the digest: the rest
// is read only.
func halfwords(c device.Config, s device.Space) uint64 {
	switch s {
	case device.Weights:
		return uint64(c.WeightDepth) * uint64(c.Lanes)
	case device.Vectors:
		return uint64(c.VectorDepth) * uint64(c.Lanes)
	case device.Program:
		return uint64(c.ProgramDepth) * 8
	case device.Tables:
		return uint64(c.TableDepth) * 2
	case device.Registers:
		return device.NumRegs * 2
	case device.Control:
		return device.ControlDigest
	}
	return 0
}

// sorted returns the sections in canonical order.
func (m *Image) sorted() []Section {
	s := slices.Clone(m.Sections)
	slices.SortStableFunc(s, func(a, b Section) int {
		return cmp.Or(cmp.Compare(a.Space, b.Space), cmp.Compare(a.Addr, b.Addr))
	})
	return s
}

// Encode returns the image's bytes: the same for the same content, in whatever order the sections were added.
func (m *Image) Encode() []byte {
	sections := m.sorted()
	n := headerBytes + sha256.Size
	for _, s := range sections {
		n += 12 + 2*len(s.Data)
	}
	le := binary.LittleEndian
	b := append(make([]byte, 0, n), magic...)
	b = le.AppendUint32(b, Version)
	for _, v := range configValues(&m.Config) {
		b = le.AppendUint32(b, uint32(*v))
	}
	b = le.AppendUint32(b, uint32(len(sections)))
	for _, s := range sections {
		b = le.AppendUint32(b, uint32(s.Space))
		b = le.AppendUint32(b, s.Addr)
		b = le.AppendUint32(b, uint32(len(s.Data)))
		for _, h := range s.Data {
			b = le.AppendUint16(b, h)
		}
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

func configValues(c *device.Config) [configFields]*int {
	return [...]*int{&c.Lanes, &c.WeightDepth, &c.VectorDepth, &c.ProgramDepth, &c.TableDepth, &c.WeightPorts, &c.FrameBytes, &c.Omit}
}

// instructions are the words of the program with their addresses.
func (m *Image) instructions() iter.Seq2[int, isa.Word] {
	const halves = isa.Width / 16
	return func(yield func(int, isa.Word) bool) {
		for _, s := range m.Sections {
			if s.Space != device.Program {
				continue
			}
			at := int(s.Addr) / halves
			for h := range slices.Chunk(s.Data, halves) {
				var w isa.Word
				for i, v := range h {
					w[i/2] |= uint32(v) << (i % 2 * 16)
				}
				if !yield(at, w) {
					return
				}
				at++
			}
		}
	}
}

// Needs returns the units that the program uses, bit i for isa.Units[i].
func (m *Image) Needs() uint32 {
	var set uint32
	for _, w := range m.instructions() {
		set |= w.Needs()
	}
	return set
}

// lacks names the units that the program uses and its device leaves out, each with the first instruction that does.
func (m *Image) lacks() []string {
	var places []string
	lack := uint32(m.Config.Omit)
	for at, w := range m.instructions() {
		for _, unit := range isa.UnitNames(w.Needs() & lack) {
			places = append(places, fmt.Sprintf("%s (instruction %d, %s)", unit, at, isa.ByCode(uint8(w.Get(0, 6))).Name))
		}
		lack &^= w.Needs()
	}
	return places
}

// ID is the image_id: the first 8 bytes of a SHA-256 over the encoded image, little-endian.
func (m *Image) ID() uint64 {
	h := sha256.Sum256(m.Encode())
	return binary.LittleEndian.Uint64(h[:8])
}

// Decode reads an image and checks all of it. Encode gives the same bytes back.
func Decode(b []byte) (*Image, error) {
	const rebuild = "; write it again with nmc compile"
	le := binary.LittleEndian
	if len(b) < len(magic) || string(b[:len(magic)]) != magic {
		return nil, fmt.Errorf("image: the first %d bytes are %q, not %q: this is no firmware image; give the file that nmc compile wrote", len(magic), b[:min(len(b), len(magic))], magic)
	}
	if len(b) < headerBytes+sha256.Size {
		return nil, fmt.Errorf("image: %d bytes end inside the header (an image has at least %d)%s", len(b), headerBytes+sha256.Size, rebuild)
	}
	pos := len(magic)
	next := func() uint32 { pos += 4; return le.Uint32(b[pos-4:]) }
	if v := next(); v != Version {
		return nil, fmt.Errorf("image: byte %d: version %d, this program reads version %d%s", len(magic), v, Version, rebuild)
	}
	m := &Image{}
	for _, v := range configValues(&m.Config) {
		*v = int(next())
	}
	count := next()
	end := len(b) - sha256.Size
	for i := range count {
		at := pos
		if end-pos < 12 {
			return nil, fmt.Errorf("image: byte %d: section %d of %d is cut off: %d bytes of its header are left, it takes 12%s", at, i, count, end-pos, rebuild)
		}
		space, addr, n := next(), next(), next()
		if uint64(n)*2 > uint64(end-pos) {
			return nil, fmt.Errorf("image: byte %d: section %d of %d is cut off: it announces %d halfwords, %d are left%s", at, i, count, n, (end-pos)/2, rebuild)
		}
		if space >= 256 {
			return nil, fmt.Errorf("image: byte %d: section %d: unknown space %d%s", at, i, space, rebuild)
		}
		s := Section{Space: device.Space(space), Addr: addr, Data: make([]uint16, n)}
		for j := range s.Data {
			s.Data[j] = le.Uint16(b[pos+2*j:])
		}
		pos += 2 * int(n)
		m.Sections = append(m.Sections, s)
	}
	if pos != end {
		return nil, fmt.Errorf("image: byte %d: %d bytes after the last section and before the checksum belong to nothing%s", pos, end-pos, rebuild)
	}
	if sum := sha256.Sum256(b[:end]); !bytes.Equal(sum[:], b[end:]) {
		return nil, fmt.Errorf("image: byte %d: checksum is %x…, the content has %x…: the file was changed or cut off%s", end, b[end:end+4], sum[:4], rebuild)
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	if !slices.EqualFunc(m.Sections, m.sorted(), func(a, b Section) bool { return a.Space == b.Space && a.Addr == b.Addr }) {
		return nil, fmt.Errorf("image: the sections are not in ascending order of space and address%s", rebuild)
	}
	return m, nil
}

// Validate checks that the configuration is one that a device can have, and that every section lies inside its memory
// and overlaps no other.
func (m *Image) Validate() error {
	c := m.Config
	limits := [configFields]struct {
		name     string
		min, max int
	}{
		{"lanes", 1, 64}, {"weight depth", 1, 1 << 22}, {"vector depth", 1, 1 << 16}, {"program depth", 1, 1 << 12},
		{"table depth", 0, 1 << 12}, {"weight ports", 1, 2}, {"frame bytes", 64, 1 << 16},
		{"omitted units", 0, int(isa.AllUnits)},
	}
	for i, v := range configValues(&c) {
		if l := limits[i]; *v < l.min || *v > l.max {
			return fmt.Errorf("image: configuration: %s is %d, it goes from %d to %d; correct the board's configuration", l.name, *v, l.min, l.max)
		}
	}
	if c.Lanes&(c.Lanes-1) != 0 {
		return fmt.Errorf("image: configuration: lanes is %d, not a power of two; correct the board's configuration", c.Lanes)
	}
	if lacks := m.lacks(); lacks != nil {
		return fmt.Errorf("image: the program uses %s, which the device leaves out; compile for a device that has them (device.units = \"all\")",
			strings.Join(lacks, ", "))
	}
	sections := m.sorted()
	for i, s := range sections {
		name, ok := spaceNames[s.Space]
		if !ok {
			return fmt.Errorf("image: section %d: unknown space %d; spaces go from %d (weights) to %d (control)", i, s.Space, device.Weights, device.Control)
		}
		end, size := uint64(s.Addr)+uint64(len(s.Data)), halfwords(c, s.Space)
		switch {
		case len(s.Data) == 0:
			return fmt.Errorf("image: section %d: %s %d: no data; leave the section out", i, name, s.Addr)
		case end > size:
			return fmt.Errorf("image: section %d: %s %d..%d go beyond the last halfword %d that can be loaded; it needs a device with a larger memory or a smaller network", i, name, s.Addr, end-1, int64(size)-1)
		case s.Space == device.Control && s.Addr < device.ControlImageID+4:
			return fmt.Errorf("image: section %d: control %d..%d hold the image id, which loading writes; leave it out", i, device.ControlImageID, device.ControlImageID+3)
		}
		if i == 0 {
			continue
		}
		if p := sections[i-1]; p.Space == s.Space && uint64(p.Addr)+uint64(len(p.Data)) > uint64(s.Addr) {
			return fmt.Errorf("image: sections %d and %d overlap: %s %d..%d and %d..%d; join them or move one",
				i-1, i, name, p.Addr, int(p.Addr)+len(p.Data)-1, s.Addr, end-1)
		}
	}
	return nil
}

// Loading moves at most chunk halfwords a write: whole instructions, and a write frame of 1,024 bytes at most.
const chunk = 496

// frameOverhead is what a write frame has beside its data, see docs/protocol.md.
const frameOverhead = 22

// Load writes the image into a device: the image id is cleared first and written last, so that a device which was left
// half loaded does not claim to hold an image. No write is longer than the configuration's frames allow.
func (m *Image) Load(dev device.Memory) error {
	if err := m.Validate(); err != nil {
		return err
	}
	step := min(chunk, (m.Config.FrameBytes-frameOverhead)/16*8)
	if err := dev.Write(device.Control, device.ControlImageID, make([]uint16, 4)); err != nil {
		return fmt.Errorf("image: clearing the image id: %w", err)
	}
	for _, s := range m.sorted() {
		addr := s.Addr
		for part := range slices.Chunk(s.Data, step) {
			if err := dev.Write(s.Space, addr, part); err != nil {
				return fmt.Errorf("image: loading %s %d..%d: %w", spaceNames[s.Space], addr, int(addr)+len(part)-1, err)
			}
			addr += uint32(len(part))
		}
	}
	id := m.ID()
	halves := []uint16{uint16(id), uint16(id >> 16), uint16(id >> 32), uint16(id >> 48)}
	if err := dev.Write(device.Control, device.ControlImageID, halves); err != nil {
		return fmt.Errorf("image: writing the image id: %w", err)
	}
	return nil
}
