package nmc

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"regexp"
)

var include = regexp.MustCompile("(?m)^[ \t]*`include \"([^\"]+)\".*$")

// Bundle returns one source text that any tool takes: the modules with their headers in place, then top.
func Bundle(top []byte) ([]byte, error) {
	names, err := fs.Glob(HDL, "rtl/*.v")
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, name := range names {
		text, err := fs.ReadFile(HDL, name)
		if err != nil {
			return nil, err
		}
		var missing error
		text = include.ReplaceAllFunc(text, func(line []byte) []byte {
			header := path.Base(string(include.FindSubmatch(line)[1]))
			h, err := fs.ReadFile(HDL, path.Join("gen", header))
			if err != nil {
				missing = fmt.Errorf("%s includes %s, which is not in hdl/gen", name, header)
			}
			return bytes.TrimRight(h, "\n")
		})
		if missing != nil {
			return nil, missing
		}
		b.Write(text)
		b.WriteByte('\n')
	}
	b.Write(top)
	return b.Bytes(), nil
}
