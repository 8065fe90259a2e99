package cosim

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

// BenchmarkEngine runs forward, backward and update walks of 784×1024 weights without skipping: cycles against the dense
// ideal, and cycles of Verilator a second of processor time.
func BenchmarkEngine(b *testing.B) {
	const rows, cols = 784, 1024
	for _, lanes := range []int{16, 64} {
		b.Run(fmt.Sprintf("lanes=%d", lanes), func(b *testing.B) {
			c := device.Config{Lanes: lanes, WeightDepth: 1 << 20 / lanes, VectorDepth: 8192 / lanes, ProgramDepth: 64, TableDepth: 256, WeightPorts: 2}
			root, err := filepath.Abs("../..")
			if err != nil {
				b.Fatal(err)
			}
			bin, err := Build(root, filepath.Join(root, "build", "cosim"), c, "-O3", Fast)
			if err != nil {
				b.Fatal(err)
			}
			e, err := Start(bin)
			if err != nil {
				b.Fatal(err)
			}
			g := &Generator{Rand: rand.New(rand.NewPCG(1, 2)), Config: c}
			e.Write(device.Weights, 0, g.Elements(c.WeightDepth*lanes))
			e.Write(device.Vectors, 0, g.Elements(c.VectorDepth*lanes))
			e.Write(device.Registers, 0, g.Registers())
			var program []isa.Word
			for _, name := range []string{"mac.b", "mac.r", "upd.b"} {
				op := isa.ByName(name)
				var w isa.Word
				for f, v := range map[string]int{
					"op": int(op.Code), "cols": cols, "rows": rows, "rstride": cols / lanes, "sbase": 0, "dbase": 2048 / lanes,
					"shift": 20, "round": 1, "rate": firstRate, "bounds": firstBound,
				} {
					l := op.Layout().Field(f)
					w.Put(l.Lo, l.Width, uint32(v))
				}
				program = append(program, w)
			}
			e.Write(device.Program, 0, halfwords(append(program, isa.Word{})))
			var cycles uint64
			for b.Loop() {
				r, err := e.Run(device.Init, 0, 0, 0, false)
				if err != nil || r.Hung {
					b.Fatal(err, r.Hung)
				}
				cycles += uint64(r.Cycles)
			}
			seconds, err := e.Seconds()
			if err != nil {
				b.Fatal(err)
			}
			if err := e.Close(); err != nil {
				b.Fatal(err)
			}
			ideal := 3 * rows * cols / lanes
			b.ReportMetric(float64(ideal)*float64(b.N)/float64(cycles), "use")
			b.ReportMetric(float64(cycles)/1e6/seconds, "Mcycles/cpu-s")
		})
	}
}
