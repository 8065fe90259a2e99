package plausibility

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/compiler/rules"
)

// the declarations of 4-3-3-2, so that equal sizes say nothing of layers
const declared = `program p rule=%s seed=1

tensor w1 role=weight in=4 out=3 bias=no bits=16 frac=14 source=memory lanes=any id=-1 base=-1
tensor w2 role=weight in=3 out=3 bias=no bits=16 frac=12 source=memory lanes=any id=-1 base=-1
tensor w3 role=weight in=3 out=2 bias=no bits=16 frac=14 source=memory lanes=any id=-1 base=-1
tensor b1 role=feedback in=2 out=3 bias=no bits=16 frac=4 source=sign lanes=any id=-1 base=-1
tensor v2 role=inverse in=3 out=3 bias=no bits=16 frac=14 source=memory lanes=any id=-1 base=-1
vector x role=input n=4 one=no frac=8 base=-1
vector h1 role=value n=3 one=no frac=12 base=-1
vector h2 role=value n=3 one=no frac=12 base=-1
vector h3 role=value n=2 one=no frac=14 base=-1
vector u role=temp n=3 one=no frac=12 base=-1
vector u3 role=temp n=2 one=no frac=10 base=-1
vector t role=temp n=3 one=no frac=14 base=-1
vector d role=temp n=3 one=no frac=14 base=-1
vector d3 role=temp n=2 one=no frac=14 base=-1
vector trace role=state n=4 one=no frac=12 base=-1
vector post role=state n=3 one=no frac=12 base=-1
vector y role=temp n=2 one=no frac=14 base=-1
scalar rate init=-1073741824 frac=15 learned=yes reg=-1
scalar up init=1073741824 frac=15 learned=yes reg=-1
scalar i init=0 frac=14 learned=no reg=-1
scalar s init=0 frac=14 learned=no reg=-1
scalar root init=0 frac=0 learned=no reg=-1
scalar length init=536870912 frac=0 learned=no reg=-1
table sigmoid12 func=sigmoid in=12 out=12 base=-1
table exp func=exp in=11 out=14 base=-1
table tanh12 func=tanh in=12 out=12 base=-1

func init {
  fill trace, #0
  fill post, #0
}
`

// forward passes of the hidden layers, all through one vector of sums
const (
	rates = `  matvec u, w1, x
  sigmoid h1, u, sigmoid12
  matvec u, w2, h1
  sigmoid h2, u, sigmoid12
`
	tanhs = `  matvec u, w1, x
  tanh h1, u, tanh12
  matvec u, w2, h1
  tanh h2, u, tanh12
`
	last = `  matvec u3, w3, h2
  softmax h3, u3, exp
`
	readout = `  outer w3, rate, d3, h2 shift=30
`
)

// TestAnalyze: what breaks each criterion in programs of all kinds, "" where nothing does.
func TestAnalyze(t *testing.T) {
	for _, c := range []struct {
		name, learn, infer string
		want               [Count]string
	}{
		{"backpropagation by one vector for all layers", rates + last + `  target d3, h3
  matvect t, w3, d3
  dsigmoid d, t, h2
  outer w2, rate, d, h1 shift=30
  matvect t, w2, d
  dsigmoid d, t, h1
  outer w1, rate, d, x shift=30
` + readout, rates + last, [Count]string{
			"matvect t, w3, d3: w3, which is learned, is read transposed",
			"outer w1, rate, d, x: it depends on d3 of layer 3, by matvect t, w3, d3",
			"matvect t, w3, d3: d3 of layer 3 goes down to t of layer 2, which no answer needs",
			"",
			"outer w2, rate, d, h1: d can be from -2 to 2",
		}},
		{"direct feedback", tanhs + last + `  target d3, h3
  matvec t, b1, d3
  dtanh d, t, h1
  outer w1, rate, d, x shift=30
` + readout, tanhs + last, [Count]string{
			"",
			"outer w1, rate, d, x: it depends on d3 of layer 3, by matvec t, b1, d3",
			"matvec t, b1, d3: d3 of layer 3 goes down to t of layer 1, which no answer needs",
			"matvec u, w2, h1: h1 can be negative",
			"outer w1, rate, d, x: d can be from -2 to 2",
		}},
		{"targets by an inverse", rates + last + `  target d3, h3
  matvect t, w3, d3
  madd t, t, #-1, h2 frac=0
  madd d, t, #1, _ frac=0
  matvec u, v2, t
  madd d, u, #1, _ frac=0
  outer w1, up, d, x shift=30
  matvec u, v2, h2
  outer v2, up, u, h2 shift=30
` + readout, rates + last, [Count]string{
			"matvect t, w3, d3: w3, which is learned, is read transposed",
			"outer w1, up, d, x: it depends on d3 of layer 3, by matvect t, w3, d3",
			"matvect t, w3, d3: d3 of layer 3 goes down to t of layer 2, which no answer needs",
			"",
			"outer w1, up, d, x: d can be from -2 to 2",
		}},
		{"Hebb with a readout", rates + last + `  winner d, h1
  outer w1, up, d, x shift=30
  pull w2, up, h2, h1 shift=27
  target d3, h3
` + readout, rates + last, [Count]string{}},
		{"spikes, traces and depression", `  fill h1, #0
  repeat i n=8 {
    matvec u, w1, x
    ge d, u, ~
    madd post, post, #15, d frac=4 lo=0
    madd trace, trace, #3, x frac=2
    outer w1, up, d, trace shift=30
    outer w1, rate, post, x shift=30
    vmax h1, h1, d
  }
` + "  matvec u, w2, h1\n  ge h2, u, #1\n" + last + "  target d3, h3\n" + readout,
			"  fill h1, #0\n  repeat i n=8 {\n    matvec u, w1, x\n    ge d, u, ~\n    vmax h1, h1, d\n  }\n  matvec u, w2, h1\n  ge h2, u, #1\n" + last,
			[Count]string{}},
		{"a trace without a leak", `  matvec u, w1, x
  ge h1, u, #1
  madd trace, trace, #1, x frac=0
  outer w1, up, h1, trace shift=30
` + "  matvec u, w2, h1\n  ge h2, u, #1\n" + last + "  target d3, h3\n" + readout,
			"  matvec u, w1, x\n  ge h1, u, #1\n  matvec u, w2, h1\n  ge h2, u, #1\n" + last,
			[Count]string{3: "outer w1, up, h1, trace: trace has no bound but its format's"}},
		{"a norm", rates + last + `  dot s, h1, h1 n=3 shift=0
  sqrt s, s shift=0
  div i, up, s shift=15
  madd h1, h1, i, _ frac=0 hi=4096
  outer w2, up, h2, h1 shift=30
  outer w1, i, h1, x shift=30
` + readout, rates + last, [Count]string{}},
		{"saturated on purpose", rates + last + `  madd h1, h1, #64, _ frac=0 lo=0 hi=32766
  outer w2, up, h2, h1 shift=30
` + readout, rates + last, [Count]string{3: "outer w2, up, h2, h1: h1 has no bound but its format's"}},
		{"a vector over its length", rates + last + norm + `  outer w2, up, h2, d shift=30
` + readout, rates + last, [Count]string{}},
		{"over the length of another", rates + last + strings.ReplaceAll(norm, "h1, h1", "h1, h2") + `  outer w2, up, h2, d shift=30
` + readout, rates + last, [Count]string{3: "outer w2, up, h2, d: d has no bound but its format's"}},
		{"over the length of what it was", rates + last + strings.ReplaceAll(norm, "  div", "  madd h1, h1, #3, _ frac=0\n  div") + `  outer w2, up, h2, d shift=30
` + readout, rates + last, [Count]string{3: "outer w2, up, h2, d: d has no bound but its format's"}},
		{"a reward", rates + last + `  target d3, h3
  dot s, d3, h3 n=2 shift=0
  if s, i cond=lt {
    madd d, h1, #1, _ frac=0
    outer w1, s, d, x shift=30
  }
` + readout, rates + last, [Count]string{4: "outer w1, s, d, x: s is computed in learning and can have both signs"}},
		{"signs copied", rates + last + "  target d3, h3\n  sign v2, w2 magnitude=4\n  outer w2, up, h2, h1 shift=30\n" + readout, rates + last,
			[Count]string{"sign v2, w2: the signs of w2, which is learned, are copied"}},
		{"energy: what comes down in learning does so in an answer", `  repeat i n=4 {
` + settle + `  }
  onehot y
  madd h3, y, #1, h3 frac=1
  repeat i n=2 {
` + settle + `  }
  outer w1, up, h1, x shift=30
`, "  repeat i n=4 {\n" + settle + "  }\n", [Count]string{}},
	} {
		for _, r := range []string{"energy", "p"} { // the name counts for nothing
			p, err := ir.Parse(fmt.Sprintf(declared, r) + "\nfunc learn {\n" + c.learn + "  result u3\n}\n\nfunc infer {\n" + c.infer + "  result u3\n}\n")
			if err == nil {
				err = p.Check()
			}
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			for i, v := range Analyze(p, 0).Verdicts {
				got := ""
				if !v.Met {
					got = v.Op + ": " + v.Why
				}
				if got != c.want[i] || v.Criterion != Names[i] {
					t.Errorf("%s, %s: got %q, expected %q", c.name, Names[i], got, c.want[i])
				}
			}
		}
	}
}

// norm makes d = h1/|h1|, in the format of d.
const norm = `  dot s, h1, h1 n=3 shift=10
  sqrt root, s shift=16
  div i, length, root shift=0
  madd d, h1, i, _ hi=32766 lo=0
`

// settle is one sweep of a network whose layers drive each other both ways; the downward way reads w2 as w2, by a program that
// has a matrix of its own for it.
const settle = `    matvec u, w1, x
    matvec t, v2, h2
    madd h1, t, #1, u frac=2 lo=0 hi=4096
    matvec u, w2, h1
    clip h2, u
    matvec u3, w3, h2
    clip h3, u3
`

// A centered input is signed; spikes cannot carry it.
func TestCenteredInput(t *testing.T) {
	src := "name = \"x\"\n[data]\nset = \"digits\"\nencoder = \"centered\"\n[[layer]]\nunits = 10\nactivation = \"softmax\"\n[rule]\nname = \"bp\"\nrate = 0.01\n"
	net, err := config.Read("net.toml", []byte(src), config.Options{Rules: rules.Specs()})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Of(net)
	if err != nil || r.Verdicts[Spiking].Met || r.Verdicts[Spiking].Why != "x can be negative" {
		t.Errorf("%+v, %v", r, err)
	}
	// With one layer there is nothing to travel; its error is still signed.
	if v := r.Verdicts; !v[Asymmetric].Met || !v[Local].Met || !v[Forward].Met || v[Unsigned].Met {
		t.Errorf("one layer: %+v", v)
	}
}

// TestRules: every rule has verdicts at its default options, and a sentence wherever the paper differs.
func TestRules(t *testing.T) {
	for name, rule := range rules.All {
		net, err := config.Read("net.toml", config.Template(name, rule.Title, "x", rule.Spec, rule.Recipe), config.Options{Rules: rules.Specs()})
		if err != nil {
			t.Fatal(err)
		}
		r, err := Of(net)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		said, ok := Paper(name)
		want := 0
		for i, v := range r.Verdicts {
			if !v.Met && (v.Op == "" || v.Why == "") {
				t.Errorf("%s: %s has no operation that breaks it", name, v.Criterion)
			}
			if ok && said[i] != v.Met {
				want++
			}
		}
		if got := r.Differences(); len(got) != want || strings.Contains(strings.Join(got, ""), "%!") {
			t.Errorf("%s: %d sentences for %d differences: %q", name, len(got), want, got)
		}
	}
	all := func(name string) [Count]bool {
		rule := rules.All[name]
		net, err := config.Read("net.toml", config.Template(name, rule.Title, "x", rule.Spec, rule.Recipe), config.Options{Rules: rules.Specs()})
		if err != nil {
			t.Fatal(err)
		}
		r, err := Of(net)
		if err != nil {
			t.Fatal(err)
		}
		var met [Count]bool
		for i, v := range r.Verdicts {
			met[i] = v.Met
		}
		return met
	}
	for name, want := range map[string][Count]bool{
		"bp":           {},
		"fa":           {Asymmetric: true},
		"dfa":          {Asymmetric: true},
		"local":        {Local: true, Forward: true},
		"perturbation": {Asymmetric: true, Local: true, Forward: true},
	} {
		if got := all(name); got != want {
			t.Errorf("%s: %v, expected %v", name, got, want)
		}
	}
}

// TestExamples: every network of examples has verdicts, each with its reason.
func TestExamples(t *testing.T) {
	paths, err := filepath.Glob("../../examples/*/net.toml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, path := range paths {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		net, err := config.Read(path, src, config.Options{Rules: rules.Specs()})
		if err != nil {
			t.Fatal(err)
		}
		r, err := Of(net)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		for _, v := range r.Verdicts {
			if v.Met != (v.Op == "" && v.Why == "") {
				t.Errorf("%s: %+v", path, v)
			}
		}
	}
}

// Sign-symmetric feedback copies what random feedback does not.
func TestOptionsCount(t *testing.T) {
	rule := rules.All["fa"]
	text := string(config.Template("fa", rule.Title, "x", rule.Spec, rule.Recipe))
	symmetric := strings.Replace(text, `feedback_source = "generated"`, `feedback_source = "symmetric"`, 1)
	net, err := config.Read("net.toml", []byte(symmetric), config.Options{Rules: rules.Specs()})
	if err != nil || symmetric == text {
		t.Fatal(err)
	}
	r, err := Of(net)
	if v := r.Verdicts[Asymmetric]; err != nil || v.Met || !strings.HasPrefix(v.Why, "the signs of w") {
		t.Errorf("%+v, %v", v, err)
	}
}
