// Package fib is the interface between the device and the forwarding plane, which
// forwards packets for it (FIB: forwarding information base).
//
// The device decides which streams go where, and which of them it may send. A [Plane]
// carries out these decisions: it forwards packets, and reports to the device what the
// device must know about them. There may be several planes, each in a package of its own
// below this one. Only the code that opens a plane knows which one it is.
//
// All arguments are values: interfaces by Linux name and index, routes and the gate in
// the types of the device's effects. A plane reports and asks through a [Router], which
// the opener of the plane provides.
//
// # Turns
//
// Only one goroutine may use a device at a time: the one that has the turn. The goroutine
// that has the turn calls the methods that change a plane's settings, so these need no
// lock against each other. The goroutine that handles a report also carries out
// everything that follows from it. A plane takes a turn with [Router.Turn]. At that time
// it must not hold a lock that one of these methods takes.
package fib
