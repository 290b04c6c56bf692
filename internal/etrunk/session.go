package etrunk

import (
	"bytes"
	"slices"
	"time"

	"tandem/internal/instant"
)

// Session is the state of a Trunk for its successor: all that a daemon must hand on so
// that the peer does not notice the restart. Its instants are of the same clock as those
// passed to the Trunk.
type Session struct {
	Kept    TrunkKept
	Members []MemberSession
}

// TrunkKept is the state of a Trunk without its members.
type TrunkKept struct {
	Role     DeviceRole
	Reason   DeviceReason
	BFD      BFDState
	Out      Outgoing
	Peer     Peer
	Paths    []PathSession // the primary one first
	Counters Counters
	// Compared says that the settings have been compared with those of a peer.
	// Differences lists those that differ.
	Compared    bool
	Differences []Difference
}

// MemberSession is a member's part of a Session.
type MemberSession struct {
	ID   uint32
	Kept MemberKept
}

// MemberKept is the state of a member.
type MemberKept struct {
	Local  Announcement // the trunk sets Role, the device the other fields
	Reason MemberReason
	Revert Revert
}

// clone returns a copy that shares no memory that either of the two will write.
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
// configuration. Roles stay, and the peer keeps accepting this device's hellos. During
// the pause between the two daemons nobody received hellos here, so the pause does not
// count as silence of the peer.
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
