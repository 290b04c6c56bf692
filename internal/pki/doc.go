// Package pki makes and loads the certificates with which the two devices of a pair
// authenticate each other on the replication channel. There are two ways. Either each device
// signs a certificate itself, and its peer accepts only this one, by its fingerprint ([Self]).
// Or the pair has one authority, and one certificate for each device, bound to the device's
// address on the channel ([Credentials]). The channel uses TLS 1.3 (RFC 8446), and both ends
// must present a certificate.
package pki
