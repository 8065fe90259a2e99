package main

import (
	"bytes"
	"testing"
	"time"
)

func TestProgressLine(t *testing.T) {
	at := time.Unix(1000, 0)
	for _, c := range []struct {
		first, total, n int
		after           time.Duration
		note, want      string
	}{
		{0, 60000, 3000, 10 * time.Second, "", "train: 3000 of 60000 samples, 300/s, 3m10s left"},
		// A resumed run is timed from where it began.
		{30000, 60000, 45000, 15 * time.Second, "", "train: 45000 of 60000 samples, 1000/s, 15s left"},
		{0, 100, 100, time.Second, "95.10% right", "train: 100 of 100 samples, 100/s, 95.10% right"},
		{0, 100, 0, time.Second, "", "train: 0 of 100 samples"},
		{0, 0, 512, time.Second, "", "train: 512 samples, 512/s"},
	} {
		p := &progress{label: "train", unit: "samples", total: c.total, first: c.first, start: at}
		if c.note != "" {
			p.describe(func() string { return c.note })
		}
		if got := p.line(c.n, at.Add(c.after)); got != c.want {
			t.Errorf("line(%d) from %d of %d after %v:\n got %q\nwant %q", c.n, c.first, c.total, c.after, got, c.want)
		}
	}
}

// Where there is no terminal, a line comes every few seconds and nothing else.
func TestProgressPlain(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, "train", "samples", 0, 10)
	p.set(1)
	if out.Len() > 0 {
		t.Errorf("a line before %v have passed: %q", lineEvery, out.String())
	}
	p.last = p.last.Add(-2 * lineEvery)
	p.set(2)
	p.set(3)
	p.done()
	if n := bytes.Count(out.Bytes(), []byte("\n")); n != 1 {
		t.Errorf("%d lines, want 1: %q", n, out.String())
	}
}
