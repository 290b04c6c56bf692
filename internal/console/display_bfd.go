package console

import (
	"fmt"

	"tandem/internal/bfd"
)

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
		rows = append(rows, []any{b.LocalDiscriminator, discriminator(b.RemoteDiscriminator), b.Peer,
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
		field{"Local Discriminator", b.LocalDiscriminator},
		field{"Remote Discriminator", discriminator(b.RemoteDiscriminator)},
		field{"Session Detect Mode", "Asynchronous Mode Without Echo Function"},
		field{"BFD Bind Type", bindWord(b)},
		field{"Bind Session Type", "Static"},
		field{"Bind Peer IP Address", b.Peer},
		field{"Bind Interface", b.Interface},
		field{"Track Interface", b.TrackInterface},
		field{"Bind Source IP Address", b.Local},
		field{"TOS-EXP", b.TOSExp},
		field{"Min Tx Interval (ms)", millis(b.MinTx)},
		field{"Min Rx Interval (ms)", millis(b.MinRx)},
		field{"Actual Tx Interval (ms)", millis(b.ActualTx)},
		field{"Actual Rx Interval (ms)", millis(b.ActualRx)},
		field{"Local Detect Multi", b.DetectMult},
		field{"Detect Interval (ms)", millis(b.DetectTime)},
		field{"Destination Port", port},
		field{"TTL", ttl},
		field{"Last Local Diagnostic", b.Diagnostic},
		field{"Session Not Up Reason", b.NotUpReason},
		field{"Session Description", b.Description},
	)
	s.fields(2, 28,
		field{"Remote State", b.RemoteState},
		field{"Remote Detect Multi", b.RemoteMult},
		field{"In This State For", b.Since},
		field{"Times Up", b.UpCount},
		field{"Times Lost", b.Flaps},
		field{"Packets Sent", b.Sent},
		field{"Packets Received", b.Received},
		field{"Interface Missing", b.InterfaceMissing},
	)
}

// stateWord marks a session that cannot run with (*).
func stateWord(b bfd.SessionState) string {
	if b.InterfaceMissing {
		return fmt.Sprintf("%s(*)", b.State)
	}
	return b.State.String()
}

func bindType(b bfd.SessionState) string {
	if b.Interface != "" {
		return "S_IP_IF"
	}
	return "S_IP_PEER"
}

func bindWord(b bfd.SessionState) string {
	if b.Interface != "" {
		return "Interface(" + b.Interface + ")"
	}
	return "Peer IP Address"
}

// discriminator is nil while it is not configured.
func discriminator(d uint32) any {
	if d == 0 {
		return nil
	}
	return d
}
