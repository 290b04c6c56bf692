// Package pimio receives and sends PIM for IPv6 with a raw socket of protocol 103 (RFC
// 7761, section 4.9). It receives messages to ff02::d and to this device's own addresses,
// on the interfaces that it has joined. It does not examine the messages: package pim
// checks and decodes them, and fills in their checksums.
package pimio
