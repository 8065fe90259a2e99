package float

import (
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Rule gives each layer the error that it learns from. A rule that needs matrices beside the network's owns them.
type Rule interface {
	fmt.Stringer
	// Check says whether the rule's own matrices fit the network.
	Check(n *Net) error
	// Errors returns what each layer learns for the target y, all from the weights as they are: the network's layers in
	// order, then those of the rule.
	Errors(n *Net, s State, y []float64) []Error
}

// Error is the error δ of a layer's sums with the input x that the layer had: it learns W -= rate·δ xᵀ, b -= rate·δ.
type Error struct {
	Layer Layer
	D, X  []float64
}

// descend returns δ_1..δ_L (index l-1): δ_L = e = ∂J/∂a_L, δ_l = back(l-1) ⊙ f'(a_l), from the last hidden layer down. back(i) may
// read d[i+1] and those after it.
func (n *Net) descend(s State, y []float64, back func(i int, d [][]float64) []float64) [][]float64 {
	last := len(n.Layers) - 1
	d := make([][]float64, last+1)
	d[last] = n.Output.Error(s.P, y)
	for i := last - 1; i >= 0; i-- {
		d[i] = back(i, d)
		for j, a := range s.A[i] {
			d[i][j] *= n.Layers[i].Act.Slope(a)
		}
	}
	return d
}

// errors pairs the errors of the network's layers with their inputs.
func (n *Net) errors(s State, d [][]float64) []Error {
	e := make([]Error, len(d))
	for i := range d {
		e[i] = Error{n.Layers[i], d[i], s.H[i]}
	}
	return e
}

// Gradient is what a layer's weights and biases are moved against: δ_l h_(l-1)ᵀ and δ_l. For Backprop it is the gradient of
// the loss.
type Gradient struct {
	W *mat.Dense // out × in
	B []float64
}

// Gradients returns the gradient of each layer that learns for the input x and the target y.
func (n *Net) Gradients(rule Rule, x, y []float64) []Gradient {
	errors := rule.Errors(n, n.Forward(x), y)
	grads := make([]Gradient, len(errors))
	for i, e := range errors {
		var w mat.Dense
		w.Outer(1, mat.NewVecDense(len(e.D), e.D), mat.NewVecDense(len(e.X), e.X))
		grads[i] = Gradient{&w, e.D}
	}
	return grads
}

// Angle returns the angle between the two weight gradients in degrees: 0 the same direction, 90 unrelated. It is NaN if one
// of them is zero.
func Angle(a, b Gradient) float64 {
	x, y := a.W.RawMatrix().Data, b.W.RawMatrix().Data
	c := floats.Dot(x, y) / floats.Norm(x, 2) / floats.Norm(y, 2)
	return math.Acos(min(max(c, -1), 1)) * 180 / math.Pi
}

// A stepper changes weights between the parts of one sample's computation, and so learns by itself.
type stepper interface {
	step(n *Net, s State, y, rates []float64)
}

// Step learns one sample: W -= rates[i]·δ xᵀ, b -= rates[i]·δ for each error i of the rule, on the network's grid. It returns
// the state before the update.
func (n *Net) Step(rule Rule, x, y []float64, rates []float64) State {
	s := n.Forward(x)
	if r, ok := rule.(stepper); ok {
		r.step(n, s, y, rates)
	} else {
		n.learn(rule.Errors(n, s, y), rates)
	}
	return s
}

// learn takes one weight step.
func (n *Net) learn(errors []Error, rates []float64) {
	for i, e := range errors {
		l, d := e.Layer, e.D
		out, in := l.Dims()
		for r := range out {
			step := -rates[i] * d[r]
			row := l.W.RawRowView(r)
			for c := range in {
				row[c] = n.Grid.change(row[c], step*e.X[c])
			}
			l.B[r] = n.Grid.change(l.B[r], step)
		}
	}
}

// Samples is a set of labelled inputs of unsigned bytes.
type Samples interface {
	Len() int
	Image(i int) []byte
	Label(i int) int
}

// Input returns an image as numbers: byte · scale.
func Input(image []byte, scale float64) []float64 {
	x := make([]float64, len(image))
	for i, b := range image {
		x[i] = float64(b) * scale
	}
	return x
}

// Epoch learns the samples of order one after the other and returns the share that was classified correctly before it was
// learned.
func (n *Net) Epoch(rule Rule, set Samples, order []int, scale float64, rates []float64) (accuracy float64) {
	right, classes := 0, len(n.Layers[len(n.Layers)-1].B)
	for _, i := range order {
		s := n.Step(rule, Input(set.Image(i), scale), OneHot(set.Label(i), classes), rates)
		if floats.MaxIdx(s.P) == set.Label(i) {
			right++
		}
	}
	return float64(right) / float64(max(len(order), 1))
}

// Accuracy returns the share of the samples that is classified correctly.
func (n *Net) Accuracy(set Samples, scale float64) float64 {
	right := 0
	for i := range set.Len() {
		if n.Predict(Input(set.Image(i), scale)) == set.Label(i) {
			right++
		}
	}
	return float64(right) / float64(max(set.Len(), 1))
}

// Grid holds weights on multiples of 2^-Frac within Bits signed bits: each change is rounded to the grid, once, and the sum
// saturates. Rand nil rounds to nearest, ties up; otherwise up with a probability equal to the discarded fraction.
// The zero Grid does nothing.
type Grid struct {
	Bits, Frac int
	Rand       *rand.Rand
}

func (g Grid) free() bool { return g.Bits == 0 }

// change is w + delta, on the grid if there is one.
func (g Grid) change(w, delta float64) float64 {
	if g.free() {
		return w + delta
	}
	return g.add(w, delta)
}

func (g Grid) add(w, delta float64) float64 {
	u := 0.5
	if g.Rand != nil {
		u = g.Rand.Float64()
	}
	delta = math.Floor(math.Ldexp(delta, g.Frac) + u)
	if delta == 0 {
		return w
	}
	top := math.Ldexp(1, g.Bits-1)
	return math.Ldexp(min(max(math.Ldexp(w, g.Frac)+delta, -top), top-1), -g.Frac)
}
