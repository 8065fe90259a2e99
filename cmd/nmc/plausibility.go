package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/plausibility"
	"github.com/nmc-fpga/nmc/compiler/rules"
)

func newPlausibility(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "plausibility net.toml",
		Short: "Say which criteria of biological plausibility a network's learning meets, and what breaks the others",
		Long: `Say which criteria of biological plausibility the learning of a network meets. They are derived from its program, before it
becomes instructions; one that is not met comes with the operation that breaks it. The readout, the last layer, is not judged.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return errors.New("nmc plausibility: name one file, such as: nmc plausibility net.toml")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			net, err := compiler.Read(args[0])
			if errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s: no such file; start a project with nmc new", args[0])
			}
			if err != nil {
				return err
			}
			r, err := plausibility.Of(net)
			if err != nil {
				return err
			}
			a.answer = struct {
				Name string `json:"name"`
				*plausibility.Report
			}{net.Name, r}
			a.say("%s: %s\n", net.Name, rules.All[r.Rule].Title)
			for _, v := range r.Verdicts {
				if v.Met {
					a.say("  %-22s yes\n", v.Criterion)
				} else {
					a.say("  %-22s no   %s: %s\n", v.Criterion, v.Op, v.Why)
				}
			}
			return nil
		},
	}
}

// A ruleLine is a row of table 1.
type ruleLine struct {
	*plausibility.Report
	Paper       []bool   `json:"paper"` // null where the paper is silent
	Differences []string `json:"differences,omitempty"`
}

func newTable1(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "1",
		Short: "Criteria of biological plausibility that every rule meets, derived from its program, beside the paper's",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			var lines []ruleLine
			for _, name := range slices.Sorted(maps.Keys(rules.All)) {
				net, err := templateNet(name)
				if err != nil {
					return err
				}
				r, err := plausibility.Of(net)
				if err != nil {
					return err
				}
				l := ruleLine{Report: r, Differences: r.Differences()}
				if said, ok := plausibility.Paper(name); ok {
					l.Paper = said[:]
				}
				lines = append(lines, l)
			}
			a.answer = struct {
				Rules []ruleLine `json:"rules"`
			}{lines}
			a.say("Criteria of biological plausibility: derived from the program of each rule / stated by the paper\n\n| rule |")
			for _, c := range plausibility.Names {
				a.say(" %s |", c)
			}
			a.say("\n|---|---|---|---|---|---|\n")
			word := map[bool]string{true: "yes", false: "no"}
			for _, l := range lines {
				a.say("| %s |", rules.All[l.Rule].Title)
				for i, v := range l.Verdicts {
					said := "–"
					if l.Paper != nil {
						said = word[l.Paper[i]]
					}
					a.say(" %s / %s |", word[v.Met], said)
				}
				a.say("\n")
			}
			a.say("\n")
			for _, l := range lines {
				for _, d := range l.Differences {
					a.say("%s\n", d)
				}
			}
			return nil
		},
	}
}

// templateNet is the network that nmc new starts a rule with.
func templateNet(rule string) (*config.Net, error) {
	r := rules.All[rule]
	return config.Read(rule, config.Template(rule, r.Title, rule, r.Spec, r.Recipe), config.Options{Rules: rules.Specs()})
}
