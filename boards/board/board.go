// Package board describes FPGA boards: pins, clocks, memories and how they are flashed, read from board.toml files; which
// device a board's part holds; and the Verilog and constraints around it.
package board

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/nmc-fpga/nmc/boards"
	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/host/proto"
)

// File is the file of a board's folder.
const File = "board.toml"

// Board is a board.toml with its family.
type Board struct {
	Name string // of its folder
	File string // as in messages

	Title      string         `toml:"title"`
	FamilyName string         `toml:"family"`
	PartName   string         `toml:"part"`
	Package    string         `toml:"package"` // as the tools name it
	Speed      string         `toml:"speed"`   // grade; "" where the family has one
	Clock      Clock          `toml:"clock"`
	Reset      *Reset         `toml:"reset"`
	LEDs       map[string]Pin `toml:"led"`  // by what they show: see Lights
	Tied       map[string]Pin `toml:"tied"` // pins that are always active, by what the board calls them
	Device     Device         `toml:"device"`
	Links      []Link         `toml:"link"` // the first is the one that is taken
	Flash      Flash          `toml:"flash"`

	Family Family
	Part   Part
}

// Clock is the board's oscillator and the clock that the device gets of it.
type Clock struct {
	Pin    Pin `toml:"pin"`
	Hz     int `toml:"hz"`
	CoreHz int `toml:"core_hz"` // of the device; a PLL makes it where it is not Hz
}

// Reset is a button.
type Reset struct {
	Pin Pin `toml:"pin"`
}

// Pin is a ball or pin of the package: only its site, or a table.
type Pin struct {
	Site   string `toml:"site"`
	Active string `toml:"active"` // "high" (default) or "low"
	Pull   string `toml:"pull"`   // "up", "down" or none
	IO     string `toml:"io"`     // standard, if not the family's
	Drive  int    `toml:"drive"`  // mA, 0: the tool's default
	Slew   string `toml:"slew"`   // "fast", "slow" or the tool's default
	Delay  int    `toml:"delay"`  // of what comes in, in picoseconds; ECP5 only
}

func (p *Pin) short(v any) bool {
	s, ok := v.(string)
	p.Site = s
	return ok
}

// Low says that the pin is active when it is low.
func (p Pin) Low() bool { return p.Active == "low" }

// Pins are the pins of a port, bit 0 first; a single one needs no list.
type Pins []Pin

// Device is the configuration of the engine that the board is given, and the limits of what a network may ask for.
type Device struct {
	Lanes        int    `toml:"lanes"`
	WeightDepth  int    `toml:"weight_depth"`
	VectorDepth  int    `toml:"vector_depth"`
	ProgramDepth int    `toml:"program_depth"`
	TableDepth   int    `toml:"table_depth"`
	WeightPorts  int    `toml:"weight_ports"`
	FrameBytes   int    `toml:"frame_bytes"`
	Units        string `toml:"units"` // "all", or "used": only what the program needs
}

// Link is a link of the board: its parameters as in device.Link, and its pins by the ports of nmc_top.
type Link struct {
	Kind string          `toml:"kind"`
	Baud int             `toml:"baud"`
	FIFO int             `toml:"fifo"`
	PHY  string          `toml:"phy"`
	MAC  string          `toml:"mac"`
	IP   string          `toml:"ip"`
	Port int             `toml:"port"`
	Pins map[string]Pins `toml:"pins"`

	// Joined are ports that get what comes in at another port.
	Joined map[string]string `toml:"joined"`
	// Resets are pins that are active while the device is in reset.
	Resets map[string]Pin `toml:"resets"`
	// ClockOut is a pin that gives a clock out of the PLL; Artix-7 only.
	ClockOut *ClockOut `toml:"clock_out"`
}

// ClockOut is a clock that the board wants of the FPGA.
type ClockOut struct {
	Pin Pin `toml:"pin"`
	Hz  int `toml:"hz"`
}

// Flash is how a bitstream gets onto the board: arguments of a tool, {bitstream} standing for the file.
type Flash struct {
	Tool   string   `toml:"tool"`
	USB    []string `toml:"usb"`    // vendor and product of the programmer, as in a udev rule: "0403:6010"
	SRAM   []string `toml:"sram"`   // into the FPGA, until it loses power
	Flash  []string `toml:"flash"`  // into the flash that it starts from
	Verify []string `toml:"verify"` // further arguments that have what was written to flash read back
}

// Family is what boards with FPGAs of one family share.
type Family struct {
	Flow               string              `toml:"flow"` // of package build: "ice40", "ecp5", "xc7"
	IO                 string              `toml:"io"`   // standard of pins
	MultipliersPerLane int                 `toml:"multipliers_per_lane"`
	Distributed        int                 `toml:"distributed"` // words of the largest memory that takes no block
	Device             Device              `toml:"device"`      // defaults
	Resources          map[string]Resource `toml:"resource"`
	Parts              map[string]Part     `toml:"part"`
}

// Resource is a kind of thing that a part has a number of, and how the tools' reports name it.
type Resource struct {
	Title  string   `toml:"title"`
	Cells  []string `toml:"cells"`
	Halves []string `toml:"halves"` // cells two of which are one
	Shapes [][]int  `toml:"shapes"` // of a memory block: bits, words
	Parity int      `toml:"parity"` // bits that a block has beside eight: 0 or 1
}

// Kinds are the kinds of resources, in the order of reports.
var Kinds = []string{"logic", "flipflops", "multipliers", "block", "single"}

// Part is one FPGA.
type Part struct {
	Title       string `toml:"title"`
	Logic       int    `toml:"logic"`
	FlipFlops   int    `toml:"flipflops"`
	Multipliers int    `toml:"multipliers"`
	Block       int    `toml:"block"`  // memory blocks
	Single      int    `toml:"single"` // large memories with one port, which hold weights
}

// Has is how many of a kind the part has.
func (p Part) Has(kind string) int {
	return map[string]int{"logic": p.Logic, "flipflops": p.FlipFlops, "multipliers": p.Multipliers, "block": p.Block, "single": p.Single}[kind]
}

// Lights are what LEDs can show.
var Lights = map[string]string{
	"ready": "the clock runs and the device is out of reset",
	"busy":  "a frame, a run or a reply is under way",
	"alive": "blinks once a second or so while the clock runs",
}

// Names returns the names of the boards that come with nmc, sorted.
func Names() []string {
	files, err := fs.Glob(boards.Files, "*/"+File)
	if err != nil {
		panic(err) // the pattern is constant
	}
	for i, f := range files {
		files[i] = path.Dir(f)
	}
	return files
}

// FamilyNames returns the names of the families, sorted.
func FamilyNames() []string {
	files, err := fs.Glob(boards.Files, "family/*.toml")
	if err != nil {
		panic(err) // the pattern is constant
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ".toml")
	}
	return files
}

// Load reads a board: one that comes with nmc by its name, or one of the user's by the path of its folder.
func Load(name string) (*Board, error) {
	if slices.Contains(Names(), name) {
		file := name + "/" + File
		text, err := fs.ReadFile(boards.Files, file)
		if err != nil {
			return nil, err
		}
		return Parse(name, "boards/"+file, text)
	}
	info, err := os.Stat(name)
	if err != nil || !info.IsDir() {
		if strings.ContainsRune(name, os.PathSeparator) {
			return nil, fmt.Errorf("%s: no such folder; a board of your own is a folder with a %s", name, File)
		}
		hint := ""
		if near := diag.Nearest(name, Names()); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		return nil, fmt.Errorf("no board %q%s; the boards are %s, or the path of a folder with a %s", name, hint, strings.Join(Names(), ", "), File)
	}
	file := filepath.Join(name, File)
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: no %s in this folder", name, File)
	}
	if err != nil {
		return nil, err
	}
	abs, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	return Parse(filepath.Base(abs), file, text)
}

// family reads a family by its name.
func family(name string) (*Family, error) {
	file := "family/" + name + ".toml"
	text, err := fs.ReadFile(boards.Files, file)
	if err != nil {
		return nil, err
	}
	s := &source{file: "boards/" + file, text: text}
	f := new(Family)
	s.decode(f)
	return f, s.list.Err()
}

// Parts returns every part of every family, as a board without anything but its part: for asking what holds a device.
func Parts() []*Board {
	var all []*Board
	for _, name := range FamilyNames() {
		f, err := family(name)
		if err != nil {
			panic(err) // the families come with nmc and are tested
		}
		for _, part := range slices.Sorted(maps.Keys(f.Parts)) {
			all = append(all, &Board{FamilyName: name, PartName: part, Family: *f, Part: f.Parts[part]})
		}
	}
	slices.SortFunc(all, func(a, b *Board) int { return cmp.Compare(a.Part.Logic, b.Part.Logic) })
	return all
}

// TakenLink returns the link of the given kind, "" for the first one.
func (b *Board) TakenLink(kind string) (Link, error) {
	var kinds []string
	for _, l := range b.Links {
		if kind == "" || l.Kind == kind {
			return l, nil
		}
		kinds = append(kinds, l.Kind)
	}
	return Link{}, fmt.Errorf("%s has no link %q; it has %s", b.Name, kind, strings.Join(kinds, ", "))
}

// Config is the link as the device's configuration has it.
func (l Link) Config(clock int) device.Link {
	if l.Kind == device.Ethernet {
		l.Port = cmp.Or(l.Port, proto.Port)
	}
	return device.Link{Kind: l.Kind, Clock: clock, Baud: l.Baud, FIFO: l.FIFO, PHY: l.PHY, MAC: l.MAC, IP: l.IP, Port: l.Port}
}

// Speed is the rate of the link's line in bits a second.
func (l Link) Speed() int {
	switch {
	case l.Kind == device.UART:
		return l.Baud
	case l.PHY == "rgmii":
		return 1_000_000_000
	}
	return 100_000_000
}
