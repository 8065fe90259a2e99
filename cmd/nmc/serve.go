package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/testbench/verilator"
)

// A served device is what serve answers when it ends. Times are the device's own.
type served struct {
	Link     string  `json:"link"`      // kind
	BytesIn  uint64  `json:"bytes_in"`  // that the device got
	BytesOut uint64  `json:"bytes_out"` // that it said
	Lost     uint64  `json:"lost"`      // of these, said when nobody listened
	Cycles   uint64  `json:"cycles"`
	Seconds  float64 `json:"seconds"`
	// ShareIn and ShareOut are the bytes of the time that the line could have carried.
	ShareIn  float64 `json:"share_in"`
	ShareOut float64 `json:"share_out"`
}

func newServe(a *app) *cobra.Command {
	var pty string
	cmd := &cobra.Command{
		Use:   "serve BUILD",
		Short: "Run the Verilog of a build, pins and all, as a device that others can reach",
		Long: `Run the Verilog of a build, pins and all, as a device that others can reach. A host cannot tell it from a board but by its
speed: the link keeps its rate in the device's time, which goes on only while there is something to do.

A serial line (kind "uart") is on a pseudo-terminal; its path is printed, and --pty gives it a second one. In another shell:

  nmc train BUILD --on serial:PATH

Ctrl-C ends it, and what the device has learned is gone.`,
		Args: func(cmd *cobra.Command, args []string) error { return oneBuild("serve", args) },
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := openBuild(args[0])
			if err != nil {
				return err
			}
			switch kind := b.manifest.Device.Link.Kind; kind {
			case device.UART:
				return a.serveUART(cmd.Context(), b, pty)
			case "":
				return fmt.Errorf("%s has no link; give it one in net.toml, such as [device.link] with kind = \"uart\", clock = 24_000_000 and baud = 3_000_000, and compile again", b.path)
			default:
				return fmt.Errorf("%s: a link of kind %q cannot be served", b.path, kind)
			}
		},
	}
	cmd.Flags().StringVar(&pty, "pty", "", "make a symbolic link of this path to the pseudo-terminal")
	return cmd
}

// serveUART runs the device until the context is done or its program ends.
func (a *app) serveUART(ctx context.Context, b *build, symlink string) error {
	l := b.manifest.Device.Link
	binary, err := verilator.BuildPins(ctx, nmc.HDL, b.top, b.manifest.Device, a.stderr)
	if err != nil {
		return err
	}
	args := []string{"--clock", strconv.Itoa(l.Clock), "--baud", strconv.Itoa(l.Baud), "--pty"}
	if symlink != "" {
		args = append(args, "--symlink", symlink)
	}
	cmd := exec.Command(binary, args...)
	ownGroup(cmd)
	var said strings.Builder
	cmd.Stderr = &said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	// At the end it is asked for its counts, and then told to stop.
	stop := context.AfterFunc(ctx, func() {
		io.WriteString(stdin, "\n")
		stdin.Close()
		time.AfterFunc(patient, func() { cmd.Process.Kill() })
	})
	defer stop()

	out := served{Link: l.Kind}
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "pty":
			path := rest
			if symlink != "" {
				path = symlink
			}
			a.note("%s has a serial line of %d baud on %s; nmc train %s --on serial:%s\n", b.manifest.Name, l.Baud, rest, b.path, path)
		case "counts":
			if _, err := fmt.Sscan(rest, &out.Cycles, &out.BytesIn, &out.BytesOut, &out.Lost); err != nil {
				return fmt.Errorf("the device counts %q: %w", rest, err)
			}
		}
	}
	err = cmd.Wait()
	if ctx.Err() == nil {
		return fmt.Errorf("the device ended: %w\n%s", errors.Join(err, errors.New("nobody asked it to")), strings.TrimSpace(said.String()))
	}
	if err != nil {
		return fmt.Errorf("the device ended: %w\n%s", err, strings.TrimSpace(said.String()))
	}
	if out.Seconds = float64(out.Cycles) / float64(l.Clock); out.Seconds > 0 {
		most := float64(l.Baud) / 10 * out.Seconds
		out.ShareIn, out.ShareOut = float64(out.BytesIn)/most, float64(out.BytesOut)/most
	}
	a.answer = out
	a.say("%d bytes in, %d out in %.3f s of the device's time: %.1f%% and %.1f%% of what the line carries\n",
		out.BytesIn, out.BytesOut, out.Seconds, 100*out.ShareIn, 100*out.ShareOut)
	return nil
}

// patient is how long a device may take to end.
const patient = 10 * time.Second
