package linktest

import (
	"bytes"
	"sync"
	"time"
)

// Buffer is the device's end of a link that cannot be held up: what the device has not taken lies in a buffer, and what
// does not fit is lost.
type Buffer struct {
	end  *End
	size int
	rate int

	mu      sync.Mutex
	more    sync.Cond // frames, or err
	frames  [][]byte
	lies    int // bytes of frames, and of the one that was received last
	held    int // bytes of that one
	most    int
	dropped int
	err     error
}

// NewBuffer puts a buffer of size bytes, stuffed, before the device's end of a link. The device takes rate bytes a second
// out of it.
func NewBuffer(end *End, size, rate int) *Buffer {
	b := &Buffer{end: end, size: size, rate: rate}
	b.more.L = &b.mu
	go b.fill()
	return b
}

func (b *Buffer) fill() {
	for {
		f, err := b.end.Recv()
		b.mu.Lock()
		n := wire(f)
		switch {
		case err != nil:
			b.err = err
		case b.lies+n > b.size && b.lies > 0: // a frame longer than the buffer is taken as it comes
			b.dropped++
		default:
			b.frames = append(b.frames, bytes.Clone(f))
			b.lies += n
			b.most = max(b.most, b.lies)
		}
		b.more.Signal()
		b.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func wire(frame []byte) int { return len(frame) + len(frame)/254 + 2 }

// Recv waits for a frame. The frame before it has left the buffer when Recv is called: a device that waits does not call it.
func (b *Buffer) Recv() ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lies -= b.held
	b.held = 0
	for len(b.frames) == 0 && b.err == nil {
		b.more.Wait()
	}
	if len(b.frames) == 0 {
		return nil, b.err
	}
	f := b.frames[0]
	b.frames = b.frames[1:]
	b.held = wire(f)
	b.mu.Unlock()
	time.Sleep(time.Duration(wire(f)) * time.Second / time.Duration(b.rate))
	b.mu.Lock()
	return f, nil
}

// Send takes a frame.
func (b *Buffer) Send(frame []byte) error { return b.end.Send(frame) }

// Dropped returns how many frames found no room, and the most bytes that lay in the buffer.
func (b *Buffer) Dropped() (frames, most int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dropped, b.most
}
