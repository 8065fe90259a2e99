package microcode

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nmc-fpga/nmc/firmware/isa"
)

// dispatch lists the first step of every operation, by its code.
func dispatch() []string {
	to := make([]string, 64)
	for _, op := range isa.Ops {
		switch {
		case op.Name == "halt":
			to[op.Code] = "flush"
		case op.Format == "scalar" && !slices.Contains([]string{"load", "store", "key"}, op.Name):
			to[op.Code] = "alu"
		case op.Format == "vector":
			to[op.Code] = "vector"
		default:
			to[op.Code] = op.Name
		}
	}
	return to
}

// Slot is a word in its place.
type Slot struct {
	Step Step
	Word uint32
	Used bool
}

// Place gives every step an address. Steps with several successors have them in a block of their own, aligned to its
// size; a step stands in every block that names it, and blocks share slots that none uses.
func Place(program []Step) ([Size]Slot, error) {
	var rom [Size]Slot
	byName := map[string]Step{}
	for _, s := range program {
		if _, twice := byName[s.Name]; twice {
			return rom, fmt.Errorf("microcode: step %s stands twice", s.Name)
		}
		byName[s.Name] = s
	}
	blocks := [][]string{{program[0].Name}} // at 0
	for _, s := range program {
		want := max(answers[s.Do], 1)
		if len(s.Next) != want {
			return rom, fmt.Errorf("microcode: step %s has %d successors, its command %q needs %d", s.Name, len(s.Next), Commands[s.Do], want)
		}
		for _, n := range s.Next {
			if _, ok := byName[n]; n != "" && !ok {
				return rom, fmt.Errorf("microcode: step %s: no step %s", s.Name, n)
			}
		}
		if len(s.Next) > 1 {
			blocks = append(blocks, s.Next)
		}
	}
	slices.SortStableFunc(blocks[1:], func(a, b []string) int { return len(b) - len(a) })
	at := map[string]int{} // of a block's names
	first := map[string]int{}
	put := func(names []string) error {
		key := strings.Join(names, " ")
		if _, done := at[key]; done {
			return nil
		}
	search:
		for a := 0; a < Size; a += len(names) {
			for i, n := range names {
				if n != "" && rom[a+i].Used && rom[a+i].Step.Name != n {
					continue search
				}
			}
			at[key] = a
			for i, n := range names {
				if n == "" {
					continue
				}
				rom[a+i] = Slot{Step: byName[n], Used: true}
				if _, known := first[n]; !known {
					first[n] = a + i
				}
			}
			return nil
		}
		return fmt.Errorf("microcode: %d words are too few: no room for %s", Size, key)
	}
	for _, b := range blocks {
		if err := put(b); err != nil {
			return rom, err
		}
	}
	for _, s := range program {
		if _, known := first[s.Name]; !known {
			if err := put([]string{s.Name}); err != nil {
				return rom, err
			}
		}
	}
	for a := range rom {
		if !rom[a].Used {
			continue
		}
		s := rom[a].Step
		to := first[s.Next[0]]
		if len(s.Next) > 1 {
			to = at[strings.Join(s.Next, " ")]
		}
		rom[a].Word = s.word(to)
	}
	return rom, nil
}

// word packs the fields.
func (s Step) word(to int) uint32 {
	flag := func(b bool) uint32 {
		if b {
			return 1
		}
		return 0
	}
	values := map[string]uint32{
		"next": uint32(to), "do": uint32(s.Do), "read": uint32(s.Read), "row": uint32(s.Row), "write": uint32(s.Write),
		"to": uint32(s.To), "add": uint32(s.Add), "first": flag(s.First), "high": flag(s.High), "dest": flag(s.Dest),
	}
	var w uint32
	for _, f := range Fields {
		w |= values[f.Name] << f.Lo
	}
	return w
}
