package diag

import (
	"strings"
	"testing"
)

func TestNearest(t *testing.T) {
	words := []string{"units", "activation", "rate", "lanes"}
	for _, tt := range []struct{ s, want string }{
		{"unit", "units"}, {"untis", "units"}, {"Units", "units"}, {"activaton", "activation"}, {"aktivasion", "activation"},
		{"rat", "rate"}, {"late", "rate"}, {"neurons", ""}, {"", ""}, {strings.Repeat("x", 1000), ""},
	} {
		if got := Nearest(tt.s, words); got != tt.want {
			t.Errorf("nearest to %q is %q, want %q", tt.s, got, tt.want)
		}
	}
}
