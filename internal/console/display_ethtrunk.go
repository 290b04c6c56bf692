package console

import (
	"net"

	"tandem/internal/state"
)

// EthTrunk is `display eth-trunk N`: the trunk, its ports, and what LACP says
// of both ends. Port states are the eight bits of LACPDUs, the lowest first:
// activity, timeout, aggregation, synchronisation, collecting, distributing,
// defaulted, expired.
func EthTrunk(t state.EthTrunk) Display {
	s := newSheet()
	up := 0
	for _, p := range t.Ports {
		if p.Up && p.Joined {
			up++
		}
	}
	s.line("%s's state information is:", t.Name)
	s.line("Local:")
	s.pairs(field{"Working Mode", workMode(t)}, field{"Hash arithmetic", hashWord(t)})
	if t.LACP {
		s.pairs(
			field{"System Priority", t.SystemPriority}, field{"System ID", vrpMAC(t.SystemID)},
			field{"Timeout Period", timeoutWord(t.Fast)}, field{"Port Key", t.Key})
	}
	s.pairs(
		field{"Operating Status", lowUp(t.Up)}, field{"Number Of Up Ports In Trunk", up},
		field{"Netdev", t.Netdev}, field{"Driver", driverWord(t)},
		field{"Origin", origin(t)}, field{"MAC", t.MAC},
		field{"E-Trunk Leg", string(t.Leg)}, field{"Link Monitor (ms)", millis(t.Monitor)})
	s.rule()
	rows := make([][]any, 0, len(t.Ports))
	partners := make([][]any, 0, len(t.Ports))
	for _, p := range t.Ports {
		row := []any{p.Name, portStatus(t, p), lowUp(p.Up), p.Failures}
		if t.LACP && p.Joined {
			row = append(row, p.Aggregator, p.Actor)
			partners = append(partners, []any{p.Name, partnerMAC(t.PartnerSystem), t.PartnerKey, p.Partner})
		} else {
			row = append(row, nil, nil)
		}
		rows = append(rows, row)
	}
	s.table(0, "ports", []string{"ActorPortName", "Status", "Link", "Failures", "Aggregator", "PortState"}, rows)
	if t.LACP {
		s.line("")
		s.line("Partner:")
		s.rule()
		s.table(0, "partners", []string{"ActorPortName", "SystemID", "PortKey", "PortState"}, partners)
	}
	return s.display()
}

func workMode(t state.EthTrunk) string {
	switch {
	case !t.Exists:
		return "absent"
	case t.LACP:
		return "Static"
	case t.Mode == "balance-xor":
		return "Manual"
	case t.Mode != "":
		return t.Mode
	}
	return "not a bond"
}

func hashWord(t state.EthTrunk) string {
	if t.Mode == "" {
		return ""
	}
	return "According to flow"
}

func timeoutWord(fast bool) string {
	if fast {
		return "Fast"
	}
	return "Slow"
}

func driverWord(t state.EthTrunk) string {
	if t.Exists && t.Driver == "" {
		return "hardware"
	}
	return t.Driver
}

func origin(t state.EthTrunk) string {
	switch {
	case !t.Exists:
		return ""
	case t.Owned:
		return "created"
	}
	return "adopted"
}

// portStatus is VRP's word for whether a port takes part.
func portStatus(t state.EthTrunk, p state.Port) string {
	switch {
	case !p.Exists:
		return "absent"
	case !p.Joined:
		return "not joined"
	case p.Active && p.Up && (!t.LACP || p.Aggregator == t.Aggregator):
		return "Selected"
	}
	return "Unselect"
}

// partnerMAC prints the partner's system in VRP's form.
func partnerMAC(system string) string {
	mac, err := net.ParseMAC(system)
	if err != nil || len(mac) != 6 {
		return ""
	}
	return vrpMAC([6]byte(mac))
}
