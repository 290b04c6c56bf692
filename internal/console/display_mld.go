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
func MLDGroups(interfaces []interfaceGroups, limit int) Display {
	return mldGroups(interfaces, limit, func(s *sheet, i interfaceGroups) {
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
func MLDGroupsVerbose(interfaces []interfaceGroups, limit int, self uint64) Display {
	return mldGroups(interfaces, limit, func(s *sheet, i interfaceGroups) {
		each(s, "groups", i.groups, func(_ int, g mld.GroupState) { showGroup(s, g, self) })
	})
}

// mldGroups heads a display of groups; limit is the bound on the records of all
// interfaces, 0 for none.
func mldGroups(interfaces []interfaceGroups, limit int, show func(*sheet, interfaceGroups)) Display {
	s := newSheet()
	total := 0
	for _, i := range interfaces {
		total += len(i.groups)
	}
	s.line("Total %s on this router", plural(total, "MLD group", "MLD groups"))
	s.fact("total", total)
	s.line("Interface group report information of VPN-Instance: %s", publicNet)
	s.fields(1, 0, field{"Limited entry of this VPN-Instance", count(limit)})
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
		field{"Static", staticWord(g.Static)},
		field{"Denied by group policy", g.Denied},
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
	if len(rows) == 0 {
		s.fact("hosts", []string{})
		return
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
	host, mode := h.Host.String(), modeWord(h.Filter.Mode)
	if h.Host.IsUnspecified() {
		host = "(leaving)"
	}
	if h.Mapped {
		mode += ",mapped"
	}
	return []any{host, mode, version, h.Age, timer(h.Expires), origin, digest(h.Origin),
		addrs(h.Filter.Sources)}
}

// MLDInterfaces is `display mld interface`; verbose shows every timer and count.
func MLDInterfaces(interfaces []device.InterfaceSnapshot, verbose bool) Display {
	s := newSheet()
	s.line("Interface information of VPN-Instance: %s", publicNet)
	each(s, "interfaces", interfaces, func(_ int, i device.InterfaceSnapshot) { showMLDInterface(s, i, verbose) })
	return s.display()
}

func showMLDInterface(s *sheet, i device.InterfaceSnapshot, verbose bool) {
	m := i.MLD
	s.line(" %s:", heading(i))
	s.fact("interface", i.Name)
	s.fact("link-local", m.LinkLocal)
	s.line("   MLD is enabled")
	s.fields(3, 0,
		field{"Current MLD version", m.Version},
		field{"MLD state", lowUp(m.Up)},
		field{"MLD group policy", policyName(m.GroupPolicy)},
		field{"MLD limit", count(m.AccessLimit)},
		field{"Value of query interval for MLD (negotiated)", seconds(m.InUse.QueryInterval)},
		field{"Value of query interval for MLD (configured)", seconds(m.QueryInterval)},
		field{"Value of other querier timeout for MLD", timer(m.OtherQuerierPresent)},
		field{"Value of maximum query response time for MLD", seconds(m.MaxResponse)},
	)
	if verbose {
		showMLDTimers(s, m)
	}
	s.fields(3, 0, field{"Querier for MLD", querier(m)})
	if verbose {
		showMLDPolicies(s, m)
	}
	s.fields(3, 0,
		field{"Total MLD Groups reported", m.Groups},
		field{"Total host records", m.Records},
		field{"Remote-backup-profile", i.Profile},
		field{"Duty", i.Duty.Kind},
		field{"Duty reason", i.Duty.Reason},
		field{"Gate passes buckets", i.Duty.Covers},
		field{"Querier duty", i.Duty.Querier},
	)
}

func showMLDTimers(s *sheet, m mld.InterfaceState) {
	s.fields(3, 0,
		field{"Value of last listener query time", seconds(m.InUse.LastListenerQueryTime())},
		field{"Value of last listener query interval", seconds(m.LastListenerInterval)},
		field{"Value of startup query interval", seconds(m.StartupQueryInterval())},
		field{"Value of startup query count", m.Robustness},
		field{"General query timer expiry", timer(m.GeneralQueryIn)},
	)
}

func showMLDPolicies(s *sheet, m mld.InterfaceState) {
	s.fields(3, 0,
		field{"MLD activity joins", m.Counters.Activity.Joins},
		field{"MLD activity dones", m.Counters.Activity.Leaves},
		field{"Robustness (negotiated)", m.InUse.Robustness},
		field{"Robustness (configured)", m.Robustness},
		field{"Require-router-alert", enabled(m.RequireRouterAlert)},
		field{"Send-router-alert", enabled(m.SendRouterAlert)},
		field{"Prompt-leave", enabled(m.PromptLeave)},
		field{"Prompt-leave group policy", policyName(m.PromptPolicy)},
		field{"SSM-Mapping", enabled(len(m.SSMMapping) > 0)},
		field{"Limit counts", m.Entries},
		field{"Limit excepts", policyName(m.AccessExcept)},
		field{"Joins refused by group policy", m.Counters.Drops.Policy},
		field{"Joins refused by limit", m.Counters.Drops.Access + m.Counters.Drops.Limit},
		field{"Static groups", len(m.Static)},
	)
}

func querier(m mld.InterfaceState) string {
	switch {
	case !m.Querier.IsValid():
		return ""
	case m.IsQuerier:
		return m.Querier.String() + " (this router)"
	}
	return m.Querier.String()
}

// policyName is the access list behind a policy, nil for none.
func policyName(p *mld.Policy) any {
	if p == nil {
		return nil
	}
	return p.Name
}

// count is a bound of which 0 means that there is none.
func count(n int) any {
	if n == 0 {
		return nil
	}
	return n
}

// MLDDefaults is `display default-parameter mld`.
func MLDDefaults() Display {
	s, m := newSheet(), mld.DefaultConfig()
	s.line("MLD View Default Configurations:")
	s.line("--------------------------------")
	s.fields(1, 0,
		field{"MLD Version", m.Version},
		field{"Robustness Variable", m.Robustness},
		field{"Query Interval", seconds(m.QueryInterval)},
		field{"Query Response Interval", seconds(m.MaxResponse)},
		field{"Multicast Address Listening Interval", seconds(m.ListeningInterval())},
		field{"Other Querier Present Interval", seconds(m.OtherQuerierPresentInterval())},
		field{"Startup Query Interval", seconds(m.StartupQueryInterval())},
		field{"Startup Query Count", m.Robustness},
		field{"Last Listener Query Interval", seconds(m.LastListenerInterval)},
		field{"Last Listener Query Count", m.Robustness},
		field{"Last Listener Query Time", seconds(m.LastListenerQueryTime())},
		field{"Require-router-alert", enabled(m.RequireRouterAlert)},
		field{"Send-router-alert", enabled(m.SendRouterAlert)},
		field{"Prompt-leave", enabled(m.PromptLeave)},
		field{"Group policy", policyName(m.GroupPolicy)},
		field{"SSM-Mapping", enabled(len(m.SSMMapping) > 0)},
		field{"Access limit", count(m.AccessLimit)},
		field{"Limit of records of all interfaces", nil},
		field{"Limit of sources in a record", m.MaxSources},
	)
	return s.display()
}

func modeWord(m mld.FilterMode) string {
	if m == mld.Exclude {
		return "exclude"
	}
	return "include"
}

// staticWord says what the configuration wants of a group by itself.
func staticWord(f mld.Filter) any {
	switch {
	case f.Empty():
		return nil
	case f.Mode == mld.Exclude:
		return []string{"all"}
	}
	return addrs(f.Sources)
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
