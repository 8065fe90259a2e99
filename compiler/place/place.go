// Package place finds where the keys and values of a TOML document stand: its parser gives values without positions.
package place

import (
	"strings"
	"unicode/utf8"

	"github.com/BurntSushi/toml"
)

// Pos is a place in the source: line and column (in characters), both from 1. The zero Pos is no place.
type Pos struct{ Line, Col int }

// Node is one value of a TOML document with its places: the tree that the parser gives as maps, slices and scalars,
// which come without positions. Offsets are in bytes.
type Node struct {
	Key        int              // of the key or of the header's last key; -1 for elements of arrays and the root
	Start, End int              // of the value; of the header for tables that have one
	Table      map[string]*Node // of a table
	Array      []*Node          // of an array or of an array of tables
	sealed     bool             // an array written [..], to which nothing can be added
}

// Scan finds the place of every key and value of src, which must be a document that the TOML parser accepts; of any
// other it gives some tree, but ends and does not panic. It knows TOML's keys, headers, nesting and quoting and
// nothing of the syntax of scalars.
//
// twice are the places of keys that have another value already. toml v1.6.0 overlooks some: it accepts a = 1 where
// a is a table that the header [a.b] made, and drops the 1.
func Scan(src []byte) (root *Node, twice []int) {
	s := &scanner{src: string(src)}
	if strings.HasPrefix(s.src, "\uFEFF") {
		s.pos = len("\uFEFF")
	}
	root = &Node{Key: -1, Table: map[string]*Node{}}
	current := root
	for s.blank(true); s.pos < len(s.src); s.blank(true) {
		before := s.pos
		if s.src[s.pos] == '[' {
			current = s.header(root)
		} else {
			s.pair(current)
		}
		if s.pos == before { // not TOML
			s.pos++
		}
	}
	return root, s.twice
}

type scanner struct {
	src   string
	pos   int
	depth int
	twice []int
}

// maxDepth bounds the recursion on input that is nested absurdly; deeper values are taken for scalars.
const maxDepth = 1000

// blank skips spaces and, where newlines separate, line ends and comments.
func (s *scanner) blank(newlines bool) {
	for s.pos < len(s.src) {
		switch c := s.src[s.pos]; {
		case c == ' ' || c == '\t':
		case newlines && (c == '\n' || c == '\r'):
		case newlines && c == '#':
			if i := strings.IndexByte(s.src[s.pos:], '\n'); i >= 0 {
				s.pos += i
			} else {
				s.pos = len(s.src)
				return
			}
		default:
			return
		}
		s.pos++
	}
}

// at says whether the text at the position starts with prefix.
func (s *scanner) at(prefix string) bool { return strings.HasPrefix(s.src[s.pos:], prefix) }

// skip steps over c if it is next.
func (s *scanner) skip(c byte) bool {
	if s.pos < len(s.src) && s.src[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// header reads [a.b] or [[a.b]] and returns the table that the following pairs belong to.
func (s *scanner) header(root *Node) *Node {
	start := s.pos
	s.pos++
	many := s.skip('[')
	keys, places := s.keys()
	s.skip(']')
	if many {
		s.skip(']')
	}
	if len(keys) == 0 {
		return &Node{Table: map[string]*Node{}} // not TOML
	}
	last := len(keys) - 1
	parent := s.descend(root, keys[:last], places[:last])
	n := parent.Table[keys[last]]
	if n != nil && (n.sealed || (n.Table == nil) != many) {
		s.twice = append(s.twice, places[last])
	}
	if !many {
		if n == nil || n.Table == nil {
			n = &Node{Table: map[string]*Node{}}
			parent.Table[keys[last]] = n
		}
		n.Key, n.Start, n.End = places[last], start, s.pos
		return n
	}
	if n == nil || n.Table != nil {
		n = &Node{Key: places[last], Start: start, End: s.pos}
		parent.Table[keys[last]] = n
	}
	element := &Node{Key: -1, Start: start, End: s.pos, Table: map[string]*Node{}}
	n.Array = append(n.Array, element)
	return element
}

// descend walks from n along keys, through the last element of arrays of tables, and makes the tables that are missing.
func (s *scanner) descend(n *Node, keys []string, places []int) *Node {
	for i, k := range keys {
		next := n.Table[k]
		if next == nil {
			next = &Node{Key: places[i], Start: places[i], End: places[i], Table: map[string]*Node{}}
			n.Table[k] = next
		}
		sealed := next.sealed
		if len(next.Array) > 0 {
			next = next.Array[len(next.Array)-1]
		}
		if sealed || next.Table == nil {
			s.twice = append(s.twice, places[i])
			next = &Node{Table: map[string]*Node{}}
		}
		n = next
	}
	return n
}

// pair reads a.b = value into table t.
func (s *scanner) pair(t *Node) {
	keys, places := s.keys()
	if len(keys) == 0 || !s.skip('=') {
		return
	}
	last := len(keys) - 1
	t = s.descend(t, keys[:last], places[:last])
	s.blank(false)
	v := s.value()
	v.Key = places[last]
	if t.Table[keys[last]] != nil {
		s.twice = append(s.twice, v.Key)
		return
	}
	t.Table[keys[last]] = v
}

// keys reads a dotted key, its parts' places, and the blanks around it.
func (s *scanner) keys() (keys []string, places []int) {
	for {
		s.blank(false)
		start := s.pos
		if s.at(`"`) || s.at(`'`) {
			s.quoted()
			var v struct{ K string }
			if _, err := toml.Decode("K="+s.src[start:s.pos], &v); err != nil {
				return keys, places // not TOML
			}
			keys = append(keys, v.K)
		} else {
			for s.pos < len(s.src) && !strings.ContainsRune(" \t\r\n.=[]{},#\"'", rune(s.src[s.pos])) {
				s.pos++
			}
			if s.pos == start {
				return keys, places // not TOML
			}
			keys = append(keys, s.src[start:s.pos])
		}
		places = append(places, start)
		s.blank(false)
		if !s.skip('.') {
			return keys, places
		}
	}
}

// value reads a value; its Node has no key.
func (s *scanner) value() *Node {
	n := &Node{Key: -1, Start: s.pos}
	s.depth++
	switch {
	case s.pos == len(s.src):
	case s.depth > maxDepth:
		s.pos = len(s.src)
	case s.at(`"`) || s.at(`'`):
		s.quoted()
	case s.skip('['):
		n.Array, n.sealed = []*Node{}, true
		for s.blank(true); s.pos < len(s.src) && !s.skip(']'); s.blank(true) {
			before := s.pos
			n.Array = append(n.Array, s.value())
			s.blank(true)
			s.skip(',')
			if s.pos == before { // not TOML
				s.pos++
			}
		}
	case s.skip('{'):
		n.Table = map[string]*Node{}
		for s.blank(true); s.pos < len(s.src) && !s.skip('}'); s.blank(true) {
			before := s.pos
			s.pair(n)
			s.blank(true)
			s.skip(',')
			if s.pos == before { // not TOML
				s.pos++
			}
		}
	default:
		for s.pos < len(s.src) && !strings.ContainsRune("\r\n,]}#", rune(s.src[s.pos])) {
			s.pos++
		}
		n.End = n.Start + len(strings.TrimRight(s.src[n.Start:s.pos], " \t"))
		s.depth--
		return n
	}
	n.End = s.pos
	s.depth--
	return n
}

// quoted steps over a string of any of the four kinds.
func (s *scanner) quoted() {
	q := s.src[s.pos : s.pos+1]
	triple := strings.Repeat(q, 3)
	end, many := q, false
	if s.at(triple) {
		end, many = triple, true
	}
	s.pos += len(end)
	for s.pos < len(s.src) && !s.at(end) {
		if s.src[s.pos] == '\n' && !many {
			return // not TOML
		}
		if q == `"` && s.src[s.pos] == '\\' {
			s.pos++
		}
		s.pos++
	}
	s.pos = min(s.pos+len(end), len(s.src))
	// Up to two quotes may stand before the closing three.
	for i := 0; many && i < 2 && s.skip(q[0]); i++ {
	}
}

// Position turns a byte offset into line and column.
func Position(src []byte, offset int) Pos {
	before := string(src[:min(max(offset, 0), len(src))])
	line := strings.Count(before, "\n")
	before = strings.TrimPrefix(before[strings.LastIndexByte(before, '\n')+1:], "\uFEFF")
	return Pos{line + 1, utf8.RuneCountInString(before) + 1}
}
