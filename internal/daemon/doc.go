// Package daemon runs a [device.Device] on Linux.
//
// What has state of its own is an owner in a package below this one: the event loop,
// network interfaces, multicast routing, BFD sessions, hellos, channels. No owner knows
// the daemon or another owner. This package wires them: it makes them, tells them a
// configuration, carries out what the device asks for, and hands them to a successor.
//
// Readers decode what arrives and take a turn of the event loop, in which nobody else
// has the device, tell it and carry out the effects, in their order. BFD is apart from
// that (package bfdloop), so that a burst of reports cannot delay it.
//
// Asked to end, the daemon first has the peer take everything over, then takes its legs
// down so that the switch leaves them, leaves what it joined upstream and closes the
// connections; the kernel holds nothing of it afterwards.
//
// A file calls only files that stand below it:
//
//	daemon.go          the daemon's life: made, run, asked to end
//	requests.go        what people ask of it
//	handover.go        a graceful restart: how everything goes to a successor
//	wire.go            makes the owners and what they call above themselves
//	links.go           what follows from links that come, change and go
//	configure.go       from one configuration to another
//	execute.go         what the device asks for, in its order
//	displays.go        what people see
//	status.go          the device at a glance, for the page and the peer
//	alarms.go          what is wrong now
//	owners.go          the owners, side by side
//	router.go          the device with a clock
//	predecessor.go     what a daemon before this one has left
//	ending.go          when the daemon may end
package daemon
