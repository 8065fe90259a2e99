package float

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/nmc-fpga/nmc/host/dataset"
)

// TestPairWindow: two spikes at a distance Δt give the window of the classic form, α₊e^(-Δt/τ₊) for Δt > 0 and -α₋e^(Δt/τ₋) for Δt < 0.
func TestPairWindow(t *testing.T) {
	const tauPre, tauPost, steps = 17.0, 34.0, 60
	for dt := -40; dt <= 40; dt++ {
		pre, post := make([]bool, steps), make([]bool, steps)
		at := steps/2 - dt/2
		pre[at], post[at+dt] = true, true
		up, down := Pairs(pre, post, math.Exp(-1/tauPre), math.Exp(-1/tauPost))
		wantUp, wantDown := math.Exp(-float64(dt)/tauPre), 0.0
		if dt < 0 {
			wantUp, wantDown = 0, math.Exp(float64(dt)/tauPost)
		}
		if math.Abs(up-wantUp) > 1e-12 || math.Abs(down-wantDown) > 1e-12 {
			t.Errorf("Δt = %d: traces give +%g -%g, the window +%g -%g", dt, up, down, wantUp, wantDown)
		}
	}
}

// TestAllPairs: for whole trains the traces sum the window over all pairs of spikes.
func TestAllPairs(t *testing.T) {
	const steps = 200
	const lambdaPre, lambdaPost = 0.9, 0.97
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 4))
		train := func() []bool {
			s := make([]bool, steps)
			for i := range s {
				s[i] = rng.Float64() < 0.2
			}
			return s
		}
		pre, post := train(), train()
		wantUp, wantDown := 0.0, 0.0
		for a := range pre {
			for b := range post {
				switch {
				case !pre[a] || !post[b]:
				case b >= a:
					wantUp += math.Pow(lambdaPre, float64(b-a))
				default:
					wantDown += math.Pow(lambdaPost, float64(a-b))
				}
			}
		}
		up, down := Pairs(pre, post, lambdaPre, lambdaPost)
		if math.Abs(up-wantUp) > 1e-9*wantUp || math.Abs(down-wantDown) > 1e-9*wantDown {
			t.Errorf("seed %d: traces give +%g -%g, all pairs +%g -%g", seed, up, down, wantUp, wantDown)
		}
	}
}

// TestCodes: a regular code gives as many spikes as the rate says, evenly; a latency code one, the sooner the larger.
func TestCodes(t *testing.T) {
	p := []float64{0, 0.1, 0.25, 0.5, 0.8, 1}
	const steps = 40
	regular, latency := Regular(p, steps), Latency(p, steps)
	last := steps
	for i, rate := range p {
		count, gap, first, single := 0, 0, steps, 0
		for t0 := range steps {
			gap++
			if regular[t0][i] {
				if count > 0 && math.Abs(float64(gap)-1/rate) >= 1 {
					t.Errorf("rate %g: a gap of %d steps", rate, gap)
				}
				count, gap = count+1, 0
			}
			if latency[t0][i] {
				single, first = single+1, t0
			}
		}
		if math.Abs(float64(count)-rate*steps) > 0.5 {
			t.Errorf("rate %g: %d spikes in %d steps", rate, count, steps)
		}
		if want := min(1, math.Ceil(rate)); float64(single) != want || rate > 0 && first > last {
			t.Errorf("rate %g: %d spikes, the first in step %d, of the rate before in %d", rate, single, first, last)
		}
		last = first
	}
}

func spiking(rng *rand.Rand, units, inputs int) *Spiking {
	n := &Spiking{W: mat.NewDense(units, inputs, nil), Threshold: make([]float64, units), Votes: mat.NewDense(10, units, nil),
		Leak: 0.9375, DecayPre: 0.9375, DecayPost: 0.9375, Spikes: 5, Down: 3, Max: 1, Total: 10, Homeostasis: 0.5, Quiet: 0.9, Opinion: 0.05}
	for i := range units {
		n.Threshold[i] = 5
		w := n.W.RawRowView(i)
		for j := range w {
			w[j] = rng.Float64()
		}
		floats.Scale(n.Total/floats.Sum(w), w)
	}
	return n
}

// TestBounds: whatever the rate, soft and hard bounds hold, and a normalized unit keeps its sum unless weights are at a bound.
func TestBounds(t *testing.T) {
	for _, hard := range []bool{false, true} {
		for seed := range uint64(10) {
			rng := rand.New(rand.NewPCG(seed, 5))
			n := spiking(rng, 8, 100)
			if n.Hard = hard; hard {
				n.Down = 0.2
			}
			for range 50 {
				p := make([]float64, 100)
				for j := range p {
					p[j] = rng.Float64()
				}
				r := n.Present(Regular(p, 16))
				if r.First < 0 {
					continue
				}
				n.Learn(r, rng.IntN(10), rng.Float64()/8)
				w := n.W.RawRowView(r.First)
				if floats.Min(w) < 0 || floats.Max(w) > n.Max {
					t.Fatalf("hard %t, seed %d: weights in [%g, %g]", hard, seed, floats.Min(w), floats.Max(w))
				}
				if sum := floats.Sum(w); math.Abs(sum-n.Total) > 1e-9 && floats.Max(w) < n.Max {
					t.Fatalf("hard %t, seed %d: the weights of a unit sum to %g", hard, seed, sum)
				}
			}
		}
	}
}

// TestSoftEquilibrium: with soft bounds a weight goes to the value at which what its pairs add is what they take,
// up (Max - W) = Down·down·W.
func TestSoftEquilibrium(t *testing.T) {
	n := spiking(rand.New(rand.NewPCG(1, 6)), 1, 2)
	n.Total, n.Homeostasis = 0, 0
	r := Response{Counts: []float64{1}, Up: []float64{2, 1}, Down: []float64{0.5, 1}}
	for range 2000 {
		n.Learn(r, 0, 0.01)
	}
	for j, want := range []float64{2 / (2 + 3*0.5), 1 / (1 + 3*1.0)} {
		if got := n.W.At(0, j); math.Abs(got-want) > 1e-9 {
			t.Errorf("weight %d goes to %g, want %g", j, got, want)
		}
	}
}

// TestSpikingLearns: from a random start the votes of a hundred units answer most digits, those of units that do not learn far
// fewer.
func TestSpikingLearns(t *testing.T) {
	set, err := dataset.Open(context.Background(), "digits", dataset.Train)
	if err != nil {
		t.Fatal(err)
	}
	trains := func(i int) Trains {
		x := Input(set.Image(i), 1)
		floats.Scale(12/floats.Sum(x), x)
		for j := range x {
			x[j] = min(x[j], 1)
		}
		return Regular(x, 16)
	}
	accuracy := func(rate float64) float64 {
		n := spiking(rand.New(rand.NewPCG(2, 7)), 100, len(set.Image(0)))
		if err := n.Check(); err != nil {
			t.Fatal(err)
		}
		const train, epochs = 800, 3
		for e := range epochs {
			for i := range train {
				fade := math.Pow(0.2, float64(e*train+i)/(epochs*train))
				n.Homeostasis = 0.5 * fade
				n.Learn(n.Present(trains(i)), set.Label(i), rate*fade)
			}
		}
		right := 0
		for i := train; i < set.Len(); i++ {
			if n.Predict(n.Present(trains(i))) == set.Label(i) {
				right++
			}
		}
		return float64(right) / float64(set.Len()-train)
	}
	learned, frozen := accuracy(0.05), accuracy(0)
	t.Logf("learned %.3f, thresholds alone %.3f", learned, frozen)
	if learned < 0.7 || learned < frozen+0.15 {
		t.Errorf("learned %.3f, with weights that do not learn %.3f", learned, frozen)
	}
}
