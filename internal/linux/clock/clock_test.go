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

// TestWorked: who waits has no processor, and who computes has.
func TestWorked(t *testing.T) {
	if worked := Worked(func() { Sleep(50 * time.Millisecond) }); worked > 25*time.Millisecond {
		t.Errorf("a thread that slept worked for %v", worked)
	}
	if worked := Worked(func() {
		for began := processor(); processor()-began < time.Millisecond; {
		}
	}); worked < time.Millisecond {
		t.Errorf("a thread that computed for 1 ms worked for %v", worked)
	}
}
