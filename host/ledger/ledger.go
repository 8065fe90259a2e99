// Package ledger keeps the record of runs: which accuracy came of which network, seed, samples and code. A cell is one
// network on one set, a folder of examples; its file in docs/results/ledger holds the runs that were made of it. Nothing
// in a table of results stands for anything else than a run in the ledger.
package ledger

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nmc-fpga/nmc/compiler/manifest"
)

// Dir is where a clone of the project has the ledger.
const Dir = "docs/results/ledger"

// Cell is one network on one set, with its runs.
type Cell struct {
	Name    string `json:"cell"`    // of the file, and of the folder of examples
	Rule    string `json:"rule"`    // as net.toml names it
	Variant string `json:"variant"` // options that differ from the rule's defaults
	Set     string `json:"set"`
	Network string `json:"network"` // units of the layers, input first: 784-1024-256-10
	Runs    []Run  `json:"-"`
}

// Run is one training from the start to the last epoch, and one test.
type Run struct {
	Seed    uint32       `json:"seed"`
	Control bool         `json:"control"`    // the rule's hidden learning was off
	Net     string       `json:"net_sha256"` // of the values of the net.toml: see Sum
	Samples int          `json:"samples"`    // learned in an epoch
	Epochs  int          `json:"epochs"`
	Correct int          `json:"correct"` // answers on the test set
	Tested  int          `json:"tested"`
	Digest  manifest.Hex `json:"digest"` // of the learned state
	Commit  string       `json:"commit"` // of the code that ran; with + if it had changes
	Machine string       `json:"machine"`
	Date    string       `json:"date"` // 2006-01-02
}

// Accuracy is the percentage of the test set.
func (r *Run) Accuracy() float64 { return 100 * float64(r.Correct) / float64(r.Tested) }

// What says which run it is.
func (r *Run) What() string {
	if r.Control {
		return fmt.Sprintf("control of seed %d", r.Seed)
	}
	return fmt.Sprintf("seed %d", r.Seed)
}

// less orders the runs of a cell: by seed, each control after its run.
func less(a, b Run) int {
	if c := cmp.Compare(a.Seed, b.Seed); c != 0 || a.Control == b.Control {
		return c
	}
	if a.Control {
		return 1
	}
	return -1
}

// Find returns a run, or nil.
func (c *Cell) Find(seed uint32, control bool) *Run {
	for i := range c.Runs {
		if c.Runs[i].Seed == seed && c.Runs[i].Control == control {
			return &c.Runs[i]
		}
	}
	return nil
}

// Put adds a run, in place of one of the same seed and kind.
func (c *Cell) Put(r Run) {
	if old := c.Find(r.Seed, r.Control); old != nil {
		*old = r
		return
	}
	c.Runs = append(c.Runs, r)
	slices.SortFunc(c.Runs, less)
}

// Encode returns the file's bytes: the same cell gives the same bytes, a run a line.
func (c *Cell) Encode() []byte {
	var b bytes.Buffer
	line := func(v any) []byte {
		text, err := json.Marshal(v)
		if err != nil {
			panic(err) // plain data always marshals
		}
		return text
	}
	b.Write(bytes.TrimSuffix(line(c), []byte("}")))
	b.WriteString(",\"runs\":[\n")
	for i, r := range c.Runs {
		b.Write(line(r))
		if i < len(c.Runs)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]}\n")
	return b.Bytes()
}

var (
	hexSum = regexp.MustCompile(`^[0-9a-f]{64}$`)
	named  = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`)
)

// Decode reads a cell strictly.
func Decode(b []byte) (*Cell, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var f struct {
		Cell
		Runs []Run `json:"runs"`
	}
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("not a cell of the ledger: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the cell")
	}
	c := f.Cell
	c.Runs = f.Runs
	if !named.MatchString(c.Name) || c.Rule == "" || c.Set == "" || c.Network == "" {
		return nil, fmt.Errorf("cell %q, rule %q, set %q, network %q: each must be given", c.Name, c.Rule, c.Set, c.Network)
	}
	for i, r := range c.Runs {
		bad := func(what string) error { return fmt.Errorf("%s: %s", r.What(), what) }
		switch _, err := time.Parse(time.DateOnly, r.Date); {
		case err != nil:
			return nil, bad(fmt.Sprintf("date %q, expected year-month-day", r.Date))
		case r.Tested < 1 || r.Correct < 0 || r.Correct > r.Tested:
			return nil, bad(fmt.Sprintf("%d correct of %d", r.Correct, r.Tested))
		case r.Samples < 1 || r.Epochs < 1:
			return nil, bad(fmt.Sprintf("%d epochs of %d samples", r.Epochs, r.Samples))
		case !hexSum.MatchString(r.Net):
			return nil, bad(fmt.Sprintf("net_sha256 %q is not a SHA-256", r.Net))
		case r.Commit == "" || r.Machine == "":
			return nil, bad("commit and machine must be given")
		case i > 0 && less(c.Runs[i-1], r) >= 0:
			return nil, bad("runs stand in the order of their seeds, each once, a control after its run")
		}
	}
	return &c, nil
}

// Read reads all cells of a folder, in order of their names.
func Read(dir fs.FS) ([]*Cell, error) {
	files, err := fs.Glob(dir, "*.json")
	if err != nil {
		return nil, err
	}
	var cells []*Cell
	for _, name := range files {
		b, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		c, err := Decode(b)
		if err == nil && c.Name+".json" != path.Base(name) {
			err = fmt.Errorf("holds cell %s", c.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("ledger, %s: %w", name, err)
		}
		cells = append(cells, c)
	}
	slices.SortFunc(cells, func(a, b *Cell) int { return strings.Compare(a.Name, b.Name) })
	return cells, nil
}

// Save writes the cell's file into a folder, whole or not at all.
func (c *Cell) Save(dir string) (err error) {
	f, err := os.CreateTemp(dir, "."+c.Name+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(c.Encode()); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, c.Name+".json"))
}
