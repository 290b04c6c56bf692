package proof

import (
	"time"

	"tandem/internal/instant"
)

// How long a stream may pause before it counts as silent.
const (
	// shortestPatience is the shortest patience. It is longer than a busy machine delays
	// a packet.
	shortestPatience = 20 * time.Millisecond
	// newPatience is for a stream with too few packets to know its usual interval.
	newPatience = time.Second
	// patientIntervals is how many mean intervals between two packets a stream may pause.
	patientIntervals = 5
	// patientPauses is how many times longer than its longest usual pause a stream may
	// pause. So a stream that arrives in bursts does not count as silent between two
	// bursts. A pause is usual if there was a second pause as long, because a source that
	// has stopped once may never stop again.
	patientPauses = 2
	// knownAfter is the number of packets after which the usual interval of a stream is
	// known.
	knownAfter = 8
	// pauseWindow is how long a usual pause is remembered: at least this long, at most
	// twice as long.
	pauseWindow = 30 * time.Second
	// latelyFor is how long Sight reports a pause after its end, at least.
	latelyFor = time.Second
)

// Flow holds what has been measured of one stream. The zero Flow is a stream of which no
// packet has arrived.
type Flow struct {
	packets  uint64
	last     instant.Time  // when the latest packet arrived, Never if none has
	interval time.Duration // mean time between two packets
	known    uint8         // number of packets that have entered the mean interval, up to knownAfter
	flowing  bool
	missed   bool // the peer has received packets during the present silence, so the source does not pause

	pause    time.Duration // present pause of the stream, at the last look
	pauses   [2]longest    // the longest pauses of this window and of the previous one
	before   longest       // the value of pauses[0] before the pause counted was added
	counted  time.Duration // the last pause that was added to pauses[0]
	windowAt instant.Time  // when this window began

	lately   time.Duration // the longest pause that has ended lately
	latelyAt instant.Time  // when that pause ended
	faulty   bool          // the pause lately was a fault, see Missed
}

// longest is the two longest pauses of a window, the longest one first.
type longest [2]time.Duration

// with returns the two longest pauses of l and one more pause.
func (l longest) with(pause time.Duration) longest {
	return longest{max(l[0], pause), max(l[1], min(l[0], pause))}
}

// usual returns the longest pause for which there was a second pause as long. It also
// accepts a single pause that has ended lately, because [Sight] reports no shorter pause
// until later, so the peer cannot compare with a shorter one.
func (f *Flow) usual() time.Duration {
	usual := f.pauses[0].with(f.pauses[1][0]).with(f.pauses[1][1])[1]
	if !f.faulty && !f.latelyOver() {
		usual = max(usual, f.lately)
	}
	return usual
}

// latelyOver reports whether the pause that [Sight] reports ended too long ago to be
// reported.
func (f *Flow) latelyOver() bool { return f.last.Sub(f.latelyAt) > max(latelyFor, 2*f.lately) }

// Flowing reports whether the stream was arriving at the last look.
func (f *Flow) Flowing() bool { return f.flowing }

// Last returns when the latest packet arrived, Never if none has.
func (f *Flow) Last() instant.Time { return f.last }

// Sight returns what has been measured of the stream.
func (f *Flow) Sight() Sight { return Sight{f.packets, f.last, f.lately, f.latelyAt} }

// Patience returns how long the stream may pause before it counts as silent.
func (f *Flow) Patience() time.Duration {
	if f.known < knownAfter {
		return max(newPatience, patientIntervals*f.interval)
	}
	return max(shortestPatience, patientIntervals*f.interval, patientPauses*f.usual())
}

// Look takes a reading: the number of all packets that have arrived, and when the last
// one arrived (Never if none has). It reports whether the stream has begun to flow or has
// become silent. If the number is lower than before, the counter has been reset, and the
// Flow counts from 0.
func (f *Flow) Look(now instant.Time, packets uint64, last instant.Time) (changed bool) {
	if packets < f.packets {
		f.packets = 0
	}
	if came := packets - f.packets; came > 0 && last > f.last {
		f.take(now, came, last)
		f.packets = packets
		changed = !f.flowing
		f.flowing = true
		return changed
	}
	if !f.last.IsSet() {
		return false
	}
	f.pause = now.Sub(f.last)
	if f.flowing && f.pause > f.Patience() {
		f.flowing = false
		return true
	}
	return false
}

// Missed records that the peer has received packets of the stream while it was silent
// here, now or until a moment ago. So the silence was a fault and not a pause of the
// source. The Flow does not learn it as a usual pause, so the next fault is noticed as
// soon as this one was.
func (f *Flow) Missed() {
	if !f.flowing {
		f.missed = true
	} else if f.lately == f.counted && f.last.Sub(f.latelyAt) < latelyFor {
		f.pauses[0], f.counted, f.faulty = f.before, 0, true
	}
}

// take adds the packets that have arrived since the last look.
func (f *Flow) take(now instant.Time, came uint64, last instant.Time) {
	if !f.last.IsSet() {
		f.last, f.windowAt = last, now
		f.known = uint8(min(came, knownAfter))
		return
	}
	faulty := f.missed
	if f.missed = false; !faulty {
		f.learn(now, last.Sub(f.last), came)
	}
	if f.last = last; f.pause >= f.lately || f.latelyOver() {
		f.lately, f.latelyAt, f.faulty = f.pause, last, faulty
	}
	f.pause = 0
}

// learn updates the longest pauses with the pause that has ended, and the mean interval
// with the packets: came packets have arrived in the time span.
func (f *Flow) learn(now instant.Time, span time.Duration, came uint64) {
	if now.Sub(f.windowAt) >= pauseWindow {
		f.pauses, f.counted, f.windowAt = [2]longest{1: f.pauses[0]}, 0, now
	}
	if with := f.pauses[0].with(f.pause); with != f.pauses[0] {
		f.before, f.counted, f.pauses[0] = f.pauses[0], f.pause, with
	}
	f.known = uint8(min(uint64(f.known)+came, knownAfter))
	if !f.flowing {
		return // most of the span was a pause, so it says nothing about the interval
	}
	mean := span / time.Duration(came)
	if f.interval == 0 {
		f.interval = mean
		return
	}
	// A moving mean: the new packets have a weight in proportion to their number.
	weight := time.Duration(min(came, knownAfter))
	f.interval += (mean - f.interval) * weight / (2 * knownAfter)
}
