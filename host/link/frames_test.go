package link

import (
	"bytes"
	"fmt"

	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nmc-fpga/nmc/host/proto"
)

// expected takes the frames of at least least and at most most bytes out of what arrived, slowly and from the definitions:
// pieces between zeros, each unstuffed byte by byte, its CRC divided out bit by bit.
func expected(arrived []byte, least, most int) (frames [][]byte, bad uint64) {
	var piece []byte
	for _, x := range arrived {
		if x != 0 {
			piece = append(piece, x)
			continue
		}
		if len(piece) > 0 {
			if f, ok := unstuff(piece); ok && len(f) >= least && len(f) <= most && remainder(f) == 0xdebb20e3 {
				frames = append(frames, f)
			} else {
				bad++
			}
		}
		piece = nil
	}
	return frames, bad
}

// unstuff replaces each code by the zero that it stands for.
func unstuff(b []byte) ([]byte, bool) {
	var out []byte
	code := b[0]
	left := int(code) - 1
	for _, x := range b[1:] {
		if left == 0 {
			if code != 255 {
				out = append(out, 0)
			}
			code = x
			left = int(code) - 1
			continue
		}
		out = append(out, x)
		left--
	}
	return out, left == 0
}

// remainder is the CRC register, reflected and not inverted at the end, after all bytes: of a sealed frame it is a constant.
func remainder(b []byte) uint32 {
	r := ^uint32(0)
	for _, x := range b {
		r ^= uint32(x)
		for range 8 {
			r = r>>1 ^ 0xedb88320*(r&1)
		}
	}
	return r
}

// mistreat sends frames on as badly as a link may, each fault to a tenth of them, and returns what arrives: on a stream the
// bytes, of a network the datagrams.
func mistreat(rnd *rand.Rand, wires [][]byte) [][]byte {
	hit := func() bool { return rnd.IntN(10) == 0 }
	var out [][]byte
	for _, w := range wires {
		w = bytes.Clone(w)
		if hit() { // dropped
			continue
		}
		if hit() {
			w[rnd.IntN(len(w))] ^= 1 << rnd.IntN(8)
		}
		if hit() {
			w = w[:rnd.IntN(len(w))]
		}
		if hit() {
			out = append(out, bytes.Clone(w))
		}
		out = append(out, w)
		if n := len(out); hit() && n > 1 {
			k := rnd.IntN(n)
			out[k], out[n-1] = out[n-1], out[k]
		}
	}
	return out
}

func randomFrames(rnd *rand.Rand) [][]byte {
	var frames [][]byte
	for i := range 1 + rnd.IntN(12) {
		n := []int{0, 1, 31, 33, 236, 245, 246, 247, 300}[rnd.IntN(9)]
		body := make([]byte, n)
		for j := range body {
			if body[j] = byte(rnd.Uint32()); rnd.IntN(3) == 0 {
				body[j] = 0
			}
		}
		frames = append(frames, proto.Reply{Op: proto.Op(1 + rnd.IntN(6)), Seq: uint16(i), Status: proto.Status(rnd.IntN(5)), Body: body}.Frame())
	}
	return frames
}

// Of 1,000 streams and 1,000 lots of datagrams with faults, a link receives what the model does, counts as bad what the model
// does, and nothing that was not sent.
func TestFramesAgainstModel(t *testing.T) {
	var good, bad uint64
	seeds := uint64(1000)
	if testing.Short() {
		seeds = 100
	}
	for seed := range seeds {
		rnd := rand.New(rand.NewPCG(seed, 1))
		frames := randomFrames(rnd)
		sent := map[string]bool{}
		var wires, packets [][]byte
		var pack packer
		for _, f := range frames {
			sent[string(f)] = true
			wires = append(wires, proto.AppendWire(nil, f))
			if err := pack.add(f); err != nil {
				t.Fatal(err)
			}
		}
		for _, d := range pack.datagrams() {
			packets = append(packets, bytes.Clone(d))
		}

		arrived := bytes.Join(mistreat(rnd, wires), nil)
		want, wantBad := expected(arrived, proto.MinReply, proto.MaxReply)
		s := NewStream(&buffer{in: bytes.NewReader(arrived)})
		s.buf = make([]byte, 1+rnd.IntN(300))
		got := drain(s.Recv)
		compare(t, fmt.Sprintf("seed %d, stream", seed), sent, want, got, wantBad, s.Bad())
		good, bad = good+uint64(len(got)), bad+wantBad

		want, wantBad = nil, 0
		var u receiver
		u.init()
		got = nil
		for _, d := range mistreat(rnd, packets) {
			// A datagram stands for itself: what it does not end is bad.
			f, n := expected(append(bytes.Clone(d), 0), proto.MinReply, proto.MaxReply)
			if tail := bytes.TrimRight(d, "\x00"); len(tail) == len(d) && len(d) > 0 && len(f) > 0 {
				// The model ended the last piece itself; cut off just before its zero it would be whole, but is not ended.
				if last, _ := expected(append(bytes.Clone(d[bytes.LastIndexByte(d, 0)+1:]), 0), proto.MinReply, proto.MaxReply); len(last) > 0 {
					f, n = f[:len(f)-1], n+1
				}
			}
			want, wantBad = append(want, f...), wantBad+n
			u.take(d)
			for len(u.ready) > 0 {
				got = append(got, u.next())
			}
		}
		compare(t, fmt.Sprintf("seed %d, datagrams", seed), sent, want, got, wantBad, u.bad.Load())
		good, bad = good+uint64(len(got)), bad+wantBad
	}
	if good < 5*seeds || bad < seeds/2 {
		t.Errorf("only %d good and %d bad frames", good, bad)
	}
}

func drain(recv func() ([]byte, error)) (frames [][]byte) {
	for {
		f, err := recv()
		if err != nil {
			return frames
		}
		frames = append(frames, f)
	}
}

func compare(t *testing.T, what string, sent map[string]bool, want, got [][]byte, wantBad, gotBad uint64) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" || wantBad != gotBad {
		t.Errorf("%s: %d bad, want %d\n%s", what, gotBad, wantBad, d)
	}
	for _, f := range got {
		if !sent[string(f)] {
			t.Errorf("%s: received %x, which was not sent", what, f)
		}
	}
}

// FuzzDatagram: what one datagram holds does not change what the next one means, and what is received is sealed.
func FuzzDatagram(f *testing.F) {
	whole := proto.AppendWire(nil, proto.Reply{Op: proto.OpRead, Seq: 7, Body: []byte{0, 1}}.Frame())
	f.Add(whole)
	f.Add(whole[:4])
	f.Add(append(bytes.Clone(whole), whole...))
	f.Fuzz(func(t *testing.T, first []byte) {
		var u receiver
		u.init()
		u.take(first)
		for len(u.ready) > 0 {
			if got := u.next(); !proto.Sealed(got) {
				t.Fatalf("received %x, which is not sealed", got)
			}
		}
		u.take(whole)
		if len(u.ready) != 1 {
			t.Fatalf("%d frames of a whole datagram after %x", len(u.ready), first)
		}
		if r, err := proto.ParseReply(u.next()); err != nil || r.Seq != 7 {
			t.Fatalf("%v, %v", r, err)
		}
	})
}
