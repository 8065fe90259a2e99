// Package host talks to a device over a link. A Session is a device.Device: loading, training and checking do not know
// whether they drive the simulator or a board.
//
// The protocol is docs/protocol.md. What the session adds to it is a policy: which frames are in flight, when one is
// sent again, when a device counts as gone.
package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/proto"
)

// Link carries frames (package proto: decoded, CRC included) to a device and back. It may lose, duplicate, corrupt,
// reorder and delay them. Send and Recv are each called from one goroutine at a time, Close from any.
type Link interface {
	// Send takes a frame; it may block while the link is busy. The frame is not kept.
	Send(frame []byte) error
	// Recv waits for a frame. An error says that the link is gone, and why.
	Recv() ([]byte, error)
	// Close ends the link; a blocked Send or Recv returns an error.
	Close() error
}

// Options of a session. The zero value of each field means its default.
type Options struct {
	HwID   uint64 // hw_id that the device must have; 0: any
	Remedy string // what to do when hw_id differs; default: build and load the bitstream again

	Key device.Key // of the device; 0: it has none

	FrameBytes int // longest frame that the device takes, CRC included; default proto.FrameBytes
	InFlight   int // requests of a read or a write in flight; default 8

	// Room is how many bytes may lie before the device's front end, on the way included, so that none are lost; 0: any
	// number, the link has flow control. One frame may always be under way.
	Room int
	// Steady says that the link brings bytes no faster than the front end takes them, as a serial line does: then bytes
	// lie only behind a request that waits for a run, or for its reply to go.
	Steady bool
	// Packet is how many bytes of the room a packet takes beside the frame in it.
	Packet int
	// Rate of the link, bytes a second each way; 0: unknown.
	Rate int

	// A request without reply is sent again after a time-out that follows the replies' times, at least MinTimeout,
	// and doubles with every repeat up to MaxTimeout. Before the first reply it is FirstTimeout; a hello, which may find
	// nobody yet, is repeated without doubling.
	MinTimeout, FirstTimeout, MaxTimeout time.Duration // default 20 ms, 500 ms, 5 s

	// Patience is how long the session waits while nothing that it asked for completes, before it gives the device
	// up; default 2 minutes. The longest run must be shorter.
	Patience time.Duration
	// Greeting is how long Dial waits for the device to say who it is, hello after hello; default Patience. What follows
	// may take longer: the device ends first what an earlier host has asked for.
	Greeting time.Duration

	// Redial, when not nil, makes a new link after the old one has gone. The session goes on with it if the device
	// has kept its state, which its boot and session numbers tell.
	Redial func(context.Context) (Link, error)
}

// OverSerial sets what a session has to know of a serial line to a device of configuration c.
func (o *Options) OverSerial(c device.Config, baud int) {
	o.Rate = baud / 10
	o.FrameBytes = c.FrameBytes
	if c.Link.Kind == device.UART {
		o.Room, o.Steady = c.Link.Room(), c.Link.Steady(c.FrameBytes)
	} else {
		o.Room = 1 // what a line of another's making holds is not known: one frame
	}
	// What the system has taken lies before the line, and nothing tells when it has left. A reply in time comes after that,
	// twice over, and a line loses so little that waiting longer costs nothing.
	o.MinTimeout = 250*time.Millisecond + 2*inFlight*time.Second*time.Duration(c.FrameBytes)/time.Duration(max(1, o.Rate))
	o.FirstTimeout = 2 * o.MinTimeout
}

// inFlight is the default of Options.InFlight.
const inFlight = 8

func (o Options) withDefaults() Options {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&o.MinTimeout, 20*time.Millisecond)
	set(&o.FirstTimeout, 500*time.Millisecond)
	set(&o.MaxTimeout, 5*time.Second)
	set(&o.Patience, 2*time.Minute)
	set(&o.Greeting, o.Patience)
	if o.FrameBytes == 0 {
		o.FrameBytes = proto.FrameBytes
	}
	if o.InFlight == 0 {
		o.InFlight = inFlight
	}
	if o.Remedy == "" {
		o.Remedy = "make this build's bitstream with nmc build and load it with nmc flash, or use the build that the device was made from"
	}
	return o
}

// ErrSilent is the cause when no device answers a greeting.
var ErrSilent = errors.New("does not answer")

// WrongDevice is the error of Dial for a device made from another configuration.
type WrongDevice struct {
	Got, Want uint64
	Remedy    string
}

func (e *WrongDevice) Error() string {
	return fmt.Sprintf("device has hw_id %016x, the build needs %016x; %s", e.Got, e.Want, e.Remedy)
}

// Restarted is the error of a session whose device has lost its state, or was taken by another host.
type Restarted struct {
	Was, Is device.Identity
}

// Taken says that another host has opened the device; else it has restarted.
func (e *Restarted) Taken() bool {
	return e.Is.Boot == e.Was.Boot && e.Is.Session >= e.Was.Session
}

func (e *Restarted) Error() string {
	if e.Taken() {
		return fmt.Sprintf("device is in session %d, not %d: another host has opened it; end that one and start again", e.Is.Session, e.Was.Session)
	}
	return fmt.Sprintf("device restarted (boot %08x, was %08x) and lost what it had learned; load the image again and resume from a checkpoint",
		e.Is.Boot, e.Was.Boot)
}
