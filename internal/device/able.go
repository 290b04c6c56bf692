package device

import (
	"slices"

	"tandem/internal/etrunk"
	"tandem/internal/proof"
)

// unable returns what keeps the multicast interfaces of a member from working, in words;
// empty if nothing does.
func (du *duties) unable(m *member) string {
	if lack := du.upstream.unable(); lack != "" {
		return lack
	}
	return du.lackBelow(m, func(proof.Lack) bool { return true })
}

// mute returns what keeps this device from sending queries to the hosts of a member, in
// words; empty if nothing does.
func (du *duties) mute(m *member) string { return du.lackBelow(m, proof.Lack.Mute) }

// lackBelow returns, in words, the lack of the first interface of a member whose lack
// counts; empty if there is none.
func (du *duties) lackBelow(m *member, counts func(proof.Lack) bool) string {
	for _, ifc := range du.downstreams.list {
		if lack := ifc.link.lack(); lack != "" && counts(ifc.link.Lacks) && ifc.member == m {
			return ifc.name + ": " + lack
		}
	}
	return ""
}

// unreplicated returns what keeps the listeners of a member from being replicated, in
// words; empty if nothing does. Without replication the two devices must not share the
// sending, because each receives the reports of only some of the hosts from the switch.
// An E-Trunk without a multicast interface on either device needs no replication.
func (du *duties) unreplicated(m *member, ms etrunk.MemberState) string {
	id := m.id
	bound := func(ifc *downstream) bool {
		p, known := du.settings.Profiles[ifc.cfg.Profile]
		return known && p.Member == id && p.replicates()
	}
	hot := func(p ProfileSettings) bool { return p.Member == id && p.replicates() }
	profile := anyProfile(du.settings.Profiles, func(p ProfileSettings) bool { return p.Member == id })
	serves := slices.ContainsFunc(du.downstreams.list, func(ifc *downstream) bool { return ifc.member == m })
	switch {
	case !profile && !serves && !ms.PeerReplicates:
		return ""
	case !profile:
		return "no remote backup profile is bound to the Eth-Trunk"
	case !anyProfile(du.settings.Profiles, hot):
		return "its remote backup profile does not replicate MLD"
	case !slices.ContainsFunc(du.downstreams.list, bound):
		return "no interface with MLD has its remote backup profile"
	}
	return ""
}

func anyProfile(profiles map[string]ProfileSettings, is func(ProfileSettings) bool) bool {
	for _, p := range profiles {
		if is(p) {
			return true
		}
	}
	return false
}
