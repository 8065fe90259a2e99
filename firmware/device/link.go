package device

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
