package config

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/place"
)

// table reads the keys of one TOML table. Every key that is asked for counts as known; done reports the others.
// A key whose value is unusable is reported once and then marked bad, so that checks over several keys can stay silent.
type table struct {
	net    *Net
	list   *diag.List
	label  string // as in messages: "[data]"
	values map[string]any
	places *place.Node
	known  []string
	bad    map[string]bool
	absent []absent
	meant  []string // known keys that were suggested for unknown ones
}

// absent is the finding that a key is missing. It is held back until the unknown keys have been seen: if one of them is
// the key misspelled, there is nothing more to say.
type absent struct {
	key     string
	finding diag.Diagnostic
}

// pos is the place of the value of key, or of the table's header if the key is not given.
func (t *table) pos(key string) Pos {
	if t.places == nil {
		return Pos{}
	}
	if n := t.places.Table[key]; n != nil {
		return position(t.net.Source, n.Start)
	}
	return t.head()
}

// keyPos is the place of key itself.
func (t *table) keyPos(key string) Pos {
	if n := t.places.Table[key]; n != nil && n.Key >= 0 {
		return position(t.net.Source, n.Key)
	}
	return t.pos(key)
}

// head is the place of the table's header; the zero Pos for the top of the file and for tables that are not there.
func (t *table) head() Pos {
	if t.places == nil || t.label == "" {
		return Pos{}
	}
	return position(t.net.Source, t.places.Start)
}

// at returns the places of the values of all keys that are given, those of inner tables as "outer.inner".
func (t *table) at() map[string]Pos {
	at := map[string]Pos{}
	if t.places == nil {
		return at
	}
	for k, n := range t.places.Table {
		at[k] = position(t.net.Source, n.Start)
		for inner, m := range n.Table {
			at[k+"."+inner] = position(t.net.Source, m.Start)
		}
	}
	return at
}

// has says whether the key is given.
func (t *table) has(key string) bool { _, ok := t.values[key]; return ok }

// ok says that none of the keys was found unusable.
func (t *table) ok(keys ...string) bool {
	return !slices.ContainsFunc(keys, func(k string) bool { return t.bad[k] })
}

// error reports a finding about the value of key and marks the key bad.
func (t *table) error(key, message, remedy string) {
	t.bad[key] = true
	*t.list = append(*t.list, t.net.Diagnostic(t.pos(key), message, remedy))
}

// get returns the value of key and notes that the key is known.
func (t *table) get(key string) (any, bool) {
	if !slices.Contains(t.known, key) {
		t.known = append(t.known, key)
	}
	v, ok := t.values[key]
	return v, ok
}

// missing reports, once done is called, a key that must be there.
func (t *table) missing(key, example string) {
	in := ""
	if t.label != "" {
		in = " in " + t.label
	}
	t.bad[key] = true
	t.absent = append(t.absent, absent{key, t.net.Diagnostic(t.pos(key), fmt.Sprintf("%s is missing%s", key, in), "add "+example)})
}

// mistyped reports a value of another type than expected.
func (t *table) mistyped(key, expected string, v any, example string) {
	t.error(key, fmt.Sprintf("%s: expected %s, found %s", key, expected, describe(v)), "write "+example)
}

// describe says what a value is: `the string "ten"`.
func describe(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("the string %s", quoteString(v))
	case int64:
		return fmt.Sprintf("the integer %d", v)
	case float64:
		return "the float " + number(v)
	case bool:
		return fmt.Sprintf("the boolean %t", v)
	case time.Time:
		return "a date or time"
	case map[string]any:
		return "a table"
	}
	return "an array"
}

// quoteString quotes a string for a message and shortens it to what a line can take.
func quoteString(s string) string {
	if r := []rune(s); len(r) > 40 {
		s = string(r[:40]) + "…"
	}
	return fmt.Sprintf("%q", s)
}

// number prints a float as it would stand in TOML.
func number(v float64) string {
	s := fmt.Sprintf("%g", v)
	if v == math.Trunc(v) && !strings.ContainsAny(s, "e.IN") {
		s += ".0"
	}
	return strings.ToLower(s)
}

// integer reads a whole number from lo to hi; example is a line that would be right.
func (t *table) integer(key string, preset, lo, hi int64, example string) int {
	v, ok := t.get(key)
	if !ok {
		return int(preset)
	}
	i, ok := v.(int64)
	switch {
	case !ok:
		t.mistyped(key, "an integer", v, example)
	case i < lo || i > hi:
		t.error(key, fmt.Sprintf("%s = %d is outside %d to %d", key, i, lo, hi), "write "+example)
	default:
		return int(i)
	}
	return int(preset)
}

// sixteen accepts bits = 16 where the engine leaves no choice.
func (t *table) sixteen() {
	const remedy = "remove it: vectors have 16-bit elements"
	switch v, ok := t.get("bits"); {
	case !ok || v == int64(16):
	default:
		if i, whole := v.(int64); whole {
			t.error("bits", fmt.Sprintf("bits = %d in %s, expected 16", i, t.label), remedy)
			return
		}
		t.error("bits", "bits: expected the integer 16, found "+describe(v), remedy)
	}
}

// float reads a finite number that is at least lo, or more than lo if open.
func (t *table) float(key string, preset, lo float64, open bool, example string) float64 {
	v, ok := t.get(key)
	if !ok {
		return preset
	}
	f, ok := v.(float64)
	if i, whole := v.(int64); whole {
		f, ok = float64(i), true
	}
	switch {
	case !ok:
		t.mistyped(key, "a number", v, example)
	case math.IsNaN(f) || math.IsInf(f, 0):
		t.error(key, fmt.Sprintf("%s = %s is not a finite number", key, number(f)), "write "+example)
	case f < lo || open && f == lo:
		bound := "at least"
		if open {
			bound = "more than"
		}
		t.error(key, fmt.Sprintf("%s = %g must be %s %g", key, f, bound, lo), "write "+example)
	default:
		return f
	}
	return preset
}

// text reads a string.
func (t *table) text(key, preset, example string) string {
	v, ok := t.get(key)
	if !ok {
		return preset
	}
	s, ok := v.(string)
	if !ok {
		t.mistyped(key, "a string", v, example)
		return preset
	}
	return s
}

// truth reads true or false.
func (t *table) truth(key string, preset bool, example string) bool {
	v, ok := t.get(key)
	if !ok {
		return preset
	}
	b, ok := v.(bool)
	if !ok {
		t.mistyped(key, "true or false", v, example)
		return preset
	}
	return b
}

// choice reads one of a few words.
func (t *table) choice(key, preset string, words []string, example string) string {
	s := t.text(key, preset, example)
	if s == preset || slices.Contains(words, s) {
		return s
	}
	t.error(key, fmt.Sprintf("%s = %s is none of %s", key, quoteString(s), strings.Join(words, ", ")), suggest(s, words, example))
	return preset
}

// option reads an option of a rule: its value, in the type of the default.
func (t *table) option(o Option) any {
	switch preset := o.Default.(type) {
	case float64:
		v := t.float(o.Name, preset, o.Min, o.Open, o.line())
		if o.Max != 0 && v > o.Max {
			t.error(o.Name, fmt.Sprintf("%s = %g must be at most %g", o.Name, v, o.Max), "write "+o.line())
			return preset
		}
		return v
	case int:
		most := int64(o.Max)
		if most == 0 {
			most = math.MaxInt32
		}
		return t.integer(o.Name, int64(preset), int64(o.Min), most, o.line())
	case string:
		if o.Words == nil {
			return t.text(o.Name, preset, o.line())
		}
		return t.choice(o.Name, preset, o.Words, o.line())
	case map[string]float64:
		in, m := t.inner(o.Name, o.Name, o.line()), map[string]float64{}
		for k := range in.values {
			m[k] = in.float(k, 0, math.Inf(-1), false, k+" = 0.5")
		}
		if in.values == nil {
			return preset
		}
		return m
	case map[string]string:
		in, m := t.inner(o.Name, o.Name, o.line()), map[string]string{}
		for k := range in.values {
			m[k] = in.text(k, "", k+` = "0.9*`+k+`"`)
		}
		if in.values == nil {
			return preset
		}
		return m
	}
	panic(fmt.Sprintf("option %s: no reader for a default of type %T", o.Name, o.Default)) // the table of a rule is wrong
}

// suggest names the nearest of the words if one is near, else the example.
func suggest(s string, words []string, example string) string {
	if w := diag.Nearest(s, words); w != "" {
		return fmt.Sprintf("did you mean %q?", w)
	}
	return "write " + example
}

// inner reads a table under key; if it is not there the result has no values and no place.
func (t *table) inner(key, label, example string) *table {
	in := &table{net: t.net, list: t.list, label: label, bad: map[string]bool{}}
	v, ok := t.get(key)
	if !ok {
		return in
	}
	m, ok := v.(map[string]any)
	if !ok {
		t.mistyped(key, "a table", v, example)
		return in
	}
	in.values, in.places = m, t.places.Table[key]
	return in
}

// done reports the keys that nobody asked for, each with the nearest known one, and those that are missing.
func (t *table) done() {
	for _, k := range slices.Sorted(maps.Keys(t.values)) {
		if !slices.Contains(t.known, k) {
			t.unknown(k)
		}
	}
	for _, a := range t.absent {
		if !slices.Contains(t.meant, a.key) {
			*t.list = append(*t.list, a.finding)
		}
	}
}

// unknown reports a key that is not known here.
func (t *table) unknown(key string) {
	where := "at the top of the file"
	if t.label != "" {
		where = "in " + t.label
	}
	remedy := "remove it"
	if near := diag.Nearest(key, t.known); near != "" {
		remedy = fmt.Sprintf("did you mean %q?", near)
		t.meant = append(t.meant, near)
	}
	d := t.net.Diagnostic(t.keyPos(key), fmt.Sprintf("unknown key %s %s", quoteString(key), where), remedy)
	d.Notes = []string{"known keys: " + strings.Join(t.known, ", ")}
	*t.list = append(*t.list, d)
}
