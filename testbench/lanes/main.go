// Command lanes measures the Verilog engine in Verilator while it learns MNIST: cycles a sample against the dense ideal
// (multiply-accumulates and weight updates over lanes), with event skipping off and on; on standard error the harness's cycles and
// speed.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/nmc-fpga/nmc"
	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/dataset"
	"github.com/nmc-fpga/nmc/host/link"
	"github.com/nmc-fpga/nmc/testbench/verilator"
)

func main() {
	nets := flag.String("nets", "examples/mnist-bp-1024/net.toml,examples/mnist-dfa-1024/net.toml", "networks")
	lanes := flag.String("lanes", "16,64", "lane counts")
	samples := flag.Int("samples", 100, "samples learned in each mode, after as many to warm up")
	flag.Parse()
	fmt.Printf("| net | lanes | skipping | cycles a sample | dense ideal | ideal / cycles | cycles / ideal |\n|---|---|---|---|---|---|---|\n")
	for _, path := range strings.Split(*nets, ",") {
		for _, l := range strings.Split(*lanes, ",") {
			n, err := strconv.Atoi(l)
			if err == nil {
				err = measure(path, n, *samples)
			}
			if err != nil {
				fmt.Fprintln(os.Stderr, "lanes:", err)
				os.Exit(2)
			}
		}
	}
}

func measure(path string, lanes, samples int) error {
	src, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	net, err := config.Read(path, src, config.Options{Rules: rules.Specs()})
	if err != nil {
		return err
	}
	net.Device.Lanes = lanes
	b, err := compiler.Compile(net, compiler.Options{})
	if err != nil {
		return err
	}
	set, err := dataset.Open(context.Background(), net.Data.Set, dataset.Train)
	if err != nil {
		return err
	}
	dev, process, err := open(b)
	if err != nil {
		return err
	}
	defer dev.Close()
	if err := b.Image.Load(dev); err != nil {
		return err
	}
	if _, err := run(dev, device.Run{Entry: device.Init}); err != nil {
		return err
	}
	at := 0
	learn := func() (cycles float64, err error) {
		for range samples {
			r, err := run(dev, device.Run{Entry: device.Learn, Label: uint16(set.Label(at)), Sample: device.Sample{Bytes: set.Image(at)}})
			if err != nil {
				return 0, err
			}
			cycles += float64(r.Cycles)
			at++
		}
		return cycles / float64(samples), nil
	}
	if _, err := learn(); err != nil {
		return err
	}
	ideal := float64(b.Manifest.Cost.MACs) / float64(lanes)
	for skip, name := range []string{"off", "on"} {
		if err := dev.Write(device.Control, device.ControlSkip, []uint16{uint16(skip)}); err != nil {
			return err
		}
		cycles, err := learn()
		if err != nil {
			return err
		}
		fmt.Printf("| %s | %d | %s | %.0f | %.0f | %.1f%% | %.3f |\n", net.Name, lanes, name, cycles, ideal, 100*ideal/cycles, cycles/ideal)
	}
	if err := dev.Close(); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, process.Stats())
	return nil
}

func run(dev device.Device, r device.Run) (device.Result, error) {
	if err := dev.Submit(r); err != nil {
		return device.Result{}, err
	}
	return dev.Result()
}

// A process tells its cycles and speed once it has ended.
type process interface{ Stats() string }

func open(b *compiler.Build) (device.Device, process, error) {
	binary, err := verilator.Build(context.Background(), nmc.HDL, b.Top, b.Manifest.Device, os.Stderr)
	if err != nil {
		return nil, nil, err
	}
	p, err := verilator.Start(binary)
	if err != nil {
		return nil, nil, err
	}
	dev, err := host.Dial(context.Background(), link.NewStream(p), host.Options{HwID: b.Manifest.Device.ID(), FrameBytes: b.Manifest.Device.FrameBytes})
	return dev, p.(process), err
}
