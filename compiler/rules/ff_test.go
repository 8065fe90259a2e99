package rules_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/sim/float"
)

// ffSource is a network of two layers that compare labels, rounding to nearest.
const ffSource = `name = "agree"
seed = 11
[data]
set = "digits"
[[layer]]
units = 37
activation = %q
lanes = %q
[[layer]]
units = 21
activation = "relu"
rate = 0.25
lanes = %q
[[layer]]
units = 10
activation = "softmax"
[rule]
name = "ff"
rate = 0.01
schedule = "constant"
rounding = "nearest"
%s
[device]
lanes = 8
`

// TestAgreeForwardForward holds every weight change to the oracle's for the weights that the device has, in every form, and the
// answers too.
func TestAgreeForwardForward(t *testing.T) {
	for _, options := range []string{"threshold = 1.5\nsharpness = 3.0\nlabel = 1.5", `answer = "readout"`, `goodness = "group"`, "goodness = \"group\"\nanswer = \"readout\"\nsharpness = 2.0"} {
		for _, lanes := range []string{"out", "in"} {
			t.Run(fmt.Sprintf("%s/lanes-%s", strings.ReplaceAll(options, "\n", " "), lanes), func(t *testing.T) {
				s := start(t, fmt.Sprintf(ffSource, "relu", lanes, lanes, options))
				s.agreeForward()
			})
		}
	}
}

// forward is the oracle's network with the device's weights as they are.
func (s *state) forward() *float.ForwardForward {
	r := &s.cfg.Rule
	n := &float.ForwardForward{Scale: r.Number("label"), Threshold: r.Number("threshold"), Sharpness: r.Number("sharpness")}
	for l := range len(s.cfg.Layers) - 1 {
		n.Layers = append(n.Layers, s.layer(fmt.Sprintf("w%d", l+1), float.ReLU))
	}
	if r.Word("goodness") == "group" {
		n.Groups = 10
	} else {
		n.Label = s.fixed("labels")
	}
	if r.Word("answer") == "readout" {
		l := s.layer("w3", float.ReLU)
		n.Readout = &l
	}
	if err := n.Check(); err != nil {
		s.Fatal(err)
	}
	return n
}

// matrices of a network, with their names, in the order of the device.
func (s *state) matrices(n *float.ForwardForward) (names []string, layers []float.Layer) {
	for l, layer := range n.Layers {
		names, layers = append(names, fmt.Sprintf("w%d", l+1)), append(layers, layer)
	}
	if n.Readout != nil {
		names, layers = append(names, "w3"), append(layers, *n.Readout)
	}
	if n.Label != nil {
		names, layers = append(names, "labels"), append(layers, float.Layer{W: n.Label})
	}
	return names, layers
}

func (s *state) agreeForward() {
	overflow := 0
	for i := range 200 {
		overflow += int(s.learn(i).Overflow)
	}
	compared, right, near := 0, 0, 0
	for i := 200; i < 220; i++ {
		n, label := s.forward(), s.set.Label(i)
		x := float.Input(s.set.Image(i), 1.0/256)
		got := int(s.run(device.Run{Entry: device.Infer, Sample: device.Sample{Bytes: s.set.Image(i)}}).Result[0])
		if got == n.Predict(x) {
			right++
		}
		if n.Groups == 0 && contested(n, x, label) {
			near++
			s.learn(i)
			continue // 16 bits decide which label is the best wrong one
		}
		names, layers := s.matrices(n)
		want, largest := map[*mat.Dense]*mat.Dense{}, map[*mat.Dense]float64{} // the two passes nearly cancel: each is as exact as its largest change
		for _, e := range n.Errors(x, label) {
			w := e.Layer.W
			if n.Readout != nil && w == n.Readout.W {
				w = layers[len(n.Layers)].W
			}
			out, in := w.Dims()
			if want[w] == nil {
				want[w] = mat.NewDense(out, in, nil)
			}
			largest[w] = max(largest[w], max(floats.Max(e.D), -floats.Min(e.D))*floats.Max(e.X))
			want[w].RankOne(want[w], -1, mat.NewVecDense(out, e.D), mat.NewVecDense(in, e.X))
		}
		s.learn(i)
		_, after := s.matrices(s.forward())
		for k, name := range names {
			rate, lsb := s.cfg.Rule.Rate, s.read(name).lsb
			if name == "w2" {
				rate, lsb = rate*s.cfg.Layers[1].Rate, 2*lsb // two passes, each rounded
			}
			s.nearer(i, name, after[k].W, layers[k].W, want[layers[k].W], rate, lsb, largest[layers[k].W])
			compared++
		}
	}
	if compared < 40 || right < 19 {
		s.Errorf("%d matrices compared, %d samples left out, %d of 20 predictions are the oracle's", compared, near, right)
	}
	if overflow > 0 {
		s.Errorf("%d values left 16 bits", overflow)
	}
}

// contested says whether two wrong labels are equally good up to the rounding of their goodness.
func contested(n *float.ForwardForward, x []float64, right int) bool {
	g := n.Goodnesses(x, 1)
	g[right] = math.Inf(-1)
	best := floats.MaxIdx(g)
	top := g[best]
	g[best] = math.Inf(-1)
	return top-floats.Max(g) < 0.005
}

// TestForwardForwardErrors: what the rule cannot carry is told at its place, with a remedy.
func TestForwardForwardErrors(t *testing.T) {
	for _, c := range []struct{ old, new, options, want string }{
		{"", "", "goodness = \"group\"\nlabel = 1.0", `net.toml:23:9: label has no effect: with groups no label is an input and classes are compared with each other; remove it, or write goodness = "label"`},
		{"", "", "goodness = \"group\"\nthreshold = 1.0", `net.toml:23:13: threshold has no effect`},
		{"units = 21", "units = 9", "goodness = \"group\"", `net.toml:10:9: 9 units cannot form a group for each of 10 classes; use at least 10 units`},
		{"activation = \"softmax\"", "activation = \"softmax\"\nrate = 2.0", "", `net.toml:17:8: rate has no effect: the last layer has no weights when goodness answers; remove it, or write answer = "readout"`},
		{`activation = "relu"`, `activation = "tanh"`, "", `net.toml:7:14: rule "ff" takes no tanh in hidden layers; use relu, or another rule`},
		{`activation = "softmax"`, `activation = "sigmoid"`, "", `net.toml:16:14: rule "ff" takes no sigmoid in the last layer; use softmax, or another rule`},
		{"[rule]", "[weights]\nimport = \"a.npz\"\n[rule]", "", `net.toml:18:10: rule ff cannot start from imported weights: a file has none for the labels; remove [weights]`},
	} {
		src := fmt.Sprintf(ffSource, "relu", "out", "out", c.options)
		fails(t, strings.Replace(src, c.old, c.new, 1), c.want)
	}
	fails(t, "name = \"a\"\n[data]\nset = \"digits\"\n[[layer]]\nunits = 10\nactivation = \"softmax\"\n[rule]\nname = \"ff\"\nrate = 0.1\n",
		"net.toml:4:1: rule ff has no hidden layer to learn in; add a layer before the last one, which only answers")
}
