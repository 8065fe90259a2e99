package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/capture"
	"github.com/nmc-fpga/nmc/host/link"
	"github.com/nmc-fpga/nmc/host/replay"
)

func newReplay(a *app) *cobra.Command {
	var at reach
	cmd := &cobra.Command{
		Use:   "replay CAPTURE [BUILD]",
		Short: "Do again on a device what a capture shows, and find the first reply that differs",
		Long: `Do again on a device what a capture shows that another did, and find the first reply that differs; exit status 1 if one does.
CAPTURE is a file of nmc train --record, or one that Wireshark or tcpdump took of a device on the network. sim and verilator
need the BUILD.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return errors.New("nmc replay: name one capture, and the build, such as: nmc replay run.pcap build --on sim")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var who replay.Who
			if err := readCapture(args[0], func(r *capture.Reader) (err error) {
				who, err = replay.Look(r)
				return err
			}); err != nil {
				return err
			}
			dev, err := openReplay(cmd.Context(), at, args, who, a)
			if err != nil {
				return err
			}
			defer dev.Close()
			bar := newProgress(a.stderr, "replay", "commits", 0, 0)
			var report *replay.Report
			err = readCapture(args[0], func(r *capture.Reader) (err error) {
				report, err = replay.Run(dev, interruptible{cmd.Context(), r}, bar.set)
				return err
			})
			bar.done()
			if err != nil {
				return err
			}
			a.answer = report
			if !report.Equal {
				return finding{fmt.Errorf("%s and %s differ: %v", args[0], at.on, report.First)}
			}
			a.say("equal: %d commits, %d writes and %d reads of %s, done again on %s, gave the same replies\n",
				report.Commits, report.Writes, report.Reads, args[0], at.on)
			return nil
		},
	}
	at.flag(cmd, "sim")
	return cmd
}

// readCapture opens a capture and reads it with f.
func readCapture(path string, f func(*capture.Reader) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	r, err := capture.NewReader(file)
	if err == nil {
		err = f(r)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", path, err)
	}
	return err
}

// interruptible frames end when the context does.
type interruptible struct {
	ctx context.Context
	r   *capture.Reader
}

func (i interruptible) Next() (capture.Frame, error) {
	if err := i.ctx.Err(); err != nil {
		return capture.Frame{}, err
	}
	return i.r.Next()
}

// openReplay opens the device that a capture is replayed on.
func openReplay(ctx context.Context, at reach, args []string, who replay.Who, a *app) (target, error) {
	if len(args) == 2 {
		b, err := openBuild(args[1])
		if err != nil {
			return nil, err
		}
		if id := manifest.Hex(who.HwID); id != b.manifest.HwID {
			return nil, fmt.Errorf("%s is of a device with hw_id %v, %s has %v; name the build that was recorded", args[0], id, args[1], b.manifest.HwID)
		}
		return openDevice(ctx, at, b, a.stderr)
	}
	to, err := link.Parse(at.on)
	if err != nil {
		return nil, err
	}
	if to.Kind == "sim" || to.Kind == "verilator" {
		return nil, fmt.Errorf("--on %s needs the build: nmc replay %s BUILD --on %s", at.on, args[0], at.on)
	}
	opt := host.Options{
		HwID: who.HwID, Remedy: "load the bitstream that was recorded",
		FrameBytes: max(who.Longest, 64), Patience: at.patience,
	}
	if err := through(&to, &opt, device.Config{}); err != nil {
		return nil, err
	}
	return at.dial(ctx, to, opt)
}
