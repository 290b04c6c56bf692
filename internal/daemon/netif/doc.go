// Package netif owns the daemon's network interfaces: bonds, their ports, sub-interfaces,
// VRFs, addresses, and whether an interface is up.
//
// [Links] are the interfaces that there are. An [Owner] brings them to a configuration,
// whoever has changed them, and steers the legs as the device asks; [News] is all that it
// calls above itself. It changes nothing that the configuration does not name, adopts what
// it finds under a configured name, and notes in the run directory what it did, so that
// the daemon after it can undo it even when this one dies.
//
// A file calls only files that stand below it:
//
//	owner.go                what the daemon asks of an Owner; it hears of changed links and has them mended
//	display.go              what the displays show
//	sources.go              addresses that the configuration speaks from
//	trunks.go               bonds and sub-interfaces, and how they are undone
//	bonds.go  vlans.go      one bond, one sub-interface
//	vrfs.go                 VRFs and the interfaces bound to them
//	linklocal.go            an address for MLD where the kernel has none
//	interfaces.go           up or down, and addresses
//	lacp.go                 which legs the switch has in its aggregate
//	heard.go                on which legs something has come in
//	pass.go                 one reconciliation: what it reads, makes and notes
//	plan.go                 what a configuration wants of the links there are
//	lacpsystem.go           how a device calls itself in LACP
//	undolog.go              the file of what was done and has to be undone
//	state.go                what a graceful restart hands on
//	links.go                the interfaces that there are
package netif
