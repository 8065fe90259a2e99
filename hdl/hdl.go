// Package hdl holds the Verilog of the device, so that an installed nmc needs no source tree.
package hdl

import "embed"

// FS has rtl/*.v, the modules, and gen/*.vh, the generated headers that they include.
//
//go:embed rtl/*.v gen/*.vh
var FS embed.FS
