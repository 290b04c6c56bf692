package etrunk

import (
	"bytes"
	"slices"
	"time"

	"tandem/internal/instant"
)

// Session is what the two devices know of each other on an E-Trunk: everything
// that a daemon must hand on to the one that takes its place so that the peer does
// not notice. Instants are of the clock that the Trunk was told.
type Session struct {
	Kept    TrunkKept
	Members []MemberSession
}

// TrunkKept is what a Trunk knows beside its members.
type TrunkKept struct {
	Role     DeviceRole
	Reason   DeviceReason
	BFD      BFDState
	Out      Outgoing
	Peer     Peer
	Paths    []PathSession // the primary one first
	Counters Counters
	// Compared says that the settings have been compared with a peer's, Differences is how
	// they differ.
	Compared    bool
	Differences []Difference
}

// MemberSession is a member's part of a Session.
type MemberSession struct {
	ID   uint32
	Kept MemberKept
}

// MemberKept is what a Trunk knows of a member.
type MemberKept struct {
	Local  Announcement // Role is the trunk's, the rest the device's
	Reason MemberReason
	Revert Revert
}

// clone returns a copy that shares no memory that is going to be written.
func (k TrunkKept) clone() TrunkKept {
	k.Out.Said, k.Paths = bytes.Clone(k.Out.Said), slices.Clone(k.Paths)
	return k
}

// Session returns the state for a successor.
func (t *Trunk) Session() Session {
	s := Session{Kept: t.kept.clone()}
	for _, m := range t.members {
		s.Members = append(s.Members, MemberSession{m.ID, m.MemberKept})
	}
	return s
}

// Resume is the first Configure of a Trunk that continues another one with the same
// configuration. Roles stay, and the peer goes on believing this device. In the pause between
// the two nobody has received hellos, so the pause does not count against the peer.
func (t *Trunk) Resume(now instant.Time, pause time.Duration, cfg Config, s Session, fx *Effects) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	cfg = cfg.clone()
	send, recv, err := keys(cfg)
	if err != nil {
		return err
	}
	t.cfg, t.sendKey, t.recvKey, t.configured = cfg, send, recv, true
	t.setMembers(cfg.Members)
	t.kept = s.Kept.clone()
	t.kept.Peer.Expires = t.kept.Peer.Expires.Add(pause)
	t.setPaths(now)
	for _, ms := range s.Members {
		if m := t.member(ms.ID); m != nil {
			m.MemberKept = ms.Kept
		}
	}
	fx.Changed = true
	t.settle(now, fx)
	return nil
}
