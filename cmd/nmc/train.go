package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/snapshot"
	"github.com/nmc-fpga/nmc/host/train"
)

// checkpointEvery is how many learned samples a crash can cost.
const checkpointEvery = 10000

// An outcome is what train and eval answer.
type outcome struct {
	Rule            string       `json:"rule"`
	Data            string       `json:"data"`
	Device          string       `json:"device"`
	Samples         int          `json:"samples"`           // train: learned in an epoch; eval: answered
	Epochs          int          `json:"epochs"`            // learned in all
	Accuracy        float64      `json:"accuracy"`          // fraction of the test set, or of the held-out samples
	Digest          manifest.Hex `json:"digest"`            // of the learned state
	CyclesPerSample float64      `json:"cycles_per_sample"` // mean of the device; 0: the simulator does not count
	Seconds         float64      `json:"seconds"`
	Link            *linkUse     `json:"link,omitempty"` // train; absent for the simulator
}

type training struct {
	app  *app
	cmd  *cobra.Command
	path string // of the build, as given

	reach
	data, checkpoint, export string
	epochs, samples, every   int
	resume                   bool
	seeding
	trial  trial
	record recording
	look   looking
}

func newTrain(a *app) *cobra.Command {
	t := &training{app: a}
	cmd := &cobra.Command{
		Use:   "train BUILD",
		Short: "Learn, and measure what was learned on the test set",
		Long: `Learn, and measure what was learned on the test set. BUILD is a build folder or a net.toml.

The state is saved every 10,000 samples, after every epoch and on Ctrl-C; --resume goes on from there, to the same digest as
an uninterrupted run. A device that has restarted gets image and state again and goes on, too. nmc eval takes the learned
state from the same file.`,
		Args: func(cmd *cobra.Command, args []string) error { return oneBuild("train", args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			t.cmd, t.path = cmd, args[0]
			return t.record.end(t.look.end(t.run(cmd.Context())))
		},
	}
	f := cmd.Flags()
	f.StringVar(&t.data, "data", "", "dataset instead of the build's")
	f.IntVar(&t.epochs, "epochs", 0, "epochs (default: the build's); the rates' schedule stays the build's")
	f.IntVar(&t.samples, "samples", 0, "samples of an epoch (default: the build's)")
	f.BoolVar(&t.resume, "resume", false, "go on from the checkpoint")
	f.StringVar(&t.checkpoint, "checkpoint", "", "file of the checkpoint (default: BUILD.checkpoint)")
	f.IntVar(&t.every, "checkpoint-every", checkpointEvery, "samples between two checkpoints: what a crash can cost")
	f.StringVar(&t.record.path, "record", "", "write what goes over the link to this .pcap file; nmc replay does it again")
	f.StringVar(&t.export, "export", "", "write the learned weights to this .npz file")
	t.reach.flag(cmd, "sim")
	t.seeding.flag(cmd)
	t.trial.flag(cmd)
	t.look.flag(cmd)
	return cmd
}

// checkpointPath is where the state of a build is kept: beside it, so that compiling again does not remove it.
func checkpointPath(given, build string) string {
	if given != "" {
		return given
	}
	return strings.TrimSuffix(strings.TrimRight(build, "/"), ".toml") + ".checkpoint"
}

func (t *training) run(ctx context.Context) error {
	start := time.Now()
	b, err := openBuild(t.path)
	if err != nil {
		return err
	}
	if err := b.learns(); err != nil {
		return err
	}
	m := b.manifest
	if t.cmd.Flags().Changed("epochs") && t.epochs < 1 {
		return fmt.Errorf("--epochs %d: at least 1 is needed", t.epochs)
	}
	if t.cmd.Flags().Changed("samples") && t.samples < 1 {
		return fmt.Errorf("--samples %d: at least 1 is needed", t.samples)
	}
	if t.every < 1 {
		return fmt.Errorf("--checkpoint-every %d: at least 1 is needed", t.every)
	}
	if t.epochs == 0 {
		t.epochs = m.Data.Epochs
	}
	if t.record.path != "" && !strings.HasSuffix(t.record.path, ".pcap") {
		return fmt.Errorf("--record %s: name a .pcap file", t.record.path)
	}
	if t.export != "" && !strings.HasSuffix(t.export, ".npz") {
		return fmt.Errorf("--export %s: name a .npz file", t.export)
	}
	seed := t.of(t.cmd, b)
	learn, err := trainingSet(ctx, m, t.data, uint64(seed))
	if err != nil {
		return err
	}
	test, err := t.trial.of(ctx, m, t.data)
	if err != nil {
		return err
	}
	switch {
	case t.samples > learn.Len():
		return fmt.Errorf("--samples %d: %s has %d training samples beside %d for validation", t.samples, learn.set.Name, learn.Len(), m.Data.Validation)
	case t.samples == 0 && m.Data.Samples > 0:
		t.samples = min(m.Data.Samples, learn.Len())
	case t.samples == 0:
		t.samples = learn.Len()
	}
	job := train.Job{Data: learn.set.Name, Samples: t.samples, Seed: uint64(seed), Encoder: learn.encoder.String(), Jitter: m.Data.Jitter, Flip: m.Data.Flip}
	path := checkpointPath(t.checkpoint, t.path)

	var resumed *train.Checkpoint
	if t.resume {
		if resumed, err = train.LoadCheckpoint(path, m, job); err != nil {
			return err
		}
		if resumed.State.Epoch >= t.epochs {
			return fmt.Errorf("%s has learned %d epochs already; ask for more with --epochs", path, resumed.State.Epoch)
		}
	}
	if err := t.look.begin(m, t.resume); err != nil {
		return err
	}
	if err := t.record.begin(&t.reach); err != nil {
		return err
	}
	dev, err := openDevice(ctx, t.reach, b, t.app.stderr)
	if err != nil {
		return err
	}
	defer func() { dev.Close() }()
	watched := newWatch(dev, t.on, m.Device)
	if watched != nil {
		dev = watched
	}
	if t.record.path != "" {
		// A replay must find the memories as they are here.
		if err := snapshot.Zero(m.Device).Put(dev); err != nil {
			return err
		}
	}
	if err := b.load(seed)(dev); err != nil {
		return err
	}

	var lost losses
	out := outcome{Rule: m.Rule, Data: learn.set.Name, Device: t.on, Samples: t.samples, Epochs: t.epochs}
	total := t.epochs * t.samples
	first := 0
	opt := train.Options{
		Epochs:          t.epochs,
		Samples:         t.samples,
		CheckpointEvery: t.every,
		Checkpoint: func(s train.State) error {
			state, err := snapshot.Take(dev, m.Device)
			if err != nil {
				return err
			}
			resumed = &train.Checkpoint{ImageID: m.ImageID, HwID: m.HwID, Job: job, State: s, Device: state}
			lost.again = 0
			return resumed.Save(path)
		},
	}
	if t.look.path != "" {
		opt.LookEvery = t.look.every
		opt.Look = func(s train.State) error {
			_, label := learn.Sample(s.Epoch, s.Index-1)
			return t.look.Look(dev, s.Epoch*t.samples+s.Index, s.Epoch, s.Index-1, label)
		}
	}
	if resumed != nil {
		if err := resumed.Device.Put(dev); err != nil {
			return err
		}
		opt.Resume = &resumed.State
		first = resumed.Learned()
		t.app.note("going on after %d of %d samples\n", first, total)
	}
	bar := newProgress(t.app.stderr, "train", "samples", first, total)
	opt.Progress = func(p train.Progress) {
		bar.describe(func() string {
			note := fmt.Sprintf("%.2f%% right", 100*p.Tally.Accuracy())
			if watched != nil {
				note += ", " + watched.String()
			}
			return note
		})
		bar.set(p.Done)
	}
	opt.EpochDone = func(e train.Epoch) error {
		bar.pause()
		tally, err := evaluate(ctx, dev, b, test, t.app)
		if err != nil {
			return err
		}
		out.Accuracy, out.Digest = tally.Accuracy(), e.Digest
		t.app.say("epoch %d of %d: %.2f%% of the answers while learning, %.2f%% of %d %s samples, digest %v\n",
			e.Epoch+1, t.epochs, 100*e.Learn.Accuracy(), 100*out.Accuracy, tally.Samples, t.trial.name(), e.Digest)
		if e.Learn.Overflow > 0 {
			t.app.say("  %d elements left 16 bits and were saturated; give values more range\n", e.Learn.Overflow)
		}
		return nil
	}
	epochs, err := train.Train(ctx, dev, learn, opt)
	for lost.of(err) {
		bar.pause()
		t.app.note("the device restarted (boot %08x, was %08x): it gets what it had learned back, going on after %d of %d samples\n",
			lost.last.Is.Boot, lost.last.Was.Boot, resumed.Learned(), total)
		dev.Close()
		next, failed := reopenDevice(ctx, t.reach, b, t.app.stderr)
		if failed != nil {
			err = fmt.Errorf("%w; %w", err, failed)
			break
		}
		watched.restarted(next)
		if err = b.load(seed)(dev); err == nil && resumed != nil {
			opt.Resume = &resumed.State
			err = resumed.Device.Put(dev)
		}
		if err == nil {
			epochs, err = train.Train(ctx, dev, learn, opt)
		}
	}
	bar.done()
	switch {
	case errors.Is(err, context.Canceled):
		return interruption{fmt.Errorf("interrupted; what was learned is in %s, go on with: %s", path, t.again())}
	case err != nil && resumed != nil:
		return fmt.Errorf("%w; what was learned before is in %s, go on with: %s", err, path, t.again())
	case err != nil:
		return err
	}
	var sum train.Tally
	for _, e := range epochs {
		sum.Samples += e.Learn.Samples
		sum.Cycles += e.Learn.Cycles
	}
	out.CyclesPerSample = float64(sum.Cycles) / float64(max(1, sum.Samples))
	out.Seconds = time.Since(start).Seconds()
	if watched != nil {
		out.Link = watched.use()
	}
	t.app.answer = out
	t.app.say("%d epochs of %d samples by %s on %s in %.1f s: %.2f%%\n", out.Epochs, out.Samples, out.Rule, out.Device, out.Seconds, 100*out.Accuracy)
	if out.CyclesPerSample > 0 {
		t.app.say("%.0f cycles a sample\n", out.CyclesPerSample)
	}
	if u := out.Link; u != nil {
		t.app.say("link: %sB sent, %sB received, %d requests sent again\n", size(float64(u.Sent)), size(float64(u.Received)), u.Resent)
	}
	t.app.say("learned state in %s\n", path)
	if t.export != "" {
		if err := export(dev, b, t.export); err != nil {
			return err
		}
		t.app.say("weights in %s\n", t.export)
	}
	return nil
}

// losses counts the times that a device has lost what it had learned.
type losses struct {
	all   int
	again int // since the last checkpoint
	last  *host.Restarted
}

// mostLosses is how many losses in a row are made good: a device that always restarts would keep training for ever.
const mostLosses = 8

// of says whether an error is a loss that can be made good, and counts it.
func (l *losses) of(err error) bool {
	var lost *host.Restarted
	if !errors.As(err, &lost) || lost.Taken() {
		return false
	}
	l.all++
	l.again++
	l.last = lost
	return l.again <= mostLosses
}

// again is the command that resumes this one.
func (t *training) again() string {
	words := []string{"nmc train", t.path}
	t.cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name != "resume" {
			words = append(words, fmt.Sprintf("--%s=%s", f.Name, f.Value))
		}
	})
	return strings.Join(append(words, "--resume"), " ")
}

// writeWhole writes a file that is there whole or not at all.
func writeWhole(path string, write func(*os.File) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".nmc-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if err = write(f); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
