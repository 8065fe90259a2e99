package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit statuses.
const (
	exitOK          = 0
	exitFinding     = 1   // the command did its work and the answer is no: unequal, does not fit
	exitMisuse      = 2   // arguments or input that cannot be used
	exitInterrupted = 130 // Ctrl-C
)

// A finding is an error that is the command's answer: unequal, does not fit.
type finding struct{ error }

func (f finding) Unwrap() error { return f.error }

// An interruption is Ctrl-C after the state was saved.
type interruption struct{ error }

// status returns the exit status that an error stands for.
func status(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, new(interruption)), errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, new(finding)):
		return exitFinding
	}
	return exitMisuse
}

// run executes one command line and returns the exit status.
func run(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends at once

	a := &app{stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	code := status(err)
	if err != nil {
		fmt.Fprintf(stderr, "nmc: %v\n", err)
	}
	a.flush(err, code)
	return code
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "nmc",
		Short: "Learning on a chip: compile, train, prove",
		Long: `nmc takes a network and a learning rule written in one TOML file and makes a machine that learns on the chip.

  nmc new digits && cd digits     a commented net.toml to start from
  nmc train net.toml              learn in the simulator
  nmc check net.toml              the same samples on the Verilog engine: equal, bit for bit

Exit status: 0 success, 1 a finding (unequal, does not fit), 2 misuse or input that cannot be used, 130 interrupted.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		// Without a verb there is nothing to do: print the help, but do not call it success.
		RunE: func(cmd *cobra.Command, args []string) error {
			cmd.SetOut(a.stderr)
			if err := cmd.Help(); err != nil {
				return err
			}
			return errors.New("say which command to run")
		},
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			hint := ""
			if s := cmd.SuggestionsFor(args[0]); len(s) > 0 {
				hint = fmt.Sprintf("; did you mean %q?", s[0])
			}
			return fmt.Errorf("no command %q%s; nmc --help lists them", args[0], hint)
		},
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SuggestionsMinimumDistance = 2
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print one JSON object as the last line of standard output")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())
	})
	for _, verb := range verbs {
		root.AddCommand(verb(a))
	}
	return root
}

// verbs are the commands, one file each.
var verbs = []func(*app) *cobra.Command{
	newNew,
	newKey,
	newCompile,
	newTrain,
	newEval,
	newCheck,
	newReplay,
	newDevices,
	newServe,
	newBoards,
	newBuild,
	newFlash,
	newPlausibility,
	newTable,
	newDisasm,
	newData,
	newDoctor,
	newVersion,
}
