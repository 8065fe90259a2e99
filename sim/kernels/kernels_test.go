package kernels

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/firmware/isa"
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
				rows := make([]int32, n, n+1)
				for i := range rows {
					rows[i] = int32(i * stride)
				}
				acc := make([]int64, cols)
				for i := range acc {
					acc[i] = int64(i) - 5
				}
				var e Events
				e.Set(rows, slices.Grow(s, 1))
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
func drawUpdate(t *rapid.T, set Set) (u *Update, w []int16, r Rows) {
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
	u.Rate = fixed.Rate(int32(element().Draw(t, "rate")) << 16)
	w = elements(t, n*stride+Block, "w")
	u.G = make([]uint32, Pad(cols)/2)
	Portable.Hash(u.G, rapid.Uint32().Draw(t, "key"), fixed.ColStep)
	for i := range n {
		r.W = append(r.W, int32(i*stride))
		r.H = append(r.H, uint32(i)*fixed.RowStep)
		if u.Form == Blend {
			r.M = append(r.M, int32((n-1-i)*stride))
		}
	}
	if u.Form == Blend {
		u.M = elements(t, n*stride+Block, "m")
		u.Assign = rapid.Bool().Draw(t, "assign")
	} else {
		u.V = elements(t, cols, "v")
		r.S = elements(t, n, "s")
	}
	set.Prepare(u, r.S)
	return u, w, r
}

func TestUpdateAgainstBig(t *testing.T) {
	for _, set := range sets {
		t.Run(set.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				u, w, r := drawUpdate(t, set)
				want := slices.Clone(w)
				for i, at := range r.W {
					for c := range u.N {
						e := &want[int(at)+c]
						var product *big.Int
						times := func(b int64, a ...int16) *big.Int {
							y := big.NewInt(b)
							for _, x := range a {
								y.Mul(y, big.NewInt(int64(x)))
							}
							return y
						}
						switch u.Form {
						case Rank1:
							product = times(int64(u.Rate), u.V[c], r.S[i])
						case Pull:
							product = times(int64(u.Rate), u.V[c], fixed.Sat16(int64(r.S[i])-int64(*e)))
						case Across:
							product = times(int64(u.Rate), r.S[i], fixed.Sat16(int64(u.V[c])-int64(*e)))
						case Blend:
							product = times(int64(u.Rate), u.M[int(r.M[i])+c])
						}
						addend := int64(0)
						switch u.Round {
						case fixed.Nearest:
							addend = 0x8000
						case fixed.Stochastic:
							addend = int64(fixed.Mix(r.H[i]^u.G[c/2])) >> (16 * (c & 1)) & 0xffff
						}
						*e = wantUpdate(u, *e, product, addend)
					}
				}
				set.Update(w, u, r)
				for i := range w {
					if w[i] != want[i] {
						t.Fatalf("element %d: got %d, want %d", i, w[i], want[i])
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

func TestScalarsOfAVector(t *testing.T) {
	for _, set := range sets {
		t.Run(set.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				x := elements(t, rapid.IntRange(0, 70).Draw(t, "n"), "x")
				base := rapid.Int32Range(0, 1<<20).Draw(t, "base")
				index, scalars := make([]int32, len(x)+Slack), make([]int16, len(x)+Slack)
				n := set.Gather(index, scalars, x, base)
				var wantIndex []int32
				var want []int16
				for i, s := range x {
					if s != 0 {
						wantIndex, want = append(wantIndex, base+int32(i)), append(want, s)
					}
				}
				if !slices.Equal(index[:n], wantIndex) || !slices.Equal(scalars[:n], want) {
					t.Fatalf("got %v %v, want %v %v", index[:n], scalars[:n], wantIndex, want)
				}
				start, step := rapid.Int32Range(0, 1<<20).Draw(t, "start"), rapid.Int32Range(0, 500).Draw(t, "step")
				rows, hashes := make([]int32, n), make([]uint32, n)
				set.Affine(rows, index[:n], start, step)
				set.HashAt(hashes, index[:n], uint32(start), fixed.RowStep)
				for i, k := range wantIndex {
					if rows[i] != start+k*step || hashes[i] != (fixed.Key{Row: uint32(start)}).RowHash(uint32(k)) {
						t.Fatalf("index %d: row %d, hash %x", k, rows[i], hashes[i])
					}
				}
			})
		})
	}
}

// big16 is sat16 for big numbers.
func big16(x *big.Int) int16 {
	switch {
	case x.Cmp(big.NewInt(-1<<15)) < 0:
		return -1 << 15
	case x.Cmp(big.NewInt(1<<15-1)) > 0:
		return 1<<15 - 1
	}
	return int16(x.Int64())
}

// bigRound is the rounding of docs/numerics.md.
func bigRound(p *big.Int, shift uint, addend uint16) *big.Int {
	t := new(big.Int).Lsh(p, 16)
	t.Rsh(t, shift)
	t.Add(t, big.NewInt(int64(addend)))
	return t.Rsh(t, 16)
}

// overflows says whether x leaves 16 bits through an end that is open.
func overflows(x *big.Int, lo, hi int16) bool {
	return hi == 1<<15-1 && x.Cmp(big.NewInt(1<<15-1)) > 0 || lo == -1<<15 && x.Cmp(big.NewInt(-1<<15)) < 0
}

func drawBounds(t *rapid.T) (lo, hi int16) {
	bound := rapid.OneOf(rapid.Int16(), rapid.SampledFrom([]int16{-32768, 0, 32767}))
	return bound.Draw(t, "lo"), bound.Draw(t, "hi")
}

func drawOperand(t *rapid.T, n int, name string) Operand {
	if rapid.Bool().Draw(t, name+" is a vector") {
		return Operand{X: elements(t, n, name)}
	}
	return Operand{Const: element().Draw(t, name)}
}

func TestNarrowAgainstBig(t *testing.T) {
	for _, set := range sets {
		t.Run(set.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				n := rapid.IntRange(0, 70).Draw(t, "n")
				shift := uint(rapid.IntRange(0, 47).Draw(t, "shift"))
				lo, hi := drawBounds(t)
				addend := drawOperand(t, n, "addend")
				wide := rapid.IntRange(0, 47).Draw(t, "bits")
				acc, dst := make([]int64, Pad(n)), make([]int16, n)
				r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "acc"), 3))
				for i := range acc {
					acc[i] = int64(r.Uint64()) >> (63 - wide)
				}
				got, want := set.Narrow(dst, acc, addend, shift, lo, hi), uint32(0)
				for i := range dst {
					y := bigRound(big.NewInt(acc[i]), shift, uint16(addend.At(i)))
					if overflows(y, lo, hi) {
						want++
					}
					if w := min(max(big16(y), lo), hi); dst[i] != w {
						t.Fatalf("element %d: got %d, want %d", i, dst[i], w)
					}
				}
				if got != want {
					t.Fatalf("%d overflows, want %d", got, want)
				}
			})
		})
	}
}

func TestVecAgainstBig(t *testing.T) {
	for _, set := range sets {
		t.Run(set.Name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				n := rapid.IntRange(0, 70).Draw(t, "n")
				f := Function{
					Fn:     rapid.IntRange(0, 4).Draw(t, "function"),
					Shift:  uint(rapid.IntRange(0, 47).Draw(t, "shift")),
					A:      drawOperand(t, n, "a"),
					B:      drawOperand(t, n, "b"),
					C:      drawOperand(t, n, "c"),
					Addend: drawOperand(t, n, "addend"),
				}
				f.Lo, f.Hi = drawBounds(t)
				dst := make([]int16, n)
				if f.A.X != nil && rapid.Bool().Draw(t, "in place") {
					dst = f.A.X
					f.A.X = slices.Clone(dst)
					g := f
					g.A.X = dst
					if got := set.Vec(dst, g); got != Portable.Vec(slices.Clone(dst), f) {
						t.Fatalf("%d overflows in place", got)
					}
				} else {
					set.Vec(dst, f)
				}
				again := make([]int16, n)
				got, want := set.Vec(again, f), uint32(0)
				for i := range n {
					a, b, c := f.A.At(i), f.B.At(i), f.C.At(i)
					var y int16
					switch f.Fn {
					case isa.FnMac:
						p := bigRound(new(big.Int).Mul(big.NewInt(int64(a)), big.NewInt(int64(b))), f.Shift, uint16(f.Addend.At(i)))
						sum := new(big.Int).Add(big.NewInt(int64(big16(p))), big.NewInt(int64(c)))
						if overflows(p, f.Lo, f.Hi) || overflows(sum, f.Lo, f.Hi) {
							want++
						}
						y = big16(sum)
					case isa.FnMin:
						y = min(a, c)
					case isa.FnMax:
						y = max(a, c)
					case isa.FnGe:
						if y = f.Lo; a >= c {
							y = f.Hi
						}
					case isa.FnSel:
						if y = c; a != 0 {
							y = b
						}
					}
					if f.Fn != isa.FnGe {
						y = min(max(y, f.Lo), f.Hi)
					}
					if dst[i] != y || again[i] != y {
						t.Fatalf("element %d: got %d and %d, want %d", i, dst[i], again[i], y)
					}
				}
				if got != want {
					t.Fatalf("%d overflows, want %d", got, want)
				}
			})
		})
	}
}
