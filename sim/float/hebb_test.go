package float

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/nmc-fpga/nmc/host/dataset"
)

// hebbian returns a network with weights from [0, 1) / sqrt(inputs), and thresholds of 0.
func hebbian(rng *rand.Rand, sizes ...int) *Hebbian {
	n := &Hebbian{Contrast: 5}
	for i := range len(sizes) - 1 {
		in, units := sizes[i], sizes[i+1]
		w := mat.NewDense(units, in, nil)
		w.Apply(func(_, _ int, _ float64) float64 { return rng.Float64() / math.Sqrt(float64(in)) }, w)
		n.Layers = append(n.Layers, Layer{W: w, B: make([]float64, units)})
		if i < len(sizes)-2 {
			n.Thresholds = append(n.Thresholds, make([]float64, units))
		}
	}
	return n
}

func positive(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.Float64()
	}
	return v
}

// With decay and the rate 1/t the weights of a unit are the mean of the t inputs that it has won; at a constant rate η they
// are the mean weighted by (1 - η)^age, so that the mean of what a unit wins is where it stays. Without decay they are the sum.
func TestHebbianWeightsAreTheMeanOfWhatWasWon(t *testing.T) {
	const rate, samples = 0.1, 300
	for _, plain := range []bool{false, true} {
		rng := rand.New(rand.NewPCG(1, 21))
		n := hebbian(rng, 8, 5, 3)
		n.Plain = plain
		want := mat.DenseCopyOf(n.Layers[0].W)
		wins := make([]int, 5)
		for range samples {
			x := positive(rng, 8)
			norm := 0.0
			for _, v := range x {
				norm += v * v
			}
			best, row := math.Inf(-1), 0
			for k := range 5 {
				u := 0.0
				for i := range x {
					u += n.Layers[0].W.At(k, i) * x[i] / math.Sqrt(norm)
				}
				if u -= n.Thresholds[0][k]; u > best {
					best, row = u, k
				}
			}
			wins[row]++
			for i := range x {
				w := want.At(row, i)
				if plain {
					want.Set(row, i, w+rate*x[i]/math.Sqrt(norm))
				} else {
					want.Set(row, i, (1-rate)*w+rate*x[i]/math.Sqrt(norm))
				}
			}
			n.Step(x, OneHot(0, 3), []float64{rate, 0}, 0.15)
		}
		if !mat.EqualApprox(want, n.Layers[0].W, 1e-9) {
			t.Errorf("plain %v: the weights are not the closed form", plain)
		}
		if slices.Min(wins) == 0 {
			t.Errorf("plain %v: wins %v, a unit was never compared", plain, wins)
		}
	}

	rng := rand.New(rand.NewPCG(2, 21))
	n, mean := hebbian(rng, 6, 1, 2), make([]float64, 6)
	for k := 1; k <= 200; k++ {
		x := positive(rng, 6)
		floats.Add(mean, unit(x))
		n.Step(x, OneHot(0, 2), []float64{1 / float64(k), 0}, 0)
	}
	floats.Scale(1./200, mean)
	if !floats.EqualApprox(mean, n.Layers[0].W.RawRowView(0), 1e-12) {
		t.Errorf("weights %v, the mean of the inputs is %v", n.Layers[0].W.RawRowView(0), mean)
	}
}

// The expected change is zero where every unit is the mean of the inputs, weighted by its share of them: what soft competition
// settles at, too.
func TestHebbianFixedPoint(t *testing.T) {
	for _, who := range []Competition{Winner, Soft, Threshold} {
		rng := rand.New(rand.NewPCG(3, 21))
		n := hebbian(rng, 6, 4, 2)
		n.Compete, n.Sharpness = who, 8
		var inputs [][]float64
		for range 40 {
			inputs = append(inputs, positive(rng, 6))
		}
		total := func() (change, shares *mat.Dense) { // Σ ΔW, and Σ y along each row
			change, shares = mat.NewDense(4, 6, nil), mat.NewDense(4, 1, nil)
			for _, x := range inputs {
				l := n.Changes(x, OneHot(0, 2))[0]
				change.Add(change, l.W)
				for k, y := range l.Y {
					shares.Set(k, 0, shares.At(k, 0)+y)
				}
			}
			return
		}
		for range 300 { // W becomes the weighted mean of the shares that it gives
			change, shares := total()
			change.Apply(func(k, _ int, v float64) float64 { return v / max(shares.At(k, 0), 1e-9) }, change)
			n.Layers[0].W.Add(n.Layers[0].W, change)
		}
		change, shares := total()
		if d := mat.Max(change) - mat.Min(change); d > 1e-6 {
			t.Errorf("%s: the weighted means still change by %g", who, d)
		}
		if who == Soft {
			if s := mat.Sum(shares); math.Abs(s-40) > 1e-9 {
				t.Errorf("%s: %g shares of 40 samples", who, s)
			}
		}
	}
}

// Soft and threshold competition are winner-take-all when they are sharp; a conscience moves the thresholds by what sums to zero.
func TestHebbianCompetition(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 21))
	for range 100 {
		n := hebbian(rng, 6, 9, 2)
		x := positive(rng, 6)
		y := map[Competition][]float64{}
		for _, n.Compete = range []Competition{Winner, Soft, Threshold} {
			n.Sharpness = 1e7
			l := n.Changes(x, OneHot(1, 2))[0]
			y[n.Compete] = l.Y
			if s := floats.Sum(l.Th); math.Abs(s) > 1e-9 {
				t.Errorf("%s: thresholds move by %g together", n.Compete, s)
			}
		}
		if !floats.EqualApprox(y[Winner], y[Soft], 1e-9) || !floats.EqualApprox(y[Winner], y[Threshold], 1e-9) {
			t.Errorf("winner %v, soft %v, threshold %v", y[Winner], y[Soft], y[Threshold])
		}
	}
}

// Sparsity leaves out the changes of a unit that are less than a share of its largest.
func TestHebbianSparsity(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 21))
	n := hebbian(rng, 20, 3, 2)
	n.Plain, n.Compete, n.Sharpness = true, Soft, 5
	x := positive(rng, 20)
	all := n.Changes(x, OneHot(1, 2))[0].W
	n.Sparsity = 0.6
	kept := 0
	for r := range 3 {
		sparse, largest := n.Changes(x, OneHot(1, 2))[0].W.RawRowView(r), floats.Max(all.RawRowView(r))
		for k, v := range all.RawRowView(r) {
			if v < 0.6*largest {
				v = 0
			} else {
				kept++
			}
			if sparse[k] != v {
				t.Errorf("unit %d, weight %d: change %g, expected %g", r, k, sparse[k], v)
			}
		}
	}
	if kept == 0 || kept == 60 {
		t.Errorf("%d of 60 changes were kept", kept)
	}
}

// The readout descends the cross-entropy on the features, which do not learn from it.
func TestHebbianReadoutIsTheGradient(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 21))
	n := hebbian(rng, 7, 6, 5, 3)
	n.Layers[2].W.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() }, n.Layers[2].W)
	x, y := positive(rng, 7), OneHot(2, 3)
	_, _, h, _ := n.Forward(x)
	want := (&Net{Layers: n.Layers[2:]}).Gradients(Backprop, h, y)[0]
	got := n.Changes(x, y)[2]
	got.W.Scale(-1, got.W)
	if !mat.EqualApprox(want.W, got.W, 1e-12) {
		t.Error("the readout does not learn by the gradient")
	}
	if a, b := n.Changes(x, y), n.Changes(x, OneHot(0, 3)); !mat.Equal(a[0].W, b[0].W) || !mat.Equal(a[1].W, b[1].W) {
		t.Error("hidden layers see the label")
	}
}

func TestHebbianCheck(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 21))
	n := hebbian(rng, 4, 3, 2)
	for want, change := range map[string]func(){
		"":                                  func() {},
		"layer 1: 2 thresholds for 3 units": func() { n.Thresholds[0] = n.Thresholds[0][:2] },
		"layer 2: 5 inputs, layer 1 has 3 outputs":              func() { n.Layers[1].W = mat.NewDense(2, 5, nil) },
		"1 layers: a Hebbian layer and a readout are the least": func() { n.Layers = n.Layers[:1] },
	} {
		n = hebbian(rng, 4, 3, 2)
		change()
		if err := n.Check(); (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("error %v, expected %q", err, want)
		}
	}
}

// On real digits the rule finds features that serve the readout better than those it started from.
func TestHebbianLearnsDigits(t *testing.T) {
	train, err := dataset.Open(t.Context(), "digits", dataset.Train)
	if err != nil {
		t.Fatal(err)
	}
	test, err := dataset.Open(t.Context(), "digits", dataset.Test)
	if err != nil {
		t.Fatal(err)
	}
	accuracy := map[float64]float64{}
	for _, rate := range []float64{0, 0.1} {
		rng := rand.New(rand.NewPCG(8, 21))
		n := hebbian(rng, 196, 40, 10)
		n.Contrast = 12
		for epoch := range 4 {
			for _, i := range dataset.Order(1, epoch, train.Len()) {
				n.Step(Input(train.Image(i), scale), OneHot(train.Label(i), 10), []float64{rate, 0.2}, 0.02)
			}
		}
		for i := range test.Len() {
			if n.Predict(Input(test.Image(i), scale)) == test.Label(i) {
				accuracy[rate] += 1 / float64(test.Len())
			}
		}
	}
	t.Logf("%.3f of the test digits, %.3f with plasticity off", accuracy[0.1], accuracy[0])
	if accuracy[0.1] < 0.75 || accuracy[0.1] < accuracy[0]+0.05 {
		t.Errorf("accuracy %.3f, %.3f with plasticity off", accuracy[0.1], accuracy[0])
	}
}
