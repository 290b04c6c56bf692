// Package kernel is the plane that the Linux kernel brings along: its IPv6 multicast
// routing (ip6mr, package mroute) forwards, and an nftables chain (package gate)
// holds back.
//
// The kernel's forwarding table belongs to the plane, yet any program with the
// capability can change it. Removals and foreign changes are told by the kernel
// and mended within watchPause; interfaces that left the table are added again within
// restoreInterval; and the whole table is compared from time to time, auditSlice
// routes in one turn, so that nothing stays wrong. The gate is the plane's own: where the
// kernel knows owners of tables, nobody else can change it; elsewhere the kernel tells
// of changes, too, and they are mended within watchPause. It is compared every gateInterval.
//
// Where no stream may come in, packets without a route end at one entry for any source and
// group, see [mroute.Table.Discard]. Elsewhere the kernel asks, and holds up the stream until
// there is an entry: one that has no answer is forgotten, so that it is asked about again.
//
// Other firewalls may drop what is forwarded. The table counts what is to leave by an interface
// before it asks any, the gate what comes to it as the last one, and a chain at the end of the
// postrouting hook what leaves. They are compared every leavingInterval, see package proof.
//
// A table holds [mroute.MaxInterfaces] interfaces.
package kernel
