// Package daemon runs a [device.Device] on Linux: it owns the only goroutines,
// sockets and clocks. Readers decode what arrives, take a turn, in which nobody
// else has the device, tell it and carry out the effects, in their order.
//
// BFD is apart from that (package bfdloop), so that a burst of reports cannot
// delay it.
//
// Asked to end, it first has the peer take everything over, then takes its legs
// down so that the switch leaves them, leaves what it joined upstream and closes
// the connections; the kernel holds nothing of it afterwards.
package daemon
