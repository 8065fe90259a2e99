package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"

	"github.com/nmc-fpga/nmc"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/link"
	"github.com/nmc-fpga/nmc/sim"
	"github.com/nmc-fpga/nmc/testbench/verilator"
)

// devices is the help text of --on.
const devices = "sim (Go simulator) or verilator (the Verilog engine)"

// A target is a device that the verbs drive: the simulator or a session.
type target interface {
	device.Device
	// Reopen numbers the commits from 1 again and keeps the memories.
	Reopen() error
}

// openDevice returns a device of the build's configuration, without an image. What the tools say goes to progress.
func openDevice(ctx context.Context, on string, b *build, progress io.Writer) (target, error) {
	switch on {
	case "sim":
		return sim.New(b.manifest.Device)
	case "verilator":
		binary, err := verilator.Build(ctx, nmc.HDL, b.top, b.manifest.Device, progress)
		if err != nil {
			return nil, err
		}
		cmd := exec.Command(binary)
		ownGroup(cmd)
		l, err := link.Start(cmd)
		if err != nil {
			return nil, err
		}
		return host.Dial(ctx, l, host.Options{
			HwID:       b.manifest.Device.ID(),
			Remedy:     "compile again with nmc compile",
			FrameBytes: b.manifest.Device.FrameBytes,
		})
	}
	return nil, fmt.Errorf("no device %q; use %s", on, devices)
}
