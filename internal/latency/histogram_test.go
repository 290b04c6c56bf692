package latency

import (
	"testing"
	"time"
)

func TestObserve(t *testing.T) {
	var h Histogram
	h.Observe(0, 1)
	h.Observe(10*time.Microsecond, 2) // a value equal to a bound belongs to the bucket of that bound
	h.Observe(time.Millisecond+1, 3)
	h.Observe(time.Hour, 1)
	want := map[int]uint64{0: 3, 7: 3, len(Bounds): 1}
	for i, n := range h.Counts {
		if n != want[i] {
			t.Errorf("bucket %d holds %d, want %d", i, n, want[i])
		}
	}
	if h.Count() != 7 || h.Sum != time.Hour+3*time.Millisecond+3+20*time.Microsecond {
		t.Errorf("%d in %v", h.Count(), h.Sum)
	}
}
