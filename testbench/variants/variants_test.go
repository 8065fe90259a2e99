package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	firmware "github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/dataset"
	"github.com/nmc-fpga/nmc/host/encode"
	"github.com/nmc-fpga/nmc/sim"

	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/rules"
)

// TestVariants learns a few of the built-in digits with every variant, one after the other on one device.
func TestVariants(t *testing.T) {
	samples := 12
	if testing.Short() {
		samples = 2
	}
	var out bytes.Buffer
	if err := run(t.Context(), &out, "digits", samples, 4, places{devices: []firmware.Config{Shared(4)}, units: "all"}, nil); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	if rows := strings.Count(out.String(), "\n") - 2; rows != len(Variants) {
		t.Errorf("%d variants ran, of %d\n%s", rows, len(Variants), out.String())
	}
}

// TestOnBoard learns with every rule on one device with the memories, lanes and ports of the smallest board: all of them have a variant that it holds.
func TestOnBoard(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	on, err := onBoard("icebreaker", places{hidden: []int{48, 24}})
	if err != nil {
		t.Fatal(err)
	}
	on.units = "all"
	var out bytes.Buffer
	if err := run(t.Context(), &out, "digits", 6, 4, on, nil); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	if rows := strings.Count(out.String(), "\n") - 2; rows != len(Variants) {
		t.Errorf("%d rows for %d variants\n%s", rows, len(Variants), out.String())
	}
	ran := map[string]bool{}
	for line := range strings.Lines(out.String()) {
		for _, v := range Variants {
			if (strings.HasPrefix(line, "| "+v.Name+" |") || strings.HasPrefix(line, "| "+v.Name+"-relu |")) && !strings.Contains(line, "does not fit") {
				ran[v.Rule] = true
			}
		}
	}
	for name := range rules.All {
		if !ran[name] {
			t.Errorf("no variant of rule %s ran\n%s", name, out.String())
		}
	}
}

// TestSharedWords learns and answers in the simulator with every variant where its vectors lie apart, and where the vector memory is a word
// too small for that: the results are the same.
func TestSharedWords(t *testing.T) {
	samples := 30
	if testing.Short() {
		samples = 3
	}
	set, err := dataset.Open(t.Context(), "digits", dataset.Train)
	if err != nil {
		t.Fatal(err)
	}
	results := func(b *compiler.Build) (all []firmware.Result) {
		t.Helper()
		encoder, err := encode.New(b.Manifest, set, 1)
		if err != nil {
			t.Fatal(err)
		}
		m, err := sim.New(b.Manifest.Device)
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		if err := b.Image.Load(m); err != nil {
			t.Fatal(err)
		}
		runs := []firmware.Run{{Entry: firmware.Init}}
		for i := range samples {
			for _, entry := range []firmware.Entry{firmware.Learn, firmware.Infer, firmware.Digest} {
				runs = append(runs, firmware.Run{Entry: entry, Label: uint16(set.Label(i)), Sample: encoder.Sample(0, i)})
			}
		}
		for _, r := range runs {
			if r.Entry == firmware.Digest {
				r.Sample = firmware.Sample{}
			}
			if err := m.Submit(r); err != nil {
				t.Fatal(err)
			}
			result, err := m.Result()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, result)
		}
		return all
	}
	for _, v := range Variants {
		on := Shared(4)
		apart, err := v.Compile("digits", on, "all", nil)
		if err != nil {
			t.Fatal(err)
		}
		on.VectorDepth = 0
		for _, x := range apart.Manifest.Vectors {
			if x.Shared {
				t.Errorf("%s: %s shares words of a memory with room for all", v.Name, x.Name)
			}
			on.VectorDepth = max(on.VectorDepth, x.Base+on.Words(x.N)-1)
		}
		shared, err := v.Compile("digits", on, "all", nil)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		if !slices.Equal(results(apart), results(shared)) {
			t.Errorf("%s: other results where temporaries share words", v.Name)
		}
	}
}

func TestEveryRuleHasAVariant(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range Variants {
		seen[v.Rule] = true
	}
	for name := range rules.All {
		if !seen[name] {
			t.Errorf("rule %s has no row in Variants", name)
		}
	}
}

// TestEventsAtTwoLaneCounts: spikes from the host are learned to one digest at two lane counts, whose buffers have segments of other
// lengths.
func TestEventsAtTwoLaneCounts(t *testing.T) {
	samples, devices := 12, []firmware.Config{Shared(4), Shared(16)}
	if testing.Short() { // without another Verilator model
		samples, devices = 2, devices[:1]
	}
	var out bytes.Buffer
	if err := run(t.Context(), &out, "digits", samples, 4, places{devices: devices, units: "all"}, []string{"stdp-events", "triplet-delta"}); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// TestEventsBehindInit submits the first sample while init runs, which clears the buffer that the sample goes to; then learns and answers in turn,
// stops a run in the middle of its time steps, and begins again.
func TestEventsBehindInit(t *testing.T) {
	at := slices.IndexFunc(Variants, func(v Variant) bool { return v.Name == "stdp-events" })
	b, err := Variants[at].Compile("digits", Shared(4), "all", nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := dataset.Open(t.Context(), "digits", dataset.Train)
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := encode.New(b.Manifest, set, 1)
	if err != nil {
		t.Fatal(err)
	}
	dev, err := dial(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	defer dev.Close()
	machine, err := sim.New(b.Manifest.Device)
	if err != nil {
		t.Fatal(err)
	}
	runs := []firmware.Run{{Entry: firmware.Init}}
	for i := range 6 {
		entry := []firmware.Entry{firmware.Learn, firmware.Learn, firmware.Infer}[i%3]
		runs = append(runs, firmware.Run{Entry: entry, Label: uint16(set.Label(i)), Sample: encoder.Sample(0, i)})
	}
	// Half a sample stays in its buffer, the next but one finds it there, on both devices. Init mends it.
	runs = append(runs, firmware.Run{Entry: firmware.Learn, Limit: 60, Sample: encoder.Sample(0, 9)}, firmware.Run{Entry: firmware.Digest},
		firmware.Run{Entry: firmware.Learn, Sample: encoder.Sample(0, 10)})
	runs = append(runs, runs...)
	runs = append(runs, firmware.Run{Entry: firmware.Digest})

	results := func(d interface {
		firmware.Memory
		firmware.Runner
	}) (all []firmware.Result) {
		t.Helper()
		if err := b.Image.Load(d); err != nil {
			t.Fatal(err)
		}
		for next := 0; len(all) < len(runs); {
			for ; next < len(runs) && next-len(all) < firmware.Window; next++ {
				if err := d.Submit(runs[next]); err != nil {
					t.Fatal(err)
				}
			}
			r, err := d.Result()
			if err != nil {
				t.Fatal(err)
			}
			r.Cycles = 0 // the simulator does not count
			all = append(all, r)
		}
		return all
	}
	want := results(machine)
	for i, r := range results(dev) {
		if r != want[i] {
			t.Errorf("run %d: device %+v, simulator %+v", i, r, want[i])
		}
	}
	// What no input says costs no product: each spike walks the words of its row, silence none.
	cycles := func(x firmware.Sample) int {
		t.Helper()
		if err := dev.Submit(firmware.Run{Entry: firmware.Infer, Sample: x}); err != nil {
			t.Fatal(err)
		}
		r, err := dev.Result()
		if err != nil {
			t.Fatal(err)
		}
		return int(r.Cycles)
	}
	x := encoder.Sample(0, 3)
	none, some := cycles(firmware.Sample{}), cycles(x)
	row := b.Manifest.Layers[1] / b.Manifest.Device.Lanes
	per := float64(some-none) / float64(len(x.Events))
	t.Logf("%d cycles without a spike, %d with %d of them: %.1f a spike, a row has %d words", none, some, len(x.Events), per, row)
	if per < 0.2*float64(row) || per > 1.5*float64(row) {
		t.Error("cycles do not go with the spikes")
	}
	if half := len(want) / 2; want[half-2].Digest == want[len(want)-1].Digest || !want[7].Stopped || want[7].Result != want[half+7].Result {
		t.Errorf("the runs are not those that they should be: %+v", want)
	}
}

func TestUnknownVariant(t *testing.T) {
	if err := run(t.Context(), &bytes.Buffer{}, "digits", 1, 1, places{devices: []firmware.Config{Shared(4)}}, []string{"bq"}); err == nil || !strings.Contains(err.Error(), `no variant "bq"`) {
		t.Errorf("got %v", err)
	}
}

// TestVariantsFit compiles every variant for MNIST, whose networks are larger than those of TestVariants.
func TestVariantsFit(t *testing.T) {
	for _, v := range Variants {
		for _, lanes := range []int{1, 64} {
			if _, err := v.Compile("mnist", Shared(lanes), "all", nil); err != nil {
				t.Errorf("%s, %d lanes: %v", v.Name, lanes, err)
			}
		}
	}
}
