package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the expected outputs in testdata/script")

// In the scripts nmc and relay are this test binary.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"nmc": main, "relay": relay})
}

// TestScript runs testdata/script/*.txtar: every verb and every way to misuse it. A script finds the datasets that the
// machine has under $NMC_DATA's default, and an empty data folder when it sets NMC_DATA.
func TestScript(t *testing.T) {
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	nmc, err := exec.LookPath("nmc") // as TestMain put it on the path
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:           filepath.Join("testdata", "script"),
		UpdateScripts: *update,
		Setup: func(env *testscript.Env) error {
			// Verilator's builds are kept between runs of the tests.
			env.Setenv("XDG_CACHE_HOME", cache)
			env.Setenv("NMC_DATA", filepath.Join(env.WorkDir, "data"))
			env.Setenv("NMC", nmc)
			return nil
		},
		Condition: condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"netns":  cmdNetns,
			"status": cmdStatus,
			"patch":  cmdPatch,
			"idx":    cmdIDX,
			"board":  cmdBoard,
			"forge":  cmdForge,
		},
	})
}
