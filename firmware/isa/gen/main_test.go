package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

func TestGeneratedFilesAreCurrent(t *testing.T) {
	for _, o := range outputs {
		got, err := os.ReadFile(filepath.Join("../../..", o.path))
		if err != nil {
			t.Errorf("%v; run go generate ./firmware/isa", err)
			continue
		}
		if d := cmp.Diff(o.render(), string(got)); d != "" {
			t.Errorf("%s differs from the table (-table +file); run go generate ./firmware/isa\n%s", o.path, d)
		}
	}
}

// Every macro is defined once, and the hand-written groups name the values that the Go constants have.
func TestHeader(t *testing.T) {
	seen := map[string]string{}
	for line := range strings.Lines(header()) {
		f := strings.Fields(line)
		if len(f) != 3 || f[0] != "`define" {
			continue
		}
		if v, ok := seen[f[1]]; ok {
			t.Errorf("%s defined twice: %s, %s", f[1], v, f[2])
		}
		seen[f[1]] = f[2]
	}
	for name, want := range map[string]string{
		"NMC_OP_MAC_B":          "6'd32",
		"NMC_OP_DIG":            "6'd44",
		"NMC_MATRIX_WBASE":      "29:8",
		"NMC_MATRIX_WIDEOUT":    "127:127",
		"NMC_VECTOR_SPACE":      "7:6",
		"NMC_SCALAR_IMM":        "95:64",
		"NMC_FN_SEL":            fmt.Sprintf("4'd%d", isa.FnSel),
		"NMC_SRC_SIGN":          fmt.Sprintf("3'd%d", isa.SrcSign),
		"NMC_W_UNIFORM":         fmt.Sprintf("2'd%d", isa.WUniform),
		"NMC_ROUND_NEAREST":     "2'd1",
		"NMC_SPACE_CONTROL":     fmt.Sprintf("8'd%d", device.Control),
		"NMC_COUNTER_CYCLES":    "1",
		"NMC_CONTROL_IN_BASE":   "6",
		"NMC_REG_INPUT":         "6'd4",
		"NMC_ROW_STEP":          "32'h9e3779b1",
		"NMC_COL_STEP":          "32'h85ebca77",
		"NMC_ROUNDS":            "12",
		"NMC_PROTO_OP_COMMIT":   "8'd6",
		"NMC_PROTO_STATUS_OK":   "8'd0",
		"NMC_PROTO_KIND_EVENTS": "8'd2",
		"NMC_PROTO_MIN_REQUEST": "17",
	} {
		if seen[name] != want {
			t.Errorf("%s is %q, want %q", name, seen[name], want)
		}
	}
}
