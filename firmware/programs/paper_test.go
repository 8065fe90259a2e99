// Package programs_test runs the programs of this folder that were written by hand, on random data, against plain Go.
package programs_test

import (
	"math/rand/v2"
	"os"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/firmware/asm"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/image"
	"github.com/nmc-fpga/nmc/sim"
)

const lanes = 16

// bench is a machine with a program loaded, and its memories as plain elements.
type bench struct {
	*testing.T
	m *sim.Machine
}

// load assembles a program and puts it, its registers and the given vectors (by word address) and weights in a machine.
func load(t *testing.T, file string, inStride uint16, vectors, weights map[int][]int16) bench {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := asm.Assemble(file, src)
	if err != nil {
		t.Fatal(err)
	}
	cfg := device.Config{Lanes: lanes, WeightDepth: 1 << 14, VectorDepth: 1 << 12, ProgramDepth: 256, WeightPorts: 2, FrameBytes: 1024}
	img := &image.Image{Config: cfg}
	var code []uint16
	for _, w := range p.Words {
		h := w.Halfwords()
		code = append(code, h[:]...)
	}
	add := func(space device.Space, addr int, data ...uint16) {
		img.Sections = append(img.Sections, image.Section{Space: space, Addr: uint32(addr), Data: data})
	}
	add(device.Program, 0, code...)
	add(device.Control, device.ControlInBase, 0, 0, inStride, 0)
	for _, r := range p.Registers {
		add(device.Registers, 2*r.Index, uint16(r.Value), uint16(uint32(r.Value)>>16))
	}
	for at, v := range vectors {
		add(device.Vectors, at*lanes, bits(v)...)
	}
	for at, v := range weights {
		add(device.Weights, at*lanes, bits(v)...)
	}
	m, err := sim.New(cfg, sim.WithReference())
	if err != nil {
		t.Fatal(err)
	}
	if err := img.Load(m); err != nil {
		t.Fatal(err)
	}
	return bench{t, m}
}

func bits(v []int16) []uint16 {
	u := make([]uint16, len(v))
	for i, x := range v {
		u[i] = uint16(x)
	}
	return u
}

func (b bench) run(e device.Entry, label int, sample []byte) device.Result {
	b.Helper()
	if err := b.m.Submit(device.Run{Entry: e, Label: uint16(label), Sample: device.Sample{Bytes: sample}}); err != nil {
		b.Fatal(err)
	}
	r, err := b.m.Result()
	if err != nil {
		b.Fatal(err)
	}
	return r
}

// matrix reads rows of cols elements that start at a word each stride words apart.
func (b bench) matrix(space device.Space, word, stride, rows, cols int) [][]int16 {
	b.Helper()
	out := make([][]int16, rows)
	for k := range out {
		h, err := b.m.Read(space, uint32((word+k*stride)*lanes), cols)
		if err != nil {
			b.Fatal(err)
		}
		out[k] = make([]int16, cols)
		for c := range out[k] {
			out[k][c] = int16(h[c])
		}
	}
	return out
}

func (b bench) equal(what string, got, want [][]int16) {
	b.Helper()
	for k := range want {
		for c := range want[k] {
			if got[k][c] != want[k][c] {
				b.Fatalf("%s[%d,%d] = %d, want %d", what, k, c, got[k][c], want[k][c])
			}
		}
	}
}

// pixels draws a sample in which about one pixel in oneIn is not black.
func pixels(rng *rand.Rand, n, oneIn int) []byte {
	x := make([]byte, n)
	for i := range x {
		if rng.IntN(oneIn) == 0 {
			x[i] = byte(rng.IntN(256))
		}
	}
	return x
}

// nearest and stochastic roundings of numerics.md, written out once more.
func near(p int64, sh uint) int64 {
	if sh == 0 {
		return p
	}
	return (p + 1<<(sh-1)) >> sh
}

func clamp(x int64, lo, hi int64) int64 { return min(max(x, lo), hi) }

// update is one weight's step: the full product, rounded once by the draw at (k, c).
func update(w *int16, product int64, sh uint, key fixed.Key, k, c int, lo, hi int64) {
	d := clamp(fixed.Shift(product, sh, key.Draw(uint32(k), uint32(c))), -1<<15, 1<<15-1)
	if d != 0 {
		*w = int16(clamp(clamp(int64(*w)+d, -1<<15, 1<<15-1), lo, hi))
	}
}

const full = 1<<15 - 1

// The convolution: forward, backward and the updated weights of two samples, against loops over positions.
func TestConvolution(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 8))
	const positions = 576
	target := make([]int16, positions*lanes)
	for i := range target {
		target[i] = int16(rng.IntN(4096) - 1024)
	}
	ones := make([]int16, positions)
	for i := range ones {
		ones[i] = 256
	}
	b := load(t, "conv.asm", 49*lanes, map[int][]int16{98: {256}, 100: ones, 309: target}, nil)
	b.run(device.Init, 0, nil)
	w := b.matrix(device.Weights, 0, 1, 26, 8)
	moved, clock := 0, uint32(0)
	for range 2 {
		x := pixels(rng, 784, 4)
		b.run(device.Learn, 0, x)
		h, d := make([][]int16, positions), make([][]int16, positions)
		dx := make([][]int16, 1)
		dx[0] = make([]int16, 784)
		sum := make([]int64, 784)
		var g [26][8]int64
		for p := range positions {
			h[p], d[p] = make([]int16, 8), make([]int16, 8)
			pixel := func(k int) int { return (p/24+k/5)*28 + p%24 + k%5 }
			for c := range 8 {
				acc := int64(w[25][c]) * 256
				for k := range 25 {
					acc += int64(w[k][c]) * int64(x[pixel(k)])
				}
				h[p][c] = int16(clamp(near(acc, 12), 0, full))
				if h[p][c] > 0 {
					d[p][c] = int16(clamp(int64(target[p*lanes+c])-int64(h[p][c]), -1<<15, full))
				}
				for k := range 25 {
					sum[pixel(k)] += int64(w[k][c]) * int64(d[p][c])
					g[k][c] += int64(x[pixel(k)]) * int64(d[p][c])
				}
				g[25][c] += 256 * int64(d[p][c])
			}
		}
		for i := range sum {
			dx[0][i] = int16(clamp(near(sum[i], 14), -1<<15, full))
		}
		clock++
		for k := range 26 {
			clock++
			key := fixed.MakeKey(0, 1, clock)
			for c := range 8 {
				old := w[k][c]
				update(&w[k][c], 2048*256*clamp(near(g[k][c], 12), -1<<15, full), 16, key, 0, c, -1<<15, full)
				if old != w[k][c] {
					moved++
				}
			}
		}
		b.equal("h", b.matrix(device.Vectors, 1461, 1, positions, 8), h)
		b.equal("d", b.matrix(device.Vectors, 885, 1, positions, 8), d)
		b.equal("dx", b.matrix(device.Vectors, 162, 0, 1, 784), dx)
		b.equal("W", b.matrix(device.Weights, 0, 1, 26, 8), w)
	}
	if moved < 100 {
		t.Errorf("only %d weights moved: the test shows nothing", moved)
	}
	t.Logf("conv: %d instructions a sample", b.m.Retired())
}

// Equilibrium propagation: both weight matrices after three samples.
func TestEquilibriumPropagation(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 8))
	b := load(t, "ep-hand.asm", 50*lanes, map[int][]int16{49: {256}, 99: {256}}, nil)
	b.run(device.Init, 0, nil)
	w1, w2 := b.matrix(device.Weights, 0, 7, 785, 100), b.matrix(device.Weights, 785*7, 1, 101, 10)
	const unit = 16384
	lr := int32(10486 << 16)
	moved := 0
	for n := range 3 {
		x, label := pixels(rng, 784, 4), rng.IntN(10)
		b.run(device.Learn, label, x)

		xs := make([]int64, 785)
		for i, v := range x {
			xs[i] = int64(v) * 64
		}
		xs[784] = unit
		u1 := make([]int64, 100)
		for c := range u1 {
			for k := range xs {
				u1[c] += int64(w1[k][c]) * xs[k]
			}
		}
		s1, s2 := make([]int64, 101), make([]int64, 10)
		s1[100] = unit
		hidden := func() {
			for k := range 100 {
				acc := u1[k]
				for c := range 10 {
					acc += int64(w2[k][c]) * s2[c]
				}
				s1[k] = clamp(near(acc, 15), 0, unit)
			}
		}
		output := func(nudge int64) {
			for c := range 10 {
				var acc int64
				if c == label {
					acc = nudge
				}
				for k := range 101 {
					acc += int64(w2[k][c]) * s1[k]
				}
				switch {
				case nudge == 0:
					s2[c] = clamp(near(acc, 15), 0, unit)
				case nudge > 0:
					s2[c] = clamp(near(clamp(near(acc, 17), 0, 6144)*10923, 12), 0, unit)
				default:
					s2[c] = clamp(near(acc, 14), 0, unit)
				}
			}
		}
		for range 6 {
			hidden()
			output(0)
		}
		free := append([]int64(nil), s1...)
		phase := func(nudge int64) (a, o []int64) {
			copy(s1, free)
			for range 2 {
				output(nudge)
				hidden()
			}
			return append([]int64(nil), s1...), append([]int64(nil), s2...)
		}
		p1, p2 := phase(1 << 28)
		m1, m2 := phase(-1 << 28)
		d1, a1, d2, a2 := make([]int64, 100), make([]int64, 101), make([]int64, 10), make([]int64, 10)
		for i := range d1 {
			d1[i] = p1[i] - m1[i]
			a1[i] = m1[i] + near(d1[i], 1)
		}
		a1[100] = unit
		for i := range d2 {
			d2[i] = p2[i] - m2[i]
			a2[i] = m2[i] + near(d2[i], 1)
		}
		outer := func(w [][]int16, s, v []int64, stream uint8) {
			key := fixed.MakeKey(0, stream, uint32(n+1))
			for k := range s {
				for c := range v {
					old := w[k][c]
					update(&w[k][c], int64(fixed.Rate(lr))*s[k]*v[c], 32, key, k, c, -1<<15, full)
					if w[k][c] != old {
						moved++
					}
				}
			}
		}
		outer(w1, xs, d1, 2)
		outer(w2, a1, d2, 3)
		outer(w2, d1, a2, 4)
		lr = max(lr-11000, 0)
		b.equal("W1", b.matrix(device.Weights, 0, 7, 785, 100), w1)
		b.equal("W2", b.matrix(device.Weights, 785*7, 1, 101, 10), w2)
	}
	if moved < 1000 {
		t.Errorf("only %d weights moved: the test shows nothing", moved)
	}
	t.Logf("ep: %d instructions a sample", b.m.Retired())
	// Infer leaves the digest alone.
	before := b.run(device.Digest, 0, nil).Digest
	b.run(device.Infer, 0, pixels(rng, 784, 4))
	if after := b.run(device.Digest, 0, nil).Digest; after != before {
		t.Errorf("infer changed the digest from %x to %x", before, after)
	}
}

// Reward-modulated STDP: weights, eligibility and thresholds after two samples.
func TestRewardModulatedSTDP(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	votes := make([]int16, 100*lanes)
	for k := range 100 {
		votes[k*lanes+k%10] = 1
	}
	b := load(t, "rstdp.asm", 49*lanes, nil, map[int][]int16{2 * 784 * 7: votes})
	b.run(device.Init, 0, nil)
	w, e := b.matrix(device.Weights, 0, 7, 784, 100), b.matrix(device.Weights, 784*7, 7, 784, 100)
	th := make([]int64, 100)
	for i := range th {
		th[i] = 5120
	}
	clock, base := uint32(0), int32(0)
	potentiated, rewarded := 0, 0
	for range 2 {
		x, label := pixels(rng, 784, 16), rng.IntN(10)
		r := b.run(device.Learn, label, x)
		key := fixed.MakeKey(0, 1, clock)
		for k := range e {
			for c := range e[k] {
				update(&e[k][c], -4096*int64(e[k][c]), 15, key, k, c, -1<<15, full)
			}
		}
		s, xp := make([]int64, 784), make([]int64, 784)
		v, z, yp, count := make([]int64, 100), make([]int64, 100), make([]int64, 100), make([]int64, 100)
		for range 32 {
			clock++
			key := fixed.MakeKey(0, 2, clock)
			for i := range s {
				s[i] = 0
				if int16(int(x[i])*128-32768) >= int16(key.Draw(0, uint32(i))) {
					s[i] = 256
				}
				xp[i] = clamp(s[i]+near(xp[i]*29491, 15), -1<<15, full)
			}
			for c := range v {
				var acc int64
				for k := range s {
					acc += int64(w[k][c]) * s[k]
				}
				v[c] = clamp(clamp(near(acc, 13), -1<<15, full)+near(v[c]*15360, 14), -1<<15, full)
				z[c] = 0
				if v[c] >= th[c] {
					z[c], v[c] = 256, 0
					potentiated++
				}
				yp[c] = z[c] + near(yp[c]*31130, 15)
				count[c] += z[c]
			}
			ltd, ltp := fixed.MakeKey(0, 3, clock), fixed.MakeKey(0, 4, clock)
			for k := range e {
				for c := range e[k] {
					update(&e[k][c], -8192*yp[c]*s[k], 22, ltd, k, c, -1<<15, full)
				}
			}
			for k := range e {
				for c := range e[k] {
					update(&e[k][c], 16384*z[c]*xp[k], 22, ltp, k, c, -1<<15, full)
				}
			}
		}
		var vote [10]int64
		for c, n := range count {
			vote[c%10] += n
		}
		best := 0
		for i := range vote {
			vote[i] = near(vote[i], 4)
			if vote[i] > vote[best] {
				best = i
			}
		}
		if int(r.Result[0]) != best {
			t.Fatalf("answers %d, want %d", r.Result[0], best)
		}
		reward := int32(-0x20000000)
		if best == label {
			reward = -reward
		}
		reward -= base
		base += reward >> 6
		final, threshold := fixed.MakeKey(0, 5, clock), fixed.MakeKey(0, 6, clock)
		for k := range w {
			for c := range w[k] {
				old := w[k][c]
				update(&w[k][c], int64(fixed.Rate(reward))*int64(e[k][c]), 17, final, k, c, 0, full)
				if old != w[k][c] {
					rewarded++
				}
			}
		}
		for c := range th {
			th[c] = clamp(th[c]+fixed.Shift((count[c]-256)*5, 6, threshold.Draw(0, uint32(c))), 2560, 32000)
		}
		b.equal("E", b.matrix(device.Weights, 784*7, 7, 784, 100), e)
		b.equal("W", b.matrix(device.Weights, 0, 7, 784, 100), w)
		want := make([]int16, 100)
		for i := range th {
			want[i] = int16(th[i])
		}
		b.equal("th", b.matrix(device.Vectors, 280, 0, 1, 100), [][]int16{want})
	}
	if potentiated < 20 || rewarded < 1000 {
		t.Errorf("%d output spikes, %d weights moved: the test shows nothing", potentiated, rewarded)
	}
	t.Logf("rstdp: %d output spikes, %d weights moved, %d instructions a sample", potentiated, rewarded, b.m.Retired())
}

// States clipped to [0, 1] are no overflow, however far beyond the sums go.
func TestClippingIsNoOverflow(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	w := make([]int16, (785*7+101)*lanes)
	for i := range w {
		w[i] = int16(rng.IntN(2*9830+1) - 9830)
	}
	b := load(t, "ep-hand.asm", 50*lanes, map[int][]int16{49: {256}, 99: {256}}, map[int][]int16{0: w})
	if r := b.run(device.Infer, 0, pixels(rng, 784, 4)); r.Overflow != 0 {
		t.Errorf("%d overflows", r.Overflow)
	}
	beyond := 0
	for _, s := range b.matrix(device.Vectors, 171, 0, 1, 100)[0] {
		if s == 16384 || s == 0 {
			beyond++
		}
	}
	if beyond < 10 {
		t.Errorf("%d states at a bound: the test shows nothing", beyond)
	}
}
