// Package expr reads the expressions in which a user writes a learning rule: of one synapse's weight change, over quantities
// of its two neurons, its weight and a few scalars.
//
//	0.5 * x0 * (y0 - y1) - decay * w        names, numbers, + - * / ^, parentheses, functions
//
// Parse gives the tree, Eval its value, and Sum (sum.go) the sum of products that an engine without a synapse's own processor can
// carry: each product a factor of the presynaptic side, one of the postsynaptic side, and at most one w.
package expr

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Kind says what a node is.
type Kind uint8

const (
	Number Kind = iota
	Name
	Add   // two operands or more
	Mul   // two operands or more
	Power // one operand, to the whole power Exp
	Call  // of the function Text
)

// Node is a part of an expression. Offset is where it starts in the source, in bytes.
type Node struct {
	Kind   Kind
	Text   string // of a name or a function
	Value  float64
	Exp    int
	Args   []*Node
	Offset int
}

// Functions are those that an expression may call, with their number of operands: max, min, abs, and step, which is 1 for an
// operand of at least 0, else 0.
var Functions = map[string]int{"max": 2, "min": 2, "abs": 1, "step": 1}

// Error is what is wrong with an expression, where, and what to do.
type Error struct {
	Offset          int // in the source, in bytes
	Message, Remedy string
}

func (e *Error) Error() string {
	return fmt.Sprintf("column %d: %s; %s", e.Offset+1, e.Message, e.Remedy)
}

// maxDepth limits the nesting of an expression, maxPower its exponents.
const (
	maxDepth = 50
	maxPower = 8
)

// Parse reads an expression.
func Parse(src string) (*Node, error) {
	p := &parser{src: src}
	p.next()
	n, err := p.sum(0)
	if err != nil {
		return nil, err
	}
	if p.token != "" {
		return nil, p.unexpected("an operator or the end")
	}
	return n, nil
}

type parser struct {
	src   string
	token string // "" at the end
	at    int    // where the token starts
	end   int    // where it ends
}

// next moves to the next token: a number, a name, or one character.
func (p *parser) next() {
	rest := strings.TrimLeft(p.src[p.end:], " \t\n")
	p.at = len(p.src) - len(rest)
	n := 0
	switch {
	case rest == "":
	case isLetter(rest[0]):
		for n < len(rest) && (isLetter(rest[n]) || isDigit(rest[n])) {
			n++
		}
	case isDigit(rest[0]) || rest[0] == '.':
		for n < len(rest) && (isDigit(rest[n]) || rest[n] == '.' || rest[n] == 'e' || rest[n] == 'E' ||
			(rest[n] == '-' || rest[n] == '+') && (rest[n-1] == 'e' || rest[n-1] == 'E')) {
			n++
		}
	default:
		for n = 1; n < len(rest) && rest[n]&0xc0 == 0x80; n++ { // one character
		}
	}
	p.token, p.end = rest[:n], p.at+n
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func (p *parser) unexpected(expected string) error {
	if p.token == "" {
		return &Error{p.at, "the expression ends too early", "expected " + expected}
	}
	return &Error{p.at, fmt.Sprintf("unexpected %q", p.token), "expected " + expected}
}

func (p *parser) sum(depth int) (*Node, error) {
	if depth > maxDepth {
		return nil, &Error{p.at, "the expression is nested too deeply", fmt.Sprintf("use at most %d levels", maxDepth)}
	}
	n, err := p.product(depth)
	for err == nil && (p.token == "+" || p.token == "-") {
		minus, at := p.token == "-", p.at
		p.next()
		var r *Node
		if r, err = p.product(depth); err != nil {
			break
		}
		if minus {
			r = negative(r, at)
		}
		n = &Node{Kind: Add, Args: []*Node{n, r}, Offset: n.Offset}
	}
	return n, err
}

func negative(n *Node, at int) *Node {
	if n.Kind == Number {
		return &Node{Kind: Number, Value: -n.Value, Offset: at}
	}
	return &Node{Kind: Mul, Args: []*Node{{Kind: Number, Value: -1, Offset: at}, n}, Offset: at}
}

func (p *parser) product(depth int) (*Node, error) {
	n, err := p.factor(depth)
	for err == nil && (p.token == "*" || p.token == "/") {
		divide, at := p.token == "/", p.at
		p.next()
		var r *Node
		if r, err = p.factor(depth); err != nil {
			break
		}
		if divide {
			v, constant := r.constant()
			if !constant || v == 0 || math.IsInf(1/v, 0) {
				return nil, &Error{at, "division by what is no constant but 0", "multiply by its inverse, kept in a trace of its own"}
			}
			r = &Node{Kind: Number, Value: 1 / v, Offset: r.Offset}
		}
		n = &Node{Kind: Mul, Args: []*Node{n, r}, Offset: n.Offset}
	}
	return n, err
}

// constant is the value of a node without names.
func (n *Node) constant() (float64, bool) {
	if len(n.Names()) > 0 {
		return 0, false
	}
	return n.Eval(nil), true
}

func (p *parser) factor(depth int) (*Node, error) {
	if p.token == "-" {
		at := p.at
		p.next()
		if depth > maxDepth {
			return nil, &Error{at, "the expression is nested too deeply", fmt.Sprintf("use at most %d levels", maxDepth)}
		}
		n, err := p.factor(depth + 1)
		if err != nil {
			return nil, err
		}
		return negative(n, at), nil
	}
	n, err := p.atom(depth)
	if err != nil || p.token != "^" {
		return n, err
	}
	p.next()
	sign := 1
	if p.token == "-" {
		sign = -1
		p.next()
	}
	e, bad := strconv.Atoi(p.token)
	if bad != nil {
		return nil, p.unexpected("a whole exponent, as in x0^2 or 2^-8")
	}
	at := p.at
	p.next()
	if v, ok := n.constant(); ok {
		v = math.Pow(v, float64(sign*e))
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return nil, &Error{at, "the power is no finite number", "use a smaller exponent"}
		}
		return &Node{Kind: Number, Value: v, Offset: n.Offset}, nil
	}
	if sign < 0 || e < 1 || e > maxPower {
		return nil, &Error{at, fmt.Sprintf("exponent %d of what is no constant", sign*e), fmt.Sprintf("use 1 to %d", maxPower)}
	}
	return &Node{Kind: Power, Exp: e, Args: []*Node{n}, Offset: n.Offset}, nil
}

func (p *parser) atom(depth int) (*Node, error) {
	at, token := p.at, p.token
	switch {
	case token == "(":
		p.next()
		n, err := p.sum(depth + 1)
		if err != nil {
			return nil, err
		}
		if p.token != ")" {
			return nil, p.unexpected(`")"`)
		}
		p.next()
		return n, nil
	case token != "" && (isDigit(token[0]) || token[0] == '.'):
		v, err := strconv.ParseFloat(token, 64)
		if err != nil {
			return nil, &Error{at, fmt.Sprintf("%q is no number", token), "write it as 0.5 or 1e-3"}
		}
		p.next()
		return &Node{Kind: Number, Value: v, Offset: at}, nil
	case token == "" || !isLetter(token[0]):
		return nil, p.unexpected("a name, a number or (")
	}
	p.next()
	if p.token != "(" {
		return &Node{Kind: Name, Text: token, Offset: at}, nil
	}
	takes, known := Functions[token]
	if !known {
		return nil, &Error{at, fmt.Sprintf("no function %s", token), "use max, min, abs or step"}
	}
	n := &Node{Kind: Call, Text: token, Offset: at}
	for {
		p.next()
		a, err := p.sum(depth + 1)
		if err != nil {
			return nil, err
		}
		n.Args = append(n.Args, a)
		if p.token != "," {
			break
		}
	}
	if p.token != ")" {
		return nil, p.unexpected(`"," or ")"`)
	}
	p.next()
	if len(n.Args) != takes {
		return nil, &Error{at, fmt.Sprintf("%s has %d operands, takes %d", token, len(n.Args), takes), "add or remove some"}
	}
	return n, nil
}

// Names returns the names in a node with the place of each first use, in order of use.
func (n *Node) Names() []*Node {
	var all []*Node
	n.walk(func(m *Node) {
		if m.Kind == Name && !slices.ContainsFunc(all, func(o *Node) bool { return o.Text == m.Text }) {
			all = append(all, m)
		}
	})
	return all
}

func (n *Node) walk(visit func(*Node)) {
	visit(n)
	for _, a := range n.Args {
		a.walk(visit)
	}
}

// Eval returns the value for values of the names.
func (n *Node) Eval(names map[string]float64) float64 {
	switch n.Kind {
	case Number:
		return n.Value
	case Name:
		return names[n.Text]
	case Power:
		return math.Pow(n.Args[0].Eval(names), float64(n.Exp))
	}
	v := n.Args[0].Eval(names)
	for _, a := range n.Args[1:] {
		x := a.Eval(names)
		switch {
		case n.Kind == Add:
			v += x
		case n.Kind == Mul:
			v *= x
		case n.Text == "max":
			v = max(v, x)
		default:
			v = min(v, x)
		}
	}
	switch {
	case n.Kind == Call && n.Text == "abs":
		return math.Abs(v)
	case n.Kind == Call && n.Text == "step" && v >= 0:
		return 1
	case n.Kind == Call && n.Text == "step":
		return 0
	}
	return v
}

// String prints the node so that equal expressions print the same and it reads back.
func (n *Node) String() string {
	switch n.Kind {
	case Number:
		if n.Value < 0 {
			return "(" + strconv.FormatFloat(n.Value, 'g', -1, 64) + ")"
		}
		return strconv.FormatFloat(n.Value, 'g', -1, 64)
	case Name:
		return n.Text
	case Power:
		return fmt.Sprintf("%s^%d", n.Args[0].group(), n.Exp)
	}
	var parts []string
	for _, a := range n.Args {
		if n.Kind == Mul {
			parts = append(parts, a.group())
		} else {
			parts = append(parts, a.String())
		}
	}
	switch n.Kind {
	case Add:
		return strings.Join(parts, " + ")
	case Mul:
		return strings.Join(parts, "*")
	}
	return n.Text + "(" + strings.Join(parts, ", ") + ")"
}

// group is the node as a factor.
func (n *Node) group() string {
	if n.Kind == Add || n.Kind == Mul || n.Kind == Power {
		return "(" + n.String() + ")"
	}
	return n.String()
}
