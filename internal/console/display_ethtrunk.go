package console

import "tandem/internal/state"

// ethTrunkDisplay is `display eth-trunk N`: the trunk, its ports, and what LACP says
// of both ends.
func ethTrunkDisplay(t state.EthTrunk) Display {
	s := sheetOf(&t)
	s.line("%s's state information is:", t.Name)
	s.line("Local:")
	s.pairs(field{"Working Mode", &t.WorkingMode}, field{"Hash arithmetic", &t.Hash})
	if t.LACP {
		s.pairs(
			field{"System Priority", &t.SystemPriority}, field{"System ID", &t.SystemID},
			field{"Timeout Period", &t.Fast}, field{"Port Key", &t.Key})
	}
	s.pairs(
		field{"Operating Status", &t.Up}, field{"Number Of Up Ports In Trunk", &t.UpPorts},
		field{"Netdev", &t.Netdev}, field{"Driver", &t.Driver},
		field{"Origin", &t.Origin}, field{"MAC", &t.MAC},
		field{"E-Trunk Leg", &t.Leg}, field{"Link Monitor (ms)", &t.Monitor})
	s.rule()
	rows(s, 0, &t.Ports, func(p *state.Port) []field {
		return []field{{"ActorPortName", &p.Name}, {"Status", &p.Status}, {"Link", &p.Up}, {"Failures", &p.Failures},
			{"Aggregator", &p.Aggregator}, {"PortState", &p.Actor}}
	})
	if t.LACP {
		s.line("")
		s.line("Partner:")
		s.rule()
		rows(s, 0, &t.Partners, func(p *state.Partner) []field {
			return []field{{"ActorPortName", &p.Port}, {"SystemID", &p.System}, {"PortKey", &p.Key}, {"PortState", &p.State}}
		})
	}
	return s.display()
}
