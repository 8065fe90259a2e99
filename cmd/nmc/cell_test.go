package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/nmc-fpga/nmc"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/host/ledger"
)

// TestLedger holds the record of runs to the examples as they are: each run is of the values that the net.toml has today.
func TestLedger(t *testing.T) {
	cells, err := ledger.Read(nmc.Ledger)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range cells {
		sums := map[bool]string{}
		for _, control := range []bool{false, true} {
			r := cellRun{control: control}
			net, sum, err := r.net(filepath.Join("..", ".."), c.Name)
			if err != nil {
				t.Errorf("%s: %v", c.Name, err)
				continue
			}
			sums[control] = sum
			if net.Rule.Name != c.Rule || net.Data.Set != c.Set || variant(net) != c.Variant {
				t.Errorf("%s: the ledger has rule %s (%s) on %s, the example is %s (%s) on %s", c.Name, c.Rule, c.Variant, c.Set, net.Rule.Name, variant(net), net.Data.Set)
			}
		}
		for _, r := range c.Runs {
			if r.Net != sums[r.Control] {
				t.Errorf("%s, %s: run with other values than the net.toml has now; run it again: nmc table 2 --run %s --seed %d --replace", c.Name, r.What(), c.Name, r.Seed)
			}
		}
	}
	// Nothing else lies there.
	entries, err := os.ReadDir(filepath.Join("..", "..", ledger.Dir))
	if err != nil || len(entries) != len(cells)+1 {
		t.Errorf("%d files beside the README for %d cells, %v", len(entries)-1, len(cells), err)
	}
}

// TestRows: every rule has its row of the paper's Table 2, but those that the paper does not have.
func TestRows(t *testing.T) {
	rowless := []string{"custom"}
	for name := range rules.All {
		n := 0
		for _, r := range ledger.Rows {
			if slices.Contains(r.Rules, name) {
				n++
			}
		}
		if want := 1; n != want && !slices.Contains(rowless, name) {
			t.Errorf("rule %s is in %d rows of ledger.Rows, expected one", name, n)
		}
	}
}
