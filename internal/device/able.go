package device

import (
	"slices"
	"strings"

	"tandem/internal/event"
	"tandem/internal/proof"
)

// unable names what keeps the multicast interfaces of a member from their work, empty when
// nothing does.
func (d *Device) unable(m *member) string {
	if lack := d.upstream.unable(); lack != "" {
		return lack
	}
	for _, ifc := range d.downstreams.list {
		if lack := ifc.link.lack(); lack != "" && d.memberOf(ifc) == m {
			return ifc.name + ": " + lack
		}
	}
	return ""
}

// mute names what keeps a member from asking its hosts, empty when nothing does.
func (d *Device) mute(m *member) string {
	for _, ifc := range d.downstreams.list {
		if lack := ifc.link.lack(); lack != "" && ifc.link.Lacks.Mute() && d.memberOf(ifc) == m {
			return ifc.name + ": " + lack
		}
	}
	return ""
}

// lack is what a link that is up lacks, in words.
func (l LinkChanged) lack() string {
	if !l.Up || l.Lacks == proof.LacksNothing {
		return ""
	}
	return l.Lacks.String()
}

// lackConditions tells the interfaces that cannot do their work. That an address is tentative is
// soon over, and of what is dropped on the way out the plane tells.
func (d *Device) lackConditions(hold func(k *event.AlarmKind, object, detail string)) {
	tell := func(name string, l LinkChanged) {
		if lack := l.lack(); lack != "" && l.Lacks != proof.LacksDetection && l.Lacks != proof.LacksLeaving {
			hold(event.InterfaceUnable, name, lack)
		}
	}
	if u := d.proxy; u.exists() {
		tell(u.name, u.link)
	}
	for _, ifc := range d.downstreams.list {
		tell(ifc.name, ifc.link)
	}
}

// unreplicated names what keeps the listeners of a member from being replicated, empty when
// nothing does. Without replication two devices must not share the sending: the switch has each
// of them hear some of the hosts only.
func (d *Device) unreplicated(id Member) string {
	bound := func(ifc *downstream) bool {
		p, known := d.settings.Profiles[ifc.cfg.Profile]
		return known && p.Member == id && p.replicates()
	}
	hot := func(p ProfileSettings) bool { return p.Member == id && p.replicates() }
	switch {
	case !anyProfile(d.settings.Profiles, func(p ProfileSettings) bool { return p.Member == id }):
		return "no remote backup profile is bound to the Eth-Trunk"
	case !anyProfile(d.settings.Profiles, hot):
		return "its remote backup profile does not replicate MLD"
	case !slices.ContainsFunc(d.downstreams.list, bound):
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

// carries reports whether an interface is the leg, or a sub-interface of it.
func (l LegSettings) carries(netdev string) bool {
	return l.Netdev != "" && (netdev == l.Netdev || strings.HasPrefix(netdev, l.Netdev+"."))
}
