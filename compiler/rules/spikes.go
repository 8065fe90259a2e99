package rules

import (
	"fmt"
	"math"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/compiler/manifest"
)

const (
	rateFrac     = manifest.GainFrac // spikes of an input in a step, and its phase, which is less than 2
	smallestMean = 8                 // of the input bytes of a sample: a darker one has fewer spikes than asked for
)

// Options of rules whose units spike.
var (
	timestepsOption = config.Option{Name: "timesteps", Default: 16, Min: 2, Max: 64, Doc: "of a sample"}
	codeOption      = config.Option{Name: "code", Default: "regular", Words: []string{"regular", "poisson", "latency", "events"},
		Doc: "of an input: evenly spaced spikes, random ones, one that comes the sooner the brighter, or events: what the encoder in [data] sends"}
	eventsOption = config.Option{Name: "events", Default: 40.0, Max: 1024, Open: true, Doc: "spikes of all inputs together in a step; an input has at most one"}
	leakOption   = config.Option{Name: "leak", Default: 0.9375, Max: 1, Doc: "what a step leaves of a membrane's voltage; 1: no leak"}
)

// coder makes spikes of a sample's bytes, step by step.
type coder struct {
	*Dense
	inputs int
	// Vectors: rates of the inputs, their phases, and the spikes of the step.
	p, phase, s string
}

// checkCode holds the code to the encoder: spikes are made by the device or by the host.
func checkCode(n *Dense) diag.List {
	r, net := &n.Net.Rule, n.Net
	var list diag.List
	encoder := net.Data.Pos
	if at, given := net.Data.At["encoder"]; given {
		encoder = at
	}
	code := r.Pos
	if at, given := r.At["code"]; given {
		code = at
	}
	events := r.Word("code") == "events"
	switch d := net.Data; {
	case d.Spikes() && !events:
		list = append(list, net.Diagnostic(code, fmt.Sprintf("code = %q makes spikes on the device, but encoder = %q of [data] makes them on the host", r.Word("code"), d.Encoder),
			`write code = "events", or encoder = "direct"`))
	case events && !d.Spikes():
		list = append(list, net.Diagnostic(code, fmt.Sprintf(`code = "events" takes spikes from the host, but encoder = %q of [data] makes none`, d.Encoder),
			`write encoder = "poisson" (or regular, latency, delta, recorded) into [data], or another code`))
	case d.Encoder == "centered":
		list = append(list, net.Diagnostic(encoder, fmt.Sprintf("rule %s makes spikes of brightness, encoder = %q gives negative numbers", r.Name, d.Encoder), `write encoder = "direct"`))
	}
	if at, given := r.At["events"]; given && events && net.Data.Spikes() && !net.Data.Rated() {
		list = append(list, net.Diagnostic(at, fmt.Sprintf("events has no effect: how many spikes encoder = %q makes is up to what it sees", net.Data.Encoder), "remove it, or choose another encoder"))
	}
	return list
}

// Gain returns how often inputs spike by their brightness, from the option events: in a step so many of them together, p = events·x/Σx.
func Gain(net *config.Net) manifest.Gain {
	events, inputs := net.Rule.Number("events"), net.Input.Elements()
	// events/Σx with so many fraction bits that it has 15 where the mean of the bytes is the smallest.
	frac := int(math.Floor(math.Log2(math.MaxInt16 * float64(inputs) * smallestMean / events)))
	numerator := math.Ldexp(events, frac)
	up := max(0, int(math.Ceil(math.Log2(numerator)))-30)
	return manifest.Gain{Numerator: int32(math.Round(math.Ldexp(numerator, -up))), Up: up, Shift: frac - manifest.GainFrac}
}

// newCoder declares the vectors; a spike is one in a format of spikeFrac fraction bits.
func newCoder(n *Dense, spikeFrac int) coder {
	c := coder{Dense: n, inputs: n.Net.Input.Elements()}
	c.p, c.phase = n.Vector("p", c.inputs, rateFrac), n.Vector("phase", c.inputs, rateFrac)
	if n.Net.Rule.Word("code") == "poisson" {
		n.Program.Vector(c.p).Frac = rateFrac + 1
	}
	c.s = n.Vector("s", c.inputs, spikeFrac)
	return c
}

// events says whether the spikes come from the host. Every step of a sample has to be encoded then: a buffer that was not read to its end
// would hold spikes when the next sample comes.
func (n *coder) events() bool { return n.Net.Data.Spikes() }

// silent lets an operation saturate on purpose.
func (n *Dense) silent(o *ir.Op) *ir.Op {
	return o.With("lo", math.MinInt16+1).With("hi", math.MaxInt16-1)
}

// begin adds p = events·x/Σx, at most 1, and the phases that the codes start from.
func (n *coder) begin(f *ir.Func) {
	if n.events() {
		return
	}
	g := Gain(n.Net)
	sum, gain := n.Scalar("input_sum", 0, 0, false), n.Scalar("gain", 0, g.Shift+rateFrac-n.Program.Vector(n.H(0)).Frac, false)
	f.Add(ir.New("dot", sum, n.H(0), ir.Imm(1)).With("n", n.inputs).With("shift", 0))
	f.Add(ir.New("div", gain, n.Scalar("events", g.Numerator, 0, false), sum).With("shift", g.Up))
	n.Bound(n.Mul(f, n.p, n.H(0), gain, ir.Zero), 0, 1)
	if n.Net.Rule.Word("code") == "poisson" { // 2p - 1, to compare with draws in [-1, 1)
		f.Add(ir.New("madd", n.p, n.p, ir.Imm(1), n.Const(n.p, -0.5)))
		n.silent(n.Scale(f, n.p, n.p, 2, ir.Zero)).With("lo", math.MinInt16)
		return
	}
	f.Add(ir.New("fill", n.phase, n.Const(n.phase, 0.5)))
	if n.Net.Rule.Word("code") == "latency" {
		n.Copy(f, n.left(), n.p)
	}
}

// encode adds the spikes of one step.
func (n *coder) encode(f *ir.Func) {
	one := n.units1(n.s)
	switch n.Net.Rule.Word("code") {
	case "poisson": // not where the draw is at least 2p - 1: never for p = 0
		f.Add(ir.New("ge", n.s, ir.Uniform, n.p).With("lo", one).With("hi", 0))
	case "latency": // an input that had its spike collects no more
		n.collect(f, n.left())
		f.Add(ir.New("sel", n.left(), n.s, ir.Zero, n.left()))
	case "events": // and zeros for the sample that has this buffer next
		n.Copy(f, n.s, n.H(0))
		f.Add(ir.New("fill", n.H(0), ir.Imm(0)), ir.New("next", n.H(0)))
	default:
		n.collect(f, n.p)
	}
}

// collect adds p to the phases, and a spike where that makes one.
func (n *coder) collect(f *ir.Func, p string) {
	n.Add(f, n.phase, p, n.phase)
	f.Add(ir.New("ge", n.s, n.phase, n.Const(n.phase, 1)))
	n.Sub(f, n.phase, n.phase, n.s)
}

// left holds the rates of the inputs that have not spiked.
func (n *coder) left() string { return n.Vector("left", n.inputs, rateFrac) }

// units1 is one in units of a vector's elements.
func (n *coder) units1(v string) int { return n.Dense.units(v, 1) }
