package float

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// ForwardForward is a stack of ReLU layers, each of which learns to tell the right label from a wrong one by the goodness of its
// own output (Hinton 2022). The label k enters the first layer through a matrix of its own; later layers get the direction
// of the output below, not its length, which is what that layer's goodness was:
//
//	u_1 = W_1 x + b_1 + Scale·L_k,   u_(l+1) = W_(l+1) ĥ_l + b_(l+1),   h_l = max(0, u_l),   ĥ_l = h_l / rms(h_l)
//	g_l = mean of h_l²
//	J_l = units/(2·Sharpness)·(log(1 + exp(-z⁺)) + log(1 + exp(z⁻))),   z± = Sharpness·(g_l± - Threshold)
//
// where + is the pass with the right label and - that with the wrong label whose g_1 is largest. Every layer descends its own
// J, with ĥ of the layer below as a given: δ_l⁺ = -(1 - σ(z⁺)) h_l⁺, δ_l⁻ = σ(z⁻) h_l⁻.
//
// The answer is the label with the largest sum of goodness; or that of a readout, softmax on ĥ of the last hidden layer in a pass
// with a neutral label, 1/classes of each.
//
// Groups is the form without labels and negatives: the units of a layer belong to the classes by turns, the goodness of a class is
// classes/units·(sum of h² of its units), and the softmax of Sharpness times that descends the cross-entropy, times
// units/(2·Sharpness·classes).
type ForwardForward struct {
	Layers               []Layer    // hidden
	Label                *mat.Dense // L: units of the first layer × classes; nil with Groups
	Scale                float64
	Threshold, Sharpness float64
	Readout              *Layer // nil: answers by goodness
	Groups               int    // classes, or 0
}

// Pass is one forward pass.
type Pass struct {
	X, H     [][]float64 // input and output of each layer
	Goodness []float64
}

// Check says whether the parts fit each other.
func (n *ForwardForward) Check() error {
	if len(n.Layers) == 0 {
		return fmt.Errorf("network without hidden layers")
	}
	for i := range n.Layers[1:] {
		out, _ := n.Layers[i].Dims()
		if _, in := n.Layers[i+1].Dims(); in != out {
			return fmt.Errorf("layer %d: %d inputs, layer %d has %d outputs", i+2, in, i+1, out)
		}
	}
	first, _ := n.Layers[0].Dims()
	if n.Groups == 0 {
		if n.Label == nil {
			return fmt.Errorf("no label matrix")
		}
		if out, classes := n.Label.Dims(); out != first || classes < 2 {
			return fmt.Errorf("label matrix is %d × %d, expected %d × classes", out, classes, first)
		}
	}
	return nil
}

// direction returns h / rms(h), 0 for 0.
func direction(h []float64) []float64 {
	d := unit(h)
	floats.Scale(math.Sqrt(float64(len(h))), d)
	return d
}

// Run is the pass with the given share of each label, through the first layers of them.
func (n *ForwardForward) Run(x, label []float64, layers int) Pass {
	p := Pass{}
	for i, l := range n.Layers[:layers] {
		if i > 0 {
			x = direction(p.H[i-1])
		}
		h := l.sums(x)
		if i == 0 && n.Groups == 0 {
			floats.AddScaled(h, n.Scale, mulVec(n.Label, label))
		}
		for k := range h {
			h[k] = max(0, h[k])
		}
		p.X, p.H = append(p.X, x), append(p.H, h)
		p.Goodness = append(p.Goodness, floats.Dot(h, h)/float64(len(h)))
	}
	return p
}

func (n *ForwardForward) classes() int {
	if n.Groups > 0 {
		return n.Groups
	}
	_, classes := n.Label.Dims()
	return classes
}

// Goodnesses returns for each class the sum over the first layers of its goodness: of a pass with that label, or of its units.
func (n *ForwardForward) Goodnesses(x []float64, layers int) []float64 {
	g := make([]float64, n.classes())
	if n.Groups > 0 {
		for _, h := range n.Run(x, nil, layers).H {
			floats.Add(g, n.groups(h))
		}
		return g
	}
	for k := range g {
		g[k] = floats.Sum(n.Run(x, OneHot(k, len(g)), layers).Goodness)
	}
	return g
}

// groups returns the goodness of each class.
func (n *ForwardForward) groups(h []float64) []float64 {
	g := make([]float64, n.Groups)
	for i, u := range h {
		g[i%n.Groups] += u * u * float64(n.Groups) / float64(len(h))
	}
	return g
}

// Wrong is the wrong label that the first layer finds best, the lowest of equals.
func (n *ForwardForward) Wrong(x []float64, right int) int {
	g := n.Goodnesses(x, 1)
	g[right] = math.Inf(-1)
	return floats.MaxIdx(g)
}

// Errors returns what every layer learns of a sample, in order; then, of the first layer, what L learns with the label as input,
// right and wrong; then the readout. Each layer comes twice, for the right and for the wrong label, if there are labels.
func (n *ForwardForward) Errors(x []float64, right int) []Error {
	var errors []Error
	if n.Groups > 0 {
		p := n.Run(x, nil, len(n.Layers))
		for i, h := range p.H {
			g := n.groups(h)
			floats.Scale(n.Sharpness, g)
			e := SoftmaxCE.Error(SoftmaxCE.Of(g), OneHot(right, n.Groups))
			d := make([]float64, len(h))
			for k, h := range h {
				d[k] = e[k%n.Groups] * h
			}
			errors = append(errors, Error{n.Layers[i], d, p.X[i]})
		}
		return append(errors, n.readout(x, right)...)
	}
	var labels []Error
	classes := n.classes()
	wrong := n.Wrong(x, right)
	for i := range n.Layers {
		for _, k := range []int{right, wrong} {
			p := n.Run(x, OneHot(k, classes), i+1)
			z := n.Sharpness * (p.Goodness[i] - n.Threshold)
			c := Sigmoid.Of(z)
			if k == right {
				c = -Sigmoid.Of(-z)
			}
			d := make([]float64, len(p.H[i]))
			floats.ScaleTo(d, c, p.H[i])
			errors = append(errors, Error{n.Layers[i], d, p.X[i]})
			if i == 0 {
				in := OneHot(k, classes)
				floats.Scale(n.Scale, in)
				labels = append(labels, Error{Layer{W: n.Label}, d, in})
			}
		}
	}
	return append(append(errors, labels...), n.readout(x, right)...)
}

func (n *ForwardForward) readout(x []float64, right int) []Error {
	if n.Readout == nil {
		return nil
	}
	h := n.features(x)
	return []Error{{*n.Readout, SoftmaxCE.Error(SoftmaxCE.Of(n.Readout.sums(h)), OneHot(right, n.classes())), h}}
}

// features are what the readout gets.
func (n *ForwardForward) features(x []float64) []float64 {
	neutral := make([]float64, n.classes())
	floats.AddConst(1/float64(len(neutral)), neutral)
	p := n.Run(x, neutral, len(n.Layers))
	return direction(p.H[len(p.H)-1])
}

// Loss returns J of layer i with the given wrong label.
func (n *ForwardForward) Loss(x []float64, right, wrong, i int) float64 {
	units := float64(len(n.Layers[i].B))
	if n.Groups > 0 {
		g := n.groups(n.Run(x, nil, i+1).H[i])
		floats.Scale(n.Sharpness, g)
		return units / (2 * n.Sharpness * float64(n.Groups)) * SoftmaxCE.Loss(g, OneHot(right, n.Groups))
	}
	loss := 0.0
	for _, k := range []int{right, wrong} {
		z := n.Sharpness * (n.Run(x, OneHot(k, n.classes()), i+1).Goodness[i] - n.Threshold)
		if k == right {
			z = -z
		}
		loss += max(z, 0) + math.Log1p(math.Exp(-math.Abs(z)))
	}
	return units / (2 * n.Sharpness) * loss
}

// Predict returns the answer, the lowest of equals.
func (n *ForwardForward) Predict(x []float64) int {
	if n.Readout != nil {
		return floats.MaxIdx(n.Readout.sums(n.features(x)))
	}
	return floats.MaxIdx(n.Goodnesses(x, len(n.Layers)))
}

// Step learns one sample: W -= rate·δ xᵀ, b -= rate·δ for each layer, L with the first layer's rate, and the readout with the last.
func (n *ForwardForward) Step(x []float64, right int, rates []float64) {
	for _, e := range n.Errors(x, right) {
		rate := rates[len(n.Layers)]
		for i, l := range n.Layers {
			if e.Layer.W == l.W || i == 0 && e.Layer.W == n.Label {
				rate = rates[i]
			}
		}
		if e.Layer.B != nil {
			floats.AddScaled(e.Layer.B, -rate, e.D)
		}
		for r, d := range e.D {
			if d != 0 {
				floats.AddScaled(e.Layer.W.RawRowView(r), -rate*d, e.X)
			}
		}
	}
}
