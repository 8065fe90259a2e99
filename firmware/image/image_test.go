package image

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

func config() device.Config {
	return device.Config{Lanes: 4, WeightDepth: 64, VectorDepth: 32, ProgramDepth: 16, TableDepth: 8, WeightPorts: 2, FrameBytes: 1024}
}

func sample() *Image {
	return &Image{Config: config(), Sections: []Section{
		{device.Program, 0, []uint16{1, 2, 3, 4, 5, 6, 7, 8}},
		{device.Weights, 16, []uint16{9, 8, 7}},
		{device.Weights, 0, []uint16{1, 0xffff}},
		{device.Registers, 40, []uint16{0x8000, 0x7fff}},
		{device.Control, device.ControlInBase, []uint16{12, 0, 16, 0}},
	}}
}

func drawImage(t *rapid.T) *Image {
	m := &Image{Config: config()}
	for space := range device.Control {
		at := uint64(0)
		for range rapid.IntRange(0, 3).Draw(t, "sections") {
			size := halfwords(m.Config, space)
			at += rapid.Uint64Range(0, 5).Draw(t, "gap")
			n := rapid.Uint64Range(1, 12).Draw(t, "n")
			if at+n > size {
				break
			}
			data := rapid.SliceOfN(rapid.Uint16(), int(n), int(n)).Draw(t, "data")
			m.Sections = append(m.Sections, Section{space, uint32(at), data})
			at += n
		}
	}
	return m
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawImage(t)
		b := m.Encode()
		back, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(m, back); d != "" {
			t.Fatal(d)
		}
		// The order in which sections were added does not show.
		shuffled := &Image{m.Config, rapid.Permutation(m.Sections).Draw(t, "order")}
		if !bytes.Equal(shuffled.Encode(), b) || shuffled.ID() != m.ID() {
			t.Fatal("the bytes depend on the order of the sections")
		}
		// Any one changed bit is found.
		bit := rapid.IntRange(0, len(b)*8-1).Draw(t, "bit")
		b[bit/8] ^= 1 << (bit % 8)
		if _, err := Decode(b); err == nil {
			t.Fatalf("flipped bit %d is accepted", bit)
		}
	})
}

func TestID(t *testing.T) {
	m := sample()
	h := sha256.Sum256(m.Encode())
	if got, want := m.ID(), binary.LittleEndian.Uint64(h[:]); got != want {
		t.Errorf("id %x, want %x", got, want)
	}
}

// seal puts the right checksum behind a changed content.
func seal(b []byte) []byte {
	sum := sha256.Sum256(b[:len(b)-sha256.Size])
	return append(b[:len(b)-sha256.Size:len(b)-sha256.Size], sum[:]...)
}

func TestDecodeErrors(t *testing.T) {
	good := sample().Encode()
	edit := func(f func(b []byte) []byte) []byte { return f(slices.Clone(good)) }
	with := func(f func(m *Image)) []byte { m := sample(); f(m); return m.Encode() }
	for _, c := range []struct {
		name string
		b    []byte
		want string
	}{
		{"empty", nil, `image: the first 8 bytes are "", not "nmcimage": this is no firmware image; give the file that nmc compile wrote`},
		{"other", []byte("\x7fELF0123456789"), `image: the first 8 bytes are "\x7fELF0123", not "nmcimage"`},
		{"header", good[:40], "image: 40 bytes end inside the header (an image has at least 80); write it again with nmc compile"},
		{"version", edit(func(b []byte) []byte { b[8] = 9; return b }), "image: byte 8: version 9, this program reads version 2"},
		{"truncated", good[:len(good)-20], "image: byte 126: section 4 of 5 is cut off: 0 bytes of its header are left"},
		{"cut in section", seal(good[:len(good)-6]), "image: byte 126: section 4 of 5 is cut off: it announces 4 halfwords, 1 are left; write it again with nmc compile"},
		{"cut in section header", seal(good[:len(good)-12]), "image: byte 126: section 4 of 5 is cut off: 8 bytes of its header are left, it takes 12"},
		{"corrupt", edit(func(b []byte) []byte { b[60] ^= 1; return b }), "the file was changed or cut off; write it again with nmc compile"},
		{"trailing", append(slices.Clone(good), 0), "belong to nothing"},
		{"sealed trailing", seal(append(slices.Clone(good), 0, 0)), "image: byte 146: 2 bytes after the last section and before the checksum belong to nothing"},
		{"space", with(func(m *Image) { m.Sections[0].Space = 6 }), "image: section 4: unknown space 6; spaces go from 0 (weights) to 5 (control)"},
		{"overlap", with(func(m *Image) { m.Sections[2].Data = make([]uint16, 17) }), "image: sections 0 and 1 overlap: weights 0..16 and 16..18; join them or move one"},
		{"beyond", with(func(m *Image) { m.Sections[1].Addr = 254 }), "image: section 1: weights 254..256 go beyond the last halfword 255 that can be loaded; it needs a device with a larger memory or a smaller network"},
		{"wrapping", with(func(m *Image) { m.Sections[1].Addr = 1<<32 - 1 }), "image: section 1: weights 4294967295..4294967297 go beyond"},
		{"read only", with(func(m *Image) { m.Sections[4].Addr = 16 }), "image: section 4: control 16..19 go beyond the last halfword 11"},
		{"image id", with(func(m *Image) { m.Sections[4].Addr = 2 }), "image: section 4: control 0..3 hold the image id, which loading writes; leave it out"},
		{"no data", with(func(m *Image) { m.Sections[0].Data = nil }), "image: section 2: program 0: no data; leave the section out"},
		{"lanes", with(func(m *Image) { m.Config.Lanes = 6 }), "image: configuration: lanes is 6, not a power of two; correct the board's configuration"},
		{"ports", with(func(m *Image) { m.Config.WeightPorts = 3 }), "image: configuration: weight ports is 3, it goes from 1 to 2; correct the board's configuration"},
		{"omitted", with(func(m *Image) { m.Config.Omit = 1 << 20 }), "image: configuration: omitted units is 1048576, it goes from 0 to 524287; correct the board's configuration"},
		{"unit", with(func(m *Image) {
			m.Config.Omit = int(isa.AllUnits)
			m.Sections[0].Data = []uint16{isa.Dot, 0, 0, 0, 0, 0, 0, 0, isa.Sqrt, 0, 0, 0, 0, 0, 0, 0}
		}), "image: the program uses dot (instruction 0, dot), root (instruction 1, sqrt), which the device leaves out; compile for a device that has them (device.units = \"all\")"},
		{"answering", with(func(m *Image) {
			m.Config.Omit = int(isa.AllUnits)
			m.Sections[0].Addr = 16
			m.Sections[0].Data = []uint16{isa.MacB, 0, 0, 0, 0, 0, 0, 0, isa.UpdB, 0, 0, 0, 0, 0, 0, 0, isa.Blend, 0, 0, 0, 0, 0, 0, 0}
		}), "image: the program uses update (instruction 3, upd.b), which the device leaves out; compile for a device that has them (device.units = \"all\")"},
		{"order", edit(func(b []byte) []byte {
			// Swap the addresses of the first two sections' place: second first.
			first, second := b[48:48+12+4], b[48+16:48+16+12+6]
			return seal(slices.Concat(b[:48], second, first, b[48+16+18:]))
		}), "image: the sections are not in ascending order of space and address"},
	} {
		if _, err := Decode(c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s:\ngot  %v\nwant %s", c.name, err, c.want)
		}
	}
}

// memory records writes and can refuse one.
type memory struct {
	space  map[device.Space]map[uint32]uint16
	log    []string
	long   int
	refuse int
}

func (d *memory) Write(s device.Space, addr uint32, data []uint16) error {
	if d.refuse--; d.refuse == 0 {
		return errors.New("link down")
	}
	d.long = max(d.long, len(data))
	d.log = append(d.log, spaceNames[s])
	if d.space == nil {
		d.space = map[device.Space]map[uint32]uint16{}
	}
	if d.space[s] == nil {
		d.space[s] = map[uint32]uint16{}
	}
	for i, v := range data {
		d.space[s][addr+uint32(i)] = v
	}
	return nil
}

func (d *memory) Read(device.Space, uint32, int) ([]uint16, error) {
	return nil, errors.New("write only")
}

func TestLoad(t *testing.T) {
	for _, frame := range []int{64, 1024} {
		m := sample()
		m.Config.WeightDepth, m.Config.FrameBytes = 4096, frame
		m.Sections[1].Data = make([]uint16, 1300)
		for i := range m.Sections[1].Data {
			m.Sections[1].Data[i] = uint16(i * 7)
		}
		d := &memory{}
		if err := m.Load(d); err != nil {
			t.Fatal(err)
		}
		for _, s := range m.Sections {
			for i, v := range s.Data {
				if got := d.space[s.Space][s.Addr+uint32(i)]; got != v {
					t.Fatalf("%s %d: %d, want %d", spaceNames[s.Space], int(s.Addr)+i, got, v)
				}
			}
		}
		var id uint64
		for i := range uint32(4) {
			id |= uint64(d.space[device.Control][i]) << (16 * i)
		}
		if id != m.ID() {
			t.Errorf("image id %x, want %x", id, m.ID())
		}
		if 2*d.long+frameOverhead > frame || d.long > 500 {
			t.Errorf("a write of %d halfwords in frames of %d bytes", d.long, frame)
		}
		if d.log[len(d.log)-1] != "control" {
			t.Error("the image id is not written last")
		}
	}
	d := &memory{refuse: 3}
	if err := sample().Load(d); err == nil || err.Error() != "image: loading weights 16..18: link down" {
		t.Errorf("refused write: %v", err)
	}
	if d.space[device.Control][0] != 0 || d.log[0] != "control" {
		t.Error("a half-loaded device keeps an image id")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(sample().Encode())
	f.Add((&Image{Config: config()}).Encode())
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		// The checksum would stop nearly every input: also try with the right one.
		for _, in := range [][]byte{b, seal(append(slices.Clone(b), make([]byte, sha256.Size)...))} {
			m, err := Decode(in)
			if err != nil {
				continue
			}
			if !bytes.Equal(m.Encode(), in) {
				t.Fatal("decoding accepts bytes that encoding does not give back")
			}
		}
	})
}
