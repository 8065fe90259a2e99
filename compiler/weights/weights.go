// Package weights brings trained weights in and takes learned ones out: NumPy .npz and safetensors files with PyTorch's
// names, matched to the layers of a network by name, order and shape, and quantized to the network's formats.
//
// Readers are strict: what is cut short, overlaps, is not finite or belongs to no layer is an error.
package weights

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Layer is one dense layer as PyTorch keeps it.
type Layer struct {
	Name    string
	In, Out int
	Weight  []float64 // [Out][In]
	Bias    []float64 // [Out]; nil for a layer without biases
}

// check says whether the slices have the sizes that In and Out ask for.
func (l Layer) check() error {
	if l.In < 1 || l.Out < 1 || len(l.Weight) != l.In*l.Out || l.Bias != nil && len(l.Bias) != l.Out {
		return fmt.Errorf("layer %q of %d outputs and %d inputs: %d weights and %d biases, expected %d and %d",
			l.Name, l.Out, l.In, len(l.Weight), len(l.Bias), l.In*l.Out, l.Out)
	}
	return nil
}

// Tensor is one array of a file.
type Tensor struct {
	Name  string
	Shape []int
	Data  []float64 // row-major; every value of the file is exact in float64
}

// Read reads the arrays of a file of either kind, told apart by its first bytes.
func Read(data []byte) ([]Tensor, error) {
	if bytes.HasPrefix(data, []byte("PK")) {
		return ReadNPZ(data)
	}
	return ReadSafetensors(data)
}

// ReadFile reads the arrays of a file.
func ReadFile(path string) ([]Tensor, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	tensors, err := Read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return tensors, nil
}

// maxElements bounds the elements of one tensor.
const maxElements = 1 << 26

// elements returns the product of a shape.
func elements(shape []int) (int, error) {
	n := 1
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("shape %v has a negative dimension", shape)
		}
		if d > 0 && n > maxElements/d {
			return 0, fmt.Errorf("shape %v has more than %d elements", shape, maxElements)
		}
		n *= d
	}
	return n, nil
}

// finite returns an error that names the first value which is no number.
func (t Tensor) finite() error {
	for i, v := range t.Data {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("tensor %q: element %d is %g, expected a finite number", t.Name, i, v)
		}
	}
	return nil
}

// Want is what a network expects of one layer.
type Want struct {
	Name    string
	In, Out int
	Bias    bool
}

// group is the weight and the bias that share a prefix: "0", "fc1", "layers.2".
type group struct {
	name         string
	weight, bias *Tensor
}

func (g group) fits(w Want) bool {
	return slices.Equal(g.weight.Shape, []int{w.Out, w.In}) && (g.bias != nil) == w.Bias &&
		(g.bias == nil || slices.Equal(g.bias.Shape, []int{w.Out}))
}

func (g group) String() string {
	s := fmt.Sprintf("%s.weight %v", g.name, g.weight.Shape)
	if g.bias != nil {
		s += fmt.Sprintf(", %s.bias %v", g.name, g.bias.Shape)
	}
	return s
}

var digits = regexp.MustCompile(`[0-9]+`)

// Match finds the tensors of each layer: X.weight of shape [out in] and, where the layer has biases, X.bias of shape [out].
// The layers of the file are taken
//
//  1. by name, if they have the network's names;
//  2. else in the order of their numbers, if their names differ in numbers only (0, 2, 4; fc1, fc2; layers.0, layers.3);
//  3. else by shape, if only one assignment fits.
//
// Anything else, and a tensor that belongs to no layer, is an error that lists what was found and what was expected. The raw
// tensors that WriteNPZ adds are passed over.
func Match(tensors []Tensor, want []Want) ([]Layer, error) {
	groups, err := groupsOf(tensors)
	if err == nil && len(groups) != len(want) {
		err = fmt.Errorf("%s in the file, %s in the network", plural(len(groups), "layer"), plural(len(want), "layer"))
	}
	if err == nil {
		groups, err = assign(groups, want)
	}
	if err != nil {
		return nil, fmt.Errorf("weights do not fit the network: %w%s", err, listing(tensors, want))
	}
	layers := make([]Layer, len(want))
	for i, w := range want {
		layers[i] = Layer{Name: w.Name, In: w.In, Out: w.Out, Weight: groups[i].weight.Data}
		if w.Bias {
			layers[i].Bias = groups[i].bias.Data
		}
	}
	return layers, nil
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func listing(tensors []Tensor, want []Want) string {
	var b strings.Builder
	b.WriteString("\nexpected:")
	for _, w := range want {
		fmt.Fprintf(&b, "\n  %s.weight %v", w.Name, []int{w.Out, w.In})
		if w.Bias {
			fmt.Fprintf(&b, ", %s.bias %v", w.Name, []int{w.Out})
		}
	}
	b.WriteString("\nfound:")
	for _, t := range tensors {
		fmt.Fprintf(&b, "\n  %s %v", t.Name, t.Shape)
	}
	return b.String()
}

// groupsOf pairs weights and biases, in the order of the file's weights.
func groupsOf(tensors []Tensor) ([]group, error) {
	byName := map[string]*Tensor{}
	for i := range tensors {
		t := &tensors[i]
		if byName[t.Name] != nil {
			return nil, fmt.Errorf("tensor %q is there twice", t.Name)
		}
		byName[t.Name] = t
	}
	var groups []group
	for i := range tensors {
		if name, ok := strings.CutSuffix(tensors[i].Name, ".weight"); ok {
			groups = append(groups, group{name, &tensors[i], byName[name+".bias"]})
		}
	}
	for _, t := range tensors {
		name := t.Name
		for _, suffix := range []string{rawSuffix, formatSuffix, ".bias"} {
			name = strings.TrimSuffix(name, suffix)
		}
		name = strings.TrimSuffix(name, ".weight")
		if name == t.Name || byName[name+".weight"] == nil {
			return nil, fmt.Errorf("tensor %q belongs to no layer; layers are dense, NAME.weight and NAME.bias", t.Name)
		}
	}
	return groups, nil
}

// assign puts the groups in the order of the network's layers.
func assign(groups []group, want []Want) ([]group, error) {
	mismatch := func(ordered []group) error {
		for i, w := range want {
			if !ordered[i].fits(w) {
				e := fmt.Sprintf("%s.weight %v", w.Name, []int{w.Out, w.In})
				switch {
				case w.Bias:
					e += fmt.Sprintf(" and a bias %v", []int{w.Out})
				default:
					e += " and no bias"
				}
				return fmt.Errorf("layer %d: found %s; expected %s", i+1, ordered[i], e)
			}
		}
		return nil
	}

	named := make([]group, 0, len(want))
	for _, w := range want {
		if i := slices.IndexFunc(groups, func(g group) bool { return g.name == w.Name }); i >= 0 {
			named = append(named, groups[i])
		}
	}
	if len(named) == len(want) {
		return named, mismatch(named)
	}

	numbered := slices.Clone(groups)
	slices.SortStableFunc(numbered, func(a, b group) int { return natural(a.name, b.name) })
	alike := true
	for _, g := range numbered {
		alike = alike && digits.ReplaceAllString(g.name, "#") == digits.ReplaceAllString(numbered[0].name, "#")
	}
	if alike {
		return numbered, mismatch(numbered)
	}

	// By shape: each layer must have one group that fits, and no two the same.
	shaped := make([]group, len(want))
	for i, w := range want {
		var fit []string
		for _, g := range numbered {
			if g.fits(w) {
				fit = append(fit, g.name)
				shaped[i] = g
			}
		}
		if len(fit) == 0 {
			return nil, fmt.Errorf("layer %d: nothing found that fits %s", i+1, w.Name)
		}
		if len(fit) > 1 {
			return nil, fmt.Errorf("layer %d: %s each fit %s; rename the tensors to %s.weight, …, or number them in order",
				i+1, strings.Join(fit, " and "), w.Name, w.Name)
		}
	}
	return shaped, nil
}

// natural compares names with their numbers as numbers: fc2 before fc10.
func natural(a, b string) int {
	for a != "" && b != "" {
		i, j := digits.FindStringIndex(a), digits.FindStringIndex(b)
		if i == nil || j == nil || i[0] != j[0] || a[:i[0]] != b[:j[0]] {
			break
		}
		x, y := strings.TrimLeft(a[i[0]:i[1]], "0"), strings.TrimLeft(b[j[0]:j[1]], "0")
		if len(x) != len(y) {
			return len(x) - len(y)
		}
		if c := strings.Compare(x, y); c != 0 {
			return c
		}
		a, b = a[i[1]:], b[j[1]:]
	}
	return strings.Compare(a, b)
}
