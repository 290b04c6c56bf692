package console

import (
	"tandem/internal/command"
	"tandem/internal/state"
)

func displayUnicastRoutes(s *Session, a command.Args) (Display, error) {
	table := "_public_"
	vpn := command.Get[string](a, "vpn")
	if vpn != "" {
		table = vpn
	}
	routes, err := s.sys.Backend.UnicastRoutes(vpn)
	if err != nil {
		return Display{}, err
	}
	return unicastRoutesDisplay(state.UnicastRoutesOf(table, routes)), nil
}

// unicastRoutesDisplay is `display ipv6 routing-table`. It leaves out what Linux does not
// have, such as VRP's preference.
func unicastRoutesDisplay(t state.UnicastRoutes) Display {
	s := sheetOf(&t)
	s.line("Routing Table : %s", t.Table)
	s.line("         Destinations : %-8d Routes : %d", t.Destinations, t.Total)
	s.record(&t.Table, &t.Destinations, &t.Total)
	list(s, &t.Routes, func(_ int, r *state.UnicastRoute) {
		s.line("")
		s.pairs(
			field{"Destination ", &r.Destination}, field{"PrefixLength", &r.PrefixLength},
			field{"NextHop     ", &r.NextHop}, field{"Cost        ", &r.Cost},
			field{"Interface   ", &r.Interface}, field{"Protocol    ", &r.Protocol})
	})
	return s.display()
}
