package oracle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/check"
	"github.com/nmc-fpga/nmc/host/dataset"
	"github.com/nmc-fpga/nmc/host/encode"
	"github.com/nmc-fpga/nmc/host/snapshot"
	"github.com/nmc-fpga/nmc/host/train"
	"github.com/nmc-fpga/nmc/sim"
)

// events is a spiking network that takes its spikes from the host.
const events = `name = "events"
seed = 3
[data]
set = "digits"
encoder = "poisson"
[[layer]]
units = 37
activation = "alif"
[[layer]]
units = 10
activation = "vote"
[rule]
name = "stdp"
rate = 0.0625
code = "events"
timesteps = 9
events = 12.0
threshold = 4.0
[device]
lanes = 8
`

// spiking is the build of an events network with the samples that it learns.
type spiking struct {
	*testing.T
	build   *compiler.Build
	set     *dataset.Set
	encoder *encode.Encoder
}

func newSpiking(t *testing.T, src string) *spiking {
	t.Helper()
	s := &spiking{T: t}
	cfg, err := config.Read("net.toml", []byte(src), config.Options{Rules: rules.Specs()})
	if err != nil {
		t.Fatal(err)
	}
	if s.build, err = compiler.Compile(cfg, compiler.Options{}); err != nil {
		t.Fatal(err)
	}
	if s.set, err = dataset.Open(context.Background(), "digits", dataset.Train); err != nil {
		t.Fatal(err)
	}
	s.set = s.set.Slice(0, 60)
	if s.encoder, err = encode.New(s.build.Manifest, s.set, 9); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *spiking) Len() int { return s.set.Len() }

func (s *spiking) Sample(epoch, i int) (device.Sample, int) {
	return s.encoder.Sample(epoch, i), s.set.Label(i)
}

// machine is a device with the image: new, or such as another host has left it.
func (s *spiking) machine(disorder bool) *sim.Machine {
	s.Helper()
	m, err := sim.New(s.build.Manifest.Device)
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { m.Close() })
	dirt := snapshot.Zero(s.build.Manifest.Device)
	for _, d := range dirt.Data {
		for i := range d {
			if disorder {
				d[i] = 1
			}
		}
	}
	if err := dirt.Put(m); err != nil {
		s.Fatal(err)
	}
	if err := s.build.Image.Load(m); err != nil {
		s.Fatal(err)
	}
	return m
}

// epochs learns and returns the digests.
func (s *spiking) epochs(m *sim.Machine, opt train.Options) ([]train.Epoch, error) {
	opt.Epochs = 2
	opt.Order = func(epoch, n int) []int { return dataset.Order(1, epoch, n) }
	return train.Train(s.Context(), m, s, opt)
}

// TestEventsInvariance: the same spikes are learned to the same digest at every lane count, whose segments differ in length.
func TestEventsInvariance(t *testing.T) {
	for _, encoder := range []string{"poisson", "latency", "delta"} {
		src := strings.Replace(events, "poisson", encoder, 1)
		if encoder == "delta" {
			src = strings.Replace(src, "events = 12.0\n", "", 1)
		}
		var want []train.Epoch
		segments := map[int]bool{}
		for lanes := 1; lanes <= 64; lanes *= 2 {
			s := newSpiking(t, strings.Replace(src, "lanes = 8", fmt.Sprintf("lanes = %d", lanes), 1))
			segments[s.build.Manifest.Input.Segment] = true
			got, err := s.epochs(s.machine(lanes > 1), train.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, %d lanes: %+v, expected %+v", encoder, lanes, got, want)
			}
		}
		if len(segments) < 3 {
			t.Errorf("segments of %v elements", segments)
		}
	}
}

// TestEventsResume: training that stops within an epoch goes on, on another device that was left in disorder, to the digest of one that
// did not stop.
func TestEventsResume(t *testing.T) {
	s := newSpiking(t, events)
	want, err := s.epochs(s.machine(false), train.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, stop := range []int{1, 24, 60, 83} { // samples learned, an odd and an even number
		var at *train.State
		var state *snapshot.State
		first := s.machine(true)
		enough := errors.New("enough")
		learned := 0
		_, err := s.epochs(first, train.Options{CheckpointEvery: 1, Checkpoint: func(c train.State) error {
			if learned++; learned < stop {
				return nil
			}
			at = &c
			if state, err = snapshot.Take(first, s.build.Manifest.Device); err != nil {
				return err
			}
			return enough
		}})
		if !errors.Is(err, enough) {
			t.Fatal(err)
		}
		second := s.machine(true)
		if err := state.Put(second); err != nil {
			t.Fatal(err)
		}
		got, err := s.epochs(second, train.Options{Resume: at})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("stopped after %d samples: %+v, expected %+v", stop, got, want)
		}
	}
}

// lossy is a simulator to which an event of one sample does not come.
type lossy struct {
	*sim.Machine
	sample []uint16
	at     int
}

func (l *lossy) Submit(r device.Run) error {
	if r.Entry == device.Learn && slices.Equal(r.Sample.Events, l.sample) {
		r.Sample.Events = slices.Delete(slices.Clone(r.Sample.Events), l.at, l.at+1)
	}
	return l.Machine.Submit(r)
}

// TestLostEventIsFound: nmc check finds the sample of which an event is lost, in either buffer, and names its step and input.
func TestLostEventIsFound(t *testing.T) {
	s := newSpiking(t, events)
	in := s.build.Manifest.Input
	for _, sample := range []int{40, 41} {
		x, _ := s.Sample(0, sample)
		for _, at := range []int{0, len(x.Events) / 2} {
			e := int(x.Events[at])
			dev := &lossy{s.machine(true), x.Events, at}
			r, err := check.Run(t.Context(), s.build.Manifest, s.build.Image.Load, s.machine(true), dev, s, check.Options{})
			if err != nil {
				t.Fatal(err)
			}
			want := fmt.Sprintf("sample %d, instruction 1 (pc 1), input buffer %d, step %d[%d]: device 0x0000, simulator 0x0001",
				sample, sample&1, e/in.Segment, e%in.Segment)
			if r.Equal || r.FirstDifference.String() != want {
				t.Errorf("event %d of sample %d: got %v, want %s", at, sample, r.FirstDifference, want)
			}
		}
	}
}
