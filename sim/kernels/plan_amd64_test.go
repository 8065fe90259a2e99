package kernels

import "testing"

// The assembly must serve the usual magnitudes of training, or the simulator is slow without anybody noticing.
func TestUsualUpdatesAreFast(t *testing.T) {
	for _, c := range []struct {
		name  string
		shift uint
		rate  int32
		v, s  int16
		want  bool
	}{
		{"pixels, 13-bit deltas, 15-bit rate", 30, 32767, 4095, 255, true},
		{"small shift", 20, 300, 1024, 255, true},
		{"hidden units", 36, 32767, 8191, 8191, true},
		{"everything extreme, shift 32", 32, 32767, 32767, 32767, true},
		{"delta beyond 16 bits", 16, 1024, 1024, 32767, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := &Update{N: 1, Rate: c.rate, V: []int16{c.v}, Shift: c.shift}
			prepare(u, []int16{c.s})
			if u.plan.fast != c.want {
				t.Errorf("fast %v, want %v", u.plan.fast, c.want)
			}
		})
	}
}
