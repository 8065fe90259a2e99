package main

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/examples"
)

//go:embed project.md.tmpl
var projectText string

var projectReadme = template.Must(template.New("README.md").Parse(projectText))

var projectName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)

func newNew(a *app) *cobra.Command {
	all := strings.Join(slices.Sorted(maps.Keys(rules.All)), ", ")
	var rule string
	cmd := &cobra.Command{
		Use:   "new DIR",
		Short: "Start a project: a commented net.toml and a workflow that checks it on every push",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("nmc new: name one folder to make, such as: nmc new digits --rule dfa")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := args[0]
			r, ok := rules.All[rule]
			if !ok {
				return fmt.Errorf("no rule %q; the rules are %s", rule, all)
			}
			abs, err := filepath.Abs(dir)
			if err != nil {
				return err
			}
			name := filepath.Base(abs)
			if !projectName.MatchString(name) {
				return fmt.Errorf("%q cannot name a network; use letters, digits and - _ . after a letter", name)
			}
			var readme bytes.Buffer
			if err := projectReadme.Execute(&readme, struct{ Name, Title string }{name, r.Title}); err != nil {
				return err
			}
			files := map[string][]byte{
				"net.toml":                  config.Template(rule, r.Title, name, r.Spec, r.Recipe),
				"README.md":                 readme.Bytes(),
				".github/workflows/nmc.yml": examples.Workflow,
			}
			if err := writeProject(dir, files); err != nil {
				return err
			}
			a.answer = struct {
				Dir   string   `json:"dir"`
				Files []string `json:"files"`
			}{dir, slices.Sorted(maps.Keys(files))}
			a.say("%s holds a network that learns by %s. Now:\n\n    cd %s\n    nmc data fetch mnist\n    nmc train net.toml\n    nmc check net.toml --samples 200\n", dir, r.Title, dir)
			return nil
		},
	}
	cmd.Flags().StringVar(&rule, "rule", "dfa", "learning rule: "+all)
	return cmd
}

// writeProject writes files, named by their slash-separated path, into a folder, which may exist. A file that exists is
// never overwritten, and then nothing is written at all.
func writeProject(dir string, files map[string][]byte) error {
	paths := slices.Sorted(maps.Keys(files))
	for _, p := range paths {
		path := filepath.Join(dir, filepath.FromSlash(p))
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			if err != nil {
				return err
			}
			return fmt.Errorf("%s exists; choose another folder or remove it", path)
		}
	}
	for _, p := range paths {
		path := filepath.Join(dir, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(path, files[p], 0o666); err != nil {
			return err
		}
	}
	return nil
}
