// Package links_test learns on the Verilog engine over links that treat what they carry badly.
package links_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.bug.st/serial"

	"github.com/nmc-fpga/nmc"
	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/dataset"
	"github.com/nmc-fpga/nmc/host/link"
	"github.com/nmc-fpga/nmc/host/link/linktest"
	"github.com/nmc-fpga/nmc/host/train"
	"github.com/nmc-fpga/nmc/sim"
	"github.com/nmc-fpga/nmc/testbench/verilator"
)

const net = `
name = "small"
[data]
set = "digits"
[[layer]]
units = 16
activation = "tanh"
rate = 8.0
[[layer]]
units = 10
activation = "softmax"
[rule]
name = "dfa"
rate = 0.01
[device]
lanes = 4
`

// line is the device with a serial line.
const line = net + `
[device.link]
kind = "uart"
clock = 24_000_000
baud = 3_000_000
`

// made compiles a net.
func made(net string) (*compiler.Build, error) {
	dir, err := os.MkdirTemp("", "nmc")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "net.toml")
	if err := os.WriteFile(path, []byte(net), 0o644); err != nil {
		return nil, err
	}
	n, err := compiler.Read(path)
	if err != nil {
		return nil, err
	}
	return compiler.Compile(n, compiler.Options{})
}

// digits are the built-in samples.
type digits struct{ *dataset.Set }

func (d digits) Sample(_, i int) (device.Sample, int) {
	return device.Sample{Bytes: d.Image(i)}, d.Label(i)
}

// learn loads the build, learns n samples and returns the outcome.
func learn(t *testing.T, dev device.Device, b *compiler.Build, n int) train.Epoch {
	t.Helper()
	set, err := dataset.Open(t.Context(), "digits", dataset.Train)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Image.Load(dev); err != nil {
		t.Fatal(err)
	}
	e, err := train.Train(t.Context(), dev, digits{set}, train.Options{Epochs: 1, Samples: n})
	if err != nil {
		t.Fatal(err)
	}
	return e[0]
}

// faults are what a tenth of the packets suffers: each alone, and all at once.
func faults() map[string]linktest.Faults {
	all := linktest.Each(0.1)
	all.MaxDelay = 50 * time.Millisecond
	cases := map[string]linktest.Faults{"all": all}
	for _, kind := range linktest.Kinds {
		f := all.Only(kind)
		if kind != "reorder" {
			f.Latency = 0 // nothing but the fault
		}
		cases[kind] = f
	}
	return cases
}

// TestFaults learns 500 samples over a network and over a stream, with a tenth of what goes over it dropped, repeated,
// overtaken, delayed, cut off or damaged, and with all of that at once: what is learned is what the simulator learns, each
// sample once.
func TestFaults(t *testing.T) {
	samples := 500
	if testing.Short() {
		samples = 40
	}
	b, err := made(net)
	if err != nil {
		t.Fatal(err)
	}
	binary, err := verilator.Build(t.Context(), nmc.HDL, b.Top, b.Manifest.Device, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	machine, err := sim.New(b.Manifest.Device)
	if err != nil {
		t.Fatal(err)
	}
	defer machine.Close()
	want := learn(t, machine, b, samples)

	open := func() (io.ReadWriteCloser, error) { return verilator.Start(binary) }
	for name, f := range faults() {
		for _, over := range []string{"network", "stream"} {
			t.Run(name+"/"+over, func(t *testing.T) {
				var l host.Link
				var hits func() map[string]int
				if over == "network" {
					n, err := linktest.NewNetwork("127.0.0.1:0", 7, f, open)
					if err != nil {
						t.Fatal(err)
					}
					defer n.Close()
					if l, err = link.DialUDP(t.Context(), n.Address()); err != nil {
						t.Fatal(err)
					}
					hits = n.Hits
				} else {
					dev, err := open()
					if err != nil {
						t.Fatal(err)
					}
					s := linktest.NewStream(dev, 7, f)
					l, hits = link.NewStream(s), s.Hits
				}
				s, err := host.Dial(t.Context(), l, host.Options{
					HwID: b.Manifest.Device.ID(), FrameBytes: b.Manifest.Device.FrameBytes,
					MinTimeout: 5 * time.Millisecond, FirstTimeout: 50 * time.Millisecond, MaxTimeout: 200 * time.Millisecond,
				})
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				compare(t, s, b, samples, want)
				struck(t, s, samples, f, hits())
			})
		}
	}
}

// compare learns on a session what the simulator has learned.
func compare(t *testing.T, s *host.Session, b *compiler.Build, samples int, want train.Epoch) {
	t.Helper()
	got := learn(t, s, b, samples)
	if got.Digest != want.Digest || got.Learn.Correct != want.Learn.Correct || got.Learn.Overflow != want.Learn.Overflow {
		t.Errorf("learned %+v, the simulator %+v", got, want)
	}
	id, err := s.Identity()
	if commits := uint64(samples + 2); err != nil || id.Last != commits { // init and digest, too
		t.Errorf("the device has run %d commits, %v, want %d", id.Last, err, commits)
	}
}

// struck wants the faults to have struck, and what was lost to have been sent again.
func struck(t *testing.T, s *host.Session, samples int, f linktest.Faults, hits map[string]int) {
	t.Helper()
	for _, what := range linktest.Kinds {
		if f.Only(what) != f.Only() && hits[what] < samples/10 {
			t.Errorf("%s struck only %d times: %v", what, hits[what], hits)
		}
	}
	st := s.Stats()
	if lossy := f.Drop+f.Truncate+f.Corrupt > 0; lossy && st.Resent < uint64(samples/10) {
		t.Errorf("only %d requests were sent again", st.Resent)
	}
	t.Logf("%d requests sent again, faults %v", st.Resent, hits)
}

// TestLineFaults is TestFaults on the pins of a device with a serial line, between the host and the pseudo-terminal that
// stands for the cable.
func TestLineFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("the long form has it")
	}
	const samples = 500
	b, err := made(line)
	if err != nil {
		t.Fatal(err)
	}
	c := b.Manifest.Device
	binary, err := verilator.BuildPins(t.Context(), nmc.HDL, b.Top, c, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	machine, err := sim.New(c)
	if err != nil {
		t.Fatal(err)
	}
	defer machine.Close()
	want := learn(t, machine, b, samples)
	for name, f := range faults() {
		t.Run(name, func(t *testing.T) {
			proxy := linktest.NewStream(pty(t, binary, c.Link), 11, f)
			s, err := host.Dial(t.Context(), link.NewStream(proxy), host.Options{
				HwID: c.ID(), FrameBytes: c.FrameBytes, Room: c.Link.Room(), Steady: c.Link.Steady(c.FrameBytes),
				MinTimeout: 5 * time.Millisecond, FirstTimeout: 50 * time.Millisecond, MaxTimeout: 200 * time.Millisecond,
			})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			compare(t, s, b, samples, want)
			struck(t, s, samples, f, proxy.Hits())
		})
	}
}

// pty starts a device and opens the pseudo-terminal that its serial line is on.
func pty(t *testing.T, binary string, l device.Link) io.ReadWriteCloser {
	t.Helper()
	cmd := exec.Command(binary, "--clock", strconv.Itoa(l.Clock), "--baud", strconv.Itoa(l.Baud), "--pty")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stdin.Close(); cmd.Wait() })
	said, err := bufio.NewReader(stdout).ReadString('\n')
	path, ok := strings.CutPrefix(strings.TrimSpace(said), "pty ")
	if err != nil || !ok {
		t.Fatalf("the device said %q, %v", said, err)
	}
	port, err := serial.Open(path, &serial.Mode{BaudRate: l.Baud})
	if err != nil {
		t.Fatal(err)
	}
	return port
}
