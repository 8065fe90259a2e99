package board

import (
	"fmt"
	"math"
)

// pll is how the clock of the device is made of the board's: the oscillator runs at in · mult / div, times loop where the feedback
// passes a divider, and the core at an outDiv-th of that.
type pll struct {
	none      bool // it is the board's
	div, mult int
	outDiv    int
	loop      int // 0 where the feedback passes no divider, outDiv where it is the core's clock
	hz        int
}

// limits of a PLL, in Hz.
type limits struct {
	pfdMin, pfdMax, vcoMin, vcoMax float64
	div, mult, outDiv              int  // largest
	power                          bool // outDiv is a power of two
	loop                           bool // the feedback passes a divider as large as outDiv may be
}

// plls are the limits by flow: Lattice FPGA-DS-02008 and FPGA-TN-02052 (SB_PLL40), FPGA-DS-02012 (EHXPLLL), AMD DS181 (MMCME2, grade 1).
var plls = map[string]limits{
	"ice40": {10e6, 133e6, 533e6, 1066e6, 16, 128, 64, true, false},
	"ecp5":  {10e6, 400e6, 400e6, 800e6, 128, 80, 128, false, true},
	"xc7":   {10e6, 450e6, 600e6, 1200e6, 106, 64, 128, false, false},
}

// tolerance is how far the core's clock may be off: a UART's two ends must agree within about two per cent.
const tolerance = 0.002

// pll finds the divisors whose clock is nearest to the wanted one.
func (b *Board) pll() (pll, error) {
	in, want := float64(b.Clock.Hz), float64(b.Clock.CoreHz)
	if b.Clock.Hz == b.Clock.CoreHz {
		return pll{none: true, hz: b.Clock.Hz}, nil
	}
	l := plls[b.Family.Flow]
	best, off := pll{}, math.Inf(1)
	// try keeps the divisors if their clock is nearer than any before.
	try := func(p pll) {
		if p.mult < 1 || p.mult > l.mult {
			return
		}
		vco := in / float64(p.div) * float64(p.mult*max(1, p.loop))
		if vco < l.vcoMin || vco > l.vcoMax {
			return
		}
		hz := vco / float64(p.outDiv)
		if d := math.Abs(hz - want); d < off {
			p.hz = int(math.Round(hz))
			best, off = p, d
		}
	}
	own := func(pfd float64, div, out int) {
		switch {
		case l.power && out&(out-1) != 0:
		case l.loop:
			try(pll{div: div, mult: int(math.Round(want / pfd)), outDiv: out, loop: out})
		default:
			try(pll{div: div, mult: int(math.Round(want * float64(out) / pfd)), outDiv: out})
		}
	}
	// A feedback with an output of its own, as slow as it can be: only where the core's does not make the rate.
	second := func(pfd float64, div, out int) {
		for loop := l.outDiv; loop >= 1 && l.loop && off != 0; loop-- {
			try(pll{div: div, mult: int(math.Round(want * float64(out) / pfd / float64(loop))), outDiv: out, loop: loop})
		}
	}
	for _, way := range []func(pfd float64, div, out int){own, second} {
		for div := 1; div <= l.div; div++ {
			pfd := in / float64(div)
			if pfd < l.pfdMin || pfd > l.pfdMax {
				continue
			}
			for out := 1; out <= l.outDiv; out++ {
				way(pfd, div, out)
			}
		}
	}
	if off > tolerance*want {
		near := ""
		if best.hz != 0 {
			near = fmt.Sprintf("; the nearest is %d", best.hz)
		}
		return pll{}, fmt.Errorf("core_hz = %d cannot be made of %d Hz%s", b.Clock.CoreHz, b.Clock.Hz, near)
	}
	return best, nil
}

// filterRange is the loop filter setting of SB_PLL40 for a phase detector rate (icestorm's and Lattice's tables agree).
func filterRange(pfd float64) int {
	for i, limit := range []float64{17e6, 26e6, 44e6, 66e6, 101e6} {
		if pfd < limit {
			return i + 1
		}
	}
	return 6
}

// clockOut is the divisor of the PLL's oscillator that gives a further clock.
func (b *Board) clockOut(o *ClockOut) (int, error) {
	p, err := b.pll()
	if err != nil {
		return 0, err
	}
	if b.Family.Flow != "xc7" || p.none {
		return 0, fmt.Errorf("clock_out: only an Artix-7 whose PLL is used gives a clock out")
	}
	vco := b.Clock.Hz / p.div * p.mult
	if o.Hz == 0 || vco%o.Hz != 0 || vco/o.Hz > 128 {
		return 0, fmt.Errorf("clock_out: %d Hz cannot be made of the PLL's %d Hz", o.Hz, vco)
	}
	return vco / o.Hz, nil
}
