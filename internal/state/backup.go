package state

import (
	"fmt"
	"net/netip"
	"time"

	"tandem/internal/device"
	"tandem/internal/latency"
	"tandem/internal/rbs"
)

// Services holds the remote backup services.
type Services struct {
	Services []Service `name:"services"`
}

// Service is one remote backup service: its channel, and how far the peer has
// acknowledged.
type Service struct {
	Name   string       `name:"service-name" label:"service"`
	TCP    rbs.TCPState `name:"tcp-state" metric:"rbs_state" by:"state" help:"1 for the state of the connection."`
	InSync bool         `name:"in-sync" metric:"rbs_in_sync" help:"1 while the databases have been synchronised on this connection."`
	// DigestsEqual is not set if the peer's digest is not known.
	DigestsEqual *bool             `name:"digests-equal" metric:"rbs_digests_equal" help:"1 while the digest that the peer told last is that of the own records."`
	LagRecords   int               `name:"lag-records" metric:"rbs_lag_records" help:"Records that the peer has not acknowledged."`
	Lag          time.Duration     `name:"lag-ms" metric:"rbs_lag_seconds" help:"Age of the oldest record that the peer has not acknowledged."`
	Lags         latency.Histogram `name:"replication-lag" metric:"rbs_replication_lag_seconds" help:"Time from the change of a record to its acknowledgement."`

	rbs.Counters `metric:"rbs_" help:"Replication"`

	Streams Streams `name:"streams" metric:"streams_"`

	Index     int           `name:"service-index"` // position among all services
	Peer      netip.Addr    `name:"peer-ip"`
	Local     netip.Addr    `name:"source-ip"`
	Port      uint16        `name:"tcp-port" none:"0"`
	TrackBFD  string        `name:"track-bfd"`       // discriminator of the BFD session that it tracks
	SSLPolicy string        `name:"ssl-policy-name"` // empty if the connection does not use TLS
	Since     time.Duration `name:"in-this-state-for"`
	LastUp    time.Time     `name:"last-up-time"`
	LastError string        `name:"last-error"` // why a connection was last lost or refused

	PeerDeviceID Hex  `name:"peer-device-id" none:"0000000000000000"`
	LocalDigest  Hex  `name:"local-digest"` // digest of all live records
	PeerDigest   Hex  `name:"peer-digest"`  // the last digest received from the peer
	Diverged     bool `name:"diverged"`     // the databases were found different while no record was under way, and have not been found equal since

	// Synchronisations of all records: their number, and the last one.
	FullSyncs        uint64        `name:"full-syncs"`
	LastFull         time.Time     `name:"last-full-sync"`
	LastFullTook     time.Duration `name:"last-full-sync-took-ms"`
	LastFullSent     int           `name:"last-full-sync-sent"`
	LastFullReceived int           `name:"last-full-sync-received"`
	// Synchronisations of differences only: their number, and the last one.
	DifferenceSyncs        uint64        `name:"difference-syncs"`
	LastDifference         time.Time     `name:"last-difference-sync"`
	LastDifferenceTook     time.Duration `name:"last-difference-sync-took-ms"`
	LastDifferenceSent     int           `name:"last-difference-sync-sent"`
	LastDifferenceReceived int           `name:"last-difference-sync-received"`

	Plaintext bool `name:"transport-plaintext"` // the connection is configured to be unprotected
	// SSLState says how the present connection is protected. Without a connection it says
	// how the next one is to be protected.
	SSLState string `name:"ssl-state"`
	Verified string `name:"verified-by"` // the means by which the peer is authenticated
	// PeerCertificate is the SHA-256 of the certificate that the peer has shown on this
	// connection. It is empty if the peer has shown none.
	PeerCertificate string `name:"peer-certificate"`
}

// ServicesOf returns the state of remote backup services. The caller adds the part that
// comes from the configuration.
func ServicesOf(services []rbs.State) []Service {
	list := make([]Service, 0, len(services))
	for i, r := range services {
		list = append(list, serviceOf(&r))
		list[i].Index = i
	}
	return list
}

func serviceOf(r *rbs.State) Service {
	full, difference := &r.LastFull, &r.LastDifference
	s := Service{
		Name: r.Name, TCP: r.TCP, InSync: r.InSync, LagRecords: r.LagRecords, Lag: r.Lag, Lags: r.Lags, Counters: r.Counters,
		Peer: r.Peer, Local: r.Local, Port: r.Port, Since: r.Since, LastUp: r.LastUp, LastError: r.LastError,
		PeerDeviceID: Hex(r.PeerDeviceID), LocalDigest: Hex(r.LocalDigest), PeerDigest: Hex(r.PeerDigest), Diverged: r.Diverged,
		FullSyncs: full.Count, LastFull: full.At, LastFullTook: full.Took, LastFullSent: full.Sent, LastFullReceived: full.Received,
		DifferenceSyncs: difference.Count, LastDifference: difference.At, LastDifferenceTook: difference.Took,
		LastDifferenceSent: difference.Sent, LastDifferenceReceived: difference.Received,
	}
	if r.TCP == rbs.Connected {
		equal := r.LocalDigest == r.PeerDigest
		s.DigestsEqual = &equal
	}
	s.protect(r)
	return s
}

// protect describes how the peer is authenticated if its hellos name its certificate.
func (s *Service) protect(r *rbs.State) {
	tls := true
	switch {
	case r.PinnedBy == 0:
		s.Verified = "the hellos of an E-Trunk, none heard"
	case r.Pin.Certificate == (rbs.Fingerprint{}):
		tls = false
		s.Verified = fmt.Sprintf("nothing: the hellos of E-Trunk %d name no certificate", r.PinnedBy)
	default:
		s.Verified = fmt.Sprintf("the hellos of E-Trunk %d", r.PinnedBy)
	}
	if r.TCP == rbs.Connected {
		tls = r.Security.TLS
	}
	s.SSLState = sslState(tls, r.TCP)
	if r.Security.Certificate != (rbs.Fingerprint{}) {
		s.PeerCertificate = fmt.Sprintf("%x", r.Security.Certificate)
	}
}

func sslState(tls bool, tcp rbs.TCPState) string {
	state := "clear"
	if tls {
		state = "TLS 1.3"
	}
	if tcp != rbs.Connected {
		state += ", not connected"
	}
	return state
}

// Conclude implements [Concluder]. If the hellos do not name the peer's certificate, the
// configuration says how the peer is authenticated.
func (s *Service) Conclude() {
	switch {
	case s.Plaintext:
		s.Verified = "nothing: it is configured to be in clear"
	case s.SSLPolicy != "":
		s.Verified = "ssl policy " + s.SSLPolicy
	default:
		return
	}
	if s.TCP != rbs.Connected {
		s.SSLState = sslState(!s.Plaintext, s.TCP)
	}
}

// Profiles holds the remote backup profiles.
type Profiles struct {
	Profiles []Profile `name:"profiles"`
}

// Profile is one remote backup profile with the digest of its live records.
type Profile struct {
	Name       string `name:"profile-name" label:"profile"`
	Records    int    `name:"records" metric:"rbp_records" help:"Live listener records of the profile."`
	Tombstones int    `name:"tombstones" metric:"rbp_tombstones" help:"Records of hosts that left, not acknowledged yet."`
	Ready      bool   `name:"ready" metric:"rbp_ready" help:"1 while the profile's member is ready."`
	// NotReady says what is missing, empty if nothing is.
	NotReady   string   `name:"not-ready-reason"`
	Digest     Hex      `name:"digest"`
	Index      Index    `name:"profile-index"`
	MLD        bool     `name:"service" words:"mld,"` // the service type is MLD
	Service    string   `name:"remote-backup-service"`
	BackupID   uint32   `name:"backup-id" none:"0"`
	Tracks     bool     `name:"track-protocol" words:"E-TRUNK,"`
	ETrunk     uint32   `name:"e-trunk-id" none:"0"`
	EthTrunk   uint32   `name:"eth-trunk-id" none:"0"`
	Interfaces []string `name:"interface"`
	Hot        bool     `name:"backup-mode" words:"hot,"`

	// VRP shows these fields. Tandem has no data for them.
	ForwardingConfigured *string `name:"forwarding-configured"`
	Slot                 *int    `name:"slot-number"`
	Card                 *int    `name:"card-number"`
	Port                 *int    `name:"port-number"`
}

// firstProfileIndex is the first profile number in VRP's product family.
const firstProfileIndex = 0x1000

// ProfilesOf describes the remote backup profiles.
func ProfilesOf(profiles []device.ProfileSnapshot) []Profile {
	list := make([]Profile, 0, len(profiles))
	for i, p := range profiles {
		list = append(list, Profile{
			Index: Index(firstProfileIndex + i), Name: p.Name, Records: p.Records, Tombstones: p.Tombstones, Digest: Hex(p.Digest),
			Ready: p.Ready, NotReady: p.NotReady, MLD: p.MLD, Service: p.Service, BackupID: p.BackupID,
			Tracks: p.ETrunk != 0, ETrunk: p.ETrunk, EthTrunk: p.EthTrunk, Interfaces: p.Interfaces, Hot: p.Hot,
		})
	}
	return list
}
