// Package pki makes and loads the certificates with which the two devices of a
// pair know each other on the replication channel: one authority for the pair, one
// certificate a device, bound to the address that the device has there. The
// channel is TLS 1.3 (RFC 8446) and both ends must show theirs.
package pki
