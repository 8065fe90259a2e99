package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/train"
	"github.com/nmc-fpga/nmc/sim"
)

func newEval(a *app) *cobra.Command {
	var data, checkpoint string
	var at reach
	var samples int
	var from trial
	cmd := &cobra.Command{
		Use:   "eval BUILD",
		Short: "Measure on the test set what a build has learned",
		Long: `Measure on the test set what a build has learned: the state that nmc train left in BUILD.checkpoint, or, without one, the
weights that the net.toml imports. Nothing is learned.`,
		Args: func(cmd *cobra.Command, args []string) error { return oneBuild("eval", args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			start := time.Now()
			if cmd.Flags().Changed("samples") && samples < 1 {
				return fmt.Errorf("--samples %d: at least 1 is needed", samples)
			}
			b, err := openBuild(args[0])
			if err != nil {
				return err
			}
			c, err := learned(checkpointPath(checkpoint, args[0]), b)
			if err != nil {
				return err
			}
			test, err := from.of(cmd.Context(), b.manifest, data)
			if err != nil {
				return err
			}
			if samples > test.Len() {
				return fmt.Errorf("--samples %d: %s has %d %s samples", samples, test.set.Name, test.Len(), from.name())
			}
			if samples > 0 {
				test.set = test.set.Slice(0, samples)
			}
			dev, err := openDevice(cmd.Context(), at, b, a.stderr)
			if err != nil {
				return err
			}
			defer dev.Close()
			if err := b.image.Load(dev); err != nil {
				return err
			}
			epochs := 0
			if c == nil { // imported weights
				if err := initialize(dev); err != nil {
					return err
				}
			} else {
				if err := c.Device.Put(dev); err != nil {
					return err
				}
				if epochs = c.State.Epoch; c.State.Index == c.Job.Samples {
					epochs++
				}
			}
			tally, err := evaluate(cmd.Context(), dev, b, test, a)
			if err != nil {
				return err
			}
			digest, err := train.Digest(dev)
			if err != nil {
				return err
			}
			out := outcome{
				Rule: b.manifest.Rule, Data: test.set.Name, Device: at.on, Samples: tally.Samples, Epochs: epochs,
				Accuracy: tally.Accuracy(), Digest: manifest.Hex(digest),
				CyclesPerSample: float64(tally.Cycles) / float64(max(1, tally.Samples)), Seconds: time.Since(start).Seconds(),
			}
			a.answer = out
			how := "learned by " + out.Rule
			if c == nil {
				how = "with the imported weights"
			}
			a.say("%.2f%% of %d %s samples of %s, %s, on %s; digest %v\n", 100*out.Accuracy, out.Samples, from.name(), out.Data, how, at.on, out.Digest)
			if out.CyclesPerSample > 0 {
				a.say("%.0f cycles a sample\n", out.CyclesPerSample)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&data, "data", "", "dataset instead of the build's")
	f.IntVar(&samples, "samples", 0, "test samples (default: all)")
	f.StringVar(&checkpoint, "checkpoint", "", "file of the learned state (default: BUILD.checkpoint)")
	at.flag(cmd, "sim")
	from.flag(cmd)
	return cmd
}

// initialize does the init run.
func initialize(dev device.Runner) error {
	if err := dev.Submit(device.Run{Entry: device.Init}); err != nil {
		return err
	}
	_, err := dev.Result()
	return err
}

// learned reads the state that training a build has left; nil if there is none and the build has imported weights.
func learned(path string, b *build) (*train.Checkpoint, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if net, err := compiler.Read(b.net); err == nil && net.Import.Path != "" {
			return nil, nil
		}
		return nil, fmt.Errorf("%s: nothing was learned yet; run nmc train %s, or name the file with --checkpoint", path, b.path)
	}
	if err != nil {
		return nil, err
	}
	c, err := train.DecodeCheckpoint(raw, b.manifest.Device)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if c.ImageID != b.manifest.ImageID {
		return nil, fmt.Errorf("%s was learned with image_id %v, %s has %v; train again with nmc train %s, or name another file with --checkpoint",
			path, c.ImageID, b.path, b.manifest.ImageID, b.path)
	}
	return c, nil
}

// evaluate answers all samples of a source. A simulator is copied, one for each processor: an answer depends on the
// learned state only.
func evaluate(ctx context.Context, dev target, b *build, src *source, a *app) (train.Tally, error) {
	bar := newProgress(a.stderr, "test", "samples", 0, src.Len())
	defer bar.done()
	machine, ok := dev.(*sim.Machine)
	if !ok {
		return train.Evaluate(ctx, dev, src, func(p train.Progress) { bar.set(p.Done) })
	}
	state, err := machine.Snapshot()
	if err != nil {
		return train.Tally{}, err
	}
	var (
		mu   sync.Mutex
		sum  train.Tally
		done int
	)
	workers := min(runtime.GOMAXPROCS(0), max(1, src.Len()/100))
	group, ctx := errgroup.WithContext(ctx)
	for w := range workers {
		lo, hi := src.Len()*w/workers, src.Len()*(w+1)/workers
		group.Go(func() error {
			copied, err := sim.New(b.manifest.Device)
			if err != nil {
				return err
			}
			defer copied.Close()
			if err := copied.Restore(state); err != nil {
				return err
			}
			tally, err := train.Evaluate(ctx, copied, shard{src, lo, hi}, func(train.Progress) {
				mu.Lock()
				defer mu.Unlock()
				done++
				bar.set(done)
			})
			mu.Lock()
			defer mu.Unlock()
			sum.Samples += tally.Samples
			sum.Correct += tally.Correct
			sum.Cycles += tally.Cycles
			sum.Overflow += tally.Overflow
			return err
		})
	}
	err = group.Wait()
	return sum, err
}

// A shard is samples lo..hi-1 of a source.
type shard struct {
	*source
	lo, hi int
}

func (s shard) Len() int { return s.hi - s.lo }

func (s shard) Sample(epoch, i int) (device.Sample, int) { return s.source.Sample(epoch, s.lo+i) }
