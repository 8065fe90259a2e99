package weights

import (
	"fmt"
	"math"
)

// Format reads a signed integer x of Bits bits as x / 2^Frac.
type Format struct{ Bits, Frac int }

func (f Format) String() string {
	return fmt.Sprintf("%d bits, %d of fraction [%g, %g]", f.Bits, f.Frac,
		math.Ldexp(-1, f.Bits-1-f.Frac), math.Ldexp(math.Ldexp(1, f.Bits-1)-1, -f.Frac))
}

// Quantized is a layer in integers. Biases share the weights' format, as the numeric contract has it.
type Quantized struct {
	Name    string
	In, Out int
	Format  Format
	Weight  []int16 // [Out][In]
	Bias    []int16 // [Out]; nil for a layer without biases
}

// Report says what quantization cost, over weights and biases together.
type Report struct {
	MaxError  float64 // largest |quantized - given|
	RMSError  float64
	Saturated int // values beyond the format's range by more than rounding
	Count     int // values in all
	BestFrac  int // of the same number of bits, the fraction bits with the least RMS error
}

// maxFrac is the most fraction bits that BestFrac considers.
const maxFrac = 30

// Quantize rounds a layer to the nearest values of a format, ties up, and clamps what is beyond its range. Bits is 2 to 16,
// Frac 0 to 30.
func Quantize(l Layer, f Format) (Quantized, Report, error) {
	if err := l.check(); err != nil {
		return Quantized{}, Report{}, err
	}
	if f.Bits < 2 || f.Bits > 16 || f.Frac < 0 || f.Frac > maxFrac {
		return Quantized{}, Report{}, fmt.Errorf("layer %q: format of %d bits with %d of fraction, expected 2 to 16 and 0 to %d",
			l.Name, f.Bits, f.Frac, maxFrac)
	}
	for _, t := range []Tensor{{l.Name + ".weight", nil, l.Weight}, {l.Name + ".bias", nil, l.Bias}} {
		if err := t.finite(); err != nil {
			return Quantized{}, Report{}, err
		}
	}
	q := Quantized{Name: l.Name, In: l.In, Out: l.Out, Format: f, Weight: make([]int16, len(l.Weight))}
	if l.Bias != nil {
		q.Bias = make([]int16, len(l.Bias))
	}
	r := Report{Count: len(l.Weight) + len(l.Bias)}
	for i, v := range l.Weight {
		var over bool
		q.Weight[i], over = f.round(v)
		r.add(f, v, q.Weight[i], over)
	}
	for i, v := range l.Bias {
		var over bool
		q.Bias[i], over = f.round(v)
		r.add(f, v, q.Bias[i], over)
	}
	r.RMSError = math.Sqrt(r.RMSError / float64(r.Count))
	r.BestFrac = BestFrac(f.Bits, l.Weight, l.Bias)
	return q, r, nil
}

// round returns the nearest integer and whether it had to be clamped.
func (f Format) round(v float64) (int16, bool) {
	v = math.Ldexp(v, f.Frac)
	x := math.Floor(v)
	if v-x >= 0.5 { // exact, which Floor(v + 0.5) is not
		x++
	}
	top := math.Ldexp(1, f.Bits-1)
	return int16(min(max(x, -top), top-1)), x < -top || x > top-1
}

func (f Format) value(x int16) float64 { return math.Ldexp(float64(x), -f.Frac) }

// add counts one value; RMSError holds the sum of squares meanwhile.
func (r *Report) add(f Format, given float64, x int16, over bool) {
	e := math.Abs(f.value(x) - given)
	r.MaxError = max(r.MaxError, e)
	r.RMSError += e * e
	if over {
		r.Saturated++
	}
}

// BestFrac returns the number of fraction bits, 0 to 30, with which formats of that many bits hold the values with the least
// sum of squared errors; the smallest of equals, which has the widest range.
func BestFrac(bits int, values ...[]float64) int {
	best, least := 0, math.Inf(1)
	for frac := range maxFrac + 1 {
		f, sum := Format{bits, frac}, 0.0
		for _, vs := range values {
			for _, v := range vs {
				x, _ := f.round(v)
				e := f.value(x) - v
				sum += e * e
			}
		}
		if sum < least {
			best, least = frac, sum
		}
	}
	return best
}

// Layer returns the layer's values.
func (q Quantized) Layer() Layer {
	l := Layer{Name: q.Name, In: q.In, Out: q.Out, Weight: make([]float64, len(q.Weight))}
	for i, x := range q.Weight {
		l.Weight[i] = q.Format.value(x)
	}
	if q.Bias != nil {
		l.Bias = make([]float64, len(q.Bias))
		for i, x := range q.Bias {
			l.Bias[i] = q.Format.value(x)
		}
	}
	return l
}
