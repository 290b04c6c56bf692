package config

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
)

// OpaqueKeyring is a keyring without a device key. It is for checks and comparisons on
// another machine. A cipher text of any device stands for its secret, and secrets in plain
// text become asterisks. It protects nothing.
func OpaqueKeyring() *Keyring { return &Keyring{} }

func (k *Keyring) opaque() bool { return k.aead == nil }

// opaqueSecret makes a secret that stands for a cipher text. A secret has 255 bytes at
// most.
func opaqueSecret(text string) Secret {
	if len(text) > 255 {
		text = fmt.Sprintf("%s%x%[1]s", cipherMark, sha256.Sum256([]byte(text)))
	}
	return newSecret(text)
}

func opaqueText(s Secret) string {
	if sealed(s) {
		return s.plain
	}
	return s.String()
}

// IgnorePlainKeys makes a key equal in both configurations if one of the two is in plain
// text. Only the device that has encrypted the other could compare them.
func IgnorePlainKeys(a, b *Model) {
	for id, t := range a.ETrunks {
		if o := b.ETrunks[id]; o != nil && t.Key.isSet() && o.Key.isSet() && (!sealed(t.Key) || !sealed(o.Key)) {
			o.Key = t.Key
		}
	}
}

func sealed(s Secret) bool { return strings.HasPrefix(s.plain, cipherMark) }

// Scratch returns an empty store with an OpaqueKeyring. The function remove deletes the
// store.
func Scratch() (s *Store, remove func(), err error) {
	dir, err := os.MkdirTemp("", "tandem-")
	if err != nil {
		return nil, nil, fmt.Errorf("configuration store: %w", err)
	}
	// A temporary directory that cannot be deleted does no harm.
	remove = func() { _ = os.RemoveAll(dir) }
	if s, err = Open(dir); err != nil {
		remove()
		return nil, nil, err
	}
	s.keys = OpaqueKeyring()
	return s, remove, nil
}
