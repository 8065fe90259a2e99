package proto

import (
	"encoding/binary"
	"fmt"

	"github.com/nmc-fpga/nmc/firmware/device"
)

// Write is the body of OpWrite: data from halfword address Addr on.
type Write struct {
	Space device.Space
	Addr  uint32
	Data  []uint16
}

// Body returns the body's bytes.
func (w Write) Body() []byte {
	b := make([]byte, 0, WriteHeader+2*len(w.Data))
	b = append(b, byte(w.Space))
	b = binary.LittleEndian.AppendUint32(b, w.Addr)
	return AppendWords(b, w.Data)
}

// ParseWrite reads the body of OpWrite.
func ParseWrite(b []byte) (Write, error) {
	if len(b) < WriteHeader || (len(b)-WriteHeader)%2 != 0 {
		return Write{}, fmt.Errorf("body of a write has %d bytes, expected %d and whole halfwords", len(b), WriteHeader)
	}
	if err := checkSpace(b[0]); err != nil {
		return Write{}, err
	}
	return Write{Space: device.Space(b[0]), Addr: binary.LittleEndian.Uint32(b[1:]), Data: Words(b[WriteHeader:])}, nil
}

// Read is the body of OpRead: Count halfwords, 1 to MaxCount, from address Addr on. The reply's body is AppendWords of
// them.
type Read struct {
	Space device.Space
	Addr  uint32
	Count uint8
}

// Body returns the body's bytes.
func (r Read) Body() []byte {
	b := []byte{byte(r.Space)}
	b = binary.LittleEndian.AppendUint32(b, r.Addr)
	return append(b, r.Count)
}

// ParseRead reads the body of OpRead.
func ParseRead(b []byte) (Read, error) {
	if len(b) != 6 {
		return Read{}, fmt.Errorf("body of a read has %d bytes, expected 6", len(b))
	}
	if err := checkSpace(b[0]); err != nil {
		return Read{}, err
	}
	if b[5] < 1 || b[5] > MaxCount {
		return Read{}, fmt.Errorf("read of %d halfwords, expected 1 to %d", b[5], MaxCount)
	}
	return Read{Space: device.Space(b[0]), Addr: binary.LittleEndian.Uint32(b[1:]), Count: b[5]}, nil
}

func checkSpace(b byte) error {
	if device.Space(b) > device.Control {
		return fmt.Errorf("unknown space %d, the last is %d", b, device.Control)
	}
	return nil
}

// Kind says what the data of a sample are.
type Kind uint8

// The kinds.
const (
	KindBytes  Kind = 0 // unsigned bytes, an element each
	KindWords  Kind = 1 // signed 16-bit elements
	KindEvents Kind = 2 // 16-bit element addresses relative to the buffer, each set to 1; offset is ignored
)

// Sample is the body of OpSample: one part of the input of a commit.
type Sample struct {
	Part   uint8 // 0..MaxParts-1
	Kind   Kind
	Offset uint16 // elements from the start of the buffer
	Data   []byte // little-endian
}

// Body returns the body's bytes.
func (s Sample) Body() []byte { return s.append(make([]byte, 0, SampleHeader+len(s.Data))) }

func (s Sample) append(b []byte) []byte {
	b = append(b, s.Part, byte(s.Kind))
	b = binary.LittleEndian.AppendUint16(b, s.Offset)
	return append(b, s.Data...)
}

// ParseSample reads the body of OpSample; the data alias it.
func ParseSample(b []byte) (Sample, error) {
	if len(b) < SampleHeader {
		return Sample{}, fmt.Errorf("body of a sample has %d bytes, at least %d are needed", len(b), SampleHeader)
	}
	s := Sample{Part: b[0], Kind: Kind(b[1]), Offset: binary.LittleEndian.Uint16(b[2:]), Data: b[SampleHeader:]}
	if s.Part >= MaxParts {
		return Sample{}, fmt.Errorf("part %d of a sample, the last is %d", s.Part, MaxParts-1)
	}
	if s.Kind > KindEvents {
		return Sample{}, fmt.Errorf("unknown kind %d of sample data, the last is %d", s.Kind, KindEvents)
	}
	if s.Kind != KindBytes && len(s.Data)%2 != 0 {
		return Sample{}, fmt.Errorf("sample data have %d bytes, expected whole halfwords", len(s.Data))
	}
	return s, nil
}

// Commit is the body of OpCommit.
type Commit struct {
	Entry device.Entry
	Parts uint8 // parts 0..Parts-1 must have arrived; 0..MaxParts
	Label uint16
	Limit uint32 // retired instructions after which the run is stopped; 0: none
}

// Body returns the body's bytes.
func (c Commit) Body() []byte {
	b := []byte{byte(c.Entry), c.Parts}
	b = binary.LittleEndian.AppendUint16(b, c.Label)
	return binary.LittleEndian.AppendUint32(b, c.Limit)
}

// ParseCommit reads the body of OpCommit.
func ParseCommit(b []byte) (Commit, error) {
	if len(b) != 8 {
		return Commit{}, fmt.Errorf("body of a commit has %d bytes, expected 8", len(b))
	}
	c := Commit{
		Entry: device.Entry(b[0]), Parts: b[1],
		Label: binary.LittleEndian.Uint16(b[2:]), Limit: binary.LittleEndian.Uint32(b[4:]),
	}
	if c.Entry >= device.NumEntries {
		return Commit{}, fmt.Errorf("unknown entry %d, the last is %d", c.Entry, device.NumEntries-1)
	}
	if c.Parts > MaxParts {
		return Commit{}, fmt.Errorf("commit needs %d parts, at most %d exist", c.Parts, MaxParts)
	}
	return c, nil
}

// keyed is set in the version of a device that obeys frames with a tag only.
const keyed = 0x80

// IdentityBody returns the body of the reply to OpHello and OpOpen.
func IdentityBody(id device.Identity) []byte {
	b := make([]byte, 0, helloBody)
	version := byte(device.Version)
	if id.Keyed {
		version |= keyed
	}
	b = append(b, version)
	b = binary.LittleEndian.AppendUint16(b, uint16(id.Lanes))
	b = binary.LittleEndian.AppendUint64(b, id.HwID)
	b = binary.LittleEndian.AppendUint64(b, id.ImageID)
	b = binary.LittleEndian.AppendUint32(b, id.Boot)
	b = binary.LittleEndian.AppendUint32(b, id.Session)
	return append48(b, id.Last)
}

// ParseIdentity reads the body of the reply to OpHello and OpOpen. Another protocol version is an error.
func ParseIdentity(b []byte) (device.Identity, error) {
	if len(b) > 0 && b[0]&^keyed != device.Version {
		return device.Identity{}, fmt.Errorf("device speaks version %d, this nmc speaks %d; build its bitstream again with nmc build", b[0]&^keyed, device.Version)
	}
	if len(b) != helloBody {
		return device.Identity{}, fmt.Errorf("body of a hello has %d bytes, expected %d", len(b), helloBody)
	}
	return device.Identity{
		Lanes:   int(binary.LittleEndian.Uint16(b[1:])),
		HwID:    binary.LittleEndian.Uint64(b[3:]),
		ImageID: binary.LittleEndian.Uint64(b[11:]),
		Boot:    binary.LittleEndian.Uint32(b[19:]),
		Session: binary.LittleEndian.Uint32(b[23:]),
		Last:    get48(b[27:]),
		Keyed:   b[0]&keyed != 0,
	}, nil
}

const flagStopped = 1

// ResultBody returns the body of the reply to OpCommit.
func ResultBody(r device.Result) []byte {
	b := append48(make([]byte, 0, resultBody), r.N)
	var flags byte
	if r.Stopped {
		flags |= flagStopped
	}
	b = append(b, flags)
	b = binary.LittleEndian.AppendUint32(b, uint32(r.Result[0]))
	b = binary.LittleEndian.AppendUint32(b, uint32(r.Result[1]))
	b = binary.LittleEndian.AppendUint32(b, r.Cycles)
	b = binary.LittleEndian.AppendUint32(b, r.Overflow)
	return binary.LittleEndian.AppendUint64(b, r.Digest)
}

// ParseResult reads the body of the reply to OpCommit.
func ParseResult(b []byte) (device.Result, error) {
	if len(b) != resultBody {
		return device.Result{}, fmt.Errorf("body of a commit's reply has %d bytes, expected %d", len(b), resultBody)
	}
	if b[6]&^flagStopped != 0 {
		return device.Result{}, fmt.Errorf("commit's reply has flags 0x%02x, expected only bit 0", b[6])
	}
	return device.Result{
		N:        get48(b),
		Stopped:  b[6]&flagStopped != 0,
		Result:   [2]int32{int32(binary.LittleEndian.Uint32(b[7:])), int32(binary.LittleEndian.Uint32(b[11:]))},
		Cycles:   binary.LittleEndian.Uint32(b[15:]),
		Overflow: binary.LittleEndian.Uint32(b[19:]),
		Digest:   binary.LittleEndian.Uint64(b[23:]),
	}, nil
}

// ExpectedBody returns the body of a reply with StatusOrder: the commit number that comes next.
func ExpectedBody(n uint64) []byte { return append48(nil, n) }

// ParseExpected reads the body of a reply with StatusOrder.
func ParseExpected(b []byte) (uint64, error) {
	if len(b) != 6 {
		return 0, fmt.Errorf("body of an order status has %d bytes, expected 6", len(b))
	}
	return get48(b), nil
}

// ArrivedBody returns the body of a reply with StatusMissing: bit p is set when part p has arrived.
func ArrivedBody(parts uint32) []byte { return binary.LittleEndian.AppendUint32(nil, parts) }

// ParseArrived reads the body of a reply with StatusMissing.
func ParseArrived(b []byte) (uint32, error) {
	if len(b) != 4 {
		return 0, fmt.Errorf("body of a missing status has %d bytes, expected 4", len(b))
	}
	return binary.LittleEndian.Uint32(b), nil
}

// AppendWords appends halfwords, little-endian.
func AppendWords(b []byte, words []uint16) []byte {
	for _, w := range words {
		b = binary.LittleEndian.AppendUint16(b, w)
	}
	return b
}

// Words reads little-endian halfwords; an odd last byte is left out.
func Words(b []byte) []uint16 {
	w := make([]uint16, len(b)/2)
	for i := range w {
		w[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return w
}
