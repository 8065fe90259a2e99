package asm

import (
	"slices"
	"strconv"
)

// expr evaluates a number: literals, names of .equ, + - * / and parentheses, 64 bits.
func (x *assembler) expr(t token) (int64, bool) {
	p := &parser{x: x, t: t}
	v := p.sum()
	if p.ok() && p.pos < len(t.text) {
		p.failed = true
		x.fail(token{t.text, t.col + p.pos}, "unexpected %q in %q; a number, a name, + - * / or ( ) is expected", t.text[p.pos:], t.text)
	}
	return v, p.ok()
}

type parser struct {
	x      *assembler
	t      token
	pos    int
	failed bool
}

func (p *parser) ok() bool { return !p.failed }

func (p *parser) peek() byte {
	if p.pos < len(p.t.text) {
		return p.t.text[p.pos]
	}
	return 0
}

func (p *parser) sum() int64 {
	v := p.product()
	for p.ok() && (p.peek() == '+' || p.peek() == '-') {
		op := p.peek()
		p.pos++
		if r := p.product(); op == '+' {
			v += r
		} else {
			v -= r
		}
	}
	return v
}

func (p *parser) product() int64 {
	v := p.atom()
	for p.ok() && (p.peek() == '*' || p.peek() == '/') {
		op, at := p.peek(), p.pos
		p.pos++
		r := p.atom()
		switch {
		case op == '*':
			v *= r
		case r == 0 && p.ok():
			p.fail(at, "division by zero in %q", p.t.text)
		case r != 0:
			v /= r
		}
	}
	return v
}

func (p *parser) fail(at int, format string, args ...any) {
	p.failed = true
	p.x.fail(token{p.t.text, p.t.col + at}, format, args...)
}

func (p *parser) atom() int64 {
	switch p.peek() {
	case '-':
		p.pos++
		return -p.atom()
	case '(':
		p.pos++
		v := p.sum()
		if p.ok() && p.peek() != ')' {
			p.fail(p.pos, "missing ) in %q", p.t.text)
		}
		p.pos++
		return v
	}
	start := p.pos
	for c := p.peek(); c == '_' || c == '.' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'; c = p.peek() {
		p.pos++
	}
	word := p.t.text[start:p.pos]
	if word == "" {
		p.fail(start, "a number or a name is missing in %q", p.t.text)
		return 0
	}
	if word[0] >= '0' && word[0] <= '9' {
		v, err := strconv.ParseInt(word, 0, 64)
		if err != nil {
			p.fail(start, "%q is no number; write it decimal or as 0x… of at most 63 bits", word)
		}
		return v
	}
	v, ok := p.x.equ[word]
	if !ok {
		p.fail(start, "no number is named %q; .equ defines one before its use%s", word, nearest(word, keys(p.x.equ)))
	}
	return v
}

func keys[V any](m map[string]V) []string {
	var s []string
	for k := range m {
		s = append(s, k)
	}
	slices.Sort(s)
	return s
}

// nearest suggests the name with the smallest edit distance, or lists a few when none is near.
func nearest(name string, names []string) string {
	best, at := "", len(name)/2+1
	for _, n := range names {
		if d := distance(name, n); d <= at && (best == "" || d < at) {
			best, at = n, d
		}
	}
	switch {
	case best != "":
		return "; did you mean " + best + "?"
	case len(names) == 0:
		return ""
	}
	list := ""
	for i, n := range names {
		if i == 12 {
			list += ", …"
			break
		}
		if i > 0 {
			list += ", "
		}
		list += n
	}
	return "; there are " + list
}

// distance is the Levenshtein distance.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
