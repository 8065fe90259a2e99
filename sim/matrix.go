package sim

// matrix executes a matrix instruction.
func (m *Machine) matrix(in *instruction, w *walk) { m.referenceMatrix(in, w) }
