package weights

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// tensor returns one whose elements tell where they come from.
func tensor(name string, mark float64, shape ...int) Tensor {
	n, err := elements(shape)
	if err != nil {
		panic(err)
	}
	t := Tensor{name, shape, make([]float64, n)}
	for i := range t.Data {
		t.Data[i] = mark + float64(i)/64
	}
	return t
}

// dense returns the tensors of layers with these names, of 4 inputs, then sizes[i] outputs each; layer i is marked i+1 and
// its bias -(i+1).
func dense(sizes []int, names ...string) (tensors []Tensor) {
	in := 4
	for i, name := range names {
		tensors = append(tensors, tensor(name+".weight", float64(i+1), sizes[i], in), tensor(name+".bias", -float64(i+1), sizes[i]))
		in = sizes[i]
	}
	return tensors
}

func wants(sizes []int, bias bool) (want []Want) {
	in := 4
	for i, n := range sizes {
		want = append(want, Want{fmt.Sprintf("layer%d", i), in, n, bias})
		in = n
	}
	return want
}

func TestMatch(t *testing.T) {
	three, same := []int{5, 3, 2}, []int{4, 4, 4}
	var eleven []int
	var elevenNames []string
	for i := range 11 {
		eleven, elevenNames = append(eleven, 4), append(elevenNames, fmt.Sprintf("net.%d", 2*i))
	}
	for _, c := range []struct {
		name  string
		sizes []int
		names []string
	}{
		{"sequential", same, []string{"0", "2", "4"}},
		{"numbered", same, []string{"fc1", "fc2", "fc3"}},
		{"nested", same, []string{"layers.0", "layers.2", "layers.4"}},
		{"two digits", eleven, elevenNames},
		{"ours", same, []string{"layer0", "layer1", "layer2"}},
		{"by shape", three, []string{"input", "middle", "classifier"}},
		{"by shape, mixed", three, []string{"fc9", "fc1", "out"}},
	} {
		tensors := dense(c.sizes, c.names...)
		// The order in the file does not matter: safetensors sorts its tensors in its own way.
		for range 2 {
			layers, err := Match(tensors, wants(c.sizes, true))
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
				continue
			}
			for i, l := range layers {
				if err := l.check(); err != nil {
					t.Errorf("%s: %v", c.name, err)
				}
				if l.Name != fmt.Sprintf("layer%d", i) || l.Weight[0] != float64(i+1) || l.Bias[0] != -float64(i+1) {
					t.Errorf("%s: layer %d is %s with %g, %g", c.name, i, l.Name, l.Weight[0], l.Bias[0])
				}
			}
			slices.Reverse(tensors)
		}
	}
	// Names of the network win over numbers.
	want := []Want{{"b9", 4, 4, false}, {"a1", 4, 4, false}}
	layers, err := Match([]Tensor{tensor("a1.weight", 1, 4, 4), tensor("b9.weight", 2, 4, 4)}, want)
	if err != nil || layers[0].Weight[0] != 2 || layers[1].Weight[0] != 1 || layers[0].Bias != nil {
		t.Errorf("by name: %+v, %v", layers, err)
	}
}

func TestMatchErrors(t *testing.T) {
	sizes := []int{5, 3}
	good := dense(sizes, "0", "2")
	for _, c := range []struct {
		name    string
		tensors []Tensor
		want    []Want
		message string
	}{
		{"count", dense([]int{5, 3, 2}, "0", "2", "4"), wants(sizes, true), "3 layers in the file, 2 layers in the network"},
		{"none", nil, wants(sizes[:1], true), "0 layers in the file, 1 layer in the network"},
		{"shape", dense([]int{5, 2}, "0", "2"), wants(sizes, true),
			"layer 2: found 2.weight [2 5], 2.bias [2]; expected layer1.weight [3 5] and a bias [3]"},
		{"transposed", []Tensor{tensor("0.weight", 1, 4, 5), tensor("0.bias", 1, 5)}, wants(sizes[:1], true),
			"layer 1: found 0.weight [4 5], 0.bias [5]; expected layer0.weight [5 4] and a bias [5]"},
		{"no bias", []Tensor{good[0], good[2], good[3]}, wants(sizes, true),
			"layer 1: found 0.weight [5 4]; expected layer0.weight [5 4] and a bias [5]"},
		{"bias", good, wants(sizes, false), "layer 1: found 0.weight [5 4], 0.bias [5]; expected layer0.weight [5 4] and no bias"},
		{"convolution", append(slices.Clone(good[:2]), tensor("2.weight", 1, 3, 5, 3, 3), good[3]), wants(sizes, true),
			"layer 2: found 2.weight [3 5 3 3]"},
		{"stray", append(slices.Clone(good), tensor("1.running_mean", 1, 5)), wants(sizes, true),
			`tensor "1.running_mean" belongs to no layer; layers are dense, NAME.weight and NAME.bias`},
		{"stray bias", append(slices.Clone(good), tensor("9.bias", 1, 5)), wants(sizes, true), `tensor "9.bias" belongs to no layer`},
		{"twice", append(slices.Clone(good), good[0]), wants(sizes, true), `tensor "0.weight" is there twice`},
		{"ambiguous", dense([]int{4, 4}, "hidden", "output"), wants([]int{4, 4}, true),
			"layer 1: hidden and output each fit layer0; rename the tensors to layer0.weight, …, or number them in order"},
		{"nothing fits", dense([]int{5, 2}, "hidden", "output"), wants(sizes, true), "layer 2: nothing found that fits layer1"},
	} {
		_, err := Match(c.tensors, c.want)
		if err == nil || !strings.HasPrefix(err.Error(), "weights do not fit the network: "+c.message) {
			t.Errorf("%s: error %v, expected %q", c.name, err, c.message)
			continue
		}
		for _, x := range c.tensors {
			if !strings.Contains(err.Error(), fmt.Sprintf("\n  %s %v", x.Name, x.Shape)) {
				t.Errorf("%s: %s is not listed in %v", c.name, x.Name, err)
			}
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), fmt.Sprintf("\n  %s.weight %v", w.Name, []int{w.Out, w.In})) {
				t.Errorf("%s: %s is not listed in %v", c.name, w.Name, err)
			}
		}
	}
}

func TestReadFileErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if _, err := ReadFile(path); err == nil {
		t.Error("a file that is not there was read")
	}
	if err := os.WriteFile(path, []byte("abc"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); err == nil || !strings.HasPrefix(err.Error(), path+": safetensors: ") {
		t.Errorf("error %v", err)
	}
}

func TestQuantize(t *testing.T) {
	l := Layer{Name: "x", In: 3, Out: 2, Weight: []float64{.5, -.5, .03125, -.03125, 9, -9}, Bias: []float64{7.9375, 7.98}}
	q, r, err := Quantize(l, Format{8, 4}) // steps of 1/16 from -8 to 7.9375
	if err != nil {
		t.Fatal(err)
	}
	want := Quantized{"x", 3, 2, Format{8, 4}, []int16{8, -8, 1, 0, 127, -128}, []int16{127, 127}}
	if !cmp.Equal(q, want) {
		t.Error(cmp.Diff(want, q))
	}
	// 9 and -9 lie beyond; 7.98 rounds to 128 and does too. With 1 to 3 bits of fraction all errors are the same.
	if r.MaxError != 1.0625 || r.Saturated != 3 || r.Count != 8 || r.BestFrac != 1 {
		t.Errorf("report %+v", r)
	}
	sum := 2*.03125*.03125 + 1.0625*1.0625 + 1 + (7.98-7.9375)*(7.98-7.9375)
	if math.Abs(r.RMSError-math.Sqrt(sum/8)) > 1e-15 {
		t.Errorf("rms error %g, expected %g", r.RMSError, math.Sqrt(sum/8))
	}
	if got := (Format{8, 4}).String(); got != "8 bits, 4 of fraction [-8, 7.9375]" {
		t.Errorf("format reads %q", got)
	}
}

func TestQuantizeErrors(t *testing.T) {
	l := Layer{Name: "x", In: 1, Out: 1, Weight: []float64{1}}
	for _, c := range []struct {
		l    Layer
		f    Format
		want string
	}{
		{l, Format{17, 4}, `layer "x": format of 17 bits with 4 of fraction, expected 2 to 16 and 0 to 30`},
		{l, Format{1, 0}, "format of 1 bits"},
		{l, Format{8, -1}, "8 bits with -1 of fraction"},
		{l, Format{8, 31}, "8 bits with 31 of fraction"},
		{Layer{Name: "x", In: 2, Out: 1, Weight: []float64{1}}, Format{8, 4}, "1 weights and 0 biases, expected 2 and 1"},
		{Layer{Name: "x", In: 1, Out: 1, Weight: []float64{math.NaN()}}, Format{8, 4}, `tensor "x.weight": element 0 is NaN`},
		{Layer{Name: "x", In: 1, Out: 1, Weight: []float64{1}, Bias: []float64{math.Inf(-1)}}, Format{8, 4}, `tensor "x.bias": element 0 is -Inf`},
	} {
		if _, _, err := Quantize(c.l, c.f); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, expected %q", err, c.want)
		}
	}
}

// Each value goes to the nearest of all values of the format, and the report adds up.
func TestQuantizeIsNearest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := Format{rapid.IntRange(2, 8).Draw(t, "bits"), rapid.IntRange(0, 30).Draw(t, "frac")}
		values := rapid.SliceOfN(rapid.Float64Range(-2, 2), 1, 8).Draw(t, "values")
		for i := range values { // within reach of the format, mostly
			values[i] = math.Ldexp(values[i], f.Bits-1-f.Frac)
		}
		q, r, err := Quantize(Layer{Name: "x", In: len(values), Out: 1, Weight: values}, f)
		if err != nil {
			t.Fatal(err)
		}
		worst, sum := 0.0, 0.0
		for i, v := range values {
			least := math.Inf(1)
			for x := -1 << (f.Bits - 1); x < 1<<(f.Bits-1); x++ {
				least = min(least, math.Abs(math.Ldexp(float64(x), -f.Frac)-v))
			}
			if e := math.Abs(q.Layer().Weight[i] - v); e != least {
				t.Fatalf("%g became %g, off by %g; the nearest is off by %g", v, q.Layer().Weight[i], e, least)
			}
			worst, sum = max(worst, least), sum+least*least
		}
		if r.MaxError != worst || math.Abs(r.RMSError-math.Sqrt(sum/float64(len(values)))) > 1e-12*r.RMSError {
			t.Fatalf("report %+v, worst %g", r, worst)
		}
		best, _, err := Quantize(Layer{Name: "x", In: len(values), Out: 1, Weight: values}, Format{f.Bits, r.BestFrac})
		if err != nil {
			t.Fatal(err)
		}
		bestSum := 0.0
		for i, v := range best.Layer().Weight {
			bestSum += (v - values[i]) * (v - values[i])
		}
		if bestSum > sum {
			t.Fatalf("%d bits of fraction are said to be best: squared error %g, with %d it is %g", r.BestFrac, bestSum, f.Frac, sum)
		}
		// A quantized layer is quantized to itself.
		if again, r, err := Quantize(q.Layer(), f); err != nil || !cmp.Equal(again, q) || r.MaxError != 0 || r.Saturated != 0 {
			t.Fatalf("again: %+v, %+v, %v", again, r, err)
		}
	})
}
