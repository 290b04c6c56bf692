package mld

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestGeneralQueries(t *testing.T) {
	x := &rig{t: t, r: NewRouter(DefaultConfig(), 1, after(0)), now: after(0), id: 1}
	x.r.SetQuerierDuty(after(0), true, &x.fx)
	if len(x.fx.Queries) != 0 {
		t.Fatal("queried without a link")
	}
	x.r.SetLink(after(0), self, true, &x.fx)
	want := Query{Version: 2, MaxResponse: 10 * time.Second, Group: nobody, Robustness: 2, QueryInterval: 125 * time.Second}
	if diff := cmp.Diff([]Query{want}, x.fx.Queries, byAddr); diff != "" {
		t.Fatal(diff)
	}
	got := x.run(after(300 * time.Second))
	if want := []string{"31.25s general", "2m36.25s general", "4m41.25s general"}; !slices.Equal(got, want) {
		t.Errorf("queries %q, want %q", got, want)
	}
	x.r.SetQuerierDuty(x.now, false, &x.fx)
	if got := x.run(after(1000 * time.Second)); got != nil {
		t.Errorf("queried without duty: %q", got)
	}
	if x.r.Deadline().IsSet() {
		t.Error("a deadline with nothing to wait for")
	}
}

func TestElection(t *testing.T) {
	best := addr("fe80::8")
	x := newRig(t, DefaultConfig())
	query := func(from netip.Addr) {
		x.receive(from, &Packet{Type: TypeQuery, Query: Query{Version: 2, Group: nobody, Robustness: 3, QueryInterval: 60 * time.Second}})
	}
	querier := func(want netip.Addr, left time.Duration) {
		t.Helper()
		if s := x.r.State(x.now); s.Querier != want || s.OtherQuerierPresent != left || s.IsQuerier != (want == self) {
			t.Errorf("at %v: querier %v for %v, want %v for %v", x.now, s.Querier, s.OtherQuerierPresent, want, left)
		}
	}
	query(worse)
	querier(self, 0)
	query(better)
	querier(better, 185*time.Second)
	if s := x.r.State(x.now); s.InUse.Robustness != 3 || s.InUse.QueryInterval != 60*time.Second || s.Config.Robustness != 2 {
		t.Errorf("variables of the querier not adopted: %+v", s.InUse)
	}
	x.run(after(10 * time.Second))
	query(worse)
	querier(better, 175*time.Second) // only a query of the better or the same querier refreshes
	query(best)
	querier(best, 185*time.Second)
	query(better)
	querier(best, 185*time.Second)
	if got, want := x.run(after(200*time.Second)), []string{"3m15s general"}; !slices.Equal(got, want) {
		t.Errorf("after the querier fell silent: %q, want %q", got, want)
	}
	querier(self, 0)
	if s := x.r.State(x.now); !cmp.Equal(s.InUse, s.Config, byAddr) {
		t.Errorf("variables of the lost querier kept: %+v", s.InUse)
	}
}

func TestOtherQuerierLowersTimers(t *testing.T) {
	for _, tc := range []struct {
		name     string
		suppress bool
		sources  []netip.Addr
		left     []netip.Addr // the listeners left when the time of the query is over
	}{
		{"group", false, nil, []netip.Addr{h2}},
		{"sources", false, []netip.Addr{s1, s2}, []netip.Addr{h1}},
		{"other sources", false, []netip.Addr{s2}, []netip.Addr{h1, h2}},
		{"suppressed", true, nil, []netip.Addr{h1, h2}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			x := newRig(t, DefaultConfig())
			x.hear(h1, ModeIsExclude, group1)
			x.hear(h2, ModeIsInclude, group1, s1)
			x.receive(addr("fe80::9"), &Packet{Type: TypeQuery, Query: Query{Version: 2, Group: group1, Suppress: tc.suppress, Sources: tc.sources}})
			x.run(after(3 * time.Second))
			g, _ := x.r.GroupState(x.now, group1)
			var got []netip.Addr
			for _, h := range g.Hosts {
				got = append(got, h.Host)
			}
			if !slices.Equal(got, tc.left) {
				t.Errorf("left %v, want %v", got, tc.left)
			}
		})
	}
}

// A device that takes over the duty wins at once against a querier with a higher address.
func TestDutyTakenOver(t *testing.T) {
	x := newRig(t, DefaultConfig())
	x.r.SetQuerierDuty(after(0), false, &x.fx)
	x.receive(worse, &Packet{Type: TypeQuery, Query: Query{Version: 2, Group: nobody}})
	if s := x.r.State(after(0)); s.Querier != worse {
		t.Errorf("without duty the querier is %v", s.Querier)
	}
	x.r.SetQuerierDuty(after(0), true, &x.fx)
	if s := x.r.State(after(0)); !s.IsQuerier || len(x.fx.Queries) != 1 || x.fx.Queries[0].Destination() != allNodes {
		t.Errorf("querier %v, queries %+v", s.Querier, x.fx.Queries)
	}
}
