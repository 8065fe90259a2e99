// Package link carries frames over byte streams: pipes, pseudo-terminals, serial lines, sockets.
package link

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/nmc-fpga/nmc/host/proto"
)

// Stream carries frames over a byte stream: stuffed by COBS and ended by a zero.
type Stream struct {
	rw   io.ReadWriteCloser
	wire []byte // of Send

	dec   *proto.Decoder
	buf   []byte
	ready [][]byte // decoded, not yet received
	bad   atomic.Uint64
}

// NewStream returns the host's end of a stream. The device's end is NewDeviceStream.
func NewStream(rw io.ReadWriteCloser) *Stream {
	return newStream(rw, proto.NewDecoder(proto.MinReply, proto.MaxReply))
}

// NewDeviceStream returns the device's end of a stream, which takes requests of at most frameBytes.
func NewDeviceStream(rw io.ReadWriteCloser, frameBytes int) *Stream {
	return newStream(rw, proto.NewDecoder(proto.MinRequest, frameBytes))
}

func newStream(rw io.ReadWriteCloser, dec *proto.Decoder) *Stream {
	return &Stream{
		rw:  rw,
		dec: dec,
		buf: make([]byte, 4096),
		// A delimiter first ends whatever half a frame the other side still holds.
		wire: []byte{0},
	}
}

// Send writes a frame.
func (s *Stream) Send(frame []byte) error {
	s.wire = proto.AppendWire(s.wire, frame)
	_, err := s.rw.Write(s.wire)
	s.wire = s.wire[:0]
	if err != nil {
		return fmt.Errorf("link: write: %w", err)
	}
	return nil
}

// Recv returns the next good frame; bad ones are dropped and counted.
func (s *Stream) Recv() ([]byte, error) {
	for len(s.ready) == 0 {
		n, err := s.rw.Read(s.buf)
		s.dec.Feed(s.buf[:n], func(f []byte) { s.ready = append(s.ready, bytes.Clone(f)) })
		s.bad.Store(s.dec.Bad)
		if err != nil && len(s.ready) == 0 {
			return nil, fmt.Errorf("link: read: %w", err)
		}
	}
	f := s.ready[0]
	s.ready = s.ready[1:]
	return f, nil
}

// Bad returns the number of dropped frames so far.
func (s *Stream) Bad() uint64 { return s.bad.Load() }

// Close closes the stream.
func (s *Stream) Close() error { return s.rw.Close() }
