// Command gap prints what fixed point costs: validation accuracy of the same network, learned from the same samples in the
// same order, in float64 (package float) and on the device's arithmetic with weights of 6, 8, 12 and 16 bits.
package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"

	"gonum.org/v1/gonum/mat"

	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/dataset"
	"github.com/nmc-fpga/nmc/sim"
	"github.com/nmc-fpga/nmc/sim/float"
)

// net has the two hidden layers of the integer-only comparisons. Weights range over ±2 at every width.
const net = `name = "gap"
seed = %d
[data]
set = %q
epochs = %d
samples = %d
validation = %d
[[layer]]
units = 100
activation = %q
gain = %g
rate = %g
weights = { bits = %d, frac = %d }
[[layer]]
units = 50
activation = %q
gain = %g
rate = %g
weights = { bits = %d, frac = %d }
[[layer]]
units = 10
activation = "softmax"
gain = %g
weights = { bits = %d, frac = %d }
[rule]
name = %q
rate = 0.01
final = 0.0005
schedule = "geometric"
[device]
lanes = 16
`

// recipe is what a rule learns well with, in float and in 16 bits alike.
type recipe struct {
	rule       string
	oracle     float.Rule
	activation string
	act        float.Activation
	gain       float64
	rate       [2]float64
}

var recipes = []recipe{
	{"bp", float.Backprop, "relu", float.ReLU, 0.7, [2]float64{1, 1}},
	{"dfa", float.DFA, "tanh", float.Tanh, 0.4, [2]float64{32, 8}},
}

var widths = []int{16, 12, 8, 6}

func main() {
	set := flag.String("data", "mnist", "data set")
	samples := flag.Int("samples", 20000, "training samples an epoch")
	validation := flag.Int("validation", 5000, "samples held out at the end of the training set")
	epochs := flag.Int("epochs", 2, "epochs")
	seed := flag.Int("seed", 1, "seed")
	flag.Parse()
	if err := table(*set, *samples, *validation, *epochs, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "gap:", err)
		os.Exit(2)
	}
}

func table(name string, samples, validation, epochs, seed int) error {
	set, err := dataset.Open(context.Background(), name, dataset.Train)
	if err != nil {
		return err
	}
	held := set.Slice(set.Len()-validation, set.Len())
	fmt.Printf("%s, 784-100-50-10, %d samples × %d epochs, seed %d, accuracy on %d held-out training samples\n\n", name, samples, epochs, seed, validation)
	fmt.Printf("| rule | float64 |")
	for _, bits := range widths {
		fmt.Printf(" %d bits | gap |", bits)
	}
	fmt.Printf("\n|---|---|")
	for range widths {
		fmt.Printf("---|---|")
	}
	fmt.Println()
	for _, r := range recipes {
		var ideal float64
		for i, bits := range widths {
			f := bits - 2
			src := fmt.Sprintf(net, seed, name, epochs, samples, validation,
				r.activation, r.gain, r.rate[0], bits, f, r.activation, r.gain, r.rate[1], bits, f, r.gain, bits, f, r.rule)
			cfg, err := config.Read("gap.toml", []byte(src), config.Options{Rules: rules.Specs()})
			if err != nil {
				return err
			}
			d, err := start(cfg)
			if err != nil {
				return err
			}
			if i == 0 {
				o, err := d.oracle(r)
				if err != nil {
					return err
				}
				for t := range epochs * samples {
					e, k := t/samples, t%samples
					if k == 0 {
						d.order = dataset.Order(uint64(seed), e, samples)
					}
					rate := cfg.Rule.Rate * math.Pow(cfg.Rule.Final/cfg.Rule.Rate, float64(t)/float64(cfg.Rule.Steps))
					rates := []float64{rate * r.rate[0], rate * r.rate[1], rate}
					at := d.order[k]
					o.Step(r.oracle, float.Input(set.Image(at), 1./256), float.OneHot(set.Label(at), 10), rates)
				}
				ideal = 100 * o.Accuracy(held, 1./256)
				fmt.Printf("| %s | %.2f |", r.rule, ideal)
			}
			got, err := d.learn(set, held, epochs, samples, seed)
			if err != nil {
				return err
			}
			fmt.Printf(" %.2f | %+.2f |", got, got-ideal)
		}
		fmt.Println()
	}
	return nil
}

type learner struct {
	build *compiler.Build
	m     *sim.Machine
	cfg   *config.Net
	order []int
}

// start compiles a network and draws its initial state.
func start(cfg *config.Net) (*learner, error) {
	b, err := compiler.Compile(cfg, compiler.Options{})
	if err != nil {
		return nil, err
	}
	m, err := sim.New(b.Manifest.Device)
	if err != nil {
		return nil, err
	}
	if err := b.Image.Load(m); err != nil {
		return nil, err
	}
	d := &learner{build: b, m: m, cfg: cfg}
	_, err = d.run(device.Run{Entry: device.Init})
	return d, err
}

func (d *learner) run(r device.Run) (device.Result, error) {
	if err := d.m.Submit(r); err != nil {
		return device.Result{}, err
	}
	return d.m.Result()
}

// oracle is the float64 network with the device's initial weights; feedback matrices get signs of their own.
func (d *learner) oracle(r recipe) (*float.Net, error) {
	o := &float.Net{Output: float.SoftmaxCE}
	for i := range d.build.Manifest.Tensors {
		t := &d.build.Manifest.Tensors[i]
		v, err := t.Read(d.m, d.build.Manifest.Device.Lanes)
		if err != nil {
			return nil, err
		}
		outs, ins := t.Shape()
		var w, b []float64
		for k, x := range v {
			f := math.Ldexp(float64(x), -t.Frac)
			if k%ins == ins-1 {
				b = append(b, f)
			} else {
				w = append(w, f)
			}
		}
		l, err := float.NewLayer(outs, ins-1, w, b, r.act)
		if err != nil {
			return nil, err
		}
		o.Layers = append(o.Layers, l)
	}
	for l := range len(d.cfg.Layers) - 1 {
		m := mat.NewDense(d.cfg.Layers[l].Units, 10, nil)
		signs := dataset.Order(uint64(l), 0, 10*d.cfg.Layers[l].Units)
		for k, s := range signs {
			m.Set(k/10, k%10, d.cfg.Rule.Feedback*float64(1-2*(s%2)))
		}
		o.Feedback = append(o.Feedback, m)
	}
	return o, nil
}

func (d *learner) learn(set, held *dataset.Set, epochs, samples, seed int) (accuracy float64, err error) {
	for e := range epochs {
		for _, i := range dataset.Order(uint64(seed), e, samples) {
			if _, err := d.run(device.Run{Entry: device.Learn, Label: uint16(set.Label(i)), Sample: device.Sample{Bytes: set.Image(i)}}); err != nil {
				return 0, err
			}
		}
	}
	right := 0
	for i := range held.Len() {
		r, err := d.run(device.Run{Entry: device.Infer, Sample: device.Sample{Bytes: held.Image(i)}})
		if err != nil {
			return 0, err
		}
		if int(r.Result[0]) == held.Label(i) {
			right++
		}
	}
	return 100 * float64(right) / float64(held.Len()), nil
}
