package sim

import (
	"runtime"
	"sync/atomic"
	"time"
)

// pool is a set of goroutines that share the parts of one job at a time. Instructions follow each other within
// microseconds, so a worker spins for a while before it sleeps. Whoever runs the job takes parts as well: a worker that
// the operating system does not schedule delays nobody.
type pool struct {
	left    atomic.Int32 // parts that nobody has taken
	_       [60]byte     // keeps what everybody spins on apart
	done    atomic.Int32 // parts that have ended
	job     func(part int)
	stop    atomic.Bool
	workers []*worker
}

type worker struct {
	asleep atomic.Bool
	wake   chan struct{}
}

// spin is how long a worker waits for the next job before it sleeps.
const spin = 100 * time.Microsecond

// newPool starts n-1 workers; the caller of run is the n-th.
func newPool(n int) *pool {
	p := &pool{}
	for range n - 1 {
		w := &worker{wake: make(chan struct{}, 1)}
		p.workers = append(p.workers, w)
		go p.serve(w)
	}
	return p
}

// run calls f(0..parts-1) from several goroutines and returns when all calls have returned.
func (p *pool) run(parts int, f func(part int)) {
	p.job = f
	p.done.Store(0)
	p.left.Store(int32(parts))
	p.wakeAll()
	for p.take() {
	}
	for i := 1; p.done.Load() != int32(parts); i++ {
		if i%256 == 0 {
			runtime.Gosched()
		}
	}
}

// take executes a part that nobody has taken, if there is one.
func (p *pool) take() bool {
	for {
		n := p.left.Load()
		if n <= 0 {
			return false
		}
		// The job cannot change before this part has ended.
		if p.left.CompareAndSwap(n, n-1) {
			p.job(int(n - 1))
			p.done.Add(1)
			return true
		}
	}
}

func (p *pool) wakeAll() {
	for _, w := range p.workers {
		if w.asleep.Load() && w.asleep.CompareAndSwap(true, false) {
			w.wake <- struct{}{}
		}
	}
}

// close ends the workers.
func (p *pool) close() {
	p.stop.Store(true)
	p.wakeAll()
}

func (p *pool) serve(w *worker) {
	began := time.Now()
	for i := 1; !p.stop.Load(); i++ {
		if p.take() {
			began = time.Now()
			continue
		}
		if i%256 != 0 {
			continue
		}
		runtime.Gosched()
		if time.Since(began) < spin {
			continue
		}
		// Whoever sets asleep back, this worker or wakeAll, decides whether there is a message to receive.
		w.asleep.Store(true)
		if p.left.Load() <= 0 && !p.stop.Load() || !w.asleep.CompareAndSwap(true, false) {
			<-w.wake
		}
		began = time.Now()
	}
}
