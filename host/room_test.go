package host_test

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/link/linktest"
	"github.com/nmc-fpga/nmc/host/model"
	"github.com/nmc-fpga/nmc/host/proto"
)

// bounded does jobs on a device behind a buffer of size bytes and compares the results with an engine without a link.
func bounded(t *testing.T, size, rate int, seed uint64, f linktest.Faults, opt host.Options) (dropped, most int, st host.Stats, took time.Duration) {
	t.Helper()
	js := jobs(rand.New(rand.NewPCG(seed, 4)), 40)
	plain := model.NewPlain(config, fold)
	setUp(t, plain)
	want, err := work(plain, js)
	if err != nil {
		t.Fatal(err)
	}
	engine := model.NewPlain(config, fold)
	engine.Latency = 3 * time.Millisecond
	dev := model.New(engine, config, 77)
	h, d := linktest.Pair(seed, f)
	b := linktest.NewBuffer(d, size, rate)
	served := make(chan error)
	go func() { served <- dev.Serve(b) }()
	opt.FrameBytes = config.FrameBytes
	s, err := host.Dial(t.Context(), h, opt)
	if err != nil {
		t.Fatal(err)
	}
	setUp(t, s)
	start := time.Now()
	got, err := work(s, js)
	took = time.Since(start)
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("seed %d: %s", seed, d)
	}
	if _, err := s.Read(device.Weights, 0, 512); err != nil {
		t.Fatal(err)
	}
	st = s.Stats()
	s.Close()
	<-served
	if dev.Started() != uint64(len(js)) {
		t.Errorf("seed %d: %d runs for %d commits", seed, dev.Started(), len(js))
	}
	dropped, most = b.Dropped()
	time.Sleep(time.Second) // late frames find nobody
	return dropped, most, st, took
}

// What the session may send never exceeds the room: nothing is dropped, so nothing is sent again.
func TestRoom(t *testing.T) {
	for _, size := range []int{100, 130, 300, 1000} {
		synctest.Test(t, func(t *testing.T) {
			dropped, most, st, _ := bounded(t, size, 300e3, 1, linktest.Faults{Latency: time.Millisecond, Rate: 1e6}, host.Options{Room: size})
			if dropped > 0 || st.Resent > 0 {
				t.Errorf("room %d: %d frames dropped, %d requests sent again", size, dropped, st.Resent)
			}
			if most > max(size, config.FrameBytes+2) || most < size/3 {
				t.Errorf("room %d: up to %d bytes lay there", size, most)
			}
		})
	}
	// The buffer does bite.
	synctest.Test(t, func(t *testing.T) {
		dropped, _, st, _ := bounded(t, 130, 300e3, 1, linktest.Faults{Latency: time.Millisecond, Rate: 1e6}, host.Options{})
		if dropped == 0 || st.Resent == 0 {
			t.Errorf("without a limit %d frames were dropped and %d requests sent again", dropped, st.Resent)
		}
	})
}

// A steady link needs little room to stream, though its acknowledgements take their time.
func TestSteadyRoom(t *testing.T) {
	var took [2]time.Duration
	for i, steady := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			f := linktest.Faults{Latency: 2 * time.Millisecond, Rate: 300e3}
			dropped, _, st, d := bounded(t, 256, 1e6, 2, f, host.Options{Room: 256, Steady: steady, Rate: f.Rate})
			if dropped > 0 || st.Resent > 0 {
				t.Errorf("steady %t: %d frames dropped, %d requests sent again", steady, dropped, st.Resent)
			}
			took[i] = d
		})
	}
	if took[1]*5 > took[0]*4 {
		t.Errorf("a steady link took %v, another %v", took[1], took[0])
	}
}

// Faults and a small buffer at once: every commit runs once, and the count never ends in a standstill.
func TestRoomUnderFaults(t *testing.T) {
	seeds := 200
	if testing.Short() {
		seeds = 20
	}
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 5))
			opt := host.Options{Room: []int{1, 130, 260, 600}[rnd.IntN(4)], Steady: rnd.IntN(2) > 0, FirstTimeout: 5 * time.Millisecond}
			bounded(t, max(130, opt.Room), 1e6, seed, linktest.Each(0.1), opt)
		})
	}
}

// No acknowledgement of a part arrives: the commits' replies and time-outs have to do.
func TestRoomWithoutAcknowledgements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		engine := model.NewPlain(config, fold)
		dev := model.New(engine, config, 77)
		h, d := linktest.Pair(1, linktest.Faults{Latency: time.Millisecond})
		go dev.Serve(mute{d})
		s, err := host.Dial(t.Context(), h, host.Options{Room: 200, FrameBytes: config.FrameBytes})
		if err != nil {
			t.Fatal(err)
		}
		setUp(t, s)
		js := jobs(rand.New(rand.NewPCG(9, 9)), 20)
		if _, err := work(s, js); err != nil {
			t.Fatal(err)
		}
		if dev.Started() != uint64(len(js)) {
			t.Errorf("%d runs for %d commits", dev.Started(), len(js))
		}
		s.Close()
		synctest.Wait()
	})
}

// mute is a device's end that loses the replies to parts.
type mute struct{ *linktest.End }

func (m mute) Send(frame []byte) error {
	if frame[0] == byte(proto.OpSample)|proto.ReplyBit {
		return nil
	}
	return m.End.Send(frame)
}
