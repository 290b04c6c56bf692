package console

import (
	"cmp"
	"slices"
	"strconv"

	"tandem/internal/command"
	"tandem/internal/config"
	"tandem/internal/state"
)

func displayBFD(s *Session, a command.Args) (Display, error) {
	sessions, err := selectSessions(s.sys.Backend.BFD(), a)
	if err != nil {
		return Display{}, err
	}
	sessions = asConfigured(sessions, s.sys.Store.Running())
	if a.Has("verbose") {
		return bfdSessionsVerboseDisplay(sessions), nil
	}
	return bfdSessionsDisplay(sessions), nil
}

// selectSessions returns the sessions that the command selects, sorted by local
// discriminator. All sessions are IPv6 sessions.
func selectSessions(all []state.BFDSession, a command.Args) ([]state.BFDSession, error) {
	sessions := slices.SortedFunc(slices.Values(all), func(a, b state.BFDSession) int {
		return cmp.Or(cmp.Compare(a.LocalDiscriminator, b.LocalDiscriminator), cmp.Compare(a.Name, b.Name))
	})
	wanted := func(state.BFDSession) bool { return true }
	switch {
	case a.Has("dynamic"):
		wanted = func(b state.BFDSession) bool { return b.Dynamic }
	case a.Has("static"):
		wanted = func(b state.BFDSession) bool { return !b.Dynamic }
	case a.Has("peer-ipv6"):
		wanted = func(b state.BFDSession) bool { return b.Peer == a.Addr("peer") }
	case a.Has("discriminator"):
		wanted = func(b state.BFDSession) bool { return uint64(b.LocalDiscriminator) == a.Uint("discriminator") }
	}
	chosen := slices.DeleteFunc(slices.Clone(sessions), func(b state.BFDSession) bool { return !wanted(b) })
	if len(chosen) > 0 || !a.Has("peer-ipv6") && !a.Has("discriminator") {
		return chosen, nil
	}
	if a.Has("peer-ipv6") {
		return nil, unknown("BFD session with peer", a.Addr("peer").String(),
			names(sessions, func(b state.BFDSession) string { return b.Peer.String() }))
	}
	return nil, unknown("BFD session with local discriminator", strconv.FormatUint(a.Uint("discriminator"), 10),
		names(sessions, func(b state.BFDSession) string { return strconv.Itoa(int(b.LocalDiscriminator)) }))
}

// asConfigured replaces the Linux names of the sessions' interfaces by the configured
// names.
func asConfigured(sessions []state.BFDSession, m *config.Model) []state.BFDSession {
	for i := range sessions {
		if c := m.Session(sessions[i].Name); c != nil {
			sessions[i].Interface, sessions[i].TrackInterface = string(c.Interface), string(c.TrackInterface)
		}
	}
	return sessions
}

func displayBFDStatistics(s *Session, _ command.Args) (Display, error) {
	return bfdStatisticsDisplay(s.sys.bfdStatistics()), nil
}

// bfdStatisticsDisplay is `display bfd statistics`.
func bfdStatisticsDisplay(b state.BFDStatistics) Display {
	s := sheetOf(&b)
	s.fields(0, 28,
		field{"Sessions told up", &b.Ups},
		field{"Sessions told down", &b.Downs},
		field{"Packets received", &b.Received},
		field{"Packets sent", &b.Sent},
		field{"Packets dropped", &b.Dropped},
	)
	s.counted(&b.Counters, func(fs ...field) { s.fields(2, 28, fs...) })
	s.fields(0, 28,
		field{"Scheduling", &b.Priority},
		field{"Latest ever (us)", &b.MaxLate},
		field{"Late by 5 ms or more", &b.Late},
		field{"Send errors", &b.SendErrors},
		field{"Receive errors", &b.ReceiveErrors},
		field{"Last error", &b.LastError},
		field{"Process starts", &b.Starts},
		field{"Device stalled", &b.Stalled},
		field{"Stalls", &b.Stalls},
	)
	return s.display()
}

// bfdSessionsDisplay is the short form: `display bfd session all`.
func bfdSessionsDisplay(sessions []state.BFDSession) Display {
	all := state.BFDSessions{Sessions: sessions}
	s := sheetOf(&all)
	s.line("(w): State in WTR")
	s.line("(*): State is invalid")
	s.rule()
	rows(s, 0, &all.Sessions, func(b *state.BFDSession) []field {
		return []field{{"Local", &b.LocalDiscriminator}, {"Remote", &b.RemoteDiscriminator}, {"PeerIpAddr", &b.Peer}, {"", &b.State},
			{"State", &b.Marked}, {"Type", &b.Type}, {"InterfaceName", &b.Interface}, {"Name", &b.Name}}
	})
	s.rule()
	showTotals(s, &all)
	return s.display()
}

// bfdSessionsVerboseDisplay is `display bfd session all verbose`.
func bfdSessionsVerboseDisplay(sessions []state.BFDSession) Display {
	all := state.BFDSessions{Sessions: sessions}
	s := sheetOf(&all)
	s.line("(w): State in WTR")
	s.line("(*): State is invalid")
	list(s, &all.Sessions, func(_ int, b *state.BFDSession) { showSession(s, b) })
	s.rule()
	showTotals(s, &all)
	return s.display()
}

func showTotals(s *sheet, all *state.BFDSessions) {
	s.record(&all.Up, &all.Down)
	s.line("Total UP/DOWN Session Number : %d/%d", all.Up, all.Down)
}

func showSession(s *sheet, b *state.BFDSession) {
	s.rule()
	s.record(&b.Hop)
	s.line("  (%s) State : %-24s Name : %s", b.Hop, b.Marked, b.Name)
	s.record(&b.State, &b.Name)
	s.rule()
	s.fields(2, 28,
		field{"Local Discriminator", &b.LocalDiscriminator},
		field{"Remote Discriminator", &b.RemoteDiscriminator},
		field{"Session Detect Mode", &b.DetectMode},
		field{"BFD Bind Type", &b.BindType},
		field{"Bind Session Type", &b.SessionType},
		field{"Bind Peer IP Address", &b.Peer},
		field{"Bind Interface", &b.Interface},
		field{"Track Interface", &b.TrackInterface},
		field{"Bind Source IP Address", &b.Local},
		field{"FSM Board Id", &b.FSMBoard},
		field{"TOS-EXP", &b.TOSExp},
		field{"Min Tx Interval (ms)", &b.MinTx},
		field{"Min Rx Interval (ms)", &b.MinRx},
		field{"Actual Tx Interval (ms)", &b.ActualTx},
		field{"Actual Rx Interval (ms)", &b.ActualRx},
		field{"Local Detect Multi", &b.DetectMult},
		field{"Detect Interval (ms)", &b.DetectTime},
		field{"Echo Passive", &b.EchoPassive},
		field{"Acl Number", &b.ACL},
		field{"Destination Port", &b.Port},
		field{"TTL", &b.TTL},
		field{"Proc Interface Status", &b.ProcessInterface},
		field{"Process PST", &b.ProcessPST},
		field{"WTR Interval (min)", &b.WaitToRestore},
		field{"Config PST", &b.ConfigPST},
		field{"Active Multi", &b.ActiveMult},
		field{"Last Local Diagnostic", &b.Diagnostic},
		field{"Session Not Up Reason", &b.NotUpReason},
		field{"Session Description", &b.Description},
		field{"Track Group Name", &b.TrackGroup},
	)
	s.fields(2, 28,
		field{"Remote State", &b.RemoteState},
		field{"Remote Detect Multi", &b.RemoteMult},
		field{"In This State For", &b.Since},
		field{"Last Up Ago", &b.LastUp},
		field{"Last Down Ago", &b.LastDown},
		field{"Told Up In", &b.RestoreIn},
		field{"Times Up", &b.Ups},
		field{"Times Lost", &b.Flaps},
		field{"Packets Sent", &b.Sent},
		field{"Packets Received", &b.Received},
		field{"Interface Missing", &b.InterfaceMissing},
		field{"VPN Instance", &b.VPN},
		field{"Slowed To (ms)", &b.SlowedTo},
		field{"Slowed Because", &b.SlowedBecause},
		field{"Slowed For", &b.SlowedFor},
		field{"Configured Intervals In", &b.ConfiguredIn},
		field{"Times Slowed", &b.Slowdowns},
	)
}

// eTrunkBFDDisplay is `display e-trunk bfd session all`: the session to which each
// E-Trunk is bound.
func eTrunkBFDDisplay(sessions []state.ETrunkSession) Display {
	all := state.ETrunkSessions{Sessions: sessions}
	s := sheetOf(&all)
	rows(s, 0, &all.Sessions, func(b *state.ETrunkSession) []field {
		return []field{{"E-TRUNK-ID", &b.ETrunk}, {"BFD-Session", &b.Name}, {"Peer-IP", &b.Peer}, {"Source-IP", &b.Local},
			{"Local", &b.LocalDiscriminator}, {"Remote", &b.RemoteDiscriminator}, {"State", &b.State},
			{"Tx (ms)", &b.ActualTx}, {"Rx (ms)", &b.ActualRx}, {"Multi", &b.DetectMult}}
	})
	return s.display()
}

func displayETrunkBFD(s *Session, _ command.Args) (Display, error) {
	return eTrunkBFDDisplay(state.ETrunkSessionsOf(s.sys.snapshot().ETrunks, s.sys.Backend.BFD())), nil
}
