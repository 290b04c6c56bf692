package device

import (
	"strings"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// Settings is the whole desired state of a device. [Device.Configure] brings the device
// from the present settings to new ones, whatever the order in which the operator
// configured the parts.
type Settings struct {
	// Interfaces holds the multicast interfaces by configured name.
	Interfaces map[string]InterfaceSettings
	ETrunks    map[uint32]etrunk.Config
	// Legs gives the Linux interface of each member Eth-Trunk.
	Legs     map[Member]LegSettings
	Services map[string]ServiceSettings
	Profiles map[string]ProfileSettings
	// WatchesStreams says that the forwarding plane reports which streams come in (see
	// [StreamsWatched]), and that services exchange this with the peer. A change affects
	// only services that are made later.
	WatchesStreams bool
	// RecordLimit bounds the listener records that hosts can create on all interfaces
	// together, 0 for no bound.
	RecordLimit int
}

// Member identifies an Eth-Trunk as a member of an E-Trunk.
type Member struct {
	ETrunk, EthTrunk uint32
}

// LegSettings is the Linux side of a member.
type LegSettings struct {
	Netdev   string
	Shutdown bool // the operator has shut the leg down
	LACP     bool // the leg is configured to speak LACP (mode lacp-static)
}

// InterfaceSettings describes one multicast interface. It is upstream
// (RFC 4605) when Upstream is set, else downstream.
type InterfaceSettings struct {
	Netdev   string
	Upstream bool
	MLD      mld.Config
	// Profile is the remote backup profile to which the interface is bound, empty for
	// none.
	Profile string
	// SubInterface distinguishes the interfaces of one profile: 0 is the Eth-Trunk
	// itself.
	SubInterface uint32
}

// ServiceSettings describes one remote backup service.
type ServiceSettings struct {
	rbs.Config
	// Retention is how long this device keeps the peer's records from aging while the
	// channel is down and the peer is alive.
	Retention time.Duration
	// Pinned says that the peer must show the certificate that its hellos name, on one of
	// ETrunks. The first of ETrunks has precedence.
	Pinned  bool
	ETrunks []uint32 // E-Trunks that lead to the peer of the service
	// BFDSession is a BFD session that ends the connection when it goes Down, empty for
	// none.
	BFDSession string
}

// ProfileSettings describes one remote backup profile.
type ProfileSettings struct {
	BackupID uint32
	Service  string
	Member   Member
	// MLD and Hot must both be set for listener records to be replicated.
	MLD, Hot bool
}

func (p ProfileSettings) replicates() bool { return p.MLD && p.Hot && p.Service != "" }

// carries reports whether an interface is the leg itself, or a sub-interface of it.
func (l LegSettings) carries(netdev string) bool {
	return l.Netdev != "" && (netdev == l.Netdev || strings.HasPrefix(netdev, l.Netdev+"."))
}
