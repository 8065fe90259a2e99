// Command mutants checks the checkers: it plants one defect at a time in a copy of the tree and runs the test that must
// notice it. A defect that no test notices is a finding: exit status 1.
//
//	go run ./testbench/mutants              every defect of the table
//	go run ./testbench/mutants -run 'rtl/'  those whose name matches
//	go run ./testbench/mutants -list        the table
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

func main() {
	run := flag.String("run", "", "only the defects whose name matches this regular expression")
	list := flag.Bool("list", false, "print the table and stop")
	verbose := flag.Bool("v", false, "print the output of every test")
	timeout := flag.Duration("timeout", 5*time.Minute, "of one test; a test that hangs on a defect has noticed it")
	flag.Parse()

	match, err := regexp.Compile(*run)
	if err != nil || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "mutants: usage: mutants [-run regexp] [-list] [-v] [-timeout d]")
		os.Exit(2)
	}
	var chosen []Mutant
	for _, m := range Mutants {
		if match.MatchString(m.Name) {
			chosen = append(chosen, m)
		}
	}
	if *list {
		for _, m := range chosen {
			fmt.Printf("%-28s %-34s %s\n", m.Name, m.File, m.What)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	survivors, err := campaign(ctx, chosen, *timeout, *verbose)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(2)
	}
	if len(survivors) > 0 {
		fmt.Printf("mutants: %d of %d survived: %s\n", len(survivors), len(chosen), strings.Join(survivors, ", "))
		os.Exit(1)
	}
	fmt.Printf("mutants: all %d caught\n", len(chosen))
}

// A Mutant is one planted defect and the test that must fail on it.
type Mutant struct {
	Name string // part/what
	What string // the defect, in words
	File string
	Old  string // text that occurs once in File
	New  string
	Test string // shell command, run at the root of the tree
}

// campaign tries the mutants in a copy of the tree and returns the names of those that survived.
func campaign(ctx context.Context, mutants []Mutant, timeout time.Duration, verbose bool) ([]string, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "nmc-mutants-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	if err := copyTree(tmp, root); err != nil {
		return nil, err
	}
	// Every defect must be plantable before the first test runs: the table goes stale silently otherwise.
	var stale []error
	for _, m := range mutants {
		if _, err := m.apply(tmp); err != nil {
			stale = append(stale, err)
		}
	}
	if err := errors.Join(stale...); err != nil {
		return nil, err
	}
	// A test that fails without a defect would catch everything.
	passed := map[string]bool{}
	for _, m := range mutants {
		if passed[m.Test] {
			continue
		}
		passed[m.Test] = true
		start := time.Now()
		out, failed := test(ctx, tmp, m.Test, timeout)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if failed {
			return nil, fmt.Errorf("%q fails without a defect:\n%s", m.Test, out)
		}
		fmt.Printf("passes   %5.1fs  %s\n", time.Since(start).Seconds(), m.Test)
	}

	var survivors []string
	for _, m := range mutants {
		path := filepath.Join(tmp, filepath.FromSlash(m.File))
		sound, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		planted, err := m.apply(tmp)
		if err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, planted, 0o666); err != nil {
			return nil, err
		}
		// A defect that does not build proves nothing about the tests.
		if out, failed := test(ctx, tmp, m.build(), timeout); failed {
			return nil, fmt.Errorf("%s does not build:\n%s", m.Name, out)
		}
		start := time.Now()
		out, caught := test(ctx, tmp, m.Test, timeout)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		verdict := "caught"
		if !caught {
			verdict = "SURVIVED"
			survivors = append(survivors, m.Name)
		}
		fmt.Printf("%-8s %5.1fs  %-28s %s\n", verdict, time.Since(start).Seconds(), m.Name, m.What)
		if verbose {
			fmt.Println(out)
		}
		if err := os.WriteFile(path, sound, 0o666); err != nil {
			return nil, err
		}
	}
	return survivors, nil
}

// apply returns the text of the mutant's file in the tree at root with the defect in it.
func (m Mutant) apply(root string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m.File)))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.Name, err)
	}
	text := string(b)
	if n := strings.Count(text, m.Old); n != 1 {
		return nil, fmt.Errorf("%s: %q occurs %d times in %s, not once; bring the table in line with the source", m.Name, m.Old, n, m.File)
	}
	if m.Old == m.New {
		return nil, fmt.Errorf("%s: old and new text are equal", m.Name)
	}
	return []byte(strings.Replace(text, m.Old, m.New, 1)), nil
}

// build is the command that compiles the mutant's file without running a test.
func (m Mutant) build() string {
	switch {
	case strings.HasSuffix(m.File, ".go"), strings.HasSuffix(m.File, ".s"):
		return "go build ./" + filepath.ToSlash(filepath.Dir(m.File))
	case strings.HasPrefix(m.File, "hdl/"):
		return "cd hdl && iverilog -g2005 -I gen -s nmc_device -o /dev/null -f nmc.f"
	}
	return "true"
}

// test runs a command and says whether it failed; running into the timeout is failing.
func test(ctx context.Context, dir, command string, timeout time.Duration) (out string, failed bool) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir = dir
	cmd.WaitDelay = 10 * time.Second
	b, err := cmd.CombinedOutput()
	return string(b), err != nil
}

// moduleRoot returns the folder of go.mod.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("run it inside the nmc source tree: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// copyTree copies the sources below src, without version control and without what make made.
func copyTree(dst, src string) error {
	return filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		switch rel {
		case ".git", "bin", "build", "obj":
			if !d.IsDir() { // .git of a further working tree
				return nil
			}
			return fs.SkipDir
		}
		target := filepath.Join(dst, rel)
		if d.IsDir() {
			return os.MkdirAll(target, 0o777)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(target, b, info.Mode().Perm())
	})
}
