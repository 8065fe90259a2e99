package build

import (
	_ "embed"
	"fmt"
	"strings"

	"github.com/nmc-fpga/nmc/boards/board"
	"github.com/nmc-fpga/nmc/firmware/device"
)

// A flow makes bitstreams for a family.
type flow struct {
	router, packer string // "" if the open tools go no further than synthesis

	// synth is the script of Yosys that makes design.json, or stat.txt where there is no router.
	synth func(files string) string
	// plan returns the scripts that the router runs before it packs and places, by name; nil if a device needs none.
	plan func(c device.Config) map[string][]byte
	// route returns the router's arguments. With hurry it routes slow wires anew until all are fast enough, which has no end where they
	// cannot be; nil if it does not know how to.
	route func(b *board.Board, c device.Config, mhz float64, seed int, hurry bool) []string
	// routed is what the router writes, bitstream what the packer makes of it.
	routed, bitstream string
	pack              []string
	// models of the part's cells for a simulation of the netlist, below Yosys' share folder; "" if it has not all of them.
	models string
}

// flows are the flows by the name that a family gives.
var flows = map[string]flow{
	"ice40": {
		router: "nextpnr-ice40", packer: "icepack",
		synth: ice40Synth,
		route: func(b *board.Board, c device.Config, mhz float64, seed int, hurry bool) []string {
			if hurry {
				return nil
			}
			return []string{"--" + b.PartName, "--package", b.Package, "--json", "design.json", "--pcf", b.ConstraintFile(), "--asc", "routed.asc",
				"--freq", fmt.Sprint(mhz), "--seed", fmt.Sprint(seed), "--timing-allow-fail", "--report", "nextpnr.json"}
		},
		routed: "routed.asc", bitstream: "bitstream.bin", pack: []string{"routed.asc", "bitstream.bin"},
		models: "ice40/cells_sim.v",
	},
	"ecp5": {
		router: "nextpnr-ecp5", packer: "ecppack",
		synth: ecp5Synth,
		plan:  ecp5Plan,
		// The weights of timing in the placement are not the placer's own: docs/decisions/0009-clock.md.
		route: func(b *board.Board, c device.Config, mhz float64, seed int, hurry bool) []string {
			if hurry && !b.Hurries() {
				return nil
			}
			args := []string{"--" + b.PartName, "--package", b.Package, "--speed", b.Speed, "--json", "design.json", "--lpf", b.ConstraintFile(), "--textcfg", "routed.config",
				"--placer-heap-timingweight", "30", "--placer-heap-critexp", "4",
				"--router", "router2", "--freq", fmt.Sprint(mhz), "--seed", fmt.Sprint(seed), "--timing-allow-fail", "--report", "nextpnr.json"}
			if hurry {
				args = append(args, "--tmg-ripup")
			}
			if ecp5Plan(c) != nil {
				args = append(args, "--pre-pack", rowsFile, "--pre-place", planFile, "--placer-heap-alpha", "0.05")
			}
			return args
		},
		routed: "routed.config", bitstream: "bitstream.bit", pack: []string{"--compress", "routed.config", "bitstream.bit"},
	},
	"xc7": {
		synth: func(files string) string {
			return fmt.Sprintf("read_verilog -I gen %s\nsynth_xilinx -flatten -family xc7 -top %s\ntee -o stat.txt stat\n", files, board.TopModule)
		},
		bitstream: "bitstream.bit",
	},
}

// ice40Synth is synth_ice40, but look-up tables are mapped three times over, at last with at most eight in turn between registers or
// carry chains and else for area: on the UP5K 50 cells less than its own mapping, and as fast. For area alone some have thirteen in turn.
func ice40Synth(files string) string {
	const clean = "strash;&get,-n;&fraig,-x;&put;scorr;dc2;strash;&get,-n;&syn3;&syn3;&put"
	const area, last = "dch,-f;if,-a;mfs2;lutpack,-S,1", "dch,-f;if,-D,8;mfs2;lutpack,-S,1"
	synth := fmt.Sprintf("synth_ice40 -top %s -dsp -spram", board.TopModule)
	return strings.Join([]string{
		"read_verilog -I gen " + files,
		synth + " -run begin:map_luts",
		fmt.Sprintf("abc -dress -lut 4 -script +%s;%s;strash;%s;strash;%s", clean, area, area, last),
		"ice40_wrapcarry -unwrap",
		"techmap -map +/ice40/ff_map.v",
		"clean",
		"opt_lut -dlogic SB_CARRY:I0=1:I1=2:CI=3 -dlogic SB_CARRY:CO=3",
		synth + " -run map_cells: -json design.json",
		"",
	}, "\n")
}

// ecp5Synth is synth_ecp5, but a wire between two look-up tables is taken to cost 1 ns, as on a part that is half full, not 0.3: then
// paths of many small tables are not held for short ones.
func ecp5Synth(files string) string {
	synth := "synth_ecp5 -top " + board.TopModule
	return strings.Join([]string{
		"read_verilog -D NMC_ECP5 -I gen " + files,
		synth + " -run begin:map_luts",
		"techmap -map +/ecp5/latches_map.v",
		"abc9 -W 1000",
		"clean",
		synth + " -run map_cells:",
		"delete t:$scopeinfo",
		"write_json design.json",
		"",
	}, "\n")
}

// Scripts of the router, beside the constraints.
const (
	planFile = "nmc_floorplan.py"
	rowsFile = "nmc_wirerows.py"
)

//go:embed floorplan.py
var floorplan string

//go:embed wirerows.py
var wireRows []byte

// ecp5Plan puts the blocks of many lanes in their places and spreads the cells over the part: docs/decisions/0009-clock.md.
func ecp5Plan(c device.Config) map[string][]byte {
	const many = 32
	if c.Lanes < many {
		return nil
	}
	return map[string][]byte{planFile: fmt.Appendf(nil, "lanes = %d\n\n%s", c.Lanes, floorplan), rowsFile: wireRows}
}

// vivado is the script that makes the bitstream with Vivado, in the folder of the sources.
func vivado(b *board.Board, files []string, constraints string) []byte {
	part := fmt.Sprintf("%s%s-%s", b.PartName, b.Package, b.Speed)
	var w strings.Builder
	fmt.Fprintf(&w, "# vivado.tcl: the bitstream for %s. Made by nmc build.\n#\n#   vivado -mode batch -source vivado.tcl\n", b.Title)
	for _, f := range files {
		fmt.Fprintf(&w, "read_verilog %s\n", f)
	}
	fmt.Fprintf(&w, "read_xdc %s\n", constraints)
	fmt.Fprintf(&w, "synth_design -top %s -part %s -include_dirs gen -verilog_define SYNTHESIS\n", board.TopModule, part)
	w.WriteString("opt_design\nplace_design\nphys_opt_design\nroute_design\n")
	w.WriteString("report_utilization -file utilization.rpt\nreport_timing_summary -file timing.rpt\n")
	w.WriteString("set slack [get_property SLACK [get_timing_paths]]\nif {$slack < 0} { error \"timing missed by [expr {-$slack}] ns; the paths are in timing.rpt\" }\n")
	w.WriteString("write_bitstream -force bitstream.bit\n")
	return []byte(w.String())
}
