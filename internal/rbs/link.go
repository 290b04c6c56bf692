package rbs

import (
	"time"

	"tandem/internal/instant"
)

// link is a connection with its session.
type link struct {
	conn     ConnID
	session  *session
	security Security
	madeAt   instant.Time
	upAt     instant.Time
	up       bool // established, and the event ChannelUp was emitted
	inSync   bool // the event Synchronised was emitted
	writing  int  // bytes of the Send that is under way
	sentAt   instant.Time
	syncsEnd instant.Time
}

const (
	// sendPause is the shortest time between two chunks of live changes. It makes changes
	// that follow each other fast share a chunk and its acknowledgement. A change that
	// comes later than that is sent at once.
	sendPause = time.Millisecond
	// manyChanges is how many changes fill a chunk. If so many wait, the chunk does not
	// wait for sendPause.
	manyChanges = 512
)

// sendAt returns when a link may send next, Never if it may send now.
func (l *link) sendAt() instant.Time {
	if s := l.session; l.sentAt.IsSet() && s.InSync() && !s.asking() && !s.answers.busy() && s.dirty.len()+s.streams.len() < manyChanges {
		return l.sentAt.Add(sendPause)
	}
	return instant.Never
}

// writeTimeout bounds the time in which a chunk must be written. Without it, a peer that
// sends keepalives and reads nothing would seem alive, and would never learn of a change.
const writeTimeout = time.Minute

// writtenBy returns when the chunk under way must have been written, Never if there is none.
func (l *link) writtenBy() instant.Time {
	if l.writing == 0 {
		return instant.Never
	}
	return l.sentAt.Add(writeTimeout)
}

// advance does what is due on the connection. An error means that it has to be closed.
func (l *link) advance(now instant.Time) error {
	if l.writtenBy().IsDue(now) {
		return violation("the peer has not read %d bytes in %v", l.writing, writeTimeout)
	}
	return l.session.Advance(now)
}

// note acts on what has changed in the session of l: it is established, in sync, or has
// diverged.
func (s *Service) note(now instant.Time, l *link, fx *Effects) {
	if l.session.Established() && !l.up {
		s.establish(now, l, fx)
	}
	if st := &l.session.stats; st.once && (!l.inSync || st.ended != l.syncsEnd) {
		l.inSync, l.syncsEnd = true, st.ended
		s.kept.Missed = 0
		s.noteSync(st)
		fx.Events = append(fx.Events, Event{Kind: Synchronised})
	}
	if x := &l.session.status; l == s.current && (x.wanted || x.told != nil) {
		fx.StatusWanted = fx.StatusWanted || x.wanted
		if x.told != nil {
			fx.Status = x.told
		}
		x.wanted, x.told = false, nil
	}
	if a := &l.session.audit; a.diverged {
		a.diverged = false
		fx.Events = append(fx.Events, Event{Diverged, "the databases differ, comparing them again"})
	}
}

func (s *Service) noteSync(st *syncProgress) {
	of := &s.kept.Syncs[0]
	if st.last.full {
		of = &s.kept.Syncs[1]
	}
	of.SyncStats = SyncStats{Count: of.Count + 1, Took: st.took, Sent: st.last.Sent, Received: st.last.Received}
	of.Ended = st.ended
}

// Peer returns the HELLO of the peer of the last established connection, the zero Hello
// before the first one.
func (s *Service) Peer() Hello { return s.kept.Peer }

// Diverged reports whether the databases were found to differ while no record was under way,
// and have not been found equal since.
func (s *Service) Diverged() bool { return s.tcp == Connected && s.current.session.audit.alarm }

// establish makes l the current connection. Both ends have agreed on a version.
func (s *Service) establish(now instant.Time, l *link, fx *Effects) {
	if l == s.candidate {
		s.lose(now, s.current, replaced(), fx)
		s.current, s.candidate = l, nil
	}
	l.up, l.upAt = true, now
	s.kept.UpAt = now
	s.kept.Peer = l.session.Peer()
	s.kept.Counters.Established++
	s.trust()
	fx.Events = append(fx.Events, Event{Kind: ChannelUp})
}

// lose closes a connection because of err, reports the reason to the peer, and arranges
// the next connection.
func (s *Service) lose(now instant.Time, l *link, err error, fx *Effects) {
	s.closeLink(l, err, fx)
	s.replace(now, l)
}

// closeLink asks the caller to close a connection, and removes the link.
func (s *Service) closeLink(l *link, err error, fx *Effects) {
	fx.Close = append(fx.Close, CloseConn{Conn: l.conn, Reason: err.Error(), Last: goodbye(err)})
	s.forget(l, err, fx)
}

// forget removes a link, counts its loss and emits an event.
func (s *Service) forget(l *link, err error, fx *Effects) {
	s.kept.LastError = err.Error()
	*s.kept.Counters.lossCounter(err)++
	e := Event{Refused, err.Error()}
	if l.up {
		e.Kind = ChannelDown
		records, age := l.session.Lag(s.now)
		s.kept.Missed, s.kept.MissedSince = records, s.now.Add(-age)
	}
	fx.Events = append(fx.Events, e)
	if l == s.current {
		s.current = nil
	} else {
		s.candidate = nil
	}
}

// replace arranges a new connection after l has ended.
func (s *Service) replace(now instant.Time, l *link) {
	switch {
	case s.current != nil:
	case s.candidate != nil:
		s.current, s.candidate = s.candidate, nil
	case s.cfg.connects(): // otherwise this end listens, and the peer connects again
		// The connection was in sync and lasted long enough, so earlier failures no
		// longer count for the backoff.
		if l.session.InSync() && now.Sub(l.upAt) >= s.cfg.BackoffMax {
			s.failures = 0
		}
		s.backOff(now)
	}
}

// pump gives the next bytes to every connection that has no unfinished Send and may send.
func (s *Service) pump(now instant.Time, fx *Effects) {
	for l := range s.links() {
		if l.writing > 0 || now < l.sendAt() {
			continue
		}
		if b := l.session.Output(now, maxChunk); b != nil {
			l.writing, l.sentAt = len(b), now
			fx.Send = append(fx.Send, Send{Conn: l.conn, Bytes: b})
		}
		s.note(now, l, fx)
	}
	s.settle(now)
}

// settle updates the service's state, and the time since when it has this state.
func (s *Service) settle(now instant.Time) {
	s.now = now
	if tcp := s.tcpState(); tcp != s.tcp {
		s.tcp, s.tcpSince = tcp, now
	}
}

func (s *Service) tcpState() TCPState {
	switch {
	case !s.active || s.cfg.Wait != "":
		return Initial
	case s.current != nil && s.current.up:
		return Connected
	case s.cfg.connects():
		return Connecting
	case s.listening:
		return Listening
	}
	return Initial
}

// State returns a snapshot for displays. wall is the wall-clock time at now.
func (s *Service) State(now instant.Time, wall time.Time) State {
	st := State{
		Name: s.cfg.Name, Peer: s.cfg.ends().Peer, Local: s.cfg.ends().Local, Port: s.cfg.Port,
		TCP: s.tcp, Since: now.Sub(s.tcpSince),
		LastError:    s.LastError(),
		Distrust:     s.Distrusted(),
		Pin:          s.cfg.Pin,
		PeerDeviceID: s.kept.Peer.Device,
		InSync:       s.InSync(),
		LocalDigest:  totalDigest(s.store),
		Counters:     s.kept.Counters, Lags: s.kept.Lags,
	}
	if s.kept.UpAt.IsSet() {
		st.LastUp = wall.Add(s.kept.UpAt.Sub(now))
	}
	for kind, into := range [...]*SyncStats{&st.LastDifference, &st.LastFull} {
		if *into = s.kept.Syncs[kind].SyncStats; into.Count > 0 {
			into.At = wall.Add(s.kept.Syncs[kind].Ended.Sub(now))
		}
	}
	if s.tcp == Connected {
		st.LagRecords, st.Lag = s.current.session.Lag(now)
		st.Security = s.current.security
		st.PeerDigest = s.current.session.peerDigest
		st.Diverged = s.current.session.audit.alarm
	} else if s.kept.Missed > 0 {
		st.LagRecords, st.Lag = s.kept.Missed, now.Sub(s.kept.MissedSince)
	}
	return st
}
