package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/capture"
	"github.com/nmc-fpga/nmc/host/link"
	"github.com/nmc-fpga/nmc/sim"
	"github.com/nmc-fpga/nmc/testbench/verilator"
)

// devices is the help text of --on.
var devices = link.Usage()

// A target is a device that the verbs drive: the simulator or a session.
type target interface {
	device.Device
	// Reopen numbers the commits from 1 again and keeps the memories.
	Reopen() error
}

// reach is where a device is and how long to wait for it.
type reach struct {
	on       string
	patience time.Duration
	capture  *capture.Writer // of what goes over the link; nil: none
}

func (r *reach) flag(cmd *cobra.Command, on string) {
	f := cmd.Flags()
	f.StringVar(&r.on, "on", on, "device: "+devices)
	f.DurationVar(&r.patience, "patience", 2*time.Minute, "how long a device may be away or silent before it is given up; longer than its longest run")
}

// openDevice returns a device of the build's configuration, without an image. What the tools say goes to progress.
func openDevice(ctx context.Context, r reach, b *build, progress io.Writer) (target, error) {
	a, err := link.Parse(r.on)
	if err != nil {
		return nil, err
	}
	opt := host.Options{
		HwID:       b.manifest.Device.ID(),
		FrameBytes: b.manifest.Device.FrameBytes,
		Key:        b.manifest.Device.Key,
		Patience:   r.patience,
	}
	switch a.Kind {
	case "sim":
		return sim.New(b.manifest.Device)
	case "verilator":
		binary, err := verilator.Build(ctx, nmc.HDL, b.top, b.manifest.Device, progress)
		if err != nil {
			return nil, err
		}
		cmd := exec.Command(binary)
		ownGroup(cmd)
		p, err := link.Start(cmd)
		if err != nil {
			return nil, err
		}
		opt.Remedy = "compile again with nmc compile"
		l, err := r.record(p)
		if err != nil {
			return nil, err
		}
		return host.Dial(ctx, l, opt)
	}
	if err := through(&a, &opt, b.manifest.Device); err != nil {
		return nil, err
	}
	return r.dial(ctx, a, opt)
}

// dial opens a session with the device at an address.
func (r *reach) dial(ctx context.Context, a link.Address, opt host.Options) (target, error) {
	open := func(redial func(context.Context) (host.Link, error)) func(context.Context) (host.Link, error) {
		return func(ctx context.Context) (host.Link, error) {
			l, err := redial(ctx)
			if err != nil {
				return nil, err
			}
			return r.record(l)
		}
	}
	l, err := open(func(ctx context.Context) (host.Link, error) { return link.Open(ctx, a) })(ctx)
	if err != nil {
		return nil, err
	}
	opt.Redial = open(link.Redial(a))
	opt.Greeting = min(greeting, r.patience/2)
	dev, err := host.Dial(ctx, l, opt)
	if errors.Is(err, host.ErrSilent) {
		err = fmt.Errorf("%v %w; look at its power, cable and address: nmc devices lists what answers", a, host.ErrSilent)
	}
	if err != nil {
		return nil, err
	}
	return dev, nil
}

// record returns a link that is recorded, if it is to be.
func (r *reach) record(l host.Link) (host.Link, error) {
	if r.capture == nil {
		return l, nil
	}
	recorded, err := r.capture.Record(l)
	if err != nil {
		l.Close()
	}
	return recorded, err
}

// through tells a session of what the device has for a link.
func through(a *link.Address, opt *host.Options, c device.Config) error {
	l := c.Link
	opt.Room = l.Room()
	if l.Kind == device.Ethernet {
		opt.Packet = 50 // headers, check sequence and marks
	}
	if a.Kind != "serial" {
		return nil
	}
	if a.Baud == 0 {
		a.Baud = l.Baud
	}
	if a.Baud == 0 {
		return fmt.Errorf("%v: the build has no serial line that says its baud; write serial:%s@BAUD, or give the build [device.link] with kind = \"uart\"", a, a.Path)
	}
	opt.OverSerial(c, a.Baud)
	return nil
}

// greeting is how long a device may take to answer at first.
const greeting = 10 * time.Second

// reopenDevice opens a device that has restarted, as soon as it answers.
func reopenDevice(ctx context.Context, r reach, b *build, progress io.Writer) (target, error) {
	end := time.Now().Add(r.patience)
	for {
		dev, err := openDevice(ctx, r, b, progress)
		if err == nil || ctx.Err() != nil || errors.As(err, new(*host.WrongDevice)) || time.Now().After(end) {
			return dev, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond): // what is not there is refused at once
		}
	}
}
