package float

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Hebbian is a stack of layers that learn without a target, by Hebb's rule with competition, under a readout that learns the
// answer by the delta rule. For a hidden layer l:
//
//	x̂_l = h_(l-1) / |h_(l-1)|,   u_l = W_l x̂_l,   c_l = u_l - θ_l
//	y_l = who of c_l learns, and how much (Competition)
//	ΔW_ij = y_i (x̂_j - W_ij),   or with Plain y_i x̂_j
//	Δθ_i = y_i - mean y
//	h_l = f(Contrast·(u_l - max u_l))
//
// and for the last one p = softmax(W_L h_(L-1) + b_L), ΔW_L = -(p - y) h_(L-1)ᵀ, Δb_L = -(p - y). All changes are at the rate 1.
//
// Winner-take-all with decay is Grossberg's instar, competitive learning (Rumelhart, Zipser 1985); the threshold θ is the
// conscience of DeSieno (1988); the soft form is that of SoftHebb (Moraitis, Toichkin, Journé, Chua, Guo 2022).
type Hebbian struct {
	Layers     []Layer     // the biases of hidden layers have no part
	Thresholds [][]float64 // θ of each hidden layer; nil is 0
	Compete    Competition
	Sharpness  float64 // of soft and threshold competition
	Least      float64 // soft competition: shares that are less count as 0
	Plain      bool    // without decay
	Sparsity   float64 // plain only: a unit makes no change smaller than Sparsity times its largest
	Contrast   float64 // of the outputs of a hidden layer
	Linear     bool    // f(z) = max(0, 1 + z) in place of exp z
}

// Competition is how the units of a layer share what there is to learn.
type Competition uint8

const (
	Winner    Competition = iota // y = 1 for the largest c, the first of equals; 0 for the others
	Soft                         // y = softmax(Sharpness·c), shares of less than Least left out
	Threshold                    // y = max(0, 1 + Sharpness·(c - max c))
)

func (c Competition) String() string { return [...]string{"winner", "soft", "threshold"}[c] }

// Learned is what a sample changes, at the rate 1.
type Learned struct {
	W  *mat.Dense
	B  []float64 // biases, for the readout
	Y  []float64 // who learned, for a hidden layer
	Th []float64 // thresholds, for a hidden layer
}

// Check says whether the layers fit each other.
func (n *Hebbian) Check() error {
	if len(n.Layers) < 2 {
		return fmt.Errorf("%d layers: a Hebbian layer and a readout are the least", len(n.Layers))
	}
	for i := range n.Layers[1:] {
		out, _ := n.Layers[i].Dims()
		if _, in := n.Layers[i+1].Dims(); in != out {
			return fmt.Errorf("layer %d: %d inputs, layer %d has %d outputs", i+2, in, i+1, out)
		}
		if n.Thresholds != nil && len(n.Thresholds[i]) != out {
			return fmt.Errorf("layer %d: %d thresholds for %d units", i+1, len(n.Thresholds[i]), out)
		}
	}
	return nil
}

// unit returns v / |v|, 0 for 0.
func unit(v []float64) []float64 {
	u := make([]float64, len(v))
	if norm := floats.Norm(v, 2); norm > 0 {
		floats.ScaleTo(u, 1/norm, v)
	}
	return u
}

// Forward returns the normalized input x̂ and the sums u of every hidden layer, what the readout gets and what it answers.
func (n *Hebbian) Forward(x []float64) (unitInputs, sums [][]float64, features, p []float64) {
	h := x
	last := len(n.Layers) - 1
	for _, l := range n.Layers[:last] {
		in := unit(h)
		u := mulVec(l.W, in)
		unitInputs, sums = append(unitInputs, in), append(sums, u)
		top := floats.Max(u)
		h = make([]float64, len(u))
		for i, u := range u {
			z := n.Contrast * (u - top)
			if h[i] = math.Exp(z); n.Linear {
				h[i] = max(0, 1+z)
			}
		}
	}
	return unitInputs, sums, h, SoftmaxCE.Of(n.Layers[last].sums(h))
}

// Shares returns y of a layer whose sums less thresholds are c.
func (n *Hebbian) Shares(c []float64) []float64 {
	y := make([]float64, len(c))
	top := floats.MaxIdx(c)
	switch n.Compete {
	case Winner:
		y[top] = 1
	case Soft:
		floats.ScaleTo(y, n.Sharpness, c)
		y = SoftmaxCE.Of(y)
		for i := range y {
			if y[i] < n.Least {
				y[i] = 0
			}
		}
	case Threshold:
		for i := range c {
			y[i] = max(0, 1+n.Sharpness*(c[i]-c[top]))
		}
	}
	return y
}

// Changes returns what every layer learns from the input x and the target y, all from the weights as they are.
func (n *Hebbian) Changes(x, y []float64) []Learned {
	inputs, sums, h, p := n.Forward(x)
	var all []Learned
	for i, u := range sums {
		c := append([]float64(nil), u...)
		if n.Thresholds != nil {
			floats.Sub(c, n.Thresholds[i])
		}
		l := Learned{Y: n.Shares(c), W: mat.NewDense(len(u), len(inputs[i]), nil), Th: make([]float64, len(u))}
		least := n.Sparsity * floats.Max(inputs[i])
		l.W.Apply(func(r, k int, _ float64) float64 {
			x := inputs[i][k]
			switch {
			case !n.Plain:
				return l.Y[r] * (x - n.Layers[i].W.At(r, k))
			case x < least:
				return 0
			}
			return l.Y[r] * x
		}, l.W)
		for r := range l.Th {
			l.Th[r] = l.Y[r] - floats.Sum(l.Y)/float64(len(u))
		}
		all = append(all, l)
	}
	e := SoftmaxCE.Error(p, y)
	floats.Scale(-1, e)
	out := Learned{W: mat.NewDense(len(e), len(h), nil), B: e}
	out.W.Outer(1, mat.NewVecDense(len(e), e), mat.NewVecDense(len(h), h))
	return append(all, out)
}

// Step learns one sample: W += rates[l]·ΔW for each layer, and θ += conscience·Δθ.
func (n *Hebbian) Step(x, y []float64, rates []float64, conscience float64) {
	for i, c := range n.Changes(x, y) {
		c.W.Scale(rates[i], c.W)
		n.Layers[i].W.Add(n.Layers[i].W, c.W)
		switch {
		case c.B != nil:
			floats.AddScaled(n.Layers[i].B, rates[i], c.B)
		case n.Thresholds != nil:
			floats.AddScaled(n.Thresholds[i], conscience, c.Th)
		}
	}
}

// Predict returns the class of the largest output, the lowest of equals.
func (n *Hebbian) Predict(x []float64) int {
	_, _, _, p := n.Forward(x)
	return floats.MaxIdx(p)
}
