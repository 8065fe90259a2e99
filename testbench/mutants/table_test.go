package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The table is in line with the sources: each text that is to be replaced occurs once, and names are not given twice.
func TestTable(t *testing.T) {
	names := map[string]bool{}
	for _, m := range Mutants {
		text, err := os.ReadFile(filepath.Join("..", "..", m.File))
		if err != nil {
			t.Errorf("%s: %v", m.Name, err)
		} else if n := strings.Count(string(text), m.Old); n != 1 {
			t.Errorf("%s: %q occurs %d times in %s, not once", m.Name, m.Old, n, m.File)
		}
		if m.Old == m.New || names[m.Name] {
			t.Errorf("%s: no defect, or named twice", m.Name)
		}
		names[m.Name] = true
	}
}
