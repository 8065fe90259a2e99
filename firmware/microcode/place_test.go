package microcode

import (
	"fmt"
	"strings"
	"testing"
)

// field reads a field of a word.
func field(w uint32, name string) uint32 {
	for _, f := range Fields {
		if f.Name == name {
			return w >> f.Lo & (1<<f.Width - 1)
		}
	}
	panic(name)
}

// Whatever the answer, the next word is the successor that the step names.
func TestSuccessors(t *testing.T) {
	rom, err := Place(Program)
	if err != nil {
		t.Fatal(err)
	}
	if rom[0].Step.Name != Program[0].Name {
		t.Errorf("at 0, where a reset leads, stands %s", rom[0].Step.Name)
	}
	found := map[string]bool{}
	for a, s := range rom {
		if !s.Used {
			continue
		}
		found[s.Step.Name] = true
		for answer, name := range s.Step.Next {
			to := field(s.Word, "next") | uint32(answer)
			if name != "" && rom[to].Step.Name != name {
				t.Errorf("%s at %d, answer %d: %s at %d instead of %s", s.Step.Name, a, answer, rom[to].Step.Name, to, name)
			}
		}
	}
	for _, s := range Program {
		if !found[s.Name] {
			t.Errorf("%s has no place", s.Name)
		}
	}
}

// The fields of a word do not overlap and fill it.
func TestFields(t *testing.T) {
	var used uint32
	for _, f := range Fields {
		mask := uint32(1<<f.Width-1) << f.Lo
		if used&mask != 0 {
			t.Errorf("field %s overlaps another", f.Name)
		}
		used |= mask
	}
	if used != 1<<32-1 {
		t.Errorf("bits %#x belong to no field", ^used)
	}
	for d := range Do(64) {
		if _, ok := Commands[d]; !ok && answers[d] != 0 {
			t.Errorf("command %d has answers and no name", d)
		}
	}
	for _, s := range Program {
		if _, ok := Commands[s.Do]; !ok {
			t.Errorf("%s: command %d has no name", s.Name, s.Do)
		}
		if w := s.word(255); field(w, "do") != uint32(s.Do) || field(w, "add") != uint32(s.Add) || field(w, "read") != uint32(s.Read) ||
			field(w, "row") != uint32(s.Row) || field(w, "to") != uint32(s.To) || field(w, "write") != uint32(s.Write) {
			t.Errorf("%s does not fit its word", s.Name)
		}
	}
}

func TestMistakes(t *testing.T) {
	many := []Step{{Name: "0", Next: []string{"0"}}}
	for i := range Size {
		many = append(many, Step{Name: fmt.Sprint(i + 1), Next: []string{"0"}})
	}
	for _, c := range []struct {
		want    string
		program []Step
	}{
		{"step a stands twice", []Step{{Name: "a", Next: []string{"a"}}, {Name: "a", Next: []string{"a"}}}},
		{"step a: no step b", []Step{{Name: "a", Next: []string{"b"}}}},
		{`step a has 1 successors, its command "flush" needs 2`, []Step{{Name: "a", Do: Flush, Next: []string{"a"}}}},
		{"256 words are too few", many},
	} {
		if _, err := Place(c.program); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}
