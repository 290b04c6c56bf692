package device

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"tandem/internal/event"
	"tandem/internal/mld"
)

var stream = SourceGroup{netip.MustParseAddr("2001:db8:5::1"), groupOf(1)}

// outgoingNow returns the outgoing interfaces of a stream, by the last route sent to the
// kernel.
func (r *rig) outgoingNow(sg SourceGroup) []string {
	if route := r.dev.routes.table.get(sg); route != nil {
		return route.path.outgoing
	}
	return nil
}

// reconfigure changes the MLD settings of the first downstream interface.
func (r *rig) reconfigure(change func(*mld.Config)) {
	s := rigSettings()
	i := s.Interfaces["Eth-Trunk10"]
	change(&i.MLD)
	s.Interfaces["Eth-Trunk10"] = i
	r.configure(s)
}

func exactly(sources ...netip.Addr) mld.GroupRecord {
	return mld.GroupRecord{Type: mld.ModeIsInclude, Sources: sources}
}

// A static group is forwarded and joined upstream without a host. It is not replicated.
func TestStaticGroupIsForwarded(t *testing.T) {
	r := newRig(t)
	r.reconfigure(func(c *mld.Config) {
		c.Static = []mld.StaticGroup{{Group: stream.Group, Source: stream.Source}, {Group: groupOf(2)}}
	})
	if got := r.outgoingNow(stream); !slices.Equal(got, []string{"eth-trunk10"}) {
		t.Errorf("sent to %v", got)
	}
	if n := r.dev.proxy.core.Joined(); n != 2 {
		t.Errorf("%d groups joined upstream", n)
	}
	r.handle(StreamArrived{Netdev: "up0", Source: stream.Source, Group: groupOf(2)})
	if got := r.outgoingNow(SourceGroup{stream.Source, groupOf(2)}); !slices.Equal(got, []string{"eth-trunk10"}) {
		t.Errorf("any source: sent to %v", got)
	}
	if l := r.dev.downstreams.get("Eth-Trunk10").ledger; l.live != 0 || l.total != 0 {
		t.Errorf("%d records for the peer", l.live)
	}
	r.pass(time.Hour)
	if r.outgoingNow(stream) == nil {
		t.Error("a static group has ended")
	}
	r.configure(rigSettings())
	if got := r.outgoingNow(stream); got != nil || r.dev.proxy.core.Joined() != 0 {
		t.Errorf("sent to %v after the end", got)
	}
}

// A policy also applies to streams that flow already. When it is removed, they flow
// again.
func TestGroupPolicyChangesRoutes(t *testing.T) {
	r := newRig(t)
	r.report("eth-trunk10", 1, 1, exactly(stream.Source))
	r.report("eth-trunk10", 1, 2, exactly(stream.Source))
	other := SourceGroup{stream.Source, groupOf(2)}
	r.reconfigure(func(c *mld.Config) {
		c.GroupPolicy = &mld.Policy{Rules: []mld.PolicyRule{{Group: netip.PrefixFrom(stream.Group, 128)}, {Permit: true}}}
	})
	if r.outgoingNow(stream) != nil || r.outgoingNow(other) == nil {
		t.Error("what is denied is sent, or what is permitted is not")
	}
	r.configure(rigSettings())
	if r.outgoingNow(stream) == nil {
		t.Error("not sent after the policy has gone")
	}
}

// The mapped sources of a group are routed before their first packet comes.
func TestSSMMappingMakesRoutes(t *testing.T) {
	r := newRig(t)
	r.report("eth-trunk10", 1, 1, mld.GroupRecord{Type: mld.ModeIsExclude})
	if r.outgoingNow(stream) != nil {
		t.Error("a route for no packet")
	}
	r.reconfigure(func(c *mld.Config) {
		c.SSMMapping = []mld.Mapping{{Groups: netip.MustParsePrefix("ff00::/8"), Source: stream.Source}}
	})
	if r.outgoingNow(stream) == nil {
		t.Error("no route for the mapped source")
	}
}

// The bound on all records holds across interfaces. The log gets an event for many
// refusals together, not for each.
func TestRecordLimit(t *testing.T) {
	r := newRig(t)
	s := rigSettings()
	s.RecordLimit = 3
	r.configure(s)
	var notices []string
	for host := range 10 {
		netdev := []string{"eth-trunk10", "eth-trunk10.100"}[host%2]
		r.dev.Handle(r.now, &MLDReceived{Netdev: netdev,
			Meta: mld.Meta{Src: hostOf(host), Dst: mld.AllMLDv2Routers, HopLimit: 1, RouterAlert: true},
			Packet: &mld.Packet{Type: mld.TypeReportV2, Records: []mld.GroupRecord{
				{Type: mld.ModeIsInclude, Group: stream.Group, Sources: []netip.Addr{stream.Source}}}}})
		for _, e := range r.dev.Effects().Events {
			if e.Kind == event.MLDJoinRefused {
				notices = append(notices, e.Facts())
			}
		}
	}
	total := 0
	for _, ifc := range r.dev.downstreams.list {
		total += ifc.router.Hosts()
	}
	if total != 3 || len(notices) != 2 || !strings.Contains(notices[0], "Refused=1, ") {
		t.Errorf("%d records, notices %q", total, notices)
	}
	r.configure(rigSettings())
	r.report("eth-trunk10", 9, 1, exactly(stream.Source))
	if r.dev.downstreams.get("Eth-Trunk10").router.Hosts() < 2 {
		t.Error("still bounded")
	}
}
