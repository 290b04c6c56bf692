// Package device is one router of a pair: the MLD, replication, E-Trunk cores
// wired together. It decides what is forwarded, who sends it, who queries and
// whether this device is ready to serve.
//
// A Device is a value fed with events and a reading of the time; it answers
// with effects. It starts no goroutine, opens no socket and reads no clock,
// so the daemon, the simulation and a replay run the same code.
//
// The way of a report: Handle(MLDReceived) reaches the interface's
// [mld.Router]; the records it changed go to the replication channel, the
// groups it changed to the forwarding table (routes.go) and to the upstream
// proxy. A record from the peer takes the same way from [mld.Router.Merge] on.
package device
