package rbs

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"

	"tandem/internal/instant"
)

// Service is one remote backup service. It keeps a connection to the peer, and runs a
// session on it.
//
// There is one current connection. When the peer makes a new one, the new one replaces
// the current one as soon as its HELLO has come. So a peer that was restarted need not
// wait until this end finds the old connection dead, and a connection without a HELLO
// does no harm.
type Service struct {
	store        Store
	clock        *Clock
	device, boot uint64
	rng          *rand.Rand

	cfg    Config
	active bool // enabled, and the configuration is valid
	now    instant.Time

	streams Streams // the streams to report to the peer, nil if streams are not reported

	current, candidate *link
	listening          bool         // the caller has been asked to listen
	dialledAt          instant.Time // when the unanswered Dial was made; Never if there is none
	retryAt            instant.Time // when the next attempt is made; Never if none is to come
	failures           int          // failed attempts in a row; the backoff depends on their number

	tcp      TCPState
	tcpSince instant.Time
	kept     ServiceMemory
}

// NewService returns a service that is not configured yet. device is the persistent ID of
// this device, boot a number that it drew when it booted, rng the source of jitter. The
// clock is shared by all services of the device.
func NewService(store Store, clock *Clock, device, boot uint64, rng *rand.Rand) *Service {
	return &Service{store: store, clock: clock, device: device, boot: boot, rng: rng}
}

// Configure applies a configuration. A change of anything except the name restarts the
// service. With invalid addresses it stays in Initial, and LastError says why.
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
		if old.Pin, old.Wait = cfg.Pin, cfg.Wait; old != cfg { // the pin may belong to another peer
			s.kept.Missed = 0
		}
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
	if cfg.Wait == "" {
		s.start(fx)
	}
	s.settle(now)
}

// stop ends all connections, dials and listening of the old configuration.
func (s *Service) stop(old Config, fx *Effects) {
	err := &protocolError{Code: codeClosing, Detail: "switched off or reconfigured"}
	for l := range s.links() {
		s.closeLink(l, err, fx)
	}
	if s.listening {
		fx.Listen = append(fx.Listen, Listen{Ends: old.ends(), Port: old.Port})
	}
	s.active, s.listening, s.dialledAt, s.retryAt = false, false, instant.Never, instant.Never
	s.failures, s.kept.LastError = 0, ""
	s.trust()
}

// start listens or dials. The addresses decide which of the two.
func (s *Service) start(fx *Effects) {
	s.retryAt = instant.Never
	if s.cfg.connects() {
		s.dialledAt = s.now
		fx.Dial = append(fx.Dial, Dial{Ends: s.cfg.ends(), Port: s.cfg.Port, Identity: s.cfg.Peer, Pin: s.cfg.Pin.Certificate})
		return
	}
	s.listening = true
	fx.Listen = append(fx.Listen, Listen{On: true, Ends: s.cfg.ends(), Port: s.cfg.Port, Identity: s.cfg.Peer, Pin: s.cfg.Pin.Certificate})
}

// links yields all connections, the current one first.
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

// find returns the link of a connection, nil if it has been closed.
func (s *Service) find(conn ConnID) *link {
	for _, l := range []*link{s.current, s.candidate} {
		if l != nil && l.conn == conn {
			return l
		}
	}
	return nil
}

// Received handles bytes that came on a connection. They may begin and end anywhere in a
// frame. Received keeps no reference to b.
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

// Written says that the last Send of a connection has been written completely.
func (s *Service) Written(now instant.Time, conn ConnID, fx *Effects) {
	if l := s.find(conn); l != nil {
		s.now = now
		s.kept.Counters.BytesSent += uint64(l.writing)
		l.writing = 0
		s.pump(now, fx)
	}
}

// Closed says that a connection has ended, and why.
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
	if s.distrustEnds().IsDue(now) {
		s.trust()
	}
	s.pump(now, fx)
}

// Deadline returns when Advance must be called next, Never if no timer runs. If something
// can be sent now, the deadline is due at once.
func (s *Service) Deadline() instant.Time {
	at := instant.Earliest(s.retryAt, s.dialBy(), s.distrustEnds())
	for l := range s.links() {
		at = instant.Earliest(at, l.session.Deadline(), l.writtenBy())
		if l.writing == 0 && l.session.Pending() {
			at = instant.Earliest(at, max(s.now, l.sendAt()))
		}
	}
	return at
}

// Dirty says that this device has written a record. The next call that has effects sends
// the record. So the caller should mark all changes of a batch before it calls Advance.
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

// Reset sends all records again in both directions. Without a connection it does nothing,
// because the next connection begins with a synchronisation.
func (s *Service) Reset(now instant.Time, fx *Effects) {
	if s.current != nil {
		s.current.session.Resync(now)
		s.pump(now, fx)
	}
}

// InSync reports whether the current connection has been synchronised in both directions.
func (s *Service) InSync() bool { return s.current != nil && s.current.session.InSync() }

// TCP returns the state of the connection.
func (s *Service) TCP() TCPState { return s.tcp }

// LastError returns why a connection was last lost or refused; empty if none ever was.
func (s *Service) LastError() string { return cmp.Or(s.waiting(), s.kept.LastError) }
