package dataset

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The first outputs of PCG's own demo program, pcg32-demo, seeded with (42, 54).
func TestPCGMatchesReference(t *testing.T) {
	p := newPCG(42, 54)
	for i, want := range []uint32{0xa15c02b7, 0x7b47f409, 0xba1d3330, 0x83d2f293, 0xbfa4784b, 0xcbed606e} {
		if got := p.next(); got != want {
			t.Errorf("output %d is %#x, expected %#x", i, got, want)
		}
	}
}

// The first outputs of SplitMix64 from state 0 and state 1234567.
func TestMix64MatchesReference(t *testing.T) {
	for in, want := range map[uint64]uint64{0: 0xe220a8397b1dcdaf, 1234567: 6457827717110365317} {
		if got := mix64(in); got != want {
			t.Errorf("mix64(%d) = %d, expected %d", in, got, want)
		}
	}
}

// The order is part of what a run learns: a change here changes every digest.
func TestOrderIsPinned(t *testing.T) {
	for _, c := range []struct {
		seed     uint64
		epoch, n int
		want     []int
	}{
		{1, 0, 10, []int{9, 4, 1, 7, 3, 2, 5, 6, 0, 8}},
		{1, 1, 10, []int{4, 5, 2, 9, 7, 1, 0, 6, 3, 8}},
		{0xffffffffffffffff, 3, 10, []int{2, 1, 5, 0, 9, 3, 4, 7, 6, 8}},
		{5, 5, 1, []int{0}},
		{5, 5, 0, []int{}},
	} {
		if got := Order(c.seed, c.epoch, c.n); !slices.Equal(got, c.want) {
			t.Errorf("Order(%d, %d, %d) = %v, expected %v", c.seed, c.epoch, c.n, got, c.want)
		}
	}
}

func TestOrderIsAPermutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 500).Draw(t, "n")
		got := Order(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 100).Draw(t, "epoch"), n)
		slices.Sort(got)
		for i, v := range got {
			if v != i {
				t.Fatalf("%d is not in the order of %d", i, n)
			}
		}
	})
}

// All 24 orders of four come about equally often, over seeds and over epochs.
func TestOrderIsUniform(t *testing.T) {
	const n = 24000
	for name, at := range map[string]func(i int) []int{
		"seeds":  func(i int) []int { return Order(uint64(i), 0, 4) },
		"epochs": func(i int) []int { return Order(1, i, 4) },
	} {
		count := map[[4]int]int{}
		for i := range n {
			count[[4]int(at(i))]++
		}
		chi2 := 0.0
		for _, c := range count {
			chi2 += float64((c-n/24)*(c-n/24)) / (n / 24)
		}
		if len(count) != 24 || chi2 > 58 { // 23 degrees of freedom: exceeded once in 15,000
			t.Errorf("over %s: %d orders, chi-squared %.1f", name, len(count), chi2)
		}
	}
}

// Without drawing again, a bound of 3·2^30 would give multiples of three twice as often as other numbers.
func TestBelowIsUnbiased(t *testing.T) {
	const n = 30000
	p, count := newPCG(1, 1), [3]int{}
	for range n {
		x := p.below(3 << 30)
		if x >= 3<<30 {
			t.Fatalf("%d is not below %d", x, uint32(3<<30))
		}
		count[x%3]++
	}
	for r, c := range count {
		if c < n/3-500 || c > n/3+500 { // 6 standard deviations
			t.Errorf("%d of %d draws are %d modulo 3", c, n, r)
		}
	}
}
