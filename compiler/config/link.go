package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"github.com/nmc-fpga/nmc/firmware/device"
)

// Limits of links, see hdl/rtl/nmc_uart.v and nmc_net.v.
const (
	minClock     = 100_000 // Hz
	maxClock     = 1_000_000_000
	minBaud      = 300
	clocksPerBit = 4 // least
	minFIFO      = 4 // bytes, if there is one
	maxFIFO      = 1 << 16
	minRing      = 1 << 11 // bytes: a packet of full length
	defaultPort  = 28269
)

// stream names the zero value of device.Link.
const stream = "stream"

// linkKeys are the keys of [device.link] beside kind, by kind.
var linkKeys = map[string][]string{
	stream:          nil,
	device.UART:     {"clock", "baud", "fifo"},
	device.Ethernet: {"clock", "fifo", "phy", "mac", "ip", "port"},
}

// link reads [device.link]: what moves the protocol's bytes.
func (r *reader) link(t *table) (l device.Link) {
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
		l.Baud = t.integer("baud", 0, minBaud, maxClock/clocksPerBit, baud)
		switch most := l.Clock / clocksPerBit; {
		case !t.has("baud"):
			t.missing("baud", baud)
		case t.ok("baud", "clock") && l.Clock != 0 && l.Baud > most:
			t.error("baud", fmt.Sprintf("baud = %d leaves less than %d clocks of %d Hz to a bit", l.Baud, clocksPerBit, l.Clock), fmt.Sprintf("use at most %d", most))
		}
		l.FIFO = t.integer("fifo", 512, 0, maxFIFO, "fifo = 512, in bytes")
		if t.ok("fifo") && l.FIFO != 0 && (l.FIFO < minFIFO || l.FIFO&(l.FIFO-1) != 0) {
			t.error("fifo", fmt.Sprintf("fifo = %d is not 0 and no power of two from %d on", l.FIFO, minFIFO), "write fifo = 512, in bytes")
		}
	case device.Ethernet:
		l.FIFO = t.integer("fifo", 4096, minRing, maxFIFO, "fifo = 4096, in bytes")
		if t.ok("fifo") && l.FIFO&(l.FIFO-1) != 0 {
			t.error("fifo", fmt.Sprintf("fifo = %d is no power of two", l.FIFO), "write fifo = 4096, in bytes")
		}
		l.PHY = t.choice("phy", device.PHYs[0], device.PHYs, `phy = "mii"`)
		l.MAC = r.mac(t)
		l.IP = r.ip(t)
		l.Port = t.integer("port", defaultPort, 1, 65535, fmt.Sprintf("port = %d", defaultPort))
	}
	t.done()
	return l
}

// mac reads the device's hardware address: one that is its own, not a group's.
func (r *reader) mac(t *table) string {
	const preset, example = "02:6e:6d:63:00:01", `mac = "02:6e:6d:63:00:01"`
	s := t.text("mac", preset, example)
	a, err := net.ParseMAC(s)
	switch {
	case err != nil || len(a) != 6:
		t.error("mac", fmt.Sprintf("mac = %s is no hardware address of six bytes", quoteString(s)), "write "+example)
	case a[0]&1 != 0:
		t.error("mac", fmt.Sprintf("mac = %s is the address of a group", quoteString(s)), "use one whose first byte is even, such as "+preset)
	default:
		return a.String()
	}
	return preset
}

// ip reads the device's IPv4 address.
func (r *reader) ip(t *table) string {
	const example = `ip = "10.0.0.2"`
	if !t.has("ip") {
		t.missing("ip", example+": the device's own address")
		return ""
	}
	s := t.text("ip", "", example)
	a, err := netip.ParseAddr(s)
	switch {
	case !t.ok("ip"):
	case err != nil || !a.Is4():
		t.error("ip", fmt.Sprintf("ip = %s is no IPv4 address", quoteString(s)), "write "+example)
	case a.IsMulticast() || a.IsUnspecified() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		t.error("ip", fmt.Sprintf("ip = %s is not the address of one device", quoteString(s)), "write "+example)
	default:
		return a.String()
	}
	return ""
}
