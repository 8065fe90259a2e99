package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/host/ledger"
	"github.com/nmc-fpga/nmc/host/snapshot"
	"github.com/nmc-fpga/nmc/host/train"
	"github.com/nmc-fpga/nmc/sim"
)

// A cellRun learns a cell of a table of results once and enters it into the ledger.
type cellRun struct {
	app              *app
	seed             uint32
	seedGiven        bool
	control, replace bool
}

// cellOutcome is what table 2 --run answers.
type cellOutcome struct {
	Cell     string       `json:"cell"`
	Seed     uint32       `json:"seed"`
	Control  bool         `json:"control"`
	Accuracy float64      `json:"accuracy"` // fraction of the test set
	Digest   manifest.Hex `json:"digest"`
	Recorded string       `json:"recorded"` // "added", "equal", "different", "replaced"
}

func (c *cellRun) run(ctx context.Context, name string) error {
	root, err := cloneRoot()
	if err != nil {
		return err
	}
	net, sum, err := c.net(root, name)
	if err != nil {
		return err
	}
	if !c.seedGiven {
		c.seed = net.Seed
	}
	b, err := compiler.Compile(net, compiler.Options{})
	if err != nil {
		return err
	}
	m := b.Manifest
	run := ledger.Run{Seed: c.seed, Control: c.control, Net: sum, Samples: m.Data.Samples, Epochs: m.Data.Epochs}
	cell, err := readCell(root, name)
	if err != nil {
		return err
	}
	if cell == nil {
		cell = &ledger.Cell{Name: name}
	}
	old := cell.Find(c.seed, c.control)
	if old != nil && old.Net != sum && !c.replace {
		return fmt.Errorf("%s, %s: the ledger has it of other values of the net.toml, %.2f%% at commit %s; record it anew with --replace",
			name, run.What(), old.Accuracy(), old.Commit)
	}

	tally, digest, err := c.learn(ctx, root, name, &build{path: name, net: net.File, manifest: m, image: b.Image, top: b.Top})
	if err != nil {
		return err
	}
	run.Correct, run.Tested, run.Digest = tally.Correct, tally.Samples, digest
	run.Commit, run.Machine, run.Date = commit(ctx, root), machine(), time.Now().UTC().Format(time.DateOnly)
	out := cellOutcome{Cell: name, Seed: c.seed, Control: c.control, Accuracy: tally.Accuracy(), Digest: digest}
	said := fmt.Sprintf("%s, %s: %.2f%% of %d test samples, digest %v", name, run.What(), run.Accuracy(), run.Tested, digest)
	switch {
	case old == nil:
		out.Recorded = "added"
		said += ": added to the ledger"
	case c.replace:
		out.Recorded = "replaced"
		said += ": replaced in the ledger"
	case old.Digest == digest && old.Correct == run.Correct && old.Tested == run.Tested:
		out.Recorded = "equal"
		said += ": as recorded"
	default:
		out.Recorded = "different"
		c.app.answer = out
		return finding{fmt.Errorf("%s; the ledger has %.2f%% and digest %v at commit %s: record it anew with --replace", said, old.Accuracy(), old.Digest, old.Commit)}
	}
	if out.Recorded != "equal" {
		// Another run of the cell may have ended in the meantime.
		if now, err := readCell(root, name); err != nil {
			return err
		} else if now != nil {
			cell = now
		}
		// What the example is now: it may have changed since the first run.
		cell.Rule, cell.Variant, cell.Set = m.Rule, variant(net), m.Data.Set
		cell.Network = strings.Trim(strings.ReplaceAll(fmt.Sprint(m.Layers), " ", "-"), "[]")
		cell.Put(run)
		if err := cell.Save(filepath.Join(root, ledger.Dir)); err != nil {
			return err
		}
	}
	c.app.answer = out
	c.app.say("%s\n", said)
	return nil
}

// net reads the network of the cell. That of the control is control.toml if the cell has one, else the same with hidden
// layers of rate 0. sum is the SHA-256 of the values in the file: comments and order do not count.
func (c *cellRun) net(root, name string) (net *config.Net, sum string, err error) {
	folder := filepath.Join(root, "examples", name)
	if name != filepath.Base(name) || name == "." || name == ".." {
		return nil, "", fmt.Errorf("--run %s: a cell is a folder of examples, such as mnist-bp-1024", name)
	}
	file := filepath.Join(folder, "net.toml")
	own := filepath.Join(folder, "control.toml")
	frozen := c.control
	if _, err := os.Stat(own); err == nil && c.control {
		file, frozen = own, false
	}
	net, err = compiler.Read(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("--run %s: no %s; a cell is a folder of examples, such as mnist-bp-1024", name, file)
	}
	if err != nil {
		return nil, "", err
	}
	if frozen {
		for i := range net.Layers[:len(net.Layers)-1] {
			net.Layers[i].Rate = 0
		}
	}
	sum, err = valueSum(net.Source)
	return net, sum, err
}

// valueSum is the SHA-256 of what a TOML text says.
func valueSum(src []byte) (string, error) {
	values := map[string]any{}
	if _, err := toml.Decode(string(src), &values); err != nil {
		return "", err
	}
	var b bytes.Buffer
	if err := toml.NewEncoder(&b).Encode(values); err != nil { // sorts keys
		return "", err
	}
	h := sha256.Sum256(b.Bytes())
	return hex.EncodeToString(h[:]), nil
}

// variant names the options of the rule that differ from its defaults.
func variant(net *config.Net) string {
	var parts []string
	for _, o := range rules.All[net.Rule.Name].Spec.Options {
		v := net.Rule.Options[o.Name]
		switch o.Name {
		case "feedback":
			v = net.Rule.Feedback
		case "feedback_source":
			v = net.Rule.FeedbackSource
		}
		if v != o.Default {
			parts = append(parts, fmt.Sprintf("%s = %v", o.Name, v))
		}
	}
	return strings.Join(parts, ", ")
}

// readCell reads a cell of the ledger; nil if it has no run yet.
func readCell(root, name string) (*ledger.Cell, error) {
	file := filepath.Join(root, ledger.Dir, name+".json")
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	cell, err := ledger.Decode(raw)
	if err == nil && cell.Name != name {
		err = fmt.Errorf("holds cell %s", cell.Name)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return cell, nil
}

// learn learns all epochs in the simulator, from where an earlier run was interrupted, and tests once.
func (c *cellRun) learn(ctx context.Context, root, name string, b *build) (train.Tally, manifest.Hex, error) {
	fail := func(err error) (train.Tally, manifest.Hex, error) { return train.Tally{}, 0, err }
	m := b.manifest
	learn, err := trainingSet(ctx, m, "", uint64(c.seed))
	if err != nil {
		return fail(err)
	}
	test, err := (&trial{}).of(ctx, m, "")
	if err != nil {
		return fail(err)
	}
	if m.Data.Samples > learn.Len() {
		return fail(fmt.Errorf("%s: samples = %d, but %s has %d training samples beside %d for validation", name, m.Data.Samples, learn.set.Name, learn.Len(), m.Data.Validation))
	}
	kind := ""
	if c.control {
		kind = "-control"
	}
	folder := filepath.Join(root, "build", "table")
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return fail(err)
	}
	path := filepath.Join(folder, fmt.Sprintf("%s-seed%d%s.checkpoint", name, c.seed, kind))
	job := train.Job{Data: learn.set.Name, Samples: m.Data.Samples, Seed: uint64(c.seed), Encoder: learn.encoder.String(), Jitter: m.Data.Jitter, Flip: m.Data.Flip}

	dev, err := sim.New(m.Device)
	if err != nil {
		return fail(err)
	}
	defer dev.Close()
	if err := b.load(c.seed)(dev); err != nil {
		return fail(err)
	}
	opt := train.Options{
		Epochs: m.Data.Epochs, Samples: m.Data.Samples, CheckpointEvery: checkpointEvery,
		Checkpoint: func(s train.State) error {
			state, err := snapshot.Take(dev, m.Device)
			if err != nil {
				return err
			}
			return (&train.Checkpoint{ImageID: m.ImageID, HwID: m.HwID, Job: job, State: s, Device: state}).Save(path)
		},
	}
	first, total := 0, m.Data.Epochs*m.Data.Samples
	switch saved, err := train.LoadCheckpoint(path, m, job); {
	case err == nil && saved.State.Epoch < m.Data.Epochs:
		if err := saved.Device.Put(dev); err != nil {
			return fail(err)
		}
		opt.Resume = &saved.State
		first = saved.State.Epoch*m.Data.Samples + saved.State.Index
		c.app.note("going on after %d of %d samples\n", first, total)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		if _, missing := os.Stat(path); missing == nil {
			c.app.note("starting anew: %v\n", err)
		}
	}
	bar := newProgress(c.app.stderr, name, "samples", first, total)
	opt.Progress = func(p train.Progress) {
		bar.describe(func() string { return fmt.Sprintf("%.2f%% right", 100*p.Tally.Accuracy()) })
		bar.set(p.Done)
	}
	opt.EpochDone = func(e train.Epoch) error {
		bar.pause()
		c.app.say("epoch %d of %d: %.2f%% of the answers while learning, digest %v\n", e.Epoch+1, m.Data.Epochs, 100*e.Learn.Accuracy(), e.Digest)
		if e.Learn.Overflow > 0 {
			c.app.say("  %d elements left 16 bits and were saturated; give values more range\n", e.Learn.Overflow)
		}
		return nil
	}
	epochs, err := train.Train(ctx, dev, learn, opt)
	bar.done()
	if errors.Is(err, context.Canceled) {
		return fail(interruption{fmt.Errorf("interrupted; the same command goes on from %s", path)})
	}
	if err != nil {
		return fail(err)
	}
	tally, err := evaluate(ctx, dev, b, test, c.app)
	return tally, epochs[len(epochs)-1].Digest, err
}

// commit is that of the sources that nmc was built from, with + when they had changes; that of the clone if the build does not
// tell, and "unknown" if neither does.
func commit(ctx context.Context, root string) string {
	id, changed := "", ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && len(s.Value) >= 7:
				id = s.Value[:7]
			case s.Key == "vcs.modified" && s.Value == "true":
				changed = "+"
			}
		}
	}
	if id != "" {
		return id + changed
	}
	git := exec.CommandContext(ctx, "git", "describe", "--always", "--exclude=*", "--abbrev=7", "--dirty=+")
	git.Dir = root
	out, err := git.Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// machine is the model of the processor.
func machine() string {
	if f, err := os.Open("/proc/cpuinfo"); err == nil {
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			if key, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(key) == "model name" {
				return strings.TrimSpace(value)
			}
		}
	}
	return runtime.GOARCH
}
