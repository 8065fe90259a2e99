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
	layers, err := compiler.Layers(b.manifest, dev)
	if err != nil {
		return err
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
