// Package sim runs two whole devices, the switch, hosts and the upstream network
// in one process on virtual time. A seed decides everything: who joins when,
// what is lost, what fails. After every event the [Watch] checks that no
// listener goes without its stream for longer than allowed.
//
// The devices are the daemon's own (package device); what is simulated is the
// world around them: links, a TCP with cuts, BFD's verdict, the kernel's
// forwarding by the routes and the gate that the devices asked for.
package sim
