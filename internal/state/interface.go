package state

import "net/netip"

// Interface is one interface of the system, multicast or not.
type Interface struct {
	Name      string // as configured, in canonical form
	Netdev    string // its Linux name, empty while it does not exist
	Exists    bool
	Up        bool // administratively up and with carrier
	AdminUp   bool
	BFDDown   bool // taken for down all the same, as the BFD session on it is lost
	Addresses []netip.Prefix
	MAC       string
	Kind      string // driver of a virtual interface, such as bond; empty for hardware
	MTU       int
	In, Out   Traffic
}

// Traffic is what the kernel counts in one direction of an interface.
type Traffic struct{ Packets, Bytes, Errors, Dropped uint64 }
