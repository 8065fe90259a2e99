// Package boards has the boards that nmc knows, as data: a folder a board with its board.toml, and the families of FPGAs that
// they inherit from. Package board reads them, build makes bitstreams, flash writes them.
package boards

import "embed"

// Files has NAME/board.toml and family/NAME.toml.
//
//go:embed */board.toml family/*.toml
var Files embed.FS
