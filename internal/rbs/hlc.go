package rbs

import (
	"time"

	"tandem/internal/instant"
)

// Clock is the hybrid logical clock of one device: its readings grow from one
// to the next, exceed every reading it has observed, and otherwise go with
// time. They order writes; nothing is ever timed by them, so they need not be
// right, only agree between the two devices.
//
// Wall time is read once, when the clock is made; from then on it goes by the
// monotonic time, so that stepping the wall clock of a running device has no
// effect at all. When a reading of the peer is ahead, the clock is set forward
// to it and goes on from there at its own pace. So a peer that booted with a
// wall clock one hour ahead is neither believed for ever (as it would be if only
// a limit were kept: its writes would beat every later one of ours for an hour)
// nor ignored: from the first frame on both devices are one hour ahead together,
// and the later write wins, as it should, also while they are disconnected.
// Readings above maxStamp are garbage, which the decoder refuses.
type Clock struct {
	base  int64 // Unix milliseconds at the origin of the monotonic time
	ahead int64 // milliseconds that base has been set forward by
	last  Stamp
}

// maxStamp is the highest reading that is accepted from a peer: half the range, the year 6429.
const maxStamp Stamp = 1<<63 - 1

// maxLead is how many milliseconds a peer's clock can be ahead of ours. No computer's is further:
// Linux counts 292 years from 1970. Who believed more would soon be out of the range itself.
const maxLead int64 = 300 * 365 * 24 * 3600 * 1000

// clockTolerance is how far the clocks of two devices that meet may be apart without
// harm: no host tells one of them something and then the other the contrary so fast.
const clockTolerance Stamp = 100 << counterBits

// counterBits is the width of the counter below the milliseconds.
const counterBits = 16

// NewClock returns a clock that shows wall at the monotonic time now.
func NewClock(wall time.Time, now instant.Time) *Clock {
	return &Clock{base: wall.UnixMilli() - now.SinceOrigin().Milliseconds()}
}

// Now returns the next reading.
func (c *Clock) Now(now instant.Time) Stamp {
	c.last = max(c.last+1, c.reading(now))
	return c.last
}

// believes reports whether a peer's clock can have this reading.
func (c *Clock) believes(now instant.Time, s Stamp) bool {
	return s.millis()-c.reading(now).millis() <= maxLead
}

// Observe takes note of a reading of the peer: later readings exceed it. It returns
// by how many whole milliseconds the clock has been set forward.
func (c *Clock) Observe(now instant.Time, s Stamp) (by Stamp) {
	if s > maxStamp || s <= c.last {
		return 0
	}
	lead := max(s.millis()-c.reading(now).millis(), 0)
	c.last = s
	c.base += lead
	c.ahead += lead
	return Stamp(lead) << counterBits
}

// meet is Observe of a stranger's first reading. It reports by how much everything that
// has been stamped so far is to be moved, 0 when the clocks were near enough.
func (c *Clock) meet(now instant.Time, s Stamp) (by Stamp) {
	last := c.last
	if by = c.Observe(now, s); by < clockTolerance {
		return 0
	}
	c.last = max(c.last, last+by) // later readings exceed what has been moved, too
	return by
}

func (c *Clock) reading(now instant.Time) Stamp {
	return Stamp(max(c.base+now.SinceOrigin().Milliseconds(), 0)) << counterBits
}

func (s Stamp) millis() int64 { return int64(s >> counterBits) }

// Time returns the reading's time to the millisecond, in UTC.
func (s Stamp) Time() time.Time { return time.UnixMilli(s.millis()).UTC() }

// Compare returns -1, 0 or +1 as v loses to, equals or wins over o.
func (v Version) Compare(o Version) int {
	switch {
	case v == o:
		return 0
	case v.Clock < o.Clock, v.Clock == o.Clock && v.Device < o.Device:
		return -1
	}
	return 1
}

// ClockState is what a Clock must remember when the program that has it is replaced.
type ClockState struct {
	Base, Ahead int64 // Unix milliseconds at the origin; how far a peer has set it forward
	Last        Stamp
}

// State returns what a successor needs to go on, at the same origin of the monotonic time.
func (c *Clock) State() ClockState { return ClockState{c.base, c.ahead, c.last} }

// ResumeClock returns a clock that goes on from a state.
func ResumeClock(s ClockState) *Clock { return &Clock{base: s.Base, ahead: s.Ahead, last: s.Last} }
