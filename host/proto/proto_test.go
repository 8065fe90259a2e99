package proto

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/nmc-fpga/nmc/firmware/device"
)

func TestCRC(t *testing.T) {
	// The check value that catalogues give for CRC-32/ISO-HDLC.
	if got := CRC([]byte("123456789")); got != 0xcbf43926 {
		t.Errorf("crc of 123456789 is %08x, want cbf43926", got)
	}
}

func seq(from, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(from + i)
	}
	return b
}

func TestCOBS(t *testing.T) {
	// The table of the COBS paper's encyclopedia entry.
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for _, c := range []struct{ frame, stuffed []byte }{
		{[]byte{}, []byte{1}},
		{[]byte{0}, []byte{1, 1}},
		{[]byte{0, 0}, []byte{1, 1, 1}},
		{[]byte{0, 0x11, 0}, []byte{1, 2, 0x11, 1}},
		{[]byte{0x11, 0x22, 0, 0x33}, []byte{3, 0x11, 0x22, 2, 0x33}},
		{[]byte{0x11, 0, 0, 0}, []byte{2, 0x11, 1, 1, 1}},
		{seq(1, 254), join([]byte{255}, seq(1, 254))},
		{seq(0, 255), join([]byte{1, 255}, seq(1, 254))},
		{seq(1, 255), join([]byte{255}, seq(1, 254), []byte{2, 255})},
		{join(seq(2, 254), []byte{0}), join([]byte{255}, seq(2, 254), []byte{1, 1})},
		{join(seq(3, 253), []byte{0, 1}), join([]byte{254}, seq(3, 253), []byte{2, 1})},
	} {
		if got := AppendCOBS(nil, c.frame); !bytes.Equal(got, c.stuffed) {
			t.Errorf("stuffing %x gives %x, want %x", c.frame, got, c.stuffed)
		}
		got, err := AppendFrame(nil, c.stuffed)
		if err != nil || !bytes.Equal(got, c.frame) {
			t.Errorf("unstuffing %x gives %x, %v, want %x", c.stuffed, got, err, c.frame)
		}
	}
	// A full last block may be followed by an empty one: other encoders do so.
	if got, err := AppendFrame(nil, join([]byte{255}, seq(1, 254), []byte{1})); err != nil || !bytes.Equal(got, seq(1, 254)) {
		t.Errorf("unstuffing a full block and an empty one gives %x, %v", got, err)
	}
	for _, c := range []struct {
		stuffed []byte
		want    error
	}{
		{nil, errEmpty},
		{[]byte{0}, errZero},
		{[]byte{3, 1, 0}, errZero},
		{[]byte{3, 1}, errBeyond},
		{[]byte{2, 1, 5, 1}, errBeyond},
	} {
		if got, err := AppendFrame([]byte{9}, c.stuffed); err != c.want || !bytes.Equal(got, []byte{9}) {
			t.Errorf("unstuffing %x gives %x, %v, want %v", c.stuffed, got, err, c.want)
		}
	}
}

func TestFrameBytesAreThoseOfTheDocument(t *testing.T) {
	for _, c := range []struct {
		name  string
		frame []byte
		want  string // without crc
	}{
		{"write", Request{OpWrite, 0x0102, 0x03040506, 0x0708090a0b0c, Write{device.Vectors, 0x10203040, []uint16{0x1122, 0x3344}}.Body()}.Frame(),
			"03 0201 06050403 0c0b0a090807 01 40302010 2211 4433"},
		{"read", Request{OpRead, 1, 0, 0, Read{device.Control, 12, 4}.Body()}.Frame(),
			"04 0100 00000000 000000000000 05 0c000000 04"},
		{"sample", Request{OpSample, 1, 2, 3, Sample{4, KindWords, 0x0506, []byte{7, 8}}.Body()}.Frame(),
			"05 0100 02000000 030000000000 04 01 0605 0708"},
		{"commit", Request{OpCommit, 1, 2, 3, Commit{device.Infer, 5, 0x0607, 0x08090a0b}.Body()}.Frame(),
			"06 0100 02000000 030000000000 02 05 0706 0b0a0908"},
		{"hello reply", Reply{OpHello, 1, StatusOK, IdentityBody(device.Identity{Lanes: 4, HwID: 5, ImageID: 6, Boot: 7, Session: 8, Last: 9})}.Frame(),
			"81 0100 00 01 0400 0500000000000000 0600000000000000 07000000 08000000 090000000000"},
		{"commit reply", Reply{OpCommit, 1, StatusOK, ResultBody(device.Result{N: 2, Stopped: true, Result: [2]int32{-1, 3}, Cycles: 4, Overflow: 5, Digest: 6})}.Frame(),
			"86 0100 00 020000000000 01 ffffffff 03000000 04000000 05000000 0600000000000000"},
		{"order reply", Reply{OpCommit, 1, StatusOrder, ExpectedBody(2)}.Frame(), "86 0100 02 020000000000"},
		{"missing reply", Reply{OpCommit, 1, StatusMissing, ArrivedBody(2)}.Frame(), "86 0100 03 02000000"},
	} {
		want, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(c.want), []byte(" "), nil)))
		if err != nil {
			t.Fatal(err)
		}
		if got := c.frame[:len(c.frame)-CRCBytes]; !bytes.Equal(got, want) {
			t.Errorf("%s is %x, want %x", c.name, got, want)
		}
		if !Sealed(c.frame) {
			t.Errorf("%s is not sealed", c.name)
		}
	}
}

func TestBodiesRoundTrip(t *testing.T) {
	equal := func(t *rapid.T, got, want any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		space := device.Space(rapid.IntRange(0, int(device.Control)).Draw(t, "space"))
		addr := rapid.Uint32().Draw(t, "addr")
		w := Write{space, addr, rapid.SliceOfN(rapid.Uint16(), 0, WriteCapacity(FrameBytes)).Draw(t, "data")}
		gotW, err := ParseWrite(w.Body())
		equal(t, gotW, w, err)

		r := Read{space, addr, uint8(rapid.IntRange(1, MaxCount).Draw(t, "count"))}
		gotR, err := ParseRead(r.Body())
		equal(t, gotR, r, err)

		s := Sample{uint8(rapid.IntRange(0, MaxParts-1).Draw(t, "part")), Kind(rapid.IntRange(0, 2).Draw(t, "kind")),
			rapid.Uint16().Draw(t, "offset"), rapid.SliceOfN(rapid.Byte(), 0, SampleCapacity(FrameBytes)).Draw(t, "bytes")}
		if s.Kind != KindBytes {
			s.Data = s.Data[:len(s.Data)&^1]
		}
		gotS, err := ParseSample(s.Body())
		equal(t, gotS, s, err)

		c := Commit{device.Entry(rapid.IntRange(0, device.NumEntries-1).Draw(t, "entry")), uint8(rapid.IntRange(0, MaxParts).Draw(t, "parts")),
			rapid.Uint16().Draw(t, "label"), rapid.Uint32().Draw(t, "limit")}
		gotC, err := ParseCommit(c.Body())
		equal(t, gotC, c, err)

		id := device.Identity{Lanes: int(rapid.Uint16().Draw(t, "lanes")), HwID: rapid.Uint64().Draw(t, "hw"), ImageID: rapid.Uint64().Draw(t, "image"),
			Boot: rapid.Uint32().Draw(t, "boot"), Session: rapid.Uint32().Draw(t, "session"), Last: rapid.Uint64Range(0, MaxN).Draw(t, "last")}
		gotID, err := ParseIdentity(IdentityBody(id))
		equal(t, gotID, id, err)

		res := device.Result{N: rapid.Uint64Range(0, MaxN).Draw(t, "n"), Stopped: rapid.Bool().Draw(t, "stopped"),
			Result: [2]int32{rapid.Int32().Draw(t, "r0"), rapid.Int32().Draw(t, "r1")}, Cycles: rapid.Uint32().Draw(t, "cycles"),
			Overflow: rapid.Uint32().Draw(t, "overflow"), Digest: rapid.Uint64().Draw(t, "digest")}
		gotRes, err := ParseResult(ResultBody(res))
		equal(t, gotRes, res, err)
	})
}

func TestFramesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		req := Request{Op(rapid.Byte().Draw(t, "op")), rapid.Uint16().Draw(t, "seq"), rapid.Uint32().Draw(t, "session"),
			rapid.Uint64Range(0, MaxN).Draw(t, "n"), rapid.SliceOfN(rapid.Byte(), 0, FrameBytes-MinRequest).Draw(t, "body")}
		got, err := ParseRequest(req.Frame())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(req, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
		rep := Reply{Op(rapid.ByteRange(0, 0x7f).Draw(t, "rop")), req.Seq, Status(rapid.Byte().Draw(t, "status")),
			rapid.SliceOfN(rapid.Byte(), 0, MaxReply-MinReply).Draw(t, "rbody")}
		gotR, err := ParseReply(rep.Frame())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(rep, gotR, cmpopts.EquateEmpty()); d != "" {
			t.Fatal(d)
		}
	})
}

// A frame with one bit turned over anywhere is refused.
func TestOneWrongBitIsRefused(t *testing.T) {
	frame := Request{OpSample, 7, 8, 9, Sample{0, KindBytes, 0, seq(0, 40)}.Body()}.Frame()
	for i := range 8 * len(frame) {
		b := bytes.Clone(frame)
		b[i/8] ^= 1 << (i % 8)
		if _, err := ParseRequest(b); err == nil {
			t.Errorf("bit %d turned over and the request was accepted", i)
		}
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		err  func() error
		want string
	}{
		{"short request", func() error { _, err := ParseRequest(make([]byte, 16)); return err }, "request frame has 16 bytes, at least 17 are needed"},
		{"request crc", func() error { _, err := ParseRequest(make([]byte, 17)); return err }, "request frame of 17 bytes has a wrong crc"},
		{"short reply", func() error { _, err := ParseReply(make([]byte, 7)); return err }, "reply frame has 7 bytes, expected 8 to 254"},
		{"long reply", func() error { _, err := ParseReply(make([]byte, 255)); return err }, "reply frame has 255 bytes, expected 8 to 254"},
		{"reply crc", func() error { _, err := ParseReply(make([]byte, 8)); return err }, "reply frame of 8 bytes has a wrong crc"},
		{"reply op", func() error { _, err := ParseReply(seal([]byte{1, 0, 0, 0})); return err }, "reply frame has op 0x01, which is a request's"},
		{"write length", func() error { _, err := ParseWrite(make([]byte, 6)); return err }, "body of a write has 6 bytes, expected 5 and whole halfwords"},
		{"write space", func() error { _, err := ParseWrite([]byte{6, 0, 0, 0, 0}); return err }, "unknown space 6, the last is 5"},
		{"read length", func() error { _, err := ParseRead(make([]byte, 5)); return err }, "body of a read has 5 bytes, expected 6"},
		{"read space", func() error { _, err := ParseRead([]byte{6, 0, 0, 0, 0, 1}); return err }, "unknown space 6, the last is 5"},
		{"read none", func() error { _, err := ParseRead(make([]byte, 6)); return err }, "read of 0 halfwords, expected 1 to 120"},
		{"read many", func() error { _, err := ParseRead([]byte{0, 0, 0, 0, 0, 121}); return err }, "read of 121 halfwords, expected 1 to 120"},
		{"sample length", func() error { _, err := ParseSample(make([]byte, 3)); return err }, "body of a sample has 3 bytes, at least 4 are needed"},
		{"sample part", func() error { _, err := ParseSample([]byte{32, 0, 0, 0}); return err }, "part 32 of a sample, the last is 31"},
		{"sample kind", func() error { _, err := ParseSample([]byte{0, 3, 0, 0}); return err }, "unknown kind 3 of sample data, the last is 2"},
		{"sample odd", func() error { _, err := ParseSample([]byte{0, 1, 0, 0, 9}); return err }, "sample data have 1 bytes, expected whole halfwords"},
		{"commit length", func() error { _, err := ParseCommit(make([]byte, 7)); return err }, "body of a commit has 7 bytes, expected 8"},
		{"commit entry", func() error { _, err := ParseCommit([]byte{8, 0, 0, 0, 0, 0, 0, 0}); return err }, "unknown entry 8, the last is 7"},
		{"commit parts", func() error { _, err := ParseCommit([]byte{0, 33, 0, 0, 0, 0, 0, 0}); return err }, "commit needs 33 parts, at most 32 exist"},
		{"hello version", func() error { _, err := ParseIdentity([]byte{9}); return err }, "device speaks version 9, this nmc speaks 1; build its bitstream again with nmc build"},
		{"hello length", func() error { _, err := ParseIdentity([]byte{1}); return err }, "body of a hello has 1 bytes, expected 33"},
		{"result length", func() error { _, err := ParseResult(make([]byte, 30)); return err }, "body of a commit's reply has 30 bytes, expected 31"},
		{"result flags", func() error { b := make([]byte, 31); b[6] = 2; _, err := ParseResult(b); return err }, "commit's reply has flags 0x02, expected only bit 0"},
		{"expected length", func() error { _, err := ParseExpected(make([]byte, 5)); return err }, "body of an order status has 5 bytes, expected 6"},
		{"arrived length", func() error { _, err := ParseArrived(make([]byte, 5)); return err }, "body of a missing status has 5 bytes, expected 4"},
	} {
		if err := c.err(); err == nil || err.Error() != c.want {
			t.Errorf("%s: error %v, want %s", c.name, err, c.want)
		}
	}
}

// Whatever stands between delimiters, the frames around it come out, and each piece of garbage is counted.
func TestDecoderResynchronises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var want [][]byte
		bad := uint64(0)
		for range rapid.IntRange(0, 8).Draw(t, "pieces") {
			frame := Request{Op: OpSample, Body: rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "body")}.Frame()
			wire := AppendWire(nil, frame)
			switch rapid.IntRange(0, 4).Draw(t, "fault") {
			case 0: // a byte of the stuffed frame changed into another that is not zero
				i := rapid.IntRange(0, len(wire)-2).Draw(t, "at")
				d := rapid.ByteRange(1, 255).Draw(t, "to")
				if wire[i] != d {
					wire[i] = d
					bad++
				} else {
					want = append(want, frame)
				}
			case 1: // too long
				wire = AppendWire(nil, Request{Op: OpSample, Body: bytes.Repeat([]byte{5}, 200)}.Frame())
				bad++
			case 2: // too short
				wire = AppendWire(nil, seal([]byte{1, 2, 3}))
				bad++
			case 3: // extra delimiters
				wire = append(wire, 0, 0, 0)
				want = append(want, frame)
			default:
				want = append(want, frame)
			}
			stream = append(stream, wire...)
		}
		d := NewDecoder(MinRequest, 128)
		var got [][]byte
		for len(stream) > 0 {
			n := rapid.IntRange(1, len(stream)).Draw(t, "chunk")
			d.Feed(stream[:n], func(f []byte) { got = append(got, bytes.Clone(f)) })
			stream = stream[n:]
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatal(diff)
		}
		if d.Bad != bad {
			t.Fatalf("counted %d bad frames, want %d", d.Bad, bad)
		}
	})
}

func TestDecoderLengthLimits(t *testing.T) {
	for _, c := range []struct {
		n  int
		ok bool
	}{{16, false}, {17, true}, {1024, true}, {1025, false}, {5000, false}} {
		d := NewDecoder(MinRequest, FrameBytes)
		frames := 0
		for range 2 {
			d.Feed(AppendWire(nil, seal(bytes.Repeat([]byte{7}, c.n-CRCBytes))), func([]byte) { frames++ })
		}
		if ok := frames == 2 && d.Bad == 0; ok != c.ok {
			t.Errorf("two frames of %d bytes: %d decoded, %d bad", c.n, frames, d.Bad)
		}
	}
}

func FuzzDecoder(f *testing.F) {
	f.Add(AppendWire(nil, Request{Op: OpHello}.Frame()), 3)
	f.Add([]byte{1, 0, 255, 0, 3, 1, 0}, 1)
	f.Fuzz(func(t *testing.T, stream []byte, cut int) {
		// The way of cutting the stream does not matter, and what comes out is sealed and goes back to the same frame.
		decode := func(cut int) (frames [][]byte, bad uint64) {
			d := NewDecoder(MinReply, FrameBytes)
			for s := stream; len(s) > 0; {
				n := min(max(cut, 1), len(s))
				d.Feed(s[:n], func(f []byte) { frames = append(frames, bytes.Clone(f)) })
				s = s[n:]
			}
			return frames, d.Bad
		}
		a, badA := decode(len(stream))
		b, badB := decode(cut)
		if d := cmp.Diff(a, b); d != "" || badA != badB {
			t.Fatalf("cut at %d: %d and %d bad\n%s", cut, badA, badB, d)
		}
		for _, frame := range a {
			if !Sealed(frame) {
				t.Fatalf("frame %x is not sealed", frame)
			}
			back, err := AppendFrame(nil, AppendCOBS(nil, frame))
			if err != nil || !bytes.Equal(back, frame) {
				t.Fatalf("%x stuffed and back is %x, %v", frame, back, err)
			}
			if r, err := ParseRequest(frame); err == nil && !bytes.Equal(r.Frame(), frame) {
				t.Fatalf("request %x comes back as %x", frame, r.Frame())
			}
			if r, err := ParseReply(frame); err == nil && !bytes.Equal(r.Frame(), frame) {
				t.Fatalf("reply %x comes back as %x", frame, r.Frame())
			}
		}
	})
}
