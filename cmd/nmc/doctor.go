package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// A tool is a program that some part of nmc runs.
type tool struct {
	name   string
	args   []string // prints the version
	serves string
	pkg    string // Debian and Ubuntu
}

var tools = []tool{
	{"go", []string{"version"}, "everything", ""},
	{"verilator", []string{"--version"}, "--on verilator, nmc check", "verilator"},
	{"g++", []string{"--version"}, "--on verilator, nmc check", "g++"},
	{"make", []string{"--version"}, "--on verilator, nmc check", "make"},
	{"iverilog", []string{"-V"}, "the second simulator of the tests", "iverilog"},
	{"yosys", []string{"-V"}, "synthesis and proofs", "yosys"},
	{"nextpnr-ice40", []string{"--version"}, "place and route, iCE40", "nextpnr-ice40"},
	{"icepack", nil, "bitstreams, iCE40", "fpga-icestorm"},
	{"z3", []string{"--version"}, "proofs", "z3"},
}

func newDoctor(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say which tools are installed, what each serves and how to install the others",
		Long:  "Say which tools are installed, what each serves and how to install the others. Exit status 1 when one is missing.",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			type row struct {
				Name    string `json:"name"`
				Version string `json:"version"` // empty: not installed
				Serves  string `json:"serves"`
				Install string `json:"install"`
			}
			var rows []row
			var missing, packages []string
			for _, t := range tools {
				r := row{Name: t.name, Serves: t.serves, Version: t.version(cmd.Context()), Install: t.install()}
				rows = append(rows, r)
				state := r.Version
				if state == "" {
					missing = append(missing, t.name)
					if t.pkg != "" {
						packages = append(packages, t.pkg)
					}
					state = "missing: " + r.Install
				}
				a.say("%-14s %-42s %s\n", r.Name, state, r.Serves)
			}
			a.answer = struct {
				Tools   []row    `json:"tools"`
				Missing []string `json:"missing"`
			}{rows, missing}
			if len(missing) == 0 {
				return nil
			}
			err := fmt.Errorf("%s missing", strings.Join(missing, ", "))
			if len(packages) > 0 {
				err = fmt.Errorf("%w; install with: apt-get install --no-install-recommends %s", err, strings.Join(packages, " "))
			}
			return finding{err}
		},
	}
}

var versionNumber = regexp.MustCompile(`\d+\.\d+(\.\d+)?`)

// version returns the installed version, "installed" when the tool does not tell, or "" when it is absent.
func (t tool) version(ctx context.Context) string {
	path, err := exec.LookPath(t.name)
	if err != nil {
		return ""
	}
	if t.args == nil {
		return "installed"
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, path, t.args...).CombinedOutput()
	if v := versionNumber.Find(out); err == nil && v != nil {
		return string(v)
	}
	return "installed"
}

// install is the command that gets the tool.
func (t tool) install() string {
	if t.pkg == "" {
		return "https://go.dev/dl/"
	}
	return "apt-get install " + t.pkg
}
