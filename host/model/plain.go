package model

import (
	"fmt"
	"sync"
	"time"

	"github.com/nmc-fpga/nmc/firmware/device"
)

// Plain is an engine with memories and a run function in Go, for tests of what drives a device. It is a device.Device
// too.
type Plain struct {
	Config device.Config
	// Func is one run on the memories: it changes them and returns the result's registers, digest and so on. The input
	// is at element input of the vectors.
	Func func(p *Plain, run device.Run, input int) device.Result
	// Latency is how long a run takes.
	Latency time.Duration

	mu      sync.Mutex // tests look at the memories of a served engine
	spaces  [device.Control + 1][]uint16
	n       uint64
	results []device.Result
}

// NewPlain returns an engine with zeroed memories.
func NewPlain(cfg device.Config, f func(p *Plain, run device.Run, input int) device.Result) *Plain {
	p := &Plain{Config: cfg, Func: f}
	for space, n := range []int{cfg.WeightDepth * cfg.Lanes, cfg.VectorDepth * cfg.Lanes, cfg.ProgramDepth * 8,
		cfg.TableDepth * 2, device.NumRegs * 2, device.ControlSize} {
		p.spaces[space] = make([]uint16, n)
	}
	return p
}

// Space returns the halfwords of a space, for Func and for tests.
func (p *Plain) Space(s device.Space) []uint16 { return p.spaces[s] }

func (p *Plain) at(space device.Space, addr uint32, n int) ([]uint16, error) {
	if int(space) >= len(p.spaces) || uint64(addr)+uint64(n) > uint64(len(p.spaces[space])) {
		return nil, fmt.Errorf("space %d has no halfwords %d to %d", space, addr, int(addr)+n)
	}
	return p.spaces[space][addr : int(addr)+n], nil
}

// Write stores halfwords.
func (p *Plain) Write(space device.Space, addr uint32, data []uint16) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	w, err := p.at(space, addr, len(data))
	copy(w, data)
	return err
}

// Read returns halfwords.
func (p *Plain) Read(space device.Space, addr uint32, n int) ([]uint16, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w, err := p.at(space, addr, n)
	return append([]uint16(nil), w...), err
}

func (p *Plain) long(addr int) int {
	c := p.spaces[device.Control]
	return int(c[addr]) | int(c[addr+1])<<16
}

// Run is one run whose sample is in its buffer.
func (p *Plain) Run(n uint64, run device.Run) device.Result {
	time.Sleep(p.Latency)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n = n
	regs := p.spaces[device.Registers]
	regs[2*device.RegLabel], regs[2*device.RegLabel+1] = run.Label, 0
	offset := int(n&1) * p.long(device.ControlInStride)
	regs[2*device.RegInput], regs[2*device.RegInput+1] = uint16(offset), uint16(offset>>16)
	res := p.Func(p, run, p.long(device.ControlInBase)+offset)
	res.N = n
	for i, v := range res.Result {
		regs[2*(device.RegResult+i)], regs[2*(device.RegResult+i)+1] = uint16(v), uint16(uint32(v)>>16)
	}
	return res
}

// Submit runs one commit to its end.
func (p *Plain) Submit(run device.Run) error {
	if len(p.results) >= device.Window {
		return fmt.Errorf("%d results are outstanding", len(p.results))
	}
	if err := run.Sample.Check(); err != nil {
		return err
	}
	words := make([]uint16, 0, len(run.Sample.Bytes)+len(run.Sample.Words))
	for _, x := range run.Sample.Bytes {
		words = append(words, uint16(x))
	}
	for _, x := range run.Sample.Words {
		words = append(words, uint16(x))
	}
	n := p.n + 1
	at := p.long(device.ControlInBase) + int(n&1)*p.long(device.ControlInStride)
	if err := p.Write(device.Vectors, uint32(at), words); err != nil {
		return err
	}
	for _, e := range run.Sample.Events {
		if err := p.Write(device.Vectors, uint32(at)+uint32(e), []uint16{1}); err != nil {
			return err
		}
	}
	run.Sample = device.Sample{}
	p.results = append(p.results, p.Run(n, run))
	return nil
}

// Result returns the oldest result.
func (p *Plain) Result() (device.Result, error) {
	if len(p.results) == 0 {
		return device.Result{}, fmt.Errorf("no run is outstanding")
	}
	r := p.results[0]
	p.results = p.results[1:]
	return r, nil
}

// Reopen numbers the commits from 1 again.
func (p *Plain) Reopen() error {
	p.n, p.results = 0, nil
	return nil
}

// Identity says who the device is.
func (p *Plain) Identity() (device.Identity, error) {
	c := p.spaces[device.Control]
	return device.Identity{
		Lanes: p.Config.Lanes, HwID: p.Config.ID(), Boot: 1, Session: 1, Last: p.n,
		ImageID: uint64(c[0]) | uint64(c[1])<<16 | uint64(c[2])<<32 | uint64(c[3])<<48,
	}, nil
}

// Close does nothing.
func (p *Plain) Close() error { return nil }
