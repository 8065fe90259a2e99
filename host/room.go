package host

import (
	"encoding/binary"
	"time"

	"github.com/nmc-fpga/nmc/host/proto"
)

// room counts the bytes that may lie before the device's front end. The device serves in order, so a reply tells that
// its request has left, and everything sent before. What was lost is counted until a later reply comes or, when there
// is none, until the count starts anew.
type room struct {
	size   int // 0: no limit
	steady bool
	packet int // bytes beside each frame

	sent   []sending // oldest first
	lies   int       // bytes of sent
	since  time.Time // of the last change
	stalls int       // times that the count started anew since the last reply
}

// sending is a frame that no reply has shown to have left.
type sending struct {
	op    proto.Op
	seq   uint16
	size  int
	holds bool // those behind it wait
}

// wireBytes is the length of a frame on a byte stream, at most.
func wireBytes(frame []byte) int { return len(frame) + len(frame)/254 + 2 }

// takes says whether a frame may be sent.
func (r *room) takes(frame []byte) bool {
	if r.size == 0 {
		return true
	}
	n := r.lying()
	return n == 0 || n+wireBytes(frame)+r.packet <= r.size
}

// lying returns the bytes that may lie before the front end.
func (r *room) lying() int {
	if !r.steady {
		return r.lies
	}
	n := 0
	for _, f := range r.sent {
		if n > 0 || f.holds {
			n += f.size
		}
	}
	return n
}

// add notes a frame that was sent; holds: it waits for a run.
func (r *room) add(frame []byte, holds bool, now time.Time) {
	if r.size == 0 {
		return
	}
	op := proto.Op(frame[0])
	r.sent = append(r.sent, sending{op, binary.LittleEndian.Uint16(frame[1:]), wireBytes(frame) + r.packet, holds || op == proto.OpRead})
	r.lies += r.sent[len(r.sent)-1].size
	r.since = now
}

// release takes away what a reply shows to have left.
func (r *room) release(op proto.Op, seq uint16, now time.Time) {
	for i, f := range r.sent {
		if f.op == op && f.seq == seq {
			r.drop(i + 1)
			r.since, r.stalls = now, 0
			break
		}
	}
	if op != proto.OpCommit {
		return
	}
	// The run has ended: the commit behind it need not wait, and runs once what is before it is served.
	for i := range r.sent {
		if r.sent[i].op == proto.OpCommit {
			if r.sent[i].holds = false; i == 0 {
				r.drop(1)
			}
			return
		}
	}
}

func (r *room) drop(n int) {
	for _, f := range r.sent[:n] {
		r.lies -= f.size
	}
	r.sent = r.sent[n:]
}

// stalled returns when a full room without any reply counts as emptied; the time-out doubles up to most.
func (r *room) stalled(timeout, most time.Duration) time.Time {
	return r.since.Add(min(timeout<<min(r.stalls, 16), max(timeout, most)))
}

// anew takes everything away.
func (r *room) anew(now time.Time) {
	r.sent, r.lies, r.since = r.sent[:0], 0, now
	r.stalls++
}
