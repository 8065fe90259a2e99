package host_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/link/linktest"
	"github.com/nmc-fpga/nmc/host/proto"
)

// answer serves a link with replies that a function makes up; nil: none.
func answer(end *linktest.End, f func(proto.Request) *proto.Reply) {
	for {
		frame, err := end.Recv()
		if err != nil {
			return
		}
		q, err := proto.ParseRequest(frame)
		if err != nil {
			continue
		}
		if r := f(q); r != nil {
			r.Op, r.Seq = q.Op, q.Seq
			end.Send(r.Frame())
		}
	}
}

// device answers as a device without memory does, but for one operation.
func odd(op proto.Op, r proto.Reply) func(proto.Request) *proto.Reply {
	session := uint32(0)
	return func(q proto.Request) *proto.Reply {
		if q.Op == op {
			c := r
			return &c
		}
		switch q.Op {
		case proto.OpOpen:
			session = q.Session
			fallthrough
		case proto.OpHello:
			return &proto.Reply{Body: proto.IdentityBody(device.Identity{Lanes: 4, HwID: 1, Session: session})}
		case proto.OpRead:
			r, err := proto.ParseRead(q.Body)
			if err != nil {
				return &proto.Reply{Status: proto.StatusBad}
			}
			return &proto.Reply{Body: make([]byte, 2*r.Count)}
		case proto.OpCommit:
			return &proto.Reply{Body: proto.ResultBody(device.Result{N: q.N})}
		}
		return &proto.Reply{}
	}
}

// What a device answers against the protocol ends the session with an error that says what it was.
func TestOddReplies(t *testing.T) {
	for _, c := range []struct {
		op    proto.Op
		reply proto.Reply
		want  string
	}{
		{proto.OpHello, proto.Reply{Body: []byte{7}}, "device speaks version 7, this nmc speaks 1; build its bitstream again with nmc build"},
		{proto.OpHello, proto.Reply{Body: []byte{device.Version}}, "body of a hello has 1 bytes, expected 33"},
		{proto.OpHello, proto.Reply{Body: proto.IdentityBody(device.Identity{Session: math.MaxUint32 - 3})},
			"device is in session 4294967292, close to the last; reset it"},
		{proto.OpOpen, proto.Reply{Status: proto.StatusSession}, "another host has opened a later one; end that one and start again"},
		{proto.OpRead, proto.Reply{Body: make([]byte, 4)}, "reply to a read of 1 halfwords has 4 bytes; device and host disagree on the protocol"},
		{proto.OpWrite, proto.Reply{Status: proto.StatusBad}, "device refuses write as malformed (status bad); device and host disagree on the protocol or on frame_bytes"},
		{proto.OpWrite, proto.Reply{Status: 9}, "device answers write with unknown status 9; device and host disagree on the protocol"},
		{proto.OpCommit, proto.Reply{Status: proto.StatusOrder, Body: []byte{1}}, "body of an order status has 1 bytes, expected 6"},
		{proto.OpCommit, proto.Reply{Status: proto.StatusMissing, Body: []byte{1}}, "body of a missing status has 1 bytes, expected 4"},
		{proto.OpCommit, proto.Reply{Body: []byte{1}}, "body of a commit's reply has 1 bytes, expected 31"},
	} {
		synctest.Test(t, func(t *testing.T) {
			h, d := linktest.Pair(1, linktest.Faults{})
			go answer(d, odd(c.op, c.reply))
			s, err := host.Dial(t.Context(), h, host.Options{})
			if err == nil {
				defer s.Close()
				err = s.Write(device.Weights, 0, []uint16{1})
			}
			if err == nil {
				_, err = work(s, make([]job, 1))
			}
			if err == nil || !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("%v: error %v, want %s", c.op, err, c.want)
			}
		})
	}
}

func TestShortFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := linktest.Pair(1, linktest.Faults{})
		_, err := host.Dial(t.Context(), h, host.Options{FrameBytes: 63})
		want := "frames of 63 bytes are too short, the least is 64; see frame_bytes of the device"
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	})
}

func TestRedialGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dial := func(redial func(context.Context) (host.Link, error)) error {
			h, d := linktest.Pair(1, linktest.Faults{})
			go answer(d, odd(0, proto.Reply{}))
			s, err := host.Dial(t.Context(), h, host.Options{Redial: redial})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			h.Close()
			_, err = s.Read(device.Weights, 0, 1)
			return err
		}
		err := dial(func(context.Context) (host.Link, error) { return nil, errors.New("no such port") })
		want := "device is gone: linktest: link is closed; and not to be reached again: no such port"
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		n := 0
		err = dial(func(context.Context) (host.Link, error) {
			n++
			h, _ := linktest.Pair(1, linktest.Faults{})
			time.AfterFunc(time.Millisecond, func() { h.Close() })
			return h, nil
		})
		want = "device is gone: linktest: link is closed; the link was made again 8 times and ended each time"
		if err == nil || err.Error() != want || n != 8 {
			t.Errorf("after %d links: error %v, want %s", n, err, want)
		}
	})
}

// A device that restarts while its memory is read gives zeros: they do not pass for what it had learned.
func TestRestartWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, d := linktest.Pair(1, linktest.Faults{})
		boot, session := uint32(1), uint32(0)
		go answer(d, func(q proto.Request) *proto.Reply {
			if q.Op == proto.OpOpen {
				session = q.Session
			}
			if q.Op != proto.OpRead {
				return &proto.Reply{Body: proto.IdentityBody(device.Identity{Lanes: 4, HwID: 1, Boot: boot, Session: session})}
			}
			if device.Space(q.Body[0]) == device.Weights {
				boot, session = 2, 0
			}
			return &proto.Reply{Body: make([]byte, 2*int(q.Body[5]))}
		})
		s, err := host.Dial(t.Context(), h, host.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if _, err := s.Read(device.Vectors, 0, 9); err != nil {
			t.Error(err)
		}
		w, err := s.Read(device.Weights, 0, 9)
		var lost *host.Restarted
		if !errors.As(err, &lost) || lost.Taken() || w != nil {
			t.Errorf("%v, %v, want that the device restarted", w, err)
		}
	})
}
