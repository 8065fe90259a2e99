package sim

import (
	"sync/atomic"
	"testing"
	"time"
)

func TestPoolRunsEveryPartOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 5} {
		p := newPool(threads)
		for round := range 300 {
			parts := 1 + round%9
			var calls [9]atomic.Int32
			p.run(parts, func(part int) { calls[part].Add(1) })
			for i := range calls {
				want := int32(0)
				if i < parts {
					want = 1
				}
				if got := calls[i].Load(); got != want {
					t.Fatalf("%d threads, round %d: part %d of %d ran %d times", threads, round, i, parts, got)
				}
			}
			if round%100 == 99 {
				time.Sleep(3 * spin) // the workers fall asleep
			}
		}
		p.close()
	}
}
