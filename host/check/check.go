// Package check learns the same samples on a device and on the simulator and compares, bit for bit, what they answer and
// what they have learned. Where they differ it finds the first sample, the instruction of its run and the element of the
// memory.
package check

import (
	"context"
	"fmt"
	"slices"

	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/snapshot"
)

// Device is what can be checked. Reopen numbers the commits from 1 again and keeps the memories.
type Device interface {
	device.Memory
	device.Runner
	Reopen() error
}

// Tracer is a simulator that tells which instructions retire; with it a difference has a program address.
type Tracer interface {
	Trace(f func(pc int))
}

// Source gives the samples to be learned.
type Source interface {
	Len() int
	// Sample returns sample i of an epoch and its label; asked again it returns the same. It need not outlive the next
	// call.
	Sample(epoch, i int) (device.Sample, int)
}

// Options of a check.
type Options struct {
	Samples int // learned; 0: all of the source, more than it has: further epochs of it
	Every   int // samples between digests; 0: only one at the end

	// Disasm returns the text of the instruction at a program address, nil: none is reported.
	Disasm func(pc int) string
	// Progress, when not nil, is told of samples done. phase is "check", then, after a difference, "bisect".
	Progress func(phase string, done, total int)
}

// Report is the outcome.
type Report struct {
	Equal           bool         `json:"equal"`
	Samples         int          `json:"samples"` // learned and compared
	DigestSim       manifest.Hex `json:"digest_sim"`
	DigestDevice    manifest.Hex `json:"digest_device"`
	FirstDifference *Difference  `json:"first_difference"`
}

// step 0 is the init run, step s > 0 learns sample s-1. Its commit has number s+1 (modulo 2: digests come in pairs), so
// that each sample goes through the same input buffer whenever it is learned.
type checker struct {
	ctx  context.Context
	m    *manifest.Manifest
	load func(device.Memory) error
	sim  Device
	dev  Device
	src  Source
	opt  Options
	last int // step
}

// finding is what one pass over the steps has found.
type finding struct {
	good    int // last step after which the digests were equal, or -1
	bad     int // first step in or before which a difference has shown; -1: none
	results string
	digests [2]uint64 // of simulator and device, the last taken
}

// Run loads the image into simulator and device, runs init, learns the samples on both and compares. A difference is
// reported, not an error; errors are those of links, runs and the context.
func Run(ctx context.Context, m *manifest.Manifest, load func(device.Memory) error, sim, dev Device, src Source, opt Options) (*Report, error) {
	if opt.Samples == 0 {
		opt.Samples = src.Len()
	}
	if src.Len() == 0 && opt.Samples > 0 {
		return nil, fmt.Errorf("check: the source has no samples")
	}
	c := &checker{ctx: ctx, m: m, load: load, sim: sim, dev: dev, src: src, opt: opt, last: opt.Samples}
	at := []int{0}
	if opt.Every > 0 {
		for s := opt.Every; s < c.last; s += opt.Every {
			at = append(at, s)
		}
	}
	f, err := c.pass(false, c.last, slices.Compact(append(at, c.last)))
	if err != nil {
		return nil, err
	}
	r := &Report{
		Equal:        f.bad < 0,
		Samples:      c.last,
		DigestSim:    manifest.Hex(f.digests[0]),
		DigestDevice: manifest.Hex(f.digests[1]),
	}
	if !r.Equal {
		r.Samples = f.bad
		if r.FirstDifference, err = c.bisect(f); err != nil {
			return nil, fmt.Errorf("check: device and simulator differ at or before %s (%s), but: %w", stepName(f.bad), f.results, err)
		}
	}
	return r, nil
}

func stepName(s int) string {
	if s == 0 {
		return "init"
	}
	return fmt.Sprintf("sample %d", s-1)
}

// run returns the run of a step.
func (c *checker) run(s int) device.Run {
	if s == 0 {
		return device.Run{Entry: device.Init}
	}
	i := s - 1
	x, label := c.src.Sample(i/c.src.Len(), i%c.src.Len())
	return device.Run{Entry: device.Learn, Label: uint16(label), Sample: x}
}

// both does f with simulator and device, and says in an error which it was.
func (c *checker) both(f func(Device) error) error {
	// The device first: it works while the simulator does.
	if err := f(c.dev); err != nil {
		return fmt.Errorf("device: %w", err)
	}
	if err := f(c.sim); err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	return nil
}

func (c *checker) submit(r device.Run) error {
	return c.both(func(d Device) error { return d.Submit(r) })
}

func (c *checker) result() (sim, dev device.Result, err error) {
	if sim, err = c.sim.Result(); err != nil {
		return sim, dev, fmt.Errorf("simulator: %w", err)
	}
	if dev, err = c.dev.Result(); err != nil {
		return sim, dev, fmt.Errorf("device: %w", err)
	}
	return sim, dev, nil
}

// digest runs the digest entry twice and returns that of the simulator and that of the device.
func (c *checker) digest() (d [2]uint64, err error) {
	for range 2 {
		if err := c.submit(device.Run{Entry: device.Digest}); err != nil {
			return d, err
		}
		sim, dev, err := c.result()
		if err != nil {
			return d, err
		}
		d = [2]uint64{sim.Digest, dev.Digest}
	}
	return d, nil
}

// start brings both to the state before step 0. With clear the memories start from zero, so that nothing of an earlier
// pass is left.
func (c *checker) start(clear bool) error {
	return c.both(func(d Device) error {
		if err := d.Reopen(); err != nil {
			return err
		}
		if clear {
			if err := snapshot.Zero(c.m.Device).Put(d); err != nil {
				return err
			}
		}
		return c.load(d)
	})
}

// pass runs the steps from 0 to last and compares the result of each, and the digests after the steps in at, which
// ascend. It ends at the first difference. again says that it is a pass of the search.
func (c *checker) pass(again bool, last int, at []int) (finding, error) {
	phase := "check"
	if again {
		phase = "bisect"
	}
	f := finding{good: -1, bad: -1}
	fail := func(s int, err error) (finding, error) {
		return f, fmt.Errorf("%s: %w", stepName(s), err)
	}
	if err := c.start(again); err != nil {
		return f, fmt.Errorf("loading the image: %w", err)
	}
	next, done := 0, 0 // steps to submit, steps compared
	take := func() error {
		sim, dev, err := c.result()
		if err != nil {
			return err
		}
		if d := compare(sim, dev); d != "" && f.bad < 0 {
			f.bad, f.results = done, d
		}
		done++
		return nil
	}
	for _, stop := range at {
		for done <= stop && f.bad < 0 {
			if err := c.ctx.Err(); err != nil {
				return fail(done, err)
			}
			for next <= stop && next-done < device.Window {
				if err := c.submit(c.run(next)); err != nil {
					return fail(next, err)
				}
				next++
			}
			if err := take(); err != nil {
				return fail(done, err)
			}
			if c.opt.Progress != nil && done > 1 {
				c.opt.Progress(phase, done-1, last)
			}
		}
		for done < next { // after a difference
			if err := take(); err != nil {
				return fail(done, err)
			}
		}
		d, err := c.digest()
		if err != nil {
			return fail(done-1, fmt.Errorf("digest: %w", err))
		}
		f.digests = d
		if f.bad >= 0 {
			return f, nil
		}
		if d[0] != d[1] {
			f.bad, f.results = stop, fmt.Sprintf("digest: device %016x, simulator %016x", d[1], d[0])
			return f, nil
		}
		f.good = stop
	}
	return f, nil
}

// compare says what differs between the results of one run; cycles and commit number may.
func compare(sim, dev device.Result) string {
	switch {
	case sim.Result != dev.Result:
		return fmt.Sprintf("result: device %d, simulator %d", dev.Result, sim.Result)
	case sim.Overflow != dev.Overflow:
		return fmt.Sprintf("overflow count: device %d, simulator %d", dev.Overflow, sim.Overflow)
	case sim.Stopped != dev.Stopped:
		return fmt.Sprintf("stopped by limit: device %t, simulator %t", dev.Stopped, sim.Stopped)
	}
	return ""
}
