package rbs

import (
	"fmt"
	"math"
	"net/netip"
	"time"

	"tandem/internal/instant"
)

// dialTimeout is the time after which a Dial that the caller has not answered counts as
// failed.
const dialTimeout = 5 * time.Second

// ListenFailed says that the last Listen has failed, or that the listening socket has
// failed later.
func (s *Service) ListenFailed(now instant.Time, reason string, fx *Effects) {
	if !s.listening {
		return
	}
	s.listening = false
	s.kept.Counters.ListenFailed++
	s.failed(now, Event{ListenFailure, reason}, fx)
}

// HandshakeFailed says that the TLS handshake of the peer's connection has failed: one of the
// two does not accept the other's certificate.
func (s *Service) HandshakeFailed(now instant.Time, reason string, fx *Effects) {
	if !s.listening {
		return
	}
	s.kept.Counters.HandshakeFailed++
	s.kept.LastError = reason
	fx.Events = append(fx.Events, Event{Refused, reason})
	s.settle(now)
}

// DialFailed says that the last Dial has failed.
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

// backOff sets the time of the next attempt. The wait doubles with every failure in a row.
// Half of it is random, so that services do not try at the same time.
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

// Dialled says that the last Dial has succeeded. conn is the new connection, and by says
// how it is protected.
func (s *Service) Dialled(now instant.Time, conn ConnID, by Security, fx *Effects) {
	if !s.dialledAt.IsSet() {
		s.refuse(conn, &s.kept.Counters.RefusedState, "connection was not asked for", fx)
		return
	}
	s.dialledAt = instant.Never
	if err := s.checkPin(by); err != nil {
		s.refuse(conn, &s.kept.Counters.DialFailed, err.Error(), fx)
		s.backOff(now)
		s.settle(now)
		return
	}
	s.current = s.newLink(now, conn, by)
	s.pump(now, fx)
}

// Accepted says that the listening socket has accepted a connection. It is refused unless it
// comes from the peer's address.
func (s *Service) Accepted(now instant.Time, conn ConnID, from netip.Addr, by Security, fx *Effects) {
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
	if err := s.checkPin(by); err != nil {
		s.refuse(conn, &s.kept.Counters.HandshakeFailed, err.Error(), fx)
		return
	}
	l := s.newLink(now, conn, by)
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

// refuse closes a connection that the service does not accept.
func (s *Service) refuse(conn ConnID, counter *uint64, reason string, fx *Effects) {
	*counter++
	fx.Close = append(fx.Close, CloseConn{Conn: conn, Reason: reason})
	fx.Events = append(fx.Events, Event{Refused, reason})
	s.kept.LastError = reason
}

func (s *Service) newLink(now instant.Time, conn ConnID, by Security) *link {
	return &link{conn: conn, security: by, madeAt: now, session: newSession(now, sessionConfig{
		Device: s.device, Boot: s.boot,
		KeepaliveInterval: s.cfg.KeepaliveInterval, DeadInterval: s.cfg.DeadInterval, Lags: &s.kept.Lags, Streams: s.streams,
		Untold: uint32(min(s.kept.Missed, math.MaxUint32)), Met: s.kept.Peer.Boot, Pinned: s.cfg.Pin.Device,
	}, s.store, s.clock, &s.kept.Counters)}
}

// dialBy returns when the unanswered Dial counts as failed, Never if there is none.
func (s *Service) dialBy() instant.Time {
	if !s.dialledAt.IsSet() {
		return instant.Never
	}
	return s.dialledAt.Add(dialTimeout)
}
