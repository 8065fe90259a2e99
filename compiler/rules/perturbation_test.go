package rules_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/pass"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/sim/float"
)

func sign(draw uint16) float64 {
	if draw&0x8000 != 0 {
		return -1
	}
	return 1
}

// signs are those that the next sample draws for the units of a hidden layer.
func (s *state) signs(layer, units int) []float64 {
	key := fixed.MakeKey(s.cfg.Seed, uint8(pass.NoiseStream+layer), s.steps)
	v := make([]float64, units)
	for i := range v {
		v[i] = sign(key.Draw(0, uint32(i)))
	}
	return v
}

// weightSigns are those that the next sample draws for the weights and biases of a layer.
func (s *state) weightSigns(layer, out, in int) *mat.Dense {
	key := fixed.MakeKey(s.cfg.Seed, uint8(pass.NoiseStream+layer), s.steps)
	across := s.program.Tensor(fmt.Sprintf("w%d", layer+1)).Lanes == "in"
	m := mat.NewDense(out, in+1, nil)
	m.Apply(func(i, j int, _ float64) float64 {
		if across {
			return sign(key.Draw(uint32(i), uint32(j)))
		}
		return sign(key.Draw(uint32(j), uint32(i)))
	}, m)
	return m
}

// TestPerturbationAgrees holds every weight change to the oracle's for the same weights and the same signs, which come from the definition of
// the draws. A finite perturbation moves 16-bit sums by few of their steps, so its bound is wider.
func TestPerturbationAgrees(t *testing.T) {
	for _, c := range []struct {
		options string
		within  float64 // of the largest change
		oracle  func(s *state) float.NodePerturbation
	}{
		{"rate = 0.0078125\ngroup = 16", 0.02, func(s *state) float.NodePerturbation { return float.NodePerturbation{Group: 16, Heads: s.heads()} }},
		{"rate = 0.0078125\ngroup = 5", 0.02, func(s *state) float.NodePerturbation { return float.NodePerturbation{Group: 5, Heads: s.heads()} }},
		{"rate = 0.0078125\ngroup = 0\nloss = \"global\"", 0.02, func(*state) float.NodePerturbation { return float.NodePerturbation{} }},
		{"rate = 0.0078125\ngroup = 8\nloss = \"global\"", 0.02, func(*state) float.NodePerturbation { return float.NodePerturbation{Group: 8} }},
		{"rate = 0.0078125\ngroup = 16\nmethod = \"node\"\nsize = 0.03125", 0.08, func(s *state) float.NodePerturbation {
			return float.NodePerturbation{Group: 16, Size: 1. / 32, Heads: s.heads()}
		}},
		{"rate = 0.0078125\ngroup = 8\nmethod = \"node\"\nloss = \"global\"\nsize = 0.125", 0.08, func(*state) float.NodePerturbation {
			return float.NodePerturbation{Group: 8, Size: 1. / 8}
		}},
	} {
		for hidden, act := range activations {
			for _, output := range []string{"softmax", "sigmoid"} {
				if output == "sigmoid" && hidden != "tanh" {
					continue // one is enough: the last layer does not know the hidden ones
				}
				t.Run(fmt.Sprintf("%s/%s/%s", strings.ReplaceAll(c.options, "\n", ", "), hidden, output), func(t *testing.T) {
					s := start(t, text(hidden, "out", output, "perturbation", c.options))
					for i := range 200 {
						s.learn(i)
					}
					compared := 0
					for i := 200; i < 240; i++ {
						net, rule := s.net(act, output), c.oracle(s)
						rule.Noise = s.signs
						if err := net.Check(rule); err != nil {
							t.Fatal(err)
						}
						sums := net.Forward(float.Input(s.set.Image(i), 1.0/256))
						errors := rule.Errors(net, sums, float.OneHot(s.set.Label(i), 10))
						before := s.learned()
						s.learn(i)
						if near(act, sums, rule.Size) {
							continue // one unit decides about the error of its whole group
						}
						compared++
						after := s.learned()
						if len(errors) != len(before) {
							t.Fatalf("%d matrices learn, %d in the oracle", len(before), len(errors))
						}
						for k, e := range errors {
							rate := s.cfg.Rule.Rate
							if k >= len(s.cfg.Layers) {
								rate *= s.cfg.Rule.Number("classifier_rate")
							}
							var want []float64
							for _, d := range e.D {
								for _, x := range append(e.X[:len(e.X):len(e.X)], 1) {
									want = append(want, -rate*d*x)
								}
							}
							s.compare(i, before[k], after[k], want, c.within)
						}
					}
					if compared < 5 {
						t.Errorf("only %d samples away from corners", compared)
					}
				})
			}
		}
	}
}

// near says whether a hidden sum is so near a corner of the activation that rounding, or the perturbation, decides on which side it is.
func near(act float.Activation, s float.State, size float64) bool {
	for _, a := range s.A[:len(s.A)-1] {
		for _, a := range a {
			if atKink(act, a) || size > 0 && (atKink(act, a+size) || atKink(act, a-size)) {
				return true
			}
		}
	}
	return false
}

// compare holds the change of a matrix to the one wanted, within a step of the weights and a part of the largest change.
func (s *state) compare(sample int, before, after matrix, want []float64, within float64) {
	s.Helper()
	worst := 0.0
	for i, w := range want {
		worst = max(worst, math.Abs(after.value[i]-before.value[i]-w))
	}
	largest := floats.Norm(want, math.Inf(1))
	if bound := before.lsb + within*largest; worst > bound {
		s.Errorf("sample %d, %s: a weight change is %.3g from the oracle's (largest change %.3g, bound %.3g)", sample, before.name, worst, largest, bound)
	}
}

// TestWeightPerturbationAgrees does the same for the perturbation of all weights at once.
func TestWeightPerturbationAgrees(t *testing.T) {
	for _, c := range []struct {
		options string
		size    float64
		within  float64
	}{
		{"rate = 0.001\nmethod = \"forward-weight\"", 0, 0.02},
		{"rate = 0.001\nmethod = \"weight\"\nsize = 0.03125", 1. / 32, 0.08},
	} {
		for hidden, act := range activations {
			for _, output := range []string{"softmax", "sigmoid"} {
				if output == "sigmoid" && hidden != "tanh" {
					continue
				}
				for _, lanes := range []string{"out", "in"} {
					t.Run(fmt.Sprintf("%s/%s/%s/lanes-%s", strings.ReplaceAll(c.options, "\n", ", "), hidden, output, lanes), func(t *testing.T) {
						s := start(t, text(hidden, lanes, output, "perturbation", c.options))
						for i := range 50 {
							s.learn(i)
						}
						compared, largest := 0, 0.0
						for i := 50; i < 80; i++ {
							net := s.net(act, output)
							x := float.Input(s.set.Image(i), 1.0/256)
							rule := float.WeightPerturbation{Size: c.size, Noise: s.weightSigns}
							want := rule.Estimate(net, x, float.OneHot(s.set.Label(i), 10))
							before, answer := s.learned(), s.run(device.Run{Entry: device.Infer, Sample: device.Sample{Bytes: s.set.Image(i)}})
							if got := s.learn(i); got.Result != answer.Result {
								t.Errorf("sample %d: learn answers %v, infer %v", i, got.Result, answer.Result)
							}
							if near(act, net.Forward(x), 0) {
								continue
							}
							compared++
							after := s.learned()
							for k, g := range want {
								out, in := g.W.Dims()
								var change []float64
								for o := range out {
									for i := range in {
										change = append(change, -s.cfg.Rule.Rate*g.W.At(o, i))
									}
									change = append(change, -s.cfg.Rule.Rate*g.B[o])
								}
								largest = max(largest, floats.Norm(change, math.Inf(1)))
								s.compare(i, before[k], after[k], change, c.within)
							}
						}
						if compared < 5 || largest < 10*s.learned()[0].lsb {
							t.Errorf("%d samples away from corners, the largest change is %g", compared, largest)
						}
					})
				}
			}
		}
	}
}

// TestTakeBack: a perturbation of the weights leaves nothing behind, even where weights have reached the end of their range.
func TestTakeBack(t *testing.T) {
	src := strings.ReplaceAll(text("tanh", "out", "softmax", "perturbation", "rate = 0.5\nmethod = \"weight\"\nsize = 0.03125"),
		"gain = 0.6", "gain = 0.3\nweights = { bits = 8, frac = 6 }")
	s := start(t, src)
	for i := range 300 {
		s.learn(i)
		for _, m := range s.learned()[:2] {
			if top, bottom := floats.Max(m.value), floats.Min(m.value); top > 127./64-1./32 || bottom < -2+1./32 {
				t.Fatalf("after %d samples %s reaches from %g to %g, which leaves no room for the next perturbation", i+1, m.name, bottom, top)
			}
		}
	}
	if top := floats.Max(s.learned()[0].value); top != 127./64-1./32 {
		t.Errorf("no weight has reached the end, the largest is %g", top)
	}
	// The same state, at a rate at which every update rounds to nothing.
	still := start(t, strings.NewReplacer("rate = 0.5", "rate = 4e-9", `rounding = "nearest"`, "").Replace(src))
	for i := range s.build.Manifest.Tensors {
		a, b := &s.build.Manifest.Tensors[i], &still.build.Manifest.Tensors[i]
		v, err := a.Read(s.machine, s.build.Manifest.Device.Lanes)
		if err != nil {
			t.Fatal(err)
		}
		if err := still.machine.Write(b.Space, b.Address(s.build.Manifest.Device.Lanes, 0, 0), b.Words(v, s.build.Manifest.Device.Lanes)); err != nil {
			t.Fatal(err)
		}
	}
	before := still.learned()
	for i := range 20 {
		still.learn(i)
	}
	for k, m := range still.learned() {
		if !floats.Equal(m.value, before[k].value) {
			t.Errorf("perturbation has changed %s", m.name)
		}
	}
}

// TestPerturbationErrors: what cannot be perturbed as asked is told at its place, with a remedy.
func TestPerturbationErrors(t *testing.T) {
	for _, c := range []struct{ lanes, options, want string }{
		{"out", "method = \"node\"\nsize = 0.3", "net.toml:23:8: size = 0.3 is no power of two; write size = 0.25"},
		{"out", "method = \"weight\"\nsize = 0.00001", "net.toml:23:8: size = 1e-05 is no power of two; write size = 7.62939453125e-06"},
		{"out", "method = \"weight\"\nsize = 0.000030517578125", `net.toml:23:8: size = 2^-15 is less than a step of the weights of layer "hidden1", 2^-14; write size = 6.103515625e-05 or more`},
		{"out", "method = \"node\"\nsize = 0.0001220703125", `net.toml:23:8: size = 2^-13 is less than a step of the sums of layer "hidden1", 2^-12; write size = 0.000244140625 or more`},
		{"out", "size = 0.25", `net.toml:22:8: size has no effect with method = "forward-node": derivatives have no size; remove it, or change method`},
		{"out", "method = \"weight\"\ngroup = 4", `net.toml:23:9: group has no effect with method = "weight": the weights are perturbed all at once; remove it, or change method`},
		{"out", "method = \"weight\"\nloss = \"local\"", `net.toml:23:8: loss has no effect with method = "weight": the weights are perturbed all at once, for the loss of the network; remove it, or change method`},
		{"out", "loss = \"global\"\nclassifier_rate = 1", `net.toml:23:19: classifier_rate has no effect with method = "forward-node": there are no classifiers; remove it, or change method`},
		{"in", "loss = \"global\"", `net.toml:14:9: the inputs of layer "hidden2" are taken in groups, for which its lanes must lie over its outputs; write lanes = "out", or loss = "local"`},
		{"out", "group = -1", "net.toml:22:9: group = -1 is outside 0 to 8191; write group = 4"},
		{"out", "method = \"weight\"\nsize = 0.5\nWEIGHTS", `net.toml:24:8: size = 0.5 leaves the weights of layer "hidden1", Q0.7 [-1, 0.992188], no room to be perturbed up and down; write less, or give the weights a wider range`},
	} {
		src := text("tanh", c.lanes, "softmax", "perturbation", c.options)
		if strings.Contains(src, "WEIGHTS") {
			src = strings.Replace(strings.Replace(src, "WEIGHTS", "", 1), "gain = 0.6", "gain = 0.6\nweights = { bits = 8, frac = 7 }", 1)
		}
		n, err := config.Read("net.toml", []byte(src), options)
		if err == nil {
			_, err = rules.Build(n)
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.options, err, c.want)
		}
	}
}
