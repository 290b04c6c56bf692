package state

import "time"

// EthTrunk is the state of an Eth-Trunk in the kernel at one moment.
type EthTrunk struct {
	Name    string `name:"eth-trunk"` // as configured, in canonical form
	Netdev  string `name:"netdev"`
	Exists  bool   `name:"exists"`
	AdminUp bool   `name:"admin-up"`
	Up      bool   `name:"operating-status" words:"up,down"` // administratively up and with carrier
	Owned   bool   `name:"owned"`                            // the daemon has made the interface; else the interface existed and was adopted
	Driver  string `name:"driver"`                           // the kernel's name of the driver: bond, veth and so on
	Mode    string `name:"bond-mode"`                        // in the kernel's words, empty if it is no bond
	MAC     string `name:"mac"`
	Leg     Leg    `name:"e-trunk-leg"` // state of the leg that the E-Trunk has requested

	// The following fields are for a bond that speaks LACP.
	LACP           bool     `name:"lacp"`
	Fast           bool     `name:"timeout-period" words:"Fast,Slow"` // Fast: the partner is asked for one LACPDU each second
	SystemPriority uint16   `name:"system-priority"`
	SystemID       SystemID `name:"system-id"`
	Key            uint16   `name:"port-key"`
	Aggregator     uint16   `name:"aggregator"`
	PartnerSystem  SystemID `name:"partner-system-id" none:"0000-0000-0000"`
	PartnerKey     uint16   `name:"partner-port-key"`

	Monitor time.Duration `name:"link-monitor-ms"` // interval at which the carrier of the ports is checked
	Ports   []Port        `name:"ports"`

	// Computed by Conclude.
	WorkingMode string    `name:"working-mode"` // VRP's word for the mode, if it has one
	Hash        string    `name:"hash-arithmetic"`
	UpPorts     int       `name:"number-of-up-ports-in-trunk"`
	Origin      string    `name:"origin"`
	Partners    []Partner `name:"partners"`
}

// EthTrunks holds the Eth-Trunks of a device.
type EthTrunks struct {
	EthTrunks []EthTrunk `name:"eth-trunks"`
}

// Leg is the state of a member's leg, as the switch sees it.
type Leg string

// States of a leg.
const (
	LegNotSteered Leg = "" // the Eth-Trunk is no member of an E-Trunk
	LegDown       Leg = "down"
	LegJoined     Leg = "joined" // in the aggregate with the peer's leg
	LegAside      Leg = "aside"  // up, and kept out of that aggregate by LACP
)

// Port is a port of a bond.
type Port struct {
	Name     string `name:"port-name"` // configured name
	Netdev   string `name:"netdev"`
	Exists   bool   `name:"exists"`
	Joined   bool   `name:"joined"`               // the interface is a port of the bond now
	Up       bool   `name:"link" words:"up,down"` // the bond finds carrier on it
	Active   bool   `name:"active"`               // the port carries traffic
	Failures uint32 `name:"failures"`             // how often its link was lost

	// The following fields are for a port of a bond that speaks LACP. Port states are the
	// eight bits of LACPDUs, the lowest first: activity, timeout, aggregation,
	// synchronisation, collecting, distributing, defaulted, expired.
	Aggregator *uint16 `name:"aggregator"`
	Actor      string  `name:"port-state"`
	Partner    string  `name:"partner-port-state"`

	Status string `name:"status"` // computed by Conclude: VRP's word for whether it carries traffic
}

// Partner is the LACP state of the other end of a port.
type Partner struct {
	Port   string   `name:"port-name"`
	System SystemID `name:"system-id" none:"0000-0000-0000"`
	Key    uint16   `name:"port-key"`
	State  string   `name:"port-state"`
}

// Conclude implements [Concluder].
func (t *EthTrunk) Conclude() {
	t.WorkingMode, t.Origin = t.workingMode(), t.origin()
	if t.Mode != "" {
		t.Hash = "According to flow"
	}
	if t.Exists && t.Driver == "" {
		t.Driver = "hardware"
	}
	t.UpPorts, t.Partners = 0, nil
	for i := range t.Ports {
		p := &t.Ports[i]
		if p.Status = t.status(p); p.Up && p.Joined {
			t.UpPorts++
		}
		if t.LACP && p.Joined {
			t.Partners = append(t.Partners, Partner{p.Name, t.PartnerSystem, t.PartnerKey, p.Partner})
		}
	}
}

func (t *EthTrunk) workingMode() string {
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

func (t *EthTrunk) origin() string {
	switch {
	case !t.Exists:
		return ""
	case t.Owned:
		return "created"
	}
	return "adopted"
}

func (t *EthTrunk) status(p *Port) string {
	switch {
	case !p.Exists:
		return "absent"
	case !p.Joined:
		return "not joined"
	case p.Active && p.Up && (p.Aggregator == nil || *p.Aggregator == t.Aggregator):
		return "Selected"
	}
	return "Unselect"
}
