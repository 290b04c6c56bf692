// Package instant has the type of a moment in time, so that the compiler keeps moments
// and lengths of time apart. A length of time is a time.Duration.
//
// A moment is read from a monotonic clock. The caller chooses the origin of the clock; all
// instants of one device have the same. Nothing here reads a clock.
package instant

import "time"

// Time is an instant, in nanoseconds. The zero Time is Never.
//
// Compare instants with ==, < and >; max returns the later one. Never counts as earlier
// than every reading of the clock: where a Time may be Never, ask IsDue, Left or Earliest.
type Time int64

// Never is no instant: the timer does not run, or the event has not happened.
const Never Time = 0

// FromOrigin returns the instant at a distance from the origin: a reading of the clock. A
// distance of 0 or more never gives Never.
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

// Add returns the instant d after t, before t where d is negative. For Never the
// result has no meaning.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// Sub returns how long after u t is, negative where t is earlier. With Never
// the result has no meaning.
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
