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

// Loses lists the members that settings would keep from serving as they do now.
func (d *Device) Loses(settings Settings) (list []Member) {
	for _, t := range d.trunks.list {
		for _, id := range slices.Sorted(maps.Keys(t.members)) {
			m := t.members[id]
			if m.Covers != etrunk.NoBuckets && !d.keeps(m, &settings) {
				list = append(list, m.id)
			}
		}
	}
	return list
}

// keeps reports whether settings leave a member all that it serves by.
func (d *Device) keeps(m *member, s *Settings) bool {
	return d.keepsTrunk(m, s) && d.keepsProfiles(m.id, s) && d.keepsInterfaces(m, s)
}

// keepsTrunk reports whether the peer finds the member as before.
func (d *Device) keepsTrunk(m *member, s *Settings) bool {
	is, willBe := d.settings.ETrunks[m.id.ETrunk], s.ETrunks[m.id.ETrunk]
	member := slices.ContainsFunc(willBe.Members, func(c etrunk.MemberConfig) bool { return c.ID == m.id.EthTrunk })
	leg := s.Legs[m.id]
	return member && is.Local == willBe.Local && is.Peer == willBe.Peer && is.VPN == willBe.VPN &&
		is.AuthMode == willBe.AuthMode && is.Sequence == willBe.Sequence && slices.Equal(is.Key, willBe.Key) &&
		leg.Netdev == m.leg.Netdev && (!leg.Shutdown || m.leg.Shutdown)
}

// keepsProfiles reports whether listeners are replicated as before.
func (d *Device) keepsProfiles(id Member, s *Settings) bool {
	for name, p := range d.settings.Profiles {
		if p.Member != id || !p.replicates() {
			continue
		}
		if is, willBe := d.settings.Services[p.Service], s.Services[p.Service]; is.Enabled && !willBe.Enabled || s.Profiles[name] != p {
			return false
		}
	}
	return true
}

// keepsInterfaces reports whether streams come in, and hosts are heard, where they are now.
func (d *Device) keepsInterfaces(m *member, s *Settings) bool {
	for name, ifc := range d.settings.Interfaces {
		willBe, there := s.Interfaces[name]
		same := there && willBe.Netdev == ifc.Netdev && willBe.Upstream == ifc.Upstream && willBe.Profile == ifc.Profile
		served := ifc.Upstream || d.downstreams.get(name) != nil && d.memberOf(d.downstreams.get(name)) == m
		if served && !same {
			return false
		}
	}
	return true
}

// withdraw has some members hand over, and no others.
func (d *Device) withdraw(now instant.Time, ev Withdraw) {
	for _, t := range d.trunks.list {
		for _, m := range t.members {
			m.Withdrawn = slices.Contains(ev.Members, m.id)
		}
	}
	d.agenda.add(stageDuty, now)
}

// Withdrawn reports whether nothing waits for the members any more that were told to withdraw:
// the peer has taken over, or there is nobody who could.
func (d *Device) Withdrawn() bool {
	for _, t := range d.trunks.list {
		for _, ms := range t.state.Members {
			if m := t.members[ms.ID]; m != nil && m.Withdrawn && !m.handedOver(ms) {
				return false
			}
		}
	}
	return true
}
