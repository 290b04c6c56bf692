// Package packet receives and sends the MLD messages of all interfaces.
//
// It receives with a packet socket, which sees the packets of an interface before the
// IPv6 stack does. So no setting of another program can keep a message from it: not a
// firewall's input chain, not multicast routing, and not a missing Router Alert option.
// It also needs no group membership, which the kernel drops when the MTU falls below
// 1280. A filter in the kernel selects the messages (filter.go). This package does the
// checks that the kernel would have done (parse.go).
//
// One socket serves all interfaces. It accepts all kinds of packets (ETH_P_ALL), so that
// it does not slow down the forwarding of streams. New kernels call a socket for IPv6
// alone after the IPv6 stack. While such a socket exists, the stack gets a shared copy of
// each packet, and must copy the packet again to forward it. A socket for all kinds of
// packets is called first, and its filter has refused the streams before the stack gets
// them (docs/performance.md). It also comes before ingress chains and traffic classes.
//
// It sends with a raw ICMPv6 socket, for which the kernel fills in the checksums. This
// socket is also a member of the groups that routers listen to, because of snooping
// switches (member.go).
package packet
