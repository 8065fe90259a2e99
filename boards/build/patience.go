package build

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A router goes round until no two wires want one place. It may do so for ever, with one such place left, so that a seed is given up
// once it gets no nearer. Routers are deterministic: the same rounds come again, the same time need not.
const (
	// Patience is how long place and route may get no nearer to its end, if a Job does not say.
	Patience = 30 * time.Minute
	// rounds is how often in turn a router may go round and end with as many conflicts as before. Those that end have needed nine.
	rounds = 100
)

// round matches the line of a router's log about one round: router2 has overuse and wires that are too slow, router1 of every thousand
// arcs those that remain.
var round = regexp.MustCompile(`^Info:\s+(?:iter=\d+ .*\boveruse=(\d+)(?: tmgfail=(\d+))?|\d+ \|\s+\d+\s+\d+ \|\s+\d+\s+\d+ \|\s+(\d+)\|)`)

// starts is how a log names the next of its stages.
const starts = "Info: Running "

// A stall is why a seed was given up.
type stall struct {
	why  string
	sure bool // it would come again
}

func (s *stall) Error() string { return s.why }

// watch reads the log of place and route and ends it when it gets no nearer.
type watch struct {
	patience time.Duration
	end      context.CancelCauseFunc
	timer    *time.Timer
	least    int  // conflicts and slow wires, after the best round of this router; -1 before the first
	slow     bool // after that round slow wires were all that was left
	rounds   int  // all of them
	vain     int  // in turn, without fewer conflicts
}

// watched returns a context that ends with a *stall as its cause, and what gives it the lines of the log. stop must be called.
func watched(ctx context.Context, patience time.Duration) (c context.Context, line func(string), stop func()) {
	c, end := context.WithCancelCause(ctx)
	w := &watch{patience: patience, end: end, least: -1}
	w.timer = time.AfterFunc(patience, func() { end(&stall{why: fmt.Sprintf("it got no nearer for %v", patience)}) })
	return c, w.line, func() { w.timer.Stop(); end(nil) }
}

// line reads a line of the log.
func (w *watch) line(text string) {
	m := round.FindStringSubmatch(text)
	if m == nil {
		if strings.HasPrefix(text, starts) {
			w.least, w.rounds, w.vain = -1, 0, 0
		}
		w.timer.Reset(w.patience)
		return
	}
	w.rounds++
	conflicts, err := strconv.Atoi(m[1] + m[3])
	slow, serr := strconv.Atoi(cmp.Or(m[2], "0"))
	if err != nil || serr != nil {
		return // no number that a router could print
	}
	left := conflicts + slow
	if w.least < 0 || left < w.least {
		w.least, w.slow, w.vain = left, conflicts == 0 && slow != 0, 0
		w.timer.Reset(w.patience)
		return
	}
	if w.vain++; w.vain == rounds {
		of := "conflicts"
		if w.slow {
			of = "wires too slow"
		}
		w.end(&stall{why: fmt.Sprintf("its router went round %d times, the last %d in vain (least %s: %d)", w.rounds, w.vain, of, w.least), sure: true})
	}
}
