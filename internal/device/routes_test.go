package device

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"tandem/internal/mld"
)

func sourceOf(i int) netip.Addr {
	return netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 15: byte(i + 1)})
}

func key(source, group int) SourceGroup { return SourceGroup{sourceOf(source), groupOf(group)} }

func (r *rig) stream(source, group int) {
	r.handle(StreamArrived{Netdev: "up0", Source: sourceOf(source), Group: groupOf(group)})
}

// origin fails unless there is an entry of this origin.
func (r *rig) origin(sg SourceGroup, want RouteOrigin) {
	r.t.Helper()
	if got := r.dev.routes.table.get(sg); got == nil || got.Origin != want {
		r.t.Errorf("entry %v is %+v, want origin %v", sg, got, want)
	}
}

func TestSilentStreams(t *testing.T) {
	r := newRig(t)
	r.report("eth-trunk10", 0, 0, mld.GroupRecord{Type: mld.ChangeToExclude})
	r.report("eth-trunk10", 0, 1, mld.GroupRecord{Type: mld.AllowNewSources, Sources: []netip.Addr{sourceOf(0)}})
	r.stream(0, 0)
	r.stream(0, 2) // no listener wants it
	asm, ssm, idle := key(0, 0), key(0, 1), key(0, 2)
	r.origin(asm, RouteASM)
	r.origin(ssm, RouteSSM)
	r.origin(idle, RouteIdle)

	r.dev.Handle(r.now, StreamsSilent{Streams: []SourceGroup{asm, ssm, idle, key(9, 9)}})
	if got := r.dev.Effects().Routes; len(got) != 1 || !got[0].Delete || got[0].Group != asm.Group {
		t.Errorf("effects of silence: %+v, want only the entry for any source deleted", got)
	}
	r.stream(0, 0)
	r.origin(asm, RouteASM)
}

// TestIdleIsBounded: a source that sends to ever new groups upstream does not fill the
// memory. The oldest idle entries are removed.
func TestIdleIsBounded(t *testing.T) {
	r := newRig(t)
	const more = 10
	for i := range mostIdle + more {
		r.stream(i%200, i/200)
	}
	entries := 0
	for range r.dev.routes.table.all() {
		entries++
	}
	if entries != mostIdle || len(r.dev.routes.table.idle) != mostIdle {
		t.Errorf("%d entries, %d on the list, want %d", entries, len(r.dev.routes.table.idle), mostIdle)
	}
	if r.dev.routes.table.get(key(more-1, 0)) != nil {
		t.Error("one of the oldest is there")
	}
	r.origin(key(more, 0), RouteIdle)
	r.stream(0, 0)
	r.origin(key(0, 0), RouteIdle)
}

// If the listeners of one interface name a source, it has an entry before its first
// packet, even while the listeners of another interface want any source.
func TestNamedSourceBesideAny(t *testing.T) {
	r := newRig(t)
	r.report("eth-trunk10", 0, 0, mld.GroupRecord{Type: mld.ChangeToExclude})
	r.report("eth-trunk10.100", 1, 0, mld.GroupRecord{Type: mld.AllowNewSources, Sources: []netip.Addr{sourceOf(0)}})
	sg := key(0, 0)
	r.origin(sg, RouteSSM)
	if c, _ := r.dev.Route(sg); !slices.Equal(c.Outgoing, []string{"eth-trunk10", "eth-trunk10.100"}) {
		t.Errorf("outgoing %v", c.Outgoing)
	}
	// The listener leaves. From then on the source is one of those that arrive without
	// being named.
	r.report("eth-trunk10.100", 1, 0, mld.GroupRecord{Type: mld.BlockOldSources, Sources: []netip.Addr{sourceOf(0)}})
	r.pass(10 * time.Second)
	r.origin(sg, RouteASM)
}

func TestExcludedSource(t *testing.T) {
	r := newRig(t)
	r.report("eth-trunk10", 0, 0, mld.GroupRecord{Type: mld.ChangeToExclude, Sources: []netip.Addr{sourceOf(0)}})
	r.stream(0, 0)
	r.stream(1, 0)
	r.origin(key(0, 0), RouteIdle)
	r.origin(key(1, 0), RouteASM)
	if c, _ := r.dev.Route(key(0, 0)); len(c.Outgoing) != 0 {
		t.Errorf("the excluded source goes to %v", c.Outgoing)
	}
}

func TestAudit(t *testing.T) {
	r := newRig(t)
	for g := range 3 {
		r.report("eth-trunk10", 0, g, mld.GroupRecord{Type: mld.AllowNewSources, Sources: []netip.Addr{sourceOf(0)}})
	}
	r.dev.BeginAudit()
	for _, g := range []int{0, 1, 1} {
		if c, ok := r.dev.Audit(key(0, g)); !ok || c.Incoming != "up0" || !slices.Equal(c.Outgoing, []string{"eth-trunk10"}) {
			t.Errorf("group %d: %+v, %v", g, c, ok)
		}
	}
	if _, ok := r.dev.Audit(key(7, 0)); ok {
		t.Error("an entry of nobody is wanted")
	}
	// Entries that are made and removed during the audit do not hide the missing ones.
	r.report("eth-trunk10", 0, 3, mld.GroupRecord{Type: mld.AllowNewSources, Sources: []netip.Addr{sourceOf(0)}})
	r.dev.routes.dropRoute(r.now, key(0, 0))
	r.take()
	if got := r.dev.Unaudited(); !slices.Equal(got, []SourceGroup{key(0, 2)}) {
		t.Errorf("missing %v, want group 2 only", got)
	}
	r.dev.BeginAudit()
	for g := 1; g <= 3; g++ {
		r.dev.Audit(key(0, g))
	}
	if got := r.dev.Unaudited(); got != nil {
		t.Errorf("missing %v, want none", got)
	}
}

// TestSourcesThatAreNotForwarded: a stream from an address that means nothing on another link is not
// forwarded, whoever wants the group. The kernel gets an entry that discards it, so that it asks no more.
func TestSourcesThatAreNotForwarded(t *testing.T) {
	r := newRig(t)
	r.report("eth-trunk10", 0, 0, mld.GroupRecord{Type: mld.ChangeToExclude})
	for _, source := range []string{"fe80::1", "::", "::1", "::ffff:192.0.2.1"} {
		sg := SourceGroup{netip.MustParseAddr(source), groupOf(0)}
		r.handle(StreamArrived{Netdev: "up0", Source: sg.Source, Group: sg.Group})
		r.report("eth-trunk10.100", 1, 0, mld.GroupRecord{Type: mld.ChangeToExclude}) // computes the routes of the group again
		r.report("eth-trunk10.100", 1, 0, mld.GroupRecord{Type: mld.ChangeToInclude})
		r.origin(sg, RouteIdle)
		if e := r.dev.routes.table.get(sg); len(e.path.outgoing) > 0 {
			t.Errorf("%s is forwarded to %v", source, e.path.outgoing)
		}
	}
	r.stream(0, 0)
	r.origin(key(0, 0), RouteASM)
}
