// Package pimio hears and sends PIM for IPv6 by a raw socket of protocol 103 (RFC 7761,
// section 4.9). It hears what comes to ff02::d, and to this device alone, by the interfaces
// that it is told to join. It knows nothing of the messages but where they came from: package
// pim checks and decodes them, and fills in their checksums.
package pimio
