package proof

import (
	"time"

	"tandem/internal/instant"
)

// What a stream is given before it counts as silent.
const (
	// shortestPatience is longer than what a busy machine holds a packet back for.
	shortestPatience = 20 * time.Millisecond
	// newPatience is for a stream of which too few packets have come to know its pace.
	newPatience = time.Second
	// patientIntervals is how many mean intervals between packets a stream may pause.
	patientIntervals = 5
	// patientPauses is how many times longer than its longest usual pause it may pause. So a
	// stream that comes in bursts is not taken for silent between two of them.
	patientPauses = 2
	// knownAfter is how many packets show the pace of a stream.
	knownAfter = 8
	// pauseWindow is how long a usual pause is remembered, at least; at most twice as long.
	pauseWindow = 30 * time.Second
	// latelyFor is how long a pause counts as a late one, at least.
	latelyFor = time.Second
)

// Flow is the arrival of one stream, as far as it has been looked at. The zero Flow is a
// stream of which nothing has come.
type Flow struct {
	packets  uint64
	last     instant.Time  // when the latest packet came, Never for none
	interval time.Duration // mean time between two packets
	known    uint8         // packets that interval is the mean of, up to knownAfter
	flowing  bool
	missed   bool // the peer has the stream that does not come here: the pause is not the source's

	pause    time.Duration    // of the stream since its latest packet, as of the last look
	pauses   [2]time.Duration // the longest usual ones of this window and of the one before
	shorter  time.Duration    // what the first was before the latest pause made it longer
	windowAt instant.Time     // when this window began

	lately   time.Duration // the longest pause that has ended lately
	latelyAt instant.Time  // when it has
}

// Flowing reports whether the stream was coming in at the last look.
func (f *Flow) Flowing() bool { return f.flowing }

// Last is when the latest packet came, Never when none has come.
func (f *Flow) Last() instant.Time { return f.last }

// Sight is what has been seen of the stream.
func (f *Flow) Sight() Sight { return Sight{f.packets, f.last, f.lately, f.latelyAt} }

// Patience is how long the stream may pause before it counts as silent.
func (f *Flow) Patience() time.Duration {
	if f.known < knownAfter {
		return max(newPatience, patientIntervals*f.interval)
	}
	return max(shortestPatience, patientIntervals*f.interval, patientPauses*max(f.pauses[0], f.pauses[1]))
}

// Look takes a reading: how many packets have come in all, and when the last of them came (Never for
// none). It reports whether the stream has begun to flow, or has fallen silent. A count that is
// lower than before begins anew: somebody has made the counter again.
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

// Missed notes that the peer has received the stream while it was silent here, now or until a moment ago. So
// the pause tells of a fault and not of the source, and the next fault is noticed as soon as this one was.
func (f *Flow) Missed() {
	if !f.flowing {
		f.missed = true
	} else if f.lately == f.pauses[0] && f.last.Sub(f.latelyAt) < latelyFor {
		f.pauses[0] = f.shorter
	}
}

// take takes packets that have come since the last look.
func (f *Flow) take(now instant.Time, came uint64, last instant.Time) {
	if !f.last.IsSet() {
		f.last, f.windowAt = last, now
		f.known = uint8(min(came, knownAfter))
		return
	}
	if f.missed {
		f.missed = false
	} else {
		f.learn(now, last.Sub(f.last), came)
	}
	if f.pause >= f.lately || last.Sub(f.latelyAt) > max(latelyFor, 2*f.lately) {
		f.lately, f.latelyAt = f.pause, last
	}
	f.last, f.pause = last, 0
}

// learn adds the time in which some packets have come to what is known of the stream's pace.
func (f *Flow) learn(now instant.Time, span time.Duration, came uint64) {
	if now.Sub(f.windowAt) >= pauseWindow {
		f.pauses[1], f.pauses[0], f.windowAt = f.pauses[0], 0, now
	}
	if f.pause > f.pauses[0] {
		f.shorter, f.pauses[0] = f.pauses[0], f.pause
	}
	f.known = uint8(min(uint64(f.known)+came, knownAfter))
	mean := span / time.Duration(came)
	if f.interval == 0 {
		f.interval = mean
		return
	}
	// A mean that follows: what came weighs as much as its number among the latest packets.
	weight := time.Duration(min(came, knownAfter))
	f.interval += (mean - f.interval) * weight / (2 * knownAfter)
}
