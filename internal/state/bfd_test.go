package state

import (
	"testing"

	"tandem/internal/bfd"
)

// TestDiscriminatorFoundOut: a session without a configured remote discriminator shows
// the one that the peer sends, in its own display and in that of the E-Trunk.
func TestDiscriminatorFoundOut(t *testing.T) {
	sessions := BFDSessionsOf([]bfd.SessionState{{Config: bfd.Config{Name: "s", Auto: true}, ActualRemoteDiscriminator: 7}})
	if got := sessions[0].RemoteDiscriminator; got != 7 {
		t.Errorf("the session shows %d", got)
	}
	if got := ETrunkSessionsOf([]ETrunk{{BFDSession: "s"}}, sessions)[0].RemoteDiscriminator; got != 7 {
		t.Errorf("the E-Trunk shows %d", got)
	}
}
