package build

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/nmc-fpga/nmc/firmware/device"
)

// part is a stand-in for the router's scripting: a part with three rows of multipliers and four of memory, and the blocks of a device.
const part = `
import json
class At:
    def __init__(self, x, y): self.x, self.y = x, y
class Cell:
    def __init__(self, kind): self.type, self.attrs = kind, {}
    def setAttr(self, key, value): self.attrs[key] = value
class Cells(dict):
    def __iter__(self): return iter(list(self.items()))
class Context:
    def __init__(self):
        self.bels = {}
        for y in (10, 34, 58):
            for i in range(52): self.bels[f"X{2*i}/Y{y}/MULT"] = ("MULT18X18D", At(2 * i, y))
        for y in (22, 46, 70, 82):
            for i in range(52): self.bels[f"X{2*i}/Y{y}/EBR"] = ("DP16KD", At(2 * i, y))
        self.bels["X103/Y95/PIO"] = ("TRELLIS_IO", At(103, 95))
        self.cells = Cells()
    def getBels(self): return self.bels
    def getBelType(self, bel): return self.bels[bel][0]
    def getBelLocation(self, bel): return self.bels[bel][1]
ctx = Context()
def blocks(count, weights, vectors):
    for l in range(count):
        for half in ("ph", "pl"): ctx.cells[f"u_engine.u_lanes.{half}[{l}]_MULT18X18D_A0"] = Cell("MULT18X18D")
    for i in range(weights): ctx.cells[f"u_engine.g_dual.u_weights.mem.0.{i}"] = Cell("DP16KD")
    for i in range(vectors): ctx.cells[f"u_engine.u_vectors.mem.0.{i}"] = Cell("DP16KD")
    ctx.cells["u_engine.u_program.mem.0.0"] = Cell("DP16KD")
    ctx.cells["u_engine.u_lanes.acc[3]"] = Cell("TRELLIS_FF")
`

// python runs a script and returns the lines that it printed.
func python(t *testing.T, script string) []string {
	t.Helper()
	cmd := exec.Command("python3", "-")
	cmd.Stdin, cmd.Stderr = strings.NewReader(script), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

// TestFloorplan runs the router's script against a stand-in: each lane has its blocks in one band, side by side, none twice; a part that does
// not hold them is left alone.
func TestFloorplan(t *testing.T) {
	run := func(lanes, weights, vectors int) map[string]string {
		t.Helper()
		plan := ecp5Plan(device.Config{Lanes: lanes})[planFile]
		script := fmt.Sprintf("%s\nblocks(%d, %d, %d)\n%s\nprint(json.dumps({n: c.attrs['BEL'] for n, c in ctx.cells if c.attrs}))",
			part, lanes, weights, vectors, plan)
		said := python(t, script)
		var places map[string]string
		if err := json.Unmarshal([]byte(said[len(said)-1]), &places); err != nil {
			t.Fatal(err)
		}
		return places
	}
	places := run(64, 128, 32)
	if len(places) != 64*2+128+32 {
		t.Errorf("%d blocks have places", len(places))
	}
	taken := map[string]string{}
	for name, at := range places {
		if other, twice := taken[at]; twice {
			t.Errorf("%s and %s are both at %s", name, other, at)
		}
		taken[at] = name
	}
	at := func(format string, n ...any) (x, y int) {
		t.Helper()
		place := places[fmt.Sprintf("u_engine."+format, n...)]
		if _, err := fmt.Sscanf(place, "X%d/Y%d/", &x, &y); err != nil {
			t.Fatalf("%s: %q", fmt.Sprintf(format, n...), place)
		}
		return x, y
	}
	band := func(y int) int { return map[int]int{10: 0, 22: 0, 34: 1, 46: 1, 58: 2, 70: 2, 82: 2}[y] }
	for lane := range 64 {
		x, y := at("u_lanes.ph[%d]_MULT18X18D_A0", lane)
		for _, block := range []string{
			fmt.Sprintf("u_lanes.pl[%d]_MULT18X18D_A0", lane), fmt.Sprintf("g_dual.u_weights.mem.0.%d", 2*lane), fmt.Sprintf("g_dual.u_weights.mem.0.%d", 2*lane+1),
		} {
			if bx, by := at("%s", block); band(by) != band(y) || bx < x-14 || bx > x+14 {
				t.Errorf("lane %d: %s is at %d, %d, a multiplier at %d, %d", lane, block, bx, by, x, y)
			}
		}
	}
	if places := run(64, 256, 32); len(places) != 0 {
		t.Errorf("256 blocks of weights and 208 places: %d have some", len(places))
	}
	if ecp5Plan(device.Config{Lanes: 16}) != nil {
		t.Error("16 lanes have a plan")
	}
}

// TestWireRows runs the script that leaves rows to wires against a stand-in of a part with 96 rows of 800 tables each.
func TestWireRows(t *testing.T) {
	const rows = `
class At:
    def __init__(self, x, y): self.x, self.y = x, y
class Cell:
    def __init__(self, kind): self.type = kind
    def setAttr(self, key, value): print(key, value)
class Context:
    cells = []
    def getBels(self): return [(x, y) for y in range(96) for x in range(800)] + ["PLL"]
    def getBelType(self, bel): return "EHXPLLL" if bel == "PLL" else "TRELLIS_COMB"
    def getBelLocation(self, bel): return At(*bel)
    def createCell(self, name, kind): return Cell(kind)
ctx = Context()
`
	for _, c := range []struct{ luts, carries, memories, rows int }{
		{20000, 5000, 1000, 19}, // more would do, a fifth is left
		{40000, 2000, 500, 12},  // 47,000 of 70% of 76,800
		{50000, 3000, 500, 0},   // no row can be spared
	} {
		script := fmt.Sprintf("%s\nctx.cells = [(str(n), Cell(k)) for k, n in (('LUT4', %d), ('CCU2C', %d), ('TRELLIS_DPR16X4', %d), ('PFUMX', 9)) for n in range(n)]\n%s",
			rows, c.luts, c.carries, c.memories, wireRows)
		said := python(t, script)
		want := fmt.Sprintf("rows left to wires: %d of 96, %d cells; the device takes %d", c.rows, c.rows*800, c.luts+2*c.carries+6*c.memories)
		if last := said[len(said)-1]; last != want {
			t.Errorf("said %s, want %s", last, want)
		}
		held := map[string]int{} // by row
		for _, line := range said[:len(said)-1] {
			var x, y int
			if _, err := fmt.Sscanf(line, "BEL (%d, %d)", &x, &y); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			held[fmt.Sprint(y)]++
		}
		for y, n := range held {
			if n != 800 {
				t.Errorf("%d tables of row %s are held", n, y)
			}
		}
		if len(held) != c.rows {
			t.Errorf("%d rows", len(held))
		}
	}
}
