// Package oracle holds the fixed-point programs to the float64 oracle of sim/float.
package oracle

import (
	"context"
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/dataset"
	"github.com/nmc-fpga/nmc/sim"
	"github.com/nmc-fpga/nmc/sim/float"
)

const source = `name = "step"
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
name = %q
rate = 0.0625
schedule = "constant"
rounding = "nearest"
[device]
lanes = 8
`

var activations = map[string]float.Activation{"relu": float.ReLU, "tanh": float.Tanh, "sigmoid": float.Sigmoid, "hard-sigmoid": float.HardSigmoid}

// TestStep learns samples with the simulator, rounding to nearest, and holds every weight change of every layer to the
// oracle's for the same weights. The bound is one least significant bit of the weights for their own rounding plus
// the effect of 16-bit values: both are far below what a wrong sign, operand or derivative does.
func TestStep(t *testing.T) {
	for rule, oracle := range map[string]float.Rule{"bp": float.Backprop, "dfa": float.DFA} {
		for hidden, act := range activations {
			for _, output := range []string{"softmax", "sigmoid"} {
				for _, lanes := range []string{"out", "in"} {
					t.Run(fmt.Sprintf("%s/%s/%s/lanes-%s", rule, hidden, output, lanes), func(t *testing.T) {
						step(t, fmt.Sprintf(source, hidden, lanes, hidden, lanes, output, rule), oracle, act, output)
					})
				}
			}
		}
	}
}

func step(t *testing.T, src string, rule float.Rule, act float.Activation, output string) {
	cfg, err := config.Read("net.toml", []byte(src), config.Options{Rules: rules.Specs()})
	if err != nil {
		t.Fatal(err)
	}
	b, err := compiler.Compile(cfg, compiler.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := sim.New(b.Manifest.Device)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Image.Load(m); err != nil {
		t.Fatal(err)
	}
	set, err := dataset.Open(context.Background(), "digits", dataset.Train)
	if err != nil {
		t.Fatal(err)
	}
	run := func(r device.Run) device.Result {
		t.Helper()
		if err := m.Submit(r); err != nil {
			t.Fatal(err)
		}
		res, err := m.Result()
		if err != nil {
			t.Fatal(err)
		}
		return res
	}
	read := func() [][]float64 {
		var w [][]float64
		for i := range b.Manifest.Tensors {
			x := &b.Manifest.Tensors[i]
			v, err := x.Read(m, b.Manifest.Device.Lanes)
			if err != nil {
				t.Fatal(err)
			}
			f := make([]float64, len(v))
			for k := range v {
				f[k] = math.Ldexp(float64(v[k]), -x.Frac)
			}
			w = append(w, f)
		}
		return w
	}
	run(device.Run{Entry: device.Init})
	for i := range 200 { // away from the start
		run(device.Run{Entry: device.Learn, Label: uint16(set.Label(i)), Sample: device.Sample{Bytes: set.Image(i)}})
	}
	right, kinks := 0, 0
	for i := 200; i < 210; i++ {
		before := read()
		net := floatNet(t, cfg, before, rule, act, output)
		x, y := float.Input(set.Image(i), 1.0/256), float.OneHot(set.Label(i), 10)
		want := net.Predict(x)
		got := run(device.Run{Entry: device.Infer, Sample: device.Sample{Bytes: set.Image(i)}})
		if int(got.Result[0]) == want {
			right++
		}
		run(device.Run{Entry: device.Learn, Label: uint16(set.Label(i)), Sample: device.Sample{Bytes: set.Image(i)}})
		after := read()
		state := net.Forward(x)
		for l, g := range net.Gradients(rule, x, y) {
			layer := cfg.Layers[l]
			ins := 196
			if l > 0 {
				ins = cfg.Layers[l-1].Units
			}
			worst, largest := 0.0, 0.0
			for out := range layer.Units {
				if l < len(cfg.Layers)-1 && atKink(act, state.A[l][out]) {
					kinks++
					continue
				}
				for in := range ins + 1 {
					want := -cfg.Rule.Rate * gradient(g, out, in, ins)
					k := out*(ins+1) + in
					worst = max(worst, math.Abs(after[l][k]-before[l][k]-want))
					largest = max(largest, math.Abs(want))
				}
			}
			lsb := math.Ldexp(1, -layer.Weights.Frac)
			if bound := 1.0*lsb + 0.02*largest; worst > bound {
				t.Errorf("sample %d, layer %d: a weight change is %.3g from the oracle's (largest change %.3g, bound %.3g)", i, l+1, worst, largest, bound)
			}
		}
	}
	if kinks > 10 { // of 580 hidden units
		t.Errorf("%d units sit at a kink of their activation", kinks)
	}
	if right < 9 {
		t.Errorf("%d of 10 predictions are the oracle's", right)
	}
}

// atKink says whether the derivative jumps so near a sum that its 16-bit rounding decides on which side it is.
func atKink(act float.Activation, a float64) bool {
	const near = 0.002
	switch act {
	case float.ReLU:
		return math.Abs(a) < near
	case float.HardSigmoid:
		return math.Abs(math.Abs(a)-3) < near
	}
	return false
}

func gradient(g float.Gradient, out, in, ins int) float64 {
	if in == ins {
		return g.B[out]
	}
	return g.W.At(out, in)
}

// floatNet builds the oracle's network from weights in logical order, the bias last, and generates the feedback matrices
// from the definition of the draws.
func floatNet(t *testing.T, cfg *config.Net, w [][]float64, rule float.Rule, act float.Activation, output string) *float.Net {
	net := &float.Net{Output: float.SoftmaxCE}
	if output == "sigmoid" {
		net.Output = float.SigmoidCE
	}
	ins := 196
	for l, layer := range cfg.Layers {
		var weights, bias []float64
		for out := range layer.Units {
			row := w[l][out*(ins+1) : (out+1)*(ins+1)]
			weights = append(weights, row[:ins]...)
			bias = append(bias, row[ins])
		}
		fl, err := float.NewLayer(layer.Units, ins, weights, bias, act)
		if err != nil {
			t.Fatal(err)
		}
		net.Layers = append(net.Layers, fl)
		ins = layer.Units
	}
	if rule == float.DFA {
		for l := range len(cfg.Layers) - 1 {
			key := fixed.MakeKey(cfg.Seed, uint8(128+len(cfg.Layers)+l), 0)
			units := cfg.Layers[l].Units
			m := mat.NewDense(units, 10, nil)
			for out := range units {
				for in := range 10 {
					m.Set(out, in, cfg.Rule.Feedback)
					if key.Draw(uint32(in), uint32(out))&0x8000 != 0 {
						m.Set(out, in, -cfg.Rule.Feedback)
					}
				}
			}
			net.Feedback = append(net.Feedback, m)
		}
	}
	return net
}
