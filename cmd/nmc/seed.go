package main

import (
	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc/firmware/device"
)

// seeding is --seed.
type seeding struct{ seed uint32 }

func (s *seeding) flag(cmd *cobra.Command) {
	cmd.Flags().Uint32Var(&s.seed, "seed", 0, "seed of the initial weights, the updates and the order of the samples (default: the build's)")
}

// of returns the seed of the run: that of the flag when it is given, else the build's.
func (s *seeding) of(cmd *cobra.Command, b *build) uint32 {
	if cmd.Flags().Changed("seed") {
		return s.seed
	}
	return b.manifest.Seed
}

// load returns what brings a device to the state before its init run: the image, and the seed.
func (b *build) load(seed uint32) func(device.Memory) error {
	return func(dev device.Memory) error {
		if err := b.image.Load(dev); err != nil {
			return err
		}
		return dev.Write(device.Registers, 2*device.RegSeed, []uint16{uint16(seed), uint16(seed >> 16)})
	}
}
