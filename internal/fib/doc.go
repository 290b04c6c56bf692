// Package fib is the seam between the device and what forwards packets for it
// (the forwarding information base).
//
// The device decides which streams go where and what this device may send. A
// [Plane] carries that out: it forwards packets, and it finds out what the device
// has to know of them. There may be several planes, each in a package of its own
// below this one; nobody but who opens a plane knows which one it is.
//
// Everything that is told to a plane is a value: interfaces by Linux name and
// index, routes and the gate as the device's effects have them. What the plane has
// to tell or to ask goes through a [Router], which the opener of the plane
// provides.
//
// # Turns
//
// A device has one user at a time: whoever has the turn. The methods of a plane
// that tell it something are called by whoever has the turn, so they need no lock
// of their own against each other, and a report is read, handled and carried out
// by one goroutine. The plane itself takes a turn by way of [Router.Turn]. It must
// not hold a lock then that one of these methods takes.
package fib
