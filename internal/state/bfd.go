package state

import (
	"net/netip"
	"time"

	"tandem/internal/bfd"
)

// BFDSessions are the BFD sessions of the device.
type BFDSessions struct {
	Sessions []BFDSession `name:"sessions"`
	// Concluded.
	Up   int `name:"total-up"`
	Down int `name:"total-down"`
}

// Conclude implements [Concluder].
func (b *BFDSessions) Conclude() {
	b.Up = 0
	for i := range b.Sessions {
		if b.Sessions[i].State == bfd.Up {
			b.Up++
		}
	}
	b.Down = len(b.Sessions) - b.Up
}

// BFDSession is one BFD session.
type BFDSession struct {
	Name       string        `name:"name" label:"session"`
	State      bfd.State     `name:"state" metric:"bfd_session_state" by:"state" help:"1 for the state of the session (RFC 5880, section 6.2)."`
	DetectTime time.Duration `name:"detect-interval-ms" metric:"bfd_session_detect_seconds" help:"Negotiated detection time, 0 while the peer is not heard."`
	Flaps      uint64        `name:"times-lost" metric:"bfd_session_flaps" help:"How often the session left Up."`
	Sent       uint64        `name:"packets-sent" metric:"bfd_session_sent" help:"Packets sent in the session."`
	Received   uint64        `name:"packets-received" metric:"bfd_session_received" help:"Packets received in the session."`

	Peer           netip.Addr `name:"bind-peer-ip-address"`
	Local          netip.Addr `name:"bind-source-ip-address"`
	Interface      string     `name:"bind-interface"`  // of a single-hop session
	TrackInterface string     `name:"track-interface"` // its going down takes the session down
	VPN            string     `name:"vpn-instance"`
	Description    string     `name:"session-description"`
	// LocalDiscriminator is 0 while it is not configured. RemoteDiscriminator is the configured
	// one or, where the peer's is found out, the one that it uses.
	LocalDiscriminator  uint32         `name:"local-discriminator" none:"0"`
	RemoteDiscriminator uint32         `name:"remote-discriminator" none:"0"`
	MinTx               time.Duration  `name:"min-tx-interval-ms"`
	MinRx               time.Duration  `name:"min-rx-interval-ms"`
	DetectMult          uint8          `name:"local-detect-multi"`
	TOSExp              uint8          `name:"tos-exp"`
	ProcessInterface    bool           `name:"proc-interface-status" words:"Enable,Disable"` // its loss takes Interface down
	WaitToRestore       time.Duration  `name:"wtr-interval-min"`
	Auto                bool           `name:"auto"`    // the discriminators are found out
	Dynamic             bool           `name:"dynamic"` // it was made without a command of its own
	RemoteState         bfd.State      `name:"remote-state"`
	RemoteMult          uint8          `name:"remote-detect-multi"`
	ActualTx            time.Duration  `name:"actual-tx-interval-ms"` // negotiated, before jitter; 0 while it does not send
	ActualRx            time.Duration  `name:"actual-rx-interval-ms"` // negotiated; 0 while the peer is not heard
	Since               time.Duration  `name:"in-this-state-for"`
	LastUp              time.Duration  `name:"last-up-ago" none:"0s"`
	LastDown            time.Duration  `name:"last-down-ago" none:"0s"`
	RestoreIn           Timer          `name:"told-up-in"` // until its being Up again is told
	Ups                 uint64         `name:"times-up"`
	Diagnostic          bfd.Diagnostic `name:"last-local-diagnostic"` // why it last left Up
	NotUpReason         string         `name:"session-not-up-reason"`
	InterfaceMissing    bool           `name:"interface-missing"`

	// Concluded, most of it for VRP's words.
	Marked      string `name:"state-marked"` // (*): it cannot run; (w): its return is held back
	Hop         string `name:"hop"`
	Port        int    `name:"destination-port"`
	TTL         int    `name:"ttl"`
	BindType    string `name:"bfd-bind-type"`
	Type        string `name:"type"`
	SessionType string `name:"bind-session-type"`
	DetectMode  string `name:"session-detect-mode"`
	ActiveMult  uint8  `name:"active-multi"`

	// VRP shows these; they are off here, and there is nothing that the last three could say.
	EchoPassive bool    `name:"echo-passive" words:"Enable,Disable"`
	ProcessPST  bool    `name:"process-pst" words:"Enable,Disable"`
	ConfigPST   bool    `name:"config-pst" words:"Enable,Disable"`
	FSMBoard    *int    `name:"fsm-board-id"`
	ACL         *int    `name:"acl-number"`
	TrackGroup  *string `name:"track-group-name"`
}

// BFDSessionsOf describes BFD sessions.
func BFDSessionsOf(sessions []bfd.SessionState) []BFDSession {
	list := make([]BFDSession, 0, len(sessions))
	for _, b := range sessions {
		list = append(list, bfdSessionOf(&b))
	}
	return list
}

func bfdSessionOf(b *bfd.SessionState) BFDSession {
	s := BFDSession{
		Name: b.Name, State: b.State, DetectTime: b.DetectTime, Flaps: b.Flaps, Sent: b.Sent, Received: b.Received,
		Peer: b.Peer, Local: b.Local, Interface: b.Interface, TrackInterface: b.TrackInterface, VPN: b.VRF, Description: b.Description,
		LocalDiscriminator: b.LocalDiscriminator, RemoteDiscriminator: b.RemoteDiscriminator,
		MinTx: b.MinTx, MinRx: b.MinRx, DetectMult: b.DetectMult, TOSExp: b.TOSExp, ProcessInterface: b.ProcessInterface,
		WaitToRestore: b.WaitToRestore, Auto: b.Auto, Dynamic: b.Dynamic,
		RemoteState: b.RemoteState, RemoteMult: b.RemoteMult, ActualTx: b.ActualTx, ActualRx: b.ActualRx,
		Since: b.Since, LastUp: b.LastUp, LastDown: b.LastDown, RestoreIn: Timer(b.RestoreIn), Ups: b.UpCount,
		Diagnostic: b.Diagnostic, NotUpReason: b.NotUpReason, InterfaceMissing: b.InterfaceMissing,
	}
	if b.RemoteDiscriminator == 0 {
		s.RemoteDiscriminator = b.ActualRemoteDiscriminator
	}
	return s
}

// Ports and hop limits of RFC 5881 (single hop) and RFC 5883 (multihop), as
// the verbose display names them.
const (
	singleHopPort, singleHopTTL = 3784, 255
	multiHopPort, multiHopTTL   = 4784, 254
)

// Conclude implements [Concluder].
func (b *BFDSession) Conclude() {
	b.Marked, b.ActiveMult, b.DetectMode = b.State.String(), b.RemoteMult, "Asynchronous Mode Without Echo Function"
	switch {
	case b.InterfaceMissing:
		b.Marked += "(*)"
	case b.RestoreIn > 0:
		b.Marked += "(w)"
	}
	b.Type, b.SessionType = "S_IP", "Static"
	switch {
	case b.Dynamic:
		b.Type, b.SessionType = "D_IP", "Dynamic"
	case b.Auto:
		b.Type, b.SessionType = "S_AUTO", "Static_Auto"
	}
	if b.Interface == "" {
		b.Hop, b.Port, b.TTL, b.BindType = "Multi Hop", multiHopPort, multiHopTTL, "Peer IP Address"
		b.Type += "_PEER"
	} else {
		b.Hop, b.Port, b.TTL, b.BindType = "One Hop", singleHopPort, singleHopTTL, "Interface("+b.Interface+")"
		b.Type += "_IF"
	}
}

// ETrunkSessions are the BFD sessions that E-Trunks follow.
type ETrunkSessions struct {
	Sessions []ETrunkSession `name:"sessions"`
}

// ETrunkSession is the session that an E-Trunk follows. What is told of the session is not
// set while there is none of its name.
type ETrunkSession struct {
	ETrunk              uint32         `name:"e-trunk-id"`
	Name                string         `name:"bfd-session"`
	Peer                netip.Addr     `name:"peer-ip"`
	Local               netip.Addr     `name:"source-ip"`
	LocalDiscriminator  uint32         `name:"local-discriminator" none:"0"`
	RemoteDiscriminator uint32         `name:"remote-discriminator" none:"0"`
	State               string         `name:"state-marked"`
	ActualTx            *time.Duration `name:"actual-tx-interval-ms"`
	ActualRx            *time.Duration `name:"actual-rx-interval-ms"`
	DetectMult          *uint8         `name:"local-detect-multi"`
}

// ETrunkSessionsOf finds the sessions of E-Trunks.
func ETrunkSessionsOf(trunks []ETrunk, sessions []BFDSession) (list []ETrunkSession) {
	byName := make(map[string]*BFDSession)
	for i := range sessions {
		byName[sessions[i].Name] = &sessions[i]
	}
	for _, t := range trunks {
		if t.BFDSession == "" {
			continue
		}
		s := ETrunkSession{ETrunk: t.ID, Name: t.BFDSession, Peer: t.Peer, Local: t.Local}
		if b := byName[t.BFDSession]; b != nil {
			b.Conclude()
			s.LocalDiscriminator, s.RemoteDiscriminator, s.State = b.LocalDiscriminator, b.RemoteDiscriminator, b.Marked
			s.ActualTx, s.ActualRx, s.DetectMult = &b.ActualTx, &b.ActualRx, &b.DetectMult
		}
		list = append(list, s)
	}
	return list
}

// BFDStatistics is what a device counts of BFD beside its sessions.
type BFDStatistics struct {
	bfd.Counters
	Ups   uint64 `name:"sessions-told-up" metric:"ups"` // to the users of sessions, once each
	Downs uint64 `name:"sessions-told-down" metric:"downs"`

	// What the process that runs the sessions says of itself.
	Late          uint64        `name:"late-by-5-ms-or-more" metric:"late"` // half a default interval
	SendErrors    uint64        `name:"send-errors"`
	ReceiveErrors uint64        `name:"receive-errors"`
	Starts        uint64        `name:"process-starts" metric:"starts"`
	Stalls        uint64        `name:"stalls"` // how often the sessions were held down
	MaxLate       time.Duration `name:"latest-ever-us" metric:"max_late_seconds" help:"The latest that BFD ever was."`
	Stalled       bool          `name:"device-stalled" metric:"stalled" help:"1 while sessions are held down, as the daemon does nothing any more."`
	Priority      string        `name:"scheduling"` // how the operating system schedules it
	LastError     string        `name:"last-error"`

	Dropped uint64 `name:"packets-dropped" metric:"-"` // concluded: the sum of all causes
}

// Conclude implements [Concluder].
func (b *BFDStatistics) Conclude() { b.Dropped = b.Counters.Dropped() }
