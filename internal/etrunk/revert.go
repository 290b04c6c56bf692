package etrunk

import (
	"time"

	"tandem/internal/instant"
)

// yieldAfter is how long a member that has not been ready since it is Master is
// waited for before a peer that is ready gets the leg. LACP takes a few seconds.
const yieldAfter = 5 * time.Second

// Revert is about a leg that a member of the Master device leaves to the peer: one that
// serves when the member returns (give-back), or one that could when the member cannot
// (yielding). An Auto member is Backup while it is held.
type Revert struct {
	Held  bool
	Until instant.Time // Never with `revert disable`
	Over  bool         // the delay is over, only readiness is waited for
	Asked bool         // the operator wants it to be over
	// Yielding: the peer is yet to take over.
	Yielding bool
	// Fell: the leg went down while the member was Master.
	Fell bool
	// Served: the member has been ready since it is Master.
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

// hold starts the revert delay.
func (t *Trunk) hold(now instant.Time, m *member) {
	m.Revert = Revert{Held: true, Until: now.Add(t.cfg.RevertDelay)}
}

// legMoved notes the fall and the return of a leg. The return begins a give-back
// when the peer has taken over meanwhile. A leg that comes up only because the
// member has become Master has not fallen, so it begins none.
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

// leftToPeer tells whether an Auto member of the Master device leaves the leg to the
// peer. That begins when it would turn from Backup to Master under a peer that serves, or
// when it is not ready and the peer is; it ends when the delay is over and the member is
// ready, or at once when it is ready and the peer is not. What cannot serve takes nothing back.
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

// offer lets the peer have the leg beside a ForceMaster member that is not ready.
func (t *Trunk) offer(now instant.Time, m *member) {
	r := &m.Revert
	p, ok := t.heir(m)
	switch {
	case !ok:
		r.Held, r.YieldAt = false, instant.Never
	case r.Held: // there is no delay, also if it was Auto before
		r.Held, r.Over = !m.Local.Ready, true
	case m.yields(now, p):
		m.Revert = Revert{Held: true, Until: now, Over: true}
	}
}

// yields tells whether a Master member should leave the leg to the peer, which is ready
// while it is not: at once if it has been ready.
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

// heir returns the peer's member if it could be left the leg, and would give it back.
// A forced member does not, nor does a Master on a full tie.
func (t *Trunk) heir(m *member) (*HelloMember, bool) {
	p, known := t.peerMember(m)
	if !known || p.Mode != Auto || t.comparePeer() == 0 {
		return nil, false
	}
	return p, true
}

// EndRevert lets a member that leaves the leg to the peer take it back as soon as it is
// ready, whatever is left of the revert delay.
func (t *Trunk) EndRevert(now instant.Time, id uint32, fx *Effects) {
	if m := t.member(id); m != nil && m.Revert.Held {
		m.Revert.Asked = true
		t.settle(now, fx)
	}
}
