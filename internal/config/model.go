// Package config is the configuration of a device. It contains the typed model, the table
// of configuration commands, the validation of a whole model, and the store of commits. The
// console, the text form and the display of changes all use this one table.
//
// The model holds only what the operator has configured, not the resulting state. So two
// models are equal exactly if their texts are equal.
package config

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/etrunk"
	"tandem/internal/mld"
	"tandem/internal/rbs"
)

// Model is a whole configuration. Make it with New. Look objects up with its methods,
// because names do not depend on upper and lower case.
type Model struct {
	SysName   string // 1..64 characters
	Multicast bool   // set by `multicast ipv6 routing-enable`
	// ForwardingPlane is the configured forwarding plane; see [Model.Plane].
	ForwardingPlane ForwardingPlane
	BFD             bool // set by `bfd`
	// MLD holds the defaults of all interfaces, and the settings that they share.
	MLD GlobalMLD
	// ETrunkPort is the UDP port of the hellos, 1025..65535.
	ETrunkPort uint16
	// LACPSystemID and LACPPriority are the LACP system that member trunks use towards
	// the switch. A zero ID means that no system is configured.
	LACPSystemID MAC
	LACPPriority uint16
	// LACPOwnPriority is the LACP system priority of the trunks that are no member of an
	// E-Trunk.
	LACPOwnPriority uint16
	// HTTP is the address of the web page and the metrics.
	HTTP HTTPServer

	SSH SSHServer

	SSHUsers    map[string]*SSHUser
	ACLs        map[string]*ACL // by name, or by number in decimal
	Sessions    map[string]*BFDSession
	ETrunks     map[uint32]*ETrunk
	SSLPolicies map[string]*SSLPolicy
	VPNs        map[string]*VPNInstance
	Services    map[string]*Service
	Profiles    map[string]*Profile
	Interfaces  map[InterfaceName]*Interface
}

// HTTPServer says whether the web page and the metrics are served, and on which address.
// The default is a loopback address.
type HTTPServer struct {
	Enabled bool
	Address netip.Addr
	Port    uint16
}

// defaultHTTPAddress is reachable from the device itself only.
var defaultHTTPAddress = netip.IPv6Loopback()

// GlobalMLD is the configuration of the MLD view.
type GlobalMLD struct {
	Tuning
	// Limit is the largest number of listener records on all interfaces together, 0 for no
	// limit.
	Limit uint32
	// HostLimit is the largest number of groups and sources of one host on an interface, 0
	// for the limit of package mld.
	HostLimit   uint32
	SSMMappings []mld.Mapping // sorted, each once; for multicast addresses
}

func (g GlobalMLD) isZero() bool {
	return g.Tuning == Tuning{} && g.Limit == 0 && g.HostLimit == 0 && len(g.SSMMappings) == 0
}

// Tuning holds the MLD timers and counts (RFC 9777, section 9). Zero means that the value
// is not set at this place.
type Tuning struct {
	QueryInterval        time.Duration // 1..18000 s
	MaxResponse          time.Duration // 1..25 s
	LastListenerInterval time.Duration // 1..5 s
	Robustness           uint8         // 2..5
}

// Service is a remote backup service (RBS).
type Service struct {
	Name        string
	Peer, Local netip.Addr // both zero if not configured
	Port        uint16     // 1025..65535
	// TrackBFD is the local discriminator of a BFD session, 0 for none. When this session
	// goes down, the connection is closed.
	TrackBFD uint32
	// SSLPolicy is the SSL policy of the connection. Without one the connection does not
	// use TLS.
	SSLPolicy string
	// Plaintext says that the connection is not protected. It is for peers that do not
	// support TLS.
	Plaintext bool
	// Retention is how long the peer's records do not age while the service is down and the
	// peer lives.
	Retention time.Duration
}

// Profile is a remote backup profile (RBP).
type Profile struct {
	Name     string
	BackupID uint32 // 1..4294967295, 0 if not configured
	Service  string // empty if not configured
	Hot      bool   // set by `peer-backup hot`
	// ETrunk and EthTrunk are the numbers of an E-Trunk and of one of its members. The
	// profile takes its role from this member. ETrunk is 0 if the profile is not bound.
	ETrunk, EthTrunk uint32
	MLD              bool // set by `service-type mld`
}

// ETrunk is an E-Trunk.
type ETrunk struct {
	ID            uint32 // 1..64
	Description   string
	Priority      uint8 // 1..254, the lower is preferred
	Key           Secret
	AuthMode      etrunk.AuthMode
	Peer, Local   netip.Addr    // both zero if not configured
	VPN           string        // VPN instance of the addresses, empty for the public network
	Heartbeats    []etrunk.Path // heartbeat paths, sorted; at most etrunk.MaxHeartbeats
	HelloInterval time.Duration // 500 ms..10 s
	Multiplier    uint16        // 3..300
	RevertDelay   time.Duration // 0..3600 s
	RevertDisable bool
	Sequence      bool
	// TrackBFD makes the E-Trunk track a BFD session: the one named BFDSession or, if that
	// is empty, the one with the same addresses. See Model.BoundSession.
	TrackBFD   bool
	BFDSession string
	BFD        ETrunkBFD
}

// Paths lists the primary path of the hellos and the heartbeat paths. It is empty while the
// E-Trunk has no addresses.
func (t *ETrunk) Paths() []etrunk.Path {
	if !t.Peer.IsValid() {
		return nil
	}
	return append([]etrunk.Path{{Local: t.Local, Peer: t.Peer, VPN: t.VPN}}, t.Heartbeats...)
}

// ETrunkBFD is the BFD session that an E-Trunk itself makes between its addresses (`e-trunk
// bfd enable`).
type ETrunkBFD struct {
	Enabled bool
	// TrackInterface is an interface whose failure takes the session down; empty for
	// none.
	TrackInterface InterfaceName
	MinTx, MinRx   time.Duration // 3..20000 ms
	DetectMult     uint8         // 3..50
}

// BFDSession is a static BFD for IPv6 session.
type BFDSession struct {
	Name  string // 1..64 characters
	Peer  netip.Addr
	Local netip.Addr // zero: the kernel chooses the source address
	VPN   string     // VPN instance of the addresses, empty for the public network
	// Interface binds a single-hop session to its outgoing interface. When TrackInterface
	// goes down, the session goes down. Either may be empty.
	Interface, TrackInterface InterfaceName

	// Auto means that the two devices learn each other's discriminators, so that none is
	// configured.
	Auto                bool
	LocalDiscriminator  uint32        // 1..16384, 0 if not configured
	RemoteDiscriminator uint32        // 1..4294967295, 0 if not configured
	MinTx, MinRx        time.Duration // 3..20000 ms
	DetectMult          uint8         // 3..50
	TOSExp              uint8         // 0..7
	WaitToRestore       time.Duration // 0..60 minutes
	// ProcessInterface makes Interface count as down while the session is down.
	ProcessInterface bool
	Shutdown         bool
	// Dynamic sessions are made by an E-Trunk, not by a command of their own.
	Dynamic     bool
	Description string
}

// TrunkMode is the work mode of an Eth-Trunk.
type TrunkMode uint8

// Work modes.
const (
	Manual TrunkMode = iota
	LACPStatic
)

func (m TrunkMode) String() string { return [...]string{"manual", "lacp-static"}[m] }

// Interface is the configuration of one interface.
type Interface struct {
	Name        InterfaceName
	Description string
	Shutdown    bool
	IPv6        bool           // set by `ipv6 enable`
	Addresses   []netip.Prefix // sorted and unique; each is an address with its prefix length
	// AutoLinkLocal permits Tandem to assign a link-local address to a multicast interface
	// that has none.
	AutoLinkLocal bool
	MLD           InterfaceMLD
	Profile       string // remote backup profile, empty for none
	// Trunk is the Eth-Trunk of which the interface is a port, empty for none.
	Trunk InterfaceName
	// VLAN is the VLAN of a sub-interface, 1..4094, 0 if not configured.
	VLAN uint16
	VPN  string // VPN instance, empty for the public network

	// The following fields are only for an Eth-Trunk.
	Mode     TrunkMode
	LACPFast bool // the partner sends one LACPDU each second
	MAC      MAC  // zero if not configured
	// ETrunk is the E-Trunk that the view of the Eth-Trunk names, 0 for none. A
	// remote-backup-profile can name the Eth-Trunk's E-Trunk instead, see Model.Members.
	// RemoteEthTrunk is the number of the peer's Eth-Trunk; the default is the own number.
	ETrunk, RemoteEthTrunk uint32
	MemberMode             etrunk.MemberMode
}

// InterfaceMLD holds the MLD settings of an interface.
type InterfaceMLD struct {
	Enabled bool // set by `mld enable` on a downstream interface
	Proxy   bool // set by `mld proxy` on the upstream interface
	Version uint8
	Tuning
	PromptLeave, RequireRouterAlert, SendRouterAlert bool
	// PromptPolicy names the ACL of the groups to which PromptLeave applies, empty for all.
	PromptPolicy string
	// GroupPolicy names the ACL of the groups that hosts may join, empty for all.
	GroupPolicy string
	// SourcePolicy names the ACL of the hosts whose reports are accepted. QueryPolicy names
	// the ACL of the routers whose queries are accepted. Empty means the default of
	// mld.Config.
	SourcePolicy, QueryPolicy string
	// AccessLimit limits how many groups hosts may join, 0 for no limit. Groups that the
	// ACL AccessExcept permits do not count.
	AccessLimit  uint16
	AccessExcept string
	SSMMapping   bool
	Static       []mld.StaticGroup // sorted and unique
}

// Defaults for which the protocol packages have no constants.
const (
	defaultSysName      = "Tandem"
	DefaultLACPPriority = 32768
	defaultHTTPPort     = 9777
	defaultRetention    = 600 * time.Second
	defaultTOSExp       = 7
)

// defaultETrunk are the defaults of package etrunk.
var defaultETrunk = etrunk.DefaultConfig()

// defaultTuning and defaultMLDVersion are the defaults of package mld (RFC 9777, section
// 9).
var defaultTuning, defaultMLDVersion = mldDefaults(mld.DefaultConfig())

func mldDefaults(c mld.Config) (Tuning, uint8) {
	return Tuning{c.QueryInterval, c.MaxResponse, c.LastListenerInterval, uint8(c.Robustness)}, uint8(c.Version)
}

// New returns the configuration of a device on which nothing is configured.
func New() *Model {
	return &Model{
		SysName:      defaultSysName,
		ETrunkPort:   etrunk.DefaultPort,
		LACPPriority: DefaultLACPPriority, LACPOwnPriority: DefaultLACPPriority,
		HTTP: HTTPServer{Enabled: true, Address: defaultHTTPAddress, Port: defaultHTTPPort},
		SSH: SSHServer{Port: defaultSSHPort, LoginTimeout: defaultSSHLogin, Retries: defaultSSHRetries,
			IdleTimeout: defaultSSHIdle},
		SSHUsers:    map[string]*SSHUser{},
		ACLs:        map[string]*ACL{},
		Sessions:    map[string]*BFDSession{},
		ETrunks:     map[uint32]*ETrunk{},
		SSLPolicies: map[string]*SSLPolicy{},
		VPNs:        map[string]*VPNInstance{},
		Services:    map[string]*Service{},
		Profiles:    map[string]*Profile{},
		Interfaces:  map[InterfaceName]*Interface{},
	}
}

func newService(name string) *Service {
	return &Service{Name: name, Port: rbs.DefaultPort, Retention: defaultRetention}
}

func newETrunk(id uint32) *ETrunk {
	return &ETrunk{ID: id, Priority: defaultETrunk.Priority, AuthMode: etrunk.HMACSHA256, HelloInterval: defaultETrunk.HelloInterval,
		Multiplier: uint16(defaultETrunk.Multiplier), RevertDelay: defaultETrunk.RevertDelay,
		BFD: ETrunkBFD{MinTx: bfd.DefaultInterval, MinRx: bfd.DefaultInterval, DetectMult: bfd.DefaultDetectMult}}
}

func newBFDSession(name string) *BFDSession {
	return &BFDSession{Name: name, MinTx: bfd.DefaultInterval, MinRx: bfd.DefaultInterval,
		DetectMult: bfd.DefaultDetectMult, TOSExp: defaultTOSExp}
}

func newInterface(name InterfaceName) *Interface {
	return &Interface{Name: name, AutoLinkLocal: true, MLD: InterfaceMLD{Version: defaultMLDVersion, SendRouterAlert: true}}
}

// Clone returns a copy that shares no memory with m.
func (m *Model) Clone() *Model {
	c := *m
	c.MLD.SSMMappings = slices.Clone(m.MLD.SSMMappings)
	c.SSHUsers = cloneObjects(m.SSHUsers)
	for _, u := range c.SSHUsers {
		u.Keys = slices.Clone(u.Keys)
	}
	c.ACLs = cloneObjects(m.ACLs)
	for _, a := range c.ACLs {
		a.Rules = slices.Clone(a.Rules)
	}
	c.Sessions = cloneObjects(m.Sessions)
	c.ETrunks = cloneObjects(m.ETrunks)
	for _, t := range c.ETrunks {
		t.Heartbeats = slices.Clone(t.Heartbeats)
	}
	c.SSLPolicies = cloneObjects(m.SSLPolicies)
	c.VPNs = cloneObjects(m.VPNs)
	c.Services = cloneObjects(m.Services)
	c.Profiles = cloneObjects(m.Profiles)
	c.Interfaces = cloneObjects(m.Interfaces)
	for _, i := range c.Interfaces {
		i.Addresses = slices.Clone(i.Addresses)
		i.MLD.Static = slices.Clone(i.MLD.Static)
	}
	return &c
}

func cloneObjects[K comparable, V any](objects map[K]*V) map[K]*V {
	c := make(map[K]*V, len(objects))
	for k, v := range objects {
		copied := *v
		c[k] = &copied
	}
	return c
}
