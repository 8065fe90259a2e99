package link_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/link"
	"github.com/nmc-fpga/nmc/host/link/linktest"
	"github.com/nmc-fpga/nmc/host/model"
	"github.com/nmc-fpga/nmc/host/proto"
)

var config = device.Config{Lanes: 4, WeightDepth: 64, VectorDepth: 64, ProgramDepth: 4, TableDepth: 4, WeightPorts: 2, FrameBytes: 128}

// chain makes each result depend on all runs before it.
func chain(p *model.Plain, run device.Run, input int) device.Result {
	w, v := p.Space(device.Weights), p.Space(device.Vectors)
	h := uint32(w[0]) | uint32(w[1])<<16
	for _, x := range v[input : input+40] {
		h = (h ^ uint32(x) ^ uint32(run.Label)<<8) * 0x01000193
	}
	w[0], w[1] = uint16(h), uint16(h>>16)
	return device.Result{Result: [2]int32{int32(h), 0}, Digest: uint64(h)}
}

// learn does n runs and returns their results.
func learn(t *testing.T, dev device.Device, n int) []device.Result {
	t.Helper()
	if err := dev.Write(device.Control, device.ControlInBase, []uint16{0, 0, 50, 0}); err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	var out []device.Result
	for i := range n {
		x := make([]byte, 40)
		for j := range x {
			x[j] = byte(rnd.Uint32())
		}
		if err := dev.Submit(device.Run{Entry: device.Learn, Label: uint16(i), Sample: device.Sample{Bytes: x}}); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			continue
		}
		r, err := dev.Result()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	r, err := dev.Result()
	if err != nil {
		t.Fatal(err)
	}
	return append(out, r)
}

// board is a model device on a UDP port.
func board(t *testing.T, f linktest.Faults) (*linktest.Network, *model.Device, func()) {
	t.Helper()
	dev := model.New(model.NewPlain(config, chain), config, 5)
	done := make(chan struct{})
	n, err := linktest.NewNetwork("127.0.0.1:0", 3, f, func() (io.ReadWriteCloser, error) {
		near, far := net.Pipe()
		go func() {
			dev.Serve(link.NewDeviceStream(far, config.FrameBytes))
			close(done)
		}()
		return near, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, dev, func() { n.Close(); <-done }
}

func TestUDP(t *testing.T) {
	const runs = 60
	want := learn(t, model.NewPlain(config, chain), runs)
	for _, c := range []struct {
		name   string
		faults linktest.Faults
	}{
		{"none", linktest.Faults{}},
		{"drop", linktest.Faults{Drop: 0.1}},
		{"duplicate", linktest.Faults{Duplicate: 0.1, MaxDelay: 20 * time.Millisecond}},
		{"reorder", linktest.Faults{Reorder: 0.1, Latency: 100 * time.Microsecond}},
		{"delay", linktest.Faults{Delay: 0.1, MaxDelay: 20 * time.Millisecond}},
		{"truncate", linktest.Faults{Truncate: 0.1}},
		{"corrupt", linktest.Faults{Corrupt: 0.1}},
		{"all", linktest.Each(0.1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, dev, end := board(t, c.faults)
			u, err := link.DialUDP(t.Context(), n.Address())
			if err != nil {
				t.Fatal(err)
			}
			s, err := host.Dial(t.Context(), u, host.Options{FrameBytes: config.FrameBytes, FirstTimeout: 30 * time.Millisecond, MinTimeout: 3 * time.Millisecond})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, learn(t, s, runs)); d != "" {
				t.Error(d)
			}
			s.Close()
			end()
			if dev.Started() != runs {
				t.Errorf("%d runs for %d commits", dev.Started(), runs)
			}
			if lossy := c.faults.Drop+c.faults.Truncate+c.faults.Corrupt > 0; lossy && s.Stats().Resent == 0 {
				t.Errorf("nothing was sent again: faults %v did not strike", n.Hits())
			}
		})
	}
}

// Frames share datagrams, none longer than Ethernet carries, and each datagram stands for itself.
func TestDatagrams(t *testing.T) {
	server, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	u, err := link.DialUDP(t.Context(), server.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer u.Close()
	var frames [][]byte
	for i, n := range []int{0, 900, 500, 400, 100, 1000, 1007, 3, 3} {
		frames = append(frames, proto.Request{Op: proto.OpWrite, Seq: uint16(i), Body: bytes.Repeat([]byte{byte(i)}, n)}.Frame())
	}
	if err := u.SendAll(frames); err != nil {
		t.Fatal(err)
	}
	var got [][]byte
	var sizes []int
	dec := proto.NewDecoder(proto.MinRequest, 1024)
	buf := make([]byte, 4096)
	for len(got) < len(frames) {
		server.SetReadDeadline(time.Now().Add(5 * time.Second))
		n, err := server.Read(buf)
		if err != nil {
			t.Fatalf("%v after %d frames", err, len(got))
		}
		sizes = append(sizes, n)
		if buf[0] != 0 || buf[n-1] != 0 {
			t.Errorf("datagram of %d bytes begins with %d and ends with %d, not with a zero", n, buf[0], buf[n-1])
		}
		dec.Feed(buf[:n], func(f []byte) { got = append(got, bytes.Clone(f)) })
	}
	if d := cmp.Diff(frames, got); d != "" {
		t.Error(d)
	}
	if slices.Max(sizes) > proto.MaxDatagram || len(sizes) != 4 {
		t.Errorf("datagrams of %v bytes, want 4 of at most %d", sizes, proto.MaxDatagram)
	}
	err = u.Send(proto.Request{Op: proto.OpWrite, Body: make([]byte, 1460)}.Frame())
	if err == nil || err.Error() != "a frame of 1477 bytes does not fit a datagram of 1472; compile with a smaller frame_bytes in [device]" {
		t.Errorf("a long frame: %v", err)
	}

	// A cut datagram does not spoil the next.
	reply := proto.AppendWire(nil, proto.Reply{Op: proto.OpHello, Seq: 9, Body: []byte{1}}.Frame())
	local, _ := u.Ends()
	for _, d := range [][]byte{reply[:5], append(append([]byte{}, reply...), reply...)} {
		if _, err := server.WriteToUDPAddrPort(d, local.Addr); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		f, err := u.Recv()
		if r, perr := proto.ParseReply(f); err != nil || perr != nil || r.Seq != 9 {
			t.Errorf("received %x, %v", f, err)
		}
	}
	if u.Bad() != 1 {
		t.Errorf("%d bad frames, want 1", u.Bad())
	}
}

// Nobody at the port is silence with a reason, and no end.
func TestUDPNobody(t *testing.T) {
	u, err := link.DialUDP(t.Context(), "127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	_, err = host.Dial(t.Context(), u, host.Options{Patience: 300 * time.Millisecond, FirstTimeout: 20 * time.Millisecond})
	if err == nil || !strings.HasPrefix(err.Error(), "no reply to hello for 300ms, sent ") || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("error %v", err)
	}
}
