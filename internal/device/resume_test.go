package device

import (
	"bytes"
	"encoding/gob"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"tandem/internal/mld"
)

// succeed replaces the rig's device by a successor with its encoded checkpoint.
func (r *rig) succeed(s Settings) {
	r.t.Helper()
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(r.dev.Checkpoint(r.now)); err != nil {
		r.t.Fatal(err)
	}
	var cp Checkpoint
	if err := gob.NewDecoder(&b).Decode(&cp); err != nil {
		r.t.Fatal(err)
	}
	r.dev = New(cp.ID, cp.Boot, time.Unix(1, 0), r.now)
	for _, link := range cp.Links {
		r.dev.Handle(r.now, link)
	}
	if err := r.dev.Resume(r.now, s, &cp); err != nil {
		r.t.Fatal(err)
	}
}

// TestResume: a successor has the state of its predecessor. It requests the same entries
// and the same gate, and nothing that a host, a router or the peer would notice.
func TestResume(t *testing.T) {
	r := newRig(t)
	r.pass(30 * time.Second)
	source := netip.MustParseAddr("2001:db8:5::1")
	r.report("eth-trunk10", 0, 0, mld.GroupRecord{Type: mld.ChangeToInclude, Sources: []netip.Addr{source}})
	r.report("eth-trunk10", 1, 1, mld.GroupRecord{Type: mld.ChangeToExclude})
	r.report("eth-trunk10.100", 2, 1, mld.GroupRecord{Type: mld.ChangeToExclude})
	r.handle(StreamArrived{Netdev: "up0", Source: source, Group: groupOf(1)}) // a stream that a listener wants
	r.handle(StreamArrived{Netdev: "up0", Source: source, Group: groupOf(2)}) // a stream that no listener wants
	r.pass(10 * time.Second)
	routes, groups, trunk := r.dev.Routes(r.now), r.dev.Groups(r.now, "Eth-Trunk10"), r.dev.trunks.get(1).core.Session()
	members := *r.dev.trunks.get(1).members[10]
	duties := r.dev.Snapshot(r.now, time.Time{}).Interfaces
	if len(routes) != 3 || len(groups) != 2 {
		t.Fatalf("%d routes, %d groups", len(routes), len(groups))
	}
	for range 2 {
		r.succeed(rigSettings())
		fx := r.dev.Effects()
		if len(fx.MLD)+len(fx.Legs) > 0 {
			t.Errorf("asked for %v and %v", fx.MLD, fx.Legs)
		}
		for _, n := range fx.Events {
			t.Errorf("told of %+v", n)
		}
		if len(fx.Routes) != len(routes) || fx.Gate == nil {
			t.Errorf("%d entries and gate %v asked for", len(fx.Routes), fx.Gate)
		}
		if got := r.dev.Routes(r.now); !reflect.DeepEqual(got, routes) {
			t.Errorf("routes\n%+v, want\n%+v", got, routes)
		}
		for i, g := range r.dev.Groups(r.now, "Eth-Trunk10") {
			if !reflect.DeepEqual(g, groups[i]) {
				t.Errorf("group %+v, want %+v", g, groups[i])
			}
		}
		after := r.dev.trunks.get(1).core.Session()
		out, was := after.Kept.Out, trunk.Kept.Out
		if out.Epoch != was.Epoch || out.Challenge != was.Challenge || after.Kept.Role != trunk.Kept.Role || out.Sequence < was.Sequence {
			t.Errorf("session %+v, was %+v", after, trunk)
		}
		if got := *r.dev.trunks.get(1).members[10]; !reflect.DeepEqual(got, members) {
			t.Errorf("member %+v, was %+v", got, members)
		}
		for i, ifc := range r.dev.Snapshot(r.now, time.Time{}).Interfaces {
			if ifc.Duty != duties[i].Duty || ifc.MLD.IsQuerier != duties[i].MLD.IsQuerier || ifc.MLD.GeneralQueryIn != duties[i].MLD.GeneralQueryIn {
				t.Errorf("interface %+v, was %+v", ifc, duties[i])
			}
		}
	}
	r.pass(time.Second)
}

// TestResumeWithOtherSettings: objects that the successor's configuration does not
// contain are gone.
func TestResumeWithOtherSettings(t *testing.T) {
	r := newRig(t)
	r.pass(30 * time.Second)
	r.report("eth-trunk10", 0, 0, mld.GroupRecord{Type: mld.ChangeToExclude})
	r.succeed(Settings{})
	r.pass(time.Minute)
	if s := r.dev.Snapshot(r.now, time.Time{}); len(s.Interfaces)+len(s.ETrunks)+len(s.Services) > 0 {
		t.Errorf("left: %+v", s)
	}
}
