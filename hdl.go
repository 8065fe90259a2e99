// Package nmc is the Verilog of the device as data, so that an installed nmc needs no source tree. It stands at the root of
// the module because hdl holds what Go would take for sources of its own (nmc.f, a list of Verilog files).
package nmc

import (
	"embed"
	"io/fs"
)

//go:embed hdl/rtl/*.v hdl/gen/*.vh
var files embed.FS

// HDL has rtl/*.v, the modules, and gen/*.vh, the generated headers that they include.
var HDL = sub(files, "hdl")

func sub(fsys fs.FS, dir string) fs.FS {
	s, err := fs.Sub(fsys, dir)
	if err != nil {
		panic(err) // the name is constant
	}
	return s
}
