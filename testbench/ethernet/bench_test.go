package ethernet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

var (
	hostMAC  = net.HardwareAddr{0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee}
	hostIP   = net.IP{10, 0, 0, 1}
	hostPort = layers.UDPPort(40000)
	everyone = net.HardwareAddr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
	right    = gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
)

// bench is a Bench whose output goes to a test, and what it should have counted.
type bench struct {
	*testing.T
	*Bench
	want [4]uint32
	slow int // bytes' times on the line for one of 100 Mbit/s
}

const (
	line = iota
	lost
	refused
	foreign
)

var clocks = []int{41667, 10000, 3000} // half periods: 12 MHz, 50 MHz, 166 MHz

func each(t *testing.T, f func(t *testing.T, b *bench)) {
	for phy, name := range Interfaces {
		if testing.Short() && phy > 0 {
			break // the others are longer in building
		}
		bin := build(t, phy, 4096)
		for _, half := range clocks {
			if phy == 3 && half > 20000 {
				continue // a clock that is slower than the line loses packets
			}
			t.Run(fmt.Sprintf("%s, device at %.0f MHz", name, 5e5/float64(half)), func(t *testing.T) {
				b := start(t, bin, half)
				if phy == 3 {
					b.slow = 10
				}
				f(t, b)
			})
		}
	}
}

func build(t *testing.T, phy, ring int) string {
	t.Helper()
	for _, tool := range []string{"verilator", "g++", "make"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("%s is missing; install with scripts/setup", tool)
			}
			t.Skipf("SKIP: %s is missing; install with scripts/setup", tool)
		}
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	bin, err := Build(root, filepath.Join(root, "build", "unit"), phy, ring)
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

func start(t *testing.T, bin string, half int) *bench {
	t.Helper()
	b, err := Start(bin, half)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return &bench{T: t, Bench: b, slow: 1}
}

// quiet runs until all is still and holds what came to the rules of the wire and the counters to what was expected.
func (b *bench) quiet() Output {
	b.Helper()
	o, err := b.Quiet()
	if err != nil {
		b.Fatal(err)
	}
	for _, w := range o.Wrong {
		b.Error("on the wire:", w)
	}
	for _, f := range o.Frames {
		if len(f) < 64 || len(f) > 1518 {
			b.Errorf("a frame of %d bytes", len(f))
		}
		if got, want := binary.LittleEndian.Uint32(f[len(f)-4:]), crc32.ChecksumIEEE(f[:len(f)-4]); got != want {
			b.Errorf("check sequence %08x of a frame, expected %08x", got, want)
		}
	}
	got, err := b.Counters()
	if err != nil {
		b.Fatal(err)
	}
	if got != b.want {
		b.Errorf("counted %v (line, lost, refused, foreign), expected %v", got, b.want)
		b.want = got
	}
	return o
}

// nothing is quiet, and that nothing came.
func (b *bench) nothing() {
	b.Helper()
	if o := b.quiet(); len(o.Frames) != 0 || len(o.Bytes) != 0 {
		b.Errorf("%d frames and bytes %x came, expected nothing", len(o.Frames), o.Bytes)
	}
}

// wire is a frame as a PHY gives it: padded, with its check sequence.
func wire(frame []byte) []byte {
	if n := 60 - len(frame); n > 0 {
		frame = append(bytes.Clone(frame), make([]byte, n)...)
	}
	return FCS(frame)
}

func serialize(t testing.TB, opts gopacket.SerializeOptions, ls ...gopacket.SerializableLayer) []byte {
	t.Helper()
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, opts, ls...); err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(buf.Bytes())
}

func ethernet(typ layers.EthernetType) *layers.Ethernet {
	return &layers.Ethernet{SrcMAC: hostMAC, DstMAC: MAC, EthernetType: typ}
}

func ipv4(proto layers.IPProtocol) *layers.IPv4 {
	return &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Id: 0x1234, Flags: layers.IPv4DontFragment, Protocol: proto, SrcIP: hostIP, DstIP: IP}
}

func udp(ip *layers.IPv4) *layers.UDP {
	u := &layers.UDP{SrcPort: hostPort, DstPort: layers.UDPPort(Port)}
	u.SetNetworkLayerForChecksum(ip)
	return u
}

// datagram is a frame with a payload for the device.
func datagram(t testing.TB, payload []byte) []byte {
	ip := ipv4(layers.IPProtocolUDP)
	return serialize(t, right, ethernet(layers.EthernetTypeIPv4), ip, udp(ip), gopacket.Payload(payload))
}

func arp(target net.IP) *layers.ARP {
	return &layers.ARP{
		AddrType: layers.LinkTypeEthernet, Protocol: layers.EthernetTypeIPv4, HwAddressSize: 6, ProtAddressSize: 4, Operation: layers.ARPRequest,
		SourceHwAddress: hostMAC, SourceProtAddress: hostIP, DstHwAddress: make([]byte, 6), DstProtAddress: target,
	}
}

func ping(t testing.TB, payload []byte) []byte {
	return serialize(t, right, ethernet(layers.EthernetTypeIPv4), ipv4(layers.IPProtocolICMPv4),
		&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(8, 0), Id: 77, Seq: 3}, gopacket.Payload(payload))
}

// decode decodes a frame of the device without its check sequence, sees that addresses are right, and that what gopacket makes of
// the decoded layers, lengths and checksums computed, is what came.
func (b *bench) decode(frame []byte) gopacket.Packet {
	b.Helper()
	frame = frame[:len(frame)-4]
	p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
	if e := p.ErrorLayer(); e != nil {
		b.Fatalf("gopacket on %x: %v", frame, e.Error())
	}
	eth := p.Layer(layers.LayerTypeEthernet).(*layers.Ethernet)
	if !bytes.Equal(eth.SrcMAC, MAC) || !bytes.Equal(eth.DstMAC, hostMAC) {
		b.Errorf("a frame from %v to %v, expected from %v to %v", eth.SrcMAC, eth.DstMAC, net.HardwareAddr(MAC), hostMAC)
	}
	var again []gopacket.SerializableLayer
	var ip *layers.IPv4
	for _, l := range p.Layers() {
		switch l := l.(type) {
		case *layers.IPv4:
			ip = l
			if !ip.SrcIP.Equal(net.IP(IP)) || !ip.DstIP.Equal(hostIP) || ip.TTL < 32 {
				b.Errorf("a packet from %v to %v with %d hops", ip.SrcIP, ip.DstIP, ip.TTL)
			}
		case *layers.UDP:
			l.SetNetworkLayerForChecksum(ip)
			if l.Checksum == 0 {
				b.Error("no UDP checksum")
			}
			if int(l.SrcPort) != Port || l.DstPort != hostPort {
				b.Errorf("a datagram from %v to %v", l.SrcPort, l.DstPort)
			}
		}
		again = append(again, l.(gopacket.SerializableLayer))
	}
	same := serialize(b, right, again...)
	if n := 60 - len(same); n > 0 {
		same = append(same, make([]byte, n)...)
	}
	// The ones' complement has two zeros: an incremental update may give the other.
	if icmp := p.Layer(layers.LayerTypeICMPv4); icmp != nil && frame[36] == 0xff && frame[37] == 0xff {
		same[36], same[37] = 0xff, 0xff
	}
	if !bytes.Equal(frame, same) {
		b.Errorf("the device sent  %x\nexpected %x", frame, same)
	}
	return p
}

// one is the only frame of an output.
func (b *bench) one(o Output) gopacket.Packet {
	b.Helper()
	if len(o.Frames) != 1 {
		b.Fatalf("%d frames came, expected 1", len(o.Frames))
	}
	return b.decode(o.Frames[0])
}

// answers holds the link to what it must always do: ARP, ping, bytes in, bytes out.
func (b *bench) answers() {
	b.Helper()
	// In a datagram's stead, what was cut off ends with a zero.
	b.Frame(wire(datagram(b, []byte{1, 2, 3, 0})))
	if o := b.quiet(); !bytes.Equal(o.Bytes, []byte{1, 2, 3, 0, 0}) || len(o.Frames) != 0 {
		b.Errorf("bytes %x and %d frames, expected 0102030000", o.Bytes, len(o.Frames))
	}
	b.Say([]byte{9, 8, 7, 0})
	p := b.one(b.quiet())
	if u, ok := p.TransportLayer().(*layers.UDP); !ok || !bytes.Equal(u.Payload, []byte{9, 8, 7, 0}) {
		b.Errorf("sent %v, expected a datagram of 09080700", p)
	}

	req := serialize(b, right, &layers.Ethernet{SrcMAC: hostMAC, DstMAC: everyone, EthernetType: layers.EthernetTypeARP}, arp(IP))
	b.Frame(wire(req))
	p = b.one(b.quiet())
	a, ok := p.Layer(layers.LayerTypeARP).(*layers.ARP)
	if !ok || a.Operation != layers.ARPReply || !bytes.Equal(a.SourceHwAddress, MAC) || !bytes.Equal(a.SourceProtAddress, IP) ||
		!bytes.Equal(a.DstHwAddress, hostMAC) || !bytes.Equal(a.DstProtAddress, hostIP) {
		b.Errorf("an ARP request is answered by %v", p)
	}

	b.Frame(wire(ping(b, []byte("abcdefghijklmnopqrstuvwabcdefghi"))))
	p = b.one(b.quiet())
	i, ok := p.Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4)
	if !ok || i.TypeCode != layers.CreateICMPv4TypeCode(0, 0) || i.Id != 77 || i.Seq != 3 || string(i.Payload) != "abcdefghijklmnopqrstuvwabcdefghi" {
		b.Errorf("a ping is answered by %v", p)
	}
}

func TestAnswers(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for range 3 {
			b.answers()
		}
		// Asked for by hardware address, too.
		b.Frame(wire(serialize(t, right, ethernet(layers.EthernetTypeARP), arp(IP))))
		b.one(b.quiet())
		// An odd half byte at the end is none.
		if o := func() Output { b.Dribble(wire(datagram(t, []byte{5}))); return b.quiet() }(); !bytes.Equal(o.Bytes, []byte{5, 0}) {
			t.Errorf("bytes %x, expected 0500", o.Bytes)
		}
	})
}

func TestSizes(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, n := range []int{0, 1, 2, 17, 18, 19, 255, 1024, 1471, 1472} {
			data := make([]byte, n)
			for i := range data {
				data[i] = byte(r.Uint32())
			}
			b.Frame(wire(datagram(t, data)))
			if o := b.quiet(); !bytes.Equal(o.Bytes, append(bytes.Clone(data), 0)) {
				t.Errorf("of a datagram of %d bytes %d came, or others", n, len(o.Bytes)-1)
			}
			// Pings up to what an Ethernet frame holds, with checksums that have a carry to go around.
			b.Frame(wire(ping(t, data)))
			if i := b.one(b.quiet()).Layer(layers.LayerTypeICMPv4).(*layers.ICMPv4); !bytes.Equal(i.Payload, data) {
				t.Errorf("a ping with %d bytes has other data in its answer", n)
			}
		}
		// A checksum for every carry: what is added to it is 16'h0800.
		for _, sum := range []uint16{0x0000, 0xf7ff, 0xf800, 0xf8ff, 0xf8fe, 0xffff, 0xfeff, 0x00ff, 0xf7fe} {
			p := ping(t, []byte{0, 0})
			have := uint32(binary.BigEndian.Uint16(p[36:]))
			v := have + uint32(^sum)
			v = v&0xffff + v>>16
			binary.BigEndian.PutUint16(p[42:], uint16(v))
			p = append(p[:36], append([]byte{0, 0}, p[38:]...)...)
			p = recheck(t, p)
			b.Frame(wire(p))
			b.one(b.quiet())
		}
		for _, n := range []int{1, 2, 3, 16, 17, 18, 19, 254, 255, 510, 511} {
			data := make([]byte, n)
			for i := range data {
				data[i] = byte(1 + r.Uint32N(255))
			}
			data[n-1] = 0
			b.Say(data)
			if u := b.one(b.quiet()).TransportLayer().(*layers.UDP); !bytes.Equal(u.Payload, data) {
				t.Errorf("the device said %x, in the datagram is %x", data, u.Payload)
			}
		}
		// What has no zero goes after 512 bytes; two frames are two datagrams.
		data := bytes.Repeat([]byte{1}, 700)
		data[699], data[650] = 0, 0
		b.Say(data)
		o := b.quiet()
		var sizes []int
		var all []byte
		for _, f := range o.Frames {
			u := b.decode(f).TransportLayer().(*layers.UDP)
			sizes, all = append(sizes, len(u.Payload)), append(all, u.Payload...)
		}
		if !slices.Equal(sizes, []int{512, 139, 49}) || !bytes.Equal(all, data) {
			t.Errorf("datagrams of %v bytes, expected 512, 139 and 49", sizes)
		}
		// A UDP checksum that comes out as zero is sent as ones.
		for i := range 65536 {
			if testing.Short() && i > 40000 {
				break
			}
			p := []byte{byte(i >> 8), byte(i), 0}
			ip := &layers.IPv4{Version: 4, IHL: 5, TTL: 64, Flags: layers.IPv4DontFragment, Protocol: layers.IPProtocolUDP, SrcIP: IP, DstIP: hostIP}
			u := &layers.UDP{SrcPort: layers.UDPPort(Port), DstPort: hostPort}
			u.SetNetworkLayerForChecksum(ip)
			f := serialize(t, right, ethernet(layers.EthernetTypeIPv4), ip, u, gopacket.Payload(p))
			if s := binary.BigEndian.Uint16(f[40:]); (s == 0 || s == 0xffff) && p[0] != 0 && p[1] != 0 {
				b.Say(p)
				o := b.quiet()
				if len(o.Frames) != 1 || o.Frames[0][40] != 0xff || o.Frames[0][41] != 0xff {
					t.Errorf("%d frames, expected one with the checksum of ones", len(o.Frames))
				}
			}
		}
	})
}

// recheck computes a frame's checksums anew.
func recheck(t testing.TB, frame []byte) []byte {
	t.Helper()
	p := gopacket.NewPacket(frame, layers.LayerTypeEthernet, gopacket.Default)
	var ls []gopacket.SerializableLayer
	for _, l := range p.Layers() {
		ls = append(ls, l.(gopacket.SerializableLayer))
	}
	return serialize(t, right, ls...)
}

func TestMalformed(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		payload := []byte("\x05abcd\x00")
		good := datagram(t, payload)
		edit := func(f func(p []byte)) []byte {
			p := append(bytes.Clone(good), make([]byte, 60-len(good))...)
			f(p)
			return p
		}
		// ip makes the IP checksum right again.
		ip := func(f func(p []byte)) []byte {
			return edit(func(p []byte) {
				f(p)
				p[24], p[25] = 0, 0
				var s uint32
				for i := 14; i < 34; i += 2 {
					s += uint32(binary.BigEndian.Uint16(p[i:]))
				}
				for s > 0xffff {
					s = s>>16 + s&0xffff
				}
				binary.BigEndian.PutUint16(p[24:], ^uint16(s))
			})
		}
		udpLength := func(n int) func(p []byte) {
			return func(p []byte) {
				binary.BigEndian.PutUint16(p[38:], uint16(n))
				p[40], p[41] = 0, 0
			}
		}
		badFCS := wire(good)
		badFCS[20] ^= 4
		cases := []struct {
			name  string
			frame []byte
			count int
		}{
			{"check sequence", badFCS, line},
			{"runt", FCS(good[:48]), line},
			{"runt of one byte", []byte{1}, line},
			{"nothing", nil, line},
			{"63 bytes", FCS(good[:59]), line},
			{"long", FCS(append(bytes.Clone(good), make([]byte, 1515-len(good))...)), line},
			{"very long", FCS(append(bytes.Clone(good), make([]byte, 9000)...)), line},
			{"IP checksum", FCS(edit(func(p []byte) { p[24] ^= 1 })), refused},
			{"IP version", FCS(ip(func(p []byte) { p[14] = 0x65 })), refused},
			{"IP options", FCS(ip(func(p []byte) { p[14] = 0x46 })), refused},
			{"IP length beyond the frame", FCS(ip(func(p []byte) { p[17] = 47; udpLength(27)(p) })), refused},
			{"IP length of 2,100", FCS(ip(func(p []byte) { binary.BigEndian.PutUint16(p[16:], 2100) })), refused},
			{"IP length of 27", FCS(ip(func(p []byte) { p[17] = 27; udpLength(7)(p) })), refused},
			{"IP length of 5", FCS(ip(func(p []byte) { p[17] = 5 })), refused},
			{"first fragment", FCS(ip(func(p []byte) { p[20] = 0x20 })), refused},
			{"last fragment", FCS(ip(func(p []byte) { p[21] = 0x01 })), refused},
			{"reserved flag", FCS(ip(func(p []byte) { p[20] = 0x80 })), refused},
			{"UDP checksum", FCS(edit(func(p []byte) { p[41] ^= 1 })), refused},
			{"UDP payload", FCS(edit(func(p []byte) { p[44] ^= 1 })), refused},
			{"UDP length short", FCS(edit(udpLength(8 + len(payload) - 1))), refused},
			{"UDP length long", FCS(edit(udpLength(8 + len(payload) + 1))), refused},
			{"UDP length 0", FCS(edit(udpLength(0))), refused},
			{"ping checksum", wire(func() []byte { p := ping(t, []byte("abcd")); p[36] ^= 1; return p }()), refused},
			{"other MAC", wire(func() []byte { p := bytes.Clone(good); p[5] ^= 2; return p }()), foreign},
			{"group MAC", wire(func() []byte { p := bytes.Clone(good); copy(p, "\x01\x00\x5e\x00\x00\x01"); return p }()), foreign},
			{"other IP", FCS(ip(func(p []byte) { p[33] = 3 })), foreign},
			{"all's IP with its MAC", FCS(ip(func(p []byte) { copy(p[30:], "\xff\xff\xff\xff"); p[40], p[41] = 0, 0 })), foreign},
			{"other IP with all's MAC", FCS(ip(func(p []byte) { copy(p, everyone); p[33] = 3; p[40], p[41] = 0, 0 })), foreign},
			{"other port", FCS(edit(func(p []byte) { p[36] ^= 1; p[40], p[41] = 0, 0 })), foreign},
			{"other port's low byte", FCS(edit(func(p []byte) { p[37] ^= 1; p[40], p[41] = 0, 0 })), foreign},
			{"TCP", FCS(ip(func(p []byte) { p[23] = 6 })), foreign},
			{"IPv6", FCS(edit(func(p []byte) { p[12], p[13] = 0x86, 0xdd })), foreign},
			{"VLAN", FCS(edit(func(p []byte) { p[12], p[13] = 0x81, 0x00 })), foreign},
			{"ping to all", wire(func() []byte { p := ping(t, []byte("abcd")); copy(p, everyone); return p }()), foreign},
			{"ping's answer", wire(func() []byte { p := ping(t, []byte("abcd")); p[34] = 0; return p }()), foreign},
			{"ping's code", wire(func() []byte { p := ping(t, []byte("abcd")); p[35] = 1; return p }()), foreign},
			{"ARP for another", wire(serialize(t, right, &layers.Ethernet{SrcMAC: hostMAC, DstMAC: everyone, EthernetType: layers.EthernetTypeARP}, arp(net.IP{10, 0, 0, 3}))), foreign},
			{"ARP reply", wire(func() []byte {
				a := arp(IP)
				a.Operation = layers.ARPReply
				return serialize(t, right, ethernet(layers.EthernetTypeARP), a)
			}()), foreign},
			{"ARP for other addresses", wire(func() []byte {
				p := serialize(t, right, ethernet(layers.EthernetTypeARP), arp(IP))
				p[18] = 8
				return p
			}()), foreign},
		}
		for _, c := range cases {
			b.Frame(c.frame)
			b.want[c.count]++
			b.nothing()
			if t.Failed() {
				t.Fatalf("after %q", c.name)
			}
		}
		b.Broken(wire(good))
		b.want[line]++
		b.nothing()
		b.answers()

		// These are well formed.
		for name, frame := range map[string][]byte{
			"no checksum":    FCS(edit(func(p []byte) { p[40], p[41] = 0, 0 })),
			"to all":         FCS(ip(func(p []byte) { copy(p, everyone); copy(p[30:], "\xff\xff\xff\xff"); p[40], p[41] = 0, 0 })),
			"to its network": FCS(ip(func(p []byte) { copy(p, everyone); p[33] = 255; p[40], p[41] = 0, 0 })),
			"no flags":       FCS(ip(func(p []byte) { p[20] = 0 })),
			"other service":  FCS(ip(func(p []byte) { p[15] = 0xb8; p[22] = 1 })),
			"padded":         FCS(append(bytes.Clone(good), bytes.Repeat([]byte{0xee}, 200)...)),
		} {
			b.Frame(frame)
			if o := b.quiet(); !bytes.Equal(o.Bytes, append(bytes.Clone(payload), 0)) {
				t.Errorf("%s: bytes %x, expected %x", name, o.Bytes, payload)
			}
		}
		// All broken ones in a row, and still it answers.
		for range 3 {
			for _, c := range cases {
				b.Frame(c.frame)
				b.want[c.count]++
			}
		}
		b.nothing()
		b.answers()
	})
}

// A ring that is full loses whole packets, counts them, and gives what it kept.
func TestOverflow(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		r := rand.New(rand.NewPCG(3, 4))
		for range 4 {
			b.Ready(0)
			var sent [][]byte
			for i := range 30 {
				data := make([]byte, 1+r.IntN(700))
				for j := range data {
					data[j] = byte(i + 1)
				}
				data[len(data)-1] = 0
				b.Frame(wire(datagram(t, data)))
				sent = append(sent, data)
			}
			b.Gap(100)
			b.Ready(2)
			o, err := b.Quiet()
			if err != nil {
				t.Fatal(err)
			}
			kept, bytesKept := 0, 0
			for _, d := range sent {
				if after, ok := bytes.CutPrefix(o.Bytes, append(bytes.Clone(d), 0)); ok {
					o.Bytes = after
					kept++
					bytesKept += len(d) + 43
				}
			}
			if len(o.Bytes) != 0 {
				t.Fatalf("%d bytes are no whole datagrams that were sent", len(o.Bytes))
			}
			b.want[lost] += uint32(30 - kept)
			if kept < 4 || kept == 30 || bytesKept < 4096-743 {
				t.Errorf("%d datagrams kept, %d bytes of the ring", kept, bytesKept)
			}
			b.Ready(1)
			b.answers()
		}
	})
}

// Datagrams back to back, pings between them, replies at the same time: all come, in order.
func TestBothWays(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		r := rand.New(rand.NewPCG(5, 6))
		b.answers() // so it knows whom to answer
		var in, out []byte
		pings := 0
		for i := range 60 {
			data := make([]byte, 1+r.IntN(300))
			for j := range data {
				data[j] = byte(1 + r.IntN(255))
			}
			data[len(data)-1] = 0
			switch r.IntN(4) {
			case 0:
				b.Frame(wire(ping(t, data)))
				b.Gap(700 * b.slow)
				pings++
			case 1:
				b.Say(data)
				out = append(out, data...)
			default:
				b.Frame(wire(datagram(t, data)))
				b.Gap(200 * b.slow)
				in = append(append(in, data...), 0)
			}
			if i == 30 {
				b.Ready(2)
			}
		}
		o := b.quiet()
		if !bytes.Equal(o.Bytes, in) {
			t.Errorf("%d bytes came in, expected %d", len(o.Bytes), len(in))
		}
		var said []byte
		for _, f := range o.Frames {
			p := b.decode(f)
			if u, ok := p.TransportLayer().(*layers.UDP); ok {
				said = append(said, u.Payload...)
			} else {
				pings--
			}
		}
		if !bytes.Equal(said, out) || pings != 0 {
			t.Errorf("%d bytes came out, expected %d; %d pings without answer", len(said), len(out), pings)
		}
	})
}

// Anything at all on the line: what is no frame is not obeyed, and afterwards it answers.
func TestGarbage(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		r := rand.New(rand.NewPCG(7, 8))
		n := 300
		if testing.Short() {
			n = 60
		}
		good := [][]byte{datagram(t, []byte("\x05abcd\x00")), ping(t, []byte("0123456789")), serialize(t, right, ethernet(layers.EthernetTypeARP), arp(IP))}
		for i := range n {
			data := make([]byte, r.IntN(200))
			for j := range data {
				data[j] = byte(r.Uint32())
			}
			switch r.IntN(5) {
			case 0:
				b.Raw(data)
			case 1:
				b.Frame(data)
			case 2: // right check sequence
				b.Frame(wire(data))
			case 3: // right addresses
				b.Frame(wire(append(bytes.Clone(good[r.IntN(3)][:14+r.IntN(28)]), data...)))
			default: // a good one with some bytes changed
				f := bytes.Clone(good[r.IntN(3)])
				for range 1 + r.IntN(3) {
					f[12+r.IntN(len(f)-12)] = byte(r.Uint32())
				}
				b.Frame(wire(f))
			}
			if i%50 == 49 {
				o, err := b.Quiet()
				if err != nil {
					t.Fatal(err)
				}
				for _, w := range o.Wrong {
					t.Error("on the wire:", w)
				}
				got, err := b.Counters()
				if err != nil {
					t.Fatal(err)
				}
				b.want = got // of random frames few are countable by another's rules
				b.answers()
			}
		}
		if b.want[line] == 0 || b.want[refused] == 0 || b.want[foreign] == 0 {
			t.Errorf("counted %v, expected some of each but lost ones", b.want)
		}
	})
}

// A reset in the middle of anything leaves a link that answers.
func TestReset(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		r := rand.New(rand.NewPCG(9, 10))
		for range 20 {
			b.Ready(byte(r.IntN(3)))
			for range r.IntN(5) {
				b.Frame(wire(datagram(t, make([]byte, 1+r.IntN(600)))))
			}
			if r.IntN(2) == 0 {
				b.Say([]byte{1, 2, 3, 0})
			}
			b.Gap(r.IntN(30))
			b.Reset()
			b.Ready(1)
			o, err := b.Quiet()
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range o.Wrong {
				// A frame that a reset cuts off is no frame: its receiver drops it.
				if w != "a frame ends within a byte" {
					t.Log("on the wire:", w)
				}
			}
			if b.want, err = b.Counters(); err != nil {
				t.Fatal(err)
			}
			b.answers()
		}
	})
}
