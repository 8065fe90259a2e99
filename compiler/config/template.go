package config

import (
	"bytes"
	"fmt"
	"strings"
	"text/template"
)

// plain is the recipe of a rule that has none.
var plain = Recipe{
	Activation: "tanh", Gain: "0.7", Rates: [2]string{"1.0", "1.0"}, Rate: "0.01", Final: "0.0001",
	Note: "These rates are a start: choose them by the samples that validation holds out",
}

// page is the text; a tab before a comment stands for the padding to commentColumn.
var page = template.Must(template.New("net.toml").Parse(`# {{.Name}}: a network that learns by {{.Title}}.
#
#   nmc compile net.toml -o build
#   nmc train build --on sim

name = {{.Quoted}}
seed = 1	# of every random draw: same seed, same result, to the last bit

[data]
set = "mnist"	# mnist, fashion-mnist, cifar10, digits, or idx:DIR with an [input] table
epochs = 2
validation = 5000	# samples held out at the end of the training set
samples = 0	# training samples an epoch; 0: all that are left
jitter = 0	# shift images at random by up to so many pixels
encoder = "direct"	# {{.Encoders}}

# Layers from the input on; the last one gives the answer.
# {{.Note}}.
[[layer]]
name = "hidden1"
units = {{index .Units 0}}
activation = "{{.Activation}}"	# {{.Hidden}}
gain = {{.Gain}}	# initial weights have standard deviation gain*sqrt(2/fan_in)
rate = {{.Rate1}}	# times the rule's rate
weights = { bits = 16, frac = 14 }	# multiples of 2^-14 in [-2, 2)
values = { frac = {{.Frac}} }	# the layer's outputs are multiples of 2^-{{.Frac}}, 16 bits

{{if gt (len .Units) 1}}[[layer]]
name = "hidden2"
units = {{index .Units 1}}
activation = "{{.Activation}}"
gain = {{.Gain}}
rate = {{.Rate2}}
{{.Values}}
{{end}}[[layer]]
name = "output"
units = 10	# one for each class
activation = "{{.Output}}"	# {{.Outputs}}
gain = {{.Gain}}
{{.Values}}{{with .OutputWeights}}weights = {{.}}
{{end}}
[rule]
name = {{.Rule}}
rate = {{.Rate}}	# for the first sample
final = {{.Final}}	# for the last
schedule = "geometric"	# in between: constant, linear, geometric
rounding = "stochastic"	# of weight updates: stochastic, nearest
{{range .Options}}{{.}}
{{end}}
# The compiler chooses what is not given here.
[device]
lanes = 16	# multipliers, 1 to 64: how fast it learns, not what
`))

// commentColumn is where the comments at the ends of lines start.
const commentColumn = 36

// align pads the code before each tab to the column of the comments.
func align(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if code, comment, ok := strings.Cut(line, "\t"); ok {
			line = fmt.Sprintf("%-*s%s", commentColumn-1, code, comment)
		}
		b.WriteString(line)
	}
	return b.String()
}

// tomlString quotes s as TOML does.
func tomlString(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range strings.ToValidUTF8(s, "\uFFFD") {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, "\\u%04X", c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// Template returns a commented net.toml for a rule: 784-100-50-10 on MNIST (or the units of the recipe), with the values of the recipe, or a start that
// Read accepts if it is zero. title is the rule's in a sentence. Read also checks the name.
func Template(rule, title, name string, spec RuleSpec, r Recipe) []byte {
	if r.Activation == "" {
		r = plain
	}
	if r.Output == "" {
		r.Output = "softmax"
	}
	if r.Units == nil {
		r.Units = []int{100, 50}
	}
	values, every := activations[r.Activation].frac, ""
	if r.Values != 0 {
		values, every = r.Values, fmt.Sprintf("values = { frac = %d }\n", r.Values)
	}
	frac := spec.errorFrac()
	encoders := "of a byte b: direct, b/256; centered, (b - 128)/128"
	options := []string{fmt.Sprintf("error = { frac = %d }\t# errors are multiples of 2^-%[1]d in [-%d, %[2]d)", frac, 1<<(15-frac))}
	for _, o := range spec.Options {
		line := o.line() + "\t# " + o.Doc
		if o.Idle {
			line = "# " + line
		}
		options = append(options, line)
		if o.Name == "code" {
			encoders += "; for code = \"events\" spikes: regular, poisson, latency, delta, recorded"
		}
	}
	var b bytes.Buffer
	err := page.Execute(&b, map[string]any{
		"Name": printable(name), "Quoted": tomlString(name), "Title": printable(title), "Note": r.Note,
		"Hidden": strings.Join(spec.Activations(false), ", "), "Output": r.Output, "Outputs": strings.Join(spec.Activations(true), ", "),
		"OutputWeights": r.OutputWeights, "Encoders": encoders, "Activation": r.Activation, "Frac": values, "Values": every, "Gain": r.Gain,
		"Units": r.Units, "Rate1": r.Rates[0], "Rate2": r.Rates[1],
		"Rule": tomlString(rule), "Rate": r.Rate, "Final": r.Final, "Options": options,
	})
	if err != nil {
		panic(err) // the template and its data are constant
	}
	return []byte(align(b.String()))
}

// printable makes s fit for a comment.
func printable(s string) string {
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, strings.ToValidUTF8(s, "\uFFFD"))
}
