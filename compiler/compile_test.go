package compiler

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/firmware/asm"
	"github.com/nmc-fpga/nmc/firmware/image"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

var update = flag.Bool("update", false, "write the golden files again")

// net is a small network with the given rule, hidden activation, output activation and device section.
func net(t testing.TB, rule, hidden, output, device string) *config.Net {
	t.Helper()
	return deep(t, rule, hidden, output, device, "")
}

// deep has more hidden layers above the first.
func deep(t testing.TB, rule, hidden, output, device, more string) *config.Net {
	t.Helper()
	src := fmt.Sprintf(`name = "golden"
seed = 3
[data]
set = "digits"
[[layer]]
units = 40
activation = %q
%s
[[layer]]
units = 10
activation = %q
[rule]
name = %q
rate = 0.01
final = 0.001
schedule = "geometric"
[device]
%s
`, hidden, more, output, rule, device)
	n, err := config.Read("net.toml", []byte(src), config.Options{Rules: rules.Specs()})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestPipeline compiles every rule with every activation that it takes: the text of each pass parses back to the same program, the
// image and the manifest decode again, and two compilations give the same bytes.
func TestPipeline(t *testing.T) {
	for rule, r := range rules.All {
		for _, hidden := range r.Spec.Activations(false) {
			for _, output := range r.Spec.Activations(true) {
				t.Run(rule+"/"+hidden+"/"+output, func(t *testing.T) {
					n := net(t, rule, hidden, output, "lanes = 8")
					dump := func(pass, text string) {
						p, err := ir.Parse(text)
						if err != nil {
							t.Fatalf("after %s: %v\n%s", pass, err, text)
						}
						if diff := cmp.Diff(text, p.String()); diff != "" {
							t.Fatalf("after %s the text does not parse back:\n%s", pass, diff)
						}
						if err := p.Check(); err != nil {
							t.Fatalf("after %s the parsed program is wrong: %v", pass, err)
						}
					}
					b, err := Compile(n, Options{Dump: dump})
					if err != nil {
						t.Fatal(err)
					}
					again, err := Compile(n, Options{})
					if err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(b.Image.Encode(), again.Image.Encode()) || !bytes.Equal(b.Manifest.Encode(), again.Manifest.Encode()) || !bytes.Equal(b.Asm, again.Asm) {
						t.Error("two compilations of the same net differ")
					}
					if _, err := image.Decode(b.Image.Encode()); err != nil {
						t.Error(err)
					}
					m, err := manifest.Decode(b.Manifest.Encode())
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(b.Manifest, m); diff != "" {
						t.Errorf("the manifest does not read back:\n%s", diff)
					}
				})
			}
		}
	}
}

// TestListings compares each rule's firmware with its golden listing, which also assembles back to the same words.
func TestListings(t *testing.T) {
	for rule, r := range rules.All {
		hidden := r.Recipe.Activation
		more, layers := "", "196-40-10"
		if slices.Contains([]string{"ep", "fa", "pc", "tp"}, rule) { // with one hidden layer fa and tp are dfa and bp, ep and pc lack half of a sweep
			more, layers = fmt.Sprintf("[[layer]]\nunits = 20\nactivation = %q", hidden), "196-40-20-10"
		}
		output := "softmax"
		if r.Recipe.Output != "" {
			output = r.Recipe.Output
		}
		b, err := Compile(deep(t, rule, hidden, output, "lanes = 4", more), Options{})
		if err != nil {
			t.Fatal(err)
		}
		got := fmt.Sprintf("; %s: %s\n; %s, %s, 4 lanes\n\n%s", r.Title, r.Equation, layers, hidden, b.Asm)
		golden := filepath.Join("..", "firmware", "programs", rule+".asm")
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatalf("%v; write it with go test ./compiler -run TestListings -update", err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s differs; if that is meant, go test ./compiler -run TestListings -update\n%s", golden, diff)
		}
		p, err := asm.Assemble(golden, want)
		if err != nil {
			t.Fatal(err)
		}
		var words []uint16
		for _, w := range p.Words {
			h := w.Halfwords()
			words = append(words, h[:]...)
		}
		if diff := cmp.Diff(words, b.Image.Sections[0].Data); diff != "" {
			t.Errorf("%s does not assemble back to the firmware:\n%s", golden, diff)
		}
	}
}

// TestInputOnTheLaneSide: the smaller the first layer, the sooner its lanes run over the inputs; the offset of the input
// buffer then reaches the lane side through a register that must be declared before the passes that look it up.
func TestInputOnTheLaneSide(t *testing.T) {
	for rule, r := range rules.All {
		n := net(t, rule, r.Spec.Activations(false)[0], r.Spec.Activations(true)[0], "lanes = 4")
		n.Layers[0].Lanes = "in"
		if _, err := Compile(n, Options{}); err != nil {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

// TestLanesChangeNothingLogical holds that lane axes, shapes, streams and formats are the same for every lane count.
func TestLanesChangeNothingLogical(t *testing.T) {
	var want string
	for lanes := 1; lanes <= 64; lanes *= 2 {
		var got string
		_, err := Compile(net(t, "dfa", "tanh", "softmax", fmt.Sprintf("lanes = %d", lanes)), Options{
			Dump: func(pass, text string) {
				if pass == "schedule" {
					got = text
				}
			}})
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%d lanes:\n%s", lanes, diff)
		}
	}
}

// The device section may be left out.
func TestDeviceIsChosen(t *testing.T) {
	b, err := Compile(net(t, "bp", "relu", "softmax", ""), Options{})
	if err != nil || b.Manifest.Device.Lanes != 16 || b.Manifest.Device.WeightPorts != 2 {
		t.Fatalf("device %+v, %v", b.Manifest.Device, err)
	}
}

// A device of the units that are used writes weights if its network learns. One that answers alone leaves that out by itself, with all that only
// learning uses, and an image that learns is not for it.
func TestUsedUnits(t *testing.T) {
	compile := func(answers bool) *Build {
		n := net(t, "dfa", "tanh", "softmax", "lanes = 4\nunits = \"used\"")
		n.Device.Answers = answers
		b, err := Compile(n, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	learns, answers := compile(false), compile(true)
	only := uint32(answers.Manifest.Device.Omit &^ learns.Manifest.Device.Omit)
	if got, want := isa.UnitNames(only), []string{"uniform", "sign", "stochastic", "dot", "divide", "operand", "drawn", "update"}; !slices.Equal(got, want) {
		t.Errorf("answering leaves out %v beside what learning does, want %v", got, want)
	}
	if more := learns.Manifest.Device.Omit &^ answers.Manifest.Device.Omit; more != 0 {
		t.Errorf("answering uses %v, learning does not", isa.UnitNames(uint32(more)))
	}
	img := learns.Image
	img.Config = answers.Image.Config
	want := regexp.MustCompile(`^image: the program uses .*\bupdate \(instruction \d+, blend\).*, which the device leaves out; compile for a device that has them \(device\.units = "all"\)$`)
	if err := img.Validate(); err == nil || !want.MatchString(err.Error()) {
		t.Errorf("an image that learns: %v, want %v", err, want)
	}
}

func TestDoesNotFit(t *testing.T) {
	for _, c := range []struct{ device, want string }{
		{"lanes = 4\nvector_depth = 64", "vector memory: the network needs 150 words, the device has 64: 86 too many"},
		{"lanes = 4\nweight_depth = 1024", "weight memory: the network needs 2080 words, the device has 1024: 1056 too many"},
		{"lanes = 4\ntable_depth = 256", "table memory: the network needs 512 entries, the device has 256: 256 too many"},
		{"lanes = 4\nprogram_depth = 16", "program memory: the network needs "},
	} {
		_, err := Compile(net(t, "dfa", "tanh", "softmax", c.device), Options{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.device, err, c.want)
		}
	}
}

func TestWrite(t *testing.T) {
	b, err := Compile(net(t, "bp", "relu", "softmax", "lanes = 4"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "build")
	for range 2 { // a build replaces a build
		if err := b.Write(dir); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := manifest.Read(dir); err != nil {
		t.Error(err)
	}
	other := t.TempDir()
	keep := filepath.Join(other, "thesis.tex")
	if err := os.WriteFile(keep, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := b.Write(other); err == nil || !strings.Contains(err.Error(), "not a build") {
		t.Errorf("writing over a folder of other files: %v", err)
	}
	if _, err := os.Stat(keep); err != nil {
		t.Error(err)
	}
}
