package sim

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/firmware/device"
)

// busy returns a machine whose every piece of state differs from a new one's.
func busy(t *testing.T) *Machine {
	m := newMachine(t, 4)
	r := rand.New(rand.NewPCG(1, 1))
	for space := device.Weights; space <= device.Control; space++ {
		size, err := m.size(space)
		if err != nil {
			t.Fatal(err)
		}
		data := make([]uint16, size/2)
		for i := range data {
			data[i] = uint16(r.Uint32())
		}
		if space == device.Control {
			copy(data[device.ControlSkip:], []uint16{0, 0, 64, 0, 128, 0})
		}
		if err := m.Write(space, 0, data); err != nil {
			t.Fatal(err)
		}
	}
	load(t, m, 3,
		encode(t, "key", fields{"stream": 7, "ra": 9}),
		encode(t, "dig", fields{"space": 2, "a": 0, "n": 64}),
		encode(t, "vec", fields{"amode": 3, "a": 32767, "bmode": 3, "b": 2, "n": 3, "bounds": 40, "dst": 500}),
		encode(t, "upd.b", fields{"cols": 40, "rows": 9, "rstride": 10, "rate": 9, "shift": 30, "round": 2, "bounds": 40, "dbase": 100}),
		encode(t, "halt", nil))
	m.regs[40] = 0x7fff8000
	m.regs[9] = 12345 << 16
	execute(t, m, device.Run{Entry: device.Digest, Label: 3, Sample: device.Sample{Bytes: []byte{1, 2, 3}}})
	if m.digest == 0 || m.overflow == 0 || m.key.Row == 0 || m.last == 0 {
		t.Fatalf("the machine is not busy enough: %x %d %v %d", m.digest, m.overflow, m.key, m.last)
	}
	return m
}

// A restored machine goes on exactly as the one that the snapshot was taken of.
func TestSnapshotRestoresEverything(t *testing.T) {
	m := busy(t)
	snap, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	other := newMachine(t, 4)
	load(t, other, 3, encode(t, "halt", nil))
	execute(t, other, device.Run{Entry: device.Digest}) // decodes an instruction that the snapshot replaces
	if err := other.Restore(snap); err != nil {
		t.Fatal(err)
	}
	again, err := other.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(snap, again) {
		t.Error("a snapshot of the restored machine differs")
	}
	for range 3 {
		run := device.Run{Entry: device.Digest, Label: 5, Sample: device.Sample{Bytes: []byte{4, 5, 6}}}
		a, b := execute(t, m, run), execute(t, other, run)
		if a != b {
			t.Fatalf("results %+v and %+v", a, b)
		}
	}
	x, _ := m.Snapshot()
	y, _ := other.Snapshot()
	if !bytes.Equal(x, y) {
		t.Error("the machines went on differently")
	}
}

func TestDamagedSnapshots(t *testing.T) {
	m := busy(t)
	snap, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	other := newMachine(t, 4)
	before, _ := other.Snapshot()
	for n := 0; n < len(snap); n += 1 + n/7 {
		if err := other.Restore(snap[:n]); err == nil {
			t.Fatalf("a snapshot cut to %d of %d bytes was restored", n, len(snap))
		}
	}
	for i := 0; i < len(snap); i += 1 + i/7 {
		damaged := bytes.Clone(snap)
		damaged[i] ^= 1 << (i % 8)
		if err := other.Restore(damaged); err == nil {
			t.Fatalf("a snapshot with byte %d changed was restored", i)
		}
	}
	if after, _ := other.Snapshot(); !bytes.Equal(before, after) {
		t.Error("a refused snapshot changed the machine")
	}
	for _, c := range []struct {
		lanes int
		data  []byte
		want  string
	}{
		{4, nil, "not a snapshot"},
		{4, []byte("something else entirely"), "not a snapshot"},
		{4, snap[:len(snap)-1], "the checksum is wrong"},
		{8, snap, "restore into the configuration that it was taken from"},
	} {
		if err := newMachine(t, c.lanes).Restore(c.data); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	if err := m.Submit(device.Run{Entry: device.Digest}); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Snapshot(); err == nil || !strings.Contains(err.Error(), "1 results are outstanding") {
		t.Errorf("snapshot with a result outstanding: %v", err)
	}
}

func TestSnapshotIsCompact(t *testing.T) {
	m := newMachine(t, 64)
	snap, err := m.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	if whole := 2 * (len(m.weights) + len(m.vectors)); len(snap) > whole/100 {
		t.Errorf("an empty machine of %d bytes takes %d", whole, len(snap))
	}
}
