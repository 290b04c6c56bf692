package state

import "time"

// EthTrunk is an Eth-Trunk as it stands in the kernel at one moment.
type EthTrunk struct {
	Name    string `name:"eth-trunk"` // as configured, in canonical form
	Netdev  string `name:"netdev"`
	Exists  bool   `name:"exists"`
	AdminUp bool   `name:"admin-up"`
	Up      bool   `name:"operating-status" words:"up,down"` // administratively up and with carrier
	Owned   bool   `name:"owned"`                            // the daemon made the interface; else it was found and adopted
	Driver  string `name:"driver"`                           // what the kernel calls it: bond, veth and so on
	Mode    string `name:"bond-mode"`                        // in the kernel's words, empty when it is no bond
	MAC     string `name:"mac"`
	Leg     Leg    `name:"e-trunk-leg"` // what the E-Trunk has made of it

	// The next are for a bond that speaks LACP.
	LACP           bool     `name:"lacp"`
	Fast           bool     `name:"timeout-period" words:"Fast,Slow"` // Fast: the partner is asked for a LACPDU a second
	SystemPriority uint16   `name:"system-priority"`
	SystemID       SystemID `name:"system-id"`
	Key            uint16   `name:"port-key"`
	Aggregator     uint16   `name:"aggregator"`
	PartnerSystem  SystemID `name:"partner-system-id" none:"0000-0000-0000"`
	PartnerKey     uint16   `name:"partner-port-key"`

	Monitor time.Duration `name:"link-monitor-ms"` // how often the ports are looked at
	Ports   []Port        `name:"ports"`

	// Concluded.
	WorkingMode string    `name:"working-mode"` // VRP's word for the mode, where it has one
	Hash        string    `name:"hash-arithmetic"`
	UpPorts     int       `name:"number-of-up-ports-in-trunk"`
	Origin      string    `name:"origin"`
	Partners    []Partner `name:"partners"`
}

// EthTrunks are those of a device.
type EthTrunks struct {
	EthTrunks []EthTrunk `name:"eth-trunks"`
}

// Leg says where a member's leg is, as seen from the switch.
type Leg string

// Where a leg is.
const (
	LegNotSteered Leg = "" // it is no member
	LegDown       Leg = "down"
	LegJoined     Leg = "joined" // in the aggregate with the peer's leg
	LegAside      Leg = "aside"  // up, and out of that aggregate by LACP
)

// Port is a port of a bond.
type Port struct {
	Name     string `name:"port-name"` // as configured
	Netdev   string `name:"netdev"`
	Exists   bool   `name:"exists"`
	Joined   bool   `name:"joined"`               // it is a port of the bond
	Up       bool   `name:"link" words:"up,down"` // the bond sees its carrier
	Active   bool   `name:"active"`               // it carries traffic
	Failures uint32 `name:"failures"`             // how often its link was lost

	// The next are for a port of a bond that speaks LACP. Port states are the eight bits of
	// LACPDUs, the lowest first: activity, timeout, aggregation, synchronisation,
	// collecting, distributing, defaulted, expired.
	Aggregator *uint16 `name:"aggregator"`
	Actor      string  `name:"port-state"`
	Partner    string  `name:"partner-port-state"`

	Status string `name:"status"` // concluded: VRP's word for whether it takes part
}

// Partner is what LACP says of the other end of a port.
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
