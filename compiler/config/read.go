package config

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/BurntSushi/toml"

	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/place"
)

// Limits that the engine sets, see firmware/isa and firmware/device.
const (
	maxUnits    = 8191 // counts on both sides of a matrix have 13 bits
	maxInputs   = 8190 // the bias is one more input
	maxLanes    = 64
	maxWeights  = 1 << 22 // words
	maxVectors  = 1 << 16 // words
	maxProgram  = 1 << 12 // instructions
	maxTables   = 1 << 12 // entries
	minFrame    = 64      // bytes
	maxFrame    = 4096    // bytes
	maxShift    = 47      // of a product, to the right
	maxFrac     = 20      // 16-bit values below 2^-5 need no more
	rateBits    = 15      // of a rate without its sign
	defaultGain = 0.7
)

// shape is what is known of a data set by its name.
type shape struct {
	train, rows, cols, channels, classes int
	recorded                             bool // events, not images
}

var sets = map[string]shape{
	"mnist":         {60000, 28, 28, 1, 10, false},
	"fashion-mnist": {60000, 28, 28, 1, 10, false},
	"cifar10":       {50000, 32, 32, 3, 10, false},
	"nmnist-small":  {1000, 34, 34, 2, 10, true},
	"digits":        {1000, 14, 14, 1, 10, false},
}

// idxPrefix starts the name of a set that is a folder of IDX files.
const idxPrefix = "idx:"

// activation is what Read knows of an activation function.
type activation struct {
	hidden, last bool
	bounded      bool // within [-1, 1]
	frac         int  // default of the values' fraction bits
}

// Values of relu reach about 10 on MNIST, the logits that softmax takes about 30; the others are within [-1, 1].
var activations = map[string]activation{
	"relu":         {hidden: true, frac: 11},
	"tanh":         {hidden: true, bounded: true, frac: 12},
	"sigmoid":      {hidden: true, last: true, bounded: true, frac: 12},
	"hard-sigmoid": {hidden: true, bounded: true, frac: 12},
	"exp":          {hidden: true, bounded: true, frac: 14},
	"clip":         {hidden: true, last: true, bounded: true, frac: 14},
	"lif":          {hidden: true, frac: 10},
	"alif":         {hidden: true, frac: 10},
	"softmax":      {last: true, frac: 10},
	"linear":       {last: true, frac: 12},
	"vote":         {last: true, frac: 11},
}

// Read reads the text of a net.toml. file is its name in diagnostics. The error is a diag.List with everything that is
// wrong, in order of position; the network is nil then.
func Read(file string, src []byte, opt Options) (*Net, error) {
	r := &reader{net: &Net{File: file, Source: src}, opt: opt}
	values := map[string]any{}
	if _, err := toml.Decode(string(src), &values); err != nil {
		return nil, r.syntax(err)
	}
	places, twice := place.Scan(src)
	for _, offset := range twice {
		r.list = append(r.list, r.net.Diagnostic(position(src, offset), "the key is defined twice", "remove one of the two"))
	}
	if err := r.list.Err(); err != nil {
		return nil, err // what the parser made of it is not what stands there
	}
	top := &table{net: r.net, list: &r.list, values: values, places: places, bad: map[string]bool{}}
	r.top(top)
	if err := r.list.Err(); err != nil {
		return nil, err
	}
	return r.net, nil
}

// reader fills net and collects findings.
type reader struct {
	net  *Net
	opt  Options
	list diag.List
	// known set; its shape is valid if set is true
	set   bool
	shape shape
	// what is wrong already and not to be reported again
	badInput, badData bool
}

// syntax turns an error of the TOML parser into a finding.
func (r *reader) syntax(err error) error {
	var parse toml.ParseError
	if !errors.As(err, &parse) {
		return diag.List{r.net.Diagnostic(Pos{}, err.Error(), "")}.Err()
	}
	message := strings.TrimSuffix(strings.TrimPrefix(parse.Message, "toml: "), ".")
	message = escapeControls(message) // the parser quotes what it found as it is
	remedy := "see https://toml.io"
	if after, ok := strings.CutPrefix(message, "Key "); ok {
		message, remedy = "key "+after, "remove one of the two"
	}
	return diag.List{r.net.Diagnostic(position(r.net.Source, parse.Position.Start), "not TOML: "+message, remedy)}.Err()
}

// escapeControls writes control characters as Go does, so that a message stays on its line.
func escapeControls(s string) string {
	var b strings.Builder
	for _, c := range s {
		if unicode.IsControl(c) {
			b.WriteString(strings.Trim(strconv.QuoteRune(c), "'"))
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

func (r *reader) top(t *table) {
	n := r.net
	n.Name = t.text("name", "", `name = "my-net"`)
	switch {
	case !t.has("name"):
		t.missing("name", `name = "my-net" as the first line`)
	case t.ok("name") && !isName(n.Name, "-."):
		t.error("name", fmt.Sprintf("name %s is not made of letters, digits and - _ . after a letter", quoteString(n.Name)), `write name = "my-net"`)
	}
	n.Seed = uint32(t.integer("seed", 1, 0, math.MaxUint32, "seed = 1"))

	data := t.inner("data", "[data]", `[data] with set = "mnist"`)
	input := t.inner("input", "[input]", "[input] with rows, cols and channels")
	layers := r.layerTables(t)
	rule := t.inner("rule", "[rule]", `[rule] with name and rate`)
	device := t.inner("device", "[device]", "[device] with lanes = 16")
	weights := t.inner("weights", "[weights]", `[weights] with import = "trained.npz"`)

	if t.ok("data") {
		r.data(data, t)
	} else {
		r.badData, r.badInput = true, true
	}
	if t.ok("input") {
		r.input(input, data)
	}
	for i, l := range layers {
		r.layer(l, i, i == len(layers)-1)
	}
	if t.ok("layer") {
		r.layers(layers)
	}
	if t.ok("rule") {
		r.rule(rule, t, data)
	}
	r.weights(weights)
	r.device(device)
	t.done()
	if len(r.list) == 0 {
		r.updates(rule)
	}
}

// isName says whether s starts with an ASCII letter and goes on with letters, digits, _ and the extra characters.
func isName(s, extra string) bool {
	for i, c := range s {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || !('0' <= c && c <= '9' || c == '_' || strings.ContainsRune(extra, c))) {
			return false
		}
	}
	return s != ""
}

func (r *reader) data(t, top *table) {
	d := &r.net.Data
	d.Pos, d.At = t.head(), t.at()
	if !top.has("data") {
		top.missing("data", `[data] with set = "mnist"`)
		r.badData, r.badInput = true, true
		return
	}
	names := slices.Sorted(maps.Keys(sets))
	const example = `set = "mnist"`
	d.Set = t.text("set", "", example)
	r.shape, r.set = sets[d.Set]
	idx := strings.HasPrefix(d.Set, idxPrefix)
	switch {
	case !t.has("set"):
		t.missing("set", example)
	case !t.ok("set"):
	case d.Set == idxPrefix:
		t.error("set", `set = "idx:" names no folder`, `write set = "idx:DIR" with the folder of the IDX files`)
	case !r.set && !idx:
		t.error("set", fmt.Sprintf("set = %s is none of %s, idx:DIR", quoteString(d.Set), strings.Join(names, ", ")), suggest(d.Set, names, example))
	}
	d.Epochs = t.integer("epochs", 1, 1, 1<<20, "epochs = 4")
	d.Validation = t.integer("validation", 0, 0, math.MaxInt32, "validation = 5000")
	d.Samples = t.integer("samples", 0, 0, math.MaxInt32, "samples = 0 for all")
	d.Jitter = t.integer("jitter", 0, 0, maxUnits, "jitter = 1")
	d.Flip = t.truth("flip", false, "flip = true")
	d.Encoder = t.choice("encoder", "direct", slices.Sorted(maps.Keys(encoders)), `encoder = "direct"`)
	d.Contrast = t.integer("contrast", 32, 1, 255, "contrast = 32")
	defer t.done()
	if !t.ok("set") {
		r.badData, r.badInput = true, true
		return
	}
	r.encoder(t)
	r.badData = !t.ok("epochs", "validation", "samples")
	switch {
	case r.badData:
	case r.set:
		left := r.shape.train - d.Validation
		switch {
		case left < 1:
			t.error("validation", fmt.Sprintf("validation = %d leaves nothing to train on: %s has %d training samples", d.Validation, d.Set, r.shape.train),
				fmt.Sprintf("hold out at most %d", r.shape.train-1))
		case d.Samples > left:
			t.error("samples", fmt.Sprintf("samples = %d, but %s has %d training samples and validation holds out %d", d.Samples, d.Set, r.shape.train, d.Validation),
				fmt.Sprintf("use at most %d, or 0 for all of them", left))
		case d.Samples == 0:
			d.Samples = left
		}
	case !t.has("samples"):
		t.missing("samples", "samples = N, the training samples of an epoch: an idx set is not opened to compile")
	case d.Samples == 0:
		t.error("samples", "samples = 0 means all, but an idx set is not opened to compile", "write the number of training samples of an epoch")
	}
	r.badData = r.badData || !t.ok("validation", "samples")
	if !r.badData && d.Epochs > math.MaxInt32/d.Samples {
		t.error("epochs", fmt.Sprintf("%d epochs of %d samples are more than the %d steps that a run can count", d.Epochs, d.Samples, math.MaxInt32), "train in several runs")
		r.badData = true
	}
}

// encoder holds the encoder to the data.
func (r *reader) encoder(t *table) {
	d := &r.net.Data
	if !t.ok("encoder") {
		return
	}
	switch recorded := d.Encoder == "recorded"; {
	case r.shape.recorded && !recorded:
		t.error("encoder", fmt.Sprintf("samples of %s are recorded events, encoder = %q takes images", d.Set, d.Encoder), `write encoder = "recorded", and code = "events" into [rule]`)
	case recorded && !r.shape.recorded:
		t.error("encoder", fmt.Sprintf("samples of %s are images, not recorded events", d.Set), `choose another encoder, or set = "nmnist-small"`)
	}
	switch {
	case d.Encoder != "delta" && t.has("contrast") && t.ok("contrast"):
		t.error("contrast", fmt.Sprintf("contrast has no effect: encoder = %q does not look at changes", d.Encoder), `remove it, or write encoder = "delta"`)
	case d.Encoder != "delta":
		d.Contrast = 0
	}
}

func (r *reader) input(t, data *table) {
	in := &r.net.Input
	in.Pos = t.head()
	given := t.values != nil
	if !given {
		in.Pos = data.pos("set")
	}
	*in = Input{Rows: r.shape.rows, Cols: r.shape.cols, Channels: max(1, r.shape.channels), Pos: in.Pos}
	for _, side := range []struct {
		key string
		val *int
	}{{"rows", &in.Rows}, {"cols", &in.Cols}, {"channels", &in.Channels}} {
		implied := *side.val
		*side.val = t.integer(side.key, int64(implied), 1, maxInputs, side.key+" = "+fmt.Sprint(max(implied, 1)))
		switch {
		case !t.ok(side.key):
		case r.set && *side.val != implied:
			t.error(side.key, fmt.Sprintf("%s = %d, but the images of %s have %s = %d", side.key, *side.val, r.net.Data.Set, side.key, implied),
				"remove [input]: the set implies it")
		case given && !r.set && !t.has(side.key) && side.key != "channels":
			t.missing(side.key, side.key+" = 28")
		}
	}
	if given {
		t.done()
	}
	r.badInput = r.badInput || !t.ok("rows", "cols", "channels")
	if r.badInput {
		return
	}
	if !given && !r.set {
		data.error("set", fmt.Sprintf("the shape of the images of %s is not known", r.net.Data.Set), "add [input] with rows, cols and channels")
		r.badInput = true
		return
	}
	if r.net.Data.Encoder == "delta" {
		in.Channels *= 2
	}
	if e := in.Elements(); e > maxInputs {
		*t.list = append(*t.list, r.net.Diagnostic(in.Pos, fmt.Sprintf("a sample of %d x %d x %d = %d elements is larger than %d", in.Rows, in.Cols, in.Channels, e, maxInputs), "shrink the images"))
		r.badInput = true
		return
	}
	if j, side := r.net.Data.Jitter, min(in.Rows, in.Cols); j >= side {
		data.error("jitter", fmt.Sprintf("jitter = %d shifts an image of %d x %d out of sight", j, in.Rows, in.Cols), fmt.Sprintf("use at most %d", side-1))
	}
}

// layerTables finds the tables of layer, however they are written.
func (r *reader) layerTables(top *table) []*table {
	const example = "[[layer]] with units and activation"
	v, ok := top.get("layer")
	if !ok {
		top.missing("layer", example+" for each layer")
		return nil
	}
	var all []*table
	add := func(i int, values map[string]any) {
		all = append(all, &table{net: r.net, list: &r.list, label: "[[layer]]", values: values, places: top.places.Table["layer"].Array[i], bad: map[string]bool{}})
	}
	switch v := v.(type) {
	case []map[string]any:
		for i, m := range v {
			add(i, m)
		}
	case []any:
		for i, e := range v {
			m, ok := e.(map[string]any)
			if !ok {
				top.mistyped("layer", "a list of tables", v, example+" for each layer")
				return nil
			}
			add(i, m)
		}
	case map[string]any:
		top.error("layer", "layer is one table, expected a list of tables", "write [[layer]] with two brackets")
		return nil
	default:
		top.mistyped("layer", "a list of tables", v, example+" for each layer")
		return nil
	}
	if len(all) == 0 {
		top.error("layer", "the list of layers is empty", "add "+example)
	}
	return all
}

func (r *reader) layer(t *table, i int, last bool) {
	l := Layer{Pos: t.head(), At: t.at()}
	preset := fmt.Sprintf("hidden%d", i+1)
	if last {
		preset = "output"
	}
	l.Name = t.text("name", preset, `name = "hidden1"`)
	if t.ok("name") && !isName(l.Name, "") {
		t.error("name", fmt.Sprintf("layer name %s is not made of letters, digits and _ after a letter", quoteString(l.Name)), `write name = "hidden1"`)
	}

	largest := int64(maxUnits)
	if !last {
		largest = maxInputs
	}
	l.Units = t.integer("units", 0, 1, largest, "units = 100")
	if !t.has("units") {
		t.missing("units", "units = 100")
	}
	if last && t.ok("units") && r.set && l.Units != r.shape.classes {
		t.error("units", fmt.Sprintf("the last layer has %d units, but %s has %d classes", l.Units, r.net.Data.Set, r.shape.classes), fmt.Sprintf("write units = %d", r.shape.classes))
	}

	example := `activation = "tanh"`
	if last {
		example = `activation = "softmax"`
	}
	var here []string
	for _, name := range slices.Sorted(maps.Keys(activations)) {
		if a := activations[name]; last && a.last || !last && a.hidden {
			here = append(here, name)
		}
	}
	l.Activation = t.text("activation", "", example)
	act, known := activations[l.Activation]
	switch {
	case !t.has("activation"):
		t.missing("activation", example)
	case !t.ok("activation"):
	case !known:
		t.error("activation", fmt.Sprintf("activation = %s is none of %s", quoteString(l.Activation), strings.Join(here, ", ")), suggest(l.Activation, here, example))
	case last && !act.last:
		t.error("activation", fmt.Sprintf("activation %s does not give the answer that the last layer must", l.Activation), "use one of "+strings.Join(here, ", ")+", or add the output layer")
	case !last && !act.hidden:
		t.error("activation", fmt.Sprintf("activation %s is for the last layer only", l.Activation), "use one of "+strings.Join(here, ", "))
	}

	l.Gain = t.float("gain", defaultGain, 0, false, "gain = 0.7")
	l.Rate = t.float("rate", 1, 0, false, "rate = 1.0")
	l.Lanes = t.choice("lanes", "", []string{"in", "out"}, `lanes = "out", or leave the choice to the compiler`)
	if t.has("lanes") && t.ok("lanes") && l.Lanes == "" {
		t.error("lanes", `lanes = "" is none of in, out`, "remove it to leave the choice to the compiler")
	}
	r.weightFormat(t, &l)
	r.valueFormat(t, &l, act, known)
	t.done()
	if i == 0 {
		r.checkInit(t, l, r.net.Input.Elements(), !r.badInput)
	} else {
		fanIn := r.net.Layers[i-1].Units
		r.checkInit(t, l, fanIn, fanIn > 0)
	}
	r.net.Layers = append(r.net.Layers, l)
}

// weightFormat reads weights = { bits, frac }.
func (r *reader) weightFormat(t *table, l *Layer) {
	const example = "weights = { bits = 16, frac = 14 }"
	in := t.inner("weights", "weights", example)
	f := Format{Pos: t.pos("weights")}
	f.Bits = in.integer("bits", 16, 2, 16, "bits = 16 or bits = 8")
	f.Frac = in.integer("frac", int64(f.Bits-2), 0, maxFrac, fmt.Sprintf("frac = %d for weights in [-2, 2)", f.Bits-2))
	in.done()
	if !in.ok("bits", "frac") {
		t.bad["weights"] = true
	}
	l.Weights = f
}

// valueFormat reads values = { bits, frac } and checks that the format holds what the activation gives.
func (r *reader) valueFormat(t *table, l *Layer, act activation, known bool) {
	example := fmt.Sprintf("values = { frac = %d }", act.frac)
	in := t.inner("values", "values", example)
	f := Format{Pos: t.pos("values")}
	f.Bits = 16
	in.sixteen()
	f.Frac = in.integer("frac", int64(act.frac), 0, maxFrac, fmt.Sprintf("frac = %d", act.frac))
	in.done()
	l.Values = f
	if !in.ok("bits", "frac") {
		t.bad["values"] = true
		return
	}
	if known && f.Max() < 1 {
		in.error("frac", fmt.Sprintf("values %v cannot hold 1, which %s reaches", f, l.Activation), "use frac = 14 or less")
		t.bad["values"] = true
	}
}

// checkInit checks that the weights' format holds the initial weights, which are uniform in ±gain·sqrt(6/fan-in), and
// tells them from 0.
func (r *reader) checkInit(t *table, l Layer, fanIn int, known bool) {
	if !known || !t.ok("gain", "weights") {
		return
	}
	key := "weights"
	if t.has("gain") || !t.has("weights") {
		key = "gain"
	}
	perGain := math.Sqrt(6 / float64(fanIn))
	reach := l.Gain * perGain
	what := fmt.Sprintf("initial weights of layer %q reach ±%.4g (gain %g, fan-in %d)", l.Name, reach, l.Gain, fanIn)
	switch half := math.Ldexp(1, -l.Weights.Frac-1); {
	case reach > l.Weights.Max():
		t.error(key, fmt.Sprintf("%s and do not fit %v", what, l.Weights),
			fmt.Sprintf("use gain up to %.3g or fewer fraction bits in weights", roundDown(l.Weights.Max()/perGain)))
	case l.Gain > 0 && reach < half:
		t.error(key, fmt.Sprintf("%s and all round to 0 in %v", what, l.Weights),
			fmt.Sprintf("use gain from %.3g, or gain = 0 if that is meant", roundUp(half/perGain)))
	}
}

// roundDown and roundUp keep three digits without crossing x: a remedy must be right when it is copied.
func roundDown(x float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(x))-2)
	return math.Floor(x/unit) * unit
}

func roundUp(x float64) float64 {
	unit := math.Pow(10, math.Floor(math.Log10(x))-2)
	return math.Ceil(x/unit) * unit
}

// layers checks what concerns several layers.
func (r *reader) layers(all []*table) {
	first := map[string]int{}
	for i, l := range r.net.Layers {
		if !all[i].ok("name") {
			continue
		}
		if j, twice := first[l.Name]; twice {
			all[i].error("name", fmt.Sprintf("layers %d and %d are both named %q", j+1, i+1, l.Name), "rename one")
			continue
		}
		first[l.Name] = i
	}
}

func (r *reader) rule(t, top *table, data *table) {
	u := &r.net.Rule
	if !top.has("rule") {
		top.missing("rule", "[rule] with name and rate")
		return
	}
	u.Pos, u.At = t.head(), t.at()
	names := slices.Sorted(maps.Keys(r.opt.Rules))
	example := `name = "bp"`
	if len(names) > 0 {
		example = fmt.Sprintf("name = %q", names[0])
	}
	u.Name = t.text("name", "", example)
	spec, known := r.opt.Rules[u.Name]
	switch {
	case !t.has("name"):
		t.missing("name", example)
	case !t.ok("name"):
	case !known:
		t.error("name", fmt.Sprintf("name = %s is none of the rules %s", quoteString(u.Name), strings.Join(names, ", ")), suggest(u.Name, names, example))
	}

	u.Rate = t.float("rate", 0, 0, true, "rate = 0.01")
	if !t.has("rate") {
		t.missing("rate", "rate = 0.01")
	}
	r.schedule(t, data)
	u.Rounding = t.choice("rounding", "stochastic", []string{"nearest", "stochastic"}, `rounding = "stochastic"`)
	r.errorFormat(t, spec)
	if t.ok("name") && known {
		r.carries(spec)
		r.ruleOptions(t, spec)
		if d := r.net.Data; d.Spikes() && !slices.ContainsFunc(spec.Options, func(o Option) bool { return o.Name == "code" }) {
			data.error("encoder", fmt.Sprintf("encoder = %q makes spikes, rule %q takes none", d.Encoder, u.Name), `write encoder = "direct", or use rule stdp`)
		}
	} else {
		t.known = slices.Collect(maps.Keys(t.values)) // which others are right depends on the rule
	}
	t.done()
}

// carries checks that the rule takes the activations of the layers.
func (r *reader) carries(spec RuleSpec) {
	for i, l := range r.net.Layers {
		last := i == len(r.net.Layers)-1
		takes := spec.Activations(last)
		a, known := activations[l.Activation]
		if !known || slices.Contains(takes, l.Activation) || last && !a.last || !last && !a.hidden {
			continue // or it is reported already
		}
		where := "hidden layers"
		if last {
			where = "the last layer"
		}
		r.list = append(r.list, r.net.Diagnostic(l.At["activation"], fmt.Sprintf("rule %q takes no %s in %s", r.net.Rule.Name, l.Activation, where),
			"use "+strings.Join(takes, " or ")+", or another rule"))
	}
}

// schedule reads how the rate goes from its first to its last value.
func (r *reader) schedule(t *table, data *table) {
	u := &r.net.Rule
	schedules := []string{"constant", "geometric", "linear"}
	preset := "constant"
	if t.has("final") {
		preset = "geometric"
	}
	u.Schedule = t.choice("schedule", preset, schedules, `schedule = "geometric"`)
	u.Final = t.float("final", u.Rate, 0, false, "final = 0.0001")
	steps := int64(0)
	if !r.badData {
		steps = int64(r.net.Data.Epochs) * int64(r.net.Data.Samples)
	}
	u.Steps = t.integer("steps", steps, 1, math.MaxInt32, "steps = 100000, in samples")
	if !t.ok("schedule", "rate", "final") {
		return
	}
	constant := u.Schedule == "constant"
	for _, key := range []string{"final", "steps"} {
		if constant && t.has(key) && t.ok(key) {
			t.error(key, key+" has no effect: the schedule is constant", `remove it, or write schedule = "geometric" or "linear" with final`)
		}
	}
	switch {
	case constant:
	case !t.has("final"):
		t.missing("final", fmt.Sprintf("final = %.3g, where the %s schedule ends", u.Rate/100, u.Schedule))
	case u.Final > u.Rate:
		t.error("final", fmt.Sprintf("final = %g is more than rate = %g: rates only fall", u.Final, u.Rate), "raise rate or lower final")
	case u.Schedule == "geometric" && u.Final == 0:
		t.error("final", "final = 0 is never reached by a geometric schedule", `write schedule = "linear" or a final that is more than 0`)
	case u.Final > 0 && u.Final < math.Ldexp(u.Rate, -rateBits):
		t.error("final", fmt.Sprintf("final = %g rounds to 0 on the scale of rate = %g, which has %d bits", u.Final, u.Rate, rateBits),
			fmt.Sprintf("use final from %.3g", roundUp(math.Ldexp(u.Rate, -rateBits))))
	}
}

// errorFormat reads error = { frac }.
func (r *reader) errorFormat(t *table, spec RuleSpec) {
	preset := spec.errorFrac()
	in := t.inner("error", "error", fmt.Sprintf("error = { frac = %d }", preset))
	in.sixteen()
	r.net.Rule.ErrorFrac = in.integer("frac", int64(preset), 0, 15, fmt.Sprintf("frac = %d", preset))
	in.done()
	if !in.ok("bits", "frac") {
		t.bad["error"] = true
	}
}

// ruleOptions reads the keys that only some rules take.
func (r *reader) ruleOptions(t *table, spec RuleSpec) {
	u := &r.net.Rule
	takers := map[string][]string{}
	for name, s := range r.opt.Rules {
		for _, o := range s.Options {
			takers[o.Name] = append(takers[o.Name], name)
		}
	}
	for key := range t.values {
		takes := slices.ContainsFunc(spec.Options, func(o Option) bool { return o.Name == key })
		if by := takers[key]; by != nil && !takes {
			slices.Sort(by)
			*t.list = append(*t.list, r.net.Diagnostic(t.keyPos(key), fmt.Sprintf("rule %q takes no option %s", u.Name, key),
				"remove it, or use a rule that does: "+strings.Join(by, ", ")))
			delete(t.values, key)
		}
	}
	for _, o := range spec.Options {
		v := t.option(o)
		switch o.Name {
		case "feedback":
			u.Feedback = v.(float64)
		case "feedback_source":
			u.FeedbackSource = v.(string)
		default:
			if u.Options == nil {
				u.Options = map[string]any{}
			}
			u.Options[o.Name] = v
		}
	}
}

func (r *reader) device(t *table) {
	d := &r.net.Device
	d.Pos, d.At = t.head(), t.at()
	d.Lanes = t.integer("lanes", 0, 0, maxLanes, "lanes = 16")
	if t.ok("lanes") && d.Lanes&(d.Lanes-1) != 0 {
		t.error("lanes", fmt.Sprintf("lanes = %d is not a power of two", d.Lanes), "use 1, 2, 4, 8, 16, 32 or 64")
	}
	d.WeightPorts = t.integer("weight_ports", 0, 0, 2, "weight_ports = 2")
	d.WeightDepth = t.integer("weight_depth", 0, 0, maxWeights, "weight_depth = 65536, in words")
	d.VectorDepth = t.integer("vector_depth", 0, 0, maxVectors, "vector_depth = 1024, in words")
	d.ProgramDepth = t.integer("program_depth", 0, 0, maxProgram, "program_depth = 256, in instructions")
	d.TableDepth = t.integer("table_depth", 0, 0, maxTables, "table_depth = 1024, in entries")
	d.FrameBytes = t.integer("frame_bytes", 0, 0, maxFrame, "frame_bytes = 1024")
	d.Units = t.choice("units", "all", []string{"all", "used"}, `units = "used"`)
	if t.ok("frame_bytes") && d.FrameBytes != 0 && d.FrameBytes < minFrame {
		t.error("frame_bytes", fmt.Sprintf("frame_bytes = %d is too short for a frame", d.FrameBytes), fmt.Sprintf("use at least %d", minFrame))
	}
	d.Answers = !t.truth("learning", true, "learning = false")
	if d.Answers && t.ok("learning") && r.net.Import.Path == "" {
		t.error("learning", "a device that does not learn has no weights", `add [weights] with import = "trained.npz", or remove it`)
	}
	const key = `key = "nmc.key"`
	d.Key = t.text("key", "", key)
	if t.has("key") && t.ok("key") && d.Key == "" {
		t.error("key", "key names no file", "make one with nmc key nmc.key and write "+key+", or remove it")
	}
	inner := t.inner("link", "[device.link]", `[device.link] with kind = "uart"`)
	if t.ok("link") {
		d.Link = link(inner, t, d.FrameBytes)
	}
	t.done()
}

func (r *reader) weights(t *table) {
	const example = `import = "trained.npz"`
	r.net.Import = Import{Path: t.text("import", "", example)}
	switch {
	case t.values == nil:
	case !t.has("import"):
		t.missing("import", example)
	default:
		r.net.Import.Pos = t.pos("import")
		if t.ok("import") && r.net.Import.Path == "" {
			t.error("import", "import names no file", "write "+example+" or remove [weights]")
		}
	}
	t.done()
}

// updates checks of a network that is right otherwise that its updates do not all round to zero: the engine's factor
// is the rate times 2^(shift + weight frac - value frac - error frac), at least 1 and with a shift of at most 47; and
// an update that is rounded to nearest must be able to reach half a step of the weights.
func (r *reader) updates(t *table) {
	u := r.net.Rule
	values, reach := r.net.Data.InputFrac(), 1.0
	for _, l := range r.net.Layers {
		rate := u.Rate * l.Rate
		place, given := l.At["rate"]
		if !given {
			place = u.At["rate"]
		}
		smallest := math.Ldexp(1, values+u.ErrorFrac-l.Weights.Frac-maxShift)
		largest := rate * reach * math.Ldexp(1, 15-u.ErrorFrac)
		step := math.Ldexp(1, -l.Weights.Frac)
		switch {
		case rate == 0:
		case rate < smallest:
			r.list = append(r.list, r.net.Diagnostic(place, fmt.Sprintf("rate %.4g of layer %q rounds to 0", rate, l.Name),
				fmt.Sprintf("raise it, as the product of the rule's rate and the layer's, to %.3g or more", roundUp(smallest))))
		case u.Rounding == "nearest" && largest < step/2:
			t.error("rounding", fmt.Sprintf("with rounding to nearest no update of layer %q learns: none exceeds %.4g, half a step of weights %v is %.4g", l.Name, largest, l.Weights, step/2),
				`write rounding = "stochastic", raise rate or give the weights more fraction bits`)
		}
		values, reach = l.Values.Frac, l.Values.Max()
		if activations[l.Activation].bounded {
			reach = 1
		}
	}
}
