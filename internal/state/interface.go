package state

import (
	"net/netip"
	"slices"
	"strings"
)

// Interfaces holds the interfaces of the system.
type Interfaces struct {
	Interfaces []Interface `name:"interfaces"`
}

// Interface is one interface of the system, multicast or not.
type Interface struct {
	Name        string         `name:"interface" label:"interface"` // as configured, in canonical form
	Netdev      string         `name:"netdev"`                      // its Linux name, empty while it does not exist
	Exists      bool           `name:"exists"`
	AdminUp     bool           `name:"admin-up"`
	Up          bool           `name:"up"`       // administratively up and with carrier
	BFDDown     bool           `name:"bfd-down"` // counts as down, because the BFD session on it has failed
	Description string         `name:"description"`
	Kind        string         `name:"kind"` // driver of a virtual interface, such as bond; empty for hardware
	MTU         int            `name:"mtu" none:"0"`
	MAC         string         `name:"mac"`
	Addresses   []netip.Prefix `name:"addresses"`
	In          Traffic        `name:"input" metric:"interface_receive_" help:"Received by the kernel on the interface"`
	Out         Traffic        `name:"output" metric:"interface_transmit_" help:"Sent by the kernel on the interface"`

	// Computed by Conclude.
	State      string `name:"state"`       // VRP's word, with the reason why it is down
	Phy        string `name:"physical"`    // the same for the table
	ProtocolUp bool   `name:"protocol-up"` // the interface has IPv6 and can carry packets
	Protocol   string `name:"protocol"`    // the same for the table
}

// Traffic holds the kernel's counters of one direction of an interface.
type Traffic struct {
	Packets uint64 `name:"packets"`
	Bytes   uint64 `name:"bytes"`
	Errors  uint64 `name:"errors"`
	Dropped uint64 `name:"dropped"`
}

// Conclude implements [Concluder].
func (i *Interface) Conclude() {
	i.Phy = upWord(i.Up)
	i.State = strings.ToUpper(i.Phy)
	switch {
	case !i.Exists:
		i.State, i.Phy = "ABSENT", "absent"
	case !i.AdminUp: // administratively down, which is the reason that it is not up
		i.State = "Administratively DOWN"
	case i.Up && i.BFDDown:
		i.State, i.Phy = "UP (BFD down)", "up(b)"
	}
	i.ProtocolUp = i.Up && !i.BFDDown && slices.ContainsFunc(i.Addresses, func(p netip.Prefix) bool { return p.Addr().Is6() })
	i.Protocol = upWord(i.ProtocolUp)
}

func upWord(up bool) string {
	if up {
		return "up"
	}
	return "down"
}
