// Package capture keeps what goes over a link in a pcap file, which Wireshark opens, and reads it back. On a network a frame
// is the Ethernet packet that carries it; on a stream it is a packet of link type USER0: a byte for the direction, 0 to the
// device and 1 from it, and the frame as it is on the wire, stuffed and ended by a zero.
package capture

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/proto"
)

// linkType is that of streams: LINKTYPE_USER0.
const linkType layers.LinkType = 147

// The directions on a stream.
const (
	toDevice   = 0
	fromDevice = 1
)

// End is one end of a network link. Without a MAC it gets one that no device has.
type End struct {
	MAC  net.HardwareAddr
	Addr netip.AddrPort
}

// networked is a link over a network.
type networked interface {
	Ends() (host, device End)
}

// Writer writes a capture file. It may be used from several goroutines.
type Writer struct {
	mu      sync.Mutex
	network bool
	buf     *bufio.Writer
	pcap    *pcapgo.Writer
	flushed time.Time
	err     error // of the first write that went wrong
	packets int
}

// NewWriter begins a file: of Ethernet packets for links over a network, else of frames on a stream.
func NewWriter(w io.Writer, network bool) (*Writer, error) {
	c := &Writer{network: network, buf: bufio.NewWriter(w)}
	c.pcap = pcapgo.NewWriter(c.buf)
	of := linkType
	if network {
		of = layers.LinkTypeEthernet
	}
	if err := c.pcap.WriteFileHeader(1<<16, of); err != nil {
		return nil, err
	}
	return c, nil
}

// Flush writes out what is kept back, and returns the first error of all writes.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.buf.Flush(); w.err == nil {
		w.err = err
	}
	return w.err
}

// Packets returns the number of packets so far.
func (w *Writer) Packets() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.packets
}

// flushEvery is the longest time that a packet is kept back, as long as others come: so much a crash can cost.
const flushEvery = 100 * time.Millisecond

func (w *Writer) write(packet []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	ci := gopacket.CaptureInfo{Timestamp: now, CaptureLength: len(packet), Length: len(packet)}
	if err := w.pcap.WritePacket(ci, packet); w.err == nil {
		w.err = err
	}
	w.packets++
	if now.Sub(w.flushed) > flushEvery {
		w.flushed = now
		w.buf.Flush() // its error comes again
	}
}

// Record returns a link that writes what goes over l. A link over a network and a writer for streams, or the other way
// round, do not go together.
func (w *Writer) Record(l host.Link) (host.Link, error) {
	n, ok := l.(networked)
	if ok != w.network {
		return nil, fmt.Errorf("capture: a file for %s cannot take a link over %s", over(w.network), over(ok))
	}
	return &recorder{l, w, n}, nil
}

func over(network bool) string {
	if network {
		return "a network"
	}
	return "a stream"
}

func (e *End) complete(n byte) {
	if e.MAC == nil {
		e.MAC = net.HardwareAddr{2, 0, 0, 0, 0, n} // locally administered
	}
}

// recorder is a link that is recorded.
type recorder struct {
	host.Link
	w       *Writer
	network networked // nil on a stream
}

// Send records a frame and sends it.
func (r *recorder) Send(frame []byte) error {
	r.record(frame, false)
	return r.Link.Send(frame)
}

// SendAll records frames and sends them.
func (r *recorder) SendAll(frames [][]byte) error {
	for _, f := range frames {
		r.record(f, false)
	}
	if l, ok := r.Link.(interface{ SendAll([][]byte) error }); ok {
		return l.SendAll(frames)
	}
	for _, f := range frames {
		if err := r.Link.Send(f); err != nil {
			return err
		}
	}
	return nil
}

// Recv receives a frame and records it.
func (r *recorder) Recv() ([]byte, error) {
	f, err := r.Link.Recv()
	if err == nil {
		r.record(f, true)
	}
	return f, err
}

// Trouble is that of the link.
func (r *recorder) Trouble() error {
	if l, ok := r.Link.(interface{ Trouble() error }); ok {
		return l.Trouble()
	}
	return nil
}

// record writes a frame.
func (r *recorder) record(frame []byte, reply bool) {
	if !r.w.network {
		b := []byte{toDevice}
		if reply {
			b[0] = fromDevice
		}
		r.w.write(proto.AppendWire(b, frame))
		return
	}
	from, to := r.network.Ends()
	from.complete(1)
	to.complete(2)
	if reply {
		from, to = to, from
	}
	r.w.write(Datagram(from, to, proto.AppendWire(nil, frame)))
}

// Datagram returns the Ethernet packet with a UDP payload.
func Datagram(from, to End, payload []byte) []byte {
	eth := &layers.Ethernet{SrcMAC: from.MAC, DstMAC: to.MAC, EthernetType: layers.EthernetTypeIPv4}
	udp := &layers.UDP{SrcPort: layers.UDPPort(from.Addr.Port()), DstPort: layers.UDPPort(to.Addr.Port())}
	var ip gopacket.SerializableLayer
	src, dst := from.Addr.Addr().Unmap(), to.Addr.Addr().Unmap()
	if src.Is4() {
		v4 := &layers.IPv4{Version: 4, TTL: 64, Flags: layers.IPv4DontFragment, Protocol: layers.IPProtocolUDP, SrcIP: src.AsSlice(), DstIP: dst.AsSlice()}
		ip = v4
		udp.SetNetworkLayerForChecksum(v4)
	} else {
		eth.EthernetType = layers.EthernetTypeIPv6
		v6 := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolUDP, SrcIP: src.WithZone("").AsSlice(), DstIP: dst.WithZone("").AsSlice()}
		ip = v6
		udp.SetNetworkLayerForChecksum(v6)
	}
	b := gopacket.NewSerializeBuffer()
	opt := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(b, opt, eth, ip, udp, gopacket.Payload(payload)); err != nil {
		panic(err) // of headers made here
	}
	return b.Bytes()
}
