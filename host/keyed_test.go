package host_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/link/linktest"
	"github.com/nmc-fpga/nmc/host/model"
	"github.com/nmc-fpga/nmc/host/proto"
	"github.com/nmc-fpga/nmc/host/seal"
)

// overheard keeps the frames that a host sends, as somebody on the same network does.
type overheard struct {
	host.Link
	mu     sync.Mutex
	frames [][]byte
}

func (o *overheard) Send(frame []byte) error {
	o.mu.Lock()
	o.frames = append(o.frames, bytes.Clone(frame))
	o.mu.Unlock()
	return o.Link.Send(frame)
}

// Nobody without the key steers a device that has one: not by frames of his own, not by frames that he overheard, not after the
// device has started anew.
func TestKeyedDeviceObeysItsHostOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config
		cfg.Key = device.Key{1, 2, 3}
		engine := model.NewPlain(cfg, fold)
		dev := model.New(engine, cfg, 77)
		h, d := linktest.Pair(1, linktest.Faults{})
		go dev.Serve(d)
		ear := &overheard{Link: h}
		s, err := host.Dial(t.Context(), ear, host.Options{FrameBytes: cfg.FrameBytes, Key: cfg.Key})
		if err != nil {
			t.Fatal(err)
		}
		setUp(t, s)
		js := jobs(rand.New(rand.NewPCG(1, 1)), 12)
		if _, err := work(s, js); err != nil {
			t.Fatal(err)
		}
		id, err := s.Identity()
		if err != nil {
			t.Fatal(err)
		}
		if !id.Keyed {
			t.Error("the device does not say that it has a key")
		}
		weights := readAll(t, s, device.Weights, len(engine.Space(device.Weights)))
		unchanged := func(what string) {
			t.Helper()
			time.Sleep(time.Second)
			if d := cmp.Diff(weights, readAll(t, engine, device.Weights, len(weights))); d != "" {
				t.Errorf("%s changed weights\n%s", what, d)
			}
		}

		forge := func(op proto.Op, session uint32, n uint64, body []byte) []byte {
			return proto.Request{Op: op, Session: session, N: n, Body: body}.Frame()
		}
		write := proto.Write{Space: device.Weights, Data: []uint16{9, 9, 9}}.Body()
		commit := proto.Commit{Entry: device.Learn}.Body()
		for _, key := range []device.Key{{}, {1, 2, 4}} {
			for _, f := range [][]byte{
				forge(proto.OpWrite, id.Session, id.Last+1, write), forge(proto.OpCommit, id.Session, id.Last+1, commit),
				forge(proto.OpOpen, id.Session+1, 0, nil), forge(proto.OpWrite, id.Session+1, 1, write),
			} {
				if !key.IsZero() {
					f = seal.Append(f, key, id.Boot)
				}
				h.Send(f)
			}
		}
		unchanged("a forger")
		for _, f := range ear.frames {
			h.Send(f)
		}
		unchanged("a repeat of the session")
		if again, err := s.Identity(); err != nil || again != id {
			t.Errorf("the session is %+v, %v after the attacks, was %+v", again, err, id)
		}
		s.Close()
		synctest.Wait()
		if dev.Started() != uint64(len(js)) {
			t.Errorf("%d runs for %d commits", dev.Started(), len(js))
		}

		// The same frames after a restart: sessions start from 0 again, the boot number differs.
		dev = model.New(engine, cfg, 78)
		h, d = linktest.Pair(2, linktest.Faults{})
		go dev.Serve(d)
		for _, f := range ear.frames {
			h.Send(f)
		}
		unchanged("a repeat after a restart")
		h.Close()
		synctest.Wait()
		if dev.Started() != 0 {
			t.Errorf("%d runs after a restart", dev.Started())
		}
	})
}

func TestKeysMustMatch(t *testing.T) {
	for _, c := range []struct {
		device, host device.Key
		want         string
	}{
		{device.Key{1}, device.Key{}, "device obeys frames with its key only"},
		{device.Key{}, device.Key{1}, "device has no key and obeys anybody"},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := config
			cfg.Key = c.device
			dev := model.New(model.NewPlain(cfg, fold), cfg, 1)
			h, d := linktest.Pair(1, linktest.Faults{})
			go dev.Serve(d)
			_, err := host.Dial(t.Context(), h, host.Options{FrameBytes: cfg.FrameBytes, Key: c.host})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
			synctest.Wait()
		})
	}
}
