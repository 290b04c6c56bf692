package kernel

import (
	"time"

	"tandem/internal/linux/arrivals"
	"tandem/internal/linux/clock"
	"tandem/internal/linux/mroute"
)

// countingTable observes streams by the counters of the forwarding table, if BPF cannot be
// used. Each look at a stream takes a system call. The time of a packet is known only as
// precisely as the interval between two looks.
type countingTable struct {
	table *mroute.Table
	known []counted // the streams, by slot
	free  []arrivals.Slot
}

// counted is the state of a stream at the last look.
type counted struct {
	arrivals.Stream
	packets, before uint64 // packets: all packets at the last look; before: all packets when the observation began
	last            time.Duration
}

// Watch implements observer. It does nothing: the table counts what arrives on the
// interface of the route.
func (*countingTable) Watch(int) error { return nil }

// Unwatch implements observer.
func (*countingTable) Unwatch(int) {}

// Close implements observer.
func (*countingTable) Close() {}

// Add implements observer.
func (c *countingTable) Add(streams []arrivals.Stream) ([]arrivals.Slot, error) {
	slots := make([]arrivals.Slot, len(streams))
	for i, s := range streams {
		if n := len(c.free); n > 0 {
			slots[i], c.free = c.free[n-1], c.free[:n-1]
		} else {
			slots[i] = arrivals.Slot(len(c.known))
			c.known = append(c.known, counted{})
		}
		packets := c.count(s)
		c.known[slots[i]] = counted{Stream: s, packets: packets, before: packets}
	}
	return slots, nil
}

// Remove implements observer.
func (c *countingTable) Remove(_ arrivals.Stream, slot arrivals.Slot) error {
	c.free = append(c.free, slot)
	return nil
}

// At implements observer.
func (c *countingTable) At(slot arrivals.Slot) (packets uint64, last time.Duration) {
	k := &c.known[slot]
	switch now := c.count(k.Stream); {
	case now < k.packets: // the route was made again, so its counters began at 0
		k.packets, k.before = now, 0
		k.last = clock.Monotonic()
	case now > k.packets:
		k.packets, k.last = now, clock.Monotonic()
	}
	return k.packets - k.before, k.last
}

// count returns how many packets of a stream have arrived on its interface.
func (c *countingTable) count(s arrivals.Stream) uint64 {
	n, err := c.table.Counters(s.Source, s.Group)
	if err != nil {
		return 0 // the stream has no route any more
	}
	return n.Packets - n.WrongIf // the kernel includes WrongIf in Packets
}
