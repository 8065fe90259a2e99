package rules_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/sim/float"
)

// stdpSource is a spiking layer and the vote of its units, rounding to nearest.
const stdpSource = `name = "agree"
seed = 11
[data]
set = "digits"
[[layer]]
units = 37
activation = "alif"
lanes = %q
[[layer]]
units = 10
activation = "vote"
lanes = %q
[rule]
name = "stdp"
rate = 0.0625
schedule = "constant"
rounding = "nearest"
%s
[device]
lanes = 8
`

// TestAgreeSpikeTiming presents samples to the compiled program and to the oracle with the device's weights, thresholds and rates of the
// inputs, and holds every spike and every change to the oracle's. Where the oracle decides by less than what 16 bits may add up to, the
// sample is not compared.
func TestAgreeSpikeTiming(t *testing.T) {
	const few = "events = 12.0\nthreshold = 4.0\n"
	for _, c := range []struct{ hidden, output, options string }{
		{"alif", "vote", few},
		{"alif", "vote", few + "bounds = \"hard\"\ndepression = 0.2\nbound = 0.5"},
		{"alif", "vote", few + "leak = 1.0\ntrace = 0.8\nspikes = 3"},
		{"alif", "vote", few + "depression = 0.0\ntimesteps = 24"},
		{"alif", "vote", "events = 12.0\nthreshold = 1.0\ncode = \"latency\"\ntotal = 0.0\nquiet = 0.5"},
		{"alif", "vote", "events = 20.0\nthreshold = 2.0\ncode = \"latency\"\nbounds = \"hard\"\ndepression = 0.25\nhomeostasis = 0.0"},
		{"alif", "vote", few + "code = \"events\" # poisson"},
		{"alif", "vote", few + "depression = 0.0\ntimesteps = 24\ncode = \"events\" # regular"},
		{"alif", "softmax", "threshold = 3.0\ntimesteps = 8\ncode = \"events\" # delta"},
		{"lif", "vote", few + "spikes = 2"},
		{"alif", "softmax", few},
		{"alif", "sigmoid", few + "spikes = 8"},
	} {
		for _, lanes := range []string{"out", "in"} {
			t.Run(fmt.Sprintf("%s/%s/%s/lanes-%s", c.hidden, c.output, strings.ReplaceAll(c.options, "\n", " "), lanes), func(t *testing.T) {
				src := strings.NewReplacer(`"alif"`, `"`+c.hidden+`"`, `"vote"`, `"`+c.output+`"`).Replace(fmt.Sprintf(stdpSource, lanes, lanes, c.options))
				if _, encoder, ok := strings.Cut(c.options, "# "); ok {
					src = strings.Replace(src, `"digits"`, fmt.Sprintf("\"digits\"\nencoder = %q", encoder), 1)
				}
				start(t, src).agreeSpikeTiming()
			})
		}
	}
}

// vector is a vector of the device after a run.
func (s *state) vector(name string) []float64 {
	s.Helper()
	v := s.program.Vector(name)
	words, err := s.machine.Read(device.Vectors, uint32(v.Base*s.build.Manifest.Device.Lanes), v.N)
	if err != nil {
		s.Fatal(err)
	}
	x := make([]float64, v.N)
	for i, w := range words {
		x[i] = math.Ldexp(float64(int16(w)), -v.Frac)
	}
	return x
}

func (s *state) agreeSpikeTiming() {
	r := &s.cfg.Rule
	overflow := 0
	for i := range 200 {
		overflow += int(s.learn(i).Overflow)
	}
	const near = 0.03 // of voltages
	compared, spiked, wrong := 0, 0, 0
	for i := 200; i < 260; i++ {
		n := &float.Spiking{W: s.fixed("w1"), Leak: r.Number("leak"), DecayPre: r.Number("trace"), DecayPost: r.Number("trace"), Spikes: r.Whole("spikes"),
			Down: r.Number("depression"), Max: r.Number("bound"), Total: r.Number("total"), Hard: r.Word("bounds") == "hard", Quiet: r.Number("quiet")}
		units, _ := n.W.Dims()
		adapts, votes := s.cfg.Layers[0].Activation == "alif", s.cfg.Layers[1].Activation == "vote"
		if adapts {
			n.Threshold, n.Homeostasis = s.read("theta").value, r.Rate*r.Number("homeostasis")
		} else {
			for range units {
				n.Threshold = append(n.Threshold, r.Number("threshold"))
			}
		}
		n.Votes = mat.NewDense(10, units, nil)
		var readout float.Layer
		if votes {
			n.Votes, n.Opinion = s.fixed("w2"), r.Rate
		} else {
			readout = s.layer("w2", float.ReLU)
		}
		if err := n.Check(); err != nil {
			s.Fatal(err)
		}
		before := mat.DenseCopyOf(n.W)
		answer := s.run(device.Run{Entry: device.Infer, Sample: s.encoder.Sample(0, i)}).Result[0]
		if got := s.learn(i).Result[0]; got != answer {
			s.Errorf("sample %d: %d when it is learned, %d when it is not", i, got, answer)
		}
		response := n.Present(s.trains(i))
		if response.Margin < near {
			continue
		}
		compared++
		for k, count := range s.vector("h1") {
			if count != response.Counts[k] {
				s.Fatalf("sample %d, unit %d: %g spikes, %g in the oracle", i, k, count, response.Counts[k])
			}
			spiked += int(count)
		}
		if votes {
			if int(answer) != n.Predict(response) {
				wrong++ // two classes with as many votes
			}
		} else {
			a := mat.NewVecDense(10, nil)
			a.MulVec(readout.W, mat.NewVecDense(units, response.Counts))
			a.AddVec(a, mat.NewVecDense(10, readout.B))
			out := float.SoftmaxCE
			if s.cfg.Layers[1].Activation == "sigmoid" {
				out = float.SigmoidCE
			}
			e := out.Error(out.Of(a.RawVector().Data), float.OneHot(s.set.Label(i), 10))
			var change mat.Dense
			change.Outer(-r.Rate, mat.NewVecDense(10, e), mat.NewVecDense(units, response.Counts))
			s.moved(i, "w2", s.layer("w2", float.ReLU).W, readout.W, &change, 1.1)
		}
		old := mat.NewDense(1, units, append([]float64(nil), n.Threshold...))
		oldVotes := mat.DenseCopyOf(n.Votes)
		n.Learn(response, s.set.Label(i), r.Rate)
		var change mat.Dense
		change.Sub(n.W, before)
		s.moved(i, "w1", s.fixed("w1"), before, &change, 3)
		if adapts {
			var up mat.Dense
			up.Sub(mat.NewDense(1, units, n.Threshold), old)
			s.moved(i, "theta", mat.NewDense(1, units, s.read("theta").value), old, &up, 2)
		}
		if votes {
			var turn mat.Dense
			turn.Sub(n.Votes, oldVotes)
			s.moved(i, "w2", s.fixed("w2"), oldVotes, &turn, 1.1)
		}
	}
	if compared < 15 || spiked < compared {
		s.Errorf("%d of 60 samples were compared, with %d spikes", compared, spiked)
	}
	if wrong > 1 {
		s.Errorf("%d of %d answers are not the oracle's", wrong, compared)
	}
	if overflow > 0 {
		s.Errorf("%d values left 16 bits", overflow)
	}
}

// trains are the spikes of a sample, from the rates that the device has, or those that the host sends.
func (s *state) trains(i int) float.Trains {
	r := &s.cfg.Rule
	steps := r.Whole("timesteps")
	if r.Word("code") == "events" {
		return s.sent(i)
	}
	p := s.vector("p")
	s.checkRates(i, p)
	if r.Word("code") == "latency" {
		return float.Latency(p, steps)
	}
	return float.Regular(p, steps)
}

// sent are the spikes of a sample that come from the host.
func (s *state) sent(i int) float.Trains {
	in := s.build.Manifest.Input
	trains := make(float.Trains, in.Steps)
	for t := range trains {
		trains[t] = make([]bool, in.Elements)
	}
	for _, e := range s.encoder.Sample(0, i).Events {
		trains[int(e)/in.Segment][int(e)%in.Segment] = true
	}
	return trains
}

// TestSpikesFromTheHost: what the encoders regular and latency send is what the device makes of the same bytes itself, so that it learns
// the same.
func TestSpikesFromTheHost(t *testing.T) {
	for _, rule := range []string{fmt.Sprintf(stdpSource, "out", "out", "events = 12.0\nthreshold = 1.0"), fmt.Sprintf(spikingText, spikingRules[0].options)} {
		for _, code := range []string{"regular", "latency"} {
			digest := func(code, encoder string) (uint64, int) {
				src := strings.Replace(rule, `"digits"`, fmt.Sprintf("\"digits\"\nencoder = %q", encoder), 1)
				s := start(t, strings.Replace(src, "[device]", fmt.Sprintf("code = %q\n[device]", code), 1))
				spikes := 0
				for i := range 40 {
					s.learn(i)
					s.run(device.Run{Entry: device.Infer, Sample: s.encoder.Sample(0, 900-i)})
					for _, count := range s.vector("h1") {
						spikes += btoi(count > 0)
					}
				}
				return s.run(device.Run{Entry: device.Digest}).Digest, spikes
			}
			device, spikes := digest(code, "direct")
			host, _ := digest("events", code)
			if device != host || spikes == 0 {
				t.Errorf("%s: digest %016x with spikes of the device, %016x with the host's; %d units spiked\n%s", code, device, host, spikes, rule)
			}
		}
	}
}

// TestBuffersAreLeftEmpty: after each run every time step of its buffer is zero, also where the layer fell silent before the last step or the
// answer alone was wanted; init clears both.
func TestBuffersAreLeftEmpty(t *testing.T) {
	for _, src := range []string{
		fmt.Sprintf(stdpSource, "out", "out", "events = 30.0\nthreshold = 1.0\nspikes = 1"),
		fmt.Sprintf(stdpSource, "out", "out", "events = 30.0\nthreshold = 1.0\nspikes = 1\ndepression = 0.0"),
		fmt.Sprintf(spikingText, spikingRules[1].options),
	} {
		src = strings.Replace(src, `"digits"`, "\"digits\"\nencoder = \"poisson\"", 1)
		s := start(t, strings.Replace(src, "[device]", "code = \"events\"\n[device]", 1))
		in := s.build.Manifest.Input
		buffers := func() (sum int) {
			s.Helper()
			words, err := s.machine.Read(device.Vectors, uint32(in.Base), 2*in.Stride)
			if err != nil {
				s.Fatal(err)
			}
			for _, w := range words {
				sum += int(w)
			}
			return sum
		}
		for i := range 3 {
			s.learn(i)
			s.run(device.Run{Entry: device.Infer, Sample: s.encoder.Sample(0, i)})
			if n := buffers(); n != 0 {
				t.Fatalf("sample %d leaves %d events\n%s", i, n, src)
			}
		}
		// A run that is stopped leaves what it has not read: init mends it, whichever buffer it was in.
		for range 2 {
			s.run(device.Run{Entry: device.Learn, Limit: 10, Sample: s.encoder.Sample(0, 7)})
			if buffers() == 0 {
				t.Errorf("a stopped run leaves nothing\n%s", src)
			}
			s.run(device.Run{Entry: device.Init})
			if n := buffers(); n != 0 {
				t.Errorf("init leaves %d events\n%s", n, src)
			}
			s.run(device.Run{Entry: device.Digest})
		}
	}
}

// checkRates compares the rates of the inputs with events·x/Σx.
func (s *state) checkRates(i int, p []float64) {
	x := float.Input(s.set.Image(i), 1)
	sum := 0.0
	for _, b := range x {
		sum += b
	}
	for j, b := range x {
		want := min(1, s.cfg.Rule.Number("events")*b/sum)
		if math.Abs(p[j]-want) > 1e-3*want+1e-4 {
			s.Fatalf("sample %d, input %d: rate %g, want %g", i, j, p[j], want)
		}
	}
}

// moved compares the change of a matrix with the oracle's: within so many least significant bits, and the effect of 16-bit traces.
func (s *state) moved(i int, name string, after, before, want *mat.Dense, bits float64) {
	s.Helper()
	var got mat.Dense
	got.Sub(after, before)
	got.Sub(&got, want)
	worst, largest := max(mat.Max(&got), -mat.Min(&got)), max(mat.Max(want), -mat.Min(want))
	if bound := bits*s.read(name).lsb + 0.02*largest; worst > bound {
		s.Errorf("sample %d, %s: a change is %.3g from the oracle's (largest change %.3g, bound %.3g)", i, name, worst, largest, bound)
	}
}

// TestPoisson: random inputs spike as often as their rate says, and black ones never.
func TestPoisson(t *testing.T) {
	s := start(t, fmt.Sprintf(stdpSource, "out", "out", "code = \"poisson\"\nevents = 12.0"))
	spikes, want, variance := 0.0, 0.0, 0.0
	for i := range 400 {
		s.learn(i)
		x := float.Input(s.set.Image(i), 1)
		sum := 0.0
		for _, b := range x {
			sum += b
		}
		for j, spike := range s.vector("s") { // of the last step
			p := min(1, 12*x[j]/sum)
			if spike != 0 && p == 0 {
				t.Fatalf("sample %d: the black input %d spikes", i, j)
			}
			spikes, want, variance = spikes+spike, want+p, variance+p*(1-p)
		}
	}
	if math.Abs(spikes-want) > 4*math.Sqrt(variance) {
		t.Errorf("%g spikes, the rates say %.0f ± %.0f", spikes, want, math.Sqrt(variance))
	}
}

// TestSpikeTimingErrors: what the rule cannot carry is told at its place, with a remedy.
func TestSpikeTimingErrors(t *testing.T) {
	for _, c := range []struct{ old, new, want string }{
		{`"alif"`, `"relu"`, `net.toml:7:14: rule "stdp" takes no relu in hidden layers; use alif or lif, or another rule`},
		{`"vote"`, `"clip"`, `net.toml:11:14: rule "stdp" takes no clip in the last layer; use vote or softmax or sigmoid, or another rule`},
		{`name = "stdp"`, `name = "bp"`, `net.toml:7:14: rule "bp" takes no alif in hidden layers; use clip or hard-sigmoid or relu or sigmoid or tanh, or another rule`},
		{"[[layer]]\nunits = 37\nactivation = \"alif\"\nlanes = \"out\"\n", "", `net.toml:5:1: rule stdp has no spiking layer: the last layer counts votes; add a layer with activation = "alif" before it`},
		{"[[layer]]\nunits = 10", "[[layer]]\nname = \"second\"\nunits = 5\nactivation = \"alif\"\n[[layer]]\nunits = 10", `net.toml:9:1: rule stdp has one spiking layer, layer "second" is another; remove it, and give the first more units`},
		{`"digits"`, "\"digits\"\nencoder = \"centered\"", `net.toml:5:11: rule stdp makes spikes of brightness, encoder = "centered" gives negative numbers; write encoder = "direct"`},
		{`"digits"`, "\"digits\"\nencoder = \"poisson\"", `net.toml:14:1: code = "regular" makes spikes on the device, but encoder = "poisson" of [data] makes them on the host; write code = "events", or encoder = "direct"`},
		{"[device]", "code = \"events\"\n[device]", `net.toml:19:8: code = "events" takes spikes from the host, but encoder = "direct" of [data] makes none; write encoder = "poisson" (or regular, latency, delta, recorded) into [data], or another code`},
		{`"digits"`, "\"digits\"\nencoder = \"recorded\"", `net.toml:5:11: samples of digits are images, not recorded events; choose another encoder, or set = "nmnist-small"`},
		{`"digits"`, `"nmnist-small"`, `net.toml:3:1: samples of nmnist-small are recorded events, encoder = "direct" takes images; write encoder = "recorded", and code = "events" into [rule]`},
		{`"digits"`, "\"digits\"\ncontrast = 20", `net.toml:5:12: contrast has no effect: encoder = "direct" does not look at changes; remove it, or write encoder = "delta"`},
		{`"digits"`, "\"digits\"\nencoder = \"delta\"\ncontrast = 0", `net.toml:6:12: contrast = 0 is outside 1 to 255; write contrast = 32`},
		{"[device]", "bound = 4.0\n[device]", `net.toml:19:9: bound = 4 is beyond the weights of layer "hidden1", Q1.14 [-2, 1.99994]; lower it, or give the weights fewer fraction bits`},
		{"[device]", "total = 300.0\n[device]", `net.toml:19:9: total = 300 is more than 196 weights of at most 1 sum to; lower it or raise bound`},
		{"[device]", "spikes = 31\n[device]", ""},
		{"[device]", "threshold = 70.0\n[device]", `net.toml:19:13: threshold = 70 is more than half of what a membrane holds, 128; lower it, or raise total`},
		{"lanes = \"out\"", "values = { frac = 13 }", `net.toml:8:10: values Q2.13 [-4, 3.99988] of layer "hidden1" cannot hold spikes = 5 of one unit; use fewer fraction bits`},
		{`"alif"`, "\"lif\"\ngain = 0.6", ""},
		{"activation = \"vote\"", "activation = \"softmax\"\nrate = 0.0", `net.toml:12:8: a readout that does not learn answers nothing; give it a rate, or write activation = "vote"`},
		{"[device]", "timesteps = 65\n[device]", `net.toml:19:13: timesteps = 65 is outside 2 to 64; write timesteps = 16`},
	} {
		src := fmt.Sprintf(stdpSource, "out", "out", "")
		if !strings.Contains(src, c.old) {
			t.Fatalf("no %q", c.old)
		}
		s := strings.Replace(src, c.old, c.new, 1)
		n, err := config.Read("net.toml", []byte(s), options)
		if err == nil {
			_, err = rules.Build(n)
		}
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%q: %v", c.new, err)
		case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)):
			t.Errorf("%q: got %v, want %q", c.new, err, c.want)
		}
	}
	src := strings.Replace(fmt.Sprintf(stdpSource, "out", "out", "code = \"events\"\nevents = 30.0"), `"digits"`, "\"digits\"\nencoder = \"delta\"", 1)
	want := `net.toml:20:10: events has no effect: how many spikes encoder = "delta" makes is up to what it sees; remove it, or choose another encoder`
	if _, err := rules.Build(must(config.Read("net.toml", []byte(src), options))); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	src = strings.Replace(fmt.Sprintf(stdpSource, "out", "out", "homeostasis = 3.0"), `"alif"`, `"lif"`, 1)
	want = `net.toml:18:15: homeostasis has no effect: the thresholds of "lif" units stay; remove it, or write activation = "alif"`
	n, err := config.Read("net.toml", []byte(src), options)
	if err == nil {
		_, err = rules.Build(n)
	}
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
