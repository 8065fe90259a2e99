package rules_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/expr"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/sim/float"
)

// customs are rules that users write, with how far values of the activation are known: the tables' steps.
var customs = []struct {
	name, activation string
	rate             float64
	options          string
}{
	{"oja", "sigmoid", 0.125, `dw = "rate * y0 * (x0 - y0 * w)"`},
	{"hebb with decay", "sigmoid", 0.0625, `dw = "rate * y0 * (x0 - w)"`},
	{"bcm", "sigmoid", 0.5, "dw = \"rate * x0 * y0 * (y0 - y1)\"\ntraces = { y1 = \"0.9*y1 + 0.1*y0^2\" }"},
	{"reward", "tanh", 0.25, "dw = \"rate*reward*x0*y0 - 2^-7*w\""},
	{"error", "tanh", 0.25, `dw = "rate * error * x0"`},
	{"decay by inputs", "sigmoid", 0.0625, `dw = "rate*(y0*x0 - 0.5*x0*w)"`},
	{"functions", "tanh", 0.25, "dw = \"rate*max(0, y0 - k)*abs(x0 - 0.3) + 2^-7*step(y0)*x1\"\nconstants = { k = 0.2 }\ntraces = { x1 = \"0.5*x1 + x0\" }"},
	{"covariance", "sigmoid", 0.5, "dw = \"rate*(x0 - x1)*(y0 - y1)\"\ntraces = { x1 = \"0.9*x1 + 0.1*x0\", y1 = \"0.9*y1 + 0.1*y0\" }"},
	{"both sides constant", "clip", 0.0625, `dw = "rate*(x0 + y0 - 0.5)"`},
	{"eligibility", "tanh", 0.25, "dw = \"x0*y0\"\neligibility = 0.5"},
	{"relu", "relu", 0.0625, `dw = "rate*2^-4*x0*y0"`},
}

func customText(activation, lanes string, rate float64, options string) string {
	return strings.Replace(text(activation, lanes, "softmax", "custom", fmt.Sprintf("rate = %g\n%s", rate, options)), "units = 21", "units = 21\nrate = 0.5", 1)
}

// TestCustom holds every weight change of a user's rule to the value of the expression, synapse by synapse. Traces and
// eligibility are the device's own before the sample; their step is checked too.
func TestCustom(t *testing.T) {
	for _, c := range customs {
		for _, lanes := range []string{"out", "in"} {
			t.Run(c.name+"/"+lanes, func(t *testing.T) {
				s := start(t, customText(c.activation, lanes, c.rate, c.options))
				for i := range 20 {
					s.learn(i)
				}
				largest := [2]float64{}
				for i := 20; i < 25; i++ {
					for l, x := range s.custom(i, activations[c.activation]) {
						largest[l] = max(largest[l], x)
					}
				}
				for l, x := range largest {
					if lsb := math.Ldexp(1, -14); x < 10*lsb {
						t.Errorf("layer %d: the largest change is %g, too small to say anything", l+1, x)
					}
				}
			})
		}
	}
}

// custom learns sample i and returns the largest change expected in each layer.
func (s *state) custom(i int, act float.Activation) (all [2]float64) {
	s.Helper()
	rule := &s.cfg.Rule
	dw := must(expr.Parse(rule.Word("dw")))
	x, y := float.Input(s.set.Image(i), 1.0/256), float.OneHot(s.set.Label(i), 10)
	h := [][]float64{x}
	for l := 1; l <= 2; l++ {
		w := s.fixed(fmt.Sprintf("w%d", l))
		out, in := w.Dims()
		v := make([]float64, out)
		for o := range out {
			for k := range in {
				v[o] += w.At(o, k) * h[l-1][k]
			}
			v[o] = act.Of(v[o])
		}
		h = append(h, v)
	}
	readout := float.Net{Layers: []float.Layer{s.layer("w3", float.ReLU)}, Output: float.SoftmaxCE}
	p := readout.Forward(h[2]).P
	e := float.SoftmaxCE.Error(p, y)

	before := map[string][]float64{}
	for _, x := range s.build.Manifest.Tensors {
		before[x.Name] = s.read(x.Name).value
	}
	res := s.learn(i)
	reward := -1.0
	if int(res.Result[0]) == s.set.Label(i) {
		reward = 1
	}
	for l := 1; l <= 2; l++ {
		name := fmt.Sprintf("w%d", l)
		after := s.read(name)
		w := s.fixed(name)
		out, in := w.Dims()
		errors := make([]float64, out)
		if strings.Contains(rule.Word("dw"), "error") {
			b := s.fixed(fmt.Sprintf("b%d", l))
			for o := range out {
				for k := range e {
					errors[o] -= b.At(o, k) * e[k]
				}
			}
		}
		// Traces go on first.
		traces := map[string][]float64{}
		for name, text := range rule.Texts("traces") {
			tree := must(expr.Parse(text))
			now := s.read(fmt.Sprintf("%s_%d", name, l))
			side := h[l-1]
			if name[0] == 'y' {
				side = h[l]
			}
			for k, was := range before[now.name] {
				v := tree.Eval(map[string]float64{name: was, name[:1] + "0": side[k]})
				if math.Abs(v-now.value[k]) > 2*now.lsb+0.004 {
					s.Fatalf("sample %d: %s[%d] is %g, expected %g", i, now.name, k, now.value[k], v)
				}
				traces[name] = append(traces[name], now.value[k])
			}
		}
		rate := rule.Rate * s.cfg.Layers[l-1].Rate
		worst, largest := 0.0, 0.0
		for o := range out {
			for k := range in {
				was := before[name][o*in+k]
				names := map[string]float64{"x0": h[l-1][k], "pre": h[l-1][k], "y0": h[l][o], "post": h[l][o], "w": was, "rate": rule.Rate, "reward": reward, "error": errors[o]}
				for t, v := range traces {
					names[t] = v[k*btoi(t[0] == 'x')+o*btoi(t[0] == 'y')]
				}
				for k, v := range rule.Numbers("constants") {
					names[k] = v
				}
				want := dw.Eval(names)
				if d := rule.Number("eligibility"); d > 0 {
					want = rate * reward * (before[fmt.Sprintf("e%d", l)][o*in+k]*d + want*s.cfg.Layers[l-1].Rate)
				} else {
					want *= s.cfg.Layers[l-1].Rate
				}
				if math.Abs(was+want) > 1.99 { // the weight saturates
					continue
				}
				worst = max(worst, math.Abs(after.value[o*in+k]-was-want))
				largest = max(largest, math.Abs(want))
			}
		}
		all[l-1] = largest
		// One rounding for each product, and values of 16 bits.
		if bound := 2*after.lsb + 0.02*largest; worst > bound {
			s.Errorf("sample %d, %s: a weight change is %.3g from the expression's (largest change %.3g, bound %.3g)", i, name, worst, largest, bound)
		}
	}
	return all
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// TestCustomMessages: what is wrong with a user's rule, where, and what to do.
func TestCustomMessages(t *testing.T) {
	for _, c := range []struct{ options, want string }{
		{`dw = "rate * y0 * z"`, `net.toml:24:19: dw: unknown name z; use pre, post,`},
		{`dw = "rate * (y0"`, `net.toml:24:17: dw: the expression ends too early; expected ")"`},
		{`dw = "x1 * y0"`, `net.toml:24:7: dw: trace x1 is not defined; add traces = { x1 = "0.9*x1 + x0" }`},
		{`dw = "w^2 * x0"`, `dw: w to the power 2`},
		{`dw = "x0 * y0 * w"`, `net.toml:24:7: dw: w times quantities of both neurons`},
		{`dw = "rate * rate * x0"`, `a product has rate more than once; use it once in each product`},
		{"dw = \"x0*y0*rate\"\neligibility = 0.5", "has neither rate nor reward nor w"},
		{"dw = \"x0*y1\"\ntraces = { y1 = \"0.9*y1 + x0\" }", "net.toml:25:27: traces.y1: y1 is of the postsynaptic neuron, x0 of the presynaptic one; a trace takes quantities of its own neuron"},
		{"dw = \"x0*y1\"\ntraces = { y1 = \"0.9*y1 + w\" }", "w is no quantity of one neuron"},
		{"dw = \"x0*y1\"\ntraces = { y1 = \"1.5*y1 + y0\" }", "y1 grows without bounds: its factor is 1.5; use a factor below 1"},
		{"dw = \"x0*y1\"\ntraces = { y1 = \"0.5*y1^2 + y0\" }", "y1 is not a factor times itself plus other quantities"},
		{"dw = \"x0*y1\"\ntraces = { y1 = \"0.5*y1 + y2\", y2 = \"y0\" }", "y2 goes on after y1"},
		{"dw = \"x0*y0\"\ntraces = { trace = \"y0\" }", "trace is no name of a trace; use x1 to x9"},
		{"dw = \"x0*y0\"\nconstants = { w = 1 }", "constant w has the name of a quantity"},
		{"dw = \"x0*y0*k\"\nconstants = { k = \"one\" }", `k: expected a number, found the string "one"`},
		{"dw = \"x0*(y0 * 1000)^4\"", "net.toml:24:6: dw: the coefficient 1e+12 of product 1 is beyond what updates can have; bring it nearer to 1"},
		{"dw = \"x0*max(y0*1000*1000, 1)\"", `dw: max((y0*1000)*1000, 1) reaches 1e+06 in layer "hidden1", 16 bits hold 32767; scale the quantities`},
		{"dw = \"rate*y0*(x1 - w)\"\ntraces = { x1 = \"0.9*x1 + x0\" }", `dw: weights go to 1*x1, which reaches 10; weights of layer "hidden1" are below 2; give the layer's weights fewer fraction bits`},
		{"dw = \"2^-30 * x0 * y0\"", `dw: a change of layer "hidden1" by h1 and x rounds to 0; raise rate or the coefficient`},
		{"dw = 3", "dw: expected a string, found the integer 3"},
	} {
		net, err := config.Read("net.toml", []byte(customText("sigmoid", "out", 0.0625, c.options)), config.Options{Rules: rules.Specs()})
		if err == nil {
			_, err = rules.Build(net)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.options, err, c.want)
		}
	}
}

// TestOja: the weights of a linear unit go to the first principal component of its inputs, with length 1 (the rule's theorem; the
// units are rectified, and inputs that are not negative keep those linear that start so).
func TestOja(t *testing.T) {
	s := start(t, `name = "oja"
seed = 5
[data]
set = "digits"
[[layer]]
units = 16
activation = "relu"
gain = 1.0
rate = 0.002
[[layer]]
units = 10
activation = "softmax"
rate = 0.01
[rule]
name = "custom"
rate = 0.25
[device]
lanes = 8
`)
	for range 6 {
		for i := range s.set.Len() {
			s.learn(i)
		}
	}
	in := len(s.set.Image(0))
	moment := mat.NewSymDense(in, nil)
	for i := range s.set.Len() {
		moment.SymRankOne(moment, 1, mat.NewVecDense(in, float.Input(s.set.Image(i), 1.0/256)))
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(moment, true) {
		t.Fatal("no eigenvectors")
	}
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	first := vectors.ColView(in - 1)
	w := s.fixed("w1")
	learned := 0
	for o := range 16 {
		row := w.RowView(o)
		norm := mat.Norm(row, 2)
		cos := mat.Dot(row, first) / norm
		if mat.Dot(row, first)*mat.Sum(first) < 0 {
			continue // starts, and stays, off
		}
		learned++
		if norm < 0.95 || norm > 1.05 || math.Abs(cos) < 0.99 {
			t.Errorf("unit %d: length %.3f, cosine with the principal component %.4f", o, norm, cos)
		}
	}
	if learned < 4 {
		t.Errorf("%d units learned", learned)
	}
}
