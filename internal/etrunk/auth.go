package etrunk

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
)

// Key computes and checks the digests of the hellos of one E-Trunk in one direction.
type Key struct {
	mode   AuthMode
	secret []byte
}

// NewKey derives the key for the hellos of an E-Trunk from one address to the other. In
// HMACSHA256 mode the key is the security key itself. In EnhancedHMACSHA256 mode it is
// derived by HKDF-SHA256 from the security key, with the E-Trunk and the addresses as
// context. So a hello that is sent back to its sender, or to another E-Trunk, has a wrong
// digest. An empty security key is an error.
func NewKey(mode AuthMode, securityKey []byte, etrunk uint32, from, to netip.Addr) (*Key, error) {
	if len(securityKey) == 0 {
		return nil, errors.New("etrunk: empty security key")
	}
	if mode == HMACSHA256 {
		return &Key{mode: mode, secret: securityKey}, nil
	}
	secret, err := hkdf.Key(sha256.New, securityKey, nil, keyContext(etrunk, from, to), sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("etrunk: derive the hello key: %w", err)
	}
	return &Key{mode: mode, secret: secret}, nil
}

// keyContext is the HKDF info: a label, the E-Trunk, and the two addresses.
func keyContext(etrunk uint32, from, to netip.Addr) string {
	f, t := from.As16(), to.As16()
	info := binary.BigEndian.AppendUint32([]byte("tandem e-trunk hello 1"), etrunk)
	info = append(info, f[:]...)
	return string(append(info, t[:]...))
}

func (k *Key) appendDigest(dst, packet []byte) []byte {
	mac := hmac.New(sha256.New, k.secret)
	mac.Write(packet)
	return mac.Sum(dst)
}

// verify checks the digest, which is the end of b, in constant time.
func (k *Key) verify(b []byte) bool {
	body := b[:len(b)-digestLen]
	var sum [digestLen]byte
	return hmac.Equal(k.appendDigest(sum[:0], body), b[len(body):])
}

// wireAuthMode returns the number of an authentication mode in the header.
func wireAuthMode(m AuthMode) byte {
	if m == HMACSHA256 {
		return 1
	}
	return 2
}
