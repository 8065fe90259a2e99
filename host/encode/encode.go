// Package encode turns the images of a dataset into the bytes that a sample carries. What it gives depends on its
// arguments only and is the same on every machine, so that two devices that learn the same samples learn the same thing.
package encode

import (
	"slices"

	"github.com/nmc-fpga/nmc/compiler/fixed"
)

// Direct gives the image as it is: one unsigned byte an input, 0..255.
type Direct struct{}

// Encode appends the sample of an image to dst[:0]; epoch and index have no influence.
func (Direct) Encode(dst, image []byte, epoch, index int) []byte {
	return append(dst[:0], image...)
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

// Jitter shifts each image by whole pixels, and with Flip mirrors it or not, differently in each epoch.
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

// Encode appends the changed image to dst[:0]: pixel (r, c) of the result is pixel (r-dy, c-dx) of the image or of its mirror
// image.
func (j Jitter) Encode(dst, image []byte, epoch, index int) []byte {
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
