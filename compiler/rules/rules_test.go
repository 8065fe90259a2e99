package rules_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/rules"
)

var options = config.Options{Rules: rules.Specs()}

// TestTemplates: what nmc new writes compiles, and states every option with its default.
func TestTemplates(t *testing.T) {
	for name, r := range rules.All {
		text := config.Template(name, r.Title, "x", r.Spec, r.Recipe)
		n, err := config.Read("net.toml", text, options)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if n.Rule.Name != name {
			t.Errorf("%s: reads as %s", name, n.Rule.Name)
		}
		if _, err := compiler.Compile(n, compiler.Options{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, o := range r.Spec.Options {
			line := "\n" + o.Name + " = " + o.Value() + " "
			if o.Idle {
				line = "\n# " + line[1:]
			}
			if !strings.Contains(string(text), line) {
				t.Errorf("%s: the template has no line for %s", name, o.Name)
			}
		}
	}
}

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
		n, err := config.Read(path, src, options)
		if err != nil {
			t.Error(err)
		} else if folder := filepath.Base(filepath.Dir(path)); n.Name != folder {
			t.Errorf("%s: name %q is not that of its folder", path, n.Name)
		}
	}
}

// TestPages holds the page of each rule to the rule: title, equation, source, and a row for every option with its default.
func TestPages(t *testing.T) {
	for name, r := range rules.All {
		path := filepath.Join("..", "..", "docs", "rules", name+".md")
		text, err := os.ReadFile(path)
		if err != nil {
			t.Errorf("rule %s has no page: %v", name, err)
			continue
		}
		want := []string{"# " + r.Title, r.Source}
		for _, line := range strings.Split(r.Equation, ",  ") {
			want = append(want, "    "+line+"\n")
		}
		for _, o := range r.Spec.Options {
			want = append(want, fmt.Sprintf("\n| `%s` | `%s` |", o.Name, o.Value()))
		}
		for _, w := range want {
			if !strings.Contains(strings.ReplaceAll(string(text), "\r", ""), w) {
				t.Errorf("%s does not say %q", path, w)
			}
		}
	}
}

// TestErrors: what the reader cannot know is told at its place, with a remedy.
func TestErrors(t *testing.T) {
	for _, c := range []struct{ rule, options, want string }{
		{"dfa", "feedback = 0.1", "net.toml:22:12: generated weights are ±2^-k, feedback = 0.1 is no power of two; write feedback = 0.125, or feedback_source = \"stored\""},
		{"fa", "feedback = 0.3", "net.toml:22:12: generated weights are ±2^-k, feedback = 0.3 is no power of two; write feedback = 0.25, or feedback_source = \"stored\""},
		{"dfa", `feedback_source = "symmetric"`, `net.toml:22:19: feedback_source = "symmetric" is none of generated, stored; write feedback_source = "generated"`},
		{"local", "classifier = \"fixed\"\nclassifier_scale = 0.1", "net.toml:23:20: generated weights are ±2^-k, classifier_scale = 0.1 is no power of two; write classifier_scale = 0.125"},
		{"local", "classifier_scale = 0.125", "net.toml:22:20: classifier_scale has no effect: the classifiers are learned; remove it, or change classifier"},
		{"local", "classifier = \"fixed\"\nclassifier_rate = 1", "net.toml:23:19: classifier_rate has no effect: the classifiers are fixed; remove it, or change classifier"},
		{"local", "classifier_rate = 1e-10", "net.toml:22:19: rate 6.25e-12 of the classifier of layer \"hidden1\" rounds to 0; raise it 2.62e+05-fold, or write 0 if that is meant"},
		{"bp", "feedback = 0.1", `net.toml:22:1: rule "bp" takes no option feedback; remove it, or use a rule that does: custom, dfa, fa`},
	} {
		src := text("tanh", "out", "softmax", c.rule, c.options)
		n, err := config.Read("net.toml", []byte(src), options)
		if err == nil {
			_, err = rules.Build(n)
		}
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s, %s: got %v, want %q", c.rule, c.options, err, c.want)
		}
	}
}
