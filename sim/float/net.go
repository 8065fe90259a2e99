// Package float is the oracle of the learning rules: dense networks in float64, written from the equations and from
// nothing else of this repository, so that an error in the compiler or the simulator cannot hide in both.
//
//	a_l = W_l h_(l-1) + b_l,   h_l = f_l(a_l),   h_0 = x,   p = g(a_L),   l = 1..L
//
// Layer l is Layers[l-1]. Vectors are slices, matrices are [outputs × inputs].
package float

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Activation is f of a hidden layer.
type Activation uint8

const (
	ReLU        Activation = iota // max(a, 0); f' = 1 for a > 0, else 0
	Tanh                          // tanh a; f' = 1 - f²
	Sigmoid                       // 1/(1 + e^-a); f' = f·(1 - f)
	HardSigmoid                   // clip(a/6 + 1/2, 0, 1); f' = 1/6 for 0 < f < 1, else 0
	Linear                        // a; f' = 1
	Clip                          // clip(a, 0, 1); f' = 1 for 0 < f < 1, else 0
)

func (f Activation) String() string {
	return [...]string{"relu", "tanh", "sigmoid", "hard-sigmoid", "linear", "clip"}[f]
}

// Of returns f(a).
func (f Activation) Of(a float64) float64 {
	switch f {
	case ReLU:
		return max(a, 0)
	case Tanh:
		return math.Tanh(a)
	case Sigmoid:
		return 1 / (1 + math.Exp(-a))
	case Linear:
		return a
	case Clip:
		return min(max(a, 0), 1)
	default:
		return min(max(a/6+0.5, 0), 1)
	}
}

// Slope returns f'(a).
func (f Activation) Slope(a float64) float64 {
	h := f.Of(a)
	switch f {
	case ReLU:
		if a > 0 {
			return 1
		}
		return 0
	case Tanh:
		return 1 - h*h
	case Sigmoid:
		return h * (1 - h)
	case Linear:
		return 1
	case Clip:
		if h > 0 && h < 1 {
			return 1
		}
		return 0
	default:
		if h > 0 && h < 1 {
			return 1. / 6
		}
		return 0
	}
}

// Output is g of the last layer together with the loss J of p against the target y (one-hot for classes).
type Output uint8

const (
	SoftmaxCE      Output = iota // p = e^a / Σ e^a,   J = -Σ y log p,                            ∂J/∂a = p - y (Σ y = 1)
	SigmoidCE                    // p = 1/(1 + e^-a),  J = -Σ y log p + (1 - y) log(1 - p),       ∂J/∂a = p - y
	SigmoidSquared               // p = 1/(1 + e^-a),  J = ½ Σ (p - y)²,                          ∂J/∂a = (p - y)·p·(1 - p)
	LinearSquared                // p = a,             J = ½ Σ (p - y)²,                          ∂J/∂a = p - y
)

func (g Output) String() string {
	return [...]string{"softmax, cross-entropy", "sigmoid, cross-entropy", "sigmoid, squared error", "linear, squared error"}[g]
}

// Of returns p = g(a).
func (g Output) Of(a []float64) []float64 {
	p := make([]float64, len(a))
	if g == LinearSquared {
		copy(p, a)
		return p
	}
	if g != SoftmaxCE {
		for i, a := range a {
			p[i] = Sigmoid.Of(a)
		}
		return p
	}
	m := floats.Max(a) // cancels in the quotient and keeps exp finite
	for i, a := range a {
		p[i] = math.Exp(a - m)
	}
	floats.Scale(1/floats.Sum(p), p)
	return p
}

// Loss returns J at the sums a, without the logarithm of a number that has become 0.
func (g Output) Loss(a, y []float64) float64 {
	loss := 0.0
	switch g {
	case SoftmaxCE: // -Σ y (a - log Σ e^a)
		lse := floats.LogSumExp(a)
		for i := range a {
			loss -= y[i] * (a[i] - lse)
		}
	case SigmoidCE: // Σ log(1 + e^a) - y a
		for i := range a {
			loss += max(a[i], 0) + math.Log1p(math.Exp(-math.Abs(a[i]))) - y[i]*a[i]
		}
	default:
		for i, p := range g.Of(a) {
			loss += 0.5 * (p - y[i]) * (p - y[i])
		}
	}
	return loss
}

// Error returns e = ∂J/∂a for the output p and the target y.
func (g Output) Error(p, y []float64) []float64 {
	e := make([]float64, len(p))
	floats.SubTo(e, p, y)
	if g == SigmoidSquared {
		for i, p := range p {
			e[i] *= p * (1 - p)
		}
	}
	return e
}

// Layer is one dense layer. Act has no meaning in the last layer, whose g is the network's Output.
type Layer struct {
	W   *mat.Dense // out × in
	B   []float64  // out
	Act Activation
}

// Dims returns the numbers of outputs and inputs.
func (l Layer) Dims() (out, in int) { return l.W.Dims() }

// sums returns W x + b.
func (l Layer) sums(x []float64) []float64 {
	a := mulVec(l.W, x)
	floats.Add(a, l.B)
	return a
}

// Net is a network; learning changes W and B of its layers in place.
type Net struct {
	Layers   []Layer
	Output   Output
	Feedback []*mat.Dense // for DFA: B_l of hidden layer l is Feedback[l-1], units of l × outputs of the network
	Grid     Grid         // of the weights; the zero Grid leaves them in float64
}

// NewLayer returns a layer with the given weights, row-major [out][in]; it copies them.
func NewLayer(out, in int, w, b []float64, act Activation) (Layer, error) {
	if out < 1 || in < 1 || len(w) != out*in || len(b) != out {
		return Layer{}, fmt.Errorf("layer of %d outputs and %d inputs: %d weights and %d biases, expected %d and %d",
			out, in, len(w), len(b), out*in, out)
	}
	return Layer{mat.NewDense(out, in, append([]float64(nil), w...)), append([]float64(nil), b...), act}, nil
}

// Check says whether the layers fit each other and what the rule adds fits them.
func (n *Net) Check(rule Rule) error {
	if len(n.Layers) == 0 {
		return fmt.Errorf("network without layers")
	}
	for i, l := range n.Layers {
		out, in := l.Dims()
		if len(l.B) != out {
			return fmt.Errorf("layer %d: %d biases for %d outputs", i+1, len(l.B), out)
		}
		if i > 0 {
			if before, _ := n.Layers[i-1].Dims(); in != before {
				return fmt.Errorf("layer %d: %d inputs, layer %d has %d outputs", i+1, in, i, before)
			}
		}
	}
	return rule.Check(n)
}

// State is what one forward pass leaves.
type State struct {
	H [][]float64 // H[0] = x, H[l] = h_l for the hidden layers l = 1..L-1
	A [][]float64 // A[l-1] = a_l, l = 1..L
	P []float64   // the network's output
}

// Forward computes the state for the input x.
func (n *Net) Forward(x []float64) State {
	s := State{H: [][]float64{x}}
	for i, l := range n.Layers {
		a := l.sums(s.H[i])
		s.A = append(s.A, a)
		if i == len(n.Layers)-1 {
			s.P = n.Output.Of(a)
			break
		}
		h := make([]float64, len(a))
		for j, a := range a {
			h[j] = l.Act.Of(a)
		}
		s.H = append(s.H, h)
	}
	return s
}

// Loss returns J for the input x and the target y.
func (n *Net) Loss(x, y []float64) float64 {
	s := n.Forward(x)
	return n.Output.Loss(s.A[len(s.A)-1], y)
}

// Predict returns the class of the largest output, the lowest of equals.
func (n *Net) Predict(x []float64) int { return floats.MaxIdx(n.Forward(x).P) }

// OneHot returns the target of a class.
func OneHot(class, classes int) []float64 {
	y := make([]float64, classes)
	y[class] = 1
	return y
}

// mulVec returns m·v.
func mulVec(m mat.Matrix, v []float64) []float64 {
	var r mat.VecDense
	r.MulVec(m, mat.NewVecDense(len(v), v))
	return r.RawVector().Data
}
