package etrunk

import (
	"time"

	"tandem/internal/instant"
)

// yieldAfter is how long a member that has not been ready since it is Master is
// waited for before a peer that is ready gets the leg. LACP takes a few seconds.
const yieldAfter = 5 * time.Second

// revert is about a leg that a member of the Master device leaves to the peer: one that
// serves when the member returns (give-back), or one that could when the member cannot
// (yielding). An Auto member is Backup while it is held.
type revert struct {
	held  bool
	until instant.Time // Never with `revert disable`
	over  bool         // the delay is over, only readiness is waited for
	asked bool         // the operator wants it to be over
	// yielding: the peer is yet to take over.
	yielding bool
	// fell: the leg went down while the member was Master.
	fell bool
	// served: the member has been ready since it is Master.
	served bool
	// yieldAt is when a member that is not ready yields.
	yieldAt instant.Time
}

func (r *revert) deadline() instant.Time {
	switch {
	case !r.held:
		return r.yieldAt
	case !r.over:
		return r.until
	}
	return instant.Never
}

func (r *revert) left(now instant.Time) time.Duration {
	if !r.held || r.over {
		return 0
	}
	return r.until.Left(now)
}

// hold starts the revert delay.
func (t *Trunk) hold(now instant.Time, m *member) {
	m.revert = revert{held: true, until: now.Add(t.cfg.RevertDelay)}
}

// legMoved notes the fall and the return of a leg. The return begins a give-back
// when the peer has taken over meanwhile. A leg that comes up only because the
// member has become Master has not fallen, so it begins none.
func (t *Trunk) legMoved(now instant.Time, m *member, wasUp bool) {
	if m.Mode != Auto || t.role != DeviceMaster || m.local.Role != MemberMaster || wasUp == m.local.Up {
		return
	}
	if !m.local.Up {
		m.revert.fell = true
		return
	}
	if p, ok := t.heir(m); ok && m.revert.fell && sends(p.Announcement, true) {
		t.hold(now, m)
		return
	}
	m.revert.fell = false
}

// leftToPeer tells whether an Auto member of the Master device leaves the leg to the
// peer. That begins when it would turn from Backup to Master under a peer that serves, or
// when it is not ready and the peer is; it ends when the delay is over and the member is
// ready, or at once when it is ready and the peer is not. What cannot serve takes nothing back.
func (t *Trunk) leftToPeer(now instant.Time, m *member) bool {
	r := &m.revert
	p, ok := t.heir(m)
	serves := ok && sends(p.Announcement, true)
	switch {
	case !ok:
		r.held, r.yieldAt = false, instant.Never
	case r.held:
	case m.local.Role == MemberBackup && serves:
		t.hold(now, m)
	case m.local.Role == MemberMaster && m.yields(now, p):
		t.hold(now, m)
		r.yielding = true
	}
	if !r.held {
		return false
	}
	if serves && p.Ready {
		r.yielding = false
	}
	switch {
	case !serves && !r.yielding, m.local.Ready && !(serves && p.Ready):
		r.held = false
	case t.cfg.RevertDisable && !r.asked:
		r.until, r.over = instant.Never, false
	default:
		if !r.until.IsSet() { // `revert disable` was undone
			r.until = now.Add(t.cfg.RevertDelay)
		}
		r.over = r.asked || r.until.IsDue(now)
		r.held = !r.over || !m.local.Ready
	}
	return r.held
}

// offer lets the peer have the leg beside a ForceMaster member that is not ready.
func (t *Trunk) offer(now instant.Time, m *member) {
	r := &m.revert
	p, ok := t.heir(m)
	switch {
	case !ok:
		r.held, r.yieldAt = false, instant.Never
	case r.held: // there is no delay, also if it was Auto before
		r.held, r.over = !m.local.Ready, true
	case m.yields(now, p):
		m.revert = revert{held: true, until: now, over: true}
	}
}

// yields tells whether a Master member should leave the leg to the peer, which is ready
// while it is not: at once if it has been ready.
func (m *member) yields(now instant.Time, p *HelloMember) bool {
	r := &m.revert
	r.served = r.served || m.local.Ready
	switch {
	case m.local.Ready || !m.local.Up || !p.Ready:
		r.yieldAt = instant.Never
		return false
	case r.served:
		return true
	case !r.yieldAt.IsSet():
		r.yieldAt = now.Add(yieldAfter)
	}
	return r.yieldAt.IsDue(now)
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
	if m := t.member(id); m != nil && m.revert.held {
		m.revert.asked = true
		t.settle(now, fx)
	}
}
