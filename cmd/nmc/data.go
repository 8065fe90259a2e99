package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc/host/dataset"
)

func newData(a *app) *cobra.Command {
	data := &cobra.Command{
		Use:   "data",
		Short: "List, fetch and verify datasets",
		Long: `Datasets lie in $NMC_DATA, or in nmc/data of the user's cache folder. "digits" is part of the program and needs
nothing. A folder of IDX files of your own is named idx:DIR wherever a dataset is.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return errors.New("say what to do with the data: list, fetch or verify")
		},
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("no command %q of nmc data; use list, fetch or verify", args[0])
			}
			return nil
		},
	}
	data.AddCommand(newDataList(a), newDataFetch(a), newDataVerify(a))
	return data
}

func newDataList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "Say which datasets there are and which of them are here",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			infos, err := dataset.List()
			if err != nil {
				return err
			}
			a.answer = struct {
				Sets []dataset.Info `json:"sets"`
			}{infos}
			for _, i := range infos {
				state := "here"
				if !i.Present {
					state = "get it with: nmc data fetch " + i.Name
				}
				a.say("%-14s %-46s %s\n", i.Name, i.About, state)
			}
			return nil
		},
	}
}

func newDataFetch(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "fetch NAME...",
		Short: "Get datasets; what is here and right is kept, a broken download goes on",
		Args:  names("fetch"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range args {
				var bar *progress
				current := ""
				err := dataset.Fetch(cmd.Context(), name, func(file string, done, total int64) {
					if file != current {
						if bar != nil {
							bar.done()
						}
						bar, current = newProgress(a.stderr, file, "bytes", 0, int(total)), file
					}
					bar.set(int(done))
				})
				if bar != nil {
					bar.done()
				}
				if err != nil {
					return err
				}
				a.say("%s is here\n", name)
			}
			a.answer = struct {
				Fetched []string `json:"fetched"`
			}{args}
			return nil
		},
	}
}

func newDataVerify(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "verify NAME...",
		Short: "Check datasets against their checksums",
		Args:  names("verify"),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, name := range args {
				if err := dataset.Verify(name); err != nil {
					return err
				}
				a.say("%s is whole\n", name)
			}
			a.answer = struct {
				Verified []string `json:"verified"`
			}{args}
			return nil
		},
	}
}

// names wants the names of datasets.
func names(verb string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("nmc data %s: name a dataset; nmc data list shows them", verb)
		}
		return nil
	}
}

// noArgs wants none.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%s takes no arguments, got %q", cmd.CommandPath(), strings.Join(args, " "))
	}
	return nil
}
