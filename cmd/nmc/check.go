package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc/host/check"
	"github.com/nmc-fpga/nmc/sim"
)

func newCheck(a *app) *cobra.Command {
	var (
		at      reach
		data    string
		samples int
		verbose bool
		run     seeding
		board   onBoard
	)
	cmd := &cobra.Command{
		Use:   "check BUILD",
		Short: "Learn the same samples on a device and in the simulator and compare them bit for bit",
		Long: `Learn the same samples on a device and in the simulator and compare them bit for bit: every answer, and the digest of the
learned state. A difference is followed to its first sample, instruction, tensor and index; exit status 1.`,
		Args: func(cmd *cobra.Command, args []string) error { return oneBuild("check", args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			if samples < 1 {
				return fmt.Errorf("--samples %d: at least 1 is needed", samples)
			}
			b, err := board.open(args[0])
			if err != nil {
				return err
			}
			if err := b.learns(); err != nil {
				return err
			}
			text, err := b.instructions()
			if err != nil {
				return err
			}
			seed := run.of(cmd, b)
			src, err := trainingSet(cmd.Context(), b.manifest, data, uint64(seed))
			if err != nil {
				return err
			}
			dev, err := openDevice(cmd.Context(), at, b, a.stderr)
			if err != nil {
				return err
			}
			defer dev.Close()
			machine, err := sim.New(b.manifest.Device)
			if err != nil {
				return err
			}
			defer machine.Close()

			var bar *progress
			phase := ""
			finish := func() {
				if bar != nil {
					bar.done()
				}
			}
			opt := check.Options{
				Samples: samples,
				Disasm:  func(pc int) string { return text[pc] },
				Progress: func(now string, done, total int) {
					if now != phase {
						finish()
						bar, phase = newProgress(a.stderr, now, "samples", 0, total), now
					}
					bar.set(done)
				},
			}
			if verbose {
				opt.Every = max(1, samples/4)
				a.note("%s: %d samples of %s on the simulator and on %s, image_id %v, seed %d\n", b.path, samples, src.set.Name, at.on, b.manifest.ImageID, seed)
			}
			r, err := check.Run(cmd.Context(), b.manifest, b.load(seed), machine, dev, src, opt)
			finish()
			if err != nil {
				return err
			}
			a.answer = r
			a.say("simulator  %v\n%-9s  %v\n", r.DigestSim, at.on, r.DigestDevice)
			if !r.Equal {
				a.say("different: %v\n", r.FirstDifference)
				return finding{fmt.Errorf("simulator and %s differ: %v", at.on, r.FirstDifference)}
			}
			a.say("equal: %d samples learned, every answer and the learned state are the same bit for bit\n", r.Samples)
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&data, "data", "", "dataset instead of the build's")
	f.IntVar(&samples, "samples", 1000, "samples to learn")
	f.BoolVarP(&verbose, "verbose", "v", false, "say what is compared, and compare digests on the way")
	at.flag(cmd, "verilator")
	run.flag(cmd)
	board.flags(cmd)
	return cmd
}
