package bfd

import (
	"fmt"

	"tandem/internal/instant"
)

// Snapshot returns the state of the session for displays.
func (s *session) Snapshot(now instant.Time) SessionState {
	st := SessionState{
		Config:                    s.cfg,
		State:                     s.state,
		RemoteState:               s.remote.state,
		Diagnostic:                s.last,
		RemoteMult:                s.remote.detectMult,
		Since:                     now.Sub(s.since),
		UpCount:                   s.ups,
		Flaps:                     s.flaps,
		Sent:                      s.sent,
		Received:                  s.accepted,
		NotUpReason:               s.notUpReason(),
		InterfaceMissing:          s.path.Out == linkMissing || s.path.Tracked == linkMissing,
		ActualRemoteDiscriminator: s.remote.discriminator,
		Polling:                   s.timing.polling(),
		Slow:                      s.pace.slow,
		Slowdowns:                 s.pace.times,
	}
	if s.ups > 0 {
		st.LastUp = now.Sub(s.upAt)
	}
	if s.flaps > 0 {
		st.LastDown = now.Sub(s.downAt)
	}
	if s.restore.waiting {
		st.RestoreIn = s.restore.at.Left(now)
	}
	if s.pace.slow.Interval > 0 {
		st.SlowFor, st.RetryIn = now.Sub(s.pace.since), s.pace.retry().Left(now)
	}
	if s.periodic() {
		st.ActualTx = s.txInterval()
	}
	if s.remote.heard {
		st.ActualRx = s.rxInterval()
		st.DetectTime = s.detectTime()
		st.LastHeard = now.Sub(s.received)
	}
	return st
}

// notUpReason says why the session is not Up, empty if it is Up.
func (s *session) notUpReason() string {
	switch {
	case s.state == Up:
		return ""
	case s.state == AdminDown:
		return "shut down here"
	case s.path.Held:
		return "this device has stopped working"
	case s.path.Out != linkUp:
		return s.path.Out.missing("interface", s.cfg.Interface)
	case s.path.Tracked != linkUp:
		return s.path.Tracked.missing("tracked interface", s.cfg.TrackInterface)
	case s.refused != 0:
		return fmt.Sprintf("peer uses discriminator %d, not %d", s.refused, s.cfg.RemoteDiscriminator)
	case !s.remote.heard:
		return "peer is not heard"
	case s.remote.state == AdminDown:
		return "peer is shut down"
	default:
		return "peer does not hear this device yet"
	}
}

func (l linkState) missing(what, name string) string {
	if l == linkMissing {
		return what + " " + name + " does not exist"
	}
	return what + " " + name + " is down"
}
