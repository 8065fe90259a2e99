package rules

import (
	"fmt"
	"math"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/expr"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

// customSpikes are the options of a hidden layer of spiking units.
var customSpikes = []config.Option{
	idle(timestepsOption), idle(codeOption), idle(eventsOption), idle(leakOption),
	{Name: "threshold", Default: 1.0, Max: 1024, Open: true, Idle: true, Doc: "voltage at which a lif unit spikes"},
	{Name: "inhibition", Default: "winner", Words: []string{"winner", "none"}, Idle: true,
		Doc: "of lif units: the one furthest above the threshold spikes and all membranes are reset; none: each on its own"},
}

func idle(o config.Option) config.Option {
	o.Idle = true
	return o
}

// customSpikeFrac is the format of spikes: one is 1.
const customSpikeFrac = 14

// checkSpikes finds out whether the hidden layer spikes, and checks what that asks for.
func (c *custom) checkSpikes() diag.List {
	r, net := &c.Net.Rule, c.Net
	var list diag.List
	hidden := net.Layers[:c.Layers()-1]
	for _, l := range hidden {
		c.spikes = c.spikes || l.Activation == "lif"
	}
	if !c.spikes {
		for _, o := range customSpikes {
			if at, given := r.At[o.Name]; given {
				list = append(list, net.Diagnostic(at, o.Name+" has no effect: no unit spikes", `remove it, or write activation = "lif"`))
			}
		}
		if d := net.Data; d.Spikes() {
			list = append(list, net.Diagnostic(d.At["encoder"], fmt.Sprintf("encoder = %q makes spikes, but no unit spikes", d.Encoder), `write encoder = "direct", or activation = "lif"`))
		}
		return list
	}
	if len(hidden) > 1 {
		list = append(list, net.Diagnostic(hidden[1].Pos, fmt.Sprintf("rule custom has one spiking layer, layer %q is another one", hidden[1].Name), "remove it, and give the first more units"))
	}
	late := []string{"error"}
	if c.eligible() == 0 {
		late = append(late, "reward")
	}
	for _, name := range late {
		if c.dw != nil && c.uses(name) {
			list = append(list, net.Diagnostic(r.At["dw"], fmt.Sprintf("%s is known when the sample's last step is over, dw changes weights in every step", name), "for a reward write eligibility = 0.5"))
		}
	}
	return append(list, checkCode(c.Dense)...)
}

// learnSpikes adds what happens to a sample that spiking units see: its time steps with dw in each, then the readout.
func (c *custom) learnSpikes(f *ir.Func) error {
	s := c.layerOfSpikes()
	learns := c.Net.Layers[0].Rate > 0
	var target *ir.Tensor
	if learns {
		for _, name := range c.order {
			if err := c.declare(name); err != nil {
				return err
			}
			f.Add(ir.New("fill", c.vectors[name], ir.Imm(0)))
		}
		target = c.eligibility(f)
	}
	err := c.steps(f, s, func(b *ir.Func) error {
		if !learns {
			return nil
		}
		for _, name := range c.order {
			if err := c.trace(b, name); err != nil {
				return err
			}
		}
		return c.update(b, target)
	})
	if err != nil {
		return err
	}
	c.ForwardLayer(f, 1)
	e := c.OutputError(f)
	if learns && c.uses("reward") {
		c.reward(f)
		c.reinforce(f, target)
	}
	c.Update(f, 1, e)
	return nil
}

// answerSpikes adds the same without any learning.
func (c *custom) answerSpikes(f *ir.Func) error {
	err := c.steps(f, c.layerOfSpikes(), func(*ir.Func) error { return nil })
	c.ForwardLayer(f, 1)
	return err
}

// membranes are the vectors of a layer of spiking units.
type membranes struct {
	coder
	v, current, spike, counts string
}

// layerOfSpikes declares the vectors, and what x0 and y0 are.
func (c *custom) layerOfSpikes() *membranes {
	units := c.Net.Layers[0].Units
	// A membrane holds sixteen times the threshold; what is driven further saturates.
	volts := 15 - 4 - int(math.Ceil(math.Log2(c.Net.Rule.Number("threshold"))))
	m := &membranes{
		coder: newCoder(c.Dense, customSpikeFrac),
		v:     c.Vector("v", units, volts), current: c.Vector("current", units, volts),
		spike: c.Vector("spike", units, customSpikeFrac), counts: c.H(1),
	}
	c.l, c.vectors, c.ranges, c.made = 0, map[string]string{}, map[string]expr.Interval{}, map[string]string{}
	for name, v := range c.constant {
		c.ranges[name] = expr.Span(v, v)
	}
	for _, x := range []struct{ name, vector string }{{"x0", m.s}, {"pre", m.s}, {"y0", m.spike}, {"post", m.spike}} {
		c.vectors[x.name], c.ranges[x.name] = x.vector, expr.Span(0, 1)
	}
	return m
}

// steps adds the time steps of a sample: v <- leak v + W s; units over the threshold spike, and their membranes are reset. What
// the layer gives on is the share of steps in which a unit spiked.
func (c *custom) steps(f *ir.Func, m *membranes, after func(b *ir.Func) error) error {
	r := &c.Net.Rule
	threshold, steps := c.Const(m.v, r.Number("threshold")), r.Whole("timesteps")
	m.begin(f)
	f.Add(ir.New("fill", m.v, ir.Imm(0)), ir.New("fill", m.counts, ir.Imm(0)))
	return c.Repeat(f, steps, func(b *ir.Func, _ string) error {
		m.encode(b)
		b.Add(ir.New("matvec", m.current, c.W(0), m.s))
		c.silent(c.Scale(b, m.v, m.v, r.Number("leak"), m.current))
		b.Add(ir.New("ge", m.spike, m.v, threshold))
		if r.Word("inhibition") == "none" {
			b.Add(ir.New("sel", m.v, m.spike, ir.Zero, m.v))
		} else {
			any := c.Scalar("any", 0, 0, false)
			b.Add(ir.New("dot", any, m.spike, ir.Imm(1)).With("n", c.Net.Layers[0].Units).With("shift", 0))
			c.If(b, any, Unequal, c.Scalar("zero", 0, 0, false), func(b *ir.Func) {
				b.Add(ir.New("winner", m.spike, m.v), ir.New("fill", m.v, ir.Imm(0)))
			})
		}
		c.Bound(c.Scale(b, m.counts, m.spike, 1/float64(steps), m.counts), 0, 1)
		return after(b)
	})
}
