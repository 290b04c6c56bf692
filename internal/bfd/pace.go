package bfd

import (
	"fmt"
	"time"

	"tandem/internal/instant"
)

// Slowdown says how far a session has slowed down, and why. It is zero while the configured
// intervals are in force.
type Slowdown struct {
	// Interval is the shortest interval at which the session sends and expects packets at
	// present.
	Interval time.Duration
	Cause    Cause         // the cause of the last step
	Late     time.Duration // the lateness that caused the last step
}

// String says why the session slowed down. It is empty if the session did not.
func (s Slowdown) String() string {
	if s.Interval == 0 {
		return ""
	}
	return fmt.Sprintf(s.Cause.format(), float64(s.Late.Microseconds())/1000)
}

// Cause says what made a device late.
type Cause uint8

// Causes of lateness.
const (
	// CauseThread means that the thread which runs the sessions woke late. The reason may be
	// the scheduler, a machine that stood still, or work that took too long.
	CauseThread Cause = iota
	// CauseQueue means that a packet waited for long between the interface and the thread.
	CauseQueue
	// CauseSteal means that a hypervisor did not let a processor of this machine run.
	CauseSteal
)

func (c Cause) format() string {
	switch c {
	case CauseQueue:
		return "a packet waited in this device for %.1f ms"
	case CauseSteal:
		return "the hypervisor took a processor away for %.1f ms"
	}
	return "this device woke %.1f ms late"
}

// slowest is the longest interval to which a session slows down. Against a longer
// lateness slowing down is of no use: this device did no work at all, and its peer must
// notice that.
const slowest = 100 * time.Millisecond

// The patience is how long a session must see no harmful lateness until it tries the
// configured intervals again. It doubles each time that the session must slow down again
// soon after such a try.
const (
	shortestPatience = 10 * time.Minute
	longestPatience  = 160 * time.Minute
)

// pace decides how short the intervals of a session may be, by the lateness of this
// device. RFC 5880, section 6.8.3, permits new intervals at any time.
type pace struct {
	slow     Slowdown
	since    instant.Time // when the session left the configured intervals
	harmful  instant.Time // when this device was last too late for the configured intervals
	patience time.Duration
	tried    instant.Time // when the configured intervals were last tried again
	times    uint64       // how often the session left the configured intervals
}

// retry returns when the configured intervals are to be tried again, Never if they are in
// force.
func (p *pace) retry() instant.Time {
	if p.slow.Interval == 0 {
		return instant.Never
	}
	return p.harmful.Add(p.patience)
}

// NoteLate records that this device was late. The session slows down if the lateness has
// used up half of the time after which the peer, or this device, would have declared the
// session Down. If this device slept, its session also waits one interval longer for the
// peer: the packets that the peer sent while this device slept may not have been read
// yet.
func (s *session) NoteLate(now instant.Time, late time.Duration, cause Cause, fx *Effects) {
	if cause == CauseThread && late >= s.rxInterval() && s.awake < s.received {
		s.awake = now
	}
	if !s.cfg.Adaptive || late <= s.bears(0) || late > 2*s.bears(slowest) {
		return
	}
	s.pace.harmful = now
	if late > s.bears(s.pace.slow.Interval) {
		s.slowDown(now, late, cause, fx)
	}
}

// bears returns the lateness that is harmless for this device if no interval is shorter
// than floor: half of the time that is left of a detection time after one interval. It
// uses the shorter one of the two detection times, that of the peer and that of this
// device.
func (s *session) bears(floor time.Duration) time.Duration {
	tx := max(s.cfg.MinTx, floor, s.remote.requiredMinRx)
	rx := max(s.cfg.MinRx, floor, s.remote.desiredMinTx)
	mult := s.remote.detectMult
	if mult == 0 {
		mult = s.cfg.DetectMult
	}
	return min(spare(tx, s.cfg.DetectMult), spare(rx, mult)) / 2
}

// spare returns by how much a detection time is longer than the interval. With a
// multiplier of 1 only the jitter is left.
func spare(interval time.Duration, mult uint8) time.Duration {
	if mult == 1 {
		return interval / 10
	}
	return time.Duration(mult-1) * interval
}

// slowDown doubles the interval until the lateness is harmless with it.
func (s *session) slowDown(now instant.Time, late time.Duration, cause Cause, fx *Effects) {
	p := &s.pace
	floor := max(p.slow.Interval, min(s.cfg.MinTx, s.cfg.MinRx))
	for floor < slowest && s.bears(floor) < late {
		floor = min(2*floor, slowest)
	}
	if floor == max(p.slow.Interval, min(s.cfg.MinTx, s.cfg.MinRx)) {
		return
	}
	if p.slow.Interval == 0 {
		p.times++
		p.since = now
		p.patience = nextPatience(p.patience, p.tried, now)
	}
	p.slow = Slowdown{floor, cause, late}
	s.repace(now, fx)
}

// nextPatience doubles the patience if the configured intervals, tried at the instant
// tried, did not last as long as the patience before.
func nextPatience(before time.Duration, tried, now instant.Time) time.Duration {
	if tried.IsSet() && now.Sub(tried) < before {
		return min(2*before, longestPatience)
	}
	return shortestPatience
}

// tryConfigured returns to the configured intervals when the patience is over.
func (s *session) tryConfigured(now instant.Time, fx *Effects) {
	if !s.pace.retry().IsDue(now) {
		return
	}
	s.pace.slow, s.pace.tried = Slowdown{}, now
	s.repace(now, fx)
}

// repace negotiates the intervals of the new pace with the peer, and reports the new pace
// to the users of the session.
func (s *session) repace(now instant.Time, fx *Effects) {
	if s.state == Up {
		s.timing.startPoll()
	}
	s.timing.apply(s)
	s.timing.hasten(s)
	s.tellPace(now, fx)
}

// tellPace reports a new pace to the users of the session. If the session is not Up, or
// the users do not know yet that it is Up, the next event reports the pace.
func (s *session) tellPace(now instant.Time, fx *Effects) {
	if s.state == Up && !s.restore.waiting {
		s.tell(now, fx)
	}
}

// forgetPace forgets all lateness, because the configured intervals have changed. Its
// caller negotiates the new intervals with the peer.
func (s *session) forgetPace(now instant.Time, fx *Effects) {
	slow := s.pace.slow.Interval > 0
	s.pace = pace{times: s.pace.times}
	if slow {
		s.tellPace(now, fx)
	}
}

// minTx and minRx return the intervals that the session offers to the peer while it is
// Up.
func (s *session) minTx() time.Duration { return max(s.cfg.MinTx, s.pace.slow.Interval) }

func (s *session) minRx() time.Duration { return max(s.cfg.MinRx, s.pace.slow.Interval) }
