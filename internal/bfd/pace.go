package bfd

import (
	"fmt"
	"time"

	"tandem/internal/instant"
)

// Slowdown says how far a session has slowed down, and why. It is zero while the configured
// intervals are in force.
type Slowdown struct {
	// Interval is the shortest interval that the session sends and accepts at present.
	Interval time.Duration
	Cause    Cause         // of the last step
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

// slowest is the longest interval to which a session slows down. Against a lateness that is too
// long for it, slowing down is of no use: the device stood still, and its peer must notice that.
const slowest = 100 * time.Millisecond

// How long a session waits without harmful lateness until it tries the configured intervals
// again. The patience doubles each time that a try does not last.
const (
	shortestPatience = 10 * time.Minute
	longestPatience  = 160 * time.Minute
)

// pace decides how fast a session may be, by the lateness of this device. RFC 5880, section
// 6.8.3, permits new intervals at any time.
type pace struct {
	slow     Slowdown
	since    instant.Time // of the first step away from the configured intervals
	harmful  instant.Time // the last lateness that the configured intervals do not bear
	patience time.Duration
	tried    instant.Time // when the configured intervals were last tried again
	times    uint64       // how often the session left the configured intervals
}

// retry returns when the configured intervals are tried again, Never if they are in force.
func (p *pace) retry() instant.Time {
	if p.slow.Interval == 0 {
		return instant.Never
	}
	return p.harmful.Add(p.patience)
}

// NoteLate tells the session that this device was late. The session slows down if the peer, or
// the session itself, would have come halfway to the end of its detection time by that. If the
// device slept, it also gives the peer one more interval: what the peer has sent meanwhile may
// still be on its way.
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

// bears returns how late this device may be if no interval is shorter than floor: half of what
// is left of a detection time after one interval. Of the two detection times, that of the peer
// and its own, the shorter one counts.
func (s *session) bears(floor time.Duration) time.Duration {
	tx := max(s.cfg.MinTx, floor, s.remote.requiredMinRx)
	rx := max(s.cfg.MinRx, floor, s.remote.desiredMinTx)
	mult := s.remote.detectMult
	if mult == 0 {
		mult = s.cfg.DetectMult
	}
	return min(spare(tx, s.cfg.DetectMult), spare(rx, mult)) / 2
}

// spare returns how much longer than an interval a detection time is. With a multiplier of 1
// only the jitter is left.
func spare(interval time.Duration, mult uint8) time.Duration {
	if mult == 1 {
		return interval / 10
	}
	return time.Duration(mult-1) * interval
}

// slowDown doubles the interval until it bears the lateness.
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

// nextPatience doubles the patience if the try at the instant tried has not lasted as long.
func nextPatience(before time.Duration, tried, now instant.Time) time.Duration {
	if tried.IsSet() && now.Sub(tried) < before {
		return min(2*before, longestPatience)
	}
	return shortestPatience
}

// tryConfigured returns to the configured intervals when their time has come.
func (s *session) tryConfigured(now instant.Time, fx *Effects) {
	if !s.pace.retry().IsDue(now) {
		return
	}
	s.pace.slow, s.pace.tried = Slowdown{}, now
	s.repace(now, fx)
}

// repace negotiates the intervals of the new pace with the peer, and tells the users.
func (s *session) repace(now instant.Time, fx *Effects) {
	if s.state == Up {
		s.timing.startPoll()
	}
	s.timing.apply(s)
	s.timing.hasten(s)
	s.tellPace(now, fx)
}

// tellPace tells the users of a new pace. If the session is not Up, or its being Up is not yet
// told, the next event tells it.
func (s *session) tellPace(now instant.Time, fx *Effects) {
	if s.state == Up && !s.restore.waiting {
		s.tell(now, fx)
	}
}

// forgetPace forgets all lateness, because there are new intervals. Its caller negotiates them.
func (s *session) forgetPace(now instant.Time, fx *Effects) {
	slow := s.pace.slow.Interval > 0
	s.pace = pace{times: s.pace.times}
	if slow {
		s.tellPace(now, fx)
	}
}

// minTx and minRx return the intervals that the session wants when it is Up.
func (s *session) minTx() time.Duration { return max(s.cfg.MinTx, s.pace.slow.Interval) }

func (s *session) minRx() time.Duration { return max(s.cfg.MinRx, s.pace.slow.Interval) }
