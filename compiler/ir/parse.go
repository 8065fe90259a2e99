package ir

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Parse reads the text that Program.String prints. Errors name the line and what was expected there.
func Parse(text string) (*Program, error) {
	r := &reader{}
	for i, line := range strings.Split(text, "\n") {
		if err := r.line(strings.TrimSpace(line)); err != nil {
			return nil, fmt.Errorf("ir:%d: %w", i+1, err)
		}
	}
	if r.p == nil {
		return nil, fmt.Errorf("ir:1: no program line: expected \"program NAME rule=RULE seed=N\"")
	}
	if r.f != nil {
		return nil, fmt.Errorf("ir: func %s is not closed: expected \"}\"", r.f.Name)
	}
	return r.p, nil
}

type reader struct {
	p *Program
	f *Func
	// open are the blocks of f that are not closed, the innermost last.
	open []*Op
}

func (r *reader) line(line string) error {
	if line == "" {
		return nil
	}
	word, rest, _ := strings.Cut(line, " ")
	switch {
	case len(r.open) > 0 && line == "}":
		r.open = r.open[:len(r.open)-1]
		return nil
	case r.f != nil && line == "}":
		r.f = nil
		return nil
	case r.f != nil:
		return r.op(word, rest)
	case r.p == nil && word != "program":
		return fmt.Errorf("%q before the program line", word)
	}
	name, rest, _ := strings.Cut(strings.TrimSpace(rest), " ")
	if !isName(name) {
		return fmt.Errorf("%q is not a name", name)
	}
	if word == "func" {
		if strings.TrimSpace(rest) != "{" {
			return fmt.Errorf("expected \"func %s {\"", name)
		}
		for _, f := range r.p.Funcs {
			if f.Name == name {
				return fmt.Errorf("func %s is there twice", name)
			}
		}
		r.f = r.p.Func(name)
		return nil
	}
	a, err := attributes(strings.Fields(rest))
	if err != nil {
		return err
	}
	switch word {
	case "program":
		if r.p != nil {
			return fmt.Errorf("a second program line")
		}
		r.p = &Program{Name: name, Rule: a.text("rule"), Seed: uint32(a.number("seed"))}
	case "tensor":
		t := &Tensor{Name: name, Role: a.text("role"), In: a.number("in"), Out: a.number("out"), Bias: a.flag("bias"),
			Bits: a.number("bits"), Frac: a.number("frac"), Source: a.text("source"), Lanes: a.text("lanes"), ID: a.number("id"), Base: a.number("base")}
		if _, ok := a.kv["positive"]; ok {
			t.Positive = a.flag("positive")
		}
		if t.Lanes == "any" {
			t.Lanes = ""
		}
		r.p.Tensors = append(r.p.Tensors, t)
	case "vector":
		v := &Vector{Name: name, Role: a.text("role"), N: a.number("n"), One: a.flag("one"), Frac: a.number("frac"), Base: a.number("base")}
		if _, ok := a.kv["steps"]; ok {
			v.Steps = a.number("steps")
		}
		r.p.Vectors = append(r.p.Vectors, v)
	case "scalar":
		r.p.Scalars = append(r.p.Scalars, &Scalar{Name: name, Init: int32(a.number("init")), Frac: a.number("frac"),
			Learned: a.flag("learned"), Reg: a.number("reg")})
	case "table":
		r.p.Tables = append(r.p.Tables, &Table{Name: name, Func: a.text("func"), InFrac: a.number("in"), OutFrac: a.number("out"), Base: a.number("base")})
	default:
		return fmt.Errorf("%q: expected tensor, vector, scalar, table or func", word)
	}
	return a.rest()
}

func (r *reader) op(name, rest string) error {
	o := New(name)
	sig, ok := Ops[name]
	if !ok {
		return fmt.Errorf("no operation %q", name)
	}
	before, opens := strings.CutSuffix(rest, "{")
	if opens != IsBlock(name) {
		return fmt.Errorf("%s: only repeat and if open a block, with {", name)
	}
	rest = before
	for _, part := range strings.Split(rest, ",") {
		fields := strings.Fields(part)
		if len(fields) == 0 {
			continue
		}
		if !strings.Contains(fields[0], "=") {
			o.Args = append(o.Args, fields[0])
			fields = fields[1:]
		}
		for _, f := range fields {
			k, v, ok := strings.Cut(f, "=")
			if !ok || !slices.Contains(sig.Attrs, k) {
				return fmt.Errorf("%s takes no attribute %q (it takes: %s)", name, k, strings.Join(sig.Attrs, ", "))
			}
			n := slices.Index(Enums[k], v)
			if n < 0 {
				var err error
				if n, err = strconv.Atoi(v); err != nil {
					return fmt.Errorf("%s=%s is not a number", k, v)
				}
			}
			o.Attrs[k] = n
		}
	}
	if n := len(r.open); n > 0 {
		r.open[n-1].Body = append(r.open[n-1].Body, o)
	} else {
		r.f.Add(o)
	}
	if opens {
		r.open = append(r.open, o)
	}
	return nil
}

func isName(s string) bool {
	return s != "" && !strings.ContainsAny(s, "=,#{}~ \t") && s != Zero
}

// attrs are the key=value pairs of a declaration; reading one takes it out, the first error stays.
type attrs struct {
	kv  map[string]string
	err error
}

func attributes(fields []string) (*attrs, error) {
	a := &attrs{kv: map[string]string{}}
	for _, f := range fields {
		k, v, ok := strings.Cut(f, "=")
		if !ok {
			return nil, fmt.Errorf("%q: expected key=value", f)
		}
		if _, twice := a.kv[k]; twice {
			return nil, fmt.Errorf("%s is there twice", k)
		}
		a.kv[k] = v
	}
	return a, nil
}

func (a *attrs) text(key string) string {
	v, ok := a.kv[key]
	delete(a.kv, key)
	if !ok && a.err == nil {
		a.err = fmt.Errorf("%s=… is missing", key)
	}
	return v
}

func (a *attrs) number(key string) int {
	v := a.text(key)
	n, err := strconv.Atoi(v)
	if err != nil && a.err == nil {
		a.err = fmt.Errorf("%s=%s is not a number", key, v)
	}
	return n
}

func (a *attrs) flag(key string) bool {
	v := a.text(key)
	if v != "yes" && v != "no" && a.err == nil {
		a.err = fmt.Errorf("%s=%s: expected yes or no", key, v)
	}
	return v == "yes"
}

func (a *attrs) rest() error {
	if a.err != nil {
		return a.err
	}
	for k := range a.kv {
		return fmt.Errorf("%s is not an attribute of this declaration", k)
	}
	return nil
}
