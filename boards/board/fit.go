package board

import (
	"fmt"
	"math/bits"
	"strings"

	"github.com/nmc-fpga/nmc/firmware/device"
)

// Memory is a memory of the device.
type Memory struct {
	Name  string
	Width int // bits
	Depth int // words
}

// queueDepth is the depth of the lanes' queue of operands (nmc_lanes).
const queueDepth = 16

// Memories are the memories of a device, weights first.
func Memories(c device.Config) []Memory {
	lanes := 16 * c.Lanes
	// For a fast clock: no more rows than are used, and rows of four words (nmc_microcode: Rows).
	registers, microcode := Memory{"registers", 32, 80}, Memory{"microcode", 128, 64}
	if c.WeightPorts == 1 {
		registers, microcode = Memory{"registers", 32, 128}, Memory{"microcode", 32, 256}
	}
	m := []Memory{
		{"weights", lanes, c.WeightDepth},
		{"vectors", lanes, c.VectorDepth},
		{"program", 128, c.ProgramDepth},
		{"tables", 32, c.TableDepth},
		registers, microcode,
		{"queue", lanes + 16, queueDepth},
		{"request", 8, c.FrameBytes},
		{"reply", 8, 512},
	}
	switch {
	case c.Link.Kind == device.Ethernet: // the rings of nmc_eth, packets in and out; the ninth bit marks their ends
		m = append(m, Memory{"link", 9, c.Link.FIFO}, Memory{"link out", 9, 2048})
	case c.Link.FIFO > 0:
		m = append(m, Memory{"link", 8, c.Link.FIFO})
	}
	return m
}

// blocks returns how many blocks of the best of the shapes a memory takes. Where blocks have parity bits, words of nines use them.
func (r Resource) blocks(m Memory) int {
	if r.Parity == 1 && m.Width%9 == 0 {
		m.Width = m.Width / 9 * 8
	}
	least := 0
	for _, s := range r.Shapes {
		n := (m.Width + s[0] - 1) / s[0] * ((m.Depth + s[1] - 1) / s[1])
		if least == 0 || n < least {
			least = n
		}
	}
	return least
}

// Need is what a device takes of the part's multipliers and memories, by kind. It is counted from the configuration; how much
// logic it takes only synthesis says.
func (b *Board) Need(c device.Config) map[string]int {
	need := map[string]int{"multipliers": c.Lanes * b.Family.MultipliersPerLane}
	for _, m := range Memories(c) {
		kind, n := b.memory(c, m)
		need[kind] += n
	}
	delete(need, "")
	return need
}

// memory returns the kind of a memory and how many blocks it takes; "" and 0 for one in look-up tables.
func (b *Board) memory(c device.Config, m Memory) (kind string, n int) {
	kind = "block"
	if m.Name == "weights" && b.Part.Single > 0 && c.WeightPorts == 1 {
		kind = "single"
	}
	// The registers of an engine for a fast clock are memory of look-up tables in an ECP5 (nmc_ram: Small).
	fast := m.Name == "registers" && c.WeightPorts != 1 && b.Family.Flow == "ecp5"
	if kind == "block" && m.Name != "microcode" && (fast || m.Depth <= b.Family.Distributed) {
		return "", 0
	}
	return kind, b.Family.Resources[kind].blocks(m)
}

// Blocks returns what a memory of a device is made of, by title, and how many it takes; "" and 0 for one in look-up tables.
func (b *Board) Blocks(c device.Config, m Memory) (title string, n int) {
	kind, n := b.memory(c, m)
	return b.Family.Resources[kind].Title, n
}

// A Misfit is the error about a device that a part does not hold: by how much, of what.
type Misfit struct {
	Part string
	Lack []string
}

func (m *Misfit) Error() string {
	return fmt.Sprintf("the %s does not hold the device: it takes %s", m.Part, strings.Join(m.Lack, ", "))
}

// Fits says whether multipliers and memories of the part hold a device; the error is a *Misfit.
func (b *Board) Fits(c device.Config) error {
	need, lack := b.Need(c), []string(nil)
	for _, kind := range Kinds {
		if n, has := need[kind], b.Part.Has(kind); n > has {
			lack = append(lack, fmt.Sprintf("%d %s of %d (%d too many)", n, b.Family.Resources[kind].Title, has, n-has))
		}
	}
	if lack != nil {
		return &Misfit{b.Part.Title, lack}
	}
	return nil
}

// config is the board's device with the given lanes: the memories keep their bits.
func (b *Board) config(lanes int) device.Config {
	d := b.Device
	c := device.Config{
		Lanes:       lanes,
		WeightDepth: d.WeightDepth * d.Lanes / lanes, VectorDepth: max(64, d.VectorDepth*d.Lanes/lanes),
		ProgramDepth: d.ProgramDepth, TableDepth: d.TableDepth, WeightPorts: d.WeightPorts, FrameBytes: d.FrameBytes,
	}
	if len(b.Links) > 0 {
		c.Link = b.Links[0].Config(b.Clock.CoreHz)
	}
	return c
}

// Choices are the devices for a network on this board, the first one that holds the network to be taken: the board's own; then, if
// that is too small, one whose weight memory is as deep as the part allows; then the same with half the lanes, and so on. What is
// not 0 in want is as it stands there: other devices are not tried. Without any choice the error is a *Misfit about the first.
func (b *Board) Choices(want device.Config) ([]device.Config, error) {
	lanes, least := b.Device.Lanes, 1
	if want.Lanes != 0 {
		lanes, least = want.Lanes, want.Lanes
	}
	var all []device.Config
	var misfit error
	for ; lanes >= least; lanes /= 2 {
		c := b.config(lanes)
		for _, k := range []struct{ of, given *int }{
			{&c.WeightDepth, &want.WeightDepth}, {&c.VectorDepth, &want.VectorDepth}, {&c.ProgramDepth, &want.ProgramDepth},
			{&c.TableDepth, &want.TableDepth}, {&c.WeightPorts, &want.WeightPorts}, {&c.FrameBytes, &want.FrameBytes},
		} {
			if *k.given != 0 {
				*k.of = *k.given
			}
		}
		if want.Link.Kind != "" {
			c.Link = want.Link
		}
		if err := b.Fits(c); err != nil {
			if misfit == nil {
				misfit = err
			}
			continue
		}
		all = append(all, c)
		if want.WeightDepth == 0 {
			if deep := b.deepest(c); deep.WeightDepth > c.WeightDepth {
				all = append(all, deep)
			}
		}
	}
	if all == nil {
		return nil, misfit
	}
	return all, nil
}

// deepest is the device with as many words of weights as the part holds, in steps of 1,024.
func (b *Board) deepest(c device.Config) device.Config {
	low, high := c.WeightDepth/1024, 1<<bits.Len(uint(1<<22/1024))
	for high-low > 1 {
		mid := (low + high) / 2
		try := c
		try.WeightDepth = 1024 * mid
		if b.Fits(try) == nil {
			low = mid
		} else {
			high = mid
		}
	}
	if 1024*low > c.WeightDepth {
		c.WeightDepth = 1024 * low
	}
	return c
}
