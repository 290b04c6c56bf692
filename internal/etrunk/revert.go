package etrunk

import (
	"time"

	"tandem/internal/instant"
)

// yieldAfter is how long a Master member that has not been ready yet may keep the leg
// while the peer's member is ready. LACP takes a few seconds.
const yieldAfter = 5 * time.Second

// Revert is the state of a member that leaves the leg to the peer's member, although its
// own device is Master. There are two cases. Give-back: the member returns after a
// failure, while the peer's member serves. Yielding: the member is not ready, and the
// peer's member is ready. An Auto member is Backup while Held is set.
type Revert struct {
	Held  bool
	Until instant.Time // when the revert delay ends, Never with `revert disable`
	Over  bool         // the delay has ended; the member waits only until it is ready
	Asked bool         // the operator has requested the end of the delay
	// Yielding says that the member yields, and the peer's member has not taken over yet.
	Yielding bool
	// Fell says that the leg went down while the member was Master.
	Fell bool
	// Served says that the member has been ready since it became Master.
	Served bool
	// YieldAt is when a member that is not ready yields.
	YieldAt instant.Time
}

func (r *Revert) deadline() instant.Time {
	switch {
	case !r.Held:
		return r.YieldAt
	case !r.Over:
		return r.Until
	}
	return instant.Never
}

func (r *Revert) left(now instant.Time) time.Duration {
	if !r.Held || r.Over {
		return 0
	}
	return r.Until.Left(now)
}

// hold makes a member leave the leg to the peer's member, and starts the revert delay.
func (t *Trunk) hold(now instant.Time, m *member) {
	m.Revert = Revert{Held: true, Until: now.Add(t.cfg.RevertDelay)}
}

// legMoved handles a leg that goes down or comes up. If the peer has taken over while the
// leg was down, a give-back begins when the leg comes up. No give-back begins if the leg
// comes up only because its member has become Master.
func (t *Trunk) legMoved(now instant.Time, m *member, wasUp bool) {
	if m.Mode != Auto || t.kept.Role != DeviceMaster || m.Local.Role != MemberMaster || wasUp == m.Local.Up {
		return
	}
	if !m.Local.Up {
		m.Revert.Fell = true
		return
	}
	if p, ok := t.heir(m); ok && m.Revert.Fell && sends(p.Announcement, true) {
		t.hold(now, m)
		return
	}
	m.Revert.Fell = false
}

// leftToPeer reports whether an Auto member of the Master device leaves the leg to the peer.
// This begins when the member would change from Backup to Master while the peer's member
// serves, or when the member is not ready and the peer's is. It ends when the delay is over
// and the member is ready. It ends at once when the member is ready and the peer's is not.
func (t *Trunk) leftToPeer(now instant.Time, m *member) bool {
	r := &m.Revert
	p, ok := t.heir(m)
	serves := ok && sends(p.Announcement, true)
	switch {
	case !ok:
		r.Held, r.YieldAt = false, instant.Never
	case r.Held:
	case m.Local.Role == MemberBackup && serves:
		t.hold(now, m)
	case m.Local.Role == MemberMaster && m.yields(now, p):
		t.hold(now, m)
		r.Yielding = true
	}
	if !r.Held {
		return false
	}
	if serves && p.Ready {
		r.Yielding = false
	}
	switch {
	case !serves && !r.Yielding, m.Local.Ready && !(serves && p.Ready):
		r.Held = false
	case t.cfg.RevertDisable && !r.Asked:
		r.Until, r.Over = instant.Never, false
	default:
		if !r.Until.IsSet() { // `revert disable` was undone
			r.Until = now.Add(t.cfg.RevertDelay)
		}
		r.Over = r.Asked || r.Until.IsDue(now)
		r.Held = !r.Over || !m.Local.Ready
	}
	return r.Held
}

// offer lets the peer's member become Master, too, while a local ForceMaster member is
// not ready.
func (t *Trunk) offer(now instant.Time, m *member) {
	r := &m.Revert
	p, ok := t.heir(m)
	switch {
	case !ok:
		r.Held, r.YieldAt = false, instant.Never
	case r.Held: // a ForceMaster member has no revert delay, even if it was Auto before and had one
		r.Held, r.Over = !m.Local.Ready, true
	case m.yields(now, p):
		m.Revert = Revert{Held: true, Until: now, Over: true}
	}
}

// yields reports whether a Master member that is not ready should leave the leg to the peer's
// member, which is ready. If the member was ready before, it yields at once; otherwise after
// yieldAfter.
func (m *member) yields(now instant.Time, p *HelloMember) bool {
	r := &m.Revert
	r.Served = r.Served || m.Local.Ready
	switch {
	case m.Local.Ready || !m.Local.Up || !p.Ready:
		r.YieldAt = instant.Never
		return false
	case r.Served:
		return true
	case !r.YieldAt.IsSet():
		r.YieldAt = now.Add(yieldAfter)
	}
	return r.YieldAt.IsDue(now)
}

// heir returns the peer's member if that member could take the leg now and would give it
// back later. A member with a forced role would not give it back, nor would the member of
// a device that is equal in the election.
func (t *Trunk) heir(m *member) (*HelloMember, bool) {
	p, known := t.peerMember(m)
	if !known || p.Mode != Auto || t.comparePeer() == 0 {
		return nil, false
	}
	return p, true
}

// EndRevert ends the revert delay of a member. The member takes the leg back as soon as it is
// ready.
func (t *Trunk) EndRevert(now instant.Time, id uint32, fx *Effects) {
	if m := t.member(id); m != nil && m.Revert.Held {
		m.Revert.Asked = true
		t.settle(now, fx)
	}
}
