package weights

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// maxHeader is the format's own limit of the header.
const maxHeader = 100_000_000

var safetensorsTypes = map[string]dtype{"F16": float16, "BF16": bfloat16, "F32": float32s, "F64": float64s}

// ReadSafetensors reads a safetensors file: 8 bytes length of the header, little-endian; the header, JSON from names to
// dtype, shape and data_offsets; the data, row-major. dtypes F16, BF16, F32 and F64 are known. As the format demands,
// the tensors must cover the data without holes or overlaps. Tensors come in the order of their data.
func ReadSafetensors(data []byte) ([]Tensor, error) {
	if len(data) < 8 {
		return nil, fmt.Errorf("safetensors: file of %d bytes, the length of the header alone takes 8", len(data))
	}
	n, body := binary.LittleEndian.Uint64(data), data[8:]
	if n > maxHeader || n > uint64(len(body)) {
		return nil, fmt.Errorf("safetensors: header of %d bytes in a file with %d after its length; is it a safetensors file?", n, len(body))
	}
	entries, err := parseHeader(body[:n])
	if err != nil {
		return nil, fmt.Errorf("safetensors: header: %w", err)
	}
	body = body[n:]
	var tensors []Tensor
	end := uint64(0)
	for _, e := range entries {
		if e.from != end {
			return nil, fmt.Errorf("safetensors: tensor %q begins at byte %d of the data, expected %d", e.name, e.from, end)
		}
		if end = e.to; end > uint64(len(body)) {
			return nil, fmt.Errorf("safetensors: tensor %q ends at byte %d, the data has %d; is the file cut short?", e.name, end, len(body))
		}
		t := Tensor{e.name, e.shape, e.dtype.decode(body[e.from:e.to])}
		if err := t.finite(); err != nil {
			return nil, fmt.Errorf("safetensors: %w", err)
		}
		tensors = append(tensors, t)
	}
	if end != uint64(len(body)) {
		return nil, fmt.Errorf("safetensors: %d bytes of data, the header has tensors for %d", len(body), end)
	}
	return tensors, nil
}

// entry is one tensor of the header; to-from is the number of bytes that its shape takes.
type entry struct {
	name     string
	dtype    dtype
	shape    []int
	from, to uint64
}

// parseHeader reads the header and returns its tensors in the order of their data.
func parseHeader(header []byte) ([]entry, error) {
	d := json.NewDecoder(bytes.NewReader(header))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("expected a JSON object")
	}
	var entries []entry
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		name := t.(string) // the decoder allows nothing else as a key
		if seen[name] {
			return nil, fmt.Errorf("tensor %q is there twice", name)
		}
		seen[name] = true
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return nil, err
		}
		if name == "__metadata__" {
			if err := json.Unmarshal(raw, new(map[string]string)); err != nil {
				return nil, fmt.Errorf("__metadata__: %w", err)
			}
			continue
		}
		e, err := parseEntry(name, raw)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		entries = append(entries, e)
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF { // blanks may pad it
		return nil, errors.New("something follows the JSON object")
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		if a.from != b.from {
			return int(min(max(int64(a.from)-int64(b.from), -1), 1))
		}
		return int(min(max(int64(a.to)-int64(b.to), -1), 1)) // empty ones first
	})
	return entries, nil
}

func parseEntry(name string, raw json.RawMessage) (entry, error) {
	var h struct {
		Dtype   *string  `json:"dtype"`
		Shape   []int    `json:"shape"`
		Offsets []uint64 `json:"data_offsets"`
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&h); err != nil {
		return entry{}, err
	}
	if h.Dtype == nil || h.Shape == nil || len(h.Offsets) != 2 {
		return entry{}, errors.New("expected dtype, shape and two data_offsets")
	}
	t, ok := safetensorsTypes[*h.Dtype]
	if !ok {
		return entry{}, fmt.Errorf("dtype %q, expected F16, BF16, F32 or F64", *h.Dtype)
	}
	n, err := elements(h.Shape)
	if err != nil {
		return entry{}, err
	}
	from, to := h.Offsets[0], h.Offsets[1]
	const limit = 1 << 62 // differences and comparisons stay exact
	if to < from || to > limit || to-from != uint64(n*t.size) {
		return entry{}, fmt.Errorf("data_offsets %v, shape %v of %s takes %d bytes", h.Offsets, h.Shape, *h.Dtype, n*t.size)
	}
	return entry{name, t, h.Shape, from, to}, nil
}
