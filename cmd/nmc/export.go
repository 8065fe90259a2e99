package main

import (
	"fmt"
	"os"

	"github.com/nmc-fpga/nmc/compiler"
	"github.com/nmc-fpga/nmc/compiler/weights"
	"github.com/nmc-fpga/nmc/firmware/device"
)

// export writes the learned weights as a NumPy archive, under the names of the network's layers.
func export(dev device.Memory, b *build, path string) error {
	var layers []weights.Quantized
	for i := range b.manifest.Tensors {
		t := &b.manifest.Tensors[i]
		if t.Role != "weight" {
			continue
		}
		flat, err := t.Read(dev, b.manifest.Device.Lanes)
		if err != nil {
			return err
		}
		outs, ins := t.Shape()
		q := weights.Quantized{Name: t.Name, In: ins, Out: outs, Format: weights.Format{Bits: t.Bits, Frac: t.Frac}}
		if t.Bias {
			q.In--
		}
		for o := range outs {
			row := flat[o*ins : (o+1)*ins]
			q.Weight = append(q.Weight, row[:q.In]...)
			if t.Bias {
				q.Bias = append(q.Bias, row[q.In])
			}
		}
		layers = append(layers, q)
	}
	net, err := compiler.Read(b.net)
	if err != nil {
		return err
	}
	if len(net.Layers) != len(layers) {
		return fmt.Errorf("%s has %d layers, the build %d weight tensors; compile again", b.net, len(net.Layers), len(layers))
	}
	for i := range layers {
		layers[i].Name = net.Layers[i].Name
	}
	return writeWhole(path, func(f *os.File) error { return weights.WriteNPZ(f, layers, true) })
}
