package clock

import (
	"testing"
	"time"
)

func TestSleep(t *testing.T) {
	began := time.Now()
	before := Monotonic()
	Sleep(2 * time.Millisecond)
	after := Monotonic()
	took := time.Since(began)
	if slept := after - before; slept < 2*time.Millisecond || slept > took {
		t.Errorf("slept %v by this clock, %v by Go's", slept, took)
	}
	SleepUntil(before) // in the past: returns at once
}
