package build

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// An Event says what is under way.
type Event struct {
	Stage string // "synthesis", "place and route, seed 1", …
	Tool  string
	Step  string // what the tool does; "" until it says
}

// A Failure is a tool that ended with an error.
type Failure struct {
	Tool string
	Err  error
	Said string // its complaint
	Log  string // file
}

func (f *Failure) Error() string {
	return fmt.Sprintf("%s: %v: %s; all that it said is in %s", f.Tool, f.Err, f.Said, f.Log)
}

// steps are the lines by which tools say what they do.
var steps = regexp.MustCompile(`^(?:\d+(?:\.\d+)*\. (Executing .*?)(?: \(.*)?\.?|Info: (Packing .*|Placing .*|Running .*|Routing.*|Creating .*|at iteration .*|\s+at iteration .*|\s+\d+ \|.*))$`)

// run runs a tool in a folder. All output goes to the file log in it; what the tool says it does goes to progress.
func (j *Job) run(ctx context.Context, dir, log, stage, path string, args ...string) error {
	return j.follow(ctx, func(string) {}, dir, log, stage, path, args...)
}

// follow is run, with line called for each line that the tool says.
func (j *Job) follow(ctx context.Context, line func(string), dir, log, stage, path string, args ...string) error {
	name := filepath.Base(path)
	file, err := os.Create(filepath.Join(dir, log))
	if err != nil {
		return err
	}
	defer file.Close()
	event := Event{Stage: stage, Tool: name}
	j.progress(event)
	cmd := exec.CommandContext(ctx, path, args...)
	group(cmd)
	cmd.WaitDelay = 5 * time.Second
	cmd.Dir = dir
	r, w := io.Pipe()
	cmd.Stdout, cmd.Stderr = w, w
	done := make(chan string)
	go func() {
		complaint := ""
		lines := bufio.NewScanner(io.TeeReader(r, file))
		lines.Buffer(nil, 1<<24)
		for lines.Scan() {
			t := lines.Text()
			line(t)
			if strings.HasPrefix(t, "ERROR") && complaint == "" {
				complaint = strings.TrimSpace(strings.TrimPrefix(t, "ERROR:"))
			}
			if m := steps.FindStringSubmatch(t); m != nil {
				event.Step = strings.TrimSpace(m[1] + m[2])
				j.progress(event)
			}
		}
		io.Copy(file, r) // a line that is too long ends the scanner, not the tool
		done <- complaint
	}()
	err = cmd.Run()
	w.Close()
	complaint := <-done
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		if complaint == "" {
			complaint = "no reason given"
		}
		return &Failure{Tool: name, Err: err, Said: complaint, Log: filepath.Join(dir, log)}
	}
	return nil
}
