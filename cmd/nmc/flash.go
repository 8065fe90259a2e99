package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc/boards/board"
	boardbuild "github.com/nmc-fpga/nmc/boards/build"
	"github.com/nmc-fpga/nmc/boards/flash"
	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/host"
)

func newFlash(a *app) *cobra.Command {
	var name, mode string
	var at reach
	var verify bool
	cmd := &cobra.Command{
		Use:   "flash [BUILD] --board BOARD",
		Short: "Put the bitstream of a build on a board",
		Long: `Put the bitstream that nmc build made on a board: into the FPGA until it loses power (--mode sram), or into the flash that it
starts from (--mode flash). With --on the host then asks the device over its link which device it is, and refuses another one than the
build's.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 {
				return errors.New("nmc flash: name one build folder, such as: nmc flash build --board icebreaker")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			folder := "build"
			if len(args) > 0 {
				folder = args[0]
			}
			b, err := (&onBoard{name: name}).load()
			if err != nil {
				return err
			}
			bitstream, err := builtFor(b, folder)
			if err != nil {
				return err
			}
			job := &flash.Job{Board: b, Bitstream: bitstream, Mode: mode, Verify: verify}
			taken, _, _, err := job.Command()
			if err != nil {
				return err
			}
			if err := job.Run(cmd.Context(), a.stderr); err != nil {
				if errors.As(err, new(*flash.Problem)) {
					err = finding{err}
				}
				return err
			}
			answer := struct {
				Board     string `json:"board"`
				Mode      string `json:"mode"`
				Bitstream string `json:"bitstream"`
				Verified  bool   `json:"verified"`
				HwID      string `json:"hw_id,omitempty"` // as the device told it; empty: it was not asked
			}{b.Name, taken, bitstream, verify, ""}
			if at.on != "" {
				build, err := openBuild(folder)
				if err != nil {
					return err
				}
				if err := confirm(cmd.Context(), at, build, a.stderr); err != nil {
					return finding{fmt.Errorf("%s is flashed, but %w", b.Title, err)}
				}
				answer.HwID = build.manifest.HwID.String()
			}
			a.answer = answer
			a.say("%s: %s written into %s", b.Title, bitstream, taken)
			if verify {
				a.say(", read back and equal")
			}
			if answer.HwID != "" {
				a.say("; the device answers with hw_id %s", answer.HwID)
			}
			a.say("\n")
			return nil
		},
	}
	f := cmd.Flags()
	at.flag(cmd, "")
	f.StringVar(&name, "board", "", "board that the build is for (nmc boards lists them), or the folder of your own")
	f.StringVar(&mode, "mode", "", "sram or flash (default: sram where the board has it)")
	f.BoolVar(&verify, "verify", false, "read the flash back")
	return cmd
}

// confirm asks the device at an address which it is. Another device than the build's is an error.
func confirm(ctx context.Context, at reach, b *build, progress io.Writer) error {
	dev, err := openDevice(ctx, at, b, progress)
	var wrong *host.WrongDevice
	if errors.As(err, &wrong) {
		return fmt.Errorf("the device at %s has hw_id %v, the build %v: it is another one, or the board still runs its old bitstream; reset it, or power it off and on",
			at.on, manifest.Hex(wrong.Got), manifest.Hex(wrong.Want))
	}
	if err != nil {
		return fmt.Errorf("the device at %s does not say which it is: %w", at.on, err)
	}
	return dev.Close()
}

// builtFor returns the bitstream in a build folder, which must be the board's.
func builtFor(b *board.Board, folder string) (string, error) {
	mend := fmt.Sprintf("make it with nmc build %s --board %s", folder, b.Name)
	file := filepath.Join(folder, boardFolder, boardbuild.ReportFile)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: no bitstream here; %s", folder, mend)
	}
	if err != nil {
		return "", err
	}
	var r boardbuild.Report
	if err := json.Unmarshal(text, &r); err != nil {
		return "", fmt.Errorf("%s: %w; %s", file, err, mend)
	}
	m, err := manifest.Read(folder)
	if err != nil {
		return "", err
	}
	switch {
	case r.Board != b.Name:
		return "", finding{fmt.Errorf("%s: the bitstream is for %s, not for %s; %s", folder, r.Board, b.Name, mend)}
	case r.HwID != m.HwID:
		return "", finding{fmt.Errorf("%s: the bitstream has hw_id %v, the build %v; %s", folder, r.HwID, m.HwID, mend)}
	}
	if r.Bitstream == "" {
		file := filepath.Join(folder, boardFolder, "bitstream.bit")
		if _, err := os.Stat(file); b.Family.Flow == "xc7" && err == nil {
			return file, nil // Vivado's
		}
		if b.Family.Flow == "xc7" {
			return "", finding{fmt.Errorf("%s: no bitstream yet; with Vivado, in %s: vivado -mode batch -source vivado.tcl", folder, filepath.Join(folder, boardFolder))}
		}
		return "", finding{fmt.Errorf("%s: the build has no bitstream: its clock was missed; %s", folder, mend)}
	}
	return filepath.Join(folder, boardFolder, r.Bitstream), nil
}
