package verilator_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/nmc-fpga/nmc/compiler/emit"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/proto"
	"github.com/nmc-fpga/nmc/testbench/verilator"
)

// cable is an Ethernet cable to the device's pins. What is written goes there in a UDP datagram; what is read are the
// datagrams that come.
type cable struct {
	io.ReadWriteCloser
	t    *testing.T
	link device.Link
	rest []byte // of a datagram, not read yet

	lock   sync.Mutex
	others []gopacket.Packet // frames that are no datagrams
}

// frame gives the device a frame, to be padded and checked; with raw set, as it is.
func (c *cable) frame(frame []byte, raw bool) {
	c.t.Helper()
	n := uint16(len(frame))
	if raw {
		n |= 0x8000
	}
	if _, err := c.ReadWriteCloser.Write(append(binary.LittleEndian.AppendUint16(nil, n), frame...)); err != nil {
		c.t.Fatal(err)
	}
}

// datagram makes a frame.
func (c *cable) datagram(payload []byte) []byte {
	c.t.Helper()
	mac, _ := net.ParseMAC(c.link.MAC)
	eth := &layers.Ethernet{SrcMAC: net.HardwareAddr{2, 0, 0, 0, 0, 9}, DstMAC: mac, EthernetType: layers.EthernetTypeIPv4}
	ip := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolUDP, SrcIP: net.IP{10, 0, 0, 1}, DstIP: net.ParseIP(c.link.IP)}
	udp := &layers.UDP{SrcPort: 4000, DstPort: layers.UDPPort(c.link.Port)}
	udp.SetNetworkLayerForChecksum(ip)
	buf := gopacket.NewSerializeBuffer()
	opts := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	if err := gopacket.SerializeLayers(buf, opts, eth, ip, udp, gopacket.Payload(payload)); err != nil {
		c.t.Fatal(err)
	}
	return buf.Bytes()
}

func (c *cable) Write(b []byte) (int, error) {
	for part := range slices.Chunk(b, 1400) {
		c.frame(c.datagram(part), false)
	}
	return len(b), nil
}

func (c *cable) Read(b []byte) (int, error) {
	for len(c.rest) == 0 {
		var head [2]byte
		if _, err := io.ReadFull(c.ReadWriteCloser, head[:]); err != nil {
			return 0, err
		}
		frame := make([]byte, binary.LittleEndian.Uint16(head[:]))
		if _, err := io.ReadFull(c.ReadWriteCloser, frame); err != nil {
			return 0, err
		}
		p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
		if u, ok := p.TransportLayer().(*layers.UDP); ok {
			c.rest = u.Payload
		} else {
			c.lock.Lock()
			c.others = append(c.others, p)
			c.lock.Unlock()
		}
	}
	n := copy(b, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

func dialEthernet(t *testing.T, clock int) (*line, *cable) {
	t.Helper()
	needTools(t)
	c := cfg
	c.Link = device.Link{Kind: device.Ethernet, Clock: clock, FIFO: 4096, PHY: "mii", MAC: "02:6e:6d:63:00:01", IP: "10.0.0.2", Port: proto.Port}
	bin, err := verilator.BuildPins(t.Context(), stubbed(t), emit.Top(c), c, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	dev, err := verilator.Start(bin, "--clock", fmt.Sprint(clock))
	if err != nil {
		t.Fatal(err)
	}
	w := &cable{ReadWriteCloser: dev, t: t, link: c.Link}
	return listen(t, w), w
}

func TestShortEthernet(t *testing.T) {
	l, w := dialEthernet(t, 50_000_000)
	l.carries(w.link)

	// Two frames in a datagram, and one that is cut off: it does not spoil the one behind it.
	one, two := l.request(proto.OpHello, 0, nil), l.request(proto.OpHello, 0, nil)
	w.frame(w.datagram(proto.AppendWire(proto.AppendWire(nil, one.Frame()), two.Frame())), false)
	for _, r := range []proto.Request{one, two} {
		if got := l.recv(); got.Seq != r.Seq {
			t.Errorf("reply to %d, expected %d", got.Seq, r.Seq)
		}
	}
	bad := l.bad()
	w.frame(w.datagram(proto.AppendWire(nil, l.request(proto.OpHello, 0, nil).Frame())[:12]), false)
	l.identity(proto.OpHello)
	if got := l.bad(); got != bad+1 {
		t.Errorf("%d bad frames, expected %d", got, bad+1)
	}

	// What is counted, the host reads.
	good := w.datagram([]byte{1, 2, 3, 0})
	with := func(at int, x byte) []byte { f := slices.Clone(good); f[at] ^= x; return f }
	for range 3 {
		w.frame(append(slices.Clone(good), 1, 2, 3, 4), true) // check sequence
		w.frame(good[:30], true)                              // runt
		w.frame(with(24, 1), false)                           // IP checksum
		w.frame(with(41, 1), false)                           // UDP checksum
		w.frame(with(5, 1), false)                            // another's
	}
	for i, n := range map[int]uint32{device.CounterLine: 6, device.CounterLost: 0, device.CounterRefused: 6, device.CounterForeign: 3} {
		if got := l.counter(i); got != n {
			t.Errorf("counter %d is %d, expected %d", i, got, n)
		}
	}
	if n := l.runs(); n != 1 {
		t.Errorf("%d runs, expected 1", n)
	}
}

// A device that is slower than the line loses what its ring does not hold, says how much, and goes on.
func TestEthernetOverflow(t *testing.T) {
	l, w := dialEthernet(t, 2_000_000)
	l.open()
	const sent = 40
	noise := make([]byte, 1000)
	for i := range noise {
		noise[i] = byte(1 + i%255)
	}
	for range sent {
		w.frame(w.datagram(noise), false)
	}
	// What is lost of these is asked again.
	hellos := 0
	for answered := false; !answered; {
		if hellos++; hellos > 20 {
			t.Fatal("no reply")
		}
		l.send(proto.OpHello, 0, nil)
		select {
		case <-l.frames:
			answered = true
		case <-time.After(time.Second):
		}
	}
	time.Sleep(time.Second)
	for len(l.frames) > 0 {
		<-l.frames
	}
	// Each that was kept is a bad frame.
	kept, lost := int(l.bad()), int(l.counter(device.CounterLost))
	if kept < 4 || kept >= sent || lost < sent-kept || lost > sent-kept+hellos {
		t.Errorf("of %d datagrams %d were kept and %d counted as lost", sent, kept, lost)
	}
}
