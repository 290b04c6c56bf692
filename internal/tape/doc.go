// Package tape records what a device is told and runs a recording through the same code
// again.
//
// A Device is a device whose inputs are noted in a ring of bounded size: the latest
// minutes, after a checkpoint of what the device knew when they began. Beside them it
// notes what the device decided (entries, gate, legs, roles, duty), as a sum, so that
// a replay can say whether it decides the same.
//
// The bytes of the replication channel are not in a recording, which seldom holds the
// beginning of a connection; what came of them is (device.Replicated).
//
//	device.go, ring.go    recording
//	entry.go, parse.go    an input as bytes, and read from them
//	file.go               the file: docs/protocol/recording.md
//	replay.go             running it again
//	mask.go               without secrets; without addresses
package tape
