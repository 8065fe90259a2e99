package replay_test

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/capture"
	"github.com/nmc-fpga/nmc/host/model"
	"github.com/nmc-fpga/nmc/host/proto"
	"github.com/nmc-fpga/nmc/host/replay"
)

var config = device.Config{Lanes: 4, WeightDepth: 16, VectorDepth: 32, ProgramDepth: 4, TableDepth: 4, WeightPorts: 2, FrameBytes: 64}

// fold mixes label and input into weights 0 and 1.
func fold(p *model.Plain, run device.Run, input int) device.Result {
	w, v := p.Space(device.Weights), p.Space(device.Vectors)
	h := (uint32(w[0]) | uint32(w[1])<<16) ^ uint32(run.Label)
	for _, x := range v[input : input+40] {
		h = (h ^ uint32(x)) * 0x01000193
	}
	w[0], w[1] = uint16(h), uint16(h>>16)
	return device.Result{Result: [2]int32{int32(h), 7}, Overflow: h & 3, Digest: uint64(h) | 1}
}

// script makes a capture.
type script struct {
	frames  []capture.Frame
	seq     uint16
	session uint32
	dev     *model.Plain // that the replies come from
}

func (s *script) add(reply bool, b []byte) {
	s.frames = append(s.frames, capture.Frame{Packet: len(s.frames) + 1, Reply: reply, Bytes: b})
}

func (s *script) Next() (capture.Frame, error) {
	if len(s.frames) == 0 {
		return capture.Frame{}, io.EOF
	}
	f := s.frames[0]
	s.frames = s.frames[1:]
	return f, nil
}

// send adds a request and returns its reply, which is not added.
func (s *script) send(op proto.Op, n uint64, body, reply []byte) []byte {
	s.seq++
	s.add(false, proto.Request{Op: op, Seq: s.seq, Session: s.session, N: n, Body: body}.Frame())
	return proto.Reply{Op: op, Seq: s.seq, Body: reply}.Frame()
}

func (s *script) open() {
	s.session += 5
	s.dev.Reopen()
	s.add(true, s.send(proto.OpOpen, 0, nil, proto.IdentityBody(device.Identity{HwID: config.ID(), Session: s.session})))
}

func (s *script) write(n uint64, space device.Space, addr uint32, data ...uint16) {
	s.dev.Write(space, addr, data)
	s.add(true, s.send(proto.OpWrite, n, proto.Write{Space: space, Addr: addr, Data: data}.Body(), nil))
}

func (s *script) read(space device.Space, addr uint32, count int) {
	w, _ := s.dev.Read(space, addr, count)
	s.add(true, s.send(proto.OpRead, 0, proto.Read{Space: space, Addr: addr, Count: uint8(count)}.Body(), proto.AppendWords(nil, w)))
}

// commit adds sample and commit and returns the reply.
func (s *script) commit(n uint64, x []byte) []byte {
	for at, p := 0, 0; at < len(x); at, p = at+16, p+1 {
		s.send(proto.OpSample, n, proto.Sample{Part: uint8(p), Kind: proto.KindBytes, Offset: uint16(at), Data: x[at:min(at+16, len(x))]}.Body(), nil)
	}
	run := device.Run{Entry: device.Learn, Label: uint16(n), Sample: device.Sample{Bytes: x}}
	if err := s.dev.Submit(run); err != nil {
		panic(err)
	}
	r, _ := s.dev.Result()
	return s.send(proto.OpCommit, n, proto.Commit{Entry: device.Learn, Parts: uint8((len(x) + 15) / 16), Label: uint16(n)}.Body(), proto.ResultBody(r))
}

func sample(k int) []byte {
	x := make([]byte, 40)
	for i := range x {
		x[i] = byte(i * k)
	}
	return x
}

// session is a capture with all that a link does: repeats, lost and overtaken replies, a second session, other traffic.
func session() *script {
	s := &script{dev: model.NewPlain(config, fold)}
	s.add(true, s.send(proto.OpHello, 0, nil, proto.IdentityBody(device.Identity{HwID: config.ID(), Lanes: 4})))
	s.open()
	s.read(device.Control, 0, 1)
	s.write(1, device.Control, device.ControlInBase, 0, 0, 50, 0)
	s.write(1, device.Weights, 0, 1, 2, 3)
	again := s.frames[len(s.frames)-2:]
	one, two := s.commit(1, sample(3)), s.commit(2, sample(5))
	s.add(true, two) // overtakes
	s.frames = append(s.frames, s.frames[len(s.frames)-2])
	s.add(true, one)
	s.add(true, one)
	s.frames = append(s.frames, again[:2:2]...) // a write that was sent again, as late as can be, and acknowledged again
	s.add(false, []byte("not a frame at all, it only looks so"))
	s.add(true, proto.Reply{Op: proto.OpCommit, Seq: s.seq, Status: proto.StatusOrder, Body: proto.ExpectedBody(3)}.Frame())
	s.read(device.Weights, 0, 4)
	s.open()
	s.write(1, device.Weights, 1, 9)
	s.add(true, s.commit(1, sample(7)))
	s.read(device.Weights, 0, 4)
	for i := range s.frames {
		s.frames[i].Packet = i + 1
	}
	return s
}

func TestReplay(t *testing.T) {
	dev := model.NewPlain(config, fold)
	var told []int
	r, err := replay.Run(dev, session(), func(n int) { told = append(told, n) })
	if err != nil {
		t.Fatal(err)
	}
	want := &replay.Report{Equal: true, Packets: len(session().frames), Commits: 3, Writes: 3, Reads: 2}
	if d := cmp.Diff(want, r); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]int{2, 3}, told); d != "" {
		t.Error(d)
	}
	w, err := replay.Look(session())
	if err != nil || w != (replay.Who{HwID: config.ID(), Lanes: 4, Longest: 37}) {
		t.Errorf("%+v, %v", w, err)
	}
}

// Each kind of difference is found where it is first.
func TestDifference(t *testing.T) {
	for _, c := range []struct {
		name string
		fold func(p *model.Plain, run device.Run, input int) device.Result
		want string
	}{
		{"result", func(p *model.Plain, run device.Run, input int) device.Result {
			r := fold(p, run, input)
			if run.Label == 2 {
				r.Result[1]++
			}
			return r
		}, "commit, commit 2 of session 5: result: expected [-1516124430 7], got [-1516124430 8]"},
		{"overflow", func(p *model.Plain, run device.Run, input int) device.Result {
			r := fold(p, run, input)
			r.Overflow += 4
			return r
		}, "commit, commit 1 of session 5: overflow count: expected "},
		{"stopped", func(p *model.Plain, run device.Run, input int) device.Result {
			r := fold(p, run, input)
			r.Stopped = true
			return r
		}, "commit, commit 1 of session 5: stopped by limit: expected false, got true"},
		{"memory", func(p *model.Plain, run device.Run, input int) device.Result {
			r := fold(p, run, input)
			p.Space(device.Weights)[2] = 8
			return r
		}, "read, commit 2 of session 5: halfword 2 of space 0: expected 0x0003, got 0x0008"},
	} {
		r, err := replay.Run(model.NewPlain(config, c.fold), session(), nil)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if r.Equal || r.First == nil || !strings.Contains(r.First.String(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, r.First, c.want)
		}
	}
}

// A digest counts once the capture has one: before, the register holds what an earlier run left.
func TestDigest(t *testing.T) {
	for _, entry := range []device.Entry{device.Infer, device.Digest} {
		s := &script{dev: model.NewPlain(config, fold)}
		s.open()
		s.add(true, s.send(proto.OpCommit, 1, proto.Commit{Entry: entry}.Body(), proto.ResultBody(device.Result{N: 1, Digest: 3})))
		r, err := replay.Run(model.NewPlain(config, func(*model.Plain, device.Run, int) device.Result { return device.Result{Digest: 4} }), s, nil)
		if err != nil || r.Equal != (entry == device.Infer) {
			t.Errorf("entry %d: %+v, %v", entry, r, err)
		}
		if !r.Equal && !strings.HasSuffix(r.First.String(), "packet 4, commit, commit 1 of session 5: digest: expected 0000000000000003, got 0000000000000004") {
			t.Errorf("%v", r.First)
		}
	}
}

// Words and events in several parts are put together.
func TestKinds(t *testing.T) {
	for _, kind := range []proto.Kind{proto.KindWords, proto.KindEvents} {
		var got []device.Sample
		s := &script{dev: model.NewPlain(config, fold)}
		s.open()
		for p := range 2 {
			offset := 2 * p
			if kind == proto.KindEvents {
				offset = 0
			}
			s.send(proto.OpSample, 1, proto.Sample{Part: uint8(p), Kind: kind, Offset: uint16(offset), Data: []byte{byte(p), 0, 255, 255}}.Body(), nil)
		}
		s.add(true, s.send(proto.OpCommit, 1, proto.Commit{Entry: device.Learn, Parts: 2}.Body(), proto.ResultBody(device.Result{N: 1})))
		dev := taker{model.NewPlain(config, func(*model.Plain, device.Run, int) device.Result { return device.Result{} }), &got}
		if r, err := replay.Run(dev, s, nil); err != nil || !r.Equal {
			t.Errorf("%+v, %v", r, err)
		}
		want := device.Sample{Words: []int16{0, -1, 1, -1}}
		if kind == proto.KindEvents {
			want = device.Sample{Events: []uint16{0, 65535, 1, 65535}}
		}
		if d := cmp.Diff([]device.Sample{want}, got); d != "" {
			t.Error(d)
		}
	}
}

// taker keeps the samples that it gets.
type taker struct {
	*model.Plain
	got *[]device.Sample
}

func (k taker) Submit(run device.Run) error {
	*k.got = append(*k.got, run.Sample)
	run.Sample = device.Sample{}
	return k.Plain.Submit(run)
}

func TestIncomplete(t *testing.T) {
	for _, c := range []struct {
		name string
		cut  func(f []capture.Frame) []capture.Frame
		want string
	}{
		{"nothing", func([]capture.Frame) []capture.Frame { return nil }, "the capture has no operation of an nmc device"},
		{"began late", func(f []capture.Frame) []capture.Frame { return f[8:] }, "commit 2 is of session 5, which the capture does not open: it began late"},
		{"a part is missing", func(f []capture.Frame) []capture.Frame { return slices.Delete(f, len(f)-6, len(f)-5) }, "part 1 of the sample of commit 1 is not in the capture"},
	} {
		s := session()
		s.frames = c.cut(s.frames)
		_, err := replay.Run(model.NewPlain(config, fold), s, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", c.name, err, c.want)
		}
	}
	s := session()
	s.frames = s.frames[3:]
	if _, err := replay.Look(s); err == nil || err.Error() != "the capture has no reply to a hello: it is of no nmc device, or began too late" {
		t.Errorf("error %v", err)
	}
	s = &script{dev: model.NewPlain(config, fold)}
	s.open()
	for n := range uint64(5) {
		if r := s.commit(n+1, sample(1)); n > 0 {
			s.add(true, r)
		}
	}
	_, err := replay.Run(model.NewPlain(config, fold), s, nil)
	if err == nil || !strings.HasSuffix(err.Error(), "commit 4 of session 5 ends, and commit 1 never did: the capture began late, or has a gap") {
		t.Errorf("error %v", err)
	}
}
