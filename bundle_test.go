package nmc

import (
	"bytes"
	"io/fs"
	"testing"
)

// TestBundle: every module is there once, after what it includes, and nothing is left to include.
func TestBundle(t *testing.T) {
	top := []byte("module nmc_top; endmodule\n")
	b, err := Bundle(top)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte("`include")) {
		t.Error("an include is left")
	}
	names, err := fs.Glob(HDL, "rtl/*.v")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Fatal("no modules")
	}
	for _, name := range names {
		module := []byte("\nmodule " + name[len("rtl/"):len(name)-len(".v")] + " ")
		if n := bytes.Count(b, module); n != 1 {
			t.Errorf("%q occurs %d times", module, n)
		}
	}
	if !bytes.HasSuffix(b, top) {
		t.Error("the top is not at the end")
	}
}
