package host_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/link"
	"github.com/nmc-fpga/nmc/host/link/linktest"
	"github.com/nmc-fpga/nmc/host/model"
	"github.com/nmc-fpga/nmc/host/proto"
)

var config = device.Config{Lanes: 4, WeightDepth: 128, VectorDepth: 220, ProgramDepth: 4, TableDepth: 4, WeightPorts: 2, FrameBytes: 128}

// The input is at elements 16.. and 466.. of the vectors, its length in register 8.
const inBase, inStride, regLen = 16, 450, 8

// fold mixes label and sample into weights 0..3, so that the order, the number and the content of the runs tell.
func fold(p *model.Plain, run device.Run, input int) device.Result {
	w, v := p.Space(device.Weights), p.Space(device.Vectors)
	h := uint64(w[0]) | uint64(w[1])<<16 | uint64(w[2])<<32 | uint64(w[3])<<48
	h = (h ^ uint64(run.Label) ^ uint64(run.Entry)<<16) * 0x9e3779b97f4a7c15
	x := v[input : input+int(p.Space(device.Registers)[2*regLen])]
	for _, e := range x {
		h = (h ^ uint64(e)) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	clear(x) // for events
	for i := range 4 {
		w[i] = uint16(h >> (16 * i))
	}
	return device.Result{Result: [2]int32{int32(h), int32(h >> 32)}, Digest: h, Overflow: uint32(h & 3), Cycles: 9}
}

func setUp(t *testing.T, dev device.Memory) {
	t.Helper()
	for _, w := range []struct {
		space device.Space
		addr  uint32
		data  []uint16
	}{
		{device.Control, device.ControlImageID, []uint16{1, 2, 3, 4}},
		{device.Control, device.ControlInBase, []uint16{inBase, 0, inStride, 0}},
		{device.Weights, 100, ramp(400)},
	} {
		if err := dev.Write(w.space, w.addr, w.data); err != nil {
			t.Fatal(err)
		}
	}
}

func ramp(n int) []uint16 {
	w := make([]uint16, n)
	for i := range w {
		w[i] = uint16(i * 7)
	}
	return w
}

// job is a run, after a write of the sample's length where that changes.
type job struct {
	run    device.Run
	length int
	writes int // 0: another value is written first; 1: not
}

func jobs(rnd *rand.Rand, n int) []job {
	js := make([]job, n)
	for i := range js {
		k := rnd.IntN(400)
		// Runs of equal length stand together, so that some are pipelined and some wait for a write.
		if i > 0 && rnd.IntN(4) > 0 {
			k = js[i-1].length
		}
		r := device.Run{Entry: device.Entry(rnd.IntN(device.NumEntries)), Label: uint16(rnd.Uint32())}
		switch rnd.IntN(3) {
		case 0:
			r.Sample.Bytes = make([]byte, k)
			for i := range r.Sample.Bytes {
				r.Sample.Bytes[i] = byte(rnd.Uint32())
			}
		case 1:
			r.Sample.Words = make([]int16, k)
			for i := range r.Sample.Words {
				r.Sample.Words[i] = int16(rnd.Uint32())
			}
		default:
			r.Sample.Events = make([]uint16, k)
			for i := range r.Sample.Events {
				r.Sample.Events[i] = uint16(rnd.IntN(k))
			}
		}
		js[i] = job{r, k, min(rnd.IntN(4), 1)}
	}
	return js
}

// work does the jobs with at most two runs outstanding and returns all results.
func work(dev device.Device, js []job) ([]device.Result, error) {
	var out []device.Result
	length := -1
	outstanding := 0
	take := func() error {
		r, err := dev.Result()
		outstanding--
		out = append(out, r)
		return err
	}
	for _, j := range js {
		if j.length != length {
			length = j.length
			// An earlier value must not come back by a late repeat: neither one of before the last commit, nor one of
			// after it.
			for _, v := range []uint16{0, uint16(length)}[j.writes:] {
				if err := dev.Write(device.Registers, 2*regLen, []uint16{v}); err != nil {
					return out, err
				}
			}
		}
		if outstanding == device.Window {
			if err := take(); err != nil {
				return out, err
			}
		}
		if err := dev.Submit(j.run); err != nil {
			return out, err
		}
		outstanding++
	}
	for outstanding > 0 {
		if err := take(); err != nil {
			return out, err
		}
	}
	return out, nil
}

// Every commit runs once and in order, and results and weights are those of an engine without a link, whatever a tenth
// of the frames suffers of each kind.
func TestExactlyOnceUnderFaults(t *testing.T) {
	seeds := 1000
	if testing.Short() {
		seeds = 100
	}
	var resent, rejected uint64
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 0))
			js := jobs(rnd, 12)
			plain := model.NewPlain(config, fold)
			setUp(t, plain)
			want, err := work(plain, js)
			if err != nil {
				t.Fatal(err)
			}

			engine := model.NewPlain(config, fold)
			engine.Latency = time.Duration(rnd.IntN(3)) * time.Millisecond
			dev := model.New(engine, config, 77)
			hostEnd, devEnd := linktest.Pair(seed, linktest.Each(0.1))
			served := make(chan error)
			go func() { served <- dev.Serve(devEnd) }()
			s, err := host.Dial(t.Context(), hostEnd, host.Options{HwID: config.ID(), FrameBytes: config.FrameBytes, FirstTimeout: 5 * time.Millisecond})
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			setUp(t, s)
			got, err := work(s, js)
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Fatalf("seed %d: results differ\n%s", seed, d)
			}
			// Weights hold all of the history. Which input buffer a run used depends on the sessions that the writes took.
			w, g := plain.Space(device.Weights), readAll(t, s, device.Weights, len(plain.Space(device.Weights)))
			if d := cmp.Diff(w, g); d != "" {
				t.Fatalf("seed %d: weights differ\n%s", seed, d)
			}
			st := s.Stats()
			resent, rejected = resent+st.Resent, rejected+st.Rejected
			s.Close()
			if err := <-served; !errors.Is(err, linktest.ErrClosed) {
				t.Fatalf("seed %d: device ended with %v", seed, err)
			}
			if dev.Started() != uint64(len(js)) {
				t.Fatalf("seed %d: %d runs for %d commits", seed, dev.Started(), len(js))
			}
			time.Sleep(time.Second) // late frames find nobody
		})
	}
	// The faults did strike.
	if resent < uint64(5*seeds) || rejected < uint64(seeds) {
		t.Errorf("only %d requests sent again and %d frames rejected in %d seeds", resent, rejected, seeds)
	}
}

func readAll(t *testing.T, dev device.Memory, space device.Space, n int) []uint16 {
	t.Helper()
	w, err := dev.Read(space, 0, n)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// serve runs a model device at the other end of a faultless link.
func serve(t *testing.T, engine model.Engine, opt host.Options) (*host.Session, *model.Device) {
	t.Helper()
	dev := model.New(engine, config, 77)
	h, d := linktest.Pair(1, linktest.Faults{Latency: time.Millisecond})
	go dev.Serve(d)
	opt.FrameBytes = config.FrameBytes
	s, err := host.Dial(t.Context(), h, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(); synctest.Wait() })
	return s, dev
}

func TestWrongHwIDIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := model.New(model.NewPlain(config, fold), config, 1)
		h, d := linktest.Pair(1, linktest.Faults{})
		go dev.Serve(d)
		_, err := host.Dial(t.Context(), h, host.Options{HwID: 0x1234, Remedy: "run nmc flash build --board icebreaker"})
		want := fmt.Sprintf("device has hw_id %016x, the build needs 0000000000001234; run nmc flash build --board icebreaker", config.ID())
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		synctest.Wait()
	})
}

func TestIdentityAndReopen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := serve(t, model.NewPlain(config, fold), host.Options{})
		setUp(t, s)
		if _, err := work(s, jobs(rand.New(rand.NewPCG(1, 1)), 5)); err != nil {
			t.Fatal(err)
		}
		a, err := s.Identity()
		if err != nil {
			t.Fatal(err)
		}
		want := device.Identity{Lanes: 4, HwID: config.ID(), ImageID: 0x0004_0003_0002_0001, Boot: 77, Session: a.Session, Last: 5}
		if a != want {
			t.Errorf("identity %+v, want %+v", a, want)
		}
		if err := s.Reopen(); err != nil {
			t.Fatal(err)
		}
		b, err := s.Identity()
		if err != nil || b.Session <= a.Session || b.Last != 0 {
			t.Errorf("after reopen: %+v, %v", b, err)
		}
		r, err := work(s, jobs(rand.New(rand.NewPCG(1, 1)), 1))
		if err != nil || r[0].N != 1 {
			t.Errorf("first commit after reopen: %+v, %v", r, err)
		}
	})
}

// A second write to the same place between two commits goes into a session of its own, and the commits count on.
func TestOverlappingWritesAreFenced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := serve(t, model.NewPlain(config, fold), host.Options{})
		if _, err := work(s, make([]job, 3)); err != nil {
			t.Fatal(err)
		}
		before, _ := s.Identity()
		for i, w := range []struct {
			space  device.Space
			addr   uint32
			fenced bool
		}{
			{device.Weights, 0, false},
			{device.Weights, 10, false},
			{device.Weights, 5, false}, // fits the gap
			{device.Vectors, 5, false}, // another space
			{device.Weights, 14, true}, // on its last element
			{device.Weights, 5, false}, // nothing there in the new session
			{device.Weights, 1, true},
		} {
			if err := s.Write(w.space, w.addr, ramp(5)); err != nil {
				t.Fatal(err)
			}
			id, err := s.Identity()
			if err != nil || id.Last != 3 || (id.Session > before.Session) != w.fenced {
				t.Errorf("write %d: session %d became %+v, %v", i, before.Session, id, err)
			}
			before = id
		}
		r, err := work(s, make([]job, 1))
		if err != nil || r[0].N != 4 {
			t.Errorf("the commit after is %+v, %v, want number 4", r, err)
		}
	})
}

func TestMisuse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, _ := serve(t, model.NewPlain(config, fold), host.Options{})
		for _, c := range []struct {
			err  func() error
			want string
		}{
			{func() error { _, err := s.Result(); return err }, "result: no run is outstanding, submit one first"},
			{func() error { return s.Submit(device.Run{Entry: 8}) }, "submit: entry 8 is unknown, the last is 7"},
			{func() error { return s.Submit(device.Run{Sample: device.Sample{Bytes: []byte{1}, Words: []int16{1}}}) }, "submit: a sample is bytes, words or events, not several of them"},
			{func() error { return s.Submit(device.Run{Sample: device.Sample{Bytes: make([]byte, 32*106+1)}}) }, "submit: sample has 3393 bytes, at most 3392 and 65536 elements fit the protocol"},
			{func() error { return s.Submit(device.Run{Sample: device.Sample{Events: make([]uint16, 2000)}}) },
				"submit: sample has 2000 events, 304 too many: 32 parts of 106 bytes hold 1696; compile with frame_bytes = 147, or make a sample of fewer events"},
			{func() error { return s.Write(6, 0, nil) }, "write: no address space 6"},
			{func() error { _, err := s.Read(6, 0, 1); return err }, "read: no address space 6"},
			{func() error {
				for range 2 {
					if err := s.Submit(device.Run{}); err != nil {
						return err
					}
				}
				return s.Submit(device.Run{})
			}, "submit: 2 results are outstanding, take one with Result first"},
		} {
			if err := c.err(); err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
		}
	})
}

// A run longer than every time-out is waited for, and asked about ever more rarely.
func TestSlowRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := model.NewPlain(config, fold)
		s, dev := serve(t, engine, host.Options{})
		engine.Latency = 100 * time.Second
		r, err := work(s, make([]job, 2))
		if err != nil || len(r) != 2 || r[1].N != 2 {
			t.Fatalf("%+v, %v", r, err)
		}
		if n := s.Stats().Resent; n < 10 || n > 100 {
			t.Errorf("%d repeats in 200 s, expected about one in 5 s", n)
		}
		if dev.Started() != 2 {
			t.Errorf("%d runs started", dev.Started())
		}
	})
}

func TestSilentDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := model.NewPlain(config, fold)
		s, _ := serve(t, engine, host.Options{Patience: 30 * time.Second})
		engine.Latency = time.Hour
		start := time.Now()
		_, err := work(s, make([]job, 1))
		if err == nil || !strings.HasPrefix(err.Error(), "no reply to commit 1 for 30s, sent ") || !strings.Contains(err.Error(), "allow more patience") {
			t.Errorf("error %v", err)
		}
		if d := time.Since(start); d < 30*time.Second || d > 36*time.Second {
			t.Errorf("gave up after %v, patience is 30s", d)
		}
		if _, again := s.Read(device.Weights, 0, 1); again != err {
			t.Errorf("the next call says %v, want the same error", again)
		}

		h, _ := linktest.Pair(1, linktest.Faults{})
		_, err = host.Dial(t.Context(), h, host.Options{Patience: time.Second})
		if err == nil || !strings.HasPrefix(err.Error(), "no reply to hello for 1s, sent ") {
			t.Errorf("error %v", err)
		}
		h, _ = linktest.Pair(1, linktest.Faults{})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err = host.Dial(ctx, h, host.Options{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
		s.Close()
		time.Sleep(2 * time.Hour) // the engine's run ends
	})
}

// A device that is there is greeted, however bad the link is, and however long it is still busy with what an earlier host
// has asked for.
func TestGreeting(t *testing.T) {
	for seed := range uint64(200) {
		synctest.Test(t, func(t *testing.T) {
			engine := model.NewPlain(config, fold)
			engine.Latency = 30 * time.Second
			dev := model.New(engine, config, 77)
			h, d := linktest.Pair(seed, linktest.Each(0.2))
			go dev.Serve(d)
			for _, op := range []proto.Request{
				{Op: proto.OpOpen, Session: 1},
				{Op: proto.OpCommit, Session: 1, N: 1, Body: proto.Commit{}.Body()},
			} {
				for range 40 {
					h.Send(op.Frame())
					time.Sleep(10 * time.Millisecond)
				}
			}
			s, err := host.Dial(t.Context(), h, host.Options{FrameBytes: config.FrameBytes, Greeting: 20 * time.Second})
			if err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			s.Close()
			time.Sleep(time.Minute) // what is late has arrived
			if dev.Started() != 1 {
				t.Errorf("seed %d: %d runs started", seed, dev.Started())
			}
		})
	}
}

// redial gives the session a new link to the same or another device whenever the old one ends.
func TestRedial(t *testing.T) {
	for _, c := range []struct {
		name    string
		restart bool
	}{{"the device kept its state", false}, {"the device restarted", true}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				engine := model.NewPlain(config, fold)
				engine.Latency = 3 * time.Millisecond
				plain := model.NewPlain(config, fold)
				setUp(t, plain)
				js := jobs(rand.New(rand.NewPCG(3, 3)), 40)
				want, err := work(plain, js)
				if err != nil {
					t.Fatal(err)
				}
				dev := model.New(engine, config, 77)
				var served chan struct{}
				links := 0
				connect := func(context.Context) (host.Link, error) {
					if served != nil {
						<-served
						if c.restart {
							dev = model.New(engine, config, 78)
						}
					}
					links++
					h, d := linktest.Pair(uint64(links), linktest.Faults{Latency: time.Millisecond, Drop: 0.05})
					done := make(chan struct{})
					served = done
					serving := dev
					go func() { serving.Serve(d); close(done) }()
					if links > 1 {
						time.AfterFunc(97*time.Millisecond, func() { h.Close() })
					}
					return h, nil
				}
				h, _ := connect(t.Context())
				s, err := host.Dial(t.Context(), h, host.Options{FrameBytes: config.FrameBytes, Redial: connect, FirstTimeout: 10 * time.Millisecond})
				if err != nil {
					t.Fatal(err)
				}
				setUp(t, s)
				time.AfterFunc(97*time.Millisecond, func() { h.Close() })
				got, err := work(s, js)
				s.Close()
				<-served
				time.Sleep(time.Second)
				if links < 3 && !c.restart {
					t.Errorf("only %d links were needed", links)
				}
				if c.restart {
					var lost *host.Restarted
					if !errors.As(err, &lost) || !strings.HasPrefix(err.Error(), "device restarted (boot 0000004e, was 0000004d) and lost what it had learned; load") {
						t.Errorf("error %v, want that the device restarted", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Error(d)
				}
				if dev.Started() != uint64(len(js)) {
					t.Errorf("%d runs for %d commits", dev.Started(), len(js))
				}
			})
		})
	}
}

// Close ends a session that waits for its device to come back.
func TestCloseWhileTheDeviceIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dev := model.New(model.NewPlain(config, fold), config, 77)
		h, d := linktest.Pair(1, linktest.Faults{})
		go dev.Serve(d)
		s, err := host.Dial(t.Context(), h, host.Options{FrameBytes: config.FrameBytes, Redial: func(ctx context.Context) (host.Link, error) {
			<-ctx.Done()
			return nil, context.Cause(ctx)
		}})
		if err != nil {
			t.Fatal(err)
		}
		h.Close()
		time.AfterFunc(time.Second, func() { s.Close() })
		start := time.Now()
		if _, err := s.Identity(); err == nil || err.Error() != "session is closed" {
			t.Errorf("error %v, want session is closed", err)
		}
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("it took %v", d)
		}
		synctest.Wait()
	})
}

func TestAnotherHostTakesTheDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, dev := serve(t, model.NewPlain(config, fold), host.Options{})
		id, err := s.Identity()
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		synctest.Wait()
		h, d := linktest.Pair(2, linktest.Faults{})
		go dev.Serve(d)
		s, err = host.Dial(t.Context(), h, host.Options{FrameBytes: config.FrameBytes})
		if err != nil {
			t.Fatal(err)
		}
		mine, _ := s.Identity()
		if mine.Session <= id.Session {
			t.Errorf("session %d after session %d", mine.Session, id.Session)
		}
		// The other host comes over the same link, as a second program on one serial line does.
		if err := h.Send(proto.Request{Op: proto.OpOpen, Session: mine.Session + 9}.Frame()); err != nil {
			t.Fatal(err)
		}
		_, err = work(s, make([]job, 1))
		want := fmt.Sprintf("device is in session %d, not %d: another host has opened it; end that one and start again", mine.Session+9, mine.Session)
		if err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
		s.Close()
		synctest.Wait()
	})
}

// noise turns over, drops and adds bytes of a stream.
type noise struct {
	net.Conn
	rnd *rand.Rand
}

func (n *noise) Write(b []byte) (int, error) {
	var out []byte
	for _, x := range b {
		switch n.rnd.IntN(2000) {
		case 0:
			continue
		case 1:
			x ^= 1 << n.rnd.IntN(8)
		case 2:
			out = append(out, byte(n.rnd.Uint32()))
		}
		out = append(out, x)
	}
	_, err := n.Conn.Write(out)
	return len(b), err
}

func TestNoisyStream(t *testing.T) {
	js := jobs(rand.New(rand.NewPCG(5, 5)), 40)
	plain := model.NewPlain(config, fold)
	setUp(t, plain)
	want, err := work(plain, js)
	if err != nil {
		t.Fatal(err)
	}
	a, b := net.Pipe()
	dev := model.New(model.NewPlain(config, fold), config, 1)
	devLink := link.NewDeviceStream(&noise{b, rand.New(rand.NewPCG(1, 1))}, config.FrameBytes)
	served := make(chan error)
	go func() { served <- dev.Serve(devLink) }()
	hostLink := link.NewStream(&noise{a, rand.New(rand.NewPCG(2, 2))})
	s, err := host.Dial(t.Context(), hostLink, host.Options{FrameBytes: config.FrameBytes, MinTimeout: 2 * time.Millisecond, FirstTimeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	setUp(t, s)
	got, err := work(s, js)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	s.Close()
	if err := <-served; !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("device ended with %v", err)
	}
	if dev.Started() != uint64(len(js)) {
		t.Errorf("%d runs for %d commits", dev.Started(), len(js))
	}
	if devLink.Bad() == 0 || hostLink.Bad() == 0 {
		t.Errorf("%d and %d bad frames, the noise did not strike", devLink.Bad(), hostLink.Bad())
	}
}

// TestMain lets the test program play a device on its standard input and output.
func TestMain(m *testing.M) {
	if runs := os.Getenv("HOST_TEST_DEVICE"); runs != "" {
		playDevice(runs)
	}
	os.Exit(m.Run())
}

type stdio struct{}

func (stdio) Read(b []byte) (int, error)  { return os.Stdin.Read(b) }
func (stdio) Write(b []byte) (int, error) { return os.Stdout.Write(b) }
func (stdio) Close() error                { return nil }

func playDevice(mode string) {
	engine := model.NewPlain(config, func(p *model.Plain, run device.Run, input int) device.Result {
		if mode == "crash" && run.Label == 3 {
			fmt.Fprintln(os.Stderr, "nmc_engine.v:12: assertion: pc beyond the program")
			os.Exit(7)
		}
		return fold(p, run, input)
	})
	model.New(engine, config, 1).Serve(link.NewDeviceStream(stdio{}, config.FrameBytes))
	os.Exit(0)
}

func startDevice(t *testing.T, mode string) (*host.Session, error) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "HOST_TEST_DEVICE="+mode)
	p, err := link.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	return host.Dial(t.Context(), p, host.Options{FrameBytes: config.FrameBytes})
}

func TestProcess(t *testing.T) {
	s, err := startDevice(t, "run")
	if err != nil {
		t.Fatal(err)
	}
	plain := model.NewPlain(config, fold)
	setUp(t, plain)
	setUp(t, s)
	js := jobs(rand.New(rand.NewPCG(7, 7)), 30)
	want, _ := work(plain, js)
	got, err := work(s, js)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Read(device.Weights, 0, 1); err == nil || err.Error() != "session is closed" {
		t.Errorf("after close: %v", err)
	}
}

func TestProcessDies(t *testing.T) {
	s, err := startDevice(t, "crash")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var js []job
	for i := range 6 {
		js = append(js, job{run: device.Run{Label: uint16(i)}})
	}
	got, err := work(s, js)
	if err == nil || !strings.HasPrefix(err.Error(), "device is gone: "+filepath.Base(os.Args[0])+" ended: exit status 7; it wrote\nnmc_engine.v:12: assertion: pc beyond the program") {
		t.Errorf("error %v", err)
	}
	if len(got) != 4 { // three good ones and the one that came with the error
		t.Errorf("%d results before the end, want 3", len(got)-1)
	}
}

// A 2 MB weight memory goes over a pipe in little time.
func BenchmarkWrite(b *testing.B) {
	cfg := config
	cfg.WeightDepth, cfg.FrameBytes = 1<<18, 1024
	dev := model.New(model.NewPlain(cfg, fold), cfg, 1)
	x, y := net.Pipe()
	go dev.Serve(link.NewDeviceStream(y, cfg.FrameBytes))
	s, err := host.Dial(b.Context(), link.NewStream(x), host.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	data := ramp(1 << 20)
	b.SetBytes(2 << 20)
	for b.Loop() {
		if err := s.Write(device.Weights, 0, data); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(s.Stats().Resent), "resent")
}
