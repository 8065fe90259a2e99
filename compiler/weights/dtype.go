package weights

import (
	"encoding/binary"
	"math"
)

// dtype is an element type: its size in bytes and its value, little-endian.
type dtype struct {
	size  int
	value func(b []byte) float64
}

var (
	float16  = dtype{2, func(b []byte) float64 { return halfValue(binary.LittleEndian.Uint16(b)) }}
	bfloat16 = dtype{2, func(b []byte) float64 {
		return float64(math.Float32frombits(uint32(binary.LittleEndian.Uint16(b)) << 16))
	}}
	float32s = dtype{4, func(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) }}
	float64s = dtype{8, func(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }}
	int16s   = dtype{2, func(b []byte) float64 { return float64(int16(binary.LittleEndian.Uint16(b))) }}
)

// decode returns all elements of b, whose length is a multiple of the size.
func (d dtype) decode(b []byte) []float64 {
	v := make([]float64, len(b)/d.size)
	for i := range v {
		v[i] = d.value(b[i*d.size:])
	}
	return v
}

// halfValue is the value of an IEEE 754 binary16.
func halfValue(b uint16) float64 {
	exp, frac := int(b>>10&31), float64(b&1023)
	v := 0.0
	switch exp {
	case 0:
		v = math.Ldexp(frac, -24)
	case 31:
		v = math.Inf(1)
		if frac != 0 {
			v = math.NaN()
		}
	default:
		v = math.Ldexp(1024+frac, exp-25)
	}
	if b>>15 != 0 {
		v = -v
	}
	return v
}
