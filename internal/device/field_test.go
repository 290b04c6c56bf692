package device

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"tandem/internal/mld"
)

// reportedUpstream returns the types of the records of a group that the device has reported upstream
// since it was last asked.
func (r *rig) reportedUpstream(group netip.Addr) (types []mld.RecordType) {
	r.t.Helper()
	for _, m := range r.sent {
		var p mld.Packet
		if m.Netdev != "up0" || p.Parse(m.Payload) != nil {
			continue
		}
		for _, rec := range p.Records {
			if rec.Group == group {
				types = append(types, rec.Type)
			}
		}
	}
	r.sent = nil
	return types
}

// TestLeaveOfOneOfTwoInterfaces: as long as a host of another interface, or another host of the same
// interface, listens, nothing is left upstream (docs/field.md).
func TestLeaveOfOneOfTwoInterfaces(t *testing.T) {
	s := rigSettings()
	for _, prompt := range []string{"Eth-Trunk10", "Eth-Trunk10.100"} {
		i := s.Interfaces[prompt]
		i.MLD.PromptLeave = true
		s.Interfaces[prompt] = i
	}
	r := boot(t, 7, s)
	group := groupOf(1)
	r.report("eth-trunk10", 1, 1, mld.GroupRecord{Type: mld.ChangeToExclude})
	r.report("eth-trunk10", 2, 1, mld.GroupRecord{Type: mld.ChangeToExclude})
	r.report("eth-trunk10.100", 3, 1, mld.GroupRecord{Type: mld.ChangeToExclude})
	r.pass(5 * time.Second)
	if got := r.reportedUpstream(group); !slices.Contains(got, mld.ChangeToExclude) {
		t.Fatalf("joined upstream by %v", got)
	}
	leave := mld.GroupRecord{Type: mld.ChangeToInclude}
	for _, l := range []struct {
		netdev string
		host   int
		ends   bool
	}{{"eth-trunk10", 1, false}, {"eth-trunk10.100", 3, false}, {"eth-trunk10", 2, true}} {
		r.report(l.netdev, l.host, 1, leave)
		r.pass(5 * time.Second)
		if got := r.reportedUpstream(group); (len(got) > 0) != l.ends {
			t.Errorf("host %d on %s left: reported upstream %v", l.host, l.netdev, got)
		}
	}
}

// TestNarrowScopeIsProxied: a source of an organization-local group is joined upstream like any other.
func TestNarrowScopeIsProxied(t *testing.T) {
	r := newRig(t)
	group, source := netip.MustParseAddr("ff38::8000:1"), netip.MustParseAddr("2001:db8:5::1")
	r.handle(&MLDReceived{Netdev: "eth-trunk10",
		Meta: mld.Meta{Src: hostOf(1), Dst: mld.AllMLDv2Routers, HopLimit: 1, RouterAlert: true},
		Packet: &mld.Packet{Type: mld.TypeReportV2, Records: []mld.GroupRecord{
			{Type: mld.AllowNewSources, Group: group, Sources: []netip.Addr{source}}}}})
	r.pass(5 * time.Second)
	if got := r.reportedUpstream(group); !slices.Contains(got, mld.AllowNewSources) {
		t.Errorf("reported upstream: %v", got)
	}
}
