package config

import (
	"bytes"
	"fmt"
	"strings"
	"text/template"
)

// recipe is what a template starts a rule from. The constants were found on MNIST with 5,000 images held out.
type recipe struct {
	title      string
	activation string
	gain       string
	rates      [2]string // of the hidden layers, as multiples of the rule's
	rate       string
	final      string
	note       string   // why these values
	options    []string // further lines of [rule]
}

var recipes = map[string]recipe{
	"bp": {
		title: "backpropagation", activation: "relu", gain: "0.7", rates: [2]string{"1.0", "1.0"}, rate: "0.01", final: "0.0002",
		note: "Every layer learns at the same rate",
		options: []string{
			"error = { frac = 14 }\t# errors are multiples of 2^-14 in [-2, 2)",
		},
	},
	"dfa": {
		title: "direct feedback alignment", activation: "tanh", gain: "0.4", rates: [2]string{"32.0", "8.0"}, rate: "0.01", final: "0.0001",
		note: "This rule wants small initial weights and fast first layers; relu goes astray with it",
		options: []string{
			"feedback = 0.0625\t# every feedback weight is + or - this: a power of two if generated",
			"feedback_source = \"generated\"\t# drawn again at each use, in no memory; or stored",
		},
	},
}

// other is the recipe of a rule that has none.
var other = recipe{
	activation: "tanh", gain: "0.7", rates: [2]string{"1.0", "1.0"}, rate: "0.01", final: "0.0001",
	note: "These rates are a start: choose them by the samples that validation holds out",
}

// page is the text; a tab before a comment stands for the padding to commentColumn.
var page = template.Must(template.New("net.toml").Parse(`# {{.Name}}: a network that learns by {{.Title}}.
#
#   nmc compile net.toml -o build
#   nmc train build --on sim

name = {{.Quoted}}
seed = 1	# of every random draw: same seed, same result, to the last bit

[data]
set = "mnist"	# mnist, fashion-mnist, digits, or idx:DIR with an [input] table
epochs = 2
validation = 5000	# samples held out at the end of the training set
samples = 0	# training samples an epoch; 0: all that are left
jitter = 0	# shift images at random by up to so many pixels

# Layers from the input on; the last one gives the answer.
# {{.Note}}.
[[layer]]
name = "hidden1"
units = 100
activation = "{{.Activation}}"	# relu, tanh, sigmoid, hard-sigmoid
gain = {{.Gain}}	# initial weights have standard deviation gain*sqrt(2/fan_in)
rate = {{.Rate1}}	# times the rule's rate
weights = { bits = 16, frac = 14 }	# multiples of 2^-14 in [-2, 2)
values = { frac = {{.Frac}} }	# the layer's outputs are multiples of 2^-{{.Frac}}, 16 bits

[[layer]]
name = "hidden2"
units = 50
activation = "{{.Activation}}"
gain = {{.Gain}}
rate = {{.Rate2}}

[[layer]]
name = "output"
units = 10	# one for each class
activation = "softmax"	# or sigmoid
gain = {{.Gain}}

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

// Template returns a commented net.toml for a rule: 784-100-50-10 on MNIST, with the values that the rule is known to
// work with if it has a recipe, else with a start that Read accepts. Read also checks the name.
func Template(rule, name string) []byte {
	r, ok := recipes[rule]
	if !ok {
		r = other
		r.title = "rule " + printable(rule)
	}
	var b bytes.Buffer
	err := page.Execute(&b, map[string]any{
		"Name": printable(name), "Quoted": tomlString(name), "Title": r.title, "Note": r.note,
		"Activation": r.activation, "Frac": activations[r.activation].frac, "Gain": r.gain,
		"Rate1": r.rates[0], "Rate2": r.rates[1],
		"Rule": tomlString(rule), "Rate": r.rate, "Final": r.final, "Options": r.options,
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
