package config

import (
	"testing"
	"time"
)

// TestETrunksShareASession: E-Trunks between the same addresses share one session, with the
// shortest intervals that any of them wants. Other E-Trunks have sessions of their own.
func TestETrunksShareASession(t *testing.T) {
	s := newShell(t)
	s.run(t, `bfd
		quit
		e-trunk 2
		peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1
		e-trunk bfd enable track interface eth9
		e-trunk bfd detect-multiplier 5
		e-trunk bfd min-tx-interval 100
		quit
		e-trunk 5
		peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1
		e-trunk bfd enable
		e-trunk bfd min-rx-interval 7
		e-trunk bfd min-tx-interval 50
		e-trunk bfd detect-multiplier 4
		quit
		e-trunk 6
		peer-ipv6 2001:db8::3 source-ipv6 2001:db8::1
		e-trunk bfd enable
		quit
		e-trunk 7
		peer-ipv6 2001:db8::2 source-ipv6 2001:db8::1`)
	bound := func(id uint32) string {
		t.Helper()
		b, err := s.Model.BoundSession(s.Model.ETrunks[id])
		if err != nil {
			t.Fatal(err)
		}
		if b == nil {
			return ""
		}
		return b.Name
	}
	for id, want := range map[uint32]string{2: "e-trunk 2", 5: "e-trunk 2", 6: "e-trunk 6", 7: ""} {
		if got := bound(id); got != want {
			t.Errorf("E-Trunk %d is bound to %q, want %q", id, got, want)
		}
	}
	all := s.Model.AllSessions()
	if len(all) != 2 {
		t.Fatalf("%d sessions", len(all))
	}
	if b := all[0]; b.MinTx != 50*time.Millisecond || b.MinRx != 7*time.Millisecond || b.DetectMult != 4 || b.TrackInterface != "eth9" || !b.Auto || !b.Dynamic {
		t.Errorf("%+v", b)
	}
}
