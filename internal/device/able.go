package device

import (
	"slices"

	"tandem/internal/etrunk"
	"tandem/internal/proof"
)

// unable names what keeps the multicast interfaces of a member from their work, empty when
// nothing does.
func (du *duties) unable(m *member) string {
	if lack := du.upstream.unable(); lack != "" {
		return lack
	}
	return du.lackBelow(m, func(proof.Lack) bool { return true })
}

// mute names what keeps a member from asking its hosts, empty when nothing does.
func (du *duties) mute(m *member) string { return du.lackBelow(m, proof.Lack.Mute) }

// lackBelow names what the first of a member's interfaces lacks, of the kinds that count.
func (du *duties) lackBelow(m *member, counts func(proof.Lack) bool) string {
	for _, ifc := range du.downstreams.list {
		if lack := ifc.link.lack(); lack != "" && counts(ifc.link.Lacks) && ifc.member == m {
			return ifc.name + ": " + lack
		}
	}
	return ""
}

// unreplicated names what keeps the listeners of a member from being replicated, empty when
// nothing does. Without replication two devices must not share the sending: the switch has each
// of them hear some of the hosts only. An E-Trunk on which neither device has multicast needs none.
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
