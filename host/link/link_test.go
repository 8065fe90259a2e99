package link

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/host/proto"
)

// buffer is a stream whose reads are given and whose writes are kept.
type buffer struct {
	in  *bytes.Reader
	out bytes.Buffer
}

func (b *buffer) Read(p []byte) (int, error)  { return b.in.Read(p) }
func (b *buffer) Write(p []byte) (int, error) { return b.out.Write(p) }
func (b *buffer) Close() error                { return nil }

func TestStream(t *testing.T) {
	a := proto.Reply{Op: proto.OpHello, Seq: 1, Body: []byte{0, 1, 0}}.Frame()
	b := proto.Reply{Op: proto.OpRead, Seq: 2}.Frame()
	wire := proto.AppendWire(nil, a)
	wire = append(wire, "garbage\x00"...)
	wire = proto.AppendWire(wire, b)
	s := NewStream(&buffer{in: bytes.NewReader(wire)})
	for _, want := range [][]byte{a, b} {
		if got, err := s.Recv(); err != nil || !bytes.Equal(got, want) {
			t.Errorf("received %x, %v, want %x", got, err, want)
		}
	}
	if _, err := s.Recv(); err == nil || err.Error() != "link: read: EOF" {
		t.Errorf("at the end: %v", err)
	}
	if s.Bad() != 1 {
		t.Errorf("%d bad frames, want 1", s.Bad())
	}

	out := &buffer{}
	s = NewStream(out)
	for range 2 {
		if err := s.Send(a); err != nil {
			t.Fatal(err)
		}
	}
	// One delimiter goes ahead of the first frame.
	want := proto.AppendWire(proto.AppendWire([]byte{0}, a), a)
	if !bytes.Equal(out.out.Bytes(), want) {
		t.Errorf("sent %x, want %x", out.out.Bytes(), want)
	}
}

func TestTail(t *testing.T) {
	for _, c := range []struct{ write, want string }{
		{"", ""},
		{"one\n", "one"},
		{"first line\nsecond\nthird\n", "second\nthird"},
		{strings.Repeat("x", 40), strings.Repeat("x", 16)},
	} {
		w := &tail{max: 16}
		for _, b := range []byte(c.write) {
			w.Write([]byte{b})
		}
		if got := w.String(); got != c.want {
			t.Errorf("tail of %q is %q, want %q", c.write, got, c.want)
		}
	}
}

func TestStartError(t *testing.T) {
	_, err := Start(exec.Command("/no/such/program"))
	want := "link: start /no/such/program: fork/exec /no/such/program: no such file or directory"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
