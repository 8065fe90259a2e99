// Package seal makes and checks the tags of frames to a device with a key (docs/decisions/0008-authentication.md): SipHash-2-4
// (Aumasson, Bernstein, INDOCRYPT 2012) of the device's boot number and the frame.
package seal

import (
	"encoding/binary"

	"github.com/dchest/siphash"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/proto"
)

// TagBytes is the length of a tag, at the end of a frame, behind its CRC.
const TagBytes = 8

// Needs says whether a request has a tag: all have but hello, which asks for the boot number.
func Needs(op proto.Op) bool { return op != proto.OpHello }

// Append appends the tag to a frame of a request.
func Append(frame []byte, key device.Key, boot uint32) []byte {
	return binary.LittleEndian.AppendUint64(frame, tag(frame, key, boot))
}

// Cut returns the frame without its tag, and whether the tag was right. A hello is returned as it is.
func Cut(frame []byte, key device.Key, boot uint32) ([]byte, bool) {
	if len(frame) > 0 && !Needs(proto.Op(frame[0])) {
		return frame, true
	}
	n := len(frame) - TagBytes
	if n < 0 {
		return nil, false
	}
	return frame[:n], binary.LittleEndian.Uint64(frame[n:]) == tag(frame[:n], key, boot)
}

func tag(frame []byte, key device.Key, boot uint32) uint64 {
	message := binary.LittleEndian.AppendUint32(make([]byte, 0, 4+len(frame)), boot)
	return siphash.Hash(binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:]), append(message, frame...))
}

// Parse reads a request's frame with a tag or without, as the CRC tells; the tag is not checked.
func Parse(frame []byte) (proto.Request, error) {
	q, err := proto.ParseRequest(frame)
	if err != nil && len(frame) > TagBytes {
		if tagged, terr := proto.ParseRequest(frame[:len(frame)-TagBytes]); terr == nil {
			return tagged, nil
		}
	}
	return q, err
}
