package device

import (
	"slices"
	"testing"
	"time"

	"tandem/internal/etrunk"
)

// serving is the announcement of a Master peer that makes the rig's member a Backup.
var serving = etrunk.Announcement{Up: true, Ready: true, Role: etrunk.MemberMaster, Covers: etrunk.AllBuckets}

// TestLegOfABackup checks how a leg is kept out of the switch's aggregate: by LACP in
// `auto` if the leg is configured for LACP and speaks it, else by taking it down.
func TestLegOfABackup(t *testing.T) {
	const leg = "eth-trunk10"
	down, aside, up := LegChange{Netdev: leg}, LegChange{Netdev: leg, Up: true, Aside: true}, LegChange{Netdev: leg, Up: true}
	for _, c := range []struct {
		name                       string
		mode                       etrunk.MemberMode
		configured, does, shutdown bool
		want                       LegChange
	}{
		{"static", etrunk.ForceBackup, false, false, false, down},
		{"forced, with LACP", etrunk.ForceBackup, true, true, false, down},
		{"LACP", etrunk.Auto, true, true, false, aside},
		{"LACP on an adopted interface that does not speak it", etrunk.Auto, true, false, false, down},
		{"adopted bond that speaks LACP by itself", etrunk.Auto, false, true, false, down},
		{"shutdown", etrunk.Auto, true, true, true, down},
		{"Master", etrunk.ForceMaster, true, true, false, up},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.dev.Handle(r.now, LinkChanged{Netdev: leg, Exists: true, Index: 2, AdminUp: true, Up: true, Heard: true, LACP: c.does})
			s := rigSettings()
			cfg := s.ETrunks[1]
			cfg.Members = []etrunk.MemberConfig{{ID: 10, Mode: c.mode}}
			s.ETrunks[1] = cfg
			s.Legs[Member{1, 10}] = LegSettings{Netdev: leg, LACP: c.configured, Shutdown: c.shutdown}
			r.legs = nil
			r.configure(s)
			if c.mode == etrunk.Auto {
				r.hear(cfg, serving)
			}
			r.pass(bootHold + time.Second)
			asked := r.legs
			if len(asked) == 0 || asked[len(asked)-1] != c.want {
				t.Fatalf("asked %+v, want %+v at last", asked, c.want)
			}
			if i := slices.Index(asked, up); c.want != up && i >= 0 {
				t.Errorf("asked %+v: the leg of a Backup was up", asked)
			}
		})
	}
}

// TestLeverComesAndGoes tests a bond that begins and ceases to speak LACP.
func TestLeverComesAndGoes(t *testing.T) {
	const leg = "eth-trunk10"
	r := newRig(t)
	s := rigSettings()
	cfg := s.ETrunks[1]
	cfg.Members = []etrunk.MemberConfig{{ID: 10, Mode: etrunk.Auto}}
	s.ETrunks[1] = cfg
	s.Legs[Member{1, 10}] = LegSettings{Netdev: leg, LACP: true}
	r.configure(s)
	r.hear(cfg, serving)
	r.pass(joinSettle)
	for _, does := range []bool{true, false, true} {
		r.legs = nil
		r.handle(LinkChanged{Netdev: leg, Exists: true, Index: 2, AdminUp: true, Up: true, Heard: true, LACP: does})
		want := LegChange{Netdev: leg, Up: does, Aside: does}
		if asked := r.legs; len(asked) != 1 || asked[0] != want {
			t.Errorf("LACP %v: asked %+v, want %+v", does, asked, want)
		}
	}
}

// TestReadyWhenJoined: a device is not ready until the switch has taken its leg into the
// aggregate. Until then its peer sends everything.
func TestReadyWhenJoined(t *testing.T) {
	const leg = "eth-trunk10"
	r := newRig(t)
	s := rigSettings()
	s.Legs[Member{1, 10}] = LegSettings{Netdev: leg, LACP: true}
	link := LinkChanged{Netdev: leg, Exists: true, Index: 2, AdminUp: true, Up: true, Heard: true, LACP: true, Apart: true}
	r.handle(link)
	r.configure(s)
	r.pass(bootHold + time.Second)
	lacking := func() string {
		_, words := r.dev.duties.lacking(r.now, r.dev.trunks.get(1).members[10], etrunk.MemberState{Role: etrunk.MemberMaster}, true)
		return words
	}
	const apart = "the switch does not have the Eth-Trunk in its aggregate"
	if lacking() != apart {
		t.Errorf("lacking %q, want %q", lacking(), apart)
	}
	link.Apart = false
	r.handle(link)
	if lacking() == apart {
		t.Error("the switch has it in its aggregate")
	}
}

// TestKeptDownIsNotNotReady: a Backup whose leg is down only because the device keeps it
// down can be ready; otherwise it could never become Master. A Backup whose leg the
// operator has shut down cannot be ready.
func TestKeptDownIsNotNotReady(t *testing.T) {
	const leg = "eth-trunk10"
	for _, shutdown := range []bool{false, true} {
		r := newRig(t)
		s := rigSettings()
		cfg := s.ETrunks[1]
		cfg.Members = []etrunk.MemberConfig{{ID: 10, Mode: etrunk.ForceBackup}}
		s.ETrunks[1] = cfg
		s.Legs[Member{1, 10}] = LegSettings{Netdev: leg, Shutdown: shutdown}
		r.configure(s)
		r.handle(LinkChanged{Netdev: leg, Exists: true, Index: 2})
		r.pass(bootHold)
		lacking := r.dev.trunks.get(1).members[10].Lacking
		if down := lacking == "the Eth-Trunk is down"; down != shutdown {
			t.Errorf("shutdown %v: lacking %q", shutdown, lacking)
		}
	}
}
