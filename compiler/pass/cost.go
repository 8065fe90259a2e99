package pass

import (
	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/firmware/device"
)

// Cost estimates one pass through an entry point with event skipping off: multiply-accumulates (an updated weight counts
// as one) and device cycles. Per instruction: the words that it walks, twice for updates on a single-port memory, and a
// fixed overhead for fetch, operands and pipeline. A block costs what it holds, as often as it is repeated.
func Cost(p *ir.Program, f *ir.Func, dev device.Config) (macs, cycles int64) {
	return cost(p, f.Ops, dev)
}

func cost(p *ir.Program, ops []*ir.Op, dev device.Config) (macs, cycles int64) {
	const (
		overhead = 12 // fetch, decode, operand registers, drain
		perOuter = 10 // pipeline fill of one outer step of a walk on the lane side
		serial   = 40 // multiply, divide, key
		simple   = 6  // scalar operations
	)
	for _, o := range ops {
		rows, cols := int64(o.Attrs["rows"]), int64(o.Attrs["cols"])
		words := int64(dev.Words(int(cols)))
		n := int64(dev.Words(o.Attrs["n"]))
		switch o.Name {
		case "mac.b":
			macs += rows * cols
			cycles += overhead + words*(rows+perOuter)
		case "mac.r":
			macs += rows * cols
			cycles += overhead + rows*words
		case "upd.b":
			macs += rows * cols
			cycles += overhead + words*(rows*int64(3-dev.WeightPorts)+perOuter)
		case "upd.r":
			macs += rows * cols
			cycles += overhead + rows*(words*int64(3-dev.WeightPorts)+perOuter)
		case "repeat", "if":
			trips := int64(max(o.Attrs["n"], 1))
			m, c := cost(p, o.Body, dev)
			macs += trips * m
			cycles += simple + trips*(c+simple)
		case "fills":
			if cycles += overhead + simple + 3*n; o.Attrs["align"]%dev.Lanes != 0 {
				cycles += int64(o.Attrs["n"])*3*simple - 3*n
			}
		case "blend":
			cycles += overhead + rows*words*2
		case "vec":
			cycles += overhead + 3*n
		case "tab", "amax":
			cycles += overhead + int64(o.Attrs["n"])
		case "dot":
			cycles += overhead + 2*n
		case "next":
			cycles += 2 * simple
		case "mul", "div", "sqrt", "key":
			cycles += serial
		default:
			cycles += simple
		}
	}
	return macs, cycles
}
