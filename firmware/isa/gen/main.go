// Command gen writes what follows from the instruction table: the Verilog header hdl/gen/nmc_isa.vh and the reference
// page docs/isa.md. Run it by `go generate ./firmware/isa`.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/nmc-fpga/nmc/compiler/fixed"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
	"github.com/nmc-fpga/nmc/host/proto"
)

// outputs are the generated files, relative to the repository's root.
var outputs = []struct {
	path   string
	render func() string
}{
	{"hdl/gen/nmc_isa.vh", header},
	{"docs/isa.md", page},
}

func main() {
	root := flag.String("root", "../..", "repository root")
	flag.Parse()
	for _, o := range outputs {
		path := filepath.Join(*root, o.path)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		if err == nil {
			err = os.WriteFile(path, []byte(o.render()), 0o644)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "gen:", err)
			os.Exit(1)
		}
	}
}

// constant is one named number of the header. width 0 leaves it unsized, for addresses and counts that are compared
// with signals of several widths.
type constant struct {
	name  string
	width uint
	value uint64
}

// enum makes constants PREFIX_NAME of a list of names.
func enum(prefix string, width uint, names ...string) []constant {
	var cs []constant
	for i, n := range names {
		cs = append(cs, constant{prefix + "_" + macro(n), width, uint64(i)})
	}
	return cs
}

// units makes the bit numbers of the units.
func units() []constant {
	var names []string
	for _, u := range isa.Units {
		names = append(names, u.Name)
	}
	return enum("NMC_UNIT", 0, names...)
}

// codes makes constants PREFIX_NAME of the codes of the protocol.
func codes(prefix string, list []proto.Code) []constant {
	var cs []constant
	for _, c := range list {
		cs = append(cs, constant{prefix + "_" + macro(c.Name), 8, uint64(c.Code)})
	}
	return cs
}

// groups are the constants of the header that are not op codes or fields.
func groups() []struct {
	title     string
	constants []constant
} {
	return []struct {
		title     string
		constants []constant
	}{
		{"Functions of vec.", enum("NMC_FN", 4, isa.FnNames...)},
		{"Sources of a vector operand.", enum("NMC_SRC", 3, isa.Sources...)},
		{"Sources of W.", enum("NMC_W", 2, isa.Enums["wsrc"]...)},
		{"Rounding.", enum("NMC_ROUND", 2, isa.Enums["round"]...)},
		{"Spaces of dig.", enum("NMC_DIG", 2, isa.Enums["space"]...)},
		{"Address spaces.", []constant{
			{"NMC_SPACE_WEIGHTS", 8, uint64(device.Weights)},
			{"NMC_SPACE_VECTORS", 8, uint64(device.Vectors)},
			{"NMC_SPACE_PROGRAM", 8, uint64(device.Program)},
			{"NMC_SPACE_TABLES", 8, uint64(device.Tables)},
			{"NMC_SPACE_REGISTERS", 8, uint64(device.Registers)},
			{"NMC_SPACE_CONTROL", 8, uint64(device.Control)},
		}},
		{"Halfword addresses in the control space.", []constant{
			{"NMC_CONTROL_IMAGE_ID", 0, device.ControlImageID},
			{"NMC_CONTROL_SKIP", 0, device.ControlSkip},
			{"NMC_CONTROL_IN_BASE", 0, device.ControlInBase},
			{"NMC_CONTROL_IN_STRIDE", 0, device.ControlInStride},
			{"NMC_CONTROL_DIGEST", 0, device.ControlDigest},
			{"NMC_CONTROL_COUNTERS", 0, device.ControlCounters},
			{"NMC_CONTROL_SIZE", 0, device.ControlSize},
		}},
		{"Counters, at NMC_CONTROL_COUNTERS + 2*i.", []constant{
			{"NMC_COUNTER_BAD_FRAMES", 0, device.CounterBadFrames},
			{"NMC_COUNTER_CYCLES", 0, device.CounterCycles},
			{"NMC_COUNTER_OVERFLOW", 0, device.CounterOverflow},
			{"NMC_COUNTER_RETIRED", 0, device.CounterRetired},
		}},
		{"Registers that the device itself reads or writes.", []constant{
			{"NMC_REG_SEED", 6, device.RegSeed},
			{"NMC_REG_LABEL", 6, device.RegLabel},
			{"NMC_REG_RESULT", 6, device.RegResult},
			{"NMC_REG_INPUT", 6, device.RegInput},
			{"NMC_NUM_REGS", 0, device.NumRegs},
		}},
		{"Entries: a run starts at the program address of its entry.", []constant{
			{"NMC_ENTRY_INIT", 8, uint64(device.Init)},
			{"NMC_ENTRY_LEARN", 8, uint64(device.Learn)},
			{"NMC_ENTRY_INFER", 8, uint64(device.Infer)},
			{"NMC_ENTRY_DIGEST", 8, uint64(device.Digest)},
			{"NMC_ENTRY_STEP", 8, uint64(device.Step)},
			{"NMC_NUM_ENTRIES", 0, device.NumEntries},
		}},
		{"Units that can be left out: bits of Omit.", units()},
		{"Numbers, see docs/numerics.md.", []constant{
			{"NMC_ROW_STEP", 32, fixed.RowStep},
			{"NMC_COL_STEP", 32, fixed.ColStep},
			{"NMC_ROUNDS", 0, fixed.Rounds},
			{"NMC_ACC_BITS", 0, fixed.AccBits},
			{"NMC_MAX_SHIFT", 0, fixed.MaxShift},
			{"NMC_INSTRUCTION_BITS", 0, isa.Width},
			{"NMC_VERSION", 0, device.Version},
		}},
		{"Operations of the protocol, see docs/protocol.md.", codes("NMC_PROTO_OP", proto.Ops)},
		{"Statuses of a reply.", codes("NMC_PROTO_STATUS", proto.Statuses)},
		{"Kinds of sample data.", codes("NMC_PROTO_KIND", proto.Kinds)},
		{"Lengths of the protocol in bytes, CRC included in MIN and MAX.", []constant{
			{"NMC_PROTO_REPLY_BIT", 8, proto.ReplyBit},
			{"NMC_PROTO_REQUEST_HEADER", 0, proto.RequestHeader},
			{"NMC_PROTO_REPLY_HEADER", 0, proto.ReplyHeader},
			{"NMC_PROTO_CRC_BYTES", 0, proto.CRCBytes},
			{"NMC_PROTO_MIN_REQUEST", 0, proto.MinRequest},
			{"NMC_PROTO_MAX_REPLY", 0, proto.MaxReply},
			{"NMC_PROTO_WRITE_HEADER", 0, proto.WriteHeader},
			{"NMC_PROTO_SAMPLE_HEADER", 0, proto.SampleHeader},
			{"NMC_PROTO_MAX_COUNT", 0, proto.MaxCount},
			{"NMC_PROTO_MAX_PARTS", 0, proto.MaxParts},
			{"NMC_PROTO_CACHE_SIZE", 0, proto.CacheSize},
		}},
	}
}

func macro(s string) string {
	return strings.ToUpper(strings.NewReplacer(".", "_", "-", "_", " ", "_").Replace(s))
}

func (c constant) String() string {
	v := fmt.Sprint(c.value)
	switch {
	case c.width >= 32:
		v = fmt.Sprintf("%d'h%08x", c.width, c.value)
	case c.width > 0:
		v = fmt.Sprintf("%d'd%d", c.width, c.value)
	}
	return define(c.name, v)
}

func define(name, value string) string { return fmt.Sprintf("`define %-28s %s\n", name, value) }

// header renders the Verilog header: defines only, so that no default_nettype of the including file matters.
func header() string {
	var b strings.Builder
	b.WriteString("// Code generated by firmware/isa/gen from firmware/isa/isa.go. DO NOT EDIT.\n")
	b.WriteString("//\n// Instruction codes, fields (as hi:lo, for use in a part select of the 128-bit word) and shared constants.\n")
	b.WriteString("`ifndef NMC_ISA_VH\n`define NMC_ISA_VH\n")
	b.WriteString("\n// Op codes.\n")
	for _, op := range isa.Ops {
		b.WriteString(constant{"NMC_OP_" + macro(op.Name), 6, uint64(op.Code)}.String())
	}
	for _, f := range isa.Formats {
		fmt.Fprintf(&b, "\n// Fields of the %s format.\n", f.Name)
		for _, fd := range f.Fields {
			name := "NMC_" + macro(f.Name) + "_" + macro(fd.Name)
			b.WriteString(define(name, fmt.Sprintf("%d:%d", fd.Lo+fd.Width-1, fd.Lo)))
		}
	}
	for _, g := range groups() {
		fmt.Fprintf(&b, "\n// %s\n", g.title)
		for _, c := range g.constants {
			b.WriteString(c.String())
		}
	}
	b.WriteString("\n`endif\n")
	return b.String()
}

// page renders the reference page.
func page() string {
	var b strings.Builder
	b.WriteString(`# Instructions

<!-- Code generated by firmware/isa/gen from firmware/isa/isa.go. DO NOT EDIT. -->

An instruction is 128 bits, four little-endian words. Bits that no field of the format owns are 0. Numeric terms (round,
sat16, clamp, draw, table) are those of [numerics.md](numerics.md). Operands are named by word address: element i of the
vector at word address a is lane i mod Lanes of word a + i / Lanes.

In the formulas of the matrix operations W[k,c] is lane c mod Lanes of word wbase + k·rstride + c / Lanes, k counts the
scalar side through all runs of the walk, k = outer·rows + inner, and e(k) = first element + outer·stride + inner is the
element of the scalar-side vector. Without a group there is one run and e(k) = k.

`)
	fmt.Fprintf(&b, "| | |\n|---|---|\n")
	for _, f := range isa.Formats {
		var ops []string
		for _, op := range isa.Ops {
			if op.Format == f.Name {
				ops = append(ops, fmt.Sprintf("[%s](#%s)", op.Name, strings.ReplaceAll(op.Name, ".", "")))
			}
		}
		fmt.Fprintf(&b, "| %s | %s |\n", f.Name, strings.Join(ops, " · "))
	}
	for _, f := range isa.Formats {
		fmt.Fprintf(&b, "\n## Format %s\n\n| bits | field | |\n|---:|---|---|\n", f.Name)
		for _, fd := range f.Fields {
			bits := fmt.Sprintf("%d:%d", fd.Lo+fd.Width-1, fd.Lo)
			if fd.Width == 1 {
				bits = fmt.Sprint(fd.Lo)
			}
			fmt.Fprintf(&b, "| %s | %s | %s |\n", bits, fd.Name, cell(fd.Doc))
		}
		for _, op := range isa.Ops {
			if op.Format == f.Name {
				fmt.Fprintf(&b, "\n### %s\n\nCode %d. %s\n", op.Name, op.Code, op.Doc)
			}
		}
	}
	b.WriteString("\n## Units\n\nA device can leave these out; the bit is that of its parameter Omit.\n\n| bit | unit | |\n|---:|---|---|\n")
	for i, u := range isa.Units {
		fmt.Fprintf(&b, "| %d | %s | %s |\n", i, u.Name, cell(u.Doc))
	}
	b.WriteString("\n## Constants\n\nThe Verilog header `hdl/gen/nmc_isa.vh` names all of these.\n")
	for _, g := range groups() {
		fmt.Fprintf(&b, "\n%s\n\n| name | value |\n|---|---:|\n", g.title)
		for _, c := range g.constants {
			v := fmt.Sprint(c.value)
			if c.width >= 32 {
				v = fmt.Sprintf("0x%08x", c.value)
			}
			fmt.Fprintf(&b, "| %s | %s |\n", c.name, v)
		}
	}
	return b.String()
}

// cell escapes a text for a table cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
