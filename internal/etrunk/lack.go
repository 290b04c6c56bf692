package etrunk

import "fmt"

// Lack says why a member is not ready. It is announced, so that the peer can show it.
type Lack uint8

// The lacks of a member. The zero value says that the member lacks nothing, or that the
// peer's release is too old to announce what it lacks.
const (
	LackNothing       Lack = iota
	LackSwitchover         // an operator has requested a switchover to the peer
	LackConfiguration      // the configuration is about to change
	LackReplication        // the member's listeners are not replicated
	LackProfile            // the peer's profile has another backup ID
	LackChannel            // no upstream, and no replication channel to report the listeners to the peer
	LackLeg                // the Eth-Trunk is down
	LackAggregate          // the switch has not taken the Eth-Trunk into its aggregate
	LackUpstream           // the upstream interface is missing or down
	LackInterface          // an interface has carrier, but the kernel keeps it from multicast forwarding
	LackSync               // the records are not synchronised with the peer yet
	LackJoins              // joins upstream are not complete
	LackTime               // the delay after the last change is not over
	LackRevert             // `revert disable` is set, so the device does not take the member back
	LackHearing            // no MLD report has come in on the Eth-Trunk since it came up
	LackStreams            // most streams that come in at the peer do not come in at this device
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
