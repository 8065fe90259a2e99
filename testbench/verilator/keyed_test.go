package verilator_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/proto"
	"github.com/nmc-fpga/nmc/host/seal"
)

// keyed is the device of these tests with a key.
var keyed = func() device.Config {
	cfg := cfg
	for i := range cfg.Key {
		cfg.Key[i] = byte(31*i + 7)
	}
	return cfg
}()

// A device with a key answers hello, obeys frames of every length with the right tag, and counts and drops all others.
func TestShortKeyed(t *testing.T) {
	cfg := keyed
	l := dialTo(t, cfg)
	id := l.identity(proto.OpHello)
	if !id.Keyed {
		t.Error("hello does not say that the device has a key")
	}
	count := uint16(0)
	drops := func(what string, frame []byte) {
		t.Helper()
		l.raw(proto.AppendWire(nil, frame))
		if count++; l.bad() != count {
			t.Fatalf("%s: %d bad frames counted, expected %d", what, l.bad(), count)
		}
	}
	open := l.request(proto.OpOpen, 0, nil).Frame()
	l.boot = id.Boot // reads, which count what was dropped, have tags, too
	drops("open without a tag", open)
	drops("open of another boot", seal.Append(open, cfg.Key, id.Boot+1))
	drops("open with another key", seal.Append(open, device.Key{1}, id.Boot))
	l.open()
	l.write(1, device.Weights, 0, 0x5a5a)

	// What no frame's first byte follows must not stop the receiver.
	for range 2 {
		l.raw([]byte{1, 0, 5, 0, 0, 0xff, 0})
		count += 3
		if l.bad() != count {
			t.Fatalf("bytes of no frame: %d bad frames counted, expected %d", l.bad(), count)
		}
	}

	evil := l.request(proto.OpWrite, 1, proto.Write{Data: []uint16{0xdead, 0xbeef}}.Body()).Frame()
	drops("write without a tag", evil)
	good := seal.Append(evil, cfg.Key, id.Boot)
	for bit := range 8 * len(good) {
		if bit < 8 && good[0]^1<<bit == byte(proto.OpHello) {
			continue
		}
		f := bytes.Clone(good)
		f[bit/8] ^= 1 << (bit % 8)
		drops(fmt.Sprint("flipped bit ", bit), f)
	}
	for cut := 1; cut < len(good); cut++ {
		drops(fmt.Sprint("cut at ", cut), good[:cut])
	}
	for n := range 17 {
		drops(fmt.Sprint("short, tagged: ", n), seal.Append(evil[:n], cfg.Key, id.Boot))
	}
	l.equal("weights after all that", l.read(device.Weights, 0, 1), []uint16{0x5a5a})

	// Writes of every length up to the longest, whose frame is full to the last byte.
	r := rand.New(rand.NewPCG(3, 4))
	longest := proto.WriteCapacity(cfg.FrameBytes - seal.TagBytes)
	for n := 1; n <= longest; n += 1 + r.IntN(1+n/4) {
		data := make([]uint16, n)
		for i := range data {
			data[i] = uint16(r.Uint32())
		}
		l.write(1, device.Vectors, 0, data...)
		l.equal(fmt.Sprint(n, " halfwords"), l.read(device.Vectors, uint32(n-1), 1), data[n-1:])
	}
	l.write(1, device.Vectors, 0, make([]uint16, longest)...)
	drops("longer than fits", seal.Append(l.request(proto.OpWrite, 1, proto.Write{Data: make([]uint16, longest+1)}.Body()).Frame(), cfg.Key, id.Boot))

	// Runs and their repeats, as without a key.
	l.write(1, device.Control, device.ControlInBase, 100, 0, 1000, 0)
	l.want(proto.StatusOK, proto.OpSample, 1, sample(0, proto.KindBytes, 0, 1, 2, 3))
	l.want(proto.StatusOK, proto.OpCommit, 1, commit(1))
	l.want(proto.StatusOK, proto.OpCommit, 1, commit(1))
	if got := l.runs(); got != 1 {
		t.Errorf("%d runs, expected 1", got)
	}
	if l.bad() != count {
		t.Errorf("%d bad frames at the end, expected %d", l.bad(), count)
	}
}
