package etrunk

import "fmt"

// Lack says why a member is not ready, so that the peer can show it.
type Lack uint8

// Lacks of a member. The zero value says that it lacks nothing, or that an older release does not
// tell what.
const (
	LackNothing       Lack = iota
	LackSwitchover         // handed over on request
	LackConfiguration      // the configuration is about to change
	LackReplication        // its listeners are not replicated
	LackProfile            // the peer's profile has another backup ID
	LackChannel            // neither upstream nor a channel to tell the peer who listens
	LackLeg                // the Eth-Trunk is down
	LackAggregate          // the switch does not have the Eth-Trunk in its aggregate
	LackUpstream           // the upstream interface is missing or down
	LackInterface          // a multicast interface cannot do its work
	LackSync               // not synchronised with the peer yet
	LackJoins              // joining upstream
	LackTime               // settling
	LackRevert             // the E-Trunk does not revert
	LackHearing            // nothing has come in on the Eth-Trunk since it came up
	LackStreams            // most streams that come in at the peer do not
)

var lacks = [...]string{
	"not told", "switchover", "configuration changes", "not replicated", "backup-id differs", "no channel", "Eth-Trunk down",
	"not in aggregate", "no upstream", "interface unable", "not synchronised", "joining upstream", "settling", "revert disabled",
	"nothing heard", "streams do not arrive",
}

func (l Lack) String() string {
	if int(l) < len(lacks) {
		return lacks[l]
	}
	return fmt.Sprintf("unknown (%d)", uint8(l))
}
