package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc"
	"github.com/nmc-fpga/nmc/host/ledger"
)

func newTable(a *app) *cobra.Command {
	table := &cobra.Command{
		Use:   "table",
		Short: "Print the tables of the comparison paper beside what is measured here",
		Long: `Print the tables of "Towards Biologically Plausible Computing: A Comprehensive Comparison" beside what is derived and measured
here.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return errors.New("say which table: " + tables)
		},
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("no table %q; use %s", args[0], tables)
			}
			return nil
		},
	}
	table.AddCommand(newTable1(a), newTable2(a), newTableCost(a))
	return table
}

// tables names them.
const tables = "1 (plausibility), 2 (accuracy) or cost"

func newTable2(a *app) *cobra.Command {
	r := &cellRun{app: a}
	var name string
	cmd := &cobra.Command{
		Use:   "2",
		Short: "Accuracy of every rule in fixed point beside the paper's, or run a cell of it again",
		Long: `Print the accuracy of every rule in fixed point beside the paper's: the mean over the seeds of the runs that the ledger,
docs/results/ledger, holds, with the same network and hidden learning off as the control. In a clone of the project the
ledger is the clone's, elsewhere the one that nmc was built with.

With --run CELL a cell, which is a folder of examples, is learned again and tested once. A run that the ledger has must
come to the same digest, else the exit status is 1; one that it does not have is added. Interrupted, it goes on from where it
was when it is started again; the learned state stays in build/table.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if cmd.Flags().Changed("run") {
				r.seedGiven = cmd.Flags().Changed("seed")
				return r.run(cmd.Context(), name)
			}
			for _, f := range []string{"seed", "control", "replace"} {
				if cmd.Flags().Changed(f) {
					return fmt.Errorf("--%s goes with --run CELL", f)
				}
			}
			cells, err := ledger.Read(ledgerHere())
			if err != nil {
				return err
			}
			lines := ledger.Table2(cells)
			a.answer = struct {
				Lines []ledger.Line `json:"lines"`
			}{lines}
			if !a.json {
				ledger.Print(a.stdout, lines)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&name, "run", "", "cell to learn again: a folder of examples")
	f.Uint32Var(&r.seed, "seed", 0, "seed of the run (default: that of the cell's net.toml)")
	f.BoolVar(&r.control, "control", false, "run the control: the same network with hidden learning off")
	f.BoolVar(&r.replace, "replace", false, "record the run in place of one that the ledger has")
	return cmd
}

// ledgerHere is the ledger of the clone around the current folder, or the one that is part of the program.
func ledgerHere() fs.FS {
	if root, err := cloneRoot(); err == nil {
		return os.DirFS(filepath.Join(root, ledger.Dir))
	}
	return nmc.Ledger
}

// cloneRoot is the root of the clone of this project that the current folder is in.
func cloneRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for d := dir; ; d = filepath.Dir(d) {
		if mod, err := os.ReadFile(filepath.Join(d, "go.mod")); err == nil && strings.HasPrefix(string(mod), "module github.com/nmc-fpga/nmc\n") {
			if _, err := os.Stat(filepath.Join(d, ledger.Dir)); err == nil {
				return d, nil
			}
		}
		if d == filepath.Dir(d) {
			return "", fmt.Errorf("%s is not in a clone of nmc, whose %s keeps the record of runs; go into one", dir, ledger.Dir)
		}
	}
}
