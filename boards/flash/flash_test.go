package flash

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nmc-fpga/nmc/boards/board"
	"github.com/nmc-fpga/nmc/boards/build"
)

// recorder puts a stand-in for a tool on the path: it writes its arguments, a line each, into the file that is returned, says
// something and ends with a status.
func recorder(t *testing.T, tool, says, status string) string {
	t.Helper()
	dir := t.TempDir()
	args, text := filepath.Join(dir, "args"), filepath.Join(dir, "says")
	script := "#!/bin/sh\nprintf '%s\\n' \"$@\" >" + args + "\ncat " + text + "\nexit " + status + "\n"
	for file, data := range map[string]string{text: says, filepath.Join(dir, tool): script} {
		if err := os.WriteFile(file, []byte(data), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return args
}

func recorded(t *testing.T, file string) []string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

func load(t *testing.T, name string) *board.Board {
	t.Helper()
	b, err := board.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// commands are the exact arguments of every board, by mode; "" is the mode that is taken when none is asked for.
var commands = map[string]map[string][]string{
	"arty-a7-100t": {
		"":             {"-b", "arty_a7_100t", "x.bit"},
		"sram":         {"-b", "arty_a7_100t", "x.bit"},
		"flash":        {"-b", "arty_a7_100t", "-f", "x.bit"},
		"flash verify": {"--verify", "-b", "arty_a7_100t", "-f", "x.bit"},
	},
	"colorlight-i9": {
		"":             {"-b", "colorlight-i9", "x.bit"},
		"sram":         {"-b", "colorlight-i9", "x.bit"},
		"flash":        {"-b", "colorlight-i9", "-f", "--unprotect-flash", "x.bit"},
		"flash verify": {"--verify", "-b", "colorlight-i9", "-f", "--unprotect-flash", "x.bit"},
	},
	"icebreaker": {
		"":             {"-b", "ice40_generic", "-f", "x.bit"},
		"flash":        {"-b", "ice40_generic", "-f", "x.bit"},
		"flash verify": {"--verify", "-b", "ice40_generic", "-f", "x.bit"},
	},
	"ulx3s-85f": {
		"":             {"-b", "ulx3s", "x.bit"},
		"sram":         {"-b", "ulx3s", "x.bit"},
		"flash":        {"-b", "ulx3s", "-f", "x.bit"},
		"flash verify": {"--verify", "-b", "ulx3s", "-f", "x.bit"},
	},
}

func TestArguments(t *testing.T) {
	for _, name := range board.Names() {
		if len(commands[name]) == 0 {
			t.Errorf("%s: the arguments of its flasher are not in this test", name)
		}
		for mode, want := range commands[name] {
			t.Run(name+" "+mode, func(t *testing.T) {
				args := recorder(t, "openFPGALoader", "Load SRAM: [====] 100.00%\nDone\n", "0")
				m, verify := strings.CutSuffix(mode, " verify")
				j := &Job{Board: load(t, name), Bitstream: "x.bit", Mode: m, Verify: verify}
				var said bytes.Buffer
				if err := j.Run(t.Context(), &said); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(want, recorded(t, args)); d != "" {
					t.Error(d)
				}
				if !strings.Contains(said.String(), "100.00%") {
					t.Errorf("progress has %q", said.String())
				}
			})
		}
	}
}

// Every way to fail, on every board.
func TestFailures(t *testing.T) {
	for _, tt := range []struct{ name, says, status, want string }{
		{"not connected, FTDI", "unable to open ftdi device: -3 (device not found)\nJTAG init failed with: unable to open ftdi device\n", "1", "it is not connected; plug it in; lsusb must list "},
		{"not connected, CMSIS-DAP", "Error: no device found\ncmsisDAP: No CMSIS-DAP v1 device found\n", "1", "it is not connected; plug it in"},
		{"not connected, no probe", "JTAG init failed with: No device found\n", "1", "it is not connected"},
		{"permission", "unable to open ftdi device: -4 (usb_open() failed)\nJTAG init failed with: unable to open ftdi device\n", "1",
			"but this user may not use it; write into /etc/udev/rules.d/70-nmc.rules\n    SUBSYSTEM==\"usb\", ATTRS{idVendor}==\""},
		{"permission, other words", "unable to open ftdi device: -8 (inappropriate permissions on device!)\n", "1", "TAG+=\"uaccess\"\nthen: sudo udevadm control --reload"},
		{"in use", "unable to open ftdi device: -5 (unable to claim usb device. Make sure the default FTDI driver is not in use)\n", "1", "another program uses its programmer; end it"},
		{"wrong part", "mismatch between target's idcode and bitstream idcode\n\tbitstream has 0x41113043 hardware requires 0x41111043\n", "1",
			"another FPGA is on it than the bitstream is for; look what is printed on it: this build is for "},
		{"unknown part", "Error: device 4ba00477 not supported\n", "1", "another FPGA is on it"},
		{"no power", "Jtag frequency : requested 6.00MHz\nError: no device found\n", "1", "its programmer answers, but no FPGA does; is the board powered"},
		{"old tool", "Error: cannot find board 'x'\n", "1", "this version of the tool does not know the board; install a newer one"},
		{"read back", "Writing: 100.00%\nVerification failed at 0x1200\n", "1", "what was read back is not what was written"},
		{"read back, status 0", "Writing: 100.00%\nVerification failed at 0x1200\n", "0", "what was read back is not what was written"},
		{"quiet failure", "Wait for CDONE Fail\n", "0", "openFPGALoader says that it failed\n    Wait for CDONE Fail"},
		{"anything else", "something new\n", "3", "openFPGALoader: exit status 3\n    something new"},
	} {
		for _, name := range board.Names() {
			t.Run(tt.name+" "+name, func(t *testing.T) {
				recorder(t, "openFPGALoader", tt.says, tt.status)
				j := &Job{Board: load(t, name), Bitstream: "x.bit"}
				err := j.Run(t.Context(), &bytes.Buffer{})
				if !errors.As(err, new(*Problem)) || !strings.Contains(err.Error(), j.Board.Title+": ") || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("said %v\nwant %s", err, tt.want)
				}
			})
		}
	}
}

// The udev rule names the programmer of the board.
func TestUdev(t *testing.T) {
	for _, name := range board.Names() {
		b := load(t, name)
		if len(b.Flash.USB) == 0 {
			t.Errorf("%s has no usb in [flash]", name)
		}
		for _, id := range b.Flash.USB {
			vendor, product, ok := strings.Cut(id, ":")
			if rule := Udev(b); !ok || !strings.Contains(rule, `ATTRS{idVendor}=="`+vendor+`", ATTRS{idProduct}=="`+product+`"`) {
				t.Errorf("%s: %s", name, rule)
			}
		}
	}
}

func TestCommand(t *testing.T) {
	bare := *load(t, "ulx3s-85f")
	bare.Flash.Verify = nil
	none := bare
	none.Flash.Tool = ""
	for _, tt := range []struct {
		job  Job
		want string
	}{
		{Job{Board: load(t, "icebreaker"), Mode: "sram"}, "iCEBreaker cannot be written into sram; use --mode flash"},
		{Job{Board: load(t, "ulx3s-85f"), Mode: "ram"}, `no mode "ram"; use sram or flash`},
		{Job{Board: load(t, "ulx3s-85f"), Verify: true}, "what is in the FPGA cannot be read back; --verify goes with --mode flash"},
		{Job{Board: &bare, Mode: "flash", Verify: true}, "does not say how the flash of ULX3S-85F is read back; add verify to [flash]"},
		{Job{Board: &none}, "does not say how ULX3S-85F is flashed; add [flash]"},
	} {
		if err := tt.job.Run(t.Context(), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, want %s", err, tt.want)
		}
	}
}

func TestMissingTool(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("OSS_CAD_SUITE", "")
	j := &Job{Board: load(t, "icebreaker"), Bitstream: "x.bit"}
	err := j.Run(t.Context(), &bytes.Buffer{})
	if !errors.As(err, new(*build.Missing)) || !strings.Contains(err.Error(), "openFPGALoader not found on the path nor in an OSS CAD Suite; get it with: apt-get install --no-install-recommends openfpgaloader") {
		t.Error(err)
	}
}

func TestInterrupted(t *testing.T) {
	recorder(t, "openFPGALoader", "", "0\n") // the script is replaced:
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "openFPGALoader"), []byte("#!/bin/sh\nexec sleep 60\n"), 0o777); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	j := &Job{Board: load(t, "icebreaker"), Bitstream: "x.bit"}
	if err := j.Run(ctx, &bytes.Buffer{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}
