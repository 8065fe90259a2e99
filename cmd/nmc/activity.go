package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/nmc-fpga/nmc/compiler/manifest"
	"github.com/nmc-fpga/nmc/host/activity"
)

// looking is --activity: what the layers do while a run learns, written to a file.
type looking struct {
	path    string
	every   int
	vectors []string

	file *os.File
	*activity.Recorder
}

func (l *looking) flag(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&l.path, "activity", "", "write what the layers do to this .jsonl file, a line of JSON a sample")
	f.IntVar(&l.every, "activity-every", 100, "samples from one line to the next")
	f.StringSliceVar(&l.vectors, "activity-vectors", nil, "vectors of the build, as its manifest names them (default: the output of each layer)")
}

// begin opens the file, if there is to be one; a run that is resumed goes on with the file that is there.
func (l *looking) begin(m *manifest.Manifest, resume bool) (err error) {
	if l.path == "" {
		return nil
	}
	if !strings.HasSuffix(l.path, ".jsonl") {
		return fmt.Errorf("--activity %s: name a .jsonl file", l.path)
	}
	if l.every < 1 {
		return fmt.Errorf("--activity-every %d: at least 1 is needed", l.every)
	}
	var there []byte
	if resume {
		there, _ = os.ReadFile(l.path) // of one that cannot be read opening tells
	}
	sample, length := activity.Last(there)
	if l.Recorder, err = activity.New(writer(func(b []byte) (int, error) { return l.file.Write(b) }), m, l.vectors); err != nil {
		return fmt.Errorf("--activity-vectors: %w", err)
	}
	if l.file, err = os.OpenFile(l.path, os.O_CREATE|os.O_WRONLY, 0o666); err != nil {
		return err
	}
	if err := l.file.Truncate(int64(length)); err != nil {
		return err
	}
	if _, err := l.file.Seek(int64(length), 0); err != nil {
		return err
	}
	if length == 0 {
		return l.Begin(m)
	}
	l.Continue(sample)
	return nil
}

// writer is a function as an io.Writer.
type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// end closes the file; the error is the run's, or else that of the file.
func (l *looking) end(err error) error {
	if l.file == nil {
		return err
	}
	if closed := l.file.Close(); err == nil {
		err = closed
	}
	return err
}
