package proto

import (
	"bytes"
	"testing"

	"github.com/nmc-fpga/nmc/firmware/device"
)

// The longest frame of a device on Ethernet fills a datagram: the worst is one without a zero byte.
func TestLongestInDatagram(t *testing.T) {
	wire := func(n int) int { return 1 + len(AppendWire(nil, bytes.Repeat([]byte{1}, n))) }
	if n := wire(device.MaxPacket); n > MaxDatagram {
		t.Errorf("a frame of %d bytes takes %d", device.MaxPacket, n)
	}
	if n := wire(device.MaxPacket + 1); n <= MaxDatagram {
		t.Errorf("a longer one takes %d, and fits", n)
	}
}
