package rules_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/compiler/pass"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/dataset"
	"github.com/nmc-fpga/nmc/host/encode"
	"github.com/nmc-fpga/nmc/sim"
	"github.com/nmc-fpga/nmc/sim/float"
)

// source is a network in which every learned matrix has the rule's rate and updates are rounded to nearest.
const source = `name = "agree"
seed = 11
[data]
set = "digits"
[[layer]]
units = 37
activation = %q
gain = 0.6
lanes = %q
[[layer]]
units = 21
activation = %q
gain = 0.6
lanes = %q
[[layer]]
units = 10
activation = %q
[rule]
schedule = "constant"
rounding = "nearest"
name = %q
%s
[device]
lanes = 8
`

// text is the source with the options of a rule, at the rate 1/16 if they give none.
func text(hidden, lanes, output, rule, options string) string {
	if !strings.HasPrefix(options, "rate = ") {
		options += "\nrate = 0.0625"
	}
	return fmt.Sprintf(source, hidden, lanes, hidden, lanes, output, rule, options)
}

// oracles is the table of all rules and variants: the lines that choose one, and the same rule in float64 with the matrices that
// the device has.
var oracles = []struct {
	rule, options string
	oracle        func(s *state) float.Rule
}{
	{"bp", "", func(*state) float.Rule { return float.Backprop }},
	{"dfa", "", func(*state) float.Rule { return float.DFA }},
	{"dfa", `feedback_source = "stored"`, func(*state) float.Rule { return float.DFA }},
	{"fa", "", func(s *state) float.Rule { return float.FA{B: s.feedback()} }},
	{"fa", "feedback_source = \"stored\"\nfeedback = 0.1", func(s *state) float.Rule { return float.FA{B: s.feedback()} }},
	{"local", "", func(s *state) float.Rule { return float.Local{Heads: s.heads()} }},
	{"local", "rate = 0.03125\nclassifier = \"fixed\"\nclassifier_scale = 0.25\nerror = { frac = 13 }", func(s *state) float.Rule { return float.Local{Heads: s.heads(), Fixed: true} }},
	{"pc", "", func(*state) float.Rule { return float.Predictive{Steps: 3, Step: 0.5} }},
	{"pc", "sweeps = 5\nstep = 1\nprecision = 0.3", func(*state) float.Rule { return float.Predictive{Steps: 5, Step: 1, Precision: 0.3} }},
	// One unit at a time the gradient is exact, whatever the signs; TestPerturbationAgrees has groups.
	{"perturbation", "rate = 0.015625\ngroup = 1", func(s *state) float.Rule { return float.Local{Heads: s.heads()} }},
	{"fa", "feedback_source = \"symmetric\"\nfeedback = 0.1", func(*state) float.Rule { return float.SignSymmetric{Scale: 0.1} }},
	{"tp", "warmup = 0\ninverse_every = 4\nerror = { frac = 13 }", func(s *state) float.Rule { return s.targets(float.Difference) }},
	{"tp", "targets = \"vanilla\"\ntarget_step = 1\nwarmup = 150\nerror = { frac = 12 }", func(s *state) float.Rule { return s.targets(float.Vanilla) }},
	{"tp", "targets = \"simplified\"\ninverse_rate = 0.125\nwarmup = 100\nnoise = 0.1\nerror = { frac = 12 }", func(s *state) float.Rule { return s.targets(float.Simplified) }},
	{"tp", "inverse_loss = \"difference\"\ninverse_every = 2\nnoise = 0.25\nwarmup = 100", func(s *state) float.Rule { return s.targets(float.Difference) }},
	{"tp", "targets = \"simplified\"\ninverse_loss = \"difference\"\nwarmup = 0", func(s *state) float.Rule { return s.targets(float.Simplified) }},
	{"tp", "targets = \"simplified\"\ninverse_rate = 1\nwarmup = 300", func(s *state) float.Rule {
		r := s.targets(float.Simplified)
		r.Warmup = true
		return r
	}},
}

// targets is target propagation with the device's inverses and the noise that it draws for the next sample.
func (s *state) targets(targets float.Targets) float.TargetProp {
	act := activations[s.cfg.Layers[0].Activation]
	r := float.TargetProp{Targets: targets, Step: s.cfg.Rule.Number("target_step"), Linear: s.cfg.Rule.Word("inverse_loss") == "difference"}
	every := uint32(s.cfg.Rule.Whole("inverse_every"))
	if s.steps%8 == 0 { // for the samples since the last that inverses learned from
		r.Decay = 8 / float64(every)
	}
	r.Asleep = s.steps%every != 0
	for l := 1; l < len(s.cfg.Layers); l++ {
		name := fmt.Sprintf("v%d", l+1)
		if s.program.Tensor(name) == nil {
			break
		}
		if r.Linear {
			v := s.fixed(name)
			units, _ := v.Dims()
			r.Inverses = append(r.Inverses, float.Layer{W: v, B: make([]float64, units)})
		} else {
			r.Inverses = append(r.Inverses, s.layer(name, act))
		}
		key := fixed.MakeKey(s.cfg.Seed, uint8(pass.NoiseStream+l), s.steps)
		noise := make([]float64, s.cfg.Layers[l-1].Units)
		for i := range noise {
			noise[i] = s.cfg.Rule.Number("noise")
			if negative := key.Draw(0, uint32(i))&0x8000 != 0; negative != r.Linear { // linear inverses learn from what -noise·sign does
				noise[i] = -noise[i]
			}
		}
		r.Noise = append(r.Noise, noise)
	}
	return r
}

var activations = map[string]float.Activation{"relu": float.ReLU, "tanh": float.Tanh, "sigmoid": float.Sigmoid, "hard-sigmoid": float.HardSigmoid, "clip": float.Clip}

// TestAgree learns samples in the simulator, rounding to nearest, and holds every weight change of every learned matrix to the
// oracle's for the same weights. The bound is one least significant bit of the weights for their own rounding plus the
// effect of 16-bit values: both are far below what a wrong sign, operand or derivative does.
func TestAgree(t *testing.T) {
	seen := map[string]bool{"custom": true, "ep": true, "ff": true, "hebb": true, "stdp": true} // TestCustom, TestAgreeHopfield, TestAgreeForwardForward, TestAgreeHebbian, TestAgreeSpikeTiming
	for _, c := range oracles {
		seen[c.rule] = true
		for hidden, act := range activations {
			for _, output := range outputs(c.rule) {
				for _, lanes := range []string{"out", "in"} {
					t.Run(fmt.Sprintf("%s/%s/%s/%s/lanes-%s", c.rule, c.options, hidden, output, lanes), func(t *testing.T) {
						s := start(t, text(hidden, lanes, output, c.rule, c.options))
						s.agree(act, output, c.oracle)
					})
				}
			}
		}
	}
	for rule := range rules.All {
		if !seen[rule] {
			t.Errorf("rule %s is held to no oracle", rule)
		}
	}
}

// outputs are the activations of the last layer that a rule takes.
func outputs(rule string) []string {
	if o := rules.All[rule].Spec.Output; o != nil {
		return o
	}
	return []string{"softmax", "sigmoid"}
}

// state is a compiled network on the simulator.
type state struct {
	*testing.T
	cfg     *config.Net
	build   *compiler.Build
	program *ir.Program
	machine *sim.Machine
	set     *dataset.Set
	encoder *encode.Encoder
	steps   uint32 // samples that it has learned
}

func start(t *testing.T, src string) *state {
	t.Helper()
	s := &state{T: t}
	var err error
	if s.cfg, err = config.Read("net.toml", []byte(src), config.Options{Rules: rules.Specs()}); err != nil {
		t.Fatal(err)
	}
	if s.build, err = compiler.Compile(s.cfg, compiler.Options{}); err != nil {
		t.Fatal(err)
	}
	if s.program, err = ir.Parse(s.build.IR); err != nil {
		t.Fatal(err)
	}
	if s.machine, err = sim.New(s.build.Manifest.Device); err != nil {
		t.Fatal(err)
	}
	if err := s.build.Image.Load(s.machine); err != nil {
		t.Fatal(err)
	}
	if s.set, err = dataset.Open(context.Background(), "digits", dataset.Train); err != nil {
		t.Fatal(err)
	}
	if s.encoder, err = encode.New(s.build.Manifest, s.set, 5); err != nil {
		t.Fatal(err)
	}
	s.run(device.Run{Entry: device.Init})
	return s
}

func (s *state) run(r device.Run) device.Result {
	s.Helper()
	if err := s.machine.Submit(r); err != nil {
		s.Fatal(err)
	}
	res, err := s.machine.Result()
	if err != nil {
		s.Fatal(err)
	}
	return res
}

func (s *state) learn(i int) device.Result {
	s.steps++
	return s.run(device.Run{Entry: device.Learn, Label: uint16(s.set.Label(i)), Sample: s.encoder.Sample(0, i)})
}

func (s *state) agree(act float.Activation, output string, oracle func(*state) float.Rule) {
	overflow := 0
	for i := range 200 { // away from the start
		overflow += int(s.learn(i).Overflow)
	}
	right, kinks, units, wavered := 0, 0, 0, 0
	for i := 200; i < 210+wavered; i++ {
		net, rule := s.net(act, output), oracle(s)
		if err := net.Check(rule); err != nil {
			s.Fatal(err)
		}
		before := s.learned()
		x, y := float.Input(s.set.Image(i), 1.0/256), float.OneHot(s.set.Label(i), 10)
		got := s.run(device.Run{Entry: device.Infer, Sample: device.Sample{Bytes: s.set.Image(i)}})
		s.learn(i)
		if relaxing, ok := rule.(float.Predictive); ok && wavers(net, relaxing, x, y) {
			if wavered++; wavered > 30 {
				s.Fatal("hardly a sample without a value at a kink of its activation")
			}
			continue
		}
		if int(got.Result[0]) == net.Predict(x) {
			right++
		}
		after := s.learned()
		sums, errors := net.Forward(x), rule.Errors(net, net.Forward(x), y)
		if len(errors) != len(before) {
			s.Fatalf("%d matrices learn, %d in the oracle", len(before), len(errors))
		}
		for k, e := range errors {
			worst, largest, rate := 0.0, 0.0, s.cfg.Rule.Rate
			if k >= len(s.cfg.Layers) {
				rate *= s.cfg.Rule.Number(map[string]string{"local": "classifier_rate", "perturbation": "classifier_rate", "tp": "inverse_rate"}[s.cfg.Rule.Name])
			}
			tp, inverse := rule.(float.TargetProp)
			inverse = inverse && k >= len(s.cfg.Layers)
			for out, d := range e.D {
				kink := false
				switch {
				case k < len(sums.A)-1:
					units++
					kink = atKink(act, sums.A[k][out])
				case inverse && !tp.Linear:
					units++
					kink = atKink(act, inverseSum(e, out))
				}
				if kink {
					kinks++
					continue
				}
				inputs := e.X
				if bias := len(before[k].value) > len(e.D)*len(e.X); bias {
					inputs = append(e.X[:len(e.X):len(e.X)], 1)
				}
				for in, x := range inputs {
					at := out*len(inputs) + in
					want := -rate * d * x
					if inverse && tp.Linear {
						want -= rate * tp.Decay * before[k].value[at]
					}
					worst = max(worst, math.Abs(after[k].value[at]-before[k].value[at]-want))
					largest = max(largest, math.Abs(want))
				}
			}
			if bound := before[k].lsb + 0.02*largest; worst > bound {
				s.Errorf("sample %d, %s: a weight change is %.3g from the oracle's (largest change %.3g, bound %.3g)", i, before[k].name, worst, largest, bound)
			}
		}
	}
	if kinks*58 > units { // 10 of the 580 hidden units of ten samples
		s.Errorf("%d of %d units sit at a kink of their activation", kinks, units)
	}
	if right < 9 {
		s.Errorf("%d of 10 predictions are the oracle's", right)
	}
	if overflow > 0 {
		s.Errorf("%d values left 16 bits", overflow)
	}
}

// inverseSum is a sum of an inverse when it reconstructs.
func inverseSum(e float.Error, out int) float64 {
	return mat.Dot(e.Layer.W.RowView(out), mat.NewVecDense(len(e.X), e.X)) + e.Layer.B[out]
}

// wavers says whether what a layer learns from jumps when the sums of the hidden layers move by little: a value is then, in some
// sweep, so near a kink of its activation that its 16-bit rounding decides on which side it is.
func wavers(net *float.Net, rule float.Predictive, x, y []float64) bool {
	errors := rule.Errors(net, net.Forward(x), y)
	for _, near := range []float64{0.001, -0.001} {
		moved := *net
		moved.Layers = slices.Clone(net.Layers)
		for l := range len(net.Layers) - 1 {
			b := slices.Clone(net.Layers[l].B)
			floats.AddConst(near, b)
			moved.Layers[l].B = b
		}
		for k, e := range rule.Errors(&moved, moved.Forward(x), y) {
			if floats.Distance(e.D, errors[k].D, math.Inf(1)) > 0.01*floats.Norm(errors[k].D, math.Inf(1)) {
				return true
			}
		}
	}
	return false
}

// atKink says whether the derivative jumps so near a sum that its 16-bit rounding decides on which side it is.
func atKink(act float.Activation, a float64) bool {
	const near = 0.002
	switch act {
	case float.ReLU:
		return math.Abs(a) < near
	case float.HardSigmoid:
		return math.Abs(math.Abs(a)-3) < near
	case float.Clip:
		return math.Abs(a) < near || math.Abs(a-1) < near
	}
	return false
}

// matrix is a tensor of the device as numbers in logical order, out·inputs + in with the bias last.
type matrix struct {
	name  string
	value []float64
	lsb   float64
}

// learned returns the matrices that learn, those of the network first.
func (s *state) learned() []matrix {
	var all []matrix
	for i := range s.build.Manifest.Tensors {
		if t := &s.build.Manifest.Tensors[i]; t.Role != "feedback" {
			all = append(all, s.read(t.Name))
		}
	}
	return all
}

func (s *state) read(name string) matrix {
	s.Helper()
	for i := range s.build.Manifest.Tensors {
		t := &s.build.Manifest.Tensors[i]
		if t.Name != name {
			continue
		}
		v, err := t.Read(s.machine, s.build.Manifest.Device.Lanes)
		if err != nil {
			s.Fatal(err)
		}
		m := matrix{name: name, lsb: math.Ldexp(1, -t.Frac)}
		for _, x := range v {
			m.value = append(m.value, float64(x)*m.lsb)
		}
		return m
	}
	s.Fatalf("the device has no tensor %s", name)
	return matrix{}
}

// layer is a matrix with a bias as a layer of the oracle.
func (s *state) layer(name string, act float.Activation) float.Layer {
	t, m := s.program.Tensor(name), s.read(name)
	var w, b []float64
	for k, v := range m.value {
		if k%(t.In+1) == t.In {
			b = append(b, v)
		} else {
			w = append(w, v)
		}
	}
	l, err := float.NewLayer(t.Out, t.In, w, b, act)
	if err != nil {
		s.Fatal(err)
	}
	return l
}

// fixed is a matrix without a bias: read from the device, or made from the definition of the draws.
func (s *state) fixed(name string) *mat.Dense {
	for i, t := range s.program.Tensors {
		if t.Name != name {
			continue
		}
		if t.Source == "memory" {
			return mat.NewDense(t.Out, t.In, s.read(name).value)
		}
		key := fixed.MakeKey(s.cfg.Seed, uint8(128+i), 0)
		m := mat.NewDense(t.Out, t.In, nil)
		m.Apply(func(out, in int, _ float64) float64 {
			row, col := in, out
			if t.Lanes == "in" {
				row, col = out, in
			}
			if key.Draw(uint32(row), uint32(col))&0x8000 != 0 {
				return -math.Ldexp(1, -t.Frac)
			}
			return math.Ldexp(1, -t.Frac)
		}, m)
		return m
	}
	s.Fatalf("the program has no tensor %s", name)
	return nil
}

// feedback returns B_1, B_2, …
func (s *state) feedback() []*mat.Dense {
	var b []*mat.Dense
	for l := 1; l < len(s.cfg.Layers); l++ {
		b = append(b, s.fixed(fmt.Sprintf("b%d", l)))
	}
	return b
}

// heads returns C_1, C_2, …
func (s *state) heads() []float.Layer {
	var c []float.Layer
	for l := 1; l < len(s.cfg.Layers); l++ {
		name := fmt.Sprintf("c%d", l)
		if t := s.program.Tensor(name); !t.Bias {
			c = append(c, float.Layer{W: s.fixed(name), B: make([]float64, t.Out)})
			continue
		}
		c = append(c, s.layer(name, float.ReLU))
	}
	return c
}

// net is the oracle's network with the device's weights as they are.
func (s *state) net(act float.Activation, output string) *float.Net {
	n := &float.Net{Output: float.SoftmaxCE}
	switch output {
	case "sigmoid":
		n.Output = float.SigmoidCE
	case "linear":
		n.Output = float.LinearSquared
	}
	for l := range s.cfg.Layers {
		n.Layers = append(n.Layers, s.layer(fmt.Sprintf("w%d", l+1), act))
	}
	if s.cfg.Rule.Name == "dfa" {
		n.Feedback = s.feedback()
	}
	return n
}

// TestSigns holds B = ±feedback with the signs of the weights, from init on and after every sample, zeros among them.
func TestSigns(t *testing.T) {
	for _, lanes := range []string{"out", "in"} {
		src := text("tanh", lanes, "softmax", "fa", "feedback_source = \"symmetric\"\nfeedback = 0.1")
		src = strings.ReplaceAll(src, "gain = 0.6", "gain = 0.05\nweights = { bits = 8, frac = 7 }")
		s := start(t, src)
		zeros := 0
		for i := range 5 {
			for _, l := range []string{"2", "3"} {
				w, b := s.read("w"+l), s.read("b"+string(l[0]-1))
				for k, w := range w.value {
					want := 0.1
					switch {
					case w < 0:
						want = -0.1
					case w == 0:
						want = 0
						zeros++
					}
					if math.Abs(b.value[k]-want) > b.lsb/2 {
						t.Fatalf("lanes %s, after %d samples: element %d of the feedback of w%s is %g, the weight %g", lanes, i, k, l, b.value[k], w)
					}
				}
			}
			s.learn(i)
		}
		if zeros == 0 {
			t.Error("no weight was zero")
		}
	}
}
