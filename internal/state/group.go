package state

import (
	"net/netip"
	"strings"
	"time"

	"tandem/internal/mld"
)

// Groups holds the groups with listeners.
type Groups struct {
	Self       Hex               `name:"device-id"`
	Limit      int               `name:"limited-entry-of-this-vpn-instance" none:"0"` // bound on the records of all interfaces
	Interfaces []InterfaceGroups `name:"interfaces"`
	Total      int               `name:"total"` // computed by Conclude
}

// InterfaceGroups holds the groups of one interface.
type InterfaceGroups struct {
	Name      string     `name:"interface"`
	LinkLocal netip.Addr `name:"link-local"`
	Groups    []Group    `name:"groups"`
}

// Group is one group on one interface.
type Group struct {
	Group   netip.Addr     `name:"group"`
	Filter  mld.FilterMode `name:"filter-mode"`
	Sources []netip.Addr   `name:"sources"`
	Uptime  time.Duration  `name:"uptime"`
	// Expires is the time until the last record ends if nothing refreshes it.
	Expires      Timer      `name:"expires"`
	LastReporter netip.Addr `name:"last-reporter"`
	// V1HostPresent is the remaining time of the older version host present timer.
	V1HostPresent Timer `name:"version1-host-present-timer-expiry"`
	// LastListenerQueries is how many specific queries are still to be sent.
	LastListenerQueries int   `name:"last-listener-query-counter"`
	LastListenerQueryIn Timer `name:"last-listener-query-timer-expiry"`
	// Static is what the configuration has sent of the group even without a listener: its
	// sources, or all.
	Static []string `name:"static" none:"[]"`
	Denied bool     `name:"denied-by-group-policy"` // the group policy denies all streams of the group
	Hosts  []Host   `name:"hosts"`                  // sorted

	Mode string `name:"group-mode"` // computed by Conclude
}

// Host is one listener of a group, for displays.
type Host struct {
	Address netip.Addr     `name:"address"` // :: for a pending leave
	Filter  mld.FilterMode `name:"filter-mode"`
	Sources []netip.Addr   `name:"sources"`
	Mapped  bool           `name:"mapped"` // the host names no sources, and gets those of the group's SSM mapping
	V1      bool           `name:"v1"`
	Age     time.Duration  `name:"age"` // time since its last report
	Expires Timer          `name:"expires"`
	Device  Hex            `name:"origin-device"` // device that received its last report

	// Computed by Conclude.
	Host    string `name:"host"`
	Mode    string `name:"mode"`
	Version int    `name:"version"`
	Origin  string `name:"origin"` // local if Device is this one, else peer
}

// GroupOf returns the state of a group.
func GroupOf(g mld.GroupState) Group {
	out := Group{
		Group: g.Group, Filter: g.Filter.Mode, Sources: g.Filter.Sources, Uptime: g.Uptime, Expires: Timer(g.Expires),
		LastReporter: g.LastReporter, V1HostPresent: Timer(g.V1HostPresent),
		LastListenerQueries: g.LastListenerQueriesLeft, LastListenerQueryIn: Timer(g.LastListenerQueryIn),
		Static: staticOf(g.Static), Denied: g.Denied, Hosts: make([]Host, 0, len(g.Hosts)),
	}
	for _, h := range g.Hosts {
		out.Hosts = append(out.Hosts, Host{Address: h.Host, Filter: h.Filter.Mode, Sources: h.Filter.Sources, Mapped: h.Mapped, V1: h.V1,
			Age: h.Age, Expires: Timer(h.Expires), Device: Hex(h.Origin)})
	}
	return out
}

func staticOf(f mld.Filter) (sources []string) {
	if f.Mode == mld.Exclude {
		return []string{"all"}
	}
	for _, a := range f.Sources {
		sources = append(sources, a.String())
	}
	return sources
}

// Conclude implements [Concluder].
func (g *Groups) Conclude() {
	g.Total = 0
	for _, i := range g.Interfaces {
		g.Total += len(i.Groups)
		for _, group := range i.Groups {
			for n := range group.Hosts {
				if h := &group.Hosts[n]; h.Device == g.Self {
					h.Origin = "local"
				} else {
					h.Origin = "peer"
				}
			}
		}
	}
}

// Conclude implements [Concluder].
func (g *Group) Conclude() { g.Mode = modeWord(g.Filter) }

// Conclude implements [Concluder].
func (h *Host) Conclude() {
	h.Host, h.Mode, h.Version = h.Address.String(), modeWord(h.Filter), 2
	if h.Address.IsUnspecified() {
		h.Host = "(leaving)"
	}
	if h.Mapped {
		h.Mode += ",mapped"
	}
	if h.V1 {
		h.Version = 1
	}
}

func modeWord(m mld.FilterMode) string { return strings.ToLower(m.String()) }
