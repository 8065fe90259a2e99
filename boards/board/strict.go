package board

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/place"
)

// source is the text of a TOML file with what is wrong in it.
type source struct {
	file string
	text []byte
	list diag.List
}

// say adds a finding about the byte at offset; -1 is the whole file.
func (s *source) say(offset int, message, remedy string) {
	d := diag.Diagnostic{File: s.file, Message: message, Remedy: remedy}
	if offset >= 0 {
		p := place.Position(s.text, offset)
		d.Line, d.Col, d.Quote = p.Line, p.Col, diag.Line(s.text, p.Line)
	}
	s.list = append(s.list, d)
}

// decode fills the struct that v points to. Every key must be a field of it, every value of the field's type; what is not is a
// finding with its place. The tree has the places of what is right, too.
func (s *source) decode(v any) *place.Node {
	values := map[string]any{}
	if _, err := toml.Decode(string(s.text), &values); err != nil {
		var parse toml.ParseError
		if errors.As(err, &parse) {
			s.say(parse.Position.Start, "not TOML: "+strings.TrimSuffix(parse.Message, "."), "see https://toml.io")
		} else {
			s.say(-1, err.Error(), "")
		}
		return &place.Node{}
	}
	tree, twice := place.Scan(s.text)
	for _, at := range twice {
		s.say(at, "the key is defined twice", "remove one of the two")
	}
	s.fill(reflect.ValueOf(v).Elem(), values, tree, "")
	return tree
}

// alternative is implemented by types that a single value stands for, too: a pin that is only a site.
type alternative interface{ short(v any) bool }

// fill sets v from a value of the document at node n; path is its name in messages.
func (s *source) fill(v reflect.Value, value any, n *place.Node, path string) {
	if a, ok := v.Addr().Interface().(alternative); ok && a.short(value) {
		return
	}
	wrong := func(expected string) {
		s.say(n.Start, fmt.Sprintf("%s: expected %s, found %s", path, expected, describe(value)), "write "+expected)
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		s.fill(v.Elem(), value, n, path)
	case reflect.String:
		if t, ok := value.(string); ok {
			v.SetString(t)
			return
		}
		wrong("a string")
	case reflect.Int:
		if i, ok := value.(int64); ok && i >= 0 {
			v.SetInt(i)
			return
		}
		wrong("a whole number")
	case reflect.Slice:
		list := reflect.ValueOf(value)
		if _, ok := v.Interface().(Pins); ok && list.Kind() != reflect.Slice {
			v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			s.fill(v.Index(0), value, n, path)
			return
		}
		if list.Kind() != reflect.Slice {
			wrong("a list")
			return
		}
		v.Set(reflect.MakeSlice(v.Type(), list.Len(), list.Len()))
		for i := range list.Len() {
			s.fill(v.Index(i), list.Index(i).Interface(), n.Array[i], fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.Map:
		m, ok := value.(map[string]any)
		if !ok {
			wrong("a table")
			return
		}
		v.Set(reflect.MakeMap(v.Type()))
		for _, k := range slices.Sorted(maps.Keys(m)) {
			e := reflect.New(v.Type().Elem()).Elem()
			s.fill(e, m[k], n.Table[k], join(path, k))
			v.SetMapIndex(reflect.ValueOf(k), e)
		}
	case reflect.Struct:
		m, ok := value.(map[string]any)
		if !ok {
			wrong("a table")
			return
		}
		var known []string
		for i := range v.NumField() {
			key := v.Type().Field(i).Tag.Get("toml")
			if key == "" {
				continue
			}
			known = append(known, key)
			if e, ok := m[key]; ok {
				s.fill(v.Field(i), e, n.Table[key], join(path, key))
			}
		}
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !slices.Contains(known, k) {
				where := "at the top of the file"
				if path != "" {
					where = "in " + path
				}
				remedy := "remove it"
				if near := diag.Nearest(k, known); near != "" {
					remedy = fmt.Sprintf("did you mean %q?", near)
				}
				s.say(n.Table[k].Key, fmt.Sprintf("unknown key %q %s", k, where), remedy)
				s.list[len(s.list)-1].Notes = []string{"known keys: " + strings.Join(known, ", ")}
			}
		}
	default:
		panic(fmt.Sprintf("%s: no reader for a %v", path, v.Type())) // the struct is wrong
	}
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// describe says what a value is.
func describe(v any) string {
	switch v := v.(type) {
	case string:
		return fmt.Sprintf("the string %q", v)
	case int64, float64, bool:
		return fmt.Sprint(v)
	case map[string]any:
		return "a table"
	}
	return "something else"
}
