package lab

import (
	"errors"
	"testing"
	"time"
)

// TestJudge: if the machine stood still, a bad result is not a failure.
func TestJudge(t *testing.T) {
	trial := trial{limit: 20 * time.Millisecond}
	for _, c := range []struct {
		gap, still time.Duration
		problem    error
		want       string
	}{
		{0, 0, nil, "ok"},
		{20 * time.Millisecond, time.Millisecond, nil, "ok"},
		{25 * time.Millisecond, time.Millisecond, nil, "NOT OK"},
		{25 * time.Millisecond, 8 * time.Millisecond, nil, "inconclusive"},
		{40 * time.Millisecond, 15 * time.Millisecond, nil, "NOT OK"},
		{0, 30 * time.Millisecond, nil, "inconclusive"}, // happened once: no gap and no loss, but reported as a failure
		{0, 30 * time.Millisecond, errors.New("not whole"), "NOT OK"},
	} {
		var r result
		trial.judge(&r, c.gap, c.still, c.problem)
		if r.verdict() != c.want || (r.note == "") != (c.want == "ok" || c.want == "NOT OK" && c.problem == nil) {
			t.Errorf("gap %v, source still for %v, %v: %s (%s), want %s", c.gap, c.still, c.problem, r.verdict(), r.note, c.want)
		}
	}
}

func TestOutcome(t *testing.T) {
	ok, unproved, failed := result{OK: true}, result{Inconclusive: true}, result{}
	var status exitStatus
	if err := outcome([]result{ok, ok}); err != nil {
		t.Error(err)
	}
	if err := outcome([]result{ok, unproved}); !errors.As(err, &status) || status != exitInconclusive {
		t.Errorf("inconclusive: %v", err)
	}
	if err := outcome([]result{failed, unproved}); err == nil || errors.As(err, &status) {
		t.Errorf("failed: %v", err)
	}
}
