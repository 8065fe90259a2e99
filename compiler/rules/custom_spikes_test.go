package rules_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/expr"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/sim/float"
)

const spikingText = `name = "spikes"
seed = 11
[data]
set = "digits"
[[layer]]
units = 9
activation = "lif"
gain = 3.0
rate = 0.5
[[layer]]
units = 10
activation = "softmax"
[rule]
name = "custom"
rate = 0.0625
rounding = "nearest"
timesteps = 12
events = 20.0
threshold = 2.0
%s
[device]
lanes = 8
`

const tripletTraces = `traces = { x1 = "0.8*x1 + 0.2*x0", y1 = "0.7*y1 + 0.3*y0", y2 = "0.95*y2 + y0" }`

type spikingRule struct{ name, options string }

// text is the net.toml of a rule; an encoder stands as a comment.
func (c spikingRule) text() string {
	text := fmt.Sprintf(spikingText, c.options)
	if _, encoder, ok := strings.Cut(c.options, "# "); ok {
		text = strings.Replace(text, `"digits"`, fmt.Sprintf("\"digits\"\nencoder = %q", encoder), 1)
	}
	return text
}

var spikingRules = []spikingRule{
	{"triplet", "dw = \"rate * (y0 * (x1 - w) + 0.5 * y0 * (y2 - y0) * x1 - 0.5 * x0 * y1)\"\ninhibition = \"none\"\n" + tripletTraces},
	{"pairs with a winner", "dw = \"rate * (y0 * x1 - 0.5 * x0 * y1)\"\n" + tripletTraces},
	{"excitatory", "dw = \"rate * (0.2 * y0 * x1 - x0 * y1)\"\ninhibition = \"none\"\nsynapses = \"excitatory\"\n" + tripletTraces},
	{"from the host", "dw = \"rate * (y0 * (x1 - w) - 0.5 * x0 * y1)\"\ninhibition = \"none\"\n" + tripletTraces + "\ncode = \"events\" # poisson"},
	{"reward", "dw = \"y0 * x1 - 0.5 * x0 * y1\"\neligibility = 0.5\ninhibition = \"none\"\n" + tripletTraces},
}

// TestCustomSpikes holds a user's rule on spiking units to its expression: the same time steps in float64, from the device's weights.
// Samples in which a membrane comes so near the threshold that 16 bits decide are left out.
func TestCustomSpikes(t *testing.T) {
	for _, c := range spikingRules {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, c.text())
			used := 0
			for i := range 30 {
				if s.spikes(i) {
					used++
				}
			}
			if used < 8 {
				t.Errorf("%d of 30 samples could be compared", used)
			}
		})
	}
}

// spikes learns sample i, and says whether it could be compared.
func (s *state) spikes(i int) bool {
	rule := &s.cfg.Rule
	dw := must(expr.Parse(rule.Word("dw")))
	traces := map[string]*expr.Node{}
	for name, text := range rule.Texts("traces") {
		traces[name] = must(expr.Parse(text))
	}
	steps, theta := rule.Whole("timesteps"), rule.Number("threshold")
	w, before := s.fixed("w1"), s.fixed("w1")
	out, inputs := w.Dims()
	target := w
	eligible := rule.Number("eligibility")
	if eligible > 0 {
		target = s.fixed("e1")
		target.Scale(eligible, target)
	}
	res := s.learn(i)
	var in float.Trains
	if rule.Word("code") == "events" {
		in = s.sent(i)
	} else {
		in = float.Regular(s.vector("p"), steps) // as the device rounds them
	}
	v, counts := make([]float64, out), make([]float64, out)
	at := map[string][]float64{}
	for name := range traces {
		at[name] = make([]float64, max(out, inputs))
	}
	margin := math.Inf(1)
	for t := range steps {
		pre, post := make([]float64, inputs), make([]float64, out)
		for k, spike := range in[t] {
			pre[k] = float64(btoi(spike))
		}
		best := -1
		for o := range out {
			v[o] *= rule.Number("leak")
			for k := range inputs {
				v[o] += w.At(o, k) * pre[k]
			}
			margin = min(margin, math.Abs(v[o]-theta))
			if v[o] >= theta && (best < 0 || v[o] > v[best]) {
				best = o
			}
		}
		for o := range out {
			switch {
			case rule.Word("inhibition") == "none" && v[o] >= theta:
				post[o], v[o] = 1, 0
			case rule.Word("inhibition") == "winner" && best >= 0:
				if o != best {
					margin = min(margin, v[best]-v[o])
				}
				post[o] = float64(btoi(o == best))
			}
		}
		if rule.Word("inhibition") == "winner" && best >= 0 {
			clear(v)
		}
		for o := range out {
			counts[o] += post[o] / float64(steps)
		}
		for name, tree := range traces {
			side := post
			if name[0] == 'x' {
				side = pre
			}
			for k := range side {
				at[name][k] = tree.Eval(map[string]float64{name: at[name][k], name[:1] + "0": side[k]})
			}
		}
		for o := range out {
			for k := range inputs {
				names := map[string]float64{"x0": pre[k], "y0": post[o], "w": w.At(o, k), "rate": rule.Rate}
				for name := range traces {
					names[name] = at[name][k*btoi(name[0] == 'x')+o*btoi(name[0] == 'y')]
				}
				d := dw.Eval(names) * s.cfg.Layers[0].Rate
				least := -2.0
				if rule.Word("synapses") == "excitatory" && eligible == 0 {
					least = 0
				}
				target.Set(o, k, min(max(target.At(o, k)+d, least), 2))
			}
		}
	}
	if eligible > 0 {
		reward := -1.0
		if int(res.Result[0]) == s.set.Label(i) {
			reward = 1
		}
		before.Apply(func(o, k int, v float64) float64 {
			return v + rule.Rate*s.cfg.Layers[0].Rate*reward*target.At(o, k)
		}, before)
		w = before
	}
	if margin < 0.01 {
		return false
	}
	after, lsb := s.fixed("w1"), math.Ldexp(1, -14)
	worst := 0.0
	for o := range out {
		for k := range inputs {
			worst = max(worst, math.Abs(after.At(o, k)-w.At(o, k)))
		}
	}
	// Each step rounds each product once; a rate and a trace have 15 bits.
	if bound := float64(2*steps+2) * lsb; worst > bound {
		s.Errorf("sample %d: a weight is %.3g from the expression's, bound %.3g", i, worst, bound)
	}
	return true
}

func TestCustomSpikesMessages(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{"[rule]", "[rule]\ndw = \"rate * reward * x0\"", "reward is known when the sample's last step is over"},
		{"[rule]", "[rule]\ndw = \"rate * error * x0\"", "error is known when the sample's last step is over"},
		{`activation = "lif"`, `activation = "relu"`, "timesteps has no effect: no unit spikes; remove it, or write activation = \"lif\""},
		{"timesteps = 12", "timesteps = 12\ncode = \"events\"", `code = "events" takes spikes from the host, but encoder = "direct" of [data] makes none`},
		{`"digits"`, "\"digits\"\nencoder = \"latency\"", `net.toml:14:1: code = "regular" makes spikes on the device, but encoder = "latency" of [data] makes them on the host`},
		{"[[layer]]\nunits = 10", "[[layer]]\nunits = 5\nactivation = \"lif\"\n[[layer]]\nunits = 10", "rule custom has one spiking layer"},
	} {
		text := strings.Replace(fmt.Sprintf(spikingText, ""), c.old, c.new, 1)
		net, err := config.Read("net.toml", []byte(text), config.Options{Rules: rules.Specs()})
		if err == nil {
			_, err = rules.Build(net)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.new, err, c.want)
		}
	}
}
