package pass

import (
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/ir"
)

// The input has two buffers: an operation that reads it where no offset reaches would take the sample before.
func TestInputWhereNoOffsetReaches(t *testing.T) {
	const program = `program p rule=none seed=1

vector x role=input n=4 one=no frac=8 base=-1
vector y role=temp n=4 one=no frac=8 base=-1
scalar s init=0 frac=0 learned=no reg=-1
scalar step init=0 frac=0 learned=yes reg=-1

func learn {
  OP
}
`
	for op, want := range map[string]string{
		"dot s, x, y n=4 shift=0": "",
		"dot s, x, x n=4 shift=0": "operand 2 cannot be the input; copy it first",
		"dot s, y, x n=4 shift=0": "operand 2 cannot be the input; copy it first",
		"amax s, x n=4":           "operand 1 cannot be the input; copy it first",
		"load s, x, step":         "operand 1 cannot be the input; copy it first",
		"vec y, x, y, _ fn=mac hi=32767 lo=-32768 n=4 round=nearest shift=0":                          "",
		"vec y, y, _, x fn=mac hi=32767 lo=-32768 n=4 round=nearest shift=0":                          "operand 3 cannot be the input; copy it first",
		"repeat s n=2 {\n    vec y, y, _, x fn=mac hi=32767 lo=-32768 n=4 round=nearest shift=0\n  }": "operand 3 cannot be the input; copy it first",
	} {
		p, err := ir.Parse(strings.Replace(program, "OP", op, 1))
		if err != nil {
			t.Fatalf("%s: %v", op, err)
		}
		err = Schedule(p)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", op, err, want)
		}
	}
}
