package encode

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/host/dataset"
)

// spike is an event without its layout.
type spike struct{ step, input int }

// spikes reads events back.
func spikes(l Layout, events []uint16) (all []spike) {
	for _, e := range events {
		all = append(all, spike{int(e) / l.Segment, int(e) % l.Segment})
	}
	return all
}

// counts is how often each of n inputs spikes, and the step of its first spike; -1 is none.
func counts(t interface{ Fatalf(string, ...any) }, all []spike, n, steps int) (count, first []int) {
	count, first = make([]int, n), slices.Repeat([]int{-1}, n)
	seen := map[spike]bool{}
	for _, s := range all {
		if s.input >= n || s.step >= steps || seen[s] {
			t.Fatalf("event %+v of %d inputs and %d steps is outside or twice", s, n, steps)
		}
		seen[s] = true
		count[s.input]++
		if first[s.input] < 0 || s.step < first[s.input] {
			first[s.input] = s.step
		}
	}
	return count, first
}

// gains are those that the compiler gives for 784 inputs and 40 events, and for a few others.
var gain = rapid.SampledFrom([]manifest.Gain{{Numerator: 167772160, Up: 0, Shift: 8}, {Numerator: 1 << 29, Up: 3, Shift: 12}, {Numerator: 3 << 20, Up: 0, Shift: 2}})

// A rate is events·x/Σx, as far as 15 bits of gain say, and at most 1.
func TestRates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := gain.Draw(t, "gain")
		image := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(t, "image")
		sum := 0.0
		for _, x := range image {
			sum += float64(x)
		}
		events := math.Ldexp(float64(g.Numerator), g.Up-g.Shift-manifest.GainFrac)
		dark := math.Ldexp(float64(g.Numerator), g.Up)/sum >= 1<<15-1 // the gain is at its end
		for i, p := range Rates(nil, image, g) {
			want := min(1, events*float64(image[i])/sum)
			if sum == 0 {
				want = 0
			}
			got := float64(p) / one
			if got > 1 || got < 0 || image[i] == 0 && got != 0 {
				t.Fatalf("byte %d of sum %g has the rate %g", image[i], sum, got)
			}
			if lsb := float64(image[i]) * math.Ldexp(1, -g.Shift-manifest.GainFrac); !dark && math.Abs(got-want) > lsb+1./one {
				t.Fatalf("byte %d of sum %g: rate %g, want %g", image[i], sum, got, want)
			}
		}
	})
}

var rate = rapid.Custom(func(t *rapid.T) int32 {
	return rapid.OneOf(rapid.Just(int32(0)), rapid.Just(int32(one)), rapid.Int32Range(0, one)).Draw(t, "rate")
})

// An input of rate p has p·steps spikes to the nearest, and after each step what it had until then; one spike in latency, and none later
// than a darker one's.
func TestRegularAndLatency(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rates := rapid.SliceOfN(rate, 1, 40).Draw(t, "rates")
		steps := rapid.IntRange(2, 64).Draw(t, "steps")
		l := Layout{steps, 64}
		all := spikes(l, Regular([]uint16{9}, l, rates))
		had := make([]int, len(rates))
		for step := range steps {
			for _, s := range all {
				if s.step == step {
					had[s.input]++
				}
			}
			for i, p := range rates {
				if want := (int(p)*(step+1) + one/2) / one; had[i] != want {
					t.Fatalf("rate %d: %d spikes in %d steps, expected %d", p, had[i], step+1, want)
				}
			}
		}
		before := slices.Clone(rates)
		count, first := counts(t, spikes(l, Latency(nil, l, rates)), len(rates), steps)
		if !slices.Equal(before, rates) {
			t.Fatalf("latency changes the rates that it is given")
		}
		_, regular := counts(t, all, len(rates), steps)
		for i, p := range rates {
			if count[i] > 1 || first[i] != regular[i] {
				t.Fatalf("rate %d: %d spikes, the first in step %d, of regular ones in %d", p, count[i], first[i], regular[i])
			}
			for j, q := range rates {
				if p > q && first[j] >= 0 && (first[i] < 0 || first[i] > first[j]) {
					t.Fatalf("rate %d spikes in step %d, rate %d in %d", p, first[i], q, first[j])
				}
			}
		}
	})
}

// Random inputs spike as often as their rates say: over inputs, steps, samples, epochs and seeds alike, rate 0 never and rate 1 always.
func TestPoissonRates(t *testing.T) {
	rates := make([]int32, 400)
	for i := range rates {
		rates[i] = []int32{0, one / 64, one / 5, one / 2, one * 7 / 8, one}[i%6]
	}
	l := Layout{16, 416}
	for name, at := range map[string]func(i int) Random{
		"samples": func(i int) Random { return Draws(1, 0, i) },
		"epochs":  func(i int) Random { return Draws(1, i, 7) },
		"seeds":   func(i int) Random { return Draws(uint64(i)<<29, 3, 7) },
	} {
		var spiked, of [6]int
		byStep, byInput := make([]int, 16), make([]int, 400)
		const n = 200
		for i := range n {
			for _, s := range spikes(l, Poisson(nil, l, rates, at(i))) {
				spiked[s.input%6]++
				if s.input%6 == 3 {
					byStep[s.step]++
					byInput[s.input]++
				}
			}
		}
		for i := range rates {
			of[i%6] += 16 * n
		}
		for k, p := range []float64{0, 1. / 64, 0.2, 0.5, 0.875, 1} {
			want, spread := p*float64(of[k]), math.Sqrt(p*(1-p)*float64(of[k]))
			if d := math.Abs(float64(spiked[k]) - want); d > 4*spread+p {
				t.Errorf("over %s, rate %g: %d spikes, expected %.0f ± %.0f", name, p, spiked[k], want, spread)
			}
		}
		for what, group := range map[string][]int{"step": byStep, "input": byInput} {
			total, cells := 0, 0
			for _, c := range group {
				total += c
				cells += min(c, 1)
			}
			mean, chi2 := float64(total)/float64(cells), 0.0
			for _, c := range group {
				if c > 0 {
					chi2 += (float64(c) - mean) * (float64(c) - mean) / (mean / 2)
				}
			}
			if k := float64(cells - 1); math.Abs(chi2-k) > 5*math.Sqrt(2*k) {
				t.Errorf("over %s: chi-squared of each %s %.1f, %g degrees of freedom", name, what, chi2, k)
			}
		}
	}
}

// Draws are part of what a run learns: a change here changes every digest of a run with random spikes.
func TestDrawsArePinned(t *testing.T) {
	r := Draws(0x123456789abcdef0, 2, 7)
	got := []uint32{r.At(0, 0), r.At(0, 1), r.At(1, 0), r.At(15, 783)}
	if want := []uint32{0xcf84b395, 0x29aa435e, 0x8e5adfcb, 0x54447609}; !slices.Equal(got, want) {
		t.Errorf("draws %#x, expected %#x", got, want)
	}
}

// What spikes when depends on neither the lanes nor what the sample is written into: only the place of an event does.
func TestLayout(t *testing.T) {
	image := dataset.Shape{Rows: 5, Cols: 7, Channels: 1}
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.SliceOfN(rapid.Byte(), 35, 35).Draw(t, "image")
		g, steps := gain.Draw(t, "gain"), rapid.IntRange(2, 64).Draw(t, "steps")
		recording := make([]dataset.Event, rapid.IntRange(0, 50).Draw(t, "events"))
		for i := range recording {
			recording[i] = dataset.Event{Input: uint16(rapid.IntRange(0, 69).Draw(t, "input")), Micros: uint32(rapid.IntRange(0, 400000).Draw(t, "micros"))}
		}
		for name, encode := range map[string]func(l Layout) []uint16{
			"regular":  func(l Layout) []uint16 { return Regular(nil, l, Rates(nil, bytes, g)) },
			"latency":  func(l Layout) []uint16 { return Latency(nil, l, Rates(nil, bytes, g)) },
			"poisson":  func(l Layout) []uint16 { return Poisson(nil, l, Rates(nil, bytes, g), Draws(1, 2, 3)) },
			"delta":    func(l Layout) []uint16 { return Delta{image, 30}.Events(nil, l, bytes) },
			"recorded": func(l Layout) []uint16 { return Recorded(nil, l, recording, 304000) },
		} {
			narrow, wide := Layout{steps, 70}, Layout{steps, 128}
			a, b := encode(narrow), encode(wide)
			if !slices.Equal(spikes(narrow, a), spikes(wide, b)) || !slices.Equal(a, encode(narrow)) {
				t.Fatalf("%s: %v with segments of 70, %v with 128", name, spikes(narrow, a), spikes(wide, b))
			}
			if !slices.IsSorted(a) {
				t.Fatalf("%s: %v is not in order", name, a)
			}
			counts(t, spikes(narrow, a), 70, steps)
		}
	})
}

func TestRecorded(t *testing.T) {
	var events []dataset.Event
	for _, e := range [][2]int{{5, 0}, {5, 37999}, {5, 38000}, {4, 303999}, {67, 304000}, {67, 500000}, {1, 60000}} {
		events = append(events, dataset.Event{Input: uint16(e[0]), Micros: uint32(e[1])})
	}
	l := Layout{8, 100}
	got := spikes(l, Recorded(nil, l, events, 304000))
	if want := []spike{{0, 5}, {1, 1}, {1, 5}, {7, 4}, {7, 67}}; !slices.Equal(got, want) {
		t.Errorf("got %v, expected %v", got, want)
	}
}

// A bright pixel in the dark: when the eye moves right, the pixel to its left sees it; and so on around.
func TestDelta(t *testing.T) {
	image := make([]byte, 25)
	image[12] = 200 // in the middle
	image[0] = 31   // too dark to be an event
	d := Delta{Shape: dataset.Shape{Rows: 5, Cols: 5, Channels: 1}, Contrast: 32}
	l := Layout{5, 50}
	got := spikes(l, d.Events(nil, l, image))
	brighter, darker := func(pixel int) int { return 2*pixel + 1 }, func(pixel int) int { return 2 * pixel }
	want := []spike{
		{0, brighter(11)}, {0, darker(12)}, // right
		{1, brighter(6)}, {1, darker(11)}, // down
		{2, darker(6)}, {2, brighter(7)}, // left
		{3, darker(7)}, {3, brighter(12)}, // up: at rest
		{4, brighter(11)}, {4, darker(12)},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %v, expected %v", got, want)
	}
}

// The brightness that events tell of follows what is seen to less than the contrast.
func TestDeltaFollows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := dataset.Shape{Rows: rapid.IntRange(1, 5).Draw(t, "rows"), Cols: rapid.IntRange(1, 5).Draw(t, "cols"), Channels: rapid.IntRange(1, 3).Draw(t, "channels")}
		image := rapid.SliceOfN(rapid.Byte(), s.Size(), s.Size()).Draw(t, "image")
		d := Delta{s, rapid.IntRange(1, 255).Draw(t, "contrast")}
		l := Layout{rapid.IntRange(2, 12).Draw(t, "steps"), 2 * s.Size()}
		all := spikes(l, d.Events(nil, l, image))
		last := slices.Clone(image)
		for step := range l.Steps {
			right, down := []int{1, 1, 0, 0}[step%4], []int{0, 1, 1, 0}[step%4]
			for i := range image {
				r, c := i/s.Channels/s.Cols+down, i/s.Channels%s.Cols+right
				seen := byte(0)
				if r < s.Rows && c < s.Cols {
					seen = image[(r*s.Cols+c)*s.Channels+i%s.Channels]
				}
				on, off := slices.Contains(all, spike{step, 2*i + 1}), slices.Contains(all, spike{step, 2 * i})
				switch change := int(seen) - int(last[i]); {
				case on != (change >= d.Contrast), off != (-change >= d.Contrast):
					t.Fatalf("step %d, input %d: brighter %v, darker %v, the change is %d of %d", step, i, on, off, change, d.Contrast)
				case on || off:
					last[i] = seen
				}
			}
		}
	})
}

// Recordings move as images do.
func TestJitterMovesEvents(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		j := Jitter{
			Rows: rapid.IntRange(1, 6).Draw(t, "rows"), Cols: rapid.IntRange(1, 6).Draw(t, "cols"), Channels: rapid.IntRange(1, 3).Draw(t, "channels"),
			Pixels: rapid.IntRange(0, 7).Draw(t, "pixels"), Flip: rapid.Bool().Draw(t, "flip"), Seed: rapid.Uint64().Draw(t, "seed"),
		}
		size := j.Rows * j.Cols * j.Channels
		image := make([]byte, size)
		var recording []dataset.Event
		for i := range image {
			if rapid.Bool().Draw(t, "event") {
				image[i] = 1
				recording = append(recording, dataset.Event{Input: uint16(i), Micros: uint32(i * 7)})
			}
		}
		epoch, index := rapid.IntRange(0, 99).Draw(t, "epoch"), rapid.IntRange(0, 99999).Draw(t, "index")
		got := make([]byte, size)
		for _, e := range j.Events(nil, recording, epoch, index) {
			got[e.Input]++
		}
		if want := j.Image(nil, image, epoch, index); !slices.Equal(got, want) {
			t.Fatalf("events move to %v, pixels to %v", got, want)
		}
	})
}

// A build takes what its encoder can make of a set, and says which set that is.
func TestWrongSets(t *testing.T) {
	images, err := dataset.Open(t.Context(), "digits", dataset.Test)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		encoder  string
		elements int
		want     string
	}{
		{"recorded", 196, "samples of digits are images, but the build takes recorded events; use the dataset own or compile with another encoder"},
		{"direct", 784, "dataset digits has images of 14x14x1, 196 elements, but the build takes 784; use the dataset own or compile for this one"},
		{"delta", 196, "dataset digits has images of 14x14x1, 392 elements, but the build takes 196; use the dataset own or compile for this one"},
	} {
		m := &manifest.Manifest{Input: manifest.Input{Elements: c.elements}, Data: manifest.Data{Set: "own", Encoder: c.encoder}}
		if _, err := New(m, images, 1); err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.encoder, err, c.want)
		}
	}
}
