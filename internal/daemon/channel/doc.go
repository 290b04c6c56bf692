// Package channel owns the TCP connections of the remote backup services, with TLS
// where a service has an SSL policy.
//
// What to do is decided by the device: it asks to listen, to connect, to send and to
// close (docs/protocol/rbs.md), and is told what came of it.
//
// A file calls only files that stand below it:
//
//	channels.go          what a service asks for
//	listen.go  dial.go   how a connection comes about
//	conn.go              how it is read and written, and ends, and how the device is told
//	credentials.go       what a service shows to its peer, and whom it believes
package channel
