// Package sim runs two whole devices, the switch, hosts and the upstream network in one process
// on virtual time. A seed decides everything: who joins when, what is lost, what fails. After
// every event the [Watch] checks that no listener is without its stream for longer than
// allowed.
//
// The devices are the same code as in the daemon (package device). The simulation provides
// their environment: links, a TCP that can be cut, the state of BFD, and the kernel's
// forwarding by the routes and the gate that the devices have set.
package sim
