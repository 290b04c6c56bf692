package mroute

import (
	"net/netip"
	"testing"
)

func FuzzParseUpcall(f *testing.F) {
	b := make([]byte, sizeofUpcall)
	b[1], b[2] = byte(NoCache), 3
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		u, mif, ok := parseUpcall(b)
		if ok && (mif < 0 || mif >= MaxInterfaces || !u.Source.Is6() || u.Group == (netip.Addr{})) {
			t.Errorf("accepted %+v on MIF %d", u, mif)
		}
	})
}

func TestParseUpcallPassesOver(t *testing.T) {
	good := make([]byte, sizeofUpcall)
	good[1] = byte(NoCache)
	if _, _, ok := parseUpcall(good); !ok {
		t.Error("a plain upcall was not accepted")
	}
	for name, change := range map[string]func(b []byte) []byte{
		"short":            func(b []byte) []byte { return b[:39] },
		"an ICMPv6 packet": func(b []byte) []byte { b[0] = 143; return b },
		"a whole packet":   func(b []byte) []byte { b[1] = 3; return b },
		"no such MIF":      func(b []byte) []byte { b[2], b[3] = 0xff, 0xff; return b },
	} {
		if _, _, ok := parseUpcall(change(append([]byte(nil), good...))); ok {
			t.Errorf("%s was accepted", name)
		}
	}
}
