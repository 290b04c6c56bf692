package state

import (
	"net/netip"
	"slices"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
)

// ETrunks holds the E-Trunks of the device.
type ETrunks struct {
	ETrunks []ETrunk `name:"e-trunks"`
}

// ETrunk is one E-Trunk: its election, the state of the peer, and its members.
type ETrunk struct {
	ID          uint32              `name:"e-trunk-id" label:"etrunk"`
	Role        etrunk.DeviceRole   `name:"state" metric:"etrunk_role" by:"role" help:"1 for the role that the election gave the device."`
	Reason      etrunk.DeviceReason `name:"causation"`
	PeerAlive   bool                `name:"peer-alive" metric:"etrunk_peer_alive" help:"1 while the peer is heard."`
	Description string              `name:"description"`
	Priority    uint8               `name:"priority"`
	SystemID    SystemID            `name:"system-id"`
	Local       netip.Addr          `name:"source-ip"`
	Peer        netip.Addr          `name:"peer-ip"`
	VPN         string              `name:"vpn-instance"`
	// Preferred says that the total order (priority, system ID, address) puts this device
	// first.
	Preferred bool `name:"preferred"`

	HelloInterval time.Duration   `name:"send-period-100ms"`
	FailTime      time.Duration   `name:"fail-time-100ms"`
	RevertDelay   time.Duration   `name:"revert-delay-time-s"`
	Revertive     bool            `name:"revertive"`
	KeySet        bool            `name:"security-key" words:"set,not set"`
	AuthMode      etrunk.AuthMode `name:"authentication-mode"`
	Sequence      bool            `name:"sequence" words:"set,not set"`
	BFDSession    string          `name:"bfd-session"`
	BFD           etrunk.BFDState `name:"bfd-state"`

	// The next four come from the peer's hellos, and are not set while none come.
	PeerPriority *uint8         `name:"peer-priority"`
	PeerSystemID *SystemID      `name:"peer-system-id"`
	PeerFailTime *time.Duration `name:"peer-fail-time-100ms"`
	PeerDeviceID *Hex           `name:"peer-device-id"`

	// Compared says that the settings have been compared with the peer's, or that the
	// peer's hellos are refused because of a setting. Then Differences lists the settings
	// that have to be corrected.
	Compared    bool                `name:"compared"`
	Differences []etrunk.Difference `name:"differences" metric:"etrunk_config_differences" help:"Settings that differ from the peer's and must not."`

	etrunk.Counters `metric:"etrunk_" help:"Hellos"`

	BFDFor  time.Duration `name:"bfd-state-for"` // how long the BFD session has been in its state
	Proofs  []Proof       `name:"proofs"`
	Paths   []Path        `name:"paths"`   // the paths of the hellos, the primary one first
	Members []Member      `name:"members"` // the members, sorted by ID
	// Computed by Conclude: the members again, for the tables of duties and reasons.
	Duties  []Member `name:"duties" metric:"-"`
	Reasons []Member `name:"reasons" metric:"-"`
}

// Path is a pair of addresses between which the two devices exchange hellos.
type Path struct {
	Kind  string        `name:"path"` // primary or heartbeat
	Peer  netip.Addr    `name:"peer-ip" label:"peer"`
	Local netip.Addr    `name:"source-ip"`
	VPN   string        `name:"vpn-instance" label:"vpn"`
	Up    bool          `name:"state" words:"Up,Down" metric:"etrunk_path_up" help:"1 while hellos of the peer come by the path."`
	For   time.Duration `name:"state-time"` // time since the last change of the state
	// Heard is how long ago the last hello came, not set if none has come.
	Heard *time.Duration `name:"last-heard"`

	etrunk.Counters `metric:"etrunk_path_" help:"Hellos of the path"`
}

// Member is one Eth-Trunk in an E-Trunk: its leg, its duty, and the reason for it.
type Member struct {
	Type     string              `name:"type"`
	ID       uint32              `name:"id" label:"member"`
	RemoteID uint32              `name:"remote-id"` // number of the same Eth-Trunk on the peer
	Mode     etrunk.MemberMode   `name:"work-mode"`
	Reason   etrunk.MemberReason `name:"causation"` // why the member has its role
	Up       bool                `name:"local-physical-state" words:"Up,Down" metric:"member_up" help:"1 while the Eth-Trunk has carrier and may send."`
	Role     etrunk.MemberRole   `name:"state" metric:"member_role" by:"role" help:"1 for the role of the member."`
	Ready    bool                `name:"ready" metric:"member_ready" help:"1 while the device could send every wanted stream on the member."`
	// NotReady says what the member lacks to be ready. It is empty if the member is
	// ready.
	NotReady string `name:"not-ready-reason"`
	// ReadyFor and PeerReadyFor say how long this device and the peer have been ready, or
	// have not been ready for the same reason.
	ReadyFor     time.Duration   `name:"ready-for"`
	PeerReadyFor time.Duration   `name:"peer-ready-for"`
	Duty         device.DutyKind `name:"duty" metric:"member_duty" by:"duty" help:"1 for what the device is to send: none of the streams, its share or all."`
	DutyReason   string          `name:"duty-reason"`
	Covers       etrunk.Buckets  `name:"covers" metric:"member_covers" by:"bucket" help:"1 for each bucket of streams that the gate lets pass."`
	Querier      bool            `name:"querier" metric:"member_querier" help:"1 while it is for the device to query."`
	// GiveBack says what a member waits for while it leaves the leg to the peer's member.
	GiveBack string `name:"give-back"`

	// The following fields come from the peer's hellos, and are not set while the peer
	// does not announce the member.
	PeerRole   *etrunk.MemberRole `name:"peer-state"`
	PeerReady  *bool              `name:"peer-ready"`
	PeerLack   *string            `name:"peer-not-ready-reason"`
	PeerCovers *etrunk.Buckets    `name:"peer-covers"`
}

// ETrunksOf returns the state of E-Trunks, with the device's duties for their members.
func ETrunksOf(trunks []etrunk.State, members []device.MemberSnapshot) []ETrunk {
	list := make([]ETrunk, 0, len(trunks))
	for _, t := range trunks {
		e := eTrunkOf(&t)
		for i := range t.Paths {
			e.Paths = append(e.Paths, pathOf(i, &t.Paths[i]))
		}
		for _, m := range t.Members {
			e.Members = append(e.Members, memberOf(&m, &t, members))
		}
		list = append(list, e)
	}
	return list
}

func eTrunkOf(t *etrunk.State) ETrunk {
	e := ETrunk{
		ID: t.ID, Description: t.Description, Priority: t.Priority, SystemID: SystemID(t.SystemID), Local: t.Local, Peer: t.Peer, VPN: t.VPN,
		Role: t.Role, Reason: t.Reason, Preferred: t.Preferred,
		HelloInterval: t.HelloInterval, FailTime: t.FailTime, RevertDelay: t.RevertDelay, Revertive: t.Revertive,
		KeySet: t.KeySet, AuthMode: t.AuthMode, Sequence: t.Sequence, BFDSession: t.BFDSession, BFD: t.BFD,
		PeerAlive: t.PeerAlive, Compared: t.Compared, Differences: t.Differences, Counters: t.Counters,
	}
	if t.PeerAlive {
		system, device := SystemID(t.PeerSystemID), Hex(t.PeerDeviceID)
		e.PeerPriority, e.PeerSystemID, e.PeerFailTime, e.PeerDeviceID = &t.PeerPriority, &system, &t.PeerFailTime, &device
	}
	return e
}

func pathOf(i int, p *etrunk.PathState) Path {
	out := Path{Kind: "heartbeat", Peer: p.Peer, Local: p.Local, VPN: p.VPN, Up: p.Up, For: p.For, Counters: p.Counters}
	if i == 0 {
		out.Kind = "primary"
	}
	if p.Heard >= 0 {
		out.Heard = &p.Heard
	}
	return out
}

func memberOf(m *etrunk.MemberState, t *etrunk.State, members []device.MemberSnapshot) Member {
	out := Member{
		Type: "Eth-Trunk", ID: m.ID, RemoteID: m.RemoteID, Mode: m.Mode, Role: m.Role, Reason: m.Reason,
		Up: m.Local.Up, Ready: m.Local.Ready, Covers: m.Local.Covers, GiveBack: giveBack(m, t.Revertive),
	}
	id := device.Member{ETrunk: t.ID, EthTrunk: m.ID}
	if i := slices.IndexFunc(members, func(s device.MemberSnapshot) bool { return s.Member == id }); i >= 0 {
		here := &members[i]
		out.NotReady, out.Duty, out.DutyReason, out.Querier = here.NotReady, here.Duty.Kind, here.Duty.Reason, here.Duty.Querier
	}
	if m.PeerKnown {
		out.PeerLack = peerLack(&m.Peer)
		out.PeerRole, out.PeerReady, out.PeerCovers = &m.Peer.Role, &m.Peer.Ready, &m.Peer.Covers
	}
	return out
}

// peerLack returns why the peer's member is not ready, empty if it is ready.
func peerLack(peer *etrunk.Announcement) *string {
	words := ""
	if !peer.Ready {
		words = peer.Lack.String()
	}
	return &words
}

// giveBack says what a member waits for while it leaves the leg to the peer's member.
func giveBack(m *etrunk.MemberState, revertive bool) string {
	switch {
	case !m.Held:
		return ""
	case !revertive:
		return "never (revert disable)"
	case m.RevertLeft > 0:
		return "in " + Clock(m.RevertLeft)
	}
	return "when ready"
}

// Conclude implements [Concluder].
func (t *ETrunk) Conclude() { t.Duties, t.Reasons = t.Members, t.Members }
