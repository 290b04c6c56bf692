package console

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"tandem/internal/command"
	"tandem/internal/config"
	"tandem/internal/event"
	"tandem/internal/state"
)

// show declares a display command: the result of f is filtered and printed.
func show(views []string, syntax, help string, f func(*Session, command.Args) (Display, error)) command.Command[*Session] {
	return command.Command[*Session]{Views: views, Syntax: displayWord + " " + syntax, Help: help,
		Run: func(s *Session, a command.Args) error {
			d, err := f(s, a)
			if err != nil {
				return err
			}
			s.shown = d
			return nil
		}}
}

// displayWord is the first word of every command that may be followed by filters.
const displayWord = "display"

var (
	// anyView is the view of commands that change nothing. Users of the level Monitoring
	// have only these commands.
	anyView    = []string{config.ViewAny}
	configView = []string{config.ViewConfig}
)

// displayCommands are the displays of the device's state.
func displayCommands() []command.Command[*Session] {
	return []command.Command[*Session]{
		show(anyView, "e-trunk [ <id:1..64> ]", "E-Trunks, their election and their members", displayETrunk),
		show(anyView, "e-trunk bfd session all", "BFD sessions that E-Trunks follow", displayETrunkBFD),
		show(anyView, "bfd session { all | static | dynamic | peer-ipv6 <peer:unicast> | discriminator <discriminator:1..4294967295> } "+
			"[ for-ipv6 ] [ verbose ]", "BFD sessions", displayBFD),
		show(anyView, "bfd statistics", "BFD packets sent, received and dropped, and how punctual BFD is", displayBFDStatistics),
		show(anyView, "remote-backup-service [ <name:string(1..128)> [ verbose ] ]", "Remote backup services and their channels", displayService),
		show(anyView, "remote-backup-profile [ <name:string(1..128)> ]", "Remote backup profiles", displayProfile),
		show(anyView, "mld group [ <group-address:multicast> | interface <interface> [ <group-address:multicast> ] ] [ verbose ]", "Groups with listeners", displayGroup),
		show(anyView, "mld interface [ <interface> | up | down ] [ verbose ]", "MLD timers, querier and duty of interfaces", displayMLDInterface),
		show(anyView, "mld control-message counters [ interface <interface> ] [ message-type { query | report } ]", "MLD messages sent, received and dropped", displayMLDCounters),
		show(anyView, "default-parameter mld", "MLD timers, counts and bounds where nothing is set",
			func(*Session, command.Args) (Display, error) { return mldDefaultsDisplay(), nil }),
		show(anyView, "acl ipv6 { all | number <acl:2000..3999> | name <acl-name> }", "Access lists in force and what uses them", displayACL),
		show(anyView, "redundancy", "Whether the peer, or this device, can be reloaded now without a loss", func(s *Session, _ command.Args) (Display, error) {
			return redundancyDisplay(s.sys.Backend.Redundancy()), nil
		}),
		show(anyView, "multicast ipv6 routing-table [ <group-address:multicast> ]", "Entries (S,G) and why they are there", displayRouting),
		show(anyView, "multicast ipv6 forwarding-table [ <group-address:multicast> ]", "Entries (S,G) in the kernel and what this device sends of them", displayForwarding),
		show(anyView, "multicast ipv6 arriving [ <group-address:multicast> ] [ lacking ]", "Which streams arrive at this device and at the peer", displayArriving),
		show(anyView, "multicast ipv6 rui source <source:ipv6> group <group:ipv6> eth-trunk <id:0..1023>",
			"Which of the two devices sends a stream", displayRUI),
		show(anyView, "multicast ipv6 gate", "What the gate of the kernel lets this device send", displayGate),
		show(anyView, "eth-trunk [ <id:0..1023> ]", "Eth-Trunks, their ports and their LACP state", displayEthTrunk),
		show(anyView, "interface [ brief | <interface> ]", "Interfaces of the device", displayInterfaces),
		show(anyView, "ipv6 interface brief", "IPv6 addresses of interfaces", func(s *Session, _ command.Args) (Display, error) {
			return ipv6BriefDisplay(s.sys.interfaces()), nil
		}),
		show(anyView, "ipv6 routing-table [ vpn-instance <vpn:vpn> ]", "Unicast routes of the kernel", displayUnicastRoutes),
		show(anyView, "logbuffer [ level { critical | error | warning | notification | informational } ] [ size <entries:1..512> ]", "The latest events, the last one first", displayLog),
		show(anyView, diagnosticInformation, "Everything that is shown of the device, for a report", displayDiagnostics),
		show(anyView, "alarm active", "Alarms that hold", func(s *Session, _ command.Args) (Display, error) {
			return alarmsDisplay(state.AlarmsOf(s.sys.Journal.Alarms())), nil
		}),
		show(anyView, "http server", "Where the web page and the metrics are served", displayHTTP),
		show(anyView, "version", "The running program", displayVersion),
	}
}

func displayETrunk(s *Session, a command.Args) (Display, error) {
	snap := s.sys.snapshot()
	trunks := snap.ETrunks
	if a.Has("id") {
		id := uint32(a.Uint("id"))
		trunks = slices.DeleteFunc(slices.Clone(trunks), func(t state.ETrunk) bool { return t.ID != id })
		if len(trunks) == 0 {
			return Display{}, unknown("E-Trunk", strconv.Itoa(int(id)), names(snap.ETrunks,
				func(t state.ETrunk) string { return strconv.Itoa(int(t.ID)) }))
		}
	}
	return eTrunksDisplay(trunks), nil
}

func displayService(s *Session, a command.Args) (Display, error) {
	services, err := chosen(s.sys.snapshot().Services, "Remote backup service", a.String("name"), func(r state.Service) string { return r.Name })
	running := s.sys.Store.Running()
	for i := range services {
		r := &services[i]
		c := running.Service(r.Name)
		if c == nil {
			continue // the service has just been removed
		}
		if r.SSLPolicy, r.Plaintext = c.SSLPolicy, c.Plaintext; c.TrackBFD != 0 {
			r.TrackBFD = strconv.Itoa(int(c.TrackBFD))
		}
	}
	return servicesDisplay(services, a.Has("verbose")), err
}

func displayProfile(s *Session, a command.Args) (Display, error) {
	profiles := s.sys.snapshot().Profiles
	name := a.String("name")
	if name == "" {
		return profileListDisplay(profiles), nil
	}
	profiles, err := chosen(profiles, "Remote backup profile", name, func(p state.Profile) string { return p.Name })
	return profilesDisplay(profiles), err
}

func displayGroup(s *Session, a command.Args) (Display, error) {
	snap := s.sys.snapshot()
	interfaces, err := downstream(snap, a)
	if err != nil {
		return Display{}, err
	}
	verbose := a.Has("verbose")
	groups := state.Groups{Self: snap.ID, Limit: int(s.sys.Store.Running().MLD.Limit)}
	for _, i := range interfaces {
		groups.Interfaces = append(groups.Interfaces, state.InterfaceGroups{Name: i.Name, LinkLocal: i.LinkLocal, Groups: s.sys.Backend.Groups(i.Name, verbose)})
	}
	if group := a.Addr("group-address"); group.IsValid() {
		groups.Interfaces = onlyGroup(groups.Interfaces, group)
	}
	if verbose {
		return mldGroupsVerboseDisplay(groups), nil
	}
	return mldGroupsDisplay(groups), nil
}

// downstream returns the interfaces towards hosts: all of them, or the one that the
// arguments name.
func downstream(snap state.Device, a command.Args) ([]state.Downstream, error) {
	return chosen(snap.Downstream, "MLD interface", wantedInterface(a), func(i state.Downstream) string { return i.Name })
}

func displayMLDInterface(s *Session, a command.Args) (Display, error) {
	interfaces, err := downstream(s.sys.snapshot(), a)
	if a.Has("up") || a.Has("down") {
		interfaces = slices.DeleteFunc(interfaces, func(i state.Downstream) bool { return i.MLDUp != a.Has("up") })
	}
	return mldInterfacesDisplay(interfaces, a.Has("verbose")), err
}

func displayMLDCounters(s *Session, a command.Args) (Display, error) {
	snap := s.sys.snapshot()
	interfaces, err := chosen(snap.MLDCounted(), "MLD interface", wantedInterface(a), func(i state.MLDCounted) string { return i.Name })
	return mldCountersDisplay(interfaces, !a.Has("report"), !a.Has("query")), err
}

func displayRouting(s *Session, a command.Args) (Display, error) {
	routes := s.routes(a)
	return routingTableDisplay(state.RoutingTable{Total: len(routes), Entries: routes}), nil
}

func displayForwarding(s *Session, a command.Args) (Display, error) {
	snapshot := s.sys.snapshot()
	return forwardingTableDisplay(state.ForwardingTableOf(s.routes(a), snapshot.Downstream, snapshot.Forwarding)), nil
}

// routes returns the entries: all of them, or those of the group that the arguments name.
func (s *Session) routes(a command.Args) []state.Route {
	routes := s.sys.Backend.Routes()
	if group := a.Addr("group-address"); group.IsValid() {
		routes = slices.DeleteFunc(slices.Clone(routes), func(r state.Route) bool { return r.Group != group })
	}
	return routes
}

func displayArriving(s *Session, a command.Args) (Display, error) {
	return arrivingDisplay(state.ArrivalTableOf(s.routes(a), a.Has("lacking"))), nil
}

func displayRUI(s *Session, a command.Args) (Display, error) {
	return ruiDisplay(state.RUIOf(a.Addr("source"), a.Addr("group"), ethTrunkName(uint32(a.Uint("id"))),
		s.sys.Backend.Routes(), s.sys.snapshot().Downstream)), nil
}

func displayGate(s *Session, _ command.Args) (Display, error) {
	return gateDisplay(s.sys.snapshot().Gate), nil
}

func displayHTTP(s *Session, _ command.Args) (Display, error) {
	if s.sys.HTTP != nil {
		return httpServerDisplay(s.sys.HTTP()), nil
	}
	c := s.sys.Store.Running().HTTP
	return httpServerDisplay(state.HTTPServer{Enabled: c.Enabled, Address: c.Address, Port: c.Port}), nil
}

func displayLog(s *Session, a command.Args) (Display, error) {
	book := s.sys.Journal.Book()
	entries := slices.DeleteFunc(book.Recent(book.Size()), func(e event.Entry) bool { return e.Severity > worst(a) })
	if a.Has("entries") {
		entries = entries[:min(int(a.Uint("entries")), len(entries))]
	}
	return logBufferDisplay(s.sys.Store.Running().SysName, &book, entries), nil
}

// worst returns the least severe level that the arguments select, in VRP's words.
func worst(a command.Args) event.Severity {
	for word, severity := range map[string]event.Severity{"critical": event.Critical, "error": event.Error,
		"warning": event.Warning, "notification": event.Notice} {
		if a.Has(word) {
			return severity
		}
	}
	return event.Info
}

func displayVersion(s *Session, _ command.Args) (Display, error) {
	snap := s.sys.snapshot()
	return versionDisplay(state.System{Build: s.sys.Build, SysName: s.sys.Store.Running().SysName, DeviceID: snap.ID, Uptime: snap.Uptime}), nil
}

// chosen returns the object with a name, or all objects if the name is empty.
func chosen[T any](objects []T, kind, name string, nameOf func(T) string) ([]T, error) {
	if name == "" {
		return objects, nil
	}
	at := slices.IndexFunc(objects, func(o T) bool { return strings.EqualFold(nameOf(o), name) })
	if at < 0 {
		return nil, unknown(kind, name, names(objects, nameOf))
	}
	return objects[at : at+1], nil
}

// unknown returns the error for an object that does not exist; the error lists the
// existing ones.
func unknown(kind, name string, known []string) error {
	if len(known) == 0 {
		return fmt.Errorf("%s %s does not exist, there is none", kind, name)
	}
	return fmt.Errorf("%s %s does not exist, known: %s", kind, name, strings.Join(known, ", "))
}

func names[T any](list []T, name func(T) string) []string {
	out := make([]string, 0, len(list))
	for _, x := range list {
		out = append(out, name(x))
	}
	return out
}
