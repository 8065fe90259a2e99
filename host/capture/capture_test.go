package capture_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/pcapgo"

	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/capture"
	"github.com/nmc-fpga/nmc/host/proto"
)

// loop is a link that gives back each frame as a reply.
type loop struct{ frames [][]byte }

func (l *loop) Send(f []byte) error { l.frames = append(l.frames, f); return nil }
func (l *loop) Close() error        { return nil }
func (l *loop) Recv() ([]byte, error) {
	if len(l.frames) == 0 {
		return nil, io.EOF
	}
	q, err := proto.ParseRequest(l.frames[0])
	l.frames = l.frames[1:]
	return proto.Reply{Op: q.Op, Seq: q.Seq, Body: []byte{9}}.Frame(), err
}

// network is the same over a network.
type network struct {
	loop
	host, device capture.End
}

func (n *network) Ends() (host, device capture.End) { return n.host, n.device }

func request(seq uint16) []byte {
	return proto.Request{Op: proto.OpHello, Seq: seq, Body: make([]byte, 300)}.Frame()
}

// record sends and receives three frames and returns the file.
func record(t *testing.T, l host.Link, over bool) []byte {
	t.Helper()
	var file bytes.Buffer
	w, err := capture.NewWriter(&file, over)
	if err != nil {
		t.Fatal(err)
	}
	r, err := w.Record(l)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Send(request(1)); err != nil {
		t.Fatal(err)
	}
	all := r.(interface{ SendAll([][]byte) error })
	if err := all.SendAll([][]byte{request(2), request(3)}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := r.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	if err := w.Flush(); err != nil || w.Packets() != 6 {
		t.Errorf("%d packets, %v, want 6", w.Packets(), err)
	}
	return file.Bytes()
}

// frames reads a file.
func frames(t *testing.T, file []byte) []capture.Frame {
	t.Helper()
	r, err := capture.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var out []capture.Frame
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
}

func check(t *testing.T, got []capture.Frame) {
	t.Helper()
	var seqs []uint16
	for i, f := range got {
		if f.Packet != i+1 || f.Reply != (i > 2) || f.Time.IsZero() {
			t.Errorf("frame %d: packet %d at %v, reply %t", i, f.Packet, f.Time, f.Reply)
		}
		if f.Reply {
			r, err := proto.ParseReply(f.Bytes)
			if err != nil || !bytes.Equal(r.Body, []byte{9}) {
				t.Errorf("frame %d: %v, %v", i, r, err)
			}
			seqs = append(seqs, r.Seq)
			continue
		}
		q, err := proto.ParseRequest(f.Bytes)
		if err != nil || len(q.Body) != 300 {
			t.Errorf("frame %d: %v, %v", i, q, err)
		}
		seqs = append(seqs, q.Seq)
	}
	if d := cmp.Diff([]uint16{1, 2, 3, 1, 2, 3}, seqs); d != "" {
		t.Error(d)
	}
}

func TestStream(t *testing.T) {
	file := record(t, &loop{}, false)
	check(t, frames(t, file))
	r, err := pcapgo.NewReader(bytes.NewReader(file))
	if err != nil || r.LinkType() != 147 {
		t.Fatalf("link type %v, %v, want USER0", r.LinkType(), err)
	}
	for i := range 6 {
		b, _, err := r.ReadPacketData()
		if err != nil || int(b[0]) != i/3 || b[len(b)-1] != 0 || bytes.Count(b[1:], []byte{0}) != 1 {
			t.Errorf("packet %d: % x, %v", i, b, err)
		}
	}
	// Cut off in a packet, the file ends with the one before.
	if got := frames(t, file[:len(file)-3]); len(got) != 5 {
		t.Errorf("%d frames of a file that was cut off in the sixth", len(got))
	}
}

func end(mac byte, addr string) capture.End {
	e := capture.End{Addr: netip.MustParseAddrPort(addr)}
	if mac != 0 {
		e.MAC = net.HardwareAddr{2, 0, 0, 0, 1, mac}
	}
	return e
}

func TestNetwork(t *testing.T) {
	for _, l := range []*network{
		{host: end(5, "10.0.0.1:4000"), device: end(6, "10.0.0.2:28269")},
		{host: end(0, "[::ffff:10.0.0.1]:4000"), device: end(0, "10.0.0.2:28269")},
		{host: end(0, "[fe80::1%eth0]:4000"), device: end(0, "[fe80::2%eth0]:28269")},
	} {
		file := record(t, l, true)
		check(t, frames(t, file))
		r, err := pcapgo.NewReader(bytes.NewReader(file))
		if err != nil || r.LinkType() != layers.LinkTypeEthernet {
			t.Fatalf("link type %v, %v, want Ethernet", r.LinkType(), err)
		}
		for i := range 6 {
			b, _, err := r.ReadPacketData()
			if err != nil {
				t.Fatal(err)
			}
			p := gopacket.NewPacket(b, layers.LinkTypeEthernet, gopacket.Default)
			if p.ErrorLayer() != nil {
				t.Fatalf("packet %d: %v", i, p.ErrorLayer().Error())
			}
			udp := p.TransportLayer().(*layers.UDP)
			from, to := l.host, l.device
			if i > 2 {
				from, to = to, from
			}
			if int(udp.SrcPort) != int(from.Addr.Port()) || int(udp.DstPort) != int(to.Addr.Port()) {
				t.Errorf("packet %d goes from port %v to %v", i, udp.SrcPort, udp.DstPort)
			}
			src, _ := netip.AddrFromSlice(p.NetworkLayer().NetworkFlow().Src().Raw())
			if src != from.Addr.Addr().Unmap().WithZone("") {
				t.Errorf("packet %d comes from %v, want %v", i, src, from.Addr)
			}
			if mac := p.LinkLayer().LinkFlow().Src().Raw(); from.MAC != nil && !bytes.Equal(mac, from.MAC) {
				t.Errorf("packet %d comes from %x, want %v", i, mac, from.MAC)
			}
			// The checksums are those that gopacket makes again.
			was := udp.Checksum
			udp.SetNetworkLayerForChecksum(p.NetworkLayer())
			again := gopacket.NewSerializeBuffer()
			if err := gopacket.SerializeLayers(again, gopacket.SerializeOptions{ComputeChecksums: true}, udp, gopacket.Payload(udp.Payload)); err != nil || udp.Checksum != was || was == 0 {
				t.Errorf("packet %d: checksum %04x, want %04x, %v", i, was, udp.Checksum, err)
			}
		}
	}
}

// What else is on the network is left out, and a file by another program is read.
func TestForeign(t *testing.T) {
	var file bytes.Buffer
	w, err := pcapgo.NewNgWriter(&file, layers.LinkTypeEthernet)
	if err != nil {
		t.Fatal(err)
	}
	put := func(b []byte) {
		if err := w.WritePacket(gopacket.CaptureInfo{CaptureLength: len(b), Length: len(b)}, b); err != nil {
			t.Fatal(err)
		}
	}
	put([]byte{1, 2, 3})
	whole := record(t, &network{host: end(0, "10.0.0.1:4000"), device: end(0, "10.0.0.2:28269")}, true)
	r, err := pcapgo.NewReader(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		b, _, err := r.ReadPacketData()
		if err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			b[60] ^= 1 // damaged on the way
		}
		put(b)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	got := frames(t, file.Bytes())
	if len(got) != 2 || got[0].Packet != 2 || got[1].Packet != 4 {
		t.Errorf("%v", got)
	}
	if _, err := capture.NewReader(strings.NewReader("name = \"net\"\nno capture at all\n")); err == nil || !strings.HasPrefix(err.Error(), "not a pcap file: ") {
		t.Errorf("a text file: %v", err)
	}
}

func TestMismatch(t *testing.T) {
	w, err := capture.NewWriter(io.Discard, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Record(&loop{}); err == nil || err.Error() != "capture: a file for a network cannot take a link over a stream" {
		t.Errorf("error %v", err)
	}
}

// tcpdump, where there is one, reads what was written, and finds the checksums right.
func TestTcpdump(t *testing.T) {
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("tcpdump not found; install with scripts/setup")
		}
		t.Skip("SKIP: tcpdump is not installed; install with scripts/setup")
	}
	path := filepath.Join(t.TempDir(), "run.pcap")
	if err := os.WriteFile(path, record(t, &network{host: end(0, "10.0.0.1:4000"), device: end(0, "10.0.0.2:28269")}, true), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tcpdump, "-nvvr", path).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := strings.Count(string(out), "10.0.0.1.4000 > 10.0.0.2.28269: [udp sum ok] UDP, length 319"); n != 3 {
		t.Errorf("tcpdump sees %d of 3 requests:\n%s", n, out)
	}
}
