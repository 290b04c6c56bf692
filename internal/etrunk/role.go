package etrunk

import (
	"bytes"
	"cmp"

	"tandem/internal/instant"
)

// elect sets the device role:
//
//	peer                                           role      reason
//	not heard yet, nor waited for long enough      unchanged (Initialize at first)
//	silent for the fail time that it advertised    Master    TIMEOUT
//	lost by BFD                                    Master    BFD_DOWN
//	alive, lost this device, and is Master         Backup    PEER_TIMEOUT
//	alive, better (priority, then system ID)       Backup    PRI
//	alive, worse or equal                          Master    PRI
func (t *Trunk) elect(fx *Effects) {
	role, reason := t.election()
	if role == t.kept.Role && reason == t.kept.Reason {
		return
	}
	t.kept.Role, t.kept.Reason = role, reason
	fx.Changed = true
	fx.Events = append(fx.Events, Event{Kind: DeviceRoleChanged, Role: role, Reason: reason})
}

func (t *Trunk) election() (DeviceRole, DeviceReason) {
	p := &t.kept.Peer
	switch {
	case p.Alive && p.Yielded:
		return DeviceBackup, ReasonPeerTimeout
	case p.Alive && t.comparePeer() > 0:
		return DeviceBackup, ReasonPriority
	case p.Alive:
		return DeviceMaster, ReasonPriority
	case p.Lost != ReasonInit:
		return DeviceMaster, p.Lost
	}
	return t.kept.Role, t.kept.Reason
}

// comparePeer compares this device with the peer as the election does: the result is below
// zero if this device is better, and zero if both are equal.
func (t *Trunk) comparePeer() int {
	c, h := &t.cfg, &t.kept.Peer.Hello
	return cmp.Or(cmp.Compare(c.Priority, h.Priority), bytes.Compare(c.SystemID[:], h.SystemID[:]))
}

// preferred reports whether the total order puts this device before the peer whose hello
// came last. If all else is equal, the addresses decide, so there is no tie.
func (t *Trunk) preferred() bool {
	if !t.kept.Peer.Heard {
		return true
	}
	return cmp.Or(t.comparePeer(), t.cfg.Local.Compare(t.cfg.Peer)) < 0
}

// Expected returns the role that the election gives the device while the two devices
// receive each other's hellos. An Auto member follows this role.
func (s State) Expected() DeviceRole {
	if tie := s.PeerPriority == s.Priority && s.PeerSystemID == s.SystemID; s.Preferred || tie {
		return DeviceMaster
	}
	return DeviceBackup
}

func (t *Trunk) assignMembers(now instant.Time, fx *Effects) {
	for _, m := range t.members {
		held := m.Revert.Held
		role, reason := t.memberRole(now, m)
		if role == m.Local.Role && reason == m.Reason && held == m.Revert.Held {
			continue
		}
		fx.Changed = true
		if role != m.Local.Role || reason != m.Reason {
			if role != m.Local.Role {
				m.Local.Ready = false // Ready was announced for the other role
			}
			m.Local.Role, m.Reason = role, reason
			fx.Events = append(fx.Events, Event{Kind: MemberRoleChanged, Member: m.ID, MemberRole: role, MemberReason: reason})
		}
	}
}

// memberRole returns the role of a member:
//
//	mode           device      peer's member                          role
//	force-master   any         any                                    Master  FORCE_MASTER
//	force-backup   any         any                                    Backup  FORCE_BACKUP
//	auto           Initialize  any                                    Backup  ETRUNK_INIT
//	auto           Master      auto, and ours is held                 Backup  PEER_MEMBER_UP
//	auto           Master      not known or serving                   Master  ETRUNK_MASTER
//	auto           Master      down or Backup                         Master  PEER_MEMBER_DOWN
//	auto           Backup      missing, down, force-backup or held    Master  PEER_MEMBER_DOWN
//	auto           Backup      up, its device Master                  Backup  PEER_MEMBER_UP, but
//	                           unchanged while ours serves and the peer's is not ready
//	auto           Backup      up, its device not Master yet          unchanged
func (t *Trunk) memberRole(now instant.Time, m *member) (MemberRole, MemberReason) {
	if m.Mode == ForceBackup || t.kept.Role != DeviceMaster {
		m.Revert = Revert{}
	}
	switch {
	case m.Mode == ForceMaster:
		if t.kept.Role == DeviceMaster {
			t.offer(now, m)
		}
		return MemberMaster, ReasonForceMaster
	case m.Mode == ForceBackup:
		return MemberBackup, ReasonForceBackup
	case t.kept.Role == DeviceMaster:
		return t.roleOnMaster(now, m)
	case t.kept.Role == DeviceBackup:
		return t.roleOnBackup(m)
	}
	return MemberBackup, ReasonETrunkInit
}

func (t *Trunk) roleOnMaster(now instant.Time, m *member) (MemberRole, MemberReason) {
	if t.leftToPeer(now, m) {
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
	case t.kept.Peer.Hello.Role == DeviceMaster && (p.Ready || !m.serves()):
		return MemberBackup, ReasonPeerMemberUp
	case m.Local.Role == MemberMaster:
		return MemberMaster, m.Reason
	}
	return MemberBackup, ReasonETrunkBackup
}

// serves reports whether the switch can rely on this member: whether it carries streams
// to the switch.
func (m *member) serves() bool {
	return m.Local.Role == MemberMaster && m.Local.Up && m.Local.Ready
}
