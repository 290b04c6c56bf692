package device

import (
	"strings"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// Settings is the whole desired state of a device. Handing a changed copy to
// [Device.Configure] brings the device from the old one to the new one, in
// whatever order its parts were configured.
type Settings struct {
	// Interfaces by configured name.
	Interfaces map[string]InterfaceSettings
	ETrunks    map[uint32]etrunk.Config
	// Legs tells the Linux interface of each member Eth-Trunk.
	Legs     map[Member]LegSettings
	Services map[string]ServiceSettings
	Profiles map[string]ProfileSettings
	// WatchesStreams says that the forwarding plane tells which streams come in (see [StreamsWatched]), and
	// that the peer is to be told. It counts for services that are made later.
	WatchesStreams bool
	// RecordLimit bounds the listener records of all interfaces together that
	// hosts can make this device hold, 0 for no bound.
	RecordLimit int
}

// Member names an Eth-Trunk as a member of an E-Trunk.
type Member struct {
	ETrunk, EthTrunk uint32
}

// LegSettings is the Linux side of a member.
type LegSettings struct {
	Netdev   string
	Shutdown bool // the operator holds it down
	LACP     bool // it is meant to speak LACP (mode lacp-static)
}

// InterfaceSettings describes one multicast interface. It is upstream
// (RFC 4605) when Upstream is set, else downstream.
type InterfaceSettings struct {
	Netdev   string
	Upstream bool
	MLD      mld.Config
	// Profile is the remote backup profile that it is bound to, if any.
	Profile string
	// SubInterface tells it from the others of its profile: 0 is the Eth-Trunk itself.
	SubInterface uint32
}

// ServiceSettings describes one remote backup service.
type ServiceSettings struct {
	rbs.Config
	// Retention is how long the peer's records outlive a broken channel while the peer is alive.
	Retention time.Duration
	// BFDSession names a session whose being down drops the connection, empty for none.
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

// carries reports whether an interface is the leg, or a sub-interface of it.
func (l LegSettings) carries(netdev string) bool {
	return l.Netdev != "" && (netdev == l.Netdev || strings.HasPrefix(netdev, l.Netdev+"."))
}
