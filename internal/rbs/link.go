package rbs

import (
	"time"

	"tandem/internal/instant"
)

// link is a connection with its session.
type link struct {
	conn     ConnID
	session  *session
	madeAt   instant.Time
	upAt     instant.Time
	up       bool // established, and told so
	inSync   bool // told so
	writing  int  // bytes that the last Send has under way
	sentAt   instant.Time
	syncsEnd instant.Time
}

const (
	// sendPause is the least time between two chunks of live changes, which so
	// share the cost of a chunk, of its writing and of its acknowledgement, when
	// they stream in. The first one after a pause goes at once.
	sendPause = time.Millisecond
	// manyChanges fill a chunk of their own.
	manyChanges = 512
)

// sendAt is when a link may send next, Never when nothing keeps it from sending.
func (l *link) sendAt() instant.Time {
	if s := l.session; l.sentAt.IsSet() && s.InSync() && !s.asking() && !s.answers.busy() && s.dirty.len() < manyChanges {
		return l.sentAt.Add(sendPause)
	}
	return instant.Never
}

// writeTimeout bounds the time in which a chunk is written: whoever reads nothing for that
// long may be heard all the same, and would never be told of anything.
const writeTimeout = time.Minute

// writtenBy is when the chunk under way must have been written, Never when there is none.
func (l *link) writtenBy() instant.Time {
	if l.writing == 0 {
		return instant.Never
	}
	return l.sentAt.Add(writeTimeout)
}

// advance does what is due on the connection. An error ends it.
func (l *link) advance(now instant.Time) error {
	if l.writtenBy().IsDue(now) {
		return violation("the peer has not read %d bytes in %v", l.writing, writeTimeout)
	}
	return l.session.Advance(now)
}

// note acts on what the session of l has come to.
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

// Peer is the greeting of the peer that was met last, the zero Hello before the first.
func (s *Service) Peer() Hello { return s.kept.Peer }

// Diverged reports whether the databases have been found different with nothing
// under way, and have not been found equal since.
func (s *Service) Diverged() bool { return s.tcp == Connected && s.current.session.audit.alarm }

// establish makes l, whose ends have agreed, the current connection.
func (s *Service) establish(now instant.Time, l *link, fx *Effects) {
	if l == s.candidate {
		s.lose(now, s.current, replaced(), fx)
		s.current, s.candidate = l, nil
	}
	l.up, l.upAt = true, now
	s.kept.UpAt = now
	s.kept.Peer = l.session.Peer()
	s.kept.Counters.Established++
	fx.Events = append(fx.Events, Event{Kind: ChannelUp})
}

// lose closes a connection, because of err, tells the peer why, and sees to
// the next one.
func (s *Service) lose(now instant.Time, l *link, err error, fx *Effects) {
	s.closeLink(l, err, fx)
	s.replace(now, l)
}

// closeLink has a connection closed and forgets it.
func (s *Service) closeLink(l *link, err error, fx *Effects) {
	fx.Close = append(fx.Close, CloseConn{Conn: l.conn, Reason: err.Error(), Last: goodbye(err)})
	s.forget(l, err, fx)
}

// forget counts and tells the loss of a connection.
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

// replace sees to it that a connection comes in the place of l.
func (s *Service) replace(now instant.Time, l *link) {
	switch {
	case s.current != nil:
	case s.candidate != nil:
		s.current, s.candidate = s.candidate, nil
	case s.cfg.connects(): // otherwise the peer comes again
		// A connection that has held shows that whatever was wrong is over.
		if l.session.InSync() && now.Sub(l.upAt) >= s.cfg.BackoffMax {
			s.failures = 0
		}
		s.backOff(now)
	}
}

// pump hands every idle connection its next bytes, when it may send.
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

// settle notes the time and since when the service has been in its state.
func (s *Service) settle(now instant.Time) {
	s.now = now
	if tcp := s.tcpState(); tcp != s.tcp {
		s.tcp, s.tcpSince = tcp, now
	}
}

func (s *Service) tcpState() TCPState {
	switch {
	case !s.active:
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

// State returns a snapshot for the displays; wall is the wall time at now.
func (s *Service) State(now instant.Time, wall time.Time) State {
	st := State{
		Name: s.cfg.Name, Peer: s.cfg.ends().Peer, Local: s.cfg.ends().Local, Port: s.cfg.Port,
		TCP: s.tcp, Since: now.Sub(s.tcpSince),
		LastError:    s.kept.LastError,
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
		st.PeerDigest = s.current.session.peerDigest
		st.Diverged = s.current.session.audit.alarm
	} else if s.kept.Missed > 0 {
		st.LagRecords, st.Lag = s.kept.Missed, now.Sub(s.kept.MissedSince)
	}
	return st
}
