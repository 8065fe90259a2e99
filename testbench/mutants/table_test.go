package main

import (
	"path/filepath"
	"testing"
)

// The table is in line with the sources, and no name is given twice.
func TestTable(t *testing.T) {
	names := map[string]bool{}
	for _, m := range Mutants {
		if _, err := m.apply(filepath.Join("..", "..")); err != nil {
			t.Error(err)
		}
		if names[m.Name] {
			t.Errorf("%s stands there twice", m.Name)
		}
		names[m.Name] = true
	}
}
