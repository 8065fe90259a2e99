package build

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// A Tool is a program that a flow runs.
type Tool struct {
	Name    string
	Version []string // arguments that print its version; nil: it does not tell
	Serves  string
	Package string // of Debian and Ubuntu
	Made    bool   // make tools installs it where the distribution has no package
}

// Tools are the programs that make and write bitstreams.
var Tools = []Tool{
	{"yosys", []string{"-V"}, "synthesis and proofs", "yosys", false},
	{"nextpnr-ice40", []string{"--version"}, "place and route, iCE40", "nextpnr-ice40", false},
	{"icepack", nil, "bitstreams, iCE40", "fpga-icestorm", false},
	{"nextpnr-ecp5", []string{"--version"}, "place and route, ECP5", "nextpnr-ecp5", true},
	{"ecppack", []string{"--version"}, "bitstreams, ECP5", "fpga-trellis", true},
	{"openFPGALoader", []string{"-V"}, "nmc flash", "openfpgaloader", false},
}

// tool returns the row of Tools.
func tool(name string) Tool {
	for _, t := range Tools {
		if t.Name == name {
			return t
		}
	}
	return Tool{Name: name}
}

// Install says how to get the tool.
func (t Tool) Install() string {
	switch {
	case t.Made:
		return fmt.Sprintf("make tools, or apt-get install %s where there is such a package", t.Package)
	case t.Package == "":
		return "install " + t.Name
	}
	return "apt-get install --no-install-recommends " + t.Package
}

// A Missing is the error about a tool that is nowhere.
type Missing struct{ Tool Tool }

func (m *Missing) Error() string {
	return fmt.Sprintf("%s not found on the path nor in an OSS CAD Suite; get it with: %s", m.Tool.Name, m.Tool.Install())
}

// Where is the folder that make tools installs into.
func Where() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache directory: %w; set HOME or XDG_CACHE_HOME", err)
	}
	return filepath.Join(cache, "nmc", "tools"), nil
}

// Find returns the path of a tool: on the path, in an OSS CAD Suite ($OSS_CAD_SUITE, ~/oss-cad-suite, /opt/oss-cad-suite), or where
// make tools puts it. The error is a *Missing.
func Find(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	var folders []string
	if s := os.Getenv("OSS_CAD_SUITE"); s != "" {
		folders = append(folders, filepath.Join(s, "bin"))
	}
	if home, err := os.UserHomeDir(); err == nil {
		folders = append(folders, filepath.Join(home, "oss-cad-suite", "bin"))
	}
	folders = append(folders, "/opt/oss-cad-suite/bin")
	if w, err := Where(); err == nil {
		folders = append(folders, filepath.Join(w, "bin"))
	}
	for _, f := range folders {
		if path, err := exec.LookPath(filepath.Join(f, name)); err == nil {
			return path, nil
		}
	}
	return "", &Missing{tool(name)}
}

// beside finds a tool in the folder of another one, since what one writes the other must read; else anywhere.
func beside(other, name string) (string, error) {
	if path, err := exec.LookPath(filepath.Join(filepath.Dir(other), name)); err == nil {
		return path, nil
	}
	return Find(name)
}

var number = regexp.MustCompile(`\d+\.\d+(\.\d+)*(\+\d+)?`)

var versions sync.Map // by path

// version is the version that the tool at path tells; "" when it does not.
func version(ctx context.Context, path string, args []string) string {
	if args == nil {
		return ""
	}
	if v, ok := versions.Load(path); ok {
		return v.(string)
	}
	out, _ := exec.CommandContext(ctx, path, args...).CombinedOutput() // some tools fail when they are only asked
	line, _, _ := strings.Cut(string(out), "\n")
	v := cmp.Or(number.FindString(line), strings.TrimSpace(line))
	versions.Store(path, v)
	return v
}
