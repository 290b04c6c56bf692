package device

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/event"
	"tandem/internal/proof"
)

// readyRig returns a device that serves alone and is ready.
func readyRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.dev.services.get("rbs1").SyncedOnce = true
	r.dev.agenda.add(stageDuty, r.now)
	r.pass(time.Minute)
	if lack := r.lacking(); lack != "" {
		t.Fatalf("not ready: %s", lack)
	}
	return r
}

func (r *rig) member() *member { return r.dev.trunks.get(1).members[10] }
func (r *rig) lacking() string { return r.member().Lacking }
func (r *rig) raised(kind *event.AlarmKind, object string) bool {
	return slices.ContainsFunc(r.dev.Conditions(), func(c event.Condition) bool { return c.AlarmKind == kind && c.Object == object })
}

// TestUnableInterface: if the kernel keeps an interface from working, the member is not
// ready, and the reason names the interface. A device that cannot send queries does not
// have the querier's duty.
func TestUnableInterface(t *testing.T) {
	for netdev, want := range map[string]struct {
		name string
		mute bool
	}{"up0": {"up0", false}, "eth-trunk10": {"Eth-Trunk10", true}, "eth-trunk10.100": {"Eth-Trunk10.100", true}} {
		for _, lack := range []proof.Lack{proof.LacksMTU, proof.LacksIPv6, proof.LacksUnique, proof.LacksDetection, proof.LacksLinkLocal, proof.LacksSending} {
			r := readyRig(t)
			link := r.dev.links[netdev]
			able := link
			link.Lacks = lack
			r.handle(link)
			if got := r.lacking(); got != want.name+": "+lack.String() || r.member().Lack != etrunk.LackInterface {
				t.Errorf("%s lacks %v: the member lacks %q", netdev, lack, got)
			}
			if r.member().Duty.Querier == want.mute {
				t.Errorf("%s lacks %v: querier %v", netdev, lack, r.member().Duty.Querier)
			}
			if alarm := r.raised(event.InterfaceUnable, want.name); alarm != (lack != proof.LacksDetection) {
				t.Errorf("%s lacks %v: alarm %v", netdev, lack, alarm)
			}
			r.handle(able)
			r.pass(time.Second)
			if r.lacking() != "" || !r.member().Duty.Querier || r.raised(event.InterfaceUnable, want.name) {
				t.Errorf("%s is able again: lacking %q, querier %v", netdev, r.lacking(), r.member().Duty.Querier)
			}
		}
	}
}

// TestMutePeer: a device queries in place of a peer that cannot, whichever of them sends
// the streams.
func TestMutePeer(t *testing.T) {
	m := &member{}
	master := etrunk.MemberState{Role: etrunk.MemberMaster, PeerKnown: true}
	mutePeer := master
	mutePeer.Peer.Mute = true
	for name, tt := range map[string]struct {
		kind            DutyKind
		mute, preferred bool
		ms              etrunk.MemberState
		want            bool
	}{
		"alone":                    {DutySole, false, false, master, true},
		"alone, and cannot":        {DutySole, true, true, master, false},
		"shares, preferred":        {DutyShared, false, true, master, true},
		"shares":                   {DutyShared, false, false, master, false},
		"shares with a mute":       {DutyShared, false, false, mutePeer, true},
		"sends nothing":            {DutyNone, false, true, master, false},
		"sends nothing for a mute": {DutyNone, false, false, mutePeer, true},
		"both are mute":            {DutySole, true, true, mutePeer, false},
	} {
		m.Duty.Kind = tt.kind
		if got := m.queries(tt.mute, tt.preferred, tt.ms); got != tt.want {
			t.Errorf("%s: querier %v", name, got)
		}
	}
}

// TestUnreplicated: a member whose listeners are not replicated is not ready, and shows
// the reason. It is ready again when replication is configured again.
func TestUnreplicated(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(s *Settings)
		want   string
	}{
		"undo service-type mld": {func(s *Settings) {
			s.Profiles["rbp1"] = ProfileSettings{BackupID: 10, Service: "rbs1", Member: Member{1, 10}, Hot: true}
		},
			"its remote backup profile does not replicate MLD"},
		"undo peer-backup hot": {func(s *Settings) {
			s.Profiles["rbp1"] = ProfileSettings{BackupID: 10, Service: "rbs1", Member: Member{1, 10}, MLD: true}
		},
			"its remote backup profile does not replicate MLD"},
		"undo e-trunk": {func(s *Settings) {
			s.Profiles["rbp1"] = ProfileSettings{BackupID: 10, Service: "rbs1", MLD: true, Hot: true}
		},
			"no remote backup profile is bound to the Eth-Trunk"},
		"undo remote-backup-profile": {func(s *Settings) {
			for name, ifc := range s.Interfaces {
				ifc.Profile = ""
				s.Interfaces[name] = ifc
			}
		}, "no interface with MLD has its remote backup profile"},
		"undo mld enable": {func(s *Settings) {
			maps.DeleteFunc(s.Interfaces, func(_ string, ifc InterfaceSettings) bool { return !ifc.Upstream })
		}, "no interface with MLD has its remote backup profile"},
	} {
		t.Run(name, func(t *testing.T) {
			r := readyRig(t)
			s := rigSettings()
			tt.change(&s)
			r.configure(s)
			if got := r.lacking(); got != tt.want || r.member().Lack != etrunk.LackReplication {
				t.Errorf("lacking %q, want %q", got, tt.want)
			}
			// An interface on the leg of a member has the member's duty, with a profile
			// or without one.
			for _, ifc := range r.dev.downstreams.list {
				if strings.HasPrefix(ifc.netdev, "eth-trunk10") && ifc.member != r.member() {
					t.Errorf("%s is not the member's", ifc.name)
				}
			}
			r.configure(rigSettings())
			r.pass(time.Minute)
			if got := r.lacking(); got != "" {
				t.Errorf("put back: lacking %q", got)
			}
		})
	}
}

// TestETrunkWithoutMulticast: if neither device has multicast routing, a member lacks
// nothing. If only the peer has it, this device leaves everything to the peer.
func TestETrunkWithoutMulticast(t *testing.T) {
	r := readyRig(t)
	s := rigSettings()
	clear(s.Profiles)
	maps.DeleteFunc(s.Interfaces, func(_ string, ifc InterfaceSettings) bool { return !ifc.Upstream })
	r.configure(s)
	r.pass(time.Minute)
	if got := r.lacking(); got != "" {
		t.Errorf("lacking %q", got)
	}
	ms := etrunk.MemberState{Role: etrunk.MemberMaster, PeerKnown: true, PeerReplicates: true}
	if got, _ := r.dev.duties.lacking(r.now, r.member(), ms, true); got != etrunk.LackReplication {
		t.Errorf("beside a peer that replicates: lacking %v", got)
	}
}
