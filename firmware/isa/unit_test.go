package isa

import (
	"slices"
	"testing"
)

// TestNeeds has a user for every unit, and for each a near miss.
func TestNeeds(t *testing.T) {
	for _, c := range []struct {
		op     string
		fields Fields
		want   []string
	}{
		{"mac.b", Fields{"cols": 4, "rows": 4}, nil},
		{"mac.b", Fields{"cols": 4, "rows": 4, "widein": 1}, []string{"wide"}},
		{"mac.r", Fields{"cols": 4, "rows": 4, "wideout": 1}, []string{"wide"}},
		{"mac.r", Fields{"cols": 4, "rows": 4, "round": 2}, []string{"stochastic", "drawn"}},
		{"upd.b", Fields{"cols": 4, "rows": 4, "round": 2}, []string{"stochastic", "update"}},
		{"upd.b", Fields{"cols": 4, "rows": 4}, []string{"update"}},
		{"blend", Fields{"cols": 4, "rows": 4}, []string{"update"}},
		{"blend", Fields{"cols": 4, "rows": 4, "round": 2}, []string{"stochastic", "drawn", "update"}},
		{"mac.r", Fields{"cols": 4, "rows": 4, "opt": 1}, []string{"masked"}},
		{"mac.b", Fields{"cols": 4, "rows": 4, "wsrc": 2, "round": 2}, []string{"sign", "stochastic", "drawn"}},
		{"upd.b", Fields{"cols": 4, "rows": 4, "opt": 1}, []string{"pull", "update"}},
		{"upd.r", Fields{"cols": 4, "rows": 4, "round": 1}, []string{"updr", "update"}},
		{"blend", Fields{"cols": 4, "rows": 4, "opt": 1, "wsrc": 1}, []string{"uniform", "update"}},
		{"vec", Fields{"fn": FnMac, "amode": SrcVector}, nil},
		{"vec", Fields{"fn": FnMac, "bmode": SrcSign, "round": 2}, []string{"sign", "stochastic", "drawn"}},
		{"vec", Fields{"fn": FnMin}, []string{"compare"}},
		{"vec", Fields{"fn": FnMax}, []string{"compare"}},
		{"vec", Fields{"fn": FnGe, "cmode": SrcUniform}, []string{"compare", "uniform", "drawn"}},
		{"vec", Fields{"fn": FnSel}, []string{"select"}},
		{"tab", Fields{"amode": SrcVector}, []string{"table"}},
		{"dot", Fields{"amode": SrcVector}, []string{"dot"}},
		{"amax", Fields{"amode": SrcVector}, []string{"argmax"}},
		{"dig", nil, nil},
		{"div", nil, []string{"divide"}},
		{"sqrt", nil, []string{"root"}},
		{"mul", Fields{"shift": 31}, nil},
		{"vec", Fields{"fn": FnMac, "amode": SrcVector, "bmode": SrcReg}, []string{"operand"}},
		{"vec", Fields{"fn": FnMac, "amode": SrcVector, "bmode": SrcImm}, nil},
		{"dot", Fields{"amode": SrcReg, "bmode": SrcVector}, []string{"dot", "operand"}},
		{"jump", nil, nil},
		{"loop", nil, []string{"branch"}},
		{"jge", nil, []string{"branch"}},
		{"set", nil, nil},
		{"max", nil, nil},
		{"and", nil, []string{"logic"}},
		{"shr", nil, []string{"logic"}},
		{"load", nil, nil},
		{"halt", nil, nil},
	} {
		w, err := Encode(ByName(c.op), c.fields)
		if err != nil {
			t.Fatal(err)
		}
		if got := UnitNames(w.Needs()); !slices.Equal(got, c.want) {
			t.Errorf("%s %v needs %v, want %v", c.op, c.fields, got, c.want)
		}
	}
	var all uint32
	for i := range Units {
		all |= 1 << i
	}
	if all != AllUnits || len(UnitNames(all)) != len(Units) {
		t.Errorf("all units are %b, want %b", AllUnits, all)
	}
}
