package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"syscall"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/mdlayher/packet"

	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/capture"
)

// Raw is a link over Ethernet that needs nothing of the system's network but an interface: it makes and reads the packets
// itself, asks for the device's hardware address, and answers when somebody asks for its own.
type Raw struct {
	wire
	host, device capture.End // the device's MAC is nil until it is known

	mu      sync.Mutex // guards device.MAC and waiting
	waiting [][]byte   // datagrams until then

	pack packer
	receiver
	buf []byte

	reserved *net.UDPConn // nil: nobody else has the host's address
}

// wire sends and receives Ethernet packets.
type wire interface {
	ReadPacket(b []byte) (int, error)
	WritePacket(b []byte) error
	Close() error
}

var broadcast = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}

// mostWaiting is how many datagrams wait for the device's hardware address: what is lost beyond is sent again.
const mostWaiting = 64

func openRaw(_ context.Context, a Address) (host.Link, error) {
	ifi, err := net.InterfaceByName(a.Interface)
	if err != nil {
		return nil, fmt.Errorf("no network interface %q; there are %s", a.Interface, interfaces())
	}
	if len(ifi.HardwareAddr) != 6 {
		return nil, fmt.Errorf("network interface %s has no hardware address: it is no Ethernet; use udp:%s", a.Interface, a.Host)
	}
	device, err := netip.ParseAddr(a.Host)
	if err != nil {
		return nil, err
	}
	const everything = 3 // ETH_P_ALL: IPv4 and ARP
	c, err := packet.Listen(ifi, packet.Raw, everything, nil)
	if err != nil {
		return nil, rawRefused(a, err)
	}
	local, reserved, err := localEnd(ifi, device, a.Local)
	if err != nil {
		c.Close()
		return nil, err
	}
	r := newRaw(&socket{c, &packet.Addr{}}, capture.End{MAC: ifi.HardwareAddr, Addr: local}, netip.AddrPortFrom(device, uint16(a.Port)))
	r.reserved = reserved
	return r, nil
}

// rawRefused says why an interface could not be opened, and what to do.
func rawRefused(a Address, err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("%v: Ethernet packets of one's own need the right to them; run as root, or give it to the program: sudo setcap cap_net_raw+ep $(command -v nmc); or use udp:%s", a, a.Host)
	}
	return fmt.Errorf("%v: %w", a, err)
}

// localEnd returns address and port that the host speaks from. Where they are the system's, it keeps them from answering that nobody
// listens there.
func localEnd(ifi *net.Interface, device, wanted netip.Addr) (netip.AddrPort, *net.UDPConn, error) {
	own := map[netip.Addr]bool{}
	addrs, err := ifi.Addrs()
	if err != nil {
		return netip.AddrPort{}, nil, err
	}
	local := wanted
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err != nil || !p.Addr().Is4() {
			continue
		}
		own[p.Addr()] = true
		if !local.IsValid() && p.Contains(device) {
			local = p.Addr()
		}
	}
	if !local.IsValid() {
		// A neighbour of the device's.
		b := device.As4()
		if b[3]++; b[3] == 255 || b[3] == 0 {
			b[3] = 1
		}
		local = netip.AddrFrom4(b)
	}
	if !own[local] {
		return netip.AddrPortFrom(local, uint16(49152+rand.IntN(16384))), nil, nil
	}
	c, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(local, 0)))
	if err != nil {
		return netip.AddrPort{}, nil, err
	}
	_ = c.SetReadBuffer(0) // nobody reads it
	return c.LocalAddr().(*net.UDPAddr).AddrPort(), c, nil
}

func interfaces() string {
	all, err := net.Interfaces()
	if err != nil || len(all) == 0 {
		return "none"
	}
	var names []string
	for _, i := range all {
		names = append(names, i.Name)
	}
	return strings.Join(names, ", ")
}

// socket is a packet socket.
type socket struct {
	*packet.Conn
	to *packet.Addr
}

func (s *socket) ReadPacket(b []byte) (int, error) {
	n, _, err := s.ReadFrom(b)
	return n, err
}

func (s *socket) WritePacket(b []byte) error {
	s.to.HardwareAddr = b[:6]
	_, err := s.WriteTo(b, s.to)
	return err
}

// newRaw asks for the device's hardware address. That nobody answers shows only in silence.
func newRaw(w wire, local capture.End, device netip.AddrPort) *Raw {
	r := &Raw{wire: w, host: local, device: capture.End{Addr: device}, buf: make([]byte, 2048)}
	r.receiver.init()
	_ = r.ask() // a device that is not there yet is asked for again
	return r
}

// Ends returns who speaks with whom, for a capture.
func (r *Raw) Ends() (host, device capture.End) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.host, r.device
}

// Send sends a frame in a packet.
func (r *Raw) Send(frame []byte) error { return r.SendAll([][]byte{frame}) }

// SendAll sends frames in as few packets as hold them.
func (r *Raw) SendAll(frames [][]byte) error {
	r.pack.reset()
	for _, f := range frames {
		if err := r.pack.add(f); err != nil {
			return err
		}
	}
	for _, d := range r.pack.datagrams() {
		if err := r.send(d); err != nil {
			return err
		}
	}
	return nil
}

// send sends a datagram, or keeps it until the device's hardware address is known.
func (r *Raw) send(datagram []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.device.MAC == nil {
		if len(r.waiting) == mostWaiting {
			r.waiting = r.waiting[1:]
		}
		r.waiting = append(r.waiting, bytes.Clone(datagram))
		return r.ask()
	}
	return r.put(capture.Datagram(r.host, r.device, datagram))
}

// put sends a packet. What the interface says of one that it did not take is no end: the session sends it again.
func (r *Raw) put(b []byte) error {
	err := r.WritePacket(b)
	if err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, fs.ErrClosed) {
		return nil
	}
	return err
}

// ask asks who has the device's address.
func (r *Raw) ask() error {
	return r.put(arp(layers.ARPRequest, r.host, capture.End{Addr: r.device.Addr}, broadcast))
}

// arp returns a packet of the address resolution protocol.
func arp(op uint16, from, about capture.End, to net.HardwareAddr) []byte {
	target := about.MAC
	if target == nil {
		target = make(net.HardwareAddr, 6)
	}
	b := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(b, gopacket.SerializeOptions{},
		&layers.Ethernet{SrcMAC: from.MAC, DstMAC: to, EthernetType: layers.EthernetTypeARP},
		&layers.ARP{
			AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4, Operation: op,
			SourceHwAddress: from.MAC, SourceProtAddress: from.Addr.Addr().AsSlice(),
			DstHwAddress: target, DstProtAddress: about.Addr.Addr().AsSlice(),
		}); err != nil {
		panic(err) // of headers made here
	}
	return b.Bytes()
}

// Recv returns the next good frame; bad ones are dropped and counted, other traffic is left alone.
func (r *Raw) Recv() ([]byte, error) {
	for len(r.ready) == 0 {
		n, err := r.ReadPacket(r.buf)
		if errors.Is(err, syscall.ENETDOWN) {
			continue // it may come up again
		}
		if err != nil {
			return nil, fmt.Errorf("raw: %w", err)
		}
		if err := r.packet(r.buf[:n]); err != nil {
			return nil, err
		}
	}
	return r.next(), nil
}

func (r *Raw) packet(b []byte) error {
	p := gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	if a, ok := p.Layer(layers.LayerTypeARP).(*layers.ARP); ok {
		return r.resolution(a)
	}
	ip, ok := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
	if !ok || !is(ip.SrcIP, r.device.Addr.Addr()) || !is(ip.DstIP, r.host.Addr.Addr()) {
		return nil
	}
	udp, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
	if ok && uint16(udp.SrcPort) == r.device.Addr.Port() && uint16(udp.DstPort) == r.host.Addr.Port() {
		r.take(udp.Payload)
	}
	return nil
}

func is(ip net.IP, a netip.Addr) bool { return bytes.Equal(ip.To4(), a.AsSlice()) }

// resolution takes the answer to the question for the device's address, and answers that for the host's.
func (r *Raw) resolution(a *layers.ARP) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	sender := net.HardwareAddr(bytes.Clone(a.SourceHwAddress))
	if len(sender) != 6 {
		return nil
	}
	if is(a.SourceProtAddress, r.device.Addr.Addr()) {
		r.device.MAC = sender
		for _, d := range r.waiting {
			if err := r.put(capture.Datagram(r.host, r.device, d)); err != nil {
				return err
			}
		}
		r.waiting = nil
	}
	if a.Operation == layers.ARPRequest && is(a.DstProtAddress, r.host.Addr.Addr()) {
		asker, _ := netip.AddrFromSlice(a.SourceProtAddress)
		return r.put(arp(layers.ARPReply, r.host, capture.End{MAC: sender, Addr: netip.AddrPortFrom(asker, 0)}, sender))
	}
	return nil
}

// Close ends the link.
func (r *Raw) Close() error {
	if r.reserved != nil {
		r.reserved.Close()
	}
	return r.wire.Close()
}
