package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/pcapgo"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/nmc-fpga/nmc"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/capture"
	"github.com/nmc-fpga/nmc/host/dataset"
	"github.com/nmc-fpga/nmc/host/link/linktest"
	"github.com/nmc-fpga/nmc/host/proto"
	"github.com/nmc-fpga/nmc/testbench/verilator"
)

// cmdStatus runs nmc and wants an exact exit status: status 2 nmc compile absent.toml
func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command [argument...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// netns is the start of a command line that runs the rest in a network of its own, with the rights to make interfaces in it.
func netns() []string {
	flags := []string{"unshare", "--net", "--mount"}
	if os.Getuid() != 0 {
		flags = append(flags, "--map-root-user")
	}
	// ip keeps the names of networks in /run.
	return append(flags, "sh", "-c", `mount -t tmpfs none /run && exec "$@"`, "netns")
}

// condition is [tap]: this machine lets the tests have networks of their own. In CI it must.
func condition(name string) (bool, error) {
	if name != "tap" {
		return false, fmt.Errorf("unknown condition %q", name)
	}
	err := func() error {
		for _, tool := range []string{"unshare", "ip", "ping", "arping"} {
			if _, err := exec.LookPath(tool); err != nil {
				return fmt.Errorf("%s is missing; install with scripts/setup", tool)
			}
		}
		args := append(netns(), "ip", "tuntap", "add", "dev", "nmc0", "mode", "tap")
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("no right to make a network interface (%s); run the tests as root: sudo env \"PATH=$PATH\" make test", bytes.TrimSpace(out))
		}
		return nil
	}()
	if err == nil || os.Getenv("CI") == "true" {
		return err == nil, err
	}
	fmt.Fprintln(os.Stderr, "left out: tests over Ethernet:", err)
	return false, nil
}

// cmdNetns runs a command in a network of its own: netns sh tap.sh
func cmdNetns(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: netns command [argument...]")
	}
	args = append(netns(), args...)
	ts.Check(ts.Exec(args[0], args[1:]...))
}

// cmdPatch damages a file. patch FILE OFFSET HEX overwrites bytes, a negative offset counts from the end; patch FILE cut N
// drops the last N bytes; patch FILE OLD NEW text replaces text that occurs once.
func cmdPatch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: patch FILE OFFSET HEX | patch FILE cut N | patch FILE text OLD NEW")
	}
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	switch args[1] {
	case "cut":
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		b = b[:len(b)-n]
	case "text":
		if n := bytes.Count(b, []byte(args[2])); n != 1 {
			ts.Fatalf("%q occurs %d times in %s, not once", args[2], n, args[0])
		}
		b = bytes.Replace(b, []byte(args[2]), []byte(args[3]), 1)
	default:
		at, err := strconv.Atoi(args[1])
		ts.Check(err)
		if at < 0 {
			at += len(b)
		}
		data, err := hex.DecodeString(args[2])
		ts.Check(err)
		copy(b[at:], data)
	}
	ts.Check(os.WriteFile(path, b, 0o666))
}

// cmdIDX makes a folder of IDX files: idx DIR ROWS COLS N, with N training and N test images of ten classes.
func cmdIDX(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: idx DIR ROWS COLS N")
	}
	var size [3]int
	for i, a := range args[1:] {
		n, err := strconv.Atoi(a)
		ts.Check(err)
		size[i] = n
	}
	rows, cols, n := size[0], size[1], size[2]
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o777))
	images, labels := make([]byte, n*rows*cols), make([]byte, n)
	for i := range images {
		images[i] = byte(i * i)
	}
	for i := range labels {
		labels[i] = byte(i % 10)
	}
	write := func(name string, dims []int, data []byte) {
		var b bytes.Buffer
		ts.Check(dataset.WriteIDX(&b, dims, data))
		ts.Check(os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o666))
	}
	for _, split := range []string{"train", "t10k"} {
		write(split+"-images-idx3-ubyte", []int{n, rows, cols}, images)
		write(split+"-labels-idx1-ubyte", []int{n}, labels)
	}
}

// boards are the devices that cmdBoard has started, by script and name.
var boards sync.Map

// cmdBoard plays a device on the network: board NAME BUILD [FAULTS] starts the build's Verilog engine behind a UDP port,
// host:port in $NAME, and a network that does each fault to a share FAULTS of the datagrams; board NAME cut takes it away;
// board NAME restart starts it anew.
func cmdBoard(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: board NAME BUILD [FAULTS] | board NAME cut | board NAME restart")
	}
	key := ts.Name() + " " + args[0]
	if b, ok := boards.Load(key); ok {
		switch board := b.(*linktest.Network); args[1] {
		case "cut":
			board.Cut()
		case "restart":
			ts.Check(board.Restart())
		default:
			ts.Fatalf("board %s is started already", args[0])
		}
		return
	}
	b, err := openBuild(ts.MkAbs(args[1]))
	ts.Check(err)
	binary, err := verilator.Build(context.Background(), nmc.HDL, b.top, b.manifest.Device, io.Discard)
	ts.Check(err)
	var faults linktest.Faults
	if len(args) == 3 {
		share, err := strconv.ParseFloat(args[2], 64)
		ts.Check(err)
		faults = linktest.Each(share)
	}
	board, err := linktest.NewNetwork("127.0.0.1:0", 1, faults, func() (io.ReadWriteCloser, error) { return verilator.Start(binary) })
	ts.Check(err)
	boards.Store(key, board)
	ts.Defer(func() {
		boards.Delete(key)
		board.Close()
	})
	ts.Setenv(args[0], board.Address())
}

// cmdForge copies a capture of a stream and turns over a bit of the result in its last reply to a learned commit:
// forge FROM TO.
func cmdForge(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: forge FROM TO")
	}
	in, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	defer in.Close()
	r, err := capture.NewReader(in)
	ts.Check(err)
	var frames []capture.Frame
	last := -1
	entry := map[uint16]byte{}
	for {
		f, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		ts.Check(err)
		if q, err := proto.ParseRequest(f.Bytes); !f.Reply && err == nil && q.Op == proto.OpCommit {
			entry[q.Seq] = q.Body[0]
		}
		if p, err := proto.ParseReply(f.Bytes); f.Reply && err == nil && p.Op == proto.OpCommit && entry[p.Seq] == byte(device.Learn) {
			last = len(frames)
		}
		frames = append(frames, f)
	}
	p, err := proto.ParseReply(frames[last].Bytes)
	ts.Check(err)
	p.Body[7] ^= 1
	frames[last].Bytes = p.Frame()
	out, err := os.Create(ts.MkAbs(args[1]))
	ts.Check(err)
	defer out.Close()
	w := pcapgo.NewWriter(out)
	ts.Check(w.WriteFileHeader(1<<16, 147))
	for _, f := range frames {
		b := []byte{0}
		if f.Reply {
			b[0] = 1
		}
		b = proto.AppendWire(b, f.Bytes)
		ts.Check(w.WritePacket(gopacket.CaptureInfo{Timestamp: f.Time, CaptureLength: len(b), Length: len(b)}, b))
	}
}

// relay is a program of the scripts: relay ADDRESS DEVICE SHARE KIND... stands on a UDP port between hosts and a device, and does
// the faults of these kinds to that share of the datagrams each, until its input ends. Then it tells how often each has struck.
func relay() {
	share, err := strconv.ParseFloat(os.Args[3], 64)
	if err != nil {
		log.Fatal(err)
	}
	f := linktest.Each(share).Only(os.Args[4:]...)
	f.MaxDelay = 50 * time.Millisecond
	n, err := linktest.NewNetwork(os.Args[1], 5, f, func() (io.ReadWriteCloser, error) { return net.Dial("udp", os.Args[2]) })
	if err != nil {
		log.Fatal(err)
	}
	io.Copy(io.Discard, os.Stdin)
	hits := n.Hits()
	n.Close()
	for _, what := range slices.Sorted(maps.Keys(hits)) {
		fmt.Println(what, hits[what])
	}
}
