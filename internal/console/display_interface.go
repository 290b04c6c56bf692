package console

import (
	"net/netip"
	"slices"
	"strings"

	"tandem/internal/command"
	"tandem/internal/config"
	"tandem/internal/state"
)

func displayInterfaces(s *Session, a command.Args) (Display, error) {
	interfaces := s.sys.interfaces()
	if a.Has("brief") {
		return InterfaceBrief(interfaces), nil
	}
	if name := string(command.Get[config.InterfaceName](a, "interface")); name != "" {
		at := slices.IndexFunc(interfaces, func(i state.Interface) bool { return strings.EqualFold(i.Name, name) })
		if at < 0 {
			return Display{}, unknown("Interface", name, names(interfaces, func(i state.Interface) string { return i.Name }))
		}
		interfaces = interfaces[at : at+1]
	}
	return Interfaces(interfaces, s.sys.Store.Running()), nil
}

// Interfaces is `display interface [ IF ]`. Descriptions come from the configuration.
func Interfaces(interfaces []state.Interface, m *config.Model) Display {
	s := newSheet()
	each(s, "interfaces", interfaces, func(n int, i state.Interface) {
		if n > 0 {
			s.line("")
		}
		description := ""
		if c := m.Interfaces[config.InterfaceName(i.Name)]; c != nil {
			description = c.Description
		}
		s.line("%s current state : %s", i.Name, stateOf(i))
		s.line("Line protocol current state : %s", strings.ToUpper(lowUp(protocolUp(i))))
		s.fact("interface", i.Name)
		s.fact("state", stateOf(i))
		s.fact("protocol-up", protocolUp(i))
		s.fields(0, 16,
			field{"Description", description},
			field{"Netdev", i.Netdev},
			field{"Kind", i.Kind},
			field{"MTU", count(i.MTU)},
			field{"MAC", i.MAC},
			field{"Addresses", prefixes(i.Addresses)},
		)
		showTraffic(s, "Input", i.In)
		showTraffic(s, "Output", i.Out)
	})
	return s.display()
}

func showTraffic(s *sheet, way string, t state.Traffic) {
	s.line("    %s: %d packets, %d bytes, %d errors, %d dropped", way, t.Packets, t.Bytes, t.Errors, t.Dropped)
	facts := &object{}
	for _, f := range counters(t) {
		facts.set(factKey(f.label), f.value)
	}
	s.fact(factKey(way), facts)
}

// stateOf is VRP's word for the state of an interface, and why it is down.
func stateOf(i state.Interface) string {
	switch {
	case !i.Exists:
		return "ABSENT"
	case !i.AdminUp:
		return "Administratively DOWN"
	case i.Up && i.BFDDown:
		return "UP (BFD down)"
	}
	return strings.ToUpper(lowUp(i.Up))
}

func protocolUp(i state.Interface) bool { return i.Up && !i.BFDDown && hasIPv6(i.Addresses) }

// InterfaceBrief is `display interface brief`.
func InterfaceBrief(interfaces []state.Interface) Display {
	s := newSheet()
	s.line("PHY: Physical")
	s.line("Protocol: IPv6 (an address is present and PHY is up)")
	s.line("(b): BFD down")
	rows := make([][]any, 0, len(interfaces))
	for _, i := range interfaces {
		rows = append(rows, []any{i.Name, phyWord(i), lowUp(protocolUp(i)), i.Netdev, i.MAC,
			prefixes(i.Addresses)})
	}
	s.table(0, "interfaces", []string{"Interface", "PHY", "Protocol", "Netdev", "MAC", "Addresses"}, rows)
	return s.display()
}

func phyWord(i state.Interface) string {
	if !i.Exists {
		return "absent"
	}
	if i.Up && i.BFDDown {
		return "up(b)"
	}
	return lowUp(i.Up)
}

func hasIPv6(list []netip.Prefix) bool {
	for _, p := range list {
		if p.Addr().Is6() {
			return true
		}
	}
	return false
}

func prefixes(list []netip.Prefix) []string {
	out := make([]string, 0, len(list))
	for _, p := range list {
		out = append(out, p.String())
	}
	return out
}
