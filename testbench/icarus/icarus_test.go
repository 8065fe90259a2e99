// Package icarus_test runs the device in a second Verilog simulator, with other rules for unknown values, and on the
// same bytes as the native program of package verilator: both must answer alike, and as the simulator in Go.
package icarus_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc"
	"github.com/nmc-fpga/nmc/firmware/asm"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/image"
	"github.com/nmc-fpga/nmc/host/proto"
	"github.com/nmc-fpga/nmc/sim"
	"github.com/nmc-fpga/nmc/testbench/verilator"
)

// program learns by direct feedback alignment, 196-40-10 on 4 lanes: all five matrix primitives, tables, draws, digest.
const program = "../../firmware/programs/dfa.asm"

var cfg = device.Config{Lanes: 4, WeightDepth: 4096, VectorDepth: 256, ProgramDepth: 128, TableDepth: 512, WeightPorts: 2, FrameBytes: 1024}

// top wraps the device, with a fixed boot number so that both simulations answer hello alike.
func top() []byte {
	return fmt.Appendf(nil, `module nmc_top(
  input wire clk_i, input wire rst_i,
  input wire rx_valid_i, output wire rx_ready_o, input wire [7:0] rx_data_i,
  output wire tx_valid_o, input wire tx_ready_i, output wire [7:0] tx_data_o,
  output wire busy_o, output wire trace_valid_o, output wire [11:0] trace_pc_o, output wire [31:0] trace_cycles_o);
  nmc_device #(.Lanes(%d), .WeightDepth(%d), .VectorDepth(%d), .ProgramDepth(%d), .TableDepth(%d), .WeightPorts(%d),
    .FrameBytes(%d), .HwId(64'h%016x), .Boot(32'd1)) u_device (
    .clk_i(clk_i), .rst_i(rst_i), .rx_valid_i(rx_valid_i), .rx_ready_o(rx_ready_o), .rx_data_i(rx_data_i),
    .tx_valid_o(tx_valid_o), .tx_ready_i(tx_ready_i), .tx_data_o(tx_data_o), .count_valid_i(4'd0), .count_ready_o(), .busy_o(busy_o),
    .trace_valid_o(trace_valid_o), .trace_pc_o(trace_pc_o), .trace_cycles_o(trace_cycles_o));
endmodule
`, cfg.Lanes, cfg.WeightDepth, cfg.VectorDepth, cfg.ProgramDepth, cfg.TableDepth, cfg.WeightPorts, cfg.FrameBytes, cfg.ID())
}

func needTools(t *testing.T) {
	t.Helper()
	err := verilator.Available()
	if _, ierr := exec.LookPath("iverilog"); ierr != nil {
		err = fmt.Errorf("iverilog not found; install: apt-get install -y --no-install-recommends iverilog")
	}
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Skip("SKIP:", err)
}

// script collects the bytes of a session that waits for no reply.
type script struct {
	bytes.Buffer
	seq uint16
	n   uint64
}

func (s *script) send(op proto.Op, n uint64, body []byte) {
	s.seq++
	s.Buffer.Write(proto.AppendWire(nil, proto.Request{Op: op, Seq: s.seq, Session: 1, N: n, Body: body}.Frame()))
}

// Write makes the script a device.Memory that an image is loaded into.
func (s *script) Write(space device.Space, addr uint32, data []uint16) error {
	for len(data) > 0 {
		n := min(len(data), proto.WriteCapacity(cfg.FrameBytes))
		s.send(proto.OpWrite, s.n+1, proto.Write{Space: space, Addr: addr, Data: data[:n]}.Body())
		addr, data = addr+uint32(n), data[n:]
	}
	return nil
}

// Read is not for scripts: their replies come later.
func (s *script) Read(device.Space, uint32, int) ([]uint16, error) {
	return nil, fmt.Errorf("a script cannot wait for a reply")
}

func (s *script) commit(run device.Run) {
	s.n++
	parts := 0
	if len(run.Sample.Bytes) > 0 {
		s.send(proto.OpSample, s.n, proto.Sample{Data: run.Sample.Bytes}.Body())
		parts = 1
	}
	s.send(proto.OpCommit, s.n, proto.Commit{Entry: run.Entry, Parts: uint8(parts), Label: run.Label, Limit: run.Limit}.Body())
}

// load returns the program as an image, with random tables.
func load(t *testing.T, rnd *rand.Rand) *image.Image {
	t.Helper()
	src, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	p, err := asm.Assemble(program, src)
	if err != nil {
		t.Fatal(err)
	}
	img := &image.Image{Config: cfg}
	add := func(space device.Space, addr int, data ...uint16) {
		img.Sections = append(img.Sections, image.Section{Space: space, Addr: uint32(addr), Data: data})
	}
	var code []uint16
	for _, w := range p.Words {
		h := w.Halfwords()
		code = append(code, h[:]...)
	}
	add(device.Program, 0, code...)
	add(device.Control, device.ControlInBase, 0, 0, 200, 0)
	for _, r := range p.Registers {
		add(device.Registers, 2*r.Index, uint16(r.Value), uint16(uint32(r.Value)>>16))
	}
	tables := make([]uint16, 2*cfg.TableDepth)
	for i := range tables {
		tables[i] = uint16(rnd.IntN(1<<13)) - 1<<10
	}
	add(device.Tables, 0, tables...)
	return img
}

// icarus sends the bytes to the device in Icarus Verilog and returns what it answers.
func icarus(t *testing.T, in []byte) []byte {
	t.Helper()
	dir := t.TempDir()
	args := []string{"-g2005", "-s", "device_tb", "-o", filepath.Join(dir, "device.vvp"), "-I", filepath.Join(dir, "gen")}
	write := func(name string, text []byte) string {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, pattern := range []string{"gen/*.vh", "rtl/*.v"} {
		names, err := fs.Glob(nmc.HDL, pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := fs.ReadFile(nmc.HDL, name)
			if err != nil {
				t.Fatal(err)
			}
			if path := write(name, text); strings.HasSuffix(name, ".v") {
				args = append(args, path)
			}
		}
	}
	args = append(args, write("nmc_top.v", top()), "device_tb.v")
	if said, err := exec.Command("iverilog", args...).CombinedOutput(); err != nil {
		t.Fatalf("iverilog: %v\n%s", err, said)
	}

	var hex bytes.Buffer
	for _, b := range in {
		fmt.Fprintf(&hex, "%x\n", b)
	}
	hex.WriteString("100\n")
	out := filepath.Join(dir, "out")
	said, err := exec.Command("vvp", args[4], "+in="+write("in", hex.Bytes()), "+out="+out).CombinedOutput()
	if err != nil {
		t.Fatalf("vvp: %v\n%s", err, said)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	lines := strings.Fields(trim(t, string(text)))
	answer := make([]byte, len(lines))
	for i, l := range lines {
		x, err := strconv.ParseUint(l, 16, 8)
		if err != nil {
			t.Fatalf("byte %d of the answer: %v", i, err) // an unknown bit
		}
		answer[i] = byte(x)
	}
	return answer
}

// trim cuts off the last line, which must say that the device became idle.
func trim(t *testing.T, text string) string {
	t.Helper()
	text, end, ok := strings.Cut(text, "//")
	if !ok || !strings.HasSuffix(strings.TrimSpace(end), "idle") {
		t.Fatalf("the device did not become idle: %s", end)
	}
	return text
}

// native sends the bytes to the native program.
func native(t *testing.T, in []byte) []byte {
	t.Helper()
	bin, err := verilator.Build(t.Context(), nmc.HDL, top(), cfg, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin)
	cmd.Stdin = bytes.NewReader(in)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, said.Bytes())
	}
	return out
}

// replies takes the frames out of an answer.
func replies(t *testing.T, answer []byte) (out []proto.Reply) {
	t.Helper()
	dec := proto.NewDecoder(proto.MinReply, proto.MaxReply)
	dec.Feed(answer, func(f []byte) {
		r, err := proto.ParseReply(bytes.Clone(f))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	})
	if dec.Bad != 0 {
		t.Fatalf("%d bad frames in the answer", dec.Bad)
	}
	return out
}

func TestShortIcarusAndVerilatorAnswerAlike(t *testing.T) {
	needTools(t)
	rnd := rand.New(rand.NewPCG(5, 6))
	img := load(t, rnd)
	runs := []device.Run{{Entry: device.Init}, {Entry: device.Digest}}
	for range 2 {
		x := make([]byte, 196)
		for i := range x {
			x[i] = byte(rnd.IntN(256)) * byte(rnd.IntN(2))
		}
		runs = append(runs, device.Run{Entry: device.Learn, Label: uint16(rnd.IntN(10)), Sample: device.Sample{Bytes: x}})
	}
	runs = append(runs, device.Run{Entry: device.Digest})

	s := new(script)
	s.send(proto.OpHello, 0, nil)
	s.send(proto.OpOpen, 0, nil)
	if err := img.Load(s); err != nil {
		t.Fatal(err)
	}
	for _, r := range runs {
		s.commit(r)
	}
	got, want := icarus(t, s.Bytes()), native(t, s.Bytes())
	g, w := replies(t, got), replies(t, want)
	if len(g) != len(w) {
		t.Fatalf("Icarus answers %d times, Verilator %d times", len(g), len(w))
	}
	for i := range g {
		if g[i].Op == proto.OpCommit && len(g[i].Body) == len(w[i].Body) && bytes.Equal(g[i].Body[:6], []byte{1, 0, 0, 0, 0, 0}) {
			// The first run after power-on: pipeline registers without reset may cost it a cycle.
			copy(g[i].Body[15:19], w[i].Body[15:19])
		}
		if !reflect.DeepEqual(g[i], w[i]) {
			t.Fatalf("reply %d: Icarus %+v, Verilator %+v", i, g[i], w[i])
		}
	}

	m, err := sim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := img.Load(m); err != nil {
		t.Fatal(err)
	}
	var results []device.Result
	for _, r := range g {
		if r.Status != proto.StatusOK {
			t.Fatalf("reply to %v: status %v", r.Op, r.Status)
		}
		if r.Op == proto.OpCommit {
			res, err := proto.ParseResult(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			results = append(results, res)
		}
	}
	if len(results) != len(runs) {
		t.Fatalf("%d results, expected %d", len(results), len(runs))
	}
	for i, run := range runs {
		if err := m.Submit(run); err != nil {
			t.Fatal(err)
		}
		want, err := m.Result()
		if err != nil {
			t.Fatal(err)
		}
		got := results[i]
		if got.Cycles == 0 {
			t.Errorf("commit %d took no cycles", got.N)
		}
		got.Cycles, want.Cycles = 0, 0
		if got != want {
			t.Errorf("commit %d: device %+v, simulator %+v", i+1, got, want)
		}
	}
	if results[1].Digest == results[len(runs)-1].Digest {
		t.Error("nothing was learned")
	}
}
