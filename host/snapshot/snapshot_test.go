package snapshot_test

import (
	"encoding/binary"
	"hash/crc32"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/model"
	"github.com/nmc-fpga/nmc/host/snapshot"
)

var config = device.Config{Lanes: 4, WeightDepth: 50, VectorDepth: 30, ProgramDepth: 4, TableDepth: 4, WeightPorts: 2, FrameBytes: 256}

func TestStateGoesToAnotherDevice(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	a, b := model.NewPlain(config, nil), model.NewPlain(config, nil)
	for _, space := range snapshot.Spaces {
		for i := range a.Space(space) {
			a.Space(space)[i] = uint16(rnd.Uint32())
		}
	}
	s, err := snapshot.Take(a, config)
	if err != nil {
		t.Fatal(err)
	}
	back, err := snapshot.Decode(s.Encode(), config)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(s, back); d != "" {
		t.Fatal(d)
	}
	if err := back.Put(b); err != nil {
		t.Fatal(err)
	}
	for _, space := range snapshot.Spaces {
		if d := cmp.Diff(a.Space(space), b.Space(space)); d != "" {
			t.Errorf("space %d: %s", space, d)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	s, err := snapshot.Take(model.NewPlain(config, nil), config)
	if err != nil {
		t.Fatal(err)
	}
	good := s.Encode()
	other := config
	other.Lanes, other.WeightDepth, other.VectorDepth = 8, 25, 15
	seal := func(b []byte) []byte {
		b = b[:len(b)-4]
		return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	}
	change := func(f func(b []byte) []byte) []byte { return f(append([]byte(nil), good...)) }
	for _, c := range []struct {
		name string
		b    []byte
		cfg  device.Config
		want string
	}{
		{"magic", change(func(b []byte) []byte { b[0] = 'x'; return b }), config, "snapshot: not a snapshot of this version"},
		{"short", good[:20], config, "snapshot: not a snapshot of this version"},
		{"bit", change(func(b []byte) []byte { b[40] ^= 1; return b }), config, "snapshot: checksum is wrong, the snapshot is damaged"},
		{"config", good, other, "snapshot: taken on hw_id 81348abbbd061b2e, this device is c8f3837ffd7c595b; use the build that it was taken with"},
		{"size", change(func(b []byte) []byte { b[16]++; return seal(b) }), config, "snapshot: space 0 has 201 halfwords, expected 200"},
		{"body", change(func(b []byte) []byte { return seal(b[:len(b)-8]) }), config, "snapshot: space 0: unexpected EOF"},
	} {
		if _, err := snapshot.Decode(c.b, c.cfg); err == nil || err.Error() != c.want {
			t.Errorf("%s: error %v, want %s", c.name, err, c.want)
		}
	}
}
