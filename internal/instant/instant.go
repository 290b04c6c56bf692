// Package instant has the type of a point in time, so that a point in time and a
// length of time cannot be mixed up. A length is a time.Duration.
//
// The clock behind it is monotonic. Its origin is the caller's choice, and is the same for
// all instants of a device. Nothing here reads a clock.
package instant

import "time"

// Time is an instant, in nanoseconds. The zero Time is Never.
//
// Instants are compared with ==, < and >, and max returns the later one. Never compares as
// earlier than every reading of the clock; where a Time may be Never use IsDue, Left and
// Earliest.
type Time int64

// Never is no instant: when a timer goes off that does not run, when an event was that has
// not happened.
const Never Time = 0

// FromOrigin returns the instant at a distance from the origin of the clock, which is what a
// monotonic clock reads. The distance is never negative for a reading; so a reading is
// always an instant.
func FromOrigin(d time.Duration) Time { return Time(d) + 1 }

// SinceOrigin returns the distance from the origin, 0 for Never.
func (t Time) SinceOrigin() time.Duration {
	if !t.IsSet() {
		return 0
	}
	return time.Duration(t - 1)
}

// IsSet reports whether t is an instant, and not Never.
func (t Time) IsSet() bool { return t != Never }

// Add returns the instant d after t, before t where d is negative. t must be an instant.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// Sub returns how long after u t is, negative where it is before. Both must be instants.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// IsDue reports whether t is an instant and now has reached it.
func (t Time) IsDue(now Time) bool { return t.IsSet() && t <= now }

// Left returns how long it is from now until t, 0 when t has passed or is Never.
func (t Time) Left(now Time) time.Duration {
	if t <= now {
		return 0
	}
	return t.Sub(now)
}

// String returns the distance from the origin, as time.Duration writes it, or "never".
func (t Time) String() string {
	if !t.IsSet() {
		return "never"
	}
	return t.SinceOrigin().String()
}

// Earliest returns the earliest instant, Never when there is none among them.
func Earliest(times ...Time) (first Time) {
	for _, t := range times {
		if t.IsSet() && (!first.IsSet() || t < first) {
			first = t
		}
	}
	return first
}
