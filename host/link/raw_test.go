package link

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/mdlayher/packet"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/capture"
	"github.com/nmc-fpga/nmc/host/model"
	"github.com/nmc-fpga/nmc/host/proto"
)

var rawConfig = device.Config{Lanes: 4, WeightDepth: 64, VectorDepth: 64, ProgramDepth: 4, TableDepth: 4, WeightPorts: 2, FrameBytes: 128}

// cable is one end of an Ethernet cable in memory.
type cable struct {
	in, out chan []byte
	once    *sync.Once
	closed  chan struct{}
}

func newCable() (a, b *cable) {
	x, y := make(chan []byte, 1000), make(chan []byte, 1000)
	once, closed := new(sync.Once), make(chan struct{})
	return &cable{x, y, once, closed}, &cable{y, x, once, closed}
}

func (c *cable) ReadPacket(b []byte) (int, error) {
	select {
	case p := <-c.in:
		return copy(b, p), nil
	case <-c.closed:
		return 0, net.ErrClosed
	}
}

func (c *cable) WritePacket(b []byte) error {
	select {
	case c.out <- bytes.Clone(b):
	default: // a network drops
	}
	return nil
}

func (c *cable) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// board is a device on Ethernet, made with other means than the link: it answers for its address, asks for its host's, and
// moves the bytes of datagrams to and from a stream. It ends with the wire.
func board(t *testing.T, w wire, me capture.End, silent int) (dev *model.Device, told *[]string, wait func()) {
	t.Helper()
	near, far := net.Pipe()
	dev = model.New(model.NewPlain(rawConfig, func(*model.Plain, device.Run, int) device.Result { return device.Result{Digest: 5} }), rawConfig, 3)
	var wg sync.WaitGroup
	wg.Go(func() { dev.Serve(NewDeviceStream(far, rawConfig.FrameBytes)) })
	var mu sync.Mutex
	var peer capture.End
	told = new([]string)
	wg.Go(func() { // replies
		var frame []byte
		b := make([]byte, 1)
		for {
			if _, err := near.Read(b); err != nil {
				return
			}
			if frame = append(frame, b[0]); b[0] == 0 && len(frame) > 1 {
				mu.Lock()
				w.WritePacket(capture.Datagram(me, peer, frame))
				mu.Unlock()
				frame = nil
			}
		}
	})
	wg.Go(func() {
		defer near.Close()
		b := make([]byte, 2048)
		for {
			n, err := w.ReadPacket(b)
			if err != nil {
				return
			}
			p := gopacket.NewPacket(b[:n], layers.LayerTypeEthernet, gopacket.Default)
			eth, ok := p.LinkLayer().(*layers.Ethernet)
			if !ok || p.ErrorLayer() != nil {
				t.Errorf("a packet that is none: %v", p)
				continue
			}
			if a, ok := p.Layer(layers.LayerTypeARP).(*layers.ARP); ok {
				if a.Operation == layers.ARPReply {
					mu.Lock()
					*told = append(*told, fmt.Sprintf("%v is at %v", net.IP(a.SourceProtAddress), net.HardwareAddr(a.SourceHwAddress)))
					mu.Unlock()
				}
				if a.Operation == layers.ARPRequest && is(a.DstProtAddress, me.Addr.Addr()) {
					if silent > 0 { // the question was lost
						silent--
						continue
					}
					from, _ := netip.AddrFromSlice(a.SourceProtAddress)
					host := capture.End{MAC: bytes.Clone(a.SourceHwAddress), Addr: netip.AddrPortFrom(from, 0)}
					w.WritePacket(arp(layers.ARPReply, me, host, host.MAC))
					w.WritePacket(arp(layers.ARPRequest, me, capture.End{Addr: host.Addr}, broadcast))
				}
				continue
			}
			udp, ok := p.Layer(layers.LayerTypeUDP).(*layers.UDP)
			if !ok || !bytes.Equal(eth.DstMAC, me.MAC) || uint16(udp.DstPort) != me.Addr.Port() {
				continue
			}
			ip := p.Layer(layers.LayerTypeIPv4).(*layers.IPv4)
			from, _ := netip.AddrFromSlice(ip.SrcIP.To4())
			mu.Lock()
			peer = capture.End{MAC: bytes.Clone(eth.SrcMAC), Addr: netip.AddrPortFrom(from, uint16(udp.SrcPort))}
			mu.Unlock()
			near.Write(udp.Payload)
		}
	})
	return dev, told, wg.Wait
}

// converse reads and writes over a link and does a run.
func converse(t *testing.T, l host.Link) {
	t.Helper()
	s, err := host.Dial(t.Context(), l, host.Options{HwID: rawConfig.ID(), FrameBytes: rawConfig.FrameBytes, FirstTimeout: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := make([]uint16, 256)
	for i := range want {
		want[i] = uint16(i * 31)
	}
	if err := s.Write(device.Weights, 0, want); err != nil {
		t.Fatal(err)
	}
	got, err := s.Read(device.Weights, 0, len(want))
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("halfword %d is %d, want %d", i, got[i], want[i])
		}
	}
	if err := s.Submit(device.Run{Sample: device.Sample{Bytes: []byte{1, 2, 3}}}); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Result(); err != nil || r.Digest != 5 || r.N != 1 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestRaw(t *testing.T) {
	for _, silent := range []int{0, 2} {
		near, far := newCable()
		me := capture.End{MAC: net.HardwareAddr{2, 0, 0, 0, 0, 9}, Addr: netip.MustParseAddrPort("10.1.0.2:28269")}
		_, told, wait := board(t, far, me, silent)
		local := capture.End{MAC: net.HardwareAddr{2, 0, 0, 0, 0, 8}, Addr: netip.MustParseAddrPort("10.1.0.1:5000")}
		r := newRaw(near, local, me.Addr)
		// Traffic of others.
		for _, b := range [][]byte{
			nil, {1, 2, 3}, make([]byte, 60),
			arp(layers.ARPRequest, capture.End{MAC: me.MAC, Addr: netip.MustParseAddrPort("10.1.0.66:0")}, capture.End{Addr: netip.MustParseAddrPort("10.1.0.77:0")}, broadcast),
			capture.Datagram(me, capture.End{MAC: local.MAC, Addr: netip.MustParseAddrPort("10.1.0.1:5001")}, []byte{1, 0}),
			capture.Datagram(capture.End{MAC: me.MAC, Addr: netip.MustParseAddrPort("10.1.0.2:7")}, local, []byte{1, 0}),
			capture.Datagram(capture.End{MAC: me.MAC, Addr: netip.MustParseAddrPort("10.1.0.3:28269")}, local, []byte{1, 0}),
		} {
			near.in <- b
		}
		converse(t, r)
		wait()
		if len(*told) == 0 || len(slices.Compact(*told)) != 1 || (*told)[0] != "10.1.0.1 is at 02:00:00:00:00:08" {
			t.Errorf("silent %d: the board was told %q", silent, *told)
		}
		if _, dev := r.Ends(); dev.MAC.String() != "02:00:00:00:00:09" || dev.Addr != me.Addr {
			t.Errorf("the device is taken for %v at %v", dev.Addr, dev.MAC)
		}
		if r.Bad() != 0 {
			t.Errorf("%d bad frames of others' traffic", r.Bad())
		}
	}
}

func TestRawErrors(t *testing.T) {
	a := Address{Kind: "raw", Interface: "no-such-0", Host: "10.1.0.2", Port: proto.Port}
	if _, err := Open(t.Context(), a); err == nil || !strings.HasPrefix(err.Error(), `no network interface "no-such-0"; there are `) || !strings.Contains(err.Error(), "lo") {
		t.Errorf("error %v", err)
	}
	a.Interface = "lo"
	if _, err := Open(t.Context(), a); err == nil || err.Error() != "network interface lo has no hardware address: it is no Ethernet; use udp:10.1.0.2" {
		t.Errorf("error %v", err)
	}
	a.Interface = "eth0"
	err := rawRefused(a, &os.SyscallError{Syscall: "socket", Err: syscall.EPERM})
	want := "raw:eth0/10.1.0.2: Ethernet packets of one's own need the right to them; run as root, or give it to the program: sudo setcap cap_net_raw+ep $(command -v nmc); or use udp:10.1.0.2"
	if err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	_, err = newRaw(&cable{closed: closedChan()}, capture.End{MAC: broadcast, Addr: netip.MustParseAddrPort("10.1.0.1:5000")}, netip.MustParseAddrPort("10.1.0.2:5000")).Recv()
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("error %v", err)
	}
}

func closedChan() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

// privileged lets a test go on as root with the tool ip. In CI its absence is a failure.
func privileged(t *testing.T) {
	t.Helper()
	_, err := exec.LookPath("ip")
	if os.Getuid() == 0 && err == nil {
		return
	}
	const how = "needs root and the tool ip: apt-get install iproute2, then sudo -E go test ./host/link"
	if os.Getenv("CI") != "" {
		t.Fatal(how)
	}
	t.Skip("left out: " + how)
}

// Two interfaces of this machine, joined by a cable: on one a board, on the other the link, with an address of the system's
// and with one that only the link has.
func TestRawInterface(t *testing.T) {
	privileged(t)
	const near, far = "nmctest0", "nmctest1"
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	ip("link", "add", near, "type", "veth", "peer", "name", far)
	defer ip("link", "del", near)
	ip("link", "set", near, "up")
	ip("link", "set", far, "up")
	for _, own := range []bool{false, true} {
		if own {
			ip("addr", "add", "10.199.77.1/24", "dev", near)
		}
		ifi, err := net.InterfaceByName(far)
		if err != nil {
			t.Fatal(err)
		}
		c, err := packet.Listen(ifi, packet.Raw, 3, nil)
		if err != nil {
			t.Fatal(err)
		}
		me := capture.End{MAC: ifi.HardwareAddr, Addr: netip.MustParseAddrPort("10.199.77.2:28269")}
		_, _, wait := board(t, &socket{c, &packet.Addr{}}, me, 0)
		a, err := Parse("raw:" + near + "/10.199.77.2")
		if err != nil {
			t.Fatal(err)
		}
		l, err := Open(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		local, _ := l.(*Raw).Ends()
		want := "10.199.77.3"
		if own {
			want = "10.199.77.1"
		}
		if local.Addr.Addr().String() != want {
			t.Errorf("the host speaks from %v, want %s", local.Addr, want)
		}
		converse(t, l)
		c.Close()
		wait()
	}
}
