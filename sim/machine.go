// Package sim executes firmware images bit for bit as the Verilog engine does, at the speed of the machine it runs
// on. A Machine is a device.Device: the host cannot tell it from a board, except that it is faster and checks what
// the engine does not (addresses beyond a memory, undefined codes).
package sim

import (
	"fmt"
	"math/bits"
	"slices"
	"sync/atomic"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
	"github.com/nmc-fpga/nmc/sim/kernels"
)

// Machine is one simulated device. It is not safe for concurrent use.
type Machine struct {
	cfg       device.Config
	laneBits  uint
	reference bool
	portable  bool
	threads   int
	trace     func(pc int)

	// Memories, in elements (word·Lanes + lane).
	weights []int16
	padded  []int16 // weights and the block beyond them that kernels may touch
	vectors []int16
	program []isa.Word
	tables  []uint32
	regs    [device.NumRegs]int32

	// Control space.
	imageID  uint64
	skip     uint16
	inBase   uint32
	inStride uint32

	key      fixed.Key
	digest   uint64
	overflow uint32 // since reset
	retired  uint32 // in the last run
	last     uint64 // number of the last commit

	code    []instruction // decoded program, entries valid where decoded
	decoded []bool

	boot    uint32
	results []outcome
	kernels kernels.Set

	pool       *pool // nil with one thread
	worthwhile int   // see the constant
	scratch    scratch
}

type outcome struct {
	result device.Result
	err    error
}

// Option adjusts a Machine.
type Option func(*Machine)

// WithReference executes every instruction element by element, straight from its definition. It is some hundred times
// slower and is what the kernels are tested against.
func WithReference() Option { return func(m *Machine) { m.reference = true } }

// WithPortable keeps to the kernels written in Go, whatever the processor offers.
func WithPortable() Option { return func(m *Machine) { m.portable = true } }

// WithThreads spreads large matrix instructions over n threads, n >= 1. What is learned does not depend on n.
func WithThreads(n int) Option { return func(m *Machine) { m.threads = n } }

// WithTrace calls f with the address of every instruction as it retires.
func WithTrace(f func(pc int)) Option { return func(m *Machine) { m.trace = f } }

// boots counts the machines of this process: a new one is a restarted device.
var boots atomic.Uint32

// New returns a machine whose memories, registers and control registers are zero and whose event skipping is on.
func New(cfg device.Config, opts ...Option) (*Machine, error) {
	if cfg.Lanes < 1 || cfg.Lanes > 64 || cfg.Lanes&(cfg.Lanes-1) != 0 {
		return nil, fmt.Errorf("sim: lanes: %d is not a power of two from 1 to 64", cfg.Lanes)
	}
	for _, d := range []struct {
		name       string
		depth, max int
	}{
		{"weight_depth", cfg.WeightDepth, 1 << 22},
		{"vector_depth", cfg.VectorDepth, 1 << 16},
		{"program_depth", cfg.ProgramDepth, 1 << 12},
		{"table_depth", cfg.TableDepth, 1 << 12},
	} {
		if d.depth < 0 || d.depth > d.max {
			return nil, fmt.Errorf("sim: %s: %d is not within 0..%d", d.name, d.depth, d.max)
		}
	}
	m := &Machine{
		cfg:        cfg,
		laneBits:   uint(bits.TrailingZeros(uint(cfg.Lanes))),
		threads:    1,
		worthwhile: worthwhile,
		padded:     make([]int16, cfg.WeightDepth*cfg.Lanes+kernels.Block),
		vectors:    make([]int16, cfg.VectorDepth*cfg.Lanes),
		program:    make([]isa.Word, cfg.ProgramDepth),
		tables:     make([]uint32, cfg.TableDepth),
		skip:       1,
		code:       make([]instruction, cfg.ProgramDepth),
		decoded:    make([]bool, cfg.ProgramDepth),
		boot:       boots.Add(1),
	}
	m.weights = m.padded[:cfg.WeightDepth*cfg.Lanes]
	for _, o := range opts {
		o(m)
	}
	m.kernels = kernels.Best()
	if m.portable {
		m.kernels = kernels.Portable
	}
	if m.threads < 1 {
		return nil, fmt.Errorf("sim: %d threads; at least 1 is needed", m.threads)
	}
	if m.threads > 1 && !m.reference {
		m.pool = newPool(m.threads)
	}
	return m, nil
}

// Config returns the configuration that the machine was made with.
func (m *Machine) Config() device.Config { return m.cfg }

// Trace calls f with the address of every instruction that retires from now on; nil stops it.
func (m *Machine) Trace(f func(pc int)) { m.trace = f }

// Retired returns the number of instructions that retired in the last run, halt included.
func (m *Machine) Retired() uint32 { return m.retired }

// Identity says what hello would say. The simulator is always in session 1.
func (m *Machine) Identity() (device.Identity, error) {
	return device.Identity{
		Lanes:   m.cfg.Lanes,
		HwID:    m.cfg.ID(),
		ImageID: m.imageID,
		Boot:    m.boot,
		Session: 1,
		Last:    m.last,
	}, nil
}

// Close ends the machine's threads. The machine may be used afterwards, on one thread.
func (m *Machine) Close() error {
	if m.pool != nil {
		m.pool.close()
		m.pool = nil
	}
	return nil
}

// Submit runs one commit to its end; its result waits until Result takes it. An error means that the run was not
// accepted: it has no number and changed nothing. A run that ends in a fault was accepted; Result returns the fault.
func (m *Machine) Submit(r device.Run) error {
	if len(m.results) >= device.Window {
		return fmt.Errorf("sim: submit: %d results are outstanding; take one with Result first", len(m.results))
	}
	if r.Entry >= device.NumEntries {
		return fmt.Errorf("sim: submit: entry %d is not below %d", r.Entry, device.NumEntries)
	}
	if err := r.Sample.Check(); err != nil {
		return fmt.Errorf("sim: submit: %w", err)
	}
	n := m.last + 1
	offset := uint32(n&1) * m.inStride
	first := uint64(m.inBase) + uint64(n&1)*uint64(m.inStride)
	size := len(r.Sample.Bytes) + len(r.Sample.Words)
	if len(r.Sample.Events) > 0 {
		size = int(slices.Max(r.Sample.Events)) + 1
	}
	if size > 0 && first+uint64(size) > uint64(len(m.vectors)) {
		return fmt.Errorf("sim: submit: sample of %d elements at element %d exceeds the vector memory of %d elements; check in_base and in_stride in the control space",
			size, first, len(m.vectors))
	}
	for i, b := range r.Sample.Bytes {
		m.vectors[int(first)+i] = int16(b)
	}
	if len(r.Sample.Words) > 0 {
		copy(m.vectors[first:], r.Sample.Words)
	}
	for _, e := range r.Sample.Events {
		m.vectors[first+uint64(e)] = 1
	}
	m.last = n
	m.regs[device.RegLabel] = int32(r.Label)
	m.regs[device.RegInput] = int32(offset)
	before := m.overflow
	stopped, err := m.run(r.Entry, r.Limit)
	m.results = append(m.results, outcome{
		result: device.Result{
			N:        n,
			Result:   [2]int32{m.regs[device.RegResult], m.regs[device.RegResult+1]},
			Overflow: m.overflow - before,
			Digest:   m.digest,
			Stopped:  stopped,
		},
		err: err,
	})
	return nil
}

// Result returns the result of the oldest run that was submitted, or the *Fault that ended it.
func (m *Machine) Result() (device.Result, error) {
	if len(m.results) == 0 {
		return device.Result{}, fmt.Errorf("sim: result: no run is outstanding")
	}
	o := m.results[0]
	m.results = append(m.results[:0], m.results[1:]...)
	return o.result, o.err
}

// size returns the halfwords of a space.
func (m *Machine) size(space device.Space) (int, error) {
	switch space {
	case device.Weights:
		return len(m.weights), nil
	case device.Vectors:
		return len(m.vectors), nil
	case device.Program:
		return len(m.program) * 8, nil
	case device.Tables:
		return len(m.tables) * 2, nil
	case device.Registers:
		return len(m.regs) * 2, nil
	case device.Control:
		return device.ControlSize, nil
	}
	return 0, fmt.Errorf("no address space %d", space)
}

// span checks that n halfwords from addr lie in the space.
func (m *Machine) span(space device.Space, addr uint32, n int) error {
	size, err := m.size(space)
	if err != nil {
		return err
	}
	if n < 0 || uint64(addr)+uint64(n) > uint64(size) {
		return fmt.Errorf("space %d: halfwords %d..%d lie beyond its %d", space, addr, int64(addr)+int64(n)-1, size)
	}
	return nil
}

// Write stores halfwords. Read-only control halfwords ignore it.
func (m *Machine) Write(space device.Space, addr uint32, data []uint16) error {
	if err := m.span(space, addr, len(data)); err != nil {
		return fmt.Errorf("sim: write: %w", err)
	}
	switch space {
	case device.Weights:
		for i, x := range data {
			m.weights[int(addr)+i] = int16(x)
		}
	case device.Vectors:
		for i, x := range data {
			m.vectors[int(addr)+i] = int16(x)
		}
	case device.Program:
		for i, x := range data {
			a := addr + uint32(i)
			m.program[a/8].Put(uint(a%8)*16, 16, uint32(x))
			m.decoded[a/8] = false
		}
	case device.Tables:
		for i, x := range data {
			a := addr + uint32(i)
			putHalf32(&m.tables[a/2], a&1, x)
		}
	case device.Registers:
		for i, x := range data {
			a := addr + uint32(i)
			u := uint32(m.regs[a/2])
			putHalf32(&u, a&1, x)
			m.regs[a/2] = int32(u)
		}
	case device.Control:
		for i, x := range data {
			m.writeControl(addr+uint32(i), x)
		}
	}
	return nil
}

// Read returns n halfwords.
func (m *Machine) Read(space device.Space, addr uint32, n int) ([]uint16, error) {
	if err := m.span(space, addr, n); err != nil {
		return nil, fmt.Errorf("sim: read: %w", err)
	}
	data := make([]uint16, n)
	for i := range data {
		a := addr + uint32(i)
		switch space {
		case device.Weights:
			data[i] = uint16(m.weights[a])
		case device.Vectors:
			data[i] = uint16(m.vectors[a])
		case device.Program:
			data[i] = uint16(m.program[a/8].Get(uint(a%8)*16, 16))
		case device.Tables:
			data[i] = uint16(m.tables[a/2] >> (16 * (a & 1)))
		case device.Registers:
			data[i] = uint16(uint32(m.regs[a/2]) >> (16 * (a & 1)))
		case device.Control:
			data[i] = m.readControl(a)
		}
	}
	return data, nil
}

func putHalf32(u *uint32, half uint32, x uint16) {
	*u = *u&^(0xffff<<(16*half)) | uint32(x)<<(16*half)
}

func (m *Machine) writeControl(a uint32, x uint16) {
	switch {
	case a < device.ControlImageID+4:
		s := 16 * (a - device.ControlImageID)
		m.imageID = m.imageID&^(0xffff<<s) | uint64(x)<<s
	case a == device.ControlSkip:
		m.skip = x & 1
	case a == device.ControlInBase, a == device.ControlInBase+1:
		putHalf32(&m.inBase, a-device.ControlInBase, x)
	case a == device.ControlInStride, a == device.ControlInStride+1:
		putHalf32(&m.inStride, a-device.ControlInStride, x)
	}
}

func (m *Machine) readControl(a uint32) uint16 {
	switch {
	case a < device.ControlImageID+4:
		return uint16(m.imageID >> (16 * (a - device.ControlImageID)))
	case a == device.ControlSkip:
		return m.skip
	case a == device.ControlInBase, a == device.ControlInBase+1:
		return uint16(m.inBase >> (16 * (a - device.ControlInBase)))
	case a == device.ControlInStride, a == device.ControlInStride+1:
		return uint16(m.inStride >> (16 * (a - device.ControlInStride)))
	case a >= device.ControlDigest && a < device.ControlDigest+4:
		return uint16(m.digest >> (16 * (a - device.ControlDigest)))
	case a >= device.ControlCounters:
		i := a - device.ControlCounters
		var c uint32
		switch i / 2 {
		case device.CounterOverflow:
			c = m.overflow
		case device.CounterRetired:
			c = m.retired
		}
		return uint16(c >> (16 * (i & 1)))
	}
	return 0
}
