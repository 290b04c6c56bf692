package device

import (
	"maps"
	"slices"

	"tandem/internal/etrunk"
	"tandem/internal/instant"
)

// Who stops serving by a change of its configuration hands over first: the members are told
// to [Withdraw], and the change is made when they have [Device.Withdrawn]. So the peer sends
// everything before anything ends here, and knows that it does.

// loses lists the members that settings would keep from serving as they do now.
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

// keeps reports whether settings leave a member all that it serves by.
func (du *duties) keeps(m *member, s *Settings) bool {
	return du.keepsTrunk(m, s) && du.keepsProfiles(m.id, s) && du.keepsInterfaces(m, s)
}

// keepsTrunk reports whether the peer finds the member as before.
func (du *duties) keepsTrunk(m *member, s *Settings) bool {
	is, willBe := du.settings.ETrunks[m.id.ETrunk], s.ETrunks[m.id.ETrunk]
	member := slices.ContainsFunc(willBe.Members, func(c etrunk.MemberConfig) bool { return c.ID == m.id.EthTrunk })
	leg := s.Legs[m.id]
	return member && is.Local == willBe.Local && is.Peer == willBe.Peer && is.VPN == willBe.VPN &&
		is.AuthMode == willBe.AuthMode && is.Sequence == willBe.Sequence && slices.Equal(is.Key, willBe.Key) &&
		leg.Netdev == m.leg.Netdev && (!leg.Shutdown || m.leg.Shutdown)
}

// keepsProfiles reports whether listeners are replicated as before.
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

// serves reports whether an interface is a member's.
func (du *duties) serves(m *member, name string) bool {
	ifc := du.downstreams.get(name)
	return ifc != nil && ifc.member == m
}

// withdraw has some members hand over, and no others.
func (du *duties) withdraw(now instant.Time, ev Withdraw) {
	for _, t := range du.trunks.list {
		for _, m := range t.members {
			m.Withdrawn = slices.Contains(ev.Members, m.id)
		}
	}
	du.agenda.add(stageDuty, now)
}

// withdrawn reports whether nothing waits for the members any more that were told to withdraw:
// the peer has taken over, or there is nobody who could.
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

// sendsAll reports whether the peer sends everything, and knows that this device is not ready. So it
// goes on, though it is not ready itself and this device sends, too.
func sendsAll(ms etrunk.MemberState) bool {
	p := ms.Peer
	return ms.PeerKnown && p.Up && p.Role == etrunk.MemberMaster && p.Covers == etrunk.AllBuckets && p.Seen.Known && !p.Seen.Ready
}
