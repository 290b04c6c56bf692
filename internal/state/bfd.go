package state

import (
	"net/netip"
	"time"

	"tandem/internal/bfd"
)

// BFDSessions holds the BFD sessions of the device.
type BFDSessions struct {
	Sessions []BFDSession `name:"sessions"`
	// Computed by Conclude.
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
	Interface      string     `name:"bind-interface"`  // interface of a single-hop session
	TrackInterface string     `name:"track-interface"` // the session goes down when this interface goes down
	VPN            string     `name:"vpn-instance"`
	Description    string     `name:"session-description"`
	// LocalDiscriminator is 0 if it is not configured. RemoteDiscriminator is the
	// configured one, or the one that the peer sends if none is configured.
	LocalDiscriminator  uint32         `name:"local-discriminator" none:"0"`
	RemoteDiscriminator uint32         `name:"remote-discriminator" none:"0"`
	MinTx               time.Duration  `name:"min-tx-interval-ms"`
	MinRx               time.Duration  `name:"min-rx-interval-ms"`
	DetectMult          uint8          `name:"local-detect-multi"`
	TOSExp              uint8          `name:"tos-exp"`
	ProcessInterface    bool           `name:"proc-interface-status" words:"Enable,Disable"` // Interface is taken down when the session fails
	WaitToRestore       time.Duration  `name:"wtr-interval-min"`
	Auto                bool           `name:"auto"`    // the discriminators are not configured
	Dynamic             bool           `name:"dynamic"` // the session was made without a command of its own
	RemoteState         bfd.State      `name:"remote-state"`
	RemoteMult          uint8          `name:"remote-detect-multi"`
	ActualTx            time.Duration  `name:"actual-tx-interval-ms"` // the negotiated interval, before jitter; 0 while the session does not send
	ActualRx            time.Duration  `name:"actual-rx-interval-ms"` // the negotiated interval; 0 while no packets come from the peer
	Since               time.Duration  `name:"in-this-state-for"`
	LastUp              time.Duration  `name:"last-up-ago" none:"0s"`
	LastDown            time.Duration  `name:"last-down-ago" none:"0s"`
	RestoreIn           Timer          `name:"told-up-in"` // time until the clients are told that the session is Up again
	Ups                 uint64         `name:"times-up"`
	Diagnostic          bfd.Diagnostic `name:"last-local-diagnostic"` // why the session last left Up
	NotUpReason         string         `name:"session-not-up-reason"`
	SlowedTo            time.Duration  `name:"slowed-to-ms" none:"0s" metric:"bfd_session_slowed_to_seconds" help:"Interval to which the session has slowed down, 0 while the configured ones are in force."`
	SlowedBecause       string         `name:"slowed-because"`
	SlowedFor           time.Duration  `name:"slowed-for" none:"0s"`
	ConfiguredIn        Timer          `name:"configured-intervals-in"` // how long until the configured intervals are tried again
	Slowdowns           uint64         `name:"times-slowed" metric:"bfd_session_slowdowns" help:"How often the session left its configured intervals, because this device was late."`
	InterfaceMissing    bool           `name:"interface-missing"`

	// Computed by Conclude, mostly for VRP's words.
	Marked      string `name:"state-marked"` // (*): the session cannot run; (w): the event Up is delayed
	Hop         string `name:"hop"`
	Port        int    `name:"destination-port"`
	TTL         int    `name:"ttl"`
	BindType    string `name:"bfd-bind-type"`
	Type        string `name:"type"`
	SessionType string `name:"bind-session-type"`
	DetectMode  string `name:"session-detect-mode"`
	ActiveMult  uint8  `name:"active-multi"`

	// VRP shows these fields. The functions are off in Tandem, and there is no data for
	// the last three.
	EchoPassive bool    `name:"echo-passive" words:"Enable,Disable"`
	ProcessPST  bool    `name:"process-pst" words:"Enable,Disable"`
	ConfigPST   bool    `name:"config-pst" words:"Enable,Disable"`
	FSMBoard    *int    `name:"fsm-board-id"`
	ACL         *int    `name:"acl-number"`
	TrackGroup  *string `name:"track-group-name"`
}

// BFDSessionsOf returns the state of BFD sessions.
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
		SlowedTo: b.Slow.Interval, SlowedBecause: b.Slow.String(), SlowedFor: b.SlowFor, ConfiguredIn: Timer(b.RetryIn), Slowdowns: b.Slowdowns,
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

// ETrunkSessions holds the BFD sessions to which E-Trunks are bound.
type ETrunkSessions struct {
	Sessions []ETrunkSession `name:"sessions"`
}

// ETrunkSession is the BFD session to which an E-Trunk is bound. The session's fields are
// not set if there is no session of this name.
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

// ETrunkSessionsOf finds the sessions to which E-Trunks are bound.
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

// BFDStatistics holds the counters of BFD for the whole device.
type BFDStatistics struct {
	bfd.Counters
	Ups   uint64 `name:"sessions-told-up" metric:"ups"` // changes to Up that were reported to the clients of sessions
	Downs uint64 `name:"sessions-told-down" metric:"downs"`

	// Measurements of the process that runs the sessions.
	Late          uint64        `name:"late-by-5-ms-or-more" metric:"late"` // turns that were late by half a default interval or more
	SendErrors    uint64        `name:"send-errors"`
	ReceiveErrors uint64        `name:"receive-errors"`
	Starts        uint64        `name:"process-starts" metric:"starts"`
	Stalls        uint64        `name:"stalls"` // how often the sessions were held down because the daemon did not work
	MaxLate       time.Duration `name:"latest-ever-us" metric:"max_late_seconds" help:"The latest that BFD ever was."`
	Stalled       bool          `name:"device-stalled" metric:"stalled" help:"1 while sessions are held down, as the daemon does nothing any more."`
	Priority      string        `name:"scheduling"` // scheduling class of the process
	LastError     string        `name:"last-error"`

	Dropped uint64 `name:"packets-dropped" metric:"-"` // computed by Conclude: the sum of all causes
}

// Conclude implements [Concluder].
func (b *BFDStatistics) Conclude() { b.Dropped = b.Counters.Dropped() }
