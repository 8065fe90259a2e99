package diag

import (
	"encoding/json"
	"testing"
)

func TestString(t *testing.T) {
	for _, tt := range []struct {
		d    Diagnostic
		want string
	}{
		{Diagnostic{File: "f", Message: "m"}, "f: m"},
		{Diagnostic{File: "f", Message: "m", Remedy: "r"}, "f: m; r"},
		{Diagnostic{File: "f", Line: 3, Message: "m"}, "f:3: m"},
		{Diagnostic{File: "f", Line: 3, Col: 4, Message: "m", Remedy: "r", Notes: []string{"n"}, Quote: "q"}, "f:3:4: m; r"},
		{Diagnostic{File: "f", Col: 4, Message: "m"}, "f: m"},
	} {
		if got := tt.d.String(); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.d, got, tt.want)
		}
	}
}

func TestError(t *testing.T) {
	for _, tt := range []struct {
		what string
		list List
		want string
	}{
		{"caret under the column", List{{File: "f", Line: 1, Col: 5, Message: "m", Quote: "abc def"}}, "f:1:5: m\n    abc def\n        ^"},
		{"tabs kept", List{{File: "f", Line: 1, Col: 4, Message: "m", Quote: "\ta\tb"}}, "f:1:4: m\n    \ta\tb\n    \t \t^"},
		{"columns are characters", List{{File: "f", Line: 1, Col: 3, Message: "m", Quote: "éü="}}, "f:1:3: m\n    éü=\n      ^"},
		{"just past the end", List{{File: "f", Line: 1, Col: 3, Message: "m", Quote: "ab"}}, "f:1:3: m\n    ab\n      ^"},
		{"out of the line", List{{File: "f", Line: 1, Col: 4, Message: "m", Quote: "ab"}}, "f:1:4: m\n    ab"},
		{"no column", List{{File: "f", Line: 1, Message: "m", Quote: "ab"}}, "f:1: m\n    ab"},
		{"no line to quote", List{{File: "f", Line: 1, Col: 1, Message: "m"}}, "f:1:1: m"},
		{"control characters", List{{File: "f", Line: 1, Col: 3, Message: "m", Quote: "\x1b\x00x\xff"}}, "f:1:3: m\n    ��x�\n      ^"},
		{"notes", List{{File: "f", Message: "m", Notes: []string{"a", "b"}}}, "f: m\n    note: a\n    note: b"},
		{"two", List{{File: "f", Message: "m"}, {File: "g", Message: "n"}}, "f: m\ng: n"},
	} {
		if got := tt.list.Error(); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.what, got, tt.want)
		}
	}
}

func TestErr(t *testing.T) {
	if err := (List{}).Err(); err != nil {
		t.Errorf("an empty list is the error %v", err)
	}
	list := List{
		{File: "f", Line: 10, Col: 1, Message: "e"},
		{File: "f", Line: 2, Col: 9, Message: "d"},
		{File: "f", Line: 2, Col: 1, Message: "c"},
		{File: "f", Message: "b"},
		{File: "f", Line: 2, Col: 1, Message: "b"},
		{File: "f", Line: 2, Col: 9, Message: "d"},
		{File: "e", Line: 99, Message: "a"},
	}
	const want = "e:99: a\nf: b\nf:2:1: b\nf:2:1: c\nf:2:9: d\nf:10:1: e"
	if got := list.Err().Error(); got != want {
		t.Errorf("sorted:\n%s\nwant\n%s", got, want)
	}
	if list[0].Message != "e" {
		t.Error("Err changed the list that it was called on")
	}
}

func TestLine(t *testing.T) {
	src := []byte("one\r\ntwo\n\nfour")
	for n, want := range []string{"", "one", "two", "", "four", "", ""} {
		if got := Line(src, n); got != want {
			t.Errorf("line %d is %q, want %q", n, got, want)
		}
	}
	if got := Line(src, -1); got != "" {
		t.Errorf("line -1 is %q", got)
	}
}

func TestJSON(t *testing.T) {
	b, err := json.Marshal(List{{File: "f", Line: 1, Col: 2, Message: "m", Remedy: "r"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(b), `[{"file":"f","line":1,"col":2,"message":"m","remedy":"r"}]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
