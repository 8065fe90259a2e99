package kernels

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"pgregory.net/rapid"
)

// element draws 16-bit elements with the extremes and zero over-represented.
func element() *rapid.Generator[int16] {
	return rapid.OneOf(
		rapid.Int16(),
		rapid.Int16Range(-8, 8),
		rapid.SampledFrom([]int16{0, 0, 0, 1, -1, 255, -32768, -32767, 32767}),
	)
}

// elements fills n elements from a drawn mixture; drawing each from rapid would be slow.
func elements(t *rapid.T, n int, name string) []int16 {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, name), 1))
	kind := rapid.IntRange(0, 4).Draw(t, name+" kind")
	xs := make([]int16, n)
	for i := range xs {
		switch kind {
		case 0:
			xs[i] = int16(r.Uint32())
		case 1:
			if r.IntN(4) == 0 {
				xs[i] = int16(r.IntN(256))
			}
		case 2:
			xs[i] = -32768
		case 3:
			xs[i] = []int16{-32768, 32767, 0, -1, 1}[r.IntN(5)]
		case 4:
			xs[i] = int16(r.IntN(8191) - 4095)
		}
	}
	return xs
}

// Each test below runs for every set.
var sets = []Set{Portable, Best()}

func TestMacBAgainstBig(t *testing.T) {
	for _, set := range sets {
		t.Run(set.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				cols := Block * rapid.IntRange(0, 9).Draw(t, "blocks")
				stride := cols + rapid.IntRange(0, 3).Draw(t, "gap")
				n := rapid.IntRange(0, 70).Draw(t, "rows")
				w, s := elements(t, n*stride+Block, "w"), elements(t, n, "s")
				rows := make([]int32, n)
				for i := range rows {
					rows[i] = int32(i * stride)
				}
				acc := make([]int64, cols)
				for i := range acc {
					acc[i] = int64(i) - 5
				}
				var e Events
				e.Set(rows, s)
				set.MacB(acc, w, &e)
				for c := range acc {
					want := big.NewInt(int64(c) - 5)
					for k := range s {
						want.Add(want, new(big.Int).Mul(big.NewInt(int64(s[k])), big.NewInt(int64(w[k*stride+c]))))
					}
					if want.Cmp(big.NewInt(acc[c])) != 0 {
						t.Fatalf("column %d: got %d, want %v", c, acc[c], want)
					}
				}
			})
		})
	}
}

func TestMacRAgainstBig(t *testing.T) {
	for _, set := range sets {
		t.Run(set.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				cols := rapid.IntRange(1, 150).Draw(t, "cols")
				n := rapid.IntRange(0, 11).Draw(t, "rows")
				w, x := elements(t, n*cols+Block, "w"), elements(t, cols, "v")
				rows := make([]int32, n)
				for i := range rows {
					rows[i] = int32((n - 1 - i) * cols)
				}
				acc := make([]int64, n)
				var v Vector
				v.Set(x)
				set.MacR(acc, w, rows, &v)
				for i := range acc {
					want := new(big.Int)
					for c := range x {
						want.Add(want, new(big.Int).Mul(big.NewInt(int64(x[c])), big.NewInt(int64(w[int(rows[i])+c]))))
					}
					if want.Cmp(big.NewInt(acc[i])) != 0 {
						t.Fatalf("row %d: got %d, want %v", i, acc[i], want)
					}
				}
			})
		})
	}
}

// wantUpdate is one element of an update in math/big, from docs/numerics.md.
func wantUpdate(u *Update, w int16, product *big.Int, addend int64) int16 {
	sat := func(x *big.Int) int64 {
		if x.Cmp(big.NewInt(-1<<15)) < 0 {
			return -1 << 15
		}
		if x.Cmp(big.NewInt(1<<15-1)) > 0 {
			return 1<<15 - 1
		}
		return x.Int64()
	}
	t := new(big.Int).Lsh(product, 16)
	t.Rsh(t, u.Shift) // floor, as big.Int shifts two's complement
	t.Add(t, big.NewInt(addend))
	delta := sat(t.Rsh(t, 16))
	clamp := func(x int64) int16 { return int16(min(max(x, int64(u.Lo)), int64(u.Hi))) }
	switch {
	case u.Assign:
		return clamp(delta)
	case delta != 0:
		return clamp(sat(big.NewInt(int64(w) + delta)))
	}
	return w
}

// drawUpdate draws an update of n rows and everything that it reads.
func drawUpdate(t *rapid.T) (u *Update, w []int16, rows []int32, h []uint32, x []int32) {
	n := rapid.IntRange(1, 6).Draw(t, "rows")
	cols := rapid.IntRange(1, 70).Draw(t, "cols")
	stride := cols + rapid.IntRange(0, 20).Draw(t, "gap")
	u = &Update{
		Form:  Form(rapid.IntRange(0, 3).Draw(t, "form")),
		N:     cols,
		Shift: uint(rapid.IntRange(0, 47).Draw(t, "shift")),
		Round: fixed.Rounding(rapid.IntRange(0, 2).Draw(t, "round")),
		Lo:    -1 << 15,
		Hi:    1<<15 - 1,
	}
	if rapid.Bool().Draw(t, "bounded") {
		u.Lo, u.Hi = element().Draw(t, "lo"), element().Draw(t, "hi")
	}
	rate := fixed.Rate(int32(element().Draw(t, "rate")) << 16)
	w = elements(t, n*stride+Block, "w")
	u.G = make([]uint32, Pad(cols)/2)
	Portable.Hash(u.G, rapid.Uint32().Draw(t, "key"), fixed.ColStep)
	lane := elements(t, cols+Block, "v")
	s := elements(t, n, "s")
	for i := range n {
		rows = append(rows, int32(i*stride))
		h = append(h, uint32(i)*fixed.RowStep)
		switch u.Form {
		case Rank1, Pull:
			x = append(x, int32(s[i]))
		case Across:
			x = append(x, rate*int32(s[i]))
		case Blend:
			x = append(x, int32(n-1-i)*int32(stride))
		}
	}
	switch u.Form {
	case Rank1, Pull:
		for _, v := range lane[:cols] {
			u.P = append(u.P, rate*int32(v))
		}
	case Across:
		u.V = lane[:cols]
	case Blend:
		u.Rate = rate
		u.M = elements(t, n*stride+Block, "m")
		u.Assign = rapid.Bool().Draw(t, "assign")
	}
	u.Prepare(x)
	return
}

func TestUpdateAgainstBig(t *testing.T) {
	for _, set := range sets {
		t.Run(set.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				u, w, rows, h, x := drawUpdate(t)
				want := slices.Clone(w)
				for i, r := range rows {
					for c := range u.N {
						e := &want[int(r)+c]
						var product *big.Int
						times := func(a, b int64) *big.Int { return new(big.Int).Mul(big.NewInt(a), big.NewInt(b)) }
						switch u.Form {
						case Rank1:
							product = times(int64(u.P[c]), int64(x[i]))
						case Pull:
							product = times(int64(u.P[c]), int64(fixed.Sat16(int64(x[i])-int64(*e))))
						case Across:
							product = times(int64(x[i]), int64(fixed.Sat16(int64(u.V[c])-int64(*e))))
						case Blend:
							product = times(int64(u.Rate), int64(u.M[int(x[i])+c]))
						}
						addend := int64(0)
						switch u.Round {
						case fixed.Nearest:
							addend = 0x8000
						case fixed.Stochastic:
							addend = int64(fixed.Mix(h[i]^u.G[c/2])) >> (16 * (c & 1)) & 0xffff
						}
						*e = wantUpdate(u, *e, product, addend)
					}
				}
				set.Update(w, u, rows, h, x)
				for i := range w {
					if w[i] != want[i] {
						t.Fatalf("element %d: got %d, want %d (fast %v)", i, w[i], want[i], u.plan.fast)
					}
				}
			})
		})
	}
}

func TestDrawsAndHashesFollowTheContract(t *testing.T) {
	for _, set := range sets {
		t.Run(set.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				key := fixed.MakeKey(rapid.Uint32().Draw(t, "seed"), 3, rapid.Uint32().Draw(t, "step"))
				n := Block * rapid.IntRange(0, 5).Draw(t, "blocks")
				row := rapid.Uint32().Draw(t, "row")
				g, d, s := make([]uint32, n/2), make([]int16, n), make([]int16, n)
				set.Hash(g, key.Col, fixed.ColStep)
				set.Draw(d, g, key.RowHash(row))
				set.Sign(s, g, key.RowHash(row))
				for c := range d {
					want := int16(key.Draw(row, uint32(c)))
					wantSign := int16(1)
					if want < 0 {
						wantSign = -1
					}
					if d[c] != want || s[c] != wantSign {
						t.Fatalf("column %d: draw %d and sign %d, want %d and %d", c, d[c], s[c], want, wantSign)
					}
				}
			})
		})
	}
}

// The assembly must serve the usual magnitudes of training, or the simulator is slow without anybody noticing.
func TestUsualUpdatesAreFast(t *testing.T) {
	for _, c := range []struct {
		name       string
		shift      uint
		maxP, maxX int32
		want       bool
	}{
		{"pixels, 13-bit deltas, 15-bit rate", 30, 32767 * 4095, 255, true},
		{"small shift", 20, 300 * 1024, 255, true},
		{"hidden units", 36, 32767 * 8191, 8191, true},
		{"everything extreme, shift 32", 32, 32767 * 32767, 32767, true},
		{"delta beyond 16 bits", 16, 1 << 20, 32767, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := &Update{N: 1, P: []int32{c.maxP}, Shift: c.shift}
			u.Prepare([]int32{c.maxX})
			if u.plan.fast != c.want {
				t.Errorf("fast %v, want %v", u.plan.fast, c.want)
			}
		})
	}
}
