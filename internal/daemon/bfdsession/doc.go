// Package bfdsession owns the BFD sessions of the configuration. It runs them in a loop
// (package bfdloop) and tells the device their state changes. An interface whose session has
// failed counts as down.
//
// A file calls only files that stand below it:
//
//	sessions.go     the owner
//	configs.go      from the configuration to the loop's sessions
//	interfaces.go   interfaces that follow a session (process-interface-status)
//	clients.go      which change of a session its clients are told (RFC 5882)
package bfdsession
