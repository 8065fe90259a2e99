package linktest

import (
	"bytes"
	"io"
	"sync"
)

// Stream is a byte stream that treats each frame on it, its delimiter included, as badly as asked. Cut off, a frame runs
// into the next.
type Stream struct {
	rw       io.ReadWriteCloser
	down, up *Faulty

	sent units
	wmu  sync.Mutex

	in  *io.PipeReader
	out *io.PipeWriter
}

// NewStream returns the near end of a stream whose far end, such as a device on pipes, is rw.
func NewStream(rw io.ReadWriteCloser, seed uint64, f Faults) *Stream {
	s := &Stream{rw: rw}
	s.in, s.out = io.Pipe()
	s.down = NewFaulty(seed, 1, f, func(b []byte) {
		s.wmu.Lock()
		defer s.wmu.Unlock()
		rw.Write(b) // an end shows in Read
	})
	arrived := make(chan []byte, 4096)
	s.up = NewFaulty(seed, 2, f, func(b []byte) {
		select {
		case arrived <- b:
		default:
		}
	})
	ended := make(chan error, 1)
	go func() {
		var u units
		buf := make([]byte, 4096)
		for {
			n, err := rw.Read(buf)
			for _, f := range u.cut(buf[:n]) {
				s.up.Put(f)
			}
			if err != nil {
				ended <- err
				return
			}
		}
	}()
	go func() {
		for {
			select {
			case b := <-arrived:
				s.out.Write(b)
			case err := <-ended:
				s.out.CloseWithError(err)
				return
			}
		}
	}()
	return s
}

// Write sends bytes; what does not end a frame waits for its end.
func (s *Stream) Write(b []byte) (int, error) {
	for _, f := range s.sent.cut(b) {
		s.down.Put(f)
	}
	return len(b), nil
}

// Read receives bytes.
func (s *Stream) Read(b []byte) (int, error) { return s.in.Read(b) }

// Close closes both ends.
func (s *Stream) Close() error {
	s.in.Close()
	s.wmu.Lock()
	defer s.wmu.Unlock()
	return s.rw.Close()
}

// Hits returns how often each fault has struck, in either direction.
func (s *Stream) Hits() map[string]int { return sum(s.down.Hits(), s.up.Hits()) }

func sum(a, b map[string]int) map[string]int {
	for k, n := range b {
		a[k] += n
	}
	return a
}

// units cuts a byte stream behind each zero.
type units struct{ part []byte }

// cut returns the frames that the chunk completes, delimiters included.
func (u *units) cut(chunk []byte) [][]byte {
	var out [][]byte
	for {
		before, after, found := bytes.Cut(chunk, []byte{0})
		u.part = append(u.part, before...)
		if !found {
			return out
		}
		out = append(out, append(u.part, 0))
		u.part = nil
		chunk = after
	}
}
