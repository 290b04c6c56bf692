// Package state is the typed state of a device: the state of the router, copied by
// package device, and what the daemon adds from the kernel. The displays, their JSON, the
// metrics and the web page derive from it.
package state
