package state

import (
	"testing"

	"tandem/internal/bfd"
)

// TestDiscriminatorFoundOut: a session that takes whatever the peer uses shows it, alone
// and beside the E-Trunk that follows it.
func TestDiscriminatorFoundOut(t *testing.T) {
	sessions := BFDSessionsOf([]bfd.SessionState{{Config: bfd.Config{Name: "s", Auto: true}, ActualRemoteDiscriminator: 7}})
	if got := sessions[0].RemoteDiscriminator; got != 7 {
		t.Errorf("the session shows %d", got)
	}
	if got := ETrunkSessionsOf([]ETrunk{{BFDSession: "s"}}, sessions)[0].RemoteDiscriminator; got != 7 {
		t.Errorf("the E-Trunk shows %d", got)
	}
}
