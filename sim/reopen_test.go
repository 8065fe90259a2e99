package sim

import (
	"testing"

	"github.com/nmc-fpga/nmc/firmware/device"
	"github.com/nmc-fpga/nmc/firmware/isa"
)

func TestReopenNumbersFromOne(t *testing.T) {
	m, err := New(device.Config{Lanes: 4, WeightDepth: 4, VectorDepth: 4, ProgramDepth: 8, TableDepth: 1})
	if err != nil {
		t.Fatal(err)
	}
	var halts []uint16
	for range 8 {
		for _, w := range (isa.Word{isa.Halt}) {
			halts = append(halts, uint16(w), uint16(w>>16))
		}
	}
	if err := m.Write(device.Program, 0, halts); err != nil {
		t.Fatal(err)
	}
	for round := range 2 {
		for want := uint64(1); want <= 2; want++ {
			if err := m.Submit(device.Run{Entry: device.Learn}); err != nil {
				t.Fatal(err)
			}
			if want == 2 && round == 0 {
				break // outstanding when the session ends
			}
			if r, err := m.Result(); err != nil || r.N != want {
				t.Errorf("round %d: commit %d, %v, want %d", round, r.N, err, want)
			}
		}
		if err := m.Reopen(); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Result(); err == nil {
			t.Error("a result survived the session")
		}
	}
}
