// Package model is the protocol front end of the device (docs/protocol.md, hdl/rtl/nmc_frontend.v) in Go, around any
// memory and engine. Sessions are tested against it, with links that lose, repeat and reorder frames between the two.
package model

import (
	"fmt"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/proto"
	"github.com/nmc-fpga/nmc/host/seal"
)

// Engine is what the front end controls. Run is called from another goroutine than the others, but never at the same
// time; its Run has no sample, which is in the vector memory already.
type Engine interface {
	device.Memory
	Run(n uint64, run device.Run) device.Result
}

// Link is the device's end of a link, see host.Link.
type Link interface {
	Send(frame []byte) error
	Recv() ([]byte, error)
}

// Device is a front end with its engine.
type Device struct {
	engine Engine
	cfg    device.Config
	boot   uint32

	session  uint32
	accepted uint64 // last accepted commit of the session
	last     uint64 // last completed
	arrived  uint32 // parts of the next sample
	parts    [2][]proto.Sample
	cache    []cached

	running *running
	started uint64 // runs since power-on
	bad     uint64
}

type cached struct {
	n     uint64
	reply []byte // body
}

type running struct {
	session uint32
	seq     uint16
	n       uint64
	done    chan device.Result
}

// New returns a device after reset.
func New(engine Engine, cfg device.Config, boot uint32) *Device {
	return &Device{engine: engine, cfg: cfg, boot: boot}
}

// Started returns the number of runs that were started since New; call it when Serve has returned.
func (d *Device) Started() uint64 { return d.started }

// Serve answers the requests of a link until it ends, and returns why it did. The state stays: another link may be
// served afterwards.
func (d *Device) Serve(link Link) error {
	frames := make(chan []byte)
	ended := make(chan error, 1)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for {
			f, err := link.Recv()
			if err != nil {
				ended <- err
				return
			}
			select {
			case frames <- f:
			case <-stop:
				return
			}
		}
	}()
	for {
		var done chan device.Result
		if d.running != nil {
			done = d.running.done
		}
		var err error
		select {
		case f := <-frames:
			err = d.serve(link, f)
		case res := <-done:
			d.complete(link, res)
		case err = <-ended:
		}
		if err != nil {
			d.idle(nil)
			return err
		}
	}
}

// idle waits until no run is going on; its reply is sent.
func (d *Device) idle(link Link) {
	if d.running != nil {
		d.complete(link, <-d.running.done)
	}
}

// complete ends the run. Without a link its reply is only kept.
func (d *Device) complete(link Link, res device.Result) {
	r := d.running
	d.running = nil
	res.N = r.n
	body := proto.ResultBody(res)
	if r.session == d.session {
		d.last = r.n
		d.cache = append(d.cache, cached{r.n, body})
		if len(d.cache) > proto.CacheSize {
			d.cache = d.cache[1:]
		}
	}
	if link != nil {
		// A link that is gone shows in Recv. What the device has accepted it does all the same.
		link.Send(proto.Reply{Op: proto.OpCommit, Seq: r.seq, Body: body}.Frame())
	}
}

// serve obeys one frame.
func (d *Device) serve(link Link, frame []byte) error {
	long := len(frame) > d.cfg.FrameBytes
	genuine := true
	if !d.cfg.Key.IsZero() {
		frame, genuine = seal.Cut(frame, d.cfg.Key, d.boot)
	}
	req, err := proto.ParseRequest(frame)
	if err != nil || long || !genuine {
		d.bad++
		return nil
	}
	status, body, silent := proto.StatusOK, []byte(nil), false
	switch {
	case req.Op < proto.OpHello || req.Op > proto.OpCommit:
		status = proto.StatusBad
	case req.Op == proto.OpHello:
		body, err = d.hello()
	case req.Op == proto.OpOpen:
		if status = d.open(req.Session); status == proto.StatusOK {
			body, err = d.hello()
		}
	case req.Op == proto.OpRead:
		status, body, err = d.read(link, req)
	case req.Session != d.session:
		status = proto.StatusSession
	case req.Op == proto.OpWrite:
		status, body, err = d.write(link, req)
	case req.Op == proto.OpSample:
		status, body = d.sample(req)
	case req.Op == proto.OpCommit:
		status, body, silent, err = d.commit(link, req)
	}
	if err != nil || silent {
		return err
	}
	return link.Send(proto.Reply{Op: req.Op, Seq: req.Seq, Status: status, Body: body}.Frame())
}

func (d *Device) hello() ([]byte, error) {
	id, err := d.engine.Read(device.Control, device.ControlImageID, 4)
	if err != nil {
		return nil, err
	}
	return proto.IdentityBody(device.Identity{
		Lanes: d.cfg.Lanes, HwID: d.cfg.ID(), Boot: d.boot, Session: d.session, Last: d.last, Keyed: !d.cfg.Key.IsZero(),
		ImageID: uint64(id[0]) | uint64(id[1])<<16 | uint64(id[2])<<32 | uint64(id[3])<<48,
	}), nil
}

func (d *Device) open(session uint32) proto.Status {
	if session < d.session {
		return proto.StatusSession
	}
	if session > d.session {
		d.session = session
		d.accepted, d.last, d.arrived = 0, 0, 0
		d.parts = [2][]proto.Sample{}
		d.cache = nil
	}
	return proto.StatusOK
}

func (d *Device) read(link Link, req proto.Request) (proto.Status, []byte, error) {
	r, err := proto.ParseRead(req.Body)
	if err != nil {
		return proto.StatusBad, nil, nil
	}
	d.idle(link)
	words, err := d.engine.Read(r.Space, r.Addr, int(r.Count))
	if err != nil {
		return 0, nil, fmt.Errorf("model: %w", err)
	}
	if r.Space == device.Control {
		for i := range words {
			switch a := r.Addr + uint32(i); a {
			case device.ControlCounters + 2*device.CounterBadFrames:
				words[i] = uint16(d.bad)
			case device.ControlCounters + 2*device.CounterBadFrames + 1:
				words[i] = uint16(d.bad >> 16)
			}
		}
	}
	return proto.StatusOK, proto.AppendWords(nil, words), nil
}

func (d *Device) write(link Link, req proto.Request) (proto.Status, []byte, error) {
	w, err := proto.ParseWrite(req.Body)
	if err != nil {
		return proto.StatusBad, nil, nil
	}
	d.idle(link)
	switch next := d.accepted + 1; {
	case req.N < next:
		return proto.StatusOK, nil, nil
	case req.N > next:
		return proto.StatusOrder, proto.ExpectedBody(next), nil
	}
	if err := d.engine.Write(w.Space, w.Addr, w.Data); err != nil {
		return 0, nil, fmt.Errorf("model: %w", err)
	}
	return proto.StatusOK, nil, nil
}

func (d *Device) sample(req proto.Request) (proto.Status, []byte) {
	s, err := proto.ParseSample(req.Body)
	if err != nil {
		return proto.StatusBad, nil
	}
	switch next := d.accepted + 1; {
	case req.N < next:
		return proto.StatusOK, nil
	case req.N > next:
		return proto.StatusOrder, proto.ExpectedBody(next)
	}
	d.arrived |= 1 << s.Part
	// Written when the run starts: the engine has the memory until then.
	s.Data = append([]byte(nil), s.Data...)
	d.parts[req.N&1] = append(d.parts[req.N&1], s)
	return proto.StatusOK, nil
}

func (d *Device) commit(link Link, req proto.Request) (status proto.Status, body []byte, silent bool, err error) {
	c, perr := proto.ParseCommit(req.Body)
	if perr != nil {
		return proto.StatusBad, nil, false, nil
	}
	for _, old := range d.cache {
		if old.n == req.N {
			return proto.StatusOK, old.reply, false, nil
		}
	}
	if d.running != nil && d.running.session == req.Session && d.running.n == req.N {
		return 0, nil, true, nil
	}
	if req.N != d.accepted+1 {
		return proto.StatusOrder, proto.ExpectedBody(d.accepted + 1), false, nil
	}
	if need := uint32(1<<c.Parts - 1); d.arrived&need != need {
		return proto.StatusMissing, proto.ArrivedBody(d.arrived), false, nil
	}
	d.accepted = req.N
	d.arrived = 0
	d.idle(link)
	return 0, nil, true, d.start(req, c)
}

// start writes the sample into its buffer and starts the run.
func (d *Device) start(req proto.Request, c proto.Commit) error {
	in, err := d.engine.Read(device.Control, device.ControlInBase, 4)
	if err != nil {
		return err
	}
	base := uint32(in[0]) | uint32(in[1])<<16
	stride := uint32(in[2]) | uint32(in[3])<<16
	buffer := base + uint32(req.N&1)*stride
	for _, s := range d.parts[req.N&1] {
		var words []uint16
		if s.Kind == proto.KindBytes {
			for _, x := range s.Data {
				words = append(words, uint16(x))
			}
		} else {
			words = proto.Words(s.Data)
		}
		if s.Kind == proto.KindEvents {
			for _, a := range words {
				if err := d.engine.Write(device.Vectors, buffer+uint32(a), []uint16{1}); err != nil {
					return fmt.Errorf("model: %w", err)
				}
			}
			continue
		}
		if err := d.engine.Write(device.Vectors, buffer+uint32(s.Offset), words); err != nil {
			return fmt.Errorf("model: %w", err)
		}
	}
	d.parts[req.N&1] = nil
	d.started++
	r := &running{session: req.Session, seq: req.Seq, n: req.N, done: make(chan device.Result, 1)}
	d.running = r
	go func() {
		r.done <- d.engine.Run(req.N, device.Run{Entry: c.Entry, Label: c.Label, Limit: c.Limit})
	}()
	return nil
}
