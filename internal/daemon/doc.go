// Package daemon runs a [device.Device] on Linux: it owns the only goroutines,
// sockets and clocks. Readers decode what arrives and post events; one loop
// hands them to the device and carries out the effects, in their order.
//
// BFD is apart from the loop (package bfdloop), so that a burst of reports
// cannot delay it.
package daemon
