package config

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/nmc-fpga/nmc/compiler/diag"
)

var update = flag.Bool("update", false, "rewrite the expected messages in testdata")

// options are those of a compiler that knows four rules.
var options = Options{Rules: map[string]RuleSpec{
	"bp": {ErrorFrac: 15},
	"dfa": {ErrorFrac: 15, Options: []Option{
		{Name: "feedback", Default: 0.0625, Open: true, Doc: "magnitude"},
		{Name: "feedback_source", Default: "generated", Words: []string{"generated", "stored"}, Doc: "where it is"},
	}},
	"ep": {Options: []Option{
		{Name: "beta", Default: 1.0, Max: 2, Doc: "nudge"},
		{Name: "sweeps", Default: 4, Min: 1, Max: 100, Doc: "relaxation steps"},
		{Name: "sign", Default: "both", Words: []string{"plus", "both"}, Doc: "of the nudge"},
	}},
	"hebb": {},
}}

// minimal is a net with nothing that has a default.
const minimal = `name = "m"
[data]
set = "mnist"
[[layer]]
units = 30
activation = "tanh"
[[layer]]
units = 10
activation = "softmax"
[rule]
name = "bp"
rate = 0.01
`

// TestMessages reads each .toml file of each archive in testdata and compares the findings with the .txt file of the
// same name; "ok" there means that the network is accepted.
func TestMessages(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no archives in testdata: %v", err)
	}
	for _, path := range archives {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		archive := txtar.Parse(text)
		want := map[string]string{}
		for _, f := range archive.Files {
			want[f.Name] = string(f.Data)
		}
		fresh := &txtar.Archive{Comment: archive.Comment}
		for _, f := range archive.Files {
			name, ok := strings.CutSuffix(f.Name, ".toml")
			if !ok {
				continue
			}
			got := "ok\n"
			if _, err := Read("net.toml", f.Data, options); err != nil {
				got = err.Error() + "\n"
			}
			fresh.Files = append(fresh.Files, f, txtar.File{Name: name + ".txt", Data: []byte(got)})
			if !*update {
				t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar")+"/"+name, func(t *testing.T) {
					if d := cmp.Diff(want[name+".txt"], got); d != "" {
						t.Errorf("findings differ (-want +got), go test -update rewrites them:\n%s", d)
					}
				})
			}
		}
		if *update && !bytes.Equal(txtar.Format(fresh), text) {
			if err := os.WriteFile(path, txtar.Format(fresh), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestDefaults(t *testing.T) {
	got, err := Read("net.toml", []byte(minimal), options)
	if err != nil {
		t.Fatal(err)
	}
	want := &Net{
		File: "net.toml", Source: []byte(minimal), Name: "m", Seed: 1,
		Data:  Data{Set: "mnist", Epochs: 1, Samples: 60000, Encoder: "direct", Pos: Pos{2, 1}, At: map[string]Pos{"set": {3, 7}}},
		Input: Input{Rows: 28, Cols: 28, Channels: 1, Pos: Pos{3, 7}},
		Layers: []Layer{
			{
				Name: "hidden1", Units: 30, Activation: "tanh", Gain: 0.7, Rate: 1, Pos: Pos{4, 1},
				Weights: Format{16, 14, Pos{4, 1}}, Values: Format{16, 12, Pos{4, 1}},
				At: map[string]Pos{"units": {5, 9}, "activation": {6, 14}},
			},
			{
				Name: "output", Units: 10, Activation: "softmax", Gain: 0.7, Rate: 1, Pos: Pos{7, 1},
				Weights: Format{16, 14, Pos{7, 1}}, Values: Format{16, 10, Pos{7, 1}},
				At: map[string]Pos{"units": {8, 9}, "activation": {9, 14}},
			},
		},
		Rule: Rule{
			Name: "bp", Rate: 0.01, Final: 0.01, Schedule: "constant", Steps: 60000, Rounding: "stochastic", ErrorFrac: 15,
			Pos: Pos{10, 1}, At: map[string]Pos{"name": {11, 8}, "rate": {12, 8}},
		},
		Device: Device{Units: "all", At: map[string]Pos{}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestEverythingGiven(t *testing.T) {
	src := `name = "all"
seed = 4294967295
layer = [
  { name = "h", units = 8190, activation = "sigmoid", gain = 1, rate = 0, lanes = "in", weights = { bits = 8 }, values = { bits = 16, frac = 14 } },
  { name = "o", units = 3, activation = "sigmoid", lanes = "out", weights.bits = 12, weights.frac = 11 },
]
data = { set = "idx:/x", epochs = 3, samples = 50, validation = 7, jitter = 2, flip = true, encoder = "direct" }
input = { rows = 5, cols = 4, channels = 3 }
rule.name = "ep"
rule.rate = 1
rule.final = 0
rule.schedule = "linear"
rule.steps = 99
rule.rounding = "nearest"
rule.error.frac = 13
rule.beta = 0.5
rule.sweeps = 6
[device]
lanes = 8
weight_ports = 1
weight_depth = 4194304
vector_depth = 65536
program_depth = 4096
table_depth = 512
frame_bytes = 512
[weights]
import = "t.npz"
`
	got, err := Read("n", []byte(src), options)
	if err != nil {
		t.Fatal(err)
	}
	data := got.Data
	data.At = nil
	for _, tt := range []struct {
		what      string
		got, want any
	}{
		{"seed", got.Seed, uint32(4294967295)},
		{"place in data", got.Data.At["encoder"], Pos{7, 103}},
		{"data", data, Data{Set: "idx:/x", Epochs: 3, Samples: 50, Validation: 7, Jitter: 2, Flip: true, Encoder: "direct", Pos: Pos{7, 8}}},
		{"input", got.Input, Input{5, 4, 3, Pos{8, 9}}},
		{"rate of a frozen layer", got.Layers[0].Rate, 0.0},
		{"gain given as an integer", got.Layers[0].Gain, 1.0},
		{"lanes of layers", got.Layers[0].Lanes + got.Layers[1].Lanes, "inout"},
		{"8-bit weights", got.Layers[0].Weights, Format{8, 6, Pos{4, 99}}},
		{"weights with dotted keys", got.Layers[1].Weights, Format{12, 11, Pos{5, 67}}},
		{"values", got.Layers[0].Values.Frac, 14},
		{"final", got.Rule.Final, 0.0},
		{"schedule", got.Rule.Schedule, "linear"},
		{"steps", got.Rule.Steps, 99},
		{"rounding", got.Rule.Rounding, "nearest"},
		{"error", got.Rule.ErrorFrac, 13},
		{"options", got.Rule.Options, map[string]any{"beta": 0.5, "sweeps": 6, "sign": "both"}},
		{"place of an option", got.Rule.At["sweeps"], Pos{17, 15}},
		{"place of an inner key", got.Rule.At["error.frac"], Pos{15, 19}},
		{"weight depth", got.Device.WeightDepth, 4194304},
		{"place in device", got.Device.At["frame_bytes"], Pos{25, 15}},
		{"import", got.Import, Import{"t.npz", Pos{27, 10}}},
	} {
		if !reflect.DeepEqual(tt.got, tt.want) {
			t.Errorf("%s: %+v, want %+v", tt.what, tt.got, tt.want)
		}
	}
}

func TestSamplesWithoutValidation(t *testing.T) {
	src := strings.Replace(minimal, `set = "mnist"`, "set = \"digits\"\nvalidation = 100\nepochs = 3", 1)
	n, err := Read("net.toml", []byte(src), options)
	if err != nil {
		t.Fatal(err)
	}
	if n.Data.Samples != 900 || n.Rule.Steps != 2700 || n.Input.Elements() != 14*14 {
		t.Errorf("samples %d, steps %d, elements %d; want 900, 2700, 196", n.Data.Samples, n.Rule.Steps, n.Input.Elements())
	}
}

func TestDFADefaults(t *testing.T) {
	n, err := Read("net.toml", []byte(strings.Replace(minimal, `"bp"`, `"dfa"`, 1)), options)
	if err != nil {
		t.Fatal(err)
	}
	if n.Rule.Feedback != 0.0625 || n.Rule.FeedbackSource != "generated" {
		t.Errorf("feedback %g %q; want 0.0625 generated", n.Rule.Feedback, n.Rule.FeedbackSource)
	}
}

func TestOptionsHaveDefaults(t *testing.T) {
	n, err := Read("net.toml", []byte(strings.Replace(minimal, `"bp"`, `"ep"`, 1)), options)
	if err != nil {
		t.Fatal(err)
	}
	if r := n.Rule; r.Number("beta") != 1 || r.Whole("sweeps") != 4 || r.Word("sign") != "both" {
		t.Errorf("options %v; want beta 1, sweeps 4, sign both", r.Options)
	}
}

func TestFormat(t *testing.T) {
	for _, tt := range []struct {
		f    Format
		want string
	}{
		{Format{Bits: 16, Frac: 14}, "Q1.14 [-2, 1.99994]"},
		{Format{Bits: 8, Frac: 7}, "Q0.7 [-1, 0.992188]"},
		{Format{Bits: 2, Frac: 0}, "Q1.0 [-2, 1]"},
		{Format{Bits: 8, Frac: 9}, "Q-2.9 [-0.25, 0.248047]"},
	} {
		if got := tt.f.String(); got != tt.want {
			t.Errorf("%d bits, %d fraction: %s, want %s", tt.f.Bits, tt.f.Frac, got, tt.want)
		}
	}
}

func TestTemplates(t *testing.T) {
	for rule, spec := range options.Rules {
		for _, name := range []string{"x", "my-net.2"} {
			n, err := Read("net.toml", Template(rule, "title", name, spec, Recipe{}), options)
			if err != nil {
				t.Errorf("rule %s: %v", rule, err)
			} else if n.Name != name || n.Rule.Name != rule {
				t.Errorf("rule %s, name %s: reads as %s, %s", rule, name, n.Rule.Name, n.Name)
			}
		}
	}
}

// Whatever the name is, what is wrong with a template is its name only.
func TestTemplateQuotesNames(t *testing.T) {
	bp := options.Rules["bp"]
	for _, name := range []string{"", "a b", `"`, `\`, "\n[data]", "é", "\xff", "\x00", "\x7f"} {
		_, err := Read("net.toml", Template("bp", "backpropagation", name, bp, Recipe{}), options)
		var list diag.List
		if !errors.As(err, &list) || len(list) != 1 || !strings.HasPrefix(list[0].Message, "name ") {
			t.Errorf("name %q: %v", name, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(minimal))
	f.Add(Template("dfa", "x", "x", options.Rules["dfa"], Recipe{}))
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range archives {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		n, err := Read("net.toml", src, options)
		if (n == nil) == (err == nil) {
			t.Fatalf("net %v with error %v", n, err)
		}
		if err == nil {
			return
		}
		var list diag.List
		if !errors.As(err, &list) || len(list) == 0 {
			t.Fatalf("error is not a list of findings: %v", err)
		}
		lines := bytes.Count(src, []byte("\n")) + 1
		for i, d := range list {
			if d.Line < 0 || d.Line > lines || d.Message == "" || strings.ContainsAny(d.Message+d.Remedy, "\n\r") {
				t.Errorf("finding %+v of a source of %d lines", d, lines)
			}
			if i > 0 && (d.Line < list[i-1].Line || d.Line == list[i-1].Line && d.Col < list[i-1].Col) {
				t.Errorf("findings are not in order:\n%v", err)
			}
		}
	})
}
