package sim

import "testing"

// TestHostileSchedules plays schedules in which somebody behind the switch says that he is the
// querier: no invariant breaks, whatever else happens.
func TestHostileSchedules(t *testing.T) {
	playAll(t, 1, 100, func(seed uint64) Options {
		opts := options(t, seed)
		opts.Hostile = true
		return opts
	}, new(traces))
}
