//go:build unix

package link_test

import (
	"fmt"
	"net"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host"
	"github.com/nmc-fpga/nmc/host/link"
	"github.com/nmc-fpga/nmc/host/proto"
)

// acknowledge plays a device that takes time for nothing: each frame is unstuffed, its CRC checked, and acknowledged.
func acknowledge(conn *net.UDPConn, frameBytes int) {
	pc := ipv4.NewPacketConn(conn)
	in := make([]ipv4.Message, 64)
	for i := range in {
		in[i].Buffers = [][]byte{make([]byte, 2048)}
	}
	out := make([]ipv4.Message, 0, 64)
	dec := proto.NewDecoder(proto.MinRequest, frameBytes)
	var session uint32
	for {
		n, err := pc.ReadBatch(in, 0)
		if err != nil {
			return
		}
		var wire []byte
		out = out[:0]
		flush := func(to net.Addr) {
			out = append(out, ipv4.Message{Buffers: [][]byte{wire}, Addr: to})
			wire = nil
		}
		for _, m := range in[:n] {
			dec.Feed(m.Buffers[0][:m.N], func(f []byte) {
				q, err := proto.ParseRequest(f)
				if err != nil {
					return
				}
				r := proto.Reply{Op: q.Op, Seq: q.Seq}
				switch q.Op {
				case proto.OpOpen:
					session = q.Session
					fallthrough
				case proto.OpHello:
					r.Body = proto.IdentityBody(device.Identity{Lanes: 4, Session: session})
				case proto.OpRead:
					r.Body = make([]byte, 2*int(q.Body[5]))
				case proto.OpCommit:
					r.Body = proto.ResultBody(device.Result{N: q.N})
				}
				if wire = proto.AppendWire(wire, r.Frame()); len(wire) > 1200 {
					flush(m.Addr)
				}
			})
			dec.End()
		}
		if len(wire) > 0 {
			flush(in[0].Addr)
		}
		for rest := out; len(rest) > 0; {
			n, err := pc.WriteBatch(rest, 0)
			if err != nil {
				return
			}
			rest = rest[n:]
		}
	}
}

// cpu returns the processor time that the process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Samples streamed over UDP to a peer on the same machine that acknowledges: bytes of samples a second, and the same for a
// second of one processor, the peer's work included, which says more where others use the machine. At most two samples are
// outstanding: small ones are limited by the time there and back.
func BenchmarkUDPSamples(b *testing.B) {
	for _, size := range []int{784, 3072, 30000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			conn.SetReadBuffer(4 << 20)
			go acknowledge(conn, proto.FrameBytes)
			u, err := link.DialUDP(b.Context(), conn.LocalAddr().String())
			if err != nil {
				b.Fatal(err)
			}
			s, err := host.Dial(b.Context(), u, host.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			x := make([]byte, size)
			for i := range x {
				x[i] = byte(i * i >> 3)
			}
			run := device.Run{Entry: device.Learn, Sample: device.Sample{Bytes: x}}
			b.SetBytes(int64(size))
			if err := s.Submit(run); err != nil {
				b.Fatal(err)
			}
			before := cpu(b)
			for b.Loop() {
				if err := s.Submit(run); err != nil {
					b.Fatal(err)
				}
				if _, err := s.Result(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(size)*float64(b.N)/1e6/(cpu(b)-before).Seconds(), "MB/cpu-s")
			b.ReportMetric(float64(s.Stats().Resent), "resent")
		})
	}
}
