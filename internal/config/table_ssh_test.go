package config

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
	"testing"
)

// TestPublicKeyLine types lines of id_*.pub files: with a comment of several words, and
// RSA keys of all sizes.
func TestPublicKeyLine(t *testing.T) {
	for _, c := range []struct {
		kind string
		size int
	}{{"ssh-ed25519", 51}, {"ssh-rsa", 407}, {"ssh-rsa", 535}, {"ssh-rsa", 1071}} {
		key := make([]byte, c.size)
		binary.BigEndian.PutUint32(key, uint32(len(c.kind)))
		copy(key[4:], c.kind)
		line := "public-key " + c.kind + " " + base64.StdEncoding.EncodeToString(key)
		s := newShell(t).run(t, "system-view\nssh user ann\n"+line+" ann@desk the second")
		roundTripT(t, s)
		if got := viewLines(s.Model, s.View, s.keys); len(got) != 1 || got[0] != line {
			t.Errorf("%d bytes: %q", c.size, got)
		}
		if s.run(t, "undo "+line+" ann@desk"); len(s.Model.SSHUsers["ann"].Keys) != 0 {
			t.Errorf("%d bytes: undo leaves the key", c.size)
		}
	}
}

func roundTripT(t *testing.T, s *shell) {
	t.Helper()
	if _, err := Parse(strings.Join(Write(s.Model, s.keys), "\n"), s.keys); err != nil {
		t.Error(err)
	}
}
