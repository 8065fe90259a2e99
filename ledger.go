package nmc

import "embed"

//go:embed docs/results/ledger
var ledger embed.FS

// Ledger is the record of runs as it was when nmc was built; package host/ledger reads it.
var Ledger = sub(ledger, "docs/results/ledger")
