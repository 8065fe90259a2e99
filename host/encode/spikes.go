package encode

import (
	"slices"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/host/dataset"
)

// Layout is where the events of a sample lie in the device's input buffer: input i of time step t is element t·Segment + i. Segment is what
// depends on the device's lanes; when which input spikes does not.
type Layout struct{ Steps, Segment int }

// at is the element of an input in a step.
func (l Layout) at(step, input int) uint16 { return uint16(step*l.Segment + input) }

// one is the rate 1.
const one = 1 << manifest.GainFrac

// Rates appends to dst[:0] how often the inputs spike, in units of 2^-14 spikes a step: x·gain, at most 1, for each byte x of an image. It
// is what the device calculates of the same bytes.
func Rates(dst []int32, image []byte, g manifest.Gain) []int32 {
	sum := int64(0)
	for _, x := range image {
		sum += int64(x)
	}
	gain := int64(0)
	if sum > 0 {
		gain = min(int64(g.Numerator)<<g.Up/sum, 1<<15-1)
	}
	dst = slices.Grow(dst[:0], len(image))
	for _, x := range image {
		p := int64(x) * gain
		if g.Shift >= 0 {
			p = fixed.Shift(p, uint(g.Shift), 0x8000)
		} else {
			p <<= -g.Shift
		}
		dst = append(dst, int32(min(p, one)))
	}
	return dst
}

// Regular appends to dst[:0] the events of spikes that come as evenly as steps allow: an input collects its rate a step, from one half on,
// and spikes whenever it has one.
func Regular(dst []uint16, l Layout, rates []int32) []uint16 {
	return l.collect(dst, rates, func(i int, phase []int32) { phase[i] -= one })
}

// Latency is Regular with one spike an input: the brighter, the earlier.
func Latency(dst []uint16, l Layout, rates []int32) []uint16 {
	rates = slices.Clone(rates)
	return l.collect(dst, rates, func(i int, phase []int32) { rates[i], phase[i] = 0, 0 })
}

func (l Layout) collect(dst []uint16, rates []int32, spiked func(i int, phase []int32)) []uint16 {
	dst = dst[:0]
	phase := make([]int32, len(rates))
	for i := range phase {
		phase[i] = one / 2
	}
	for t := range l.Steps {
		for i, p := range rates {
			if p == 0 {
				continue
			}
			if phase[i] += p; phase[i] >= one {
				dst = append(dst, l.at(t, i))
				spiked(i, phase)
			}
		}
	}
	return dst
}

// Random are the draws of one sample in one epoch.
type Random struct{ x, y uint32 }

// spikeDraws keeps the draws of spikes apart from those that shift images.
const spikeDraws = 0x7370696b65

// Draws returns the draws of sample index of a set in an epoch: permute(permute(index, epoch) xor (seed xor a constant)), permute of package
// fixed, and low halves on its first side.
func Draws(seed uint64, epoch, index int) Random {
	seed ^= spikeDraws
	x, y := fixed.Permute(uint32(index), uint32(epoch))
	x, y = fixed.Permute(x^uint32(seed), y^uint32(seed>>32))
	return Random{x, y}
}

// At is the draw of an input in a step: 32 bits, uniform.
func (r Random) At(step, input int) uint32 {
	a, _ := fixed.Permute(r.x^uint32(step), r.y^uint32(input))
	return a
}

// Poisson appends to dst[:0] the events of spikes that come at random: in each step with the input's rate as probability.
func Poisson(dst []uint16, l Layout, rates []int32, r Random) []uint16 {
	dst = dst[:0]
	for t := range l.Steps {
		for i, p := range rates {
			if p > 0 && int32(r.At(t, i)>>(32-manifest.GainFrac)) < p {
				dst = append(dst, l.at(t, i))
			}
		}
	}
	return dst
}

// Recorded appends to dst[:0] the events of a recording: the duration, in microseconds, is divided into the steps, later events belong to the
// last one, and an input with several events in a step has one spike.
func Recorded(dst []uint16, l Layout, recording []dataset.Event, duration int) []uint16 {
	dst = slices.Grow(dst[:0], len(recording))
	for _, e := range recording {
		dst = append(dst, l.at(min(int(e.Micros)*l.Steps/duration, l.Steps-1), int(e.Input)))
	}
	slices.Sort(dst)
	return slices.Compact(dst)
}

// Delta makes events of a still image as an event camera does, which reports changes alone: nothing moves in an image, so the eye
// does. It starts at rest, and in each step moves by one pixel: right, down, left, up, and again. Every pixel remembers the brightness at its
// last event. Where the brightness that it sees differs by Contrast or more there is an event, of one input if it got darker and of
// another if it got brighter; beyond the edge of the image it is dark.
type Delta struct {
	Shape    dataset.Shape
	Contrast int // at least 1
}

// path is where the eye is after each of four steps: columns and rows from where it rests.
var path = [4][2]int{{1, 0}, {1, 1}, {0, 1}, {0, 0}}

// Events appends the events of an image to dst[:0]. Inputs are 2·byte for darker and 2·byte + 1 for brighter.
func (d Delta) Events(dst []uint16, l Layout, image []byte) []uint16 {
	dst = dst[:0]
	last := slices.Clone(image)
	for t := range l.Steps {
		right, down := path[t%len(path)][0], path[t%len(path)][1]
		i := 0
		for r := range d.Shape.Rows {
			for c := range d.Shape.Cols {
				for k := range d.Shape.Channels {
					seen := 0
					if r+down < d.Shape.Rows && c+right < d.Shape.Cols {
						seen = int(image[((r+down)*d.Shape.Cols+c+right)*d.Shape.Channels+k])
					}
					change := seen - int(last[i])
					if max(change, -change) >= d.Contrast {
						brighter := 0
						if change > 0 {
							brighter = 1
						}
						dst = append(dst, l.at(t, 2*i+brighter))
						last[i] = byte(seen)
					}
					i++
				}
			}
		}
	}
	return dst
}
