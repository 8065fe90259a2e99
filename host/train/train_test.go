package train_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/model"
	"github.com/nmc-fpga/nmc/host/snapshot"
	"github.com/nmc-fpga/nmc/host/train"
)

var build = &manifest.Manifest{
	Device:  device.Config{Lanes: 4, WeightDepth: 16, VectorDepth: 16, ProgramDepth: 4, TableDepth: 4, WeightPorts: 2, FrameBytes: 256},
	ImageID: 0xabc,
}

func init() { build.HwID = manifest.Hex(build.Device.ID()) }

const (
	elements = 4
	classes  = 3
)

// newDevice is a perceptron with integer weights w[class][element] whose learning depends on the order of the samples.
func newDevice(t testing.TB) *model.Plain {
	p := model.NewPlain(build.Device, func(p *model.Plain, run device.Run, input int) (r device.Result) {
		w, x := p.Space(device.Weights), p.Space(device.Vectors)[input:]
		at := func(c, e int) *uint16 { return &w[c*elements+e] }
		r.Cycles = 10
		switch run.Entry {
		case device.Init:
			for i := range w {
				w[i] = uint16(i%3) - 1
			}
		case device.Learn, device.Infer:
			best := 0
			for c := range classes {
				sum := int32(0)
				for e := range elements {
					sum += int32(int16(*at(c, e))) * int32(x[e])
				}
				if c == 0 || sum > r.Result[1] {
					best, r.Result[1] = c, sum
				}
			}
			r.Result[0] = int32(best)
			if run.Entry == device.Learn {
				// Remembers every sample and their order, also when nothing is left to be learned.
				w[len(w)-1] = w[len(w)-1]*31 + x[0] + run.Label
			}
			if run.Entry == device.Learn && best != int(run.Label) {
				r.Overflow = 1
				for e := range elements {
					*at(int(run.Label), e) += x[e] >> 3
					*at(best, e) -= x[e] >> 3
				}
			}
		case device.Digest:
			for i, v := range w {
				r.Digest += fixed.DigestTerm(1, uint32(i), int16(v))
			}
		}
		return r
	})
	if err := p.Write(device.Control, device.ControlInBase, []uint16{8, 0, 16, 0}); err != nil {
		t.Fatal(err)
	}
	return p
}

// blobs are samples of three classes; each epoch adds other noise.
type blobs struct{ n, seed int }

func (b blobs) Len() int { return b.n }

func (b blobs) Sample(epoch, i int) (device.Sample, int) {
	label := i * 7 % classes
	rnd := rand.New(rand.NewPCG(uint64(b.seed), uint64(epoch<<20|i)))
	x := make([]byte, elements)
	for e := range x {
		x[e] = byte(rnd.IntN(30))
	}
	x[label] += 100
	x[elements-1] = 255
	return device.Sample{Bytes: x}, label
}

func order(epoch, n int) []int { return rand.New(rand.NewPCG(5, uint64(epoch))).Perm(n) }

// slow learns the obvious way, one sample after the other, and returns the digest and the correct answers of each epoch.
func slow(t *testing.T, dev device.Runner, src blobs, epochs, samples int) (digests []manifest.Hex, correct []int) {
	run := func(r device.Run) device.Result {
		t.Helper()
		if err := dev.Submit(r); err != nil {
			t.Fatal(err)
		}
		res, err := dev.Result()
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	run(device.Run{Entry: device.Init})
	for epoch := range epochs {
		n := 0
		for _, i := range order(epoch, src.n)[:samples] {
			x, label := src.Sample(epoch, i)
			if r := run(device.Run{Entry: device.Learn, Sample: x, Label: uint16(label)}); r.Result[0] == int32(label) {
				n++
			}
		}
		correct = append(correct, n)
		digests = append(digests, manifest.Hex(run(device.Run{Entry: device.Digest}).Digest))
	}
	return digests, correct
}

func TestTrain(t *testing.T) {
	src, test := blobs{200, 1}, blobs{90, 2}
	digests, correct := slow(t, newDevice(t), src, 4, 150)

	var seen []train.Progress
	var ends []train.Epoch
	epochs, err := train.Train(t.Context(), newDevice(t), src, train.Options{
		Epochs: 4, Samples: 150, Order: order, Test: test,
		Progress:  func(p train.Progress) { seen = append(seen, p) },
		EpochDone: func(e train.Epoch) error { ends = append(ends, e); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(epochs) != 4 {
		t.Fatalf("%d epochs, want 4", len(epochs))
	}
	for i, e := range epochs {
		if e.Epoch != i || e.Digest != digests[i] || e.Learn.Correct != correct[i] || e.Learn.Samples != 150 || e.Learn.Cycles != 1500 || e.Learn.Overflow != uint64(150-correct[i]) {
			t.Errorf("epoch %d is %+v, want digest %v and %d correct", i, e, digests[i], correct[i])
		}
		if e.Test.Samples != 90 {
			t.Errorf("epoch %d was tested with %d samples, want 90", i, e.Test.Samples)
		}
	}
	if last := epochs[3].Test.Accuracy(); last < 0.9 {
		t.Errorf("accuracy is %.3f, the perceptron separates the classes", last)
	}
	if d := cmp.Diff(epochs, ends); d != "" {
		t.Error(d)
	}
	if len(seen) != 4*(150+90) {
		t.Fatalf("progress was told %d times, want %d", len(seen), 4*(150+90))
	}
	if p := seen[150+90+9]; p.Phase != "train" || p.Epoch != 1 || p.Done != 160 || p.Total != 600 || p.Tally.Samples != 10 {
		t.Errorf("progress %+v", p)
	}
	if p := seen[len(seen)-1]; p.Phase != "test" || p.Epoch != 3 || p.Done != 90 || p.Total != 90 || p.Tally != epochs[3].Test {
		t.Errorf("progress %+v", p)
	}
}

// Stopped anywhere and resumed on another device through a file, training comes to the same epochs as undisturbed.
func TestResume(t *testing.T) {
	src, test := blobs{60, 1}, blobs{20, 2}
	job := train.Job{Data: "blobs", Samples: 60, Seed: 5, Encoder: "direct"}
	opt := train.Options{Epochs: 3, Order: order, Test: test}
	want, err := train.Train(t.Context(), newDevice(t), src, opt)
	if err != nil {
		t.Fatal(err)
	}
	for cut := 1; cut < 3*(60+20); cut += 3 {
		path := filepath.Join(t.TempDir(), "checkpoint")
		dev := newDevice(t)
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		opt := opt
		opt.CheckpointEvery = 25
		opt.Progress = func(train.Progress) {
			if calls++; calls == cut {
				cancel()
			}
		}
		opt.Checkpoint = func(s train.State) error {
			state, err := snapshot.Take(dev, build.Device)
			if err != nil {
				return err
			}
			c := &train.Checkpoint{ImageID: build.ImageID, HwID: build.HwID, Job: job, State: s, Device: state}
			return c.Save(path)
		}
		_, err := train.Train(ctx, dev, src, opt)
		if !errors.Is(err, context.Canceled) {
			// The last samples may have been on their way already.
			if err == nil && cut >= 3*(60+20)-2 {
				continue
			}
			t.Fatalf("cut %d: %v", cut, err)
		}

		c, err := train.LoadCheckpoint(path, build, job)
		if err != nil {
			t.Fatalf("cut %d: %v", cut, err)
		}
		other := newDevice(t)
		if err := c.Device.Put(other); err != nil {
			t.Fatal(err)
		}
		opt.Progress, opt.Checkpoint, opt.Resume = nil, nil, &c.State
		got, err := train.Train(t.Context(), other, src, opt)
		if err != nil {
			t.Fatalf("cut %d: %v", cut, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("cut %d: %s", cut, d)
		}
	}
}

func TestCheckpointsComeAtTheirTimes(t *testing.T) {
	var got []string
	_, err := train.Train(t.Context(), newDevice(t), blobs{50, 1}, train.Options{Epochs: 2, CheckpointEvery: 20, Checkpoint: func(s train.State) error {
		got = append(got, fmt.Sprintf("%d:%d:%d:%d", s.Epoch, s.Index, s.Tally.Samples, len(s.Done)))
		return nil
	}})
	want := []string{"0:20:20:0", "0:40:40:0", "0:50:50:0", "1:20:20:1", "1:40:40:1", "1:50:50:1"}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Error(d, err)
	}
}

// broken fails at its nth result.
type broken struct {
	device.Runner
	n int
}

func (b *broken) Result() (device.Result, error) {
	r, err := b.Runner.Result()
	if b.n--; b.n == 0 {
		err = errors.New("device is gone")
	}
	return r, err
}

func TestErrors(t *testing.T) {
	src := blobs{5, 1}
	for _, c := range []struct {
		name string
		n    int
		opt  train.Options
		want string
	}{
		{"samples", 0, train.Options{Epochs: 1, Samples: 6}, "train: 6 samples an epoch of a source that has 5; ask for 1 to that many"},
		{"epochs", 0, train.Options{}, "train: 0 epochs; at least 1 is needed"},
		{"resume", 0, train.Options{Epochs: 1, Resume: &train.State{Index: 9}}, "train: cannot resume at epoch 0, sample 9 of 5: samples must be those that training began with"},
		{"init", 1, train.Options{Epochs: 1}, "train: init: device is gone"},
		{"learn", 4, train.Options{Epochs: 1}, "train: epoch 0, sample 2: device is gone"},
		{"digest", 7, train.Options{Epochs: 1}, "train: epoch 0: digest: device is gone"},
		{"test", 10, train.Options{Epochs: 1, Test: src}, "train: epoch 0: test sample 2: device is gone"},
		{"checkpoint", 0, train.Options{Epochs: 1, CheckpointEvery: 3, Checkpoint: func(train.State) error { return errors.New("disk full") }},
			"train: checkpoint at epoch 0, sample 3: disk full"},
	} {
		_, err := train.Train(t.Context(), &broken{newDevice(t), c.n}, src, c.opt)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: error %v, want %s", c.name, err, c.want)
		}
	}
}

func TestDigestAndEvaluate(t *testing.T) {
	dev := newDevice(t)
	epochs, err := train.Train(t.Context(), dev, blobs{80, 1}, train.Options{Epochs: 1, Test: blobs{30, 2}})
	if err != nil {
		t.Fatal(err)
	}
	if d, err := train.Digest(dev); err != nil || manifest.Hex(d) != epochs[0].Digest {
		t.Errorf("digest %016x, %v, want %v", d, err, epochs[0].Digest)
	}
	if tally, err := train.Evaluate(t.Context(), dev, blobs{30, 2}, nil); err != nil || tally != epochs[0].Test {
		t.Errorf("evaluation %+v, %v, want %+v", tally, err, epochs[0].Test)
	}
	if (train.Tally{}).Accuracy() != 0 {
		t.Error("accuracy of nothing is not 0")
	}
}

func TestCheckpointErrors(t *testing.T) {
	state, err := snapshot.Take(newDevice(t), build.Device)
	if err != nil {
		t.Fatal(err)
	}
	job := train.Job{Data: "blobs", Samples: 60, Seed: 5, Encoder: "direct"}
	good := (&train.Checkpoint{ImageID: build.ImageID, HwID: build.HwID, Job: job, Device: state}).Encode()
	dir := t.TempDir()
	for _, c := range []struct {
		name string
		b    []byte
		job  train.Job
		want string
	}{
		{"absent", nil, job, "no checkpoint to resume from; train without --resume"},
		{"other", []byte("something else"), job, "not a checkpoint of this version of nmc"},
		{"short", good[:30], job, "checkpoint is cut off; resume from an earlier one"},
		{"cut", good[:len(good)-1], job, "checkpoint is damaged: its checksum is wrong; resume from an earlier one"},
		{"seed", good, train.Job{Data: "blobs", Samples: 60, Seed: 6, Encoder: "direct"},
			"checkpoint was taken with seed 5, this is 6; resume with what it was taken with, or train without --resume"},
		{"fits", good, job, ""},
	} {
		path := filepath.Join(dir, c.name)
		if c.b != nil {
			if err := os.WriteFile(path, c.b, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		_, err := train.LoadCheckpoint(path, build, c.job)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err == nil || err.Error() != path+": "+c.want {
			t.Errorf("%s: error %v, want %s", c.name, err, c.want)
		}
	}
}

func TestSaveLeavesNothingBehind(t *testing.T) {
	state, err := snapshot.Take(newDevice(t), build.Device)
	if err != nil {
		t.Fatal(err)
	}
	c := &train.Checkpoint{Device: state}
	dir := t.TempDir()
	for range 3 {
		if err := c.Save(filepath.Join(dir, "checkpoint")); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 1 || files[0].Name() != "checkpoint" {
		t.Errorf("the folder has %v, %v", files, err)
	}
	if err := c.Save(filepath.Join(dir, "absent", "checkpoint")); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("into an absent folder: %v", err)
	}
}

// Looking every few samples changes neither what is learned nor when checkpoints are taken.
func TestLook(t *testing.T) {
	src := blobs{100, 1}
	learn := func(opt train.Options) (digest uint64, checkpoints []int) {
		opt.Epochs, opt.Samples, opt.CheckpointEvery = 2, 50, 20
		opt.Checkpoint = func(s train.State) error { checkpoints = append(checkpoints, s.Epoch*50+s.Index); return nil }
		e, err := train.Train(t.Context(), newDevice(t), src, opt)
		if err != nil {
			t.Fatal(err)
		}
		return uint64(e[1].Digest), checkpoints
	}
	digest, checkpoints := learn(train.Options{})
	var looks []int
	same, at := learn(train.Options{LookEvery: 15, Look: func(s train.State) error {
		if s.Tally.Samples != s.Index {
			t.Errorf("a look after %d samples, of which %d are learned", s.Index, s.Tally.Samples)
		}
		looks = append(looks, s.Epoch*50+s.Index)
		return nil
	}})
	if digest != same {
		t.Errorf("looked at, the digest is %016x, else %016x", same, digest)
	}
	if d := cmp.Diff(checkpoints, at); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]int{15, 30, 45, 65, 80, 95}, looks); d != "" {
		t.Error(d)
	}
}
