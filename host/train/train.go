// Package train learns samples on a device and measures what it has learned. It does not know what the device is: the
// simulator, a Verilated engine or a board behind a link.
package train

import (
	"context"
	"errors"
	"fmt"

	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/firmware/device"
)

// Source gives samples with their labels.
type Source interface {
	Len() int
	// Sample returns sample i of an epoch and its label. It need not outlive the next call.
	Sample(epoch, i int) (device.Sample, int)
}

// Options of Train.
type Options struct {
	Epochs  int
	Samples int // learned in an epoch: the first of its order; 0: the whole source
	// Order returns the order of an epoch, a permutation of 0..n-1; nil: ascending.
	Order func(epoch, n int) []int
	// Test is answered after every epoch; nil: not.
	Test Source

	// Resume is where to go on on a device that has the state of that moment; nil: from the start, with an init run.
	Resume *State

	// Progress, when not nil, is told of every sample learned or answered.
	Progress func(Progress)
	// EpochDone, when not nil, is called after each epoch; its error ends training.
	EpochDone func(Epoch) error
	// Checkpoint, when not nil, is called every CheckpointEvery learned samples (0: not), after the last sample of each
	// epoch and when the context is done. The device is idle then and has learned all samples before the state's
	// position, no other.
	Checkpoint      func(State) error
	CheckpointEvery int
	// Look, when not nil, is called every LookEvery learned samples, at least 1. The device is as idle as for Checkpoint, and
	// holds what the run of the last sample left.
	Look      func(State) error
	LookEvery int
}

// State is how far training has come.
type State struct {
	Epoch int     `json:"epoch"` // from 0
	Index int     `json:"index"` // samples of the epoch that are learned
	Tally Tally   `json:"tally"` // of those
	Done  []Epoch `json:"done"`  // the epochs before
}

// Tally sums up runs.
type Tally struct {
	Samples  int    `json:"samples"`
	Correct  int    `json:"correct"`
	Cycles   uint64 `json:"cycles"` // of the device; 0: it does not tell
	Overflow uint64 `json:"overflow"`
}

// Accuracy is the fraction of correct answers, 0 without samples.
func (t Tally) Accuracy() float64 {
	if t.Samples == 0 {
		return 0
	}
	return float64(t.Correct) / float64(t.Samples)
}

func (t *Tally) add(r device.Result, label int) {
	t.Samples++
	if r.Result[0] == int32(label) {
		t.Correct++
	}
	t.Cycles += uint64(r.Cycles)
	t.Overflow += uint64(r.Overflow)
}

// Epoch is one epoch's outcome.
type Epoch struct {
	Epoch  int          `json:"epoch"` // from 0
	Learn  Tally        `json:"learn"` // answers given while learning, each before its update
	Test   Tally        `json:"test"`
	Digest manifest.Hex `json:"digest"` // of the learned state
}

// Progress is how far a phase has come.
type Progress struct {
	Phase string // "train" or "test"
	Epoch int    // from 0
	Done  int    // samples of the phase; of all epochs for "train"
	Total int
	Tally Tally // of the epoch, or of the test
}

// Train learns Epochs epochs and returns what each gave, those before a resumption among them. When the context is done
// it stops between two samples, calls Checkpoint and returns the context's error.
func Train(ctx context.Context, dev device.Runner, src Source, opt Options) ([]Epoch, error) {
	n := opt.Samples
	if n == 0 {
		n = src.Len()
	}
	if n < 1 || n > src.Len() {
		return nil, fmt.Errorf("train: %d samples an epoch of a source that has %d; ask for 1 to that many", n, src.Len())
	}
	if opt.Epochs < 1 {
		return nil, fmt.Errorf("train: %d epochs; at least 1 is needed", opt.Epochs)
	}
	t := &trainer{ctx: ctx, dev: dev, src: src, opt: opt, n: n}
	if opt.Resume != nil {
		t.state = *opt.Resume
		if t.state.Index < 0 || t.state.Index > n || t.state.Epoch < 0 || t.state.Epoch != len(t.state.Done) {
			return nil, fmt.Errorf("train: cannot resume at epoch %d, sample %d of %d: samples must be those that training began with",
				t.state.Epoch, t.state.Index, n)
		}
		// Appending must not reach into the caller's.
		t.state.Done = append([]Epoch(nil), t.state.Done...)
	} else if _, err := one(dev, device.Run{Entry: device.Init}); err != nil {
		return nil, fmt.Errorf("train: init: %w", err)
	}
	for t.state.Epoch < opt.Epochs {
		if err := t.epoch(); err != nil {
			return t.state.Done, err
		}
	}
	return t.state.Done, nil
}

type trainer struct {
	ctx   context.Context
	dev   device.Runner
	src   Source
	opt   Options
	n     int
	state State
}

// epoch goes on with the current epoch to its end.
func (t *trainer) epoch() error {
	s := &t.state
	order := func(i int) int { return i }
	if t.opt.Order != nil {
		o := t.opt.Order(s.Epoch, t.src.Len())
		order = func(i int) int { return o[i] }
	}
	for s.Index < t.n {
		stop := t.n
		if e := t.opt.CheckpointEvery; e > 0 {
			stop = min(stop, (s.Index/e+1)*e)
		}
		if e := t.opt.LookEvery; t.opt.Look != nil {
			stop = min(stop, (s.Index/e+1)*e)
		}
		err := stream(t.ctx, t.dev, device.Learn, s.Index, stop, func(i int) (device.Sample, int) {
			return t.src.Sample(s.Epoch, order(i))
		}, func(r device.Result, label int) {
			s.Index++
			s.Tally.add(r, label)
			t.progress("train", s.Epoch*t.n+s.Index, t.opt.Epochs*t.n, s.Tally)
		})
		// What went into the device before the end was learned and counts.
		if err != nil && !stopped(err) {
			return fmt.Errorf("train: epoch %d, sample %d: %w", s.Epoch, s.Index, err)
		}
		if t.opt.Look != nil && s.Index > 0 && s.Index%t.opt.LookEvery == 0 {
			if err := t.opt.Look(t.copy()); err != nil {
				return fmt.Errorf("train: a look at epoch %d, sample %d: %w", s.Epoch, s.Index, err)
			}
		}
		if e := t.opt.CheckpointEvery; t.opt.Checkpoint != nil && (err != nil || s.Index == t.n || e > 0 && s.Index%e == 0) {
			if err := t.opt.Checkpoint(t.copy()); err != nil {
				return fmt.Errorf("train: checkpoint at epoch %d, sample %d: %w", s.Epoch, s.Index, err)
			}
		}
		if err != nil {
			return err
		}
	}
	e := Epoch{Epoch: s.Epoch, Learn: s.Tally}
	r, err := one(t.dev, device.Run{Entry: device.Digest})
	if err != nil {
		return fmt.Errorf("train: epoch %d: digest: %w", s.Epoch, err)
	}
	e.Digest = manifest.Hex(r.Digest)
	if t.opt.Test != nil {
		e.Test, err = Evaluate(t.ctx, t.dev, t.opt.Test, func(p Progress) { t.progress("test", p.Done, p.Total, p.Tally) })
		if err != nil {
			return fmt.Errorf("train: epoch %d: %w", s.Epoch, err)
		}
	}
	if t.opt.EpochDone != nil {
		if err := t.opt.EpochDone(e); err != nil {
			return err
		}
	}
	s.Done = append(s.Done, e)
	s.Epoch, s.Index, s.Tally = s.Epoch+1, 0, Tally{}
	return nil
}

func (t *trainer) progress(phase string, done, total int, tally Tally) {
	if t.opt.Progress != nil {
		t.opt.Progress(Progress{Phase: phase, Epoch: t.state.Epoch, Done: done, Total: total, Tally: tally})
	}
}

func (t *trainer) copy() State {
	s := t.state
	s.Done = append([]Epoch(nil), s.Done...)
	return s
}

// Evaluate has the device answer all samples of a source without learning; progress may be nil.
func Evaluate(ctx context.Context, dev device.Runner, src Source, progress func(Progress)) (Tally, error) {
	var tally Tally
	n := src.Len()
	err := stream(ctx, dev, device.Infer, 0, n, func(i int) (device.Sample, int) {
		return src.Sample(0, i)
	}, func(r device.Result, label int) {
		tally.add(r, label)
		if progress != nil {
			progress(Progress{Phase: "test", Done: tally.Samples, Total: n, Tally: tally})
		}
	})
	if err != nil && !stopped(err) {
		err = fmt.Errorf("test sample %d: %w", tally.Samples, err)
	}
	return tally, err
}

// Digest has the device digest what it has learned.
func Digest(dev device.Runner) (uint64, error) {
	r, err := one(dev, device.Run{Entry: device.Digest})
	return r.Digest, err
}

// one does one run.
func one(dev device.Runner, run device.Run) (device.Result, error) {
	if err := dev.Submit(run); err != nil {
		return device.Result{}, err
	}
	return dev.Result()
}

// stopError says that the context was done; whatever was submitted has ended.
type stopError struct{ error }

func (e stopError) Unwrap() error { return e.error }

func stopped(err error) bool {
	var s stopError
	return errors.As(err, &s)
}

// stream runs an entry with the samples from lo to below hi, the next already on its way while one runs, and passes the
// results on in order.
func stream(ctx context.Context, dev device.Runner, entry device.Entry, lo, hi int, sample func(i int) (device.Sample, int), done func(r device.Result, label int)) error {
	var labels [device.Window]int
	next := lo
	var stop error
	for taken := lo; ; taken++ {
		for stop == nil && next < hi && next-taken < device.Window {
			if err := context.Cause(ctx); err != nil {
				stop = stopError{err}
				break
			}
			x, label := sample(next)
			if err := dev.Submit(device.Run{Entry: entry, Label: uint16(label), Sample: x}); err != nil {
				return err
			}
			labels[next%device.Window] = label
			next++
		}
		if taken == next {
			return stop
		}
		r, err := dev.Result()
		if err != nil {
			return err
		}
		done(r, labels[taken%device.Window])
	}
}
