// Package flash puts bitstreams on boards with the tool that a board names, and says in its own words what went wrong.
package flash

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"github.com/nmc-fpga/nmc/boards/board"
	"github.com/nmc-fpga/nmc/boards/build"
)

// Modes of writing.
const (
	SRAM  = "sram"  // into the FPGA, until it loses power
	Flash = "flash" // into the flash that the FPGA starts from
)

// Job is a bitstream that is to be written.
type Job struct {
	Board     *board.Board
	Bitstream string // file
	Mode      string // "": SRAM where the board has it, else Flash
	Verify    bool   // have what was written read back
}

// Command returns the mode that is taken, the tool and its arguments.
func (j *Job) Command() (mode, tool string, args []string, err error) {
	f := j.Board.Flash
	modes := map[string][]string{SRAM: f.SRAM, Flash: f.Flash}
	if f.Tool == "" {
		return "", "", nil, fmt.Errorf("%s does not say how %s is flashed; add [flash]", j.Board.File, j.Board.Title)
	}
	mode = j.Mode
	if mode == "" {
		mode = SRAM
		if len(f.SRAM) == 0 {
			mode = Flash
		}
	}
	template, ok := modes[mode]
	if !ok {
		return "", "", nil, fmt.Errorf("no mode %q; use %s or %s", mode, SRAM, Flash)
	}
	if len(template) == 0 {
		other := map[string]string{SRAM: Flash, Flash: SRAM}[mode]
		return "", "", nil, fmt.Errorf("%s cannot be written into %s; use --mode %s", j.Board.Title, mode, other)
	}
	if j.Verify {
		if mode == SRAM {
			return "", "", nil, fmt.Errorf("what is in the FPGA cannot be read back; --verify goes with --mode %s", Flash)
		}
		if len(f.Verify) == 0 {
			return "", "", nil, fmt.Errorf("%s does not say how the flash of %s is read back; add verify to [flash]", j.Board.File, j.Board.Title)
		}
		args = append(args, f.Verify...)
	}
	for _, a := range template {
		args = append(args, strings.ReplaceAll(a, board.Bitstream, j.Bitstream))
	}
	return mode, f.Tool, args, nil
}

// A Problem is the error of a tool that could not write.
type Problem struct {
	Board  string
	What   string // in words
	Remedy string
	Said   string // the tool's last lines
}

func (p *Problem) Error() string {
	s := p.Board + ": " + p.What
	if p.Remedy != "" {
		s += "; " + p.Remedy
	}
	if p.Said != "" {
		s += "\n" + p.Said
	}
	return s
}

func plugIn(b *board.Board) string {
	return "plug it in; lsusb must list " + strings.Join(b.Flash.USB, " or ")
}

// problems are what tools say when something is wrong, in the order in which they are looked for.
var problems = []struct {
	said   *regexp.Regexp
	what   string
	remedy func(*board.Board) string
}{
	{regexp.MustCompile(`(?i)usb_open\(\) failed|libusb_open\(\) failed|inappropriate permissions|insufficient permissions|permission denied|access denied|LIBUSB_ERROR_ACCESS|unable to open ftdi device: -4\b`),
		"its programmer is there, but this user may not use it", Udev},
	{regexp.MustCompile(`(?i)unable to claim|LIBUSB_ERROR_BUSY|resource busy`),
		"another program uses its programmer", func(*board.Board) string { return "end it and try again" }},
	{regexp.MustCompile(`(?i)idcode mismatch|mismatch between target's idcode|error: device \w+ not supported|device id mismatch|unknown device|part mismatch`),
		"another FPGA is on it than the bitstream is for", func(b *board.Board) string {
			return fmt.Sprintf("look what is printed on it: this build is for %s in %s", b.Part.Title, b.Package)
		}},
	{regexp.MustCompile(`(?i)no cmsis-dap`), "it is not connected", plugIn}, // a missing programmer: what follows says that no FPGA was found, too
	{regexp.MustCompile(`(?i)error: no device found`),
		"its programmer answers, but no FPGA does", func(*board.Board) string { return "is the board powered, is the cable right?" }},
	{regexp.MustCompile(`(?i)device not found|no cable found|no device found|unable to open ftdi device: -3\b|can't find|not connected`),
		"it is not connected", plugIn},
	{regexp.MustCompile(`(?i)cannot find board`),
		"this version of the tool does not know the board", func(*board.Board) string { return "install a newer one" }},
	{regexp.MustCompile(`(?i)verif\w* failed|verif\w*:? fail`),
		"what was read back is not what was written", func(*board.Board) string {
			return "write it again; if that does not help the flash is worn or protected"
		}},
}

// Udev says how a user gets the right to use the board's programmer.
func Udev(b *board.Board) string {
	var rules strings.Builder
	for _, id := range b.Flash.USB {
		vendor, product, _ := strings.Cut(id, ":")
		fmt.Fprintf(&rules, "\n    SUBSYSTEM==\"usb\", ATTRS{idVendor}==\"%s\", ATTRS{idProduct}==\"%s\", MODE=\"0660\", TAG+=\"uaccess\"", vendor, product)
	}
	return "write into /etc/udev/rules.d/70-nmc.rules" + rules.String() +
		"\nthen: sudo udevadm control --reload && sudo udevadm trigger, and plug the board in again"
}

// failed is what a tool says that failed but ends with status 0.
var failed = regexp.MustCompile(`(?mi)\bfail(ed|s)?\b`)

// Run writes the bitstream. What the tool says goes to progress, too. The error is a *build.Missing tool or a *Problem.
func (j *Job) Run(ctx context.Context, progress io.Writer) error {
	_, name, args, err := j.Command()
	if err != nil {
		return err
	}
	path, err := build.Find(name)
	if err != nil {
		return err
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.WaitDelay = 5 * time.Second
	cmd.Stdout = io.MultiWriter(&said, progress)
	cmd.Stderr = cmd.Stdout
	err = cmd.Run()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && !failed.Match(said.Bytes()) {
		return nil
	}
	for _, p := range problems {
		if p.said.Match(said.Bytes()) {
			return &Problem{Board: j.Board.Title, What: p.what, Remedy: p.remedy(j.Board), Said: tail(said.Bytes())}
		}
	}
	what := name + " says that it failed"
	if err != nil {
		what = fmt.Sprintf("%s: %v", name, err)
	}
	return &Problem{Board: j.Board.Title, What: what, Said: tail(said.Bytes())}
}

// tail is the last lines of what a tool said, indented.
func tail(said []byte) string {
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(said), "\r", "\n")), "\n")
	if len(lines) > 4 {
		lines = lines[len(lines)-4:]
	}
	return "    " + strings.Join(lines, "\n    ")
}
