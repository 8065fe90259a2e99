// Package linktest is a link inside the process that treats frames as badly as asked.
package linktest

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// Faults are the probabilities, each drawn for every frame in either direction.
type Faults struct {
	Drop      float64 // the frame does not arrive
	Duplicate float64 // it arrives twice, the second time after a delay
	Corrupt   float64 // some bits are turned over
	Reorder   float64 // the next frames overtake it
	Delay     float64 // it arrives after a long time, maybe after its repeats

	Latency  time.Duration // of every frame; when it is not 0, frames of the same moment may overtake each other
	MaxDelay time.Duration // of a delayed one

	Rate int // bytes a second of either direction, 0: any number; a lost frame takes its time, too
}

// Each returns faults that each have probability p.
func Each(p float64) Faults {
	return Faults{Drop: p, Duplicate: p, Corrupt: p, Reorder: p, Delay: p,
		Latency: 100 * time.Microsecond, MaxDelay: 300 * time.Millisecond}
}

// ErrClosed is what both ends return after one is closed.
var ErrClosed = errors.New("linktest: link is closed")

// Pair returns the two ends of a link; the same seed draws the same faults.
func Pair(seed uint64, f Faults) (host, dev *End) {
	closed := make(chan struct{})
	once := new(sync.Once)
	down := newWay(seed, 1, f, closed)
	up := newWay(seed, 2, f, closed)
	return &End{send: down, recv: up, once: once}, &End{send: up, recv: down, once: once}
}

// End is one end of a link.
type End struct {
	send, recv *way
	once       *sync.Once
}

// Send takes a frame.
func (e *End) Send(frame []byte) error { return e.send.put(frame) }

// Recv waits for a frame.
func (e *End) Recv() ([]byte, error) {
	select {
	case f := <-e.recv.frames:
		return f, nil
	case <-e.recv.closed:
		return nil, ErrClosed
	}
}

// Close ends the link for both ends.
func (e *End) Close() error {
	e.once.Do(func() { close(e.send.closed) })
	return nil
}

type way struct {
	f      Faults
	frames chan []byte
	closed chan struct{}

	mu   sync.Mutex
	rand *rand.Rand
	free time.Time // when the line is
}

func newWay(seed, stream uint64, f Faults, closed chan struct{}) *way {
	return &way{f: f, frames: make(chan []byte, 4096), closed: closed, rand: rand.New(rand.NewPCG(seed, stream))}
}

func (w *way) put(frame []byte) error {
	select {
	case <-w.closed:
		return ErrClosed
	default:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	hit := func(p float64) bool { return w.rand.Float64() < p }
	var line time.Duration // until the last byte has arrived
	if w.f.Rate > 0 {
		now := time.Now()
		if w.free.Before(now) {
			w.free = now
		}
		w.free = w.free.Add(time.Duration(wire(frame)) * time.Second / time.Duration(w.f.Rate))
		line = w.free.Sub(now)
	}
	copies := 1
	if hit(w.f.Duplicate) {
		copies = 2
	}
	if hit(w.f.Drop) {
		copies--
	}
	for i := range copies {
		b := bytes.Clone(frame)
		if hit(w.f.Corrupt) {
			for range 1 + w.rand.IntN(4) {
				b[w.rand.IntN(len(b))] ^= 1 << w.rand.IntN(8)
			}
		}
		delay := line + w.f.Latency
		if hit(w.f.Reorder) {
			delay += time.Duration(w.rand.Int64N(int64(20*w.f.Latency + 1)))
		}
		if i > 0 || hit(w.f.Delay) {
			delay += time.Duration(w.rand.Int64N(int64(w.f.MaxDelay + 1)))
		}
		if delay == 0 {
			w.deliver(b)
			continue
		}
		time.AfterFunc(delay, func() { w.deliver(b) })
	}
	return nil
}

// deliver drops the frame when the other end has not taken thousands: so does a network.
func (w *way) deliver(b []byte) {
	select {
	case w.frames <- b:
	default:
	}
}
