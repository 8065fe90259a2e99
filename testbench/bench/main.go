// Command bench compares online training of 784-1024-256-10 by backpropagation in the simulator with PyTorch at batch 1
// on this machine: it runs BenchmarkLearn and pytorch_batch1.py in turns and prints samples per second of the best batch
// of 20, which other work on the machine disturbs least, and of all of them.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// speed is samples per second.
type speed struct {
	All  float64 `json:"samples_per_second"`
	Best float64 `json:"best_samples_per_second"`
}

// raise keeps the better of two runs.
func (s *speed) raise(t speed) {
	s.All, s.Best = max(s.All, t.All), max(s.Best, t.Best)
}

// report is the JSON line: the peer in the usual way (autograd) and with every step written out (manual).
type report struct {
	Threads  int     `json:"threads"`
	Nmc      speed   `json:"nmc"`
	Peer     string  `json:"peer"`
	BLAS     string  `json:"blas"`
	Autograd speed   `json:"autograd"`
	Manual   speed   `json:"manual"`
	Times    float64 `json:"times_autograd"`
	Manually float64 `json:"times_manual"`
}

func main() {
	threads := flag.Int("threads", 1, "of either side")
	rounds := flag.Int("rounds", 2, "turns of either side")
	seconds := flag.Int("seconds", 4, "of each way in each turn")
	asJSON := flag.Bool("json", false, "print one JSON object as the last line")
	flag.Parse()
	if err := compare(*threads, *rounds, *seconds, *asJSON); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func compare(threads, rounds, seconds int, asJSON bool) error {
	out, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/nmc-fpga/nmc/testbench/bench").Output()
	if err != nil {
		return fmt.Errorf("go list: %w; run it inside the repository", err)
	}
	dir := strings.TrimSpace(string(out))
	script := filepath.Join(dir, "pytorch_batch1.py")
	if err := exec.Command(script, "--check").Run(); err != nil {
		fmt.Println("SKIP the peer: PyTorch is not installed; apt-get install python3-torch libopenblas0-pthread")
		rounds = 0
	}
	r := report{Threads: threads}
	for range max(rounds, 1) {
		s, err := ours(dir, threads, seconds)
		if err != nil {
			return err
		}
		r.Nmc.raise(s)
		if rounds == 0 {
			break
		}
		if err := theirs(script, threads, seconds, &r); err != nil {
			return err
		}
	}
	fmt.Printf("784-1024-256-10, one sample an update, %d threads      samples/s: best batch, all\n", threads)
	fmt.Printf("  nmc sim, 16-bit fixed point                  %9.0f %9.0f\n", r.Nmc.Best, r.Nmc.All)
	if rounds > 0 {
		r.Times, r.Manually = r.Nmc.Best/r.Autograd.Best, r.Nmc.Best/r.Manual.Best
		fmt.Printf("  %s, %s\n", r.Peer, r.BLAS)
		fmt.Printf("    autograd and an in-place update            %9.0f %9.0f   nmc is %.1f times as fast\n", r.Autograd.Best, r.Autograd.All, r.Times)
		fmt.Printf("    written out without autograd               %9.0f %9.0f   nmc is %.1f times as fast\n", r.Manual.Best, r.Manual.All, r.Manually)
	}
	if asJSON {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	return nil
}

// ours runs the Go benchmark.
func ours(dir string, threads, seconds int) (speed, error) {
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", fmt.Sprintf("^BenchmarkLearn$/^threads=%d$", threads), "-benchtime", fmt.Sprintf("%ds", seconds), ".")
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		return speed{}, fmt.Errorf("the benchmark: %w\n%s", err, out)
	}
	var s speed
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		f := strings.Fields(lines.Text())
		for i := 1; i < len(f); i++ {
			to := map[string]*float64{"samples/s": &s.All, "best-samples/s": &s.Best}[f[i]]
			if to == nil {
				continue
			}
			if *to, err = strconv.ParseFloat(f[i-1], 64); err != nil {
				return speed{}, fmt.Errorf("the benchmark printed %q: %w", lines.Text(), err)
			}
		}
	}
	if s.Best == 0 {
		return speed{}, fmt.Errorf("the benchmark has no case of %d threads:\n%s", threads, out)
	}
	return s, nil
}

// theirs runs the PyTorch script.
func theirs(script string, threads, seconds int, r *report) error {
	out, err := exec.Command(script, "--threads", strconv.Itoa(threads), "--seconds", strconv.Itoa(seconds)).Output()
	if err != nil {
		return fmt.Errorf("%s: %w", script, err)
	}
	var p struct {
		Peer, BLAS string
		Ways       struct{ Autograd, Manual speed }
	}
	if err := json.Unmarshal(out, &p); err != nil {
		return fmt.Errorf("%s printed %q: %w", script, out, err)
	}
	r.Peer, r.BLAS = p.Peer, p.BLAS
	r.Autograd.raise(p.Ways.Autograd)
	r.Manual.raise(p.Ways.Manual)
	return nil
}
