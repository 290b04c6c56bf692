package console

import (
	"fmt"

	"tandem/internal/etrunk"
	"tandem/internal/state"
)

// eTrunksDisplay shows E-Trunks in full: `display e-trunk [ N ]`.
func eTrunksDisplay(trunks []state.ETrunk) Display {
	all := state.ETrunks{ETrunks: trunks}
	s := sheetOf(&all)
	list(s, &all.ETrunks, func(i int, t *state.ETrunk) {
		if i > 0 {
			s.line("")
		}
		showTrunk(s, t)
		s.rule()
		showPaths(s, t)
		s.rule()
		showMembers(s, t)
		s.rule()
		showProofs(s, t)
		s.rule()
		showDifferences(s, t)
	})
	return s.display()
}

func showTrunk(s *sheet, t *state.ETrunk) {
	s.title("The E-Trunk information")
	s.pairs(
		field{"E-TRUNK-ID", &t.ID}, field{"Revert-Delay-Time (s)", &t.RevertDelay},
		field{"Priority", &t.Priority}, field{"System-ID", &t.SystemID},
		field{"Peer-IP", &t.Peer}, field{"Source-IP", &t.Local},
		field{"State", &t.Role}, field{"Causation", &t.Reason},
		field{"Send-Period (100ms)", &t.HelloInterval}, field{"Fail-Time (100ms)", &t.FailTime},
		field{"Receive", &t.Received}, field{"Send", &t.Sent},
		field{"RecDrop", &t.RecDrop}, field{"SndDrop", &t.SndDrop},
		field{"Peer-Priority", &t.PeerPriority}, field{"Peer-System-ID", &t.PeerSystemID},
		field{"Peer-Fail-Time (100ms)", &t.PeerFailTime}, field{"BFD-Session", &t.BFDSession},
		field{"Description", &t.Description},
	)
	s.pairs(
		field{"Peer-Alive", &t.PeerAlive}, field{"Peer-Device-ID", &t.PeerDeviceID},
		field{"Security-Key", &t.KeySet}, field{"BFD-State", &t.BFD},
		field{"Authentication-Mode", &t.AuthMode}, field{"Sequence", &t.Sequence},
		field{"Revertive", &t.Revertive}, field{"Preferred", &t.Preferred},
		field{"VPN-Instance", &t.VPN},
	)
	s.counted(&t.Counters, s.pairs)
}

// showPaths shows the paths of the hellos, and the counters of each path.
func showPaths(s *sheet, t *state.ETrunk) {
	s.title("The Path information")
	list(s, &t.Paths, func(i int, p *state.Path) {
		if i > 0 {
			s.line("")
		}
		s.pairs(
			field{"Path", &p.Kind}, field{"State", &p.Up},
			field{"Peer-IP", &p.Peer}, field{"Source-IP", &p.Local},
			field{"VPN-Instance", &p.VPN}, field{"State-Time", &p.For},
			field{"Last-Heard", &p.Heard}, field{"RecDrop", &p.RecDrop},
			field{"Receive", &p.Received}, field{"Send", &p.Sent},
		)
		s.counted(&p.Counters, s.pairs)
	})
}

func showMembers(s *sheet, t *state.ETrunk) {
	s.title("The Member information")
	rows(s, 0, &t.Members, func(m *state.Member) []field {
		return []field{{"Type", &m.Type}, {"ID", &m.ID}, {"LocalPhyState", &m.Up}, {"Work-Mode", &m.Mode}, {"State", &m.Role},
			{"Causation", &m.Reason}, {"Remote-ID", &m.RemoteID}}
	})
	s.rule()
	s.title("The Duty information")
	rows(s, 0, &t.Duties, func(m *state.Member) []field {
		return []field{{"ID", &m.ID}, {"Duty", &m.Duty}, {"Querier", &m.Querier}, {"Ready", &m.Ready}, {"Covers", &m.Covers},
			{"Peer-State", &m.PeerRole}, {"Peer-Ready", &m.PeerReady}, {"Peer-Covers", &m.PeerCovers}}
	})
	s.line("")
	rows(s, 0, &t.Reasons, func(m *state.Member) []field {
		return []field{{"ID", &m.ID}, {"Duty-Reason", &m.DutyReason}, {"Not-Ready-Reason", &m.NotReady}, {"Give-Back", &m.GiveBack},
			{"Peer-Not-Ready-Reason", &m.PeerLack}, {"Ready-For", &m.ReadyFor}, {"Peer-Ready-For", &m.PeerReadyFor}}
	})
}

// showProofs shows what this device has proved of each member and of the upstream
// interface.
func showProofs(s *sheet, t *state.ETrunk) {
	s.title("The Proof information")
	rows(s, 0, &t.Proofs, func(p *state.Proof) []field {
		return []field{{"Object", &p.Object}, {"Proof", &p.Kind}, {"Verdict", &p.Verdict}, {"For", &p.For}, {"Reason", &p.Reason}, {"", &p.Proven}}
	})
}

// showDifferences lists the settings that should be the same on both devices and are not.
func showDifferences(s *sheet, t *state.ETrunk) {
	s.title("The Configuration check")
	s.record(&t.Compared)
	switch {
	case !t.Compared:
		s.line("Not compared: the peer has not been heard")
	case len(t.Differences) == 0:
		s.line("Both devices agree")
	}
	rowsIfAny(s, 0, &t.Differences, func(d *etrunk.Difference) []field {
		return []field{{"Object", &d.Where}, {"Setting", &d.Setting}, {"Local", &d.Local}, {"Peer", &d.Peer}}
	})
}

func ethTrunkName(id uint32) string { return fmt.Sprintf("Eth-Trunk%d", id) }
