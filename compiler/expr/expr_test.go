package expr

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

var sides = map[string]Side{"x0": Pre, "x1": Pre, "y0": Post, "y1": Post, "w": Weight, "rate": Scalar, "reward": Scalar, "k": Constant}

func side(n *Node) (Side, float64, error) {
	s, ok := sides[n.Text]
	if !ok {
		return 0, 0, &Error{n.Offset, "unknown name " + n.Text, "define it"}
	}
	return s, 0.5, nil
}

// TestSum holds the sum of products to the value of the tree, for every rule that the documentation shows and some that are worse.
func TestSum(t *testing.T) {
	for src, products := range map[string]int{
		"rate * y0 * (x0 - y0 * w)":              2,
		"rate * y0 * (x0 - w)":                   2,
		"x0 * y0 * (y0 - y1)":                    1,
		"2^-8 * (x1 * y0 - 1.05 * y1 * x0)":      2,
		"y0*(x0 + x1) + y1*(x0 + x1)":            1,
		"-rate * reward * x0 * -y0 / 4":          1,
		"max(0, y0 - 0.2) * abs(x0 - 2*k)^2":     1,
		"step(y0 - y1) * x0 - k*w + 1e-2*x0*k":   2,
		"(x0 - 1)*(y0 - 1)":                      2,
		"x0*y0 - y0*x0":                          0,
		"(rate + 1) * (x0 + 2) * (y0 - k) * 2^3": 4,
		"min(1, 2)*x0":                           1,
	} {
		n, err := Parse(src)
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		again, err := Parse(n.String())
		if err != nil || again.String() != n.String() {
			t.Errorf("%s prints as %s, which reads as %v, %v", src, n, again, err)
		}
		sum, err := Sum(n, side)
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		if len(sum) != products {
			t.Errorf("%s: %d products, expected %d: %+v", src, len(sum), products, sum)
		}
		r := rand.New(rand.NewPCG(1, 2))
		for range 20 {
			names := map[string]float64{}
			for name := range sides {
				names[name] = r.NormFloat64()
			}
			names["k"] = 0.5
			if got, want := Eval(sum, names), n.Eval(names); math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
				t.Errorf("%s at %v: products give %g, the tree %g", src, names, got, want)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"", "column 1: the expression ends too early; expected a name, a number or ("},
		{"x0 * (y0", `column 9: the expression ends too early; expected ")"`},
		{"x0 $ y0", `column 4: unexpected "$"; expected an operator or the end`},
		{"x0 y0", `column 4: unexpected "y0"; expected an operator or the end`},
		{"2 * é", `column 5: unexpected "é"; expected a name`},
		{"x0 / y0", "column 4: division by what is no constant but 0"},
		{"x0 / (1 - 1)", "column 4: division by what is no constant but 0"},
		{"x0^y0", `column 4: unexpected "y0"; expected a whole exponent`},
		{"x0^-2", "column 5: exponent -2 of what is no constant; use 1 to 8"},
		{"x0^9", "column 4: exponent 9"},
		{"2^99999", "column 3: the power is no finite number"},
		{"1.2.3", `column 1: "1.2.3" is no number; write it as 0.5`},
		{"exp(x0)", "column 1: no function exp; use max, min, abs or step"},
		{"max(x0)", "column 1: max has 1 operands, takes 2"},
		{"max(x0, ", "column 9: the expression ends too early"},
		{"max(x0, 1", `expected "," or ")"`},
		{"x0 * z", "column 6: unknown name z; define it"},
		{"w * w * x0", "w to the power 2: an update is linear in w; use w once in each product"},
		{"x0 * y0 * w", "column 1: w times quantities of both neurons; an update takes w times quantities of one of the two"},
		{"max(x0, y0)", "column 1: max of more than quantities of one neuron"},
		{"abs(w)", "column 1: abs of more than quantities of one neuron"},
		{"(x0+y0+1)^8", "multiplied out this has"},
		{strings.Repeat("(", 100) + "x0", "nested too deeply"},
		{strings.Repeat("-", 100) + "x0", "nested too deeply"},
	} {
		n, err := Parse(c.src)
		if err == nil {
			_, err = Sum(n, side)
		}
		var e *Error
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, &e) {
			t.Errorf("%q: got %v, want %q", c.src, err, c.want)
		}
	}
}

// FuzzParse: no text makes the reader or the expansion panic, and what parses prints to a text of the same value.
func FuzzParse(f *testing.F) {
	f.Add("rate * y0 * (x0 - y0^2 * w) / 3 + max(x0, 1e-2)")
	f.Fuzz(func(t *testing.T, src string) {
		n, err := Parse(src)
		if err != nil {
			return
		}
		Sum(n, func(*Node) (Side, float64, error) { return Pre, 0, nil })
		m, err := Parse(n.String())
		if err != nil {
			t.Fatalf("%q prints as %q, which does not read: %v", src, n, err)
		}
		names := map[string]float64{"x0": 2, "y0": 3, "w": 5, "rate": 7}
		if a, b := n.Eval(names), m.Eval(names); a != b && !(math.IsNaN(a) && math.IsNaN(b)) {
			t.Errorf("%q is %g, as printed %q it is %g", src, a, n, b)
		}
	})
}

// TestRange holds values of random inputs within the range that is found for them.
func TestRange(t *testing.T) {
	ranges := map[string]Interval{"x0": {0, 1}, "x1": {-2, 3}, "k": {0.5, 0.5}}
	for _, src := range []string{"x0*(x1 - k)", "x1^2 - x0", "x1^3*x0", "max(x1, k)*abs(x1 - 1)", "min(-x1, x0) + step(x1)*x0", "(x0 - x1)^2"} {
		n, err := Parse(src)
		if err != nil {
			t.Fatal(err)
		}
		sum, err := Sum(n, func(n *Node) (Side, float64, error) {
			if n.Text == "k" {
				return Constant, 0.5, nil
			}
			return Pre, 0, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var products Interval
		for _, p := range sum {
			r := Interval{1, 1}
			if p.Pre != nil {
				r = p.Pre.Range(ranges)
			}
			products = products.Plus(r.Times(Interval{p.Coef, p.Coef}))
		}
		r := rand.New(rand.NewPCG(3, 4))
		for range 200 {
			names := map[string]float64{}
			for name, i := range ranges {
				names[name] = i.Lo + r.Float64()*(i.Hi-i.Lo)
			}
			v := n.Eval(names)
			for what, i := range map[string]Interval{"tree": n.Range(ranges), "products": products} {
				if v < i.Lo-1e-9 || v > i.Hi+1e-9 {
					t.Errorf("%s at %v is %g, beyond the %s' range %v", src, names, v, what, i)
				}
			}
		}
	}
}
