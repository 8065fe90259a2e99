// Package verilator makes a native program of the Verilog and runs it: a device on a pair of pipes, which the host
// drives like a board.
package verilator

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/nmc-fpga/nmc/firmware/device"
)

//go:embed harness
var harness embed.FS

// program is the name of the binary in its cache directory, and of the process.
const program = "nmc-device"

// flags of Verilator but for paths. OPT_FAST and OPT_GLOBAL go to make: -CFLAGS would be overridden by a later -Os.
var flags = []string{
	"--cc", "--exe", "--build", "--top-module", "nmc_harness", "-DNMC_FAST", "-O3", "--x-assign", "fast", "--x-initial", "fast",
	"--assert", "--unroll-count", "1", "-Wno-fatal", "-Wno-lint", "-Wno-style", "-MAKEFLAGS",
	"'OPT_FAST=-O3 -march=native' 'OPT_GLOBAL=-O3 -march=native' OPT_SLOW=-O1",
}

// tools and the Debian packages that have them.
var tools = []struct{ name, pkg string }{{"verilator", "verilator"}, {"g++", "g++"}, {"make", "make"}}

// Available says whether Build can work on this machine; the error names the packages to install.
func Available() error {
	var missing, pkgs []string
	for _, t := range tools {
		if _, err := exec.LookPath(t.name); err != nil {
			missing, pkgs = append(missing, t.name), append(pkgs, t.pkg)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%s not found; install: apt-get install -y --no-install-recommends %s",
		strings.Join(missing, ", "), strings.Join(pkgs, " "))
}

// Build returns the path of a program that simulates the device without its link: the byte stream is on standard input and
// output. hdl holds rtl/*.v and gen/*.vh, top is the source of module nmc_top, made for cfg. Programs are kept in the user's cache directory under a hash of all sources, the flags
// and the version of Verilator, and built once; several processes may build at once. Progress gets a line when a build
// starts and what the tools say.
func Build(ctx context.Context, hdl fs.FS, top []byte, cfg device.Config, progress io.Writer) (binary string, err error) {
	return made(ctx, hdl, top, cfg, "stream", progress)
}

// BuildPins is Build of a device with its link: what is at the pins is simulated by harness/KIND.cpp, which says how the
// program is used.
func BuildPins(ctx context.Context, hdl fs.FS, top []byte, cfg device.Config, progress io.Writer) (binary string, err error) {
	if cfg.Link.Kind == "" {
		return "", errors.New("verilator: the device has a byte stream and no pins; give it a [device.link]")
	}
	return made(ctx, hdl, top, cfg, cfg.Link.Kind, progress)
}

// made builds the device with one of the links of the harness.
func made(ctx context.Context, hdl fs.FS, top []byte, cfg device.Config, link string, progress io.Writer) (binary string, err error) {
	if err := Available(); err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("verilator: no cache directory: %w; set HOME or XDG_CACHE_HOME", err)
	}
	version, err := exec.CommandContext(ctx, "verilator", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("verilator --version: %w", err)
	}
	sources, err := collect(hdl, top, link)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%q\n%s\n%s\n", bytes.TrimSpace(version), flags, runtime.GOARCH, processor())
	for _, s := range sources {
		fmt.Fprintf(h, "%s %d\n", s.name, len(s.text))
		h.Write(s.text)
	}
	root := filepath.Join(cache, "nmc", "verilator")
	home := filepath.Join(root, hex.EncodeToString(h.Sum(nil)[:16]))
	binary = filepath.Join(home, program)
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}

	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(root, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	fmt.Fprintf(progress, "building the Verilator model of a device with %d lanes (once; kept in %s)\n", cfg.Lanes, root)
	if err := build(ctx, work, sources, link, progress); err != nil {
		return "", err
	}
	made := filepath.Join(work, "made")
	if err := os.Mkdir(made, 0o755); err != nil {
		return "", err
	}
	if err := os.Rename(filepath.Join(work, "obj", program), filepath.Join(made, program)); err != nil {
		return "", err
	}
	if err := os.Rename(made, home); err != nil {
		// Another process was faster: its program is the same.
		if _, serr := os.Stat(binary); serr != nil {
			return "", err
		}
	}
	return binary, nil
}

// processor names what -march=native depends on, where the system says it: a cache may be shared by several machines.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	name := ""
	for line := range strings.Lines(string(text)) {
		if key, _, _ := strings.Cut(line, ":"); strings.TrimSpace(key) == "processor" && name != "" {
			break
		} else if key = strings.TrimSpace(key); key == "model name" || key == "flags" || key == "Features" {
			name += line
		}
	}
	return name
}

type source struct {
	name string // path below the build directory
	text []byte
}

// collect returns all files of a build, sorted by name within each folder.
func collect(hdl fs.FS, top []byte, link string) ([]source, error) {
	var out []source
	for _, pattern := range []string{"gen/*.vh", "rtl/*.v"} {
		names, err := fs.Glob(hdl, pattern)
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			return nil, fmt.Errorf("verilator: no %s among the Verilog sources", pattern)
		}
		for _, name := range names {
			text, err := fs.ReadFile(hdl, name)
			if err != nil {
				return nil, err
			}
			out = append(out, source{name, text})
		}
	}
	out = append(out, source{"nmc_top.v", top})
	for _, name := range []string{"harness.h", "cycle.h", "main.cpp", link + ".cpp", link + ".v"} {
		text, err := harness.ReadFile("harness/" + name)
		if err != nil {
			return nil, fmt.Errorf("verilator: a device with a link of kind %q cannot be simulated: %w", link, err)
		}
		out = append(out, source{name, text})
	}
	return out, nil
}

func build(ctx context.Context, work string, sources []source, link string, progress io.Writer) error {
	args := append([]string{}, flags...)
	args = append(args, "-j", fmt.Sprint(runtime.NumCPU()), "-Igen", "-Irtl", "-CFLAGS", "-I..", // of harness.h, seen from obj
		"-DNMC_"+strings.ToUpper(link), "--Mdir", "obj", "-o", program)
	for _, s := range sources {
		path := filepath.Join(work, filepath.FromSlash(s.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, s.text, 0o644); err != nil {
			return err
		}
		if ext := filepath.Ext(s.name); ext == ".v" || ext == ".cpp" {
			args = append(args, s.name)
		}
	}
	cmd := exec.CommandContext(ctx, "verilator", args...)
	cmd.Dir = work
	said, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		progress.Write(said)
		return fmt.Errorf("verilator: %w; first complaint: %s", err, complaint(said))
	}
	return nil
}

// complaint returns the first line of a tool's output that looks like an error.
func complaint(said []byte) string {
	for line := range strings.Lines(string(said)) {
		if strings.Contains(line, "rror") {
			return strings.TrimSpace(line)
		}
	}
	return "none"
}

// patience is how long Close lets the program finish what it does.
const patience = 10 * time.Second

// Start runs a program that Build made, with its flags (--trace FILE), as a stream of the protocol's bytes. Close ends
// the input, lets the program finish (for at most ten seconds) and returns an error with what it said if it did not end well.
func Start(binary string, flags ...string) (io.ReadWriteCloser, error) {
	cmd := exec.Command(binary, flags...)
	p := &process{cmd: cmd}
	var err error
	if p.WriteCloser, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if p.Reader, err = cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	cmd.Stderr = &p.said
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("verilator: %w", err)
	}
	return p, nil
}

type process struct {
	io.Reader
	io.WriteCloser
	cmd  *exec.Cmd
	said bytes.Buffer
}

// Close implements io.Closer.
func (p *process) Close() error {
	if err := p.WriteCloser.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	// An endless run never lets the program see the end of its input.
	kill := time.AfterFunc(patience, func() { p.cmd.Process.Kill() })
	defer kill.Stop()
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w\n%s", program, err, p.said.Bytes())
	}
	return nil
}

// Stats returns the line of cycles and speed that the program ended with; it is there after Close.
func (p *process) Stats() string { return strings.TrimSpace(p.said.String()) }
