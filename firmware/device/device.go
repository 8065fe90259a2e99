// Package device describes a learning device from outside: its configuration, its address spaces, and the runs it
// is asked for. The simulator and every link implement the same small interfaces over these types.
package device

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
)

// Config is what the Verilog depends on, and nothing else. Depths are in words: a weight word is Lanes·16 bits, a
// vector word Lanes·16, a program word 128, a table word 32.
type Config struct {
	Lanes        int `json:"lanes"`         // power of two, 1..64
	WeightDepth  int `json:"weight_depth"`  // words, at most 2^22
	VectorDepth  int `json:"vector_depth"`  // words, at most 2^16
	ProgramDepth int `json:"program_depth"` // instructions, at most 2^12
	TableDepth   int `json:"table_depth"`   // entries, at most 2^12
	WeightPorts  int `json:"weight_ports"`  // 1: single port (read, then write); 2: one read and one write a cycle
	FrameBytes   int `json:"frame_bytes"`   // largest decoded frame, CRC included

	// Omit is the set of the engine's units that are left out, bit i for isa.Units[i]; 0 is a device that runs everything.
	Omit int `json:"omit,omitempty"`

	// Key authenticates the frames to the device. It stands in the Verilog, and so its hash in the hw_id.
	Key Key `json:"key,omitzero"`

	Link Link `json:"link,omitzero"`
}

// Engine is the configuration without its link and key: what images and results depend on.
func (c Config) Engine() Config {
	c.Link, c.Key = Link{}, Key{}
	return c
}

// Version of the instruction set and the protocol; part of every hw_id.
const Version = 1

// ID is the hw_id: the first 8 bytes of a SHA-256 over version and configuration, little-endian.
func (c Config) ID() uint64 {
	b := fmt.Appendf(nil, "nmc %d %d %d %d %d %d %d %d", Version,
		c.Lanes, c.WeightDepth, c.VectorDepth, c.ProgramDepth, c.TableDepth, c.WeightPorts, c.FrameBytes)
	if c.Omit != 0 {
		b = fmt.Appendf(b, " without %x", c.Omit)
	}
	if c.Link != (Link{}) {
		b = fmt.Appendf(b, " link %+v", c.Link.fields())
	}
	if !c.Key.IsZero() {
		b = fmt.Appendf(b, " key %x", c.Key)
	}
	h := sha256.Sum256(b)
	return binary.LittleEndian.Uint64(h[:8])
}

// Words returns the words that n elements take.
func (c Config) Words(n int) int { return (n + c.Lanes - 1) / c.Lanes }

// Space is an address space of the device, addressed in 16-bit halfwords.
type Space uint8

const (
	Weights   Space = iota // element = word·Lanes + lane
	Vectors                // element = word·Lanes + lane
	Program                // 8 halfwords an instruction, least significant first
	Tables                 // 2 halfwords an entry: base, slope
	Registers              // 2 halfwords a register, least significant first
	Control                // see the Control* addresses
)

// Halfword addresses in the Control space; multi-halfword values are little-endian.
const (
	ControlImageID  = 0  // 4 halfwords, reported by hello
	ControlSkip     = 4  // 1: event skipping on (after reset), 0: off; never changes a result
	ControlInBase   = 6  // 2 halfwords: first element of input buffer 0 in the vector memory
	ControlInStride = 8  // 2 halfwords: elements from input buffer 0 to input buffer 1
	ControlDigest   = 12 // 4 halfwords, read only: digest of the last run
	ControlCounters = 16 // 2 halfwords each, read only: see Counter*
	ControlSize     = 32
)

// Counters, read only, 32 bits each, at ControlCounters + 2·i.
const (
	CounterBadFrames = iota // frames dropped: CRC, length, COBS
	CounterCycles           // cycles of the last run
	CounterOverflow         // elements that overflowed (docs/numerics.md) since reset
	CounterRetired          // instructions retired in the last run

	// Of the link, since reset; docs/links.md says what each link counts there.
	CounterLine    // broken on the line: framing errors, packets with a wrong check sequence
	CounterLost    // lost for want of room: bytes, packets
	CounterRefused // packets that are whole but malformed: lengths, checksums, fragments
	CounterForeign // packets for another address, protocol or port
)

// LinkCounters is how many counters are the link's, from CounterLine on.
const LinkCounters = 4

// Registers that the device itself reads or writes.
const (
	RegSeed   = 0 // seed of every key
	RegLabel  = 1 // written from the commit
	RegResult = 2 // and 3: returned with the commit
	RegInput  = 4 // written at the start of a run: element offset of the run's input buffer, 0 or the in-stride
	NumRegs   = 64
)

// Entry is an entry point: the run starts at program address Entry.
type Entry uint8

const (
	Init       Entry = iota // draw the initial state
	Learn                   // learn the sample in the input buffer
	Infer                   // answer for the sample, change nothing that the digest sees
	Digest                  // digest the learned state
	Step                    // free for programs with time steps
	NumEntries = 8
)

// Run asks for one commit. Sample goes to input buffer n&1, where n is the commit's number, starting at 1.
type Run struct {
	Entry  Entry
	Label  uint16
	Limit  uint32 // stop after that many retired instructions; 0: no limit
	Sample Sample
}

// Sample is the input of a run: one of the three kinds, or nothing.
type Sample struct {
	Bytes []byte  // unsigned 8-bit elements, or
	Words []int16 // signed 16-bit elements, or
	// Events are elements of the buffer, each set to 1; order and repetition do not matter. The others stay as they are: a program
	// that takes events clears what it has read, and its init both buffers.
	Events []uint16
}

// Check says whether the sample is of one kind.
func (s Sample) Check() error {
	if min(1, len(s.Bytes))+min(1, len(s.Words))+min(1, len(s.Events)) > 1 {
		return errors.New("a sample is bytes, words or events, not several of them")
	}
	return nil
}

// Result is what a commit returns.
type Result struct {
	N        uint64   // commit number
	Result   [2]int32 // registers RegResult, RegResult+1
	Cycles   uint32   // device cycles of the run; 0 when unknown (simulator)
	Overflow uint32   // elements that overflowed during this run
	Digest   uint64   // digest register (of the last digest entry)
	Stopped  bool     // the limit ended the run before halt
}

// Identity is what hello returns.
type Identity struct {
	Lanes   int
	HwID    uint64
	ImageID uint64
	Boot    uint32 // differs after a restart
	Session uint32
	Last    uint64 // last completed commit of the session
	Keyed   bool   // the device obeys frames with a tag only
}

// Memory reads and writes a device's spaces; the device is idle while it does.
type Memory interface {
	Write(space Space, addr uint32, data []uint16) error
	Read(space Space, addr uint32, n int) ([]uint16, error)
}

// Runner runs commits in order. Submit may return before the run has ended; at most Window results may be
// outstanding; Result waits for the oldest.
type Runner interface {
	Submit(Run) error
	Result() (Result, error)
}

// Window is the number of runs that may be outstanding: one running, one whose sample is in the other buffer.
const Window = 2

// Device is all of it.
type Device interface {
	Memory
	Runner
	Identity() (Identity, error)
	Close() error
}
