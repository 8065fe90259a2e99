package kernels

import (
	"fmt"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/fixed"
)

type benchLayer struct{ rows, active, cols int }

// layers are the shapes of the matrix work of 784-1024-256-10, with the rows that take part in a usual sample.
var layers = []benchLayer{{785, 150, 1024}, {1025, 500, 256}, {10, 10, 257}}

func (l benchLayer) data() (w []int16, rows []int32, s []int16) {
	stride := Pad(l.cols)
	w = make([]int16, l.rows*stride+Block)
	for i := range w {
		w[i] = int16(i*7919) >> 3
	}
	for i := range l.active {
		rows = append(rows, int32(i*l.rows/l.active*stride))
		s = append(s, int16(1+i%200))
	}
	return w, rows, s
}

// each runs f for every set and layer; the metric counts elements of active rows.
func each(b *testing.B, f func(b *testing.B, set Set, w []int16, rows []int32, s []int16, cols int)) {
	for _, set := range []Set{Best(), Portable} {
		for _, l := range layers {
			b.Run(fmt.Sprintf("%s/%dx%d", set.Name, l.active, l.cols), func(b *testing.B) {
				w, rows, s := l.data()
				b.SetBytes(int64(2 * l.active * l.cols))
				f(b, set, w, rows, s, l.cols)
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(l.active*l.cols)*16, "ns/block")
			})
		}
	}
}

func BenchmarkMacB(b *testing.B) {
	each(b, func(b *testing.B, set Set, w []int16, rows []int32, s []int16, cols int) {
		acc := make([]int64, Pad(cols))
		var e Events
		e.Set(rows, s)
		for b.Loop() {
			set.MacB(acc, w, &e)
		}
	})
}

func BenchmarkMacR(b *testing.B) {
	each(b, func(b *testing.B, set Set, w []int16, rows []int32, s []int16, cols int) {
		acc := make([]int64, len(rows))
		var v Vector
		v.Set(w[:cols])
		for b.Loop() {
			set.MacR(acc, w, rows, &v)
		}
	})
}

func BenchmarkUpdate(b *testing.B) {
	each(b, func(b *testing.B, set Set, w []int16, rows []int32, s []int16, cols int) {
		u := &Update{N: cols, Rate: 20000, V: make([]int16, cols), Shift: 30, Round: fixed.Stochastic, Lo: -1 << 15, Hi: 1<<15 - 1, G: make([]uint32, Pad(cols)/2)}
		for i := range u.V {
			u.V[i] = int16(i%200 - 100)
		}
		r := Rows{W: rows, S: s, H: make([]uint32, len(s))}
		for i := range s {
			r.H[i] = uint32(i) * fixed.RowStep
		}
		for b.Loop() {
			set.Prepare(u, s)
			set.Update(w, u, r)
		}
	})
}
