package rules

import (
	"fmt"
	"math"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/ir"
)

const (
	stepName = "step"
	probFrac = 15 // probabilities; 1 is read as 32767/32768
)

// Dense is a stack of dense layers while its program is being written. Layers count from 0; vector 0 is the input and
// vector l+1 the output of layer l.
type Dense struct {
	Net     *config.Net
	Program *ir.Program
	rounds  fixed.Rounding
	Answer  string           // the vector whose largest element is the prediction; the logits if the rule says nothing else
	rates   []rate           // of each layer
	deep    int              // blocks that are open
	shared  map[int32]string // the register of each rate factor
}

// rate is a learning rate: a register and what its factor is divided by, 2^frac. The zero rate learns nothing.
type rate struct {
	scalar string
	frac   int
}

// Layers is the number of layers.
func (n *Dense) Layers() int { return len(n.Net.Layers) }

// W is the name of layer l's weights.
func (n *Dense) W(l int) string { return fmt.Sprintf("w%d", l+1) }

// H is the name of vector l: the input for 0, the output of layer l-1 otherwise.
func (n *Dense) H(l int) string {
	if l == 0 {
		return "x"
	}
	return fmt.Sprintf("h%d", l)
}

// Logits is the name of the last layer's sums.
func (n *Dense) Logits() string { return fmt.Sprintf("u%d", n.Layers()) }

// sumFrac is the format of the sums that an activation function expects: its table's domain, or its constants.
var sumFrac = map[string]int{"tanh": 12, "sigmoid": 12, "hard-sigmoid": 12, "softmax": 10, "linear": 12, "vote": 11}

func newDense(net *config.Net) *Dense {
	p := &ir.Program{Name: net.Name, Rule: net.Rule.Name, Seed: net.Seed}
	n := &Dense{Net: net, Program: p, rounds: fixed.Stochastic, shared: map[int32]string{}}
	if net.Rule.Rounding == "nearest" {
		n.rounds = fixed.Nearest
	}
	x := &ir.Vector{Name: "x", Role: "input", N: net.Input.Elements(), One: true, Frac: net.Data.InputFrac(), Base: -1}
	if net.Data.Spikes() { // of spiking units, which have no biases
		x.One, x.Steps = false, net.Rule.Whole("timesteps")
	}
	p.Vectors = append(p.Vectors, x)
	in := net.Input.Elements()
	for l, layer := range net.Layers {
		p.Tensors = append(p.Tensors, &ir.Tensor{Name: n.W(l), Role: "weight", In: in, Out: layer.Units, Bias: true, Bits: layer.Weights.Bits,
			Frac: layer.Weights.Frac, Source: "memory", Lanes: layer.Lanes, Base: -1})
		last := l == n.Layers()-1
		frac := layer.Values.Frac
		switch {
		case last && layer.Activation == "linear":
			frac = net.Rule.ErrorFrac
		case last && layer.Activation != "clip":
			frac = probFrac
		}
		sum, ok := sumFrac[layer.Activation]
		if !ok {
			sum = frac
		}
		n.Vector(fmt.Sprintf("u%d", l+1), layer.Units, sum)
		p.Vectors = append(p.Vectors, &ir.Vector{Name: n.H(l + 1), Role: "value", N: layer.Units, One: !last, Frac: frac, Base: -1})
		in = layer.Units
	}
	n.Answer = n.Logits()
	n.Scalar(stepName, 0, 0, true)
	for l, layer := range net.Layers {
		n.rates = append(n.rates, n.Rate(fmt.Sprintf("rate%d", l+1), net.Rule.Rate*layer.Rate))
	}
	return n
}

// Vector declares a temporary vector and returns its name.
func (n *Dense) Vector(name string, size, frac int) string {
	if n.Program.Vector(name) == nil {
		n.Program.Vectors = append(n.Program.Vectors, &ir.Vector{Name: name, Role: "temp", N: size, Frac: frac, Base: -1})
	}
	return name
}

// One gives a vector the constant one that a bias takes, and returns its name.
func (n *Dense) One(name string) string {
	if v := n.Program.Vector(name); !v.One {
		v.One = true
		n.Program.Func("init").Add(ir.New("one", name))
	}
	return name
}

// Scalar declares a scalar and returns its name.
func (n *Dense) Scalar(name string, init int32, frac int, learned bool) string {
	if n.Program.Scalar(name) == nil {
		n.Program.Scalars = append(n.Program.Scalars, &ir.Scalar{Name: name, Init: init, Frac: frac, Learned: learned, Reg: -1})
	}
	return name
}

func (n *Dense) table(name, fn string, in, out int) string {
	if n.Program.Table(name) == nil {
		n.Program.Tables = append(n.Program.Tables, &ir.Table{Name: name, Func: fn, InFrac: in, OutFrac: out, Base: -1})
	}
	return name
}

// factor splits a positive value into a 16-bit factor in [2^14, 2^15) and a fraction: value = factor / 2^frac.
func factor(value float64) (int32, int) {
	frac := 15 - int(math.Floor(math.Log2(value))) - 1
	f := math.Round(math.Ldexp(value, frac))
	if f == 1<<15 {
		f, frac = 1<<14, frac-1
	}
	return int32(f), frac
}

// Rate declares a learning rate, of which name is the register. Rates that differ by a power of two share a register: the
// shift makes the difference.
func (n *Dense) Rate(name string, value float64) rate { return n.rate(name, value, -1) }

// Ascent is Rate for updates that go with their operands, as Hebb's, not against them as an error's.
func (n *Dense) Ascent(name string, value float64) rate { return n.rate(name, value, 1) }

func (n *Dense) rate(name string, value float64, sign int32) rate {
	if value == 0 {
		return rate{}
	}
	f, frac := factor(value)
	f *= sign
	base, ok := n.shared[f]
	if !ok {
		base = name
		n.shared[f] = base
		n.Scalar(base, f<<16, frac, true)
	}
	return rate{base, frac}
}

// init draws the weights, unless trained ones are imported: uniform, standard deviation gain·sqrt(2/fan-in), biases zero.
func (n *Dense) init(f *ir.Func) {
	for l, layer := range n.Net.Layers {
		if n.Net.Import.Path != "" {
			break // the image brings the weights
		}
		t := n.Program.Tensor(n.W(l))
		n.Draw(f, t, layer.Gain*math.Sqrt(2/float64(t.In)))
	}
	for _, v := range n.Program.Vectors {
		if v.One {
			f.Add(ir.New("one", v.Name))
		}
		if v.Steps > 0 {
			f.Add(ir.New("clear", v.Name))
		}
	}
}

// reset adds the initial values of all learned scalars.
func (n *Dense) reset(f *ir.Func) {
	for _, s := range n.Program.Scalars {
		if s.Learned {
			f.Add(ir.New("reset", s.Name))
		}
	}
}

// Draw adds the drawing of a tensor from a uniform distribution with standard deviation std.
func (n *Dense) Draw(f *ir.Func, t *ir.Tensor, std float64) {
	// A draw is uniform in [-2^15, 2^15): its standard deviation is 2^15/√3.
	fac, frac := factor(std * math.Sqrt(3) * math.Ldexp(1, t.Frac-15))
	scale := n.Scalar("scale_"+t.Name, fac<<16, frac, false)
	f.Add(ir.New("draw", t.Name, scale).With("shift", frac).With("source", 1))
}

// Forward adds the forward pass up to the sums of the last layer.
func (n *Dense) Forward(f *ir.Func) {
	for l := range n.Net.Layers {
		n.ForwardLayer(f, l)
	}
}

// ForwardLayer adds the forward pass of layer l; of the last one the sums only.
func (n *Dense) ForwardLayer(f *ir.Func, l int) {
	u, h := fmt.Sprintf("u%d", l+1), n.H(l+1)
	f.Add(ir.New("matvec", u, n.W(l), n.H(l)))
	if l < n.Layers()-1 {
		n.activate(f, n.Net.Layers[l].Activation, h, u)
	}
}

// activate adds h = activation(u).
func (n *Dense) activate(f *ir.Func, activation, h, u string) {
	sum, out := n.Program.Vector(u).Frac, n.Program.Vector(h).Frac
	switch activation {
	case "relu", "clip":
		f.Add(ir.New(activation, h, u))
	case "tanh", "sigmoid":
		table := activation + fmt.Sprint(out)
		if sum != sumFrac[activation] {
			table += fmt.Sprint("_", sum)
		}
		f.Add(ir.New(activation, h, u, n.table(table, activation, sum, out)))
	case "hard-sigmoid":
		f.Add(ir.New("hardsigmoid", h, u))
	case "linear":
		n.Copy(f, h, u)
	case "softmax":
		f.Add(ir.New("softmax", h, u, n.table("exp", "exp", expFrac, probFrac)))
	}
}

// expFrac is the format of softmax's exponents: down to -16.
const expFrac = 11

// OutputError adds the error of the last layer's sums and returns its name.
func (n *Dense) OutputError(f *ir.Func) string {
	d := n.ErrorVector(n.Layers())
	n.classError(f, d, n.H(n.Layers()), n.Logits())
	return d
}

// classError adds the probabilities p that the sums u give to the classes, by the activation of the last layer, and d = p -
// onehot(label), the gradient of the cross-entropy by u (for softmax and for independent sigmoid outputs alike).
func (n *Dense) classError(f *ir.Func, d, p, u string) {
	n.activate(f, n.Net.Layers[n.Layers()-1].Activation, p, u)
	f.Add(ir.New("target", d, p))
}

// Descend adds the error of every layer's sums, from the last layer down, and then every layer's update: all errors come
// from the weights as they are. back adds t = what reaches the outputs of layer l-1 from d, the error of layer l's sums.
func (n *Dense) Descend(f *ir.Func, back func(l int, t, d string) error) error {
	errors := []string{n.OutputError(f)}
	for l := n.Layers() - 1; l > 0; l-- {
		t := n.Returned(l)
		if err := back(l, t, errors[0]); err != nil {
			return err
		}
		errors = append([]string{n.Derive(f, l, t)}, errors...)
	}
	for l, d := range errors {
		n.Update(f, l, d)
	}
	return nil
}

// Returned declares the vector of what comes back to the outputs of layer l-1, and returns its name.
func (n *Dense) Returned(l int) string {
	return n.Vector(fmt.Sprintf("t%d", l), n.Net.Layers[l-1].Units, n.Net.Rule.ErrorFrac)
}

// ErrorVector declares the error of layer l-1's sums, and returns its name.
func (n *Dense) ErrorVector(l int) string {
	frac := n.Net.Rule.ErrorFrac
	if l == n.Layers() {
		frac = n.Program.Vector(n.H(l)).Frac
	}
	return n.Vector(fmt.Sprintf("d%d", l), n.Net.Layers[l-1].Units, frac)
}

// Derive adds d = t ⊙ f'(h) for the outputs of layer l-1 and returns the name of d.
func (n *Dense) Derive(f *ir.Func, l int, t string) string {
	d := n.ErrorVector(l)
	n.slope(f, l, d, t, n.H(l))
	return d
}

// slope adds d = t ⊙ f'(h), f the activation of layer l-1 and h a vector like its outputs.
func (n *Dense) slope(f *ir.Func, l int, d, t, h string) {
	name := map[string]string{"relu": "drelu", "clip": "dclip", "tanh": "dtanh", "sigmoid": "dsigmoid", "hard-sigmoid": "dhardsigmoid"}[n.Net.Layers[l-1].Activation]
	f.Add(ir.New(name, d, t, h))
}

// Update adds W -= rate · d·hᵀ for layer l, with d the error of its sums. A frozen layer gets none.
func (n *Dense) Update(f *ir.Func, l int, d string) { n.outer(f, n.W(l), n.rates[l], d, n.H(l)) }

// outer adds W -= rate · d·xᵀ, or nothing at rate 0.
func (n *Dense) outer(f *ir.Func, tensor string, r rate, d, x string) {
	if r.scalar != "" {
		f.Add(n.product(tensor, r, d, x))
	}
}

// product is the operation W -= rate · d·xᵀ.
func (n *Dense) product(tensor string, r rate, d, x string) *ir.Op {
	w, e, v := n.Program.Tensor(tensor), n.Program.Vector(d), n.Program.Vector(x)
	return ir.New("outer", tensor, r.scalar, d, x).With("shift", r.frac+e.Frac+v.Frac-w.Frac).With("round", int(n.rounds))
}

// anneal adds one step of the learning-rate schedule.
func (n *Dense) anneal(f *ir.Func) {
	r := n.Net.Rule
	if r.Schedule == "constant" || r.Final == r.Rate {
		return
	}
	for _, s := range n.Program.Scalars {
		if !s.Learned || s.Name == stepName {
			continue
		}
		last := math.Round(float64(s.Init) * r.Final / r.Rate)
		op := ir.New("anneal", s.Name).With("final", int(last))
		if r.Schedule == "geometric" {
			op.With("sched", 2).With("factor", int(math.Round(math.Ldexp(math.Pow(r.Final/r.Rate, 1/float64(r.Steps)), 31))))
		} else {
			op.With("sched", 1).With("factor", int(math.Round((last-float64(s.Init))/float64(r.Steps))))
		}
		f.Add(op)
	}
}
