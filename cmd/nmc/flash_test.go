package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/proto"
)

// say serves hello, open and reads of nothing but zeros over UDP as a device with an hw_id does, and returns its address.
func say(t *testing.T, hwID uint64) string {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	go func() {
		session := uint32(0)
		buf := make([]byte, 2048)
		for {
			n, from, err := c.ReadFromUDP(buf)
			if err != nil {
				return
			}
			proto.NewDecoder(proto.MinRequest, proto.MaxReply).Feed(buf[:n], func(f []byte) {
				q, err := proto.ParseRequest(f)
				if err != nil {
					return
				}
				if q.Op == proto.OpOpen {
					session = q.Session
				}
				r := proto.Reply{Op: q.Op, Seq: q.Seq, Body: proto.IdentityBody(device.Identity{Lanes: 4, HwID: hwID, Boot: 7, Session: session})}
				if q.Op == proto.OpRead {
					if read, err := proto.ParseRead(q.Body); err == nil {
						r.Body = make([]byte, 2*read.Count)
					}
				}
				c.WriteToUDP(proto.AppendWire(nil, r.Frame()), from)
			})
		}
	}()
	return "udp:" + c.LocalAddr().String()
}

// After flashing, the build's device is told from another one, and from none.
func TestConfirm(t *testing.T) {
	c := device.Config{Lanes: 4, WeightDepth: 1024, VectorDepth: 512, ProgramDepth: 256, TableDepth: 256, WeightPorts: 2, FrameBytes: 1024}
	b := &build{manifest: &manifest.Manifest{Device: c, HwID: manifest.Hex(c.ID())}}
	ask := func(on string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		return confirm(ctx, reach{on: on, patience: 2 * time.Second}, b, &bytes.Buffer{})
	}
	if err := ask(say(t, c.ID())); err != nil {
		t.Errorf("the build's own device: %v", err)
	}
	if err := ask(say(t, 1)); err == nil || !strings.Contains(err.Error(), "has hw_id 0000000000000001, the build "+b.manifest.HwID.String()+": it is another one, or the board still runs its old bitstream; reset it") {
		t.Errorf("another device: %v", err)
	}
	if err := ask("udp:127.0.0.1:9"); err == nil || !strings.Contains(err.Error(), "the device at udp:127.0.0.1:9 does not say which it is: ") {
		t.Errorf("no device: %v", err)
	}
}
