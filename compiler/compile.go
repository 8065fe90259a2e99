// Package compiler lowers a network and its learning rule to firmware, Verilog and a manifest.
//
//	net.toml → config.Read → rules.Build → the passes below → emit
package compiler

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/emit"
	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/compiler/pass"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/image"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

// Pass is one step from the program that a rule wrote to one that is ready to encode. The IR is checked after each.
type Pass struct {
	Name string
	Doc  string
	Run  func(*ir.Program, *device.Config) error
}

// Passes is the pipeline, in order.
var Passes = []Pass{
	{"resolve", "the rule writes the program of the network", nil}, // rules.Build
	{"formats", "shifts, rounding and bounds from the formats; accumulators proven", only(pass.Formats)},
	{"axes", "the lane axis of every matrix", only(pass.Axes)},
	{"legalize", "equations become the device's instructions", only(pass.Legalize)},
	{"schedule", "final order, random keys, ends", only(pass.Schedule)},
	{"allocate", "weight, vector and table memory, registers", pass.Allocate},
}

func only(run func(*ir.Program) error) func(*ir.Program, *device.Config) error {
	return func(p *ir.Program, _ *device.Config) error { return run(p) }
}

// Options of a compilation.
type Options struct {
	// Dump, if not nil, gets the program's text after every pass.
	Dump func(pass, text string)
}

// Build is a compiled network.
type Build struct {
	Manifest *manifest.Manifest
	Image    *image.Image
	Top      []byte         // Verilog
	Asm      []byte         // listing of the firmware
	IR       string         // the program after the last pass
	Imported []Quantization // what quantizing imported weights cost, one a layer
	net      *config.Net
}

// Read reads net.toml with the rules that exist.
func Read(path string) (*config.Net, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return config.Read(path, src, config.Options{Rules: rules.Specs()})
}

// Compile runs the passes. Errors about the network carry positions; the same input gives the same bytes.
func Compile(net *config.Net, opt Options) (*Build, error) {
	d := net.Device
	dev := device.Config{Lanes: d.Lanes, WeightPorts: d.WeightPorts, WeightDepth: d.WeightDepth, VectorDepth: d.VectorDepth,
		ProgramDepth: d.ProgramDepth, TableDepth: d.TableDepth, FrameBytes: d.FrameBytes}
	if dev.Lanes == 0 {
		dev.Lanes = 16
	}
	if dev.WeightPorts == 0 {
		dev.WeightPorts = 2
	}
	if dev.FrameBytes == 0 {
		dev.FrameBytes = 1024
	}
	var p *ir.Program
	for _, s := range Passes {
		var err error
		if s.Run == nil {
			if p, err = rules.Build(net); err == nil && d.Answers {
				err = pass.Answers(p)
			}
		} else {
			err = s.Run(p, &dev)
		}
		if err != nil {
			return nil, err
		}
		if err := errors.Join(p.Check(), p.CheckPlaces(dev.Lanes)); err != nil {
			return nil, fmt.Errorf("after pass %s the program is wrong, please report it: %w", s.Name, err)
		}
		if opt.Dump != nil {
			opt.Dump(s.Name, p.String())
		}
	}
	img, listing, err := emit.Firmware(p, &dev)
	if err != nil {
		return nil, err
	}
	if d.Units == "used" {
		dev.Omit = int(isa.AllUnits &^ img.Needs())
		img.Config.Omit = dev.Omit
	}
	if !emit.Linked(d.Link.Kind) {
		return nil, fmt.Errorf("there is no Verilog for a link of kind %q yet; use kind = \"uart\"", d.Link.Kind)
	}
	dev.Link = d.Link
	if dev.Key, err = readKey(net); err != nil {
		return nil, err
	}
	b := &Build{Image: img, Top: emit.Top(dev), Asm: listing, IR: p.String(), net: net}
	b.Manifest = describe(net, p, dev)
	if net.Import.Path != "" {
		if b.Imported, err = importWeights(net, b.Manifest, img); err != nil {
			return nil, err
		}
	}
	if err := img.Validate(); err != nil {
		return nil, err
	}
	b.Manifest.ImageID = manifest.Hex(img.ID())
	return b, nil
}

// kinds are what the encoders make of a sample.
var kinds = map[string]string{"direct": manifest.Bytes, "centered": manifest.Words}

// describe makes the manifest; the image's identifier is still missing.
func describe(net *config.Net, p *ir.Program, dev device.Config) *manifest.Manifest {
	x := p.Vectors[0]
	m := &manifest.Manifest{
		Version: manifest.Version, Name: net.Name, Rule: net.Rule.Name,
		HwID: manifest.Hex(dev.ID()), Device: dev, Seed: net.Seed,
		Layers: []int{net.Input.Elements()}, Classes: net.Layers[len(net.Layers)-1].Units,
		Input: manifest.Input{Elements: x.N, Kind: kinds[net.Data.Encoder], Base: x.Base * dev.Lanes, Stride: dev.Words(x.Len()) * dev.Lanes},
		Data: manifest.Data{Set: net.Data.Set, Epochs: net.Data.Epochs, Samples: net.Data.Samples,
			Validation: net.Data.Validation, Encoder: net.Data.Encoder, Jitter: net.Data.Jitter, Flip: net.Data.Flip, Contrast: net.Data.Contrast},
	}
	if in := &m.Input; x.Steps > 0 {
		in.Kind, in.Steps, in.Segment = manifest.Events, x.Steps, in.Stride
		in.Stride *= x.Steps
		if net.Data.Rated() {
			g := rules.Gain(net)
			in.Gain = &g
		}
	}
	for _, l := range net.Layers {
		m.Layers = append(m.Layers, l.Units)
	}
	m.Answers = net.Device.Answers
	work := "learn"
	if m.Answers {
		work = "infer"
	}
	m.Cost.MACs, m.Cost.Cycles = pass.Cost(p, p.Func(work), dev)
	for _, t := range p.Tensors {
		if t.Source == "memory" {
			m.Tensors = append(m.Tensors, manifest.Tensor{Name: t.Name, ID: uint8(t.ID), Space: device.Weights, Base: t.Base,
				Rows: t.Rows(), Cols: t.Cols(), RowStride: dev.Words(t.Cols()), LaneAxis: t.Lanes, Bias: t.Bias, Bits: t.Bits, Frac: t.Frac, Role: t.Role})
		}
	}
	p.Each(func(_ *ir.Func, o *ir.Op) {
		if o.Name == "digv" {
			v := p.Vector(o.Args[0])
			m.Tensors = append(m.Tensors, manifest.Tensor{Name: v.Name, ID: uint8(o.Attrs["id"]), Space: device.Vectors, Base: v.Base,
				Rows: 1, Cols: v.Len(), RowStride: dev.Words(v.Len()), LaneAxis: "out", Bits: 16, Frac: v.Frac, Role: v.Role})
		}
	})
	for _, v := range p.Vectors {
		shared := slices.ContainsFunc(p.Vectors, func(w *ir.Vector) bool { return w != v && w.Overlaps(v, dev.Lanes) })
		m.Vectors = append(m.Vectors, manifest.Vector{Name: v.Name, Base: v.Base, N: v.Len(), Frac: v.Frac, Shared: shared})
	}
	names := make([]*ir.Scalar, device.NumRegs)
	for _, s := range p.Scalars {
		names[s.Reg] = s
	}
	for i, s := range names {
		if s != nil {
			m.Registers = append(m.Registers, manifest.Register{Name: s.Name, Index: i, Learned: s.Learned})
		}
	}
	return m
}

// Write writes the build folder: complete, or not at all. A folder that is already there is replaced if it is a build.
func (b *Build) Write(dir string) error {
	files := map[string][]byte{
		manifest.File:      b.Manifest.Encode(),
		manifest.ImageFile: b.Image.Encode(),
		manifest.TopFile:   b.Top,
		manifest.NetFile:   b.net.Source,
		manifest.AsmFile:   b.Asm,
	}
	dir = filepath.Clean(dir)
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(dir, manifest.File)); err != nil {
			return fmt.Errorf("%s: holds files that are not a build; choose another folder with -o", dir)
		}
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	mode := os.FileMode(0o755)
	if !b.Manifest.Device.Key.IsZero() {
		mode = 0o700 // Verilog and manifest hold the key
	}
	if err := os.Chmod(tmp, mode); err != nil {
		return err
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(tmp, name), data, 0o666); err != nil {
			return err
		}
	}
	old := tmp + "-old"
	if err := os.Rename(dir, old); err == nil {
		defer os.RemoveAll(old)
	}
	return os.Rename(tmp, dir)
}
