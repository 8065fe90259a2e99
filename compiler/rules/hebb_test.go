package rules_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/sim/float"
)

// hebbSource is a network of two competing layers and a readout, rounding to nearest.
const hebbSource = `name = "agree"
seed = 11
[data]
set = "digits"
[[layer]]
units = 37
activation = %q
values = { frac = 14 }
weights = { bits = 16, frac = 15 }
lanes = %q
[[layer]]
units = 21
activation = %q
values = { frac = 14 }
lanes = %q
[[layer]]
units = 10
activation = "softmax"
weights = { bits = 16, frac = 12 }
[rule]
name = "hebb"
rate = %g
schedule = "constant"
rounding = "nearest"
%s
[device]
lanes = 8
`

// TestAgreeHebbian holds every change of weights and thresholds to the oracle's for the weights that the device has, for every
// form, competition and activation; at a low rate where nothing holds the weights back. Thresholds have a part that is rounded stochastically: one unit more.
func TestAgreeHebbian(t *testing.T) {
	for _, c := range []struct {
		rate    float64
		options string
		set     func(n *float.Hebbian)
	}{
		{0.125, "", func(*float.Hebbian) {}},
		{0.125, "competition = \"soft\"\nsharpness = 40.0", func(n *float.Hebbian) { n.Compete, n.Sharpness, n.Least = float.Soft, 40, 0.01 }},
		{0.125, "competition = \"threshold\"\nsharpness = 7.0\nconscience = 0.002", func(n *float.Hebbian) { n.Compete, n.Sharpness = float.Threshold, 7 }},
		{0.004, "form = \"plain\"", func(n *float.Hebbian) { n.Plain = true }},
		{0.004, "form = \"plain\"\nsparsity = 0.4\nconscience = 0.0", func(n *float.Hebbian) { n.Plain, n.Sparsity = true, 0.4 }},
	} {
		for _, activation := range []string{"exp", "relu"} {
			for _, lanes := range []string{"out", "in"} {
				t.Run(fmt.Sprintf("%s/%s/lanes-%s", strings.ReplaceAll(c.options, "\n", " "), activation, lanes), func(t *testing.T) {
					s := start(t, fmt.Sprintf(hebbSource, activation, lanes, activation, lanes, c.rate, c.options))
					s.agreeHebbian(activation == "relu", c.set)
				})
			}
		}
	}
}

func (s *state) agreeHebbian(linear bool, set func(*float.Hebbian)) {
	overflow := 0
	for i := range 200 {
		overflow += int(s.learn(i).Overflow)
	}
	conscience, compared, right := s.cfg.Rule.Number("conscience"), 0, 0
	for i := 200; i < 220; i++ {
		n := &float.Hebbian{Contrast: 12, Linear: linear}
		set(n)
		hidden := len(s.cfg.Layers) - 1
		for l := range hidden {
			w := s.fixed(fmt.Sprintf("w%d", l+1))
			units, _ := w.Dims()
			n.Layers = append(n.Layers, float.Layer{W: w, B: make([]float64, units)})
			if conscience > 0 {
				n.Thresholds = append(n.Thresholds, s.read(fmt.Sprintf("threshold%d", l+1)).value)
			}
		}
		n.Layers = append(n.Layers, s.layer(fmt.Sprintf("w%d", hidden+1), float.ReLU))
		if err := n.Check(); err != nil {
			s.Fatal(err)
		}
		x, y := float.Input(s.set.Image(i), 1.0/256), float.OneHot(s.set.Label(i), 10)
		if got := s.run(device.Run{Entry: device.Infer, Sample: device.Sample{Bytes: s.set.Image(i)}}); int(got.Result[0]) == n.Predict(x) {
			right++
		}
		_, sums, _, _ := n.Forward(x)
		changes := n.Changes(x, y)
		s.learn(i)
		for l, c := range changes {
			if l < hidden && (n.Compete == float.Winner && tied(sums[l], n.Thresholds, l, 4*math.Ldexp(1, -s.program.Vector(fmt.Sprintf("u%d", l+1)).Frac)) || n.Compete == float.Soft && atLeast(n, sums[l], l)) {
				continue // 16 bits decide who learns
			}
			compared++
			name := fmt.Sprintf("w%d", l+1)
			if l == hidden {
				s.near(i, name, s.layer(name, float.ReLU).W, n.Layers[l].W, c.W, s.cfg.Rule.Rate, s.read(name).lsb)
				continue
			}
			m := s.read(name)
			s.near(i, name, s.fixed(name), n.Layers[l].W, c.W, s.cfg.Rule.Rate, m.lsb)
			if conscience > 0 {
				th := s.read(fmt.Sprintf("threshold%d", l+1))
				after, before := mat.NewDense(1, len(th.value), th.value), mat.NewDense(1, len(th.value), n.Thresholds[l])
				s.near(i, th.name, after, before, mat.NewDense(1, len(c.Th), c.Th), conscience, 2*th.lsb)
			}
		}
	}
	if compared < 50 || right < 19 {
		s.Errorf("%d of 60 layers compared, %d of 20 predictions are the oracle's", compared, right)
	}
	if overflow > 0 {
		s.Errorf("%d values left 16 bits", overflow)
	}
}

// near says that after - before is rate·change, up to bits and 2% of the largest change.
func (s *state) near(i int, name string, after, before, change mat.Matrix, rate, lsb float64) {
	s.Helper()
	s.nearer(i, name, after, before, change, rate, lsb, max(mat.Max(change), -mat.Min(change)))
}

// nearer is near with 2% of something else.
func (s *state) nearer(i int, name string, after, before, change mat.Matrix, rate, lsb, largest float64) {
	s.Helper()
	r, c := change.Dims()
	largest *= rate
	worst := 0.0
	for y := range r {
		for x := range c {
			worst = max(worst, math.Abs(after.At(y, x)-before.At(y, x)-rate*change.At(y, x)))
		}
	}
	if bound := lsb + 0.02*largest; worst > bound {
		s.Errorf("sample %d, %s: a change is %.3g from the oracle's (largest change %.3g, bound %.3g)", i, name, worst, largest, bound)
	}
}

// tied says whether two units are so near that the rounding of their sums may decide between them.
func tied(sums []float64, thresholds [][]float64, l int, near float64) bool {
	c := append([]float64(nil), sums...)
	if thresholds != nil {
		floats.Sub(c, thresholds[l])
	}
	best := floats.MaxIdx(c)
	top := c[best]
	c[best] = math.Inf(-1)
	return top-floats.Max(c) < near
}

// atLeast says whether a share is so near the least that counts that its rounding may decide whether it does.
func atLeast(n *float.Hebbian, sums []float64, l int) bool {
	all := *n
	all.Least = 0
	c := append([]float64(nil), sums...)
	floats.Sub(c, n.Thresholds[l])
	for _, y := range all.Shares(c) {
		if y > n.Least*0.97 && y < n.Least*1.03 {
			return true
		}
	}
	return false
}

// TestHebbianErrors: options without effect and networks that the rule cannot carry are told at their place, with a remedy.
func TestHebbianErrors(t *testing.T) {
	for _, c := range []struct{ activation, options, want string }{
		{"exp", "sharpness = 20.0", `net.toml:25:13: sharpness has no effect: only the winner learns; remove it, or change competition`},
		{"exp", "sparsity = 0.5", `net.toml:25:12: sparsity has no effect: with decay every weight of a unit changes; remove it, or write form = "plain"`},
		{"tanh", "", `net.toml:7:14: rule "hebb" takes no tanh in hidden layers; use exp or relu, or another rule`},
		{"exp", "sparsity = 1.5", `net.toml:25:12: sparsity = 1.5 must be at most 1; write sparsity = 0.0`},
		{"exp", `competition = "hard"`, `net.toml:25:15: competition = "hard" is none of winner, soft, threshold; write competition = "winner"`},
	} {
		fails(t, fmt.Sprintf(hebbSource, c.activation, "out", c.activation, "out", 0.125, c.options), c.want)
	}
	fails(t, "name = \"a\"\n[data]\nset = \"digits\"\n[[layer]]\nunits = 10\nactivation = \"softmax\"\n[rule]\nname = \"hebb\"\nrate = 0.1\n",
		"net.toml:4:1: rule hebb has no hidden layer to learn in: the last layer is its readout; add a layer before it")
}

func fails(t *testing.T, src, want string) {
	t.Helper()
	n, err := config.Read("net.toml", []byte(src), options)
	if err == nil {
		_, err = rules.Build(n)
	}
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
