// Command overhead prints what learning costs beside answering alone, as a table: cycles of a sample, and what Yosys makes of the same engine
// and front end for three families, once with all that a network's program uses, once with what is used by the program of learning = false.
// Memories have the same depths in all.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nmc-fpga/nmc"
	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/firmware/device"
)

// A family is how Yosys synthesizes for it, and the columns of its row.
type family struct {
	name, synth string
	ports       int // of the weight memory
	columns     []column
}

// A column counts cells.
type column struct{ cells, unit string }

var families = []family{
	{"ice40", "synth_ice40 -dsp -spram", 1, []column{{"SB_LUT4", "LUT4"}, {"SB_DFF.*", ""}, {"SB_MAC16", "SB_MAC16"}, {"SB_RAM40.*", "EBR"}, {"SB_SPRAM256KA", "SPRAM"}}},
	{"ecp5", "synth_ecp5", 2, []column{{"LUT4", "LUT4"}, {"TRELLIS_FF", ""}, {"MULT18X18D", "MULT18X18D"}, {"DP16KD", "DP16KD"}}},
	{"xc7", "synth_xilinx -flatten -family xc7", 2, []column{{"LUT[1-6]", "LUT"}, {"FD.E", ""}, {"DSP48E1", "DSP48E1"}, {"RAMB36E1", "RAMB36"}, {"RAMB18E1", "RAMB18"}}},
}

func main() {
	net := flag.String("net", "examples/mnist-board/net.toml", "network")
	only := flag.String("only", "", "families, separated by commas; all if empty")
	flag.Parse()
	if err := run(context.Background(), os.Stdout, *net, *only); err != nil {
		fmt.Fprintln(os.Stderr, "overhead:", err)
		os.Exit(2)
	}
}

func run(ctx context.Context, out io.Writer, file, only string) error {
	fmt.Fprintln(out, "| family | build | cycles a sample | logic | flip-flops | multipliers | block RAM |\n|---|---|---|---|---|---|---|")
	for _, f := range families {
		if only != "" && !slices.Contains(strings.Split(only, ","), f.name) {
			continue
		}
		cfg := device.Config{Lanes: 4, WeightDepth: 16384, VectorDepth: 512, ProgramDepth: 256, TableDepth: 256, WeightPorts: f.ports, FrameBytes: 1024}
		for _, answers := range []bool{false, true} {
			net, err := compiler.Read(file)
			if err != nil {
				return err
			}
			net.On(cfg, "used")
			net.Device.Answers = answers
			b, err := compiler.Compile(net, compiler.Options{})
			if err != nil {
				return err
			}
			name := "learning"
			if answers {
				name = "answering alone"
			}
			text, err := synthesize(ctx, f, b.Manifest.Device)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", f.name, name, err)
			}
			fmt.Fprintf(out, "| %s | %s | %d | %s |\n", f.name, name, b.Manifest.Cost.Cycles, strings.Join(f.row(text), " | "))
		}
	}
	return nil
}

// synthesize returns what Yosys counts.
func synthesize(ctx context.Context, f family, c device.Config) ([]byte, error) {
	dir, err := os.MkdirTemp("", "nmc-overhead-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.CopyFS(dir, nmc.HDL); err != nil {
		return nil, err
	}
	files, err := fs.Glob(nmc.HDL, "rtl/*.v")
	if err != nil {
		return nil, err
	}
	script := fmt.Sprintf("read_verilog -I gen %s; chparam -set Lanes %d -set WeightDepth %d -set VectorDepth %d -set ProgramDepth %d -set TableDepth %d -set WeightPorts %d -set Omit %d nmc_device; %s -top nmc_device; tee -o stat.txt stat",
		strings.Join(files, " "), c.Lanes, c.WeightDepth, c.VectorDepth, c.ProgramDepth, c.TableDepth, c.WeightPorts, c.Omit, f.synth)
	cmd := exec.CommandContext(ctx, "yosys", "-q", "-p", script)
	cmd.Dir = dir
	if said, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("yosys: %w\n%s", err, bytes.TrimSpace(said))
	}
	return os.ReadFile(filepath.Join(dir, "stat.txt"))
}

// row is the columns of a table: logic, flip-flops, multipliers, memory.
func (f family) row(stat []byte) []string {
	var cells, memory []string
	for i, c := range f.columns {
		n := 0
		for _, m := range regexp.MustCompile(`(?m)^\s+(?:`+c.cells+`)\s+(\d+)$`).FindAllSubmatch(stat, -1) {
			k, _ := strconv.Atoi(string(m[1])) // digits
			n += k
		}
		text := strings.TrimSpace(fmt.Sprint(n, " ", c.unit))
		if i < 3 {
			cells = append(cells, text)
		} else {
			memory = append(memory, text)
		}
	}
	return append(cells, strings.Join(memory, ", "))
}
