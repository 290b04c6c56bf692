package sim

import "testing"

// TestHostileSchedules plays schedules with an attacker behind the switch that claims to
// be the querier. No invariant may be violated, whatever faults happen.
func TestHostileSchedules(t *testing.T) {
	playAll(t, 1, 100, func(seed uint64) Options {
		opts := options(t, seed)
		opts.Hostile = true
		return opts
	}, new(traces))
}
