// Package ebpf is the plane of our own: a BPF program at the ingress of each interface
// replicates packets. It is for more interfaces than the kernel's multicast routing has.
//
// The program stands behind the ingress hook of traffic control (TCX, from Linux 6.6), where
// every interface has it: Ethernet, VLAN, bond, bridge, veth, tap. It looks (S,G) up, checks
// the incoming interface, and sends a copy to each interface of the route that the gate lets
// pass, with one hop less and the hardware addresses of that interface. The packet itself
// goes on into the kernel as it came, to local listeners and observers.
//
// Routes name a list of outputs, and routes with the same outputs share one. A list
// never changes; a route gets another one, in one step. The gate has generations: a
// change writes the next one and makes it valid by one word, so that every copy of a packet
// is decided by the same gate.
//
// The daemon reads counters, and writes lists and gate, as memory. What others change in the maps, or
// detach, it finds by comparison and puts right: the gate every gateInterval, the
// program at the interfaces every hookInterval, exceptions and routes every mapInterval.
//
// Nothing is pinned. The program and the maps last as long as somebody has them open: they are handed
// on to a successor, and when the daemon dies nothing is forwarded any more. The plane holds the
// kernel's multicast routing table, with no interface in it, so that no other program
// forwards the same streams.
//
// The program sees packets before the kernel's firewalls, and its copies do not come to their
// forward hooks.
//
// Interfaces have to let pass frames to any group (all-multicast); whoever hears MLD
// there sees to it.
package ebpf
