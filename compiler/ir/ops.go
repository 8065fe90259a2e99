package ir

import "github.com/nmc-fpga/nmc/compiler/fixed"

// Level says which passes an operation outlives.
type Level int

const (
	Upper Level = iota // until pass legalize
	Lower              // an instruction
)

// Sig is the signature of an operation: one letter an operand (t tensor, v vector, s scalar, k table, x source:
// vector, scalar, immediate, draw or zero; i immediate; upper case: may be left out) and the attributes it takes.
type Sig struct {
	Level Level
	Args  string
	Attrs []string
	Doc   string
}

// Enums gives the attributes that print by name.
var Enums = map[string][]string{
	"round":  {fixed.Floor: "floor", fixed.Nearest: "nearest", fixed.Stochastic: "stochastic"},
	"source": {"memory", "uniform", "sign"},
	"fn":     {"mac", "min", "max", "ge", "sel"},
	"sched":  {"constant", "linear", "geometric"},
	"cond":   {"eq", "ne", "lt", "ge"},
}

// IsBlock says whether operations of that name hold a block.
func IsBlock(name string) bool { return name == "repeat" || name == "if" }

// Ops is every operation of the IR.
var Ops = map[string]Sig{
	// Upper level: x' is x with its constant one.
	"matvec":       {Upper, "vtvS", []string{"shift", "round", "lo", "hi", "n", "stream"}, "dst = W·x'; with n, of n inputs only and without the bias: from the input in the scalar on (W then lies over its outputs), or the first"},
	"matvect":      {Upper, "vtvV", []string{"shift", "round", "lo", "hi"}, "dst = Wᵀ·d (the bias has no part); with a mask, 0 where the mask is 0"},
	"outer":        {Upper, "tsvv", []string{"shift", "round", "sparse", "nobias"}, "W += rate · d·x'ᵀ: operands W, rate, d, x; sparse: few elements of d are not 0; nobias: d·xᵀ, the biases stay"},
	"row":          {Upper, "vtv", []string{"shift", "round", "lo", "hi"}, "dst = the weights of the unit at which s is 1: its own synapses, whatever comes through them; without the bias"},
	"pull":         {Upper, "tsvv", []string{"shift", "round", "across"}, "W += rate · d·(x - W)ᵀ, element by element: operands W, rate, d, x; x in the format of W, no bias. Across: W += rate · (d - W)·xᵀ, d in the format of W"},
	"draw":         {Upper, "ts", []string{"shift", "source", "lo"}, "W = scale · draw, not less than lo; biases 0"},
	"perturb":      {Upper, "ts", []string{"shift", "source", "stream", "lo", "hi"}, "W += scale · draw, biases too; the same draw wherever the stream is the same within one sample and trip"},
	"accumulate":   {Upper, "tst", []string{"shift", "round"}, "W += factor · M, biases too; M in the layout of W, or W itself"},
	"sign":         {Upper, "tt", []string{"magnitude"}, "B = magnitude where W > 0, -magnitude where W < 0, 0 where it is 0; B in the layout of W"},
	"madd":         {Upper, "vxxx", []string{"frac", "shift", "round", "lo", "hi", "stream"}, "dst = a·b + c, rounded once; frac: fraction bits of a scalar or immediate b; c in the format of dst"},
	"vmin":         {Upper, "vxx", []string{"lo", "hi"}, "dst = min(a, c), in one format"},
	"vmax":         {Upper, "vxx", []string{"lo", "hi"}, "dst = max(a, c), in one format"},
	"ge":           {Upper, "vxx", []string{"lo", "hi", "stream"}, "dst = a >= c ? hi : lo; without these 1 and 0"},
	"sel":          {Upper, "vxxx", []string{"lo", "hi", "stream"}, "dst = a != 0 ? b : c"},
	"fill":         {Upper, "vxS", []string{"n", "align"}, "dst = the immediate or scalar, every element; with n, that many from the element in the second scalar on, a multiple of align"},
	"winner":       {Upper, "vv", nil, "dst = 1 at the largest u, the first of equals, else 0"},
	"onehot":       {Upper, "v", nil, "dst = 1 at the label, else 0"},
	"relu":         {Upper, "vv", nil, "dst = max(0, u)"},
	"tanh":         {Upper, "vvk", nil, "dst = tanh(u)"},
	"sigmoid":      {Upper, "vvk", nil, "dst = 1/(1+exp(-u))"},
	"exp":          {Upper, "vvk", nil, "dst = exp(u), u at most 0"},
	"hardsigmoid":  {Upper, "vv", nil, "dst = clip(u/6 + 1/2, 0, 1)"},
	"clip":         {Upper, "vv", nil, "dst = clip(u, 0, 1)"},
	"drelu":        {Upper, "vvv", nil, "dst = t where h > 0, else 0"},
	"dclip":        {Upper, "vvv", nil, "dst = t where 0 < h < 1, else 0"},
	"dtanh":        {Upper, "vvv", nil, "dst = t·(1 - h²)"},
	"dsigmoid":     {Upper, "vvv", nil, "dst = t·h·(1 - h)"},
	"dhardsigmoid": {Upper, "vvv", nil, "dst = t/6 where 0 < h < 1, else 0"},
	"softmax":      {Upper, "vvk", nil, "dst = softmax(u)"},
	"target":       {Upper, "vv", nil, "dst = p - onehot(label)"},
	"result":       {Upper, "v", nil, "prediction = argmax u"},
	"reset":        {Upper, "s", nil, "scalar = its initial value"},
	"anneal":       {Upper, "s", []string{"sched", "factor", "final"}, "one step of a rate's schedule: linear adds factor, geometric multiplies by factor/2^31; never beyond final"},
	"count":        {Upper, "s", nil, "scalar += 1"},
	"one":          {Upper, "v", nil, "write the constant one of the vector (both buffers of an input)"},
	"clear":        {Upper, "v", nil, "dst = 0 in every time step of both buffers of the input"},
	"digest":       {Upper, "", nil, "digest of every tensor in memory, state and learned scalar"},

	// Blocks stay until the program is encoded.
	"repeat": {Lower, "s", []string{"n"}, "the block n times; the scalar counts down from n to 1"},
	"if":     {Lower, "ss", []string{"cond"}, "the block where the two scalars compare so"},

	// Lower level: package isa says what each does.
	"mac.b": {Lower, "vtv", []string{"rows", "cols", "shift", "round", "lo", "hi", "stream", "group"}, "group: of registers with the offsets of a block"},
	"mac.r": {Lower, "vtv", []string{"rows", "cols", "shift", "round", "lo", "hi", "masked", "stream"}, ""},
	"upd.b": {Lower, "tsvv", []string{"rows", "cols", "shift", "round", "lo", "hi", "pull", "stream"}, "operands W, rate, streamed scalars s, lane-side v"},
	"upd.r": {Lower, "tsvv", []string{"rows", "cols", "shift", "round", "lo", "hi", "pull", "stream"}, "the same operands, v streamed"},
	"blend": {Lower, "tsT", []string{"rows", "cols", "shift", "round", "lo", "hi", "set", "source", "stream"}, "operands W, factor, M (source memory)"},
	"vec":   {Lower, "vxxx", []string{"fn", "n", "shift", "round", "lo", "hi", "stream"}, "operands dst, a, b, c"},
	"fills": {Lower, "vss", []string{"n", "align", "lo", "hi"}, "vec that fills n elements from the one in the scalar on; a loop of store where these are no whole words"},
	"rowof": {Lower, "sts", nil, "dst = the words before a row of W"},
	"tab":   {Lower, "vvk", []string{"n", "lo", "hi"}, ""},
	"dot":   {Lower, "sxx", []string{"n", "shift"}, ""},
	"amax":  {Lower, "sv", []string{"n"}, "the next register takes the index"},
	"dig":   {Lower, "t", nil, ""},
	"digs":  {Lower, "s", []string{"id"}, "dig of a register"},
	"digv":  {Lower, "v", []string{"id"}, "dig of a vector"},
	"set":   {Lower, "si", nil, ""},
	"add":   {Lower, "sss", nil, ""},
	"addi":  {Lower, "ssi", nil, "operands dst, a, immediate"},
	"sub":   {Lower, "sss", nil, ""},
	"mul":   {Lower, "sss", []string{"shift"}, ""},
	"div":   {Lower, "sss", []string{"shift"}, ""},
	"sqrt":  {Lower, "ss", []string{"shift"}, ""},
	"and":   {Lower, "ssi", nil, ""},
	"shl":   {Lower, "ss", []string{"shift"}, ""},
	"shr":   {Lower, "ss", []string{"shift"}, ""},
	"min":   {Lower, "sss", nil, ""},
	"max":   {Lower, "sss", nil, ""},
	"load":  {Lower, "svs", nil, "operands dst, vector, index"},
	"store": {Lower, "vss", []string{"buffer"}, "operands vector, index, value; buffer 1: the second input buffer"},
	"next":  {Lower, "v", nil, "the input of the following time step: its segment after the one that is read"},
	"key":   {Lower, "s", []string{"stream"}, "key of a stream at the step in the scalar"},
	"halt":  {Lower, "", nil, ""},
}
