// Package channel owns the TCP connections of the remote backup services, with TLS where
// a service has an SSL policy, or has to verify the peer by the certificate that its hellos
// name.
//
// The device decides when to listen, to connect, to send and to close
// (docs/protocol/rbs.md). This package does it and reports the results to the device.
//
// A file calls only files that stand below it:
//
//	channels.go          carries out what a service asks for
//	listen.go  dial.go   how a connection is made
//	segment.go           the size of its TCP segments
//	conn.go              reads, writes and ends a connection, and reports to the device
//	credentials.go       the certificate of a service, and the CA of its peer's
package channel
