// Package linktest has what links are tested with: a link inside the process, a UDP network and a byte stream that treat
// what they carry as badly as asked, and a device's end with a buffer that overflows.
package linktest

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// Faults are the probabilities, each drawn for every frame in either direction.
type Faults struct {
	Drop      float64 // the frame does not arrive
	Duplicate float64 // it arrives twice, the second time after a delay
	Corrupt   float64 // some bits are turned over
	Truncate  float64 // the end is cut off
	Reorder   float64 // the next frames overtake it
	Delay     float64 // it arrives after a long time, maybe after its repeats

	Latency  time.Duration // of every frame; when it is not 0, frames of the same moment may overtake each other
	MaxDelay time.Duration // of a delayed one

	Rate int // bytes a second of either direction, 0: any number; a lost frame takes its time, too
}

// Each returns faults that each have probability p.
func Each(p float64) Faults {
	return Faults{Drop: p, Duplicate: p, Corrupt: p, Truncate: p, Reorder: p, Delay: p,
		Latency: 100 * time.Microsecond, MaxDelay: 300 * time.Millisecond}
}

// Kinds are the faults' names, in the order of Faults; Hits counts by them.
var Kinds = []string{"drop", "duplicate", "corrupt", "truncate", "reorder", "delay"}

// Only returns f without all faults but those of the kinds.
func (f Faults) Only(kinds ...string) Faults {
	for i, p := range []*float64{&f.Drop, &f.Duplicate, &f.Corrupt, &f.Truncate, &f.Reorder, &f.Delay} {
		if !slices.Contains(kinds, Kinds[i]) {
			*p = 0
		}
	}
	return f
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

// way is one direction of a link.
type way struct {
	faulty *Faulty
	frames chan []byte
	closed chan struct{}
}

func newWay(seed, stream uint64, f Faults, closed chan struct{}) *way {
	w := &way{frames: make(chan []byte, 4096), closed: closed}
	// The frame is dropped when the other end has not taken thousands: so does a network.
	w.faulty = NewFaulty(seed, stream, f, func(b []byte) {
		select {
		case w.frames <- b:
		default:
		}
	})
	return w
}

func (w *way) put(frame []byte) error {
	select {
	case <-w.closed:
		return ErrClosed
	default:
	}
	w.faulty.Put(frame)
	return nil
}

// Faulty passes packets on as badly as asked: one direction of a link.
type Faulty struct {
	f       Faults
	deliver func([]byte)

	mu   sync.Mutex
	rand *rand.Rand
	free time.Time // when the line is
	hits map[string]int
}

// NewFaulty returns a direction that calls deliver, from several goroutines, with what arrives. The same seed and stream
// draw the same faults.
func NewFaulty(seed, stream uint64, f Faults, deliver func([]byte)) *Faulty {
	return &Faulty{f: f, deliver: deliver, rand: rand.New(rand.NewPCG(seed, stream)), hits: map[string]int{}}
}

// Put sends a packet, which is not kept.
func (w *Faulty) Put(packet []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	hit := func(what string, p float64) bool {
		yes := w.rand.Float64() < p
		if yes {
			w.hits[what]++
		}
		return yes
	}
	var line time.Duration // until the last byte has arrived
	if w.f.Rate > 0 {
		now := time.Now()
		if w.free.Before(now) {
			w.free = now
		}
		w.free = w.free.Add(time.Duration(wire(packet)) * time.Second / time.Duration(w.f.Rate))
		line = w.free.Sub(now)
	}
	copies := 1
	if hit("duplicate", w.f.Duplicate) {
		copies = 2
	}
	if hit("drop", w.f.Drop) {
		copies--
	}
	for i := range copies {
		b := bytes.Clone(packet)
		if hit("corrupt", w.f.Corrupt) {
			for range 1 + w.rand.IntN(4) {
				b[w.rand.IntN(len(b))] ^= 1 << w.rand.IntN(8)
			}
		}
		if hit("truncate", w.f.Truncate) {
			b = b[:w.rand.IntN(len(b))]
		}
		delay := line + w.f.Latency
		if hit("reorder", w.f.Reorder) {
			delay += time.Duration(w.rand.Int64N(int64(20*w.f.Latency + 1)))
		}
		if hit("delay", w.f.Delay) || i > 0 {
			delay += time.Duration(w.rand.Int64N(int64(w.f.MaxDelay + 1)))
		}
		if len(b) == 0 {
			continue
		}
		if delay == 0 {
			w.deliver(b)
			continue
		}
		time.AfterFunc(delay, func() { w.deliver(b) })
	}
}

// Hits returns how often each fault has struck.
func (w *Faulty) Hits() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.hits)
}
