package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc/boards/board"
	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/pass"
	"github.com/nmc-fpga/nmc/compiler/rules"
)

// A boardRow is what nmc boards says of a board.
type boardRow struct {
	Name    string    `json:"name"`
	Title   string    `json:"title"`
	Part    string    `json:"part"`
	Lanes   int       `json:"lanes"`
	ClockHz int       `json:"clock_hz"` // of the device
	Links   []linkRow `json:"links"`
	// Largest networks 784-N-10 by backpropagation, by the bits of their weights.
	Largest16 int `json:"largest_16"`
	Largest8  int `json:"largest_8"`
}

type linkRow struct {
	Kind string `json:"kind"`
	Rate int    `json:"bits_per_second"` // of the line
}

func newBoards(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "boards [BOARD...]",
		Short: "List the boards, with the network, lanes and links that fit",
		Long: `List the boards that nmc build makes bitstreams for: part, lanes, clock of the device, links, and the largest network
784-N-10 that the board's device learns by backpropagation. A weight takes 16 bits of memory with 8 bits, too.

A board of your own is a folder with a board.toml (docs/boards/own.md): nmc boards ./myboard`,
		RunE: func(cmd *cobra.Command, args []string) error {
			names := args
			if len(names) == 0 {
				names = board.Names()
			}
			var rows []boardRow
			for _, name := range names {
				b, err := board.Load(name)
				if err != nil {
					return err
				}
				r := boardRow{Name: name, Title: b.Title, Part: b.Part.Title, Lanes: b.Device.Lanes, ClockHz: b.Clock.CoreHz}
				for _, l := range b.Links {
					r.Links = append(r.Links, linkRow{l.Kind, l.Speed()})
				}
				if r.Largest16, err = largest(b, 16); err != nil {
					return err
				}
				if r.Largest8, err = largest(b, 8); err != nil {
					return err
				}
				rows = append(rows, r)
			}
			a.answer = struct {
				Boards []boardRow `json:"boards"`
			}{rows}
			a.say("%-14s %-13s %5s  %9s  %-22s %s\n", "board", "part", "lanes", "clock", "link", "largest network")
			for _, r := range rows {
				links := ""
				for i, l := range r.Links {
					if i > 0 {
						links += ", "
					}
					links += l.Kind + " " + rate(l.Rate)
				}
				net := fmt.Sprintf("784-%d-10", r.Largest16)
				if r.Largest8 != r.Largest16 {
					net += fmt.Sprintf(", 784-%d-10 with 8 bits", r.Largest8)
				}
				a.say("%-14s %-13s %5d  %5.1f MHz  %-22s %s\n", r.Name, r.Part, r.Lanes, float64(r.ClockHz)/1e6, links, net)
			}
			return nil
		},
	}
}

// rate prints bits a second.
func rate(bits int) string {
	switch {
	case bits >= 1e9:
		return fmt.Sprintf("%g Gb/s", float64(bits)/1e9)
	case bits >= 1e6:
		return fmt.Sprintf("%g Mb/s", float64(bits)/1e6)
	}
	return fmt.Sprintf("%g kb/s", float64(bits)/1e3)
}

// yardstick is the network by which boards are measured, with its hidden units and the bits of its weights to be filled in.
const yardstick = `name = "largest"
[data]
set = "mnist"
[[layer]]
units = %d
activation = "relu"
weights = { bits = %d }
[[layer]]
units = 10
activation = "sigmoid"
weights = { bits = %[2]d }
[rule]
name = "bp"
rate = 0.01
rounding = "stochastic"
`

// largest returns the most hidden units of a network 784-N-10 that the board holds with its lanes; 0 if it holds none.
func largest(b *board.Board, bits int) (int, error) {
	holds := func(n int) (bool, error) {
		net, err := config.Read("largest", fmt.Appendf(nil, yardstick, n, bits), config.Options{Rules: rules.Specs()})
		if err != nil {
			return false, err
		}
		_, err = (&onBoard{lanes: b.Device.Lanes}).fit(b, net, compiler.Options{})
		if errors.As(err, new(pass.Misfit)) {
			return false, nil
		}
		return err == nil, err
	}
	low, high := 0, 8190
	for low < high {
		mid := (low + high + 1) / 2
		ok, err := holds(mid)
		if err != nil {
			return 0, err
		}
		if ok {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return low, nil
}
