package discover_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/discover"
	"github.com/nmc-fpga/nmc/host/link/linktest"
	"github.com/nmc-fpga/nmc/host/proto"
)

// answer serves a UDP port: each hello gets the reply that f makes of it.
func answer(t *testing.T, f func(q proto.Request) []byte) netip.AddrPort {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		buf := make([]byte, 2048)
		dec := proto.NewDecoder(proto.MinRequest, 1024)
		for {
			n, from, err := c.ReadFromUDPAddrPort(buf)
			if err != nil {
				return
			}
			dec.Feed(buf[:n], func(b []byte) {
				if q, err := proto.ParseRequest(b); err == nil {
					c.WriteToUDPAddrPort(f(q), from)
				}
			})
		}
	}()
	return c.LocalAddr().(*net.UDPAddr).AddrPort()
}

func hello(q proto.Request, body []byte) []byte {
	return proto.AppendWire(nil, proto.Reply{Op: q.Op, Seq: q.Seq, Body: body}.Frame())
}

func TestNetwork(t *testing.T) {
	one, two := device.Identity{Lanes: 4, HwID: 1, Boot: 9}, device.Identity{Lanes: 16, HwID: 2, ImageID: 3, Session: 4, Last: 5}
	times := 0
	at := []netip.AddrPort{
		answer(t, func(q proto.Request) []byte { return hello(q, proto.IdentityBody(one)) }),
		answer(t, func(q proto.Request) []byte { // at the second time
			if times++; times < 2 {
				return []byte("what?\x00")
			}
			return hello(q, proto.IdentityBody(two))
		}),
		answer(t, func(q proto.Request) []byte { return hello(q, []byte{7}) }),
		answer(t, func(q proto.Request) []byte { q.Seq++; return hello(q, proto.IdentityBody(one)) }), // to another's question
		netip.MustParseAddrPort("127.0.0.1:1"),
	}
	ctx, cancel := context.WithTimeout(t.Context(), 600*time.Millisecond)
	defer cancel()
	found, err := discover.Network(ctx, at)
	if err != nil {
		t.Fatal(err)
	}
	who := map[netip.AddrPort]discover.Found{}
	for _, f := range found {
		who[f.At] = f
	}
	if len(found) != 3 || who[at[0]].Identity != one || who[at[1]].Identity != two {
		t.Errorf("found %+v", found)
	}
	if err := who[at[2]].Err; err == nil || !strings.HasPrefix(err.Error(), "device speaks version 7") {
		t.Errorf("of another version: %v", err)
	}
	if !slices.IsSortedFunc(found, func(a, b discover.Found) int { return a.At.Compare(b.At) }) {
		t.Errorf("not in order: %+v", found)
	}
}

func TestAsk(t *testing.T) {
	for _, c := range []struct {
		reply *proto.Reply
		want  string
	}{
		{&proto.Reply{Body: proto.IdentityBody(device.Identity{Lanes: 8})}, ""},
		{&proto.Reply{Status: proto.StatusBad}, "answers hello with status bad"},
		{nil, "does not answer"},
	} {
		near, far := linktest.Pair(1, linktest.Faults{})
		go func() {
			for {
				f, err := far.Recv()
				if err != nil {
					return
				}
				if q, err := proto.ParseRequest(f); err == nil && c.reply != nil {
					r := *c.reply
					r.Op, r.Seq = q.Op, q.Seq
					far.Send(r.Frame())
				}
			}
		}()
		ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
		id, err := discover.Ask(ctx, near)
		cancel()
		if c.want == "" && (err != nil || id.Lanes != 8) || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%+v, %v, want %q", id, err, c.want)
		}
		if _, err := near.Recv(); !errors.Is(err, linktest.ErrClosed) {
			t.Errorf("the link is not closed: %v", err)
		}
	}
}

func TestEverywhere(t *testing.T) {
	all, err := discover.Everywhere(77)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"255.255.255.255:77", "127.0.0.1:77"} {
		if !slices.Contains(all, netip.MustParseAddrPort(want)) {
			t.Errorf("%v has no %s", all, want)
		}
	}
}

func TestPorts(t *testing.T) {
	ports, err := discover.Ports()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range ports {
		if p.Path == "" {
			t.Errorf("a port without a path: %+v", p)
		}
	}
}
