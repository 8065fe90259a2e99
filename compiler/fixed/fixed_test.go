package fixed

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"
)

// floorShift returns floor(x · 2^n) for any sign of n, exactly.
func floorShift(x *big.Int, n int) *big.Int {
	if n >= 0 {
		return new(big.Int).Lsh(x, uint(n))
	}
	return new(big.Int).Rsh(x, uint(-n)) // rounds toward minus infinity
}

// bigShift is docs/numerics.md: floor((floor(p · 2^(16-sh)) + r) / 2^16).
func bigShift(p int64, sh uint, r uint16) *big.Int {
	x := floorShift(big.NewInt(p), 16-int(sh))
	return floorShift(x.Add(x, big.NewInt(int64(r))), -16)
}

func TestShiftAgainstBig(t *testing.T) {
	edges := []int64{0, 1, -1, 1<<15 - 1, 1 << 15, -1 << 15, 1<<31 - 1, -1 << 31, 1<<47 - 1, -1 << 47}
	rng := rand.New(rand.NewPCG(1, 2))
	for sh := range uint(MaxShift + 1) {
		for _, r := range []uint16{0, 1, 0x7fff, 0x8000, 0xffff, uint16(rng.Uint32())} {
			values := append([]int64{}, edges...)
			for range 50 {
				values = append(values, int64(rng.Uint64())>>(17+rng.IntN(47)))
			}
			// Ties and their neighbours.
			for _, k := range []int64{-3, -1, 1, 3} {
				if sh > 0 {
					half := k << (sh - 1)
					values = append(values, half-1, half, half+1)
				}
			}
			for _, p := range values {
				if p < -1<<47 || p >= 1<<47 {
					continue
				}
				if got, want := Shift(p, sh, r), bigShift(p, sh, r); want.Cmp(big.NewInt(got)) != 0 {
					t.Fatalf("Shift(%d, %d, %#x) = %d, want %v", p, sh, r, got, want)
				}
			}
		}
	}
}

func TestShiftRoundsByTheBook(t *testing.T) {
	for _, c := range []struct {
		p    int64
		sh   uint
		r    uint16
		want int64
	}{
		{5, 1, 0, 2}, {-5, 1, 0, -3}, // floor
		{5, 1, 0x8000, 3}, {-5, 1, 0x8000, -2}, {-7, 2, 0x8000, -2}, {-6, 2, 0x8000, -1}, // nearest, ties up
		{1, 4, 0xefff, 0}, {1, 4, 0xf000, 1}, // stochastic: 1/16 is reached by 1/16 of the draws
		{7, 0, 0xffff, 7}, // nothing is discarded
	} {
		if got := Shift(c.p, c.sh, c.r); got != c.want {
			t.Errorf("Shift(%d, %d, %#x) = %d, want %d", c.p, c.sh, c.r, got, c.want)
		}
	}
}

// TestStochasticIsFair: over all draws the mean of the roundings is the value itself, to 2^-16.
func TestStochasticIsFair(t *testing.T) {
	for _, p := range []int64{1, 3, 1000, -1, -77, 1<<20 + 12345} {
		const sh = 10
		sum := int64(0)
		for r := range 1 << 16 {
			sum += Shift(p, sh, uint16(r))
		}
		if want := float64(p) / (1 << sh); math.Abs(float64(sum)/(1<<16)-want) > 1.0/(1<<16) {
			t.Errorf("mean of the roundings of %d / 2^%d is %v, want %v", p, sh, float64(sum)/(1<<16), want)
		}
	}
}

func TestSaturation(t *testing.T) {
	for _, c := range []struct {
		x   int64
		s16 int16
		s32 int32
	}{
		{0, 0, 0}, {32767, 32767, 32767}, {32768, 32767, 32768}, {-32768, -32768, -32768}, {-32769, -32768, -32769},
		{1 << 31, 32767, 1<<31 - 1}, {1<<31 - 1, 32767, 1<<31 - 1}, {-1 << 31, -32768, -1 << 31}, {-1<<31 - 1, -32768, -1 << 31},
	} {
		if got := Sat16(c.x); got != c.s16 {
			t.Errorf("Sat16(%d) = %d, want %d", c.x, got, c.s16)
		}
		if got := Sat32(c.x); got != c.s32 {
			t.Errorf("Sat32(%d) = %d, want %d", c.x, got, c.s32)
		}
	}
	for _, c := range []struct{ x, want int64 }{{1<<47 - 1, 1<<47 - 1}, {1 << 47, -1 << 47}, {-1<<47 - 1, 1<<47 - 1}, {1 << 48, 0}} {
		if got := Wrap48(c.x); got != c.want {
			t.Errorf("Wrap48(%d) = %d, want %d", c.x, got, c.want)
		}
	}
	for _, c := range []struct{ reg, want int32 }{{0x7fff0000, 0x7fff}, {-1 << 31, -32767}, {-0x7fff0000, -32767}, {-1, -1}, {0xffff, 0}} {
		if got := Rate(c.reg); got != c.want {
			t.Errorf("Rate(%#x) = %d, want %d", uint32(c.reg), got, c.want)
		}
	}
}

func TestTableAgainstBig(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	table := make([]uint32, 256)
	for i := range table {
		table[i] = rng.Uint32()
	}
	for x := math.MinInt16; x <= math.MaxInt16; x++ {
		e := table[(x>>8)+128]
		p := int64(int16(e))*256 + int64(int16(e>>16))*int64(x&255)
		y := bigShift(p, 8, 0x8000)
		want := min(max(y.Int64(), -32768), 32767)
		if got := Table(table, int16(x)); int64(got) != want {
			t.Fatalf("Table(%d) = %d, want %d", x, got, want)
		}
	}
}

// The values of this test were computed by another program from the formulas of docs/numerics.md.
func TestDraws(t *testing.T) {
	at := [][2]uint32{{0, 0}, {0, 1}, {3, 2}, {784, 63}, {8191, 8190}}
	for _, c := range []struct {
		seed   uint32
		stream uint8
		step   uint32
		key    Key
		draws  []uint16
	}{
		{0x0, 0, 0x0, Key{0xd53d579, 0xd6241590}, []uint16{0x538c, 0x43c8, 0x6f31, 0xe255, 0xad53}},
		{0x1, 0, 0x0, Key{0x9e5814fc, 0xe763116c}, []uint16{0x97b7, 0x4d22, 0xf782, 0x48f4, 0x9a64}},
		{0x1, 7, 0x3039, Key{0xc1dee4dc, 0x20cb870b}, []uint16{0x9961, 0xf63d, 0x8d09, 0xa99e, 0x4df7}},
		{0xffffffff, 255, 0x80000000, Key{0x2e014c44, 0xe218250a}, []uint16{0x7022, 0x41f4, 0xb1cb, 0x5488, 0xdf6e}},
	} {
		k := MakeKey(c.seed, c.stream, c.step)
		if k != c.key {
			t.Errorf("MakeKey(%#x, %d, %#x) = %#x, want %#x", c.seed, c.stream, c.step, k, c.key)
		}
		for i, p := range at {
			if got := k.Draw(p[0], p[1]); got != c.draws[i] {
				t.Errorf("key %#x: Draw(%d, %d) = %#04x, want %#04x", k, p[0], p[1], got, c.draws[i])
			}
		}
	}
}

// The values of this test were computed by another program from the formulas of docs/numerics.md.
func TestDigestTerm(t *testing.T) {
	for _, c := range []struct {
		tensor uint8
		index  uint32
		value  int16
		want   uint64
	}{
		{0, 0, 0, 0xd53d579d6241590},
		{0, 1, 1, 0x956065e0adf80f6e},
		{1, 0, 1, 0xfb285cd0e885ec30},
		{3, 100000, -1, 0xdecdbd7dd100a584},
		{255, 4294967295, -32768, 0xa93836cb11397ebf},
	} {
		if got := DigestTerm(c.tensor, c.index, c.value); got != c.want {
			t.Errorf("DigestTerm(%d, %d, %d) = %#x, want %#x", c.tensor, c.index, c.value, got, c.want)
		}
	}
}

// TestPermuteIsAPermutation undoes it: no two states meet, so no two elements share a digest term.
func TestPermuteIsAPermutation(t *testing.T) {
	undo := func(x, y uint32) (uint32, uint32) {
		for i := Rounds - 1; i >= 0; i-- {
			y ^= x
			y = y>>3 | y<<29
			x = (x ^ uint32(i)) - y
			x = x<<8 | x>>24
		}
		return x, y
	}
	rng := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		x, y := rng.Uint32(), rng.Uint32()
		if a, b := undo(Permute(x, y)); a != x || b != y {
			t.Fatalf("undo(Permute(%#x, %#x)) = %#x, %#x", x, y, a, b)
		}
	}
}

// TestDrawsAreUniform: the halves of many draws have the mean and variance of uniform bits, and neighbours are unrelated.
func TestDrawsAreUniform(t *testing.T) {
	k := MakeKey(1, 2, 3)
	const n = 1 << 16
	var sum, square, cross float64
	last := 0.0
	for i := range uint32(n) {
		d := float64(k.Draw(i>>8, i&255))/(1<<16) - 0.5
		sum += d
		square += d * d
		cross += d * last
		last = d
	}
	// Standard deviations of the three statistics for uniform, independent draws.
	for _, c := range []struct {
		name           string
		got, want, dev float64
	}{
		{"mean", sum / n, 0, math.Sqrt(1.0 / 12 / n)},
		{"variance", square / n, 1.0 / 12, math.Sqrt(1.0 / 180 / n)},
		{"correlation of neighbours", cross / n, 0, 1.0 / 12 / math.Sqrt(n)},
	} {
		if math.Abs(c.got-c.want) > 5*c.dev {
			t.Errorf("%s is %v, want %v ± %v", c.name, c.got, c.want, c.dev)
		}
	}
}
