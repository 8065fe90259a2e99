package ir

import (
	"fmt"
	"strings"
	"testing"
)

// vectorsApart has vectors of a word each, in places of their own; each test moves some.
const vectorsApart = `program p rule=none seed=1

tensor w role=weight in=4 out=4 bias=no bits=16 frac=14 source=memory lanes=out id=0 base=0
vector x role=input n=4 one=no frac=8 base=0
vector a role=temp n=4 one=no frac=8 base=2
vector b role=temp n=4 one=no frac=8 base=3
vector c role=temp n=4 one=no frac=8 base=4
vector s role=state n=4 one=no frac=8 base=5
vector o role=temp n=3 one=yes frac=8 base=6
scalar i init=0 frac=0 learned=no reg=8
scalar k init=0 frac=0 learned=no reg=9

func learn {
BODY}
`

// vec writes vectors: "a = b c" is an operation that writes a of b and c.
func vec(line string) string {
	dst, sources, _ := strings.Cut(line, " = ")
	args := append(strings.Fields(sources), Zero, Zero, Zero)[:3]
	return fmt.Sprintf("vec %s, %s fn=mac n=4", dst, strings.Join(args, ", "))
}

func TestUses(t *testing.T) {
	p, err := Parse(strings.Replace(vectorsApart, "BODY", "", 1))
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"vec a, b, c, _ fn=mac n=4":      "needs [b c], writes a whole",
		"vec a, a, #3, k fn=mac n=4":     "needs [a], writes a whole",
		"vec a, b, _, _ fn=mac n=3":      "needs [b a], writes a",
		"vec o, b, _, _ fn=mac n=3":      "needs [b o], writes o", // its one stays
		"vec x, _, _, _ fn=mac n=4":      "needs [x], writes x",   // in one of its buffers
		"mac.b a, w, x rows=4 cols=4":    "needs [x], writes a whole",
		"mac.b a, w, x rows=9 cols=3":    "needs [x a], writes a",
		"mac.b a, w, x cols=4 group=7":   "needs [x a], writes a",
		"mac.r a, w, b rows=4 cols=9":    "needs [b], writes a whole",
		"mac.r a, w, b rows=4 masked=1":  "needs [b a], writes a",
		"mac.r a, w, b rows=3 cols=4":    "needs [b a], writes a",
		"upd.b w, k, a, b rows=4 cols=4": "needs [a b], writes ",
		"blend w, k rows=4 cols=4":       "needs [], writes ",
		"dot k, a, a n=4":                "needs [a a], writes ",
		"amax k, a n=4":                  "needs [a], writes ",
		"load k, a, i":                   "needs [a], writes ",
		"store a, i, k":                  "needs [a], writes a",
		"fills a, i, k n=4 align=4":      "needs [a], writes a",
		"digv s id=1":                    "needs [s], writes ",
		"next x":                         "needs [x], writes ",
	} {
		q, err := Parse(strings.Replace(vectorsApart, "BODY", "  "+line+"\n", 1))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		needs, writes, whole := p.Uses(q.Funcs[0].Ops[0])
		got := fmt.Sprintf("needs %v, writes %s", needs, writes)
		if whole {
			got += " whole"
		}
		if got != want {
			t.Errorf("%s: %s; want %s", line, got, want)
		}
	}
}

// TestWritten: an instruction with a vector in front writes it, but for two.
func TestWritten(t *testing.T) {
	for name, sig := range Ops {
		_, got := written[name]
		if want := sig.Level == Lower && strings.HasPrefix(sig.Args, "v") && name != "digv" && name != "next"; got != want {
			t.Errorf("%s is in the table of what writes vectors: %v, want %v", name, got, want)
		}
	}
}

func TestCheckPlaces(t *testing.T) {
	for _, c := range []struct{ name, body, at, want string }{
		{"apart", "a = x; s = a b c", "", ""},
		{"one after the other", "a = x; s = a; b = x; s = b", "b=2", ""},
		{"written over", "a = x; b = x; s = a", "b=2", "vec s, a, _, _ fn=mac n=4: needs a, whose words b has written"},
		{"written over in the operation", "a = x; b = a; s = b", "b=2", "vec b, a, _, _ fn=mac n=4: needs a, whose words the operation itself has written"},
		{"in place", "a = x; a = a; s = a; b = x; s = b", "b=2", ""},
		{"of another run", "s = a; b = x; s = b", "b=2", "needs a, whose words another run has written"},
		{"only a part is written anew", "store a, i, k; s = a; b = x; s = b", "b=2", "store a, i, k: needs a, whose words another run has written"},
		{"a trip after the other", "repeat {; a = x; s = a; b = x; s = b; }", "b=2", ""},
		{"of the trip before", "a = x; repeat {; s = a; b = x; s = b; }", "b=2", "vec s, a, _, _ fn=mac n=4: needs a, whose words b has written"},
		{"of the trip before, two blocks in", "a = x; repeat {; repeat {; s = a; }; b = x; s = b; }", "b=2", "needs a, whose words b has written"},
		{"written again at the end of each trip", "a = x; repeat {; s = a; b = x; s = b; a = x; }", "b=2", ""},
		{"in one of two cases", "a = x; if {; b = x; s = b; }; s = a", "b=2", "needs a, whose words b has written"},
		{"written again in one of two cases", "a = x; b = x; s = b; if {; a = x; }; s = a", "b=2", "needs a, whose words b has written"},
		{"in a case of its own", "if {; a = x; s = a; }; if {; b = x; s = b; }", "b=2", ""},
		{"three in one place", "a = x; s = a; b = x; s = b; c = x; s = b", "b=2 c=2", "needs b, whose words c has written"},
		{"state", "a = x; s = a", "a=5", "vectors a and s have words in common"},
		{"the second buffer of an input", "a = x; s = a", "a=1", "vectors x and a have words in common"},
		{"a constant one", "a = x; s = a", "a=6", "vectors a and o have words in common"},
	} {
		var body strings.Builder
		for line := range strings.SplitSeq(c.body, "; ") {
			switch line = strings.TrimSuffix(line, ";"); {
			case line == "repeat {":
				line = "repeat i n=2 {"
			case line == "if {":
				line = "if i, k cond=eq {"
			case strings.Contains(line, " = "):
				line = vec(line)
			}
			body.WriteString(line + "\n")
		}
		p, err := Parse(strings.Replace(vectorsApart, "BODY", body.String(), 1))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for f := range strings.FieldsSeq(c.at) {
			var base int
			if _, err := fmt.Sscanf(f[2:], "%d", &base); err != nil {
				t.Fatal(err)
			}
			p.Vector(f[:1]).Base = base
		}
		err = p.CheckPlaces(4)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}
