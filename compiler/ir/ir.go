// Package ir is the learning IR: a small typed program over fixed-point tensors, vectors and scalars, with the entry
// points init, learn, infer and digest. It prints as text (print.go), parses back (parse.go) and is checked after every
// pass (check.go).
//
// Operations come in two levels. Rules write the upper one (matvec, outer, softmax, …: one line of the paper's equation
// each); pass legalize rewrites it into the lower one, whose operations are the device's instructions with names in
// place of addresses.
package ir

import (
	"strconv"
)

// Program is a whole network with its rule.
type Program struct {
	Name    string
	Rule    string
	Seed    uint32
	Tensors []*Tensor
	Vectors []*Vector
	Scalars []*Scalar
	Tables  []*Table
	Funcs   []*Func
}

// Tensor is a matrix from In inputs to Out outputs. With Bias, one more input stands for the constant one.
// Element values are x / 2^Frac.
type Tensor struct {
	Name    string
	Role    string // one of Roles
	In, Out int
	Bias    bool
	Bits    int // saturation width, 2..16
	// Positive weights saturate at 0 below.
	Positive bool
	Frac     int
	Source   string // "memory", or "sign": generated from its counter, no memory
	Lanes    string // "" before pass axes, then "out" (rows are inputs) or "in" (rows are outputs)
	ID       int    // in the digest; -1 when generated
	Base     int    // word address, -1 before pass allocate
}

// Rows is the number of rows in the device's layout: the scalar side.
func (t *Tensor) Rows() int {
	if t.Lanes == "in" {
		return t.Out
	}
	return t.inputs()
}

// Cols is the number of columns in the device's layout: the lane side.
func (t *Tensor) Cols() int {
	if t.Lanes == "in" {
		return t.inputs()
	}
	return t.Out
}

func (t *Tensor) inputs() int {
	if t.Bias {
		return t.In + 1
	}
	return t.In
}

// Roles are what a tensor can be: "weight" of the network, imported and exported; "head" (a rule's own classifier) and
// "inverse" (of a layer), learned by the rule; "trace" from sample to sample; "feedback", which no update changes; "noise", drawn
// anew in each sample.
var Roles = []string{"weight", "head", "inverse", "trace", "feedback", "noise"}

// Vector is a vector of N elements, values x / 2^Frac. With One, element N holds the constant one of its format (the
// partner of a bias). Vectors of role "input" have two buffers; those of role "state" live from sample to sample: init sets
// them, learn alone changes them, and the digest sees them.
//
// An input with Steps has in each buffer a segment of N elements for every time step. The host sets the elements that have an event to 1;
// the program reads the first segment, goes on to the following one with next, and leaves zeros behind.
type Vector struct {
	Name  string
	Role  string // "input", "value", "temp", "state"
	N     int
	One   bool
	Frac  int
	Steps int // of an input; 0: the whole sample is there at once
	Base  int // word address, -1 before pass allocate
}

// Len is the number of elements with the constant one.
func (v *Vector) Len() int {
	if v.One {
		return v.N + 1
	}
	return v.N
}

// Scalar is a 32-bit register. A rate's 16-bit factor (its top half) stands for factor / 2^Frac.
type Scalar struct {
	Name    string
	Init    int32
	Frac    int
	Learned bool // set again by init, and part of the digest
	Reg     int  // -1 before pass allocate
}

// Table is a piecewise-linear function of 256 segments from format InFrac to OutFrac.
type Table struct {
	Name            string
	Func            string // "tanh", "sigmoid", "exp"
	InFrac, OutFrac int
	Base            int // entry, -1 before pass allocate
}

// Func is an entry point.
type Func struct {
	Name string
	Ops  []*Op
}

// Op is one operation: destination first, then operands. An operand is the name of a declaration, an immediate "#n", "_"
// for zero, "~" for a uniform draw of 16 bits or "~sign" for a random 1 or -1. Attributes have small integer values, printed
// by name where they are enumerations. repeat and if hold a block of operations.
type Op struct {
	Name  string
	Args  []string
	Attrs map[string]int
	Body  []*Op
}

// New makes an operation.
func New(name string, args ...string) *Op {
	return &Op{Name: name, Args: args, Attrs: map[string]int{}}
}

// With sets an attribute and returns the operation.
func (o *Op) With(key string, value int) *Op {
	o.Attrs[key] = value
	return o
}

// Clone returns a copy.
func (o *Op) Clone() *Op {
	c := New(o.Name, append([]string(nil), o.Args...)...)
	for k, v := range o.Attrs {
		c.Attrs[k] = v
	}
	for _, b := range o.Body {
		c.Body = append(c.Body, b.Clone())
	}
	return c
}

// Walk calls visit for each operation in the order of the text, those of blocks after the operation that holds them.
func Walk(ops []*Op, visit func(*Op)) {
	for _, o := range ops {
		visit(o)
		Walk(o.Body, visit)
	}
}

// Each calls visit for each operation of the program.
func (p *Program) Each(visit func(*Func, *Op)) {
	for _, f := range p.Funcs {
		Walk(f.Ops, func(o *Op) { visit(f, o) })
	}
}

// Imm is the operand for an immediate.
func Imm(n int) string { return "#" + strconv.Itoa(n) }

const (
	Zero    = "_"     // the operand for zero
	Uniform = "~"     // a draw as signed 16 bits: uniform in [-1, 1) with 15 fraction bits
	Sign    = "~sign" // a draw's sign: 1 or -1
)

// IsDraw says whether the operand is drawn for each element.
func IsDraw(arg string) bool { return arg == Uniform || arg == Sign }

// Func returns the entry point of that name, made empty if it is not there.
func (p *Program) Func(name string) *Func {
	for _, f := range p.Funcs {
		if f.Name == name {
			return f
		}
	}
	f := &Func{Name: name}
	p.Funcs = append(p.Funcs, f)
	return f
}

// Tensor returns the tensor of that name, or nil.
func (p *Program) Tensor(name string) *Tensor {
	return find(p.Tensors, name, func(t *Tensor) string { return t.Name })
}

// Vector returns the vector of that name, or nil.
func (p *Program) Vector(name string) *Vector {
	return find(p.Vectors, name, func(v *Vector) string { return v.Name })
}

// Scalar returns the scalar of that name, or nil.
func (p *Program) Scalar(name string) *Scalar {
	return find(p.Scalars, name, func(s *Scalar) string { return s.Name })
}

// Table returns the table of that name, or nil.
func (p *Program) Table(name string) *Table {
	return find(p.Tables, name, func(t *Table) string { return t.Name })
}

func find[T any](list []*T, name string, key func(*T) string) *T {
	for _, x := range list {
		if key(x) == name {
			return x
		}
	}
	return nil
}

// Add appends operations to the function.
func (f *Func) Add(ops ...*Op) { f.Ops = append(f.Ops, ops...) }

// Args0 is the destination, "" when there is none.
func (o *Op) Args0() string {
	if len(o.Args) == 0 {
		return ""
	}
	return o.Args[0]
}
