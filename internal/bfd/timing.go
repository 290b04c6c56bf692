package bfd

import (
	"time"

	"tandem/internal/instant"
)

// slowTx is the shortest transmit interval while a session is not Up (section 6.8.3).
const slowTx = time.Second

// timing is the part of a session that decides when packets are sent, and, while an
// interval changes, whether the old or the new interval counts until the peer has agreed.
type timing struct {
	tx, rx time.Duration // desired Tx and required Rx intervals in force
	poll   pollState
	last   instant.Time // the send time from which the next one is computed
	next   instant.Time
}

type pollState uint8

const (
	pollIdle pollState = iota
	pollRunning
	// pollRunningStale says that intervals have changed since the Poll Sequence began. Its
	// Final may answer the older intervals, so another Poll Sequence must follow.
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

// enter adapts the timing to a change of state. A session that leaves Up no longer needs the
// peer's agreement. A session that becomes Up leaves the slow interval by a Poll Sequence.
func (t *timing) enter(s *session, from State) {
	if from == Up {
		t.poll = pollIdle
	}
	if s.state == Up && s.desiredMinTx() != t.tx {
		t.startPoll()
	}
	t.apply(s)
}

// apply uses the new intervals as far as the RFC permits (section 6.8.3). Until the peer
// has answered the Poll, the transmit interval does not grow, and the receive interval
// does not shrink.
func (t *timing) apply(s *session) {
	free := s.state != Up || t.poll == pollIdle
	if tx := s.desiredMinTx(); free || tx < t.tx {
		t.tx = tx
	}
	if rx := s.minRx(); free || rx > t.rx {
		t.rx = rx
	}
}

// sentAt schedules the packet after the one that is sent now. A packet that is sent a little
// late does not shift the schedule, so that delays do not add up.
func (t *timing) sentAt(s *session, now instant.Time) {
	interval := s.txInterval()
	t.last = now
	if late := now.Sub(t.next); t.next.IsSet() && late > 0 && late < interval/4 {
		t.last = t.next
	}
	t.next = t.last.Add(s.jitter(interval))
}

// hasten makes the next packet earlier if the interval has become shorter (section 6.8.3:
// a shorter interval counts at once).
func (t *timing) hasten(s *session) {
	if interval := s.txInterval(); t.next.Sub(t.last) > interval {
		t.next = t.last.Add(s.jitter(interval))
	}
}

// desiredMinTx returns the Desired Min TX Interval of the packets to send.
func (s *session) desiredMinTx() time.Duration {
	if s.state == Up {
		return s.minTx()
	}
	return max(s.minTx(), slowTx)
}

// txInterval returns the negotiated transmit interval before jitter (section 6.8.2).
func (s *session) txInterval() time.Duration { return max(s.timing.tx, s.remote.requiredMinRx) }

// rxInterval returns the negotiated receive interval: the longest time between two
// packets of the peer.
func (s *session) rxInterval() time.Duration { return max(s.timing.rx, s.remote.desiredMinTx) }

// detectTime returns the detection time: how long the peer may be silent (section 6.8.4).
func (s *session) detectTime() time.Duration {
	return time.Duration(s.remote.detectMult) * s.rxInterval()
}

// expiry returns when the session goes Down unless a packet of the peer arrives. A device
// that has slept since the last packet waits one interval longer.
func (s *session) expiry() instant.Time {
	at := s.received.Add(s.detectTime())
	if s.awake > s.received {
		at = max(at, s.awake.Add(s.rxInterval()))
	}
	return at
}

// jitter shortens an interval by up to a quarter at random. With a multiplier of 1 it shortens
// it by a tenth at least (section 6.8.7).
func (s *session) jitter(interval time.Duration) time.Duration {
	spread := interval / 4
	if s.cfg.DetectMult == 1 {
		spread = interval * 15 / 100
	}
	return interval*3/4 + time.Duration(s.rng.Int64N(int64(spread)+1))
}

// periodic reports whether packets are sent periodically (section 6.8.7). They are not if the
// peer wants none, or is in Demand mode.
func (s *session) periodic() bool {
	if !s.path.canSend() || s.remote.requiredMinRx == 0 {
		return false
	}
	quiet := s.remote.demand && s.state == Up && s.remote.state == Up
	return !quiet || s.timing.polling()
}
