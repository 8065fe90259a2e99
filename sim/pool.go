package sim

import (
	"runtime"
	"sync/atomic"
	"time"
)

// pool is a set of goroutines that take parts of one job at a time. Instructions follow each other within
// microseconds, so a worker spins for a while before it sleeps.
type pool struct {
	workers []*worker
}

type worker struct {
	state atomic.Uint32
	job   func(part int)
	part  int
	wake  chan struct{}
	_     [64]byte // keeps workers on cache lines of their own
}

// States of a worker. The pool writes working and stopped, the worker idle and asleep.
const (
	idle uint32 = iota
	working
	asleep
	stopped
)

// spin is how long a worker waits for the next job before it sleeps.
const spin = 100 * time.Microsecond

// newPool starts n-1 workers; the caller of run is the n-th.
func newPool(n int) *pool {
	p := &pool{}
	for i := 1; i < n; i++ {
		w := &worker{part: i, wake: make(chan struct{}, 1)}
		p.workers = append(p.workers, w)
		go w.serve()
	}
	return p
}

// run calls f(0..n-1), each in its own goroutine, and returns when all have returned.
func (p *pool) run(f func(part int)) {
	for _, w := range p.workers {
		w.job = f
		w.hand(working)
	}
	f(0)
	for _, w := range p.workers {
		for i := 1; w.state.Load() == working; i++ {
			if i%256 == 0 {
				runtime.Gosched()
			}
		}
	}
}

// close ends the workers.
func (p *pool) close() {
	for _, w := range p.workers {
		w.hand(stopped)
	}
	p.workers = nil
}

func (w *worker) hand(state uint32) {
	if w.state.Swap(state) == asleep {
		w.wake <- struct{}{}
	}
}

func (w *worker) serve() {
	for {
		switch w.await() {
		case working:
			w.job(w.part)
			w.state.Store(idle)
		case stopped:
			return
		}
	}
}

// await returns the next state that the pool set.
func (w *worker) await() uint32 {
	began := time.Now()
	for i := 1; ; i++ {
		if s := w.state.Load(); s != idle {
			return s
		}
		if i%256 != 0 {
			continue
		}
		runtime.Gosched()
		if time.Since(began) > spin && w.state.CompareAndSwap(idle, asleep) {
			<-w.wake
			return w.state.Load()
		}
	}
}
