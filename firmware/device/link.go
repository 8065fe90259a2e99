package device

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

// Link is what moves the protocol's bytes between a host and the device (docs/decisions/0006-links.md). The zero value is
// the byte stream itself. Fields that the kind does not have are zero.
type Link struct {
	Kind  string `json:"kind"`            // "" for the stream, or UART, Ethernet
	Clock int    `json:"clock,omitempty"` // of the device, Hz
	Baud  int    `json:"baud,omitempty"`  // UART: bits a second
	FIFO  int    `json:"fifo,omitempty"`  // bytes, or of Ethernet the bytes of the ring of packets, that wait for the device; UART: 0 is none

	// Of Ethernet.
	PHY  string `json:"phy,omitempty"`  // one of PHYs
	MAC  string `json:"mac,omitempty"`  // "02:00:00:00:00:01"
	IP   string `json:"ip,omitempty"`   // "10.0.0.2"
	Port int    `json:"port,omitempty"` // of UDP
}

// Kinds of links beside the stream.
const (
	UART     = "uart"
	Ethernet = "ethernet"
)

// PHYs are the interfaces between device and Ethernet: 100 Mbit/s, RGMII also a gigabit.
var PHYs = []string{"mii", "rmii", "rgmii", "rgmii-100"}

// Limits of links, see hdl/rtl/nmc_uart.v and nmc_net.v.
const (
	ClocksPerBit = 4       // of a UART, least
	MinFIFO      = 4       // bytes of a UART's queue, if there is one
	MinRing      = 1 << 11 // bytes of Ethernet's ring: a packet of full length
	MaxFIFO      = 1 << 16

	// MaxPacket is the longest frame that a datagram in one Ethernet packet carries, stuffed, with a zero before and one behind it.
	MaxPacket = 1464
)

// A Fault is what is wrong with a link: the key of its table, or frame_bytes of the device's.
type Fault struct{ Key, Message, Remedy string }

// Check says what is wrong with a link of a device with frames of up to frameBytes. What is missing, "" or 0, is its writer's to say,
// but for a FIFO of Ethernet.
func (l Link) Check(frameBytes int) (all []Fault) {
	say := func(key, remedy, format string, args ...any) {
		all = append(all, Fault{key, fmt.Sprintf(format, args...), remedy})
	}
	power := l.FIFO&(l.FIFO-1) == 0
	switch l.Kind {
	case UART:
		if most := l.Clock / ClocksPerBit; l.Clock != 0 && l.Baud > most {
			say("baud", fmt.Sprintf("use at most %d", most), "baud = %d leaves less than %d clocks of %d Hz to a bit", l.Baud, ClocksPerBit, l.Clock)
		}
		if l.FIFO != 0 && (l.FIFO < MinFIFO || l.FIFO > MaxFIFO || !power) {
			say("fifo", "write fifo = 512, in bytes", "fifo = %d is not 0 and no power of two from %d on", l.FIFO, MinFIFO)
		}
	case Ethernet:
		const preset = "02:6e:6d:63:00:01"
		switch a, err := net.ParseMAC(l.MAC); {
		case l.MAC == "":
		case err != nil || len(a) != 6:
			say("mac", `write mac = "`+preset+`"`, "mac = %q is no hardware address of six bytes", l.MAC)
		case a[0]&1 != 0:
			say("mac", "use one whose first byte is even, such as "+preset, "mac = %q is the address of a group", l.MAC)
		}
		const ip = `write ip = "10.0.0.2"`
		switch a, err := netip.ParseAddr(l.IP); {
		case l.IP == "":
		case err != nil || !a.Is4():
			say("ip", ip, "ip = %q is no IPv4 address", l.IP)
		case a.IsMulticast() || a.IsUnspecified() || a == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
			say("ip", ip, "ip = %q is not the address of one device", l.IP)
		}
		if l.FIFO < MinRing || l.FIFO > MaxFIFO {
			say("fifo", "write fifo = 4096, in bytes", "fifo = %d is outside %d to %d", l.FIFO, MinRing, MaxFIFO)
		} else if !power {
			say("fifo", "write fifo = 4096, in bytes", "fifo = %d is no power of two", l.FIFO)
		}
		if !slices.Contains(PHYs, l.PHY) {
			say("phy", `write phy = "rgmii"`, "phy = %q is none of %s", l.PHY, strings.Join(PHYs, ", "))
		}
		if frameBytes > MaxPacket {
			say("frame_bytes", fmt.Sprintf("use at most %d", MaxPacket), "a datagram carries no frame of frame_bytes = %d", frameBytes)
		}
	}
	return all
}

// fields are what the Verilog depends on, in an order that stays.
func (l Link) fields() []any {
	return []any{l.Kind, l.Clock, l.Baud, l.FIFO, l.PHY, l.MAC, l.IP, l.Port}
}

// Room is how many bytes of requests may lie before the device's front end: more are lost. 0 says that nothing is lost,
// since the link holds the host up. A single frame may always go to a device that has nothing to do.
func (l Link) Room() int {
	switch l.Kind {
	case "":
		return 0
	case Ethernet: // headers lie there, too, and what others send to all
		return l.FIFO / 2
	}
	return max(l.FIFO, 1)
}

// Steady says of a serial line that bytes come no faster than the device takes frames of up to frameBytes: then its queue
// fills only behind a request that waits. The front end takes a frame at 20 cycles a byte, those of events, or faster.
func (l Link) Steady(frameBytes int) bool {
	return l.Kind == UART && l.FIFO*10*(l.Clock/l.Baud) >= 20*frameBytes+1024
}
