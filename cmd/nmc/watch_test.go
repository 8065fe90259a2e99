package main

import (
	"testing"
	"time"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/link"
	"github.com/nmc-fpga/nmc/sim"
)

// What a watch says of the last second, and of the whole run.
func TestWatch(t *testing.T) {
	start := time.Unix(1000, 0)
	now := start
	w := &watch{rate: 300_000, clock: 24_000_000, start: start, now: func() time.Time { return now }, last: count{at: start}}
	now = start.Add(2 * time.Second)
	w.before = host.Stats{Sent: 300_000, Received: 30_000, Resent: 2}
	w.runs, w.cycles = 100, 12_000_000
	want := "link 165.0 kB/s (50% of the line), 2 resent, device 6.0 Mcycles/s (25% of its clock)"
	if got := w.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	now = now.Add(time.Second / 2)
	w.cycles *= 2
	if got := w.String(); got != want {
		t.Errorf("half a second later %q, want what was", got)
	}
	now = now.Add(time.Second / 2)
	want = "link 0 B/s (0% of the line), 2 resent, device 12.0 Mcycles/s (50% of its clock)"
	if got := w.String(); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	u := *w.use()
	if u != (linkUse{SamplesPerSecond: 100. / 3, Sent: 300_000, Received: 30_000, Share: 1. / 3, Resent: 2, CyclesPerSecond: 8e6, Busy: 1. / 3}) {
		t.Errorf("%+v", u)
	}
	w.rate, w.clock, w.text = 0, 0, ""
	if got, want := w.String(), "link 0 B/s, 2 resent, device 0 cycles/s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestLineRate(t *testing.T) {
	uart := device.Link{Kind: device.UART, Baud: 3_000_000}
	for _, c := range []struct {
		on   string
		l    device.Link
		want int
	}{
		{"serial:/dev/ttyUSB0@115200", uart, 11_520},
		{"serial:/dev/ttyUSB0", uart, 300_000},
		{"udp:10.0.0.2", device.Link{Kind: device.Ethernet, PHY: "rmii"}, 12_500_000},
		{"raw:eth0/10.0.0.2", device.Link{Kind: device.Ethernet, PHY: "rgmii"}, 125_000_000},
		{"udp:10.0.0.2", device.Link{}, 0},
		{"verilator", uart, 0},
	} {
		a, err := link.Parse(c.on)
		if got := lineRate(a, c.l); err != nil || got != c.want {
			t.Errorf("%s: %d, %v, want %d", c.on, got, err, c.want)
		}
	}
	m, err := sim.New(device.Config{Lanes: 1})
	if err != nil || newWatch(m, "sim", device.Config{}) != nil {
		t.Errorf("the simulator is watched (%v)", err)
	}
}
