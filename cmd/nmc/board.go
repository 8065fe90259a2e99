package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc/boards/board"
	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/compiler/pass"
	"github.com/nmc-fpga/nmc/firmware/device"
)

// onBoard is a board that a network is compiled for, as the flags give it.
type onBoard struct {
	name  string // "" is none
	lanes int    // 0: the board's
	link  string // kind; "": the board's first, or what net.toml has
}

func (o *onBoard) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.name, "board", "", "board (nmc boards lists them), or the folder of your own")
	f.IntVar(&o.lanes, "lanes", 0, "lanes instead of the board's")
	f.StringVar(&o.link, "link", "", "kind of link instead of the board's first: uart, ethernet")
}

// load reads the board.
func (o *onBoard) load() (*board.Board, error) {
	if o.name == "" {
		return nil, errors.New("--board: name a board; nmc boards lists them")
	}
	return board.Load(o.name)
}

// orNone compiles a net.toml for the board, or as it stands if there is none.
func (o *onBoard) orNone(path string, opt compiler.Options) (*compiler.Build, error) {
	if o.name == "" {
		if o.lanes != 0 || o.link != "" {
			return nil, errors.New("--lanes and --link go with --board; [device] of the net.toml has lanes and link, too")
		}
		return compile(path, opt)
	}
	b, err := o.load()
	if err != nil {
		return nil, err
	}
	return o.compile(b, path, opt)
}

// open opens a build as it is, or compiles its net.toml for the board.
func (o *onBoard) open(path string) (*build, error) {
	if o.name == "" && o.lanes == 0 && o.link == "" {
		return openBuild(path)
	}
	c, err := o.orNone(netOf(path), compiler.Options{})
	if err != nil {
		return nil, err
	}
	return &build{path: path, net: netOf(path), manifest: c.Manifest, image: c.Image, top: c.Top}, nil
}

// netOf is the net.toml of a build folder, or the file itself.
func netOf(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return filepath.Join(path, manifest.NetFile)
	}
	return path
}

// compile compiles a net.toml for a board: with the first of the board's devices that holds the network.
func (o *onBoard) compile(b *board.Board, path string, opt compiler.Options) (*compiler.Build, error) {
	net, err := readNet(path)
	if err != nil {
		return nil, err
	}
	return o.fit(b, net, opt)
}

// frames says that a datagram does not carry the frames of the device wanted: the network may have their length and the board the
// link, or the other way round.
func frames(b *board.Board, net *config.Net, want device.Config) error {
	for _, f := range want.Link.Check(cmp.Or(want.FrameBytes, b.Device.FrameBytes)) {
		if f.Key != "frame_bytes" {
			continue // told where the link was read
		}
		if want.FrameBytes != 0 {
			return diag.List{net.Diagnostic(net.Device.At[f.Key], fmt.Sprintf("%s, and the link of %s is %s", f.Message, b.Name, want.Link.Kind), f.Remedy)}
		}
		return diag.List{net.Diagnostic(net.Device.Pos, fmt.Sprintf("%s, which %s has", f.Message, b.File), fmt.Sprintf("write frame_bytes = %d in [device]", device.MaxPacket))}
	}
	return nil
}

// fit compiles a network with the first of the board's devices that holds it. The network's device becomes that one.
func (o *onBoard) fit(b *board.Board, net *config.Net, opt compiler.Options) (*compiler.Build, error) {
	d := net.Device
	if o.lanes != 0 && d.Lanes != 0 && o.lanes != d.Lanes {
		return nil, fmt.Errorf("--lanes %d, but %s has lanes = %d in [device]; remove one of them", o.lanes, net.File, d.Lanes)
	}
	if o.lanes != 0 && !slices.Contains([]int{1, 2, 4, 8, 16, 32, 64}, o.lanes) {
		return nil, fmt.Errorf("--lanes %d: use 1, 2, 4, 8, 16, 32 or 64", o.lanes)
	}
	want := device.Config{Lanes: max(o.lanes, d.Lanes), WeightDepth: d.WeightDepth, VectorDepth: d.VectorDepth, ProgramDepth: d.ProgramDepth,
		TableDepth: d.TableDepth, WeightPorts: d.WeightPorts, FrameBytes: d.FrameBytes, Link: d.Link}
	if d.Link.Kind != "" && d.Link.Clock != b.Clock.CoreHz {
		return nil, fmt.Errorf("%s: [device.link] says clock = %d, but the device of %s runs at %d Hz; write that, or remove [device.link] for the board's link",
			net.File, d.Link.Clock, b.Title, b.Clock.CoreHz)
	}
	if d.Link.Kind == "" || o.link != "" {
		l, err := b.TakenLink(o.link)
		if err != nil {
			return nil, err
		}
		want.Link = l.Config(b.Clock.CoreHz)
	}
	if err := frames(b, net, want); err != nil {
		return nil, err
	}
	choices, err := b.Choices(want)
	if err != nil {
		return nil, finding{err}
	}
	var first error
	for _, c := range choices {
		net.On(c, b.Device.Units)
		build, err := compiler.Compile(net, opt)
		if !errors.As(err, new(pass.Misfit)) {
			return build, err
		}
		if first == nil {
			first = fmt.Errorf("%s, %d lanes: %w", b.Title, c.Lanes, err)
		}
	}
	if len(choices) > 1 {
		first = fmt.Errorf("%w; nor does any of the %d other devices that %s holds", first, len(choices)-1, b.Part.Title)
	}
	return nil, finding{first}
}
