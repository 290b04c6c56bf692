package proof

import "fmt"

// MinMTU is the smallest MTU of a link that carries IPv6 (RFC 8200 section 5). Below it
// the kernel switches IPv6 off on the interface.
const MinMTU = 1280

// Lack is what prevents a multicast interface from doing its work.
type Lack uint8

// Lacks. The zero value means that the interface can do its work.
const (
	LacksNothing   Lack = iota
	LacksMTU            // the MTU is too small for IPv6
	LacksIPv6           // IPv6 is switched off on the interface
	LacksUnique         // another host has the same link-local address: Duplicate Address Detection has failed
	LacksDetection      // Duplicate Address Detection has not ended yet
	LacksLinkLocal      // there is no link-local address
	LacksSending        // the kernel refuses packets that this device sends on the interface
	LacksLeaving        // forwarded packets are dropped between routing and the interface
)

var lacks = [...]string{
	LacksMTU:       "its MTU is below 1280, the least for IPv6",
	LacksIPv6:      "IPv6 is disabled on it",
	LacksUnique:    "another host has its link-local address",
	LacksDetection: "its link-local address is still tentative",
	LacksLinkLocal: "it has no link-local address",
	LacksSending:   "the kernel refuses to send MLD by it",
	LacksLeaving:   "something drops what is forwarded by it",
}

func (l Lack) String() string {
	if int(l) < len(lacks) {
		return lacks[l]
	}
	return fmt.Sprintf("unknown (%d)", uint8(l))
}

// Able is what the kernel shows about a multicast interface that exists and is up.
type Able struct {
	MTU                  int
	NoIPv6               bool // IPv6 is off, for instance by the sysctl disable_ipv6
	LinkLocal            bool // the interface has a usable link-local address
	Tentative, Duplicate bool // the interface has link-local addresses that are not usable, by cause
}

// Lack returns the first cause that prevents the interface from doing its work. MLD is sent
// from a link-local address only (RFC 9777 section 5.1.14). An interface with such an
// address has IPv6.
func (a Able) Lack() Lack {
	switch {
	case a.LinkLocal:
		return LacksNothing
	case a.MTU < MinMTU:
		return LacksMTU
	case a.NoIPv6:
		return LacksIPv6
	case a.Tentative:
		return LacksDetection
	case a.Duplicate:
		return LacksUnique
	}
	return LacksLinkLocal
}

// Mute reports whether the lack prevents this device from sending MLD messages on the
// interface.
func (l Lack) Mute() bool { return l != LacksNothing && l != LacksLeaving }

// Mendable reports whether another link-local address would solve the problem.
func (l Lack) Mendable() bool { return l == LacksUnique || l == LacksLinkLocal }
