package pim

import (
	"math/rand/v2"
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tandem/internal/resumetest"
)

// TestNothingIsForgotten: each new field is kept for a successor, or is listed as made
// again.
func TestNothingIsForgotten(t *testing.T) {
	resumetest.Fields(t, reflect.TypeFor[Router](), []string{"ports", "groups", "trees", "targets", "outbox", "bootstrap"}, map[string]string{
		"cfg": "given", "rng": "given", "now": "given", "order": "of ports", "seed": "of the program",
		"timers": "of trees", "derived": "of trees", "joined": "of trees", "unsent": "of trees",
	})
	resumetest.Fields(t, reflect.TypeFor[port](), []string{"name", "cfg", "kept"}, nil)
	resumetest.Fields(t, reflect.TypeFor[tree](), []string{"TreeKept", "derived"}, map[string]string{
		"group": "place", "target": "place", "slot": "place", "place": "place",
	})
	resumetest.Fields(t, reflect.TypeFor[groupState](), []string{"addr", "wants"}, map[string]string{
		"ssm": "of the configuration", "star": "place", "sources": "places",
	})
	resumetest.Fields(t, reflect.TypeFor[target](), []string{"addr", "hops"}, map[string]string{"trees": "places", "pins": "of the bootstrap routers"})
	resumetest.Fields(t, reflect.TypeFor[bootstrap](), []string{"kept"}, map[string]string{"waiting": "comes again within a minute", "due": "of the zones"})
	resumetest.Survives(t, Memory{})
}

// TestResume: a successor sends the messages that its predecessor would have sent, at the
// same times.
func TestResume(t *testing.T) {
	build := func() *rig {
		x := onShared(t, testConfig(), Wants{Any: true, Sources: []netip.Addr{s2}})
		x.want(ssm1, Wants{Sources: []netip.Addr{s1}})
		x.route(s1, via("a", n1), via("b", n1))
		x.route(s2, via("b", n1))
		x.hear("a", n1, bootstrapOf(bsr1, 10, s2))
		x.route(bsr1, via("a", n1))
		x.run(20 * time.Second)
		x.flow(s1, asm1, "a")
		x.hear("a", n2, &Assert{Group: group(asm1), Metric: Metric{RPT: true, Preference: 1}})
		x.want(addr("ff3e::2"), Wants{Sources: []netip.Addr{s1}})
		x.sent = nil
		return x
	}
	old, next := build(), build()
	m := next.r.Memory()
	next.r = NewRouter(testConfig(), rand.New(rand.NewPCG(9, 9)), next.now)
	next.r.rng = rand.New(next.random) // so that both draw the same times
	next.r.Resume(next.now, m)
	if diff := cmp.Diff(m, next.r.Memory(), same, cmpopts.EquateComparable(Hop{}), cmpopts.SortSlices(func(a, b TargetMemory) bool { return a.Root.Less(b.Root) })); diff != "" {
		t.Errorf("the memory of a successor differs:\n%s", diff)
	}
	if a, b := old.r.Roots(), next.r.Roots(); !cmp.Equal(a, b, same) || len(a) != 3 {
		t.Errorf("roots %v, then %v", a, b)
	}
	for _, x := range []*rig{old, next} {
		for _, name := range []string{"a", "b"} {
			x.r.SetInterface(x.now, name, DefaultInterfaceConfig(), upLink, &x.fx)
		}
		x.effects()
		x.want(asm1, Wants{Any: true, Sources: []netip.Addr{s2}})
		x.run(30 * time.Second)
		x.want(ssm1, Wants{})
		x.run(time.Hour)
	}
	if a, b := old.r.Pending(), next.r.Pending(); a != b || old.r.Joined() != next.r.Joined() {
		t.Errorf("pending %d, then %d", a, b)
	}
	if len(old.sent) < 100 {
		t.Errorf("only %d messages to compare", len(old.sent))
	}
	if diff := cmp.Diff(old.sent, next.sent, same); diff != "" {
		t.Errorf("a successor sends other things:\n%s", diff)
	}
}
