package console

import (
	"fmt"
	"net"
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

// interfacesDisplay is `display interface [ IF ]`. Programs that read VRP's know its lines and pass over those
// that begin with a blank.
func interfacesDisplay(interfaces []state.Interface) Display {
	all := state.Interfaces{Interfaces: interfaces}
	s := sheetOf(&all)
	list(s, &all.Interfaces, func(n int, i *state.Interface) {
		if n > 0 {
			s.line("")
		}
		s.line("%s current state : %s", i.Name, i.State)
		s.line("Line protocol current state : %s", strings.ToUpper(i.Protocol))
		s.line("Description:%s", i.Description)
		if i.MTU != 0 {
			s.line("Route Port,The Maximum Transmit Unit is %d", i.MTU)
		}
		if mac, err := net.ParseMAC(i.MAC); err == nil && len(mac) == len(config.MAC{}) {
			s.line("IP Sending Frames' Format is PKTFMT_ETHNT_2, Hardware address is %v", config.MAC(mac))
		}
		s.record(&i.Name, &i.State, &i.ProtocolUp, &i.Description, &i.MTU, &i.MAC)
		s.fields(4, 15,
			field{"Netdev", &i.Netdev},
			field{"Kind", &i.Kind},
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

// interfaceBriefDisplay is `display interface brief`, in VRP's columns, because programs
// parse this display. The columns of the load are empty: nothing measures it.
func interfaceBriefDisplay(interfaces []state.Interface) Display {
	all := state.Interfaces{Interfaces: interfaces}
	s := sheetOf(&all)
	s.line("PHY: Physical")
	s.line("*down: administratively down")
	s.line("(b): BFD down")
	for _, i := range interfaces {
		if !i.Exists {
			s.line("(a): %s is absent", i.Name)
		}
	}
	s.line("InUti/OutUti: input utility/output utility, not measured")
	const row = "%-27s %-6s %-9s %5s %6s %10s %10s"
	s.line(row, "Interface", "PHY", "Protocol", "InUti", "OutUti", "inErrors", "outErrors")
	list(s, &all.Interfaces, func(_ int, i *state.Interface) {
		s.line(row, i.Name, briefPhy(i), i.Protocol, "--", "--", fmt.Sprint(i.In.Errors), fmt.Sprint(i.Out.Errors))
		s.record(&i.Name, &i.Phy, &i.Protocol, &i.Netdev, &i.MAC, &i.Addresses)
	})
	return s.display()
}

// briefPhy returns VRP's word for the state of an interface. VRP has none for an
// interface that is absent.
func briefPhy(i *state.Interface) string {
	switch {
	case !i.Exists:
		return "down"
	case !i.AdminUp:
		return "*down"
	}
	return i.Phy
}

// ipv6BriefDisplay is `display ipv6 interface brief`: the addresses below each interface.
func ipv6BriefDisplay(interfaces []state.Interface) Display {
	all := state.Interfaces{Interfaces: interfaces}
	s := sheetOf(&all)
	s.line("*down: administratively down")
	s.line("(b): BFD down")
	const row = "%-28s %-21s %s"
	s.line(row, "Interface", "Physical", "Protocol")
	list(s, &all.Interfaces, func(_ int, i *state.Interface) {
		s.record(&i.Name, &i.Phy, &i.Protocol, &i.Addresses)
		s.line(row, i.Name, briefPhy(i), i.Protocol)
		for _, a := range i.Addresses {
			if a.Addr().Is6() {
				s.line("[IPv6 Address] %v", a.Addr())
			}
		}
	})
	return s.display()
}
