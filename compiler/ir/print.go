package ir

import (
	"fmt"
	"sort"
	"strings"
)

// String prints the program. Parse reads it back to an equal program.
func (p *Program) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "program %s rule=%s seed=%d\n\n", p.Name, p.Rule, p.Seed)
	for _, t := range p.Tensors {
		fmt.Fprintf(&b, "tensor %s role=%s in=%d out=%d bias=%s bits=%d frac=%d source=%s lanes=%s id=%d base=%d",
			t.Name, t.Role, t.In, t.Out, flag(t.Bias), t.Bits, t.Frac, t.Source, or(t.Lanes, "any"), t.ID, t.Base)
		if t.Positive {
			b.WriteString(" positive=yes")
		}
		b.WriteByte('\n')
	}
	for _, v := range p.Vectors {
		fmt.Fprintf(&b, "vector %s role=%s n=%d one=%s frac=%d base=%d", v.Name, v.Role, v.N, flag(v.One), v.Frac, v.Base)
		if v.Steps > 0 {
			fmt.Fprintf(&b, " steps=%d", v.Steps)
		}
		b.WriteByte('\n')
	}
	for _, s := range p.Scalars {
		fmt.Fprintf(&b, "scalar %s init=%d frac=%d learned=%s reg=%d\n", s.Name, s.Init, s.Frac, flag(s.Learned), s.Reg)
	}
	for _, t := range p.Tables {
		fmt.Fprintf(&b, "table %s func=%s in=%d out=%d base=%d\n", t.Name, t.Func, t.InFrac, t.OutFrac, t.Base)
	}
	for _, f := range p.Funcs {
		fmt.Fprintf(&b, "\nfunc %s {\n", f.Name)
		block(&b, f.Ops, "  ")
		b.WriteString("}\n")
	}
	return b.String()
}

func block(b *strings.Builder, ops []*Op, indent string) {
	for _, o := range ops {
		b.WriteString(indent + o.String())
		if IsBlock(o.Name) {
			b.WriteString(" {\n")
			block(b, o.Body, indent+"  ")
			b.WriteString(indent + "}")
		}
		b.WriteByte('\n')
	}
}

// String prints one operation: name, operands, attributes in alphabetical order; of a block the first line only.
func (o *Op) String() string {
	var b strings.Builder
	b.WriteString(o.Name)
	if len(o.Args) > 0 {
		b.WriteString(" " + strings.Join(o.Args, ", "))
	}
	keys := make([]string, 0, len(o.Attrs))
	for k := range o.Attrs {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		v := o.Attrs[k]
		if names := Enums[k]; v >= 0 && v < len(names) {
			fmt.Fprintf(&b, " %s=%s", k, names[v])
		} else {
			fmt.Fprintf(&b, " %s=%d", k, v)
		}
	}
	return b.String()
}

func flag(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func or(s, empty string) string {
	if s == "" {
		return empty
	}
	return s
}
