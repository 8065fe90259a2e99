package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/nmc-fpga/nmc/firmware/device"
)

// Limits that are not the device's.
const (
	minClock    = 100_000 // Hz
	maxClock    = 1_000_000_000
	minBaud     = 300
	defaultPort = 28269
)

// stream names the zero value of device.Link.
const stream = "stream"

// linkKeys are the keys of [device.link] beside kind, by kind.
var linkKeys = map[string][]string{
	stream:          nil,
	device.UART:     {"clock", "baud", "fifo"},
	device.Ethernet: {"clock", "fifo", "phy", "mac", "ip", "port"},
}

// link reads [device.link]: what moves the protocol's bytes, frames of up to frameBytes as outer, [device], has it.
func link(t, outer *table, frameBytes int) (l device.Link) {
	if t.values == nil {
		return l
	}
	kind := t.choice("kind", "", []string{stream, device.UART, device.Ethernet}, `kind = "uart"`)
	if !t.has("kind") {
		t.missing("kind", `kind = "uart", "ethernet" or "stream"`)
	}
	keys, known := linkKeys[kind]
	if !known { // said already: of the other keys nothing can be
		for key := range t.values {
			t.get(key)
		}
		t.done()
		return l
	}
	// A key of another kind is no slip of the fingers.
	for _, key := range []string{"clock", "baud", "fifo", "phy", "mac", "ip", "port"} {
		if t.has(key) && !slices.Contains(keys, key) {
			t.get(key)
			t.error(key, fmt.Sprintf("a link of kind %q has no %s", kind, key), "remove it")
		}
	}
	if kind == stream {
		t.done()
		return l
	}
	const clock = "clock = 24_000_000, in Hz"
	l.Kind = kind
	l.Clock = t.integer("clock", 0, minClock, maxClock, clock)
	if !t.has("clock") {
		t.missing("clock", clock+": how fast the device runs")
	}
	switch kind {
	case device.UART:
		const baud = "baud = 3_000_000"
		l.Baud = t.integer("baud", 0, minBaud, maxClock/device.ClocksPerBit, baud)
		if !t.has("baud") {
			t.missing("baud", baud)
		}
		l.FIFO = t.integer("fifo", 512, 0, device.MaxFIFO, "fifo = 512, in bytes")
	case device.Ethernet:
		l.FIFO = t.integer("fifo", 4096, device.MinRing, device.MaxFIFO, "fifo = 4096, in bytes")
		l.PHY = t.choice("phy", device.PHYs[0], device.PHYs, `phy = "mii"`)
		l.MAC = t.text("mac", "02:6e:6d:63:00:01", `mac = "02:6e:6d:63:00:01"`)
		const ip = `ip = "10.0.0.2"`
		if !t.has("ip") {
			t.missing("ip", ip+": the device's own address")
		} else {
			l.IP = t.text("ip", "", ip)
		}
		l.Port = t.integer("port", defaultPort, 1, 65535, fmt.Sprintf("port = %d", defaultPort))
	}
	wrong := map[string]bool{}
	for _, f := range l.Check(frameBytes) {
		wrong[f.Key] = true
		switch {
		case f.Key == "frame_bytes":
			outer.error(f.Key, f.Message, f.Remedy)
		case t.has(f.Key) && t.ok(f.Key) && (f.Key != "baud" || t.ok("clock")):
			t.error(f.Key, f.Message, f.Remedy)
		}
	}
	// One way of writing an address: the hw_id depends on it.
	if a, err := net.ParseMAC(l.MAC); err == nil && !wrong["mac"] {
		l.MAC = a.String()
	}
	if a, err := netip.ParseAddr(l.IP); err == nil && !wrong["ip"] {
		l.IP = a.String()
	}
	t.done()
	return l
}
