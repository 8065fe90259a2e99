package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/discover"
	"github.com/nmc-fpga/nmc/host/link"
	"github.com/nmc-fpga/nmc/host/proto"
)

// A listed device, or a place where one could be, as devices --json prints it.
type listed struct {
	Address string `json:"address"` // as --on takes it
	USB     string `json:"usb,omitempty"`
	Product string `json:"product,omitempty"`
	Serial  string `json:"serial,omitempty"`

	Answers bool         `json:"answers"`
	HwID    manifest.Hex `json:"hw_id,omitempty"`
	ImageID manifest.Hex `json:"image_id,omitempty"`
	Lanes   int          `json:"lanes,omitempty"`
	Boot    manifest.Hex `json:"boot,omitempty"`
	Session uint32       `json:"session,omitempty"`
	Commits uint64       `json:"commits,omitempty"` // ended in the session
	State   string       `json:"state"`             // in words
}

func newDevices(a *app) *cobra.Command {
	var bauds []int
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "devices [ADDRESS...]",
		Short: "List the devices that answer, and the serial ports where one could",
		Long: `List the devices that answer: their hw_id, what is loaded and what they do. Without an ADDRESS, such as udp:10.0.0.2 or
serial:/dev/ttyUSB1@115200, every USB serial port and every network that this machine is in is asked. A device only says who
it is; what it does goes on. On other hardware a port that is opened may mean something: name addresses then.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if wait <= 0 {
				return fmt.Errorf("--wait %v: more than 0 is needed", wait)
			}
			for _, b := range bauds {
				if b < 1 {
					return fmt.Errorf("--baud %d: more than 0 is needed", b)
				}
			}
			s := &survey{wait: wait, bauds: bauds}
			var err error
			if len(args) > 0 {
				err = s.ask(cmd.Context(), args)
			} else {
				err = s.search(cmd.Context())
			}
			if err != nil {
				return err
			}
			a.answer = struct {
				Devices []listed `json:"devices"`
			}{s.rows}
			for _, r := range s.rows {
				a.say("%s\n", r)
			}
			if len(s.rows) == 0 {
				a.say("no serial port, and nobody on the network answers\n")
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.IntSliceVar(&bauds, "baud", []int{3_000_000, 1_000_000, 115_200}, "rates at which a serial port without one is asked")
	f.DurationVar(&wait, "wait", 500*time.Millisecond, "how long to wait for an answer")
	return cmd
}

// String is the row as text.
func (l listed) String() string {
	s := l.Address
	if what := strings.TrimSpace(strings.Join([]string{l.Product, l.USB, l.Serial}, " ")); what != "" {
		s += " (" + what + ")"
	}
	s += ": "
	if l.Answers {
		s += fmt.Sprintf("hw_id %v, %d lanes, ", l.HwID, l.Lanes)
	}
	return s + l.State
}

// identified fills in what a device says.
func (l *listed) identified(id device.Identity) {
	l.Answers = true
	l.HwID, l.ImageID, l.Lanes = manifest.Hex(id.HwID), manifest.Hex(id.ImageID), id.Lanes
	l.Boot, l.Session, l.Commits = manifest.Hex(id.Boot), id.Session, id.Last
	switch {
	case id.ImageID == 0:
		l.State = "nothing is loaded"
	default:
		l.State = fmt.Sprintf("image_id %v, session %d, %d commits", l.ImageID, id.Session, id.Last)
	}
	if id.Keyed {
		l.State += "; it obeys who has its key"
	}
}

// survey asks for devices.
type survey struct {
	wait  time.Duration
	bauds []int

	rows []listed
}

// ask asks at addresses.
func (s *survey) ask(ctx context.Context, args []string) error {
	var addrs []link.Address
	for _, arg := range args {
		a, err := link.Parse(arg)
		if err != nil {
			return err
		}
		if a.Kind == "sim" || a.Kind == "verilator" {
			return fmt.Errorf("%s is made when it is used: there is nothing to ask", arg)
		}
		addrs = append(addrs, a)
	}
	s.rows = make([]listed, len(addrs))
	var wg sync.WaitGroup
	for i, a := range addrs {
		wg.Go(func() { s.rows[i] = s.greet(ctx, a) })
	}
	wg.Wait()
	return ctx.Err()
}

// greet asks at one address; a serial port that has no baud at each.
func (s *survey) greet(ctx context.Context, a link.Address) listed {
	row := listed{Address: a.String()}
	tries := []link.Address{a}
	if a.Kind == "serial" && a.Baud == 0 {
		tries = nil
		for _, b := range s.bauds {
			at := a
			at.Baud = b
			tries = append(tries, at)
		}
	}
	for _, at := range tries {
		l, err := link.Open(ctx, at)
		if err != nil {
			row.State = err.Error()
			return row
		}
		asking, cancel := context.WithTimeout(ctx, s.wait)
		id, err := discover.Ask(asking, l)
		cancel()
		if err == nil {
			row.Address = at.String()
			row.identified(id)
			return row
		}
		row.State = err.Error()
	}
	if len(tries) > 1 {
		var rates []string
		for _, at := range tries {
			rates = append(rates, strconv.Itoa(at.Baud))
		}
		row.State += " at " + strings.Join(rates, ", ") + " baud"
	}
	return row
}

// search asks at every USB serial port and in every network.
func (s *survey) search(ctx context.Context) error {
	ports, err := discover.Ports()
	if err != nil {
		return fmt.Errorf("serial ports cannot be listed: %w", err)
	}
	serial := make([]listed, len(ports))
	var wg sync.WaitGroup
	for i, p := range ports {
		wg.Go(func() {
			a := link.Address{Kind: "serial", Path: p.Path}
			if p.USB == "" {
				serial[i] = listed{Address: a.String(), State: "not asked: it is not on USB; name it to ask"}
				return
			}
			serial[i] = s.greet(ctx, a)
			serial[i].USB, serial[i].Product, serial[i].Serial = p.USB, p.Product, p.Serial
		})
	}
	var found []discover.Found
	to, err := discover.Everywhere(proto.Port)
	if err == nil {
		asking, cancel := context.WithTimeout(ctx, s.wait)
		found, err = discover.Network(asking, to)
		cancel()
	}
	wg.Wait()
	if err := errors.Join(err, ctx.Err()); err != nil {
		return err
	}
	s.rows = serial
	for _, f := range found {
		row := listed{Address: link.Address{Kind: "udp", Host: f.At.Addr().String(), Port: int(f.At.Port())}.String()}
		if f.Err != nil {
			row.State = f.Err.Error()
		} else {
			row.identified(f.Identity)
		}
		s.rows = append(s.rows, row)
	}
	return nil
}
