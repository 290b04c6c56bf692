// Package daemon runs a [device.Device] on Linux.
//
// Each part with state of its own is an owner, in a package below this one: the event
// loop, network interfaces, multicast routing, BFD sessions, hellos, channels. No owner
// knows the daemon or another owner. This package wires them: it makes the owners, gives
// them a configuration, carries out the effects of the device, and hands the state of the
// owners over to a successor.
//
// A reader decodes messages and takes a turn of the event loop. During the turn no other
// goroutine can use the device. The reader passes the messages to the device and carries
// out the effects, in their order. BFD runs apart from that (package bfdloop), so that a
// burst of reports cannot delay it.
//
// When the daemon is to end, it first waits until the peer has taken everything over.
// Then it takes its legs down so that the switch stops using them, leaves the groups
// joined upstream and closes the connections. After that the kernel keeps no state of the
// daemon.
//
// A file calls only files that stand below it:
//
//	daemon.go          the daemon's life: making, running, ending
//	requests.go        requests of people
//	handover.go        a graceful restart: the state for a successor
//	wire.go            makes the owners and the functions that they call
//	links.go           consequences of links that are added, changed or removed
//	configure.go       from one configuration to another
//	execute.go         carries out the device's effects, in their order
//	displays.go        data for displays
//	status.go          the device at a glance, for the page and the peer
//	alarms.go          the alarm conditions that hold now
//	owners.go          the owners, side by side
//	router.go          the device with a clock
//	predecessor.go     the state that the daemon before this one has handed over
//	ending.go          when the daemon may end
package daemon
