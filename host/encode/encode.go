// Package encode turns the images of a dataset into the bytes that a sample carries. What it gives depends on its
// arguments only and is the same on every machine, so that two devices that learn the same samples learn the same thing.
package encode

import "github.com/nmc-fpga/nmc/compiler/fixed"

// Direct gives the image as it is: one unsigned byte an input, 0..255.
type Direct struct{}

// Encode appends the sample of an image to dst[:0]; epoch and index have no influence.
func (Direct) Encode(dst, image []byte, epoch, index int) []byte {
	return append(dst[:0], image...)
}

// Jitter shifts each image by whole pixels, differently in each epoch; what comes in from outside is 0.
type Jitter struct {
	Rows, Cols, Channels int // shape of the images, bytes in the order row, column, channel
	Pixels               int // largest shift, at least 0
	Seed                 uint64
}

// Offset returns the shift of image index of the set in an epoch: dx to the right and dy down, independent and uniform in
// -Pixels..Pixels.
//
// With (a, b) = permute(permute(index, epoch) xor seed), permute of package fixed and the seed's low half on a's side,
// dx = floor(a·(2·Pixels+1) / 2^32) - Pixels and dy the same of b. The choices differ in probability by less than 2^-32.
func (j Jitter) Offset(epoch, index int) (dx, dy int) {
	a, b := fixed.Permute(uint32(index), uint32(epoch))
	a, b = fixed.Permute(a^uint32(j.Seed), b^uint32(j.Seed>>32))
	n := uint64(2*j.Pixels + 1)
	return int(uint64(a)*n>>32) - j.Pixels, int(uint64(b)*n>>32) - j.Pixels
}

// Encode appends the shifted image to dst[:0]: pixel (r, c) of the result is pixel (r-dy, c-dx) of the image.
func (j Jitter) Encode(dst, image []byte, epoch, index int) []byte {
	dx, dy := j.Offset(epoch, index)
	dst = dst[:0]
	for r := range j.Rows {
		for c := range j.Cols {
			sr, sc := r-dy, c-dx
			inside := sr >= 0 && sr < j.Rows && sc >= 0 && sc < j.Cols
			for k := range j.Channels {
				v := byte(0)
				if inside {
					v = image[(sr*j.Cols+sc)*j.Channels+k]
				}
				dst = append(dst, v)
			}
		}
	}
	return dst
}
