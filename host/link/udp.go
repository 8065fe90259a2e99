package link

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"

	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/capture"
	"github.com/nmc-fpga/nmc/host/proto"
)

// datagrams is how many a UDP link hands to the system at once.
const datagrams = 64

// UDP is a link over a network: a datagram has one or more frames, stuffed and each ended by a zero.
type UDP struct {
	conn  *net.UDPConn
	batch batcher

	pack packer
	out  []ipv4.Message

	receiver
	in []ipv4.Message

	trouble atomic.Pointer[error]
}

// batcher hands several datagrams to the system at once where it can.
type batcher interface {
	ReadBatch(ms []ipv4.Message, flags int) (int, error)
	WriteBatch(ms []ipv4.Message, flags int) (int, error)
}

func openUDP(ctx context.Context, a Address) (host.Link, error) {
	u, err := DialUDP(ctx, net.JoinHostPort(a.Host, strconv.Itoa(a.Port)))
	if err != nil {
		return nil, err
	}
	return u, nil
}

// DialUDP returns the link to a device that listens at host:port. That nobody does shows only in silence.
func DialUDP(ctx context.Context, address string) (*UDP, error) {
	c, err := new(net.Dialer).DialContext(ctx, "udp", address)
	var unknown *net.DNSError
	if errors.As(err, &unknown) {
		return nil, fmt.Errorf("no host %q: %s; write its address, or look at the name and the network", unknown.Name, unknown.Err)
	}
	if err != nil {
		return nil, fmt.Errorf("udp %s: %w; look at the address and the network", address, err)
	}
	conn := c.(*net.UDPConn)
	// What comes while the session does something else waits here; a system that gives less is slower, not wrong.
	_ = conn.SetReadBuffer(4 << 20)
	_ = conn.SetWriteBuffer(4 << 20)
	u := &UDP{
		conn: conn,
		in:   make([]ipv4.Message, datagrams),
	}
	u.receiver.init()
	if remote := conn.RemoteAddr().(*net.UDPAddr); remote.IP.To4() != nil {
		u.batch = ipv4.NewPacketConn(conn)
	} else {
		u.batch = ipv6.NewPacketConn(conn)
	}
	for i := range u.in {
		u.in[i].Buffers = [][]byte{make([]byte, 2048)}
	}
	return u, nil
}

// Send sends a frame in a datagram.
func (u *UDP) Send(frame []byte) error { return u.SendAll([][]byte{frame}) }

// SendAll sends frames in as few datagrams as hold them.
func (u *UDP) SendAll(frames [][]byte) error {
	u.pack.reset()
	for _, f := range frames {
		if err := u.pack.add(f); err != nil {
			return err
		}
	}
	u.out = u.out[:0]
	for _, d := range u.pack.datagrams() {
		u.out = append(u.out, ipv4.Message{Buffers: [][]byte{d}})
	}
	for rest := u.out; len(rest) > 0; {
		n, err := u.batch.WriteBatch(rest, 0)
		if err != nil && u.fatal(err) {
			return fmt.Errorf("udp: %w", err)
		}
		if err != nil || n < 1 {
			n = 1 // lost; what it said of an earlier one is as good a reason
		}
		rest = rest[n:]
	}
	return nil
}

// Recv returns the next good frame; bad ones are dropped and counted.
func (u *UDP) Recv() ([]byte, error) {
	for len(u.ready) == 0 {
		n, err := u.batch.ReadBatch(u.in, 0)
		if err != nil && u.fatal(err) {
			return nil, fmt.Errorf("udp: %w", err)
		}
		if err != nil {
			continue
		}
		u.trouble.Store(nil)
		for _, m := range u.in[:n] {
			u.take(m.Buffers[0][:m.N])
		}
	}
	return u.next(), nil
}

// fatal says whether an error ends the link. What the network says of a device that is not there does not: it may come.
func (u *UDP) fatal(err error) bool {
	if errors.Is(err, net.ErrClosed) {
		return true
	}
	u.trouble.Store(&err)
	return false
}

// Trouble returns what the network said of an undelivered datagram since one came last, or nil.
func (u *UDP) Trouble() error {
	if p := u.trouble.Load(); p != nil {
		return *p
	}
	return nil
}

// Ends returns who speaks with whom, for a capture.
func (u *UDP) Ends() (host, device capture.End) {
	return capture.End{Addr: u.conn.LocalAddr().(*net.UDPAddr).AddrPort()}, capture.End{Addr: u.conn.RemoteAddr().(*net.UDPAddr).AddrPort()}
}

// Close ends the link.
func (u *UDP) Close() error { return u.conn.Close() }

// receiver takes replies out of datagrams.
type receiver struct {
	dec   *proto.Decoder
	ready [][]byte // not yet received
	bad   atomic.Uint64
}

func (r *receiver) init() { r.dec = proto.NewDecoder(proto.MinReply, proto.MaxReply) }

// take takes the frames out of a datagram.
func (r *receiver) take(datagram []byte) {
	r.dec.Feed(datagram, func(f []byte) { r.ready = append(r.ready, bytes.Clone(f)) })
	r.dec.End()
	r.bad.Store(r.dec.Bad)
}

// next returns the frame that came first.
func (r *receiver) next() []byte {
	f := r.ready[0]
	if r.ready = r.ready[1:]; len(r.ready) == 0 {
		r.ready = nil
	}
	return f
}

// Bad returns the number of dropped frames so far.
func (r *receiver) Bad() uint64 { return r.bad.Load() }

// packer puts frames into datagrams.
type packer struct {
	bufs [][]byte // that were used before
	n    int      // in use
}

func (p *packer) reset() { p.n = 0 }

// datagrams returns them.
func (p *packer) datagrams() [][]byte { return p.bufs[:p.n] }

// add puts a frame into the last datagram, or into a new one where it does not fit.
func (p *packer) add(frame []byte) error {
	if p.n > 0 {
		last := &p.bufs[p.n-1]
		was := len(*last)
		if was+len(frame)+2 <= proto.MaxDatagram {
			if *last = proto.AppendWire(*last, frame); len(*last) <= proto.MaxDatagram {
				return nil
			}
			*last = (*last)[:was]
		}
	}
	if p.n == len(p.bufs) {
		p.bufs = append(p.bufs, make([]byte, 0, proto.MaxDatagram+16))
	}
	b := &p.bufs[p.n]
	// A zero first ends whatever half a frame the device still holds.
	*b = proto.AppendWire(append((*b)[:0], 0), frame)
	if len(*b) > proto.MaxDatagram {
		return fmt.Errorf("a frame of %d bytes does not fit a datagram of %d; compile with a smaller frame_bytes in [device]", len(frame), proto.MaxDatagram)
	}
	p.n++
	return nil
}
