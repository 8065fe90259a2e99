// Package diag is diagnostics as data: what is wrong, where, and what to do about it.
package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Diagnostic is one finding about a source file.
type Diagnostic struct {
	File    string   `json:"file"`
	Line    int      `json:"line"` // from 1; 0: the finding is about the whole file
	Col     int      `json:"col"`  // in characters, from 1; 0: about the whole line
	Message string   `json:"message"`
	Remedy  string   `json:"remedy,omitempty"`
	Notes   []string `json:"notes,omitempty"`
	Quote   string   `json:"quote,omitempty"` // the source line
}

// List is all findings about one source. It is an error only while it is not empty: return Err, not the list.
type List []Diagnostic

// String is the finding on one line, without its notes: "net.toml:14:9: message; remedy".
func (d Diagnostic) String() string {
	var b strings.Builder
	b.WriteString(d.File)
	if d.Line > 0 {
		fmt.Fprintf(&b, ":%d", d.Line)
		if d.Col > 0 {
			fmt.Fprintf(&b, ":%d", d.Col)
		}
	}
	b.WriteString(": ")
	b.WriteString(d.Message)
	if d.Remedy != "" {
		b.WriteString("; ")
		b.WriteString(d.Remedy)
	}
	return b.String()
}

// Err returns the findings in order of file, position and message, each once, as a List; or nil if there are none.
func (l List) Err() error {
	if len(l) == 0 {
		return nil
	}
	l = slices.Clone(l)
	slices.SortStableFunc(l, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col),
			cmp.Compare(a.String(), b.String()))
	})
	return slices.CompactFunc(l, func(a, b Diagnostic) bool { return a.String() == b.String() })
}

// Error prints every finding, each followed by its source line with a caret under the column and by its notes.
func (l List) Error() string {
	var b strings.Builder
	for i, d := range l {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(d.String())
		if d.Quote != "" {
			quote(&b, d.Quote, d.Col)
		}
		for _, n := range d.Notes {
			b.WriteString("\n    note: ")
			b.WriteString(n)
		}
	}
	return b.String()
}

// Line returns line n, from 1, of a source without its line end, or "" if there is none.
func Line(src []byte, n int) string {
	for rest := string(src); n >= 1; n-- {
		line, after, more := strings.Cut(rest, "\n")
		if n == 1 {
			return strings.TrimSuffix(line, "\r")
		}
		if !more {
			break
		}
		rest = after
	}
	return ""
}

// quote writes a source line and, if col is in it or just past its end, a caret line. Tabs are kept in both so that
// the caret stands under its character whatever the tab width.
func quote(b *strings.Builder, line string, col int) {
	line = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return utf8.RuneError // no control characters to the terminal
		}
		return r
	}, line)
	b.WriteString("\n    ")
	b.WriteString(line)
	if col < 1 || col > utf8.RuneCountInString(line)+1 {
		return
	}
	b.WriteString("\n    ")
	for i, r := range []rune(line) {
		if i == col-1 {
			break
		}
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
	}
	b.WriteByte('^')
}
