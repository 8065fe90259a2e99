package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/nmc-fpga/nmc"
	boardbuild "github.com/nmc-fpga/nmc/boards/build"
	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/manifest"
)

// boardFolder is what a build folder has of its board: bitstream, report, Verilog, constraints.
const boardFolder = "board"

func newBuild(a *app) *cobra.Command {
	var on onBoard
	var out string
	var seed, seeds int
	var patience time.Duration
	cmd := &cobra.Command{
		Use:   "build [BUILD|net.toml] --board BOARD",
		Short: "Make the bitstream of a network's device for a board",
		Long: `Compile a network for a board and make the bitstream of its device: synthesis, place and route with one seed after the other
until the clock is met, packing. A seed whose router gets no nearer to its end is given up. BUILD/board then has the bitstream and a report as text, JSON and picture. Every stage is kept in the
cache, so that the same device is made once.

Exit status 1 when the part does not hold the device, no seed's wires can be routed, or the clock is missed; the slowest path is told by the names of the Verilog.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return errors.New("nmc build: name one build folder or net.toml, such as: nmc build net.toml --board icebreaker")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path := manifest.NetFile
			if len(args) > 0 {
				path = args[0]
			}
			if seeds < 1 {
				return fmt.Errorf("--seeds %d: at least 1 is needed", seeds)
			}
			if seed < 1 {
				return fmt.Errorf("--seed %d: seeds count from 1", seed)
			}
			if patience <= 0 {
				return fmt.Errorf("--patience %v: place and route takes time; write a duration, such as %v", patience, boardbuild.Patience)
			}
			b, err := on.load()
			if err != nil {
				return err
			}
			c, err := on.compile(b, netOf(path), compiler.Options{})
			if err != nil {
				return err
			}
			folder := out
			if folder == "" {
				folder = "build"
				if netOf(path) != path {
					folder = path
				}
			}
			if err := writeBuild(c, folder); err != nil {
				return err
			}
			stages := newStages(a.stderr)
			defer stages.done()
			job := &boardbuild.Job{Board: b, Device: c.Manifest.Device, HDL: nmc.HDL, Top: c.Top, First: seed, Seeds: seeds, Patience: patience, Progress: stages.set}
			res, err := job.Run(cmd.Context())
			stages.done()
			var missed *boardbuild.Missed
			if err != nil && !errors.As(err, &missed) {
				if errors.As(err, new(*boardbuild.Misfit)) || errors.As(err, new(*boardbuild.Stuck)) {
					err = finding{err}
				}
				return err
			}
			place := filepath.Join(folder, boardFolder)
			if werr := res.Write(place); werr != nil {
				return werr
			}
			a.answer = struct {
				Build  string             `json:"build"`
				Report *boardbuild.Report `json:"report"`
			}{folder, res.Report}
			if missed != nil {
				return finding{missed}
			}
			if !a.json {
				res.Report.Text(a.stdout)
			}
			switch {
			case res.Report.Bitstream != "":
				a.say("written: %s, and the report as text, JSON and picture beside it\n", filepath.Join(place, res.Report.Bitstream))
			default:
				a.say("written: %s; with Vivado, in that folder: vivado -mode batch -source vivado.tcl\n", place)
			}
			return nil
		},
	}
	on.flags(cmd)
	cmd.Flags().StringVarP(&out, "out", "o", "", `build folder (default BUILD, or "build")`)
	cmd.Flags().IntVar(&seed, "seed", 1, "seed of place and route to try first")
	cmd.Flags().IntVar(&seeds, "seeds", 8, "seeds of place and route to try at most")
	cmd.Flags().DurationVar(&patience, "patience", boardbuild.Patience, "how long place and route may get no nearer to its end before its seed is given up")
	return cmd
}

// writeBuild writes a build folder unless it has that build already.
func writeBuild(c *compiler.Build, folder string) error {
	if m, err := manifest.Read(folder); err == nil && slices.Equal(m.Encode(), c.Manifest.Encode()) {
		return nil
	}
	return c.Write(folder)
}

// stages shows what tools do: a spinner on a terminal, elsewhere a line a stage and one now and then.
type stages struct {
	w     io.Writer
	mu    sync.Mutex
	now   boardbuild.Event
	since time.Time
	bar   *progress
	stop  chan struct{}
	once  sync.Once
}

// stageEvery is the time between two lines about one stage where there is no terminal.
const stageEvery = 30 * time.Second

func newStages(w io.Writer) *stages {
	s := &stages{w: w, stop: make(chan struct{})}
	every := stageEvery
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.bar = newProgress(w, "build", "s", 0, 0)
		every = barEvery
	}
	go func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-s.stop:
				return
			case <-tick.C:
				s.show()
			}
		}
	}()
	return s
}

// set says what is under way.
func (s *stages) set(e boardbuild.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.Stage != s.now.Stage {
		s.since = time.Now()
		if s.bar == nil {
			fmt.Fprintf(s.w, "%s (%s)\n", e.Stage, e.Tool)
		}
	}
	s.now = e
}

func (s *stages) show() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now.Stage == "" {
		return
	}
	took := int(time.Since(s.since).Seconds())
	if s.bar != nil {
		s.bar.label = s.now.Stage
		s.bar.describe(func() string { return s.now.Step })
		s.bar.set(took)
		return
	}
	fmt.Fprintf(s.w, "%s: %d s: %s\n", s.now.Stage, took, s.now.Step)
}

// done ends the display.
func (s *stages) done() {
	s.once.Do(func() {
		close(s.stop)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.bar != nil {
			s.bar.done()
		}
	})
}
