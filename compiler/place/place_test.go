package place

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"pgregory.net/rapid"
)

// disagreement compares the parser's tree with the scanner's: same keys, same lengths, keys and scalars where the
// scanner says, as the text there shows when the parser reads it on its own. It returns "" if they agree.
func disagreement(src string, value any, n *Node, path string) string {
	if n == nil {
		return path + ": not found"
	}
	switch v := value.(type) {
	case map[string]any:
		if len(v) != len(n.Table) {
			return fmt.Sprintf("%s: %d keys, scanner has %d", path, len(v), len(n.Table))
		}
		for k, e := range v {
			in := path + "." + k
			child := n.Table[k]
			if child == nil {
				return in + ": not found"
			}
			var key map[string]any
			if child.Key < 0 || child.Key > len(src) {
				return in + ": no place of the key"
			}
			if text := firstKey(src[child.Key:]); text == "" {
				return in + ": no key at its place"
			} else if _, err := toml.Decode(text+"=0", &key); err != nil || key[k] == nil {
				return fmt.Sprintf("%s: key %s at its place", in, text)
			}
			if d := disagreement(src, e, child, in); d != "" {
				return d
			}
		}
	case []map[string]any:
		if len(v) != len(n.Array) {
			return fmt.Sprintf("%s: %d tables, scanner has %d", path, len(v), len(n.Array))
		}
		for i, e := range v {
			if d := disagreement(src, e, n.Array[i], fmt.Sprintf("%s[%d]", path, i)); d != "" {
				return d
			}
		}
	case []any:
		if len(v) != len(n.Array) || n.Table != nil {
			return fmt.Sprintf("%s: %d elements, scanner has %d", path, len(v), len(n.Array))
		}
		for i, e := range v {
			if d := disagreement(src, e, n.Array[i], fmt.Sprintf("%s[%d]", path, i)); d != "" {
				return d
			}
		}
	default:
		if n.Table != nil || n.Array != nil {
			return path + ": scanner has no scalar"
		}
		text := src[n.Start:n.End]
		var again map[string]any
		if _, err := toml.Decode("k="+text, &again); err != nil {
			return fmt.Sprintf("%s: %q is no value", path, text)
		}
		if !sameScalar(again["k"], value) {
			return fmt.Sprintf("%s: %q gives %v, not %v", path, text, again["k"], value)
		}
	}
	return ""
}

func sameScalar(a, b any) bool {
	if x, ok := a.(float64); ok && math.IsNaN(x) {
		y, ok := b.(float64)
		return ok && math.IsNaN(y)
	}
	if x, ok := a.(time.Time); ok {
		y, ok := b.(time.Time)
		return ok && x.Equal(y)
	}
	return reflect.DeepEqual(a, b)
}

// firstKey returns the simple key that text starts with, "" if there is none: a bare key up to what must end it, a
// quoted one as the first prefix that the parser takes for a key.
func firstKey(text string) string {
	if !strings.HasPrefix(text, `"`) && !strings.HasPrefix(text, "'") {
		return text[:max(0, strings.IndexAny(text, " \t.=]"))]
	}
	for i := 2; i <= len(text); i++ {
		if text[i-1] == text[0] {
			if _, err := toml.Decode(text[:i]+"=0", new(map[string]any)); err == nil {
				return text[:i]
			}
		}
	}
	return ""
}

// extends says whether the tree a holds all of the tree b.
func extends(a, b any) bool {
	switch b := b.(type) {
	case map[string]any:
		a, ok := a.(map[string]any)
		for k, v := range b {
			ok = ok && a[k] != nil && extends(a[k], v)
		}
		return ok
	case []map[string]any:
		a, ok := a.([]map[string]any)
		ok = ok && len(a) >= len(b)
		for i := 0; ok && i < len(b); i++ {
			ok = extends(a[i], b[i])
		}
		return ok
	case []any:
		a, ok := a.([]any)
		ok = ok && len(a) == len(b)
		for i := 0; ok && i < len(b); i++ {
			ok = extends(a[i], b[i])
		}
		return ok
	}
	return sameScalar(a, b)
}

// document draws a TOML document by writing random statements and keeping those that the parser accepts and that take
// nothing away: toml v1.6.0 overlooks some keys that have a value already and drops either value. Keys are not empty:
// under an empty key it drops elements of arrays.
func document(t *rapid.T) string {
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	space := func() string { return pick("space", "", "", "", " ", "\t", "  ") }
	gap := func() string { return pick("gap", "", "", " ", "\n", "\r\n", " # x = [ \" '''\n", "\n\n\t") }
	key := func() string {
		return pick("key", "a", "b", "layer", "a-b_1", "1", `"a.b"`, `'q"r'`, `"é # ="`, `"\u0061"`, `"x\"y"`)
	}
	dotted := func() string {
		k := key()
		for range rapid.IntRange(0, 2).Draw(t, "dots") {
			k += space() + "." + space() + key()
		}
		return k
	}
	var value func(depth int) string
	value = func(depth int) string {
		kind := rapid.IntRange(0, 7).Draw(t, "kind")
		if depth <= 0 {
			kind = min(kind, 4)
		}
		switch kind {
		case 0, 1:
			return pick("number", "0", "-17", "1_000", "0xff", "3.25", "1e-3", "inf", "-nan", "true", "false")
		case 2:
			return pick("time", "1979-05-27", "1979-05-27 07:32:00", "1979-05-27T07:32:00Z", "07:32:00")
		case 3:
			return pick("string", `"x"`, `"a\"b # ]"`, `'\'`, `"\\"`, `""`, `''`, `"é, }"`)
		case 4:
			return pick("long", `"""x"""`, `""""q""""`, `""""""""`, "'''\na\n'''", `"""\"""""`, "'''''a'''''", "\"\"\"\\\n  x\\\"\"\"\"", `''''''`)
		case 5, 6:
			s := "[" + gap()
			n := rapid.IntRange(0, 3).Draw(t, "elements")
			for i := range n {
				s += value(depth-1) + gap()
				if i < n-1 || rapid.Bool().Draw(t, "trailing") {
					s += "," + gap()
				}
			}
			return s + "]"
		}
		s := "{" + space()
		n := rapid.IntRange(0, 3).Draw(t, "pairs")
		for i := range n {
			// Different first keys: inside one inline table the parser overlooks keys that have a value.
			k := fmt.Sprint(i)
			if rapid.Bool().Draw(t, "dotted") {
				k += "." + dotted()
			}
			s += k + space() + "=" + space() + value(depth-1) + space()
			if i < n-1 {
				s += "," + space()
			}
		}
		return s + "}"
	}
	before := map[string]any{}
	doc := pick("start", "", "", "\uFEFF", "# é\n", "\r\n")
	for range rapid.IntRange(0, 12).Draw(t, "statements") {
		var s string
		statement := rapid.IntRange(0, 5).Draw(t, "statement")
		header := statement < 2
		switch statement {
		case 0:
			s = "[" + space() + dotted() + space() + "]"
		case 1:
			s = "[[" + space() + dotted() + space() + "]]"
		default:
			s = dotted() + space() + "=" + space() + value(2)
		}
		s = space() + s + space() + pick("comment", "", "", "# c", "#[x]") + pick("end", "\n", "\r\n", "\n\n", "\n  ")
		var m map[string]any
		if _, err := toml.Decode(doc+s, &m); err == nil && extends(m, before) && (header || !extends(before, m)) {
			doc, before = doc+s, m
		}
	}
	return doc
}

func TestScanAgreesWithParser(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := document(t)
		var m map[string]any
		if _, err := toml.Decode(doc, &m); err != nil {
			t.Fatalf("the generator gave %q: %v", doc, err)
		}
		n, twice := Scan([]byte(doc))
		if len(twice) > 0 {
			t.Fatalf("scanner sees keys twice at %v in\n%s", twice, doc)
		}
		if d := disagreement(doc, m, n, ""); d != "" {
			t.Fatalf("%s in\n%s", d, doc)
		}
	})
}

func FuzzScan(f *testing.F) {
	f.Add("a.\"b\".c = [1, {x = 2}, '''y''']\n[[t]]\n[t.u]\n[[t]]\nk = 1979-05-27 07:32:00 # c\n")
	f.Add("[a]\nb={c.d=\"\"\"\\\"\"\"\"}")
	f.Add("name = \"x\" # c\n\n[data]\nset = \"mnist\"\n\n[[layer]]\nunits = 100\nweights = { bits = 16, frac = 14 }\n\n[rule]\nrate = 0.01\n")
	f.Fuzz(func(t *testing.T, doc string) {
		n, twice := Scan([]byte(doc)) // must end, whatever doc is
		var m map[string]any
		if _, err := toml.Decode(doc, &m); err != nil || len(twice) > 0 || strings.Contains(doc, `""`) || strings.Contains(doc, `''`) {
			return // the parser loses elements of arrays under empty keys
		}
		if d := disagreement(doc, m, n, ""); d != "" {
			t.Fatalf("%s in\n%q", d, doc)
		}
	})
}

func TestPositions(t *testing.T) {
	src := []byte("\uFEFFname = 'é' # c\r\n[[layer]]\n\tunits = 3\n[[layer]]\nweights = { bits = 8, frac\t=\t7 }\n['a.b']\n")
	n, _ := Scan(src)
	layers := n.Table["layer"].Array
	for _, tt := range []struct {
		what   string
		offset int
		want   Pos
	}{
		{"value after a byte order mark", n.Table["name"].Start, Pos{1, 8}},
		{"its key", n.Table["name"].Key, Pos{1, 1}},
		{"first header", layers[0].Start, Pos{2, 1}},
		{"key after a tab", layers[0].Table["units"].Key, Pos{3, 2}},
		{"value after a tab", layers[0].Table["units"].Start, Pos{3, 10}},
		{"second header", layers[1].Start, Pos{4, 1}},
		{"value in an inline table", layers[1].Table["weights"].Table["bits"].Start, Pos{5, 20}},
		{"last value", layers[1].Table["weights"].Table["frac"].Start, Pos{5, 30}},
		{"key of a header", n.Table["a.b"].Key, Pos{6, 2}},
		{"end", len(src), Pos{7, 1}},
	} {
		if got := Position(src, tt.offset); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.what, got, tt.want)
		}
	}
}
