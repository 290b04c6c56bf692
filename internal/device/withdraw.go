package device

import (
	"maps"
	"slices"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

// A member that a change of the configuration would keep from serving hands over first:
// the caller sends [Withdraw], and makes the change when [Device.Withdrawn] is true. So
// the peer sends everything, and has acknowledged that it has to, before anything ends
// here.

// loses lists the members that serve now and that the new settings would keep from
// serving.
func (du *duties) loses(settings Settings) (list []Member) {
	for _, t := range du.trunks.list {
		for _, id := range slices.Sorted(maps.Keys(t.members)) {
			m := t.members[id]
			if m.Covers != etrunk.NoBuckets && !du.keeps(m, &settings) {
				list = append(list, m.id)
			}
		}
	}
	return list
}

// keeps reports whether new settings leave everything as it is that a member needs for
// its service.
func (du *duties) keeps(m *member, s *Settings) bool {
	return du.keepsTrunk(m, s) && du.keepsProfiles(m.id, s) && du.keepsInterfaces(m, s)
}

// keepsTrunk reports whether new settings leave the member, its leg and the contact with
// the peer as they are.
func (du *duties) keepsTrunk(m *member, s *Settings) bool {
	is, willBe := du.settings.ETrunks[m.id.ETrunk], s.ETrunks[m.id.ETrunk]
	member := slices.ContainsFunc(willBe.Members, func(c etrunk.MemberConfig) bool { return c.ID == m.id.EthTrunk })
	leg := s.Legs[m.id]
	return member && is.Local == willBe.Local && is.Peer == willBe.Peer && is.VPN == willBe.VPN &&
		is.AuthMode == willBe.AuthMode && is.Sequence == willBe.Sequence && slices.Equal(is.Key, willBe.Key) &&
		leg.Netdev == m.leg.Netdev && (!leg.Shutdown || m.leg.Shutdown)
}

// keepsProfiles reports whether new settings leave the replication of the member's
// listeners as it is.
func (du *duties) keepsProfiles(id Member, s *Settings) bool {
	for name, p := range du.settings.Profiles {
		if p.Member != id || !p.replicates() {
			continue
		}
		if is, willBe := du.settings.Services[p.Service], s.Services[p.Service]; is.Enabled && !willBe.Enabled || s.Profiles[name] != p {
			return false
		}
	}
	return true
}

// keepsInterfaces reports whether new settings leave the upstream interface, and the member's
// downstream interfaces, as they are.
func (du *duties) keepsInterfaces(m *member, s *Settings) bool {
	for name, ifc := range du.settings.Interfaces {
		willBe, there := s.Interfaces[name]
		same := there && willBe.Netdev == ifc.Netdev && willBe.Upstream == ifc.Upstream && willBe.Profile == ifc.Profile
		served := ifc.Upstream || du.serves(m, name)
		if served && !same {
			return false
		}
	}
	return true
}

// serves reports whether an interface belongs to a member.
func (du *duties) serves(m *member, name string) bool {
	ifc := du.downstreams.get(name)
	return ifc != nil && ifc.member == m
}

// withdraw makes the named members hand over, and ends the hand-over of the others.
func (du *duties) withdraw(now instant.Time, ev Withdraw) {
	for _, t := range du.trunks.list {
		for _, m := range t.members {
			m.Withdrawn = slices.Contains(ev.Members, m.id)
		}
	}
	du.agenda.add(stageDuty, now)
}

// withdrawn reports whether the peer has taken over from each member that was told to
// withdraw, or no device could.
func (du *duties) withdrawn() bool {
	for _, t := range du.trunks.list {
		for _, ms := range t.state.Members {
			if m := t.members[ms.ID]; m != nil && m.Withdrawn && !m.handedOver(ms) && !sendsAll(ms) {
				return false
			}
		}
	}
	return true
}

// sendsAll reports whether the peer sends everything and has seen that this device is not
// ready. Such a peer goes on sending, even if it is not ready itself and this device
// still sends, too.
func sendsAll(ms etrunk.MemberState) bool {
	p := ms.Peer
	return ms.PeerKnown && p.Up && p.Role == etrunk.MemberMaster && p.Covers == etrunk.AllBuckets && p.Seen.Known && !p.Seen.Ready
}
