package ir

import (
	"strings"
	"testing"
)

const sample = `program p rule=bp seed=7

tensor w role=weight in=3 out=2 bias=yes bits=16 frac=14 source=memory lanes=any id=0 base=-1
tensor p role=head in=3 out=2 bias=no bits=8 frac=7 source=memory lanes=any id=1 base=-1 positive=yes
vector x role=input n=3 one=yes frac=8 base=-1
vector y role=temp n=2 one=no frac=12 base=-1
vector s role=state n=2 one=no frac=12 base=-1
scalar i init=0 frac=0 learned=no reg=-1
scalar rate init=-5 frac=16 learned=yes reg=-1

func learn {
  matvec y, w, x round=nearest shift=10
  outer w, rate, y, x round=stochastic shift=22
  repeat i n=3 {
    madd y, ~, s, _
    if i, i cond=eq {
      madd s, y, #3, _ frac=2
    }
  }
}

func infer {
  matvec y, w, x round=nearest shift=10
}
`

func TestTextIsStable(t *testing.T) {
	p, err := Parse(sample)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	if got := p.String(); got != sample {
		t.Errorf("got\n%s", got)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"operation", "matvec y", "matvex y", `no operation "matvex"`},
		{"attribute", "shift=22", "shaft=22", `outer takes no attribute "shaft"`},
		{"number", "in=3", "in=three", "in=three is not a number"},
		{"missing", " bits=16", "", "bits=… is missing"},
		{"twice", "seed=7", "seed=7 seed=8", "seed is there twice"},
		{"open", "}\n\nfunc infer", "\nfunc infer", "no operation \"func\""},
		{"kind", "matvec y, w, x", "matvec y, x, x", "operand x is of kind v, expected t"},
		{"undeclared", "outer w, rate, y", "outer w, rate, z", "z is not declared"},
		{"operands", "matvec y, w, x", "matvec y, w", "has 2 operands, takes 3"},
		{"shape", "vector x role=input n=3", "vector x role=input n=4", "w has 3 inputs (bias: yes), x has 4 elements"},
		{"bias", "n=3 one=yes", "n=3 one=no", "(one: no)"},
		{"declared twice", "scalar rate", "scalar w", "w is declared twice"},
		{"infer learns", "func infer {\n", "func infer {\n  outer w, rate, y, x round=nearest shift=22\n", "changes learned state"},
		{"state", "func infer {\n", "func infer {\n  fill s, #1\n", "fill s, #1 changes learned state"},
		{"state in a block", "func infer {\n", "func infer {\n  repeat i n=2 {\n    fill s, #1\n  }\n", "fill s, #1 changes learned state"},
		{"in a block", "madd s, y, #3", "madd s, y, w", "operand w is of kind t"},
		{"block", "n=3 {", "n=3", "repeat: only repeat and if open a block, with {"},
		{"no block", "matvec y, w, x round=nearest shift=10\n  outer", "matvec y, w, x round=nearest shift=10 {\n  outer", "matvec: only repeat and if"},
		{"trips", "n=3 {", "n=0 {", "repeats 0 times"},
		{"draws", "~, s, _", "~, ~sign, _", "more than one draw"},
		{"sizes", "~, s, _", "~, x, _", "y has 2 elements, x has 3"},
		{"bias of a pull", "outer w, rate, y, x round=stochastic", "pull w, rate, y, x round=stochastic", "without a bias"},
		{"outputs of a pull across", "outer w, rate, y, x round=stochastic", "pull w, rate, y, x across=1 round=stochastic", "pulled to values"},
		{"row of another size", "matvec y, w, x", "row y, w, x", "w has 3 inputs"},
		{"role", "role=weight", "role=wait", "role wait is none of weight"},
		{"inputs of a block", "matvec y, w, x round", "matvec y, w, x, i n=4 round", "takes 4 of the 3 inputs of w"},
		{"no inputs of a block", "matvec y, w, x round", "matvec y, w, x, i round", "takes 0 of the 3 inputs of w"},
		{"block of a fill", "madd s, y, #3, _ frac=2", "fill s, rate, i n=3 align=1", "fills 3 of the 2 elements of s"},
		{"fill of a block", "madd s, y, #3, _ frac=2", "fill s, #1, i n=1 align=1", "#1 is no scalar"},
		{"place of a block", "madd s, y, #3, _ frac=2", "fill s, rate, i n=1", "fills 1 of the 2 elements of s from no multiple of 0"},
		{"entry", "func learn", "func teach", "func teach is not an entry point"},
	} {
		text := strings.Replace(sample, c.old, c.new, 1)
		if text == sample {
			t.Fatalf("%s: %q is not in the sample", c.name, c.old)
		}
		p, err := Parse(text)
		if err == nil {
			err = p.Check()
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// FuzzParse: no text makes the parser or the checker panic, and what parses prints to a text that parses to the same.
func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			return
		}
		p.Check()
		q, err := Parse(p.String())
		if err != nil {
			t.Fatalf("%v\n%s", err, p)
		}
		if q.String() != p.String() {
			t.Errorf("printed\n%s\nthen\n%s", p, q)
		}
	})
}
