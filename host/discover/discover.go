// Package discover finds devices: serial ports with what their USB says, and who on the network answers a hello. It only
// greets: no device changes its state.
package discover

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/proto"
)

// again is the time after which a hello is repeated.
const again = 100 * time.Millisecond

// Ask greets what is at the other end of a link, until it answers or the context is done: then the error is host.ErrSilent.
// The link is closed.
func Ask(ctx context.Context, l host.Link) (device.Identity, error) {
	defer l.Close()
	seq := uint16(rand.Uint32())
	type answer struct {
		id  device.Identity
		err error
	}
	got := make(chan answer, 1)
	go func() {
		for {
			f, err := l.Recv()
			if err != nil {
				got <- answer{err: err}
				return
			}
			if id, ok, err := parse(f, seq); ok {
				got <- answer{id, err}
				return
			}
		}
	}()
	hello := proto.Request{Op: proto.OpHello, Seq: seq}.Frame()
	tick := time.NewTicker(again)
	defer tick.Stop()
	for {
		if err := l.Send(hello); err != nil {
			return device.Identity{}, err
		}
		select {
		case a := <-got:
			return a.id, a.err
		case <-ctx.Done():
			return device.Identity{}, host.ErrSilent
		case <-tick.C:
		}
	}
}

// parse reads a reply to the hello of that number; ok says whether it is one.
func parse(frame []byte, seq uint16) (id device.Identity, ok bool, err error) {
	r, err := proto.ParseReply(frame)
	if err != nil || r.Op != proto.OpHello || r.Seq != seq {
		return id, false, nil
	}
	if r.Status != proto.StatusOK {
		return id, true, fmt.Errorf("answers hello with status %v", r.Status)
	}
	id, err = proto.ParseIdentity(r.Body)
	return id, true, err
}

// Found is who answered on the network.
type Found struct {
	At       netip.AddrPort
	Identity device.Identity
	Err      error // an answer of another version
}

// Everywhere returns where devices with the port may listen: all addresses of each network that the machine is in, and the
// machine itself.
func Everywhere(port int) ([]netip.AddrPort, error) {
	all := []netip.Addr{netip.AddrFrom4([4]byte{255, 255, 255, 255}), netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		p, err := netip.ParsePrefix(a.String())
		if err != nil || !p.Addr().Is4() || p.Addr().IsLoopback() || p.Bits() > 30 {
			continue
		}
		b := p.Addr().As4()
		for i := p.Bits(); i < 32; i++ {
			b[i/8] |= 0x80 >> (i % 8)
		}
		all = append(all, netip.AddrFrom4(b))
	}
	out := make([]netip.AddrPort, len(all))
	for i, a := range all {
		out[i] = netip.AddrPortFrom(a, uint16(port))
	}
	return out, nil
}

// Network greets all addresses, broadcast ones too, and returns who answers until the context is done, by address.
func Network(ctx context.Context, to []netip.AddrPort) ([]Found, error) {
	conn, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	seq := uint16(rand.Uint32())
	hello := proto.AppendWire([]byte{0}, proto.Request{Op: proto.OpHello, Seq: seq}.Frame())
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		tick := time.NewTicker(again)
		defer tick.Stop()
		for {
			for _, a := range to {
				conn.WriteToUDPAddrPort(hello, a) // a network that is down has no devices
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	var found []Found
	buf := make([]byte, 2048)
	dec := proto.NewDecoder(proto.MinReply, proto.MaxReply)
	for ctx.Err() == nil {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			continue // of one that is not there, or the end
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		dec.Feed(buf[:n], func(f []byte) {
			id, ok, err := parse(bytes.Clone(f), seq)
			if ok && !slices.ContainsFunc(found, func(x Found) bool { return x.At == from }) {
				found = append(found, Found{from, id, err})
			}
		})
		dec.End()
	}
	<-sent
	slices.SortFunc(found, func(a, b Found) int { return a.At.Compare(b.At) })
	return found, nil
}

// Port is a serial port.
type Port struct {
	Path    string
	USB     string // vendor and product, such as 0403:6010; "": it is not on USB
	Product string
	Serial  string
}
