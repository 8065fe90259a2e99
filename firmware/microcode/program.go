package microcode

import (
	"fmt"
	"slices"
)

// next is a list of successors.
func next(names ...string) []string { return names }

// idle are the successors of Idle.
var idle = next("idle", "host.scan", "host.reg", "asked")

// Program is the program of the sequencer. It starts at its first step.
var Program = slices.Concat(control, scalar, macB, macR, macRWide, updB, updR, blend, vector, digest)

var control = []Step{
	{Name: "boot", Next: next("idle")},
	{Name: "idle", Do: Idle, Next: idle},
	{Name: "asked", Do: Asked, Next: next("host.table", "begin")}, // a run finds zero read

	// The host reads: an element, a register or an entry of a table, whose address the idle device had. The halfword
	// goes through first and second of nmc_operands to the broadcast operand; upper halves are there a step before.
	{Name: "host.scan", Do: HostScan, Add: AddOutside, Row: OutAddress, Next: next("host.take")},
	{Name: "host.take", Do: Take, Next: next("host.take", "host.first")},
	{Name: "host.reg", First: true, High: true, Next: next("host.first")},
	{Name: "host.first", Do: HostFirst, Next: next("host.second")},
	{Name: "host.second", Next: next("host.data")},
	{Name: "host.table", Do: HostUpper, Next: next("host.low")},
	{Name: "host.low", Do: HostLower, Next: next("host.data")},
	{Name: "host.data", Next: next("idle")},

	// A run.
	{Name: "begin", Do: Begin, Add: AddOutside, Row: OutLimit, Write: WriteRow, To: Limit, Next: next("input")},
	{Name: "input", Add: AddOutside, Row: OutInput, Write: WriteFixed, To: Input, Next: next("enter")},
	{Name: "enter", Do: Enter, Add: AddOutside, Row: OutLabel, Write: WriteFixed, To: Label, Next: next("first")},
	{Name: "first", Next: next("fetch")}, // the word is read as soon as its address is there; fetch takes it
	{Name: "fetch", Do: Fetch, Next: next("decode")},
	{Name: "decode", Do: Decode, Read: ReadRa, Next: dispatch()},
	{Name: "flush", Do: Flush, Read: ReadRow, Row: Limit, Next: next("flush", "retire")},
	{Name: "retire", Do: Retire, Add: AddMinus, Write: WriteRow, To: Limit, Next: next("fetch", "idle")},
}

var scalar = []Step{
	{Name: "alu", Do: AluStart, Read: ReadRb, Next: next("alu.wait")},
	{Name: "alu.wait", Do: AluWait, Read: ReadRb, Write: WriteRd, Next: next("alu.wait", "flush")},
	{Name: "load", Do: Scan, Add: AddImm, Next: next("load.take")},
	{Name: "load.take", Do: Take, Next: next("load.take", "load.write")},
	{Name: "load.write", Add: AddFirst, Write: WriteRd, Read: ReadRow, Row: Limit, Next: next("retire")},
	{Name: "store", Do: Lane, Add: AddImm, Dest: true, Read: ReadRb, Next: next("store.value")},
	{Name: "store.value", Do: Store, First: true, Next: next("store.pass")},
	{Name: "store.pass", Next: next("store.push")}, // first to second
	{Name: "store.push", Do: Push, Next: next("flush")},
	{Name: "key", Do: PermuteX, Read: ReadSeed, Next: next("key.seed")},
	{Name: "key.seed", Do: PermuteY, Next: next("key.wait")},
	{Name: "key.wait", Do: KeyWait, Read: ReadRow, Row: Limit, Next: next("key.wait", "retire")},
}

// stride ends a run: one less is left, and the next one starts a stride further on.
func stride(name, again, end string) Step {
	return Step{Name: name, Do: High, First: true, Add: AddUpper, Write: WriteRow, To: Outer, Read: ReadRow, Row: Start,
		Next: next(again, end)}
}

// A matrix instruction is passes × runs × elements × words. mac.b, upd.b and blend make one pass for each word of columns
// and take one word for each element; mac.r and upd.r make one pass and take all words of a row for each element.

var macB = []Step{
	{Name: "mac.b", Do: Bounds, Read: ReadGroup, Row: 2, Next: next("mac.b.base")},
	{Name: "mac.b.base", Do: IsWide, Add: AddWBase, Write: WriteRow, To: Base, Read: ReadGroup, Row: 3, Next: next("mac.b.to", "mac.b.wide")},
	// A wide destination has three words for each word of sums.
	{Name: "mac.b.wide", Add: AddDWords, Dest: true, Read: ReadGroup, Row: 3, Next: next("mac.b.wide1")},
	{Name: "mac.b.wide1", Add: AddDest, Dest: true, Read: ReadGroup, Row: 3, Next: next("mac.b.wide2")},
	{Name: "mac.b.wide2", Do: IsWideOut, Add: AddDest, Dest: true, Write: WriteRow, To: Wide, Read: ReadGroup, Row: 3, Next: next("mac.b.to", "mac.b.pass")},
	{Name: "mac.b.to", Add: AddDWords, Dest: true, Next: next("mac.b.pass")},

	{Name: "mac.b.pass", Do: Pass, Read: ReadGroup, Row: 0, Next: next("mac.b.first")},
	{Name: "mac.b.first", Write: WriteRow, To: Start, Read: ReadGroup, Row: 1, Next: next("mac.b.outer")},
	{Name: "mac.b.outer", Do: IsWideIn, Write: WriteRow, To: Outer, Read: ReadRow, Row: Start, Next: next("mac.b.go", "mac.b.load")},
	{Name: "mac.b.load", Do: Flush, Read: ReadRow, Row: Wide, Next: next("mac.b.load", "mac.b.low0")},
	{Name: "mac.b.low0", First: true, Add: AddOne, Write: WriteRow, To: Wide, Next: next("mac.b.low1")},
	{Name: "mac.b.low1", Read: ReadRow, Row: Wide, Next: next("mac.b.mid0")},
	{Name: "mac.b.mid0", Do: Preload, First: true, Add: AddOne, Write: WriteRow, To: Wide, Next: next("mac.b.mid1")},
	{Name: "mac.b.mid1", Read: ReadRow, Row: Wide, Next: next("mac.b.top0")},
	{Name: "mac.b.top0", Do: Preload, First: true, Next: next("mac.b.top1")}, // the word of the pass makes the third step
	{Name: "mac.b.top1", Next: next("mac.b.top2")},
	{Name: "mac.b.top2", Do: Preload, Next: next("mac.b.run")},

	{Name: "mac.b.run", Read: ReadRow, Row: Start, Next: next("mac.b.go")},
	{Name: "mac.b.go", Do: Run, Add: AddAWords, Read: ReadRow, Row: Base, Next: next("mac.b.walk")},
	{Name: "mac.b.walk", Do: Walk, Read: ReadRow, Row: Base, Next: next("mac.b.walk", "mac.b.end", "mac.b.drain", "")},
	{Name: "mac.b.end", Do: RunEnd, Read: ReadRow, Row: Outer, Next: next("mac.b.stride")},
	stride("mac.b.stride", "mac.b.again", "mac.b.drain"),
	{Name: "mac.b.again", Add: AddFirst, Write: WriteRow, To: Start, Next: next("mac.b.run")},
	{Name: "mac.b.drain", Do: Drain, Next: next("mac.b.drain", "mac.b.passed", "mac.b.drain", "mac.b.drain1")},
	{Name: "mac.b.drain1", Do: DrainMore, Next: next("mac.b.drain1", "mac.b.drain2")},
	{Name: "mac.b.drain2", Do: DrainMore, Next: next("mac.b.drain2", "mac.b.passed")},
	{Name: "mac.b.passed", Do: PassEnd, Read: ReadRow, Row: Start, Next: next("mac.b.pass", "flush", "mac.b.go", "")},
}

var macR = []Step{
	{Name: "mac.r", Do: Bounds, Read: ReadGroup, Row: 2, Next: next("mac.r.base")},
	{Name: "mac.r.base", Add: AddWBase, Write: WriteRow, To: Base, Read: ReadGroup, Row: 3, Next: next("mac.r.side")},
	{Name: "mac.r.side", Add: AddAWords, Write: WriteRow, To: Side, Next: next("mac.r.pass")},
	{Name: "mac.r.pass", Do: Pass, Read: ReadGroup, Row: 0, Next: next("mac.r.first")},
	{Name: "mac.r.first", Write: WriteRow, To: Start, Read: ReadGroup, Row: 1, Next: next("mac.r.outer")},
	{Name: "mac.r.outer", Do: IsWide, Write: WriteRow, To: Outer, Read: ReadRow, Row: Side, Next: next("mac.r.run", "mac.rw.row")},

	{Name: "mac.r.next", Read: ReadRow, Row: Side, Next: next("mac.r.run")},
	{Name: "mac.r.run", First: true, Read: ReadRow, Row: Start, Next: next("mac.r.go")},
	{Name: "mac.r.go", Do: Run, Add: AddDWords, Dest: true, Read: ReadRow, Row: Base, Next: next("mac.r.walk")},
	{Name: "mac.r.walk", Do: Walk, Read: ReadRow, Row: Base, Next: next("mac.r.walk", "mac.r.end", "", "")},
	{Name: "mac.r.end", Do: RunEnd, Read: ReadRow, Row: Outer, Next: next("mac.r.stride")},
	stride("mac.r.stride", "mac.r.again", "flush"),
	{Name: "mac.r.again", Add: AddFirst, Write: WriteRow, To: Start, Next: next("mac.r.next")},
}

// Wide sums of rows: one row at a time.
var macRWide = []Step{
	{Name: "mac.rw.row", Read: ReadRow, Row: Start, Next: next("mac.rw.first")},
	{Name: "mac.rw.first", Write: WriteRow, To: Element, Next: next("mac.rw.inner")},
	{Name: "mac.rw.inner", Add: AddRows, Write: WriteRow, To: Inner, Next: next("mac.rw.element")},
	{Name: "mac.rw.element", Read: ReadRow, Row: Element, Next: next("mac.rw.to")},
	{Name: "mac.rw.to", Do: Lane, Add: AddDWords, Dest: true, Read: ReadRow, Row: Element, Next: next("mac.rw.to1")},
	{Name: "mac.rw.to1", Add: AddDest, Dest: true, Read: ReadRow, Row: Element, Next: next("mac.rw.to2")},
	{Name: "mac.rw.to2", Do: IsWideOut, Add: AddDest, Dest: true, Write: WriteRow, To: Wide, Read: ReadRow, Row: Element, Next: next("mac.rw.narrow", "mac.rw.wide")},
	{Name: "mac.rw.narrow", Do: IsWideIn, Add: AddDWords, Dest: true, Next: next("mac.rw.next", "mac.rw.load")},
	{Name: "mac.rw.wide", Do: IsWideIn, Next: next("mac.rw.next", "mac.rw.load")},

	{Name: "mac.rw.load", Do: Flush, Read: ReadRow, Row: Wide, Next: next("mac.rw.load", "mac.rw.scan0")},
	{Name: "mac.rw.scan0", Do: WideScan, Read: ReadRow, Row: Wide, Next: next("mac.rw.take0")},
	{Name: "mac.rw.take0", Do: Take, Add: AddOne, Write: WriteRow, To: Wide, Read: ReadRow, Row: Wide, Next: next("mac.rw.take0", "mac.rw.load1")},
	{Name: "mac.rw.load1", Read: ReadRow, Row: Wide, Next: next("mac.rw.scan1")},
	{Name: "mac.rw.scan1", Do: WideScan, Read: ReadRow, Row: Wide, Next: next("mac.rw.take1")},
	{Name: "mac.rw.take1", Do: Take, Add: AddOne, Write: WriteRow, To: Wide, Read: ReadRow, Row: Wide, Next: next("mac.rw.take1", "mac.rw.load2")},
	{Name: "mac.rw.load2", Read: ReadRow, Row: Wide, Next: next("mac.rw.scan2")},
	{Name: "mac.rw.scan2", Do: WideScan, Next: next("mac.rw.take2")},
	{Name: "mac.rw.take2", Do: Take, Next: next("mac.rw.take2", "mac.rw.next")},

	{Name: "mac.rw.next", Read: ReadRow, Row: Side, Next: next("mac.rw.run")},
	{Name: "mac.rw.run", First: true, Read: ReadRow, Row: Element, Next: next("mac.rw.go")},
	{Name: "mac.rw.go", Do: Run, Add: AddDWords, Read: ReadRow, Row: Base, Next: next("mac.rw.walk")},
	{Name: "mac.rw.walk", Do: Walk, Read: ReadRow, Row: Base, Next: next("mac.rw.walk", "mac.rw.end", "", "")},
	{Name: "mac.rw.end", Do: RunEnd, Next: next("mac.rw.drain")},
	{Name: "mac.rw.drain", Do: Drain, Read: ReadRow, Row: Inner, Next: next("mac.rw.drain", "mac.rw.left", "mac.rw.drain", "mac.rw.drain1")},
	{Name: "mac.rw.drain1", Do: DrainMore, Next: next("mac.rw.drain1", "mac.rw.drain2")},
	{Name: "mac.rw.drain2", Do: DrainMore, Read: ReadRow, Row: Inner, Next: next("mac.rw.drain2", "mac.rw.left")},
	{Name: "mac.rw.left", Do: Low, Add: AddMinus, Write: WriteRow, To: Inner, Next: next("mac.rw.on", "mac.rw.outer")},
	{Name: "mac.rw.on", Read: ReadRow, Row: Element, Next: next("mac.rw.add")},
	{Name: "mac.rw.add", Add: AddOne, Write: WriteRow, To: Element, Next: next("mac.rw.element")},
	{Name: "mac.rw.outer", Read: ReadRow, Row: Outer, Next: next("mac.rw.stride")},
	stride("mac.rw.stride", "mac.rw.again", "flush"),
	{Name: "mac.rw.again", Add: AddFirst, Write: WriteRow, To: Start, Next: next("mac.rw.row")},
}

var updB = []Step{
	{Name: "upd.b", Do: Bounds, Read: ReadGroup, Row: 2, Next: next("upd.b.base")},
	{Name: "upd.b.base", Add: AddWBase, Write: WriteRow, To: Base, Read: ReadGroup, Row: 3, Next: next("upd.b.side")},
	{Name: "upd.b.side", Add: AddDWords, Write: WriteRow, To: Side, Next: next("upd.b.pass")},

	// v and the rate are on their way while the run's start and the number of runs are.
	{Name: "upd.b.pass", Do: Pass, Read: ReadRow, Row: Side, Next: next("upd.b.v")},
	{Name: "upd.b.v", First: true, Read: ReadGroup, Row: 0, Next: next("upd.b.first")},
	{Name: "upd.b.first", Write: WriteRow, To: Start, Read: ReadRb, Next: next("upd.b.goal")},
	{Name: "upd.b.goal", Do: Goal, High: true, Read: ReadGroup, Row: 1, Next: next("upd.b.times")},
	{Name: "upd.b.times", Do: Rate, Write: WriteRow, To: Outer, Read: ReadRow, Row: Start, Next: next("upd.b.zero")},
	{Name: "upd.b.zero", Do: IsZero, Read: ReadRow, Row: Start, Next: next("upd.b.go", "upd.b.passed")},
	{Name: "upd.b.go", Do: Run, Add: AddAWords, Read: ReadRow, Row: Base, Next: next("upd.b.product")},
	{Name: "upd.b.product", Do: WalkProduct, Read: ReadRow, Row: Base, Next: next("upd.b.walk", "upd.b.end", "upd.b.passed", "")},

	{Name: "upd.b.walk", Do: Walk, Read: ReadRow, Row: Base, Next: next("upd.b.walk", "upd.b.end", "upd.b.passed", "")},
	{Name: "upd.b.end", Do: RunEnd, Read: ReadRow, Row: Outer, Next: next("upd.b.stride")},
	stride("upd.b.stride", "upd.b.again", "upd.b.passed"),
	{Name: "upd.b.again", Add: AddFirst, Write: WriteRow, To: Start, Next: next("upd.b.next")},
	{Name: "upd.b.next", Read: ReadRow, Row: Start, Next: next("upd.b.on")},
	{Name: "upd.b.on", Do: Run, Add: AddAWords, Read: ReadRow, Row: Base, Next: next("upd.b.walk")},
	{Name: "upd.b.passed", Do: PassEnd, Read: ReadRow, Row: Side, Next: next("upd.b.pass", "flush", "upd.b.v", "")},
}

// upd.r takes the element first, forms rate·s, then walks the whole row.
var updR = []Step{
	{Name: "upd.r", Do: Bounds, Read: ReadGroup, Row: 2, Next: next("upd.r.base")},
	{Name: "upd.r.base", Add: AddWBase, Write: WriteRow, To: Base, Read: ReadGroup, Row: 3, Next: next("upd.r.side")},
	{Name: "upd.r.side", Add: AddDWords, Write: WriteRow, To: Side, Next: next("upd.r.pass")},
	{Name: "upd.r.pass", Do: Pass, Read: ReadGroup, Row: 0, Next: next("upd.r.first")},
	{Name: "upd.r.first", Write: WriteRow, To: Start, Read: ReadGroup, Row: 1, Next: next("upd.r.outer")},
	{Name: "upd.r.outer", Write: WriteRow, To: Outer, Read: ReadRow, Row: Start, Next: next("upd.r.go")},
	{Name: "upd.r.run", Read: ReadRow, Row: Start, Next: next("upd.r.go")},
	{Name: "upd.r.go", Do: Run, Add: AddAWords, Read: ReadRow, Row: Base, Next: next("upd.r.walk")},
	{Name: "upd.r.walk", Do: Walk, Read: ReadRow, Row: Base, Next: next("upd.r.walk", "upd.r.end", "upd.r.rate1", "")},
	{Name: "upd.r.rate1", Do: Rate1, Read: ReadRb, Next: next("upd.r.rate2")},
	{Name: "upd.r.rate2", Do: Rate2, High: true, Read: ReadRow, Row: Side, Next: next("upd.r.rate3")},
	{Name: "upd.r.rate3", Do: Rate3, First: true, Read: ReadRow, Row: Base, Next: next("upd.r.hold")},
	{Name: "upd.r.hold", Do: Hold, Read: ReadRow, Row: Base, Next: next("upd.r.hold1")},
	{Name: "upd.r.hold1", Do: Hold, Read: ReadRow, Row: Base, Next: next("upd.r.product")},
	{Name: "upd.r.product", Do: HoldProduct, Read: ReadRow, Row: Base, Next: next("upd.r.walk")},
	{Name: "upd.r.end", Do: RunEnd, Read: ReadRow, Row: Outer, Next: next("upd.r.stride")},
	stride("upd.r.stride", "upd.r.again", "flush"),
	{Name: "upd.r.again", Add: AddFirst, Write: WriteRow, To: Start, Next: next("upd.r.run")},
}

var blend = []Step{
	{Name: "blend", Do: Bounds, Read: ReadGroup, Row: 2, Next: next("blend.base")},
	{Name: "blend.base", Add: AddWBase, Write: WriteRow, To: Base, Read: ReadGroup, Row: 3, Next: next("blend.side")},
	{Name: "blend.side", Add: AddAHigh, Write: WriteRow, To: Side, Next: next("blend.pass")},
	{Name: "blend.pass", Do: Pass, Next: next("blend.first")},
	{Name: "blend.first", Write: WriteRow, To: Start, Read: ReadRb, Next: next("blend.rate")},
	{Name: "blend.rate", High: true, Read: ReadRow, Row: Start, Next: next("blend.go")},
	{Name: "blend.go", Do: Run, Read: ReadRow, Row: Base, Next: next("blend.walk")},
	{Name: "blend.walk", Do: Walk, Read: ReadRow, Row: Base, Next: next("blend.walk", "blend.end", "", "")},
	{Name: "blend.end", Do: RunEnd, Next: next("blend.passed")},
	{Name: "blend.passed", Do: PassEnd, Next: next("blend.pass", "flush", "", "")},
}

// words are the six steps of a word of vec and dot; in the last three the next word's operands are read where its results may follow so soon.
func words() []Step {
	var s []Step
	for i := range Do(6) {
		n := next(fmt.Sprintf("word.%d", i+1))
		if i == 5 {
			n = next("word.0", "flush", "word.3", "dot.sum")
		}
		s = append(s, Step{Name: fmt.Sprintf("word.%d", i), Do: Word0 + i, Read: ReadMode, First: true, Next: n})
	}
	return s
}

var vector = slices.Concat([]Step{
	{Name: "vector", Do: Bounds, Read: ReadGroup, Row: 0, Next: next("vector.a")},
	{Name: "vector.a", Add: AddAWords, Write: WriteRow, To: A, Read: ReadGroup, Row: 1, Next: next("vector.b")},
	{Name: "vector.b", Add: AddBWords, Write: WriteRow, To: B, Read: ReadGroup, Row: 2, Next: next("vector.c")},
	{Name: "vector.c", Add: AddCWords, Write: WriteRow, To: C, Read: ReadGroup, Row: 3, Next: next("vector.dst")},
	{Name: "vector.dst", Do: Operands, Add: AddDWords, Dest: true, Read: ReadRow, Row: A,
		Next: next("word.0", "tab", "dig", "amax")},
}, words(), []Step{
	{Name: "dot.sum", Do: Dot, Next: next("dot.sum", "alu.wait")},

	{Name: "tab", Do: Scan, Next: next("tab.walk")},
	{Name: "tab.walk", Do: Lookup, Next: next("tab.walk", "flush")},

	{Name: "amax", Do: Scan, Next: next("amax.clear")},
	{Name: "amax.clear", Write: WriteRow, To: Index, Read: ReadRow, Row: Best, Next: next("amax.take")},
	{Name: "amax.take", Do: Take, Read: ReadRow, Row: Best, Next: next("amax.take", "amax.test")},
	{Name: "amax.test", Add: AddFirst, Next: next("amax.better")},
	{Name: "amax.better", Do: Better, Read: ReadRow, Row: Index, Next: next("amax.next", "amax.index")},
	{Name: "amax.index", Do: Second, Write: WriteRd, Next: next("amax.best")},
	{Name: "amax.best", Do: Inverse, Add: AddFirst, Write: WriteRow, To: Best, Read: ReadRow, Row: Index, Next: next("amax.next")},
	{Name: "amax.next", Do: Next, Add: AddOne, Write: WriteRow, To: Index, Read: ReadRow, Row: Best, Next: next("amax.take", "amax.end")},
	{Name: "amax.end", Do: Inverse, Write: WriteRd, Read: ReadRow, Row: Limit, Next: next("retire")},
})

var digest = []Step{
	{Name: "dig", Do: RegScan, Next: next("dig.clear", "dig.regs")},
	{Name: "dig.clear", Write: WriteRow, To: Index, Next: next("dig.take")},
	{Name: "dig.take", Do: Take, Read: ReadRow, Row: Index, Next: next("dig.take", "dig.index")},
	{Name: "dig.index", Do: PermuteX, Add: AddOne, Write: WriteRow, To: Index, Next: next("dig.value")},
	{Name: "dig.value", Do: DigValue, Next: next("dig.term", "dig.last")},
	{Name: "dig.term", Do: DigWait, Next: next("dig.term", "dig.take")},
	{Name: "dig.last", Do: DigWait, Next: next("dig.last", "dig.end")},
	{Name: "dig.end", Do: IsWeights, Read: ReadRow, Row: C, Next: next("flush", "dig.left")},
	{Name: "dig.left", Do: Low, Add: AddMinus, Write: WriteRow, To: C, Read: ReadRow, Row: A, Next: next("dig.row", "flush")},
	{Name: "dig.row", Add: AddD, Write: WriteRow, To: A, Next: next("dig.next")},
	{Name: "dig.next", Read: ReadRow, Row: A, Next: next("dig.scan")},
	{Name: "dig.scan", Do: Scan, Next: next("dig.take")},

	// Registers: the low half, then the high one.
	{Name: "dig.regs", Write: WriteRow, To: Index, Next: next("dig.reg")},
	{Name: "dig.reg", Do: Take, Read: ReadRow, Row: Index, Next: next("dig.reg", "dig.low")},
	{Name: "dig.low", Do: PermuteX, Add: AddOne, Write: WriteRow, To: Index, Read: ReadRow, Row: A, Next: next("dig.low1")},
	{Name: "dig.low1", Read: ReadNamed, Next: next("dig.low2")},
	{Name: "dig.low2", Do: PermuteY, Next: next("dig.low3")},
	{Name: "dig.low3", Do: DigWait, Read: ReadRow, Row: Index, Next: next("dig.low3", "dig.high")},
	{Name: "dig.high", Do: PermuteX, Add: AddOne, Write: WriteRow, To: Index, Read: ReadRow, Row: A, Next: next("dig.high1")},
	{Name: "dig.high1", Add: AddOne, Write: WriteRow, To: A, Read: ReadNamed, Next: next("dig.high2")},
	{Name: "dig.high2", High: true, Next: next("dig.high3")},
	{Name: "dig.high3", Do: DigValue, Next: next("dig.high4", "dig.last")},
	{Name: "dig.high4", Do: DigWait, Next: next("dig.high4", "dig.reg")},
}
