package verilator_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/emit"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/proto"
	"github.com/nmc-fpga/nmc/testbench/verilator"
)

// What harness/uart.cpp makes happen on the line.
const (
	symByte = iota
	symBadStop
	symBreak
	symHigh
	symGlitch
)

// wire is a serial line to the device's pins, whose writes are bytes as they should be.
type wire struct{ io.ReadWriteCloser }

func (w wire) Write(b []byte) (int, error) {
	symbols := make([]byte, 0, 2*len(b))
	for _, x := range b {
		symbols = append(symbols, symByte, x)
	}
	if _, err := w.ReadWriteCloser.Write(symbols); err != nil {
		return 0, err
	}
	return len(b), nil
}

// on makes something else happen on the line.
func (w wire) on(t *testing.T, kind, n byte) {
	t.Helper()
	if _, err := w.ReadWriteCloser.Write([]byte{kind, n}); err != nil {
		t.Fatal(err)
	}
}

// dialUART starts a device with pins. The host's baud may be another than the device's.
func dialUART(t *testing.T, link device.Link, baud int) (*line, wire) {
	t.Helper()
	needTools(t)
	if testing.Short() && link != serial {
		t.Skip("one serial line is enough for -short")
	}
	c := cfg
	c.Link = link
	bin, err := verilator.BuildPins(t.Context(), stubbed(t), emit.Top(c), c, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	dev, err := verilator.Start(bin, "--clock", fmt.Sprint(link.Clock), "--baud", fmt.Sprint(baud))
	if err != nil {
		t.Fatal(err)
	}
	w := wire{dev}
	return listen(t, w), w
}

var serial = device.Link{Kind: device.UART, Clock: 24_000_000, Baud: 3_000_000, FIFO: 512}

func (l *line) counter(i int) uint32 {
	l.t.Helper()
	h := l.read(device.Control, uint32(device.ControlCounters+2*i), 2)
	return uint32(h[0]) | uint32(h[1])<<16
}

// carries says who the device is, writes and reads, and runs a commit over a link, which has nothing to count.
func (l *line) carries(link device.Link) {
	l.t.Helper()
	id := l.identity(proto.OpHello)
	want := cfg
	want.Link = link
	if id.HwID != want.ID() || id.Lanes != cfg.Lanes {
		l.t.Errorf("hello %+v, want hw_id %016x", id, want.ID())
	}
	l.open()
	rnd := rand.New(rand.NewPCG(7, 8))
	data := make([]uint16, 300)
	for i := range data {
		data[i] = uint16(rnd.Uint32()) * uint16(rnd.IntN(2))
	}
	l.write(1, device.Weights, 17, data...)
	for at := 0; at < len(data); at += 100 {
		l.equal("weights", l.read(device.Weights, uint32(17+at), 100), data[at:at+100])
	}
	if res := result(l.t, l.ask(proto.OpCommit, 1, commit(0))); res.N != 1 {
		l.t.Errorf("commit %+v", res)
	}
	for i := device.CounterLine; i < device.CounterLine+device.LinkCounters; i++ {
		if n := l.counter(i); n != 0 {
			l.t.Errorf("counter %d is %d on a clean line", i, n)
		}
	}
}

func TestSerial(t *testing.T) {
	l, _ := dialUART(t, serial, serial.Baud)
	l.carries(serial)
}

// counted checks what the link has counted since the last call.
func (l *line) counted(what string, line, lost *uint32, moreLine, moreLost uint32) {
	l.t.Helper()
	a, b := l.counter(device.CounterLine), l.counter(device.CounterLost)
	if a-*line != moreLine || b-*lost != moreLost {
		l.t.Errorf("%s: %d framing errors and %d lost bytes counted, want %d and %d", what, a-*line, b-*lost, moreLine, moreLost)
	}
	*line, *lost = a, b
}

func TestSerialBadRequests(t *testing.T) {
	l, _ := dialUART(t, serial, serial.Baud)
	badRequests(t, l)
}

func TestSerialBadFrames(t *testing.T) {
	l, _ := dialUART(t, serial, serial.Baud)
	badFrames(t, l)
	var line, lost uint32
	l.counted("a clean line", &line, &lost, 0, 0)
}

// What happens on a line and is no byte is counted, or nothing; never is a frame obeyed that it was in.
func TestSerialNoise(t *testing.T) {
	l, w := dialUART(t, serial, serial.Baud)
	l.open()
	l.write(1, device.Weights, 0, 0x5a5a)
	frame := func() []byte {
		return proto.AppendWire(nil, l.request(proto.OpWrite, 1, proto.Write{Data: []uint16{0xdead}}.Body()).Frame())
	}
	var line, lost uint32
	bad := l.bad()
	check := func(what string, framing uint32, frames uint16) {
		t.Helper()
		l.counted(what, &line, &lost, framing, 0)
		if got := l.bad() - bad; got != frames {
			t.Errorf("%s: %d bad frames counted, want %d", what, got, frames)
		}
		bad += frames
		l.equal(what, l.read(device.Weights, 0, 1), []uint16{0x5a5a})
	}
	for n := byte(1); n <= 4; n++ { // a start bit is low for half of its 8 cycles at least
		w.on(t, symGlitch, n)
		w.on(t, symHigh, 3)
		check(fmt.Sprint("glitch of cycles: ", n), 0, 0)
	}
	for _, bits := range []byte{1, 2, 100, 255} {
		w.on(t, symBreak, bits)
		w.on(t, symHigh, 2)
		check(fmt.Sprint("break of bytes: ", bits), 1, 0)
	}
	for at := range frame() { // the last is the delimiter: the next frame's end ends this one, too
		f := frame()
		l.raw(f[:at])
		w.on(t, symBadStop, f[at])
		w.on(t, symHigh, 1)
		l.raw(f[at+1:])
		l.raw([]byte{0})
		want := uint16(1)
		if at == len(f)-1 {
			// All of it has come, and so it is obeyed: only the delimiter was lost, and came again.
			l.recv()
			l.write(1, device.Control, device.ControlImageID, 1)
			l.session++
			l.open()
			l.write(1, device.Weights, 0, 0x5a5a)
			want = 0
		}
		check(fmt.Sprint("low stop bit of byte ", at), 1, want)
	}
	f := frame()
	for at := 1; at < len(f)-1; at++ {
		l.raw(f[:at])
		w.on(t, symBreak, 3)
		w.on(t, symHigh, 1)
		l.raw([]byte{0})
		check(fmt.Sprint("break after byte ", at), 1, 1)
	}
	if res := result(t, l.ask(proto.OpCommit, 1, commit(0))); res.N != 1 {
		t.Errorf("afterwards: %+v", res)
	}
}

// Bytes that a full queue has no room for are lost, and counted to the last, also while the device waits for a run.
func TestSerialOverrun(t *testing.T) {
	const slice = 2 // bytes in the register slice of a front end for a fast clock, behind the queue
	link := serial
	link.FIFO = 16
	l, _ := dialUART(t, link, link.Baud)
	l.open()
	l.write(1, device.Vectors, 0, 60000) // cycles of a run: 750 bytes' time
	var line, lost uint32
	for n := uint64(1); n <= 4; n++ {
		one := l.send(proto.OpCommit, n, commit(0))
		w := l.send(proto.OpWrite, n+1, proto.Write{Data: []uint16{7}}.Body()) // waits for the run
		extra := 100 * int(n)
		l.raw(bytes.Repeat([]byte{1}, link.FIFO+slice+extra))
		for _, want := range []uint16{one, w} {
			if r := l.recv(); r.Seq != want || r.Status != proto.StatusOK {
				t.Fatalf("reply to %d, status %v; want %d", r.Seq, r.Status, want)
			}
		}
		l.raw([]byte{0}) // ends what is left
		l.counted(fmt.Sprint(extra, " bytes too many"), &line, &lost, 0, uint32(extra))
	}
}

// The rate of the host may be another by two in a hundred, at any ratio of clock and baud and without a queue, too.
func TestSerialRates(t *testing.T) {
	for _, link := range []device.Link{
		{Kind: device.UART, Clock: 12_000_000, Baud: 3_000_000, FIFO: 0}, // 4 clocks a bit
		{Kind: device.UART, Clock: 16_000_000, Baud: 3_000_000, FIFO: 4}, // 5 1/3
		{Kind: device.UART, Clock: 24_000_000, Baud: 115_200, FIFO: 512}, // 208.3
	} {
		for _, off := range []int{-2, 0, 2} {
			t.Run(fmt.Sprintf("%d of %d%+d%%", link.Baud, link.Clock, off), func(t *testing.T) {
				l, _ := dialUART(t, link, link.Baud+link.Baud*off/100)
				l.open()
				rnd := rand.New(rand.NewPCG(uint64(link.Baud), 9))
				data := make([]uint16, 200)
				for i := range data {
					data[i] = uint16(rnd.Uint32())
				}
				l.write(1, device.Weights, 0, data...)
				l.equal("weights", l.read(device.Weights, 0, 100), data[:100])
				l.equal("weights", l.read(device.Weights, 100, 100), data[100:])
				var line, lost uint32
				l.counted("another rate", &line, &lost, 0, 0)
				if n := l.bad(); n != 0 {
					t.Errorf("%d bad frames", n)
				}
			})
		}
	}
}
