package oracle

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/dataset"
	"github.com/nmc-fpga/nmc/sim"
)

// TestInvariance learns the same samples at every lane count, with and without assembly, on one thread and on several: one
// digest, and the same predictions.
func TestInvariance(t *testing.T) {
	set, err := dataset.Open(context.Background(), "digits", dataset.Train)
	if err != nil {
		t.Fatal(err)
	}
	for _, net := range []struct{ rule, hidden, lanes string }{
		{"bp", "relu", "out"}, {"bp", "relu", "in"}, {"bp", "tanh", "out"}, {"dfa", "tanh", "out"}, {"dfa", "hard-sigmoid", "in"},
	} {
		t.Run(net.rule+"/"+net.hidden+"/"+net.lanes, func(t *testing.T) {
			src := fmt.Sprintf(source, net.hidden, net.lanes, net.hidden, net.lanes, "softmax", net.rule)
			src = strings.Replace(src, "rounding = \"nearest\"", "rounding = \"stochastic\"", 1)
			var want uint64
			for lanes := 1; lanes <= 64; lanes *= 2 {
				for name, opts := range map[string][]sim.Option{"assembly": nil, "portable": {sim.WithPortable()}, "threads": {sim.WithThreads(3)}} {
					got := learn(t, strings.Replace(src, "lanes = 8", fmt.Sprintf("lanes = %d", lanes), 1), set, opts)
					if want == 0 {
						want = got
					}
					if got != want {
						t.Errorf("%d lanes, %s: digest %016x, expected %016x", lanes, name, got, want)
					}
				}
			}
		})
	}
}

// learn returns the digest after 40 samples.
func learn(t *testing.T, src string, set *dataset.Set, opts []sim.Option) uint64 {
	t.Helper()
	cfg, err := config.Read("net.toml", []byte(src), config.Options{Rules: rules.Specs()})
	if err != nil {
		t.Fatal(err)
	}
	b, err := compiler.Compile(cfg, compiler.Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := sim.New(b.Manifest.Device, opts...)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := b.Image.Load(m); err != nil {
		t.Fatal(err)
	}
	runs := []device.Run{{Entry: device.Init}}
	for i := range 40 {
		runs = append(runs, device.Run{Entry: device.Learn, Label: uint16(set.Label(i)), Sample: device.Sample{Bytes: set.Image(i)}})
		if i%7 == 0 { // leaves no trace
			runs = append(runs, device.Run{Entry: device.Infer, Sample: device.Sample{Bytes: set.Image(900 - i)}})
		}
	}
	var last device.Result
	for _, r := range append(runs, device.Run{Entry: device.Digest}) {
		if err := m.Submit(r); err != nil {
			t.Fatal(err)
		}
		if last, err = m.Result(); err != nil {
			t.Fatal(err)
		}
	}
	return last.Digest
}

// TestSetSizes holds the compiler's knowledge of the data sets to the sets.
func TestSetSizes(t *testing.T) {
	set, err := dataset.Open(context.Background(), "digits", dataset.Train)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Read("net.toml", fmt.Appendf(nil, source, "relu", "out", "relu", "out", "softmax", "bp"), config.Options{Rules: rules.Specs()})
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Data.Samples != set.Len() || cfg.Input.Elements() != set.Shape.Size() {
		t.Errorf("the compiler takes digits for %d samples of %d elements, the set has %d of %d", cfg.Data.Samples, cfg.Input.Elements(), set.Len(), set.Shape.Size())
	}
}
