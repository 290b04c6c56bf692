package clock

import (
	"testing"
	"time"
)

func TestSleep(t *testing.T) {
	before, began := Monotonic(), time.Now()
	Sleep(2 * time.Millisecond)
	after, took := Monotonic(), time.Since(began)
	if slept := after - before; slept < 2*time.Millisecond || slept > took+time.Millisecond {
		t.Errorf("slept %v by this clock, %v by Go's", slept, took)
	}
	SleepUntil(before) // over already
}
