package console

import (
	"fmt"
	"time"

	"tandem/internal/device"
	"tandem/internal/etrunk"
)

// tenths prints a duration in the 100 ms units of the E-Trunk timers.
func tenths(d time.Duration) int64 { return int64(d / (100 * time.Millisecond)) }

// vrpMAC prints a MAC-like identifier as three groups of four digits.
func vrpMAC(id [6]byte) string {
	return fmt.Sprintf("%02x%02x-%02x%02x-%02x%02x", id[0], id[1], id[2], id[3], id[4], id[5])
}

// ETrunks shows E-Trunks in full: `display e-trunk [ N ]`. Duties come from the
// interface of the same name as the member.
func ETrunks(trunks []etrunk.State, interfaces []device.InterfaceSnapshot) Display {
	s := newSheet()
	each(s, "e-trunks", trunks, func(i int, t etrunk.State) {
		if i > 0 {
			s.line("")
		}
		showTrunk(s, t)
		s.rule()
		showMembers(s, t, interfaces)
	})
	return s.display()
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
		field{"Security-Key", setOrNot(t.KeySet)}, field{"BFD-State", bfdWord(t.BFD)},
		field{"Revertive", t.Revertive}, field{"Preferred", t.Preferred},
	)
	causes := nonzero(counters(t.Counters), "Received", "Sent", "RecDrop", "SndDrop")
	s.pairs(causes...)
}

func showMembers(s *sheet, t etrunk.State, interfaces []device.InterfaceSnapshot) {
	members := make([][]any, 0, len(t.Members))
	duties := make([][]any, 0, len(t.Members))
	for _, m := range t.Members {
		members = append(members, []any{"Eth-Trunk", m.ID, upWord(m.Local.Up), m.Mode, m.Role, m.Reason, m.RemoteID})
		duties = append(duties, dutyRow(m, interfaces))
	}
	s.title("The Member information")
	s.table(0, "members", []string{"Type", "ID", "LocalPhyState", "Work-Mode", "State", "Causation", "Remote-ID"}, members)
	s.rule()
	s.title("The Duty information")
	s.table(0, "duties", []string{"ID", "Duty", "Querier", "Ready", "Covers",
		"Peer-State", "Peer-Ready", "Peer-Covers"}, duties)
}

func dutyRow(m etrunk.MemberState, interfaces []device.InterfaceSnapshot) []any {
	var peerState, peerReady, peerCovers, duty, querier any
	if m.PeerKnown {
		peerState, peerReady, peerCovers = m.Peer.Role, m.Peer.Ready, bucketWord(m.Peer.Covers)
	}
	if d, ok := dutyOf(interfaces, m.ID); ok {
		duty, querier = d.Kind, d.Querier
	}
	return []any{m.ID, duty, querier, m.Local.Ready, bucketWord(m.Local.Covers), peerState, peerReady, peerCovers}
}

// dutyOf finds the duty on the Eth-Trunk interface of that number.
func dutyOf(interfaces []device.InterfaceSnapshot, ethTrunk uint32) (device.Duty, bool) {
	name := ethTrunkName(ethTrunk)
	for _, i := range interfaces {
		if i.Name == name && !i.Upstream {
			return i.Duty, true
		}
	}
	return device.Duty{}, false
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

func bfdWord(s etrunk.BFDState) string {
	switch s {
	case etrunk.BFDPending:
		return "Pending"
	case etrunk.BFDUp:
		return "Up"
	case etrunk.BFDDown:
		return "Down"
	}
	return ""
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
