// Package build makes a bitstream of a device for a board: synthesis, place and route with as many seeds as the clock takes, packing,
// and a report. Every stage is kept in the user's cache under a hash of all that it depends on.
package build

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/nmc-fpga/nmc/boards/board"
	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/firmware/device"
)

// Job is a bitstream that is wanted.
type Job struct {
	Board    *board.Board
	Device   device.Config
	HDL      fs.FS       // rtl/*.v and gen/*.vh
	Top      []byte      // module nmc_top, made for the device
	First    int         // seed that is tried first; 0 is 1
	Seeds    int         // at most so many are tried
	Progress func(Event) // may be nil

	// Patience is how long place and route may get no nearer to its end before the seed is given up; 0 is the constant.
	Patience time.Duration

	cache string
}

// Result is a build.
type Result struct {
	Report *Report
	// Files are what the build wrote, by name: the bitstream, the Verilog and constraints of the board, logs, vivado.tcl.
	Files map[string][]byte
}

// A Missed is the finding that no seed met the clock. The report has the best of them.
type Missed struct{ Report *Report }

func (m *Missed) Error() string {
	r := m.Report
	var b strings.Builder
	for _, c := range r.Clocks {
		if !c.Met {
			fmt.Fprintf(&b, "the clock %s reaches %.2f MHz of %.2f MHz\n", c.Name, c.MHz, c.WantMHz)
		}
	}
	if len(r.Path) > 0 {
		fmt.Fprintf(&b, "the slowest path:\n%s", slowest(r.Path, "  "))
	}
	head := fmt.Sprintf("%s reaches %.2f MHz, %s wants %.2f MHz", r.Part, r.Clock.MHz, r.Board, r.Clock.WantMHz)
	remedy := "try more with --seeds, or lower core_hz of the board"
	if r.Clock.MHz >= r.Clock.WantMHz {
		head = fmt.Sprintf("%s reaches the %.2f MHz that %s wants, with %.2f MHz, but not another clock", r.Part, r.Clock.WantMHz, r.Board, r.Clock.MHz)
		remedy = "try more with --seeds"
	}
	return fmt.Sprintf("%s; seeds %s; %s\n%s", head, seeds(r.Seeds), remedy, strings.TrimRight(b.String(), "\n"))
}

// A Misfit is the finding that the part does not hold the design.
type Misfit struct {
	Part, Lack string
}

func (m *Misfit) Error() string {
	return fmt.Sprintf("the %s does not hold the design: it takes %s; take fewer lanes, or leave units out with units = \"used\"", m.Part, m.Lack)
}

// A Stuck is the finding that with no seed all wires could be routed.
type Stuck struct {
	Board, Part string
	Seeds       []Try
	Log         string // file of the last one
}

func (s *Stuck) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: place and route on the %s does not end:", s.Board, s.Part)
	for _, t := range s.Seeds {
		fmt.Fprintf(&b, " seed %d: %s;", t.Seed, t.Stuck)
	}
	last := slices.MaxFunc(s.Seeds, func(a, b Try) int { return cmp.Compare(a.Seed, b.Seed) }).Seed
	fmt.Fprintf(&b, " take others with --seed %d, wait longer with --patience, or take fewer lanes; all that it said is in %s", last+1, s.Log)
	return b.String()
}

func (j *Job) progress(e Event) {
	if j.Progress != nil {
		j.Progress(e)
	}
}

// Run makes the bitstream. The error is a *Missing tool, a *Misfit, a *Missed clock, a *Stuck
// router, or a tool's *Failure.
func (j *Job) Run(ctx context.Context) (*Result, error) {
	f := flows[j.Board.Family.Flow]
	if err := j.keep(); err != nil {
		return nil, err
	}
	files, err := j.sources()
	if err != nil {
		return nil, err
	}
	report := &Report{Board: j.Board.Name, Part: j.Board.Part.Title, HwID: manifest.Hex(j.Device.ID()), Device: j.Device,
		Clock: Clock{WantMHz: float64(j.Board.Clock.CoreHz) / 1e6}, Tools: map[string]string{}}
	report.Device.Key = device.Key{} // the report is for others, too
	j.memories(report)

	yosys, router, packer, err := f.find()
	if err != nil {
		return nil, err
	}
	for _, p := range []string{yosys, router, packer} {
		if p != "" {
			t := tool(filepath.Base(p))
			report.Tools[t.Name] = version(ctx, p, t.Version)
		}
	}

	synth, err := j.synthesize(ctx, f, yosys, report.Tools["yosys"], files)
	if err != nil {
		return nil, err
	}
	res := &Result{Report: report, Files: map[string][]byte{}}
	for _, name := range []string{board.TopModule + ".v", j.Board.ConstraintFile()} {
		res.Files[name] = files[name]
	}
	if f.router == "" {
		return res, j.count(res, synth, files)
	}
	if err := j.route(ctx, f, router, synth, res); err != nil {
		return res, err
	}
	return res, j.pack(ctx, f, packer, res)
}

// Netlist returns what synthesis makes of the device for the board, the very cells that Run places, as Verilog: module nmc_board, whose only
// modules beside it are cells of the part. models is the Verilog of those cells as far as Yosys has it; a PLL has none. Only Yosys is needed.
func (j *Job) Netlist(ctx context.Context) (netlist, models []byte, err error) {
	f := flows[j.Board.Family.Flow]
	if f.models == "" {
		return nil, nil, fmt.Errorf("there is no netlist of a board with %s: no models of its cells are named; take an iCE40", j.Board.Part.Title)
	}
	if err := j.keep(); err != nil {
		return nil, nil, err
	}
	files, err := j.sources()
	if err != nil {
		return nil, nil, err
	}
	yosys, _, _, err := f.find()
	if err != nil {
		return nil, nil, err
	}
	told := version(ctx, yosys, tool("yosys").Version)
	synth, err := j.synthesize(ctx, f, yosys, told, files)
	if err != nil {
		return nil, nil, err
	}
	home, err := j.stage("netlist-"+hash("netlist", told, filepath.Base(synth)), func(dir string) error {
		return j.run(ctx, dir, "yosys.log", "netlist", yosys, "-p", fmt.Sprintf("read_json %s; write_verilog -noattr netlist.v", filepath.Join(synth, "design.json")))
	})
	if err != nil {
		return nil, nil, err
	}
	if netlist, err = os.ReadFile(filepath.Join(home, "netlist.v")); err != nil {
		return nil, nil, err
	}
	models, err = os.ReadFile(filepath.Join(filepath.Dir(yosys), "..", "share", "yosys", filepath.FromSlash(f.models)))
	return netlist, models, err
}

// keep makes the cache.
func (j *Job) keep() error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return fmt.Errorf("no cache directory: %w; set HOME or XDG_CACHE_HOME", err)
	}
	j.cache = filepath.Join(cache, "nmc", "boards")
	return os.MkdirAll(j.cache, 0o700)
}

// find finds all tools of a flow before any runs: one that is missing should not be found out after minutes. router and packer are ""
// where the flow has none.
func (f flow) find() (yosys, router, packer string, err error) {
	if f.router == "" {
		yosys, err = Find("yosys")
		return yosys, "", "", err
	}
	if router, err = Find(f.router); err != nil {
		return "", "", "", err
	}
	if yosys, err = beside(router, "yosys"); err != nil {
		return "", "", "", err
	}
	packer, err = beside(router, f.packer)
	return yosys, router, packer, err
}

// memories lists the device's memories and the blocks that they are counted to.
func (j *Job) memories(r *Report) {
	for _, m := range board.Memories(j.Device) {
		kind, blocks := j.Board.Blocks(j.Device, m)
		r.Memories = append(r.Memories, Memory{Name: m.Name, Width: m.Width, Depth: m.Depth, Kind: kind, Blocks: blocks})
	}
}

// sources are the files of a build folder: the Verilog, the board's top, constraints.
func (j *Job) sources() (map[string][]byte, error) {
	files := map[string][]byte{"nmc_top.v": j.Top}
	for _, pattern := range []string{"gen/*.vh", "rtl/*.v"} {
		names, err := fs.Glob(j.HDL, pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if files[name], err = fs.ReadFile(j.HDL, name); err != nil {
				return nil, err
			}
		}
	}
	var err error
	if files[board.TopModule+".v"], err = j.Board.Top(j.Device, j.Top); err != nil {
		return nil, err
	}
	files[j.Board.ConstraintFile()], err = j.Board.Constraints(j.Device)
	return files, err
}

// verilog are the names of the files that are compiled.
func verilog(files map[string][]byte) []string {
	var all []string
	for name := range files {
		if path.Ext(name) == ".v" {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// hash names a stage by all that it depends on.
func hash(parts ...any) string {
	h := sha256.New()
	for _, p := range parts {
		switch p := p.(type) {
		case []byte:
			fmt.Fprintf(h, "%d ", len(p))
			h.Write(p)
		default:
			fmt.Fprintf(h, "%q ", fmt.Sprint(p))
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// stage returns the folder of a stage, made by the function unless it is in the cache. Several processes may make it at once.
func (j *Job) stage(name string, make func(dir string) error) (string, error) {
	home := filepath.Join(j.cache, name)
	if _, err := os.Stat(home); err == nil {
		return home, nil
	}
	work, err := os.MkdirTemp(j.cache, "work-")
	if err != nil {
		return "", err
	}
	if err := make(work); err != nil {
		// What a tool said is wanted when it fails; there is one such folder.
		var fail *Failure
		if errors.As(err, &fail) {
			failed := filepath.Join(j.cache, "failed")
			os.RemoveAll(failed)
			if os.Rename(work, failed) == nil {
				fail.Log = filepath.Join(failed, filepath.Base(fail.Log))
			}
		} else {
			os.RemoveAll(work)
		}
		return "", err
	}
	if err := os.Rename(work, home); err != nil {
		os.RemoveAll(work)
		if _, serr := os.Stat(home); serr != nil {
			return "", err
		}
	}
	return home, nil
}

// synthesize returns the folder with what Yosys made.
func (j *Job) synthesize(ctx context.Context, f flow, yosys, version string, files map[string][]byte) (string, error) {
	script := f.synth(strings.Join(verilog(files), " "))
	key := []any{"synth", version, script}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if name != j.Board.ConstraintFile() {
			key = append(key, name, files[name])
		}
	}
	return j.stage("synth-"+hash(key...), func(dir string) error {
		for name, text := range files {
			if err := write(filepath.Join(dir, filepath.FromSlash(name)), text); err != nil {
				return err
			}
		}
		if err := write(filepath.Join(dir, "synth.ys"), []byte(script)); err != nil {
			return err
		}
		return j.run(ctx, dir, "yosys.log", "synthesis", yosys, "-s", "synth.ys")
	})
}

// Files of place and route.
const (
	routeLog   = "nextpnr.log"
	routeStuck = "stuck" // why it was ended, where it would be again
)

// patiently places and routes in a folder unless that gets no nearer to its end. Where it would never, that is written into a file, since
// it is as good a result as another; where it was for time, it is a *Failure.
func (j *Job) patiently(ctx context.Context, dir, stage, router string, args []string) error {
	watching, line, stop := watched(ctx, cmp.Or(j.Patience, Patience))
	defer stop()
	err := j.follow(watching, line, dir, routeLog, stage, router, args...)
	var s *stall
	switch {
	case ctx.Err() != nil || !errors.As(context.Cause(watching), &s):
		return err
	case s.sure:
		return write(filepath.Join(dir, routeStuck), []byte(s.why))
	}
	return &Failure{Tool: filepath.Base(router), Err: s, Said: "ended", Log: filepath.Join(dir, routeLog)}
}

// stuck says why place and route of a folder was given up, and where its log is; "" if it was not.
func stuck(home string, err error) (why, log string) {
	var fail *Failure
	var s *stall
	if errors.As(err, &fail) && errors.As(fail.Err, &s) {
		return s.why, fail.Log
	}
	if text, err := os.ReadFile(filepath.Join(home, routeStuck)); err == nil {
		return string(text), filepath.Join(home, routeLog)
	}
	return "", ""
}

// route places and routes with one seed after the other until the clock is met, and puts the best into the result.
func (j *Job) route(ctx context.Context, f flow, router, synth string, res *Result) error {
	files := map[string][]byte{j.Board.ConstraintFile(): res.Files[j.Board.ConstraintFile()]}
	if f.plan != nil {
		scripts := f.plan(j.Device)
		maps.Copy(files, scripts)
		maps.Copy(res.Files, scripts)
	}
	key := []any{"route", filepath.Base(synth), res.Report.Tools[f.router]}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		key = append(key, name, files[name])
	}
	mhz := res.Report.Clock.WantMHz
	var best *Report
	var dir, log string
	// try places and routes with a seed, and keeps the result if it is the best so far.
	try := func(seed int, args []string) error {
		home, err := j.stage("route-"+hash(append(key[:len(key):len(key)], args)...), func(dir string) error {
			for name, text := range files {
				if err := write(filepath.Join(dir, name), text); err != nil {
					return err
				}
			}
			if err := os.Symlink(filepath.Join(synth, "design.json"), filepath.Join(dir, "design.json")); err != nil {
				return err
			}
			err := j.patiently(ctx, dir, fmt.Sprintf("place and route, seed %d", seed), router, args)
			var fail *Failure
			if errors.As(err, &fail) {
				if log, rerr := os.ReadFile(fail.Log); rerr == nil {
					if lack := overfull(j.Board, log); lack != "" {
						return &Misfit{Part: j.Board.Part.Title, Lack: lack}
					}
				}
			}
			return err
		})
		if why, in := stuck(home, err); why != "" {
			res.Report.Seeds, log = append(res.Report.Seeds, Try{Seed: seed, Stuck: why}), in
			j.progress(Event{Stage: fmt.Sprintf("seed %d is given up: %s", seed, why), Tool: filepath.Base(router)})
			return nil
		}
		if err != nil {
			return err
		}
		text, err := os.ReadFile(filepath.Join(home, "nextpnr.json"))
		if err != nil {
			return err
		}
		r := *res.Report
		said, err := os.ReadFile(filepath.Join(home, routeLog))
		if err != nil {
			return err
		}
		if err := r.timing(j.Board, text, said); err != nil {
			return err
		}
		r.Seed = seed
		res.Report.Seeds = append(res.Report.Seeds, Try{Seed: seed, MHz: r.Clock.MHz, Met: r.Clock.Met})
		if best == nil || r.Clock.Met || r.share() > best.share() {
			best, dir = &r, home
		}
		return nil
	}
	first := max(1, j.First)
	hurries := false
	for seed := first; seed < first+max(1, j.Seeds) && (best == nil || !best.Clock.Met); seed++ {
		args := f.route(j.Board, j.Device, mhz, seed, true)
		if hurries = args != nil; !hurries {
			args = f.route(j.Board, j.Device, mhz, seed, false)
		}
		if err := try(seed, args); err != nil {
			return err
		}
	}
	if best == nil && hurries {
		// How fast it is without, and its slowest path.
		if err := try(first, f.route(j.Board, j.Device, mhz, first, false)); err != nil {
			return err
		}
	}
	if best == nil {
		return &Stuck{Board: j.Board.Name, Part: j.Board.Part.Title, Seeds: res.Report.Seeds, Log: log}
	}
	best.Seeds = res.Report.Seeds
	res.Report = best
	for name, in := range map[string]string{"yosys.log": synth, routeLog: dir, f.routed: dir} {
		text, err := os.ReadFile(filepath.Join(in, name))
		if err != nil {
			return err
		}
		res.Files[name] = text
	}
	if !best.Clock.Met {
		delete(res.Files, f.routed)
		return &Missed{best}
	}
	return nil
}

// pack makes the bitstream of what was routed.
func (j *Job) pack(ctx context.Context, f flow, packer string, res *Result) error {
	home, err := j.stage("pack-"+hash("pack", f.pack, res.Report.Tools[f.packer], res.Files[f.routed]), func(dir string) error {
		if err := write(filepath.Join(dir, f.routed), res.Files[f.routed]); err != nil {
			return err
		}
		return j.run(ctx, dir, "pack.log", "packing", packer, f.pack...)
	})
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(home, f.bitstream))
	if err != nil {
		return err
	}
	delete(res.Files, f.routed)
	res.Files[f.bitstream] = text
	sum := sha256.Sum256(text)
	res.Report.Bitstream, res.Report.SHA256 = f.bitstream, hex.EncodeToString(sum[:])
	return nil
}

// count holds what Yosys counted to the part, where the open tools do not route, and writes the script for Vivado.
func (j *Job) count(res *Result, synth string, files map[string][]byte) error {
	text, err := os.ReadFile(filepath.Join(synth, "stat.txt"))
	if err != nil {
		return err
	}
	res.Report.Resources = uses(j.Board, stat(text))
	var lack []string
	for _, u := range res.Report.Resources {
		if u.Used > u.Has {
			lack = append(lack, fmt.Sprintf("%d %s of %d (%d too many)", u.Used, u.Title, u.Has, u.Used-u.Has))
		}
	}
	if lack != nil {
		return &Misfit{Part: j.Board.Part.Title, Lack: strings.Join(lack, ", ")}
	}
	for name, text := range files {
		res.Files[name] = text
	}
	res.Files["vivado.tcl"] = vivado(j.Board, verilog(files), j.Board.ConstraintFile())
	if log, err := os.ReadFile(filepath.Join(synth, "yosys.log")); err == nil {
		res.Files["yosys.log"] = log
	}
	return nil
}

// Write writes the build's files and its report into a folder, which is made, and emptied of an earlier build's files.
func (r *Result) Write(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	files := map[string][]byte{ReportFile: r.Report.Encode()}
	var text strings.Builder
	r.Report.Text(&text)
	files[TextFile] = []byte(text.String())
	if picture, err := r.Report.Picture(); err == nil {
		files[PictureFile] = picture
	} else {
		return err
	}
	for name, b := range r.Files {
		files[name] = b
	}
	for name, b := range files {
		if err := write(filepath.Join(dir, filepath.FromSlash(name)), b); err != nil {
			return err
		}
	}
	return nil
}

// Files of a report.
const (
	ReportFile  = "report.json"
	TextFile    = "report.txt"
	PictureFile = "report.svg"
)

func write(file string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}
