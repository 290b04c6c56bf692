package console

import (
	"net/netip"
	"slices"

	"tandem/internal/mld"
	"tandem/internal/state"
)

const publicNet = "public net"

// heading returns the heading of an interface in VRP's MLD displays: its name and its
// link-local address.
func heading(name string, linkLocal netip.Addr) string {
	if linkLocal.IsValid() {
		return name + "(" + linkLocal.String() + ")"
	}
	return name
}

// mldGroupsDisplay is `display mld group`: one line for each group.
func mldGroupsDisplay(g state.Groups) Display {
	return mldGroups(&g, func(s *sheet, i *state.InterfaceGroups) {
		rows(s, 4, &i.Groups, func(g *state.Group) []field {
			return []field{{"Group Address", &g.Group}, {"Last Reporter", &g.LastReporter}, {"Uptime", &g.Uptime}, {"Expires", &g.Expires}}
		})
	})
}

// mldGroupsVerboseDisplay is `display mld group verbose`: the timers of every group, its
// sources, and every host with the device that received its last report and the age of
// that report.
func mldGroupsVerboseDisplay(g state.Groups) Display {
	return mldGroups(&g, func(s *sheet, i *state.InterfaceGroups) {
		list(s, &i.Groups, func(_ int, g *state.Group) { showGroup(s, g) })
	})
}

// mldGroups begins a display of groups with what both forms have in common.
func mldGroups(g *state.Groups, show func(*sheet, *state.InterfaceGroups)) Display {
	s := sheetOf(g)
	s.line("Total %s on this router", plural(g.Total, "MLD group", "MLD groups"))
	s.record(&g.Total)
	s.line("Interface group report information of VPN-Instance: %s", publicNet)
	s.fields(1, 0, field{"Limited entry of this VPN-Instance", &g.Limit})
	list(s, &g.Interfaces, func(_ int, i *state.InterfaceGroups) {
		s.line(" %s:", heading(i.Name, i.LinkLocal))
		s.record(&i.Name, &i.LinkLocal)
		s.line("  Total %s reported", plural(len(i.Groups), "MLD Group", "MLD Groups"))
		show(s, i)
	})
	return s.display()
}

func showGroup(s *sheet, g *state.Group) {
	s.fields(3, 0, field{"Group", &g.Group})
	s.fields(5, 0,
		field{"Uptime", &g.Uptime},
		field{"Expires", &g.Expires},
		field{"Last reporter", &g.LastReporter},
		field{"Last-listener-query-counter", &g.LastListenerQueries},
		field{"Last-listener-query-timer-expiry", &g.LastListenerQueryIn},
		field{"Group mode", &g.Mode},
		field{"Version1-host-present-timer-expiry", &g.V1HostPresent},
		field{"Static", &g.Static},
		field{"Denied by group policy", &g.Denied},
	)
	s.record(&g.Sources)
	if len(g.Sources) > 0 {
		s.line("     Source list:")
		for _, a := range g.Sources {
			s.line("       Source: %s", a)
		}
	}
	if len(g.Hosts) > 0 {
		s.line("     Host list:")
	}
	rowsIfAny(s, 7, &g.Hosts, func(h *state.Host) []field {
		return []field{{"Host", &h.Host}, {"Mode", &h.Mode}, {"Version", &h.Version}, {"Age", &h.Age}, {"Expires", &h.Expires},
			{"Origin", &h.Origin}, {"Origin-Device", &h.Device}, {"Sources", &h.Sources}}
	})
}

// mldInterfacesDisplay is `display mld interface`; verbose shows every timer and count.
func mldInterfacesDisplay(interfaces []state.Downstream, verbose bool) Display {
	all := state.Downstreams{Interfaces: interfaces}
	s := sheetOf(&all)
	s.line("Interface information of VPN-Instance: %s", publicNet)
	list(s, &all.Interfaces, func(_ int, i *state.Downstream) { showMLDInterface(s, i, verbose) })
	return s.display()
}

func showMLDInterface(s *sheet, i *state.Downstream, verbose bool) {
	s.line(" %s:", heading(i.Name, i.LinkLocal))
	s.record(&i.Name, &i.LinkLocal)
	s.line("   MLD is enabled")
	s.fields(3, 0,
		field{"Current MLD version", &i.Version},
		field{"MLD state", &i.MLDUp},
		field{"MLD group policy", &i.GroupPolicy},
		field{"MLD limit", &i.Limit},
		field{"Value of query interval for MLD (negotiated)", &i.QueryIntervalInUse},
		field{"Value of query interval for MLD (configured)", &i.QueryInterval},
		field{"Value of other querier timeout for MLD", &i.OtherQuerierPresent},
		field{"Value of maximum query response time for MLD", &i.MaxResponse},
	)
	if verbose {
		showMLDTimers(s, i)
	}
	s.fields(3, 0, field{"Querier for MLD", &i.Querier}, field{"Foreign querier for MLD", &i.Foreign})
	if verbose {
		showMLDPolicies(s, i)
	}
	s.fields(3, 0,
		field{"Total MLD Groups reported", &i.Groups},
		field{"Total host records", &i.Records},
		field{"Remote-backup-profile", &i.Profile},
		field{"Duty", &i.Duty},
		field{"Duty reason", &i.DutyReason},
		field{"Gate passes buckets", &i.Covers},
		field{"Querier duty", &i.MayQuery},
		field{"Able", &i.Able},
		field{"Unable reason", &i.Lacks},
		field{"Deaf", &i.Deaf},
	)
}

func showMLDTimers(s *sheet, i *state.Downstream) {
	s.fields(3, 0,
		field{"Value of last listener query time", &i.LastListenerTime},
		field{"Value of last listener query interval", &i.LastListenerInterval},
		field{"Value of startup query interval", &i.StartupQueryInterval},
		field{"Value of startup query count", &i.StartupQueryCount},
		field{"General query timer expiry", &i.GeneralQueryIn},
	)
}

func showMLDPolicies(s *sheet, i *state.Downstream) {
	s.fields(3, 0,
		field{"MLD activity joins", &i.Joins},
		field{"MLD activity dones", &i.Dones},
		field{"Robustness (negotiated)", &i.RobustnessInUse},
		field{"Robustness (configured)", &i.Robustness},
		field{"Require-router-alert", &i.RequireRouterAlert},
		field{"Send-router-alert", &i.SendRouterAlert},
		field{"Prompt-leave", &i.PromptLeave},
		field{"Prompt-leave group policy", &i.PromptPolicy},
		field{"IP source policy", &i.SourcePolicy},
		field{"Query IP source policy", &i.QueryPolicy},
		field{"SSM-Mapping", &i.SSMMapping},
		field{"Limit counts", &i.Limited},
		field{"Limit excepts", &i.LimitExcept},
		field{"Joins refused by group policy", &i.RefusedByPolicy},
		field{"Joins refused by limit", &i.RefusedByLimit},
		field{"Host limit", &i.HostLimit},
		field{"Joins refused by host limit", &i.RefusedByHost},
		field{"Static groups", &i.StaticGroups},
	)
}

// mldDefaultsDisplay is `display default-parameter mld`.
func mldDefaultsDisplay() Display {
	m := state.MLDDefaultsOf(mld.DefaultConfig())
	s := sheetOf(&m)
	s.line("MLD View Default Configurations:")
	s.line("--------------------------------")
	s.fields(1, 0,
		field{"MLD Version", &m.Version},
		field{"Robustness Variable", &m.Robustness},
		field{"Query Interval", &m.QueryInterval},
		field{"Query Response Interval", &m.MaxResponse},
		field{"Multicast Address Listening Interval", &m.ListeningInterval},
		field{"Other Querier Present Interval", &m.OtherQuerierPresent},
		field{"Startup Query Interval", &m.StartupQueryInterval},
		field{"Startup Query Count", &m.StartupQueryCount},
		field{"Last Listener Query Interval", &m.LastListenerInterval},
		field{"Last Listener Query Count", &m.LastListenerCount},
		field{"Last Listener Query Time", &m.LastListenerTime},
		field{"Require-router-alert", &m.RequireRouterAlert},
		field{"Send-router-alert", &m.SendRouterAlert},
		field{"Prompt-leave", &m.PromptLeave},
		field{"Group policy", &m.GroupPolicy},
		field{"SSM-Mapping", &m.SSMMapping},
		field{"Access limit", &m.Limit},
		field{"Limit of records of all interfaces", &m.MaxRecords},
		field{"Limit of groups and sources of all interfaces", &m.MaxEntries},
		field{"Limit of sources of a group", &m.MaxGroupSources},
		field{"Limit of sources in a record", &m.MaxSources},
		field{"Host limit", &m.MaxHost},
	)
	return s.display()
}

// onlyGroup keeps one group of every interface and leaves out interfaces without the
// group.
func onlyGroup(interfaces []state.InterfaceGroups, group netip.Addr) (out []state.InterfaceGroups) {
	for _, i := range interfaces {
		at := slices.IndexFunc(i.Groups, func(g state.Group) bool { return g.Group == group })
		if at >= 0 {
			i.Groups = i.Groups[at : at+1]
			out = append(out, i)
		}
	}
	return out
}
