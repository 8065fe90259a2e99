package manifest

import "github.com/nmc-fpga/nmc/firmware/device"

// Place returns the row and column of the logical element from input in to output out; the bias is the last input.
func (t *Tensor) Place(out, in int) (row, col int) {
	if t.LaneAxis == "in" {
		return out, in
	}
	return in, out
}

// Shape returns the logical shape: outputs, and inputs with the bias.
func (t *Tensor) Shape() (out, in int) {
	if t.LaneAxis == "in" {
		return t.Rows, t.Cols
	}
	return t.Cols, t.Rows
}

// Address is the halfword address of element (row, col) in the tensor's space.
func (t *Tensor) Address(lanes, row, col int) uint32 {
	return uint32((t.Base+row*t.RowStride)*lanes + col)
}

// Read returns the elements of a tensor in logical order, out·inputs + in.
func (t *Tensor) Read(mem device.Memory, lanes int) ([]int16, error) {
	words, err := mem.Read(t.Space, t.Address(lanes, 0, 0), ((t.Rows-1)*t.RowStride)*lanes+t.Cols)
	if err != nil {
		return nil, err
	}
	outs, ins := t.Shape()
	v := make([]int16, outs*ins)
	for out := range outs {
		for in := range ins {
			row, col := t.Place(out, in)
			v[out*ins+in] = int16(words[row*t.RowStride*lanes+col])
		}
	}
	return v, nil
}

// Words lays logical elements out as the halfwords of the tensor's memory from Address(lanes, 0, 0) on; padding is 0.
func (t *Tensor) Words(v []int16, lanes int) []uint16 {
	words := make([]uint16, t.Rows*t.RowStride*lanes)
	outs, ins := t.Shape()
	for out := range outs {
		for in := range ins {
			row, col := t.Place(out, in)
			words[row*t.RowStride*lanes+col] = uint16(v[out*ins+in])
		}
	}
	return words
}
