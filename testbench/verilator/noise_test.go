package verilator_test

import (
	"io"
	"math/rand/v2"
	"testing"

	"github.com/nmc-fpga/nmc"
	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/link"
	"github.com/nmc-fpga/nmc/host/proto"
	"github.com/nmc-fpga/nmc/sim"
	"github.com/nmc-fpga/nmc/testbench/verilator"
)

// learner is a network that learns on a whole device, not on the stub.
const learner = `name = "learner"
[data]
set = "digits"
[[layer]]
units = 16
activation = "tanh"
[[layer]]
units = 10
activation = "softmax"
[rule]
name = "dfa"
rate = 0.01
[device]
lanes = 4
`

// noise returns n bytes of what a broken host or line might send: any bytes, frames cut short by many zeros, and
// frames that were whole before some of their bits were turned over.
func noise(rnd *rand.Rand, n int) []byte {
	var b []byte
	for len(b) < n {
		switch rnd.IntN(3) {
		case 0:
			for range 20000 {
				b = append(b, byte(rnd.Uint32()))
			}
		case 1:
			for range 20000 {
				b = append(b, byte(rnd.Uint32())*byte(min(1, rnd.IntN(8))))
			}
		case 2:
			for range 200 {
				body := make([]byte, rnd.IntN(200))
				for i := range body {
					body[i] = byte(rnd.Uint32())
				}
				q := proto.Request{Op: proto.Op(rnd.IntN(9)), Seq: uint16(rnd.Uint32()), Session: uint32(rnd.IntN(3)), N: uint64(rnd.IntN(3)), Body: body}
				w := proto.AppendWire(nil, q.Frame())
				for range 1 + 2*rnd.IntN(2) { // an odd number never cancels out
					w[rnd.IntN(len(w))] ^= 1 << rnd.IntN(8)
				}
				b = append(b, w...)
			}
		}
	}
	return b[:n]
}

// learn returns the digest of a few learned samples.
func learn(t *testing.T, dev device.Device, b *compiler.Build) uint64 {
	t.Helper()
	if err := b.Image.Load(dev); err != nil {
		t.Fatal(err)
	}
	rnd := rand.New(rand.NewPCG(11, 12))
	runs := []device.Run{{Entry: device.Init}}
	for range 20 {
		x := make([]byte, b.Manifest.Input.Elements)
		for i := range x {
			x[i] = byte(rnd.Uint32())
		}
		runs = append(runs, device.Run{Entry: device.Learn, Label: uint16(rnd.IntN(10)), Sample: device.Sample{Bytes: x}})
	}
	var digest uint64
	for _, r := range append(runs, device.Run{Entry: device.Digest}) {
		if err := dev.Submit(r); err != nil {
			t.Fatal(err)
		}
		res, err := dev.Result()
		if err != nil {
			t.Fatal(err)
		}
		digest = res.Digest
	}
	return digest
}

// Ten million bytes of noise into a device that is in the middle of its work. It answers a host afterwards, has obeyed none of it,
// and learns what it would have learned without.
func TestNoise(t *testing.T) {
	if testing.Short() {
		t.Skip("ten million bytes: not with -short")
	}
	needTools(t)
	const total = 10_000_000
	net, err := config.Read("net.toml", []byte(learner), config.Options{Rules: rules.Specs()})
	if err != nil {
		t.Fatal(err)
	}
	b, err := compiler.Compile(net, compiler.Options{})
	if err != nil {
		t.Fatal(err)
	}
	machine, err := sim.New(b.Manifest.Device)
	if err != nil {
		t.Fatal(err)
	}
	defer machine.Close()
	want := learn(t, machine, b)

	bin, err := verilator.Build(t.Context(), nmc.HDL, b.Top, b.Manifest.Device, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	dev, err := verilator.Start(bin)
	if err != nil {
		t.Fatal(err)
	}
	l := listen(t, dev)
	l.open()
	// Something to lose: a weight that only the open session may change.
	marks := []uint16{0x1234, 0x5678, 0x9abc}
	l.write(1, device.Weights, 100, marks...)
	rnd := rand.New(rand.NewPCG(1, 10))
	for sent := 0; sent < total; sent += total / 10 {
		l.raw(noise(rnd, total/10))
		l.raw([]byte{0}) // ends what noise has begun
		if id := l.identity(proto.OpHello); id.HwID != b.Manifest.Device.ID() || id.Last != 0 {
			t.Fatalf("after %d bytes: %+v", sent+total/10, id)
		}
		l.equal("weights", l.read(device.Weights, 100, len(marks)), marks)
	}
	if id := l.identity(proto.OpHello); id.Session != l.session {
		t.Errorf("session %d, was %d", id.Session, l.session)
	}
	bad := l.counter(device.CounterBadFrames)
	t.Logf("%d bytes, %d bad frames", total, bad)
	if bad < total/1000 {
		t.Errorf("%d bad frames counted", bad)
	}

	// A host comes.
	in, out := io.Pipe()
	go func() {
		for f := range l.frames {
			out.Write(proto.AppendWire(nil, f))
		}
	}()
	s, err := host.Dial(t.Context(), link.NewStream(struct {
		io.Reader
		io.Writer
		io.Closer
	}{in, dev, in}), host.Options{HwID: b.Manifest.Device.ID()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := learn(t, s, b); got != want {
		t.Errorf("digest %016x after the noise, the simulator's is %016x", got, want)
	}
}
