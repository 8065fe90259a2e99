package float

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/nmc-fpga/nmc/host/dataset"
)

// forwardForward returns a network with normal weights; the last of the sizes is the number of classes.
func forwardForward(rng *rand.Rand, groups bool, sizes ...int) *ForwardForward {
	all := random(rng, ReLU, SoftmaxCE, 1, 1, sizes...).Layers
	last := len(all) - 1
	n := &ForwardForward{Layers: all[:last], Scale: 1.5, Threshold: 0.7, Sharpness: 2, Readout: &all[last]}
	if groups {
		n.Groups = sizes[last+1]
	} else {
		n.Label = mat.NewDense(sizes[1], sizes[last+1], normal(rng, sizes[1]*sizes[last+1], 0.5))
	}
	return n
}

// What each layer learns is the gradient of its own goodness loss by its own weights, by finite differences: with what comes from
// the layer below as a given, and with the chosen wrong label.
func TestForwardForwardIsTheGradientOfItsGoodness(t *testing.T) {
	const h = 1e-5
	for _, groups := range []bool{false, true} {
		checked := 0
		for seed := range uint64(30) {
			rng := rand.New(rand.NewPCG(seed, 31))
			n := forwardForward(rng, groups, 4, 6, 9, 3)
			if err := n.Check(); err != nil {
				t.Fatal(err)
			}
			x, right := normal(rng, 4, 1), rng.IntN(3)
			wrong := 0
			labels := [][]float64{nil}
			if !groups {
				wrong = n.Wrong(x, right)
				if wrong == right {
					t.Fatal("the wrong label is the right one")
				}
				labels = [][]float64{OneHot(right, 3), OneHot(wrong, 3)}
			}
			if nearCorner(n, x, labels) {
				continue
			}
			checked++
			grads := map[*mat.Dense]*mat.Dense{}
			biases := map[*mat.Dense][]float64{}
			for _, e := range n.Errors(x, right) {
				m := e.Layer.W
				if grads[m] == nil {
					out, in := m.Dims()
					grads[m], biases[m] = mat.NewDense(out, in, nil), make([]float64, out)
				}
				grads[m].RankOne(grads[m], 1, mat.NewVecDense(len(e.D), e.D), mat.NewVecDense(len(e.X), e.X))
				floats.Add(biases[m], e.D)
			}
			check := func(loss func() float64, at *float64, got float64, what string) {
				w := *at
				*at = w + h
				up := loss()
				*at = w - h
				down := loss()
				*at = w
				if want := (up - down) / (2 * h); math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
					t.Fatalf("groups %v, seed %d, %s: gradient %g, difference quotient %g", groups, seed, what, got, want)
				}
			}
			for i, l := range n.Layers {
				loss := func() float64 { return n.Loss(x, right, wrong, i) }
				out, in := l.Dims()
				for r := range out {
					check(loss, &l.B[r], biases[l.W][r], "bias")
					for c := range in {
						check(loss, &l.W.RawRowView(r)[c], grads[l.W].At(r, c), "weight")
					}
					if i == 0 && !groups {
						for c := range 3 {
							check(loss, &n.Label.RawRowView(r)[c], grads[n.Label].At(r, c), "label weight")
						}
					}
				}
			}
			features := n.features(x)
			loss := func() float64 { return SoftmaxCE.Loss(n.Readout.sums(features), OneHot(right, 3)) }
			for r := range 3 {
				check(loss, &n.Readout.B[r], biases[n.Readout.W][r], "bias of the readout")
				for c := range 9 {
					check(loss, &n.Readout.W.RawRowView(r)[c], grads[n.Readout.W].At(r, c), "weight of the readout")
				}
			}
		}
		if checked < 10 {
			t.Errorf("groups %v: only %d networks away from corners", groups, checked)
		}
	}
}

// nearCorner says whether a sum lies so near the corner of its ReLU that a finite difference would step over it.
func nearCorner(n *ForwardForward, x []float64, labels [][]float64) bool {
	for _, label := range labels {
		p := n.Run(x, label, len(n.Layers))
		for i, l := range n.Layers {
			u := l.sums(p.X[i])
			if i == 0 && label != nil {
				floats.AddScaled(u, n.Scale, mulVec(n.Label, label))
			}
			for _, u := range u {
				if math.Abs(u) < 1e-3 {
					return true
				}
			}
		}
	}
	return false
}

// The length of an output, which is its goodness, does not reach the next layer.
func TestForwardForwardPassesDirectionOnly(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 32))
	n := forwardForward(rng, false, 4, 6, 5, 3)
	x, y := normal(rng, 4, 1), OneHot(1, 3)
	before := n.Run(x, y, 2)
	n.Layers[0].W.Scale(3, n.Layers[0].W)
	floats.Scale(3, n.Layers[0].B)
	n.Scale *= 3
	after := n.Run(x, y, 2)
	if math.Abs(after.Goodness[0]-9*before.Goodness[0]) > 1e-9 || math.Abs(after.Goodness[1]-before.Goodness[1]) > 1e-9 {
		t.Errorf("goodness %v, three times the weights %v", before.Goodness, after.Goodness)
	}
	if n.Run(x, y, 2).X[1][0] != 0 && math.Abs(floats.Norm(after.X[1], 2)-math.Sqrt(6)) > 1e-9 {
		t.Errorf("an input has the length %g", floats.Norm(after.X[1], 2))
	}
}

func TestForwardForwardCheck(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 32))
	var n *ForwardForward
	for want, change := range map[string]func(){
		"": func() {},
		"label matrix is 5 × 3, expected 4 × classes": func() { n.Label = mat.NewDense(5, 3, nil) },
		"layer 2: 7 inputs, layer 1 has 4 outputs":    func() { n.Layers[1].W = mat.NewDense(2, 7, nil) },
		"network without hidden layers":               func() { n.Layers = nil },
		"no label matrix":                             func() { n.Label = nil },
	} {
		n = forwardForward(rng, false, 3, 4, 5, 2)
		change()
		if err := n.Check(); (err == nil) != (want == "") || err != nil && err.Error() != want {
			t.Errorf("error %v, expected %q", err, want)
		}
	}
}

// On real digits goodness comes to tell the labels apart, with labels and with groups, and the readout works as well.
func TestForwardForwardLearnsDigits(t *testing.T) {
	train, err := dataset.Open(t.Context(), "digits", dataset.Train)
	if err != nil {
		t.Fatal(err)
	}
	test, err := dataset.Open(t.Context(), "digits", dataset.Test)
	if err != nil {
		t.Fatal(err)
	}
	for _, groups := range []bool{false, true} {
		rng := rand.New(rand.NewPCG(3, 32))
		n := forwardForward(rng, groups, 196, 50, 30, 10)
		n.Scale, n.Threshold, n.Sharpness = 2, 2, 4
		if groups {
			n.Threshold = 0
		}
		for epoch := range 5 {
			for _, i := range dataset.Order(1, epoch, train.Len()) {
				n.Step(Input(train.Image(i), scale), train.Label(i), []float64{.02, .01, .02})
			}
		}
		right := map[bool]int{}
		for _, readout := range []bool{true, false} {
			if !readout {
				n.Readout = nil
			}
			for i := range test.Len() {
				if n.Predict(Input(test.Image(i), scale)) == test.Label(i) {
					right[readout]++
				}
			}
		}
		t.Logf("groups %v: %d of %d by goodness, %d by the readout", groups, right[false], test.Len(), right[true])
		if least := test.Len() * 3 / 4; right[false] < least || right[true] < least {
			t.Errorf("groups %v: %d by goodness, %d by the readout, expected %d", groups, right[false], right[true], least)
		}
	}
}
