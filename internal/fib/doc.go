// Package fib is the interface between the device and the forwarding plane, which forwards
// packets for it (FIB: forwarding information base).
//
// The device decides which streams go where, and what this device may send. A [Plane]
// carries out these decisions: it forwards packets, and it reports what the device must
// know of them. There may be several planes, each in a package of its own below this one.
// Only the code that opens a plane knows which one it is.
//
// All arguments are values: interfaces by Linux name and index, routes and the gate in the
// types of the device's effects. A plane reports and asks through a [Router], which the
// opener of the plane provides.
//
// # Turns
//
// Only one goroutine may use a device at a time: the one that has the turn. The methods by
// which a plane gets its settings are called by the goroutine that has the turn. So they
// need no lock against each other. One goroutine handles a report and carries out all that
// follows. A plane takes a turn with [Router.Turn]. At that time it must not hold a lock
// that one of these methods takes.
package fib
