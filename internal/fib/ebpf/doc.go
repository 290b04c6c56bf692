// Package ebpf is a forwarding plane of Tandem's own: a BPF program at the ingress of
// each interface replicates packets. It can use more interfaces than the kernel's
// multicast routing.
//
// The program is attached to the ingress hook of traffic control (TCX, from Linux 6.6),
// which every interface has: Ethernet, VLAN, bond, bridge, veth, tap. It looks up (S,G),
// checks the incoming interface, and sends a copy to each interface of the route at which
// the gate lets the stream pass. The copy has one hop less and the hardware addresses of
// that interface. The packet itself goes on into the kernel unchanged, to local listeners
// and observers.
//
// Routes name a list of outputs, and routes with the same outputs share one. A list never
// changes; a route is switched to another list in one step. The gate has generations: a
// change writes the next generation and makes it valid by writing one word. So the same
// gate decides about all copies of a packet.
//
// The daemon has the counters, the lists and the gate mapped into its memory. If another
// program changes the maps or detaches the BPF program, the daemon finds this by
// comparison and repairs it: the gate every gateInterval, the program at the interfaces
// every hookInterval, exceptions and routes every mapInterval.
//
// Nothing is pinned. The program and the maps exist as long as a process has them open:
// the daemon hands them over to its successor, and when the daemon dies, nothing is
// forwarded any more. The plane also owns the kernel's multicast routing table, without
// any interface in it, so that no other program forwards the same streams.
//
// The program gets packets before the kernel's firewalls, and its copies do not pass
// their forward hooks.
//
// Each interface has to accept frames to any group (all-multicast). The MLD socket of the
// interface sets this.
package ebpf
