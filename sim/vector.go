package sim

// vector executes a vector instruction.
func (m *Machine) vector(in *instruction, p *pass) { m.referenceVector(in, p) }
