package console

import (
	"strings"

	"tandem/internal/command"
	"tandem/internal/config"
	"tandem/internal/state"
)

func displayInterfaces(s *Session, a command.Args) (Display, error) {
	interfaces := s.sys.interfaces()
	if a.Has("brief") {
		return interfaceBriefDisplay(interfaces), nil
	}
	interfaces, err := chosen(interfaces, "Interface", wantedInterface(a), func(i state.Interface) string { return i.Name })
	configured := s.sys.Store.Running().Interfaces
	for n := range interfaces {
		if c := configured[config.InterfaceName(interfaces[n].Name)]; c != nil {
			interfaces[n].Description = c.Description
		}
	}
	return interfacesDisplay(interfaces), err
}

// interfacesDisplay is `display interface [ IF ]`.
func interfacesDisplay(interfaces []state.Interface) Display {
	all := state.Interfaces{Interfaces: interfaces}
	s := sheetOf(&all)
	list(s, &all.Interfaces, func(n int, i *state.Interface) {
		if n > 0 {
			s.line("")
		}
		s.line("%s current state : %s", i.Name, i.State)
		s.line("Line protocol current state : %s", strings.ToUpper(i.Protocol))
		s.record(&i.Name, &i.State, &i.ProtocolUp)
		s.fields(0, 16,
			field{"Description", &i.Description},
			field{"Netdev", &i.Netdev},
			field{"Kind", &i.Kind},
			field{"MTU", &i.MTU},
			field{"MAC", &i.MAC},
			field{"Addresses", &i.Addresses},
		)
		showTraffic(s, "Input", &i.In)
		showTraffic(s, "Output", &i.Out)
	})
	return s.display()
}

func showTraffic(s *sheet, way string, t *state.Traffic) {
	s.line("    %s: %d packets, %d bytes, %d errors, %d dropped", way, t.Packets, t.Bytes, t.Errors, t.Dropped)
	s.within(t, func() { s.record(&t.Packets, &t.Bytes, &t.Errors, &t.Dropped) })
}

// interfaceBriefDisplay is `display interface brief`.
func interfaceBriefDisplay(interfaces []state.Interface) Display {
	all := state.Interfaces{Interfaces: interfaces}
	s := sheetOf(&all)
	s.line("PHY: Physical")
	s.line("Protocol: IPv6 (an address is present and PHY is up)")
	s.line("(b): BFD down")
	rows(s, 0, &all.Interfaces, func(i *state.Interface) []field {
		return []field{{"Interface", &i.Name}, {"PHY", &i.Phy}, {"Protocol", &i.Protocol}, {"Netdev", &i.Netdev}, {"MAC", &i.MAC},
			{"Addresses", &i.Addresses}}
	})
	return s.display()
}
