package verilator_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
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
	for _, x := range b {
		if err := w.symbol(symByte, x); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

func (w wire) symbol(kind, n byte) error {
	_, err := w.ReadWriteCloser.Write([]byte{kind, n})
	return err
}

// dialUART starts a device with pins. The host's baud may be another than the device's.
func dialUART(t *testing.T, link device.Link, baud int) (*line, wire) {
	t.Helper()
	needTools(t)
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

func TestShortSerial(t *testing.T) {
	l, _ := dialUART(t, serial, serial.Baud)
	id := l.identity(proto.OpHello)
	want := cfg
	want.Link = serial
	if id.HwID != want.ID() || id.Lanes != cfg.Lanes {
		t.Errorf("hello %+v, want hw_id %016x", id, want.ID())
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
	if res := result(t, l.ask(proto.OpCommit, 1, commit(0))); res.N != 1 {
		t.Errorf("commit %+v", res)
	}
	for i := device.CounterLine; i < device.CounterLine+device.LinkCounters; i++ {
		if n := l.counter(i); n != 0 {
			t.Errorf("counter %d is %d on a clean line", i, n)
		}
	}
}

var _ = bytes.Equal
var _ = binary.LittleEndian
var _ = slices.Equal[[]int]
