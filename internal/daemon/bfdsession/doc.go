// Package bfdsession owns the BFD sessions of the configuration. It runs them in a loop
// (package bfdloop) and reports their state changes to the device. An interface whose
// session has failed counts as down.
//
// A file calls only files that stand below it:
//
//	sessions.go     the owner
//	configs.go      from the configuration to the loop's sessions
//	interfaces.go   interfaces that follow a session (process-interface-status)
//	clients.go      which changes of a session are reported to its clients (RFC 5882)
package bfdsession
