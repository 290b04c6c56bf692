// Package netif owns the daemon's network interfaces: bonds, their ports, sub-interfaces,
// VRFs, addresses, and whether an interface is up.
//
// [Links] holds the interfaces that exist. An [Owner] makes them agree with a
// configuration, even after another program has changed them, and steers the legs as the
// device requests. It reports through [News]. It changes only interfaces that the
// configuration names, and adopts an interface that exists under a configured name. It
// writes what it has done to a file in the run directory. So the next daemon can undo it
// even if this one dies.
//
// A file calls only files that stand below it:
//
//	owner.go                the methods of an Owner; reactions to changed links
//	display.go              what the displays show
//	unicast.go              the unicast routes of the kernel
//	sources.go              interfaces that are absent; source addresses that the configuration uses
//	trunks.go               bonds and sub-interfaces, and how they are undone
//	bonds.go  vlans.go      one bond, one sub-interface
//	vrfs.go                 VRFs and the interfaces bound to them
//	linklocal.go            a link-local address for MLD if the kernel has none
//	interfaces.go           up or down, and addresses
//	lacp.go                 which legs the switch has in its aggregate
//	heard.go                on which legs a packet has come in
//	pass.go                 one reconciliation of the links with the plan
//	plan.go                 what a configuration requires of the existing links
//	lacpsystem.go           the LACP system of a device
//	undolog.go              the file that says what has to be undone
//	state.go                the state that a graceful restart hands over
//	links.go                the interfaces that exist
package netif
