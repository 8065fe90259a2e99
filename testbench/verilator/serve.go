package verilator

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os/exec"
	"strings"
	"time"
)

// Served is a running program of BuildPins that others reach, over a pseudo-terminal or a network interface.
type Served struct {
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	said   bytes.Buffer // standard error
	counts chan string
	done   chan struct{} // closed at the program's end
	err    error         // how it ended, once done is closed
}

// Ended is the error of a program that did not end well.
type Ended struct {
	Err  error
	Said string // to standard error
}

func (e *Ended) Unwrap() error { return e.Err }

func (e *Ended) Error() string { return program + " ended: " + e.Err.Error() + "\n" + e.Said }

// Serve starts a program. It says where it is in lines of a word and what belongs to it, each of which goes to told.
func Serve(cmd *exec.Cmd, told func(word, rest string)) (*Served, error) {
	s := &Served{cmd: cmd, counts: make(chan string, 1), done: make(chan struct{})}
	cmd.Stderr = &s.said
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if s.stdin, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if word, rest, _ := strings.Cut(lines.Text(), " "); word == "counts" {
				s.counts <- rest
			} else {
				told(word, rest)
			}
		}
		if err := cmd.Wait(); err != nil {
			s.err = &Ended{err, strings.TrimSpace(s.said.String())}
		}
		close(s.done)
	}()
	return s, nil
}

// Counts asks the program for its counts: numbers as its harness gives them.
func (s *Served) Counts() (string, error) {
	if _, err := io.WriteString(s.stdin, "\n"); err != nil {
		return "", err
	}
	select {
	case c := <-s.counts:
		return c, nil
	case <-s.done:
		return "", errors.Join(errors.New("the device has ended"), s.err)
	case <-time.After(patience):
		return "", errors.New("the device does not say what it has counted")
	}
}

// Done is closed when the program has ended.
func (s *Served) Done() <-chan struct{} { return s.done }

// Close ends the program, or waits for its end, and says if it did not end well.
func (s *Served) Close() error {
	s.stdin.Close()
	kill := time.AfterFunc(patience, func() { s.cmd.Process.Kill() })
	defer kill.Stop()
	<-s.done
	return s.err
}
