// Package replay does again on a device what a capture shows that another did, and finds the first reply that differs.
//
// It works with operations, not frames: requests are paired with their replies, repeats left out, and each operation is done
// in the order in which the device ended it. So a recording of a board can be replayed on the simulator, and over another
// link.
package replay

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/capture"
	"github.com/nmc-fpga/nmc/host/proto"
	"github.com/nmc-fpga/nmc/host/seal"
)

// Device is what a capture is replayed on. Reopen numbers the commits from 1 again and keeps the memories.
type Device interface {
	device.Memory
	device.Runner
	Reopen() error
}

// Frames gives the frames of a capture, io.EOF after the last.
type Frames interface {
	Next() (capture.Frame, error)
}

// Report is the outcome.
type Report struct {
	Equal   bool        `json:"equal"`
	Packets int         `json:"packets"` // of the capture that were looked at
	Commits int         `json:"commits"` // done again, those that differ included
	Writes  int         `json:"writes"`
	Reads   int         `json:"reads"`
	First   *Difference `json:"first_difference"`
}

// Difference is the first reply that is another than that in the capture.
type Difference struct {
	Packet   int    `json:"packet"`            // of the reply in the capture
	Op       string `json:"op"`                // of the request
	Session  uint32 `json:"session,omitempty"` // of a commit, as the capture numbers it
	Commit   uint64 `json:"commit,omitempty"`  // its number in the session; of a read: that of the commit before it
	What     string `json:"what"`
	Expected string `json:"expected"`
	Got      string `json:"got"`
}

func (d *Difference) String() string {
	return fmt.Sprintf("packet %d, %s, commit %d of session %d: %s: expected %s, got %s", d.Packet, d.Op, d.Commit, d.Session, d.What, d.Expected, d.Got)
}

// Who is what a capture tells about its device.
type Who struct {
	HwID    uint64
	Lanes   int
	Longest int // bytes of its longest request
}

// Look reads a capture to its end and returns what it tells about the device.
func Look(frames Frames) (Who, error) {
	var w Who
	for {
		f, err := frames.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return w, err
		}
		if !f.Reply {
			w.Longest = max(w.Longest, len(f.Bytes))
			continue
		}
		r, err := proto.ParseReply(f.Bytes)
		if err != nil || r.Op != proto.OpHello || r.Status != proto.StatusOK {
			continue
		}
		if id, err := proto.ParseIdentity(r.Body); err == nil {
			w.HwID, w.Lanes = id.HwID, id.Lanes
		}
	}
	if w.HwID == 0 {
		return w, errors.New("the capture has no reply to a hello: it is of no nmc device, or began too late")
	}
	return w, nil
}

// player is a replay under way.
type player struct {
	dev    Device
	report Report

	session  uint32
	last     uint64                   // commit of the session that ended last
	open     bool                     // the device has a session
	pending  map[uint16]proto.Request // without reply, by seq
	ended    map[uint64]ended         // commits that have their reply, and wait for one before them
	parts    map[part]proto.Sample    // of commits to come
	done     map[[2]uint64]struct{}   // seq and hash of the requests that have had their reply
	order    [][2]uint64              // the keys of done, oldest first
	seed     maphash.Seed
	digested bool // the capture has had a digest: before, the register holds what was there
}

// part of the sample of a commit.
type part struct {
	session uint32
	n       uint64
	part    uint8
}

// Run replays the frames on an idle device; progress, when not nil, is told of each commit. A difference is reported, not an
// error; errors are those of capture and device.
func Run(dev Device, frames Frames, progress func(commits int)) (*Report, error) {
	p := &player{
		dev: dev, pending: map[uint16]proto.Request{}, parts: map[part]proto.Sample{}, ended: map[uint64]ended{},
		done: map[[2]uint64]struct{}{}, seed: maphash.MakeSeed(),
	}
	for {
		f, err := frames.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("packet %d: %w", p.report.Packets+1, err)
		}
		p.report.Packets = f.Packet
		commits := p.report.Commits
		if err := p.frame(f); err != nil {
			return nil, fmt.Errorf("packet %d: %w", f.Packet, err)
		}
		if p.report.First != nil {
			return &p.report, nil
		}
		if progress != nil && p.report.Commits > commits {
			progress(p.report.Commits)
		}
	}
	if p.report.Commits+p.report.Writes+p.report.Reads == 0 {
		return nil, errors.New("the capture has no operation of an nmc device")
	}
	p.report.Equal = true
	return &p.report, nil
}

func (p *player) frame(f capture.Frame) error {
	if !f.Reply {
		q, err := seal.Parse(f.Bytes)
		if err != nil {
			return nil // other traffic
		}
		return p.request(q)
	}
	r, err := proto.ParseReply(f.Bytes)
	if err != nil || r.Status != proto.StatusOK {
		return nil
	}
	q, ok := p.pending[r.Seq]
	if !ok || q.Op != r.Op {
		return nil // to a part, a repeat or another host
	}
	delete(p.pending, r.Seq)
	p.remember(q)
	switch q.Op {
	case proto.OpOpen:
		return p.opened(q)
	case proto.OpWrite:
		return p.write(q)
	case proto.OpRead:
		return p.read(f, q, r)
	case proto.OpCommit:
		return p.commit(f, q, r)
	}
	return nil
}

// key tells a request from another with its seq, which comes again after 65,536 requests.
func (p *player) key(q proto.Request) [2]uint64 {
	return [2]uint64{uint64(q.Seq), maphash.Bytes(p.seed, q.Frame())}
}

// remember notes that a request has had its reply: what comes of it later is a repeat.
func (p *player) remember(q proto.Request) {
	k := p.key(q)
	p.done[k] = struct{}{}
	p.order = append(p.order, k)
	if len(p.order) > 4096 {
		delete(p.done, p.order[0])
		p.order = p.order[1:]
	}
}

func (p *player) request(q proto.Request) error {
	if q.Op == proto.OpSample {
		s, err := proto.ParseSample(q.Body)
		if err != nil {
			return err
		}
		if q.Session == p.session && q.N > p.last {
			s.Data = slices.Clone(s.Data)
			p.parts[part{q.Session, q.N, s.Part}] = s
		}
		return nil
	}
	if _, repeat := p.done[p.key(q)]; !repeat {
		q.Body = slices.Clone(q.Body)
		p.pending[q.Seq] = q
	}
	return nil
}

// opened begins a session. The device that it is replayed on has one already at first.
func (p *player) opened(q proto.Request) error {
	if p.open && q.Session == p.session {
		return nil
	}
	p.session, p.last = q.Session, 0
	clear(p.parts)
	clear(p.ended)
	if !p.open {
		p.open = true
		return nil
	}
	return p.dev.Reopen()
}

func (p *player) write(q proto.Request) error {
	w, err := proto.ParseWrite(q.Body)
	if err != nil {
		return err
	}
	p.report.Writes++
	return p.dev.Write(w.Space, w.Addr, w.Data)
}

func (p *player) read(f capture.Frame, q proto.Request, r proto.Reply) error {
	x, err := proto.ParseRead(q.Body)
	if err != nil {
		return err
	}
	if x.Space == device.Control {
		return nil // counters of the link and of the run, and who the device is
	}
	p.report.Reads++
	got, err := p.dev.Read(x.Space, x.Addr, int(x.Count))
	if err != nil {
		return err
	}
	want := proto.Words(r.Body)
	if len(want) != len(got) {
		return fmt.Errorf("reply to a read of %d halfwords has %d", x.Count, len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			p.differ(f, q.Op, p.last, fmt.Sprintf("halfword %d of space %d", int(x.Addr)+i, x.Space), fmt.Sprintf("0x%04x", want[i]), fmt.Sprintf("0x%04x", got[i]))
			break
		}
	}
	return nil
}

// ended is a commit that has its reply.
type ended struct {
	frame capture.Frame
	req   proto.Request
	want  device.Result
}

// commit takes the reply of a commit, and runs those that come next: a lost reply may come after that of the commit behind.
func (p *player) commit(f capture.Frame, q proto.Request, r proto.Reply) error {
	want, err := proto.ParseResult(r.Body)
	if err != nil {
		return err
	}
	if !p.open {
		return fmt.Errorf("commit %d is of session %d, which the capture does not open: it began late", q.N, q.Session)
	}
	if q.Session != p.session || q.N <= p.last || want.N != q.N {
		return nil // of an earlier session
	}
	p.ended[q.N] = ended{f, q, want}
	if len(p.ended) > device.Window {
		return fmt.Errorf("commit %d of session %d ends, and commit %d never did: the capture began late, or has a gap", q.N, q.Session, p.last+1)
	}
	for p.report.First == nil {
		e, ok := p.ended[p.last+1]
		if !ok {
			break
		}
		delete(p.ended, p.last+1)
		if err := p.run(e); err != nil {
			return err
		}
	}
	return nil
}

func (p *player) run(e ended) error {
	q, want := e.req, e.want
	c, err := proto.ParseCommit(q.Body)
	if err != nil {
		return err
	}
	run := device.Run{Entry: c.Entry, Label: c.Label, Limit: c.Limit}
	if run.Sample, err = p.sample(q, int(c.Parts)); err != nil {
		return err
	}
	p.last = q.N
	p.report.Commits++
	if err := p.dev.Submit(run); err != nil {
		return err
	}
	got, err := p.dev.Result()
	if err != nil {
		return err
	}
	p.digested = p.digested || c.Entry == device.Digest
	for _, x := range []struct {
		what      string
		equal     bool
		want, got any
	}{
		{"result", got.Result == want.Result, want.Result, got.Result},
		{"overflow count", got.Overflow == want.Overflow, want.Overflow, got.Overflow},
		{"stopped by limit", got.Stopped == want.Stopped, want.Stopped, got.Stopped},
		{"digest", got.Digest == want.Digest || !p.digested, fmt.Sprintf("%016x", want.Digest), fmt.Sprintf("%016x", got.Digest)},
	} {
		if !x.equal {
			p.differ(e.frame, q.Op, q.N, x.what, fmt.Sprint(x.want), fmt.Sprint(x.got))
			break
		}
	}
	return nil
}

func (p *player) differ(f capture.Frame, op proto.Op, n uint64, what, want, got string) {
	p.report.First = &Difference{Packet: f.Packet, Op: op.String(), Session: p.session, Commit: n, What: what, Expected: want, Got: got}
}

// sample puts a commit's sample together.
func (p *player) sample(q proto.Request, parts int) (device.Sample, error) {
	var x device.Sample
	for i := range parts {
		k := part{q.Session, q.N, uint8(i)}
		s, ok := p.parts[k]
		if !ok {
			return x, fmt.Errorf("part %d of the sample of commit %d is not in the capture", i, q.N)
		}
		delete(p.parts, k)
		switch at := len(x.Bytes) + len(x.Words); {
		case s.Kind == proto.KindEvents:
			x.Events = append(x.Events, proto.Words(s.Data)...)
		case int(s.Offset) != at:
			return x, fmt.Errorf("part %d of the sample of commit %d begins at element %d, expected %d", i, q.N, s.Offset, at)
		case s.Kind == proto.KindBytes:
			x.Bytes = append(x.Bytes, s.Data...)
		default:
			for _, w := range proto.Words(s.Data) {
				x.Words = append(x.Words, int16(w))
			}
		}
	}
	return x, nil
}
