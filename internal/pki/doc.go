// Package pki makes and loads the certificates with which the two devices of a pair
// authenticate each other on the replication channel: one authority for the pair, and one
// certificate for each device, bound to the device's address on the channel. The channel
// uses TLS 1.3 (RFC 8446), and both ends must present their certificates.
package pki
