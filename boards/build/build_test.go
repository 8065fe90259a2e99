package build

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/nmc-fpga/nmc/boards/board"
	"github.com/nmc-fpga/nmc/firmware/device"
)

var update = flag.Bool("update", false, "rewrite what is expected in testdata")

const uartTop = "module nmc_top (\n    input  wire clk_i,\n    input  wire rst_i,\n    input  wire rx_i,\n    output wire tx_o,\n    output wire busy_o\n);\nendmodule\n"

// job is a build for a board with the Verilog of a device that no tool looks at.
func job(t *testing.T, name string, seeds int) *Job {
	t.Helper()
	b, err := board.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	switch name { // what the stand-ins reach or miss, not what the board has
	case "icebreaker":
		b.Clock.CoreHz = 24_000_000
	case "ulx3s-85f":
		b.Clock.CoreHz = 62_500_000
	}
	l, err := b.TakenLink(device.UART)
	if err != nil {
		t.Fatal(err)
	}
	all, err := b.Choices(device.Config{Link: l.Config(b.Clock.CoreHz)})
	if err != nil {
		t.Fatal(err)
	}
	hdl := fstest.MapFS{"rtl/nmc_a.v": {Data: []byte("module nmc_a; endmodule\n")}, "gen/nmc_isa.vh": {Data: []byte("// nothing\n")}}
	return &Job{Board: b, Device: all[0], HDL: hdl, Top: []byte(uartTop), Seeds: seeds}
}

// standIns puts tools on the path that do what the scripts say, after they have written their arguments into a file named after
// them in the folder that is returned; nothing is in the cache.
func standIns(t *testing.T, scripts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		text := "#!/bin/sh\ncase $1 in -V|--version) echo \"" + name + " 1.2.3\"; exit;; esac\necho \"$@\" >>" + filepath.Join(dir, name+".args") + "\n" + script + "\n"
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+"/usr/bin:/bin")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	return dir
}

func calls(t *testing.T, dir, tool string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, tool+".args"))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}

// router is a router whose clock depends on the seed, the last argument but four: 10 MHz and 7 more with each.
const router = `for a; do [ "$last" = --seed ] && seed=$a; last=$a; done
echo "Info: Routing.."
cat >nextpnr.json <<EOF
{"fmax": {"core_clk": {"achieved": $((10 + 7 * (seed - 1))), "constraint": 24}},
 "utilization": {"ICESTORM_LC": {"used": 4711, "available": 5280}, "ICESTORM_DSP": {"used": 8}, "ICESTORM_RAM": {"used": 30}, "ICESTORM_SPRAM": {"used": 4}},
 "critical_paths": [
  {"from": "async", "to": "posedge core_clk", "path": [{"delay": 99, "net": "u_top.not_this", "from": {"cell": "a"}, "to": {"cell": "b"}, "type": "routing"}]},
  {"from": "posedge core_clk", "to": "posedge core_clk", "path": [
   {"delay": 1.5, "from": {"cell": "$nextpnr_ICESTORM_LC_38"}, "to": {"cell": "u_top.u_device.u_engine.u_program.mem.0.2_RAM"}, "type": "clk-to-q"},
   {"delay": 2.5, "net": "u_top.u_device.u_engine.ir[43]", "from": {"cell": "x"}, "to": {"cell": "y"}, "type": "routing"},
   {"delay": 0.5, "from": {"cell": "u_top.u_device.u_engine.u_walk.last_SB_LUT4_O_I3_SB_CARRY_CO_8$CARRY"}, "to": {"cell": "z"}, "type": "logic"},
   {"delay": 1, "net": "u_top.u_device.u_engine.u_walk.last_SB_LUT4_O_I3[2]", "from": {"cell": "x"}, "to": {"cell": "y"}, "type": "routing"}]}]}
EOF
echo routed $seed >routed.asc; echo routed $seed >routed.config`

const (
	yosys  = `cp synth.ys design.json; cp synth.ys stat.txt; echo "2.1. Executing HIERARCHY pass (managing design hierarchy)."`
	packer = `for a; do last=$a; done; cp routed.* "$last"`
)

func TestSeeds(t *testing.T) {
	dir := standIns(t, map[string]string{"yosys": yosys, "nextpnr-ice40": router, "icepack": packer})
	j := job(t, "icebreaker", 5)
	var stages []string
	j.Progress = func(e Event) { stages = append(stages, e.Stage+": "+e.Step) }
	res, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := res.Report
	want := []Try{{Seed: 1, MHz: 10}, {Seed: 2, MHz: 17}, {Seed: 3, MHz: 24, Met: true}}
	if d := cmp.Diff(want, r.Seeds); d != "" || r.Seed != 3 || !r.Clock.Met || r.Clock.MHz != 24 {
		t.Errorf("seed %d, %+v: %s", r.Seed, r.Clock, d)
	}
	if string(res.Files["bitstream.bin"]) != "routed 3\n" || r.Bitstream != "bitstream.bin" || len(r.SHA256) != 64 {
		t.Errorf("bitstream %q, %s, sha256 %s", res.Files["bitstream.bin"], r.Bitstream, r.SHA256)
	}
	resources := []Use{{"logic", "logic cells", 4711, 5280}, {"multipliers", "SB_MAC16", 8, 8}, {"block", "EBR", 30, 30}, {"single", "SPRAM", 4, 4}}
	if d := cmp.Diff(resources, r.Resources); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]string{"yosys": "1.2.3", "nextpnr-ice40": "1.2.3", "icepack": ""}, r.Tools); d != "" {
		t.Error(d)
	}
	if got := strings.Join(stages, "\n"); !strings.Contains(got, "synthesis: Executing HIERARCHY pass\n") || !strings.Contains(got, "place and route, seed 3: Routing..\n") {
		t.Errorf("progress:\n%s", got)
	}
	if got := calls(t, dir, "nextpnr-ice40"); len(got) != 3 || got[0] != "--up5k --package sg48 --json design.json --pcf nmc_board.pcf --asc routed.asc --freq 24 --seed 1 --timing-allow-fail --report nextpnr.json" {
		t.Errorf("router: %q", got)
	}
	if got := calls(t, dir, "icepack"); len(got) != 1 || got[0] != "routed.asc bitstream.bin" {
		t.Errorf("packer: %q", got)
	}

	// What is known to do is tried first.
	j.First, j.Seeds = 3, 1
	if res, err := j.Run(t.Context()); err != nil || len(res.Report.Seeds) != 1 || res.Report.Seed != 3 {
		t.Errorf("from seed 3: %+v, %v", res.Report, err)
	}
	j.First, j.Seeds = 0, 5

	// The same again costs nothing; another clock costs routing, another source all of it.
	again, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r, again.Report); d != "" {
		t.Error(d)
	}
	count := func() [3]int {
		return [3]int{len(calls(t, dir, "yosys")), len(calls(t, dir, "nextpnr-ice40")), len(calls(t, dir, "icepack"))}
	}
	if n := count(); n != [3]int{1, 3, 1} {
		t.Errorf("tools ran %v times", n)
	}
	b := *j.Board
	b.Reset = nil
	j.Board = &b
	if _, err := j.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(); n != [3]int{2, 6, 1} {
		t.Errorf("with another top tools ran %v times", n)
	}
}

func TestMissed(t *testing.T) {
	standIns(t, map[string]string{"yosys": yosys, "nextpnr-ice40": router, "icepack": packer})
	res, err := job(t, "icebreaker", 2).Run(t.Context())
	var missed *Missed
	if !errors.As(err, &missed) {
		t.Fatalf("%v", err)
	}
	want := `iCE40 UP5K reaches 17.00 MHz, icebreaker wants 24.00 MHz; seeds 1: 10.00, 2: 17.00; try more with --seeds, or lower core_hz of the board
the slowest path:
    1.50 ns  logic without a name
    4.00 ns  u_engine.ir[43]
    5.50 ns  u_engine.u_walk.last`
	if d := cmp.Diff(want, err.Error()); d != "" {
		t.Error(d)
	}
	if res.Report.Bitstream != "" || res.Files["bitstream.bin"] != nil || res.Files["routed.asc"] != nil {
		t.Error("a bitstream that misses its clock was made")
	}
}

// The device's clock may be met and one that comes from outside not: then the slowest path is of that one.
func TestOtherClock(t *testing.T) {
	two := `cat >nextpnr.json <<'EOF'
{"fmax": {"$glbnet$clk$TRELLIS_IO_IN": {"achieved": 70, "constraint": 62.5}, "$glbnet$rgmii_rxc_i$TRELLIS_IO_IN": {"achieved": 106.18, "constraint": 125}},
 "critical_paths": [
  {"from": "posedge $glbnet$clk$TRELLIS_IO_IN", "to": "posedge $glbnet$clk$TRELLIS_IO_IN", "path": [{"delay": 99, "net": "u_top.not_this", "from": {"cell": "a"}, "to": {"cell": "b"}, "type": "routing"}]},
  {"from": "posedge $glbnet$rgmii_rxc_i$TRELLIS_IO_IN", "to": "posedge $glbnet$rgmii_rxc_i$TRELLIS_IO_IN", "path": [
   {"delay": 9.42, "net": "u_top.phy_tx_data[1]", "from": {"cell": "x"}, "to": {"cell": "y"}, "type": "routing"}]}]}
EOF
echo routed >routed.config`
	standIns(t, map[string]string{"yosys": yosys, "nextpnr-ecp5": two, "ecppack": packer})
	_, err := job(t, "ulx3s-85f", 1).Run(t.Context())
	want := `ECP5-85F reaches the 62.50 MHz that ulx3s-85f wants, with 70.00 MHz, but not another clock; seeds 1: 70.00; try more with --seeds
the clock rgmii_rxc_i reaches 106.18 MHz of 125.00 MHz
the slowest path:
    9.42 ns  phy_tx_data[1]`
	if err == nil {
		t.Fatal("no error")
	}
	if d := cmp.Diff(want, err.Error()); d != "" {
		t.Error(d)
	}
}

func TestECP5(t *testing.T) {
	dir := standIns(t, map[string]string{"yosys": yosys, "nextpnr-ecp5": router, "ecppack": packer})
	j := job(t, "ulx3s-85f", 20)
	res, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if res.Report.Seed != 9 || string(res.Files["bitstream.bit"]) != "routed 9\n" {
		t.Errorf("seed %d, bitstream %q", res.Report.Seed, res.Files["bitstream.bit"])
	}
	want := "--85k --package CABGA381 --speed 6 --json design.json --lpf nmc_board.lpf --textcfg routed.config " +
		"--placer-heap-timingweight 30 --placer-heap-critexp 4 --router router2 --freq 62.5 --seed 1 --timing-allow-fail --report nextpnr.json --tmg-ripup"
	if got := calls(t, dir, "nextpnr-ecp5")[0]; got != want {
		t.Errorf("router: %s", got)
	}
	if got := calls(t, dir, "ecppack")[0]; got != "--compress routed.config bitstream.bit" {
		t.Errorf("packer: %s", got)
	}
}

// The many lanes of an ECP5 come with scripts for their places; the cells that keep rows free are no resources. A slow clock is
// asked for as 50 MHz, and slow wires are not routed anew for it.
func TestManyLanes(t *testing.T) {
	script := strings.Replace(router, "ICESTORM_LC", "TRELLIS_COMB", 1) + "\necho 'rows left to wires: 7 of 93, 4000 cells; the device takes 700'"
	dir := standIns(t, map[string]string{"yosys": yosys, "nextpnr-ecp5": script, "ecppack": packer})
	j := job(t, "ulx3s-85f", 5)
	j.Device.Lanes = 64
	j.Board.Clock.CoreHz = 20_000_000
	res, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(Use{"logic", "LUT4", 711, 83640}, res.Report.Resources[0]); d != "" {
		t.Error(d)
	}
	got := calls(t, dir, "nextpnr-ecp5")
	const scripts = "--pre-pack nmc_wirerows.py --pre-place nmc_floorplan.py --placer-heap-alpha 0.05"
	if len(got) != 3 || !strings.HasSuffix(got[0], "--report nextpnr.json "+scripts) {
		t.Errorf("router: %q", got)
	}
	if res.Report.Clock.WantMHz != 20 || !res.Report.Clock.Met || !bytes.Contains(res.Files["nmc_board.lpf"], []byte("FREQUENCY NET \"core_clk\" 50 MHZ;\n")) {
		t.Errorf("%+v, constraints\n%s", res.Report.Clock, res.Files["nmc_board.lpf"])
	}
	if len(res.Files["nmc_wirerows.py"]) == 0 || len(res.Files["nmc_floorplan.py"]) == 0 {
		t.Error("the scripts are not kept")
	}
}

// Without a router what Yosys counts is held to the part, and the script for Vivado is written.
func TestXC7(t *testing.T) {
	counts := "=== nmc_board ===\n     DSP48E1                        64\n     FDRE                        20000\n     LUT2                         1000\n     LUT6                        %d\n     RAMB18E1                        3\n     RAMB36E1                       84\n"
	write := func(luts int) string {
		return fmt.Sprintf("cat >stat.txt <<'EOF'\n"+counts+"EOF", luts)
	}
	standIns(t, map[string]string{"yosys": write(30000)})
	j := job(t, "arty-a7-100t", 1)
	res, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []Use{{"logic", "LUT", 31000, 63400}, {"flipflops", "flip-flops", 20000, 126800}, {"multipliers", "DSP48E1", 64, 240}, {"block", "RAMB36", 86, 135}}
	if d := cmp.Diff(want, res.Report.Resources); d != "" {
		t.Error(d)
	}
	if res.Report.Bitstream != "" || res.Report.Clock.MHz != 0 {
		t.Errorf("%+v", res.Report)
	}
	golden := filepath.Join("testdata", "vivado.tcl")
	if *update {
		if err := os.WriteFile(golden, res.Files["vivado.tcl"], 0o666); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(text), string(res.Files["vivado.tcl"])); d != "" {
		t.Error(d)
	}
	out := filepath.Join(t.TempDir(), "board")
	if err := res.Write(out); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"vivado.tcl", "rtl/nmc_a.v", "gen/nmc_isa.vh", "nmc_top.v", "nmc_board.v", "nmc_board.xdc", ReportFile, TextFile, PictureFile} {
		if _, err := os.Stat(filepath.Join(out, name)); err != nil {
			t.Error(err)
		}
	}

	standIns(t, map[string]string{"yosys": write(70000)})
	_, err = job(t, "arty-a7-100t", 1).Run(t.Context())
	if !errors.As(err, new(*Misfit)) || err.Error() != "the Artix-7 100T does not hold the design: it takes 71000 LUT of 63400 (7600 too many); take fewer lanes, or leave units out with units = \"used\"" {
		t.Errorf("%v", err)
	}
}

// The ways in which tools fail.
func TestFailures(t *testing.T) {
	const full = `echo "Info: Device utilisation:"; echo "Info: 	         ICESTORM_LC:  5400/ 5280   102%"; echo "Info: 	        ICESTORM_RAM:    30/   30   100%"; echo "ERROR: Unable to place cell 'x', no BELs remaining"; exit 255`
	for _, tt := range []struct {
		name    string
		scripts map[string]string
		as      any
		want    string
	}{
		{"no yosys", map[string]string{"nextpnr-ecp5": router, "ecppack": packer}, new(*Missing), "yosys not found on the path nor in an OSS CAD Suite; get it with: apt-get install --no-install-recommends yosys"},
		{"no router", map[string]string{"yosys": yosys, "ecppack": packer}, new(*Missing), "nextpnr-ecp5 not found on the path nor in an OSS CAD Suite; get it with: make tools, or apt-get install nextpnr-ecp5"},
		{"no packer", map[string]string{"yosys": yosys, "nextpnr-ecp5": router}, new(*Missing), "ecppack not found"},
		{"synthesis", map[string]string{"yosys": "echo 'ERROR: syntax error in rtl/nmc_a.v'; exit 1", "nextpnr-ecp5": router, "ecppack": packer}, new(*Failure), "yosys: exit status 1: syntax error in rtl/nmc_a.v; all that it said is in "},
		{"router", map[string]string{"yosys": yosys, "nextpnr-ecp5": "echo 'ERROR: cell type X is unsupported'; exit 1", "ecppack": packer}, new(*Failure), "nextpnr-ecp5: exit status 1: cell type X is unsupported"},
		{"silent", map[string]string{"yosys": yosys, "nextpnr-ecp5": router, "ecppack": "exit 3"}, new(*Failure), "ecppack: exit status 3: no reason given"},
		{"report", map[string]string{"yosys": yosys, "nextpnr-ecp5": "echo '{}' >nextpnr.json; echo x >routed.config", "ecppack": packer}, nil, "the router's report has no clock of the device"},
		{"too large", map[string]string{"yosys": yosys, "nextpnr-ecp5": strings.ReplaceAll(full, "ICESTORM_LC:  5400/ 5280", "TRELLIS_COMB: 90000/83640"), "ecppack": packer}, new(*Misfit),
			"the ECP5-85F does not hold the design: it takes 90000 LUT4 of 83640 (6360 too many)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := standIns(t, tt.scripts)
			t.Setenv("HOME", t.TempDir())
			t.Setenv("OSS_CAD_SUITE", "")
			path := dir
			for _, tool := range []string{"cat", "cp", "sh"} { // no tools of the machine
				if err := os.Symlink("/bin/"+tool, filepath.Join(dir, tool)); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", path)
			_, err := job(t, "ulx3s-85f", 20).Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) || tt.as != nil && !errors.As(err, tt.as) {
				t.Fatalf("%v\nwant %s", err, tt.want)
			}
			var fail *Failure
			if errors.As(err, &fail) {
				if _, err := os.Stat(fail.Log); err != nil {
					t.Error(err)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "nmc", "boards", "work-*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// Tools are found in an OSS CAD Suite and where make tools puts them, and Yosys beside its router.
func TestFind(t *testing.T) {
	suite, cache := t.TempDir(), t.TempDir()
	t.Setenv("OSS_CAD_SUITE", suite)
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv("HOME", t.TempDir())
	own, path := filepath.Join(cache, "nmc", "tools", "bin"), t.TempDir()
	t.Setenv("PATH", path)
	put := func(dir, name string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := write(file, []byte("#!/bin/sh\n")); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, 0o755); err != nil {
			t.Fatal(err)
		}
		return file
	}
	system := put(path, "yosys")
	fromTools, router := put(own, "yosys"), put(own, "nextpnr-ecp5")
	if got, err := Find("yosys"); got != system {
		t.Error(got, err)
	}
	if got, err := Find("nextpnr-ecp5"); got != router {
		t.Error(got, err)
	}
	if got, err := beside(router, "yosys"); got != fromTools {
		t.Error(got, err)
	}
	if in, err := Find("ecppack"); err == nil {
		t.Error(in)
	}
	packer := put(filepath.Join(suite, "bin"), "ecppack")
	if got, err := beside(router, "ecppack"); got != packer {
		t.Error(got, err)
	}
}

// Ctrl-C ends a tool with its children, and leaves nothing behind.
func TestInterrupted(t *testing.T) {
	dir := standIns(t, map[string]string{"yosys": "sleep 60 &\necho $! >child; cp child " + "\"$CHILD\"\nwait", "nextpnr-ice40": router, "icepack": packer})
	child := filepath.Join(dir, "child")
	t.Setenv("CHILD", child)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for range 500 {
			if b, err := os.ReadFile(child); err == nil && len(b) > 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	start := time.Now()
	if _, err := job(t, "icebreaker", 1).Run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "nmc", "boards", "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSignal(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"u_top.u_device.u_engine.u_sequencer.does_SB_LUT4_I1_O[2]", "u_engine.u_sequencer.does"},
		{"u_top.u_device.u_engine.u_sequencer.lane_next[1]", "u_engine.u_sequencer.lane_next[1]"},
		{"u_top.u_device.u_engine.u_program.mem.0.2_RAM", "u_engine.u_program.mem"},
		{"u_top.u_device.u_engine.u_lanes.acc_CCU2C_S0_3_B1[0]", "u_engine.u_lanes.acc"},
		{"u_top.u_device.u_engine.u_draw.row_q_TRELLIS_FF_Q_4_DI_LUT4_Z", "u_engine.u_draw.row_q"},
		{"u_top.u_device.u_engine.g_two.u_weights.mem.3.17", "u_engine.g_two.u_weights.mem"},
		{"u_top.u_link.u_rx.state_q_SB_DFFSR_Q", "u_link.u_rx.state_q"},
		{"$nextpnr_ICESTORM_LC_38", ""},
		{"$abc$1234$new_n99", ""},
		{"hold_q[2]", "hold_q[2]"},
		{"core_clk_$glb_clk", "core_clk_"},
	} {
		if got := signal(tt.name); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Yosys prints its counts in two ways.
func TestStat(t *testing.T) {
	old := "   Number of cells:              39600\n     CARRY4                        684\n     LUT6                        10118\n"
	new := "    39600 cells\n      684   CARRY4\n    10118   LUT6\n"
	want := map[string]int{"CARRY4": 684, "LUT6": 10118}
	for _, text := range []string{old, new} {
		if d := cmp.Diff(want, stat([]byte(text))); d != "" {
			t.Error(d)
		}
	}
}

// A device's key is in its Verilog, but not in the report, and others cannot read the cache.
func TestKey(t *testing.T) {
	standIns(t, map[string]string{"yosys": yosys, "nextpnr-ice40": router, "icepack": packer})
	j := job(t, "icebreaker", 5)
	j.Device.Key = device.Key{1, 2, 3}
	res, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if text := res.Report.Encode(); bytes.Contains(text, []byte("010203")) || uint64(res.Report.HwID) != j.Device.ID() {
		t.Errorf("%s", text)
	}
	if info, err := os.Stat(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "nmc", "boards")); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestReport(t *testing.T) {
	standIns(t, map[string]string{"yosys": yosys, "nextpnr-ice40": router, "icepack": packer})
	res, err := job(t, "icebreaker", 5).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	res.Report.Text(&text)
	for _, want := range []string{
		"icebreaker, iCE40 UP5K: 4 lanes, hw_id ", "  logic cells    4711 of   5280   89%\n", "  weights       16384 words of   64 bits in 4 SPRAM\n",
		"  vectors         512 words of   64 bits in 8 EBR\n", "  clock: 24.00 MHz of 24.00 MHz wanted: met (seed 3 of 1: 10.00, 2: 17.00, 3: 24.00)\n",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("no %q in\n%s", want, text.String())
		}
	}
	picture, err := res.Report.Picture()
	if err != nil {
		t.Fatal(err)
	}
	dec := xml.NewDecoder(bytes.NewReader(picture))
	var words strings.Builder
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the picture is no XML: %v", err)
		}
		if c, ok := tok.(xml.CharData); ok {
			words.Write(c)
		}
	}
	for _, want := range []string{"iCE40 UP5K, 4 lanes, 24.0 of 24.0 MHz", "logic cells 4711/5280", "weights 16384×64"} {
		if !strings.Contains(words.String(), want) {
			t.Errorf("the picture does not say %q", want)
		}
	}
}
