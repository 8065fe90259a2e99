// Package config reads net.toml into a typed network in which every default is resolved, every value is checked and
// the parts that later passes may object to carry their position in the source.
//
// A value that the user wrote is never changed: it is taken as it stands or it is an error.
package config

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/place"
	"github.com/nmc-fpga/nmc/firmware/device"
)

// Net is one network with its data, its learning rule and the device that it asks for.
type Net struct {
	File   string // name of the source, as diagnostics print it
	Source []byte // its text

	Name   string
	Seed   uint32 // of every random draw
	Data   Data
	Input  Input
	Layers []Layer // hidden layers in order, then the output layer
	Rule   Rule
	Device Device
	Import Import
}

// Pos is a place in the source: line and column (in characters), both from 1. The zero Pos is no place.
type Pos struct{ Line, Col int }

// position turns a byte offset into line and column.
func position(src []byte, offset int) Pos { return Pos(place.Position(src, offset)) }

// Data is the data set and how much of it one training run shows to the network.
type Data struct {
	Set        string // "mnist", "fashion-mnist", "cifar10", "nmnist-small", "digits" or "idx:DIR"
	Epochs     int
	Samples    int    // training samples per epoch, resolved: never 0
	Validation int    // samples held out at the end of the training set
	Jitter     int    // largest random shift of an image, in pixels
	Flip       bool   // mirror half of the images left to right
	Encoder    string // what the host makes of a sample: see encoders
	Contrast   int    // of encoder "delta": least change of a byte that is an event
	Pos        Pos    // of the [data] header
	At         map[string]Pos
}

// encoder is what Read knows of an encoder.
type encoder struct {
	frac   int  // fraction bits of the input elements
	spikes bool // the sample is a train of spikes for each input
	rated  bool // the spikes come at rates that go with the bytes
}

// encoders are what the host can make of a byte b or of an event: a number, "direct" b/256, "centered" (b - 128)/128, or spikes, see
// docs/encoders.md.
var encoders = map[string]encoder{
	"direct":   {frac: 8},
	"centered": {frac: 7},
	"regular":  {spikes: true, rated: true},
	"poisson":  {spikes: true, rated: true},
	"latency":  {spikes: true, rated: true},
	"delta":    {spikes: true},
	"recorded": {spikes: true},
}

// InputFrac is the fraction bits of an input element.
func (d Data) InputFrac() int { return encoders[d.Encoder].frac }

// Spikes says whether the host sends spikes.
func (d Data) Spikes() bool { return encoders[d.Encoder].spikes }

// Rated says whether the spikes that the host sends come at rates that go with the brightness of the inputs.
func (d Data) Rated() bool { return encoders[d.Encoder].rated }

// Input is the shape of one sample. Encoder "delta" makes two channels of each: darker and brighter.
type Input struct {
	Rows, Cols, Channels int
	Pos                  Pos // of the [input] header, or of the set that implies the shape
}

// Elements is the number of input elements of one sample.
func (i Input) Elements() int { return i.Rows * i.Cols * i.Channels }

// Format is a fixed-point format: Bits wide with the sign, Frac of them below the point. It holds multiples of
// 2^-Frac from -2^(Bits-1-Frac) to 2^(Bits-1-Frac) - 2^-Frac.
type Format struct {
	Bits, Frac int
	Pos        Pos // of the table that gives it, or of the layer that it is a default of
}

// Min is the lowest value of the format.
func (f Format) Min() float64 { return -math.Ldexp(1, f.Bits-1-f.Frac) }

// Max is the highest value of the format.
func (f Format) Max() float64 { return -f.Min() - math.Ldexp(1, -f.Frac) }

// String gives integer and fraction bits and the range: "Q1.14 [-2, 1.99994]".
func (f Format) String() string {
	return fmt.Sprintf("Q%d.%d [%.6g, %.6g]", f.Bits-1-f.Frac, f.Frac, f.Min(), f.Max())
}

// Layer is one dense layer with a bias.
type Layer struct {
	Name       string
	Units      int
	Activation string         // one that the rule takes: see RuleSpec
	Gain       float64        // initial weights are uniform with standard deviation Gain·sqrt(2/fan-in)
	Rate       float64        // multiplies the rule's rate; 0 freezes the layer
	Weights    Format         // of the weights and biases
	Values     Format         // of the layer's outputs, 16 bits
	Lanes      string         // lane axis of the weights: "in", "out", or "" to let the compiler choose
	Pos        Pos            // of the [[layer]] header
	At         map[string]Pos // of the value of each key that is given: "units", "weights", "weights.frac", …
}

// Rule is the learning rule and its options.
type Rule struct {
	Name           string
	Rate, Final    float64 // learning rate of the first step and of the last; equal when constant
	Schedule       string  // "constant", "linear", "geometric"
	Steps          int     // samples over which the rate goes from Rate to Final
	Rounding       string  // of weight updates: "stochastic", "nearest"
	Feedback       float64 // option "feedback": magnitude of the feedback weights
	FeedbackSource string  // option "feedback_source"
	ErrorFrac      int     // fraction bits of the 16-bit error vectors
	// Options are the rule's other options, each with its default if it is not given, in the type of the default.
	Options map[string]any
	Pos     Pos            // of the [rule] header
	At      map[string]Pos // of the value of each key that is given
}

// Number is the value of an option whose default is a float64.
func (r *Rule) Number(option string) float64 { return r.Options[option].(float64) }

// Whole is the value of an option whose default is an int.
func (r *Rule) Whole(option string) int { return r.Options[option].(int) }

// Word is the value of an option whose default is a string.
func (r *Rule) Word(option string) string { return r.Options[option].(string) }

// Numbers is the value of an option whose default is a table of numbers.
func (r *Rule) Numbers(option string) map[string]float64 {
	return r.Options[option].(map[string]float64)
}

// Texts is the value of an option whose default is a table of strings.
func (r *Rule) Texts(option string) map[string]string { return r.Options[option].(map[string]string) }

// Device is what the user fixes of the device; 0 leaves the choice to the compiler. Units as in firmware/device.
type Device struct {
	Lanes, WeightPorts                                             int
	WeightDepth, VectorDepth, ProgramDepth, TableDepth, FrameBytes int
	Units                                                          string // "all", or "used": only what the program needs
	Answers                                                        bool   // learning = false: the program answers and does not learn
	Link                                                           device.Link
	Key                                                            string // file with the device's key, as written; "": none
	Pos                                                            Pos    // of the [device] header
	At                                                             map[string]Pos
}

// On makes the network's device the given one. units is what it has where net.toml does not say.
func (n *Net) On(c device.Config, units string) {
	d := &n.Device
	d.Lanes, d.WeightPorts, d.WeightDepth, d.VectorDepth = c.Lanes, c.WeightPorts, c.WeightDepth, c.VectorDepth
	d.ProgramDepth, d.TableDepth, d.FrameBytes, d.Link = c.ProgramDepth, c.TableDepth, c.FrameBytes, c.Link
	if _, given := d.At["units"]; !given {
		d.Units = units
	}
}

// Import names a file of trained weights to start from; Path "" is none.
type Import struct {
	Path string // as written; relative paths are relative to the folder of net.toml
	Pos  Pos
}

// Options is what Read has to be told.
type Options struct {
	// Rules are the learning rules that exist, by name.
	Rules map[string]RuleSpec
}

// RuleSpec is what the configuration has to know of a learning rule.
type RuleSpec struct {
	// Options are the keys of [rule] that the rule takes beyond name, rate, final, schedule, steps, rounding and
	// error. "feedback" and "feedback_source" have fields of their own in Rule; all others go to Rule.Options.
	Options []Option
	// ErrorFrac is the default of the fraction bits of error vectors; 0 means 14, that is errors in [-2, 2).
	ErrorFrac int
	// Hidden and Output are the activations that the rule takes in hidden layers and in the last one; nil means the usual ones.
	Hidden, Output []string
}

// The usual activations: those that have a derivative, and those that go with the cross-entropy.
var (
	usualHidden = []string{"clip", "hard-sigmoid", "relu", "sigmoid", "tanh"}
	usualOutput = []string{"sigmoid", "softmax"}
)

// Activations returns the activations that the rule takes in the last layer or in the others.
func (s RuleSpec) Activations(last bool) []string {
	switch {
	case last && s.Output != nil:
		return s.Output
	case last:
		return usualOutput
	case s.Hidden != nil:
		return s.Hidden
	}
	return usualHidden
}

// errorFrac is the default with 0 replaced.
func (s RuleSpec) errorFrac() int {
	if s.ErrorFrac == 0 {
		return 14
	}
	return s.ErrorFrac
}

// Option is a key of [rule] that some rules take.
type Option struct {
	Name string
	// Default is the value when the key is not given, and its type that of the value: float64, int, string, or a table of
	// numbers or strings whose keys the user chooses, map[string]float64 or map[string]string.
	Default any
	Words   []string // that a string may be; nil is any
	// Min and Max limit a number; Max 0 is no limit. With Open a number must be more than Min.
	Min, Max float64
	Open     bool
	// Idle says that the option has no effect while the others have their defaults: a template has it as a comment.
	Idle bool
	// Doc says in half a sentence what the option is, with its unit.
	Doc string
}

// Value is the default as it stands in net.toml.
func (o Option) Value() string {
	switch v := o.Default.(type) {
	case string:
		return tomlString(v)
	case float64:
		return number(v)
	case map[string]float64:
		return inlineTable(v, number)
	case map[string]string:
		return inlineTable(v, tomlString)
	default:
		return fmt.Sprint(v)
	}
}

// inlineTable is a table in one line of net.toml.
func inlineTable[V any](m map[string]V, value func(V) string) string {
	var pairs []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		pairs = append(pairs, k+" = "+value(m[k]))
	}
	if pairs == nil {
		return "{}"
	}
	return "{ " + strings.Join(pairs, ", ") + " }"
}

// line is the option as a line of net.toml.
func (o Option) line() string { return o.Name + " = " + o.Value() }

// Recipe is what a template starts a rule from: 784-100-50-10 on MNIST.
type Recipe struct {
	Activation  string    // of the hidden layers
	Output      string    // activation of the last layer; "" is softmax
	Values      int       // fraction bits of every layer's values; 0: the default of its activation
	Gain        string    // of every layer
	Rates       [2]string // of the hidden layers, as multiples of the rule's
	Rate, Final string    // of the rule
	Note        string    // why these values
	// OutputWeights is the format of the last layer's weights if it is not that of the others.
	OutputWeights string
	Units         []int // of the hidden layers; nil is 100 and 50
}

// Diagnostic makes a finding about the place p of the source.
func (n *Net) Diagnostic(p Pos, message, remedy string) diag.Diagnostic {
	return diag.Diagnostic{File: n.File, Line: p.Line, Col: p.Col, Message: message, Remedy: remedy, Quote: diag.Line(n.Source, p.Line)}
}
