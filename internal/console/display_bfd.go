package console

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/command"
	"tandem/internal/config"
)

func displayBFD(s *Session, a command.Args) (Display, error) {
	sessions, err := selectSessions(s.sys.Backend.BFD(), a)
	if err != nil {
		return Display{}, err
	}
	sessions = asConfigured(sessions, s.sys.Store.Running())
	if a.Has("verbose") {
		return BFDSessionsVerbose(sessions), nil
	}
	return BFDSessions(sessions), nil
}

// selectSessions returns the sessions that the command names, sorted by their local
// discriminator. All sessions are of IPv6.
func selectSessions(all []bfd.SessionState, a command.Args) ([]bfd.SessionState, error) {
	sessions := slices.SortedFunc(slices.Values(all), func(a, b bfd.SessionState) int {
		return cmp.Or(cmp.Compare(a.LocalDiscriminator, b.LocalDiscriminator), cmp.Compare(a.Name, b.Name))
	})
	wanted := func(bfd.SessionState) bool { return true }
	switch {
	case a.Has("dynamic"):
		wanted = func(b bfd.SessionState) bool { return b.Dynamic }
	case a.Has("static"):
		wanted = func(b bfd.SessionState) bool { return !b.Dynamic }
	case a.Has("peer-ipv6"):
		wanted = func(b bfd.SessionState) bool { return b.Peer == a.Addr("peer") }
	case a.Has("discriminator"):
		wanted = func(b bfd.SessionState) bool { return uint64(b.LocalDiscriminator) == a.Uint("discriminator") }
	}
	chosen := slices.DeleteFunc(slices.Clone(sessions), func(b bfd.SessionState) bool { return !wanted(b) })
	if len(chosen) > 0 || !a.Has("peer-ipv6") && !a.Has("discriminator") {
		return chosen, nil
	}
	if a.Has("peer-ipv6") {
		return nil, unknown("BFD session with peer", a.Addr("peer").String(),
			names(sessions, func(b bfd.SessionState) string { return b.Peer.String() }))
	}
	return nil, unknown("BFD session with local discriminator", strconv.FormatUint(a.Uint("discriminator"), 10),
		names(sessions, func(b bfd.SessionState) string { return strconv.Itoa(int(b.LocalDiscriminator)) }))
}

// asConfigured gives the sessions the names of interfaces that the operator uses.
func asConfigured(sessions []bfd.SessionState, m *config.Model) []bfd.SessionState {
	for i := range sessions {
		if c := m.Session(sessions[i].Name); c != nil {
			b := &sessions[i].Config
			b.Interface, b.TrackInterface = string(c.Interface), string(c.TrackInterface)
		}
	}
	return sessions
}

func displayBFDStatistics(s *Session, _ command.Args) (Display, error) {
	return BFDStatistics(s.sys.bfdStatistics()), nil
}

// BFDStatistics is `display bfd statistics`.
func BFDStatistics(b bfd.Statistics) Display {
	s := newSheet()
	s.fields(0, 28,
		field{"Sessions told up", b.Ups},
		field{"Sessions told down", b.Downs},
		field{"Packets received", b.Received},
		field{"Packets sent", b.Sent},
		field{"Packets dropped", b.Dropped()},
	)
	s.causes(b.Counters, func(fs ...field) { s.fields(2, 28, fs...) }, "Received", "Sent")
	s.fields(0, 28,
		field{"Scheduling", b.Priority},
		field{"Latest ever (us)", b.MaxLate.Microseconds()},
		field{"Late by 5 ms or more", b.Late},
		field{"Send errors", b.SendErrors},
		field{"Receive errors", b.ReceiveErrors},
		field{"Last error", b.LastError},
		field{"Process starts", b.Starts},
		field{"Device stalled", b.Stalled},
		field{"Stalls", b.Stalls},
	)
	return s.display()
}

// Ports and hop limits of RFC 5881 (single hop) and RFC 5883 (multihop), as
// the verbose display names them.
const (
	singleHopPort, singleHopTTL = 3784, 255
	multiHopPort, multiHopTTL   = 4784, 254
)

// BFDSessions is the short form: `display bfd session all`.
func BFDSessions(sessions []bfd.SessionState) Display {
	s := newSheet()
	s.line("(w): State in WTR")
	s.line("(*): State is invalid")
	s.rule()
	rows := make([][]any, 0, len(sessions))
	for _, b := range sessions {
		rows = append(rows, []any{discriminator(b.LocalDiscriminator), remoteDiscriminator(b), b.Peer,
			stateWord(b), bindType(b), b.Interface, b.Name})
	}
	s.table(0, "sessions", []string{"Local", "Remote", "PeerIpAddr", "State", "Type", "InterfaceName", "Name"}, rows)
	s.rule()
	showTotals(s, sessions)
	return s.display()
}

// BFDSessionsVerbose is `display bfd session all verbose`.
func BFDSessionsVerbose(sessions []bfd.SessionState) Display {
	s := newSheet()
	s.line("(w): State in WTR")
	s.line("(*): State is invalid")
	each(s, "sessions", sessions, func(_ int, b bfd.SessionState) { showSession(s, b) })
	s.rule()
	showTotals(s, sessions)
	return s.display()
}

func showTotals(s *sheet, sessions []bfd.SessionState) {
	up := 0
	for _, b := range sessions {
		if b.State == bfd.Up {
			up++
		}
	}
	s.fact("total-up", up)
	s.fact("total-down", len(sessions)-up)
	s.line("Total UP/DOWN Session Number : %d/%d", up, len(sessions)-up)
}

func showSession(s *sheet, b bfd.SessionState) {
	hop, port, ttl := "Multi Hop", multiHopPort, multiHopTTL
	if b.Interface != "" {
		hop, port, ttl = "One Hop", singleHopPort, singleHopTTL
	}
	s.rule()
	s.fact("hop", hop)
	s.line("  (%s) State : %-24s Name : %s", hop, stateWord(b), b.Name)
	s.fact("state", b.State)
	s.fact("name", b.Name)
	s.rule()
	s.fields(2, 28,
		field{"Local Discriminator", discriminator(b.LocalDiscriminator)},
		field{"Remote Discriminator", remoteDiscriminator(b)},
		field{"Session Detect Mode", "Asynchronous Mode Without Echo Function"},
		field{"BFD Bind Type", bindWord(b)},
		field{"Bind Session Type", sessionType(b)},
		field{"Bind Peer IP Address", b.Peer},
		field{"Bind Interface", b.Interface},
		field{"Track Interface", b.TrackInterface},
		field{"Bind Source IP Address", b.Local},
		field{"FSM Board Id", nil},
		field{"TOS-EXP", b.TOSExp},
		field{"Min Tx Interval (ms)", millis(b.MinTx)},
		field{"Min Rx Interval (ms)", millis(b.MinRx)},
		field{"Actual Tx Interval (ms)", millis(b.ActualTx)},
		field{"Actual Rx Interval (ms)", millis(b.ActualRx)},
		field{"Local Detect Multi", b.DetectMult},
		field{"Detect Interval (ms)", millis(b.DetectTime)},
		field{"Echo Passive", enableWord(false)},
		field{"Acl Number", nil},
		field{"Destination Port", port},
		field{"TTL", ttl},
		field{"Proc Interface Status", enableWord(b.ProcessInterface)},
		field{"Process PST", enableWord(false)},
		field{"WTR Interval (min)", int(b.WaitToRestore / time.Minute)},
		field{"Config PST", enableWord(false)},
		field{"Active Multi", b.RemoteMult},
		field{"Last Local Diagnostic", b.Diagnostic},
		field{"Session Not Up Reason", b.NotUpReason},
		field{"Session Description", b.Description},
		field{"Track Group Name", nil},
	)
	s.fields(2, 28,
		field{"Remote State", b.RemoteState},
		field{"Remote Detect Multi", b.RemoteMult},
		field{"In This State For", b.Since},
		field{"Last Up Ago", ago(b.LastUp)},
		field{"Last Down Ago", ago(b.LastDown)},
		field{"Told Up In", timer(b.RestoreIn)},
		field{"Times Up", b.UpCount},
		field{"Times Lost", b.Flaps},
		field{"Packets Sent", b.Sent},
		field{"Packets Received", b.Received},
		field{"Interface Missing", b.InterfaceMissing},
		field{"VPN Instance", b.VRF},
	)
}

// stateWord marks a session that cannot run with (*), and one whose return is held
// back with (w).
func stateWord(b bfd.SessionState) string {
	switch {
	case b.InterfaceMissing:
		return b.State.String() + "(*)"
	case b.RestoreIn > 0:
		return b.State.String() + "(w)"
	}
	return b.State.String()
}

// enableWord is VRP's word for a setting.
func enableWord(on bool) string {
	if on {
		return "Enable"
	}
	return "Disable"
}

// ago is nil for what never happened.
func ago(d time.Duration) any {
	if d == 0 {
		return nil
	}
	return d
}

// bindType is how a session came about and what it is bound to, in VRP's words.
func bindType(b bfd.SessionState) string {
	word := "S_IP"
	switch {
	case b.Dynamic:
		word = "D_IP"
	case b.Auto:
		word = "S_AUTO"
	}
	if b.Interface != "" {
		return word + "_IF"
	}
	return word + "_PEER"
}

func sessionType(b bfd.SessionState) string {
	switch {
	case b.Dynamic:
		return "Dynamic"
	case b.Auto:
		return "Static_Auto"
	}
	return "Static"
}

func bindWord(b bfd.SessionState) string {
	if b.Interface != "" {
		return "Interface(" + b.Interface + ")"
	}
	return "Peer IP Address"
}

// remoteDiscriminator is the configured one, or the one that was found out.
func remoteDiscriminator(b bfd.SessionState) any {
	if b.RemoteDiscriminator == 0 {
		return discriminator(b.ActualRemoteDiscriminator)
	}
	return b.RemoteDiscriminator
}

// discriminator is nil while it is not configured.
func discriminator(d uint32) any {
	if d == 0 {
		return nil
	}
	return d
}
