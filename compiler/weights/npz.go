package weights

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

var npyTypes = map[string]dtype{"<f2": float16, "<f4": float32s, "<f8": float64s, "<i2": int16s}

// npyHeader is the dictionary of a .npy file as NumPy writes it.
var npyHeader = regexp.MustCompile(`^\{'descr': '([^']*)', 'fortran_order': (False|True), 'shape': \(([0-9, ]*)\),? *\} *\n?$`)

// ReadNPZ reads a NumPy .npz archive: a zip of one .npy file an array. Element types f2, f4, f8 and i2, little-endian, rows or
// columns first, are known. Arrays come in the order of the archive, without ".npy" in their names.
func ReadNPZ(data []byte) ([]Tensor, error) {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("npz: %w; is the file cut short?", err)
	}
	var tensors []Tensor
	for _, f := range z.File {
		name, ok := strings.CutSuffix(f.Name, ".npy")
		if !ok {
			return nil, fmt.Errorf("npz: %q in the archive, expected arrays (.npy)", f.Name)
		}
		r, err := f.Open()
		if err != nil {
			return nil, fmt.Errorf("npz: array %q: %w", name, err)
		}
		t, err := readNPY(r)
		if closed := r.Close(); err == nil {
			err = closed
		}
		if err != nil {
			return nil, fmt.Errorf("npz: array %q: %w", name, err)
		}
		t.Name = name
		if err := t.finite(); err != nil {
			return nil, fmt.Errorf("npz: %w", err)
		}
		tensors = append(tensors, t)
	}
	return tensors, nil
}

// readNPY reads one array. It is written here because the files come from anywhere and must not be able to do harm.
func readNPY(r io.Reader) (Tensor, error) {
	var t Tensor
	h := make([]byte, 10)
	if _, err := io.ReadFull(r, h); err != nil {
		return t, cutShort(err)
	}
	if string(h[:6]) != "\x93NUMPY" {
		return t, fmt.Errorf("begins with %q, expected \"\\x93NUMPY\"", h[:6])
	}
	size := int(binary.LittleEndian.Uint16(h[8:]))
	switch h[6] {
	case 1:
	case 2, 3:
		var high [2]byte
		if _, err := io.ReadFull(r, high[:]); err != nil {
			return t, cutShort(err)
		}
		size |= int(binary.LittleEndian.Uint16(high[:])) << 16
	default:
		return t, fmt.Errorf("version %d of the format, expected 1 to 3", h[6])
	}
	if size > 1<<16 {
		return t, fmt.Errorf("header of %d bytes", size)
	}
	dict := make([]byte, size)
	if _, err := io.ReadFull(r, dict); err != nil {
		return t, cutShort(err)
	}
	m := npyHeader.FindSubmatch(dict)
	if m == nil {
		return t, fmt.Errorf("header %q, expected descr, fortran_order and shape", dict)
	}
	typ, ok := npyTypes[string(m[1])]
	if !ok {
		return t, fmt.Errorf("element type %q, expected <f2, <f4, <f8 or <i2", m[1])
	}
	t.Shape = []int{}
	for s := range strings.SplitSeq(string(m[3]), ",") {
		if s = strings.TrimSpace(s); s == "" {
			continue
		}
		d, err := strconv.Atoi(s)
		if err != nil {
			return t, fmt.Errorf("shape (%s): %w", m[3], err)
		}
		t.Shape = append(t.Shape, d)
	}
	n, err := elements(t.Shape)
	if err != nil {
		return t, err
	}
	// One byte more than expected shows whether the array ends; reading to the end also checks the zip's CRC.
	raw, err := io.ReadAll(io.LimitReader(r, int64(n*typ.size)+1))
	if err != nil {
		return t, cutShort(err)
	}
	if len(raw) != n*typ.size {
		return t, fmt.Errorf("%d bytes of data or more, shape %v takes %d", len(raw), t.Shape, n*typ.size)
	}
	t.Data = typ.decode(raw)
	if string(m[2]) == "True" {
		t.Data = rowsFirst(t.Data, t.Shape)
	}
	return t, nil
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("is cut short")
	}
	return err
}

// rowsFirst reorders data whose first index runs fastest.
func rowsFirst(data []float64, shape []int) []float64 {
	out := make([]float64, len(data))
	index := make([]int, len(shape))
	for _, v := range data {
		at := 0
		for i, d := range shape {
			at = at*d + index[i]
		}
		out[at] = v
		for i := range index {
			if index[i]++; index[i] < shape[i] {
				break
			}
			index[i] = 0
		}
	}
	return out
}

const (
	rawSuffix    = ".raw"
	formatSuffix = ".format"
)

// WriteNPZ writes layers as a NumPy archive that ReadNPZ and Match and PyTorch (through numpy.load) take: NAME.weight
// [out][in] and NAME.bias [out] as float32, in which every quantized value is exact. With raw also the integers, NAME.weight.raw
// and NAME.bias.raw, int16, and NAME.format: bits and fraction bits. The same layers give the same bytes.
func WriteNPZ(w io.Writer, layers []Quantized, raw bool) error {
	z := zip.NewWriter(w)
	for _, l := range layers {
		f := l.Layer()
		if err := f.check(); err != nil {
			return fmt.Errorf("npz: %w", err)
		}
		type array struct {
			name  string
			shape []int
			f     []float64
			i     []int16
		}
		matrix, vector := []int{l.Out, l.In}, []int{l.Out}
		arrays := []array{{".weight", matrix, f.Weight, nil}}
		if l.Bias != nil {
			arrays = append(arrays, array{".bias", vector, f.Bias, nil})
		}
		if raw {
			arrays = append(arrays, array{".weight" + rawSuffix, matrix, nil, l.Weight})
			if l.Bias != nil {
				arrays = append(arrays, array{".bias" + rawSuffix, vector, nil, l.Bias})
			}
			arrays = append(arrays, array{formatSuffix, []int{2}, nil, []int16{int16(l.Format.Bits), int16(l.Format.Frac)}})
		}
		for _, a := range arrays {
			out, err := z.Create(l.Name + a.name + ".npy")
			if err != nil {
				return fmt.Errorf("npz: %w", err)
			}
			data := npyPrefix(map[bool]string{true: "<f4", false: "<i2"}[a.i == nil], a.shape)
			for _, v := range a.f {
				data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(v)))
			}
			for _, v := range a.i {
				data = binary.LittleEndian.AppendUint16(data, uint16(v))
			}
			if _, err := out.Write(data); err != nil {
				return fmt.Errorf("npz: %w", err)
			}
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("npz: %w", err)
	}
	return nil
}

// npyPrefix is everything before the data, padded to a multiple of 64 bytes as NumPy does.
func npyPrefix(typ string, shape []int) []byte {
	var dims []string
	for _, d := range shape {
		dims = append(dims, strconv.Itoa(d))
	}
	if len(dims) == 1 {
		dims[0] += ","
	}
	dict := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", typ, strings.Join(dims, ", "))
	dict += strings.Repeat(" ", 63-(10+len(dict))%64) + "\n"
	b := append([]byte("\x93NUMPY"), 1, 0)
	return append(binary.LittleEndian.AppendUint16(b, uint16(len(dict))), dict...)
}
