package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/nmc-fpga/nmc/host/dataset"
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

// cmdIDX makes a folder of IDX files: idx DIR ROWS COLS N, with N training and N test images of ten classes.
func cmdIDX(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: idx DIR ROWS COLS N")
	}
	var size [3]int
	for i, a := range args[1:] {
		n, err := strconv.Atoi(a)
		ts.Check(err)
		size[i] = n
	}
	rows, cols, n := size[0], size[1], size[2]
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o777))
	images, labels := make([]byte, n*rows*cols), make([]byte, n)
	for i := range images {
		images[i] = byte(i * i)
	}
	for i := range labels {
		labels[i] = byte(i % 10)
	}
	write := func(name string, dims []int, data []byte) {
		var b bytes.Buffer
		ts.Check(dataset.WriteIDX(&b, dims, data))
		ts.Check(os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o666))
	}
	for _, split := range []string{"train", "t10k"} {
		write(split+"-images-idx3-ubyte", []int{n, rows, cols}, images)
		write(split+"-labels-idx1-ubyte", []int{n}, labels)
	}
}
