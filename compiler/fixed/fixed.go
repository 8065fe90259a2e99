// Package fixed is the numeric contract: rounding, saturation, random draws, key derivation and the
// digest hash, written once for the Go simulator and obeyed by the Verilog to the last bit.
// docs/numerics.md says the same in prose; testdata vectors come from math/big.
package fixed

import "math/bits"

// Rounding says which 16-bit addend enters below the kept bits.
type Rounding uint8

const (
	Floor      Rounding = iota // addend 0: toward minus infinity
	Nearest                    // addend 0x8000: to nearest, ties toward plus infinity
	Stochastic                 // addend is a draw: up with probability equal to the discarded fraction
)

const (
	// AccBits is the width of an accumulator; sums wrap modulo 2^AccBits (the compiler proves that none does).
	AccBits = 48
	// MaxShift is the largest right shift of an instruction.
	MaxShift = 47
)

// Shift returns floor((p·2^(16-sh) + r) / 2^16), where p·2^(16-sh) is floored first: the single rounding of
// every product and accumulator. p has at most 48 signed bits, sh is 0..47, r is the addend of the rounding.
func Shift(p int64, sh uint, r uint16) int64 {
	return (p<<16>>sh + int64(r)) >> 16
}

// Sat16 clamps to [-32768, 32767].
func Sat16(x int64) int16 {
	return int16(min(max(x, -1<<15), 1<<15-1))
}

// Sat32 clamps to [-2^31, 2^31-1].
func Sat32(x int64) int32 {
	return int32(min(max(x, -1<<31), 1<<31-1))
}

// Wrap48 keeps the low 48 bits and sign-extends them.
func Wrap48(x int64) int64 { return x << 16 >> 16 }

// Clamp returns x limited to [lo, hi].
func Clamp(x, lo, hi int16) int16 { return min(max(x, lo), hi) }

// Overflows reports whether x leaves 16 bits through an end that the bounds leave open.
func Overflows(x int64, lo, hi int16) bool {
	return x > 1<<15-1 && hi == 1<<15-1 || x < -1<<15 && lo == -1<<15
}

// Rate returns the 16-bit factor of a rate register: its top half, with -32768 replaced by -32767 so
// that rate·v always fits 31 bits.
func Rate(reg int32) int32 { return max(reg>>16, -32767) }

// Table evaluates one piecewise-linear table: entry is the 256-entry segment of x, base in the low half and
// slope (the difference to the next base) in the high half; x[7:0] interpolates, rounded to nearest.
func Table(table []uint32, x int16) int16 {
	e := table[uint16(x)>>8^0x80]
	base, slope := int64(int16(e)), int64(int16(e>>16))
	return Sat16(Shift(base<<8+slope*int64(uint16(x)&0xff), 8, 0x8000))
}

// Weyl increments of the two axes of a draw's coordinates.
const (
	RowStep = 0x9e3779b1
	ColStep = 0x85ebca77
)

// Mix is the 32-bit mixing step of the draws: two shift-adds and two xor-shifts.
func Mix(x uint32) uint32 {
	x += x << 9
	x ^= x >> 11
	x += x << 13
	x ^= x >> 16
	return x
}

// Key is the random key that an instruction stream and a step select: one half for each axis.
type Key struct{ Row, Col uint32 }

// RowHash is the row half of a draw: Mix(key.Row + row·RowStep).
func (k Key) RowHash(row uint32) uint32 { return Mix(k.Row + row*RowStep) }

// ColHash is the column half of a draw, shared by a pair of columns: Mix(key.Col + pair·ColStep), pair = col/2.
func (k Key) ColHash(pair uint32) uint32 { return Mix(k.Col + pair*ColStep) }

// Draw returns the 16 uniform bits at (row, col): the low half of Mix(RowHash ^ ColHash) for even columns, the
// high half for odd ones.
func (k Key) Draw(row, col uint32) uint16 {
	return uint16(Mix(k.RowHash(row)^k.ColHash(col>>1)) >> (16 * (col & 1)))
}

// Rounds is the number of rounds of Permute.
const Rounds = 12

// Permute is a 64-bit permutation of (x, y): Rounds rounds of x = (x>>>8) + y ^ i, y = (y<<<3) ^ x with the round
// number i xored into x.
func Permute(x, y uint32) (uint32, uint32) {
	for i := range uint32(Rounds) {
		x = (bits.RotateLeft32(x, -8) + y) ^ i
		y = bits.RotateLeft32(y, 3) ^ x
	}
	return x, y
}

// MakeKey derives the key of a stream (0..255) at a step from the seed.
func MakeKey(seed uint32, stream uint8, step uint32) Key {
	x, y := Permute(step, seed^uint32(stream)<<24)
	return Key{x, y}
}

// DigestTerm is the term that one element adds (modulo 2^64) to the digest: the permutation of its logical
// index and of its tensor number and value, x in the high half.
func DigestTerm(tensor uint8, index uint32, value int16) uint64 {
	x, y := Permute(index, uint32(tensor)<<16|uint32(uint16(value)))
	return uint64(x)<<32 | uint64(y)
}
