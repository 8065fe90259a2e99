// Package ethernet runs the Verilog of the Ethernet link between a PHY and a device that testbench/unit/eth/main.cpp plays.
package ethernet

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// Interfaces between PHY and device, by number, see top.v.
var Interfaces = []string{"MII", "RMII", "RGMII at 100 Mbit/s", "RGMII at a gigabit"}

// The device's addresses, see top.v.
var (
	MAC  = []byte{0x02, 0x6e, 0x6d, 0x63, 0x00, 0x01}
	IP   = []byte{10, 0, 0, 2}
	Port = 28269
)

// Build makes the executable for one of Interfaces and a ring of so many bytes with Verilator, and returns its path; root is
// the folder of go.mod. Builds are kept in cache by the content of the sources.
func Build(root, cache string, phy, ring int) (string, error) {
	here := filepath.Join(root, "testbench", "unit", "eth")
	main, top := filepath.Join(here, "main.cpp"), filepath.Join(here, "top.v")
	args := []string{
		"--cc", "--exe", "--build", "-j", "2", "-O3", "--assert", "--x-assign", "unique", "--x-initial", "unique",
		"-MAKEFLAGS", "'OPT_FAST=-O1' 'OPT_GLOBAL=-O1'", "-Wno-fatal", "-Wno-lint", "-CFLAGS", fmt.Sprintf("-DPHY=%d", phy),
		fmt.Sprintf("-GPhy=%d", phy), fmt.Sprintf("-GFifo=%d", ring), "-y", filepath.Join(root, "hdl", "rtl"),
		"--top-module", "eth_bench", main, top,
	}
	h := sha256.New()
	fmt.Fprintln(h, args)
	inputs, err := filepath.Glob(filepath.Join(root, "hdl", "rtl", "*.v"))
	if err != nil {
		return "", err
	}
	for _, f := range append(inputs, main, top) {
		b, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		h.Write(b)
	}
	dir := filepath.Join(cache, fmt.Sprintf("eth-%x", h.Sum(nil)[:8]))
	bin := filepath.Join(dir, "Veth_bench")
	if _, err := os.Stat(bin); err == nil {
		return bin, nil
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	if out, err := exec.Command("verilator", append(args, "--Mdir", dir)...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("verilator: %w\n%s", err, out)
	}
	return bin, nil
}

// Bench is a running link.
type Bench struct {
	cmd  *exec.Cmd
	in   *bufio.Writer
	out  *bufio.Reader
	pipe io.WriteCloser
	said bytes.Buffer
}

// Start runs an executable that Build made; half a period of the device's clock takes so many picoseconds.
func Start(bin string, half int) (*Bench, error) {
	b := &Bench{cmd: exec.Command(bin, fmt.Sprint(half))}
	in, err := b.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	b.cmd.Stderr = &b.said
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	b.pipe, b.in, b.out = in, bufio.NewWriterSize(in, 1<<16), bufio.NewReaderSize(out, 1<<16)
	return b, nil
}

// Close ends it.
func (b *Bench) Close() error {
	b.in.Flush()
	b.pipe.Close()
	return b.cmd.Wait()
}

// FCS appends a frame's check sequence.
func FCS(frame []byte) []byte {
	return binary.LittleEndian.AppendUint32(bytes.Clone(frame), crc32.ChecksumIEEE(frame))
}

func (b *Bench) command(kind byte, data []byte) {
	b.in.WriteByte(kind)
	binary.Write(b.in, binary.LittleEndian, uint32(len(data)))
	b.in.Write(data)
}

// Frame sends what a PHY gives the device after the start delimiter, check sequence included.
func (b *Bench) Frame(data []byte) { b.command('F', data) }

// Broken sends a frame in whose middle the PHY says error.
func (b *Bench) Broken(data []byte) { b.command('E', data) }

// Dribble sends a frame and half a byte more; over a gigabit there is none.
func (b *Bench) Dribble(data []byte) { b.command('N', data) }

// Raw sends bytes without a preamble.
func (b *Bench) Raw(data []byte) { b.command('R', data) }

// Say has the device send bytes.
func (b *Bench) Say(data []byte) { b.command('D', data) }

// Gap lets the time of n bytes pass.
func (b *Bench) Gap(n int) {
	b.in.WriteByte('G')
	binary.Write(b.in, binary.LittleEndian, uint32(n))
}

// Ready says whether the device takes bytes: 0 never, 1 always, 2 now and then.
func (b *Bench) Ready(mode byte) { b.in.Write([]byte{'S', mode}) }

// Reset resets it.
func (b *Bench) Reset() { b.in.WriteByte('X') }

// Output is what the device has sent and got since the last.
type Output struct {
	Frames [][]byte // without preamble, with check sequence
	Bytes  []byte
	Wrong  []string // broken rules of the wire
}

// Quiet runs until all is still.
func (b *Bench) Quiet() (o Output, err error) {
	b.in.WriteByte('Q')
	if err := b.in.Flush(); err != nil {
		return o, b.broken(err)
	}
	for {
		kind, err := b.out.ReadByte()
		if err != nil {
			return o, b.broken(err)
		}
		if kind == 'Q' {
			return o, nil
		}
		var n uint32
		if err := binary.Read(b.out, binary.LittleEndian, &n); err != nil {
			return o, b.broken(err)
		}
		data := make([]byte, n)
		if _, err := io.ReadFull(b.out, data); err != nil {
			return o, b.broken(err)
		}
		switch kind {
		case 'F':
			o.Frames = append(o.Frames, data)
		case 'B':
			o.Bytes = append(o.Bytes, data...)
		default:
			o.Wrong = append(o.Wrong, string(data))
		}
	}
}

// Counters are frames broken on the line, lost for want of room, malformed, and for others, since the start. Nothing may be
// left to be read by Quiet.
func (b *Bench) Counters() (c [4]uint32, err error) {
	b.in.WriteByte('C')
	if err := b.in.Flush(); err != nil {
		return c, b.broken(err)
	}
	if kind, err := b.out.ReadByte(); err != nil || kind != 'C' {
		return c, b.broken(fmt.Errorf("%q for counters: %w", kind, err))
	}
	if err := binary.Read(b.out, binary.LittleEndian, &c); err != nil {
		return c, b.broken(err)
	}
	return c, nil
}

func (b *Bench) broken(err error) error {
	return fmt.Errorf("eth: %w: %s", err, bytes.TrimSpace(b.said.Bytes()))
}
