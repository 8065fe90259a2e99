package main

import (
	"fmt"
	"time"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/link"
)

// linkUse is what a run made of its link, as train --json tells it.
type linkUse struct {
	SamplesPerSecond float64 `json:"samples_per_second"` // learned and answered
	Sent             uint64  `json:"bytes_sent"`
	Received         uint64  `json:"bytes_received"`
	Share            float64 `json:"share_of_line,omitempty"` // of what it carries the busier way; absent where its rate is not known
	Resent           uint64  `json:"resent"`                  // requests sent again
	Rejected         uint64  `json:"rejected"`                // frames that were no reply
	CyclesPerSecond  float64 `json:"cycles_per_second"`       // of runs
	Busy             float64 `json:"busy,omitempty"`          // share of the device's clock that runs took; absent where the clock is not known
	Restarts         int     `json:"restarts"`
}

// A watch is a device on a link, counted.
type watch struct {
	target
	rate  int // of the line, bytes a second each way; 0: not known
	clock int // of the device, Hz; 0: not known
	start time.Time
	now   func() time.Time

	before   host.Stats // of sessions that ended
	restarts int
	runs     uint64
	cycles   uint64

	// Of the last stretch of at least a second.
	last count
	text string
}

// count is the state of the counters at a moment.
type count struct {
	at             time.Time
	sent, received uint64
	runs, cycles   uint64
}

// newWatch watches the device at an address, if a link reaches it; else it returns nil.
func newWatch(dev target, on string, c device.Config) *watch {
	if _, ok := dev.(*host.Session); !ok {
		return nil
	}
	w := &watch{target: dev, now: time.Now}
	if a, err := link.Parse(on); err == nil {
		w.rate, w.clock = lineRate(a, c.Link), c.Link.Clock
		if a.Kind == "verilator" { // a pipe, and no clock
			w.clock = 0
		}
	}
	w.start = w.now()
	w.last = count{at: w.start}
	return w
}

// lineRate returns the bytes a second that the line to a device carries each way, or 0 where that is not known.
func lineRate(a link.Address, l device.Link) int {
	switch {
	case a.Kind == "serial" && a.Baud > 0:
		return a.Baud / 10
	case a.Kind == "serial":
		return l.Baud / 10
	case a.Network() && l.PHY == "rgmii":
		return 125_000_000
	case a.Network() && l.Kind == device.Ethernet:
		return 12_500_000
	}
	return 0
}

// Result counts the run.
func (w *watch) Result() (device.Result, error) {
	r, err := w.target.Result()
	if err == nil {
		w.runs++
		w.cycles += uint64(r.Cycles)
	}
	return r, err
}

// stats are those of all sessions.
func (w *watch) stats() host.Stats {
	s := w.before
	if session, ok := w.target.(*host.Session); ok {
		s = s.Plus(session.Stats())
	}
	return s
}

// restarted goes on with the device's new session.
func (w *watch) restarted(dev target) {
	w.before = w.stats()
	w.target = dev
	w.restarts++
}

// use is that of the whole run.
func (w *watch) use() *linkUse {
	s := w.stats()
	now := count{w.now(), s.Sent, s.Received, w.runs, w.cycles}
	u := w.between(count{at: w.start}, now)
	u.Resent, u.Rejected, u.Restarts = s.Resent, s.Rejected, w.restarts
	return &u
}

// between is the use from one moment to another.
func (w *watch) between(a, b count) linkUse {
	seconds := max(b.at.Sub(a.at).Seconds(), 1e-9)
	u := linkUse{
		SamplesPerSecond: float64(b.runs-a.runs) / seconds,
		Sent:             b.sent - a.sent,
		Received:         b.received - a.received,
		CyclesPerSecond:  float64(b.cycles-a.cycles) / seconds,
	}
	if w.rate > 0 {
		u.Share = float64(max(u.Sent, u.Received)) / seconds / float64(w.rate)
	}
	if w.clock > 0 {
		u.Busy = u.CyclesPerSecond / float64(w.clock)
	}
	return u
}

// String is the last second in few words: link, resends, device.
func (w *watch) String() string {
	s := w.stats()
	now := count{w.now(), s.Sent, s.Received, w.runs, w.cycles}
	d := now.at.Sub(w.last.at)
	if w.text != "" && d < time.Second {
		return w.text
	}
	u := w.between(w.last, now)
	text := "link " + size(float64(u.Sent+u.Received)/max(d.Seconds(), 1e-9)) + "B/s"
	if w.rate > 0 {
		text += fmt.Sprintf(" (%.0f%% of the line)", 100*u.Share)
	}
	text += fmt.Sprintf(", %d resent, device %scycles/s", s.Resent, size(u.CyclesPerSecond))
	if w.clock > 0 {
		text += fmt.Sprintf(" (%.0f%% of its clock)", 100*u.Busy)
	}
	w.text, w.last = text, now
	return text
}

// size is a number with a prefix.
func size(x float64) string {
	for _, p := range []struct {
		from float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if x >= p.from {
			return fmt.Sprintf("%.1f %s", x/p.from, p.name)
		}
	}
	return fmt.Sprintf("%.0f ", x)
}
