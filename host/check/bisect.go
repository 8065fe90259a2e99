package check

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/snapshot"
)

// Difference is where device and simulator first differ.
type Difference struct {
	Sample      int    `json:"sample"`      // -1: init
	Instruction int    `json:"instruction"` // instructions retired in the run, this one included; 0: not found
	PC          int    `json:"pc"`          // its program address; -1: not known
	Text        string `json:"text"`        // its disassembly
	Where       string `json:"where"`       // tensor, vector or register with index, or what else differs
	Device      int32  `json:"device"`
	Simulator   int32  `json:"simulator"`
	Count       int    `json:"count"` // elements that differ after the instruction
	Note        string `json:"note,omitempty"`

	wide bool // the values have 32 bits
}

// String returns one line: sample 1042, instruction 17 upd.b w1 (pc 23), w1[37,3]: device 0x007f, simulator 0x0080.
func (d *Difference) String() string {
	s := fmt.Sprintf("sample %d", d.Sample)
	if d.Sample < 0 {
		s = "init"
	}
	if d.Instruction > 0 {
		s += fmt.Sprintf(", instruction %d", d.Instruction)
		if d.Text != "" {
			s += " " + d.Text
		}
		if d.PC >= 0 {
			s += fmt.Sprintf(" (pc %d)", d.PC)
		}
	}
	if d.Where != "" {
		if d.wide {
			s += fmt.Sprintf(", %s: device %#08x, simulator %#08x", d.Where, uint32(d.Device), uint32(d.Simulator))
		} else {
			s += fmt.Sprintf(", %s: device %#04x, simulator %#04x", d.Where, uint16(d.Device), uint16(d.Simulator))
		}
	}
	if d.Count > 1 {
		s += fmt.Sprintf(" (and %d more)", d.Count-1)
	}
	if d.Note != "" {
		s += ": " + d.Note
	}
	return s
}

// fanOut is how many digests a pass of the search takes: each pass narrows the steps by that factor.
const fanOut = 8

// bisect finds the step, then the instruction, then the element.
func (c *checker) bisect(f finding) (*Difference, error) {
	for f.bad-f.good > 1 {
		g, err := c.pass(true, f.bad, points(f.good, f.bad))
		if err != nil {
			return nil, err
		}
		if g.bad < 0 {
			return &Difference{Sample: f.bad - 1, PC: -1, Note: f.results +
				"; learning the same samples again, from cleared memories, gave no difference: the program reads memory that neither image nor init sets, or the device is not deterministic: look at its clock and power"}, nil
		}
		if g.bad == f.bad && g.good <= f.good {
			break
		}
		if g.bad <= f.bad {
			f.bad, f.results = g.bad, g.results
		}
		f.good = max(f.good, g.good)
	}
	return c.instruction(f)
}

// points returns steps after good and up to bad, bad among them, at most fanOut.
func points(good, bad int) []int {
	n := min(bad-good, fanOut)
	at := make([]int, n)
	for i := range at {
		at[i] = good + (bad-good)*(i+1)/n
	}
	return at
}

// instruction finds the instruction of step f.bad after which the memories differ, having been equal before it.
func (c *checker) instruction(f finding) (*Difference, error) {
	out := &Difference{Sample: f.bad - 1, PC: -1}
	if err := c.until(f.bad - 1); err != nil {
		return nil, err
	}
	before, err := snapshot.Take(c.sim, c.m.Device)
	if err != nil {
		return nil, fmt.Errorf("simulator: %w", err)
	}
	devBefore, err := snapshot.Take(c.dev, c.m.Device)
	if err != nil {
		return nil, fmt.Errorf("device: %w", err)
	}
	if d, err := c.program(); err != nil || d != nil {
		if d != nil {
			d.Sample = f.bad - 1
		}
		return d, err
	}

	// The whole run, for the number of its instructions.
	_, whole, err := c.replay(f.bad, before, 0)
	if err != nil {
		return nil, err
	}
	counter, err := c.sim.Read(device.Control, device.ControlCounters+2*device.CounterRetired, 2)
	if err != nil {
		return nil, fmt.Errorf("simulator: %w", err)
	}
	total := int(counter[0]) | int(counter[1])<<16
	if !whole.differ() {
		out.Note = f.results + "; from equal memories the run gives equal results, so that it depends on something that an earlier run left elsewhere"
		if d := c.state(before, devBefore); d.differ() {
			d.fill(out)
			out.Note = "outside of the digest the memories differed before this sample: " + f.results
		}
		return out, nil
	}

	// The search ends at an instruction before which everything is equal and after which it is not, also where a later
	// one covers the difference up. total+1 stands for the whole run.
	var probe error
	k := 1 + sort.Search(total, func(i int) bool {
		if probe != nil {
			return true
		}
		if c.opt.Progress != nil {
			c.opt.Progress("bisect", i+1, total)
		}
		if probe = c.ctx.Err(); probe != nil {
			return true
		}
		var d differences
		_, d, probe = c.replay(f.bad, before, i+1)
		return d.differ()
	})
	if probe != nil {
		return nil, probe
	}
	limit := k
	if k > total {
		limit = 0
	}
	pcs, d, err := c.replay(f.bad, before, limit)
	if err != nil {
		return nil, err
	}
	d.fill(out)
	switch {
	case k > total && d.count == 0:
		out.Note += "; the memories are equal after every instruction"
		return out, nil
	case k > total:
		out.Note = "the device goes on after the simulator's halt"
	}
	out.Instruction = k
	if k <= len(pcs) {
		out.PC = pcs[k-1]
		if c.opt.Disasm != nil {
			out.Text = c.opt.Disasm(out.PC)
		}
	}
	return out, nil
}

// until runs the steps 0 to s on both, from the start, without comparing.
func (c *checker) until(s int) error {
	if err := c.start(true); err != nil {
		return err
	}
	for i := range s + 1 {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		if err := c.submit(c.run(i)); err != nil {
			return fmt.Errorf("%s: %w", stepName(i), err)
		}
		if _, _, err := c.result(); err != nil {
			return fmt.Errorf("%s: %w", stepName(i), err)
		}
	}
	return nil
}

// replay puts the state into both and runs step s until limit instructions have retired (0: to its end). It returns the
// program addresses that retired, if the simulator tells, and what differs afterwards.
func (c *checker) replay(s int, before *snapshot.State, limit int) (pcs []int, d differences, err error) {
	run := c.run(s)
	run.Limit = uint32(limit)
	err = c.both(func(dev Device) error {
		if err := dev.Reopen(); err != nil {
			return err
		}
		if (s+1)%2 == 0 {
			// One commit before, so that the number is even again and the sample goes into its buffer.
			if err := dev.Submit(device.Run{Entry: device.Digest}); err != nil {
				return err
			}
			if _, err := dev.Result(); err != nil {
				return err
			}
		}
		return before.Put(dev)
	})
	if err != nil {
		return nil, d, err
	}
	if t, ok := c.sim.(Tracer); ok {
		t.Trace(func(pc int) { pcs = append(pcs, pc) })
		defer t.Trace(nil)
	}
	if err := c.submit(run); err != nil {
		return nil, d, err
	}
	sim, dev, err := c.result()
	if err != nil {
		return nil, d, err
	}
	simState, err := snapshot.Take(c.sim, c.m.Device)
	if err != nil {
		return nil, d, fmt.Errorf("simulator: %w", err)
	}
	devState, err := snapshot.Take(c.dev, c.m.Device)
	if err != nil {
		return nil, d, fmt.Errorf("device: %w", err)
	}
	d = c.state(simState, devState)
	if limit == 0 || sim.Overflow != dev.Overflow {
		d.results = compare(sim, dev)
	}
	return pcs, d, nil
}

// differences between two states and two results.
type differences struct {
	count   int
	where   string
	dev     int32
	sim     int32
	wide    bool
	results string
}

func (d *differences) differ() bool { return d.count > 0 || d.results != "" }

func (d *differences) fill(out *Difference) {
	out.Where, out.Device, out.Simulator, out.Count, out.wide = d.where, d.dev, d.sim, d.count, d.wide
	if d.count == 0 {
		out.Note = d.results
	}
}

// state compares two states. Elements that have a name go before those that have none.
func (c *checker) state(sim, dev *snapshot.State) differences {
	var d differences
	named := false
	for i, space := range snapshot.Spaces {
		a, b := sim.Data[i], dev.Data[i]
		if slices.Equal(a, b) {
			continue
		}
		if space == device.Registers {
			for r := 0; r < device.NumRegs; r++ {
				x, y := long(a[2*r:]), long(b[2*r:])
				if x == y {
					continue
				}
				if d.count++; d.count == 1 || !named {
					d.where, d.sim, d.dev, d.wide, named = registerName(c.m, r), x, y, true, true
				}
			}
			continue
		}
		for e := range a {
			if a[e] == b[e] {
				continue
			}
			d.count++
			if named {
				continue
			}
			where, ok := elementName(c.m, space, e)
			if ok || d.count == 1 {
				d.where, d.sim, d.dev, named = where, int32(int16(a[e])), int32(int16(b[e])), ok
			}
		}
	}
	return d
}

func long(h []uint16) int32 { return int32(uint32(h[0]) | uint32(h[1])<<16) }

// program compares the program and the tables, which no run may change.
func (c *checker) program() (*Difference, error) {
	for _, x := range []struct {
		space device.Space
		n     int
		name  string
		per   int
	}{
		{device.Program, 8 * c.m.Device.ProgramDepth, "program", 8},
		{device.Tables, 2 * c.m.Device.TableDepth, "table entry", 2},
	} {
		sim, err := c.sim.Read(x.space, 0, x.n)
		if err != nil {
			return nil, fmt.Errorf("simulator: %w", err)
		}
		dev, err := c.dev.Read(x.space, 0, x.n)
		if err != nil {
			return nil, fmt.Errorf("device: %w", err)
		}
		// Only what the image has: memory beyond it may hold anything. The simulator has zeros there.
		for i := range sim {
			if sim[i] != dev[i] && sim[i] != 0 {
				return &Difference{
					PC: -1, Where: fmt.Sprintf("%s %d, halfword %d", x.name, i/x.per, i%x.per),
					Device: int32(dev[i]), Simulator: int32(sim[i]), Count: 1,
					Note: "the image in the device is damaged",
				}, nil
			}
		}
	}
	return nil, nil
}

// elementName returns the name of an element of weights or vectors. Without a name in the manifest it is the word and
// lane, and false.
func elementName(m *manifest.Manifest, space device.Space, e int) (string, bool) {
	lanes := m.Device.Lanes
	word, lane := e/lanes, e%lanes
	for _, t := range m.Tensors {
		if t.Space != space || word < t.Base || t.RowStride <= 0 {
			continue
		}
		r, c := (word-t.Base)/t.RowStride, (word-t.Base)%t.RowStride*lanes+lane
		if r < t.Rows && c < t.Cols {
			return fmt.Sprintf("%s[%d,%d]", t.Name, r, c), true
		}
	}
	if space == device.Weights {
		return fmt.Sprintf("weight word %d lane %d", word, lane), false
	}
	if in := m.Input; in.Kind == manifest.Events && e >= in.Base && e < in.Base+2*in.Stride {
		at := (e - in.Base) % in.Stride
		if step, i := at/in.Segment, at%in.Segment; i < in.Elements {
			return fmt.Sprintf("input buffer %d, step %d[%d]", (e-in.Base)/in.Stride, step, i), true
		}
	}
	var names []string // of vectors that share the word, one of which it is
	for _, v := range m.Vectors {
		off := word - v.Base
		if off < 0 {
			continue
		}
		if v.Wide {
			if i := off/3*lanes + lane; i < v.N {
				names = append(names, fmt.Sprintf("%s[%d] halfword %d of 3", v.Name, i, off%3))
			}
			continue
		}
		if i := off*lanes + lane; i < v.N {
			names = append(names, fmt.Sprintf("%s[%d]", v.Name, i))
		}
	}
	if names != nil {
		return strings.Join(names, " or "), true
	}
	if i := e - m.Input.Base; i >= 0 {
		for b := range 2 {
			if j := i - b*m.Input.Stride; j >= 0 && j < m.Input.Elements {
				return fmt.Sprintf("input buffer %d[%d]", b, j), true
			}
		}
	}
	return fmt.Sprintf("vector word %d lane %d", word, lane), false
}

func registerName(m *manifest.Manifest, r int) string {
	for _, x := range m.Registers {
		if x.Index == r {
			return fmt.Sprintf("r%d %s", r, x.Name)
		}
	}
	return fmt.Sprintf("r%d", r)
}
