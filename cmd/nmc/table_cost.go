package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/ir"
	"github.com/nmc-fpga/nmc/compiler/pass"
	"github.com/nmc-fpga/nmc/compiler/rules"
)

// A load is what one part of a program, answering or learning, takes of the device for one sample.
type load struct {
	MACs         int64 `json:"macs"`         // multiply-accumulates and changed weights
	Cycles       int64 `json:"cycles"`       // at most: nothing skipped
	Weights      int   `json:"weights"`      // 16-bit words of weight memory that it reads or writes
	Vectors      int   `json:"vectors"`      // 16-bit words of vector memory
	Instructions int   `json:"instructions"` // of the program
}

// A costLine is a row of the table: what learning takes beside what answering alone does.
type costLine struct {
	Name    string `json:"name"`
	Rule    string `json:"rule"`
	Network string `json:"network"`
	Lanes   int    `json:"lanes"`
	Infer   load   `json:"infer"`
	Learn   load   `json:"learn"`
}

func newTableCost(a *app) *cobra.Command {
	var lanes int
	cmd := &cobra.Command{
		Use:   "cost [net.toml...]",
		Short: "Cycles and memory of learning a sample, as overhead over answering it",
		Long: `Cycles and memory of learning a sample, as overhead over answering it: of the network that nmc new starts each rule with, or
of the networks named. Cycles are the compiler's bound, nothing skipped; memory is in 16-bit words that the program uses.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains([]int{1, 2, 4, 8, 16, 32, 64}, lanes) {
				return fmt.Errorf("--lanes %d: use 1, 2, 4, 8, 16, 32 or 64", lanes)
			}
			var lines []costLine
			add := func(net *config.Net) error {
				net.Device = config.Device{Lanes: lanes}
				l, err := costOf(net)
				lines = append(lines, l)
				return err
			}
			for _, path := range args {
				net, err := compiler.Read(path)
				if errors.Is(err, fs.ErrNotExist) {
					return fmt.Errorf("%s: no such file; name a net.toml, or none for the network of each rule that nmc new starts with", path)
				}
				if err == nil {
					err = add(net)
				}
				if err != nil {
					return err
				}
			}
			for _, name := range slices.Sorted(maps.Keys(rules.All)) {
				if len(args) > 0 {
					break
				}
				net, err := templateNet(name)
				if err == nil {
					err = add(net)
				}
				if err != nil {
					return err
				}
			}
			a.answer = struct {
				Lines []costLine `json:"lines"`
			}{lines}
			a.say("One sample at %d lanes, nothing skipped: learning it, and times what answering it takes; memory in 16-bit words beyond\nthose of answering\n\n", lanes)
			a.say("| network | rule | cycles | × | multiply-accumulates | × | weight memory | vector memory | instructions |\n|---|---|---|---|---|---|---|---|---|\n")
			for _, l := range lines {
				a.say("| %s | %s | %d | %.2f | %d | %.2f | %d + %d | %d + %d | %d + %d |\n", l.Network, l.Name,
					l.Learn.Cycles, float64(l.Learn.Cycles)/float64(l.Infer.Cycles), l.Learn.MACs, float64(l.Learn.MACs)/float64(l.Infer.MACs),
					l.Infer.Weights, l.Learn.Weights-l.Infer.Weights, l.Infer.Vectors, l.Learn.Vectors-l.Infer.Vectors,
					l.Infer.Instructions, l.Learn.Instructions)
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&lanes, "lanes", 16, "multipliers of the device")
	return cmd
}

// costOf compiles a network and counts. The weights and vectors of learning are those of either part: a device that learns answers
// too.
func costOf(net *config.Net) (costLine, error) {
	b, err := compiler.Compile(net, compiler.Options{})
	if err != nil {
		return costLine{}, err
	}
	p, err := ir.Parse(b.IR)
	if err != nil {
		return costLine{}, err
	}
	m := b.Manifest
	name := m.Name
	if name == m.Rule { // of a template
		name = rules.All[m.Rule].Title
	}
	l := costLine{Name: name, Rule: m.Rule, Lanes: m.Device.Lanes, Network: strings.Trim(strings.ReplaceAll(fmt.Sprint(m.Layers), " ", "-"), "[]")}
	used := map[string]bool{}
	for _, part := range []struct {
		of  string
		put *load
	}{{"infer", &l.Infer}, {"learn", &l.Learn}} {
		f, put := p.Func(part.of), part.put
		put.MACs, put.Cycles = pass.Cost(p, f, m.Device)
		ir.Walk(f.Ops, func(o *ir.Op) {
			put.Instructions++
			for _, a := range o.Args {
				used[a] = true
			}
		})
		for _, t := range p.Tensors {
			if used[t.Name] && t.Source == "memory" {
				put.Weights += t.Rows() * t.Cols()
			}
		}
		for _, v := range p.Vectors {
			switch {
			case v.Role == "input":
				put.Vectors += 2 * v.Len()
			case used[v.Name]:
				put.Vectors += v.Len()
			}
		}
	}
	return l, nil
}
