package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/firmware/device"
)

// Variant is a rule with options: lines of net.toml that replace those of the project that nmc new starts; an activation is that
// of the hidden layers, output that of the last one, and a comment takes an option away.
type Variant struct{ Name, Rule, Lines string }

// spiking starts the lines of a custom rule on spiking units.
const spiking = "activation = \"lif\"\ngain = 3.0\nthreshold = 2.0\ninhibition = \"none\"\n"

// Variants is every rule and what its options make of it.
var Variants = []Variant{
	{"bp", "bp", ""},
	{"fa", "fa", ""},
	{"fa-stored", "fa", `feedback_source = "stored"`},
	{"fa-symmetric", "fa", "feedback_source = \"symmetric\"\nfeedback = 0.05"},
	{"dfa", "dfa", ""},
	{"dfa-stored", "dfa", `feedback_source = "stored"`},
	{"local", "local", ""},
	{"local-fixed", "local", "classifier = \"fixed\"\nclassifier_scale = 0.25\n# classifier_rate = 4.0\nactivation = \"tanh\""},
	{"tp", "tp", "warmup = 5"},
	{"tp-simplified", "tp", "targets = \"simplified\"\nwarmup = 5"},
	{"tp-vanilla", "tp", "targets = \"vanilla\"\nwarmup = 5"},
	{"tp-difference-loss", "tp", "inverse_loss = \"difference\"\nwarmup = 5"},
	{"tp-simplified-difference-loss", "tp", "targets = \"simplified\"\ninverse_loss = \"difference\"\ninverse_every = 2\nwarmup = 5"},
	{"pc", "pc", ""},
	{"pc-incremental", "pc", `update = "incremental"`},
	{"ep", "ep", ""},
	{"ep-positive", "ep", `estimator = "positive"`},
	{"ep-random-sign", "ep", `estimator = "random-sign"`},
	{"ff", "ff", ""},
	{"ff-readout", "ff", `answer = "readout"`},
	{"ff-group", "ff", "goodness = \"group\"\n# threshold = 2.0\n# label = 2.0"},
	{"hebb", "hebb", ""},
	{"hebb-relu", "hebb", `activation = "relu"`},
	{"hebb-plain", "hebb", "form = \"plain\"\nsparsity = 0.2"},
	{"hebb-soft", "hebb", `competition = "soft"`},
	{"hebb-threshold", "hebb", `competition = "threshold"`},
	{"forward-node", "perturbation", ""},
	{"forward-node-global", "perturbation", "loss = \"global\"\ngroup = 16\n# classifier_rate = 4.0"},
	{"node", "perturbation", "method = \"node\"\nsize = 0.0078125"},
	{"node-global", "perturbation", "method = \"node\"\nsize = 0.0078125\nloss = \"global\"\n# classifier_rate = 4.0\nactivation = \"tanh\""},
	{"forward-weight", "perturbation", "method = \"forward-weight\"\n# loss = \"local\"\n# group = 4\n# classifier_rate = 4.0"},
	{"weight", "perturbation", "method = \"weight\"\nsize = 0.0078125\n# loss = \"local\"\n# group = 4\n# classifier_rate = 4.0"},
	{"stdp", "stdp", ""},
	{"stdp-hard", "stdp", "bounds = \"hard\"\ndepression = 0.05\nrounding = \"nearest\""},
	{"stdp-poisson", "stdp", `code = "poisson"`},
	{"stdp-latency", "stdp", "code = \"latency\"\nevents = 80.0"},
	{"stdp-softmax", "stdp", `output = "softmax"`},
	{"stdp-events", "stdp", "encoder = \"poisson\"\ncode = \"events\"\ntimesteps = 8\nthreshold = 4.0"},
	{"stdp-lif", "stdp", "activation = \"lif\"\n# homeostasis = 14.0\n# quiet = 0.9\ndepression = 0.0"},
	{"oja", "custom", `dw = "rate * y0 * (x0 - y0 * w)"`},
	{"bcm", "custom", "dw = \"rate * x0 * y0 * (y0 - y1)\"\ntraces = { y1 = \"0.99*y1 + 0.01*y0^2\" }"},
	{"eligibility", "custom", "dw = \"x0 * (y0 - 0.5)\"\neligibility = 0.9"},
	{"triplet", "custom", spiking + "dw = \"rate * (y0 * (x1 - w) + 0.5 * y0 * (y2 - y0) * x1 - 0.5 * x0 * y1)\"\n" +
		`traces = { x1 = "0.8*x1 + 0.2*x0", y1 = "0.7*y1 + 0.3*y0", y2 = "0.95*y2 + y0" }`},
	{"triplet-delta", "custom", spiking + "dw = \"rate * (y0 * (x1 - w) + 0.5 * y0 * (y2 - y0) * x1 - 0.5 * x0 * y1)\"\n" +
		"traces = { x1 = \"0.8*x1 + 0.2*x0\", y1 = \"0.7*y1 + 0.3*y0\", y2 = \"0.95*y2 + y0\" }\nencoder = \"delta\"\ncode = \"events\"\ntimesteps = 4"},
	{"reward", "custom", spiking + "dw = \"0.1 * (y0 * x1 - 0.5 * x0 * y1)\"\neligibility = 0.5\n" +
		`traces = { x1 = "0.8*x1 + 0.2*x0", y1 = "0.7*y1 + 0.3*y0" }`},
	{"error", "custom", "dw = \"rate * error * (x0 - x1) - 2^-12 * w\"\ntraces = { x1 = \"0.9*x1 + 0.1*x0\" }"},
}

// Shared is the device of all variants with that many lanes: with one configuration there is one RTL.
func Shared(lanes int) device.Config {
	const weightElements, vectorElements = 1 << 19, 1 << 15
	return device.Config{Lanes: lanes, WeightDepth: weightElements / lanes, VectorDepth: vectorElements / lanes, ProgramDepth: 1024, TableDepth: 2048,
		WeightPorts: 2, FrameBytes: 1024}
}

// Compile compiles a variant for samples of a set and a device, of which units says whether it has "all" units or the "used" ones. The hidden
// layers are the recipe's if hidden is nil.
func (v Variant) Compile(set string, on device.Config, units string, hidden []int) (*compiler.Build, error) {
	r := rules.All[v.Rule]
	switch {
	case hidden != nil && (strings.HasPrefix(v.Lines, spiking) || len(r.Recipe.Units) == 1):
		r.Recipe.Units = hidden[:1]
	case hidden != nil:
		r.Recipe.Units = hidden
	case strings.HasPrefix(v.Lines, spiking):
		r.Recipe.Units = []int{100} // one spiking layer
	}
	text := string(config.Template(v.Rule, r.Title, v.Name, r.Spec, r.Recipe))
	for line := range strings.Lines(fmt.Sprintf("set = %q\n%s", set, v.Lines)) {
		key, _, _ := strings.Cut(strings.TrimPrefix(line, "# "), " = ")
		name := strings.Replace(key, "output", "activation", 1)
		at := regexp.MustCompile(`(?m)^(# )?`+name+` = .*$`).FindAllStringIndex(text, -1)
		switch last := len(at) - 1; key {
		case "activation":
			at = at[:last]
		case "output":
			at, line = at[last:], strings.Replace(line, key, name, 1)
		}
		if len(at) == 0 {
			return nil, fmt.Errorf("variant %s: nmc new --rule %s writes no line for %s", v.Name, v.Rule, key)
		}
		for _, place := range slices.Backward(at) {
			text = text[:place[0]] + strings.TrimSuffix(line, "\n") + text[place[1]:]
		}
	}
	text, _, _ = strings.Cut(text, "[device]")
	// The built-in set has fewer samples than the template holds out.
	text = strings.Replace(text, "validation = 5000", "validation = 0", 1)
	net, err := config.Read(v.Name+".toml", []byte(text), config.Options{Rules: rules.Specs()})
	if err != nil {
		return nil, err
	}
	net.On(on, units)
	return compiler.Compile(net, compiler.Options{})
}
