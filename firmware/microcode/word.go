// Package microcode is the program of the engine's sequencer: the steps of every instruction, written once. It
// generates hdl/gen/nmc_rom.vh, the words, and hdl/gen/nmc_micro.vh, their fields and codes.
//
// A step reads a register for the step after it, adds an operand to the register that the step before it has read, keeps
// the sum, and gives one command to the rest of the engine. A command can ask a condition; the answer is or-ed into the
// address of the next step, so that the successors of a step stand beside each other.
package microcode

// Step is one word of the program.
type Step struct {
	Name  string
	Do    Do
	Read  Read
	Row   uint8 // Read: Row and Group: which; AddOutside: which
	Add   Add
	Write Write
	To    uint8 // Write: which
	First bool  // nmc_operands: first = low half of the register
	High  bool  // nmc_operands: second = high half of the register
	Dest  bool  // the word of the destination = sum
	// Next are the successors: one, or one for each answer of the command, an empty name where no answer leads.
	Next []string
}

// Fields of a word: least significant bit and width.
var Fields = []struct {
	Name      string
	Lo, Width uint
}{
	{"next", 0, 8}, {"do", 8, 6}, {"read", 14, 3}, {"row", 17, 3}, {"write", 20, 2}, {"to", 22, 3}, {"add", 25, 4},
	{"first", 29, 1}, {"high", 30, 1}, {"dest", 31, 1},
}

// Size is the number of words of the memory.
const Size = 256

// Read says which register the next step sees.
type Read uint8

// The registers that can be read.
const (
	ReadZero  Read = iota // the constant 0
	ReadRow               // a row of the sequencer's own
	ReadRa                // the instruction's ra: bounds, too; rd of loop; 0 of load and store without index
	ReadRb                // the instruction's rb: rate, too
	ReadGroup             // a member of the instruction's group; 0 without group or where the operand is no vector
	ReadMode              // of vec and dot: the operand's register, or the row that holds its address or value
	ReadNamed             // the register whose number was read
	ReadSeed              // register 0
)

// Rows of the sequencer's own in the register memory.
const (
	Base    = 0 // matrix: word of W[0,0]
	Side    = 1 // lane side; blend: M[0,0]
	Start   = 2 // first element of the run
	Outer   = 3 // {runs left, stride}
	Element = 4
	Inner   = 5 // elements left
	Wide    = 6 // where accumulators are loaded from
	Limit   = 7 // instructions left
	A       = 0 // vector: operands; digest: next row or register
	B       = 1
	C       = 2 // digest: rows left
	Index   = 3 // digest, amax: elements so far
	Best    = 4 // amax: complement of the largest
)

// Write says where the sum goes.
type Write uint8

// Places for the sum. Steps that wait write when the wait is over.
const (
	WriteNone  Write = iota
	WriteRow         // a row of the sequencer's own
	WriteRd          // the instruction's rd
	WriteFixed       // register Label or Input
)

// Registers of WriteFixed.
const (
	Label = iota
	Input
)

// Add says what is added to the register.
type Add uint8

// Operands of the adder. With Words the register counts elements and the sum words of vectors.
const (
	AddNone    Add = iota
	AddWBase       // matrix: wbase
	AddCWords      // vector: c, unless its mode is zero
	AddAWords      // sbase; vector: a, unless its mode is zero
	AddAHigh       // blend: {dbase, sbase}
	AddDWords      // dbase; vector: dst
	AddD           // the same, of words
	AddBWords      // vector: b, unless its mode is zero
	AddImm         // scalar: the immediate's words
	AddRows        // matrix: rows
	AddDest        // the word of the destination; the register counts elements
	AddFirst       // first of nmc_operands
	AddOne         // 1
	AddMinus       // -1
	AddUpper       // -1 in the upper half
	AddOutside     // a value from outside: limit, input, label, address
)

// Values of AddOutside.
const (
	OutLimit = iota
	OutInput
	OutLabel
	OutAddress
)

// Do is a command, with the condition that it asks.
type Do uint8

// Commands. Numbers matter: the lower three bits of the walk and of vector words count their steps.
const (
	None      Do = 0
	Decode    Do = 1 // the instruction is there; next |= op
	Fetch     Do = 2
	Retire    Do = 3 // halt or limit?
	Idle      Do = 4 // the host reads an element: 1, a register: 2; it reads a table or a run starts: 3
	Begin     Do = 5
	Enter     Do = 6 // pc = entry
	HostFirst Do = 7 // the host's halfword is in first

	Walk        Do = 8 // end of the run? +2: upd.r: an element is taken; mac.b, upd.b: end of the only run
	Rate1       Do = 9 // upd.r: rate·s in three steps
	Rate2       Do = 10
	Rate3       Do = 11
	Hold        Do = 12 // the words of a row go, no element is taken
	HoldProduct Do = 13 // ... P = rate·s
	WalkProduct Do = 14 // ... as Walk, P = rate·v
	KeyWait     Do = 15 // key there? It stands here, where it takes no element, so that three bits tell a walk.

	Word0    Do = 16 // vector words: operands are read in steps 0 to 2 and used three steps later, when those of the next word may be read
	Word1    Do = 17
	Word2    Do = 18
	Word3    Do = 19
	Word4    Do = 20
	Word5    Do = 21 // last word? +2: of dot; not the last: its operands have been read
	Operands Do = 22 // tab: 1, dig: 2, amax: 3
	Dot      Do = 23 // lanes idle?

	Lookup    Do = 24 // table: elements are taken as fast as they are looked up; none left?
	HostUpper Do = 25 // the upper half of a table's entry is broadcast
	HostLower Do = 26
	IsZero    Do = 27 // was the vector word zero in the step before?
	Take      Do = 28 // element there?
	AluWait   Do = 29 // result there?
	Better    Do = 30 // was it larger than the best in the step before?
	Inverse   Do = 31 // the complement of the sum is written

	Bounds  Do = 32
	Run     Do = 33 // the scanner starts a run of elements
	RunEnd  Do = 34
	Drain   Do = 35 // sums leave? +2: wide?
	Pass    Do = 36
	PassEnd Do = 37 // last one? +2: not the last, it has one run: the next one begins here
	Goal    Do = 38 // upd.b: P = v
	Rate    Do = 39 // P·rate

	PermuteX  Do = 40
	PermuteY  Do = 41
	Asked     Do = 42 // does a run start?
	DigValue  Do = 43 // no elements left?
	DigWait   Do = 44 // term there?
	Second    Do = 45 // rd + 1 is written
	DrainMore Do = 46 // sums leave?
	Store     Do = 47 // the value is saturated

	Flush     Do = 48 // all still?
	Low       Do = 49 // low half of the register is 0 or 1?
	High      Do = 50 // high half?
	IsWide    Do = 51 // widein or wideout?
	IsWideOut Do = 52
	IsWideIn  Do = 53
	IsWeights Do = 54 // digest of weights?
	Next      Do = 55 // amax: no elements left?

	HostScan Do = 56
	WideScan Do = 57
	Scan     Do = 58
	RegScan  Do = 59 // digest of registers?
	Preload  Do = 60
	Push     Do = 61
	Lane     Do = 62 // the destination's lane = the register's
	AluStart Do = 63
)

// answers is the number of successors of commands that have more than one.
var answers = map[Do]int{
	Decode: 64, Idle: 4, Walk: 4, WalkProduct: 4, Drain: 4, Operands: 4,
	Retire: 2, Word5: 4, Dot: 2, Lookup: 2, Take: 2, AluWait: 2, Better: 2, PassEnd: 4, IsZero: 2, KeyWait: 2,
	DigValue: 2, DigWait: 2, DrainMore: 2, Flush: 2, Low: 2, High: 2, IsWide: 2, IsWideOut: 2, IsWideIn: 2, IsWeights: 2, Asked: 2,
	Next: 2, RegScan: 2,
}

// Commands are the names of commands in the Verilog header.
var Commands = map[Do]string{
	None: "none", Decode: "decode", Fetch: "fetch", Retire: "retire", Idle: "idle", Begin: "begin", Enter: "enter", HostFirst: "host_first",
	Walk: "walk", Rate1: "rate1", Rate2: "rate2", Rate3: "rate3", Hold: "hold", HoldProduct: "hold_product",
	WalkProduct: "walk_product", Word0: "word0", Word1: "word1", Word2: "word2", Word3: "word3", Word4: "word4",
	Word5: "word5", Operands: "operands", Dot: "dot", Lookup: "lookup", HostUpper: "host_upper", HostLower: "host_lower",
	IsZero: "is_zero", Take: "take", AluWait: "alu_wait", Better: "better", Inverse: "inverse", Bounds: "bounds", Run: "run",
	RunEnd: "run_end", Drain: "drain", Pass: "pass", PassEnd: "pass_end", Goal: "goal", Rate: "rate",
	PermuteX: "permute_x", PermuteY: "permute_y", KeyWait: "key_wait", DigValue: "dig_value", DigWait: "dig_wait",
	Second: "second", DrainMore: "drain_more", Store: "store", Flush: "flush", Low: "low", High: "high", IsWide: "is_wide",
	IsWideOut: "is_wide_out", IsWideIn: "is_wide_in", IsWeights: "is_weights", Asked: "asked", Next: "next", HostScan: "host_scan",
	WideScan: "wide_scan", Scan: "scan", RegScan: "reg_scan", Preload: "preload", Push: "push", Lane: "lane",
	AluStart: "alu_start",
}

// Reads, Writes, Adds and Outsides are the names of the other codes, in order.
var (
	Reads    = []string{"zero", "row", "ra", "rb", "group", "mode", "named", "seed"}
	Writes   = []string{"none", "row", "rd", "fixed"}
	Adds     = []string{"none", "wbase", "c_words", "a_words", "a_high", "d_words", "d", "b_words", "imm", "rows", "dest", "first", "one", "minus", "upper", "outside"}
	Outsides = []string{"limit", "input", "label", "address"}
)
