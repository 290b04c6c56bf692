package config

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"tandem/internal/command"
)

// Secret is a key that the operator typed. It prints as asterisks. The text form of a
// configuration contains it as cipher text.
type Secret struct{ plain string }

// newSecret makes a secret from its plain text, 1..255 characters.
func newSecret(plain string) Secret { return Secret{plain} }

// isSet reports whether there is a secret.
func (s Secret) isSet() bool { return s.plain != "" }

// Reveal returns the plain text, for the protocol that uses the key.
func (s Secret) Reveal() []byte { return []byte(s.plain) }

// String hides the secret.
func (s Secret) String() string {
	if !s.isSet() {
		return ""
	}
	return "******"
}

// GoString hides the secret from %#v too.
func (s Secret) GoString() string { return s.String() }

// MarshalText hides the secret from JSON and its like.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// cipherText is the word after the keyword cipher. It prints as asterisks, because the
// operator may have typed plain text.
type cipherText struct{ typed string }

func (c cipherText) String() string   { return Secret{c.typed}.String() }
func (c cipherText) GoString() string { return c.String() }

// secretType makes a parameter type for values that are never shown again. Its errors do
// not contain the value. The length is counted in bytes.
func secretType(name string, longest int, value func(string) any) command.Type {
	t := command.OneWord(name, fmt.Sprintf("STRING<1-%d>", longest), func(s string) (any, error) {
		switch {
		case s == "" || len(s) > longest:
			return nil, fmt.Errorf("%d bytes, not 1..%d", len(s), longest)
		case !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }):
			return nil, errors.New("it has spaces or characters that cannot be printed")
		}
		return value(s), nil
	})
	t.Secret = true
	return t
}

// The limits of VRP for a key and for its cipher text, in bytes.
const maxKey, maxCipherText = 255, 432

// KeySize is the size of a device key in bytes.
const KeySize = 32

// cipherMark stands at the beginning and the end of a cipher text, as on VRP.
const cipherMark = "%^%#"

// ErrForeignCipher means that a cipher text was not made with this device's key.
var ErrForeignCipher = errors.New("the cipher text was made by another device or is damaged; give the key itself")

// Keyring encrypts secrets with a device's own key, and decrypts them.
type Keyring struct {
	aead  cipher.AEAD
	nonce []byte
}

// newKeyring returns the keyring of a device key of KeySize bytes.
func newKeyring(deviceKey []byte) (*Keyring, error) {
	if len(deviceKey) != KeySize {
		return nil, fmt.Errorf("device key: %d bytes, not %d", len(deviceKey), KeySize)
	}
	sealing, err := hkdf.Expand(sha256.New, deviceKey, "tandem configuration: sealing", KeySize)
	if err != nil {
		return nil, err
	}
	nonce, err := hkdf.Expand(sha256.New, deviceKey, "tandem configuration: nonce", KeySize)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(sealing)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &Keyring{aead, nonce}, err
}

// newDeviceKey makes a device key.
func newDeviceKey() []byte {
	key := make([]byte, KeySize)
	rand.Read(key) // never fails (crypto/rand)
	return key
}

// seal returns the cipher text of a secret. The nonce is a keyed hash of the plain text, so
// that a configuration always has the same text. A reader of the text learns only which
// secrets of the device are equal.
func (k *Keyring) seal(s Secret) string {
	if k.opaque() {
		return opaqueText(s)
	}
	mac := hmac.New(sha256.New, k.nonce)
	mac.Write([]byte(s.plain))
	nonce := mac.Sum(nil)[:k.aead.NonceSize()]
	sealed := k.aead.Seal(nonce, nonce, []byte(s.plain), nil)
	return cipherMark + base64.RawStdEncoding.EncodeToString(sealed) + cipherMark
}

// open reads the word after the keyword cipher: a cipher text of this device or, as on VRP,
// a key in plain text.
func (k *Keyring) open(text string) (Secret, error) {
	inner, found := strings.CutPrefix(text, cipherMark)
	if !found {
		return newSecret(text), nil
	}
	if k.opaque() {
		return opaqueSecret(text), nil
	}
	inner, found = strings.CutSuffix(inner, cipherMark)
	sealed, err := base64.RawStdEncoding.DecodeString(inner)
	size := k.aead.NonceSize()
	if !found || err != nil || len(sealed) < size {
		return Secret{}, ErrForeignCipher
	}
	plain, err := k.aead.Open(nil, sealed[:size], sealed[size:], nil)
	if err != nil || len(plain) == 0 {
		return Secret{}, ErrForeignCipher
	}
	return newSecret(string(plain)), nil
}
