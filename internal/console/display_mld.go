package console

import (
	"net/netip"
	"slices"

	"tandem/internal/device"
	"tandem/internal/mld"
)

const publicNet = "public net"

// interfaceGroups is what one interface knows.
type interfaceGroups struct {
	device.InterfaceSnapshot
	groups []mld.GroupState
}

// heading is the interface with its link-local address, as VRP heads its MLD blocks.
func heading(i device.InterfaceSnapshot) string {
	if i.MLD.LinkLocal.IsValid() {
		return i.Name + "(" + i.MLD.LinkLocal.String() + ")"
	}
	return i.Name
}

// MLDGroups is `display mld group`: one line a group.
func MLDGroups(interfaces []interfaceGroups) Display {
	return mldGroups(interfaces, func(s *sheet, i interfaceGroups) {
		rows := make([][]any, 0, len(i.groups))
		for _, g := range i.groups {
			rows = append(rows, []any{g.Group, g.LastReporter, g.Uptime, timer(g.Expires)})
		}
		s.table(4, "groups", []string{"Group Address", "Last Reporter", "Uptime", "Expires"}, rows)
	})
}

// MLDGroupsVerbose is `display mld group verbose`: the state machine of every
// group, its sources, and every host with the device that heard it last and
// how long ago. Self is this device's ID.
func MLDGroupsVerbose(interfaces []interfaceGroups, self uint64) Display {
	return mldGroups(interfaces, func(s *sheet, i interfaceGroups) {
		each(s, "groups", i.groups, func(_ int, g mld.GroupState) { showGroup(s, g, self) })
	})
}

func mldGroups(interfaces []interfaceGroups, show func(*sheet, interfaceGroups)) Display {
	s := newSheet()
	total := 0
	for _, i := range interfaces {
		total += len(i.groups)
	}
	s.line("Total %s on this router", plural(total, "MLD group", "MLD groups"))
	s.fact("total", total)
	s.line("Interface group report information of VPN-Instance: %s", publicNet)
	s.fields(1, 0, field{"Limited entry of this VPN-Instance", nil})
	each(s, "interfaces", interfaces, func(_ int, i interfaceGroups) {
		s.line(" %s:", heading(i.InterfaceSnapshot))
		s.fact("interface", i.Name)
		s.fact("link-local", i.MLD.LinkLocal)
		s.line("  Total %s reported", plural(len(i.groups), "MLD Group", "MLD Groups"))
		show(s, i)
	})
	return s.display()
}

func showGroup(s *sheet, g mld.GroupState, self uint64) {
	s.fields(3, 0, field{"Group", g.Group})
	s.fields(5, 0,
		field{"Uptime", g.Uptime},
		field{"Expires", timer(g.Expires)},
		field{"Last reporter", g.LastReporter},
		field{"Last-listener-query-counter", g.LastListenerQueriesLeft},
		field{"Last-listener-query-timer-expiry", timer(g.LastListenerQueryIn)},
		field{"Group mode", modeWord(g.Filter.Mode)},
		field{"Version1-host-present-timer-expiry", timer(g.V1HostPresent)},
	)
	s.fact("sources", addrs(g.Filter.Sources))
	if len(g.Filter.Sources) > 0 {
		s.line("     Source list:")
		for _, a := range g.Filter.Sources {
			s.line("       Source: %s", a)
		}
	}
	rows := make([][]any, 0, len(g.Hosts))
	for _, h := range g.Hosts {
		rows = append(rows, hostRow(h, self))
	}
	s.line("     Host list:")
	s.table(7, "hosts", []string{"Host", "Mode", "Version", "Age", "Expires", "Origin", "Origin-Device", "Sources"}, rows)
}

func hostRow(h mld.HostState, self uint64) []any {
	origin, version := "local", 2
	if h.Origin != self {
		origin = "peer"
	}
	if h.V1 {
		version = 1
	}
	host := h.Host.String()
	if h.Host.IsUnspecified() {
		host = "(leaving)"
	}
	return []any{host, modeWord(h.Filter.Mode), version, h.Age, timer(h.Expires), origin, digest(h.Origin),
		addrs(h.Filter.Sources)}
}

// MLDInterfaces is `display mld interface`.
func MLDInterfaces(interfaces []device.InterfaceSnapshot) Display {
	s := newSheet()
	s.line("Interface information of VPN-Instance: %s", publicNet)
	each(s, "interfaces", interfaces, func(_ int, i device.InterfaceSnapshot) { showMLDInterface(s, i) })
	return s.display()
}

func showMLDInterface(s *sheet, i device.InterfaceSnapshot) {
	m := i.MLD
	s.line(" %s:", heading(i))
	s.fact("interface", i.Name)
	s.fact("link-local", m.LinkLocal)
	s.line("   MLD is enabled")
	s.fields(3, 0,
		field{"Current MLD version", m.Version},
		field{"MLD state", lowUp(m.Up)},
		field{"Value of query interval for MLD (configured)", seconds(m.QueryInterval)},
		field{"Value of other querier timeout for MLD", timer(m.OtherQuerierPresent)},
		field{"Value of maximum query response time for MLD", seconds(m.MaxResponse)},
		field{"Value of last listener query time", seconds(m.LastListenerQueryTime())},
		field{"Value of last listener query interval", seconds(m.LastListenerInterval)},
		field{"Value of startup query interval", seconds(m.StartupQueryInterval())},
		field{"Value of startup query count", m.Robustness},
		field{"General query timer expiry", timer(m.GeneralQueryIn)},
	)
	querier := m.Querier.String()
	switch {
	case !m.Querier.IsValid():
		querier = ""
	case m.IsQuerier:
		querier += " (this router)"
	}
	s.fields(3, 0,
		field{"Querier for MLD", querier},
		field{"Robustness (configured)", m.Robustness},
		field{"Require-router-alert", enabled(m.RequireRouterAlert)},
		field{"Send-router-alert", enabled(m.SendRouterAlert)},
		field{"Prompt-leave", enabled(m.PromptLeave)},
		field{"Total MLD Groups reported", m.Groups},
		field{"Total host records", m.Records},
		field{"Remote-backup-profile", i.Profile},
		field{"Duty", i.Duty.Kind},
		field{"Duty reason", i.Duty.Reason},
		field{"Gate passes buckets", bucketWord(i.Duty.Covers)},
		field{"Querier duty", i.Duty.Querier},
	)
}

func modeWord(m mld.FilterMode) string {
	if m == mld.Exclude {
		return "exclude"
	}
	return "include"
}

func lowUp(up bool) string {
	if up {
		return "up"
	}
	return "down"
}

func enabled(on bool) string {
	if on {
		return "enabled"
	}
	return "disabled"
}

func addrs(list []netip.Addr) []string {
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, a.String())
	}
	return out
}

// onlyGroup keeps one group of every interface and drops the interfaces without it.
func onlyGroup(interfaces []interfaceGroups, group netip.Addr) []interfaceGroups {
	var out []interfaceGroups
	for _, i := range interfaces {
		at := slices.IndexFunc(i.groups, func(g mld.GroupState) bool { return g.Group == group })
		if at >= 0 {
			out = append(out, interfaceGroups{i.InterfaceSnapshot, i.groups[at : at+1]})
		}
	}
	return out
}
