// Package encode turns the samples of a dataset into what a device learns from: bytes, numbers around 0, or spikes. What it gives
// depends on its arguments only, in integers, and is the same on every machine, so that two devices that learn the same samples learn
// the same thing.
package encode

import (
	"fmt"
	"slices"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/dataset"
)

// Encoder makes the samples that a build learns from those of a set.
type Encoder struct {
	set    *dataset.Set
	in     manifest.Input
	name   string
	delta  Delta
	seed   uint64
	jitter *Jitter
}

// New returns the encoder of a build for a set. Random spikes depend on the seed.
func New(m *manifest.Manifest, set *dataset.Set, seed uint64) (*Encoder, error) {
	e := &Encoder{set: set, in: m.Input, name: m.Data.Encoder, seed: seed}
	e.delta = Delta{Shape: set.Shape, Contrast: m.Data.Contrast}
	switch recorded := e.name == "recorded"; {
	case recorded && set.Duration == 0:
		return nil, fmt.Errorf("samples of %s are images, but the build takes recorded events; use the dataset %s or compile with another encoder", set.Name, m.Data.Set)
	case !recorded && set.Duration > 0:
		return nil, fmt.Errorf("samples of %s are recorded events, but the build takes images; use the dataset %s or compile with encoder = \"recorded\"", set.Name, m.Data.Set)
	}
	size := set.Shape.Size()
	if e.name == "delta" {
		size *= 2
	}
	if size != m.Input.Elements {
		return nil, fmt.Errorf("dataset %s has images of %v, %d elements, but the build takes %d; use the dataset %s or compile for this one",
			set.Name, set.Shape, size, m.Input.Elements, m.Data.Set)
	}
	return e, nil
}

// String says everything that the samples depend on but set, seed and what the build's image says.
func (e *Encoder) String() string {
	switch g := e.in.Gain; {
	case g != nil:
		return fmt.Sprintf("%s, gain %d << %d >> %d", e.name, g.Numerator, g.Up, g.Shift)
	case e.name == "delta":
		return fmt.Sprintf("delta, contrast %d", e.delta.Contrast)
	}
	return e.name
}

// Move shifts and mirrors samples at random from now on, differently in each epoch, as Jitter says.
func (e *Encoder) Move(pixels int, flip bool) {
	s := e.set.Shape
	e.jitter = &Jitter{Rows: s.Rows, Cols: s.Cols, Channels: s.Channels, Pixels: pixels, Flip: flip, Seed: e.seed}
	if e.in.Kind == manifest.Words {
		e.jitter.Outside = Center
	}
}

// Sample returns sample i of the set as it is learned in an epoch. It may be called from several goroutines.
func (e *Encoder) Sample(epoch, i int) device.Sample {
	layout := Layout{Steps: e.in.Steps, Segment: e.in.Segment}
	if e.set.Duration > 0 {
		recording := e.set.Recording(i)
		if e.jitter != nil {
			recording = e.jitter.Events(nil, recording, epoch, i)
		}
		return device.Sample{Events: Recorded(nil, layout, recording, e.set.Duration)}
	}
	image := e.set.Image(i)
	if e.jitter != nil {
		image = e.jitter.Image(nil, image, epoch, i)
	}
	rates := func() []int32 { return Rates(nil, image, *e.in.Gain) }
	switch e.name {
	case "centered":
		return device.Sample{Words: Centered(nil, image)}
	case "regular":
		return device.Sample{Events: Regular(nil, layout, rates())}
	case "latency":
		return device.Sample{Events: Latency(nil, layout, rates())}
	case "poisson":
		return device.Sample{Events: Poisson(nil, layout, rates(), Draws(e.seed, epoch, i))}
	case "delta":
		return device.Sample{Events: e.delta.Events(nil, layout, image)}
	}
	return device.Sample{Bytes: image}
}

// Center is the byte that Centered makes 0.
const Center = 128

// Centered appends the elements b - 128 of an image to dst[:0]: with 7 fraction bits, values from -1 to 127/128.
func Centered(dst []int16, image []byte) []int16 {
	dst = slices.Grow(dst[:0], len(image))
	for _, b := range image {
		dst = append(dst, int16(b)-Center)
	}
	return dst
}

// Jitter shifts each sample by whole pixels, and with Flip mirrors it or not, differently in each epoch.
type Jitter struct {
	Rows, Cols, Channels int  // shape of the images, bytes in the order row, column, channel
	Pixels               int  // largest shift, at least 0
	Flip                 bool // exchange left and right of every other image, by chance
	Outside              byte // what comes in from outside
	Seed                 uint64
}

// draws are the two random words of image index of the set in an epoch:
// permute(permute(index, epoch) xor seed), permute of package fixed and the seed's low half on the first's side.
func (j Jitter) draws(epoch, index int) (a, b uint32) {
	a, b = fixed.Permute(uint32(index), uint32(epoch))
	return fixed.Permute(a^uint32(j.Seed), b^uint32(j.Seed>>32))
}

// Mirrored says whether image index of the set is mirrored in an epoch: with Flip, where the first word of permute of the
// draws is odd.
func (j Jitter) Mirrored(epoch, index int) bool {
	a, _ := fixed.Permute(j.draws(epoch, index))
	return j.Flip && a&1 == 1
}

// Offset returns the shift of image index of the set in an epoch: dx to the right and dy down, independent and uniform in
// -Pixels..Pixels.
//
// With the draws a and b, dx = floor(a·(2·Pixels+1) / 2^32) - Pixels and dy the same of b. The choices differ in probability by less than 2^-32.
func (j Jitter) Offset(epoch, index int) (dx, dy int) {
	a, b := j.draws(epoch, index)
	n := uint64(2*j.Pixels + 1)
	return int(uint64(a)*n>>32) - j.Pixels, int(uint64(b)*n>>32) - j.Pixels
}

// Image appends the changed image to dst[:0]: pixel (r, c) of the result is pixel (r-dy, c-dx) of the image or of its mirror
// image.
func (j Jitter) Image(dst, image []byte, epoch, index int) []byte {
	dx, dy := j.Offset(epoch, index)
	mirrored := j.Mirrored(epoch, index)
	dst = slices.Grow(dst[:0], len(image))
	for r := range j.Rows {
		for c := range j.Cols {
			sr, sc := r-dy, c-dx
			inside := sr >= 0 && sr < j.Rows && sc >= 0 && sc < j.Cols
			if mirrored {
				sc = j.Cols - 1 - sc
			}
			for k := range j.Channels {
				v := j.Outside
				if inside {
					v = image[(sr*j.Cols+sc)*j.Channels+k]
				}
				dst = append(dst, v)
			}
		}
	}
	return dst
}

// Events appends the changed recording to dst[:0]: its events where Image puts pixels, those that leave the frame left out.
func (j Jitter) Events(dst, recording []dataset.Event, epoch, index int) []dataset.Event {
	dx, dy := j.Offset(epoch, index)
	mirrored := j.Mirrored(epoch, index)
	dst = slices.Grow(dst[:0], len(recording))
	for _, e := range recording {
		pixel, k := int(e.Input)/j.Channels, int(e.Input)%j.Channels
		r, c := pixel/j.Cols, pixel%j.Cols
		if mirrored {
			c = j.Cols - 1 - c
		}
		if r, c = r+dy, c+dx; r >= 0 && r < j.Rows && c >= 0 && c < j.Cols {
			e.Input = uint16((r*j.Cols+c)*j.Channels + k)
			dst = append(dst, e)
		}
	}
	return dst
}
