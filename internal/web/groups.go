package web

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/state"
)

// pageSize is how many groups a page shows. The state of the other groups is not
// computed.
const pageSize = 20

// groupPage is a page of groups.
type groupPage struct {
	Total  int        `json:"total"` // number of groups found
	Page   int        `json:"page"`  // number of this page, from 0
	Pages  int        `json:"pages"`
	Groups []groupRow `json:"groups"`
}

// groupRow is one group on one interface. Times are milliseconds.
type groupRow struct {
	Interface string   `json:"interface"`
	Group     string   `json:"group"`
	Mode      string   `json:"mode"`
	Sources   []string `json:"sources"`
	Hosts     int      `json:"hosts"`
	Reporter  string   `json:"reporter"`
	Uptime    int64    `json:"uptime"`
	Expires   int64    `json:"expires"`
	Static    bool     `json:"static"`
}

// found is a group that a search has found.
type found struct {
	group netip.Addr
	iface string
}

// groups answers a search for a group's address or a part of it, for a prefix, or for a
// listener's address.
func (h *handler) groups(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	search, page := strings.TrimSpace(query.Get("search")), 0
	if text := query.Get("page"); text != "" {
		var err error
		if page, err = strconv.Atoi(text); err != nil || page < 0 {
			http.Error(w, fmt.Sprintf("page is %q, and not a number from 0", text), http.StatusBadRequest)
			return
		}
	}
	var all []found
	for _, i := range h.interfaces(query.Get("interface")) {
		for _, group := range h.search(i, search) {
			all = append(all, found{group, i})
		}
	}
	slices.SortFunc(all, func(a, b found) int {
		if c := a.group.Compare(b.group); c != 0 {
			return c
		}
		return strings.Compare(a.iface, b.iface)
	})
	answer(w, h.page(all, page))
}

// interfaces lists the downstream interfaces, or only the one with the requested name.
func (h *handler) interfaces(name string) (names []string) {
	for _, i := range h.device.Status().Interfaces {
		if name == "" || i.Name == name {
			names = append(names, i.Name)
		}
	}
	return names
}

// search lists the groups of an interface that match the search.
func (h *handler) search(iface, text string) []netip.Addr {
	groups := h.device.GroupNames(iface)
	if text == "" {
		return groups
	}
	if host, err := netip.ParseAddr(text); err == nil && !host.IsMulticast() {
		return h.device.Listening(iface, host, groups)
	}
	fits := func(a netip.Addr) bool { return strings.Contains(a.String(), strings.ToLower(text)) }
	if addr, err := netip.ParseAddr(text); err == nil {
		fits = func(a netip.Addr) bool { return a == addr }
	} else if prefix, err := netip.ParsePrefix(text); err == nil {
		fits = prefix.Contains
	}
	return slices.DeleteFunc(groups, func(a netip.Addr) bool { return !fits(a) })
}

// page returns one page of the groups found. A number beyond the end gives the last page.
func (h *handler) page(all []found, page int) groupPage {
	p := groupPage{Total: len(all), Pages: max(1, (len(all)+pageSize-1)/pageSize), Groups: []groupRow{}}
	p.Page = min(page, p.Pages-1)
	for _, f := range all[p.Page*pageSize : min((p.Page+1)*pageSize, len(all))] {
		for _, g := range h.device.GroupStates(f.iface, []netip.Addr{f.group}) { // empty if the group has ended in the meantime
			p.Groups = append(p.Groups, row(f.iface, g))
		}
	}
	return p
}

func row(iface string, g state.Group) groupRow {
	r := groupRow{Interface: iface, Group: g.Group.String(), Mode: g.Filter.String(), Sources: []string{}, Hosts: len(g.Hosts),
		Uptime: g.Uptime.Milliseconds(), Expires: time.Duration(g.Expires).Milliseconds(), Static: len(g.Static) > 0}
	for _, s := range g.Sources {
		r.Sources = append(r.Sources, s.String())
	}
	if g.LastReporter.IsValid() {
		r.Reporter = g.LastReporter.String()
	}
	return r
}

// groupDetail is the complete state of one group.
type groupDetail struct {
	groupRow
	Listeners []listener `json:"listeners"`
	Streams   []stream   `json:"streams"`
}

// listener is one host. Origin is the device that received its last report.
type listener struct {
	Host    string   `json:"host"`
	Mode    string   `json:"mode"`
	Sources []string `json:"sources"`
	V1      bool     `json:"v1"`
	Age     int64    `json:"age"`
	Expires int64    `json:"expires"`
	Origin  string   `json:"origin"`
}

// stream is one (S,G): whether this device sends it on the interface, and this kernel's
// counters.
type stream struct {
	Source string `json:"source"`
	Origin string `json:"origin"`
	Bucket int    `json:"bucket"`
	Sends  bool   `json:"sends"`
	Why    string `json:"why"`
	// Here and Peer say whether the stream arrives at this device and at the peer. They
	// are null if unknown.
	Here *bool `json:"here"`
	Peer *bool `json:"peer"`

	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

// mostListeners bounds how many hosts of one group are listed.
const mostListeners = 500

func (h *handler) group(w http.ResponseWriter, r *http.Request) {
	iface := r.URL.Query().Get("interface")
	group, err := netip.ParseAddr(r.URL.Query().Get("group"))
	if err != nil || !group.IsMulticast() {
		http.Error(w, "group is no IPv6 multicast address", http.StatusBadRequest)
		return
	}
	states := h.device.GroupStates(iface, []netip.Addr{group})
	if len(states) == 0 {
		http.Error(w, fmt.Sprintf("nobody listens to %v on %q", group, iface), http.StatusNotFound)
		return
	}
	d := groupDetail{groupRow: row(iface, states[0]), Listeners: []listener{}, Streams: []stream{}}
	for _, host := range states[0].Hosts[:min(len(states[0].Hosts), mostListeners)] {
		l := listener{Host: host.Address.String(), Mode: host.Filter.String(), Sources: []string{}, V1: host.V1,
			Age: host.Age.Milliseconds(), Expires: time.Duration(host.Expires).Milliseconds(), Origin: host.Device.String()}
		for _, s := range host.Sources {
			l.Sources = append(l.Sources, s.String())
		}
		d.Listeners = append(d.Listeners, l)
	}
	covers := h.covers(iface)
	for _, route := range h.device.GroupRoutes(group) {
		if slices.Contains(route.Downstream, iface) {
			d.Streams = append(d.Streams, streamOf(route, covers))
		}
	}
	answer(w, d)
}

// covers returns what the gate lets pass on an interface.
func (h *handler) covers(iface string) etrunk.Buckets {
	for _, i := range h.device.Status().Interfaces {
		if i.Name == iface {
			return i.Passes
		}
	}
	return etrunk.NoBuckets
}

func streamOf(r state.Route, covers etrunk.Buckets) stream {
	sends, why := r.Sent(covers)
	return stream{Source: r.Source.String(), Origin: r.Origin.String(), Bucket: r.Bucket, Sends: sends, Why: why, Here: r.Here, Peer: r.Peer,
		Packets: r.Packets, Bytes: r.Bytes}
}
