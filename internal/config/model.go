// Package config is the configuration of a device: the typed model, the one
// table of configuration commands that the console, the text form and the
// display of changes all derive from, the checks on a whole model, and the
// store that keeps what was committed.
//
// The model holds what the operator said and nothing of what became of it, so
// two models are equal exactly when their text is.
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

// Model is a whole configuration. Use New, and the methods that look objects
// up by name: names are told apart without regard to case.
type Model struct {
	SysName   string // 1..64 characters
	Multicast bool   // multicast ipv6 routing-enable
	// ForwardingPlane is what forwards; see [Model.Plane].
	ForwardingPlane ForwardingPlane
	BFD             bool // bfd
	// MLD holds the defaults of all interfaces, and what they share.
	MLD GlobalMLD
	// ETrunkPort is the UDP port of the hellos, 1025..65535.
	ETrunkPort uint16
	// LACPSystemID and LACPPriority are what member trunks show to the switch;
	// a zero ID means that none is set.
	LACPSystemID MAC
	LACPPriority uint16
	// HTTP is where the web page and the metrics are served.
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

// HTTPServer says whether and where the web page and the metrics are served. Until it
// is told otherwise that is on a loopback address.
type HTTPServer struct {
	Enabled bool
	Address netip.Addr
	Port    uint16
}

// defaultHTTPAddress can be reached from the device itself only.
var defaultHTTPAddress = netip.IPv6Loopback()

// GlobalMLD is what the MLD view holds.
type GlobalMLD struct {
	Tuning
	// Limit bounds the listener records of all interfaces together, 0 for no bound.
	Limit uint32
	// HostLimit bounds the groups and sources that one host can hold on an interface, 0 for
	// the core's bound.
	HostLimit   uint32
	SSMMappings []mld.Mapping // sorted and unique; of multicast addresses
}

func (g GlobalMLD) isZero() bool {
	return g.Tuning == Tuning{} && g.Limit == 0 && g.HostLimit == 0 && len(g.SSMMappings) == 0
}

// Tuning holds the MLD timers and counts (RFC 9777, section 9). Zero means
// that the value is not set here.
type Tuning struct {
	QueryInterval        time.Duration // 1..18000 s
	MaxResponse          time.Duration // 1..25 s
	LastListenerInterval time.Duration // 1..5 s
	Robustness           uint8         // 2..5
}

// Service is a remote backup service (RBS).
type Service struct {
	Name        string
	Peer, Local netip.Addr // both zero while not set
	Port        uint16     // 1025..65535
	// TrackBFD is the local discriminator of the BFD session whose going down
	// drops the connection, 0 for none.
	TrackBFD uint32
	// SSLPolicy makes the connection TLS, empty for one in clear.
	SSLPolicy string
	// Retention is how long the peer's records are kept without ageing while
	// the service is down and the peer alive.
	Retention time.Duration
}

// Profile is a remote backup profile (RBP).
type Profile struct {
	Name     string
	BackupID uint32 // 1..4294967295, 0 while not set
	Service  string // empty while not set
	Hot      bool   // peer-backup hot
	// ETrunk is 0 while the profile is not bound, else the profile takes its
	// role from Eth-Trunk EthTrunk in it.
	ETrunk, EthTrunk uint32
	MLD              bool // service-type mld
}

// ETrunk is an E-Trunk.
type ETrunk struct {
	ID            uint32 // 1..64
	Description   string
	Priority      uint8 // 1..254, the lower is preferred
	Key           Secret
	AuthMode      etrunk.AuthMode
	Peer, Local   netip.Addr    // both zero while not set
	VPN           string        // VPN instance of the addresses, empty for the public network
	Heartbeats    []etrunk.Path // further ways of the hellos, sorted; at most etrunk.MaxHeartbeats
	HelloInterval time.Duration // 500 ms..10 s
	Multiplier    uint16        // 3..300
	RevertDelay   time.Duration // 0..3600 s
	RevertDisable bool
	Sequence      bool
	// TrackBFD binds a BFD session: the one named BFDSession or, when that is
	// empty, the one between the same addresses. See Model.BoundSession.
	TrackBFD   bool
	BFDSession string
	BFD        ETrunkBFD
}

// Paths lists the primary path of the hellos and the heartbeat paths; none while the
// E-Trunk has no addresses.
func (t *ETrunk) Paths() []etrunk.Path {
	if !t.Peer.IsValid() {
		return nil
	}
	return append([]etrunk.Path{{Local: t.Local, Peer: t.Peer, VPN: t.VPN}}, t.Heartbeats...)
}

// ETrunkBFD is the BFD session that an E-Trunk makes for itself between its
// addresses (`e-trunk bfd enable`).
type ETrunkBFD struct {
	Enabled bool
	// TrackInterface takes the session down with an interface, empty for none.
	TrackInterface InterfaceName
	MinTx, MinRx   time.Duration // 3..20000 ms
	DetectMult     uint8         // 3..50
}

// BFDSession is a static BFD for IPv6 session.
type BFDSession struct {
	Name  string // 1..64 characters
	Peer  netip.Addr
	Local netip.Addr // zero: the device chooses
	VPN   string     // VPN instance of the addresses, empty for the public network
	// Interface binds a single-hop session to its out interface. TrackInterface
	// takes the session down with an interface. Either may be empty.
	Interface, TrackInterface InterfaceName

	// Auto has the two ends find out each other's discriminators; none is configured then.
	Auto                bool
	LocalDiscriminator  uint32        // 1..16384, 0 while not set
	RemoteDiscriminator uint32        // 1..4294967295, 0 while not set
	MinTx, MinRx        time.Duration // 3..20000 ms
	DetectMult          uint8         // 3..50
	TOSExp              uint8         // 0..7
	WaitToRestore       time.Duration // 0..60 minutes
	// ProcessInterface takes Interface for down while the session is lost.
	ProcessInterface bool
	Shutdown         bool
	// Dynamic sessions were made by an E-Trunk and not by a command.
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

// Interface is what the operator said of one interface.
type Interface struct {
	Name        InterfaceName
	Description string
	Shutdown    bool
	IPv6        bool           // ipv6 enable
	Addresses   []netip.Prefix // sorted and unique; each the interface's address with its length
	// AutoLinkLocal lets a multicast interface have a link-local address of ours where it has
	// no other.
	AutoLinkLocal bool
	MLD           InterfaceMLD
	Profile       string // remote backup profile, empty for none
	// Trunk is the Eth-Trunk that the interface is a port of, empty for none.
	Trunk InterfaceName
	// VLAN is the VLAN of a sub-interface, 1..4094, 0 while not set.
	VLAN uint16
	VPN  string // VPN instance, empty for the public network

	// The rest is for an Eth-Trunk itself only.
	Mode     TrunkMode
	LACPFast bool // the partner is asked for a LACPDU a second
	MAC      MAC  // zero while not set
	// ETrunk is 0 while the trunk joined none by itself; RemoteEthTrunk is the
	// number of the peer's trunk, the own number unless set. See Model.Members.
	ETrunk, RemoteEthTrunk uint32
	MemberMode             etrunk.MemberMode
}

// InterfaceMLD holds the MLD settings of an interface.
type InterfaceMLD struct {
	Enabled bool // downstream: mld enable
	Proxy   bool // upstream: mld proxy
	Version uint8
	Tuning
	PromptLeave, RequireRouterAlert, SendRouterAlert bool
	// PromptPolicy names the ACL of the groups that PromptLeave is for, empty for all.
	PromptPolicy string
	// GroupPolicy names the ACL of what hosts may join, empty for everything.
	GroupPolicy string
	// SourcePolicy names the ACL of the hosts that are heard, QueryPolicy that of the routers
	// whose queries count. Empty is as mld.Config says of none.
	SourcePolicy, QueryPolicy string
	// AccessLimit bounds what hosts join, 0 for no bound; what the ACL
	// AccessExcept permits, if it is named, does not count.
	AccessLimit  uint16
	AccessExcept string
	SSMMapping   bool
	Static       []mld.StaticGroup // sorted and unique
}

// Defaults of what is not set, beside those that the cores have.
const (
	defaultSysName      = "Tandem"
	DefaultLACPPriority = 32768
	defaultHTTPPort     = 9777
	defaultRetention    = 600 * time.Second
	defaultPriority     = 100
	defaultHello        = time.Second
	defaultMultiplier   = 20
	defaultRevertDelay  = 120 * time.Second
	defaultTOSExp       = 7
)

// defaultTuning and defaultMLDVersion are those of the core (RFC 9777, section 9).
var defaultTuning, defaultMLDVersion = mldDefaults(mld.DefaultConfig())

func mldDefaults(c mld.Config) (Tuning, uint8) {
	return Tuning{c.QueryInterval, c.MaxResponse, c.LastListenerInterval, uint8(c.Robustness)}, uint8(c.Version)
}

// New returns the configuration of a device that was told nothing yet.
func New() *Model {
	return &Model{
		SysName:      defaultSysName,
		ETrunkPort:   etrunk.DefaultPort,
		LACPPriority: DefaultLACPPriority,
		HTTP:         HTTPServer{Enabled: true, Address: defaultHTTPAddress, Port: defaultHTTPPort},
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
	return &ETrunk{ID: id, Priority: defaultPriority, AuthMode: etrunk.HMACSHA256, HelloInterval: defaultHello,
		Multiplier: defaultMultiplier, RevertDelay: defaultRevertDelay,
		BFD: ETrunkBFD{MinTx: bfd.DefaultInterval, MinRx: bfd.DefaultInterval, DetectMult: bfd.DefaultDetectMult}}
}

func newBFDSession(name string) *BFDSession {
	return &BFDSession{Name: name, MinTx: bfd.DefaultInterval, MinRx: bfd.DefaultInterval,
		DetectMult: bfd.DefaultDetectMult, TOSExp: defaultTOSExp}
}

func newInterface(name InterfaceName) *Interface {
	return &Interface{Name: name, AutoLinkLocal: true, MLD: InterfaceMLD{Version: defaultMLDVersion, SendRouterAlert: true}}
}

// Clone returns a copy that shares nothing with m.
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
