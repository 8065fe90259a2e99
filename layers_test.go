// Package nmc_test checks what holds for the whole module.
package nmc_test

import (
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/nmc-fpga/nmc"

// leaves hold the facts that several parts share. They import the standard library and each other.
var leaves = []string{
	"compiler/fixed",
	"compiler/manifest",
	"firmware/device",
	"firmware/image",
	"firmware/isa",
	"host/proto",
}

// layers says which parts of the module, beside leaves and itself, a part may import directly; what it depends on
// follows. The arrows are net.toml → compiler → { image, Verilog, manifest } → sim | testbench ← host.
var layers = map[string][]string{
	"firmware":  {},
	"compiler":  {"firmware/asm"},
	"sim":       {},
	"host":      {"firmware/asm"}, // a report of a difference names the instruction
	"testbench": {"host"},         // the harness is a link
	"examples":  {},
	"boards":    {"compiler/diag", "compiler/place"}, // findings in a board.toml, with their place
}

// imports returns what each package of the module imports, tests excluded, and programs too: like cmd/nmc they wire the
// parts together, and nothing can import them.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", `{{.Name}} {{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	of := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		name, rest, _ := strings.Cut(line, " ")
		f := strings.Fields(rest)
		if name == "main" {
			continue
		}
		if f[0] == module { // the Verilog as data; imports only the standard library
			for _, imp := range f[1:] {
				if !standard(imp) {
					t.Errorf("%s imports %s; it may import the standard library only", module, imp)
				}
			}
			continue
		}
		of[strings.TrimPrefix(f[0], module+"/")] = f[1:]
	}
	return of
}

// deps returns all packages that pkg depends on, itself excluded.
func deps(t *testing.T, pkg string) []string {
	t.Helper()
	out, err := exec.Command("go", "list", "-deps", "./"+pkg).Output()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Fields(string(out))
	return slices.DeleteFunc(all, func(d string) bool { return d == module+"/"+pkg })
}

// standard says whether an import path is of the standard library: its first element has no dot.
func standard(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return !strings.Contains(first, ".")
}

func within(pkg, part string) bool { return pkg == part || strings.HasPrefix(pkg, part+"/") }

func TestLeaves(t *testing.T) {
	for _, leaf := range leaves {
		for _, d := range deps(t, leaf) {
			if own, ok := strings.CutPrefix(d, module+"/"); ok && slices.Contains(leaves, own) || standard(d) {
				continue
			}
			t.Errorf("%s depends on %s; a leaf depends on the standard library and other leaves only", leaf, d)
		}
	}
}

func TestLayers(t *testing.T) {
	of := imports(t)
	if len(of) < len(layers) {
		t.Fatalf("go list found %d packages", len(of))
	}
	for pkg, list := range of {
		part, _, _ := strings.Cut(pkg, "/")
		allowed, ok := layers[part]
		if !ok {
			t.Errorf("%s is in no layer; give %q a row in layers", pkg, part)
			continue
		}
		for _, imp := range list {
			own, ok := strings.CutPrefix(imp, module+"/")
			if !ok || slices.Contains(leaves, own) || within(own, part) {
				continue
			}
			if !slices.ContainsFunc(allowed, func(a string) bool { return within(own, a) }) {
				t.Errorf("%s imports %s; %s may import leaves, itself and %v", pkg, own, part, allowed)
			}
		}
	}
}

// The oracle is written from the equations, independently of what it checks.
func TestOracleIsIndependent(t *testing.T) {
	of := imports(t)
	for pkg, list := range of {
		if !within(pkg, "sim/float") {
			continue
		}
		for _, imp := range list {
			if own, ok := strings.CutPrefix(imp, module+"/"); ok && !within(own, "sim/float") {
				t.Errorf("%s imports %s; the oracle shares nothing with what it judges", pkg, path.Clean(own))
			}
		}
	}
}
