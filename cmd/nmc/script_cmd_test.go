package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdStatus runs nmc and wants an exact exit status: status 2 nmc compile absent.toml
func cmdStatus(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N command [argument...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("%v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// cmdPatch damages a file. patch FILE OFFSET HEX overwrites bytes, a negative offset counts from the end; patch FILE cut N
// drops the last N bytes; patch FILE OLD NEW text replaces text that occurs once.
func cmdPatch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: patch FILE OFFSET HEX | patch FILE cut N | patch FILE text OLD NEW")
	}
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	ts.Check(err)
	switch args[1] {
	case "cut":
		n, err := strconv.Atoi(args[2])
		ts.Check(err)
		b = b[:len(b)-n]
	case "text":
		if n := bytes.Count(b, []byte(args[2])); n != 1 {
			ts.Fatalf("%q occurs %d times in %s, not once", args[2], n, args[0])
		}
		b = bytes.Replace(b, []byte(args[2]), []byte(args[3]), 1)
	default:
		at, err := strconv.Atoi(args[1])
		ts.Check(err)
		if at < 0 {
			at += len(b)
		}
		data, err := hex.DecodeString(args[2])
		ts.Check(err)
		copy(b[at:], data)
	}
	ts.Check(os.WriteFile(path, b, 0o666))
}
