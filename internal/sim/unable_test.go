package sim

import "testing"

// TestUnableSchedules plays schedules in which a kernel keeps interfaces with carrier
// from working: without a link-local address, or without IPv6.
func TestUnableSchedules(t *testing.T) {
	playAll(t, 1, 200, func(seed uint64) Options {
		opts := options(t, seed)
		opts.Unable = true
		return opts
	}, new(traces))
}
