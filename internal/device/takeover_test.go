package device

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tandem/internal/etrunk"
	"tandem/internal/mld"
)

const takeoverSession = "to_b"

// sharing returns a rig that shares the sending with a peer. The peer is the querier and
// has received the reports of all hosts. The channel is down, so the peer's records are
// retained, but BFD is still Up.
func sharing(t testing.TB, groups, hosts int) *rig {
	r := newRig(t)
	s := rigSettings()
	cfg := s.ETrunks[1]
	cfg.BFDSession, cfg.RevertDelay = takeoverSession, 0
	s.ETrunks[1] = cfg
	r.configure(s)

	full := newPeer(t)
	for h := range hosts {
		p := &mld.Packet{Type: mld.TypeReportV2}
		for g := range groups {
			p.Records = append(p.Records, mld.GroupRecord{Type: mld.ChangeToExclude, Group: groupOf(g)})
		}
		full.handle(&MLDReceived{Netdev: "eth-trunk10", Packet: p,
			Meta: mld.Meta{Src: hostOf(h), Dst: mld.AllMLDv2Routers, HopLimit: 1, RouterAlert: true}})
	}
	if records, _ := connect(r, full, 1); records != groups*hosts {
		t.Fatalf("%d records were replicated", records)
	}
	r.handle(BFDChanged{Session: takeoverSession, State: etrunk.BFDUp})
	r.hear(cfg, etrunk.Announcement{Up: true, Ready: true, Covers: etrunk.AllBuckets})
	r.handle(ChannelClosed{Service: "rbs1", Conn: 1, Reason: "gone"})
	if !r.dev.services.get("rbs1").Holding || r.covers() == etrunk.AllBuckets {
		t.Fatalf("holding %v, covers %v", r.dev.services.get("rbs1").Holding, r.covers())
	}
	return r
}

// hear makes a preferred peer send an announcement, until the rig has echoed it.
func (r *rig) hear(local etrunk.Config, says etrunk.Announcement) {
	cfg := etrunk.DefaultConfig()
	cfg.ID, cfg.Key, cfg.DeviceID, cfg.Priority = local.ID, local.Key, 9, 1
	cfg.Local, cfg.Peer, cfg.Members = local.Peer, local.Local, local.Members
	peer, fx := etrunk.New(rand.New(rand.NewPCG(1, 2))), etrunk.Effects{}
	if err := peer.Configure(r.now, cfg, &fx); err != nil {
		r.t.Fatal(err)
	}
	for range 20 {
		peer.Announce(r.now, 10, says, &fx)
		peer.Advance(r.now, &fx)
		for _, packet := range fx.Packets {
			r.dev.Handle(r.now, HelloReceived{From: cfg.Local, Packet: packet})
		}
		fx.Reset()
		did := r.dev.Effects()
		if asks := slices.ContainsFunc(did.MLD, func(m SendMLD) bool { return m.Netdev == "eth-trunk10" }); asks && !r.dev.trunks.get(1).members[10].Duty.Querier {
			r.t.Errorf("at %v it asks the hosts, and has no duty to", r.now)
		}
		for _, h := range did.Hellos {
			_ = peer.Receive(r.now, cfg.Peer, "", h.Packet, &fx)
		}
		r.pass(100 * time.Millisecond)
	}
}

func (r *rig) covers() etrunk.Buckets { return r.dev.trunks.get(1).members[10].Covers }

// TestGateBeforeRecords: when the peer is lost, the gate is among the first effects. The
// steps that go through records, the end of retention and the querier's duty, follow
// after that.
func TestGateBeforeRecords(t *testing.T) {
	r := sharing(t, 10, 2)
	ifc := r.dev.downstreams.get("Eth-Trunk10")
	r.dev.Handle(r.now, BFDChanged{Session: takeoverSession, State: etrunk.BFDDown})
	fx := r.dev.Effects()
	if fx.Gate == nil || len(fx.Gate.Bucket0)+len(fx.Gate.Bucket1)+len(fx.Gate.Closed) > 0 {
		t.Fatalf("gate %+v", fx.Gate)
	}
	if s := r.dev.services.get("rbs1"); !s.Holding || ifc.router.IsQuerier() || len(fx.MLD) > 0 {
		t.Errorf("with the gate: holding %v, querier %v, %d queries", s.Holding, ifc.router.IsQuerier(), len(fx.MLD))
	}
	if !r.dev.Deadline().IsDue(r.now) {
		t.Fatalf("the rest is due at %v, not at %v", r.dev.Deadline(), r.now)
	}
	r.dev.Advance(r.now)
	fx = r.dev.Effects()
	if s := r.dev.services.get("rbs1"); s.Holding || !ifc.router.IsQuerier() || len(fx.MLD) == 0 {
		t.Errorf("after the gate: holding %v, querier %v, %d queries", s.Holding, ifc.router.IsQuerier(), len(fx.MLD))
	}
	if r.dev.Deadline().IsDue(r.now) {
		t.Error("something is still due")
	}
}

// TestWhoIsFoundAndQuietAsksNobody: a device finds a peer that has the querier's duty,
// and has to hand out the gate first. It must not send an announcement query before the
// duty is settled.
func TestWhoIsFoundAndQuietAsksNobody(t *testing.T) {
	r := sharing(t, 1, 1)
	s := r.dev.settings
	peer, cfg := s.ETrunks[1], s.ETrunks[1]
	cfg.Members = []etrunk.MemberConfig{{ID: 10, Mode: etrunk.Auto}}
	s.ETrunks = map[uint32]etrunk.Config{1: cfg}
	r.handle(BFDChanged{Session: takeoverSession, State: etrunk.BFDDown})
	r.configure(s)
	r.pass(time.Second)
	router := r.dev.downstreams.get("Eth-Trunk10").router
	if !router.IsQuerier() {
		t.Fatal("it has not taken over")
	}
	r.handle(BFDChanged{Session: takeoverSession, State: etrunk.BFDUp})
	r.hear(peer, etrunk.Announcement{Up: true, Ready: true, Role: etrunk.MemberMaster, Covers: etrunk.AllBuckets})
	if r.covers() != etrunk.NoBuckets || router.IsQuerier() {
		t.Fatalf("it covers %v, querier %v", r.covers(), router.IsQuerier())
	}
}

// BenchmarkTakeover measures the time from the loss of the peer to the gate, with a
// number of retained records of the peer.
func BenchmarkTakeover(b *testing.B) {
	for _, hosts := range []int{1, 1000} {
		b.Run(fmt.Sprintf("records=%d", 1000*hosts), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				r := sharing(b, 1000, hosts)
				b.StartTimer()
				r.dev.Handle(r.now, BFDChanged{Session: takeoverSession, State: etrunk.BFDDown})
				if r.dev.Effects().Gate == nil {
					b.Fatal("no gate")
				}
			}
		})
	}
}
