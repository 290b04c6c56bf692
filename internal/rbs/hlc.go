package rbs

import (
	"time"

	"tandem/internal/instant"
)

// Clock is the hybrid logical clock of one device. Each reading is higher than the one
// before, and higher than all readings that the clock has observed. Apart from that,
// readings follow the time. They only serve to order writes. So they need not be the
// right time, as long as the two devices agree.
//
// The wall clock is read once, when the Clock is made. From then on the monotonic time
// counts, so a step of the wall clock has no effect. If a reading of the peer is ahead,
// the clock is set forward to it and goes on from there. For example, a peer booted with
// a wall clock one hour ahead. From the first frame on, both devices are one hour ahead,
// and the later write wins, even while they are disconnected. If this device ignored the
// reading, the peer's writes would win over every write of this device for an hour. The
// decoder refuses readings above maxStamp, which no clock can show.
type Clock struct {
	base  int64 // Unix milliseconds at the origin of the monotonic time
	ahead int64 // by how many milliseconds base has been set forward
	last  Stamp
}

// maxStamp is the highest reading that is accepted from a peer: half the range, the year 6429.
const maxStamp Stamp = 1<<63 - 1

// maxLead bounds by how many milliseconds a peer's clock can be ahead of this device's
// own time: 300 years, plus the time since 1970. Linux clocks reach 292 years after 1970.
// The clock refuses a higher reading, because soon after such a reading it would leave
// its own range.
const maxLead int64 = 300 * 365 * 24 * 3600 * 1000

// clockTolerance is the difference between the clocks of two devices that does no harm
// when the devices meet for the first time: no host sends one report to one device and
// the opposite report to the other within so short a time.
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

// believes reports whether a correct clock of the peer can show this reading. It compares
// the reading with the own time of this device, not with a time to which a peer has set
// the clock forward, so that a peer cannot set the clock forward again and again. An
// attacker may have set the peer's clock forward to the limit of the peer. If the peer's
// own time is ahead of ours, this device refuses that reading at first. The limit grows
// twice as fast as time, so this device accepts the reading after twice the difference
// between the two own times.
func (c *Clock) believes(now instant.Time, s Stamp) bool {
	own := c.own(now)
	return s.millis()-own <= maxLead+own
}

// own returns the time in Unix milliseconds that the clock would show if it had never
// observed a peer.
func (c *Clock) own(now instant.Time) int64 {
	return max(c.base-c.ahead+now.SinceOrigin().Milliseconds(), 0)
}

// Observe takes account of a reading of the peer: later readings of this clock are
// higher. It returns by how many whole milliseconds the clock has been set forward.
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

// meet takes account of the first reading of a peer that this device has not met before.
// It returns how much has to be added to all versions that this device has written so
// far, 0 if the clocks were close.
func (c *Clock) meet(now instant.Time, s Stamp) (by Stamp) {
	last := c.last
	if by = c.Observe(now, s); by < clockTolerance {
		return 0
	}
	c.last = max(c.last, last+by) // later readings are higher than the versions that the caller moves forward, too
	return by
}

func (c *Clock) reading(now instant.Time) Stamp {
	return Stamp(max(c.base+now.SinceOrigin().Milliseconds(), 0)) << counterBits
}

func (s Stamp) millis() int64 { return int64(s >> counterBits) }

// Time returns the reading's time to the millisecond, in UTC.
func (s Stamp) Time() time.Time { return time.UnixMilli(s.millis()).UTC() }

// Compare returns -1 if v is lower than o, 0 if they are equal, and +1 if v is higher.
func (v Version) Compare(o Version) int {
	switch {
	case v == o:
		return 0
	case v.Clock < o.Clock, v.Clock == o.Clock && v.Device < o.Device:
		return -1
	}
	return 1
}

// ClockState is the state of a Clock, for a graceful restart.
type ClockState struct {
	Base, Ahead int64 // Unix milliseconds at the origin; by how much a peer has set the clock forward
	Last        Stamp
}

// State returns the state of the clock. It is valid with the same origin of the monotonic
// time only.
func (c *Clock) State() ClockState { return ClockState{c.base, c.ahead, c.last} }

// ResumeClock returns a clock with the state of another one.
func ResumeClock(s ClockState) *Clock { return &Clock{base: s.Base, ahead: s.Ahead, last: s.Last} }
