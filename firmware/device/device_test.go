package device

import (
	"encoding/json"
	"testing"
)

var cfg = Config{Lanes: 4, WeightDepth: 1024, VectorDepth: 512, ProgramDepth: 256, TableDepth: 512, WeightPorts: 2, FrameBytes: 1024}

// Devices keep their names, which bitstreams and checkpoints have.
func TestID(t *testing.T) {
	with := func(l Link) Config { c := cfg; c.Link = l; return c }
	serial := Link{Kind: UART, Clock: 24_000_000, Baud: 3_000_000, FIFO: 512}
	slow, bare := serial, serial
	slow.Baud, bare.FIFO = 115_200, 0
	seen := map[uint64]string{}
	for _, c := range []struct {
		name string
		c    Config
		want uint64
	}{
		{"stream", cfg, 0xa03f1085b84fe372},
		{"uart", with(serial), 0x9c65a19eaf8a9c20},
		{"slower uart", with(slow), 0xa2eb748d9d8495fa},
		{"uart without a queue", with(bare), 0xb14169c0dff4e9c7},
		{"ethernet", with(Link{Kind: Ethernet, Clock: 50_000_000, FIFO: 4096, PHY: "mii", MAC: "02:00:00:00:00:01", IP: "10.0.0.2", Port: 9}), 0x38986f81eb85db19},
	} {
		id := c.c.ID()
		if id != c.want {
			t.Errorf("%s: hw_id %016x, was %016x", c.name, id, c.want)
		}
		if other, twice := seen[id]; twice {
			t.Errorf("%s and %s have the same hw_id", c.name, other)
		}
		seen[id] = c.name
		if c.c.Engine() != cfg {
			t.Errorf("%s: another engine", c.name)
		}
		text, err := json.Marshal(c.c)
		if err != nil {
			t.Fatal(err)
		}
		var back Config
		if err := json.Unmarshal(text, &back); err != nil || back != c.c {
			t.Errorf("%s: %s reads as %+v, %v", c.name, text, back, err)
		}
	}
}

func TestRoom(t *testing.T) {
	for _, c := range []struct {
		link Link
		want int
	}{{Link{}, 0}, {Link{Kind: UART}, 1}, {Link{Kind: UART, FIFO: 512}, 512}} {
		if got := c.link.Room(); got != c.want {
			t.Errorf("%+v: room %d, want %d", c.link, got, c.want)
		}
	}
	serial := Link{Kind: UART, Clock: 24_000_000, Baud: 3_000_000, FIFO: 512}
	small := serial
	small.FIFO = 64
	for _, c := range []struct {
		link Link
		want bool
	}{{Link{}, false}, {serial, true}, {small, false}} {
		if got := c.link.Steady(1024); got != c.want {
			t.Errorf("%+v: steady %t, want %t", c.link, got, c.want)
		}
	}
}
