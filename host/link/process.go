package link

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Process is a link to a program that speaks the protocol on its standard input and output, such as a Verilated
// device.
type Process struct {
	*Stream
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stderr *tail

	closing sync.Once
	exited  chan struct{} // closed when the process has ended
	err     error         // of Wait, once exited is closed
}

// Start starts the command. Its Stdin, Stdout and Stderr must not be set; what it writes to standard error is kept for
// the error that reports its end.
func Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd, stderr: &tail{max: 2048}, exited: make(chan struct{})}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = p.stderr
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("link: start %s: %w", cmd.Path, err)
	}
	p.stdin = stdin
	p.Stream = NewStream(struct {
		io.Reader
		io.WriteCloser
	}{stdout, stdin})
	return p, nil
}

// Send writes a frame. After the process's end the error says how it ended.
func (p *Process) Send(frame []byte) error {
	if err := p.Stream.Send(frame); err != nil {
		// The reader is nearer to the cause: it waits for the process. Leave it the time.
		select {
		case <-p.exited:
			return p.death()
		case <-time.After(time.Second):
			return err
		}
	}
	return nil
}

// Recv returns the next good frame. After the process's end the error says how it ended and what it wrote to standard
// error last.
func (p *Process) Recv() ([]byte, error) {
	f, err := p.Stream.Recv()
	if err == nil {
		return f, nil
	}
	// Standard output is at its end: the process has ended, or does not mean to answer any more.
	p.end()
	return nil, p.death()
}

// end waits for the process a second and then kills it.
func (p *Process) end() {
	p.closing.Do(func() {
		p.stdin.Close()
		timer := time.AfterFunc(time.Second, func() { p.cmd.Process.Kill() })
		p.err = p.cmd.Wait()
		timer.Stop()
		close(p.exited)
	})
	<-p.exited
}

func (p *Process) death() error {
	how := "ended"
	if p.err != nil {
		how = "ended: " + p.err.Error()
	}
	if said := p.stderr.String(); said != "" {
		how += "; it wrote\n" + said
	}
	return errors.New(filepath.Base(p.cmd.Path) + " " + how)
}

// Close ends the process: it closes its standard input, waits a second and then kills it.
func (p *Process) Close() error {
	p.end()
	return nil
}

// tail keeps the last bytes written to it.
type tail struct {
	max int
	mu  sync.Mutex
	b   []byte
	cut bool
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, b...)
	if over := len(t.b) - t.max; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
		t.cut = true
	}
	return len(b), nil
}

// String returns what was kept, from the first whole line on when the beginning is gone.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := string(t.b)
	if t.cut {
		if _, rest, ok := strings.Cut(s, "\n"); ok {
			s = rest
		}
	}
	return strings.TrimSpace(s)
}
