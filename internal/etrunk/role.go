package etrunk

import (
	"bytes"
	"cmp"
	"time"
)

// elect sets the device role:
//
//	peer                                           role      reason
//	not heard yet, nor waited for long enough      unchanged (Initialize at first)
//	silent for the fail time that it advertised    Master    TIMEOUT
//	lost by BFD                                    Master    BFD_DOWN
//	alive, holds us for lost and is Master         Backup    PEER_TIMEOUT
//	alive, better (priority, then system ID)       Backup    PRI
//	alive, worse or equal                          Master    PRI
func (t *Trunk) elect(fx *Effects) {
	role, reason := t.election()
	if role == t.role && reason == t.reason {
		return
	}
	t.role, t.reason = role, reason
	fx.Changed = true
	fx.Events = append(fx.Events, Event{Kind: DeviceRoleChanged, Role: role, Reason: reason})
}

func (t *Trunk) election() (DeviceRole, DeviceReason) {
	p := &t.peer
	switch {
	case p.alive && p.yielded:
		return DeviceBackup, ReasonPeerTimeout
	case p.alive && t.comparePeer() > 0:
		return DeviceBackup, ReasonPriority
	case p.alive:
		return DeviceMaster, ReasonPriority
	case p.lost != ReasonInit:
		return DeviceMaster, p.lost
	}
	return t.role, t.reason
}

// comparePeer compares this device with the peer as the election does: below zero
// when this one is better, zero on a full tie.
func (t *Trunk) comparePeer() int {
	c, h := &t.cfg, &t.peer.hello
	return cmp.Or(cmp.Compare(c.Priority, h.Priority), bytes.Compare(c.SystemID[:], h.SystemID[:]))
}

// preferred tells whether the total order, which ends at the addresses, puts this
// device before the last peer that was heard.
func (t *Trunk) preferred() bool {
	if !t.peer.heard {
		return true
	}
	return cmp.Or(t.comparePeer(), t.cfg.Local.Compare(t.cfg.Peer)) < 0
}

func (t *Trunk) assignMembers(now time.Duration, fx *Effects) {
	for _, m := range t.members {
		held := m.revert.held
		role, reason := t.memberRole(now, m)
		if role == m.local.Role && reason == m.reason && held == m.revert.held {
			continue
		}
		fx.Changed = true
		if role != m.local.Role || reason != m.reason {
			m.local.Role, m.reason = role, reason
			fx.Events = append(fx.Events, Event{Kind: MemberRoleChanged, Member: m.ID, MemberRole: role, MemberReason: reason})
		}
	}
}

// memberRole gives a member its role by its work mode:
//
//	mode           device      peer's member                          role
//	force-master   any         any                                    Master  FORCE_MASTER
//	force-backup   any         any                                    Backup  FORCE_BACKUP
//	auto           Initialize  any                                    Backup  ETRUNK_INIT
//	auto           Master      serving, and revert is pending         Backup  PEER_MEMBER_UP
//	auto           Master      not known or serving                   Master  ETRUNK_MASTER
//	auto           Master      down or Backup                         Master  PEER_MEMBER_DOWN
//	auto           Backup      missing, down, force-backup or held    Master  PEER_MEMBER_DOWN
//	auto           Backup      up, its device Master                  Backup  PEER_MEMBER_UP
//	auto           Backup      up, its device not Master yet          unchanged
func (t *Trunk) memberRole(now time.Duration, m *member) (MemberRole, MemberReason) {
	if m.Mode != Auto || t.role != DeviceMaster {
		m.revert = revert{}
	}
	switch {
	case m.Mode == ForceMaster:
		return MemberMaster, ReasonForceMaster
	case m.Mode == ForceBackup:
		return MemberBackup, ReasonForceBackup
	case t.role == DeviceMaster:
		return t.roleOnMaster(now, m)
	case t.role == DeviceBackup:
		return t.roleOnBackup(m)
	}
	return MemberBackup, ReasonETrunkInit
}

func (t *Trunk) roleOnMaster(now time.Duration, m *member) (MemberRole, MemberReason) {
	if t.revertPending(now, m) {
		return MemberBackup, ReasonPeerMemberUp
	}
	p, known := t.peerMember(m)
	if known && !sends(p.Announcement, true) {
		return MemberMaster, ReasonPeerMemberDown
	}
	return MemberMaster, ReasonETrunkMaster
}

func (t *Trunk) roleOnBackup(m *member) (MemberRole, MemberReason) {
	p, known := t.peerMember(m)
	switch {
	case !known || !p.Up || p.Mode == ForceBackup || p.Held:
		return MemberMaster, ReasonPeerMemberDown
	case t.peer.hello.Role == DeviceMaster:
		return MemberBackup, ReasonPeerMemberUp
	case m.local.Role == MemberMaster:
		return MemberMaster, m.reason
	}
	return MemberBackup, ReasonETrunkBackup
}

// revert is the give-back of a leg to a returning Auto member: while the peer's
// member serves, the member stays Backup until the delay is over and it is ready.
type revert struct {
	held  bool
	until time.Duration // never with `revert disable`
	over  bool          // the delay is over, only readiness is waited for
	// fell: the leg went down while the member was Master.
	fell bool
}

func (r *revert) deadline() time.Duration {
	if r.held && !r.over {
		return r.until
	}
	return never
}

func (r *revert) left(now time.Duration) time.Duration {
	if !r.held || r.over || r.until == never {
		return 0
	}
	return max(0, r.until-now)
}

// hold starts the give-back.
func (t *Trunk) hold(now time.Duration, m *member) {
	m.revert = revert{held: true, until: now + t.cfg.RevertDelay}
}

// legMoved notes the fall and the return of a leg. The return begins a give-back
// when the peer has taken over meanwhile. A leg that comes up only because the
// member has become Master has not fallen, so it begins none.
func (t *Trunk) legMoved(now time.Duration, m *member, wasUp bool) {
	if m.Mode != Auto || t.role != DeviceMaster || m.local.Role != MemberMaster || wasUp == m.local.Up {
		return
	}
	if !m.local.Up {
		m.revert.fell = true
		return
	}
	if m.revert.fell && t.peerServes(m) {
		t.hold(now, m)
		return
	}
	m.revert.fell = false
}

// revertPending tells whether a member of the Master device must still leave the
// leg to the peer, and begins that when the member would turn from Backup to
// Master under a peer that serves.
func (t *Trunk) revertPending(now time.Duration, m *member) bool {
	if !t.peerServes(m) {
		m.revert.held = false
		return false
	}
	if !m.revert.held {
		if m.local.Role == MemberMaster {
			return false
		}
		t.hold(now, m)
	}
	if t.cfg.RevertDisable {
		m.revert.until = never
		return true
	}
	if m.revert.until == never { // `revert disable` was undone
		m.revert.until = now + t.cfg.RevertDelay
	}
	m.revert.over = now >= m.revert.until
	m.revert.held = !m.revert.over || !m.local.Ready
	return m.revert.held
}

// peerServes tells whether the peer's member has taken the leg over and could give
// it back. A forced member does not give back, nor does a Master on a full tie.
func (t *Trunk) peerServes(m *member) bool {
	p, known := t.peerMember(m)
	return known && sends(p.Announcement, true) && p.Mode == Auto && t.comparePeer() != 0
}
