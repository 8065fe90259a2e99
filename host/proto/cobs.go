package proto

import (
	"bytes"
	"errors"
)

// AppendCOBS appends the byte-stuffed form of frame, which has no zero byte, to dst; the delimiter is not appended.
// It is the shortest form: a full last block is not followed by an empty one.
func AppendCOBS(dst, frame []byte) []byte {
	for {
		// A block: a code, then code-1 bytes that are not zero; codes below 255 stand for a zero after them.
		n := min(len(frame), 254)
		if zero := bytes.IndexByte(frame[:n], 0); zero >= 0 {
			n = zero
		}
		dst = append(dst, byte(n+1))
		dst = append(dst, frame[:n]...)
		frame = frame[n:]
		switch {
		case len(frame) == 0:
			return dst
		case n < 254:
			frame = frame[1:] // the zero that the code stands for
		}
	}
}

// AppendWire appends the frame as byte streams carry it: stuffed, and ended by a zero.
func AppendWire(dst, frame []byte) []byte {
	return append(AppendCOBS(dst, frame), 0)
}

// Errors of AppendFrame.
var (
	errEmpty  = errors.New("cobs: no bytes")
	errZero   = errors.New("cobs: zero byte inside")
	errBeyond = errors.New("cobs: block goes beyond the end")
)

// AppendFrame appends the frame whose stuffed form is b (without delimiter) to dst. It is an error when b is empty, has
// a zero byte or ends inside a block; dst is then returned as it was.
func AppendFrame(dst, b []byte) ([]byte, error) {
	start := len(dst)
	if len(b) == 0 {
		return dst, errEmpty
	}
	for len(b) > 0 {
		code := int(b[0])
		if code == 0 {
			return dst[:start], errZero
		}
		if code > len(b) {
			return dst[:start], errBeyond
		}
		if bytes.IndexByte(b[1:code], 0) >= 0 {
			return dst[:start], errZero
		}
		dst = append(dst, b[1:code]...)
		b = b[code:]
		if code < 255 && len(b) > 0 {
			dst = append(dst, 0)
		}
	}
	return dst, nil
}

// Decoder takes frames out of a byte stream that may begin anywhere and hold garbage: what does not unstuff to a
// sealed frame of an allowed length is dropped up to the next zero and counted.
type Decoder struct {
	// Bad counts the dropped frames: stuffing, length, CRC.
	Bad uint64

	minLen, maxLen int
	stuffed        []byte // since the last delimiter
	long           bool   // more than any frame of maxLen takes
	frame          []byte // scratch
}

var delimiter = []byte{0}

// NewDecoder returns a decoder of frames of minLen to maxLen bytes, CRC included.
func NewDecoder(minLen, maxLen int) *Decoder {
	return &Decoder{minLen: minLen, maxLen: maxLen}
}

// Feed takes the next bytes of the stream and calls yield with each frame that they complete. The frame, CRC included
// and checked, is valid until yield returns.
func (d *Decoder) Feed(chunk []byte, yield func(frame []byte)) {
	limit := d.maxLen + d.maxLen/254 + 1
	for {
		part, rest, ends := bytes.Cut(chunk, delimiter)
		if room := limit - len(d.stuffed); len(part) > room {
			d.long = true
			part = part[:room]
		}
		d.stuffed = append(d.stuffed, part...)
		if !ends {
			return
		}
		chunk = rest
		if len(d.stuffed) == 0 {
			continue // extra delimiter
		}
		var err error
		d.frame, err = AppendFrame(d.frame[:0], d.stuffed)
		ok := !d.long && err == nil && len(d.frame) >= d.minLen && len(d.frame) <= d.maxLen && Sealed(d.frame)
		d.stuffed, d.long = d.stuffed[:0], false
		if !ok {
			d.Bad++
			continue
		}
		yield(d.frame)
	}
}

// End says that what follows does not belong to what came before, as after a packet: half a frame is dropped and counted.
func (d *Decoder) End() {
	if len(d.stuffed) > 0 {
		d.Bad++
	}
	d.stuffed, d.long = d.stuffed[:0], false
}
