package config

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
)

// OpaqueKeyring is a keyring of no device, for checks and comparisons away from it:
// cipher text of any device stands for the secret in it, and secrets in plain text
// become asterisks. It protects nothing.
func OpaqueKeyring() *Keyring { return &Keyring{} }

func (k *Keyring) opaque() bool { return k.aead == nil }

// opaqueSecret stands for what is in a cipher text. A secret has 255 bytes at most.
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

// IgnorePlainKeys makes keys of two configurations equal where one of them is in plain
// text: whether they are, only the device can tell that sealed the other.
func IgnorePlainKeys(a, b *Model) {
	for id, t := range a.ETrunks {
		if o := b.ETrunks[id]; o != nil && t.Key.isSet() && o.Key.isSet() && (!sealed(t.Key) || !sealed(o.Key)) {
			o.Key = t.Key
		}
	}
}

func sealed(s Secret) bool { return strings.HasPrefix(s.plain, cipherMark) }

// Scratch returns an empty store that is thrown away by remove, with an OpaqueKeyring.
func Scratch() (s *Store, remove func(), err error) {
	dir, err := os.MkdirTemp("", "tandem-")
	if err != nil {
		return nil, nil, fmt.Errorf("configuration store: %w", err)
	}
	// A directory of ours that stays behind does no harm.
	remove = func() { _ = os.RemoveAll(dir) }
	if s, err = Open(dir); err != nil {
		remove()
		return nil, nil, err
	}
	s.keys = OpaqueKeyring()
	return s, remove, nil
}
