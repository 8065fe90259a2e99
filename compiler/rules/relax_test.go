package rules_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/sim/float"
)

// TestAgreeHopfield holds every weight change of equilibrium propagation to the oracle's, and its answers. The bound is one least
// significant bit of the weights for each of the two products that an update is made of, plus the effect of 16-bit states.
func TestAgreeHopfield(t *testing.T) {
	for _, c := range []struct {
		options string
		oracle  float.Hopfield
	}{
		{"", float.Hopfield{Beta: 0.5, Free: 6, Nudged: 2}},
		{"nudge = 0.3\nfree_sweeps = 3\nnudged_sweeps = 1", float.Hopfield{Beta: 0.3, Free: 3, Nudged: 1}},
		{"estimator = \"positive\"\nnudge = 1\nnudged_sweeps = 4", float.Hopfield{Beta: 1, Free: 6, Nudged: 4, Estimator: float.Positive}},
		{"rate = 0.03125\nestimator = \"random-sign\"", float.Hopfield{Beta: 0.5, Free: 6, Nudged: 2, Estimator: float.RandomSign}},
	} {
		for _, lanes := range []string{"out", "in"} {
			t.Run(fmt.Sprintf("%s/lanes-%s", c.options, lanes), func(t *testing.T) {
				s := start(t, text("clip", lanes, "clip", "ep", c.options))
				n := c.oracle
				overflow, right := 0, 0
				for i := range 200 { // away from the start
					overflow += int(s.learn(i).Overflow)
				}
				signs := map[bool]int{}
				for i := 200; i < 210; i++ {
					n.Layers = s.net(float.Clip, "clip").Layers
					if err := n.Check(); err != nil {
						t.Fatal(err)
					}
					before := s.learned()
					x, y := float.Input(s.set.Image(i), 1.0/256), float.OneHot(s.set.Label(i), 10)
					got := s.run(device.Run{Entry: device.Infer, Sample: device.Sample{Bytes: s.set.Image(i)}})
					if int(got.Result[0]) == n.Predict(x) {
						right++
					}
					if learned := s.learn(i); learned.Result != got.Result {
						t.Errorf("sample %d: the answers are %v while learning and %v otherwise", i, learned.Result, got.Result)
					}
					after := s.learned()
					// worst says how far beyond its bound the furthest weight change is.
					worst := func(negative bool) float64 {
						excess := math.Inf(-1)
						for k, g := range n.Gradients(x, y, negative) {
							furthest, largest := 0.0, 0.0
							out, in := g.W.Dims()
							for r := range out {
								for c := range in + 1 {
									want := -s.cfg.Rule.Rate * g.B[r]
									if c < in {
										want = -s.cfg.Rule.Rate * g.W.At(r, c)
									}
									at := r*(in+1) + c
									furthest = max(furthest, math.Abs(after[k].value[at]-before[k].value[at]-want))
									largest = max(largest, math.Abs(want))
								}
							}
							excess = max(excess, furthest-before[k].lsb-0.02*largest)
						}
						return excess
					}
					negative := n.Estimator == float.RandomSign && worst(true) < worst(false)
					signs[negative]++
					if w := worst(negative); w > 0 {
						t.Errorf("sample %d: a weight change is %.3g further from the oracle's than its bound", i, w)
					}
				}
				if right < 9 {
					t.Errorf("%d of 10 predictions are the oracle's", right)
				}
				if n.Estimator == float.RandomSign && (signs[true] == 0 || signs[false] == 0) {
					t.Errorf("of 10 samples %d had a negative nudge", signs[true])
				}
				if overflow > 0 {
					t.Errorf("%d values left 16 bits", overflow)
				}
			})
		}
	}
}

// TestAgreeIncremental holds what predictive coding that learns at every sweep makes of the weights to the oracle's. Each sweep
// rounds once.
func TestAgreeIncremental(t *testing.T) {
	for _, output := range outputs("pc") {
		for _, lanes := range []string{"out", "in"} {
			t.Run(fmt.Sprintf("%s/lanes-%s", output, lanes), func(t *testing.T) {
				s := start(t, text("tanh", lanes, output, "pc", "rate = 0.03125\nupdate = \"incremental\"\nsweeps = 4"))
				rule := float.Predictive{Steps: 4, Step: 0.5, Incremental: true}
				for i := range 200 {
					s.learn(i)
				}
				for i := 200; i < 210; i++ {
					net, before := s.net(float.Tanh, output), s.learned()
					net.Step(rule, float.Input(s.set.Image(i), 1.0/256), float.OneHot(s.set.Label(i), 10), []float64{1. / 32, 1. / 32, 1. / 32})
					s.learn(i)
					for k, after := range s.learned() {
						worst, largest := 0.0, 0.0
						out, in := net.Layers[k].Dims()
						for r := range out {
							for c := range in + 1 {
								want := net.Layers[k].B[r]
								if c < in {
									want = net.Layers[k].W.At(r, c)
								}
								at := r*(in+1) + c
								worst = max(worst, math.Abs(after.value[at]-want))
								largest = max(largest, math.Abs(want-before[k].value[at]))
							}
						}
						if bound := float64(rule.Steps)*after.lsb + 0.02*largest; worst > bound {
							t.Errorf("sample %d, %s: a weight is %.3g from the oracle's (largest change %.3g, bound %.3g)", i, after.name, worst, largest, bound)
						}
					}
				}
			})
		}
	}
}

// TestErrorsOfRelaxingRules: what these rules cannot carry is told at its place, with a remedy.
func TestErrorsOfRelaxingRules(t *testing.T) {
	shallow := func(src string) string {
		return src[:strings.Index(src, "[[layer]]")] + src[strings.LastIndex(src, "[[layer]]"):]
	}
	same := func(src string) string { return src }
	for _, c := range []struct {
		rule, hidden, output, options string
		change                        func(string) string
		want                          string
	}{
		{"ep", "clip", "softmax", "", same, `net.toml:17:14: rule "ep" takes no softmax in the last layer; use clip, or another rule`},
		{"ep", "relu", "clip", "", same, `net.toml:7:14: rule "ep" takes no relu in hidden layers; use clip, or another rule`},
		{"ep", "clip", "clip", "nudge = 1", same, `net.toml:22:9: nudge = 1 leaves no state of least energy when it is negative, as estimator = "symmetric" needs it; write nudge = 0.5, or estimator = "positive"`},
		{"ep", "clip", "clip", "nudge = 1\nestimator = \"random-sign\"", same, `net.toml:22:9: nudge = 1 leaves no state of least energy when it is negative, as estimator = "random-sign" needs it`},
		{"ep", "clip", "clip", "nudge = 2", same, "net.toml:22:9: nudge = 2 must be at most 1"},
		{"ep", "clip", "clip", "free_sweeps = 0", same, "net.toml:22:15: free_sweeps = 0 is outside 1 to 1000"},
		{"pc", "relu", "clip", "", same, `net.toml:17:14: rule "pc" takes no clip in the last layer; use softmax or sigmoid or linear, or another rule`},
		{"pc", "relu", "softmax", "step = 0", same, "net.toml:22:8: step = 0 must be at least 0.001"},
		{"pc", "relu", "softmax", "", shallow, `net.toml:11:8: predictive coding settles hidden layers, and there are none; add one, or write name = "bp"`},
		{"bp", "relu", "linear", "", same, `net.toml:17:14: rule "bp" takes no linear in the last layer; use sigmoid or softmax, or another rule`},
	} {
		src := c.change(text(c.hidden, "out", c.output, c.rule, c.options))
		n, err := config.Read("net.toml", []byte(src), options)
		if err == nil {
			_, err = rules.Build(n)
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s, %s: got %v, want %q", c.rule, c.options, err, c.want)
		}
	}
}
