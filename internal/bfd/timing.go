package bfd

import (
	"time"

	"tandem/internal/instant"
)

// slowTx is the fastest that a session may send while it is not Up (section 6.8.3).
const slowTx = time.Second

// timing is the part of a session that decides when packets are sent, and which
// of an old and a new interval counts while the peer has not yet agreed.
type timing struct {
	tx, rx time.Duration // desired Tx and required Rx intervals in force
	poll   pollState
	last   instant.Time // the send time that the schedule is built on
	next   instant.Time
}

type pollState uint8

const (
	pollIdle pollState = iota
	pollRunning
	// pollRunningStale: intervals changed again after the Poll began, so its Final
	// may answer the older ones and another Poll must follow.
	pollRunningStale
)

func (t *timing) polling() bool { return t.poll != pollIdle }

func (t *timing) startPoll() {
	if t.poll == pollIdle {
		t.poll = pollRunning
	} else {
		t.poll = pollRunningStale
	}
}

func (t *timing) finishPoll(s *session) {
	switch t.poll {
	case pollRunningStale:
		t.poll = pollRunning
	case pollRunning:
		t.poll = pollIdle
		t.apply(s)
	}
}

// enter follows a change of state: a session that leaves Up needs no agreement
// any more, one that comes Up speeds up from the slow start by a Poll Sequence.
func (t *timing) enter(s *session, from State) {
	if from == Up {
		t.poll = pollIdle
	}
	if s.state == Up && s.desiredMinTx() != t.tx {
		t.startPoll()
	}
	t.apply(s)
}

// apply puts the intervals into force that may be. Until the peer has answered
// the Poll, sending does not slow down and detection does not tighten.
func (t *timing) apply(s *session) {
	free := s.state != Up || t.poll == pollIdle
	if tx := s.desiredMinTx(); free || tx < t.tx {
		t.tx = tx
	}
	if rx := s.cfg.MinRx; free || rx > t.rx {
		t.rx = rx
	}
}

// sentAt schedules the packet after the one sent now. A packet sent a little late
// does not shift the schedule, so that lateness does not add up.
func (t *timing) sentAt(s *session, now instant.Time) {
	interval := s.txInterval()
	t.last = now
	if late := now.Sub(t.next); t.next.IsSet() && late > 0 && late < interval/4 {
		t.last = t.next
	}
	t.next = t.last.Add(s.jitter(interval))
}

// hasten brings the next packet forward when the interval has become shorter
// (section 6.8.3: a smaller interval counts at once).
func (t *timing) hasten(s *session) {
	if interval := s.txInterval(); t.next.Sub(t.last) > interval {
		t.next = t.last.Add(s.jitter(interval))
	}
}

// desiredMinTx is the interval that is advertised.
func (s *session) desiredMinTx() time.Duration {
	if s.state == Up {
		return s.cfg.MinTx
	}
	return max(s.cfg.MinTx, slowTx)
}

// txInterval is the negotiated interval of our packets before jitter (section 6.8.2).
func (s *session) txInterval() time.Duration { return max(s.timing.tx, s.remote.requiredMinRx) }

// rxInterval is the longest that the peer is to let pass between its packets.
func (s *session) rxInterval() time.Duration { return max(s.timing.rx, s.remote.desiredMinTx) }

// detectTime is how long the peer may be silent (section 6.8.4).
func (s *session) detectTime() time.Duration {
	return time.Duration(s.remote.detectMult) * s.rxInterval()
}

// jitter shortens an interval by up to a quarter at random, and by a tenth at
// least where one lost interval is enough to be taken for dead (section 6.8.7).
func (s *session) jitter(interval time.Duration) time.Duration {
	spread := interval / 4
	if s.cfg.DetectMult == 1 {
		spread = interval * 15 / 100
	}
	return interval*3/4 + time.Duration(s.rng.Int64N(int64(spread)+1))
}

// periodic reports whether packets are sent by the clock (section 6.8.7): not where
// the peer wants none, nor where it watches the path in another way (Demand mode).
func (s *session) periodic() bool {
	if !s.path.canSend() || s.remote.requiredMinRx == 0 {
		return false
	}
	quiet := s.remote.demand && s.state == Up && s.remote.state == Up
	return !quiet || s.timing.polling()
}
