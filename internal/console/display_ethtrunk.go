package console

import (
	"slices"

	"tandem/internal/command"
	"tandem/internal/state"
)

func displayEthTrunk(s *Session, a command.Args) (Display, error) {
	if !a.Has("id") {
		return s.displayEthTrunks()
	}
	t, err := s.sys.Backend.EthTrunk(uint32(a.Uint("id")))
	if err != nil {
		return Display{}, err
	}
	return ethTrunkDisplay(t), nil
}

// displayEthTrunks shows all configured Eth-Trunks, by number.
func (s *Session) displayEthTrunks() (Display, error) {
	var numbers []uint32
	for name := range s.sys.Store.Running().Interfaces {
		if n, ok := name.EthTrunk(); ok {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	var all state.EthTrunks
	for _, n := range numbers {
		t, err := s.sys.Backend.EthTrunk(n)
		if err != nil {
			return Display{}, err
		}
		all.EthTrunks = append(all.EthTrunks, t)
	}
	return ethTrunksDisplay(all), nil
}

// ethTrunkDisplay is `display eth-trunk N`: the Eth-Trunk, its ports, and the LACP state
// of both ends.
func ethTrunkDisplay(t state.EthTrunk) Display {
	s := sheetOf(&t)
	showEthTrunk(s, &t)
	return s.display()
}

// ethTrunksDisplay is `display eth-trunk`.
func ethTrunksDisplay(all state.EthTrunks) Display {
	s := sheetOf(&all)
	list(s, &all.EthTrunks, func(i int, t *state.EthTrunk) {
		if i > 0 {
			s.line("")
		}
		s.record(&t.Name)
		showEthTrunk(s, t)
	})
	return s.display()
}

func showEthTrunk(s *sheet, t *state.EthTrunk) {
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
}
