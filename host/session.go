package host

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/proto"
	"github.com/nmc-fpga/nmc/host/seal"
)

// Session is an open session with a device. Its methods may be called from one goroutine at a time, but Close from
// any. After an error of the link or the device every further call returns that error.
type Session struct {
	opt Options

	life   context.Context // done when the session is closed
	end    context.CancelFunc
	mu     sync.Mutex // guards conn and closed against Close
	conn   *conn
	closed bool

	err error // what ended the session

	identity device.Identity // at open
	boot     uint32          // of the device, as it greeted: tags depend on it
	session  uint32
	before   uint32 // the session that the device may still be in while an open is outstanding
	seq      uint16 // of the next request
	last     uint64 // number of the last submitted commit, as the device counts
	base     uint64 // commits before the device's counting started anew: N = base + n
	runs     []*request
	pending  []*request // oldest first
	progress time.Time  // when something last completed, or waiting began
	redials  int        // since something last completed
	write    rtt
	run      rtt

	room    room
	written [device.Control + 1][]span // halfwords written since the last commit or open

	stats Stats
}

// span is a range of halfword addresses.
type span struct{ lo, hi uint64 }

// request is one logical request: sent until a reply ends it.
type request struct {
	op    proto.Op
	seq   uint16
	n     uint64
	frame []byte
	parts [][]byte // commit: the frames of its sample
	lack  uint32   // commit: bit p set: part p goes with the next sending
	init  bool     // commit: of entry init

	queued  int       // frames that the link has not taken yet
	sent    time.Time // when the link took the last of them
	due     time.Time // when it is sent again; counts only when nothing is queued
	timeout time.Duration
	tries   int

	done   bool
	reply  proto.Reply
	result device.Result // commit
}

// Stats counts what the link did to the session.
type Stats struct {
	Resent         uint64 // requests sent again
	Rejected       uint64 // received frames that were no reply or had a wrong CRC
	Sent, Received uint64 // bytes of frames, stuffed
}

// Plus returns the sum.
func (s Stats) Plus(t Stats) Stats {
	return Stats{s.Resent + t.Resent, s.Rejected + t.Rejected, s.Sent + t.Sent, s.Received + t.Received}
}

// Stats returns the counts so far.
func (s *Session) Stats() Stats { return s.stats }

// Dial greets the device at the other end of the link and opens a session with it; ctx bounds only that. The session
// owns the link from now on, also when Dial returns an error: it is closed with the session.
func Dial(ctx context.Context, link Link, opt Options) (*Session, error) {
	s := &Session{
		opt: opt.withDefaults(),
		seq: uint16(rand.Uint32()), // replies to an earlier host must not pass for ours
	}
	s.life, s.end = context.WithCancel(context.Background())
	s.conn = newConn(link, s.opt.Rate)
	s.room = room{size: s.opt.Room, steady: s.opt.Steady, packet: s.opt.Packet}
	if n := s.opt.FrameBytes; n < 64 {
		s.Close()
		return nil, fmt.Errorf("frames of %d bytes are too short, the least is 64; see frame_bytes of the device", n)
	}
	if !s.opt.Key.IsZero() {
		s.opt.FrameBytes -= seal.TagBytes
	}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	err := s.greet()
	if !stop() {
		err = context.Cause(ctx)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Session) greet() error {
	id, err := s.hello()
	if err != nil {
		return err
	}
	if s.opt.HwID != 0 && id.HwID != s.opt.HwID {
		return &WrongDevice{Got: id.HwID, Want: s.opt.HwID, Remedy: s.opt.Remedy}
	}
	if id.Keyed != !s.opt.Key.IsZero() {
		if id.Keyed {
			return errors.New("device obeys frames with its key only, and this host has none; use the build folder that its bitstream was made from")
		}
		return errors.New("device has no key and obeys anybody; use the build folder that its bitstream was made from, or load this build's bitstream")
	}
	s.boot = id.Boot
	return s.open(id)
}

func (s *Session) hello() (device.Identity, error) {
	r, err := s.ask(proto.OpHello, 0, nil)
	if err != nil {
		return device.Identity{}, err
	}
	return proto.ParseIdentity(r.Body)
}

// open starts a session greater than the device's. The step is drawn, so that two hosts at once notice each other.
func (s *Session) open(id device.Identity) error {
	if id.Session > math.MaxUint32-256 {
		return fmt.Errorf("device is in session %d, close to the last; reset it", id.Session)
	}
	s.before, s.session = id.Session, id.Session+1+rand.Uint32N(256)
	r, err := s.ask(proto.OpOpen, 0, nil)
	if err != nil {
		return err
	}
	if s.identity, err = proto.ParseIdentity(r.Body); err != nil {
		return err
	}
	s.before = s.session
	s.last = 0
	s.written = [len(s.written)][]span{}
	// A run of an earlier session may still go on. A read waits for it, and its reply comes after the run's.
	_, err = s.read(device.Control, device.ControlImageID, 1)
	return err
}

// Identity asks the device who it is.
func (s *Session) Identity() (device.Identity, error) {
	id, err := s.hello()
	if err == nil && (id.Session != s.session || id.Boot != s.identity.Boot) {
		err = s.fail(&Restarted{Was: s.was(), Is: id})
	}
	id.Last += s.base
	return id, err
}

func (s *Session) was() device.Identity {
	id := s.identity
	id.Session = s.session
	return id
}

// Reopen starts a new session on the same link: outstanding runs end and their results are dropped, the commit
// numbers start from 1 again. Memories keep their contents.
func (s *Session) Reopen() error {
	if err := s.drain(); err != nil {
		return err
	}
	s.runs = nil
	s.base = 0
	return s.open(device.Identity{Session: s.session})
}

// Close ends the session and its link. A call that waits returns an error.
func (s *Session) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.end()
	return s.conn.close()
}

var errClosed = errors.New("session is closed")

// fail ends the session with err, unless an earlier error has.
func (s *Session) fail(err error) error {
	if s.err == nil {
		s.err = err
	}
	return s.err
}

// Write stores data from the halfword address on, several frames in flight, after all submitted runs have ended.
func (s *Session) Write(space device.Space, addr uint32, data []uint16) error {
	if space > device.Control {
		return fmt.Errorf("write: no address space %d", space)
	}
	if err := s.drain(); err != nil || len(data) == 0 {
		return err
	}
	// Between two commits the device cannot tell a late duplicate of an earlier write from a new one. Where they would
	// overlap, a new session stands between them. That may change which of the two input buffers the next commit takes,
	// which no result depends on.
	at := span{uint64(addr), uint64(addr) + uint64(len(data))}
	if s.overlaps(space, at) {
		base := s.base + s.last
		if err := s.open(device.Identity{Session: s.session}); err != nil {
			return err
		}
		s.base = base
	}
	s.note(space, at)

	per := proto.WriteCapacity(s.opt.FrameBytes)
	next := func() *request {
		if len(data) == 0 {
			return nil
		}
		n := min(per, len(data))
		r := s.request(proto.OpWrite, s.last+1, proto.Write{Space: space, Addr: addr, Data: data[:n]}.Body())
		addr, data = addr+uint32(n), data[n:]
		return r
	}
	return s.stream(next, func(*request) error { return nil })
}

func (s *Session) overlaps(space device.Space, at span) bool {
	for _, w := range s.written[space] {
		if at.lo < w.hi && w.lo < at.hi {
			return true
		}
	}
	return false
}

func (s *Session) note(space device.Space, at span) {
	w := s.written[space]
	if n := len(w); n > 0 && w[n-1].hi == at.lo {
		w[n-1].hi = at.hi
		return
	}
	s.written[space] = append(w, at)
}

// Read returns n halfwords from the halfword address on, several frames in flight, after all submitted runs have ended.
func (s *Session) Read(space device.Space, addr uint32, n int) ([]uint16, error) {
	if space > device.Control {
		return nil, fmt.Errorf("read: no address space %d", space)
	}
	w, err := s.read(space, addr, n)
	if err == nil {
		// The device answers a read whatever the session: what a restarted one gives must not pass for what was learned.
		_, err = s.Identity()
	}
	if err != nil {
		return nil, err
	}
	return w, nil
}

func (s *Session) read(space device.Space, addr uint32, n int) ([]uint16, error) {
	if err := s.drain(); err != nil {
		return nil, err
	}
	out := make([]uint16, 0, n)
	next := func() *request {
		if n <= 0 {
			return nil
		}
		k := min(n, proto.MaxCount)
		r := s.request(proto.OpRead, s.last, proto.Read{Space: space, Addr: addr, Count: uint8(k)}.Body())
		r.n = uint64(k) // how many halfwords the reply must have
		addr, n = addr+uint32(k), n-k
		return r
	}
	err := s.stream(next, func(r *request) error {
		if len(r.reply.Body) != 2*int(r.n) {
			return s.fail(fmt.Errorf("reply to a read of %d halfwords has %d bytes; device and host disagree on the protocol", r.n, len(r.reply.Body)))
		}
		out = append(out, proto.Words(r.reply.Body)...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// stream sends the requests that next returns, until it returns nil, InFlight at a time, and passes each to done in
// that order when its reply has come.
func (s *Session) stream(next func() *request, done func(*request) error) error {
	var flight []*request
	r := next()
	for r != nil || len(flight) > 0 {
		for r != nil && len(flight) < s.opt.InFlight {
			s.send(r)
			flight = append(flight, r)
			r = next()
		}
		if err := s.wait(flight[0]); err != nil {
			return err
		}
		if err := done(flight[0]); err != nil {
			return err
		}
		flight = flight[1:]
	}
	return nil
}

// Submit sends a run and its sample. It does not wait for it, but at most device.Window results may be outstanding.
func (s *Session) Submit(run device.Run) error {
	if s.err != nil {
		return s.err
	}
	if len(s.runs) >= device.Window {
		return fmt.Errorf("submit: %d results are outstanding, take one with Result first", len(s.runs))
	}
	if run.Entry >= device.NumEntries {
		return fmt.Errorf("submit: entry %d is unknown, the last is %d", run.Entry, device.NumEntries-1)
	}
	n := s.last + 1
	bodies, err := split(run.Sample, proto.SampleCapacity(s.opt.FrameBytes))
	if err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	if len(bodies) > 0 {
		// An init run writes both input buffers. The sample of the run after it must not be in one of them yet.
		for _, r := range s.runs {
			if r.init {
				if err := s.wait(r); err != nil {
					return err
				}
			}
		}
	}
	parts := make([][]byte, len(bodies))
	for i, b := range bodies {
		// The acknowledgement of a part is not waited for: the commit's reply tells what is missing.
		parts[i] = s.tag(proto.OpSample, proto.Request{Op: proto.OpSample, Seq: s.seq, Session: s.session, N: n}.SampleFrame(b))
		s.seq++
	}
	r := s.request(proto.OpCommit, n, proto.Commit{
		Entry: run.Entry, Parts: uint8(len(parts)), Label: run.Label, Limit: run.Limit,
	}.Body())
	r.parts, r.init = parts, run.Entry == device.Init
	r.lack = 1<<len(parts) - 1
	s.last = n
	s.runs = append(s.runs, r)
	s.written = [len(s.written)][]span{}
	s.send(r)
	s.flush()
	return nil
}

// split cuts a sample into parts of at most capacity bytes each.
func split(x device.Sample, capacity int) ([]proto.Sample, error) {
	if err := x.Check(); err != nil {
		return nil, err
	}
	kind, data, size := proto.KindBytes, x.Bytes, 1
	switch {
	case len(x.Words) > 0:
		kind, size = proto.KindWords, 2
		data = make([]byte, 0, 2*len(x.Words))
		for _, w := range x.Words {
			data = append(data, byte(w), byte(uint16(w)>>8))
		}
	case len(x.Events) > 0:
		kind, size = proto.KindEvents, 2
		data = proto.AppendWords(nil, x.Events)
	}
	most := capacity * proto.MaxParts
	switch {
	case kind == proto.KindEvents && len(data) > most:
		return nil, fmt.Errorf("sample has %d events, %d too many: %d parts of %d bytes hold %d; compile with frame_bytes = %d, or make a sample of fewer events",
			len(x.Events), len(x.Events)-most/size, proto.MaxParts, capacity, most/size, proto.SampleFrame((len(data)+proto.MaxParts-1)/proto.MaxParts))
	case len(data) > most || kind != proto.KindEvents && len(data)/size > math.MaxUint16+1:
		return nil, fmt.Errorf("sample has %d bytes, at most %d and %d elements fit the protocol", len(data), most, math.MaxUint16+1)
	}
	var parts []proto.Sample
	for at := 0; at < len(data); at += capacity {
		parts = append(parts, proto.Sample{
			Part: uint8(len(parts)), Kind: kind, Offset: uint16(at / size), Data: data[at:min(at+capacity, len(data))],
		})
	}
	return parts, nil
}

// Result waits for the oldest outstanding run and returns what it left.
func (s *Session) Result() (device.Result, error) {
	if len(s.runs) == 0 {
		return device.Result{}, errors.New("result: no run is outstanding, submit one first")
	}
	r := s.runs[0]
	if err := s.wait(r); err != nil {
		return device.Result{}, err
	}
	s.runs = s.runs[1:]
	return r.result, nil
}

// drain waits until every submitted run has ended; their results stay.
func (s *Session) drain() error {
	for _, r := range s.runs {
		if err := s.wait(r); err != nil {
			return err
		}
	}
	return s.err
}

// request makes a request with the next seq.
func (s *Session) request(op proto.Op, n uint64, body []byte) *request {
	r := &request{op: op, seq: s.seq, n: n}
	r.frame = s.tag(op, proto.Request{Op: op, Seq: s.seq, Session: s.session, N: n, Body: body}.Frame())
	s.seq++
	return r
}

// tag appends the tag that a device with a key wants.
func (s *Session) tag(op proto.Op, frame []byte) []byte {
	if s.opt.Key.IsZero() || !seal.Needs(op) {
		return frame
	}
	return seal.Append(frame, s.opt.Key, s.boot)
}

// ask sends one request and waits for its reply.
func (s *Session) ask(op proto.Op, n uint64, body []byte) (proto.Reply, error) {
	r := s.request(op, n, body)
	s.send(r)
	err := s.wait(r)
	return r.reply, err
}

// send sends a request for the first time.
func (s *Session) send(r *request) {
	s.pending = append(s.pending, r)
	r.timeout = s.rtt(r).timeout(&s.opt)
	s.transmit(r)
}

func (s *Session) rtt(r *request) *rtt {
	if r.op == proto.OpCommit {
		return &s.run
	}
	return &s.write
}

// transmit queues the frames of a request.
func (s *Session) transmit(r *request) {
	for p, f := range r.parts {
		if r.lack>>p&1 != 0 {
			s.enqueue(r, f)
		}
	}
	r.lack = 0
	s.enqueue(r, r.frame)
	r.tries++
}

func (s *Session) enqueue(r *request, frame []byte) {
	s.conn.queue = append(s.conn.queue, outgoing{frame, r})
	r.queued++
}

// again sends a request whose reply has not come.
func (s *Session) again(r *request) {
	s.stats.Resent++
	if r.op != proto.OpHello {
		r.timeout = min(2*r.timeout, max(s.opt.MaxTimeout, s.opt.FirstTimeout))
	}
	if s.opt.Rate > 0 {
		s.rtt(r).repeated(r.timeout)
	}
	s.transmit(r)
}

// flush hands the link what it takes without waiting.
func (s *Session) flush() {
	for {
		out, head := s.head()
		if out == nil {
			return
		}
		select {
		case out <- head:
			s.handed()
		default:
			return
		}
	}
}

// head returns the frame that may go now and the way that it goes; nil when there is none.
func (s *Session) head() (chan<- []byte, []byte) {
	q := s.conn.queue
	for len(q) > 0 && q[0].of.done { // answered before its repeat went out
		q[0].of.queued--
		q = q[1:]
	}
	s.conn.queue = q
	if len(q) == 0 || !s.room.takes(q[0].frame) {
		return nil, nil
	}
	return s.conn.out, q[0].frame
}

// holds says whether the device lets a frame wait for a run, and with it all that comes after.
func (s *Session) holds(f outgoing) bool {
	if op := proto.Op(f.frame[0]); op == proto.OpSample || op == proto.OpHello {
		return false
	}
	for _, p := range s.runs {
		if p != f.of && !p.done && p.tries > 0 {
			return true
		}
	}
	return false
}

// handed notes that the link has taken the head of the queue.
func (s *Session) handed() {
	f := s.conn.queue[0]
	s.conn.queue = s.conn.queue[1:]
	now := time.Now()
	s.stats.Sent += uint64(wireBytes(f.frame))
	s.room.add(f.frame, s.holds(f), now)
	if f.of.queued--; f.of.queued == 0 {
		f.of.sent = now
		f.of.due = now.Add(f.of.timeout)
	}
}

// wait runs the link until the request has its reply.
func (s *Session) wait(r *request) error {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	s.progress = time.Now()
	for {
		s.arrivals()
		if r.done {
			return nil
		}
		if s.err != nil {
			return s.err
		}
		now := time.Now()
		giveUp := s.progress.Add(s.patience(r))
		if !now.Before(giveUp) {
			return s.fail(s.gone(r))
		}
		// What the link has not taken yet cannot have been lost: nothing is sent again before.
		if s.flush(); len(s.conn.queue) == 0 {
			for _, p := range s.pending {
				if !now.Before(p.due) {
					s.again(p)
				}
			}
			s.flush()
		}
		wake := giveUp
		out, head := s.head()
		switch {
		case len(s.conn.queue) == 0:
			for _, p := range s.pending {
				if p.due.Before(wake) {
					wake = p.due
				}
			}
		case out == nil: // no room
			stalled := s.room.stalled(s.write.timeout(&s.opt), s.opt.MaxTimeout)
			if !now.Before(stalled) {
				s.room.anew(now)
				continue
			}
			if stalled.Before(wake) {
				wake = stalled
			}
		}
		timer.Reset(time.Until(wake))
		select {
		case out <- head:
			s.handed()
		case frame := <-s.conn.in:
			s.receive(frame)
		case <-s.conn.dead:
			s.arrivals() // what came before the end counts
			if !r.done {
				s.lost()
			}
		case <-timer.C:
		}
	}
}

// arrivals obeys the frames that have come and not been looked at.
func (s *Session) arrivals() {
	for {
		select {
		case frame := <-s.conn.in:
			s.receive(frame)
		default:
			return
		}
	}
}

// patience is how long a request may wait while nothing completes.
func (s *Session) patience(r *request) time.Duration {
	if s.greeting(r) {
		return s.opt.Greeting
	}
	return s.opt.Patience
}

// greeting says whether a request is the first, to a device that may not be there.
func (s *Session) greeting(r *request) bool { return r.op == proto.OpHello && s.identity.HwID == 0 }

func (s *Session) gone(r *request) error {
	trouble := ""
	if l, ok := s.conn.link.(interface{ Trouble() error }); ok && l.Trouble() != nil {
		trouble = fmt.Sprintf(" (%v)", l.Trouble())
	}
	if r.op == proto.OpCommit {
		return fmt.Errorf("no reply to commit %d for %v, sent %d times%s: the device is gone or the run does not end; look at the link, or allow more patience if runs take that long",
			s.base+r.n, s.opt.Patience, r.tries, trouble)
	}
	if s.greeting(r) {
		return fmt.Errorf("no reply to hello for %v, sent %d times%s: device %w; look at its power, cable and address", s.opt.Greeting, r.tries, trouble, ErrSilent)
	}
	return fmt.Errorf("no reply to %v for %v, sent %d times%s: the device is gone; look at its power, cable and address", r.op, s.opt.Patience, r.tries, trouble)
}

// receive obeys one received frame.
func (s *Session) receive(frame []byte) {
	s.stats.Received += uint64(wireBytes(frame))
	reply, err := proto.ParseReply(frame)
	if err != nil {
		s.stats.Rejected++
		return
	}
	s.room.release(reply.Op, reply.Seq, time.Now())
	at := slices.IndexFunc(s.pending, func(r *request) bool { return r.seq == reply.Seq && r.op == reply.Op })
	if at < 0 {
		return // to an acknowledged part, a repeat or an earlier host
	}
	r := s.pending[at]
	switch reply.Status {
	case proto.StatusOK:
		if r.op == proto.OpCommit {
			res, err := proto.ParseResult(reply.Body)
			switch {
			case err != nil:
				s.fail(err)
				return
			case res.N != r.n:
				return // of an earlier session
			}
			res.N += s.base
			r.result = res
		}
		if r.tries == 1 {
			s.rtt(r).observe(time.Since(r.sent))
		}
		r.reply, r.done = reply, true
		s.pending = slices.Delete(s.pending, at, at+1)
		s.progress = time.Now()
		if r.op != proto.OpHello {
			s.redials = 0
		}
	case proto.StatusSession:
		s.fail(s.taken(r))
	case proto.StatusOrder:
		s.order(r, reply.Body)
	case proto.StatusMissing:
		arrived, err := proto.ParseArrived(reply.Body)
		if err != nil {
			s.fail(err)
			return
		}
		r.lack |= uint32(1<<len(r.parts)-1) &^ arrived
		s.soon(r)
	case proto.StatusBad:
		s.fail(fmt.Errorf("device refuses %v as malformed (status %v); device and host disagree on the protocol or on frame_bytes", r.op, reply.Status))
	default:
		s.fail(fmt.Errorf("device answers %v with unknown status %d; device and host disagree on the protocol", r.op, uint8(reply.Status)))
	}
}

// taken is the error for a request that the device refused for its session.
func (s *Session) taken(r *request) error {
	if r.op == proto.OpOpen {
		return fmt.Errorf("device refuses session %d: another host has opened a later one; end that one and start again", s.session)
	}
	hello := s.request(proto.OpHello, 0, nil)
	s.pending = nil
	s.send(hello)
	if err := s.wait(hello); err != nil {
		return err
	}
	id, err := proto.ParseIdentity(hello.reply.Body)
	if err != nil {
		return err
	}
	return &Restarted{Was: s.was(), Is: id}
}

// order takes the answer that a commit or write is not the one that comes next.
func (s *Session) order(r *request, body []byte) {
	expected, err := proto.ParseExpected(body)
	if err != nil {
		s.fail(err)
		return
	}
	// An earlier commit was lost or overtaken, and with it the parts of this one: send all of them, oldest first. A
	// number that the device expects after ours says that this is an old reply to an accepted commit.
	if expected > r.n {
		return
	}
	r.lack = 1<<len(r.parts) - 1
	for _, p := range s.runs {
		if !p.done && p.n >= expected && p.n <= r.n {
			s.soon(p)
		}
	}
	if r.op == proto.OpWrite {
		s.soon(r)
	}
}

// soon moves the next sending of a request close: answers that ask for it come in bursts, and each must not cause one.
func (s *Session) soon(r *request) {
	pace := max(s.write.smooth/2, 50*time.Microsecond) // a device that asks for ever must not keep time from passing
	if due := r.sent.Add(pace); due.Before(r.due) {
		r.due = due
		r.timeout = s.rtt(r).timeout(&s.opt) / 2 // again doubles it
	}
}

// maxRedials is how many links in a row may end without anything completed.
const maxRedials = 8

// lost handles the end of the link: it dials again or ends the session.
func (s *Session) lost() {
	cause := s.conn.cause()
	s.mu.Lock()
	closed := s.closed
	s.mu.Unlock()
	if closed {
		s.fail(errClosed)
		return
	}
	if s.opt.Redial == nil {
		s.fail(fmt.Errorf("device is gone: %w", cause))
		return
	}
	if s.redials++; s.redials > maxRedials {
		s.fail(fmt.Errorf("device is gone: %w; the link was made again %d times and ended each time", cause, maxRedials))
		return
	}
	s.conn.close()
	ctx, cancel := context.WithTimeout(s.life, s.opt.Patience)
	defer cancel()
	link, err := s.opt.Redial(ctx)
	if err != nil && s.life.Err() != nil {
		s.fail(errClosed)
		return
	}
	if err != nil {
		s.fail(fmt.Errorf("device is gone: %w; and not to be reached again: %w", cause, err))
		return
	}
	s.room.anew(time.Now())
	s.mu.Lock()
	s.conn = newConn(link, s.opt.Rate)
	if s.closed {
		s.conn.close()
	}
	s.mu.Unlock()
	if err := s.resume(); err != nil {
		s.fail(err)
	}
}

// resume checks over a new link that the device is the one of this session, and sends again what is outstanding.
func (s *Session) resume() error {
	pending := s.pending
	s.pending = nil
	hello := s.request(proto.OpHello, 0, nil)
	s.send(hello)
	if err := s.wait(hello); err != nil {
		return err
	}
	id, err := proto.ParseIdentity(hello.reply.Body)
	if err != nil {
		return err
	}
	if s.identity.HwID != 0 && (id.Boot != s.identity.Boot || id.Session != s.session && id.Session != s.before) {
		return &Restarted{Was: s.was(), Is: id}
	}
	s.pending = pending
	for _, r := range s.runs {
		if !r.done {
			r.lack = 1<<len(r.parts) - 1
		}
	}
	for _, r := range pending {
		r.queued = 0
		r.due = time.Now()
		r.timeout = s.rtt(r).timeout(&s.opt) / 2 // again doubles it; the old link's silence says nothing of this one
	}
	return nil
}

// rtt follows the time from request to reply (RFC 6298, without its floor).
type rtt struct {
	smooth, dev time.Duration
	least       time.Duration // what was waited for in vain since the last observation
}

// repeated says that a request was sent again, and how long it waits now. The reply to a repeat says nothing of the time, so as long
// as there are only such, later requests wait as long: else a line that is slower than thought would get everything twice.
func (t *rtt) repeated(timeout time.Duration) { t.least = max(t.least, timeout) }

func (t *rtt) observe(d time.Duration) {
	t.least = 0
	if t.smooth == 0 {
		t.smooth, t.dev = d, d/2
		return
	}
	t.dev += (max(t.smooth-d, d-t.smooth) - t.dev) / 4
	t.smooth += (d - t.smooth) / 8
}

func (t *rtt) timeout(o *Options) time.Duration {
	if t.smooth == 0 {
		return o.FirstTimeout
	}
	return min(max(t.smooth+4*t.dev, t.least, o.MinTimeout), max(o.MaxTimeout, o.FirstTimeout))
}

var _ device.Device = (*Session)(nil)
