package main

import (
	"fmt"
	"os"

	"github.com/nmc-fpga/nmc/host/capture"
	"github.com/nmc-fpga/nmc/host/link"
)

// A recording is --record: the file that a run's link is written to.
type recording struct {
	path string
	file *os.File
	*capture.Writer
}

// begin makes the file, if there is to be one, for the device that r reaches.
func (c *recording) begin(r *reach) error {
	if c.path == "" {
		return nil
	}
	a, err := link.Parse(r.on)
	if err != nil {
		return err
	}
	if a.Kind == "sim" {
		return fmt.Errorf("--record %s: the simulator has no link; record on another device and replay that on sim", c.path)
	}
	if c.file, err = os.Create(c.path); err != nil {
		return err
	}
	if c.Writer, err = capture.NewWriter(c.file, a.Network()); err != nil {
		return err
	}
	r.capture = c.Writer
	return nil
}

// end finishes the file; the error is the run's, or else that of the file.
func (c *recording) end(err error) error {
	if c.Writer == nil {
		return err
	}
	flushed := c.Flush()
	if closed := c.file.Close(); flushed == nil {
		flushed = closed
	}
	if err == nil && flushed != nil {
		err = fmt.Errorf("%s: %w", c.path, flushed)
	}
	return err
}
