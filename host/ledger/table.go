package ledger

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
)

// Paper is a row of Table 2 of "Towards Biologically Plausible Computing: A Comprehensive Comparison": test accuracy in
// percent, floating point, mean of its runs, with its multilayer perceptron of 1024 and 256 hidden units.
type Paper struct {
	Row     string
	Rules   []string // that are this row, as net.toml names them
	Figures map[string]float64
}

// Rows are the paper's. A rule that is none of these has no row of its own.
var Rows = []Paper{
	{"backpropagation", []string{"bp"}, map[string]float64{"mnist": 98.62, "cifar10": 58.60}},
	{"Hebbian", []string{"hebb"}, map[string]float64{"mnist": 78.29, "cifar10": 19.98}},
	{"STDP", []string{"stdp"}, map[string]float64{"mnist": 77.18, "cifar10": 22.68}},
	{"feedback alignment", []string{"fa"}, map[string]float64{"mnist": 91.87, "cifar10": 48.46}},
	{"direct feedback alignment", []string{"dfa"}, map[string]float64{"mnist": 97.47, "cifar10": 49.85}},
	{"target propagation", []string{"tp"}, map[string]float64{"mnist": 94.01, "cifar10": 46.10}},
	{"predictive coding", []string{"pc"}, map[string]float64{"mnist": 97.41, "cifar10": 46.53}},
	{"forward-forward", []string{"ff"}, map[string]float64{"mnist": 96.99, "cifar10": 39.48}},
	{"perturbation", []string{"perturbation"}, map[string]float64{"mnist": 91.44, "cifar10": 31.07}},
	{"local losses", []string{"local"}, map[string]float64{"mnist": 98.56, "cifar10": 55.18}},
	{"equilibrium propagation", []string{"ep"}, map[string]float64{"mnist": 93.81, "cifar10": 16.93}},
}

// Sets are those of the paper's table that cells are asked for, in its order.
var Sets = []string{"mnist", "cifar10"}

// Line is one line of the table: a cell, or a row of the paper of which no cell was run.
type Line struct {
	Set     string  `json:"set"`
	Row     string  `json:"row"`             // "" for a rule that the paper does not have
	Paper   float64 `json:"paper,omitempty"` // percent
	Cell    string  `json:"cell,omitempty"`  // "" when none was run
	Rule    string  `json:"rule,omitempty"`
	Variant string  `json:"variant,omitempty"`
	Network string  `json:"network,omitempty"`

	Seeds    int     `json:"seeds"`
	Accuracy float64 `json:"accuracy,omitempty"` // percent, mean over the seeds
	Spread   float64 `json:"spread,omitempty"`   // standard deviation over the seeds, 0 for one

	Controls int     `json:"controls"`
	Control  float64 `json:"control,omitempty"` // mean of the controls
	// Adds is the mean difference over the seeds that have both, and Noise twice its standard error by the size of the
	// test set alone.
	Adds  float64 `json:"adds,omitempty"`
	Noise float64 `json:"noise,omitempty"`
}

// Table2 sets the cells beside the paper: set by set, in the order of its rows, cells of other rules last.
func Table2(cells []*Cell) []Line {
	var lines []Line
	sets := slices.Clone(Sets)
	for _, c := range cells {
		if !slices.Contains(sets, c.Set) {
			sets = append(sets, c.Set)
		}
	}
	for _, set := range sets {
		taken := map[*Cell]bool{}
		add := func(row string, paper float64, belongs func(*Cell) bool) {
			var here []Line
			for _, c := range cells {
				if c.Set == set && !taken[c] && belongs(c) {
					taken[c] = true
					here = append(here, c.line(row, paper))
				}
			}
			if len(here) == 0 && row != "" && paper != 0 {
				here = []Line{{Set: set, Row: row, Paper: paper}}
			}
			// The best first.
			slices.SortStableFunc(here, func(a, b Line) int { return cmp.Compare(b.Accuracy, a.Accuracy) })
			lines = append(lines, here...)
		}
		for _, p := range Rows {
			add(p.Row, p.Figures[set], func(c *Cell) bool { return slices.Contains(p.Rules, c.Rule) })
		}
		add("", 0, func(*Cell) bool { return true })
	}
	return lines
}

func (c *Cell) line(row string, paper float64) Line {
	l := Line{Set: c.Set, Row: row, Paper: paper, Cell: c.Name, Rule: c.Rule, Variant: c.Variant, Network: c.Network}
	var all, controls, both []float64
	variance := 0.0
	for i := range c.Runs {
		r := &c.Runs[i]
		if r.Control {
			controls = append(controls, r.Accuracy())
			continue
		}
		all = append(all, r.Accuracy())
		if k := c.Find(r.Seed, true); k != nil {
			both = append(both, r.Accuracy()-k.Accuracy())
			variance += r.variance() + k.variance()
		}
	}
	l.Seeds, l.Controls = len(all), len(controls)
	l.Accuracy, l.Spread = moments(all)
	l.Control, _ = moments(controls)
	l.Adds, _ = moments(both)
	if n := float64(len(both)); n > 0 {
		l.Noise = 2 * math.Sqrt(variance) / n
	}
	return l
}

// variance is that of the accuracy, in squared percent, by the choice of the test samples.
func (r *Run) variance() float64 {
	p := float64(r.Correct) / float64(r.Tested)
	return 1e4 * p * (1 - p) / float64(r.Tested)
}

// moments are the mean and the standard deviation of a sample; 0 where there are too few.
func moments(x []float64) (mean, deviation float64) {
	if len(x) == 0 {
		return 0, 0
	}
	for _, v := range x {
		mean += v / float64(len(x))
	}
	if len(x) > 1 {
		for _, v := range x {
			deviation += (v - mean) * (v - mean) / float64(len(x)-1)
		}
		deviation = math.Sqrt(deviation)
	}
	return mean, deviation
}

// Print writes lines as a table for each set.
func Print(w io.Writer, lines []Line) {
	set := ""
	for _, l := range lines {
		if l.Set != set {
			if set != "" {
				fmt.Fprintln(w)
			}
			set = l.Set
			fmt.Fprintf(w, "%s, test accuracy in percent: the paper's in floating point, here in fixed point\n\n", set)
			fmt.Fprintf(w, "| rule | paper | here | seeds | hidden learning off | it adds | cell |\n|---|---|---|---|---|---|---|\n")
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s |\n", l.name(), l.paper(), l.here(), l.count(), l.control(), l.adds(), l.cell())
	}
}

func (l *Line) name() string {
	if l.Row == "" {
		return l.Rule
	}
	return l.Row
}

func (l *Line) paper() string {
	if l.Paper == 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", l.Paper)
}

func (l *Line) here() string {
	switch {
	case l.Seeds == 0:
		return "not run"
	case l.Spread > 0:
		return fmt.Sprintf("%.2f ± %.2f", l.Accuracy, l.Spread)
	}
	return fmt.Sprintf("%.2f", l.Accuracy)
}

func (l *Line) count() string {
	if l.Seeds == 0 {
		return ""
	}
	return fmt.Sprint(l.Seeds)
}

func (l *Line) control() string {
	switch {
	case l.Seeds == 0:
		return ""
	case l.Controls == 0:
		return "not run"
	}
	return fmt.Sprintf("%.2f", l.Control)
}

func (l *Line) adds() string {
	switch {
	case l.Noise == 0:
		return ""
	case math.Abs(l.Adds) <= l.Noise:
		return fmt.Sprintf("nothing beyond noise (%+.2f)", l.Adds)
	}
	return fmt.Sprintf("%+.2f", l.Adds)
}

func (l *Line) cell() string {
	s := l.Cell
	if l.Network != "" {
		s += ", " + l.Network
	}
	if l.Variant != "" {
		s += ", " + l.Variant
	}
	return s
}
