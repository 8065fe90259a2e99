package main

import (
	"bytes"
	"embed"
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

	"github.com/nmc-fpga/nmc/compiler/rules"
	"github.com/nmc-fpga/nmc/examples"
)

//go:embed project
var project embed.FS

var projectTemplates = template.Must(template.New("").Funcs(template.FuncMap{
	// line puts the comment of a key into its column.
	"line": func(key, comment string) string { return fmt.Sprintf("%-33s # %s", key, comment) },
}).ParseFS(project, "project/*.tmpl"))

// start is what a rule's first project begins with.
type start struct {
	Activation       string
	Gain, HiddenRate string
	Rate, Final      string
	Options          []string // lines for [rule]
}

// starts are rules that want something else than anyRule.
var (
	starts = map[string]start{
		"bp": {"relu", "0.7", "1.0", "0.01", "0.0005", nil},
		"dfa": {"tanh", "0.4", "8.0", "0.01", "0.0005", []string{
			`# feedback = 0.0625               # magnitude of the fixed random feedback weights`,
			`# feedback_source = "generated"   # drawn again at each use; or stored in the weight memory`,
		}},
	}
	anyRule = start{"tanh", "0.5", "1.0", "0.01", "0.0005", nil}
)

// size is what a project for a dataset begins with.
type size struct{ Hidden, Epochs, Validation int }

var sizes = map[string]size{
	"digits":        {64, 8, 100},
	"mnist":         {100, 3, 5000},
	"fashion-mnist": {100, 3, 5000},
}

var nameOfProject = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]*$`)

func newNew(a *app) *cobra.Command {
	var rule, set string
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
				return fmt.Errorf("no rule %q; the rules are %s", rule, strings.Join(slices.Sorted(maps.Keys(rules.All)), ", "))
			}
			sz, ok := sizes[set]
			if !ok {
				return fmt.Errorf("no dataset %q to start from; use %s", set, strings.Join(slices.Sorted(maps.Keys(sizes)), ", "))
			}
			abs, err := filepath.Abs(dir)
			if err != nil {
				return err
			}
			name := filepath.Base(abs)
			if !nameOfProject.MatchString(name) {
				return fmt.Errorf("%q cannot name a network; use letters, digits and - _ . after a letter", name)
			}
			st, ok := starts[rule]
			if !ok {
				st = anyRule
			}
			files, err := projectFiles(struct {
				start
				size
				Name, Rule, Title, Equation, Set string
			}{st, sz, name, rule, r.Title, r.Equation, set})
			if err != nil {
				return err
			}
			if err := writeProject(dir, files); err != nil {
				return err
			}
			a.answer = struct {
				Dir   string   `json:"dir"`
				Files []string `json:"files"`
			}{dir, slices.Sorted(maps.Keys(files))}
			a.say("%s holds a network that learns by %s. Now:\n\n    cd %s\n    nmc train net.toml\n    nmc check net.toml --samples 200\n", dir, r.Title, dir)
			return nil
		},
	}
	cmd.Flags().StringVar(&rule, "rule", "dfa", "learning rule: "+strings.Join(slices.Sorted(maps.Keys(rules.All)), ", "))
	cmd.Flags().StringVar(&set, "data", "digits", "dataset: "+strings.Join(slices.Sorted(maps.Keys(sizes)), ", "))
	return cmd
}

// projectFiles returns the files of a project by their slash-separated path.
func projectFiles(data any) (map[string][]byte, error) {
	files := map[string][]byte{".github/workflows/nmc.yml": examples.Workflow}
	for _, t := range projectTemplates.Templates() {
		var b bytes.Buffer
		if err := t.Execute(&b, data); err != nil {
			return nil, err
		}
		files[strings.TrimSuffix(t.Name(), ".tmpl")] = b.Bytes()
	}
	return files, nil
}

// writeProject writes the files into a folder, which may exist; a file that exists is never overwritten, and then
// nothing is written at all.
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
