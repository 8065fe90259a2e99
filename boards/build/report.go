package build

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/nmc-fpga/nmc/boards/board"
	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/firmware/device"
)

// Report is what a build takes of its part and how fast it is.
type Report struct {
	Board     string            `json:"board"`
	Part      string            `json:"part"`
	HwID      manifest.Hex      `json:"hw_id"`
	Device    device.Config     `json:"device"`
	Resources []Use             `json:"resources"`
	Memories  []Memory          `json:"memories"`
	Clock     Clock             `json:"clock"`
	Clocks    []Domain          `json:"clocks,omitempty"` // those that come from outside
	Seed      int               `json:"seed,omitempty"`   // that was taken
	Seeds     []Try             `json:"seeds,omitempty"`  // in the order in which they were tried
	Path      []Step            `json:"path,omitempty"`   // the slowest
	Tools     map[string]string `json:"tools"`            // versions
	Bitstream string            `json:"bitstream,omitempty"`
	SHA256    string            `json:"sha256,omitempty"` // of the bitstream
}

// Use is how many of a resource are used.
type Use struct {
	Kind  string `json:"kind"`
	Title string `json:"title"`
	Used  int    `json:"used"`
	Has   int    `json:"has"`
}

// Memory is a memory of the device and the blocks that it is counted to take.
type Memory struct {
	Name   string `json:"name"`
	Width  int    `json:"width"` // bits
	Depth  int    `json:"depth"` // words
	Kind   string `json:"kind"`  // title of the resource; empty: look-up tables
	Blocks int    `json:"blocks"`
}

// Clock is what the board asks of the device's clock and what the part reaches; 0 is unknown, where the open tools do not route.
type Clock struct {
	WantMHz float64 `json:"want_mhz"`
	MHz     float64 `json:"mhz"`
	Met     bool    `json:"met"`
}

// Domain is a further clock.
type Domain struct {
	Name string `json:"name"`
	Clock
}

// Try is one seed.
type Try struct {
	Seed int     `json:"seed"`
	MHz  float64 `json:"mhz"`
	Met  bool    `json:"met"`

	Stuck string `json:"stuck,omitempty"` // why place and route was given up
}

// Step is a part of the slowest path: what the signal passes, by its name in the Verilog, and how long that takes.
type Step struct {
	Name string  `json:"name"`
	NS   float64 `json:"ns"`
}

// Text writes the report for people.
func (r *Report) Text(w io.Writer) {
	fmt.Fprintf(w, "%s, %s: %d lanes, hw_id %v\n", r.Board, r.Part, r.Device.Lanes, r.HwID)
	for _, u := range r.Resources {
		fmt.Fprintf(w, "  %-12s %6d of %6d  %3.0f%%\n", u.Title, u.Used, u.Has, 100*float64(u.Used)/float64(max(1, u.Has)))
	}
	for _, m := range r.Memories {
		in := "look-up tables"
		if m.Kind != "" {
			in = fmt.Sprintf("%d %s", m.Blocks, m.Kind)
		}
		fmt.Fprintf(w, "  %-12s %6d words of %4d bits in %s\n", m.Name, m.Depth, m.Width, in)
	}
	if r.Clock.MHz == 0 {
		fmt.Fprintf(w, "  clock: %.2f MHz wanted; what is reached only the vendor's tools say\n", r.Clock.WantMHz)
		return
	}
	verdict := "met"
	if !r.Clock.Met {
		verdict = "MISSED"
	}
	fmt.Fprintf(w, "  clock: %.2f MHz of %.2f MHz wanted: %s (seed %d of %s)\n", r.Clock.MHz, r.Clock.WantMHz, verdict, r.Seed, seeds(r.Seeds))
	for _, c := range r.Clocks {
		fmt.Fprintf(w, "  clock %s: %.2f MHz of %.2f MHz\n", c.Name, c.MHz, c.WantMHz)
	}
	if len(r.Path) > 0 {
		fmt.Fprintf(w, "  slowest path:\n%s", slowest(r.Path, "    "))
	}
}

// seeds lists the tries: "1: stuck, 2: 23.10, 3: 24.40".
func seeds(tries []Try) string {
	var all []string
	for _, t := range tries {
		if t.Stuck != "" {
			all = append(all, fmt.Sprintf("%d: stuck", t.Seed))
			continue
		}
		all = append(all, fmt.Sprintf("%d: %.2f", t.Seed, t.MHz))
	}
	return strings.Join(all, ", ")
}

// slowest writes a path, a line a step.
func slowest(steps []Step, indent string) string {
	var b strings.Builder
	at := 0.0
	for _, s := range steps {
		at += s.NS
		fmt.Fprintf(&b, "%s%6.2f ns  %s\n", indent, at, s.Name)
	}
	return b.String()
}

// Encode returns the report as JSON.
func (r *Report) Encode() []byte {
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		panic(err) // plain data always marshals
	}
	return append(b, '\n')
}

// nextpnr is what its report has that this package reads.
type nextpnr struct {
	Fmax map[string]struct {
		Achieved   float64 `json:"achieved"`
		Constraint float64 `json:"constraint"`
	} `json:"fmax"`
	Utilization map[string]struct {
		Used int `json:"used"`
	} `json:"utilization"`
	Paths []struct {
		From string `json:"from"`
		To   string `json:"to"`
		Path []struct {
			Delay float64 `json:"delay"`
			Net   string  `json:"net"`
			From  struct {
				Cell string `json:"cell"`
			} `json:"from"`
			To struct {
				Cell string `json:"cell"`
			} `json:"to"`
			Type string `json:"type"`
		} `json:"path"`
	} `json:"critical_paths"`
}

// leftToWires matches what wirerows.py says of the cells that are there for their place alone.
var leftToWires = regexp.MustCompile(`(?m)^rows left to wires: .* (\d+) cells;`)

// timing fills in clocks, resources and the slowest path of what the router reported and said: of the device's clock, or of another one
// that alone is missed.
func (r *Report) timing(b *board.Board, text, said []byte) error {
	var n nextpnr
	if err := json.NewDecoder(bytes.NewReader(text)).Decode(&n); err != nil {
		return fmt.Errorf("the router's report: %w", err)
	}
	core := ""
	for _, name := range slices.Sorted(maps.Keys(n.Fmax)) {
		if strings.Contains(name, "core_clk") || core == "" && !strings.Contains(name, "_clk_i") {
			core = name
		}
	}
	if core == "" {
		return fmt.Errorf("the router's report has no clock of the device, only %v", slices.Sorted(maps.Keys(n.Fmax)))
	}
	r.Clock.MHz = n.Fmax[core].Achieved
	r.Clock.Met = r.Clock.MHz >= r.Clock.WantMHz
	r.Clocks = nil
	for _, name := range slices.Sorted(maps.Keys(n.Fmax)) {
		if f := n.Fmax[name]; name != core {
			d := Domain{Name: clockNet.ReplaceAllString(name, ""), Clock: Clock{WantMHz: f.Constraint, MHz: f.Achieved, Met: f.Achieved >= f.Constraint}}
			r.Clock.Met = r.Clock.Met && d.Met
			r.Clocks = append(r.Clocks, d)
		}
	}
	used := map[string]int{}
	for cell, u := range n.Utilization {
		used[cell] = u.Used
	}
	if m := leftToWires.FindSubmatch(said); m != nil {
		held, err := strconv.Atoi(string(m[1]))
		if err != nil {
			return fmt.Errorf("the router's log: %w", err)
		}
		used["TRELLIS_COMB"] -= held
	}
	r.Resources = uses(b, used)
	r.Path = nil
	slow := core // or the clock that is missed by most where the device's is met
	if least := r.share(); r.Clock.MHz >= r.Clock.WantMHz && least < 1 {
		for name, f := range n.Fmax {
			if name != core && f.Achieved/f.Constraint == least {
				slow = name
			}
		}
	}
	for _, p := range n.Paths {
		if !strings.HasSuffix(p.From, slow) || !strings.HasSuffix(p.To, slow) {
			continue
		}
		for _, s := range p.Path {
			name := signal(s.From.Cell)
			if s.Net != "" {
				name = signal(s.Net)
			}
			last := len(r.Path) - 1
			if last >= 0 && (name == "" || r.Path[last].Name == name) {
				r.Path[last].NS += s.Delay
			} else {
				r.Path = append(r.Path, Step{Name: cmp.Or(name, "logic without a name"), NS: s.Delay})
			}
		}
		break
	}
	return nil
}

// share is how much is reached of what is wanted, of the clock that has the least of it.
func (r *Report) share() float64 {
	least := r.Clock.MHz / r.Clock.WantMHz
	for _, c := range r.Clocks {
		least = min(least, c.MHz/c.WantMHz)
	}
	return least
}

// uses are the resources of the part with what is used of them, by the cells that reports name.
func uses(b *board.Board, used map[string]int) []Use {
	var all []Use
	for _, kind := range board.Kinds {
		res, ok := b.Family.Resources[kind]
		if !ok {
			continue
		}
		u := Use{Kind: kind, Title: res.Title, Has: b.Part.Has(kind)}
		for _, c := range res.Cells {
			u.Used += used[c]
		}
		halves := 0
		for _, c := range res.Halves {
			halves += used[c]
		}
		u.Used += (halves + 1) / 2
		all = append(all, u)
	}
	return all
}

// Names that tools add to those of the Verilog.
var (
	clockNet = regexp.MustCompile(`^\$glbnet\$|\$TRELLIS_IO_IN$|\$SB_IO_IN(_\$glb_clk)?$|_?\$glb_clk$`)
	added    = regexp.MustCompile(`(_SB_[A-Z]|_LUT4_|_LUT_|_CCU2C|_TRELLIS_|_PFUMX|_L6MUX|_MULT18|_DP16KD|_DFF|\$).*$`)
	memory   = regexp.MustCompile(`(\.\d+)+(_RAM)?$`)
	prefix   = regexp.MustCompile(`^\$?(auto\$[^.]*\.)?(u_top\.)?(u_device\.)?`)
)

// signal turns a name of the netlist into the one that the Verilog has, without nmc_top and nmc_device; "" if it has none.
func signal(name string) string {
	if strings.HasPrefix(name, "$") {
		return ""
	}
	name = memory.ReplaceAllString(added.ReplaceAllString(name, ""), "")
	return prefix.ReplaceAllString(name, "")
}

var utilisation = regexp.MustCompile(`(?m)^Info:\s+(\w+):\s+(\d+)/\s*(\d+)\s+\d+%`)

// overfull says what of the part the router found too little of; "" if its log does not say.
func overfull(b *board.Board, log []byte) string {
	var lack []string
	for _, m := range utilisation.FindAllSubmatch(log, -1) {
		used, _ := strconv.Atoi(string(m[2]))
		has, _ := strconv.Atoi(string(m[3]))
		if used <= has {
			continue
		}
		title := string(m[1])
		for _, kind := range board.Kinds {
			if r := b.Family.Resources[kind]; slices.Contains(r.Cells, title) {
				title = r.Title
				break
			}
		}
		lack = append(lack, fmt.Sprintf("%d %s of %d (%d too many)", used, title, has, used-has))
	}
	return strings.Join(lack, ", ")
}

var statLine = regexp.MustCompile(`(?m)^\s+(?:(\d+)\s+[\d.]*\s*([A-Z][A-Z0-9]+)|([A-Z][A-Z0-9]+)\s+(\d+))\s*$`)

// stat reads the cells that Yosys counts: in old versions the name comes first, in new ones the number.
func stat(text []byte) map[string]int {
	used := map[string]int{}
	for _, m := range statLine.FindAllSubmatch(text, -1) {
		name, count := string(m[2])+string(m[3]), string(m[1])+string(m[4])
		n, _ := strconv.Atoi(count)
		used[name] = max(used[name], n)
	}
	return used
}
