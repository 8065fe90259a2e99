package float

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Trains are the spikes of several cells: Trains[t][i] says whether cell i spikes in step t.
type Trains [][]bool

// Regular turns rates into spikes that come as evenly as steps allow: a cell of rate p collects p a step, from one half on, and
// spikes whenever it has one.
func Regular(p []float64, steps int) Trains {
	return collect(p, steps, -1)
}

// Latency is Regular with one spike a cell: the larger p, the earlier.
func Latency(p []float64, steps int) Trains { return collect(p, steps, math.Inf(-1)) }

func collect(p []float64, steps int, after float64) Trains {
	trains, phase := make(Trains, steps), make([]float64, len(p))
	for i := range phase {
		phase[i] = 0.5
	}
	for t := range trains {
		trains[t] = make([]bool, len(p))
		for i := range p {
			if phase[i] += p[i]; phase[i] >= 1 {
				trains[t][i] = true
				phase[i] += after
			}
		}
	}
	return trains
}

// Pairs sums what the pairs of one presynaptic and one postsynaptic train give by their traces:
//
//	x_pre <- λ_pre x_pre + s_pre,   x_post <- λ_post x_post + s_post
//	up = Σ s_post x_pre,   down = Σ s_pre x_post
//
// x_post is read before, x_pre after the spikes of the step are added: of two spikes in one step the presynaptic one came first.
func Pairs(pre, post []bool, decayPre, decayPost float64) (up, down float64) {
	xPre, xPost := 0.0, 0.0
	for t := range pre {
		xPre, xPost = decayPre*xPre, decayPost*xPost
		if pre[t] {
			xPre++
			down += xPost
		}
		if post[t] {
			up += xPre
			xPost++
		}
	}
	return up, down
}

// Spiking is a layer of leaky integrate-and-fire units that learns by the timing of spikes, and a count of the classes that
// each unit spikes for. In each of the steps of a sample, with s the spikes of the inputs:
//
//	v <- Leak·v + W s;   if any v >= θ: the unit of the largest v - θ spikes, v = 0
//
// After Spikes spikes the layer is silent. The unit that spiked first, and no other, learns from its spikes:
//
//	ΔW_j = up_j (Max - W_j) - Down·down_j W_j,   or up_j - Down·down_j with Hard; up and down as in Pairs
//	W <- W within [0, Max], then W·Total/ΣW
//
// That is the pair rule of Song, Miller, Abbott (2000), with the soft bounds of Gütig et al. (2003). Its threshold rises and all
// fall by what they rise on average (Diehl, Cook 2015, with a constant fall): Δθ_i = first_i - Quiet/units.
//
// The unit i that spikes n_i times in a sample of class c moves its votes by n_i (onehot(c) - Votes_i), so that they go to the share of
// each class in its spikes. The answer is the class of the largest Σ n_i Votes_ci.
type Spiking struct {
	W                           *mat.Dense // units × inputs
	Threshold                   []float64  // θ
	Votes                       *mat.Dense // classes × units
	Leak, DecayPre, DecayPost   float64
	Spikes                      int
	Down, Max, Total            float64 // Total 0: not normalized
	Hard                        bool
	Homeostasis, Quiet, Opinion float64 // rates of thresholds and votes; Homeostasis 0: the thresholds stay
}

// Check says whether the parts fit each other.
func (n *Spiking) Check() error {
	units, _ := n.W.Dims()
	if len(n.Threshold) != units {
		return fmt.Errorf("%d thresholds for %d units", len(n.Threshold), units)
	}
	if _, voters := n.Votes.Dims(); voters != units {
		return fmt.Errorf("votes of %d units, the layer has %d", voters, units)
	}
	return nil
}

// Response is what a layer does in one sample.
type Response struct {
	Counts   []float64 // spikes of each unit
	First    int       // the unit that spiked first; -1 is none
	Up, Down []float64 // Σ s_post x_pre and Σ s_pre x_post of that unit's synapses
	// Margin is by how much the closest decision was made: between a unit and its threshold, and between the largest two.
	Margin float64
}

// Present shows the spikes of the inputs to the layer.
func (n *Spiking) Present(in Trains) Response {
	units, inputs := n.W.Dims()
	r := Response{Counts: make([]float64, units), First: -1, Up: make([]float64, inputs), Down: make([]float64, inputs), Margin: math.Inf(1)}
	v, fired := make([]float64, units), make([]int, len(in))
	for t, spikes := range in {
		fired[t] = -1
		if floats.Sum(r.Counts) == float64(n.Spikes) {
			continue
		}
		s := make([]float64, inputs)
		for j, spike := range spikes {
			if spike {
				s[j] = 1
			}
		}
		floats.Scale(n.Leak, v)
		for i := range v {
			v[i] += floats.Dot(n.W.RawRowView(i), s)
		}
		over := make([]float64, units)
		floats.SubTo(over, v, n.Threshold)
		best, second := floats.MaxIdx(over), math.Inf(-1)
		for i, o := range over {
			if i != best {
				second = max(second, o)
			}
		}
		r.Margin = min(r.Margin, math.Abs(over[best]))
		if over[best] < 0 {
			continue
		}
		r.Margin = min(r.Margin, over[best]-second)
		fired[t], v[best] = best, 0
		r.Counts[best]++
		if r.First < 0 {
			r.First = best
		}
	}
	if r.First < 0 {
		return r
	}
	pre, post := make([]bool, len(in)), make([]bool, len(in))
	for t := range in {
		post[t] = fired[t] == r.First
	}
	for j := range inputs {
		for t := range in {
			pre[t] = in[t][j]
		}
		r.Up[j], r.Down[j] = Pairs(pre, post, n.DecayPre, n.DecayPost)
	}
	return r
}

// Learn makes the changes of a response at a learning rate.
func (n *Spiking) Learn(r Response, label int, rate float64) {
	for i := range n.Threshold {
		n.Threshold[i] -= n.Homeostasis * n.Quiet / float64(len(n.Threshold))
	}
	if r.First < 0 {
		return
	}
	n.Threshold[r.First] += n.Homeostasis
	w := n.W.RawRowView(r.First)
	for j := range w {
		up, down := n.Max-w[j], w[j]
		if n.Hard {
			up, down = 1, 1
		}
		w[j] = min(max(w[j]+rate*(r.Up[j]*up-n.Down*r.Down[j]*down), 0), n.Max)
	}
	if sum := floats.Sum(w); n.Total > 0 && sum > 0 {
		for j := range w {
			w[j] = min(w[j]*n.Total/sum, n.Max)
		}
	}
	classes, _ := n.Votes.Dims()
	for i, count := range r.Counts {
		for c := range classes {
			target := 0.0
			if c == label {
				target = 1
			}
			n.Votes.Set(c, i, n.Votes.At(c, i)+n.Opinion*count*(target-n.Votes.At(c, i)))
		}
	}
}

// Predict returns the class that the spikes of a response vote for, the first of equals.
func (n *Spiking) Predict(r Response) int {
	classes, units := n.Votes.Dims()
	u := mat.NewVecDense(classes, nil)
	u.MulVec(n.Votes, mat.NewVecDense(units, r.Counts))
	return floats.MaxIdx(u.RawVector().Data)
}
