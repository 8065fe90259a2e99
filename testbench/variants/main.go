// Command variants learns MNIST with every learning rule and variant in one Verilator process a lane count: the device is built once,
// a rule is another image. For each: the digest of what the Verilog engine learned and the simulator's (nmc check), and how
// many test images each of the two answers right. Exit status 1 if any of them differ.
//
// With -board the device is the board's, its memories, its lanes, its ports and its units; with -units all, too, which makes it one device for every rule
// where the board's has only those that a program uses. A variant whose tables the device has no room for learns with ReLU hidden units, which take none; one that
// it does not hold then is a row that says why.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/nmc-fpga/nmc"
	"github.com/nmc-fpga/nmc/boards/board"
	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/compiler/pass"
	firmware "github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/check"
	"github.com/nmc-fpga/nmc/host/dataset"
	"github.com/nmc-fpga/nmc/host/encode"
	"github.com/nmc-fpga/nmc/host/link"
	"github.com/nmc-fpga/nmc/host/train"
	"github.com/nmc-fpga/nmc/sim"
	"github.com/nmc-fpga/nmc/testbench/verilator"
)

func main() {
	set := flag.String("data", "mnist", "data set")
	samples := flag.Int("samples", 500, "samples learned")
	tests := flag.Int("tests", 1000, "test samples answered")
	lanes := flag.String("lanes", "4,16", "lane counts")
	boardName := flag.String("board", "", "board whose device it is, instead of -lanes")
	hidden := flag.String("hidden", "", "units of the hidden layers; the recipe's if empty")
	units := flag.String("units", "", "\"all\" or \"used\", instead of the board's")
	only := flag.String("only", "", "variants, separated by commas; all if empty")
	flag.Parse()
	var names []string
	if *only != "" {
		names = strings.Split(*only, ",")
	}
	on := places{units: "all"}
	var err error
	if on.hidden, err = numbers(*hidden); err != nil {
		fmt.Fprintln(os.Stderr, "variants: -hidden:", err)
		os.Exit(2)
	}
	counts, err := numbers(*lanes)
	if err != nil {
		fmt.Fprintln(os.Stderr, "variants: -lanes:", err)
		os.Exit(2)
	}
	for _, n := range counts {
		on.devices = append(on.devices, Shared(n))
	}
	if *boardName != "" {
		if on, err = onBoard(*boardName, on); err != nil {
			fmt.Fprintln(os.Stderr, "variants: -board:", err)
			os.Exit(2)
		}
	}
	on.units = cmp.Or(*units, on.units)
	err = run(context.Background(), os.Stdout, *set, *samples, *tests, on, names)
	switch {
	case errors.Is(err, errDiffers):
		fmt.Fprintln(os.Stderr, "variants:", err)
		os.Exit(1)
	case err != nil:
		fmt.Fprintln(os.Stderr, "variants:", err)
		os.Exit(2)
	}
}

// numbers reads numbers that commas separate.
func numbers(text string) (all []int, err error) {
	for f := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' }) {
		n, err := strconv.Atoi(f)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

// places are the devices that variants learn on.
type places struct {
	devices []firmware.Config
	units   string // "all", or "used": another device for each program
	hidden  []int  // units of the hidden layers; nil: the recipe's
	board   string // "": the devices hold every variant
}

// onBoard has a board's device in place of those of p.
func onBoard(name string, p places) (places, error) {
	b, err := board.Load(name)
	if err != nil {
		return p, err
	}
	all, err := b.Choices(firmware.Config{})
	if err != nil {
		return p, err
	}
	p.devices, p.units, p.board = all[:1], b.Device.Units, b.Title
	return p, nil
}

var errDiffers = errors.New("device and simulator differ")

// run checks the variants of these names, all if there are none, on each device, and prints a row for each.
func run(ctx context.Context, out io.Writer, data string, samples, tests int, on places, names []string) error {
	for _, n := range names {
		if !slices.ContainsFunc(Variants, func(v Variant) bool { return v.Name == n }) {
			return fmt.Errorf("no variant %q", n)
		}
	}
	learned, err := dataset.Open(ctx, data, dataset.Train)
	if err != nil {
		return err
	}
	held, err := dataset.Open(ctx, data, dataset.Test)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "| variant | lanes | device | image | digest, device | digest, simulator | right of %d, device | simulator |\n|---|---|---|---|---|---|---|---|\n", tests)
	first := map[string]manifest.Hex{} // digest of a variant at the first lane count
	var all error
	for _, d := range on.devices {
		s := &shared{out: out, samples: samples, on: on, learn: source{set: learned, n: samples}, test: source{set: held, n: tests}, first: first}
		for _, v := range Variants {
			if len(names) > 0 && !slices.Contains(names, v.Name) {
				continue
			}
			if err := s.variant(ctx, v, d); errors.Is(err, errDiffers) {
				all = err
			} else if err != nil {
				s.close()
				return fmt.Errorf("%s, %d lanes: %w", v.Name, d.Lanes, err)
			}
		}
		if err := s.close(); err != nil {
			return err
		}
	}
	return all
}

// shared is one device that all variants of a lane count learn on, in turn.
type shared struct {
	out         io.Writer
	on          places
	samples     int
	learn, test source
	first       map[string]manifest.Hex

	hw     uint64
	device *host.Session
}

func (s *shared) close() error {
	if s.device == nil {
		return nil
	}
	return s.device.Close()
}

func (s *shared) variant(ctx context.Context, v Variant, on firmware.Config) error {
	lanes := on.Lanes
	b, err := v.Compile(s.learn.set.Name, on, s.on.units, s.on.hidden)
	if s.on.board != "" && errors.As(err, new(pass.Misfit)) && !strings.Contains(v.Lines, "activation") {
		plain := Variant{v.Name + "-relu", v.Rule, strings.TrimPrefix(v.Lines+"\nactivation = \"relu\"", "\n")}
		another := slices.ContainsFunc(Variants, func(w Variant) bool { return w.Name == plain.Name })
		if c, perr := plain.Compile(s.learn.set.Name, on, s.on.units, s.on.hidden); perr == nil && !another {
			v, b, err = plain, c, nil
		}
	}
	if s.on.board != "" && errors.As(err, new(pass.Misfit)) {
		fmt.Fprintf(s.out, "| %s | %d | does not fit the %s: %v |\n", v.Name, lanes, s.on.board, err)
		return nil
	}
	if err != nil {
		return err
	}
	cfg := b.Manifest.Device
	if s.on.units == "used" && s.device != nil && cfg.ID() != s.hw {
		if err := s.close(); err != nil {
			return err
		}
		s.device = nil
	}
	if s.device == nil {
		if s.device, err = dial(ctx, b); err != nil {
			return err
		}
		s.hw = cfg.ID()
	}
	if cfg.ID() != s.hw {
		return fmt.Errorf("its device is %x, the others' is %x", cfg.ID(), s.hw)
	}
	for _, x := range []*source{&s.learn, &s.test} {
		if x.encoder, err = encode.New(b.Manifest, x.set, uint64(b.Manifest.Seed)); err != nil {
			return err
		}
	}
	machine, err := sim.New(cfg)
	if err != nil {
		return err
	}
	defer machine.Close()
	r, err := check.Run(ctx, b.Manifest, b.Image.Load, machine, s.device, s.learn, check.Options{Samples: s.samples})
	if err != nil {
		return err
	}
	if !r.Equal {
		fmt.Fprintf(s.out, "| %s | %d | DIFFERENT: %v |\n", v.Name, lanes, r.FirstDifference)
		return errDiffers
	}
	onDevice, err := train.Evaluate(ctx, s.device, s.test, nil)
	if err != nil {
		return err
	}
	onSim, err := train.Evaluate(ctx, machine, s.test, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "| %s | %d | %x | %v | %v | %v | %d | %d |\n", v.Name, lanes, s.hw, b.Manifest.ImageID, r.DigestDevice, r.DigestSim, onDevice.Correct, onSim.Correct)
	if first, ok := s.first[v.Name]; ok && first != r.DigestDevice {
		return fmt.Errorf("%s: digest %v at %d lanes, %v at the first lane count: %w", v.Name, r.DigestDevice, lanes, first, errDiffers)
	}
	s.first[v.Name] = r.DigestDevice
	if onDevice.Correct != onSim.Correct {
		return fmt.Errorf("%s: %d answers right on the device, %d in the simulator: %w", v.Name, onDevice.Correct, onSim.Correct, errDiffers)
	}
	return nil
}

// dial starts the Verilated device of a build.
func dial(ctx context.Context, b *compiler.Build) (*host.Session, error) {
	binary, err := verilator.Build(ctx, nmc.HDL, b.Top, b.Manifest.Device, os.Stderr)
	if err != nil {
		return nil, err
	}
	p, err := verilator.Start(binary)
	if err != nil {
		return nil, err
	}
	return host.Dial(ctx, link.NewStream(p), host.Options{HwID: b.Manifest.Device.ID(), FrameBytes: b.Manifest.Device.FrameBytes})
}

// source is the first samples of a set.
type source struct {
	set     *dataset.Set
	n       int
	encoder *encode.Encoder
}

func (s source) Len() int { return min(s.n, s.set.Len()) }

func (s source) Sample(epoch, i int) (firmware.Sample, int) {
	return s.encoder.Sample(epoch, i), s.set.Label(i)
}
