// Package cosim runs programs in the Verilated engine beside the simulator. The engine is driven without the protocol
// (testbench/unit/engine); the device tests with it are in testbench/verilator.
package cosim

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/nmc-fpga/nmc/firmware/device"
)

// Engine is a running Verilated nmc_engine.
type Engine struct {
	cmd    *exec.Cmd
	in     *bufio.Writer
	out    *bufio.Reader
	pipe   io.WriteCloser
	stderr bytes.Buffer
}

// Outcome is how a run ended.
type Outcome struct {
	Stopped  bool
	Hung     bool // did not end in 2 million cycles
	Cycles   uint32
	Retired  uint32
	Overflow uint32
	Digest   uint64
}

// A Form is one of the engine.
type Form int

const (
	Fast    Form = iota // the Verilog as simulators take it
	Plain               // ... as synthesis takes it
	Netlist             // what Yosys makes of that for an iCE40, in the models of its cells
)

// Build makes the engine's executable for a configuration with Verilator and returns its path; root is the folder of
// go.mod; optimize is the level of the C++ compiler, "-O1" builds fastest. Builds are kept in cache by the content of the
// sources.
func Build(root, cache string, c device.Config, optimize string, form Form) (string, error) {
	list, err := os.ReadFile(filepath.Join(root, "hdl", "nmc.f"))
	if err != nil {
		return "", err
	}
	main := filepath.Join(root, "testbench", "unit", "engine", "main.cpp")
	top := filepath.Join(root, "testbench", "unit", "engine", "top.v")
	args := []string{
		"--cc", "--exe", "--build", "-j", "2", "-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "--unroll-count", "1",
		"-MAKEFLAGS", "'OPT_FAST=" + optimize + " -march=native' 'OPT_GLOBAL=" + optimize + " -march=native'", "-Wno-fatal", "-Wno-lint",
		"-I" + filepath.Join(root, "hdl", "gen"), "--top-module", "nmc_engine_top", "--prefix", "Vnmc_engine", main, top,
	}
	parameters := []struct {
		name  string
		value int
	}{
		{"Lanes", c.Lanes}, {"WeightDepth", c.WeightDepth}, {"VectorDepth", c.VectorDepth}, {"ProgramDepth", c.ProgramDepth},
		{"TableDepth", c.TableDepth}, {"WeightPorts", c.WeightPorts}, {"Omit", c.Omit},
	}
	h := sha256.New()
	inputs := []string{main, top, filepath.Join(root, "hdl", "gen", "nmc_isa.vh")}
	for f := range strings.FieldsSeq(string(list)) {
		inputs = append(inputs, filepath.Join(root, "hdl", f))
	}
	if form == Fast {
		args = append(args, "-DNMC_FAST")
	}
	fmt.Fprintln(h, args, parameters, form)
	for _, f := range inputs {
		b, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		h.Write(b)
	}
	dir := filepath.Join(cache, fmt.Sprintf("engine-%x", h.Sum(nil)[:8]))
	bin := filepath.Join(dir, "Vnmc_engine")
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	if form == Netlist {
		set := ""
		for _, p := range parameters {
			set += fmt.Sprintf(" -set %s %d", p.name, p.value)
		}
		file := filepath.Join(dir, "netlist.v")
		script := fmt.Sprintf("read_verilog -I %s %s; chparam%s nmc_engine; synth_ice40 -dsp -spram -top nmc_engine; write_verilog -noattr %s",
			filepath.Join(root, "hdl", "gen"), strings.Join(inputs[3:], " "), set, file)
		if out, err := exec.Command("yosys", "-q", "-p", script).CombinedOutput(); err != nil {
			return "", fmt.Errorf("yosys: %w\n%s", err, out)
		}
		yosys, err := exec.LookPath("yosys")
		if err != nil {
			return "", err
		}
		cells := filepath.Join(filepath.Dir(yosys), "..", "share", "yosys", "ice40", "cells_sim.v")
		args = append(args, "-DNO_ICE40_DEFAULT_ASSIGNMENTS", "-DNETLIST", "-CFLAGS", "-DNETLIST", "-Wno-style", "--bbox-unsup", file, cells)
	} else {
		for _, p := range parameters {
			args = append(args, fmt.Sprintf("-G%s=%d", p.name, p.value))
		}
		args = append(args, inputs[3:]...)
	}
	cmd := exec.Command("verilator", append(args, "--Mdir", dir)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("verilator: %w\n%s", err, out)
	}
	return bin, nil
}

// Start runs an executable that Build made.
func Start(bin string) (*Engine, error) {
	e := &Engine{cmd: exec.Command(bin)}
	in, err := e.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	e.cmd.Stderr = &e.stderr
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	e.pipe, e.in, e.out = in, bufio.NewWriterSize(in, 1<<16), bufio.NewReaderSize(out, 1<<16)
	return e, nil
}

// Seconds returns the processor time that the runs have taken so far.
func (e *Engine) Seconds() (float64, error) {
	e.in.WriteByte('c')
	if err := e.in.Flush(); err != nil {
		return 0, e.broken(err)
	}
	var us uint64
	if err := binary.Read(e.out, binary.LittleEndian, &us); err != nil {
		return 0, e.broken(err)
	}
	return float64(us) / 1e6, nil
}

// Close ends the engine.
func (e *Engine) Close() error {
	e.pipe.Close()
	return e.cmd.Wait()
}

func (e *Engine) access(op byte, space device.Space, addr uint32, n int) {
	e.in.WriteByte(op)
	e.in.WriteByte(byte(space))
	binary.Write(e.in, binary.LittleEndian, addr)
	binary.Write(e.in, binary.LittleEndian, uint32(n))
}

// Write stores halfwords.
func (e *Engine) Write(space device.Space, addr uint32, data []uint16) error {
	e.access('w', space, addr, len(data))
	return binary.Write(e.in, binary.LittleEndian, data)
}

// Read returns n halfwords.
func (e *Engine) Read(space device.Space, addr uint32, n int) ([]uint16, error) {
	e.access('r', space, addr, n)
	if err := e.in.Flush(); err != nil {
		return nil, e.broken(err)
	}
	data := make([]uint16, n)
	if err := binary.Read(e.out, binary.LittleEndian, data); err != nil {
		return nil, e.broken(err)
	}
	return data, nil
}

// Run runs the program from an entry. offset is the value of register RegInput.
func (e *Engine) Run(entry device.Entry, label uint16, limit, offset uint32, skip bool) (Outcome, error) {
	var s byte
	if skip {
		s = 1
	}
	e.in.WriteByte('x')
	e.in.WriteByte(byte(entry))
	binary.Write(e.in, binary.LittleEndian, label)
	binary.Write(e.in, binary.LittleEndian, limit)
	binary.Write(e.in, binary.LittleEndian, offset)
	e.in.WriteByte(s)
	if err := e.in.Flush(); err != nil {
		return Outcome{}, e.broken(err)
	}
	var r struct {
		Stopped                   uint8
		Cycles, Retired, Overflow uint32
		Digest                    uint64
	}
	if err := binary.Read(e.out, binary.LittleEndian, &r); err != nil {
		return Outcome{}, e.broken(err)
	}
	return Outcome{r.Stopped == 1, r.Stopped == 2, r.Cycles, r.Retired, r.Overflow, r.Digest}, nil
}

func (e *Engine) broken(err error) error {
	return fmt.Errorf("engine: %w: %s", err, bytes.TrimSpace(e.stderr.Bytes()))
}
