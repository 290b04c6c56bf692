// Package tape records the inputs of a device and runs a recording through the same code
// again.
//
// A Device is a device whose inputs are recorded in a ring of bounded size: the latest
// minutes, after a checkpoint of the device's state at their beginning. The recording
// also contains a checksum of what the device decided (entries, gate, legs, roles, duty),
// so that a replay can show whether it decides the same.
//
// A recording does not contain the bytes of the replication channel, because it seldom
// contains the beginning of a connection. It contains the outcomes instead
// (device.Replicated).
//
//	device.go, ring.go    recording
//	entry.go, parse.go    encoding and decoding of an input
//	file.go               the file: docs/protocol/recording.md
//	replay.go             running it again
//	mask.go               removing addresses
package tape
