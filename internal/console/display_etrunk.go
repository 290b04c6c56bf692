package console

import (
	"fmt"
	"slices"
	"time"

	"tandem/internal/bfd"
	"tandem/internal/command"
	"tandem/internal/device"
	"tandem/internal/etrunk"
)

// tenths prints a duration in the 100 ms units of the E-Trunk timers.
func tenths(d time.Duration) int64 { return int64(d / (100 * time.Millisecond)) }

// vrpMAC prints a MAC-like identifier as three groups of four digits.
func vrpMAC(id [6]byte) string {
	return fmt.Sprintf("%02x%02x-%02x%02x-%02x%02x", id[0], id[1], id[2], id[3], id[4], id[5])
}

// ETrunks shows E-Trunks in full: `display e-trunk [ N ]`.
func ETrunks(trunks []etrunk.State, members []device.MemberSnapshot) Display {
	s := newSheet()
	each(s, "e-trunks", trunks, func(i int, t etrunk.State) {
		if i > 0 {
			s.line("")
		}
		showTrunk(s, t)
		s.rule()
		showMembers(s, t, members)
		s.rule()
		showDifferences(s, t)
	})
	return s.display()
}

// ETrunkBFD is `display e-trunk bfd session all`: the session that each E-Trunk follows.
func ETrunkBFD(trunks []etrunk.State, sessions []bfd.SessionState) Display {
	s := newSheet()
	rows := make([][]any, 0, len(trunks))
	for _, t := range trunks {
		at := slices.IndexFunc(sessions, func(b bfd.SessionState) bool { return b.Name == t.BFDSession })
		switch {
		case t.BFDSession == "":
		case at < 0:
			rows = append(rows, []any{t.ID, t.BFDSession, t.Peer, t.Local, nil, nil, nil, nil, nil, nil})
		default:
			b := sessions[at]
			rows = append(rows, []any{t.ID, b.Name, t.Peer, t.Local, discriminator(b.LocalDiscriminator), discriminator(b.RemoteDiscriminator),
				stateWord(b), millis(b.ActualTx), millis(b.ActualRx), b.DetectMult})
		}
	}
	s.table(0, "sessions", []string{"E-TRUNK-ID", "BFD-Session", "Peer-IP", "Source-IP", "Local", "Remote", "State", "Tx (ms)", "Rx (ms)", "Multi"}, rows)
	return s.display()
}

func displayETrunkBFD(s *Session, _ command.Args) (Display, error) {
	return ETrunkBFD(s.sys.snapshot().ETrunks, s.sys.Backend.BFD()), nil
}

func showTrunk(s *sheet, t etrunk.State) {
	var peerPriority, peerSystem, peerFail, peerDevice any
	if t.PeerAlive {
		peerPriority, peerSystem = t.PeerPriority, vrpMAC(t.PeerSystemID)
		peerFail, peerDevice = tenths(t.PeerFailTime), digest(t.PeerDeviceID)
	}
	s.title("The E-Trunk information")
	s.pairs(
		field{"E-TRUNK-ID", t.ID}, field{"Revert-Delay-Time (s)", int64(t.RevertDelay / time.Second)},
		field{"Priority", t.Priority}, field{"System-ID", vrpMAC(t.SystemID)},
		field{"Peer-IP", t.Peer}, field{"Source-IP", t.Local},
		field{"State", t.Role}, field{"Causation", t.Reason},
		field{"Send-Period (100ms)", tenths(t.HelloInterval)}, field{"Fail-Time (100ms)", tenths(t.FailTime)},
		field{"Receive", t.Counters.Received}, field{"Send", t.Counters.Sent},
		field{"RecDrop", t.Counters.RecDrop}, field{"SndDrop", t.Counters.SndDrop},
		field{"Peer-Priority", peerPriority}, field{"Peer-System-ID", peerSystem},
		field{"Peer-Fail-Time (100ms)", peerFail}, field{"BFD-Session", t.BFDSession},
		field{"Description", t.Description},
	)
	s.pairs(
		field{"Peer-Alive", t.PeerAlive}, field{"Peer-Device-ID", peerDevice},
		field{"Security-Key", setOrNot(t.KeySet)}, field{"BFD-State", t.BFD.String()},
		field{"Authentication-Mode", t.AuthMode}, field{"Sequence", setOrNot(t.Sequence)},
		field{"Revertive", t.Revertive}, field{"Preferred", t.Preferred},
		field{"VPN-Instance", t.VPN},
	)
	s.causes(t.Counters, s.pairs, "Received", "Sent", "RecDrop", "SndDrop")
}

func showMembers(s *sheet, t etrunk.State, snapshots []device.MemberSnapshot) {
	members, duties, reasons := [][]any{}, [][]any{}, [][]any{}
	for _, m := range t.Members {
		var here device.MemberSnapshot
		id := device.Member{ETrunk: t.ID, EthTrunk: m.ID}
		if i := slices.IndexFunc(snapshots, func(ms device.MemberSnapshot) bool { return ms.Member == id }); i >= 0 {
			here = snapshots[i]
		}
		members = append(members, []any{"Eth-Trunk", m.ID, upWord(m.Local.Up), m.Mode, m.Role, m.Reason, m.RemoteID})
		duties = append(duties, dutyRow(m, here))
		reasons = append(reasons, []any{m.ID, here.Duty.Reason, here.NotReady, revertWord(m, t)})
	}
	s.title("The Member information")
	s.table(0, "members", []string{"Type", "ID", "LocalPhyState", "Work-Mode", "State", "Causation", "Remote-ID"}, members)
	s.rule()
	s.title("The Duty information")
	s.table(0, "duties", []string{"ID", "Duty", "Querier", "Ready", "Covers",
		"Peer-State", "Peer-Ready", "Peer-Covers"}, duties)
	s.line("")
	s.table(0, "reasons", []string{"ID", "Duty-Reason", "Not-Ready-Reason", "Give-Back"}, reasons)
}

func dutyRow(m etrunk.MemberState, here device.MemberSnapshot) []any {
	var peerState, peerReady, peerCovers any
	if m.PeerKnown {
		peerState, peerReady, peerCovers = m.Peer.Role, m.Peer.Ready, bucketWord(m.Peer.Covers)
	}
	return []any{m.ID, here.Duty.Kind, here.Duty.Querier, m.Local.Ready, bucketWord(m.Local.Covers), peerState, peerReady, peerCovers}
}

// revertWord says what a member that leaves the leg to the peer waits for.
func revertWord(m etrunk.MemberState, t etrunk.State) string {
	switch {
	case !m.Held:
		return ""
	case !t.Revertive:
		return "never (revert disable)"
	case m.RevertLeft > 0:
		return "in " + clock(m.RevertLeft)
	}
	return "when ready"
}

// showDifferences names the settings that the two devices should have alike.
func showDifferences(s *sheet, t etrunk.State) {
	s.title("The Configuration check")
	rows := make([][]any, 0, len(t.Differences))
	for _, d := range t.Differences {
		rows = append(rows, []any{d.Where, d.Setting, d.Local, d.Peer})
	}
	s.fact("compared", t.Compared)
	switch {
	case !t.Compared:
		s.line("Not compared: the peer has not been heard")
	case len(rows) == 0:
		s.line("Both devices agree")
	}
	labels := []string{"Object", "Setting", "Local", "Peer"}
	if len(rows) == 0 {
		s.fact("differences", []string{})
		return
	}
	s.table(0, "differences", labels, rows)
}

func ethTrunkName(id uint32) string { return fmt.Sprintf("Eth-Trunk%d", id) }

// bucketWord names a set of hash buckets: what is sent of the two halves.
func bucketWord(b etrunk.Buckets) string {
	switch b & etrunk.AllBuckets {
	case etrunk.Bucket0:
		return "0"
	case etrunk.Bucket1:
		return "1"
	case etrunk.AllBuckets:
		return "all"
	}
	return "none"
}

func upWord(up bool) string {
	if up {
		return "Up"
	}
	return "Down"
}

func setOrNot(set bool) string {
	if set {
		return "set"
	}
	return "not set"
}
