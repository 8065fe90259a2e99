package build

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// forever is a router that gets down to one conflict and then goes round for ever, as a real one was seen to do, with every seed but
// the third. It has a child, and writes its number into $CHILD.
var forever = `for a; do [ "$last" = --seed ] && seed=$a; last=$a; done
if [ $seed != 3 ]; then
  sleep 600 & echo $! >"$CHILD.new"; mv "$CHILD.new" "$CHILD"
  echo "Info: Running router2..."
  echo "Info: Running main router loop..."
  echo "Info:     iter=1 wires=466696 overused=9 overuse=12 archfail=NA"
  n=1
  while :; do n=$((n + 1)); echo "Info:     iter=$n wires=466696 overused=1 overuse=1 archfail=NA"; done
fi
` + strings.Replace(router, "10 + 7", "11 + 7", 1)

// patient is a job for an ECP5 with the router, and the file with the number of its child.
func patient(t *testing.T, script string, seeds int) (j *Job, dir, child string) {
	t.Helper()
	dir = standIns(t, map[string]string{"yosys": yosys, "nextpnr-ecp5": script, "ecppack": packer})
	child = filepath.Join(dir, "child")
	t.Setenv("CHILD", child)
	j = job(t, "ulx3s-85f", seeds)
	j.Board.Clock.CoreHz = 25_000_000 // what the third seed reaches
	return j, dir, child
}

// gone waits until the process whose number is in the file is no more.
func gone(t *testing.T, file string) {
	t.Helper()
	pid, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if exec.Command("kill", "-0", strings.TrimSpace(string(pid))).Run() != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %s, a child of the router, is still there", pid)
}

// A router that gets no nearer is ended with its children; the next seed follows, and the verdict is kept like any other result.
func TestStuck(t *testing.T) {
	j, dir, child := patient(t, forever, 5)
	var said []string
	j.Progress = func(e Event) { said = append(said, e.Stage) }
	res, err := j.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const why = "its router went round 102 times, the last 100 in vain (least conflicts: 1)"
	want := []Try{{Seed: 1, Stuck: why}, {Seed: 2, Stuck: why}, {Seed: 3, MHz: 25, Met: true}}
	if got := res.Report.Seeds; len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] || res.Report.Seed != 3 {
		t.Errorf("%+v", res.Report.Seeds)
	}
	if all := strings.Join(said, "\n"); !strings.Contains(all, "\nseed 1 is given up: "+why+"\n") {
		t.Errorf("said\n%s", all)
	}
	var text strings.Builder
	res.Report.Text(&text)
	if line := "(seed 3 of 1: stuck, 2: stuck, 3: 25.00)"; !strings.Contains(text.String(), line) {
		t.Errorf("no %q in\n%s", line, text.String())
	}
	gone(t, child)
	if _, err := j.Run(t.Context()); err != nil || len(calls(t, dir, "nextpnr-ecp5")) != 3 {
		t.Errorf("again: %v, the router ran %d times", err, len(calls(t, dir, "nextpnr-ecp5")))
	}
}

// Where no seed ends, the finding says what happened, what to do and where the log is.
func TestAllStuck(t *testing.T) {
	j, _, _ := patient(t, forever, 2)
	j.Board.Clock.CoreHz = 62_500_000
	_, err := j.Run(t.Context())
	var s *Stuck
	if !errors.As(err, &s) {
		t.Fatalf("%v", err)
	}
	want := "ulx3s-85f: place and route on the ECP5-85F does not end: seed 1: its router went round 102 times, the last 100 in vain (least conflicts: 1); " +
		"seed 2: its router went round 102 times, the last 100 in vain (least conflicts: 1); " +
		"seed 1: its router went round 102 times, the last 100 in vain (least conflicts: 1); " + // without hurry
		"take others with --seed 3, wait longer with --patience, or take fewer lanes; all that it said is in "
	if !strings.HasPrefix(err.Error(), want) {
		t.Errorf("said\n%v\nwant\n%s", err, want)
	}
	if log, err := os.ReadFile(s.Log); err != nil || !strings.Contains(string(log), "iter=102 ") {
		t.Errorf("log: %v", err)
	}
}

// A clock that cannot be met has no end where slow wires are routed anew: then the seed is routed without that, for its slowest path.
func TestTooSlow(t *testing.T) {
	j, dir, _ := patient(t, `case $* in *--tmg-ripup)
  n=1
  while :; do n=$((n + 1)); echo "Info:     iter=$n wires=466696 overused=0 overuse=0 tmgfail=21 archfail=NA"; done
esac
`+router, 2)
	j.Board.Clock.CoreHz = 62_500_000
	_, err := j.Run(t.Context())
	var m *Missed
	if !errors.As(err, &m) || m.Report.Seed != 1 || len(m.Report.Path) == 0 {
		t.Fatalf("%v", err)
	}
	const why = "its router went round 101 times, the last 100 in vain (least wires too slow: 21)"
	if got := m.Report.Seeds; len(got) != 3 || got[0] != (Try{Seed: 1, Stuck: why}) || got[1] != (Try{Seed: 2, Stuck: why}) || got[2].MHz == 0 {
		t.Errorf("%+v", got)
	}
	if got := calls(t, dir, "nextpnr-ecp5"); len(got) != 3 || strings.Contains(got[2], "--tmg-ripup") {
		t.Errorf("%q", got)
	}
}

// A router that says nothing is ended for time. That is not kept: the next time the machine may have more of it.
func TestImpatient(t *testing.T) {
	j, dir, _ := patient(t, `for a; do [ "$last" = --seed ] && seed=$a; last=$a; done
[ $seed != 1 ] || { echo "Info: Routing.."; sleep 600; }
`+strings.ReplaceAll(router, "10 + 7", "20 + 7"), 5)
	j.Progress = func(e Event) {
		if strings.HasPrefix(e.Stage, "seed 1 is given up") {
			j.Patience = time.Minute // however busy this machine is
		}
	}
	for n := 1; n <= 2; n++ {
		j.Patience = 500 * time.Millisecond
		res, err := j.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := res.Report.Seeds; len(got) != 2 || got[0] != (Try{Seed: 1, Stuck: "it got no nearer for 500ms"}) || !got[1].Met {
			t.Errorf("%+v", got)
		}
		if got := len(calls(t, dir, "nextpnr-ecp5")); got != 1+n {
			t.Errorf("the router ran %d times", got)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "nmc", "boards", "work-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Ctrl-C ends a router that goes round, and no further seed is tried.
func TestInterruptedRouter(t *testing.T) {
	slow := strings.Replace(forever, "while :; do", "while sleep 0.1; do", 1)
	j, dir, child := patient(t, slow, 5)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for range 500 {
			if _, err := os.Stat(child); err == nil {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	if _, err := j.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if got := calls(t, dir, "nextpnr-ecp5"); len(got) != 1 {
		t.Errorf("the router ran %d times", len(got))
	}
	gone(t, child)
}

// What counts as nearer: fewer conflicts than ever, in each of the routers that follow one another, and any step that is no round.
func TestWatch(t *testing.T) {
	const (
		two = "Info:     iter=%d wires=1 overused=1 overuse=%d archfail=NA"
		one = "Info:       1000 |       85        914 |   85   914 |     %d|       0.37       0.37|"
	)
	repeat := func(line string, n int) []string { return strings.Split(strings.Repeat(line+"\n", n-1)+line, "\n") }
	round := func(left string) string {
		return strings.NewReplacer("%d archfail", left+" archfail", "iter=%d", "iter=7", "%d|", left+"|").Replace(two)
	}
	slow := func(left string) string {
		return strings.Replace(round("0"), "archfail", "tmgfail="+left+" archfail", 1)
	}
	arcs := func(left string) string { return strings.Replace(one, "%d", left, 1) }
	for _, tt := range []struct {
		name  string
		lines [][]string
		stuck bool
	}{
		{"99 in vain", [][]string{{round("1")}, repeat(round("1"), 99)}, false},
		{"100 in vain", [][]string{{round("1")}, repeat(round("1"), 100)}, true},
		{"up and down", [][]string{{round("5")}, repeat(round("9"), 50), repeat(round("6"), 50)}, true},
		{"one fewer between", [][]string{{round("5")}, repeat(round("5"), 99), {round("4")}, repeat(round("4"), 99)}, false},
		{"the next router", [][]string{{round("0")}, repeat(round("0"), 99), {"Info: Running router1..."}, {arcs("900")}, repeat(arcs("900"), 99)}, false},
		{"fewer that are slow", [][]string{{slow("9")}, repeat(slow("9"), 99), {slow("8")}, repeat(slow("8"), 99)}, false},
		{"as many that are slow", [][]string{{slow("9")}, repeat(slow("9"), 100)}, true},
		{"the older router", [][]string{{arcs("900")}, repeat(arcs("900"), 100)}, true},
	} {
		ctx, line, stop := watched(t.Context(), time.Hour)
		for _, some := range tt.lines {
			for _, l := range some {
				line(l)
			}
		}
		if stuck := ctx.Err() != nil; stuck != tt.stuck {
			t.Errorf("%s: stuck: %v", tt.name, stuck)
		}
		stop()
	}
}
