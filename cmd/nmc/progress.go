package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// The time between two progress lines where there is no terminal, and between two states of the bar where there is one.
const (
	lineEvery = 5 * time.Second
	barEvery  = 100 * time.Millisecond
)

// progress shows how far a long run is: a bar with rate and time left on a terminal, a plain line every few seconds
// elsewhere.
type progress struct {
	w     io.Writer
	label string
	unit  string
	total int // 0: unknown
	start time.Time
	first int // where the run began (a resumed run does not begin at 0)
	last  time.Time
	note  func() string
	bar   *progressbar.ProgressBar
}

// newProgress starts at unit first of total.
func newProgress(w io.Writer, label, unit string, first, total int) *progress {
	p := &progress{w: w, label: label, unit: unit, total: total, first: first, start: time.Now(), last: time.Now()}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		length := total
		if length == 0 {
			length = -1 // a spinner
		}
		p.bar = progressbar.NewOptions(length,
			progressbar.OptionSetWriter(w),
			progressbar.OptionSetDescription(label),
			progressbar.OptionShowCount(),
			progressbar.OptionShowIts(),
			progressbar.OptionSetItsString(unit),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionFullWidth(),
			progressbar.OptionClearOnFinish(),
		)
		_ = p.bar.Set(first)
	}
	return p
}

// set says that n units are done.
func (p *progress) set(n int) {
	now := time.Now()
	if p.bar != nil {
		if now.Sub(p.last) < barEvery && n < p.total {
			return
		}
		p.last = now
		if p.note != nil {
			p.bar.Describe(p.label + ", " + p.note())
		}
		_ = p.bar.Set(n) // a terminal that went away is no reason to stop learning
		return
	}
	if now.Sub(p.last) < lineEvery {
		return
	}
	p.last = now
	fmt.Fprintln(p.w, p.line(n, now))
}

// line is the plain form.
func (p *progress) line(n int, now time.Time) string {
	s := fmt.Sprintf("%s: %d %s", p.label, n, p.unit)
	if p.total == 0 && n == 0 { // a tool that does not tell how far it is
		return p.label + ": under way"
	}
	if p.total > 0 {
		s = fmt.Sprintf("%s: %d of %d %s", p.label, n, p.total, p.unit)
	}
	if rate := float64(n-p.first) / now.Sub(p.start).Seconds(); rate > 0 {
		s += fmt.Sprintf(", %.0f/s", rate)
		if p.total > n {
			left := time.Duration(float64(p.total-n) / rate * float64(time.Second))
			s += fmt.Sprintf(", %v left", left.Round(time.Second))
		}
	}
	if p.note != nil {
		s += ", " + p.note()
	}
	return s
}

// describe adds a short text, such as the accuracy so far; it is asked for only when something is printed.
func (p *progress) describe(note func() string) { p.note = note }

// pause makes room for a line of output.
func (p *progress) pause() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}

// done removes the bar.
func (p *progress) done() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
