// Command serial measures how much of a serial line's rate is payload, in the time of the Verilated device at its end: memory
// written and read, and samples learned. Where the engine needs longer for a sample than the line, the engine is the limit.
//
// The time of the host shows only where the device has something to do meanwhile: time stands still while it has not.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/nmc-fpga/nmc"
	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/link"
	"github.com/nmc-fpga/nmc/testbench/verilator"
)

// net learns pictures of MNIST's size fast enough for the line.
const net = `name = "line"
[data]
set = "idx:none"
samples = 1
[input]
rows = 28
cols = 28
channels = 1
[[layer]]
units = 16
activation = "tanh"
[[layer]]
units = 10
activation = "softmax"
[rule]
name = "dfa"
rate = 0.01
[device]
lanes = 16
weight_depth = 4096
[device.link]
kind = "uart"
clock = %d
baud = %d
fifo = %d
`

func main() {
	clock := flag.Int("clock", 24_000_000, "of the device, Hz")
	baud := flag.Int("baud", 3_000_000, "of the line")
	fifo := flag.Int("fifo", 512, "bytes that wait for the device")
	samples := flag.Int("samples", 300, "samples learned")
	flag.Parse()
	if err := run(*clock, *baud, *fifo, *samples); err != nil {
		fmt.Fprintln(os.Stderr, "serial:", err)
		os.Exit(2)
	}
}

func run(clock, baud, fifo, samples int) error {
	ctx := context.Background()
	n, err := config.Read("net.toml", fmt.Appendf(nil, net, clock, baud, fifo), config.Options{Rules: rules.Specs()})
	if err != nil {
		return err
	}
	b, err := compiler.Compile(n, compiler.Options{})
	if err != nil {
		return err
	}
	dev := b.Manifest.Device
	binary, err := verilator.BuildPins(ctx, nmc.HDL, b.Top, dev, os.Stderr)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "nmc-serial")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	tty := filepath.Join(dir, "tty")
	ready := make(chan struct{})
	there := sync.OnceFunc(func() { close(ready) })
	line, err := verilator.Serve(exec.Command(binary, "--clock", fmt.Sprint(clock), "--baud", fmt.Sprint(baud), "--pty", "--symlink", tty),
		func(string, string) { there() })
	if err != nil {
		return err
	}
	defer line.Close()
	select {
	case <-ready:
	case <-line.Done():
		return line.Close()
	}
	cycles := func() (n uint64, err error) {
		counts, err := line.Counts()
		if err == nil {
			_, err = fmt.Sscan(counts, &n)
		}
		return n, err
	}
	l, err := link.Open(ctx, link.Address{Kind: "serial", Path: tty, Baud: baud})
	if err != nil {
		return err
	}
	opt := host.Options{HwID: dev.ID()}
	opt.OverSerial(dev, baud)
	// The simulated line is slower than the real one by a factor that the machine decides.
	opt.MinTimeout, opt.FirstTimeout = 5*time.Second, 10*time.Second
	opt.MaxTimeout = opt.FirstTimeout
	s, err := host.Dial(ctx, l, opt)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := b.Image.Load(s); err != nil {
		return err
	}

	const halfwords = 4096 * 16
	memory := make([]uint16, halfwords)
	for i := range memory {
		memory[i] = uint16(i * i * 7)
	}
	learn := func() error {
		x := make([]byte, 784)
		for i := range x {
			x[i] = byte(i * i >> 3)
		}
		for i := range samples + 1 {
			if i < samples {
				if err := s.Submit(device.Run{Entry: device.Learn, Label: uint16(i % 10), Sample: device.Sample{Bytes: x}}); err != nil {
					return err
				}
			}
			if i > 0 {
				if _, err := s.Result(); err != nil {
					return err
				}
			}
		}
		return nil
	}
	fmt.Printf("%d baud of a device of %d Hz with a queue of %d bytes\n\n", baud, clock, fifo)
	fmt.Printf("| what | payload bytes | seconds of the device | bytes a second | of the line | resent |\n|---|---|---|---|---|---|\n")
	for _, m := range []struct {
		what    string
		payload int
		do      func() error
	}{
		{"weights written", 2 * halfwords, func() error { return s.Write(device.Weights, 0, memory) }},
		{"weights read", 2 * halfwords, func() error { _, err := s.Read(device.Weights, 0, halfwords); return err }},
		{fmt.Sprintf("%d samples of 784 bytes learned", samples), 784 * samples, learn},
	} {
		before, err := cycles()
		if err != nil {
			return err
		}
		resent := s.Stats().Resent
		if err := m.do(); err != nil {
			return err
		}
		after, err := cycles()
		if err != nil {
			return err
		}
		seconds := float64(after-before) / float64(clock)
		rate := float64(m.payload) / seconds
		fmt.Printf("| %s | %d | %.3f | %.0f | %.1f%% | %d |\n", m.what, m.payload, seconds, rate, 100*rate/(float64(baud)/10), s.Stats().Resent-resent)
	}
	return nil
}
