package rbs

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"net/netip"
	"time"

	"tandem/internal/instant"
)

// Service is one remote backup service over time. It sees to it that there is a
// connection to the peer, and runs a session on it.
//
// One connection counts, the current one. A further connection from the peer
// takes its place as soon as it has greeted, so that a peer that was restarted
// need not wait until its former connection is found dead, while a stray
// connection harms nothing.
type Service struct {
	store        Store
	clock        *Clock
	device, boot uint64
	rng          *rand.Rand

	cfg    Config
	active bool // enabled and configured well
	now    instant.Time

	current, candidate *link
	listening          bool         // a Listen is in force
	dialledAt          instant.Time // Never when no Dial is unanswered
	retryAt            instant.Time // Never when no attempt is to come
	failures           int          // in a row: what the backoff is made of

	tcp      TCPState
	tcpSince instant.Time
	kept     ServiceMemory
}

// dialTimeout is when an unanswered Dial counts as failed.
const dialTimeout = 5 * time.Second

// NewService returns a service that is not configured yet. Device is the
// persistent ID of this device, boot a number drawn when it started, rng the
// source of jitter. The clock is shared by all services of the device.
func NewService(store Store, clock *Clock, device, boot uint64, rng *rand.Rand) *Service {
	return &Service{store: store, clock: clock, device: device, boot: boot, rng: rng}
}

// Configure brings the service to a configuration. A change of anything but the
// name starts it anew. With addresses that cannot work it stays Initial, and
// its LastError says why.
func (s *Service) Configure(now instant.Time, cfg Config, fx *Effects) {
	s.now = now
	cfg = cfg.withDefaults()
	old := s.cfg
	s.cfg = cfg
	first := old == Config{}
	old.Name = cfg.Name
	if old == cfg {
		return
	}
	if !first {
		s.stop(old, fx)
	}
	if !cfg.Enabled {
		s.settle(now)
		return
	}
	if err := cfg.check(); err != nil {
		s.kept.LastError = err.Error()
		s.settle(now)
		return
	}
	s.active = true
	s.start(fx)
	s.settle(now)
}

// stop ends everything that goes by the old configuration.
func (s *Service) stop(old Config, fx *Effects) {
	err := &protocolError{Code: codeClosing, Detail: "switched off or reconfigured"}
	for l := range s.links() {
		s.closeLink(l, err, fx)
	}
	if s.listening {
		fx.Listen = append(fx.Listen, Listen{Ends: old.ends(), Port: old.Port})
	}
	s.active, s.listening, s.dialledAt, s.retryAt = false, false, instant.Never, instant.Never
	s.failures, s.kept.Missed, s.kept.LastError = 0, 0, ""
}

// start listens or dials, as the addresses say.
func (s *Service) start(fx *Effects) {
	s.retryAt = instant.Never
	if s.cfg.connects() {
		s.dialledAt = s.now
		fx.Dial = append(fx.Dial, Dial{Ends: s.cfg.ends(), Port: s.cfg.Port, Identity: s.cfg.Peer})
		return
	}
	s.listening = true
	fx.Listen = append(fx.Listen, Listen{On: true, Ends: s.cfg.ends(), Port: s.cfg.Port, Identity: s.cfg.Peer})
}

// ListenFailed tells that the last Listen failed or that its socket broke.
func (s *Service) ListenFailed(now instant.Time, reason string, fx *Effects) {
	if !s.listening {
		return
	}
	s.listening = false
	s.kept.Counters.ListenFailed++
	s.failed(now, Event{ListenFailure, reason}, fx)
}

// HandshakeFailed tells that the peer's connection came to nothing before it
// could be handed over: the two do not believe each other's certificates.
func (s *Service) HandshakeFailed(now instant.Time, reason string, fx *Effects) {
	if !s.listening {
		return
	}
	s.kept.Counters.HandshakeFailed++
	s.kept.LastError = reason
	fx.Events = append(fx.Events, Event{Refused, reason})
	s.settle(now)
}

// DialFailed tells that the last Dial failed.
func (s *Service) DialFailed(now instant.Time, reason string, fx *Effects) {
	if !s.dialledAt.IsSet() {
		return
	}
	s.dialledAt = instant.Never
	s.kept.Counters.DialFailed++
	s.failed(now, Event{DialFailure, reason}, fx)
}

func (s *Service) failed(now instant.Time, e Event, fx *Effects) {
	s.kept.LastError = e.Reason
	fx.Events = append(fx.Events, e)
	s.backOff(now)
	s.settle(now)
}

// backOff sets the time of the next attempt: the wait doubles with every
// failure in a row, and a random half of it keeps services from moving in step.
func (s *Service) backOff(now instant.Time) {
	wait := s.cfg.BackoffMin
	for range s.failures {
		if wait *= 2; wait >= s.cfg.BackoffMax {
			wait = s.cfg.BackoffMax
			break
		}
	}
	s.failures++
	s.retryAt = now.Add(wait/2 + time.Duration(s.rng.Int64N(int64(wait/2)+1)))
}

// Dialled tells that the last Dial succeeded, with conn.
func (s *Service) Dialled(now instant.Time, conn ConnID, fx *Effects) {
	if !s.dialledAt.IsSet() {
		s.refuse(conn, &s.kept.Counters.RefusedState, "connection was not asked for", fx)
		return
	}
	s.dialledAt = instant.Never
	s.current = s.newLink(now, conn)
	s.pump(now, fx)
}

// Accepted tells of a connection from an address to the listening socket. One
// that is not from the peer is refused.
func (s *Service) Accepted(now instant.Time, conn ConnID, from netip.Addr, fx *Effects) {
	s.now = now
	from = from.WithZone("")
	switch {
	case !s.listening:
		s.refuse(conn, &s.kept.Counters.RefusedState, "service does not listen", fx)
		return
	case from != s.cfg.ends().Peer.WithZone(""):
		s.refuse(conn, &s.kept.Counters.RefusedAddress, fmt.Sprintf("connection from %v, the peer is %v", from, s.cfg.ends().Peer), fx)
		return
	}
	l := s.newLink(now, conn)
	if s.current == nil {
		s.current = l
	} else {
		if s.candidate != nil {
			s.lose(now, s.candidate, replaced(), fx)
		}
		s.candidate = l
	}
	s.pump(now, fx)
}

func replaced() error {
	return &protocolError{Code: codeReplaced, Detail: "the peer connected anew"}
}

// refuse closes a connection that is not taken.
func (s *Service) refuse(conn ConnID, counter *uint64, reason string, fx *Effects) {
	*counter++
	fx.Close = append(fx.Close, CloseConn{Conn: conn, Reason: reason})
	fx.Events = append(fx.Events, Event{Refused, reason})
	s.kept.LastError = reason
}

func (s *Service) newLink(now instant.Time, conn ConnID) *link {
	return &link{conn: conn, madeAt: now, session: newSession(now, sessionConfig{
		Device: s.device, Boot: s.boot,
		KeepaliveInterval: s.cfg.KeepaliveInterval, DeadInterval: s.cfg.DeadInterval, Lags: &s.kept.Lags,
		Untold: uint32(min(s.kept.Missed, math.MaxUint32)), Met: s.kept.Peer.Boot,
	}, s.store, s.clock, &s.kept.Counters)}
}

// links yields the connections there are, the current one first.
func (s *Service) links() iter.Seq[*link] {
	both := [2]*link{s.current, s.candidate}
	return func(yield func(*link) bool) {
		for _, l := range both {
			if l != nil && !yield(l) {
				return
			}
		}
	}
}

// find returns the link of a connection, nil for one that has been closed.
func (s *Service) find(conn ConnID) *link {
	for _, l := range []*link{s.current, s.candidate} {
		if l != nil && l.conn == conn {
			return l
		}
	}
	return nil
}

// Received takes in bytes that came on a connection, cut anyhow. b is not kept.
func (s *Service) Received(now instant.Time, conn ConnID, b []byte, fx *Effects) {
	s.now = now
	l := s.find(conn)
	if l == nil {
		return
	}
	err := l.session.Receive(now, b)
	s.note(now, l, fx)
	if err != nil {
		s.lose(now, l, err, fx)
	}
	s.pump(now, fx)
}

// Written tells that the last Send of a connection has been written whole.
func (s *Service) Written(now instant.Time, conn ConnID, fx *Effects) {
	if l := s.find(conn); l != nil {
		s.now = now
		s.kept.Counters.BytesSent += uint64(l.writing)
		l.writing = 0
		s.pump(now, fx)
	}
}

// Closed tells that a connection has ended, and why.
func (s *Service) Closed(now instant.Time, conn ConnID, reason string, fx *Effects) {
	if l := s.find(conn); l != nil {
		s.now = now
		s.forget(l, errors.New(reason), fx)
		s.replace(now, l)
		s.pump(now, fx)
	}
}

// Advance does what is due.
func (s *Service) Advance(now instant.Time, fx *Effects) {
	s.now = now
	if s.dialBy().IsDue(now) {
		s.DialFailed(now, fmt.Sprintf("no connection within %v", dialTimeout), fx)
	}
	for l := range s.links() {
		if err := l.advance(now); err != nil {
			s.lose(now, l, err, fx)
		}
	}
	if s.retryAt.IsDue(now) {
		s.start(fx)
	}
	s.pump(now, fx)
}

// Deadline is when Advance must be called next, Never when nothing is waited for: at once
// when something is to be sent that need not wait for more.
func (s *Service) Deadline() instant.Time {
	at := instant.Earliest(s.retryAt, s.dialBy())
	for l := range s.links() {
		at = instant.Earliest(at, l.session.Deadline(), l.writtenBy())
		if l.writing == 0 && l.session.Pending() {
			at = instant.Earliest(at, max(s.now, l.sendAt()))
		}
	}
	return at
}

// dialBy is when the Dial that is unanswered counts as failed, Never when there is none.
func (s *Service) dialBy() instant.Time {
	if !s.dialledAt.IsSet() {
		return instant.Never
	}
	return s.dialledAt.Add(dialTimeout)
}

// Dirty tells that this device has written a record. It is sent by the next
// call that has effects, so a batch of changes is best marked whole before
// Advance, or a millisecond after the last.
func (s *Service) Dirty(now instant.Time, key Key) {
	s.now = now
	for l := range s.links() {
		l.session.Dirty(now, key)
	}
	if s.active && s.tcp != Connected {
		if s.kept.Missed == 0 {
			s.kept.MissedSince = now
		}
		s.kept.Missed++
	}
}

// Reset has everything sent again in both directions. Without a connection
// there is nothing to do: the next one begins with a synchronisation.
func (s *Service) Reset(now instant.Time, fx *Effects) {
	if s.current != nil {
		s.current.session.Resync(now)
		s.pump(now, fx)
	}
}

// InSync reports whether the current connection has been synchronised in both directions.
func (s *Service) InSync() bool { return s.current != nil && s.current.session.InSync() }

// TCP is the state of the connection.
func (s *Service) TCP() TCPState { return s.tcp }

// LastError says why the connection was last lost or refused, empty when it never was.
func (s *Service) LastError() string { return s.kept.LastError }
