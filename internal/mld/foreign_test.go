package mld

import (
	"net/netip"
	"testing"
	"time"
)

var attacker = addr("fe80::1")

// The rounded codes of a hostile querier: it claims to query once in two and a half days.
const (
	seven = 7
	rare  = 31744 * time.Second
)

// hostile makes a host do what once stopped the streams of all hosts. It becomes the
// querier, announces a query interval of days, and queries a group with a response time of
// zero.
func (x *rig) hostile(meta Meta) {
	meta.Src, meta.HopLimit = attacker, 1
	for _, q := range []Query{
		{Version: 2, Group: nobody, Robustness: seven, QueryInterval: rare, MaxResponse: time.Millisecond},
		{Version: 2, Group: nobody, Robustness: 1, QueryInterval: time.Second, MaxResponse: time.Millisecond},
		{Version: 2, Group: nobody, Robustness: seven, QueryInterval: rare, MaxResponse: 8387 * time.Second},
		{Version: 2, Group: group1, Robustness: seven, QueryInterval: rare, MaxResponse: time.Millisecond},
		{Version: 1, Group: group1},
		{Version: 2, Group: group1, Robustness: 1, MaxResponse: time.Millisecond, Sources: []netip.Addr{s1}},
	} {
		m := meta
		if !m.Dst.IsValid() {
			m.Dst = q.Destination()
		}
		_ = x.r.Receive(x.now, x.version(), m, &Packet{Type: TypeQuery, Query: q}, &x.fx)
	}
}

// TestHostileQueries: whatever queries a host sends, hosts that answer this router in time
// stay listeners, and this router goes on sending queries.
func TestHostileQueries(t *testing.T) {
	paired := DefaultConfig()
	paired.Paired = true
	denied := DefaultConfig()
	denied.QueryPolicy = &HostPolicy{Rules: []HostRule{{Permit: true, Hosts: netip.MustParsePrefix("fe80::9/128")}}}
	for _, tc := range []struct {
		name    string
		cfg     Config
		meta    Meta
		drop    DropCause
		foreign bool
	}{
		{"to this router", DefaultConfig(), Meta{Dst: self, RouterAlert: true}, DropUnheard, false},
		{"in a frame to this router", DefaultConfig(), Meta{Unicast: true, RouterAlert: true}, DropUnheard, false},
		{"to all routers", DefaultConfig(), Meta{Dst: AllMLDv2Routers, RouterAlert: true}, DropUnheard, false},
		{"without the option", DefaultConfig(), Meta{}, DropUnheard, false},
		{"as it should be, to a pair", paired, Meta{RouterAlert: true}, DropForeign, true},
		{"as it should be, against a policy", denied, Meta{RouterAlert: true}, DropSender, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := newRig(t, tc.cfg)
			x.run(after(time.Minute)) // this router already has the duty
			for at := time.Minute; at < 20*time.Minute; at += time.Minute {
				x.hear(h1, ModeIsExclude, group1)
				x.hear(h2, ModeIsInclude, group1, s1)
				x.hostile(tc.meta)
				x.run(after(at + 50*time.Second))
				if g, _ := x.r.GroupState(x.now, group1); len(g.Hosts) != 2 {
					t.Fatalf("%v later %d of 2 hosts are left", 50*time.Second, len(g.Hosts))
				}
			}
			s := x.r.State(x.now)
			if !s.IsQuerier || s.Counters.Sent.GeneralQueries < 9 {
				t.Errorf("querier %v has asked %d times", s.Querier, s.Counters.Sent.GeneralQueries)
			}
			if n := *s.Counters.Drops.counters()[tc.drop]; n == 0 {
				t.Errorf("dropped %+v", s.Counters.Drops)
			}
			if (s.ForeignQuerier == attacker) != tc.foreign {
				t.Errorf("foreign querier %v", s.ForeignQuerier)
			}
			x.run(x.now.Add(5 * time.Minute))
			if s := x.r.State(x.now); s.ForeignQuerier.IsValid() {
				t.Errorf("the foreign querier %v is never gone", s.ForeignQuerier)
			}
		})
	}
}

// TestElectedWithinBounds: this router accepts an elected querier of another network, but
// not one that queries too rarely. No value of another querier shortens the life of a
// record.
func TestElectedWithinBounds(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.run(after(time.Minute))
	x.hear(h1, ModeIsExclude, group1)
	x.receive(attacker, &Packet{Type: TypeQuery, Query: Query{Version: 2, Group: nobody, Robustness: 1, QueryInterval: time.Second, MaxResponse: time.Millisecond}})
	x.hear(h2, ModeIsExclude, group1) // the life of this record derives from the querier's values
	x.receive(attacker, &Packet{Type: TypeQuery, Query: Query{Version: 2, Group: group1, Robustness: 1, QueryInterval: time.Second, MaxResponse: 0}})
	x.run(x.now.Add(1500 * time.Millisecond))
	if g, _ := x.r.GroupState(x.now, group1); len(g.Hosts) != 2 {
		t.Errorf("%d of 2 hosts are left though they had no time to answer", len(g.Hosts))
	}
	x.run(x.now.Add(time.Minute)) // the querier is silent for longer than it has announced
	x.receive(attacker, &Packet{Type: TypeQuery, Query: Query{Version: 2, Group: nobody, Robustness: 3, QueryInterval: 200 * time.Second}})
	if s := x.r.State(x.now); !s.IsQuerier || s.ForeignQuerier != attacker {
		t.Errorf("querier %v, foreign %v", s.Querier, s.ForeignQuerier)
	}
	x.receive(attacker, &Packet{Type: TypeQuery, Query: Query{Version: 2, Group: nobody, Robustness: 2, QueryInterval: 200 * time.Second}})
	if s := x.r.State(x.now); s.Querier != attacker || s.InUse.QueryInterval != 200*time.Second {
		t.Errorf("querier %v, in use %+v", s.Querier, s.InUse)
	}
}

// TestIsolatedQuerier: a host whose queries the other hosts do not receive claims to be
// the querier, with permitted values. Hosts that answer only queries they receive stay
// listeners.
func TestIsolatedQuerier(t *testing.T) {
	for _, every := range []time.Duration{time.Second, 20 * time.Second, 100 * time.Second, 240 * time.Second} {
		x := newRig(t, DefaultConfig())
		x.hear(h1, ModeIsExclude, group1)
		for at := time.Minute; at < time.Hour; at += every {
			x.receive(attacker, &Packet{Type: TypeQuery, Query: Query{Version: 2, Group: nobody, Robustness: 2, QueryInterval: 125 * time.Second, MaxResponse: 10 * time.Second}})
			if n := len(x.run(after(at))); n > 1+int(every/(31*time.Second)) {
				t.Errorf("every %v: asked %d times in between", every, n)
			} else if n > 0 {
				x.hear(h1, ModeIsExclude, group1)
			}
			if g, ok := x.r.GroupState(x.now, group1); !ok || len(g.Hosts) != 1 {
				t.Fatalf("every %v: a listener that answers has ended after %v", every, at)
			}
		}
	}
}

// TestAnsweredQuerier: while hosts answer the elected querier, this router sends no
// queries.
func TestAnsweredQuerier(t *testing.T) {
	x := newRig(t, DefaultConfig())
	for at := time.Minute; at < time.Hour; at += 2 * time.Minute {
		x.receive(attacker, &Packet{Type: TypeQuery, Query: Query{Version: 2, Group: nobody, Robustness: 2, QueryInterval: 125 * time.Second, MaxResponse: 10 * time.Second}})
		x.hear(h1, ModeIsExclude, group1)
		if asked := x.run(after(at)); len(asked) > 0 && at > time.Minute {
			t.Fatalf("asked %q beside the querier", asked)
		}
	}
}

// TestDowngrade: a query of version 1, which any host can send, keeps hosts from naming
// sources. The policy permits only some sources. The sources that a host has named before
// stay, until the host leaves.
func TestDowngrade(t *testing.T) {
	cfg := DefaultConfig()
	cfg.GroupPolicy = onlyS1
	x := newRig(t, cfg)
	x.hear(h1, ModeIsInclude, group1, s1)
	for range 10 {
		x.run(x.now.Add(100 * time.Second))
		x.hearV1(h1, TypeReportV1, group1)
		if !x.r.Wants(group1, s1) || x.r.Wants(group1, s2) {
			t.Fatalf("%v: what the host has named has ended, or more is sent", x.now)
		}
	}
	x.hearV1(h2, TypeReportV1, group1) // this host has named no sources
	if g, _ := x.r.GroupState(x.now, group1); len(g.Hosts) != 1 {
		t.Errorf("hosts %+v", g.Hosts)
	}
	x.hearV1(h1, TypeDone, group1)
	x.run(x.now.Add(5 * time.Second))
	if x.r.Wants(group1, s1) {
		t.Error("the leave of a host that has fallen back has no effect")
	}
}

// TestSlowAnswers: a specific query with a long response time leaves the records of the
// hosts as much time.
func TestSlowAnswers(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.hear(h1, ModeIsExclude, group1)
	x.receive(better, &Packet{Type: TypeQuery, Query: Query{Version: 2, Group: group1, MaxResponse: 40 * time.Second}})
	x.run(after(75 * time.Second))
	if g, _ := x.r.GroupState(x.now, group1); len(g.Hosts) != 1 {
		t.Error("the record has ended before the host had to answer")
	}
}

// TestSourcePolicy: only hosts that the policy permits can join or leave.
func TestSourcePolicy(t *testing.T) {
	cfg := DefaultConfig()
	cfg.SourcePolicy = &HostPolicy{Rules: []HostRule{{Permit: true, Hosts: netip.PrefixFrom(h1, 128)}}}
	x := newRig(t, cfg)
	x.hear(h1, ModeIsExclude, group1)
	for _, p := range []Packet{
		{Type: TypeReportV2, Records: []GroupRecord{{ModeIsExclude, group1, nil}}},
		{Type: TypeReportV1, Query: Query{Version: 1, Group: group1}},
		{Type: TypeDone, Query: Query{Version: 1, Group: group1}},
	} {
		if err := x.r.Receive(x.now, x.version(), Meta{Src: h2, HopLimit: 1}, &p, &x.fx); err == nil {
			t.Errorf("%v is taken", p.Type)
		}
	}
	if g, _ := x.r.GroupState(x.now, group1); len(g.Hosts) != 1 || x.r.State(x.now).Counters.Drops.Sender != 3 {
		t.Errorf("hosts %+v, drops %+v", g.Hosts, x.r.State(x.now).Counters.Drops)
	}
}
