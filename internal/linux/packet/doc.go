// Package packet hears and sends the MLD messages of all interfaces.
//
// It hears with a packet socket, which takes from an interface what the wire brings,
// before the IPv6 stack looks at it. So hearing depends on nothing that others set: not on
// a firewall's input chain, not on a membership of the kernel, which it drops when the MTU
// falls below 1280, not on the Router Alert option, and not on multicast routing. A filter
// in the kernel chooses the messages (filter.go), and what the kernel would have checked is
// checked here (parse.go).
//
// One socket serves all interfaces and is for all kinds of packets (ETH_P_ALL), for the sake
// of the streams. A socket for IPv6 alone comes after the IPv6 stack in the list of receivers
// of new kernels. While there is one, the stack gets a copy of each packet and copies it once
// more to forward it. A socket for all kinds comes first, and has let go of what its filter
// refuses before the stack gets it (docs/performance.md). It also comes before ingress chains
// and traffic classes.
//
// It sends with a raw ICMPv6 socket, whose checksums the kernel fills in. That socket is
// also a member of the groups that routers listen to, for the sake of switches (member.go).
package packet
