package main

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/image"
	"github.com/nmc-fpga/nmc/sim"
)

type sample struct {
	label  uint16
	pixels []byte
}

// samples are ten classes of 784 pixels of which 19% are not zero, as in MNIST: each class has 300 pixels of its own
// and a sample lights half of them.
func samples(n int) []sample {
	r := rand.New(rand.NewPCG(1, 2))
	var classes [10][]int
	for i := range classes {
		classes[i] = r.Perm(784)[:300]
	}
	all := make([]sample, n)
	for i := range all {
		s := sample{label: uint16(r.IntN(10)), pixels: make([]byte, 784)}
		for _, p := range classes[s.label] {
			if r.IntN(2) == 0 {
				s.pixels[p] = byte(1 + r.IntN(255))
			}
		}
		all[i] = s
	}
	return all
}

// compile returns the image of an example.
func compile(tb testing.TB, example string) *image.Image {
	tb.Helper()
	net, err := compiler.Read(filepath.Join("..", "..", "examples", example, "net.toml"))
	if err != nil {
		tb.Fatal(err)
	}
	b, err := compiler.Compile(net, compiler.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	return b.Image
}

// start returns a machine that has drawn its initial weights.
func start(tb testing.TB, img *image.Image, opts ...sim.Option) *sim.Machine {
	tb.Helper()
	m, err := sim.New(img.Config, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { m.Close() })
	for _, s := range img.Sections {
		if err := m.Write(s.Space, s.Addr, s.Data); err != nil {
			tb.Fatal(err)
		}
	}
	run(tb, m, device.Run{Entry: device.Init})
	return m
}

func run(tb testing.TB, m *sim.Machine, r device.Run) device.Result {
	if err := m.Submit(r); err != nil {
		tb.Fatal(err)
	}
	res, err := m.Result()
	if err != nil {
		tb.Fatal(err)
	}
	return res
}

func learn(tb testing.TB, m *sim.Machine, s sample) device.Result {
	return run(tb, m, device.Run{Entry: device.Learn, Label: s.label, Sample: device.Sample{Bytes: s.pixels}})
}

// batch is how many samples one operation of BenchmarkLearn learns, one after another.
const batch = 20

// BenchmarkLearn reports how many samples are learned a second, over all batches and in the best of them, which other
// work on the machine disturbs least.
func BenchmarkLearn(b *testing.B) {
	img := compile(b, "mnist-bp-1024")
	data := samples(1000)
	for _, c := range []struct {
		name string
		opts []sim.Option
	}{
		{"threads=1", nil},
		{"threads=2", []sim.Option{sim.WithThreads(2)}},
		{"portable", []sim.Option{sim.WithPortable()}},
	} {
		b.Run(c.name, func(b *testing.B) {
			m := start(b, img, c.opts...)
			for _, s := range data[:200] {
				learn(b, m, s)
			}
			i, best := 0, time.Duration(math.MaxInt64)
			for b.Loop() {
				began := time.Now()
				for range batch {
					learn(b, m, data[i%len(data)])
					i++
				}
				best = min(best, time.Since(began))
			}
			b.ReportMetric(batch*float64(b.N)/b.Elapsed().Seconds(), "samples/s")
			b.ReportMetric(batch/best.Seconds(), "best-samples/s")
		})
	}
}
