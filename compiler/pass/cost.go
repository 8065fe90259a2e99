package pass

import (
	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/firmware/device"
)

// Cost estimates one pass through an entry point with event skipping off: multiply-accumulates (an updated weight counts
// as one) and device cycles. Per instruction: the words that it walks, as often as the memory's ports and the back ends that
// lanes share ask for, and a fixed overhead for fetch, operands and pipeline. A block costs what it holds, as often as it is repeated.
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
	// Results and elements of tables of lanes that share a back end come four cycles apart, a word is read and written in two at
	// least; words of vectors overlap where nothing is shared.
	update, fill, word, entry := int64(1), int64(2), int64(3), int64(1)
	if dev.WeightPorts == 1 {
		update, fill, word, entry = 2, 4, 6, 4
		if dev.Lanes >= 4 {
			update = 4
		}
	} else if dev.Lanes == 1 {
		entry = 4
	}
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
			cycles += overhead + words*(rows*update+perOuter)
		case "upd.r":
			macs += rows * cols
			cycles += overhead + rows*(words*update+perOuter)
		case "repeat", "if":
			trips := int64(max(o.Attrs["n"], 1))
			m, c := cost(p, o.Body, dev)
			macs += trips * m
			cycles += simple + trips*(c+simple)
		case "fills":
			if cycles += overhead + simple + word*n; o.Attrs["align"]%dev.Lanes != 0 {
				cycles += int64(o.Attrs["n"])*3*simple - word*n
			}
		case "blend":
			cycles += overhead + rows*words*fill
		case "vec":
			cycles += overhead + word*n
		case "tab":
			cycles += overhead + entry*int64(o.Attrs["n"])
		case "amax":
			cycles += overhead + int64(o.Attrs["n"])
		case "dot":
			cycles += overhead + (word-1)*n
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
