// Package kernel is the forwarding plane of the Linux kernel: its IPv6 multicast routing
// (ip6mr, package mroute) forwards packets, and an nftables chain (package gate) holds
// them back.
//
// The plane owns the kernel's forwarding table, but any program with the capability can
// change it. The kernel reports removals and changes by other programs, and the plane
// repairs them within watchPause. Interfaces that have left the table are added again
// within restoreInterval. From time to time the plane compares the whole table,
// auditSlice routes in each turn, so that no error stays. The plane also owns the gate.
// If the kernel supports owners of tables, no other program can change the gate.
// Otherwise the kernel reports such changes, and the plane repairs them within
// watchPause. The gate is compared every gateInterval.
//
// Interfaces on which no stream may arrive have one entry for any source and group. It
// discards packets without a route, see [mroute.Table.Discard]. On other interfaces the
// kernel makes an upcall and delays the stream until there is an entry. If the router
// does not answer with a route, the plane makes the kernel drop the waiting packets, so
// that the next packet causes another upcall.
//
// Other firewalls may drop forwarded packets. The table counts the packets for an
// interface before any firewall sees them. The gate counts the packets that arrive at it,
// behind the firewalls of the forward hook. A chain at the end of the postrouting hook
// counts the packets that leave. The plane compares the three counts every
// leavingInterval, see package proof.
//
// A table holds [mroute.MaxInterfaces] interfaces.
package kernel
