package main

import (
	"encoding/json"
	"fmt"
	"io"
)

// app is what the verbs share: where output goes and in which form.
type app struct {
	stdout, stderr io.Writer
	json           bool // --json
	answer         any  // the object that --json prints
}

// say writes human text to standard output; nothing with --json.
func (a *app) say(format string, args ...any) {
	if !a.json {
		fmt.Fprintf(a.stdout, format, args...)
	}
}

// note writes a line of progress or advice to standard error.
func (a *app) note(format string, args ...any) {
	fmt.Fprintf(a.stderr, format, args...)
}

// flush prints the JSON object of the command: its answer, or what went wrong when it has none.
func (a *app) flush(err error, code int) {
	if !a.json {
		return
	}
	answer := a.answer
	if answer == nil {
		if err == nil {
			answer = struct{}{}
		} else {
			answer = struct {
				Error  string `json:"error"`
				Status int    `json:"status"`
			}{err.Error(), code}
		}
	}
	b, err := json.Marshal(answer)
	if err != nil {
		panic(err) // answers are plain data
	}
	fmt.Fprintf(a.stdout, "%s\n", b)
}
