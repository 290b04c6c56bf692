// Package instant has a type for a moment in time, so that the compiler distinguishes
// moments and lengths of time. A length of time is a time.Duration.
//
// A moment is a reading of a monotonic clock. The caller chooses the origin of the clock;
// all instants of one device have the same origin. This package reads no clock.
package instant

import "time"

// Time is an instant, in nanoseconds. The zero Time is Never.
//
// Compare instants with ==, < and >; max returns the later one. Never compares as earlier
// than every reading of the clock, so where a Time may be Never, use IsDue, Left or
// Earliest.
type Time int64

// Never means that a timer does not run, or that an event has not happened.
const Never Time = 0

// FromOrigin returns the instant at a distance from the origin, as read from the clock.
// For a distance of 0 or more the result is not Never.
func FromOrigin(d time.Duration) Time { return Time(d) + 1 }

// SinceOrigin returns the distance from the origin, 0 for Never.
func (t Time) SinceOrigin() time.Duration {
	if !t.IsSet() {
		return 0
	}
	return time.Duration(t - 1)
}

// IsSet reports whether t is not Never.
func (t Time) IsSet() bool { return t != Never }

// Add returns the instant d after t. If d is negative, it is before t. If t is Never, the
// result has no meaning.
func (t Time) Add(d time.Duration) Time { return t + Time(d) }

// Sub returns the time from u to t, negative if t is earlier. If one of them is Never,
// the result has no meaning.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// IsDue reports whether t is set and not after now.
func (t Time) IsDue(now Time) bool { return t.IsSet() && t <= now }

// Left returns the time from now until t, 0 if t has passed or is Never.
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

// Earliest returns the earliest of the instants that are set, Never if none is.
func Earliest(times ...Time) (first Time) {
	for _, t := range times {
		if t.IsSet() && (!first.IsSet() || t < first) {
			first = t
		}
	}
	return first
}
