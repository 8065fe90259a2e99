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
}

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

// Error makes a single diagnostic an error.
func (d Diagnostic) Error() string { return d.String() }

// List is all findings about one source file. As an error it is returned only when it is not empty.
type List struct {
	Diagnostics []Diagnostic
	Source      []byte // text of the file, for the lines that Error quotes; may be nil
}

// Add appends a finding.
func (l *List) Add(d Diagnostic) { l.Diagnostics = append(l.Diagnostics, d) }

// Sort orders the findings by file, position and message, and drops repetitions.
func (l *List) Sort() {
	slices.SortStableFunc(l.Diagnostics, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col),
			cmp.Compare(a.Message, b.Message))
	})
	l.Diagnostics = slices.CompactFunc(l.Diagnostics, func(a, b Diagnostic) bool { return a.String() == b.String() })
}

// Err returns the sorted list, or nil if it is empty.
func (l *List) Err() error {
	if len(l.Diagnostics) == 0 {
		return nil
	}
	l.Sort()
	return l
}

// Error prints every finding, each followed by its source line with a caret under the column, and by its notes.
func (l *List) Error() string {
	lines := strings.Split(string(l.Source), "\n")
	var b strings.Builder
	for i, d := range l.Diagnostics {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(d.String())
		if d.Line > 0 && d.Line <= len(lines) && len(l.Source) > 0 {
			quote(&b, strings.TrimSuffix(lines[d.Line-1], "\r"), d.Col)
		}
		for _, n := range d.Notes {
			b.WriteString("\n    note: ")
			b.WriteString(n)
		}
	}
	return b.String()
}

// quote writes a source line and, if col is in it or just past its end, a caret line. Tabs are kept in both so that
// the caret stands under its character whatever the tab width.
func quote(b *strings.Builder, line string, col int) {
	b.WriteString("\n    ")
	b.WriteString(strings.ToValidUTF8(line, "�"))
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
