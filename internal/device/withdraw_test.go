package device

import (
	"maps"
	"net/netip"
	"testing"

	"tandem/internal/etrunk"
)

// TestLoses: the device knows in advance what a configuration takes from a member.
// Additions and harmless changes are no reason to hand over.
func TestLoses(t *testing.T) {
	id := Member{1, 10}
	for name, tt := range map[string]struct {
		change func(s *Settings)
		loses  bool
	}{
		"nothing":              {func(*Settings) {}, false},
		"undo e-trunk":         {func(s *Settings) { delete(s.ETrunks, 1) }, true},
		"another security key": {func(s *Settings) { cfg := s.ETrunks[1]; cfg.Key = []byte("other"); s.ETrunks[1] = cfg }, true},
		"another peer": {func(s *Settings) {
			cfg := s.ETrunks[1]
			cfg.Peer = netip.MustParseAddr("2001:db8::c")
			s.ETrunks[1] = cfg
		}, true},
		"another priority":    {func(s *Settings) { cfg := s.ETrunks[1]; cfg.Priority = 7; s.ETrunks[1] = cfg }, false},
		"shutdown of the leg": {func(s *Settings) { s.Legs[id] = LegSettings{Netdev: "eth-trunk10", Shutdown: true} }, true},
		"undo service-type":   {func(s *Settings) { p := s.Profiles["rbp1"]; p.MLD = false; s.Profiles["rbp1"] = p }, true},
		"another profile beside": {func(s *Settings) {
			s.Profiles["rbp2"] = ProfileSettings{BackupID: 20, Service: "rbs1", MLD: true, Hot: true}
		}, false},
		"undo remote-backup-service": {func(s *Settings) { delete(s.Services, "rbs1") }, true},
		"undo mld proxy":             {func(s *Settings) { delete(s.Interfaces, "up0") }, true},
		"undo mld enable":            {func(s *Settings) { delete(s.Interfaces, "Eth-Trunk10.100") }, true},
		"undo remote-backup-profile": {func(s *Settings) {
			ifc := s.Interfaces["Eth-Trunk10"]
			ifc.Profile = ""
			s.Interfaces["Eth-Trunk10"] = ifc
		}, true},
		"an interface elsewhere": {func(s *Settings) {
			s.Interfaces["lan0"] = InterfaceSettings{Netdev: "lan0", MLD: s.Interfaces["up0"].MLD}
		}, false},
		"other timers": {func(s *Settings) {
			ifc := s.Interfaces["Eth-Trunk10"]
			ifc.MLD.QueryInterval *= 2
			s.Interfaces["Eth-Trunk10"] = ifc
		}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := readyRig(t)
			s := rigSettings()
			tt.change(&s)
			lost := r.dev.Loses(s)
			if (len(lost) == 1 && lost[0] == id) != tt.loses || len(lost) > 1 {
				t.Errorf("loses %v", lost)
			}
			r.handle(Withdraw{Members: lost})
			if words := r.lacking(); (words != "") != tt.loses {
				t.Errorf("told to withdraw, it lacks %q", words)
			}
			if !r.dev.Withdrawn() { // there is no peer to wait for
				t.Error("waits for nobody")
			}
			r.configure(rigSettings())
			if m := r.member(); m.Withdrawn {
				t.Error("withdrawn for ever")
			}
		})
	}
	r := readyRig(t)
	s := rigSettings()
	s.Interfaces["lan0"] = InterfaceSettings{Netdev: "lan0", MLD: s.Interfaces["up0"].MLD}
	r.configure(s)
	s.Interfaces = maps.Clone(s.Interfaces)
	delete(s.Interfaces, "lan0")
	if lost := r.dev.Loses(s); len(lost) != 0 {
		t.Errorf("an interface that no member has: loses %v", lost)
	}
}

// TestWithdrawn: a withdrawn member waits until the peer sends everything in its place.
// It does not wait for a peer that does so already, or that cannot.
func TestWithdrawn(t *testing.T) {
	all := etrunk.Announcement{Up: true, Role: etrunk.MemberMaster, Ready: true, Covers: etrunk.AllBuckets, Seen: etrunk.Seen{Known: true, Up: true}}
	for name, tt := range map[string]struct {
		change func(ms *etrunk.MemberState)
		want   bool
	}{
		"the peer sends all":                    {func(*etrunk.MemberState) {}, true},
		"it is not ready, and sends all":        {func(ms *etrunk.MemberState) { ms.Peer.Ready = false }, true},
		"it sends its share":                    {func(ms *etrunk.MemberState) { ms.Peer.Covers = etrunk.Bucket1 }, false},
		"it does not know of the withdrawal":    {func(ms *etrunk.MemberState) { ms.Peer.Seen.Ready = true }, false},
		"it knows nothing":                      {func(ms *etrunk.MemberState) { ms.Peer.Seen = etrunk.Seen{} }, false},
		"there is none":                         {func(ms *etrunk.MemberState) { ms.PeerKnown = false }, true},
		"it is Backup, and could take over":     {func(ms *etrunk.MemberState) { ms.Peer.Role = etrunk.MemberBackup }, false},
		"it is Backup and is not to be another": {func(ms *etrunk.MemberState) { ms.PeerMode = etrunk.ForceBackup }, true},
	} {
		r := readyRig(t)
		r.member().Withdrawn = true
		ms := etrunk.MemberState{ID: 10, PeerKnown: true, PeerMode: etrunk.Auto, Peer: all}
		tt.change(&ms)
		r.dev.trunks.get(1).state.Members = []etrunk.MemberState{ms}
		if got := r.dev.Withdrawn(); got != tt.want {
			t.Errorf("%s: withdrawn %v", name, got)
		}
	}
}
