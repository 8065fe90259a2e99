package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/compiler/rules"
)

// TestVariants learns a few of the built-in digits with every variant, one after the other on one device.
func TestVariants(t *testing.T) {
	samples := 12
	if testing.Short() {
		samples = 2
	}
	var out bytes.Buffer
	if err := run(t.Context(), &out, "digits", samples, 4, []int{4}, nil); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
	if rows := strings.Count(out.String(), "\n") - 2; rows != len(Variants) {
		t.Errorf("%d variants ran, of %d\n%s", rows, len(Variants), out.String())
	}
}

func TestEveryRuleHasAVariant(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range Variants {
		seen[v.Rule] = true
	}
	for name := range rules.All {
		if !seen[name] {
			t.Errorf("rule %s has no row in Variants", name)
		}
	}
}

func TestUnknownVariant(t *testing.T) {
	if err := run(t.Context(), &bytes.Buffer{}, "digits", 1, 1, []int{4}, []string{"bq"}); err == nil || !strings.Contains(err.Error(), `no variant "bq"`) {
		t.Errorf("got %v", err)
	}
}

// TestVariantsFit compiles every variant for MNIST, whose networks are larger than those of TestVariants.
func TestVariantsFit(t *testing.T) {
	for _, v := range Variants {
		for _, lanes := range []int{1, 64} {
			if _, err := v.Compile("mnist", lanes); err != nil {
				t.Errorf("%s, %d lanes: %v", v.Name, lanes, err)
			}
		}
	}
}
