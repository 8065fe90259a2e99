package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc"
	"github.com/nmc-fpga/nmc/boards/board"
	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/compiler/pass"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/image"
)

func newCompile(a *app) *cobra.Command {
	var out, dump, emit string
	var on onBoard
	var passes []string
	for _, p := range compiler.Passes {
		passes = append(passes, p.Name)
	}
	cmd := &cobra.Command{
		Use:   "compile net.toml",
		Short: "Compile a network to a build folder: firmware image, Verilog, manifest",
		Long: `Compile a network to a build folder: firmware image, Verilog, manifest. Prints what the device needs, the cycles of one
learned sample and the FPGAs whose memory and multipliers hold it.

With --dump or --emit the text goes to standard output and no folder is written unless -o asks for one.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("nmc compile: name one file, such as: nmc compile net.toml -o build")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if dump != "" && dump != "all" && !slices.Contains(passes, dump) {
				return fmt.Errorf("no pass %q; the passes are %s, or all", dump, strings.Join(passes, ", "))
			}
			if !slices.Contains([]string{"", "ir", "asm", "verilog"}, emit) {
				return fmt.Errorf("cannot emit %q; use ir, asm or verilog", emit)
			}
			var opt compiler.Options
			if dump != "" {
				opt.Dump = func(name, text string) {
					if dump == "all" {
						fmt.Fprintf(a.stdout, "# after %s\n", name)
					}
					if dump == "all" || dump == name {
						fmt.Fprintln(a.stdout, strings.TrimRight(text, "\n"))
					}
				}
			}
			b, err := on.orNone(args[0], opt)
			if err != nil {
				return err
			}
			if emit != "" {
				text, err := emitted(b, emit)
				if err != nil {
					return err
				}
				fmt.Fprintln(a.stdout, strings.TrimRight(text, "\n"))
			}
			quiet := dump != "" || emit != ""
			folder := out
			if folder == "" && !quiet {
				folder = "build"
			}
			if folder != "" {
				if err := b.Write(folder); err != nil {
					return err
				}
			}
			s := summarize(b, folder)
			a.answer = s
			if !quiet {
				s.print(a)
			}
			return nil
		},
	}
	on.flags(cmd)
	cmd.Flags().StringVarP(&out, "out", "o", "", `build folder (default "build")`)
	cmd.Flags().StringVar(&dump, "dump", "", "print the program after this pass: "+strings.Join(passes, ", ")+", or all")
	cmd.Flags().StringVar(&emit, "emit", "", "print ir, asm or verilog (the whole device in one text)")
	return cmd
}

// emitted is what --emit prints.
func emitted(b *compiler.Build, form string) (string, error) {
	switch form {
	case "ir":
		return b.IR, nil
	case "asm":
		return string(b.Asm), nil
	}
	// Not only the top: all of the Verilog, so that the text is a device by itself.
	text, err := nmc.Bundle(b.Top)
	return string(text), err
}

// readNet reads a net.toml.
func readNet(path string) (*config.Net, error) {
	net, err := compiler.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no such file; start a project with nmc new", path)
	}
	return net, err
}

// compile reads and compiles a net.toml.
func compile(path string, opt compiler.Options) (*compiler.Build, error) {
	net, err := readNet(path)
	if err != nil {
		return nil, err
	}
	b, err := compiler.Compile(net, opt)
	if errors.As(err, new(pass.Misfit)) {
		return nil, finding{err}
	}
	return b, err
}

// A memory is how much of one memory a build uses.
type memory struct {
	Name  string `json:"name"`
	Used  int    `json:"used"`  // words
	Depth int    `json:"depth"` // words
	Bits  int    `json:"bits"`  // of a word
}

// A fit is whether memory and multipliers of a part hold a device.
type fit struct {
	Part string `json:"part"`
	Fits bool   `json:"fits"`
	Lack string `json:"lack,omitempty"`
}

// A summary is what compile says of a build.
type summary struct {
	Name            string        `json:"name"`
	Rule            string        `json:"rule"`
	Build           string        `json:"build"` // folder; empty when none was written
	HwID            manifest.Hex  `json:"hw_id"`
	ImageID         manifest.Hex  `json:"image_id"`
	Layers          []int         `json:"layers"`
	Device          device.Config `json:"device"`
	Memories        []memory      `json:"memories"`
	MACs            int64         `json:"macs"`
	CyclesPerSample int64         `json:"cycles_per_sample"` // an upper bound: nothing skipped
	Fits            []fit         `json:"fits"`
	Imported        []quantized   `json:"imported,omitempty"`
}

// A quantized layer is what the import of trained weights cost.
type quantized struct {
	Layer     string  `json:"layer"`
	Format    string  `json:"format"`
	RMSError  float64 `json:"rms_error"`
	MaxError  float64 `json:"max_error"`
	Saturated int     `json:"saturated"`
	Count     int     `json:"count"`
	BestFrac  int     `json:"best_frac"`
}

func summarize(b *compiler.Build, folder string) *summary {
	m := b.Manifest
	s := &summary{
		Name: m.Name, Rule: m.Rule, Build: folder, HwID: m.HwID, ImageID: m.ImageID, Layers: m.Layers, Device: m.Device,
		Memories: memories(m, b.Image), MACs: m.Cost.MACs, CyclesPerSample: m.Cost.Cycles,
	}
	s.Device.Key = device.Key{} // not for logs
	for _, p := range board.Parts() {
		f := fit{Part: p.Part.Title, Fits: true}
		var misfit *board.Misfit
		if errors.As(p.Fits(m.Device), &misfit) {
			f.Fits, f.Lack = false, strings.Join(misfit.Lack, ", ")
		}
		s.Fits = append(s.Fits, f)
	}
	for _, q := range b.Imported {
		s.Imported = append(s.Imported, quantized{q.Layer, q.Format.String(), q.RMSError, q.MaxError, q.Saturated, q.Count, q.BestFrac})
	}
	return s
}

// memories counts the words that a build uses.
func memories(m *manifest.Manifest, img *image.Image) []memory {
	c := m.Device
	lane := c.Lanes * 16
	weights, vectors := 0, (m.Input.Base+2*m.Input.Stride)/c.Lanes
	for _, t := range m.Tensors {
		end := t.Base + t.Rows*t.RowStride
		if t.Space == device.Weights {
			weights = max(weights, end)
		} else {
			vectors = max(vectors, end)
		}
	}
	for _, v := range m.Vectors {
		words := c.Words(v.N)
		if v.Wide {
			words *= 3
		}
		vectors = max(vectors, v.Base+words)
	}
	program, tables := 0, 0
	for _, s := range img.Sections {
		end := int(s.Addr) + len(s.Data)
		switch s.Space {
		case device.Program:
			program = max(program, end/8)
		case device.Tables:
			tables = max(tables, end/2)
		}
	}
	return []memory{
		{"weights", weights, c.WeightDepth, lane},
		{"vectors", vectors, c.VectorDepth, lane},
		{"program", program, c.ProgramDepth, 128},
		{"tables", tables, c.TableDepth, 32},
	}
}

func (s *summary) print(a *app) {
	layers := strings.Trim(strings.ReplaceAll(fmt.Sprint(s.Layers), " ", "-"), "[]")
	a.say("%s: %s by %s, %d lanes\n", s.Name, layers, s.Rule, s.Device.Lanes)
	for _, m := range s.Memories {
		a.say("  %-8s %7d of %7d words of %4d bits\n", m.Name, m.Used, m.Depth, m.Bits)
	}
	a.say("  one learned sample: %d multiply-accumulates, at most %d cycles\n", s.MACs, s.CyclesPerSample)
	for _, f := range s.Fits {
		verdict := "has the memory and the multipliers"
		if !f.Fits {
			verdict = "too small: " + f.Lack
		}
		a.say("  %-13s %s\n", f.Part, verdict)
	}
	for _, q := range s.Imported {
		a.say("  imported %s into %s: root mean square error %.3g, largest %.3g, %d of %d beyond the range\n", q.Layer, q.Format, q.RMSError, q.MaxError, q.Saturated, q.Count)
	}
	a.say("  hw_id %v, image_id %v\n", s.HwID, s.ImageID)
	if s.Build != "" {
		a.say("written to %s\n", s.Build)
	}
}
