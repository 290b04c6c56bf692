package etrunk

import (
	"crypto/sha256"
	"encoding/binary"
)

// A hello names the certificate that its sender shows on the connections of remote backup
// services. Hellos are authenticated, so the receiver knows the sender by this certificate.
// The two devices need no authority that signs certificates.

const (
	tlvCertificate = 4
	certificateLen = sha256.Size
)

// appendCertificate appends the hash of the certificate. It appends nothing if the device
// has no certificate.
func (h *Hello) appendCertificate(dst []byte) []byte {
	if h.Certificate == [certificateLen]byte{} {
		return dst
	}
	dst = binary.BigEndian.AppendUint16(dst, tlvCertificate)
	dst = binary.BigEndian.AppendUint16(dst, certificateLen)
	return append(dst, h.Certificate[:]...)
}

func (h *Hello) decodeCertificate(v []byte) error {
	if len(v) < certificateLen {
		return drop(CauseBadFormat, "certificate hash of %d bytes", len(v))
	}
	h.Certificate = [certificateLen]byte(v)
	return nil
}
