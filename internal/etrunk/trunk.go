// Package etrunk decides which of the two devices is Master, which of the two legs of a
// member Eth-Trunk carries the traffic, and which (S,G) each device sends. The same code
// runs on the peer. The devices exchange hellos over UDP.
//
// The package is pure: a Trunk takes the time, packets and events, and returns Effects.
// docs/protocol/etrunk.md specifies the protocol.
//
//	packet.go, parse.go   the hello on the wire
//	certificate.go        the certificate that it names
//	lack.go               why a member is not ready: the codes in the hello
//	auth.go               the digest of a hello
//	config.go             Config, and settings.go which settings the devices compare
//	check.go              where the two configurations differ
//	trunk.go              Trunk and its inputs
//	state.go              roles, reasons and what displays show
//	session.go            the state that a Trunk keeps over a restart of the daemon
//	effects.go            what the caller of a Trunk has to do
//	counters.go           hellos counted, and the causes of drops
//	path.go               the paths between the two devices
//	peer.go               which hellos are accepted
//	loss.go               when the peer is lost, and found again
//	role.go               election and member roles
//	revert.go             when a member leaves the leg to the peer, and takes it back
//	send.go               when hellos are sent and what they say
//	bucket.go, duty.go    who sends which (S,G); used by the device
package etrunk

import (
	"cmp"
	"math/rand/v2"
	"net/netip"
	"slices"

	"tandem/internal/instant"
)

// Trunk is one E-Trunk on one device. The instants that its methods take must not go back.
type Trunk struct {
	rng        *rand.Rand
	cfg        Config
	configured bool
	sendKey    *Key // nil without a security key or addresses
	recvKey    *Key

	kept    TrunkKept
	members []*member // by ID
	scratch []byte
}

// member is one member Eth-Trunk.
type member struct {
	MemberConfig
	MemberKept
}

// New returns an E-Trunk that does nothing until it is configured. It draws the epoch and
// the challenges from rng. These protect against replay only if rng cannot be predicted:
// use a ChaCha8 source with a seed from the system.
func New(rng *rand.Rand) *Trunk {
	t := &Trunk{rng: rng}
	t.kept.Out.Epoch = t.nonce()
	t.kept.Out.Challenge = t.nonce()
	return t
}

// nonce returns a random number that is not 0.
func (t *Trunk) nonce() uint64 {
	for {
		if n := t.rng.Uint64(); n != 0 {
			return n
		}
	}
}

// Configure applies a configuration. After an error nothing has changed. With a new key,
// address, ID or device ID, the devices have to prove themselves to each other again. Until
// they have, or until the peer has been silent for the fail time, roles stay as they are.
func (t *Trunk) Configure(now instant.Time, cfg Config, fx *Effects) error {
	if err := cfg.Validate(); err != nil {
		return err
	}
	cfg = cfg.clone()
	send, recv, err := keys(cfg)
	if err != nil {
		return err
	}
	old, first := t.cfg, !t.configured
	t.cfg, t.sendKey, t.recvKey, t.configured = cfg, send, recv, true
	t.setMembers(cfg.Members)
	t.setPaths(now)
	t.alarmKey(len(old.Key) > 0, first, fx)
	if first || !cfg.sameSession(old) {
		t.restartSession(now, fx)
	}
	fx.Changed = true
	t.kept.Out.Due = instant.Earliest(t.kept.Out.Due, now.Add(t.helloInterval()))
	t.settle(now, fx)
	return nil
}

// keys derives the keys of both directions. Both are nil without a security key or addresses.
func keys(cfg Config) (send, recv *Key, err error) {
	if len(cfg.Key) == 0 || !cfg.Local.IsValid() || !cfg.Peer.IsValid() {
		return nil, nil, nil
	}
	if send, err = NewKey(cfg.AuthMode, cfg.Key, cfg.ID, cfg.Local, cfg.Peer); err != nil {
		return nil, nil, err
	}
	recv, err = NewKey(cfg.AuthMode, cfg.Key, cfg.ID, cfg.Peer, cfg.Local)
	return send, recv, err
}

func (t *Trunk) alarmKey(had, first bool, fx *Effects) {
	switch has := len(t.cfg.Key) > 0; {
	case !has && (had || first):
		fx.Events = append(fx.Events, Event{Kind: KeyMissing})
	case has && !had && !first:
		fx.Events = append(fx.Events, Event{Kind: KeyPresent})
	}
}

// setMembers applies the configured members. Members that stay keep their state.
func (t *Trunk) setMembers(cfgs []MemberConfig) {
	members := make([]*member, 0, len(cfgs))
	for _, c := range cfgs {
		m := t.member(c.ID)
		if m == nil {
			m = &member{MemberKept: MemberKept{Reason: ReasonETrunkInit}}
		}
		m.MemberConfig = c
		members = append(members, m)
	}
	t.members = members
}

func (t *Trunk) member(id uint32) *member {
	i, ok := slices.BinarySearchFunc(t.members, id, func(m *member, id uint32) int {
		return cmp.Compare(m.ID, id)
	})
	if !ok {
		return nil
	}
	return t.members[i]
}

// Announce sets what the hellos say of a member: all of a except Role and Seen, which the
// trunk sets. If Covers grows, the caller must open the gate before it sends the packets
// of fx. An announcement without a change sends nothing. A member that is not configured
// is ignored.
func (t *Trunk) Announce(now instant.Time, id uint32, a Announcement, fx *Effects) {
	m := t.member(id)
	if m == nil {
		return
	}
	wasUp := m.Local.Up
	a.Role, a.Seen, a.Covers = m.Local.Role, Seen{}, a.Covers&AllBuckets
	if m.Local != a {
		m.Local = a
		fx.Changed = true
	}
	t.legMoved(now, m, wasUp)
	t.settle(now, fx)
}

// SetBFD sets the state of the bound BFD session. With BFDDown the peer is lost at once.
func (t *Trunk) SetBFD(now instant.Time, s BFDState, fx *Effects) {
	if s == t.kept.BFD {
		return
	}
	t.kept.BFD = s
	fx.Changed = true
	if s == BFDDown {
		t.losePeer(ReasonBFDDown, fx)
	} else if t.kept.Peer.Lost == ReasonBFDDown {
		// This makes the peer answer at once; its next periodic hello may come too late.
		t.kept.Out.unacked()
		t.kept.Out.Now = true
	}
	t.settle(now, fx)
}

// Advance does what is due at now.
func (t *Trunk) Advance(now instant.Time, fx *Effects) {
	t.settle(now, fx)
}

// Deadline returns when Advance must be called next, Never before the first Configure.
func (t *Trunk) Deadline() instant.Time {
	if !t.configured {
		return instant.Never
	}
	at := instant.Earliest(t.kept.Out.Due, t.kept.Peer.deadline(), t.kept.Out.repeatDeadline())
	for _, m := range t.members {
		at = instant.Earliest(at, m.Revert.deadline())
	}
	return at
}

// settle computes the roles, and the content of the hellos, from the whole state. Every
// input ends with settle.
func (t *Trunk) settle(now instant.Time, fx *Effects) {
	if !t.configured {
		return
	}
	t.expirePeer(now, fx)
	t.judgePaths(now, fx)
	t.elect(fx)
	t.assignMembers(now, fx)
	t.checkPeer(fx)
	t.send(now, fx)
}

// SendFailed counts a hello that the socket refused to send on a path.
func (t *Trunk) SendFailed(path Path) {
	t.tally(t.pathFrom(path.Peer, path.VPN), func(c *Counters) { c.SndDrop++ })
}

// State returns a snapshot for displays and for the device.
func (t *Trunk) State(now instant.Time) State {
	c := &t.cfg
	s := State{
		ID: c.ID, Description: c.Description, Priority: c.Priority, SystemID: c.SystemID,
		Local: c.Local, Peer: c.Peer, VPN: c.VPN,
		Role: t.kept.Role, Reason: t.kept.Reason, Preferred: t.preferred(),
		HelloInterval: c.HelloInterval, FailTime: c.failTime(),
		RevertDelay: c.RevertDelay, Revertive: !c.RevertDisable,
		KeySet: len(c.Key) > 0, AuthMode: c.AuthMode, Sequence: c.Sequence,
		BFDSession: c.BFDSession, BFD: t.kept.BFD,
		PeerAlive: t.kept.Peer.Alive,
		Compared:  t.kept.Compared, Differences: slices.Clone(t.kept.Differences),
		Counters: t.kept.Counters, Paths: t.pathStates(now),
	}
	if h := &t.kept.Peer.Hello; t.kept.Peer.Heard {
		s.PeerRole, s.PeerPriority, s.PeerSystemID = h.Role, h.Priority, h.SystemID
		s.PeerFailTime, s.PeerDeviceID, s.PeerCertificate = h.FailTime, h.DeviceID, h.Certificate
	}
	for _, m := range t.members {
		s.Members = append(s.Members, t.memberState(now, m))
	}
	return s
}

func (t *Trunk) memberState(now instant.Time, m *member) MemberState {
	s := MemberState{
		ID: m.ID, RemoteID: m.remote(), Mode: m.Mode, Role: m.Local.Role, Reason: m.Reason,
		Held: m.Revert.Held, RevertLeft: m.Revert.left(now), Local: m.Local,
	}
	if p, ok := t.peerMember(m); ok {
		s.PeerKnown, s.PeerMode, s.Peer = true, p.Mode, p.Announcement
		s.Peer.Seen = t.seen(m)
		s.PeerReplicates, s.ProfilesDiffer = t.compareProfiles(m, p)
		_, heir := t.heir(m)
		s.GivesBack = heir && m.Mode == Auto
	}
	return s
}

// samePeer compares addresses without their zones.
func samePeer(a, b netip.Addr) bool {
	return a.Unmap().WithZone("") == b.Unmap().WithZone("")
}
