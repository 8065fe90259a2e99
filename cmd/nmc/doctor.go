package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	boardbuild "github.com/nmc-fpga/nmc/boards/build"
)

// A tool is a program that some part of nmc runs.
type tool struct {
	name   string
	args   []string // prints the version
	serves string
	pkg    string // Debian and Ubuntu
	made   bool   // make tools installs it where the distribution has no such package
}

var tools = []tool{
	{"go", []string{"version"}, "everything", "", false},
	{"verilator", []string{"--version"}, "--on verilator, nmc check", "verilator", false},
	{"g++", []string{"--version"}, "--on verilator, nmc check", "g++", false},
	{"make", []string{"--version"}, "--on verilator, nmc check", "make", false},
	{"iverilog", []string{"-V"}, "the second simulator of the tests", "iverilog", false},
	{"z3", []string{"--version"}, "proofs", "z3", false},
}

// allTools are the tools of the tests and simulations, then those of the boards.
func allTools() []tool {
	all := slices.Clone(tools)
	for _, t := range boardbuild.Tools {
		all = append(all, tool{name: t.Name, args: t.Version, serves: t.Serves, pkg: t.Package, made: t.Made})
	}
	return all
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
			made := false
			for _, t := range allTools() {
				r := row{Name: t.name, Serves: t.serves, Version: t.version(cmd.Context()), Install: t.install()}
				rows = append(rows, r)
				state := r.Version
				if state == "" {
					missing = append(missing, t.name)
					made = made || t.made
					if t.pkg != "" && !t.made {
						packages = append(packages, t.pkg)
					}
					state = "missing: " + r.Install
				}
				a.say("%-14s %-46s %s\n", r.Name, state, r.Serves)
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
			if made {
				err = fmt.Errorf("%w; ECP5 tools with: make tools", err)
			}
			return finding{err}
		},
	}
}

var versionNumber = regexp.MustCompile(`\d+\.\d+(\.\d+)?`)

// version returns the installed version, "installed" when the tool does not tell, or "" when it is absent.
func (t tool) version(ctx context.Context) string {
	path, err := boardbuild.Find(t.name)
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
	switch {
	case t.pkg == "":
		return "https://go.dev/dl/"
	case t.made:
		return "make tools"
	}
	return "apt-get install " + t.pkg
}
