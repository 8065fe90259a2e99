package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/dataset"
	"github.com/nmc-fpga/nmc/host/encode"
)

// A source gives the samples of a run, epoch by epoch in an order that depends on the seed only.
type source struct {
	set     *dataset.Set
	encoder *encode.Encoder
	seed    uint64
	shuffle bool

	epoch int // that order is of
	order []int
}

// Len is the number of samples of an epoch.
func (s *source) Len() int { return s.set.Len() }

// Sample returns sample i of an epoch and its label. It is for one goroutine, unless the order is that of the set.
func (s *source) Sample(epoch, i int) (device.Sample, int) {
	if s.shuffle {
		if s.order == nil || s.epoch != epoch {
			s.order, s.epoch = dataset.Order(s.seed, epoch, s.set.Len()), epoch
		}
		i = s.order[i]
	}
	return s.encoder.Sample(epoch, i), s.set.Label(i)
}

// trainingSet opens the training samples of a build, those held out left away. name overrides the build's dataset; ""
// keeps it.
func trainingSet(ctx context.Context, m *manifest.Manifest, name string, seed uint64) (*source, error) {
	set, err := openSet(ctx, m, name, dataset.Train)
	if err != nil {
		return nil, err
	}
	n := set.Len() - m.Data.Validation
	if n < 1 {
		return nil, fmt.Errorf("validation holds out %d samples, but %s has %d training samples; lower validation and compile again", m.Data.Validation, set.Name, set.Len())
	}
	set = set.Slice(0, n)
	encoder, err := encode.New(m, set, seed)
	if err != nil {
		return nil, err
	}
	if m.Data.Jitter > 0 || m.Data.Flip {
		encoder.Move(m.Data.Jitter, m.Data.Flip)
	}
	return &source{set: set, encoder: encoder, seed: seed, shuffle: true}, nil
}

// A trial is what a build's answers are measured on: the test set or, to choose rates and options by, the training samples
// that it holds out.
type trial struct{ heldOut bool }

func (t *trial) flag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&t.heldOut, "held-out", false, "measure on the training samples that validation holds out, not on the test set")
}

// name is what one of its samples is called.
func (t *trial) name() string {
	if t.heldOut {
		return "held-out"
	}
	return "test"
}

// of opens the samples.
func (t *trial) of(ctx context.Context, m *manifest.Manifest, name string) (*source, error) {
	split := dataset.Test
	if t.heldOut {
		if m.Data.Validation == 0 {
			return nil, errors.New("--held-out: the build holds out no training samples; write validation = 5000 into [data] and compile again")
		}
		split = dataset.Train
	}
	set, err := openSet(ctx, m, name, split)
	if err != nil {
		return nil, err
	}
	if t.heldOut {
		n := set.Len()
		if n < m.Data.Validation {
			return nil, fmt.Errorf("--held-out: %s has %d training samples, validation holds out %d", set.Name, n, m.Data.Validation)
		}
		set = set.Slice(n-m.Data.Validation, n)
	}
	encoder, err := encode.New(m, set, uint64(m.Seed))
	if err != nil {
		return nil, err
	}
	return &source{set: set, encoder: encoder}, nil
}

// openSet opens a split and holds it to the build's classes.
func openSet(ctx context.Context, m *manifest.Manifest, name string, split dataset.Split) (*dataset.Set, error) {
	if name == "" {
		name = m.Data.Set
	}
	set, err := dataset.Open(ctx, name, split)
	if err != nil {
		return nil, err
	}
	if set.Classes > m.Classes {
		return nil, fmt.Errorf("dataset %s has %d classes, but the build has %d outputs; use the dataset %s or compile for this one",
			name, set.Classes, m.Classes, m.Data.Set)
	}
	return set, nil
}
