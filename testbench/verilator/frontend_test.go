package verilator_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/nmc-fpga/nmc"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/proto"
	"github.com/nmc-fpga/nmc/host/seal"
	"github.com/nmc-fpga/nmc/testbench/verilator"
)

// cfg is the device of these tests. The stub engine has 4,096 halfwords in every space.
var cfg = device.Config{Lanes: 4, WeightDepth: 1024, VectorDepth: 1024, ProgramDepth: 512, TableDepth: 512, WeightPorts: 2, FrameBytes: 1024}

const hwBoot = 0 // a counter

// top renders the module that wraps the device.
func top(cfg device.Config) []byte {
	return fmt.Appendf(nil, `module nmc_top(
  input wire clk_i, input wire rst_i,
  input wire rx_valid_i, output wire rx_ready_o, input wire [7:0] rx_data_i,
  output wire tx_valid_o, input wire tx_ready_i, output wire [7:0] tx_data_o,
  output wire busy_o, output wire trace_valid_o, output wire [11:0] trace_pc_o, output wire [31:0] trace_cycles_o);
  nmc_device #(.Lanes(%d), .WeightDepth(%d), .VectorDepth(%d), .ProgramDepth(%d), .TableDepth(%d), .WeightPorts(%d),
    .FrameBytes(%d), .Keyed(%d), .Key(128'h%x), .HwId(64'h%016x), .Boot(32'd%d)) u_device (
    .clk_i(clk_i), .rst_i(rst_i), .rx_valid_i(rx_valid_i), .rx_ready_o(rx_ready_o), .rx_data_i(rx_data_i),
    .tx_valid_o(tx_valid_o), .tx_ready_i(tx_ready_i), .tx_data_o(tx_data_o), .count_valid_i(4'd0), .count_ready_o(), .busy_o(busy_o),
    .trace_valid_o(trace_valid_o), .trace_pc_o(trace_pc_o), .trace_cycles_o(trace_cycles_o));
endmodule
`, cfg.Lanes, cfg.WeightDepth, cfg.VectorDepth, cfg.ProgramDepth, cfg.TableDepth, cfg.WeightPorts, cfg.FrameBytes, cfg.Key.Keyed(), cfg.Key.Number(), cfg.ID(), hwBoot)
}

// needTools skips where Verilator is missing, but not in CI.
func needTools(t *testing.T) {
	t.Helper()
	if err := verilator.Available(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("SKIP:", err)
	}
}

// stubbed is the RTL with the stub in the place of the engine and the front end's assertions on.
func stubbed(t *testing.T) fs.FS {
	t.Helper()
	all := fstest.MapFS{}
	for _, pattern := range []string{"gen/*.vh", "rtl/*.v"} {
		names, err := fs.Glob(nmc.HDL, pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			text, err := fs.ReadFile(nmc.HDL, name)
			if err != nil {
				t.Fatal(err)
			}
			all[name] = &fstest.MapFile{Data: append([]byte("`define NMC_ASSERT\n"), text...)}
		}
	}
	stub, err := os.ReadFile("testdata/stub_engine.v")
	if err != nil {
		t.Fatal(err)
	}
	all["rtl/nmc_engine.v"] = &fstest.MapFile{Data: stub}
	return all
}

// line is the host's end, without any policy: what a test sends is what the device gets.
type line struct {
	t       *testing.T
	dev     io.ReadWriteCloser
	seq     uint16
	session uint32
	key     device.Key
	boot    uint32 // for tags
	frames  chan []byte
}

func dial(t *testing.T) *line { t.Helper(); return dialTo(t, cfg) }

func dialTo(t *testing.T, cfg device.Config) *line {
	t.Helper()
	needTools(t)
	bin, err := verilator.Build(t.Context(), stubbed(t), top(cfg), cfg, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	dev, err := verilator.Start(bin)
	if err != nil {
		t.Fatal(err)
	}
	l := listen(t, dev)
	l.key = cfg.Key
	return l
}

// listen takes the frames that a device says until it is closed, with the test.
func listen(t *testing.T, dev io.ReadWriteCloser) *line {
	t.Helper()
	l := &line{t: t, dev: dev, session: 7, frames: make(chan []byte, 4096)}
	go func() {
		defer close(l.frames)
		dec := proto.NewDecoder(proto.MinReply, proto.MaxReply)
		buf := make([]byte, 4096)
		for {
			n, err := dev.Read(buf)
			dec.Feed(buf[:n], func(f []byte) { l.frames <- slices.Clone(f) })
			if err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		if err := dev.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func (l *line) raw(b []byte) {
	l.t.Helper()
	if _, err := l.dev.Write(b); err != nil {
		l.t.Fatal(err)
	}
}

func (l *line) request(op proto.Op, n uint64, body []byte) proto.Request {
	l.seq++
	return proto.Request{Op: op, Seq: l.seq, Session: l.session, N: n, Body: body}
}

func (l *line) send(op proto.Op, n uint64, body []byte) (seq uint16) {
	l.t.Helper()
	r := l.request(op, n, body)
	f := r.Frame()
	if !l.key.IsZero() && seal.Needs(op) {
		f = seal.Append(f, l.key, l.boot)
	}
	l.raw(proto.AppendWire(nil, f))
	return r.Seq
}

func (l *line) recv() proto.Reply {
	l.t.Helper()
	select {
	case f, ok := <-l.frames:
		if !ok {
			l.t.Fatal("the device is gone")
		}
		r, err := proto.ParseReply(f)
		if err != nil {
			l.t.Fatal(err)
		}
		return r
	case <-time.After(20 * time.Second):
		l.t.Fatal("no reply")
	}
	panic("unreachable")
}

// ask sends one request and returns its reply, which must be the next.
func (l *line) ask(op proto.Op, n uint64, body []byte) proto.Reply {
	l.t.Helper()
	seq := l.send(op, n, body)
	r := l.recv()
	if r.Op != op&^proto.ReplyBit || r.Seq != seq {
		l.t.Fatalf("reply to %v, seq %d; expected %v, %d", r.Op, r.Seq, op, seq)
	}
	return r
}

// want asks and expects a status.
func (l *line) want(status proto.Status, op proto.Op, n uint64, body []byte) []byte {
	l.t.Helper()
	r := l.ask(op, n, body)
	if r.Status != status {
		l.t.Fatalf("%v n %d: status %v, expected %v", op, n, r.Status, status)
	}
	return r.Body
}

func (l *line) identity(op proto.Op) device.Identity {
	l.t.Helper()
	id, err := proto.ParseIdentity(l.want(proto.StatusOK, op, 0, nil))
	if err != nil {
		l.t.Fatal(err)
	}
	return id
}

func (l *line) open() { l.t.Helper(); l.identity(proto.OpOpen) }

func (l *line) write(n uint64, space device.Space, addr uint32, data ...uint16) {
	l.t.Helper()
	l.want(proto.StatusOK, proto.OpWrite, n, proto.Write{Space: space, Addr: addr, Data: data}.Body())
}

func (l *line) read(space device.Space, addr uint32, n int) []uint16 {
	l.t.Helper()
	return proto.Words(l.want(proto.StatusOK, proto.OpRead, 0, proto.Read{Space: space, Addr: addr, Count: uint8(n)}.Body()))
}

func (l *line) equal(what string, got, want []uint16) {
	l.t.Helper()
	if !slices.Equal(got, want) {
		l.t.Fatalf("%s: got %04x, expected %04x", what, got, want)
	}
}

func commit(parts int) []byte {
	return proto.Commit{Entry: device.Learn, Parts: uint8(parts), Label: 0x1234}.Body()
}

func sample(part int, kind proto.Kind, offset int, data ...byte) []byte {
	return proto.Sample{Part: uint8(part), Kind: kind, Offset: uint16(offset), Data: data}.Body()
}

// runs is what the stub counts.
func (l *line) runs() uint16 { l.t.Helper(); return l.read(device.Registers, 7, 1)[0] }

func (l *line) bad() uint16 {
	l.t.Helper()
	return l.read(device.Control, device.ControlCounters+2*device.CounterBadFrames, 1)[0]
}

func result(t *testing.T, r proto.Reply) device.Result {
	t.Helper()
	if r.Op != proto.OpCommit || r.Status != proto.StatusOK {
		t.Fatalf("reply to %v with status %v, expected the result of a commit", r.Op, r.Status)
	}
	res, err := proto.ParseResult(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func TestShortHello(t *testing.T) {
	l := dial(t)
	id := l.identity(proto.OpHello)
	if id.Lanes != 4 || id.HwID != cfg.ID() || id.Session != 0 || id.Last != 0 || id.ImageID != 0 || id.Boot == 0 {
		t.Errorf("hello after reset: %+v", id)
	}
	again := l.identity(proto.OpHello)
	if again != id {
		t.Errorf("second hello %+v, first %+v", again, id)
	}
	l.open()
	l.write(1, device.Control, device.ControlImageID, 0x1122, 0x3344, 0x5566, 0x7788)
	id.Session, id.ImageID = 7, 0x7788556633441122
	if got := l.identity(proto.OpHello); got != id {
		t.Errorf("hello %+v, expected %+v", got, id)
	}
}

func TestBootDiffersAfterRestart(t *testing.T) {
	seen := map[uint32]bool{}
	for range 4 {
		seen[dial(t).identity(proto.OpHello).Boot] = true
	}
	if len(seen) < 2 {
		t.Errorf("four starts gave the same boot number: %v", seen)
	}
}

func TestShortOpen(t *testing.T) {
	l := dial(t)
	l.want(proto.StatusSession, proto.OpWrite, 1, proto.Write{}.Body())
	l.session = 0x01000000
	l.open()
	l.want(proto.StatusOK, proto.OpCommit, 1, commit(0))
	if id := l.identity(proto.OpOpen); id.Session != l.session || id.Last != 1 {
		t.Errorf("open of the open session: %+v", id)
	}
	l.session = 0x00ffffff
	for _, op := range []proto.Op{proto.OpOpen, proto.OpWrite, proto.OpSample, proto.OpCommit} {
		body := map[proto.Op][]byte{proto.OpWrite: proto.Write{}.Body(), proto.OpSample: sample(0, 0, 0), proto.OpCommit: commit(0)}[op]
		l.want(proto.StatusSession, op, 2, body)
	}
	l.session = 0x01000001
	if id := l.identity(proto.OpOpen); id.Session != l.session || id.Last != 0 {
		t.Errorf("open of a newer session: %+v", id)
	}
	if r := l.ask(proto.OpCommit, 0, commit(0)); r.Status != proto.StatusOrder {
		t.Errorf("commit 0 in a new session: %v", r.Status)
	}
	// The cache of the old session is not this one's.
	l.want(proto.StatusOK, proto.OpCommit, 1, commit(0))
	if n := l.runs(); n != 2 {
		t.Errorf("%d runs, expected 2", n)
	}
}

func TestSpaces(t *testing.T) {
	l := dial(t)
	l.open()
	rnd := rand.New(rand.NewPCG(1, 2))
	for space := device.Weights; space <= device.Registers; space++ {
		data := make([]uint16, 501)
		for i := range data {
			data[i] = uint16(rnd.Uint32())
			if i%7 == 0 {
				data[i] = 0
			}
		}
		l.write(1, space, 1000, data...)
		for at := 0; at < len(data); at += proto.MaxCount {
			n := min(proto.MaxCount, len(data)-at)
			l.equal(fmt.Sprint("space ", space), l.read(space, uint32(1000+at), n), data[at:at+n])
		}
		l.equal("word before", l.read(space, 999, 1), []uint16{0})
		l.equal("word after", l.read(space, 1501, 1), []uint16{0})
	}
	l.write(1, device.Weights, 5) // no data: fine
}

func TestControl(t *testing.T) {
	l := dial(t)
	l.open()
	reset := make([]uint16, 32)
	reset[device.ControlSkip] = 1
	l.equal("after reset", l.read(device.Control, 0, 32), reset)
	ones := slices.Repeat([]uint16{0xffff}, 32)
	l.write(1, device.Control, 0, ones...)
	l.equal("read-only halfwords stay", l.read(device.Control, 0, 32), append(slices.Repeat([]uint16{0xffff}, 10), reset[10:]...))
	if id := l.identity(proto.OpHello); id.Session != 7 || id.HwID != cfg.ID() {
		t.Errorf("a write to the control space changed %+v", id)
	}
	// A write that ends before it leaves it as it is, whatever its checksum's first byte.
	before := func(n uint64) {
		for x := range uint16(8) {
			l.write(n, device.Control, 0, x, x, x, x<<8)
		}
	}
	l.write(1, device.Control, device.ControlSkip, 0)
	before(1)
	if res := result(t, l.ask(proto.OpCommit, 1, commit(0))); res.Overflow != 0 {
		t.Error("skip was written 0 but is on")
	}
	l.write(2, device.Control, device.ControlSkip, 1)
	for n := uint64(2); n < 5; n++ {
		before(n)
		if res := result(t, l.ask(proto.OpCommit, n, commit(0))); res.Overflow != 1 {
			t.Error("skip was written 1 but is off")
		}
	}
	res := result(t, l.ask(proto.OpCommit, 5, proto.Commit{Limit: 0x10203}.Body()))
	got := l.read(device.Control, device.ControlDigest, 12)
	want := []uint16{uint16(res.Digest), uint16(res.Digest >> 16), uint16(res.Digest >> 32), uint16(res.Digest >> 48),
		0, 0, uint16(res.Cycles), 0, 4, 0, 0x0203, 1}
	l.equal("counters", got, want)
	if !res.Stopped || res.Cycles != 64 {
		t.Errorf("result %+v", res)
	}
}

func TestShortExactlyOnce(t *testing.T) { exactlyOnce(t, dial(t)) }

// A device with one weight port has the other front end, whose bytes come from its memories without a register.
func TestShortOnePort(t *testing.T) {
	small := cfg
	small.WeightPorts = 1
	exactlyOnce(t, dialTo(t, small))
	badRequests(t, dialTo(t, small))
	badFrames(t, dialTo(t, small))
}

// exactlyOnce sends samples and commits, all of them again and again: each is learned once, and answered alike.
func exactlyOnce(t *testing.T, l *line) {
	t.Helper()
	l.open()
	l.write(1, device.Control, device.ControlInBase, 100, 0, 1000, 0)
	want := map[uint64][]byte{}
	for n := uint64(1); n <= 5; n++ {
		base := uint32(100 + 1000*(n&1))
		l.want(proto.StatusOK, proto.OpSample, n, sample(0, proto.KindBytes, 0, byte(n), 0, 255))
		l.want(proto.StatusOK, proto.OpSample, n, sample(1, proto.KindWords, 10, 1, 2, 0xfe, 0xff))
		l.want(proto.StatusOK, proto.OpSample, n, sample(1, proto.KindEvents, 10, 20, 0, 23, 1))
		l.equal("bytes", l.read(device.Vectors, base, 3), []uint16{uint16(n), 0, 255})
		l.equal("words", l.read(device.Vectors, base+10, 2), []uint16{0x0201, 0xfffe})
		l.equal("event", l.read(device.Vectors, base+20, 1), []uint16{1})
		l.equal("far event", l.read(device.Vectors, base+0x117, 2), []uint16{1, 0})

		want[n] = l.want(proto.StatusOK, proto.OpCommit, n, commit(2))
		res, err := proto.ParseResult(want[n])
		if err != nil {
			t.Fatal(err)
		}
		if res.N != n || res.Result[0] != 0x11234 || uint16(res.Result[1]) != uint16(1000*(n&1)) || res.Result[1]>>16 != int32(n) {
			t.Errorf("commit %d: %+v", n, res)
		}
		for _, old := range []uint64{n, n - 1, n} {
			if old == 0 {
				continue
			}
			if got := l.want(proto.StatusOK, proto.OpCommit, old, commit(2)); !bytes.Equal(got, want[old]) {
				t.Errorf("repeat of commit %d after %d: %x, first %x", old, n, got, want[old])
			}
		}
		if runs := l.runs(); runs != uint16(n) {
			t.Fatalf("%d runs after commit %d", runs, n)
		}
		// A repeated sample of a learned commit changes nothing.
		l.want(proto.StatusOK, proto.OpSample, n, sample(0, proto.KindBytes, 0, 77))
		l.equal("after the repeat", l.read(device.Vectors, base, 1), []uint16{uint16(n)})
	}
}

func TestOrder(t *testing.T) {
	l := dial(t)
	l.open()
	l.want(proto.StatusOrder, proto.OpCommit, 1<<48-1, commit(0)) // one before none
	for n := uint64(1); n <= 3; n++ {
		l.want(proto.StatusOK, proto.OpCommit, n, commit(0))
	}
	l.write(4, device.Weights, 0, 0xbeef)
	l.write(3, device.Weights, 0, 0xdead) // old: acknowledged, ignored
	l.write(0, device.Weights, 0, 0xdead)
	l.equal("weight", l.read(device.Weights, 0, 1), []uint16{0xbeef})
	for _, x := range []struct {
		op   proto.Op
		n    uint64
		body []byte
	}{
		{proto.OpWrite, 5, proto.Write{Data: []uint16{1}}.Body()},
		{proto.OpWrite, 4 + 256, proto.Write{Data: []uint16{1}}.Body()},
		{proto.OpWrite, 4 + 1<<40, proto.Write{Data: []uint16{1}}.Body()},
		{proto.OpSample, 5, sample(0, 0, 0, 1)},
		{proto.OpCommit, 0, commit(0)},
		{proto.OpCommit, 1, commit(0)},
		{proto.OpCommit, 5, commit(0)},
		{proto.OpCommit, 4 + 1<<32, commit(0)},
		{proto.OpCommit, proto.MaxN, commit(0)},
	} {
		n, err := proto.ParseExpected(l.want(proto.StatusOrder, x.op, x.n, x.body))
		if err != nil || n != 4 {
			t.Errorf("%v %d: expected number %d, %v", x.op, x.n, n, err)
		}
	}
	if n := l.runs(); n != 3 {
		t.Errorf("%d runs, expected 3", n)
	}
}

// Numbers of commits carry over into the higher bytes.
func TestManyCommits(t *testing.T) {
	l := dial(t)
	l.open()
	l.write(1, device.Vectors, 0, 1)
	for n := uint64(1); n <= 70000; n += 1000 {
		var b []byte
		for i := range uint64(1000) {
			b = proto.AppendWire(b, l.request(proto.OpCommit, n+i, commit(0)).Frame())
		}
		l.raw(b)
		for i := range uint64(1000) {
			if res := result(t, l.recv()); res.N != n+i {
				t.Fatalf("commit %d, expected %d", res.N, n+i)
			}
		}
	}
	if id := l.identity(proto.OpHello); id.Last != 70000 {
		t.Errorf("last is %d", id.Last)
	}
	if n := l.runs(); n != 70000&0xffff {
		t.Errorf("%d runs, modulo 65536", n)
	}
}

func TestParts(t *testing.T) {
	l := dial(t)
	l.open()
	arrived := uint32(0)
	for _, part := range []int{3, 0, 31, 1, 8, 9, 2, 16, 3} {
		l.want(proto.StatusOK, proto.OpSample, 1, sample(part, proto.KindBytes, 100+part, byte(part)))
		arrived |= 1 << part
		for _, parts := range []int{4, 5, 9, 17, 24, 25, 32} {
			need := uint32(1)<<parts - 1
			if arrived&need == need {
				continue
			}
			got, err := proto.ParseArrived(l.want(proto.StatusMissing, proto.OpCommit, 1, commit(parts)))
			if err != nil || got != arrived {
				t.Fatalf("after part %d: arrived %08x, %v; expected %08x", part, got, err, arrived)
			}
		}
	}
	l.want(proto.StatusOK, proto.OpCommit, 1, commit(4))
	if got, _ := proto.ParseArrived(l.want(proto.StatusMissing, proto.OpCommit, 2, commit(1))); got != 0 {
		t.Errorf("parts of an accepted commit stay: %08x", got)
	}
	for p := range 32 {
		l.want(proto.StatusOK, proto.OpSample, 2, sample(p, proto.KindBytes, 0, 0))
		if p < 31 {
			l.want(proto.StatusMissing, proto.OpCommit, 2, commit(32))
		}
	}
	l.want(proto.StatusOK, proto.OpCommit, 2, commit(32))
	l.want(proto.StatusOK, proto.OpSample, 3, sample(0, proto.KindBytes, 0, 0))
	l.session++
	l.open()
	l.want(proto.StatusMissing, proto.OpCommit, 1, commit(1))
	l.want(proto.StatusOK, proto.OpCommit, 1, commit(0))
	if n := l.runs(); n != 3 {
		t.Errorf("%d runs, expected 3", n)
	}
}

func TestBadRequests(t *testing.T) { badRequests(t, dial(t)) }

// badRequests are whole frames that ask for what is not there: each is answered so, and none obeyed.
func badRequests(t *testing.T, l *line) {
	t.Helper()
	l.open()
	body := func(n int) []byte { return make([]byte, n) }
	with := func(b []byte, at int, x byte) []byte { b[at] = x; return b }
	for _, x := range []struct {
		name string
		op   proto.Op
		body []byte
	}{
		{"op 0", 0, nil},
		{"op 7", 7, nil},
		{"op 8", 8, nil},
		{"op 9", 9, nil},
		{"op 134", 134, body(8)},
		{"hello with a body", proto.OpHello, body(1)},
		{"open with a body", proto.OpOpen, body(1)},
		{"write, short", proto.OpWrite, body(4)},
		{"write, odd", proto.OpWrite, body(6)},
		{"write, space 6", proto.OpWrite, with(body(7), 0, 6)},
		{"write, space 133", proto.OpWrite, with(body(7), 0, 133)},
		{"read, short", proto.OpRead, body(5)},
		{"read, long", proto.OpRead, with(body(7), 5, 1)},
		{"read of nothing", proto.OpRead, body(6)},
		{"read of 121", proto.OpRead, with(body(6), 5, 121)},
		{"read, space 6", proto.OpRead, with(with(body(6), 5, 1), 0, 6)},
		{"sample, short", proto.OpSample, body(3)},
		{"sample, part 32", proto.OpSample, with(body(5), 0, 32)},
		{"sample, kind 3", proto.OpSample, with(body(6), 1, 3)},
		{"sample, odd words", proto.OpSample, with(body(5), 1, 1)},
		{"sample, odd events", proto.OpSample, with(body(5), 1, 2)},
		{"commit, short", proto.OpCommit, body(7)},
		{"commit, long", proto.OpCommit, body(9)},
		{"commit, entry 8", proto.OpCommit, with(body(8), 0, 8)},
		{"commit, 33 parts", proto.OpCommit, with(body(8), 1, 33)},
	} {
		if r := l.ask(x.op, 1, x.body); r.Status != proto.StatusBad || len(r.Body) != 0 {
			t.Errorf("%s: status %v, body %x", x.name, r.Status, r.Body)
		}
	}
	if n := l.runs(); n != 0 {
		t.Errorf("%d runs", n)
	}
	if n := l.bad(); n != 0 {
		t.Errorf("%d bad frames counted, these were good", n)
	}
}

func TestShortBadFrames(t *testing.T) { badFrames(t, dial(t)) }

// badFrames are flipped, cut, short and long frames: each is counted, none obeyed, and the device answers after it.
func badFrames(t *testing.T, l *line) {
	t.Helper()
	l.open()
	l.write(1, device.Weights, 0, 0x5a5a)
	evil := func() []byte {
		return l.request(proto.OpWrite, 1, proto.Write{Data: []uint16{0xdead, 0xbeef}}.Body()).Frame()
	}
	count := uint16(0)
	check := func(what string, n uint16) {
		t.Helper()
		count += n
		if got := l.bad(); got != count {
			t.Errorf("%s: %d bad frames counted, expected %d", what, got, count)
			count = got
		}
		l.equal(what, l.read(device.Weights, 0, 1), []uint16{0x5a5a})
	}
	l.raw(make([]byte, 10))
	check("delimiters alone", 0)
	for bit := 0; bit < 8*len(evil()); bit += 5 {
		f := evil()
		f[bit/8] ^= 1 << (bit % 8)
		l.raw(proto.AppendWire(nil, f))
		check(fmt.Sprint("flipped bit ", bit), 1)
	}
	w := proto.AppendWire(nil, evil())
	for cut := 1; cut < len(w)-1; cut++ {
		l.raw(append(slices.Clone(w[:cut]), 0))
		check(fmt.Sprint("cut at ", cut), 1)
	}
	l.raw(append(slices.Clone(w[:9]), w...)) // restarted in the middle
	check("restarted", 1)
	for _, n := range []int{1, 2, 4, 12, 16} {
		body := bytes.Repeat([]byte{byte(n)}, n)
		body = binary.LittleEndian.AppendUint32(body[:max(0, n-4)], proto.CRC(body[:max(0, n-4)]))
		l.raw(proto.AppendWire(nil, body))
		check(fmt.Sprint("runt of ", n), 1)
	}
	// Longest and over-long writes, well sealed.
	for extra, want := range map[int]uint16{-2: 0, 0: 0, 1: 1, 2: 1, 900: 1, 70000: 1} {
		body := make([]byte, cfg.FrameBytes-proto.MinRequest+extra)
		copy(body, proto.Write{Space: device.Tables, Addr: 16}.Body())
		before := l.bad()
		l.send(proto.OpWrite, 1, body)
		if want == 0 {
			if r := l.recv(); r.Status != proto.StatusOK && extra%2 == 0 {
				t.Errorf("write of %d bytes: %v", len(body), r.Status)
			}
		}
		if got := l.bad() - before; got != want {
			t.Errorf("%d bytes more than fit: %d bad frames, expected %d", extra, got, want)
		}
		count += want
	}
	check("at the end", 0)
}

// While run n goes on, the sample of n+1 is taken; commit n+1 waits, and what comes after it too.
func TestShortOverlap(t *testing.T) {
	l := dial(t)
	l.open()
	l.write(1, device.Control, device.ControlInBase, 100, 0, 1000, 0)
	l.write(1, device.Vectors, 0, 60000) // cycles of a run
	one := l.send(proto.OpCommit, 1, commit(0))
	s2 := l.send(proto.OpSample, 2, sample(0, proto.KindBytes, 0, 9, 8, 7))
	old := l.send(proto.OpSample, 1, sample(0, proto.KindBytes, 0, 66)) // sample of the running commit: ignored
	far := l.send(proto.OpSample, 3, sample(0, proto.KindBytes, 0, 66))
	same := l.send(proto.OpCommit, 1, commit(0)) // repeat of the running commit: no reply of its own
	early := l.send(proto.OpCommit, 3, commit(0))
	hello := l.send(proto.OpHello, 0, nil)
	two := l.send(proto.OpCommit, 2, commit(1))
	s3 := l.send(proto.OpSample, 3, sample(0, proto.KindBytes, 0, 5))
	read := l.send(proto.OpRead, 0, proto.Read{Space: device.Vectors, Addr: 100, Count: 3}.Body())
	late := l.send(proto.OpCommit, 1, commit(0)) // both completed by then

	type got struct {
		seq    uint16
		status proto.Status
	}
	var replies []got
	var bodies [][]byte
	for range 10 {
		r := l.recv()
		replies = append(replies, got{r.Seq, r.Status})
		bodies = append(bodies, r.Body)
	}
	want := []got{{s2, 0}, {old, 0}, {far, proto.StatusOrder}, {early, proto.StatusOrder}, {hello, 0}, {one, 0}, {s3, 0}, {two, 0}, {read, 0}, {late, 0}}
	if !slices.Equal(replies, want) {
		t.Fatalf("replies\n%v, expected\n%v (%d has none)", replies, want, same)
	}
	if n, _ := proto.ParseExpected(bodies[2]); n != 2 {
		t.Errorf("sample 3 during run 1: expected number %d", n)
	}
	if n, _ := proto.ParseExpected(bodies[3]); n != 2 {
		t.Errorf("commit 3 during run 1: expected number %d", n)
	}
	if id, _ := proto.ParseIdentity(bodies[4]); id.Last != 0 {
		t.Errorf("last is %d while 1 runs", id.Last)
	}
	l.equal("sample 2", proto.Words(bodies[8]), []uint16{9, 8, 7})
	if !bytes.Equal(bodies[9], bodies[5]) {
		t.Errorf("repeat of 1: %x, first %x", bodies[9], bodies[5])
	}
	if res, _ := proto.ParseResult(bodies[7]); res.N != 2 || res.Digest == ^uint64(0) {
		t.Errorf("commit 2: %+v; the stub says so when a memory is touched during a run", res)
	}
	l.equal("sample 3", l.read(device.Vectors, 1100, 1), []uint16{5})
	if n := l.runs(); n != 2 {
		t.Errorf("%d runs, expected 2", n)
	}
}

// An open and a write wait for the run of the old session.
func TestOpenDuringRun(t *testing.T) {
	l := dial(t)
	l.open()
	l.write(1, device.Vectors, 0, 30000)
	one := l.send(proto.OpCommit, 1, commit(0))
	w := l.send(proto.OpWrite, 2, proto.Write{Space: device.Weights, Addr: 3, Data: []uint16{3}}.Body())
	two := l.send(proto.OpCommit, 2, commit(0))
	l.session++
	open := l.send(proto.OpOpen, 0, nil)
	for _, want := range []uint16{one, w, two, open} {
		if r := l.recv(); r.Seq != want || r.Status != proto.StatusOK {
			t.Fatalf("reply to %d, status %v; expected %d", r.Seq, r.Status, want)
		}
	}
	if id := l.identity(proto.OpHello); id.Last != 0 || id.Session != l.session {
		t.Errorf("%+v", id)
	}
	if res := result(t, l.ask(proto.OpCommit, 1, commit(0))); res.N != 1 || res.Digest == ^uint64(0) {
		t.Errorf("%+v", res)
	}
}

func TestFuzz(t *testing.T) {
	for name, cfg := range map[string]device.Config{"no key": cfg, "key": keyed} {
		t.Run(name, func(t *testing.T) { fuzz(t, dialTo(t, cfg)) })
	}
}

// fuzz sends noise and frames of anything to a device, which then answers as ever.
func fuzz(t *testing.T, l *line) {
	l.boot = l.identity(proto.OpHello).Boot
	l.open()
	rnd := rand.New(rand.NewPCG(3, 4))
	b := make([]byte, 100_000)
	for i := range b {
		b[i] = byte(rnd.Uint32())
		if rnd.IntN(40) == 0 {
			b[i] = 0
		}
	}
	l.raw(b)
	l.raw([]byte{0})
	if id := l.identity(proto.OpHello); id.Session != 7 || id.Last != 0 {
		t.Errorf("after noise: %+v", id)
	}
	if n := l.bad(); n < 1000 {
		t.Errorf("%d bad frames counted", n)
	}

	// Sealed frames of random headers and bodies in the open session: answered or not, never fatal.
	var wire []byte
	for range 2000 {
		body := make([]byte, rnd.IntN(40))
		for i := range body {
			body[i] = byte(rnd.IntN(10))
		}
		r := proto.Request{Op: proto.Op(rnd.IntN(8)), Seq: 9999, Session: 6 + uint32(rnd.IntN(2)), N: uint64(rnd.IntN(4)), Body: body}
		f := r.Frame()
		if !l.key.IsZero() && rnd.IntN(8) > 0 {
			f = seal.Append(f, l.key, l.boot)
		}
		wire = proto.AppendWire(wire, f)
	}
	l.raw(wire)
	seq := l.send(proto.OpHello, 0, nil)
	for {
		if r := l.recv(); r.Seq == seq {
			break
		}
	}
	l.session += 10
	l.open()
	l.want(proto.StatusOK, proto.OpCommit, 1, commit(0))
}
