package host

import (
	"testing"
	"time"

	"github.com/nmc-fpga/nmc/host/proto"
)

// What each sending and each reply makes of the bytes that may lie before the front end.
func TestLying(t *testing.T) {
	frame := func(op proto.Op, seq uint16, n int) []byte {
		return proto.Request{Op: op, Seq: seq, Body: make([]byte, n-proto.MinRequest)}.Frame()
	}
	for _, steady := range []bool{false, true} {
		r := room{size: 300, steady: steady}
		now := time.Now()
		want := func(what string, loose, even int, takes bool) {
			t.Helper()
			n := loose
			if steady {
				n = even
			}
			if got := r.lying(); got != n {
				t.Errorf("steady %t, %s: %d bytes lie there, want %d", steady, what, got, n)
			}
			if !steady && r.takes(frame(proto.OpSample, 99, 98)) != takes {
				t.Errorf("%s: takes 100 bytes more is %t", what, !takes)
			}
		}
		want("at first", 0, 0, true)
		r.add(frame(proto.OpSample, 1, 98), false, now)
		r.add(frame(proto.OpCommit, 2, 38), false, now)
		r.add(frame(proto.OpSample, 3, 98), false, now)
		want("commit 1 and parts of 2", 240, 0, false)
		r.release(proto.OpSample, 1, now)
		want("the first part has left", 140, 0, true)
		r.add(frame(proto.OpCommit, 4, 38), true, now)
		r.add(frame(proto.OpSample, 5, 28), false, now)
		want("commit 2 waits", 210, 70, false)
		r.release(proto.OpSample, 7, now)
		want("a reply to nobody", 210, 70, false)
		r.release(proto.OpCommit, 2, now)
		want("run 1 has ended", 170, 0, true)
		r.release(proto.OpSample, 3, now)
		r.release(proto.OpCommit, 2, now) // from the cache
		want("commit 2 runs", 30, 0, true)
		r.release(proto.OpSample, 5, now)
		r.add(frame(proto.OpRead, 6, 23), false, now)
		r.add(frame(proto.OpRead, 7, 23), false, now)
		want("two reads", 50, 50, true)
		r.add(frame(proto.OpWrite, 8, 248), false, now)
		want("full", 300, 300, false)
		r.anew(now)
		want("counted anew", 0, 0, true)
		if d := r.stalled(time.Second, 5*time.Second).Sub(now); d != 2*time.Second {
			t.Errorf("the next count ends after %v, want 2s", d)
		}
	}
	packets := room{size: 300, packet: 50}
	packets.add(frame(proto.OpSample, 1, 98), false, time.Now())
	if n := packets.lying(); n != 150 || packets.takes(frame(proto.OpSample, 2, 100)) || !packets.takes(frame(proto.OpSample, 2, 98)) {
		t.Errorf("in packets %d bytes lie there, want 150, and room for 100 more", n)
	}
	long := room{size: 10}
	if !long.takes(frame(proto.OpWrite, 1, 500)) {
		t.Error("a frame longer than the room must be able to go alone")
	}
}
