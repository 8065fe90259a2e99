package sim

// Reopen drops outstanding results and numbers the commits from 1 again, as a new session with a device does. Memories
// and registers keep their contents.
func (m *Machine) Reopen() error {
	m.last = 0
	m.results = m.results[:0]
	return nil
}
