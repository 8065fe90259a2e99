// Package proto is the protocol of docs/protocol.md in Go: frames with their CRC and byte stuffing, and the bodies of
// requests and replies. It is a leaf: the session on the host, the model device of the tests and the generator of the
// Verilog header all take operations, statuses and lengths from here.
//
// A frame, throughout, is the decoded form: header, body and CRC, without stuffing and delimiter. Links that have
// packets of their own carry frames as they are; byte streams carry them stuffed (AppendCOBS) and ended by a zero
// (Decoder takes them apart again).
package proto

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// Op is an operation, as in a request; its reply has ReplyBit set.
type Op uint8

// The operations.
const (
	OpHello  Op = 1
	OpOpen   Op = 2
	OpWrite  Op = 3
	OpRead   Op = 4
	OpSample Op = 5
	OpCommit Op = 6
)

// ReplyBit is set in the op of a reply.
const ReplyBit = 0x80

// Status is the outcome that a reply reports.
type Status uint8

// The statuses.
const (
	StatusOK      Status = 0
	StatusSession Status = 1 // the request's session is not the open one
	StatusOrder   Status = 2 // n is not the number that comes next; body: the expected n, 6 bytes
	StatusMissing Status = 3 // parts of the sample have not arrived; body: bitmap of those that have, 4 bytes
	StatusBad     Status = 4 // unknown op, space, kind, entry or length
)

// Code is a named code of the protocol.
type Code struct {
	Name string
	Code uint8
}

// Ops are the operations in order of their codes: the source of the Verilog header.
var Ops = []Code{
	{"hello", uint8(OpHello)},
	{"open", uint8(OpOpen)},
	{"write", uint8(OpWrite)},
	{"read", uint8(OpRead)},
	{"sample", uint8(OpSample)},
	{"commit", uint8(OpCommit)},
}

// Statuses are the statuses in order of their codes.
var Statuses = []Code{
	{"ok", uint8(StatusOK)},
	{"session", uint8(StatusSession)},
	{"order", uint8(StatusOrder)},
	{"missing", uint8(StatusMissing)},
	{"bad", uint8(StatusBad)},
}

// Kinds are the kinds of sample data in order of their codes.
var Kinds = []Code{
	{"bytes", uint8(KindBytes)},
	{"words", uint8(KindWords)},
	{"events", uint8(KindEvents)},
}

// String returns the operation's name.
func (o Op) String() string { return name(Ops, uint8(o), "op") }

// String returns the status's name.
func (s Status) String() string { return name(Statuses, uint8(s), "status") }

func name(codes []Code, code uint8, what string) string {
	for _, c := range codes {
		if c.Code == code {
			return c.Name
		}
	}
	return fmt.Sprintf("%s %d", what, code)
}

// Lengths in bytes, of decoded frames.
const (
	RequestHeader = 13 // op, seq, session, n
	ReplyHeader   = 4  // op, seq, status
	CRCBytes      = 4  // at the end of every frame
	MinRequest    = RequestHeader + CRCBytes
	MinReply      = ReplyHeader + CRCBytes
	MaxReply      = 254       // so that one COBS block holds it
	FrameBytes    = 1024      // default of the longest request, CRC included
	WriteHeader   = 5         // space, addr: before the data of a write
	SampleHeader  = 4         // part, kind, offset: before the data of a sample
	MaxCount      = 120       // halfwords that one read returns
	MaxParts      = 32        // parts of a sample
	MaxN          = 1<<48 - 1 // largest commit number
	MaxDatagram   = 1472      // UDP payload that Ethernet carries in one piece
	CacheSize     = 2         // completed commits whose replies the device keeps
	helloBody     = 1 + 2 + 8 + 8 + 4 + 4 + 6
	resultBody    = 6 + 1 + 4 + 4 + 4 + 4 + 8
)

// Port is the UDP port of devices where no other is named.
const Port = 28269 // "nm"

// WriteCapacity returns the halfwords that one write carries in a frame of at most frameBytes.
func WriteCapacity(frameBytes int) int {
	return (frameBytes - MinRequest - WriteHeader) / 2
}

// SampleCapacity returns the bytes of data that one part of a sample carries in a frame of at most frameBytes, rounded
// down to whole 16-bit elements.
func SampleCapacity(frameBytes int) int {
	return (frameBytes - MinRequest - SampleHeader) &^ 1
}

// SampleFrame returns the bytes of the frame that carries n bytes of data of a sample, in whole 16-bit elements.
func SampleFrame(n int) int { return MinRequest + SampleHeader + (n+1)&^1 }

// CRC returns CRC-32/ISO-HDLC of b: the one of Ethernet.
func CRC(b []byte) uint32 { return crc32.ChecksumIEEE(b) }

// Sealed says whether the last four bytes of frame are the CRC of those before.
func Sealed(frame []byte) bool {
	n := len(frame) - CRCBytes
	return n >= 0 && binary.LittleEndian.Uint32(frame[n:]) == CRC(frame[:n])
}

func seal(b []byte) []byte { return binary.LittleEndian.AppendUint32(b, CRC(b)) }

// Request is what the host sends.
type Request struct {
	Op      Op
	Seq     uint16
	Session uint32
	N       uint64 // commit number, at most MaxN
	Body    []byte
}

// Frame returns the request's frame. It panics when N exceeds MaxN, which no run of years reaches.
func (r Request) Frame() []byte {
	return r.frame(func(b []byte) []byte { return append(b, r.Body...) }, len(r.Body))
}

// SampleFrame returns the frame of a request whose body is that of the sample.
func (r Request) SampleFrame(s Sample) []byte {
	return r.frame(s.append, SampleHeader+len(s.Data))
}

// frame returns the frame of the request whose body, n bytes, is appended by a function.
func (r Request) frame(body func([]byte) []byte, n int) []byte {
	b := make([]byte, 0, MinRequest+n)
	b = append(b, byte(r.Op))
	b = binary.LittleEndian.AppendUint16(b, r.Seq)
	b = binary.LittleEndian.AppendUint32(b, r.Session)
	b = append48(b, r.N)
	return seal(body(b))
}

// ParseRequest reads a request's frame; the body aliases it. Operation and body are not looked at: a device answers
// those with StatusBad.
func ParseRequest(frame []byte) (Request, error) {
	if len(frame) < MinRequest {
		return Request{}, fmt.Errorf("request frame has %d bytes, at least %d are needed", len(frame), MinRequest)
	}
	if !Sealed(frame) {
		return Request{}, fmt.Errorf("request frame of %d bytes has a wrong crc", len(frame))
	}
	return Request{
		Op:      Op(frame[0]),
		Seq:     binary.LittleEndian.Uint16(frame[1:]),
		Session: binary.LittleEndian.Uint32(frame[3:]),
		N:       get48(frame[7:]),
		Body:    frame[RequestHeader : len(frame)-CRCBytes],
	}, nil
}

// Reply is what the device sends. Op is that of the request, without ReplyBit.
type Reply struct {
	Op     Op
	Seq    uint16
	Status Status
	Body   []byte
}

// Frame returns the reply's frame.
func (r Reply) Frame() []byte {
	b := make([]byte, 0, MinReply+len(r.Body))
	b = append(b, byte(r.Op)|ReplyBit)
	b = binary.LittleEndian.AppendUint16(b, r.Seq)
	b = append(b, byte(r.Status))
	b = append(b, r.Body...)
	return seal(b)
}

// ParseReply reads a reply's frame; the body aliases it.
func ParseReply(frame []byte) (Reply, error) {
	if len(frame) < MinReply || len(frame) > MaxReply {
		return Reply{}, fmt.Errorf("reply frame has %d bytes, expected %d to %d", len(frame), MinReply, MaxReply)
	}
	if !Sealed(frame) {
		return Reply{}, fmt.Errorf("reply frame of %d bytes has a wrong crc", len(frame))
	}
	if frame[0]&ReplyBit == 0 {
		return Reply{}, fmt.Errorf("reply frame has op 0x%02x, which is a request's", frame[0])
	}
	return Reply{
		Op:     Op(frame[0] &^ ReplyBit),
		Seq:    binary.LittleEndian.Uint16(frame[1:]),
		Status: Status(frame[3]),
		Body:   frame[ReplyHeader : len(frame)-CRCBytes],
	}, nil
}

func append48(b []byte, n uint64) []byte {
	if n > MaxN {
		panic(fmt.Sprintf("commit number %d exceeds 48 bits", n))
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(n))
	return binary.LittleEndian.AppendUint16(b, uint16(n>>32))
}

func get48(b []byte) uint64 {
	return uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint16(b[4:]))<<32
}
