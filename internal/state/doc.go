// Package state is the typed state of a device: what its router knows, as package
// device copies it, and what the daemon adds of the kernel. The displays, their JSON,
// the metrics and the web page derive from it.
package state
