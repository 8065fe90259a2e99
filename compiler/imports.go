package compiler

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/nmc-fpga/nmc/compiler/config"
	"github.com/nmc-fpga/nmc/compiler/diag"
	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/compiler/weights"
	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/image"
)

// Quantization says what the import of one layer's trained weights cost.
type Quantization struct {
	Layer  string
	Format weights.Format
	weights.Report
}

// importWeights reads the trained weights that the network names, quantizes them to the layers' formats, and adds them to the
// image; init then draws nothing.
func importWeights(net *config.Net, m *manifest.Manifest, img *image.Image) ([]Quantization, error) {
	fail := func(err error) error {
		return diag.List{net.Diagnostic(net.Import.Pos, err.Error(), "the file's layers must be those of the [[layer]] tables, in order")}
	}
	path := net.Import.Path
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(net.File), path)
	}
	tensors, err := weights.ReadFile(path)
	if err != nil {
		return nil, fail(err)
	}
	// A file without biases is as welcome as one that has them.
	biases := slices.ContainsFunc(tensors, func(t weights.Tensor) bool { return strings.HasSuffix(t.Name, ".bias") })
	var want []weights.Want
	in := net.Input.Elements()
	for _, l := range net.Layers {
		want = append(want, weights.Want{Name: l.Name, In: in, Out: l.Units, Bias: biases})
		in = l.Units
	}
	layers, err := weights.Match(tensors, want)
	if err != nil {
		return nil, fail(err)
	}
	var reports []Quantization
	next := 0
	for i, l := range layers {
		f := weights.Format{Bits: net.Layers[i].Weights.Bits, Frac: net.Layers[i].Weights.Frac}
		q, report, err := weights.Quantize(l, f)
		if err != nil {
			return nil, fail(err)
		}
		reports = append(reports, Quantization{Layer: net.Layers[i].Name, Format: f, Report: report})
		for m.Tensors[next].Role != "weight" {
			next++
		}
		t := &m.Tensors[next]
		next++
		img.Sections = append(img.Sections, image.Section{Space: device.Weights, Addr: t.Address(m.Device.Lanes, 0, 0), Data: t.Words(logical(q), m.Device.Lanes)})
	}
	return reports, nil
}

// logical puts the bias behind the weights of each output, as the device has it; without one it is 0.
func logical(q weights.Quantized) []int16 {
	var v []int16
	for out := range q.Out {
		v = append(v, q.Weight[out*q.In:(out+1)*q.In]...)
		if q.Bias == nil {
			v = append(v, 0)
		} else {
			v = append(v, q.Bias[out])
		}
	}
	return v
}

// Layers reads the learned weights of a device back as layers, for weights.WriteNPZ.
func Layers(m *manifest.Manifest, mem device.Memory) ([]weights.Quantized, error) {
	var layers []weights.Quantized
	for i := range m.Tensors {
		t := &m.Tensors[i]
		if t.Role != "weight" {
			continue
		}
		v, err := t.Read(mem, m.Device.Lanes)
		if err != nil {
			return nil, err
		}
		outs, ins := t.Shape()
		in := ins
		if t.Bias {
			in--
		}
		q := weights.Quantized{Name: t.Name, In: in, Out: outs, Format: weights.Format{Bits: t.Bits, Frac: t.Frac}}
		for out := range outs {
			q.Weight = append(q.Weight, v[out*ins:out*ins+in]...)
			q.Bias = append(q.Bias, v[out*ins+in:(out+1)*ins]...)
		}
		layers = append(layers, q)
	}
	return layers, nil
}
